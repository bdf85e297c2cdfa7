//! The journal's work on our segments, on fjall and on redb: one commit is one durable sync.
//!
//! `cargo bench -p journal --features engines` (or without the feature: segments alone).
//! `JOURNAL_BENCH_DIR` chooses the disk, `JOURNAL_BENCH_MS` the time for each row.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first failure")]

use journal::{Batch, DiskJournal, Journal, Kind, Offset, Options, Partition, Priority, Topic};
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

const INPUT: Topic = Topic::actual(Kind::Input);

/// One way to store a batch; gives the time from giving a batch away to its being durable, of this
/// batch or an earlier one.
type Commit<'a> = Box<dyn FnMut(&[Vec<u8>]) -> Option<Duration> + 'a>;

fn main() {
    let base = std::env::var("JOURNAL_BENCH_DIR").unwrap_or_else(|_| "/tmp".to_owned());
    let ms = std::env::var("JOURNAL_BENCH_MS")
        .ok()
        .and_then(|ms| ms.parse().ok())
        .unwrap_or(2000);
    let time = Duration::from_millis(ms);
    println!("load average {}", load());
    println!(
        "{:<22} {:>6} {:>6} {:>10} {:>12} {:>9} {:>9} {:>10}",
        "engine", "bytes", "batch", "commits/s", "records/s", "p50 us", "p99 us", "CPU us/rec"
    );
    for size in [120, 4096] {
        for batch in [1, 100, 10_000] {
            segments(Path::new(&base), size, batch, 1, time);
            if batch == 1 {
                segments(Path::new(&base), size, batch, 256, time);
            }
            others(Path::new(&base), size, batch, time);
        }
    }
    reading(Path::new(&base));
    println!("load average {}", load());
}

/// Ours, with up to `open` commits under way at once.
fn segments(base: &Path, size: usize, count: usize, open: usize, time: Duration) {
    let directory = tempfile::tempdir_in(base).unwrap();
    let journal = DiskJournal::open(directory.path(), Options::default()).unwrap();
    let mut under_way = VecDeque::new();
    let (mut at, mut since_trim) = (0, 0);
    let commit = |records: &[Vec<u8>]| {
        let start = Instant::now();
        let mut batch = Batch::new(at, Priority::Vital);
        batch.reserve(records.len() * (size + 8) + 64);
        for record in records {
            batch.append(INPUT, Partition(0), 1, b"", record);
        }
        at += 1;
        since_trim += records.len() * size;
        under_way.push_back((start, journal.submit_waiting(batch).unwrap()));
        // As after a snapshot: what is older may go, and its file serves again.
        if since_trim > 64 << 20 {
            since_trim = 0;
            let end = journal.end(INPUT, Partition(0)).unwrap();
            drop(journal.trim(INPUT, Partition(0), end).unwrap());
        }
        if under_way.len() < open {
            return None;
        }
        let (start, ticket) = under_way.pop_front().unwrap();
        ticket.wait().unwrap();
        Some(start.elapsed())
    };
    // The segment made ahead is none of this workload's business.
    std::thread::sleep(Duration::from_secs(1));
    let name = if open == 1 {
        "segments".to_owned()
    } else {
        format!("segments, {open} open")
    };
    measure(&name, size, count, time, Box::new(commit));
}

#[cfg(feature = "engines")]
fn others(base: &Path, size: usize, count: usize, time: Duration) {
    {
        let directory = tempfile::tempdir_in(base).unwrap();
        let database = fjall::Database::builder(directory.path()).open().unwrap();
        let keyspace = database
            .keyspace("input", fjall::KeyspaceCreateOptions::default)
            .unwrap();
        let mut next = 0u64;
        let commit = |records: &[Vec<u8>]| {
            let start = Instant::now();
            let mut batch = database
                .batch()
                .durability(Some(fjall::PersistMode::SyncData));
            for record in records {
                batch.insert(&keyspace, next.to_be_bytes(), record.as_slice());
                next += 1;
            }
            batch.commit().unwrap();
            Some(start.elapsed())
        };
        measure("fjall 3.1 SyncData", size, count, time, Box::new(commit));
    }
    {
        let directory = tempfile::tempdir_in(base).unwrap();
        let database = redb::Database::create(directory.path().join("redb")).unwrap();
        let definition: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("input");
        let mut next = 0u64;
        let commit = |records: &[Vec<u8>]| {
            let start = Instant::now();
            let write = database.begin_write().unwrap();
            {
                let mut table = write.open_table(definition).unwrap();
                for record in records {
                    table.insert(next, record.as_slice()).unwrap();
                    next += 1;
                }
            }
            write.commit().unwrap();
            Some(start.elapsed())
        };
        measure("redb 4.6 Immediate", size, count, time, Box::new(commit));
    }
}

#[cfg(not(feature = "engines"))]
fn others(_: &Path, _: usize, _: usize, _: Duration) {}

fn measure(name: &str, size: usize, count: usize, time: Duration, mut commit: Commit<'_>) {
    // Bytes that do not compress: fjall compresses its journal, and what we store is packed already.
    let mut state = 1u64;
    let mut byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    let records: Vec<Vec<u8>> = (0..count)
        .map(|_| (0..size).map(|_| byte()).collect())
        .collect();
    let mut latencies = Vec::new();
    commit(&records);
    let cpu = cpu_us();
    let start = Instant::now();
    while start.elapsed() < time {
        latencies.extend(commit(&records).map(|latency| latency.as_micros()));
    }
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = cpu_us() - cpu;
    latencies.sort_unstable();
    let commits = latencies.len();
    let at = |share: f64| latencies[((commits - 1) as f64 * share) as usize];
    let total = (commits * count) as f64;
    println!(
        "{name:<22} {size:>6} {count:>6} {:>10.0} {:>12.0} {:>9} {:>9} {:>10.3}",
        commits as f64 / elapsed,
        total / elapsed,
        at(0.5),
        at(0.99),
        cpu as f64 / total
    );
}

/// Recovery and reading back of a few million records.
fn reading(base: &Path) {
    let directory = tempfile::tempdir_in(base).unwrap();
    let journal = DiskJournal::open(directory.path(), Options::default()).unwrap();
    let record = [7; 250];
    for at in 0..200 {
        let mut batch = Batch::new(at, Priority::Vital);
        for _ in 0..10_000 {
            batch.append(INPUT, Partition(0), 1, b"", &record);
        }
        let ticket = journal.submit_waiting(batch).unwrap();
        if at == 199 {
            ticket.wait().unwrap();
        }
    }
    drop(journal);
    let start = Instant::now();
    let journal = DiskJournal::open(directory.path(), Options::default()).unwrap();
    let opened = start.elapsed();
    let (cpu, start) = (cpu_us(), Instant::now());
    let mut at = Offset(0);
    loop {
        let records = journal.read(INPUT, Partition(0), at, 4 << 20).unwrap();
        let Some(last) = records.last() else { break };
        at = last.offset.plus(1);
    }
    println!(
        "reopen with {} records of 250 B: {} ms; read back {:.1} M records/s, {:.3} CPU us/rec",
        at.0,
        opened.as_millis(),
        at.0 as f64 / start.elapsed().as_secs_f64() / 1e6,
        (cpu_us() - cpu) as f64 / at.0 as f64
    );
}

/// CPU time of all threads of this process, in steps of 10 ms.
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 10_000
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
