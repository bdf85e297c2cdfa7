//! What is published: the partitions, and what each segment holds of them.

use super::Place;
use super::frame::{Section, encode_next, sections};
use super::segment::SegmentId;
use crate::batch::{Mark, RUN_HEADER};
use crate::partitions::Partitions;
use crate::record::Run;
use crate::{JournalError, Partition, Retention, Retentions, Topic};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// A place in the index covers at least this much of a segment, so that the index stays small.
const PLACE_SPAN: u32 = 256 << 10;

/// Partitions and segments, under one lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) partitions: Partitions,
    pub(crate) segments: BTreeMap<SegmentId, Segment>,
}

/// What is known of a segment.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// End of its frames.
    pub(crate) used: u64,
    /// Sequence of its last frame.
    pub(crate) sequence: u64,
    /// Nothing more is appended.
    pub(crate) full: bool,
    /// Its seal is on disk.
    pub(crate) sealed: bool,
    pub(crate) contents: BTreeMap<(Topic, Partition), Contents>,
}

/// What a segment holds of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) bytes: u64,
    pub(crate) newest_ms: i64,
}

/// Live bytes of a segment, apart for what only its owner can release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    /// In topics with [`Retention::Trimmed`].
    pub(crate) awaiting_trim: u64,
    /// In all topics.
    pub(crate) total: u64,
}

impl State {
    pub(crate) fn segment(&mut self, id: SegmentId) -> &mut Segment {
        self.segments.entry(id).or_default()
    }

    /// Takes in the body of a durable frame that stands in segment `id` from `from` to `to`.
    pub(crate) fn apply(
        &mut self,
        id: SegmentId,
        (from, to): (u64, u64),
        body: Bytes,
        hold: bool,
    ) -> Result<(), JournalError> {
        for section in sections(body) {
            match section? {
                Section::Run {
                    topic,
                    partition,
                    run,
                } => {
                    self.partitions.publish(topic, partition, &run, id.0);
                    self.locate(id, (from, to), topic, partition, &run);
                    if hold {
                        self.partitions.hold(topic, partition, run);
                    }
                }
                Section::Mark(mark) => self.partitions.mark(mark),
                Section::Next {
                    topic,
                    partition,
                    next,
                    time_ms,
                } => {
                    let slot = self.partitions.slot(topic, partition);
                    slot.end = slot.end.max(next);
                    slot.time_ms = slot.time_ms.max(time_ms);
                }
            }
        }
        self.segment(id).used = to;
        Ok(())
    }

    /// Ends, trims and positions of everything so far, as the body of a checkpoint.
    pub(crate) fn checkpoint(&self, out: &mut Vec<u8>) {
        for ((topic, partition), slot) in &self.partitions.slots {
            if slot.end == 0 {
                continue;
            }
            encode_next(out, *topic, *partition, slot.end, slot.time_ms);
            if slot.trim > 0 {
                let before = crate::Offset(slot.trim);
                Mark::Trim {
                    topic: *topic,
                    partition: *partition,
                    before,
                }
                .encode(out);
            }
        }
        for ((consumer, topic, partition), next) in &self.partitions.positions {
            Mark::Consumed {
                consumer: *consumer,
                topic: *topic,
                partition: *partition,
                next: *next,
            }
            .encode(out);
        }
    }

    /// Adds a run to the index and to the contents of its segment.
    pub(crate) fn locate(
        &mut self,
        id: SegmentId,
        (from, to): (u64, u64),
        topic: Topic,
        partition: Partition,
        run: &Run,
    ) {
        let places = &mut self.partitions.slot(topic, partition).places;
        extend(places, id, (from, to), topic, run);
        self.segment(id)
            .contents
            .entry((topic, partition))
            .and_modify(|contents| contents.extend(run))
            .or_insert_with(|| Contents::of(run));
    }

    /// How much of a segment is still wanted. `keyed` comes from [`State::live_keyed`].
    pub(crate) fn live(&self, id: SegmentId, keyed: &BTreeMap<u32, u64>) -> Live {
        let mut live = Live {
            awaiting_trim: 0,
            total: keyed.get(&id.0).copied().unwrap_or(0),
        };
        let Some(segment) = self.segments.get(&id) else {
            return live;
        };
        for ((topic, partition), contents) in &segment.contents {
            let trim = self.partitions.first(*topic, *partition).0;
            let bytes = contents.bytes_from(trim);
            match topic.kind.retention() {
                Retention::Compacted => {}
                Retention::Trimmed => {
                    live.awaiting_trim += bytes;
                    live.total += bytes;
                }
                Retention::Age { .. } | Retention::Bytes { .. } | Retention::Kept => {
                    live.total += bytes;
                }
            }
        }
        live
    }

    /// Bytes of the newest records of compacted topics, by segment.
    pub(crate) fn live_keyed(&self) -> BTreeMap<u32, u64> {
        let mut by_segment = BTreeMap::new();
        for slot in self.partitions.slots.values() {
            for newest in slot
                .keys
                .values()
                .filter(|newest| newest.offset >= slot.trim)
            {
                *by_segment.entry(newest.segment).or_insert(0) +=
                    u64::from(newest.bytes) + RUN_HEADER as u64;
            }
        }
        by_segment
    }

    /// What age and size let go of: the trims that are due.
    pub(crate) fn expired(
        &self,
        retentions: &Retentions,
    ) -> Vec<(Topic, Partition, crate::Offset)> {
        let mut due = Vec::new();
        for ((topic, partition), slot) in &self.partitions.slots {
            let held = || {
                self.segments
                    .values()
                    .filter(|segment| segment.sealed)
                    .filter_map(|segment| {
                        segment
                            .contents
                            .get(&(*topic, *partition))
                            .filter(|c| c.end > slot.trim)
                    })
            };
            let before = match retentions.of(topic.kind) {
                Retention::Age { ms } => {
                    let oldest = self.partitions.newest_ms.saturating_sub(ms);
                    held().filter(|c| c.newest_ms < oldest).map(|c| c.end).max()
                }
                Retention::Bytes { bytes } => {
                    let mut sizes: Vec<(u64, u64)> = held().map(|c| (c.end, c.bytes)).collect();
                    sizes.sort_unstable();
                    let mut newer = 0;
                    sizes.into_iter().rev().find_map(|(end, size)| {
                        let over = newer >= bytes;
                        newer += size;
                        over.then_some(end)
                    })
                }
                Retention::Trimmed | Retention::Compacted | Retention::Kept => None,
            };
            due.extend(before.map(|before| (*topic, *partition, crate::Offset(before))));
        }
        due
    }

    /// Whether a stored record is still wanted.
    pub(crate) fn wants(&self, topic: Topic, partition: Partition, record: &crate::Record) -> bool {
        let Some(slot) = self.partitions.slots.get(&(topic, partition)) else {
            return false;
        };
        record.offset.0 >= slot.trim
            && (topic.kind.retention() != Retention::Compacted
                || slot
                    .keys
                    .get(record.key())
                    .is_some_and(|n| n.offset == record.offset.0))
    }
}

/// Adds a run in the frame at `from..to` to the last place, or a new one behind it.
pub(crate) fn extend(
    places: &mut VecDeque<Place>,
    id: SegmentId,
    (from, to): (u64, u64),
    topic: Topic,
    run: &Run,
) {
    let from = u32::try_from(from).unwrap_or(u32::MAX);
    let to = u32::try_from(to).unwrap_or(u32::MAX);
    let gaps = topic.kind.retention() == Retention::Compacted;
    match places.back_mut() {
        Some(last)
            if last.segment == id.0
                && from.saturating_sub(last.from) < PLACE_SPAN
                && (run.first == last.end || (gaps && run.first > last.end)) =>
        {
            last.to = to;
            last.end = run.end();
        }
        _ => {
            let (first, end) = (run.first, run.end());
            places.push_back(Place {
                first,
                end,
                segment: id.0,
                from,
                to,
            });
        }
    }
}

/// What a run takes in a segment. What a copy would take again: the share that lives depends on it.
fn stored(run: &Run) -> u64 {
    (RUN_HEADER + run.bytes.len()) as u64
}

impl Contents {
    pub(crate) fn of(run: &Run) -> Self {
        let bytes = run.bytes.len() as u64;
        Self {
            first: run.first,
            end: run.end(),
            bytes,
            newest_ms: run.time_ms,
        }
    }

    pub(crate) fn extend(&mut self, run: &Run) {
        self.first = self.first.min(run.first);
        self.end = self.end.max(run.end());
        self.bytes += stored(run);
        self.newest_ms = self.newest_ms.max(run.time_ms);
    }

    /// Bytes from offset `trim` on, taking the records to be of one size.
    fn bytes_from(&self, trim: u64) -> u64 {
        let count = self.end.saturating_sub(self.first).max(1);
        let left = self.end.saturating_sub(trim).min(count);
        let share = u128::from(self.bytes) * u128::from(left) / u128::from(count);
        u64::try_from(share)
            .unwrap_or(u64::MAX)
            .max(u64::from(left > 0))
    }
}
