//! A walk through topics of the journal between two record times, a turn of work and a rest as long.

use crate::clock::{monotonic_micros, rest};
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Topic};
use model::{Mode, Time};
use serde::Serialize;
use std::time::Duration;

/// Bytes read in one turn.
const TURN_BYTES: usize = 1 << 20;
/// The longest rest between two turns.
const REST_MAX_US: u64 = 100_000;
/// Bytes read between two words of how far it is.
const TOLD_EVERY: u64 = 16 << 20;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// The journal.
    #[error("the journal cannot be read: {0}; ask again")]
    Journal(#[from] JournalError),
    /// Whoever asked is gone.
    #[error("nobody waits for the answer any more")]
    Unheard,
}

/// How far a walk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Walked {
    /// Records read.
    pub(crate) records: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Record time of the last one, ms since 1970.
    #[serde(skip)]
    pub(crate) at_ms: i64,
}

/// See the file's head.
pub(super) struct Past<'a> {
    journal: &'a dyn Journal,
    mode: Mode,
    from: Option<Time>,
    to: Option<Time>,
    tell: &'a mut dyn FnMut(Walked) -> bool,
    walked: Walked,
    told: u64,
}

impl<'a> Past<'a> {
    pub(super) fn new(
        journal: &'a dyn Journal,
        mode: Mode,
        (from, to): (Option<Time>, Option<Time>),
        tell: &'a mut dyn FnMut(Walked) -> bool,
    ) -> Self {
        Self {
            journal,
            mode,
            from,
            to,
            tell,
            walked: Walked::default(),
            told: 0,
        }
    }

    pub(super) const fn walked(&self) -> Walked {
        self.walked
    }

    /// Every record of a partition between the two times.
    pub(super) fn each(
        &mut self,
        kind: Kind,
        partition: Partition,
        mut hear: impl FnMut(&Record),
    ) -> Result<(), AuditError> {
        let topic = Topic::new(kind, self.mode);
        let mut next = self.begin(topic, partition)?;
        let end = self.journal.end(topic, partition)?;
        while next < end {
            let began = monotonic_micros();
            let records = match self.journal.read(topic, partition, next, TURN_BYTES) {
                Ok(records) => records,
                // Its time was over while it was read.
                Err(JournalError::Trimmed { first, .. }) if first > next => {
                    next = first;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(last) = records.last() else { break };
            next = last.offset.plus(1);
            for record in &records {
                if self.to.is_some_and(|to| record.time_ms > to.millis()) {
                    return Ok(());
                }
                self.walked.records += 1;
                self.walked.bytes += record.payload().len() as u64;
                self.walked.at_ms = record.time_ms;
                hear(record);
            }
            if self.walked.bytes >= self.told + TOLD_EVERY {
                self.told = self.walked.bytes;
                if !(self.tell)(self.walked) {
                    return Err(AuditError::Unheard);
                }
            }
            // The service has this machine first.
            let worked = monotonic_micros().saturating_sub(began);
            rest(Duration::from_micros(worked.min(REST_MAX_US)));
        }
        Ok(())
    }

    /// The first record at or after the earlier time: record times never fall within a partition.
    fn begin(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        let mut low = self.journal.first(topic, partition)?;
        let Some(from) = self.from else {
            return Ok(low);
        };
        let mut high = self.journal.end(topic, partition)?;
        while low < high {
            let middle = Offset(low.0 + (high.0 - low.0) / 2);
            let found = self.journal.read(topic, partition, middle, 1)?;
            match found.first() {
                Some(record) if record.time_ms < from.millis() => low = record.offset.plus(1),
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }
}
