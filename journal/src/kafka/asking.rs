//! Questions to the brokers: where partitions begin and end, and when their last record was written.

use super::client::{self, Reader};
use super::ends::Ends;
use super::history::History;
use super::options::KafkaOptions;
use super::waiting::{now, pause};
use super::{CALL, wire};
use crate::{JournalError, Offset, Partition, Topic};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use std::sync::Arc;
use std::time::Duration;

/// How often a question that the brokers did not answer is asked again.
const CALLS_MAX: usize = 6;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);
/// Offsets looked through for the last record, at first: most of them are records.
const BACK: u64 = 16;

/// A consumer that joins nothing and fetches nothing.
pub(crate) struct Asking {
    options: Arc<KafkaOptions>,
    ends: Arc<Ends>,
    consumer: Reader,
}

impl Asking {
    pub(crate) fn new(options: Arc<KafkaOptions>, ends: Arc<Ends>) -> Result<Self, JournalError> {
        let consumer = client::reader(&options, &format!("{}asking", options.prefix))
            .map_err(|error| JournalError::brokers("make a consumer", error))?;
        Ok(Self {
            options,
            ends,
            consumer,
        })
    }

    /// Low and high watermark, the latter of what is committed.
    pub(crate) fn watermarks(&self, place: (Topic, Partition)) -> Result<(u64, u64), JournalError> {
        let name = wire::name(&self.options.prefix, place.0);
        let (low, high) = again("ask for watermarks", || {
            let partition = i32::from(place.1.0);
            self.consumer.fetch_watermarks(&name, partition, CALL)
        })?;
        let low = u64::try_from(low).unwrap_or_default();
        self.ends.trimmed(place, low);
        Ok((low, u64::try_from(high).unwrap_or_default()))
    }

    /// Learns how late a partition is that this process has not written to before: its record time
    /// never falls.
    pub(crate) fn learn_time(
        &self,
        history: &History,
        place: (Topic, Partition),
    ) -> Result<(), JournalError> {
        if !self.ends.knows_time(place) {
            let newest = self.newest_ms(history, place)?;
            self.ends.learn_time(place, newest);
        }
        Ok(())
    }

    /// Record time of the newest record, if there is one. Offsets where transactions ended hold
    /// none, so the way back grows until one is found.
    fn newest_ms(
        &self,
        history: &History,
        place: (Topic, Partition),
    ) -> Result<Option<i64>, JournalError> {
        let (low, high) = self.watermarks(place)?;
        let mut back = BACK;
        loop {
            let from = Offset(low.max(high.saturating_sub(back)));
            let until = Offset(high);
            if from >= until {
                return Ok(None);
            }
            let deadline = now() + self.options.transaction_timeout + CALL;
            let found = history.read_until(place, from, until, usize::MAX, deadline)?;
            let newest = found.records.iter().map(|record| record.time_ms).max();
            if newest.is_some() || from.0 == low {
                return Ok(newest);
            }
            back = back.saturating_mul(BACK);
        }
    }
}

/// Asks the brokers, a few times where they do not answer.
pub(crate) fn again<T>(
    action: &'static str,
    mut ask: impl FnMut() -> KafkaResult<T>,
) -> Result<T, JournalError> {
    let mut asked = 1;
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if asked < CALLS_MAX => {
                tracing::warn!(%error, action, "asked again");
                asked += 1;
                pause(PAUSE);
            }
            Err(error) => return Err(JournalError::brokers(action, error)),
        }
    }
}
