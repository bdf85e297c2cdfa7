//! Recorded observations through the rules: `sanfang replay --signals` as a process of its own.

use super::Failure;
use super::http::seconds_since;
use super::report::{Line, load_average, progress};
use super::served::{cpu_s, memory_bytes};
use crate::clock::monotonic;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// Times it is run; the least CPU time counts, since what others do only adds to it.
const RUNS: usize = 3;
/// Between two looks at its memory.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// CPU seconds asked and aimed at, for the 3.6 million lines of the bench storm.
const ASKED: (f64, f64) = (1.2, 0.7);
/// Megabytes of memory asked.
const MEMORY_MB: f64 = 400.0;

/// One run.
pub(super) struct Run {
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    memory_bytes: u64,
    /// Lines it printed.
    pub(super) changes: u64,
}

/// Replays the storm and says what that took.
pub(super) fn measure(city: &Path, storm: &Path) -> Result<Vec<Line>, Failure> {
    let missing = |error: io::Error| {
        let storm = storm.display();
        Failure::BadInput(format!(
            "{storm}: {error}; `make bench` makes what it needs"
        ))
    };
    let count = lines_of(storm).map_err(missing)?;
    let mut runs = Vec::new();
    for run in 1..=RUNS {
        progress(&format!("replay: {count} lines, run {run} of {RUNS}"));
        let arguments: [OsString; 5] = [
            "replay".into(),
            "--signals".into(),
            "--city".into(),
            city.into(),
            storm.into(),
        ];
        runs.push(one(&arguments).map_err(|error| Failure::Failed(error.to_string()))?);
    }
    let all: Vec<String> = runs.iter().map(|run| format!("{:.2}", run.cpu_s)).collect();
    runs.sort_by(|a, b| a.cpu_s.total_cmp(&b.cpu_s));
    let (Some(best), Some(memory)) = (runs.first(), runs.iter().map(|r| r.memory_bytes).max())
    else {
        return Ok(Vec::new());
    };
    let line = Line {
        less_is_better: true,
        wall_s: best.wall_s,
        cpu_s: best.cpu_s,
        count,
        load_average: load_average(),
        ..Line::default()
    };
    Ok(vec![
        Line {
            name: "replay --signals".into(),
            figure: best.cpu_s,
            unit: "CPU s",
            asked: Some(ASKED.0),
            goal: Some(ASKED.1),
            note: format!(
                "{count} lines, {} changes of tier; CPU s of each run: {}",
                best.changes,
                all.join(" ")
            ),
            ..line.clone()
        },
        Line {
            name: "replay --signals, memory".into(),
            figure: memory as f64 / 1e6,
            unit: "MB at most",
            asked: Some(MEMORY_MB),
            ..line
        },
    ])
}

/// Runs this program with other arguments, to its end.
pub(super) fn one(arguments: &[OsString]) -> io::Result<Run> {
    let began = monotonic();
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let reader = reader(&mut child);
    let mut memory = 0;
    while !reader.is_finished() {
        memory = memory_bytes(child.id(), "VmHWM:").max(memory);
        std::thread::park_timeout(LOOK_EVERY);
    }
    let changes = reader
        .join()
        .map_err(|_| io::Error::other("reading was interrupted"))??;
    // It has closed its output; until it is waited for, its times stand in /proc.
    while !is_over(child.id()) {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let run = Run {
        cpu_s: cpu_s(&child.id().to_string()),
        wall_s: seconds_since(began),
        memory_bytes: memory,
        changes,
    };
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("replay ended with {status}")));
    }
    Ok(run)
}

/// Counts the lines of its output in a thread.
fn reader(child: &mut Child) -> JoinHandle<io::Result<u64>> {
    let output = child.stdout.take();
    std::thread::spawn(move || match output {
        Some(output) => count(output),
        None => Ok(0),
    })
}

fn lines_of(path: &Path) -> io::Result<u64> {
    count(std::fs::File::open(path)?)
}

fn count(source: impl Read) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 20, source);
    let mut lines = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(lines);
        }
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = bytes.len();
        reader.consume(length);
    }
}

fn is_over(process: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = text
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('Z') | None)
}
