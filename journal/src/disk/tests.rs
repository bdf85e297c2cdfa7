//! The disk journal on honest, broken, full and treacherous disks.

use super::faulty::{FaultyDisk, Numbers};
use super::{DiskJournal, Options};
use crate::conformance::{Subject, run};
use crate::{
    Batch, Consumer, Journal, JournalError, Kind, Offset, Partition, Priority, Ticket, Topic,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const INPUT: Topic = Topic::actual(Kind::Input);
const WARNINGS: Topic = Topic::actual(Kind::Warnings);
const SERIES: Topic = Topic::actual(Kind::Series);
const REGISTRY: Topic = Topic::actual(Kind::Registry);
const P0: Partition = Partition(0);
const RULES: Consumer = Consumer(1);
const ALL: usize = usize::MAX;

fn small() -> Options {
    Options {
        segment_bytes: 64 << 10,
        queue_bytes: 1 << 20,
        tail_bytes: 4 << 10,
        reserve_bytes: 0,
        clock_ns: None,
    }
}

fn open(disk: &FaultyDisk) -> Result<DiskJournal, JournalError> {
    DiskJournal::open_on(Box::new(disk.clone()), small())
}

/// What batch `id` stores: known to writer and checker alike.
fn payload(id: u64) -> Vec<u8> {
    let mut numbers = Numbers(id);
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.resize(8 + numbers.next(900) as usize, id as u8);
    bytes
}

/// Batch `id`: a record of input, a small warning, every third time one of series, one of the
/// registry, and the position.
fn batch(id: u64) -> Batch {
    let mut batch = Batch::new(id as i64, Priority::Vital);
    batch.append(INPUT, P0, 1, b"", &payload(id));
    if id.is_multiple_of(3) {
        batch.append(SERIES, P0, 2, b"", &payload(id));
    }
    batch.append(WARNINGS, P0, 4, b"", &id.to_le_bytes());
    batch.append(REGISTRY, P0, 3, &[(id % 5) as u8], &id.to_le_bytes());
    batch.consumed(RULES, INPUT, P0, Offset(id + 1));
    batch
}

/// What the world outside knows: every batch before it was acknowledged, and trims asked for and done.
#[derive(Default)]
struct Known {
    acknowledged: u64,
    trim_asked: u64,
    trimmed: u64,
}

/// Submits batches until the journal fails or `count` are done.
fn drive(journal: &DiskJournal, known: &mut Known, count: u64, numbers: &mut Numbers) {
    let start = journal.end(INPUT, P0).0;
    let mut open: VecDeque<(u64, Ticket)> = VecDeque::new();
    for id in start..start + count {
        match journal.submit_waiting(batch(id)) {
            Ok(ticket) => open.push_back((id, ticket)),
            Err(_) => break,
        }
        while open.len() > numbers.next(6) as usize {
            let Some((id, ticket)) = open.pop_front() else {
                break;
            };
            if ticket.wait().is_ok() {
                known.acknowledged = id + 1;
            }
        }
        if numbers.next(40) == 0 {
            let before = known.acknowledged.saturating_sub(30);
            known.trim_asked = known.trim_asked.max(before);
            if journal
                .trim(INPUT, P0, Offset(before))
                .is_ok_and(|ticket| ticket.wait().is_ok())
            {
                known.trimmed = known.trimmed.max(before);
            }
        }
    }
    for (id, ticket) in open {
        if ticket.wait().is_ok() {
            known.acknowledged = id + 1;
        }
    }
}

/// Everything of a topic from `from` on, read in small pieces.
fn read_all(
    journal: &DiskJournal,
    topic: Topic,
    from: Offset,
) -> Result<Vec<(u64, Vec<u8>)>, String> {
    let mut at = from;
    let mut out = Vec::new();
    loop {
        let records = journal
            .read(topic, P0, at, 3000)
            .map_err(|error| error.to_string())?;
        let Some(last) = records.last() else {
            return Ok(out);
        };
        at = last.offset.plus(1);
        out.extend(
            records
                .iter()
                .map(|record| (record.offset.0, record.payload().to_vec())),
        );
    }
}

/// Compares a reopened journal with what is known outside of it.
fn reconcile(journal: &DiskJournal, known: &Known) -> Result<(), String> {
    let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let end = journal.end(INPUT, P0).0;
    ensure(end >= known.acknowledged, "an acknowledged batch is lost")?;
    let first = journal.first(INPUT, P0).0;
    ensure(
        first >= known.trimmed && first <= known.trim_asked,
        "a trim is lost or made up",
    )?;
    let expected: Vec<_> = (first..end).map(|id| (id, payload(id))).collect();
    ensure(
        read_all(journal, INPUT, Offset(first))? == expected,
        "input differs",
    )?;
    let expected: Vec<_> = (0..end)
        .filter(|id| id % 3 == 0)
        .map(|id| (id / 3, payload(id)))
        .collect();
    ensure(
        read_all(journal, SERIES, Offset(0))? == expected,
        "kept series differ",
    )?;
    let expected: Vec<_> = (0..end).map(|id| (id, id.to_le_bytes().to_vec())).collect();
    ensure(
        read_all(journal, WARNINGS, Offset(0))? == expected,
        "kept warnings differ",
    )?;
    let position = journal.resume(RULES, INPUT, P0).0;
    ensure(position == end, "the position is not that of the outputs")?;
    for key in 0..5u64 {
        let expected = (end.saturating_sub(5)..end).find(|id| id % 5 == key);
        let newest = journal
            .latest(REGISTRY, P0, &[key as u8])
            .map_err(|e| e.to_string())?;
        let newest = newest.map(|record| record.payload().to_vec());
        ensure(
            newest == expected.map(|id| id.to_le_bytes().to_vec()),
            "a key differs",
        )?;
    }
    Ok(())
}

/// One disk through several power cuts.
fn survive(disk: &FaultyDisk, seed: u64) -> Result<(u64, u64), String> {
    let mut numbers = Numbers(seed);
    let mut known = Known::default();
    let mut cleaned = 0;
    for _ in 0..6 {
        disk.power_for(numbers.next(500));
        if let Ok(journal) = open(disk) {
            reconcile(&journal, &known).or_else(|why| {
                // The power may go while reading back; then nothing was learnt.
                if journal.failure().is_some() {
                    Ok(())
                } else {
                    Err(why)
                }
            })?;
            drive(&journal, &mut known, 400, &mut numbers);
            cleaned += journal.statistics().kept_bytes;
        }
        disk.crash(numbers.next(u64::MAX));
        let journal = open(disk).map_err(|error| error.to_string())?;
        reconcile(&journal, &known)?;
    }
    Ok((known.acknowledged, cleaned))
}

#[test]
fn conforms() {
    let directory = tempfile::tempdir().unwrap();
    let open = |name: &str| -> Arc<dyn Journal> {
        let path = directory.path().join(name);
        Arc::new(
            DiskJournal::open(
                &path,
                Options {
                    segment_bytes: 1 << 20,
                    ..small()
                },
            )
            .unwrap(),
        )
    };
    run(&Subject {
        open: &open,
        durable: true,
    })
    .unwrap();
}

#[test]
fn every_acknowledged_batch_survives_power_cuts() {
    let (mut acknowledged, mut cleaned) = (0, 0);
    let seeds = std::env::var("JOURNAL_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(16);
    for seed in 0..seeds {
        let (batches, bytes) = survive(&FaultyDisk::default(), seed)
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        acknowledged += batches;
        cleaned += bytes;
    }
    assert!(
        acknowledged > seeds * 100,
        "the power went too early: {acknowledged} batches"
    );
    assert!(
        cleaned > seeds * 2_000,
        "cleaning was never met: {cleaned} bytes"
    );
}

#[test]
fn the_same_test_sees_a_sync_that_does_nothing() {
    let seen = (0..10)
        .filter(|seed| survive(&FaultyDisk::lying(), *seed).is_err())
        .count();
    assert!(seen >= 8, "only {seen} of 10 lying disks were found out");
}

#[test]
fn a_failed_sync_ends_the_journal_for_good() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    journal.submit(batch(0)).unwrap().wait().unwrap();
    disk.fail_syncs(true);
    assert!(matches!(
        journal.submit(batch(1)).unwrap().wait(),
        Err(JournalError::Poisoned { .. })
    ));
    disk.fail_syncs(false);
    assert!(matches!(
        journal.submit(batch(1)),
        Err(JournalError::Poisoned { .. })
    ));
    assert!(matches!(
        journal.submit_waiting(batch(1)),
        Err(JournalError::Poisoned { .. })
    ));
    assert_eq!(
        journal.end(INPUT, P0),
        Offset(1),
        "what was not synced is not shown"
    );
    drop(journal);
    disk.crash(0);
    let end = open(&disk).unwrap().end(INPUT, P0).0;
    assert!(
        (1..=2).contains(&end),
        "the second batch is of unknown outcome, the first is not: {end}"
    );
}

#[test]
fn damage_in_the_middle_is_named_and_a_torn_tail_is_cut() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    for id in 0..20 {
        journal.submit(batch(id)).unwrap().wait().unwrap();
    }
    let used = journal.statistics().segment_bytes as usize;
    drop(journal);
    disk.flip("log-00000001.seg", used / 2);
    let Err(JournalError::Corrupt { file, at, .. }) = open(&disk) else {
        panic!("damage went unseen");
    };
    assert_eq!(file, "log-00000001.seg");
    assert!(
        at <= used as u64 / 2 && at > used as u64 / 2 - 2000,
        "{at} of {used}"
    );

    disk.flip("log-00000001.seg", used / 2);
    disk.flip("log-00000001.seg", used - 20);
    let journal = open(&disk).unwrap();
    assert_eq!(
        journal.end(INPUT, P0),
        Offset(19),
        "the last frame may have been torn"
    );
    reconcile(&journal, &Known::default()).unwrap();
}

#[test]
fn damage_in_a_sealed_segment_and_a_lost_file_are_named() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    for id in 0..300 {
        journal.submit(batch(id)).unwrap().wait().unwrap();
    }
    drop(journal);
    disk.flip("log-00000001.seg", 3000);
    let journal = open(&disk).unwrap();
    let read = journal.read(INPUT, P0, Offset(0), ALL);
    assert!(
        matches!(&read, Err(JournalError::Corrupt { file, .. }) if file == "log-00000001.seg"),
        "{read:?}"
    );
    drop(journal);
    disk.lose("log-00000002.seg");
    let Err(error) = open(&disk) else {
        panic!("a lost file went unseen")
    };
    assert!(error.to_string().contains("log-00000002.seg"), "{error}");
}

#[test]
fn a_full_disk_refuses_bulk_first_and_goes_on_when_there_is_space() {
    let disk = FaultyDisk::default();
    let options = Options {
        reserve_bytes: 256 << 10,
        ..small()
    };
    let journal = DiskJournal::open_on(Box::new(disk.clone()), options).unwrap();
    let bulk = || {
        let mut batch = Batch::new(1, Priority::Bulk);
        batch.append(INPUT, Partition(1), 1, b"", b"observations");
        batch
    };
    journal.submit(bulk()).unwrap().wait().unwrap();
    disk.leave_free(200 << 10);
    // The keeper measures on its own; a vital batch in between does no harm.
    let mut id = 0;
    let refused = loop {
        match journal.submit(bulk()) {
            Ok(ticket) => drop(ticket.wait()),
            Err(error) => break error,
        }
        journal.wait(SERIES, Partition(9), Offset(0), Duration::from_millis(20));
    };
    assert!(
        matches!(
            refused,
            JournalError::DiskFull {
                needed: 262_144,
                ..
            }
        ),
        "{refused}"
    );
    let full = loop {
        match journal.submit(batch(id)).unwrap().wait() {
            Ok(_) => id += 1,
            Err(error) => break error,
        }
    };
    assert!(id > 200, "vital batches use the reserve: {id}");
    assert!(matches!(full, JournalError::DiskFull { .. }), "{full}");
    disk.leave_free(1 << 20);
    journal.submit(batch(id)).unwrap().wait().unwrap();
    assert_eq!(journal.end(INPUT, P0), Offset(id + 1));
    reconcile(
        &journal,
        &Known {
            acknowledged: id + 1,
            ..Known::default()
        },
    )
    .unwrap();
}

#[test]
fn a_slow_disk_fills_the_queue_and_the_group_grows_with_it() {
    let disk = FaultyDisk::default();
    let journal = Arc::new(open(&disk).unwrap());
    journal.submit(batch(0)).unwrap().wait().unwrap();
    let syncs = journal.statistics().syncs;
    disk.stall(true);
    let mut tickets = Vec::new();
    let bulk = || {
        let mut batch = Batch::new(1, Priority::Bulk);
        batch.append(INPUT, P0, 1, b"", &[7; 20_000]);
        batch
    };
    let full = loop {
        match journal.submit(bulk()) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            full,
            JournalError::Full {
                bytes: 1_000_000..,
                ..
            }
        ),
        "{full}"
    );
    tickets.push(journal.submit(batch(1)).unwrap());
    let patient = Arc::clone(&journal);
    let waiting = std::thread::spawn(move || patient.submit_waiting(bulk()).unwrap().wait());
    disk.stall(false);
    let count = tickets.len();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    waiting.join().unwrap().unwrap();
    // Two groups, each cut where a segment of three frames of 20 kB is full.
    let syncs = journal.statistics().syncs - syncs;
    assert!(
        (syncs as usize) < count,
        "{count} batches took {syncs} syncs"
    );
}

#[test]
fn dead_segments_go_and_kept_records_stay() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    for id in 0..2000 {
        let ticket = journal.submit_waiting(batch(id)).unwrap();
        if id % 100 == 99 {
            ticket.wait().unwrap();
        }
    }
    let known = Known {
        acknowledged: 2000,
        trim_asked: 1990,
        trimmed: 1990,
    };
    journal
        .trim(INPUT, P0, Offset(1990))
        .unwrap()
        .wait()
        .unwrap();
    let written = journal.statistics().written_bytes;
    let left = |journal: &DiskJournal| journal.statistics().segment_bytes;
    for _ in 0..500 {
        if left(&journal) < written * 55 / 100 {
            break;
        }
        journal.wait(SERIES, Partition(9), Offset(0), Duration::from_millis(20));
    }
    assert!(
        left(&journal) < written * 55 / 100,
        "{} of {written} left",
        left(&journal)
    );
    reconcile(&journal, &known).unwrap();
    drop(journal);
    let journal = open(&disk).unwrap();
    reconcile(&journal, &known).unwrap();
}

#[test]
fn two_processes_never_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = DiskJournal::open(directory.path(), small()).unwrap();
    let second = DiskJournal::open(directory.path(), small());
    assert!(matches!(second, Err(JournalError::InUse { .. })));
    drop(first);
    DiskJournal::open(directory.path(), small()).unwrap();
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    journal.submit(batch(0)).unwrap().wait().unwrap();
    drop(journal);
    let mut bytes = disk.bytes("log-00000001.seg");
    bytes[8] = 2;
    let check = super::frame::crc(&bytes[..16]);
    bytes[16..20].copy_from_slice(&check.to_le_bytes());
    let file = super::Medium::open(&disk, "log-00000001.seg").unwrap();
    file.write_at(&bytes[..20], 0).unwrap();
    assert!(matches!(
        open(&disk),
        Err(JournalError::Newer {
            found: 2,
            known: 1,
            ..
        })
    ));
}

proptest::proptest! {
    /// Any batches, read from any offset with any size, give what a plain list would.
    #[test]
    fn reads_agree_with_a_plain_list(
        batches in proptest::collection::vec(
            proptest::collection::vec((0u16..3, 0usize..300), 0..20), 1..30),
        from in 0u64..200,
        max_bytes in 0usize..5000,
        reopen: bool,
    ) {
        let disk = FaultyDisk::default();
        let mut journal = open(&disk).unwrap();
        let mut plain: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
        for (n, records) in batches.iter().enumerate() {
            let mut batch = Batch::new(n as i64, Priority::Bulk);
            for (partition, size) in records {
                let bytes = vec![n as u8; *size];
                batch.append(INPUT, Partition(*partition), 1, b"", &bytes);
                plain.entry(*partition).or_default().push(bytes);
            }
            journal.submit_waiting(batch).unwrap().wait().unwrap();
        }
        if reopen {
            drop(journal);
            journal = open(&disk).unwrap();
        }
        for (partition, expected) in &plain {
            let expected = expected.get(from as usize..).unwrap_or(&[]);
            let mut size = 0;
            let fits = expected.iter().take_while(|bytes| {
                size += 7 + bytes.len();
                size <= max_bytes
            }).count().max(1).min(expected.len());
            let read = journal.read(INPUT, Partition(*partition), Offset(from), max_bytes).unwrap();
            let read: Vec<_> = read.iter().map(|record| record.payload().to_vec()).collect();
            proptest::prop_assert_eq!(&read[..], &expected[..read.len()]);
            proptest::prop_assert!(read.len() <= fits);
            proptest::prop_assert!(!read.is_empty() || expected.is_empty());
        }
    }
}
