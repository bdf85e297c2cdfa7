//! The journal on a real Kafka cluster of three brokers, as `make kafka-up` starts it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "kafka/cluster.rs"]
mod cluster;

use cluster::{Cluster, layout};
use journal::conformance::{self, Subject};
use journal::{Journal, KafkaJournal, Mode};
use std::sync::Arc;

#[test]
fn it_conforms() {
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let open = |name: &str| -> Arc<dyn Journal> {
        let options = cluster.options(name, "a");
        for mode in [Mode::Actual, Mode::Exercise] {
            options.create_topics(&layout(), mode).unwrap();
        }
        Arc::new(KafkaJournal::open(options, &layout(), Mode::Actual).unwrap())
    };
    conformance::run(&Subject {
        open: &open,
        durable: true,
    })
    .unwrap();
}
