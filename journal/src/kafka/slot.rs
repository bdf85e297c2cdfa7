//! The newest records of one partition as they were fetched, and who waits for more.

use crate::partitions::Newest;
use crate::{JournalError, Offset, Record};
use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// One followed partition.
#[derive(Debug)]
pub(crate) struct Slot {
    state: Mutex<State>,
    arrived: Condvar,
}

/// What is held of it.
#[derive(Debug)]
pub(crate) struct State {
    records: VecDeque<Record>,
    bytes: usize,
    /// Records from here on are held or will come.
    from: u64,
    /// One past the last record that came.
    next: u64,
    /// All that was committed when this was noted has come.
    at_end: bool,
    /// How far a reader has got.
    read: u64,
    /// The reader has not kept up: nothing more is taken in until it has.
    stalled: bool,
    time_ms: i64,
    /// Where the newest record of each key is, in compacted topics.
    keys: Option<FxHashMap<Box<[u8]>, Newest>>,
    watch: watch::Sender<Offset>,
    failed: Option<JournalError>,
    /// Nobody fills it any more: readers find the partition's new one.
    left: bool,
}

/// What a reader finds.
pub(crate) enum Look {
    /// Records, at least one.
    Records(Vec<Record>),
    /// Nothing: the reader is at the end.
    End,
    /// What is asked for lies before what is held.
    Before,
    /// The partition is followed no more, or anew.
    Left,
}

/// Where the newest record of a key is.
pub(crate) enum Keyed {
    /// There, if there is any.
    At(Option<Newest>),
    /// The partition is followed no more, or anew.
    Left,
}

impl Slot {
    /// A partition followed from `from` on; with `keys` what came of each key is noted.
    pub(crate) fn new(from: Offset, keys: bool) -> Self {
        Self {
            state: Mutex::new(State {
                records: VecDeque::new(),
                bytes: 0,
                from: from.0,
                next: from.0,
                at_end: false,
                read: from.0,
                stalled: false,
                time_ms: i64::MIN,
                keys: keys.then(FxHashMap::default),
                watch: watch::Sender::new(from),
                failed: None,
                left: false,
            }),
            arrived: Condvar::new(),
        }
    }

    /// Takes in a record; false where no more should come for now. Behind what could not be read, and
    /// once it is left, nothing is taken in.
    pub(crate) fn push(&self, mut record: Record, limit: usize) -> bool {
        let mut state = self.state.lock();
        if state.failed.is_some() || state.left {
            return false;
        }
        state.time_ms = state.time_ms.max(record.time_ms);
        record.time_ms = state.time_ms;
        state.next = record.offset.0 + 1;
        state.at_end = false;
        if let Some(keys) = &mut state.keys {
            let newest = Newest {
                offset: record.offset.0,
                segment: 0,
                bytes: u32::try_from(record.stored_bytes()).unwrap_or(u32::MAX),
                deleted: record.payload().is_empty(),
            };
            keys.insert(record.key().into(), newest);
        }
        state.bytes += record.stored_bytes();
        state.records.push_back(record);
        let is_indexed = state.keys.is_some();
        // What has been read, or is found by its key, makes room for what comes.
        while state.bytes > limit {
            let read = state.read;
            let Some(oldest) = state
                .records
                .pop_front_if(|oldest| is_indexed || oldest.offset.0 < read)
            else {
                break;
            };
            state.bytes = state.bytes.saturating_sub(oldest.stored_bytes());
            state.from = oldest.offset.0 + 1;
        }
        state.stalled = state.bytes > limit;
        !state.stalled
    }

    /// All that is committed has come.
    pub(crate) fn ended(&self) {
        self.state.lock().at_end = true;
    }

    /// Wakes who waits; records have come, or the end has.
    pub(crate) fn announce(&self) {
        let state = self.state.lock();
        state.watch.send_if_modified(|end| {
            let moved = end.0 < state.next;
            *end = Offset(state.next.max(end.0));
            moved
        });
        drop(state);
        self.arrived.notify_all();
    }

    /// Nothing more can be read of it.
    pub(crate) fn fail(&self, error: JournalError) {
        self.state.lock().failed = Some(error);
        self.arrived.notify_all();
    }

    /// Nobody fills it any more: who waits looks for the partition's new one.
    pub(crate) fn leave(&self) {
        self.state.lock().left = true;
        self.arrived.notify_all();
    }

    /// What is there from `from` on. Where it is not known yet whether there is anything (`own`:
    /// the end of what this process wrote), waits until `deadline`.
    pub(crate) fn look(
        &self,
        from: Offset,
        max_bytes: usize,
        own: u64,
        deadline: Instant,
    ) -> Result<(Look, bool), JournalError> {
        let mut state = self.state.lock();
        loop {
            if state.left {
                return Ok((Look::Left, false));
            }
            if from.0 < state.from {
                return Ok((Look::Before, false));
            }
            state.read = state.read.max(from.0);
            let records = state.collect(from.0, max_bytes);
            if let Some(last) = records.last() {
                state.read = state.read.max(last.offset.0 + 1);
                let resumed = std::mem::take(&mut state.stalled);
                return Ok((Look::Records(records), resumed));
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if std::mem::take(&mut state.stalled) {
                return Ok((Look::End, true));
            }
            if state.at_end && own <= state.next {
                return Ok((Look::End, false));
            }
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                return Err(JournalError::brokers(
                    "read",
                    "no answer in time: are the brokers up?",
                ));
            }
        }
    }

    /// Waits for a record at `from` or later.
    pub(crate) fn wait(&self, from: Offset, timeout: Duration) -> bool {
        let mut state = self.state.lock();
        let there = |state: &State| state.next > from.0 || state.failed.is_some() || state.left;
        if !there(&state) {
            self.arrived
                .wait_while_for(&mut state, |state| !there(state), timeout);
        }
        there(&state)
    }

    /// Where the newest record of `key` is, once everything has come.
    pub(crate) fn newest(
        &self,
        key: &[u8],
        own: u64,
        deadline: Instant,
    ) -> Result<Keyed, JournalError> {
        let mut state = self.state.lock();
        while !(state.at_end && own <= state.next) {
            if state.left {
                return Ok(Keyed::Left);
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                return Err(JournalError::brokers(
                    "read",
                    "no answer in time: are the brokers up?",
                ));
            }
        }
        let newest = state.keys.as_ref().and_then(|keys| keys.get(key));
        let newest = newest.copied().filter(|newest| !newest.deleted);
        Ok(Keyed::At(newest))
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Offset> {
        self.lock().watch.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn collect(&self, from: u64, max_bytes: usize) -> Vec<Record> {
        let start = self
            .records
            .partition_point(|record| record.offset.0 < from);
        let mut size = 0;
        let mut found = Vec::new();
        for record in self.records.range(start..) {
            let bytes = record.stored_bytes();
            if !found.is_empty() && bytes + size > max_bytes {
                break;
            }
            size += bytes;
            found.push(record.clone());
        }
        found
    }
}
