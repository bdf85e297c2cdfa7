//! `sanfang simulate storm`: recorded observations posted to a server, minute by minute.

use crate::clock::{Clock, monotonic};
use crate::command::remote::{Api, Remote, block_on};
use crate::command::{Failure, Speed, print};
use clap::Args;
use model::{Span, Time};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which storm, how fast, and when it is said to happen.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Observations, NDJSON in the order they came in
    #[arg(value_name = "FILE")]
    storm: PathBuf,
    /// Times faster than they were observed, or `max`. At 1 the storm begins now; faster, it is
    /// sent as a backlog that ends now, since a server refuses what lies in its future
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Keep the times of the file instead of moving them to now
    #[arg(long)]
    as_recorded: bool,
    /// Most observations in one request
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Times a request is tried again while the server does not answer or asks for patience
    #[arg(long, value_name = "N", default_value_t = 60)]
    patience: u32,
    #[command(flatten)]
    remote: Remote,
}

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of the storm.
#[derive(Default)]
struct Figures {
    requests: u64,
    accepted: u64,
    duplicate: u64,
    rejected: u64,
    again: u64,
    minutes: u64,
}

/// Sends the storm; prints what became of it as one JSON object.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (first, last) = span_of(&arguments.storm)?;
    let now = Clock::wall().now();
    let begins_now = matches!(arguments.speed, Speed::Times(1));
    let shift = match (arguments.as_recorded, begins_now) {
        (true, _) => Span::ZERO,
        (false, true) => now.since(first),
        (false, false) => now.since(last),
    };
    // Whole minutes: a value that stood at the end of a minute still does.
    let shift = Span::from_minutes(shift.millis().div_euclid(60_000));
    let api = arguments.remote.open()?;
    let began = monotonic();
    let mut sender = Sender {
        api,
        clock: match arguments.speed {
            Speed::Times(times) => Some(Clock::scaled(first, times)),
            Speed::Max => None,
        },
        body: String::new(),
        lines: 0,
        lines_max: arguments.batch,
        patience: arguments.patience,
        figures: Figures::default(),
    };
    block_on(sender.pass(&arguments.storm, shift, last.since(first)))?;
    let seconds = began.elapsed().as_secs_f64();
    let figures = &sender.figures;
    let line = json!({
        "requests": figures.requests,
        "accepted": figures.accepted,
        "duplicate": figures.duplicate,
        "rejected": figures.rejected,
        "sent_again": figures.again,
        "seconds": (seconds * 1e3).round() / 1e3,
    });
    print::lines(&[line.to_string()])
}

struct Sender {
    api: Api,
    /// When each minute is due; `None` sends as fast as the server takes.
    clock: Option<Clock>,
    body: String,
    lines: u32,
    lines_max: u32,
    patience: u32,
    figures: Figures,
}

impl Sender {
    async fn pass(&mut self, path: &Path, shift: Span, length: Span) -> Result<(), Failure> {
        let mut newest: Option<Time> = None;
        for line in open(path)?.lines() {
            let line = line.map_err(|error| unreadable(path, &error))?;
            let Some((at, text)) = moved(&line, shift) else {
                // The server says what is wrong with such a line.
                self.add(&line).await?;
                continue;
            };
            // A late line carries an older time: the newest so far says when it came in.
            if newest.is_none_or(|newest| at > newest) {
                self.send().await?;
                newest = Some(at);
                if let Some(clock) = &self.clock {
                    tokio::time::sleep(clock.wall_until(at)).await;
                }
                self.figures.minutes += 1;
                self.progress(length);
            }
            self.add(&text).await?;
        }
        self.send().await?;
        if io::stderr().is_terminal() {
            eprintln!();
        }
        Ok(())
    }

    async fn add(&mut self, line: &str) -> Result<(), Failure> {
        self.body.push_str(line);
        self.body.push('\n');
        self.lines += 1;
        if self.lines >= self.lines_max {
            self.send().await?;
        }
        Ok(())
    }

    /// Posts what is gathered, again and again while the server asks for patience.
    async fn send(&mut self) -> Result<(), Failure> {
        if self.body.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.body).into_bytes();
        self.lines = 0;
        let mut tries = 0;
        let response = loop {
            let body = ("application/x-ndjson", bytes.clone());
            match self
                .api
                .ask(Method::POST, "/v1/observations", Some(body))
                .await
            {
                Ok(response) => break response,
                Err(refused) if refused.is_transient && tries < self.patience => {
                    tries += 1;
                    self.figures.again += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(refused) => return Err(refused.into()),
            }
        };
        let taken: Value = response
            .json()
            .await
            .map_err(|error| Failure::Failed(format!("/v1/observations: {error}")))?;
        let count = |key: &str| taken.get(key).and_then(Value::as_u64).unwrap_or(0);
        self.figures.requests += 1;
        self.figures.accepted += count("accepted");
        self.figures.duplicate += count("duplicate");
        self.figures.rejected += count("rejected");
        Ok(())
    }

    fn progress(&self, length: Span) {
        if io::stderr().is_terminal() {
            let all = length.millis() / 60_000 + 1;
            let Figures {
                minutes,
                accepted,
                rejected,
                ..
            } = &self.figures;
            eprint!("\rminute {minutes} of {all}: {accepted} accepted, {rejected} rejected ");
        }
    }
}

/// The first and the newest observation time of a file.
fn span_of(path: &Path) -> Result<(Time, Time), Failure> {
    let mut span: Option<(Time, Time)> = None;
    for line in open(path)?.lines() {
        let line = line.map_err(|error| unreadable(path, &error))?;
        if let Some((at, _)) = time_of(&line) {
            let (first, last) = span.unwrap_or((at, at));
            span = Some((first, last.max(at)));
        }
    }
    span.ok_or_else(|| Failure::BadInput(format!("{}: no observation with a time", path.display())))
}

/// The line with its time moved, and the time as it was.
fn moved(line: &str, shift: Span) -> Option<(Time, String)> {
    let (at, text) = time_of(line)?;
    let (_, offset) = Time::parse(text).ok()?;
    let there = (at + shift).display(offset);
    Some((at, line.replacen(text, &there, 1)))
}

/// The observation time of a line and how it is written, without reading the rest.
fn time_of(line: &str) -> Option<(Time, &str)> {
    let (_, rest) = line.split_once("\"time\":\"")?;
    let text = rest.split('"').next()?;
    Time::parse_bytes(text.as_bytes()).map(|(time, _)| (time, text))
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::BadInput(format!("{}: {error}", path.display()))
}
