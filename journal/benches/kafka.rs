//! What a record costs on Kafka: in transactions, and apart, in one run.
//!
//! `SANFANG_KAFKA` names the brokers (`make kafka-up`); `cargo bench --workspace --bench kafka`.
//! `JOURNAL_BENCH_MS` chooses the time for each row.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first failure")]

use journal::{
    Batch, Journal, KafkaJournal, KafkaOptions, Kind, Layout, Mode, Partition, Priority,
    Retentions, Ticket, Topic,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const INPUT: Topic = Topic::actual(Kind::Input);
const ZONES: u16 = 11;
/// Bytes of one observation as stored.
const ROW: usize = 24;

fn main() {
    let Ok(brokers) = std::env::var("SANFANG_KAFKA") else {
        println!("SANFANG_KAFKA names no brokers: nothing is measured");
        return;
    };
    let ms = std::env::var("JOURNAL_BENCH_MS").ok();
    let ms = ms.and_then(|ms| ms.parse().ok()).unwrap_or(5000);
    let options = KafkaOptions {
        prefix: format!("bench-{}.", std::process::id()),
        ..KafkaOptions::new(&brokers, "bench")
    };
    let layout = Layout {
        zones: ZONES,
        links: 1,
        replication: 3,
        min_insync_replicas: 2,
        retentions: Retentions::default(),
    };
    options.create_topics(&layout, Mode::Actual).unwrap();
    let journal = KafkaJournal::open(options, &layout, Mode::Actual).unwrap();
    println!("load average {}", load());
    println!(
        "{:>5} {:>6} {:<12} {:>10} {:>9} {:>9} {:>10}",
        "rows", "open", "how", "records/s", "p50 us", "p99 us", "CPU us/rec"
    );
    for rows in [600, 1] {
        for open in [1, 64, 1024] {
            let time = Duration::from_millis(ms);
            let [transaction, apart] =
                [false, true].map(|is_apart| measure(&journal, rows, open, is_apart, time));
            println!(
                "{:>5} {:>6} {:<12} {:>10.2} {:>9.2} {:>9} {:>10.2}",
                rows,
                open,
                "ratio",
                apart.rate / transaction.rate,
                apart.p50 / transaction.p50,
                "",
                apart.cpu / transaction.cpu,
            );
        }
    }
    println!("load average {}", load());
}

struct Figures {
    rate: f64,
    p50: f64,
    cpu: f64,
}

/// Records of `rows` rows to all zones in turn, `open` of them under way at once.
fn measure(
    journal: &KafkaJournal,
    rows: usize,
    open: usize,
    is_apart: bool,
    time: Duration,
) -> Figures {
    let records: Vec<Vec<u8>> = (0..64).map(|seed| observations(rows, seed)).collect();
    let mut under_way: VecDeque<(Instant, Ticket)> = VecDeque::new();
    let mut waited = Vec::new();
    let mut written = 0u64;
    // Producers are opened and record times are learnt before anything is measured.
    for zone in 0..ZONES {
        drop(submit(journal, zone, &records[0], is_apart).wait().unwrap());
    }
    let (began, cpu_before) = (Instant::now(), cpu());
    while began.elapsed() < time || !under_way.is_empty() {
        if began.elapsed() < time {
            let record = &records[written as usize % records.len()];
            let zone = (written % u64::from(ZONES)) as u16;
            let ticket = submit(journal, zone, record, is_apart);
            under_way.push_back((Instant::now(), ticket));
            written += 1;
            if under_way.len() < open {
                continue;
            }
        }
        if let Some((since, ticket)) = under_way.pop_front() {
            ticket.wait().unwrap();
            waited.push(since.elapsed().as_micros() as f64);
        }
    }
    let passed = began.elapsed().as_secs_f64();
    let cpu = (cpu() - cpu_before) * 1e6 / written as f64;
    waited.sort_by(f64::total_cmp);
    let at = |share: usize| waited[(waited.len() - 1) * share / 100];
    let how = if is_apart { "apart" } else { "transaction" };
    let rate = written as f64 / passed;
    println!(
        "{rows:>5} {open:>6} {how:<12} {rate:>10.0} {:>9.0} {:>9.0} {cpu:>10.1}",
        at(50),
        at(99)
    );
    Figures {
        rate,
        p50: at(50),
        cpu,
    }
}

fn submit(journal: &KafkaJournal, zone: u16, record: &[u8], is_apart: bool) -> Ticket {
    let mut batch = Batch::new(1, Priority::Bulk);
    batch.append(INPUT, Partition(zone), 1, b"", record);
    let batch = if is_apart { batch.apart() } else { batch };
    journal.submit_waiting(batch).unwrap()
}

/// Rows as gauges send them: stations in a row, one minute, small values that differ.
fn observations(rows: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_add(1);
    let mut out = vec![1];
    out.reserve(rows * ROW);
    for row in 0..rows as u32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let time = 1_694_000_000_000i64 + i64::from(seed) * 60_000;
        out.extend_from_slice(&(seed * 1000 + row).to_le_bytes());
        out.extend_from_slice(&(state >> 25).to_le_bytes());
        out.extend_from_slice(&time.to_le_bytes());
        out.extend_from_slice(&[60, 0, 0, 0, 1, 0, 0, 0]);
    }
    out
}

/// Seconds of processor time of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    let ticks: u64 = [fields[12], fields[13]]
        .iter()
        .map(|text| text.parse::<u64>().unwrap())
        .sum();
    ticks as f64 / 100.0
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap()
}
