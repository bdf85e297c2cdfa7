//! The disk journal on honest, broken, full and treacherous disks.

use super::faulty::{FaultyDisk, Numbers};
use super::{DiskJournal, Options, RealMedium};
use crate::conformance::{Subject, run};
use crate::{
    Batch, Consumer, Journal, JournalError, Kind, Offset, Partition, Priority, Ticket, Topic,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

mod faults;
mod space;

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
        ..Options::default()
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
    let start = journal.end(INPUT, P0).unwrap().0;
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
    let end = journal.end(INPUT, P0).unwrap().0;
    ensure(end >= known.acknowledged, "an acknowledged batch is lost")?;
    let first = journal.first(INPUT, P0).unwrap().0;
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
    let position = journal.resume(RULES, INPUT, P0).unwrap().0;
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
        .unwrap_or(12);
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

/// The loss itself is named: an acknowledged batch that is not there, or the hole that it left.
#[test]
fn the_same_test_sees_a_sync_that_does_nothing() {
    let (mut lost, mut holes) = (0, 0);
    for seed in 0..20 {
        let disk = FaultyDisk::default();
        let (mut known, mut numbers) = (Known::default(), Numbers(seed));
        let journal = open(&disk).unwrap();
        drive(&journal, &mut known, 40, &mut numbers);
        disk.lie(true);
        let honest = known.acknowledged;
        drive(&journal, &mut known, 40, &mut numbers);
        assert_eq!((honest, known.acknowledged), (40, 80));
        drop(journal);
        disk.crash(seed);
        disk.lie(false);
        match open(&disk) {
            Ok(journal) => match reconcile(&journal, &known) {
                // Chance let everything reach the disk.
                Ok(()) => assert_eq!(journal.end(INPUT, P0).unwrap(), Offset(80), "seed {seed}"),
                // A hole in a segment that was full is met where it is read.
                Err(why) if why.contains("a synced frame is damaged") => holes += 1,
                Err(why) => {
                    assert_eq!(why, "an acknowledged batch is lost", "seed {seed}");
                    let end = journal.end(INPUT, P0).unwrap().0;
                    assert!((honest..80).contains(&end), "seed {seed}: {end}");
                    lost += 1;
                }
            },
            Err(error) => {
                // A later write reached the disk: the hole before it is seen and named.
                let is_hole = matches!(&error, JournalError::Corrupt { file, .. } if file.starts_with("log-"));
                assert!(is_hole, "seed {seed}: {error}");
                holes += 1;
            }
        }
    }
    assert!(
        lost >= 5 && lost + holes >= 12,
        "of 20 lying disks {lost} were found out by what is lost, {holes} by a hole"
    );
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

/// Looking at a journal sees what is durable, while its holder goes on.
#[test]
fn a_view_sees_what_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let holder = DiskJournal::open(folder.path(), small()).unwrap();
    (0..100).for_each(|n| write_one(&holder, n));
    let view = DiskJournal::view(folder.path()).unwrap();
    assert_eq!(first_bytes(&view), (0..100).collect::<Vec<_>>());
    (100..120).for_each(|n| write_one(&holder, n));
    assert_eq!(first_bytes(&view).len(), 100, "a view is of its moment");
    drop(view);
    let later = DiskJournal::view(folder.path()).unwrap();
    assert_eq!(first_bytes(&later).len(), 120);
    drop(holder);
    let opened = DiskJournal::open(folder.path(), small()).unwrap();
    assert_eq!(first_bytes(&opened).len(), 120);
    assert!(DiskJournal::view(&folder.path().join("nowhere")).is_err());
}

/// It leaves no trace in a directory that somebody else holds, whatever recovery and housekeeping do
/// in it. The holder here only holds: one that serves seals and makes segments in its own time.
#[test]
fn a_view_touches_nothing() {
    const FIRST: &str = "log-00000001.seg";
    let folder = tempfile::tempdir().unwrap();
    let journal = DiskJournal::open(folder.path(), small()).unwrap();
    (0..100).for_each(|n| write_one(&journal, n));
    drop(journal);
    let held = RealMedium::open(folder.path()).unwrap();
    let files = || -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let file =
            |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(path).unwrap());
        entries.map(|entry| file(entry.unwrap().path())).collect()
    };
    let before = files();
    let view = DiskJournal::view(folder.path()).unwrap();
    assert_eq!(first_bytes(&view), (0..100).collect::<Vec<_>>());
    // What its own threads do once they are called stays in memory, too: a new segment, a seal, a trim.
    (100..220).for_each(|n| write_one(&view, n));
    let trimmed = view.trim(INPUT, Partition(1), Offset(200)).unwrap();
    trimmed.wait().unwrap();
    let first = || {
        view.store
            .medium
            .list()
            .unwrap()
            .contains(&FIRST.to_owned())
    };
    let (_open, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..1_000 {
        if !first() {
            break;
        }
        // Nothing ever comes: what passes is the housekeeper's time.
        assert!(never.recv_timeout(Duration::from_millis(10)).is_err());
    }
    assert!(!first(), "the view cleans as a journal does");
    drop(view);
    assert_eq!(files(), before, "looking changed a file");
    drop(held);
}

fn write_one(journal: &DiskJournal, n: u8) {
    let mut batch = Batch::new(i64::from(n), Priority::Bulk);
    batch.append(INPUT, Partition(1), 1, b"", &[n; 900]);
    journal.submit_waiting(batch).unwrap().wait().unwrap();
}

fn first_bytes(journal: &DiskJournal) -> Vec<u8> {
    let records = journal.read(INPUT, Partition(1), Offset(0), 1 << 20);
    let records = records.unwrap().into_iter();
    records.map(|record| record.payload()[0]).collect()
}
