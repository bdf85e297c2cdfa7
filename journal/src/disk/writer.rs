//! The one thread that writes: everything queued becomes one group of frames and one sync.

use super::frame::{FrameKind, HEADER, close, open};
use super::medium::Blocks;
use super::segment::{SEGMENT_HEADER, SegmentId};
use super::statistics::add;
use super::store::{Made, Store};
use crate::queue::Pending;
use crate::{JournalError, Partition, Priority, Topic};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A frame grows no further than this unless one batch is larger: the unit of reading and checking.
const FRAME_TARGET: usize = 256 << 10;
/// Between two looks whether there is space on the disk again.
const SPACE_EVERY: Duration = Duration::from_millis(250);

pub(crate) struct Writer {
    store: Arc<Store>,
    file: Arc<dyn Blocks>,
    id: SegmentId,
    /// Bytes of the segment.
    size: u64,
    /// Where the next frame goes.
    at: u64,
    /// The next frame's sequence.
    sequence: u64,
    /// Next offset and last time of each partition, ahead of what is published.
    ends: FxHashMap<(Topic, Partition), (u64, i64)>,
}

/// Frames that are written and synced together.
#[derive(Default)]
struct Group {
    buffer: Vec<u8>,
    /// Start and end of each frame in the buffer.
    frames: Vec<(usize, usize)>,
    batches: Vec<Pending>,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, Made { id, file, size }: Made, sequence: u64) -> Self {
        let ends = {
            let state = store.state.lock();
            let slots = state.partitions.slots.iter();
            slots
                .map(|(place, slot)| (*place, (slot.end, slot.time_ms)))
                .collect()
        };
        Self {
            store,
            file,
            id,
            size,
            at: SEGMENT_HEADER,
            sequence,
            ends,
        }
    }

    /// Writes until the queue ends.
    pub(crate) fn run(mut self) {
        while let Some(waiting) = self.store.queue.take() {
            if self.commit(waiting).is_err() {
                return;
            }
        }
    }

    fn commit(&mut self, mut waiting: VecDeque<Pending>) -> Result<(), JournalError> {
        loop {
            let group = self.fill(&mut waiting);
            if !group.frames.is_empty() {
                self.refuse_oversize(&group, &mut waiting);
                let Group {
                    buffer,
                    frames,
                    batches,
                } = group;
                if let Err(error) = self.write(&buffer) {
                    // Nothing more may be accepted by the time that anybody hears of it.
                    self.store.queue.end(error.clone());
                    refuse(batches.into_iter().chain(waiting), &error);
                    return Err(error);
                }
                self.publish(buffer, &frames, batches)
                    .inspect_err(|error| self.store.queue.end(error.clone()))?;
            }
            if waiting.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.roll_in_time(&mut waiting) {
                self.store.queue.end(error.clone());
                refuse(waiting, &error);
                return Err(error);
            }
        }
    }

    /// Goes on in the next segment, as soon as there is space for it. Until then nothing is
    /// acknowledged: batches of patient submitters wait, all others are refused (semantics §30).
    fn roll_in_time(&mut self, waiting: &mut VecDeque<Pending>) -> Result<(), JournalError> {
        let rolled = loop {
            let Some(next) = waiting.front() else {
                break Ok(());
            };
            let full = match self.roll(next.batch.bytes.len()) {
                Err(error @ JournalError::DiskFull { .. }) => error,
                rolled => break rolled,
            };
            let mut others = VecDeque::new();
            for pending in std::mem::take(waiting) {
                let waits = pending.patient && pending.batch.priority == Priority::Vital;
                let place = if waits { &mut *waiting } else { &mut others };
                place.push_back(pending);
            }
            if !waiting.is_empty() {
                self.store.queue.short(Some(full.clone()));
            }
            refuse(others, &full);
            if !waiting.is_empty() && !self.store.queue.pause(SPACE_EVERY) {
                refuse(waiting.drain(..), &full);
            }
        };
        self.store.queue.short(None);
        rolled
    }

    /// A batch that fits in no segment beside its checkpoint would have segments made for ever.
    fn refuse_oversize(&self, group: &Group, waiting: &mut VecDeque<Pending>) {
        if !group.batches.is_empty() || self.at != SEGMENT_HEADER {
            return;
        }
        let limit = usize::try_from(self.size)
            .unwrap_or(usize::MAX)
            .saturating_sub(group.buffer.len());
        if let Some(Pending { batch, promise, .. }) = waiting.pop_front() {
            let bytes = batch.bytes.len();
            promise.keep(Err(JournalError::TooLarge { bytes, limit }));
        }
    }

    /// Encodes waiting batches until there are no more or the segment is full.
    fn fill(&mut self, waiting: &mut VecDeque<Pending>) -> Group {
        let bytes: usize = waiting
            .iter()
            .map(|pending| pending.batch.bytes.len())
            .sum();
        let mut group = Group::default();
        group
            .buffer
            .reserve(bytes + (bytes / FRAME_TARGET + 2) * (HEADER + 8));
        group.batches.reserve(waiting.len());
        if self.at == SEGMENT_HEADER && self.has_room(&group, waiting) {
            let start = open(&mut group.buffer);
            self.store.state.lock().checkpoint(&mut group.buffer);
            self.finish(&mut group, start, FrameKind::Checkpoint);
        }
        while self.has_room(&group, waiting) {
            let start = open(&mut group.buffer);
            while let Some(pending) = waiting.front() {
                let body = group.buffer.len() - start - HEADER;
                let over = body > 0 && body + pending.batch.bytes.len() > FRAME_TARGET;
                if over || !self.has_room(&group, waiting) {
                    break;
                }
                let Some(mut pending) = waiting.pop_front() else {
                    break;
                };
                self.assign(&mut pending);
                group.buffer.extend_from_slice(&pending.batch.bytes);
                pending.batch.bytes = Vec::new();
                group.batches.push(pending);
            }
            self.finish(&mut group, start, FrameKind::Batches);
        }
        group
    }

    fn has_room(&self, group: &Group, waiting: &VecDeque<Pending>) -> bool {
        waiting.front().is_some_and(|next| {
            let used = self.at + (group.buffer.len() + 2 * HEADER + 16) as u64;
            used + next.batch.bytes.len() as u64 <= self.size
        })
    }

    fn finish(&mut self, group: &mut Group, start: usize, kind: FrameKind) {
        let group_start = u32::try_from(self.at).unwrap_or(u32::MAX);
        let end = group.buffer.len();
        close(
            &mut group.buffer,
            start,
            kind,
            self.id.0,
            self.sequence,
            group_start,
        );
        self.sequence += 1;
        group.frames.push((start, end));
    }

    /// Gives the batch's runs their offsets and record times.
    fn assign(&mut self, pending: &mut Pending) {
        let batch = &mut pending.batch;
        for index in 0..batch.runs.len() {
            let Some(run) = batch.runs.get(index).copied() else {
                break;
            };
            let (end, time_ms) = self
                .ends
                .entry((run.topic, run.partition))
                .or_insert((0, i64::MIN));
            *time_ms = (*time_ms).max(batch.at_ms);
            let (first, time) = (*end, *time_ms);
            *end += u64::from(run.count);
            batch.assign(index, first, time);
        }
    }

    fn write(&self, buffer: &[u8]) -> Result<(), JournalError> {
        let poison = |action, source| JournalError::Poisoned {
            action,
            file: self.id.to_string(),
            source: Arc::new(source),
        };
        self.file
            .write_at(buffer, self.at)
            .map_err(|error| poison("write", error))?;
        let clock = self.store.options.clock_ns;
        let start = clock.map(|clock| clock());
        self.file.sync().map_err(|error| poison("sync", error))?;
        let elapsed = clock
            .zip(start)
            .map(|(clock, start)| clock().saturating_sub(start));
        self.store.counters.synced(elapsed);
        Ok(())
    }

    /// Shows what is durable to readers, then keeps the promises.
    fn publish(
        &mut self,
        buffer: Vec<u8>,
        frames: &[(usize, usize)],
        batches: Vec<Pending>,
    ) -> Result<(), JournalError> {
        let counters = &self.store.counters;
        add(&counters.written_bytes, buffer.len() as u64);
        add(&counters.batches, batches.len() as u64);
        add(
            &counters.records,
            batches.iter().map(|pending| pending.batch.len()).sum(),
        );
        let base = self.at;
        self.at += buffer.len() as u64;
        let bytes = Bytes::from(buffer);
        {
            let mut state = self.store.state.lock();
            for (start, end) in frames {
                let from = base + *start as u64;
                let to = base + end.next_multiple_of(super::frame::ALIGN) as u64;
                state.apply(self.id, (from, to), bytes.slice(start + HEADER..*end), true)?;
            }
            state.segment(self.id).sequence = self.sequence.saturating_sub(1);
            state.partitions.evict(self.store.options.tail_bytes);
            let mut announced = None;
            for run in batches.iter().flat_map(|pending| &pending.batch.runs) {
                let place = (run.topic, run.partition);
                if announced != Some(place) {
                    state.partitions.slot(run.topic, run.partition).announce();
                    announced = Some(place);
                }
            }
        }
        for Pending { batch, promise, .. } in batches {
            promise.keep(Ok(batch.runs));
        }
        Ok(())
    }

    /// Goes on in the next segment, with room for a batch of that size.
    fn roll(&mut self, bytes: usize) -> Result<(), JournalError> {
        let mut checkpoint = Vec::new();
        self.store.state.lock().checkpoint(&mut checkpoint);
        let least = SEGMENT_HEADER + (checkpoint.len() + bytes + 4 * (HEADER + 8)) as u64;
        let made = self.store.next_segment(least);
        let Made { id, file, size } = made.map_err(JournalError::poisoning)?;
        let mut state = self.store.state.lock();
        state.segment(self.id).full = true;
        state.segment(id).used = SEGMENT_HEADER;
        drop(state);
        self.id = id;
        self.file = file;
        self.size = size;
        self.at = SEGMENT_HEADER;
        self.store.tidy_soon();
        Ok(())
    }
}

fn refuse(batches: impl IntoIterator<Item = Pending>, error: &JournalError) {
    for pending in batches {
        pending.promise.keep(Err(error.clone()));
    }
}
