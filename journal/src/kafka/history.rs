//! Reading what lies before the tail: a few consumers that stand where the last reader stopped.

use super::client::{self, Reader};
use super::options::KafkaOptions;
use super::tail::is_gone;
use super::waiting::now;
use super::wire;
use crate::{JournalError, Offset, Partition, Record, Topic};
use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Consumers kept for readers that come again.
const KEPT_MAX: usize = 8;
/// Between two looks at the deadline.
const TURN: Duration = Duration::from_millis(100);

/// Consumers that stand somewhere in the past.
pub(crate) struct History {
    options: Arc<KafkaOptions>,
    /// The one used last stands last.
    kept: Mutex<Vec<Standing>>,
}

struct Standing {
    place: (Topic, Partition),
    next: Offset,
    consumer: Reader,
}

/// Records found, and whether the end was seen.
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    pub(crate) gone: bool,
}

impl History {
    pub(crate) fn new(options: Arc<KafkaOptions>) -> Self {
        Self {
            options,
            kept: Mutex::default(),
        }
    }

    /// Records from the first at or after `from` up to `max_bytes`, at least one if there is any.
    pub(crate) fn read(
        &self,
        place: (Topic, Partition),
        from: Offset,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<Found, JournalError> {
        self.read_until(place, from, Offset(u64::MAX), max_bytes, deadline)
    }

    /// The same, of what is before `until` and a little more: where records come faster than they
    /// are read, the end is never seen.
    pub(crate) fn read_until(
        &self,
        place: (Topic, Partition),
        from: Offset,
        until: Offset,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<Found, JournalError> {
        let mut standing = self.standing(place, from)?;
        let mut records: Vec<Record> = Vec::new();
        let mut size = 0;
        let mut gone = false;
        while size < max_bytes.max(1) && standing.next < until {
            match standing.consumer.poll(TURN) {
                Some(Ok(message)) => {
                    let record = wire::record(&message)?;
                    standing.next = record.offset.plus(1);
                    size += record.stored_bytes();
                    records.push(record);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) if is_gone(&error) => {
                    gone = true;
                    break;
                }
                Some(Err(error)) => tracing::warn!(%error, topic = %place.0, "Kafka consumer"),
                None if now() >= deadline => {
                    return Err(JournalError::brokers(
                        "read",
                        "no answer in time: are the brokers up?",
                    ));
                }
                None => {}
            }
        }
        if !gone {
            let mut kept = self.kept.lock();
            if kept.len() >= KEPT_MAX {
                kept.remove(0);
            }
            kept.push(standing);
        }
        Ok(Found { records, gone })
    }

    fn standing(&self, place: (Topic, Partition), from: Offset) -> Result<Standing, JournalError> {
        let mut kept = self.kept.lock();
        let there = kept.iter().position(|k| k.place == place && k.next == from);
        if let Some(there) = there {
            return Ok(kept.remove(there));
        }
        drop(kept);
        let failed = |error: KafkaError| JournalError::brokers("read", error);
        let group = format!("{}history", self.options.prefix);
        let consumer: Reader = client::reader(&self.options, &group).map_err(failed)?;
        let name = wire::name(&self.options.prefix, place.0);
        let mut list = TopicPartitionList::new();
        let offset = rdkafka::Offset::Offset(from.0.cast_signed());
        list.add_partition_offset(&name, i32::from(place.1.0), offset)
            .and_then(|()| consumer.assign(&list))
            .map_err(failed)?;
        Ok(Standing {
            place,
            next: from,
            consumer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    /// What comes behind the end that was asked for is not waited for: it may never stop coming.
    #[test]
    fn a_read_stops_where_it_was_told_to() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("sanfang.input", 1, 1).unwrap();
        let options = Arc::new(KafkaOptions::new(&cluster.bootstrap_servers(), "a"));
        let producer: BaseProducer = options.client().create().unwrap();
        for _ in 0..100 {
            let record = BaseRecord::<(), _>::to("sanfang.input").payload("x");
            producer.send(record).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        let history = History::new(options);
        let place = (Topic::actual(Kind::Input), Partition(0));
        let deadline = now() + Duration::from_secs(30);
        let read = |from, until| {
            let found =
                history.read_until(place, Offset(from), Offset(until), usize::MAX, deadline);
            let offsets = found.unwrap().records.into_iter().map(|r| r.offset.0);
            offsets.collect::<Vec<u64>>()
        };
        assert_eq!(read(3, 10), (3..10).collect::<Vec<u64>>());
        assert_eq!(read(10, 1000), (10..100).collect::<Vec<u64>>());
    }
}
