//! One consumer for all partitions that somebody follows, and the thread that empties its queues.

use super::client::{self, Reader, Words};
use super::options::KafkaOptions;
use super::slot::Slot;
use super::wire;
use crate::{JournalError, Offset, Partition, Topic};
use parking_lot::{Condvar, Mutex};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

type Place = (Topic, Partition);

/// Between two looks at the client's own events.
const EVENTS_EVERY: Duration = Duration::from_millis(200);

/// The followed partitions.
pub(crate) struct Tail {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    consumer: Arc<Reader>,
    options: Arc<KafkaOptions>,
    followed: Mutex<FxHashMap<Place, Followed>>,
    /// Partitions whose queue has something. Bounded by their number.
    ready: Arc<Ready>,
}

#[derive(Clone)]
struct Followed {
    slot: Arc<Slot>,
    /// Empty once it is let go of: its end would make the partition's next one deaf.
    queue: Arc<Mutex<Option<PartitionQueue<Words>>>>,
}

#[derive(Default)]
struct Ready {
    places: Mutex<(BTreeSet<Place>, bool)>,
    some: Condvar,
}

impl Ready {
    fn add(&self, place: Place) {
        if self.places.lock().0.insert(place) {
            self.some.notify_one();
        }
    }

    /// What is ready, waiting a little; `None` at the end.
    fn take(&self) -> Option<BTreeSet<Place>> {
        let mut places = self.places.lock();
        if places.0.is_empty() && !places.1 {
            self.some.wait_for(&mut places, EVENTS_EVERY);
        }
        (!places.1).then(|| std::mem::take(&mut places.0))
    }

    fn end(&self) {
        self.places.lock().1 = true;
        self.some.notify_all();
    }
}

impl Tail {
    pub(crate) fn new(options: Arc<KafkaOptions>) -> Result<Self, JournalError> {
        let group = format!("{}tail", options.prefix);
        let consumer: Reader = client::reader(&options, &group)
            .map_err(|error| JournalError::brokers("make a consumer", error))?;
        let shared = Arc::new(Shared {
            consumer: Arc::new(consumer),
            options,
            followed: Mutex::default(),
            ready: Arc::default(),
        });
        let fetching = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("kafka-tail".to_owned())
            .spawn(move || fetching.run())
            .map_err(|source| JournalError::file("start", "a thread", source))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// The partition's slot; who asks first says from where on it is followed.
    pub(crate) fn follow(
        &self,
        place: Place,
        from: impl FnOnce() -> Result<Offset, JournalError>,
    ) -> Result<Arc<Slot>, JournalError> {
        if let Some(known) = self.shared.followed.lock().get(&place) {
            return Ok(Arc::clone(&known.slot));
        }
        let from = from()?;
        let mut followed = self.shared.followed.lock();
        if let Some(known) = followed.get(&place) {
            return Ok(Arc::clone(&known.slot));
        }
        let new = self.shared.assign(place, from)?;
        let slot = Arc::clone(&new.slot);
        followed.insert(place, new);
        // What came after it was last let go of still lies in its queue, and a queue that is not
        // empty does not say that more has come.
        self.shared.ready.add(place);
        Ok(slot)
    }

    /// Lets go of a partition: who reads it next begins where that reader is.
    pub(crate) fn forget(&self, place: Place) {
        // Held while it is let go: who follows it anew meanwhile would be let go of too.
        let mut followed = self.shared.followed.lock();
        if let Some(known) = followed.remove(&place) {
            known.slot.leave();
            drop(known.queue.lock().take());
            let list = self.shared.list(place, rdkafka::Offset::Invalid);
            if let Err(error) =
                list.and_then(|list| self.shared.consumer.incremental_unassign(&list))
            {
                tracing::warn!(%error, topic = %place.0, partition = place.1.0, "still followed");
            }
        }
    }

    /// A reader made room.
    pub(crate) fn resume(&self, place: Place) {
        self.shared.ready.add(place);
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.shared.ready.end();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn list(
        &self,
        place: Place,
        offset: rdkafka::Offset,
    ) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        let name = wire::name(&self.options.prefix, place.0);
        list.add_partition_offset(&name, i32::from(place.1.0), offset)?;
        Ok(list)
    }

    fn assign(&self, place: Place, from: Offset) -> Result<Followed, JournalError> {
        let failed = |error: KafkaError| JournalError::brokers("follow a partition", error);
        let name = wire::name(&self.options.prefix, place.0);
        // A queue of its own before anything can be fetched into the common one.
        let queue = self
            .consumer
            .split_partition_queue(&name, i32::from(place.1.0));
        let mut queue = queue.ok_or_else(|| {
            JournalError::brokers("follow a partition", "the client has no queue for it")
        })?;
        let ready = Arc::clone(&self.ready);
        queue.set_nonempty_callback(move || ready.add(place));
        let offset = rdkafka::Offset::Offset(from.0.cast_signed());
        let list = self.list(place, offset).map_err(failed)?;
        self.consumer.incremental_assign(&list).map_err(failed)?;
        Ok(Followed {
            slot: Arc::new(Slot::new(from, wire::is_compacted(place.0.kind))),
            queue: Arc::new(Mutex::new(Some(queue))),
        })
    }

    fn run(&self) {
        while let Some(places) = self.ready.take() {
            for place in places {
                let followed = self.followed.lock().get(&place).cloned();
                if let Some(followed) = followed {
                    self.empty(place, &followed);
                }
            }
            // Errors of connections and logins; partitions have queues of their own.
            while let Some(event) = self.consumer.poll(Duration::ZERO) {
                if let Err(error) = event {
                    tracing::warn!(%error, "Kafka consumer");
                }
            }
        }
    }

    /// Takes in what waits for one partition.
    fn empty(&self, place: Place, followed: &Followed) {
        let slot = &followed.slot;
        let queue = followed.queue.lock();
        let Some(queue) = queue.as_ref() else {
            return;
        };
        while let Some(event) = queue.poll(Duration::ZERO) {
            match event {
                Ok(message) => match wire::record(&message) {
                    Ok(record) => {
                        if !slot.push(record, self.options.tail_bytes) {
                            break;
                        }
                    }
                    Err(newer) => {
                        slot.fail(newer);
                        break;
                    }
                },
                Err(KafkaError::PartitionEOF(_)) => slot.ended(),
                Err(error) if is_gone(&error) => {
                    slot.fail(JournalError::Trimmed {
                        topic: place.0,
                        partition: place.1,
                        from: Offset(0),
                        first: Offset(0),
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, topic = %place.0, partition = place.1.0, "Kafka consumer");
                }
            }
        }
        slot.announce();
    }
}

/// The offset asked for is not there any more.
pub(crate) fn is_gone(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A partition that comes back is heard, though records came while it was let go of.
    #[test]
    fn what_is_let_go_of_and_followed_again_is_heard() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("sanfang.input", 1, 1).unwrap();
        let options = Arc::new(KafkaOptions::new(&cluster.bootstrap_servers(), "a"));
        let producer: BaseProducer = options.client().create().unwrap();
        let tail = Tail::new(options).unwrap();
        let place = (Topic::actual(Kind::Input), Partition(0));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let record = BaseRecord::<(), _>::to("sanfang.input").payload("x");
                    producer.send(record).unwrap();
                    producer.flush(Duration::from_secs(5)).unwrap();
                }
            });
            let mut from = Offset(0);
            let heard = (0..4).all(|_| {
                let slot = tail.follow(place, || Ok(from)).unwrap();
                let heard = slot.wait(from.plus(20), Duration::from_secs(20));
                from = slot.subscribe().borrow().to_owned();
                tail.forget(place);
                heard
            });
            stop.store(true, Ordering::Relaxed);
            assert!(heard);
        });
    }
}
