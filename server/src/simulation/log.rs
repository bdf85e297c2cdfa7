//! One journal under all nodes: what is submitted waits here until the run stores it, refuses it or
//! loses the answer, and what an earlier owner submits is fenced off.
//!
//! Ownership is as with a transactional id for each role and partition: whoever took the place last
//! may write for it, and a batch of anybody before is refused as a whole.

use super::plant::Plant;
use journal::{
    Assigned, Batch, Claims, Consumer, Journal, JournalError, Kind, MemoryJournal, Offset,
    Partition, Priority, Promise, Record, Ticket, Topic,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Most batches one writer has on their way: a thread would wait for room at some point, and here
/// there is none to wait in.
const QUEUED_MAX: usize = 24;

/// What has one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Zone(u16),
    Link(u16),
}

/// A place in one node's hands, until the next one takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hold {
    pub(super) place: Place,
    pub(super) epoch: u64,
}

/// Who submits: an owner, or a node for those who ask it. Each has one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Writer {
    pub(super) node: u64,
    pub(super) hold: Option<Hold>,
}

struct Queued {
    batch: Batch,
    promise: Option<Promise>,
}

/// What becomes of the oldest batch of a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stored,
    /// Not stored, and its writer is told so.
    Refused,
    /// Stored, and its writer is told of a failure.
    Unclear,
    /// Stored, and nobody is left to be told.
    Unanswered,
    /// Not stored, and nobody is left to be told.
    Lost,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<Writer, VecDeque<Queued>>,
    owners: BTreeMap<Place, u64>,
    epochs: u64,
    /// Deletions asked for: each third fails, as while brokers change.
    trims: u64,
    dead: BTreeSet<u64>,
    /// Owners of which a commit failed: nothing after it is stored, in whatever order it was queued.
    broken: BTreeSet<Hold>,
    /// Whose round it is.
    acting: Option<Hold>,
    /// Everything is stored at once: starts, clean stops and the time after the faults.
    is_calm: bool,
    /// Requests are refused: the queue is at its bound.
    is_full: bool,
    /// What becomes of the next tick: its zone waits for it, so that it is decided where it is made.
    tick: Option<Fate>,
    ticked: Option<Fate>,
    /// Batches refused to an owner of before, and to requests, by step.
    fenced: Vec<&'static str>,
    full: Vec<&'static str>,
    stored: Vec<(Topic, Partition, Record)>,
    began: BTreeSet<Hold>,
}

/// The journal of all.
pub(super) struct Log {
    inner: MemoryJournal,
    state: Mutex<State>,
    plant: Option<Plant>,
}

/// A node's way to it.
pub(super) struct Port {
    log: Arc<Log>,
    node: u64,
}

impl Log {
    pub(super) fn new(plant: Option<Plant>) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryJournal::new(),
            state: Mutex::default(),
            plant,
        })
    }

    pub(super) fn port(self: &Arc<Self>, node: u64) -> Arc<Port> {
        let log = Arc::clone(self);
        Arc::new(Port { log, node })
    }

    /// A new owner: whoever held the place before writes nothing more for it.
    pub(super) fn take(&self, place: Place) -> Hold {
        let mut state = self.state.lock();
        state.epochs += 1;
        let epoch = state.epochs;
        state.owners.insert(place, epoch);
        Hold { place, epoch }
    }

    pub(super) fn is_owner(&self, hold: Hold) -> bool {
        self.state.lock().owners.get(&hold.place) == Some(&hold.epoch)
    }

    /// Says whose round it is, until [`Log::rest`].
    pub(super) fn act(&self, hold: Hold) {
        self.state.lock().acting = Some(hold);
    }

    pub(super) fn rest(&self) {
        self.state.lock().acting = None;
    }

    pub(super) fn calm(&self, is_calm: bool) {
        self.state.lock().is_calm = is_calm;
    }

    pub(super) fn full(&self, is_full: bool) {
        self.state.lock().is_full = is_full;
    }

    /// Decides the next tick of the round that follows.
    pub(super) fn tick(&self, fate: Fate) {
        self.state.lock().tick = Some(fate);
    }

    /// What was decided of a tick in the round before.
    pub(super) fn ticked(&self) -> Option<Fate> {
        let mut state = self.state.lock();
        state.tick = None;
        state.ticked.take()
    }

    fn left(&self, state: &State, writer: Writer) -> usize {
        state.queues.get(&writer).map_or(0, VecDeque::len)
    }

    /// Writers of which something is on its way.
    pub(super) fn writers(&self) -> Vec<Writer> {
        let state = self.state.lock();
        let waiting = state.queues.iter().filter(|(_, queue)| !queue.is_empty());
        waiting.map(|(writer, _)| *writer).collect()
    }

    pub(super) fn queued(&self, writer: Writer) -> usize {
        self.left(&self.state.lock(), writer)
    }

    /// Decides the oldest batch of a writer; gives the step it was of.
    pub(super) fn decide(&self, writer: Writer, fate: Fate) -> Option<&'static str> {
        let mut state = self.state.lock();
        self.decide_in(&mut state, writer, fate)
    }

    fn decide_in(&self, state: &mut State, writer: Writer, fate: Fate) -> Option<&'static str> {
        let queued = state.queues.get_mut(&writer)?.pop_front()?;
        let step = step_of(writer.hold, &queued.batch);
        let is_broken = |hold: &Hold| state.broken.contains(hold);
        if writer.hold.as_ref().is_some_and(is_broken) {
            keep(queued.promise, Err(JournalError::Closed));
            return Some(step);
        }
        let is_fenced = writer
            .hold
            .is_some_and(|hold| state.owners.get(&hold.place) != Some(&hold.epoch));
        if is_fenced && self.plant != Some(Plant::NotFenced) {
            state.fenced.push(step);
            state.broken.extend(writer.hold);
            keep(queued.promise, Err(JournalError::Closed));
            return Some(step);
        }
        let outcome = match fate {
            Fate::Stored | Fate::Unclear | Fate::Unanswered => {
                self.store(state, queued.batch, fate)
            }
            Fate::Refused => Err(JournalError::Closed),
            Fate::Lost => return Some(step),
        };
        match fate {
            Fate::Stored => keep(queued.promise, outcome),
            Fate::Refused | Fate::Unclear => {
                state.broken.extend(writer.hold);
                keep(queued.promise, Err(JournalError::Closed));
            }
            Fate::Unanswered | Fate::Lost => {}
        }
        Some(step)
    }

    fn store(
        &self,
        state: &mut State,
        batch: Batch,
        fate: Fate,
    ) -> Result<Vec<Assigned>, JournalError> {
        let is_unclear = matches!(fate, Fate::Unclear | Fate::Unanswered);
        let times = if is_unclear && self.plant == Some(Plant::StoredTwice) {
            2
        } else {
            1
        };
        let mut runs = Vec::new();
        for _ in 0..times {
            let mut ticket = self.inner.submit(batch.clone())?;
            runs = ticket.now().unwrap_or(Err(JournalError::Closed))?;
            for run in &runs {
                let all = self
                    .inner
                    .read(run.topic, run.partition, run.first, usize::MAX)?;
                let of_run = all.into_iter().take(run.count as usize);
                let placed = of_run.map(|record| (run.topic, run.partition, record));
                state.stored.extend(placed);
            }
        }
        Ok(runs)
    }

    /// The end of a node: nobody hears of what it had on its way.
    pub(super) fn die(&self, node: u64) {
        self.state.lock().dead.insert(node);
    }

    /// What was stored since the last call, in order.
    pub(super) fn stored(&self) -> Vec<(Topic, Partition, Record)> {
        std::mem::take(&mut self.state.lock().stored)
    }

    /// Steps that were refused since the last call: to owners of before, and for want of room.
    pub(super) fn refused(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut state = self.state.lock();
        let fenced = std::mem::take(&mut state.fenced);
        (fenced, std::mem::take(&mut state.full))
    }

    fn submit(&self, node: u64, batch: Batch, may_wait: bool) -> Result<Ticket, JournalError> {
        let mut state = self.state.lock();
        if state.dead.contains(&node) {
            return Err(JournalError::Closed);
        }
        let writer = Writer {
            node,
            hold: state.acting,
        };
        if state
            .acting
            .is_some_and(|hold| state.broken.contains(&hold))
        {
            return Err(JournalError::Closed);
        }
        let step = step_of(writer.hold, &batch);
        if !may_wait && state.is_full && !state.is_calm {
            state.full.push(step);
            return Err(JournalError::Full {
                batches: 1,
                bytes: batch.stored_bytes(),
            });
        }
        let (promise, ticket) = Ticket::pair();
        let mut promise = Some(promise);
        let is_early = match self.plant {
            Some(Plant::AcknowledgedEarly) => step == "observations",
            Some(Plant::ReceiptsEarly) => step == "progress",
            Some(_) | None => false,
        };
        if is_early {
            keep(promise.take(), Ok(Vec::new()));
        }
        let queue = state.queues.entry(writer).or_default();
        queue.push_back(Queued { batch, promise });
        // A tick is waited for in the thread of its zone, as is room in the queue.
        let is_waited_for = step == "tick" || queue.len() > QUEUED_MAX;
        if state.is_calm || is_waited_for {
            while self.left(&state, writer) > 1 {
                self.decide_in(&mut state, writer, Fate::Stored);
            }
            let fate = if step == "tick" && !state.is_calm {
                state.ticked = state.tick.take();
                state.ticked
            } else {
                None
            };
            self.decide_in(&mut state, writer, fate.unwrap_or(Fate::Stored));
        }
        Ok(ticket)
    }

    /// The holder in whose round this is, if it has read nothing of the topic before.
    fn begins(&self, topic: Topic) -> bool {
        let mut state = self.state.lock();
        let (is_input, acting) = (topic.kind == Kind::Input, state.acting);
        acting.is_some_and(|hold| is_input && state.began.insert(hold))
    }
}

fn keep(promise: Option<Promise>, outcome: Result<Vec<Assigned>, JournalError>) {
    if let Some(promise) = promise {
        promise.keep(outcome);
    }
}

/// What a batch is a part of.
fn step_of(hold: Option<Hold>, batch: &Batch) -> &'static str {
    let has = |kind: Kind| batch.runs().iter().any(|run| run.topic.kind == kind);
    match hold.map(|hold| hold.place) {
        None => match batch.priority() {
            Priority::Bulk => "observations",
            Priority::Vital => "act",
        },
        Some(Place::Zone(_)) if has(Kind::Series) => "rows",
        Some(Place::Zone(_)) if has(Kind::Snapshots) => "zone at rest",
        Some(Place::Zone(_)) if has(Kind::Warnings) || has(Kind::Deliveries) => "decision",
        Some(Place::Zone(_)) => "tick",
        Some(Place::Link(_)) if has(Kind::Snapshots) => "link at rest",
        Some(Place::Link(_)) if has(Kind::Input) || has(Kind::Deliveries) => "stand-in",
        Some(Place::Link(_)) => "progress",
    }
}

impl Journal for Port {
    fn submit(&self, batch: Batch) -> Result<Ticket, JournalError> {
        self.log.submit(self.node, batch, false)
    }

    fn submit_waiting(&self, batch: Batch) -> Result<Ticket, JournalError> {
        self.log.submit(self.node, batch, true)
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let log = &self.log;
        let mut records = log.inner.read(topic, partition, from, max_bytes)?;
        match log.plant {
            Some(Plant::StartsLate) if !records.is_empty() && from > Offset(1) => {
                if log.begins(topic) {
                    records.remove(0);
                }
            }
            Some(Plant::ClaimsForgotten) if topic.kind == Kind::Receipts => {
                records.retain(|record| !super::audit::is_claim(record));
            }
            Some(Plant::EndsHidden) if topic.kind == Kind::Deliveries => {
                records.retain(|record| !super::audit::is_end(record));
            }
            Some(Plant::IntentLost) if topic.kind == Kind::Deliveries => {
                records.retain(|record| record.offset.0 % 5 != 3);
            }
            Some(_) | None => {}
        }
        Ok(records)
    }

    fn latest(
        &self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
    ) -> Result<Option<Record>, JournalError> {
        let found = self.log.inner.latest(topic, partition, key)?;
        let is_header = topic.kind == Kind::Snapshots && key.len() == 2 && key.first() == Some(&1);
        match found {
            Some(record) if is_header && self.log.plant == Some(Plant::SnapshotAhead) => {
                further(topic, partition, &record)
            }
            found => Ok(found),
        }
    }

    fn wait(&self, topic: Topic, partition: Partition, from: Offset, _: Duration) -> bool {
        self.log
            .inner
            .end(topic, partition)
            .is_ok_and(|end| end > from)
    }

    fn subscribe(&self, topic: Topic, partition: Partition) -> watch::Receiver<Offset> {
        self.log.inner.subscribe(topic, partition)
    }

    fn resume(
        &self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, JournalError> {
        match self.log.plant {
            Some(Plant::PositionForgotten) => self.log.inner.first(topic, partition),
            Some(Plant::PositionAhead) => self.log.inner.end(topic, partition),
            Some(_) | None => self.log.inner.resume(consumer, topic, partition),
        }
    }

    fn first(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        self.log.inner.first(topic, partition)
    }

    fn end(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        self.log.inner.end(topic, partition)
    }

    fn trim(
        &self,
        topic: Topic,
        partition: Partition,
        before: Offset,
    ) -> Result<Ticket, JournalError> {
        let mut state = self.log.state.lock();
        let acting = state.acting;
        state.trims += 1;
        let fails = state.trims.is_multiple_of(3);
        drop(state);
        if acting.is_some_and(|hold| !self.log.is_owner(hold)) {
            return Err(JournalError::Closed);
        }
        if fails {
            return Err(JournalError::Brokers {
                action: "delete records",
                why: "a broker went".to_owned(),
            });
        }
        self.log.inner.trim(topic, partition, before)
    }

    fn claims(&self, topic: Topic, partitions: &[Partition]) -> Result<Claims, JournalError> {
        self.log.inner.claims(topic, partitions)
    }
}

/// A snapshot's header that says that it stands one record further on.
fn further(
    topic: Topic,
    partition: Partition,
    record: &Record,
) -> Result<Option<Record>, JournalError> {
    let mut header: serde_json::Value = serde_json::from_slice(record.payload()).unwrap();
    let position = header["positions"][0].as_u64().unwrap() + 1;
    header["positions"][0] = position.into();
    let scratch = MemoryJournal::new();
    let mut batch = Batch::new(record.time_ms, Priority::Vital);
    let text = header.to_string();
    batch.append(topic, partition, record.kind, record.key(), text.as_bytes());
    scratch.submit(batch)?.wait()?;
    scratch.latest(topic, partition, record.key())
}
