//! One transactional producer and its thread: everything that waits becomes one transaction.
//!
//! The same group commit as on disk: what is queued while a transaction is on its way shares the
//! next one, so that the price of a transaction falls with the load. A transaction that must be
//! aborted is sent again with the same batches: nothing is stepped twice (semantics §32).

use super::asking::Asking;
use super::client;
use super::ends::Ends;
use super::errors::{Fate, fate};
use super::history::History;
use super::options::KafkaOptions;
use super::sending;
use super::waiting;
use super::waiting::now;
use super::wire;
use crate::batch::Mark;
use crate::queue::{Pending, Queue};
use crate::{Batch, Consumer, JournalError, Offset, Ticket};
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest wait for one call; what is not over by then is asked for again.
const CALL: Duration = Duration::from_secs(10);
/// Between two attempts at what brokers refused for the moment.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two looks at what is on the wire at first; later a share of what has passed.
const LOOK_FIRST: Duration = Duration::from_millis(1);
/// Looks come later by one part in so many of the wait.
const LOOK_SHARE: u32 = 4;
/// Longest between two looks.
const LOOK_LAST: Duration = Duration::from_millis(20);
/// Calls that are made again once the journal is being closed.
const LAST_TRIES: u32 = 2;

/// A producer of one owner, by whom what it may write is fenced.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// What has been done so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Transactions committed.
    pub(crate) commits: AtomicU64,
    /// Transactions aborted and sent again.
    pub(crate) aborts: AtomicU64,
    /// Records committed.
    pub(crate) records: AtomicU64,
}

/// What a writer needs of its journal.
pub(crate) struct Setup {
    pub(crate) options: Arc<KafkaOptions>,
    pub(crate) transactional_id: String,
    /// After so long brokers abort what it left open.
    pub(crate) timeout: Duration,
    pub(crate) ends: Arc<Ends>,
    pub(crate) asking: Arc<Asking>,
    pub(crate) history: Arc<History>,
    pub(crate) counters: Arc<Counters>,
    /// Nobody takes its place: where brokers ended its transaction for its age it begins anew.
    pub(crate) begins_anew: bool,
    /// Said when another node has taken over.
    pub(crate) fenced: JournalError,
}

/// Where the delivery of each record of a transaction is noted.
#[derive(Default)]
struct Reports(Mutex<Vec<Option<Result<i64, KafkaError>>>>);

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        client::say(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let outcome = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        if let Some(slot) = self.0.lock().get_mut(index) {
            *slot = Some(outcome);
        }
    }
}

impl Writer {
    /// Takes the place of whoever had this transactional id: what that one left open is ended
    /// first, so that nothing of it can appear behind what we read now.
    pub(crate) fn open(setup: Setup) -> Result<Self, JournalError> {
        let producer = begin(&setup, || true)?;
        let queue = Arc::new(Queue::new(setup.options.queue_bytes));
        let work = Work {
            producer,
            queue: Arc::clone(&queue),
            groups: FxHashMap::default(),
            setup,
        };
        let thread = std::thread::Builder::new()
            .name("kafka-writer".to_owned())
            .spawn(move || work.run())
            .map_err(|source| JournalError::file("start", "a thread", source))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    pub(crate) fn push(&self, batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        self.queue.push(batch, patient)
    }

    /// Why nothing more is accepted, if so.
    pub(crate) fn ended(&self) -> Option<JournalError> {
        self.queue.ended()
    }

    /// Accepts nothing more for that reason; what waits is told so.
    pub(crate) fn end(&self, why: JournalError) {
        self.queue.end(why);
    }

    pub(crate) fn depth(&self) -> (usize, usize) {
        self.queue.depth()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.end(JournalError::Closed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Work {
    producer: BaseProducer<Reports>,
    queue: Arc<Queue>,
    /// What stands for each consumer group in a transaction.
    groups: FxHashMap<Consumer, ConsumerGroupMetadata>,
    setup: Setup,
}

impl Work {
    fn run(mut self) {
        while let Some(mut group) = self.queue.take() {
            let written = self.learn(&group).and_then(|()| self.transact(&mut group));
            match written {
                Ok(()) => {
                    for pending in group {
                        pending.promise.keep(Ok(pending.batch.runs));
                    }
                }
                Err(error) => {
                    self.queue.end(error.clone());
                    for pending in group {
                        pending.promise.keep(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Learns how late the partitions are, however long that takes.
    fn learn(&self, group: &VecDeque<Pending>) -> Result<(), JournalError> {
        for run in group.iter().flat_map(|pending| &pending.batch.runs) {
            let place = (run.topic, run.partition);
            while let Err(error) = self.setup.asking.learn_time(&self.setup.history, place) {
                if self.queue.ended().is_some() {
                    return Err(error);
                }
                tracing::warn!(%error, "asked again");
                pause(&self.producer);
            }
        }
        Ok(())
    }

    /// Writes the group and notes in each batch where its records came to stand.
    fn transact(&mut self, group: &mut VecDeque<Pending>) -> Result<(), JournalError> {
        loop {
            let began = now();
            let Err(error) = self.attempt(group) else {
                self.setup.counters.commits.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            };
            tracing::warn!(%error, id = self.setup.transactional_id, "transaction sent again");
            self.setup.counters.aborts.fetch_add(1, Ordering::Relaxed);
            match self.undo(error) {
                Ok(()) => {}
                // Brokers ended what was as old as this, so nothing of it was committed, and nobody
                // need have taken this one's place.
                Err(why) if self.setup.begins_anew && began.elapsed() >= self.setup.timeout => {
                    tracing::warn!(error = %why, id = self.setup.transactional_id, "begun anew");
                    let queue = Arc::clone(&self.queue);
                    self.producer = begin(&self.setup, || queue.ended().is_none())?;
                }
                Err(why) => return Err(why),
            }
            // Nobody waits for an outage while the process ends.
            if self.queue.ended().is_some() {
                return Err(JournalError::Closed);
            }
            pause(&self.producer);
        }
    }

    /// Ends a transaction that failed, so that it can be sent again.
    fn undo(&self, error: KafkaError) -> Result<(), JournalError> {
        match fate(&error) {
            Fate::Fenced => Err(self.setup.fenced.clone()),
            Fate::Lost => Err(JournalError::brokers("commit", error)),
            Fate::Again | Fate::Abort => self.abort(),
        }
    }

    fn attempt(&mut self, group: &mut VecDeque<Pending>) -> KafkaResult<()> {
        self.producer.begin_transaction()?;
        let records: usize = group.iter().map(|p| p.batch.len() as usize).sum();
        *self.producer.context().0.lock() = (0..records).map(|_| None).collect();
        let mut next = 0;
        for pending in group.iter_mut() {
            self.send(&mut pending.batch, &mut next)?;
        }
        let began = now();
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            // The client's own wait spins through its last millisecond.
            waiting::pause((began.elapsed() / LOOK_SHARE).clamp(LOOK_FIRST, LOOK_LAST));
        }
        let offsets = self.offsets()?;
        self.mark(group)?;
        let mut last_tries = 0;
        loop {
            match self.producer.commit_transaction(CALL) {
                Ok(()) => break,
                Err(error)
                    if fate(&error) == Fate::Again && goes_on(&self.queue, &mut last_tries) =>
                {
                    pause(&self.producer);
                }
                Err(error) => return Err(error),
            }
        }
        self.setup
            .counters
            .records
            .fetch_add(records as u64, Ordering::Relaxed);
        self.place(group, &offsets);
        Ok(())
    }

    /// Hands the records of a batch to the producer, `next` counting them over the transaction.
    fn send(&self, batch: &mut Batch, next: &mut usize) -> KafkaResult<()> {
        sending::stamp(batch, &self.setup.ends);
        sending::each(batch, &self.setup.options.prefix, |target, record| {
            self.hand(target.message(record, *next))?;
            *next += 1;
            Ok(())
        })
    }

    fn hand(&self, mut message: BaseRecord<'_, [u8], [u8], usize>) -> KafkaResult<()> {
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    self.producer.poll(Duration::from_millis(10));
                    message = back;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Offsets of all records of the transaction, or why one was not taken.
    fn offsets(&self) -> KafkaResult<Vec<u64>> {
        let mut reports = self.producer.context().0.lock();
        let missing = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        let taken = reports.drain(..).map(|report| {
            let offset = report.unwrap_or_else(|| Err(missing.clone()))?;
            Ok(u64::try_from(offset).unwrap_or_default())
        });
        taken.collect()
    }

    /// Adds the consumed positions; later ones of the same consumer and partition stand for all.
    fn mark(&mut self, group: &VecDeque<Pending>) -> KafkaResult<()> {
        let mut marks: BTreeMap<Consumer, BTreeMap<_, Offset>> = BTreeMap::new();
        for pending in group {
            for mark in &pending.batch.marks {
                if let Mark::Consumed {
                    consumer,
                    topic,
                    partition,
                    next,
                } = *mark
                {
                    marks
                        .entry(consumer)
                        .or_default()
                        .insert((topic, partition), next);
                }
            }
        }
        for (consumer, positions) in marks {
            let mut list = TopicPartitionList::new();
            for ((topic, partition), next) in positions {
                let name = wire::name(&self.setup.options.prefix, topic);
                let offset = rdkafka::Offset::Offset(next.0.cast_signed());
                list.add_partition_offset(&name, i32::from(partition.0), offset)?;
            }
            let mut last_tries = 0;
            let metadata = member(&mut self.groups, &self.setup.options, consumer)?;
            loop {
                match self
                    .producer
                    .send_offsets_to_transaction(&list, metadata, CALL)
                {
                    Ok(()) => break,
                    Err(error)
                        if fate(&error) == Fate::Again && goes_on(&self.queue, &mut last_tries) =>
                    {
                        pause(&self.producer);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Notes where the records of each batch came to stand.
    fn place(&self, group: &mut VecDeque<Pending>, offsets: &[u64]) {
        let mut rest = offsets;
        for pending in group.iter_mut() {
            for run in &mut pending.batch.runs {
                let (own, more) = rest.split_at((run.count as usize).min(rest.len()));
                rest = more;
                if let (Some(first), Some(last)) = (own.first(), own.last()) {
                    run.first = Offset(*first);
                    self.setup.ends.written(run, last + 1);
                }
            }
        }
    }

    fn abort(&self) -> Result<(), JournalError> {
        let mut last_tries = 0;
        loop {
            match self.producer.abort_transaction(CALL) {
                Ok(()) => return Ok(()),
                Err(error) => match fate(&error) {
                    Fate::Again if goes_on(&self.queue, &mut last_tries) => pause(&self.producer),
                    Fate::Again => return Err(JournalError::Closed),
                    Fate::Fenced => return Err(self.setup.fenced.clone()),
                    // There is no transaction to abort: the next one may begin.
                    Fate::Abort => return Ok(()),
                    Fate::Lost => return Err(JournalError::brokers("abort", error)),
                },
            }
        }
    }
}

/// A producer in the place of whoever had its transactional id: what that one left open is ended.
fn begin(setup: &Setup, goes_on: impl Fn() -> bool) -> Result<BaseProducer<Reports>, JournalError> {
    let config = setup
        .options
        .producer(&setup.transactional_id, setup.timeout);
    let producer = BaseProducer::from_config_and_context(&config, Reports::default())
        .map_err(|error| JournalError::brokers("make a producer", error))?;
    while let Err(error) = producer.init_transactions(CALL) {
        match fate(&error) {
            Fate::Again | Fate::Abort if goes_on() => pause(&producer),
            Fate::Again | Fate::Abort => return Err(JournalError::Closed),
            Fate::Fenced => return Err(setup.fenced.clone()),
            Fate::Lost => return Err(JournalError::brokers("begin as a producer", error)),
        }
    }
    Ok(producer)
}

/// What stands for a consumer's group in a transaction: a consumer that joins nothing, since who owns
/// what is settled by the transactional id.
fn member<'a>(
    groups: &'a mut FxHashMap<Consumer, ConsumerGroupMetadata>,
    options: &KafkaOptions,
    consumer: Consumer,
) -> KafkaResult<&'a ConsumerGroupMetadata> {
    match groups.entry(consumer) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(vacant) => {
            let name = super::group(&options.prefix, consumer);
            let member = client::reader(options, &name)?;
            let unknown = KafkaError::MessageProduction(RDKafkaErrorCode::UnknownGroup);
            Ok(vacant.insert(member.group_metadata().ok_or(unknown)?))
        }
    }
}

/// Whether a call that brokers did not answer is made again: always, until the journal is being
/// closed; then a few times, so that an outage does not hold the end of the process for ever.
fn goes_on(queue: &Queue, last_tries: &mut u32) -> bool {
    *last_tries += u32::from(queue.ended().is_some());
    *last_tries <= LAST_TRIES
}

/// A moment in which the producer's own work goes on.
fn pause(producer: &BaseProducer<Reports>) {
    producer.poll(PAUSE);
}
