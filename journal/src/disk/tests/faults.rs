//! Broken, full, slow and damaged disks, and cleaning: one named situation a test.

use super::*;

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
        journal.end(INPUT, P0).unwrap(),
        Offset(1),
        "what was not synced is not shown"
    );
    drop(journal);
    disk.crash(0);
    let end = open(&disk).unwrap().end(INPUT, P0).unwrap().0;
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
        journal.end(INPUT, P0).unwrap(),
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
    assert_eq!(journal.end(INPUT, P0).unwrap(), Offset(id + 1));
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

/// Waits until cleaning has come to rest.
pub(super) fn settle(journal: &DiskJournal) {
    let mut last = (0, 0);
    let mut same = 0;
    while same < 8 {
        let statistics = journal.statistics();
        let state = (statistics.segments, statistics.kept_bytes);
        same = if state == last { same + 1 } else { 0 };
        last = state;
        journal.wait(SERIES, Partition(9), Offset(0), Duration::from_millis(20));
    }
}

#[test]
fn copies_of_copies_are_read_in_order() {
    let disk = FaultyDisk::default();
    let mut copied = 0;
    for round in 1..=6u64 {
        let journal = open(&disk).unwrap();
        for id in (round - 1) * 400..round * 400 {
            journal.submit_waiting(batch(id)).unwrap().wait().unwrap();
        }
        for (topic, end) in [(INPUT, round * 400), (SERIES, round * 400 / 3 - 10)] {
            let ticket = journal.trim(topic, P0, Offset(end)).unwrap();
            ticket.wait().unwrap();
        }
        settle(&journal);
        copied += journal.statistics().kept_bytes;
        let expected: Vec<_> = (0..round * 400)
            .map(|id| (id, id.to_le_bytes().to_vec()))
            .collect();
        assert_eq!(read_all(&journal, WARNINGS, Offset(0)), Ok(expected));
    }
    let once = 6 * 400 * (8 + 7);
    assert!(
        copied > once,
        "nothing was copied twice: {copied} bytes, once is {once}"
    );
}

#[test]
fn a_group_torn_in_its_first_frame_is_no_damage() {
    for seed in 0..8 {
        let disk = FaultyDisk::default();
        let options = Options {
            segment_bytes: 4 << 20,
            ..small()
        };
        let journal = DiskJournal::open_on(Box::new(disk.clone()), options).unwrap();
        let large = || {
            let mut batch = Batch::new(1, Priority::Vital);
            batch.append(INPUT, P0, 1, b"", &[7; 30_000]);
            batch
        };
        journal.submit(large()).unwrap().wait().unwrap();
        settle(&journal);
        disk.stall(true);
        let mut tickets = vec![journal.submit(large()).unwrap()];
        while journal.statistics().queue_batches > 0 {
            std::thread::yield_now();
        }
        // These wait for the one above and then make one group of several frames.
        tickets.extend((0..30).map(|_| journal.submit(large()).unwrap()));
        disk.power_for(2);
        disk.stall(false);
        let lost = tickets
            .into_iter()
            .filter_map(|ticket| ticket.wait().err())
            .count();
        assert!(lost > 0, "the power went too late");
        drop(journal);
        disk.crash(seed);
        let journal = DiskJournal::open_on(Box::new(disk.clone()), options)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(
            journal.end(INPUT, P0).unwrap().0 + lost as u64 >= 32,
            "seed {seed}"
        );
    }
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
    let check = crate::disk::frame::crc(&bytes[..16]);
    bytes[16..20].copy_from_slice(&check.to_le_bytes());
    let file = crate::disk::Medium::open(&disk, "log-00000001.seg").unwrap();
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
