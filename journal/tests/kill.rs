//! A process that appends is killed at any moment; what it said was durable must be there.

use journal::{
    Batch, Consumer, DiskJournal, Journal, Kind, Offset, Options, Partition, Priority, Topic,
};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const INPUT: Topic = Topic::actual(Kind::Input);
const WARNINGS: Topic = Topic::actual(Kind::Warnings);
const P0: Partition = Partition(0);
/// Tells the child where the journal is.
const DIRECTORY: &str = "JOURNAL_KILL_DIRECTORY";

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let rounds = std::env::var("JOURNAL_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(5);
    let mut acknowledged = None;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "appends_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut numbers = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("durable ")?.parse().ok());
        // The moment differs by the number of lines: within a group of eight, a roll, a cleaning.
        for _ in 0..(37 + round * 291) {
            acknowledged = numbers.next();
            assert!(acknowledged.is_some(), "the child ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What had been printed but not read was acknowledged too.
        acknowledged = numbers.last().or(acknowledged);
        let journal = DiskJournal::open(directory.path(), small()).unwrap();
        let end = journal.end(INPUT, P0).unwrap().0;
        assert!(
            acknowledged < Some(end),
            "{acknowledged:?} was acknowledged, the end is {end}"
        );
        let first = journal.first(INPUT, P0).unwrap();
        let input = journal.read(INPUT, P0, first, usize::MAX).unwrap();
        assert_eq!(input.len() as u64, end - first.0);
        for record in &input {
            assert_eq!(record.payload(), record.offset.0.to_le_bytes().repeat(40));
        }
        let mut warnings = Offset(0);
        while let Some(record) = journal
            .read(WARNINGS, P0, warnings, 0)
            .unwrap()
            .first()
            .filter(|_| warnings.0 < end)
        {
            assert_eq!(record.offset, warnings, "kept records have no gap");
            assert_eq!(record.payload(), warnings.0.to_le_bytes());
            warnings = warnings.plus(1);
        }
        assert_eq!(warnings.0, end, "outputs stand with their cause");
        assert_eq!(
            journal.resume(Consumer(1), INPUT, P0).unwrap().0,
            end,
            "so does the position"
        );
    }
}

#[test]
#[ignore = "the process that is killed: started by the test above"]
fn appends_until_killed() {
    let directory = std::env::var(DIRECTORY).unwrap();
    let journal = DiskJournal::open(Path::new(&directory), small()).unwrap();
    let mut out = std::io::stdout().lock();
    let mut number = journal.end(INPUT, P0).unwrap().0;
    loop {
        let mut tickets = Vec::new();
        for _ in 0..8 {
            let mut batch = Batch::new(number.cast_signed(), Priority::Vital);
            batch.append(INPUT, P0, 1, b"", &number.to_le_bytes().repeat(40));
            batch.append(WARNINGS, P0, 2, b"", &number.to_le_bytes());
            number += 1;
            batch.consumed(Consumer(1), INPUT, P0, Offset(number));
            tickets.push(journal.submit_waiting(batch).unwrap());
        }
        for ticket in tickets {
            writeln!(out, "durable {}", ticket.wait().unwrap()[0].first).unwrap();
            out.flush().unwrap();
        }
        let before = Offset(number.saturating_sub(100));
        journal.trim(INPUT, P0, before).unwrap().wait().unwrap();
    }
}

fn small() -> Options {
    Options {
        segment_bytes: 256 << 10,
        reserve_bytes: 0,
        ..Options::default()
    }
}
