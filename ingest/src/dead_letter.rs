//! What became of input that was refused: the record kept with its reason, so that a person can
//! mend the sender and send it again.

use crate::protocol::What;
use crate::register::Rejection;
use crate::register::rejection::RAW_BYTES_MAX;
use crate::transport::mqtt::packet::PACKET_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// A refused record as the dead-letter topic holds it: JSON of a few kilobytes at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The way it came in: `http`, `mqtt`, `file`, …
    pub transport: String,
    /// Stable word for the reason ([`crate::register::Reason::word`]).
    pub reason: String,
    /// Line of its request or file, from 1.
    pub line: u64,
    /// The part that was wrong, where one part was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// Station id as written; empty where it could not be read.
    pub station: String,
    /// What was wrong and what to do, for people.
    pub message: String,
    /// The record, clipped to [`RAW_BYTES_MAX`] bytes.
    pub raw: Raw,
}

/// A record as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// It is UTF-8.
    Text(String),
    /// It is not; two hexadecimal digits a byte.
    Hex(String),
}

/// The reason of [`DeadLetter::unreadable`].
pub const UNREADABLE: &str = "unreadable_record";

impl DeadLetter {
    /// The letter for a rejection that came in by `transport`.
    pub fn new(transport: &str, rejection: &Rejection) -> Self {
        Self {
            transport: transport.into(),
            reason: rejection.reason.word().into(),
            line: rejection.line,
            field: rejection.field.map(|field| field.name().into()),
            station: rejection.station.clone(),
            message: rejection.to_string(),
            raw: Raw::new(&rejection.raw),
        }
    }

    /// The letter for a whole message that was too long to be read; `start` is how it begins.
    pub fn overlong(transport: &str, topic: &str, bytes: usize, start: &[u8]) -> Self {
        Self {
            transport: transport.into(),
            reason: What::TooLong.word().into(),
            line: 1,
            field: None,
            station: String::new(),
            message: format!(
                "a message of {bytes} bytes on {topic} was not read: send at most \
                 {PACKET_BYTES_MAX} bytes at once"
            ),
            raw: Raw::new(start),
        }
    }

    /// The letter for a record of a zone's input that was not written by this program, or is damaged.
    pub fn unreadable(offset: u64, why: &str, record: &[u8]) -> Self {
        Self {
            transport: "journal".into(),
            reason: UNREADABLE.into(),
            line: offset,
            field: None,
            station: String::new(),
            message: format!("record {offset} of the zone's input was passed over: {why}"),
            raw: Raw::new(record.get(..RAW_BYTES_MAX).unwrap_or(record)),
        }
    }

    /// The stored form.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing plain strings and numbers to memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Where the bytes are not a letter.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Raw {
    fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            // Clipping may have cut the last character in two.
            Err(error) if error.error_len().is_none() => {
                let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
                Self::Text(String::from_utf8_lossy(whole).into())
            }
            Err(_) => Self::Hex(bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::What;
    use crate::register::Reason;

    #[test]
    fn keeps_the_record_and_the_reason() {
        let mut rejection = Rejection {
            line: 7,
            field: None,
            reason: Reason::Format(What::NotJson),
            station: String::new(),
            written: String::new(),
            raw: "{\"station\":\"涵洞".as_bytes().to_vec(),
        };
        let letter = DeadLetter::new("http", &rejection);
        assert_eq!(
            String::from_utf8(letter.to_json()).unwrap(),
            "{\"transport\":\"http\",\"reason\":\"not_json\",\"line\":7,\"station\":\"\",\
             \"message\":\"line 7: it is not JSON; send one complete JSON object a line, or one \
             JSON array\",\"raw\":{\"text\":\"{\\\"station\\\":\\\"涵洞\"}}"
        );
        assert_eq!(DeadLetter::from_json(&letter.to_json()).unwrap(), letter);
        rejection.raw.pop();
        assert_eq!(
            DeadLetter::new("http", &rejection).raw,
            Raw::Text("{\"station\":\"涵".into())
        );
        rejection.raw = vec![0xff, 0x01];
        assert_eq!(
            DeadLetter::new("http", &rejection).raw,
            Raw::Hex("ff01".into())
        );
    }
}
