//! The journal in memory, for tests and simulations: the same behaviour, gone with the process.

use crate::batch::{MARK, RUN_HEADER};
use crate::partitions::{Partitions, records};
use crate::record::Run;
use crate::{
    Batch, Claims, Consumer, Journal, JournalError, Offset, Partition, Record, Ticket, Topic,
};
use bytes::Bytes;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::watch;

/// A journal that keeps everything in memory until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<Partitions>,
}

/// The most a batch may hold, the same as on disk by default.
const BATCH_BYTES_MAX: usize = 64 << 20;

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Journal for MemoryJournal {
    fn submit(&self, mut batch: Batch) -> Result<Ticket, JournalError> {
        batch.check(BATCH_BYTES_MAX)?;
        batch.seal();
        let (promise, ticket) = Ticket::pair();
        let mut state = self.state.lock();
        let mut ends: Vec<usize> = batch.starts.iter().skip(1).copied().collect();
        ends.push(batch.bytes.len().saturating_sub(batch.marks.len() * MARK));
        let bytes = Bytes::from(std::mem::take(&mut batch.bytes));
        for ((assigned, start), end) in batch.runs.iter_mut().zip(&batch.starts).zip(ends) {
            let slot = state.slot(assigned.topic, assigned.partition);
            let started = slot.end > 0;
            assigned.first = Offset(slot.end);
            assigned.time_ms = if started {
                batch.at_ms.max(slot.time_ms)
            } else {
                batch.at_ms
            };
            let run = Run {
                first: slot.end,
                count: assigned.count,
                time_ms: assigned.time_ms,
                bytes: bytes.slice((start + RUN_HEADER).min(end)..end),
            };
            state.publish(assigned.topic, assigned.partition, &run, 0);
            state.hold(assigned.topic, assigned.partition, run);
        }
        for mark in &batch.marks {
            state.mark(*mark);
        }
        for run in &batch.runs {
            state.slot(run.topic, run.partition).announce();
        }
        promise.keep(Ok(batch.runs));
        Ok(ticket)
    }

    fn submit_waiting(&self, batch: Batch) -> Result<Ticket, JournalError> {
        self.submit(batch)
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let runs = {
            let state = self.state.lock();
            state.check(topic, partition, from)?;
            let slot = state.slots.get(&(topic, partition));
            slot.and_then(|slot| slot.tail_from(from.0, max_bytes))
                .unwrap_or_default()
        };
        Ok(records(&runs, from.0, max_bytes))
    }

    fn latest(
        &self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
    ) -> Result<Option<Record>, JournalError> {
        let offset = {
            let state = self.state.lock();
            state
                .slots
                .get(&(topic, partition))
                .and_then(|slot| slot.newest(key))
        };
        match offset {
            Some(newest) => Ok(self
                .read(topic, partition, Offset(newest.offset), 1)?
                .into_iter()
                .next()),
            None => Ok(None),
        }
    }

    fn wait(&self, topic: Topic, partition: Partition, from: Offset, timeout: Duration) -> bool {
        let mut state = self.state.lock();
        let arrived = state.slot(topic, partition).arrived();
        let absent = |state: &mut Partitions| state.end(topic, partition) <= from;
        !arrived
            .wait_while_for(&mut state, absent, timeout)
            .timed_out()
            || state.end(topic, partition) > from
    }

    fn subscribe(&self, topic: Topic, partition: Partition) -> watch::Receiver<Offset> {
        self.state.lock().slot(topic, partition).subscribe()
    }

    fn resume(
        &self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, JournalError> {
        Ok(self.state.lock().resume(consumer, topic, partition))
    }

    fn first(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        Ok(self.state.lock().first(topic, partition))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        Ok(self.state.lock().end(topic, partition))
    }

    fn trim(
        &self,
        topic: Topic,
        partition: Partition,
        before: Offset,
    ) -> Result<Ticket, JournalError> {
        let mut batch = Batch::new(i64::MIN, crate::Priority::Vital);
        batch.trim(topic, partition, before);
        self.submit(batch)
    }

    fn claims(&self, topic: Topic, partitions: &[Partition]) -> Result<Claims, JournalError> {
        Ok(Claims::all(topic, partitions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Subject, run};
    use std::sync::Arc;

    #[test]
    fn conforms() {
        let open = |_: &str| -> Arc<dyn Journal> { Arc::new(MemoryJournal::new()) };
        run(&Subject {
            open: &open,
            durable: false,
        })
        .unwrap();
    }
}
