//! What is under way to the brokers: handed over, not acknowledged. Bounded by its size.

use super::ends::Ends;
use super::waiting::now;
use crate::ticket::Promise;
use crate::{Assigned, JournalError, Offset, Partition, Topic};
use parking_lot::{Condvar, Mutex};
use rdkafka::error::KafkaError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// All batches under way.
pub(crate) struct Flow {
    open: Mutex<Open>,
    landed: Condvar,
    /// Bound of their size; a single batch may be larger.
    bytes_max: usize,
    /// Records acknowledged.
    pub(crate) records: AtomicU64,
    /// Batches that were not acknowledged: their senders were told to send them again.
    pub(crate) refused: AtomicU64,
}

#[derive(Default)]
struct Open {
    /// Since when, by the order in which they left.
    since: BTreeMap<u64, Instant>,
    bytes: usize,
    next: u64,
}

impl Flow {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            open: Mutex::default(),
            landed: Condvar::new(),
            bytes_max,
            records: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Waits until there is room for `bytes`; false when `longest` has passed.
    pub(crate) fn has_room(&self, bytes: usize, longest: Duration) -> bool {
        let mut open = self.open.lock();
        let full = |open: &mut Open| {
            !open.since.is_empty() && open.bytes.saturating_add(bytes) > self.bytes_max
        };
        self.landed.wait_while_for(&mut open, full, longest);
        !full(&mut open)
    }

    /// Waits until nothing is under way; false when `longest` has passed.
    pub(crate) fn settled(&self, longest: Duration) -> bool {
        let mut open = self.open.lock();
        let busy = |open: &mut Open| !open.since.is_empty();
        self.landed.wait_while_for(&mut open, busy, longest);
        !busy(&mut open)
    }

    /// Batches and bytes under way, and for how long the oldest has been.
    pub(crate) fn figures(&self) -> (usize, usize, Duration) {
        let open = self.open.lock();
        let oldest = open.since.first_key_value();
        let age = oldest.map_or(Duration::ZERO, |(_, since)| now() - *since);
        (open.since.len(), open.bytes, age)
    }

    fn enter(&self, bytes: usize) -> u64 {
        let mut open = self.open.lock();
        let number = open.next;
        open.next += 1;
        open.bytes += bytes;
        open.since.insert(number, now());
        number
    }

    fn leave(&self, number: u64, bytes: usize) {
        let mut open = self.open.lock();
        open.since.remove(&number);
        open.bytes = open.bytes.saturating_sub(bytes);
        self.landed.notify_all();
    }
}

/// One batch under way. It is dropped with the last report on a record of it, or where there can be
/// no more reports, and then answers its submitter: nobody is left without.
pub(crate) struct Flight {
    state: Mutex<State>,
    flow: Arc<Flow>,
    ends: Arc<Ends>,
    number: u64,
    bytes: usize,
}

struct State {
    runs: Vec<Assigned>,
    /// Records that were not acknowledged yet.
    left: u64,
    failure: Option<JournalError>,
    promise: Option<Promise>,
}

impl Flight {
    /// A batch that is about to be handed over.
    pub(crate) fn new(
        flow: &Arc<Flow>,
        ends: Arc<Ends>,
        batch: &crate::Batch,
        promise: Promise,
    ) -> Self {
        let mut runs = batch.runs.clone();
        for run in &mut runs {
            run.first = Offset(u64::MAX);
        }
        Self {
            number: flow.enter(batch.bytes.len()),
            bytes: batch.bytes.len(),
            flow: Arc::clone(flow),
            ends,
            state: Mutex::new(State {
                runs,
                left: batch.len(),
                failure: None,
                promise: Some(promise),
            }),
        }
    }

    /// A record of a run stands where the brokers say, or not at all for all that is known.
    pub(crate) fn landed(&self, run: usize, report: Result<u64, KafkaError>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(run) = state.runs.get_mut(run) else {
            return;
        };
        match report {
            Ok(offset) => {
                run.first = run.first.min(Offset(offset));
                state.left = state.left.saturating_sub(1);
                self.ends.written(run, offset + 1);
                self.flow.records.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let failure = || unacknowledged(run.topic, run.partition, error.to_string());
                state.failure.get_or_insert_with(failure);
            }
        }
    }
}

fn unacknowledged(topic: Topic, partition: Partition, why: String) -> JournalError {
    JournalError::Unacknowledged {
        topic,
        partition,
        why,
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let runs = std::mem::take(&mut state.runs);
        let failure = match (state.failure.take(), runs.first()) {
            (None, Some(run)) if state.left > 0 => {
                let why = "it was given up as the journal was closed".to_owned();
                Some(unacknowledged(run.topic, run.partition, why))
            }
            (failure, _) => failure,
        };
        if failure.is_some() {
            self.flow.refused.fetch_add(1, Ordering::Relaxed);
        }
        // Who is told finds it counted no more.
        self.flow.leave(self.number, self.bytes);
        if let Some(promise) = state.promise.take() {
            promise.keep(failure.map_or(Ok(runs), Err));
        }
    }
}
