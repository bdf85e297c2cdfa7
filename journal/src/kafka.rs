//! The journal of many machines, on Apache Kafka.
//!
//! A batch is part of one transaction, with the consumed position in it; only what is committed is
//! read. One that is apart needs none and is read as soon as the brokers have it. Who owns a partition writes under a transactional id that is the partition's: its
//! successor ends what it left open and fences it from then on (semantics §32).
//!
//! # What differs from one machine
//! - Offsets are the broker's: they grow, and where a transaction ended there is a gap.
//! - Record times are clamped by each writer and by the reader of the tail; two writers whose
//!   clocks differ are put in order by whoever steps the partition.
//!
//! # Threads
//! One writes for each owned partition, one hands over what is apart, one empties the queues of the followed ones, one for each
//! topic of which partitions are claimed; librdkafka has its own for each client.

mod apart;
mod asking;
mod claims;
mod client;
mod ends;
mod errors;
mod flow;
mod history;
mod options;
mod sending;
mod slot;
mod tail;
mod topics;
mod waiting;
mod wire;
mod writer;
mod writers;

pub(crate) use claims::Membership;
pub use options::{KafkaOptions, Login, Mechanism, Security, Tls};
pub use topics::{Difference, Layout};

use crate::{
    Batch, Claims, Consumer, Journal, JournalError, Mode, Offset, Partition, Record, Ticket, Topic,
};
use asking::{Asking, again};
use ends::Ends;
use history::History;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use slot::{Keyed, Look, Slot};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tail::Tail;
use tokio::sync::watch;
use waiting::now;
use writers::Writers;

/// Longest wait for one answer of the brokers.
const CALL: Duration = Duration::from_secs(10);

/// A journal on a Kafka cluster. Dropping it writes what waits and leaves the groups.
pub struct KafkaJournal {
    options: Arc<KafkaOptions>,
    ends: Arc<Ends>,
    writers: Arc<Writers>,
    tail: Arc<Tail>,
    history: Arc<History>,
    asking: Arc<Asking>,
    admin: AdminClient<DefaultClientContext>,
}

/// The group under whose name a consumer's positions are kept.
fn group(prefix: &str, consumer: Consumer) -> String {
    format!("{prefix}consumer-{}", consumer.0)
}

/// The group that shares out the partitions of a topic.
fn owners(prefix: &str, topic: Topic) -> String {
    format!("{}-owners", wire::name(prefix, topic))
}

/// A moment's figures for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KafkaStatistics {
    /// Batches that wait for their transaction; of those that are apart, until they are acknowledged.
    pub queue_batches: u64,
    /// Their size.
    pub queue_bytes: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions aborted and sent again.
    pub aborts: u64,
    /// Records committed or acknowledged.
    pub records: u64,
    /// Records acknowledged without a transaction.
    pub apart_records: u64,
    /// Batches whose senders were told to send them again.
    pub apart_refused: u64,
    /// For how long the oldest batch without a transaction has been on its way, milliseconds: brokers
    /// that answer keep it at some tens.
    pub apart_oldest_ms: u64,
}

impl KafkaJournal {
    /// Connects and looks whether the topics of `mode` are as `layout` wants them.
    ///
    /// # Errors
    /// Brokers that cannot be reached or refuse the login; a topic that is missing or has another
    /// number of partitions.
    pub fn open(options: KafkaOptions, layout: &Layout, mode: Mode) -> Result<Self, JournalError> {
        options.check()?;
        let options = Arc::new(options);
        let admin = topics::admin(&options)?;
        topics::verify(&admin, &options.prefix, layout, mode)?;
        let ends = Arc::<Ends>::default();
        let asking = Arc::new(Asking::new(Arc::clone(&options), Arc::clone(&ends))?);
        let history = Arc::new(History::new(Arc::clone(&options)));
        let writers = Writers::new(
            Arc::clone(&options),
            Arc::clone(&ends),
            Arc::clone(&asking),
            Arc::clone(&history),
        );
        Ok(Self {
            writers: Arc::new(writers),
            tail: Arc::new(Tail::new(Arc::clone(&options))?),
            history,
            asking,
            admin,
            ends,
            options,
        })
    }

    /// A moment's figures for metrics.
    pub fn statistics(&self) -> KafkaStatistics {
        self.writers.figures()
    }

    /// Why the journal accepts nothing more, if so. The process must then end.
    pub fn failure(&self) -> Option<JournalError> {
        self.writers.failure()
    }

    fn push(&self, mut batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        batch.check(options::RECORD_BYTES_MAX - HEADERS_MAX)?;
        batch.seal();
        self.writers.push(batch, patient)
    }

    fn name(&self, topic: Topic) -> String {
        wire::name(&self.options.prefix, topic)
    }

    fn watermarks(&self, topic: Topic, partition: Partition) -> Result<(u64, u64), JournalError> {
        self.asking.watermarks((topic, partition))
    }

    /// The partition's slot, followed from `from` on where nobody followed it yet. What is found
    /// by its key is followed from the beginning.
    fn slot(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
    ) -> Result<Arc<Slot>, JournalError> {
        self.tail.follow((topic, partition), || {
            let (low, high) = self.watermarks(topic, partition)?;
            Ok(if wire::is_compacted(topic.kind) {
                Offset(low)
            } else {
                Offset(from.0.clamp(low, high.max(low)))
            })
        })
    }

    fn deadline(&self) -> Instant {
        // A dead process's open transaction holds readers up until brokers end it.
        now() + self.options.transaction_timeout + CALL
    }

    fn trimmed(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
    ) -> Result<(), JournalError> {
        let first = self.ends.first((topic, partition));
        if from < first {
            return Err(JournalError::Trimmed {
                topic,
                partition,
                from,
                first,
            });
        }
        Ok(())
    }
}

/// What headers and framing may add to a record.
const HEADERS_MAX: usize = 4 << 10;

impl Journal for KafkaJournal {
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
        let place = (topic, partition);
        self.trimmed(topic, partition, from)?;
        let deadline = self.deadline();
        loop {
            let slot = self.slot(topic, partition, from)?;
            let looked = slot.look(from, max_bytes, self.ends.end(place), deadline);
            let (look, resumed) = match looked {
                // It was deleted before it was fetched: where it begins now is asked for, and the
                // partition is followed anew.
                Err(JournalError::Trimmed { .. }) if now() < deadline => {
                    self.tail.forget(place);
                    self.watermarks(topic, partition)?;
                    self.trimmed(topic, partition, from)?;
                    continue;
                }
                looked => looked?,
            };
            if resumed {
                self.tail.resume(place);
            }
            match look {
                Look::Records(records) => return Ok(records),
                Look::Left => {}
                Look::End if resumed => {}
                Look::End => return Ok(Vec::new()),
                Look::Before => {
                    let found = self.history.read(place, from, max_bytes, deadline)?;
                    if found.gone {
                        self.watermarks(topic, partition)?;
                        self.trimmed(topic, partition, from)?;
                    }
                    return Ok(found.records);
                }
            }
        }
    }

    fn latest(
        &self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
    ) -> Result<Option<Record>, JournalError> {
        let place = (topic, partition);
        let deadline = self.deadline();
        loop {
            let slot = self.slot(topic, partition, Offset(0))?;
            let newest = match slot.newest(key, self.ends.end(place), deadline)? {
                Keyed::At(Some(newest)) => newest,
                Keyed::At(None) => return Ok(None),
                Keyed::Left => continue,
            };
            let from = Offset(newest.offset);
            let found = self.read(topic, partition, from, 0)?;
            let found = found.into_iter().next();
            if let Some(found) = found.filter(|found| found.offset == from) {
                return Ok(Some(found));
            }
            // Compaction took it away because a newer one is there: that one is coming.
            slot.wait(from.plus(1), CALL);
        }
    }

    fn wait(&self, topic: Topic, partition: Partition, from: Offset, timeout: Duration) -> bool {
        match self.slot(topic, partition, from) {
            Ok(slot) => slot.wait(from, timeout),
            // The read that follows says why.
            Err(_) => true,
        }
    }

    fn subscribe(&self, topic: Topic, partition: Partition) -> watch::Receiver<Offset> {
        let slot = self.tail.follow((topic, partition), || {
            let (low, high) = self.watermarks(topic, partition)?;
            let from = if wire::is_compacted(topic.kind) {
                low
            } else {
                high
            };
            Ok(Offset(from))
        });
        match slot {
            Ok(slot) => slot.subscribe(),
            Err(error) => {
                tracing::error!(%error, %topic, partition = partition.0, "not followed");
                watch::channel(Offset(0)).1
            }
        }
    }

    fn resume(
        &self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, JournalError> {
        let failed = |error| JournalError::brokers("ask for a position", error);
        let name = self.name(topic);
        let mut list = TopicPartitionList::new();
        list.add_partition(&name, i32::from(partition.0));
        let group = group(&self.options.prefix, consumer);
        let asking = client::reader(&self.options, &group).map_err(failed)?;
        let stored = again("ask for a position", || {
            let stored = asking.committed_offsets(list.clone(), CALL)?;
            stored
                .elements()
                .iter()
                .try_for_each(|element| element.error())?;
            Ok(stored)
        })?;
        let stored = stored.elements().first().map(|element| element.offset());
        let (low, _) = self.watermarks(topic, partition)?;
        Ok(match stored {
            Some(rdkafka::Offset::Offset(next)) => {
                Offset(u64::try_from(next).unwrap_or_default().max(low))
            }
            _ => Offset(low),
        })
    }

    fn first(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        let (low, _) = self.watermarks(topic, partition)?;
        Ok(self.ends.first((topic, partition)).max(Offset(low)))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        let (_, high) = self.watermarks(topic, partition)?;
        Ok(Offset(high.max(self.ends.end((topic, partition)))))
    }

    fn trim(
        &self,
        topic: Topic,
        partition: Partition,
        before: Offset,
    ) -> Result<Ticket, JournalError> {
        let (promise, ticket) = Ticket::pair();
        let (low, high) = self.watermarks(topic, partition)?;
        let before = before.0.min(high);
        if before <= low {
            promise.keep(Ok(Vec::new()));
            return Ok(ticket);
        }
        let failed = |error| JournalError::brokers("delete records", error);
        let mut list = TopicPartitionList::new();
        let offset = rdkafka::Offset::Offset(before.cast_signed());
        list.add_partition_offset(&self.name(topic), i32::from(partition.0), offset)
            .map_err(failed)?;
        let options = AdminOptions::new().request_timeout(Some(CALL));
        let deleted = topics::block_on(self.admin.delete_records(&list, &options));
        let deleted = deleted.map_err(failed)?;
        deleted
            .elements()
            .iter()
            .try_for_each(|element| element.error())
            .map_err(failed)?;
        self.ends.trimmed((topic, partition), before);
        promise.keep(Ok(Vec::new()));
        Ok(ticket)
    }

    fn claims(&self, topic: Topic, partitions: &[Partition]) -> Result<Claims, JournalError> {
        let (writers, tail) = (Arc::clone(&self.writers), Arc::clone(&self.tail));
        let joined = Membership::join(&self.options, writers, tail, topic, partitions);
        let (changes, membership) = joined?;
        Ok(Claims::of_group(changes, membership))
    }
}
