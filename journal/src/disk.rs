//! The journal on one machine: preallocated segments, one frame group and one sync for all that waits.
//!
//! All topics share the log, so that a batch over several of them is one frame. A frame carries a
//! crc32c; frames are numbered; each segment begins with a checkpoint of ends, trims and positions
//! and, once full, ends with a seal that says where in it everything is. What outlives its segment
//! is copied to kept segments. The manifest names the segments that count.
//!
//! # Threads
//! One writes and syncs; one makes segments ahead, seals, and cleans. Readers use the state that
//! the writer publishes after each sync, and files by position.

mod copying;
mod frame;
mod housekeeping;
mod manifest;
mod medium;

mod reader;
mod recovery;
mod segment;
mod state;
mod statistics;
mod store;
mod view;
mod writer;

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod tests;

pub use medium::{Blocks, Medium, RealMedium};
pub use statistics::{SYNC_BUCKETS_US, Statistics};

use crate::partitions::records;
use crate::{
    Batch, Claims, Consumer, Journal, JournalError, Kind, Offset, Partition, Priority, Record,
    Retention, Retentions, Ticket, Topic,
};
use reader::{Found, Wanted};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use store::Store;
use tokio::sync::watch;
use writer::Writer;

/// Bounds and sizes of a journal on disk.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Size of a segment file, 64 KiB to 2 GiB. A batch may have half of it.
    pub segment_bytes: u64,
    /// Bound of the queue; vital batches get a quarter more.
    pub queue_bytes: usize,
    /// Bound of the newest records held in memory for readers.
    pub tail_bytes: usize,
    /// Bulk batches are refused when less than this is free on the disk (semantics §30). Vital ones
    /// use it to its last MiB, in shorter segments where there is no space for whole ones.
    pub reserve_bytes: u64,
    /// How long records live, by kind.
    pub retentions: Retentions,
    /// A monotone clock in nanoseconds for the latency statistics.
    pub clock_ns: Option<fn() -> u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 128 << 20,
            queue_bytes: 64 << 20,
            tail_bytes: 64 << 20,
            reserve_bytes: 1 << 30,
            retentions: Retentions::default(),
            clock_ns: None,
        }
    }
}

/// Where records of a partition are: frames `from..to` of a segment hold those in `first..end`.
///
/// Without compaction a place has no gap and places never overlap. Compacted records may lie in
/// any order over kept segments, so that their places may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) segment: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// The durable journal of one machine. Dropping it writes what waits and ends its threads.
pub struct DiskJournal {
    store: Arc<Store>,
    threads: Vec<JoinHandle<()>>,
}

/// How often a journal that is being written is looked at again.
const LOOKS_MAX: usize = 8;
/// Places handed to one round of reading.
const PLACES_PER_ROUND: usize = 16;
/// How often a reader follows records that cleaning moves while it reads.
const MOVES_MAX: usize = 8;

impl DiskJournal {
    /// Opens the journal in `directory`, making it if need be, after recovery.
    pub fn open(directory: &Path, options: Options) -> Result<Self, JournalError> {
        Self::open_on(Box::new(RealMedium::open(directory)?), options)
    }

    /// Looks at the journal in `directory` as it is on the disk, whoever holds it, and changes
    /// nothing there.
    ///
    /// # Errors
    /// There is none; it is damaged; or its holder wrote faster than it could be read, several
    /// times over.
    pub fn view(directory: &Path) -> Result<Self, JournalError> {
        let mut options = Options {
            segment_bytes: 64 << 10,
            reserve_bytes: 0,
            ..Options::default()
        };
        // How long records live is the holder's to know: all that is there is shown.
        for kind in Kind::ALL {
            options.retentions.set(kind, Retention::Kept);
        }
        let mut looks = 0;
        loop {
            looks += 1;
            match Self::open_on(Box::new(view::View::open(directory)?), options) {
                // A frame half written, or a file moved by cleaning: the next look sees it whole.
                Err(JournalError::Corrupt { .. } | JournalError::File { .. })
                    if looks < LOOKS_MAX => {}
                opened => return opened,
            }
        }
    }

    /// Opens the journal on any medium.
    pub fn open_on(medium: Box<dyn Medium>, mut options: Options) -> Result<Self, JournalError> {
        options.segment_bytes = options.segment_bytes.clamp(64 << 10, 2 << 30);
        let found = recovery::recover(&*medium)?;
        let store = Store::new(
            medium,
            options,
            found.state,
            found.manifest,
            found.next_segment,
        );
        let store = Arc::new(store);
        let made = store.next_segment(0)?;
        store.state.lock().segment(made.id).used = segment::SEGMENT_HEADER;
        let writer = Writer::new(Arc::clone(&store), made, found.sequence);
        let keeper = Arc::clone(&store);
        let threads = vec![
            spawn("journal-writer", move || writer.run())?,
            spawn("journal-keeper", move || housekeeping::run(&keeper))?,
        ];
        store.tidy_soon();
        Ok(Self { store, threads })
    }

    /// A moment's figures for metrics.
    pub fn statistics(&self) -> Statistics {
        let (batches, bytes) = self.store.queue.depth();
        let state = self.store.state.lock();
        Statistics {
            queue_batches: batches as u64,
            queue_bytes: bytes as u64,
            segments: state.segments.len() as u64,
            segment_bytes: state.segments.values().map(|segment| segment.used).sum(),
            out_of_space: self.store.queue.is_short(),
            ..self.store.counters.read()
        }
    }

    /// Why the journal accepts nothing more, if so. The process must then end.
    pub fn failure(&self) -> Option<JournalError> {
        self.store.queue.ended()
    }

    /// From here on a batch that finds no space on the disk is refused, where it would wait
    /// otherwise: a process that is told to end does not wait for an operator.
    pub fn stop_waiting(&self) {
        self.store.queue.hurry();
    }

    /// Checks, seals and queues a batch.
    fn push(&self, mut batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        let limit = usize::try_from(self.store.options.segment_bytes / 2).unwrap_or(usize::MAX);
        batch.check(limit)?;
        if batch.priority == Priority::Bulk {
            let free = self.store.counters.free_bytes.load(Ordering::Relaxed);
            let needed = self.store.options.reserve_bytes;
            if free < needed {
                return Err(JournalError::DiskFull { free, needed });
            }
        }
        batch.seal();
        self.store.queue.push(batch, patient)
    }

    fn all_held(&self, places: &[Place]) -> bool {
        let state = self.store.state.lock();
        places.iter().all(|place| {
            state
                .segments
                .contains_key(&segment::SegmentId(place.segment))
        })
    }

    /// Reads what is no longer in memory.
    fn read_segments(&self, wanted: Wanted) -> Result<Vec<Record>, JournalError> {
        let mut skip = 0;
        let mut moves = 0;
        loop {
            let places: Vec<Place> = {
                let state = self.store.state.lock();
                let Some(slot) = state
                    .partitions
                    .slots
                    .get(&(wanted.topic, wanted.partition))
                else {
                    return Ok(Vec::new());
                };
                places_from(&slot.places, &wanted, skip)
            };
            if places.is_empty() {
                return Ok(Vec::new());
            }
            let read = match reader::read(&*self.store.medium, &places, wanted) {
                // A file that was read while it became a spare says nothing about the journal.
                Err(JournalError::Corrupt { .. }) if !self.all_held(&places) => Ok(Found::Moved),
                read => read,
            };
            match read? {
                Found::Records(records) if !records.is_empty() => return Ok(records),
                Found::Records(_) => skip += places.len(),
                Found::Moved => {
                    skip = 0;
                    moves += 1;
                    if moves > MOVES_MAX {
                        let file = format!("{} partition {}", wanted.topic, wanted.partition);
                        let source = std::io::ErrorKind::NotFound.into();
                        return Err(JournalError::file("find the segment of", &file, source));
                    }
                }
            }
        }
    }
}

impl Journal for DiskJournal {
    fn submit(&self, batch: Batch) -> Result<Ticket, JournalError> {
        self.push(batch, false)
    }

    fn submit_waiting(&self, batch: Batch) -> Result<Ticket, JournalError> {
        self.push(batch, true)
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let tail = {
            let state = self.store.state.lock();
            state.partitions.check(topic, partition, from)?;
            match state.partitions.slots.get(&(topic, partition)) {
                Some(slot) if from.0 < slot.end => slot.tail_from(from.0, max_bytes),
                Some(_) | None => return Ok(Vec::new()),
            }
        };
        match tail {
            Some(runs) => Ok(records(&runs, from.0, max_bytes)),
            None => self.read_segments(Wanted {
                topic,
                partition,
                from: from.0,
                max_bytes,
            }),
        }
    }

    fn latest(
        &self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
    ) -> Result<Option<Record>, JournalError> {
        let newest = {
            let state = self.store.state.lock();
            state
                .partitions
                .slots
                .get(&(topic, partition))
                .and_then(|slot| slot.newest(key))
        };
        let Some(newest) = newest else {
            return Ok(None);
        };
        Ok(self
            .read(topic, partition, Offset(newest.offset), 1)?
            .into_iter()
            .next())
    }

    fn wait(&self, topic: Topic, partition: Partition, from: Offset, timeout: Duration) -> bool {
        let mut state = self.store.state.lock();
        let arrived = state.partitions.slot(topic, partition).arrived();
        arrived.wait_while_for(
            &mut state,
            |state| state.partitions.end(topic, partition) <= from,
            timeout,
        );
        state.partitions.end(topic, partition) > from
    }

    fn subscribe(&self, topic: Topic, partition: Partition) -> watch::Receiver<Offset> {
        self.store
            .state
            .lock()
            .partitions
            .slot(topic, partition)
            .subscribe()
    }

    fn resume(
        &self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, JournalError> {
        let state = self.store.state.lock();
        Ok(state.partitions.resume(consumer, topic, partition))
    }

    fn first(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        Ok(self.store.state.lock().partitions.first(topic, partition))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        Ok(self.store.state.lock().partitions.end(topic, partition))
    }

    fn trim(
        &self,
        topic: Topic,
        partition: Partition,
        before: Offset,
    ) -> Result<Ticket, JournalError> {
        let mut batch = Batch::new(i64::MIN, Priority::Vital);
        batch.trim(topic, partition, before);
        let ticket = self.push(batch, false)?;
        self.store.tidy_soon();
        Ok(ticket)
    }

    fn claims(&self, topic: Topic, partitions: &[Partition]) -> Result<Claims, JournalError> {
        Ok(Claims::all(topic, partitions))
    }
}

impl Drop for DiskJournal {
    fn drop(&mut self) {
        self.store.queue.end(JournalError::Closed);
        self.store.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to write.
            drop(thread.join());
        }
    }
}

/// The next places that may hold wanted records, never parting places that overlap.
fn places_from(places: &VecDeque<Place>, wanted: &Wanted, skip: usize) -> Vec<Place> {
    let start = if wanted.topic.kind.retention() == Retention::Compacted {
        places
            .iter()
            .position(|place| place.end > wanted.from)
            .unwrap_or(places.len())
    } else {
        places.partition_point(|place| place.end <= wanted.from)
    };
    let mut end = 0;
    let mut out: Vec<Place> = Vec::new();
    for place in places.iter().skip(start + skip) {
        if out.len() >= PLACES_PER_ROUND && place.first >= end {
            break;
        }
        end = end.max(place.end);
        out.push(*place);
    }
    out
}

fn spawn(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, JournalError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| JournalError::file("start the thread", name, error))
}
