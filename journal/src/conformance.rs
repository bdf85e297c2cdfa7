//! What every journal must do, whatever it stands on: one suite for all implementations.

use crate::{
    Batch, Claim, Consumer, Journal, JournalError, Kind, Mode, Offset, Partition, Priority, Record,
    Topic,
};
use std::sync::Arc;
use std::time::Duration;

/// The journal to be examined.
pub struct Subject<'a> {
    /// Opens the journal of that name; one that exists and is durable keeps its records.
    pub open: &'a dyn Fn(&'static str) -> Arc<dyn Journal>,
    /// Records outlive the process.
    pub durable: bool,
}

type Verdict = Result<(), JournalError>;

const INPUT: Topic = Topic::actual(Kind::Input);
const WARNINGS: Topic = Topic::actual(Kind::Warnings);
const REGISTRY: Topic = Topic::actual(Kind::Registry);
const P0: Partition = Partition(0);
const P7: Partition = Partition(7);
const RULES: Consumer = Consumer(1);
const ALL: usize = usize::MAX;
const SOON: Duration = Duration::from_secs(120);

/// Runs the suite; a failed assertion names the broken promise.
///
/// # Errors
/// Whatever the journal refused or failed with.
pub fn run(subject: &Subject<'_>) -> Verdict {
    let open = subject.open;
    order_and_offsets(&*open("order"))?;
    modes_are_apart(&*open("modes"))?;
    one_batch_many_topics(&*open("atomic"))?;
    record_time_never_falls(&*open("time"))?;
    reading_from_the_middle(&*open("middle"))?;
    waking_at_the_tail(&open("tail"))?;
    newest_by_key(&*open("keys"))?;
    trimming(&*open("trim"))?;
    many_submitters(&open("many"))?;
    refusing(&*open("refusing"))?;
    each_for_itself(&*open("apart"))?;
    claiming(&*open("claims"))?;
    if subject.durable {
        reopening(subject)?;
    }
    Ok(())
}

fn order_and_offsets(journal: &dyn Journal) -> Verdict {
    assert_eq!(
        journal.end(INPUT, P0)?,
        Offset(0),
        "an empty partition ends at 0"
    );
    assert!(
        journal.read(INPUT, P0, Offset(0), ALL)?.is_empty(),
        "an empty partition has no records"
    );
    let mut tickets = Vec::new();
    for n in 0..100u64 {
        tickets.push((n, journal.submit(one(INPUT, P0, 10, &n.to_le_bytes()))?));
    }
    let mut given = Vec::new();
    for (_, ticket) in tickets {
        let runs = ticket.wait()?;
        assert_eq!(runs.len(), 1, "one run for one record");
        given.extend(runs.iter().map(|run| (run.first, run.count)));
    }
    assert!(given.is_sorted_by(|a, b| a.0 < b.0), "order of submission");
    let records = all(journal, INPUT, P0, Offset(0))?;
    for ((n, record), given) in (0..100u64).zip(&records).zip(&given) {
        assert_eq!((record.offset, 1), *given, "where it was said to stand");
        assert_eq!(record.payload(), n.to_le_bytes(), "payloads in order");
        assert_eq!(record.kind, 3, "the kind is kept");
    }
    assert_eq!(records.len(), 100, "all are there");
    let asked = given.get(57).map(|(offset, _)| *offset);
    let one = journal.read(INPUT, P0, asked.unwrap_or_default(), 0)?;
    assert_eq!(
        one.first().map(|record| record.offset),
        asked,
        "exactly where asked"
    );
    assert_eq!(one.len(), 1, "one when none would fit");
    assert_eq!(journal.end(INPUT, P7)?, Offset(0), "partitions are apart");
    let end = journal.end(INPUT, P0)?;
    assert!(
        given.last().is_some_and(|(last, _)| *last < end),
        "the end is behind all"
    );
    Ok(())
}

fn modes_are_apart(journal: &dyn Journal) -> Verdict {
    journal
        .submit(one(
            Topic::new(Kind::Warnings, Mode::Exercise),
            P0,
            1,
            b"drill",
        ))?
        .wait()?;
    assert_eq!(
        journal.end(WARNINGS, P0)?,
        Offset(0),
        "an exercise is not in the real topic"
    );
    Ok(())
}

fn one_batch_many_topics(journal: &dyn Journal) -> Verdict {
    let mut batch = Batch::new(5, Priority::Vital);
    batch.append(WARNINGS, P0, 1, b"", b"w0");
    batch.append(INPUT, P0, 2, b"", b"i0");
    batch.append(INPUT, P0, 2, b"k", b"");
    batch.append(WARNINGS, P0, 1, b"", b"w1");
    batch.append_with(INPUT, P7, 2, b"", |out| out.extend_from_slice(b"i0"));
    batch.consumed(RULES, INPUT, P0, Offset(1));
    let runs = journal.submit(batch)?.wait()?;
    let stood: Vec<_> = runs
        .iter()
        .map(|r| (r.topic, r.partition, r.first.0, r.count))
        .collect();
    let expected = [
        (WARNINGS, P0, 0, 1),
        (INPUT, P0, 0, 2),
        (WARNINGS, P0, 1, 1),
        (INPUT, P7, 0, 1),
    ];
    assert_eq!(stood, expected, "runs in the order of the batch");
    assert_eq!(
        journal.resume(RULES, INPUT, P0)?,
        Offset(1),
        "the position is stored with its outputs"
    );
    assert_eq!(
        journal.resume(Consumer(2), INPUT, P0)?,
        Offset(0),
        "consumers are apart"
    );
    let warnings = payloads(&all(journal, WARNINGS, P0, Offset(0))?);
    assert_eq!(
        warnings,
        [b"w0".to_vec(), b"w1".to_vec()],
        "both runs of a topic are there"
    );
    let input = journal.read(INPUT, P0, Offset(1), ALL)?;
    let keyed = input
        .first()
        .map(|r| (r.key().to_vec(), r.payload().to_vec()));
    assert_eq!(
        keyed,
        Some((b"k".to_vec(), Vec::new())),
        "keys and empty payloads are kept"
    );
    journal.submit(Batch::new(0, Priority::Vital))?.wait()?;
    Ok(())
}

fn record_time_never_falls(journal: &dyn Journal) -> Verdict {
    for (at, expected) in [(-5, -5), (100, 100), (50, 100), (101, 101)] {
        let runs = journal.submit(one(INPUT, P0, at, b"t"))?.wait()?;
        assert_eq!(
            runs.first().map(|run| run.time_ms),
            Some(expected),
            "max(last, at)"
        );
    }
    let runs = journal.submit(one(INPUT, P7, 7, b"t"))?.wait()?;
    assert_eq!(
        runs.first().map(|run| run.time_ms),
        Some(7),
        "each partition has its own time"
    );
    let times: Vec<i64> = all(journal, INPUT, P0, Offset(0))?
        .iter()
        .map(|record| record.time_ms)
        .collect();
    assert_eq!(times, [-5, 100, 100, 101], "as answered, so stored");
    Ok(())
}

fn reading_from_the_middle(journal: &dyn Journal) -> Verdict {
    let mut batch = Batch::new(1, Priority::Bulk);
    for n in 0..1000u64 {
        batch.append(INPUT, P0, 1, b"", &n.to_le_bytes());
    }
    journal.submit(batch)?.wait()?;
    let records = journal.read(INPUT, P0, Offset(500), 150)?;
    assert_eq!(
        records.first().map(|record| record.offset),
        Some(Offset(500)),
        "from the middle"
    );
    assert_eq!(
        records.len(),
        10,
        "no more than was asked for: ten records of 15 bytes"
    );
    let one = journal.read(INPUT, P0, Offset(999), 0)?;
    assert_eq!(one.len(), 1, "at least one, so that a reader gets on");
    assert!(
        journal
            .read(INPUT, P0, journal.end(INPUT, P0)?, ALL)?
            .is_empty(),
        "nothing at the end"
    );
    assert!(
        journal.read(INPUT, P0, Offset(5000), ALL)?.is_empty(),
        "nothing behind it"
    );
    Ok(())
}

fn waking_at_the_tail(journal: &Arc<dyn Journal>) -> Verdict {
    assert!(
        !journal.wait(INPUT, P0, Offset(0), Duration::ZERO),
        "nothing to wake for"
    );
    let mut ends = journal.subscribe(INPUT, P0);
    assert_eq!(
        *ends.borrow_and_update(),
        Offset(0),
        "a subscription begins at the end"
    );
    let reader = Arc::clone(journal);
    let thread = std::thread::spawn(move || {
        let mut at = Offset(0);
        let mut seen = 0;
        while seen < 50 && reader.wait(INPUT, P0, at, SOON) {
            let Ok(records) = reader.read(INPUT, P0, at, ALL) else {
                break;
            };
            seen += records.len();
            at = records.last().map_or(at, |record| record.offset.plus(1));
        }
        (seen, at)
    });
    let mut last = Offset(0);
    for n in 0..50u8 {
        let runs = journal.submit(one(INPUT, P0, 1, &[n]))?.wait()?;
        last = runs.first().map_or(last, |run| run.first);
    }
    assert_eq!(
        thread.join().ok(),
        Some((50, last.plus(1))),
        "a waiting reader sees all"
    );
    assert_eq!(
        *ends.borrow_and_update(),
        last.plus(1),
        "a subscription follows the end"
    );
    Ok(())
}

fn newest_by_key(journal: &dyn Journal) -> Verdict {
    for (key, value) in [
        ("a", "1"),
        ("b", "1"),
        ("a", "2"),
        ("c", "1"),
        ("c", ""),
        ("a", "3"),
    ] {
        let mut batch = Batch::new(1, Priority::Vital);
        batch.append(REGISTRY, P0, 1, key.as_bytes(), value.as_bytes());
        journal.submit(batch)?.wait()?;
    }
    let newest = |key: &str| -> Result<Option<Vec<u8>>, JournalError> {
        Ok(journal
            .latest(REGISTRY, P0, key.as_bytes())?
            .map(|record| record.payload().to_vec()))
    };
    assert_eq!(newest("a")?, Some(b"3".to_vec()), "the newest value");
    assert_eq!(newest("b")?, Some(b"1".to_vec()), "an untouched value");
    assert_eq!(newest("c")?, None, "an empty payload deletes");
    assert_eq!(newest("d")?, None, "never written");
    let last = all(journal, REGISTRY, P0, Offset(0))?;
    let last = last.last().map(|record| record.payload().to_vec());
    assert_eq!(last, Some(b"3".to_vec()), "the newest stands last");
    Ok(())
}

fn trimming(journal: &dyn Journal) -> Verdict {
    let mut given = Vec::new();
    for n in 0..10u8 {
        let runs = journal.submit(one(INPUT, P0, 1, &[n]))?.wait()?;
        given.extend(runs.iter().map(|run| run.first));
    }
    let nth = |n: usize| given.get(n).copied().unwrap_or_default();
    let fourth = nth(4);
    journal.trim(INPUT, P0, fourth)?.wait()?;
    assert_eq!(journal.first(INPUT, P0)?, fourth, "the first that is left");
    let refused = journal.read(INPUT, P0, nth(3), ALL);
    assert!(
        matches!(
            refused,
            Err(JournalError::Trimmed { first, .. }) if first == fourth
        ),
        "what is gone is an error that says where to begin"
    );
    assert_eq!(
        all(journal, INPUT, P0, fourth)?.len(),
        6,
        "the rest is there"
    );
    assert_eq!(
        journal.resume(RULES, INPUT, P0)?,
        fourth,
        "a new consumer begins at the first"
    );
    journal.trim(INPUT, P0, nth(2))?.wait()?;
    assert_eq!(journal.first(INPUT, P0)?, fourth, "a trim never goes back");
    let end = journal.end(INPUT, P0)?;
    journal.trim(INPUT, P0, end.plus(89))?.wait()?;
    assert_eq!(journal.first(INPUT, P0)?, end, "nor beyond the end");
    let runs = journal.submit(one(INPUT, P0, 1, b"x"))?.wait()?;
    let next = runs.first().map(|run| run.first);
    assert!(next.is_some_and(|next| next >= end), "offsets go on");
    Ok(())
}

fn many_submitters(journal: &Arc<dyn Journal>) -> Verdict {
    let threads: Vec<_> = (0..4u8)
        .map(|who| {
            let journal = Arc::clone(journal);
            std::thread::spawn(move || -> Verdict {
                for n in 0..100u8 {
                    journal
                        .submit_waiting(one(INPUT, P0, 1, &[who, n]))?
                        .wait()?;
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        assert!(
            matches!(thread.join(), Ok(Ok(()))),
            "each submitter is served"
        );
    }
    let records = all(&**journal, INPUT, P0, Offset(0))?;
    assert_eq!(records.len(), 400, "all are there");
    for who in 0..4u8 {
        let mine: Vec<u8> = records
            .iter()
            .filter_map(|record| match record.payload() {
                [by, n] if *by == who => Some(*n),
                _ => None,
            })
            .collect();
        assert_eq!(mine, (0..100).collect::<Vec<u8>>(), "in each one's order");
    }
    Ok(())
}

fn refusing(journal: &dyn Journal) -> Verdict {
    let mut keyless = Batch::new(1, Priority::Vital);
    keyless.append(REGISTRY, P0, 1, b"", b"value");
    assert!(
        matches!(
            journal.submit(keyless),
            Err(JournalError::KeyMissing { topic: REGISTRY })
        ),
        "a compacted topic needs keys"
    );
    let mut long = Batch::new(1, Priority::Vital);
    long.append(REGISTRY, P0, 1, &[b'k'; 70_000], b"value");
    assert!(
        matches!(
            journal.submit(long),
            Err(JournalError::TooLarge { bytes: 70_000, .. })
        ),
        "a key too long for the format"
    );
    assert_eq!(
        journal.end(REGISTRY, P0)?,
        Offset(0),
        "a refused batch leaves nothing"
    );
    Ok(())
}

fn each_for_itself(journal: &dyn Journal) -> Verdict {
    let mut tickets = Vec::new();
    for n in 0..100u8 {
        let mut batch = one(INPUT, P0, 100 - i64::from(n), &[n, 0]).apart();
        batch.append(INPUT, P7, 3, b"", &[n, 1]);
        batch.append(INPUT, P0, 3, b"", &[n, 2]);
        tickets.push(journal.submit_waiting(batch)?);
    }
    let mut given = Vec::new();
    for ticket in tickets {
        let runs = ticket.wait()?;
        assert_eq!(runs.len(), 3, "a run for each change of partition");
        given.extend(runs.into_iter().filter(|run| run.partition == P0));
    }
    let records = all(journal, INPUT, P0, Offset(0))?;
    assert_eq!(records.len(), 200, "all are there");
    for ((record, given), n) in records.iter().zip(&given).zip(0..200u8) {
        assert_eq!(record.payload(), [n / 2, n % 2 * 2], "in order");
        assert_eq!(record.offset, given.first, "where it was said to stand");
        assert_eq!((record.time_ms, given.time_ms), (100, 100), "never falling");
    }
    let owned = one(INPUT, P0, 1, b"owned").owned_by(INPUT, P0).apart();
    let mut consumed = one(INPUT, P0, 1, b"consumed").apart();
    consumed.consumed(RULES, INPUT, P0, Offset(1));
    for batch in [owned, consumed] {
        let refused = journal.submit(batch);
        assert!(
            matches!(
                refused,
                Err(JournalError::OwnedApart {
                    topic: INPUT,
                    partition: P0
                })
            ),
            "what an owner writes belongs together"
        );
    }
    assert_eq!(all(journal, INPUT, P0, Offset(0))?.len(), 200);
    Ok(())
}

fn claiming(journal: &dyn Journal) -> Verdict {
    let claims = journal.claims(INPUT, &[P0, P7])?;
    // Several may be granted at once, in any order.
    let next = || claims.next(SOON);
    let mut granted: Vec<Partition> = [next(), next()]
        .into_iter()
        .filter_map(|claim| match claim {
            Some(Claim::Granted(INPUT, given)) => Some(given),
            _ => None,
        })
        .collect();
    granted.sort();
    assert_eq!(granted, [P0, P7]);
    let next = claims.next(Duration::ZERO);
    assert!(
        next.is_none(),
        "nothing is revoked while nobody else asks: {next:?}"
    );
    let mut owned = Batch::new(1, Priority::Vital).owned_by(INPUT, P7);
    owned.append(WARNINGS, P7, 3, b"", b"mine");
    journal.submit(owned)?.wait()?;
    Ok(())
}

fn reopening(subject: &Subject<'_>) -> Verdict {
    let name = "reopen";
    let mut given: Vec<Offset> = Vec::new();
    for round in 0..3u64 {
        let journal = (subject.open)(name);
        let end = journal.end(INPUT, P0)?;
        assert!(
            given.last().map_or(Offset(0), |last| last.plus(1)) <= end,
            "the end is known again"
        );
        for n in round * 20..round * 20 + 20 {
            let mut batch = one(INPUT, P0, 1000 - n.cast_signed(), &n.to_le_bytes());
            batch.append(REGISTRY, P0, 1, b"key", &n.to_le_bytes());
            batch.consumed(RULES, INPUT, P0, Offset(n));
            let runs = journal.submit(batch)?.wait()?;
            given.extend(runs.first().map(|run| run.first));
        }
        let before = given.get(usize::try_from(round * 20 + 1).unwrap_or_default());
        let before = before.copied().unwrap_or_default();
        journal.trim(INPUT, P0, before)?.wait()?;
    }
    let journal = (subject.open)(name);
    let first = given.get(41).copied().unwrap_or_default();
    assert_eq!(journal.first(INPUT, P0)?, first, "trims survive");
    assert_eq!(
        journal.resume(RULES, INPUT, P0)?,
        Offset(59).max(first),
        "positions survive"
    );
    let records = all(&*journal, INPUT, P0, first)?;
    let numbers: Vec<_> = records
        .iter()
        .map(|record| record.payload().to_vec())
        .collect();
    let expected: Vec<_> = (41..60u64).map(|n| n.to_le_bytes().to_vec()).collect();
    assert_eq!(numbers, expected, "records survive");
    let newest = journal
        .latest(REGISTRY, P0, b"key")?
        .map(|record| record.payload().to_vec());
    assert_eq!(newest, Some(59u64.to_le_bytes().to_vec()), "keys survive");
    let runs = journal.submit(one(INPUT, P0, 1, b"on"))?.wait()?;
    let next = runs.first().map(|run| run.first);
    assert!(next > given.last().copied(), "offsets go on");
    let records = all(&*journal, INPUT, P0, first)?;
    assert!(
        records.iter().all(|record| record.time_ms == 1000),
        "record times survive, and go on"
    );
    Ok(())
}

/// Everything from `from` on, read as a reader does: until nothing comes.
fn all(
    journal: &dyn Journal,
    topic: Topic,
    partition: Partition,
    from: Offset,
) -> Result<Vec<Record>, JournalError> {
    let (mut next, mut found) = (from, Vec::new());
    loop {
        let records = journal.read(topic, partition, next, ALL)?;
        let Some(last) = records.last() else {
            return Ok(found);
        };
        next = last.offset.plus(1);
        found.extend(records);
    }
}

fn one(topic: Topic, partition: Partition, at_ms: i64, payload: &[u8]) -> Batch {
    let mut batch = Batch::new(at_ms, Priority::Vital);
    batch.append(topic, partition, 3, b"", payload);
    batch
}

fn payloads(records: &[Record]) -> Vec<Vec<u8>> {
    records
        .iter()
        .map(|record| record.payload().to_vec())
        .collect()
}
