//! The cluster that the tests share, each under names of its own.

use journal::{
    Batch, Journal, JournalError, KafkaJournal, KafkaOptions, Kind, Layout, Mode, Offset,
    Partition, Priority, Record, Retentions, Topic,
};
use std::path::PathBuf;
use std::process::Command;
use std::sync::RwLock;

/// What starts and ends brokers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka.sh");

pub(crate) const INPUT: Topic = Topic::actual(Kind::Input);
pub(crate) const WARNINGS: Topic = Topic::actual(Kind::Warnings);
pub(crate) const P0: Partition = Partition(0);

/// Tests that stop a broker have the cluster for themselves.
pub(crate) static SHARED: RwLock<()> = RwLock::new(());

/// Three brokers.
pub(crate) struct Cluster {
    pub(crate) brokers: String,
}

impl Cluster {
    /// The brokers that `make kafka-up` started. Without them a test says so and is skipped, except
    /// where the whole is tested.
    pub(crate) fn found() -> Option<Self> {
        match std::env::var("SANFANG_KAFKA") {
            Ok(brokers) if !brokers.is_empty() => Some(Self { brokers }),
            Ok(_) | Err(_) => {
                assert!(
                    std::env::var_os("CI").is_none(),
                    "no Kafka: SANFANG_KAFKA names no brokers; `make kafka-up` starts them"
                );
                eprintln!(
                    "\nSKIPPED: no Kafka (SANFANG_KAFKA names no brokers; `make kafka-up` starts them)\n"
                );
                None
            }
        }
    }

    /// Options under a prefix that no other run has.
    pub(crate) fn options(&self, name: &str, node: &str) -> KafkaOptions {
        KafkaOptions {
            prefix: format!("test-{}-{name}.", std::process::id()),
            ..KafkaOptions::new(&self.brokers, node)
        }
    }

    /// The journal of a node; the topics are made by whoever is first.
    pub(crate) fn journal(&self, name: &str, node: &str) -> KafkaJournal {
        let options = self.options(name, node);
        options.create_topics(&layout(), Mode::Actual).unwrap();
        KafkaJournal::open(options, &layout(), Mode::Actual).unwrap()
    }

    /// Deletes what a test wrote: brokers of a small heap hold only so many partitions.
    pub(crate) fn clear(&self, name: &str) {
        self.options(name, "a").delete_topics().unwrap();
    }

    /// Where the cluster keeps what its clients need to know.
    pub(crate) fn folder() -> PathBuf {
        PathBuf::from(std::env::var("SANFANG_KAFKA_DIR").unwrap())
    }

    /// Starts what is not running. Node by node: `up` would say that a person wants the cluster, and
    /// the run of the tests would leave it behind.
    pub(crate) fn back() {
        // Together: one alone is no quorum, and does not come up.
        let starting = ["1", "2", "3"].map(|broker| {
            let mut start = Command::new(SCRIPT);
            start.args(["start", broker]).spawn().unwrap()
        });
        for mut start in starting {
            assert!(start.wait().unwrap().success(), "kafka.sh start");
        }
    }

    /// Runs `deploy/kafka/kafka.sh`.
    pub(crate) fn run(arguments: &[&str]) {
        let ran = Command::new(SCRIPT).args(arguments).status().unwrap();
        assert!(ran.success(), "kafka.sh {arguments:?}");
    }
}

/// Eight partitions, three copies, two of which must have a record.
pub(crate) fn layout() -> Layout {
    Layout {
        zones: 8,
        links: 1,
        replication: 3,
        min_insync_replicas: 2,
        retentions: Retentions::default(),
    }
}

/// One record of a partition's owner, or of nobody.
pub(crate) fn one(owner: Option<Partition>, topic: Topic, payload: &[u8]) -> Batch {
    let mut batch = Batch::new(1, Priority::Vital);
    if let Some(partition) = owner {
        batch = batch.owned_by(INPUT, partition);
    }
    batch.append(topic, P0, 3, b"", payload);
    batch
}

pub(crate) fn write(journal: &KafkaJournal, batch: Batch) -> Result<Offset, JournalError> {
    let runs = journal.submit(batch)?.wait()?;
    Ok(runs[0].first)
}

/// Everything in partition 0 of a topic.
pub(crate) fn all(journal: &KafkaJournal, topic: Topic) -> Vec<Record> {
    let (mut next, mut found) = (journal.first(topic, P0).unwrap(), Vec::new());
    loop {
        let records = journal.read(topic, P0, next, 1 << 20).unwrap();
        let Some(last) = records.last() else {
            return found;
        };
        next = last.offset.plus(1);
        found.extend(records);
    }
}

pub(crate) fn payloads(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(Record::payload).collect()
}
