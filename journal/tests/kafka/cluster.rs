//! The cluster that the tests share, each under names of its own.

use journal::{KafkaOptions, Layout, Retentions};

/// Three brokers.
pub(crate) struct Cluster {
    brokers: String,
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
}

/// Eight partitions, three copies, two of which must have a record.
pub(crate) fn layout() -> Layout {
    Layout {
        zones: 8,
        links: 8,
        replication: 3,
        min_insync_replicas: 2,
        retentions: Retentions::default(),
    }
}
