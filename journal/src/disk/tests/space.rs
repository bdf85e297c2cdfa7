//! A disk without space: who gives way, who waits, and that nothing ends (semantics §30).

use super::*;

const RESERVE: u64 = 512 << 10;

/// A journal with room for a reserve that its segments are larger than.
fn cramped(disk: &FaultyDisk) -> DiskJournal {
    let options = Options {
        segment_bytes: 1 << 20,
        reserve_bytes: RESERVE,
        ..small()
    };
    let journal = DiskJournal::open_on(Box::new(disk.clone()), options).unwrap();
    journal.submit(batch(0)).unwrap().wait().unwrap();
    faults::settle(&journal);
    disk.leave_free(RESERVE + (88 << 10));
    journal
}

/// Writes until the disk is full; gives the number of the batch that found no space.
fn fill(journal: &DiskJournal) -> u64 {
    let mut id = journal.end(INPUT, P0).unwrap().0;
    loop {
        match journal.submit(batch(id)).and_then(Ticket::wait) {
            Ok(_) => id += 1,
            Err(error) => {
                assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
                return id;
            }
        }
    }
}

fn until(journal: &DiskJournal, what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        journal.wait(SERIES, Partition(9), Offset(0), Duration::from_millis(10));
    }
    panic!("never came: {what}");
}

fn whole(journal: &DiskJournal, end: u64) {
    let known = Known {
        acknowledged: end,
        ..Known::default()
    };
    reconcile(journal, &known).unwrap();
    assert_eq!(journal.end(INPUT, P0).unwrap(), Offset(end));
}

#[test]
fn the_reserve_can_be_used_however_large_segments_are() {
    let disk = FaultyDisk::default();
    let journal = cramped(&disk);
    let end = fill(&journal);
    // Two segments were there: all else came out of the reserve, which is smaller than one.
    let written = journal.statistics().written_bytes;
    let of_reserve = written.saturating_sub(2 << 20);
    assert!(
        of_reserve > RESERVE * 3 / 4,
        "{of_reserve} bytes of {RESERVE}"
    );
    drop(journal);
    disk.crash(3);
    let options = Options {
        segment_bytes: 1 << 20,
        ..small()
    };
    disk.leave_free(1 << 20);
    whole(
        &DiskJournal::open_on(Box::new(disk.clone()), options).unwrap(),
        end,
    );
}

#[test]
fn observations_leave_the_reserve_alone() {
    let disk = FaultyDisk::default();
    let journal = cramped(&disk);
    let bulk = || {
        let mut batch = Batch::new(1, Priority::Bulk);
        batch.append(INPUT, Partition(1), 1, b"", &[7; 2000]);
        batch
    };
    let mut refused = None;
    while refused.is_none() {
        refused = journal.submit(bulk()).and_then(Ticket::wait).err();
    }
    assert!(matches!(refused, Some(JournalError::DiskFull { .. })));
    let before = journal.statistics().written_bytes;
    fill(&journal);
    let vital = journal.statistics().written_bytes - before;
    assert!(vital > RESERVE * 3 / 4, "{vital} bytes of {RESERVE}");
}

#[test]
fn what_must_not_be_dropped_waits_for_space_and_nothing_ends() {
    let disk = FaultyDisk::default();
    let journal = cramped(&disk);
    let end = fill(&journal);
    assert!(!journal.statistics().out_of_space, "nobody waits");
    let mut waiting: Vec<Ticket> = (end..end + 20)
        .map(|id| journal.submit_waiting(batch(id)).unwrap())
        .collect();
    until(&journal, "it is said", || journal.statistics().out_of_space);
    // Who can say so to somebody is told at once.
    for refused in [journal.submit(batch(0)), journal.trim(INPUT, P0, Offset(0))] {
        assert!(
            matches!(refused, Err(JournalError::DiskFull { .. })),
            "{refused:?}"
        );
    }
    assert!(waiting.iter_mut().all(|ticket| ticket.now().is_none()));
    assert!(journal.failure().is_none());
    whole(&journal, end);

    disk.leave_free(4 << 20);
    for ticket in waiting {
        ticket.wait().unwrap();
    }
    until(&journal, "it is over", || {
        !journal.statistics().out_of_space
    });
    journal.submit(batch(end + 20)).unwrap().wait().unwrap();
    whole(&journal, end + 21);
}

#[test]
fn a_process_that_ends_does_not_wait_for_space() {
    for closes in [false, true] {
        let disk = FaultyDisk::default();
        let journal = cramped(&disk);
        let end = fill(&journal);
        let ticket = journal.submit_waiting(batch(end)).unwrap();
        until(&journal, "it is said", || journal.statistics().out_of_space);
        if closes {
            drop(journal);
        } else {
            journal.stop_waiting();
        }
        let told = ticket.wait();
        assert!(
            matches!(told, Err(JournalError::DiskFull { .. })),
            "{told:?}"
        );
    }
}

#[test]
fn cleaning_without_space_ends_nothing_and_goes_on_later() {
    let disk = FaultyDisk::default();
    let journal = open(&disk).unwrap();
    disk.leave_free(3 << 20);
    let mut end = 0;
    for id in 0..700 {
        journal.submit(batch(id)).unwrap().wait().unwrap();
        end = id + 1;
    }
    disk.leave_free(0);
    // There is much to copy, and nowhere to.
    drop(journal.trim(INPUT, P0, Offset(end)).and_then(Ticket::wait));
    faults::settle(&journal);
    assert!(journal.failure().is_none());
    disk.leave_free(2 << 20);
    let before = journal.statistics().segment_bytes;
    journal
        .trim(INPUT, P0, Offset(end))
        .unwrap()
        .wait()
        .unwrap();
    until(&journal, "segments are cleaned", || {
        journal.statistics().segment_bytes < before * 2 / 3
    });
    drop(journal);
    let journal = open(&disk).unwrap();
    let known = Known {
        acknowledged: end,
        trim_asked: end,
        trimmed: end,
    };
    reconcile(&journal, &known).unwrap();
}
