//! The bounded queue between submitters and the writer.

use crate::ticket::Promise;
use crate::{Batch, JournalError, Priority, Ticket};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::Duration;

/// A batch and the promise to its submitter.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    /// Its submitter waits, for room in the queue and for space on the disk.
    pub(crate) patient: bool,
    pub(crate) promise: Promise,
}

/// Batches waiting for the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
    /// Bound for bulk; vital batches get a quarter more.
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    pending: VecDeque<Pending>,
    bytes: usize,
    /// Why nothing more is accepted.
    ended: Option<JournalError>,
    /// The disk is full while patient batches wait: others are refused at once.
    short: Option<JournalError>,
    /// Nobody waits for space any more.
    hurried: bool,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            bytes_max,
        }
    }

    /// Puts a sealed batch at the end; with `patient` the thread waits for room.
    pub(crate) fn push(&self, batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        let bytes = batch.bytes.len();
        let limit = match batch.priority {
            Priority::Bulk => self.bytes_max,
            Priority::Vital => self.bytes_max.saturating_add(self.bytes_max / 4),
        };
        let full = |waiting: &Waiting| {
            !waiting.pending.is_empty() && waiting.bytes.saturating_add(bytes) > limit
        };
        let mut waiting = self.waiting.lock();
        if patient {
            self.emptied
                .wait_while(&mut waiting, |w| w.ended.is_none() && full(w));
        }
        if let Some(error) = &waiting.ended {
            return Err(error.clone());
        }
        if let Some(error) = waiting.short.as_ref().filter(|_| !patient) {
            return Err(error.clone());
        }
        if full(&waiting) {
            return Err(JournalError::Full {
                batches: waiting.pending.len(),
                bytes: waiting.bytes,
            });
        }
        let (promise, ticket) = Ticket::pair();
        waiting.bytes += bytes;
        waiting.pending.push_back(Pending {
            batch,
            patient,
            promise,
        });
        if waiting.pending.len() == 1 {
            self.filled.notify_one();
        }
        Ok(ticket)
    }

    /// Everything that waits, in order: the more waits, the more shares one sync. `None` at the end.
    pub(crate) fn take(&self) -> Option<VecDeque<Pending>> {
        let mut waiting = self.waiting.lock();
        self.filled
            .wait_while(&mut waiting, |w| w.pending.is_empty() && w.ended.is_none());
        if waiting.pending.is_empty() {
            return None;
        }
        waiting.bytes = 0;
        let group = std::mem::take(&mut waiting.pending);
        self.emptied.notify_all();
        Some(group)
    }

    /// Accepts nothing more; what waits is still taken when `error` is [`JournalError::Closed`].
    pub(crate) fn end(&self, error: JournalError) {
        let mut waiting = self.waiting.lock();
        let drained = if matches!(error, JournalError::Closed) {
            VecDeque::new()
        } else {
            waiting.bytes = 0;
            std::mem::take(&mut waiting.pending)
        };
        let first = waiting.ended.get_or_insert(error).clone();
        self.filled.notify_all();
        self.emptied.notify_all();
        drop(waiting);
        for pending in drained {
            pending.promise.keep(Err(first.clone()));
        }
    }

    /// Notes that there is no space on the disk, or that there is again.
    pub(crate) fn short(&self, error: Option<JournalError>) {
        self.waiting.lock().short = error;
    }

    /// Whether batches wait for space.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting.lock().short.is_some()
    }

    /// From here on nobody waits for space: [`Queue::pause`] says so at once.
    pub(crate) fn hurry(&self) {
        self.waiting.lock().hurried = true;
        self.filled.notify_all();
    }

    /// Lets the writer wait for space; false where it is time to give up.
    pub(crate) fn pause(&self, longest: Duration) -> bool {
        let mut waiting = self.waiting.lock();
        let over = |waiting: &Waiting| waiting.ended.is_some() || waiting.hurried;
        self.filled
            .wait_while_for(&mut waiting, |w| !over(w), longest);
        !over(&waiting)
    }

    /// Batches and bytes that wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let waiting = self.waiting.lock();
        (waiting.pending.len(), waiting.bytes)
    }

    /// Why nothing more is accepted, if so.
    pub(crate) fn ended(&self) -> Option<JournalError> {
        self.waiting.lock().ended.clone()
    }
}
