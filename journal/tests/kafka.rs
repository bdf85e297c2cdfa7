//! The journal on a real Kafka cluster of three brokers, as `make kafka-up` starts it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "kafka/apart.rs"]
mod apart;
#[path = "kafka/cluster.rs"]
mod cluster;
#[path = "kafka/faults.rs"]
mod faults;
#[path = "kafka/outage.rs"]
mod outage;
#[path = "kafka/owners.rs"]
mod owners;
#[path = "kafka/token.rs"]
mod token;

use cluster::{Cluster, SHARED, layout};
use journal::conformance::{self, Subject};
use journal::{Journal, KafkaJournal, Mode};
use std::cell::Cell;
use std::sync::Arc;

#[test]
fn it_conforms() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let last = Cell::new("");
    let open = |name: &'static str| -> Arc<dyn Journal> {
        let before = last.replace(name);
        if before != name && !before.is_empty() {
            cluster.clear(before);
        }
        let options = cluster.options(name, "a");
        let modes: &[Mode] = match name {
            "modes" => &[Mode::Actual, Mode::Exercise],
            _ => &[Mode::Actual],
        };
        for mode in modes {
            options.create_topics(&layout(), *mode).unwrap();
        }
        Arc::new(KafkaJournal::open(options, &layout(), Mode::Actual).unwrap())
    };
    conformance::run(&Subject {
        open: &open,
        durable: true,
    })
    .unwrap();
    cluster.clear(last.get());
}
