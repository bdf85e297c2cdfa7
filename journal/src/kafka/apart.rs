//! The producer of what is written apart, without transactions.
//!
//! What waits leaves together while the group before it is on the wire. The order within a partition
//! is kept, whoever leads it; where a broker took a request and died before it said so, its records
//! come again. What brokers do not acknowledge in time is told to its submitter, and the rest goes on.

use super::asking::Asking;
use super::client;
use super::ends::Ends;
use super::flow::{Flight, Flow};
use super::history::History;
use super::options::KafkaOptions;
use super::sending;
use super::waiting::{now, pause};
use crate::queue::{Pending, Queue};
use crate::ticket::Promise;
use crate::{Batch, JournalError, Ticket};
use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Share of the queue's bound that is under way at most.
const UNDER_WAY_SHARE: usize = 4;
/// Longest wait for the group before to be acknowledged.
const GATHER_MAX: Duration = Duration::from_millis(100);
/// Between two looks at whether the journal is being closed.
const TURN: Duration = Duration::from_millis(100);
/// Longest wait for what is under way once the journal is being closed.
const CLOSING: Duration = Duration::from_secs(10);
/// While librdkafka has as many records as it takes.
const CROWDED: Duration = Duration::from_millis(5);

/// What the producer needs of its journal.
pub(crate) struct Setup {
    pub(crate) options: Arc<KafkaOptions>,
    pub(crate) ends: Arc<Ends>,
    pub(crate) asking: Arc<Asking>,
    pub(crate) history: Arc<History>,
}

/// A moment's figures.
#[derive(Default)]
pub(crate) struct Figures {
    /// Batches that wait or are under way.
    pub(crate) batches: usize,
    /// Their size.
    pub(crate) bytes: usize,
    /// For how long the oldest has been under way.
    pub(crate) oldest: Duration,
    /// Records acknowledged.
    pub(crate) records: u64,
    /// Batches not acknowledged.
    pub(crate) refused: u64,
}

/// The producer of this process, its queue and its thread.
pub(crate) struct Apart {
    queue: Arc<Queue>,
    flow: Arc<Flow>,
    thread: Option<JoinHandle<()>>,
}

/// A record under way: which batch, which run of it.
struct Landing {
    flight: Arc<Flight>,
    run: usize,
}

/// Takes the brokers' answers, in the producer's own thread.
struct Landings;

type Producer = ThreadedProducer<Landings>;

impl ClientContext for Landings {
    fn error(&self, error: KafkaError, reason: &str) {
        client::say(&error, reason);
    }
}

impl ProducerContext for Landings {
    type DeliveryOpaque = Box<Landing>;

    fn delivery(&self, result: &DeliveryResult<'_>, landing: Box<Landing>) {
        let report = match result {
            Ok(message) => Ok(u64::try_from(message.offset()).unwrap_or_default()),
            Err((error, _)) => Err(error.clone()),
        };
        landing.flight.landed(landing.run, report);
    }
}

impl Apart {
    pub(crate) fn open(setup: Setup) -> Result<Self, JournalError> {
        let producer = producer(&setup.options)?;
        let queue = Arc::new(Queue::new(setup.options.queue_bytes));
        let flow = Arc::new(Flow::new(setup.options.queue_bytes / UNDER_WAY_SHARE));
        let work = Work {
            producer,
            queue: Arc::clone(&queue),
            flow: Arc::clone(&flow),
            closing: None,
            setup,
        };
        let thread = std::thread::Builder::new()
            .name("kafka-apart".to_owned())
            .spawn(move || work.run())
            .map_err(|source| JournalError::file("start", "a thread", source))?;
        Ok(Self {
            queue,
            flow,
            thread: Some(thread),
        })
    }

    pub(crate) fn push(&self, batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        self.queue.push(batch, patient)
    }

    pub(crate) fn figures(&self) -> Figures {
        let (waiting, waiting_bytes) = self.queue.depth();
        let (open, open_bytes, oldest) = self.flow.figures();
        Figures {
            batches: waiting + open,
            bytes: waiting_bytes + open_bytes,
            oldest,
            records: self.flow.records.load(Ordering::Relaxed),
            refused: self.flow.refused.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.queue.end(JournalError::Closed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Work {
    producer: Producer,
    queue: Arc<Queue>,
    flow: Arc<Flow>,
    /// Until when brokers are waited for once the journal is being closed.
    closing: Option<Instant>,
    setup: Setup,
}

impl Work {
    fn run(mut self) {
        loop {
            // Meanwhile the next group gathers, as large as the load makes it: brokers are asked
            // less often. A partition without a leader holds up the others no longer than this.
            self.flow.settled(GATHER_MAX);
            let Some(group) = self.queue.take() else {
                break;
            };
            for Pending { batch, promise, .. } in group {
                match self.prepare(&batch) {
                    Ok(()) => self.hand_over(batch, promise),
                    Err(error) => {
                        self.flow.refused.fetch_add(1, Ordering::Relaxed);
                        promise.keep(Err(error));
                    }
                }
            }
        }
        // What is still under way then is given up with the producer, and its submitters are told.
        let longest = self.time_left();
        self.flow.settled(longest);
    }

    /// Sees to it that a batch can be handed over.
    fn prepare(&mut self, batch: &Batch) -> Result<(), JournalError> {
        loop {
            let is_ending = self.queue.ended().is_some();
            let longest = if is_ending { self.time_left() } else { TURN };
            if longest.is_zero() {
                return Err(JournalError::Closed);
            }
            if self.flow.has_room(batch.bytes.len(), longest.min(TURN)) {
                break;
            }
        }
        for run in &batch.runs {
            let place = (run.topic, run.partition);
            self.setup.asking.learn_time(&self.setup.history, place)?;
        }
        Ok(())
    }

    /// How long brokers are still waited for; the journal is being closed.
    fn time_left(&mut self) -> Duration {
        let until = *self.closing.get_or_insert_with(|| now() + CLOSING);
        until.saturating_duration_since(now())
    }

    fn hand_over(&self, mut batch: Batch, promise: Promise) {
        sending::stamp(&mut batch, &self.setup.ends);
        let ends = Arc::clone(&self.setup.ends);
        let flight = Arc::new(Flight::new(&self.flow, ends, &batch, promise));
        let prefix = &self.setup.options.prefix;
        let sent = sending::each(&mut batch, prefix, |target, record| {
            let landing = Landing {
                flight: Arc::clone(&flight),
                run: target.index,
            };
            let sent = self.hand(target.message(record, Box::new(landing)));
            sent.map_err(|error| (target.index, error))
        });
        if let Err((run, error)) = sent {
            flight.landed(run, Err(error));
        }
    }

    fn hand(&self, mut message: BaseRecord<'_, [u8], [u8], Box<Landing>>) -> KafkaResult<()> {
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    pause(CROWDED);
                    message = back;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }
}

fn producer(options: &KafkaOptions) -> Result<Producer, JournalError> {
    Producer::from_config_and_context(&options.producer_apart(), Landings)
        .map_err(|error| JournalError::brokers("make a producer", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Offset, Partition, Priority, Topic};
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    /// Who submitted what brokers refuse is told; the next batch goes its own way.
    #[test]
    fn a_refused_batch_is_told_and_the_next_one_goes() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("sanfang.input", 1, 1).unwrap();
        let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD;
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
        let options = Arc::new(KafkaOptions::new(&cluster.bootstrap_servers(), "a"));
        let ends = Arc::<Ends>::default();
        let asking = Asking::new(Arc::clone(&options), Arc::clone(&ends)).unwrap();
        let history = Arc::new(History::new(Arc::clone(&options)));
        let apart = Apart::open(Setup {
            options,
            ends,
            asking: Arc::new(asking),
            history,
        })
        .unwrap();
        let write = || {
            let mut batch = Batch::new(1, Priority::Bulk).apart();
            batch.append(Topic::actual(Kind::Input), Partition(0), 1, b"", b"x");
            batch.seal();
            apart.push(batch, false).unwrap().wait()
        };
        let told = write().unwrap_err().to_string();
        assert!(told.contains("send it again"), "{told}");
        assert_eq!(write().unwrap()[0].first, Offset(0));
        let figures = apart.figures();
        assert_eq!((figures.records, figures.refused), (1, 1));
    }
}
