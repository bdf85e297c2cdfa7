//! What needs no transaction: order, readers that nobody holds up, brokers that die, the end.

#![expect(
    clippy::disallowed_methods,
    reason = "how long somebody is held up, and when somebody dies"
)]

use super::cluster::{Cluster, INPUT, P0, SHARED, all, layout, one, payloads};
use journal::{
    Batch, Journal, JournalError, KafkaJournal, KafkaOptions, Mode, Offset, Partition, Priority,
    Ticket,
};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Batches of one submitter under way at once.
const OPEN: usize = 50;

/// Submitters while brokers are killed.
const WRITERS: u64 = 3;
/// Brokers that are killed, one after another.
const KILLS: [&str; 3] = ["1", "2", "3"];

/// A batch of two records in partition 0 and one in another.
fn three(number: u64, who: u64) -> Batch {
    let mut batch = Batch::new(1, Priority::Vital).apart();
    for part in 0..2 {
        batch.append(INPUT, P0, 3, b"", &text(who, number, part));
    }
    batch.append(
        INPUT,
        Partition(1 + who as u16),
        3,
        b"",
        &text(who, number, 2),
    );
    batch
}

fn text(who: u64, number: u64, part: u64) -> Vec<u8> {
    format!("{who} {number} {part}").into_bytes()
}

/// Submits without end until told to stop, and gives what was acknowledged and how many were not.
fn submit_until(
    journal: &KafkaJournal,
    who: u64,
    stop: &AtomicBool,
) -> (BTreeMap<u64, Offset>, usize) {
    let (mut acknowledged, mut refused) = (BTreeMap::new(), 0);
    let mut open: VecDeque<(u64, Ticket)> = VecDeque::new();
    let mut number = 0;
    loop {
        let stopped = stop.load(Ordering::Relaxed);
        if !stopped {
            let ticket = journal.submit_waiting(three(number, who)).unwrap();
            open.push_back((number, ticket));
            number += 1;
        }
        if open.len() < OPEN && !stopped {
            continue;
        }
        let Some((number, ticket)) = open.pop_front() else {
            return (acknowledged, refused);
        };
        match ticket.wait() {
            Ok(runs) => {
                assert_eq!((runs.len(), runs[0].count, runs[1].count), (2, 2, 1));
                acknowledged.insert(number, runs[0].first);
            }
            Err(JournalError::Unacknowledged { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Holds what is there against what was acknowledged: nothing is missing, each submitter's order is
/// kept, everything stands where it was said to. Gives how many records came again.
fn reconcile(journal: &KafkaJournal, acknowledged: &[BTreeMap<u64, Offset>]) -> usize {
    let found = all(journal, INPUT);
    let mut places: BTreeMap<&[u8], Vec<Offset>> = BTreeMap::new();
    for record in &found {
        places
            .entry(record.payload())
            .or_default()
            .push(record.offset);
    }
    for (who, acknowledged) in acknowledged.iter().enumerate() {
        let mut last = None;
        for (number, told) in acknowledged {
            let at = |part| &places[&*text(who as u64, *number, part)];
            assert!(at(0).contains(told), "{who} {number}");
            assert!(at(1)[0] > at(0)[0], "{who} {number}");
            assert!(Some(at(0)[0]) > last, "{who} {number}: out of order");
            last = Some(at(1)[0]);
        }
    }
    places.values().map(|offsets| offsets.len() - 1).sum()
}

#[test]
fn many_submitters_keep_their_order_and_are_told_where_their_records_stand() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("apart", "a");
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<_> = std::thread::scope(|scope| {
        let stop = &stop;
        let journal = &journal;
        let threads: Vec<_> = (0..4)
            .map(|who| scope.spawn(move || submit_until(journal, who, stop)))
            .collect();
        // Something in transactions between them, as a zone's owner writes.
        for n in 0..5 {
            let batch = one(Some(P0), INPUT, format!("owner {n}").as_bytes());
            journal.submit(batch).unwrap().wait().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(acknowledged.iter().all(|(_, refused)| *refused == 0));
    let acknowledged: Vec<_> = acknowledged.into_iter().map(|(there, _)| there).collect();
    assert_eq!(reconcile(&journal, &acknowledged), 0, "nothing came again");
    let count: usize = acknowledged.iter().map(BTreeMap::len).sum();
    let figures = journal.statistics();
    assert_eq!(figures.apart_records, 3 * count as u64);
    assert_eq!((figures.apart_refused, figures.queue_batches), (0, 0));
    assert_eq!(figures.commits, 5, "none of it was a transaction");
    cluster.clear("apart");
}

/// Tells the process that dies where to write, and how.
const PREFIX: &str = "SANFANG_TEST_APART_PREFIX";
const HOW: &str = "SANFANG_TEST_APART_HOW";

/// For how long a process that dies while it writes `how` holds up who reads what others write.
fn held_up(cluster: &Cluster, name: &str, how: &str) -> Duration {
    let journal = cluster.journal(name, "reader");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "apart::writes_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PREFIX, cluster.options(name, "dead").prefix)
        .env(HOW, how)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    lines.find(|line| line == "under way").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    child.kill().unwrap();
    child.wait().unwrap();
    // Another intake goes on, and its record is behind what the dead one left.
    let began = Instant::now();
    let batch = one(None, INPUT, b"behind").apart();
    let written = journal.submit(batch).unwrap().wait().unwrap()[0].first;
    let reads_it = || {
        all(&journal, INPUT)
            .last()
            .is_some_and(|last| last.offset >= written)
    };
    while !reads_it() {
        assert!(began.elapsed() < Duration::from_secs(60), "still held up");
    }
    let held_up = began.elapsed();
    eprintln!("held up by {how}: {held_up:?}");
    cluster.clear(name);
    held_up
}

/// A transaction's time-out is ten seconds, from before its process is killed; what a busy machine takes by itself is less.
const LESS_THAN_A_TIME_OUT: Duration = Duration::from_secs(8);

/// A process that dies with batches under way holds nobody up; one that dies in a transaction does,
/// until its time-out of ten seconds and the brokers' next look, as long again at most.
#[test]
fn a_dead_process_holds_nobody_up() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    for n in 0..3 {
        let apart = held_up(&cluster, &format!("dead-{n}"), "apart");
        assert!(apart < LESS_THAN_A_TIME_OUT, "{apart:?}");
    }
    // Not each one dies within its transaction.
    let mut times = (0..10).map(|n| held_up(&cluster, &format!("dead-in-{n}"), "transaction"));
    let transaction = times.find(|time| *time > LESS_THAN_A_TIME_OUT);
    assert!(transaction.unwrap() < Duration::from_secs(40));
}

#[test]
#[ignore = "the process that is killed: started by the test above"]
fn writes_until_killed() {
    let cluster = Cluster::found().unwrap();
    let options = KafkaOptions {
        prefix: std::env::var(PREFIX).unwrap(),
        ..KafkaOptions::new(&cluster.brokers, "dead")
    };
    let journal = KafkaJournal::open(options, &layout(), Mode::Actual).unwrap();
    let is_apart = std::env::var(HOW).unwrap() == "apart";
    // What does not compress, and more of it than is sent before the end: something is always open.
    let mut state = 1u32;
    let payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(64 << 10)
    .collect();
    let batch = || {
        let batch = one(None, INPUT, &payload);
        if is_apart { batch.apart() } else { batch }
    };
    journal.submit(batch()).unwrap().wait().unwrap();
    println!("\nunder way");
    loop {
        drop(journal.submit_waiting(batch()).unwrap());
    }
}

/// Whoever led the partitions, others do now: nothing acknowledged is lost, the order stays, and
/// what comes again is less than what was under way.
#[test]
fn brokers_are_killed_in_turn_while_many_write() {
    let _alone = SHARED.write();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("apart-outage", "a");
    let stop = AtomicBool::new(false);
    let results: Vec<_> = std::thread::scope(|scope| {
        let (stop, journal) = (&stop, &journal);
        let threads: Vec<_> = (0..WRITERS)
            .map(|who| scope.spawn(move || submit_until(journal, who, stop)))
            .collect();
        for broker in KILLS {
            std::thread::sleep(Duration::from_secs(1));
            Cluster::run(&["kill", broker]);
            std::thread::sleep(Duration::from_secs(2));
            Cluster::run(&["start", broker]);
        }
        std::thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let refused: usize = results.iter().map(|(_, refused)| refused).sum();
    assert_eq!(journal.statistics().apart_refused, refused as u64);
    let acknowledged: Vec<_> = results.into_iter().map(|(there, _)| there).collect();
    let counts: Vec<usize> = acknowledged.iter().map(BTreeMap::len).collect();
    eprintln!("acknowledged {counts:?}, refused {refused}");
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    drop(journal);
    let again = reconcile(&cluster.journal("apart-outage", "b"), &acknowledged);
    eprintln!("came again: {again}");
    assert!(
        again <= KILLS.len() * WRITERS as usize * OPEN * 3,
        "{again}"
    );
    cluster.clear("apart-outage");
}

/// Dropping the journal writes what waits; where brokers do not answer it is told, and soon.
#[test]
fn what_waits_at_the_end_is_written_or_told() {
    let _alone = SHARED.write();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("apart-end", "a");
    let submit = |journal: &KafkaJournal, n: u64| journal.submit(three(n, 0)).unwrap();
    let tickets: Vec<Ticket> = (0..500).map(|n| submit(&journal, n)).collect();
    drop(journal);
    // A busy cluster may not take all of it before the end: then it is told so.
    let told = (0..)
        .zip(tickets)
        .filter_map(|(n, ticket)| match ticket.wait() {
            Ok(places) => Some((n, places[0].first)),
            Err(JournalError::Unacknowledged { .. } | JournalError::Closed) => None,
            Err(error) => panic!("{error}"),
        });
    let acknowledged: BTreeMap<u64, Offset> = told.collect();
    assert!(!acknowledged.is_empty(), "nothing was written");

    let journal = Arc::new(cluster.journal("apart-end", "a"));
    reconcile(&journal, &[acknowledged]);
    submit(&journal, 500).wait().unwrap();
    let _back = Back;
    for broker in ["1", "2", "3"] {
        Cluster::run(&["kill", broker]);
    }
    let tickets: Vec<Ticket> = (501..510).map(|n| submit(&journal, n)).collect();
    let began = Instant::now();
    drop(journal);
    let took = began.elapsed();
    for ticket in tickets {
        let told = ticket.wait().unwrap_err();
        assert!(
            matches!(
                told,
                JournalError::Unacknowledged { .. } | JournalError::Closed
            ),
            "{told}"
        );
    }
    Cluster::back();
    // It waits for the brokers once, not once for each batch.
    assert!(took < Duration::from_secs(90), "{took:?}");
    let again = cluster.journal("apart-end", "b");
    assert!(payloads(&all(&again, INPUT)).len() > 2);
    cluster.clear("apart-end");
}

/// Brings the brokers back, whatever became of the test: others need them.
struct Back;

impl Drop for Back {
    fn drop(&mut self) {
        Cluster::back();
    }
}

/// Who gets no answer in time is told to send it again, and the journal goes on.
#[test]
fn what_brokers_do_not_take_in_time_is_told_and_the_rest_goes_on() {
    let _alone = SHARED.write();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let options = KafkaOptions {
        delivery_timeout: Duration::from_secs(2),
        ..cluster.options("apart-late", "a")
    };
    options.create_topics(&layout(), Mode::Actual).unwrap();
    let journal = KafkaJournal::open(options, &layout(), Mode::Actual).unwrap();
    let submit = |n| journal.submit(three(n, 0)).unwrap();
    let first = submit(0).wait().unwrap()[0].first;
    // One copy of three is not enough to acknowledge anything.
    let _back = Back;
    for broker in ["1", "2"] {
        Cluster::run(&["kill", broker]);
    }
    let told = submit(1).wait().unwrap_err();
    let words = told.to_string();
    assert!(words.contains("send it again"), "{words}");
    assert!(
        matches!(told, JournalError::Unacknowledged { .. }),
        "{told}"
    );
    assert_eq!(journal.statistics().apart_refused, 1);
    assert!(journal.failure().is_none());
    Cluster::back();
    let again = (2..30).find_map(|n| Some((n, submit(n).wait().ok()?[0].first)));
    let (number, again) = again.unwrap();
    assert!(again > first);
    reconcile(&journal, &[BTreeMap::from([(0, first), (number, again)])]);
    cluster.clear("apart-late");
}
