//! What the journal's threads share, and the making of segments.

use super::Options;
use super::manifest::Manifest;
use super::medium::{Blocks, Medium};
use super::queue::Queue;
use super::segment::{SegmentId, header};
use super::state::State;
use super::statistics::Counters;
use crate::JournalError;
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
    file: Option<Arc<dyn Blocks>>,
    /// Files of deleted segments, to be written over.
    spares: Vec<String>,
}

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

    /// The next segment of the log, waiting for its making or making it.
    pub(crate) fn next_segment(&self) -> Result<(SegmentId, Arc<dyn Blocks>), JournalError> {
        let mut ahead = self.ahead.lock();
        let file = match ahead.file.take() {
            Some(file) => file,
            None => self.make(&mut ahead)?,
        };
        let id = SegmentId::log(ahead.number);
        ahead.number += 1;
        Ok((id, file))
    }

    /// Makes the next segment if there is none.
    pub(crate) fn make_ahead(&self) -> Result<(), JournalError> {
        let mut ahead = self.ahead.lock();
        if ahead.file.is_none() {
            ahead.file = Some(self.make(&mut ahead)?);
        }
        Ok(())
    }

    /// A file of zeros with a header: writing into it later changes no metadata, so a sync is one write.
    ///
    /// The blocks of a deleted segment serve as well: every frame names its segment, so that old
    /// ones are never taken for new ones.
    fn make(&self, ahead: &mut Ahead) -> Result<Arc<dyn Blocks>, JournalError> {
        let id = SegmentId::log(ahead.number);
        let name = id.to_string();
        if let Some(spare) = ahead.spares.pop() {
            return self
                .reuse(&spare, id)
                .map_err(|error| JournalError::file("make", &name, error));
        }
        let free = self.measure()?;
        let size = self.options.segment_bytes;
        if free < size {
            return Err(JournalError::DiskFull { free, needed: size });
        }
        let made = self.medium.create(&name).and_then(|file| {
            self.fill(&*file, id)?;
            self.medium.sync_names()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(file),
            Err(error) if is_full(&error) => {
                // Half a segment is of no use; a crash in between leaves a blank one.
                drop(self.medium.remove(&name));
                Err(JournalError::DiskFull { free, needed: size })
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

    fn fill(&self, file: &dyn Blocks, id: SegmentId) -> io::Result<()> {
        let size = self.options.segment_bytes;
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

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
