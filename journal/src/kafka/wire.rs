//! One journal record as one Kafka record. `deploy/kafka/README.md` writes the form down for others.

use crate::{JournalError, Kind, Record, Retention, Topic};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};

/// Version of the form below; a reader refuses newer ones.
const FORMAT: u32 = 1;
/// Header: version of the form.
const VERSION: &str = "sanfang-format";
/// Header: what the payload is, the writer's own code.
const KIND: &str = "sanfang-kind";
/// Header: record time, milliseconds since 1970; may be before it, which Kafka's own field may not.
const TIME: &str = "sanfang-time";
/// Kind of a record that somebody else wrote into the topic: no writer of ours uses it.
pub(crate) const FOREIGN: u8 = 0;

/// The Kafka topic of `topic` under `prefix`: a dot where our names have a slash.
pub(crate) fn name(prefix: &str, topic: Topic) -> String {
    format!("{prefix}{}", topic.to_string().replace('/', "."))
}

/// Headers of a record.
pub(crate) fn headers(kind: u8, time_ms: i64) -> OwnedHeaders {
    let (kind, time) = (kind.to_string(), time_ms.to_string());
    let text = |key, value| Header {
        key,
        value: Some(value),
    };
    OwnedHeaders::new_with_capacity(3)
        .insert(text(VERSION, FORMAT.to_string().as_str()))
        .insert(text(KIND, kind.as_str()))
        .insert(text(TIME, time.as_str()))
}

/// An empty payload deletes its key where the broker compacts: Kafka wants it absent there.
pub(crate) fn is_tombstone(topic: Topic, payload: &[u8]) -> bool {
    payload.is_empty() && topic.kind.retention() == Retention::Compacted
}

/// The record in a message; what others wrote is given as [`FOREIGN`] with its own time.
///
/// # Errors
/// [`JournalError::Newer`]: this version must not guess.
pub(crate) fn record(message: &BorrowedMessage<'_>) -> Result<Record, JournalError> {
    let headers = message.headers();
    let number = |key: &str| -> Option<i64> {
        let found = headers?.iter().find(|header| header.key == key)?;
        std::str::from_utf8(found.value?).ok()?.parse().ok()
    };
    let offset = u64::try_from(message.offset()).unwrap_or_default();
    if let Some(found) = number(VERSION).filter(|found| *found > i64::from(FORMAT)) {
        return Err(JournalError::Newer {
            file: format!(
                "{} partition {} offset {offset}",
                message.topic(),
                message.partition()
            ),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: FORMAT,
        });
    }
    let kind = number(KIND).and_then(|kind| u8::try_from(kind).ok());
    let (kind, time) = match (number(VERSION), kind, number(TIME)) {
        (Some(_), Some(kind), Some(time)) => (kind, time),
        _ => (FOREIGN, message.timestamp().to_millis().unwrap_or_default()),
    };
    let key = message.key().unwrap_or_default();
    let payload = message.payload().unwrap_or_default();
    Ok(Record::new(offset, time, kind, key, payload))
}

/// What a compacted topic holds of each key is asked for by key alone.
pub(crate) fn is_compacted(kind: Kind) -> bool {
    kind.retention() == Retention::Compacted
}
