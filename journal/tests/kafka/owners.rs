//! Partitions move between nodes; who lost one writes nothing more for it.

use super::cluster::{Cluster, INPUT, P0, SHARED, WARNINGS, all, one, payloads, write};
use journal::{Claim, Claims, Consumer, Journal, JournalError, Offset, Partition};
use std::collections::BTreeSet;
use std::time::Duration;

const RULES: Consumer = Consumer(1);
const ALL: [Partition; 8] = [
    Partition(0),
    Partition(1),
    Partition(2),
    Partition(3),
    Partition(4),
    Partition(5),
    Partition(6),
    Partition(7),
];

/// What is owned once nothing changes for a while, and `enough` holds.
fn settled(claims: &Claims, owned: &mut BTreeSet<Partition>, enough: impl Fn(usize) -> bool) {
    // Two minutes: a group forms slowly where other tests keep the machine's brokers busy.
    for _ in 0..1200 {
        match claims.next(Duration::from_millis(100)) {
            Some(Claim::Granted(topic, partition)) => {
                assert_eq!(topic, INPUT);
                assert!(owned.insert(partition), "granted twice: {partition}");
            }
            Some(Claim::Revoked(_, partition, _)) => {
                assert!(owned.remove(&partition), "never granted: {partition}");
            }
            None if enough(owned.len()) => return,
            None => {}
        }
    }
    panic!("it owns {owned:?}");
}

/// Partition 0 goes to another node in order; what the first committed is there, and it may commit
/// no more.
#[test]
fn a_second_node_takes_its_share_and_goes_on_where_the_first_was() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let first = cluster.journal("share", "a");
    let claims = first.claims(INPUT, &ALL).unwrap();
    let mut of_first = BTreeSet::new();
    settled(&claims, &mut of_first, |owned| owned == 8);
    let input = write(&first, one(None, INPUT, b"in")).unwrap();
    let mut batch = one(Some(P0), WARNINGS, b"out");
    batch.consumed(RULES, INPUT, P0, input.plus(1));
    first.submit(batch).unwrap().wait().unwrap();

    let second = cluster.journal("share", "b");
    let joining = second.claims(INPUT, &ALL).unwrap();
    let mut of_second = BTreeSet::new();
    // Both must look: what is revoked here is granted there.
    let giving = std::thread::spawn(move || {
        settled(&claims, &mut of_first, |owned| owned == 4);
        (claims, of_first)
    });
    settled(&joining, &mut of_second, |owned| owned == 4);
    let (claims, of_first) = giving.join().unwrap();
    assert!(of_first.is_disjoint(&of_second));
    assert_eq!(of_first.len() + of_second.len(), 8);

    // All of it goes to the second once the first leaves.
    drop(claims);
    settled(&joining, &mut of_second, |owned| owned == 8);
    assert_eq!(second.resume(RULES, INPUT, P0).unwrap(), input.plus(1));
    assert_eq!(payloads(&all(&second, WARNINGS)), [b"out"]);
    write(&second, one(Some(P0), WARNINGS, b"more")).unwrap();
    let refused = write(&first, one(Some(P0), WARNINGS, b"zombie"));
    assert!(
        matches!(refused, Err(JournalError::Fenced { topic, partition: P0 }) if topic == INPUT),
        "{refused:?}"
    );
    assert_eq!(payloads(&all(&first, WARNINGS)), [&b"out"[..], b"more"]);
    cluster.clear("share");
}

/// A node that is silent, not dead: its partitions go to another one after the session time-out, and
/// when it wakes up nothing of it is taken.
#[test]
fn a_zombie_is_fenced() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let zombie = cluster.journal("zombie", "a");
    // It writes as the owner and never joined the group: nobody will tell it anything.
    write(&zombie, one(Some(P0), WARNINGS, b"before")).unwrap();
    let owner = cluster.journal("zombie", "b");
    let claims = owner.claims(INPUT, &ALL).unwrap();
    settled(&claims, &mut BTreeSet::new(), |owned| owned == 8);
    let refused = write(&zombie, one(Some(P0), WARNINGS, b"zombie"));
    assert!(
        matches!(refused, Err(JournalError::Fenced { .. })),
        "{refused:?}"
    );
    // It stays refused, and is told so at once.
    let again = zombie.submit(one(Some(P0), WARNINGS, b"zombie"));
    assert!(
        matches!(again, Err(JournalError::Fenced { .. })),
        "{again:?}"
    );
    write(&owner, one(Some(P0), WARNINGS, b"after")).unwrap();
    let found = all(&owner, WARNINGS);
    assert_eq!(payloads(&found), [&b"before"[..], b"after"]);
    // What needs no owner is still taken from it.
    write(&zombie, one(None, INPUT, b"seen")).unwrap();
    assert_eq!(owner.resume(RULES, INPUT, P0).unwrap(), Offset(0));
    cluster.clear("zombie");
}

/// Two processes under one name: the second one's start ends what the first one writes.
#[test]
fn a_node_name_is_used_once() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let first = cluster.journal("twins", "same");
    write(&first, one(None, INPUT, b"1")).unwrap();
    let second = cluster.journal("twins", "same");
    write(&second, one(None, INPUT, b"2")).unwrap();
    let refused = write(&first, one(None, INPUT, b"3"))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("writes as node \"same\""), "{refused}");
    assert!(first.failure().is_some());
    assert!(second.failure().is_none());
    cluster.clear("twins");
}
