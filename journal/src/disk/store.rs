//! What the journal's threads share, and the making of segments.

use super::Options;
use super::manifest::Manifest;
use super::medium::{Blocks, Medium};
use super::segment::{SegmentId, header};
use super::state::State;
use super::statistics::Counters;
use crate::JournalError;
use crate::queue::Queue;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Segments are filled with zeros in steps of this, each synced, so that the log's own syncs
/// never wait behind a great one.
const FILL_STEP: u64 = 4 << 20;

/// How long the housekeeper sleeps when nobody calls it.
const TIDY_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct Store {
    pub(crate) medium: Box<dyn Medium>,
    pub(crate) options: Options,
    pub(crate) state: Mutex<State>,
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    /// Held while cleaning.
    pub(crate) manifest: Mutex<Manifest>,
    /// Held while a segment is being made.
    ahead: Mutex<Ahead>,
    calls: Mutex<Calls>,
    called: Condvar,
}

/// The segment after the one being written, made ahead of need.
struct Ahead {
    number: u32,
    /// Always of full size.
    file: Option<Arc<dyn Blocks>>,
    /// Files of deleted segments, to be written over.
    spares: Vec<String>,
}

/// A segment to be written.
pub(crate) struct Made {
    pub(crate) id: SegmentId,
    pub(crate) file: Arc<dyn Blocks>,
    /// Its bytes: fewer than usual where there is no space for more.
    pub(crate) size: u64,
}

/// Space that the log leaves to cleaning, which makes space.
const MARGIN: u64 = 1 << 20;
/// The smallest segment, and the unit of those that are shorter than usual.
const LEAST: u64 = 64 << 10;

/// Names of spare files begin with this.
pub(crate) const SPARE: &str = "spare-";
/// Spare files held; more are deleted.
const SPARES_MAX: usize = 4;

#[derive(Default)]
struct Calls {
    tidy: bool,
    stop: bool,
}

impl Store {
    pub(crate) fn new(
        medium: Box<dyn Medium>,
        options: Options,
        state: State,
        manifest: Manifest,
        next_segment: u32,
    ) -> Self {
        let queue = Queue::new(options.queue_bytes);
        Self {
            medium,
            options,
            state: Mutex::new(state),
            queue,
            counters: Counters::default(),
            manifest: Mutex::new(manifest),
            ahead: Mutex::new(Ahead {
                number: next_segment,
                file: None,
                spares: Vec::new(),
            }),
            calls: Mutex::default(),
            called: Condvar::new(),
        }
    }

    /// The next segment of the log, waiting for its making or making it. Where the disk has no
    /// space for one of full size it is shorter, of `least` bytes at least: what is kept in reserve
    /// can be used to its end, however large segments are.
    pub(crate) fn next_segment(&self, least: u64) -> Result<Made, JournalError> {
        let mut ahead = self.ahead.lock();
        let full = self.options.segment_bytes;
        let (file, size) = match ahead.file.take() {
            Some(file) => (file, full),
            None => match self.make(&mut ahead, full) {
                Err(JournalError::DiskFull { .. }) => {
                    let size = self.shorter(least.min(full))?;
                    (self.make(&mut ahead, size)?, size)
                }
                made => (made?, full),
            },
        };
        let id = SegmentId::log(ahead.number);
        ahead.number += 1;
        Ok(Made { id, file, size })
    }

    /// Half of the space there is, so that others find some too; `least` bytes at least.
    fn shorter(&self, least: u64) -> Result<u64, JournalError> {
        let least = least.max(LEAST).next_multiple_of(LEAST);
        let free = self.measure()?;
        let usable = free.saturating_sub(self.margin());
        if usable < least {
            let needed = least + self.margin();
            return Err(JournalError::DiskFull { free, needed });
        }
        let half = usable / 2 / LEAST * LEAST;
        Ok(half.clamp(least, self.options.segment_bytes.max(least)))
    }

    fn margin(&self) -> u64 {
        let reserve = self.options.reserve_bytes;
        MARGIN.min(self.options.segment_bytes).min(reserve / 4)
    }

    /// Makes the next segment if there is none.
    pub(crate) fn make_ahead(&self) -> Result<(), JournalError> {
        let mut ahead = self.ahead.lock();
        if ahead.file.is_none() {
            ahead.file = Some(self.make(&mut ahead, self.options.segment_bytes)?);
        }
        Ok(())
    }

    /// A file of zeros with a header: writing into it later changes no metadata, so a sync is one write.
    ///
    /// The blocks of a deleted segment serve as well: every frame names its segment, so that old
    /// ones are never taken for new ones.
    fn make(&self, ahead: &mut Ahead, size: u64) -> Result<Arc<dyn Blocks>, JournalError> {
        let id = SegmentId::log(ahead.number);
        let name = id.to_string();
        if let Some(spare) = ahead.spares.pop() {
            return self
                .reuse(&spare, id)
                .map_err(|error| JournalError::file("make", &name, error));
        }
        let free = self.measure()?;
        let needed = size + self.margin();
        if free < needed {
            return Err(JournalError::DiskFull { free, needed });
        }
        let made = self.medium.create(&name).and_then(|file| {
            self.fill(&*file, id, size)?;
            self.medium.sync_names()?;
            Ok(file)
        });
        match made {
            Ok(file) => {
                // What it takes counts at once: observations leave the reserve alone.
                self.measure()?;
                Ok(file)
            }
            Err(error) if is_full(&error) => {
                // Half a segment is of no use; a crash in between leaves a blank one.
                drop(self.medium.remove(&name));
                Err(JournalError::DiskFull { free, needed })
            }
            Err(error) => Err(JournalError::file("make", &name, error)),
        }
    }

    fn reuse(&self, spare: &str, id: SegmentId) -> io::Result<Arc<dyn Blocks>> {
        let file = self.medium.open(spare)?;
        file.write_at(&header(id), 0)?;
        file.sync()?;
        self.medium.rename(spare, &id.to_string())?;
        self.medium.sync_names()?;
        Ok(file)
    }

    /// Deletes the file of a segment that the manifest no longer names, or keeps it as a spare.
    pub(crate) fn discard(&self, id: SegmentId) -> Result<(), JournalError> {
        let name = id.to_string();
        let fail = |error| JournalError::file("remove", &name, error);
        let length = self
            .medium
            .open(&name)
            .and_then(|file| file.length())
            .map_err(fail)?;
        let mut ahead = self.ahead.lock();
        if length < self.options.segment_bytes || ahead.spares.len() >= SPARES_MAX {
            return self.medium.remove(&name).map_err(fail);
        }
        let spare = format!("{SPARE}{name}");
        self.medium.rename(&name, &spare).map_err(fail)?;
        ahead.spares.push(spare);
        Ok(())
    }

    fn fill(&self, file: &dyn Blocks, id: SegmentId, size: u64) -> io::Result<()> {
        let zeros = vec![0; usize::try_from(size.min(FILL_STEP)).unwrap_or(usize::MAX)];
        let mut at = 0;
        while at < size {
            let step = usize::try_from((size - at).min(FILL_STEP)).unwrap_or(usize::MAX);
            file.write_at(zeros.get(..step).unwrap_or(&zeros), at)?;
            file.sync()?;
            at += step as u64;
        }
        file.write_at(&header(id), 0)?;
        file.sync()
    }

    /// Measures the free space.
    pub(crate) fn measure(&self) -> Result<u64, JournalError> {
        let free = self
            .medium
            .free_bytes()
            .map_err(|e| JournalError::file("measure the free space of", "the directory", e))?;
        self.counters.free_bytes.store(free, Ordering::Relaxed);
        Ok(free)
    }

    /// Calls the housekeeper.
    pub(crate) fn tidy_soon(&self) {
        self.calls.lock().tidy = true;
        self.called.notify_one();
    }

    /// Ends the housekeeper.
    pub(crate) fn stop(&self) {
        self.calls.lock().stop = true;
        self.called.notify_one();
    }

    /// Waits for a call or a while; false when it is time to stop.
    pub(crate) fn wait_for_call(&self) -> bool {
        let mut calls = self.calls.lock();
        self.called.wait_while_for(
            &mut calls,
            |calls| !calls.tidy && !calls.stop,
            TIDY_INTERVAL,
        );
        calls.tidy = false;
        !calls.stop
    }
}

/// Whether there was no space, which ends nothing.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
