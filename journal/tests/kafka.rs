//! The journal on a real Kafka cluster of three brokers, as `make kafka-up` starts it.

#[path = "kafka/cluster.rs"]
mod cluster;
#[path = "kafka/faults.rs"]
mod faults;
#[path = "kafka/owners.rs"]
mod owners;
#[path = "kafka/outage.rs"]
mod outage;

use cluster::{Cluster, SHARED, layout};
use journal::conformance::{self, Subject};
use journal::{Journal, KafkaJournal, Mode};
use std::sync::Arc;

#[test]
fn it_conforms() {
    let _shared = SHARED.read();
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
