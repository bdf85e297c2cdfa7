//! A broker goes and comes back: nothing that was acknowledged is lost, nothing is written twice.

#![expect(clippy::disallowed_methods, reason = "how long an outage lasts")]

use super::cluster::{Cluster, INPUT, SHARED, all, one, payloads, write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_broker_is_killed_while_records_are_written() {
    let _alone = SHARED.write();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("outage", "a");
    let mut written = Vec::new();
    let mut some = |from: u32, to: u32| {
        for n in from..to {
            let text = n.to_string();
            write(&journal, one(None, INPUT, text.as_bytes())).unwrap();
            written.push(text);
        }
    };
    some(0, 5);
    // Two of three copies are enough. Whoever led the partition or the transactions, others do now.
    for broker in ["1", "2", "3"] {
        let base: u32 = broker.parse::<u32>().unwrap() * 100;
        Cluster::run(&["kill", broker]);
        some(base, base + 5);
        Cluster::run(&["start", broker]);
        some(base + 5, base + 10);
    }
    let expected: Vec<&[u8]> = written.iter().map(String::as_bytes).collect();
    assert_eq!(payloads(&all(&journal, INPUT)), expected);
    drop(journal);
    let again = cluster.journal("outage", "b");
    assert_eq!(
        payloads(&all(&again, INPUT)),
        expected,
        "another node sees the same"
    );
    cluster.clear("outage");
}

/// Without a quorum for longer than the brokers let a node's transaction stand: it is ended by them,
/// and written again once they are back.
#[test]
fn an_outage_outlasts_a_transaction_that_needs_no_owner() {
    let _alone = SHARED.write();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("long-outage", "a");
    write(&journal, one(None, INPUT, b"before")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (journal, stop) = (&journal, &stop);
        let writing = scope.spawn(move || {
            let mut written = 0u32;
            while !stop.load(Ordering::Relaxed) {
                let text = written.to_string();
                write(journal, one(None, INPUT, text.as_bytes())).unwrap();
                written += 1;
            }
            written
        });
        std::thread::sleep(Duration::from_secs(1));
        for broker in ["1", "2"] {
            Cluster::run(&["kill", broker]);
        }
        std::thread::sleep(Duration::from_secs(25));
        Cluster::back();
        stop.store(true, Ordering::Relaxed);
        let written = writing.join().unwrap();
        let found = all(journal, INPUT);
        let numbers: Vec<String> = (0..written).map(|n| n.to_string()).collect();
        let mut expected = vec![&b"before"[..]];
        expected.extend(numbers.iter().map(String::as_bytes));
        assert_eq!(payloads(&found), expected);
    });
    assert!(journal.failure().is_none());
    cluster.clear("long-outage");
}
