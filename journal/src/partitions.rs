//! What readers see: the durable end, tail, keys and positions of every partition.

use crate::batch::Mark;
use crate::disk::Place;
use crate::record::{Run, collect};
use crate::{Consumer, JournalError, Offset, Partition, Record, Retention, Topic};
use parking_lot::Condvar;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;

/// The published state of all partitions. Everything in it is durable.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    pub(crate) slots: BTreeMap<(Topic, Partition), Slot>,
    pub(crate) positions: BTreeMap<(Consumer, Topic, Partition), Offset>,
    /// The newest record time seen anywhere: what age is measured from.
    pub(crate) newest_ms: i64,
    /// The runs in memory, oldest first.
    order: VecDeque<(Topic, Partition)>,
    tail_bytes: usize,
}

/// One partition.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// The next offset.
    pub(crate) end: u64,
    /// The last record time.
    pub(crate) time_ms: i64,
    /// Everything before it may be deleted.
    pub(crate) trim: u64,
    /// Where on disk the records are, by offset.
    pub(crate) places: VecDeque<Place>,
    /// Compacted topics: where the newest record of each key is.
    pub(crate) keys: FxHashMap<Box<[u8]>, Newest>,
    tail: VecDeque<Run>,
    arrived: Arc<Condvar>,
    watch: Option<watch::Sender<Offset>>,
}

/// The newest record of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) offset: u64,
    /// Segment that holds it, as a number; 0 in memory.
    pub(crate) segment: u32,
    pub(crate) bytes: u32,
    /// The record deletes the key.
    pub(crate) deleted: bool,
}

/// What is kept in memory beside each run's bytes, charged to the bound of the tail.
const RUN_OVERHEAD: usize = 96;

impl Partitions {
    pub(crate) fn slot(&mut self, topic: Topic, partition: Partition) -> &mut Slot {
        self.slots.entry((topic, partition)).or_default()
    }

    /// Takes in a run that has become durable in `segment`; does not wake anybody.
    pub(crate) fn publish(&mut self, topic: Topic, partition: Partition, run: &Run, segment: u32) {
        self.newest_ms = self.newest_ms.max(run.time_ms);
        let slot = self.slot(topic, partition);
        slot.end = slot.end.max(run.end());
        slot.time_ms = slot.time_ms.max(run.time_ms);
        if topic.kind.retention() == Retention::Compacted {
            slot.learn_keys(run, segment);
        }
    }

    /// Keeps a published run in memory for the readers of the tail.
    pub(crate) fn hold(&mut self, topic: Topic, partition: Partition, run: Run) {
        self.tail_bytes += run.bytes.len() + RUN_OVERHEAD;
        self.order.push_back((topic, partition));
        self.slot(topic, partition).tail.push_back(run);
    }

    /// Lets the oldest runs go until no more than `limit` bytes are held in memory.
    pub(crate) fn evict(&mut self, limit: usize) {
        while self.tail_bytes > limit {
            let Some(place) = self.order.pop_front() else {
                return;
            };
            if let Some(run) = self
                .slots
                .get_mut(&place)
                .and_then(|slot| slot.tail.pop_front())
            {
                self.tail_bytes = self
                    .tail_bytes
                    .saturating_sub(run.bytes.len() + RUN_OVERHEAD);
            }
        }
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Consumed {
                consumer,
                topic,
                partition,
                next,
            } => {
                self.positions.insert((consumer, topic, partition), next);
            }
            Mark::Trim {
                topic,
                partition,
                before,
            } => {
                let slot = self.slot(topic, partition);
                slot.trim = slot.trim.max(before.0.min(slot.end));
            }
        }
    }

    pub(crate) fn resume(&self, consumer: Consumer, topic: Topic, partition: Partition) -> Offset {
        let first = self.first(topic, partition);
        self.positions
            .get(&(consumer, topic, partition))
            .map_or(first, |next| first.max(*next))
    }

    pub(crate) fn first(&self, topic: Topic, partition: Partition) -> Offset {
        Offset(
            self.slots
                .get(&(topic, partition))
                .map_or(0, |slot| slot.trim),
        )
    }

    pub(crate) fn end(&self, topic: Topic, partition: Partition) -> Offset {
        Offset(
            self.slots
                .get(&(topic, partition))
                .map_or(0, |slot| slot.end),
        )
    }

    /// Refuses an offset that has been trimmed away.
    pub(crate) fn check(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
    ) -> Result<(), JournalError> {
        let first = self.first(topic, partition);
        if from < first {
            return Err(JournalError::Trimmed {
                topic,
                partition,
                from,
                first,
            });
        }
        Ok(())
    }
}

impl Slot {
    /// The runs in memory that hold `from` and what follows; `None` when `from` is not in memory.
    pub(crate) fn tail_from(&self, from: u64, max_bytes: usize) -> Option<Vec<Run>> {
        if self.tail.front()?.first > from {
            return None;
        }
        let start = self.tail.partition_point(|run| run.end() <= from);
        let mut size = 0;
        let mut runs = Vec::new();
        for run in self.tail.range(start..) {
            if size > max_bytes {
                break;
            }
            size += run.bytes.len();
            runs.push(run.clone());
        }
        Some(runs)
    }

    /// The newest live record of `key`.
    pub(crate) fn newest(&self, key: &[u8]) -> Option<Newest> {
        let newest = self.keys.get(key)?;
        (!newest.deleted && newest.offset >= self.trim).then_some(*newest)
    }

    /// What threads wait on for records of this partition.
    pub(crate) fn arrived(&self) -> Arc<Condvar> {
        Arc::clone(&self.arrived)
    }

    pub(crate) fn subscribe(&mut self) -> watch::Receiver<Offset> {
        let end = Offset(self.end);
        self.watch
            .get_or_insert_with(|| watch::channel(end).0)
            .subscribe()
    }

    /// Wakes readers; records have been published.
    pub(crate) fn announce(&self) {
        self.arrived.notify_all();
        if let Some(watch) = &self.watch {
            watch.send_replace(Offset(self.end));
        }
    }

    fn learn_keys(&mut self, run: &Run, segment: u32) {
        for record in run.records() {
            let newest = Newest {
                offset: record.offset.0,
                segment,
                bytes: u32::try_from(record.stored_bytes()).unwrap_or(u32::MAX),
                deleted: record.payload().is_empty(),
            };
            self.learn_key(record.key(), newest);
        }
    }

    /// Notes `newest` unless a later record of the key is known.
    pub(crate) fn learn_key(&mut self, key: &[u8], newest: Newest) {
        match self.keys.get_mut(key) {
            Some(known) if known.offset > newest.offset => {}
            Some(known) => *known = newest,
            None => {
                self.keys.insert(key.into(), newest);
            }
        }
    }
}

/// The records in `runs` from `from` on, up to `max_bytes`.
pub(crate) fn records(runs: &[Run], from: u64, max_bytes: usize) -> Vec<Record> {
    let mut size = 0;
    let mut out = Vec::new();
    for run in runs {
        if collect(run, from, max_bytes, &mut size, &mut out) {
            break;
        }
    }
    out
}
