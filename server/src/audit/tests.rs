//! Steps of some among many, by a look at every row; and counts that do not meet.

use super::jobs::{Difference, Theirs};
use super::*;
use dispatch::gateway::area::Counts;
use journal::{Batch, Journal, MemoryJournal, Offset, Priority, Topic};
use model::Mode;
use proptest::prelude::*;

fn stored(progress: &Progress, at_ms: i64) -> Record {
    let journal = MemoryJournal::new();
    let topic = Topic::new(Kind::Receipts, Mode::Actual);
    let mut batch = Batch::new(at_ms, Priority::Vital);
    batch.append(topic, Partition(0), PROGRESS, &[], &progress.encode());
    drop(journal.submit(batch).unwrap());
    let mut records = journal.read(topic, Partition(0), Offset(0), 1).unwrap();
    records.remove(0)
}

proptest! {
    #[test]
    fn each_step_of_those_asked_about_is_found_and_no_other(
        rows in proptest::collection::btree_map(0_u32..60, any::<u64>(), 0..40),
        asked in proptest::collection::btree_set(0_u32..60, 0..60),
        variant in any::<Option<u8>>(),
        with_receipts in any::<bool>(),
    ) {
        let intent = IntentId::from_bytes([3; 16]);
        let recipients: Vec<u32> = rows.keys().copied().collect();
        let receipts: Vec<u64> = rows.values().copied().filter(|_| with_receipts).collect();
        let entry = Entry::States {
            intent,
            state: State::Accepted,
            recipients,
            receipts,
            variant,
        };
        let progress = Progress { seq: 1, entries: vec![entry] };
        let mut gathered = Gathered::default();
        gathered.progress(&stored(&progress, 5_000), &asked);
        let mut plain = BTreeMap::new();
        for (number, receipt) in &rows {
            if asked.contains(number) {
                let step = Step {
                    at: Time::from_millis(5_000),
                    state: State::Accepted,
                    receipt: if with_receipts { *receipt } else { 0 },
                    variant,
                };
                plain.insert((intent, *number), vec![step]);
            }
        }
        prop_assert_eq!(gathered.steps, plain);
    }
}

#[test]
fn what_is_looked_for_between_two_times_is_all_that_lies_there() {
    let journal = MemoryJournal::new();
    let topic = Topic::new(Kind::Receipts, Mode::Actual);
    let times: Vec<i64> = (0..200).map(|n| n / 3 * 1_000).collect();
    for at in &times {
        let mut batch = Batch::new(*at, Priority::Vital);
        batch.append(topic, Partition(0), PROGRESS, &[], b"x");
        drop(journal.submit(batch).unwrap());
    }
    for (from, to) in [
        (None, None),
        (Some(7), None),
        (Some(7), Some(9)),
        (Some(90), None),
        (None, Some(0)),
    ] {
        let time = |seconds: Option<i64>| seconds.map(Time::from_seconds);
        let mut tell = |_: Walked| true;
        let mut past = Past::new(&journal, Mode::Actual, (time(from), time(to)), &mut tell);
        let mut found = Vec::new();
        past.each(Kind::Receipts, Partition(0), |record| {
            found.push(record.time_ms)
        })
        .unwrap();
        let inside = |at: &&i64| {
            from.is_none_or(|from| **at >= from * 1_000) && to.is_none_or(|to| **at <= to * 1_000)
        };
        let plain: Vec<i64> = times.iter().filter(inside).copied().collect();
        assert_eq!(found, plain, "{from:?} {to:?}");
    }
}

fn theirs(counts: Counts, districts: Counts, heads: u64, answered: u64) -> Theirs {
    Theirs {
        state: "done".to_owned(),
        heads,
        counts,
        districts,
        answered,
        started: None,
        finished: None,
    }
}

#[test]
fn counts_that_do_not_meet_are_said() {
    let whole = Counts {
        delivered: 50,
        failed: 8,
        unknown: 1,
        ..Counts::default()
    };
    let agrees = |of: &Theirs, is_over| Difference::of(of, is_over).agrees;
    assert!(
        agrees(&theirs(whole, whole, 60, 58), true),
        "one stands twice"
    );
    assert!(
        agrees(&theirs(whole, Counts::default(), 60, 57), true),
        "no districts given"
    );
    assert!(
        !agrees(&theirs(whole, whole, 58, 58), true),
        "more than heads"
    );
    assert!(
        !agrees(&theirs(whole, whole, 60, 59), true),
        "more answers than numbers"
    );
    let fewer = Counts {
        delivered: 49,
        ..whole
    };
    assert!(
        !agrees(&theirs(whole, fewer, 60, 58), true),
        "a district is missing"
    );
    let waiting = Counts {
        waiting: 1,
        ..whole
    };
    assert!(agrees(&theirs(waiting, waiting, 60, 58), false));
    assert!(
        !agrees(&theirs(waiting, waiting, 60, 58), true),
        "over and waiting"
    );
    let huge = Counts {
        delivered: u64::MAX,
        ..whole
    };
    let difference = Difference::of(&theirs(huge, huge, 0, 0), true);
    assert_eq!((difference.heads, difference.agrees), (i64::MIN, false));
}
