//! `sanfang audit`: what named people were sent and what came back, and how area jobs add up, asked of a
//! running server. Telephones come from a file or standard input, never from the command line, which
//! other people of a machine can read.

mod text;

use super::remote::{Remote, block_on};
use super::{Failure, print};
use crate::audit::{Course, Jobs, PersonItem};
use clap::{Args, Subcommand};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest look through a journal.
const LOOK: Duration = Duration::from_secs(3_600);
/// Longest line of an answer: one person with everything they were sent.
const LINE_MAX: usize = 64 << 20;

/// What to ask.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// What each of some people was sent: by which link, when, in which words, and what came back
    Recipient(Recipient),
    /// The area jobs of a warning: ours, the far side's counts, and where they do not meet
    Jobs(OfWarning),
    /// The course of a warning: proposal, signatures, jobs, first and last message, counts, answers
    Warning(OfWarning),
    /// Who asked about whom, when and why
    Asked(Asked),
}

/// People.
#[derive(Args)]
pub(crate) struct Recipient {
    /// Id of a contact, a subscriber or a device; again for each
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Recipient number, as `export` has it; again for each
    #[arg(long = "number", value_name = "N")]
    numbers: Vec<u32>,
    /// File of telephone numbers, one a line, +86…; - is standard input
    #[arg(long, value_name = "FILE")]
    phones: Option<PathBuf>,
    /// Only of this warning, as `warn list` shows it; without it of every warning that the journal holds
    #[arg(long, value_name = "ID")]
    warning: Option<String>,
    /// Only what was said from then on, 2023-09-07T21:00:00+08:00
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was said until then
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Why you ask: it is kept with your name
    #[arg(long)]
    reason: String,
    /// Print one JSON object a person instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A warning.
#[derive(Args)]
pub(crate) struct OfWarning {
    /// Id, as `warn list` shows it
    warning: String,
    /// Print one JSON object a job instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// The list of questions.
#[derive(Args)]
pub(crate) struct Asked {
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Asks.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Recipient(of) => block_on(recipient(of)),
        Command::Jobs(of) => jobs(of),
        Command::Warning(of) => warning(of),
        Command::Asked(of) => asked(of),
    }
}

async fn recipient(of: &Recipient) -> Result<(), Failure> {
    let ids = of.ids.iter().map(|id| json!({ "id": id }));
    let numbers = of.numbers.iter().map(|number| json!({ "number": number }));
    let phones = of.phones.as_deref().map(phones).transpose()?;
    let phones = phones
        .iter()
        .flatten()
        .map(|phone| json!({ "phone": phone }));
    let people: Vec<Value> = ids.chain(numbers).chain(phones).collect();
    let body = json!({
        "people": people,
        "warning": of.warning,
        "from": of.from,
        "to": of.to,
        "reason": of.reason,
    });
    let api = of.remote.open_within(LOOK)?;
    let body = ("application/json", body.to_string().into_bytes());
    let answer = api.ask(Method::POST, "/v1/audit/recipient", Some(body));
    let mut lines = Lines::of(answer.await?);
    let mut output = print::Output::open();
    let mut is_done = false;
    while let Some(line) = lines.next().await? {
        if let Some(why) = line.get("failed").and_then(Value::as_str) {
            return Err(Failure::Failed(why.to_owned()));
        }
        if let Some(progress) = line.get("progress") {
            eprintln!("{}", text::progress(progress));
        } else if let Some(done) = line.get("done") {
            is_done = true;
            eprintln!("{}", text::done(done));
        } else if let Some(person) = line.get("person") {
            let said = if of.json {
                person.to_string()
            } else {
                let read = serde_json::from_value::<PersonItem>(person.clone());
                text::person(&read.map_err(|error| strange(&error))?)
            };
            if !output.line(&said)? {
                return Ok(());
            }
        }
    }
    output.finish()?;
    if is_done {
        return Ok(());
    }
    let words = "the answer broke off: what is above is not all; ask again".to_owned();
    Err(Failure::Failed(words))
}

fn jobs(of: &OfWarning) -> Result<(), Failure> {
    let path = format!("/v1/area-jobs?warning={}", of.warning);
    let found = block_on(of.remote.open_within(LOOK)?.get(&path))?;
    let found: Jobs = serde_json::from_value(found).map_err(|error| strange(&error))?;
    if found.left_out + found.unreadable > 0 {
        let (left_out, unreadable) = (found.left_out, found.unreadable);
        eprintln!("{left_out} left out for want of room, {unreadable} records unreadable");
    }
    let line = |job| match of.json {
        true => serde_json::to_string(job).unwrap_or_default(),
        false => text::job(job),
    };
    let lines: Vec<String> = found.jobs.iter().map(line).collect();
    print::lines(&lines)
}

fn warning(of: &OfWarning) -> Result<(), Failure> {
    let path = format!("/v1/warnings/{}/course", of.warning);
    let found = block_on(of.remote.open_within(LOOK)?.get(&path))?;
    if of.json {
        return print::lines(&[found.to_string()]);
    }
    let found: Course = serde_json::from_value(found).map_err(|error| strange(&error))?;
    print::lines(&text::course(&found))
}

fn asked(of: &Asked) -> Result<(), Failure> {
    let asked = block_on(of.remote.open()?.get("/v1/audit"))?;
    let asked = asked.as_array().map(Vec::as_slice).unwrap_or_default();
    if of.json {
        let lines: Vec<String> = asked.iter().map(Value::to_string).collect();
        return print::lines(&lines);
    }
    let mut table = print::Table::new(&["at", "by", "people", "warning", "reason"]);
    for one in asked {
        let text = |key: &str| {
            one.get(key)
                .and_then(Value::as_str)
                .unwrap_or("-")
                .to_owned()
        };
        let people = one.get("asked").and_then(Value::as_u64).unwrap_or(0);
        let rest = [people.to_string(), text("warning"), text("reason")];
        table.row(
            [text("at"), text("person")]
                .into_iter()
                .chain(rest)
                .collect(),
        );
    }
    print::lines(&table.lines())
}

fn strange(error: &serde_json::Error) -> Failure {
    Failure::Failed(format!(
        "the server answers otherwise than this version reads: {error}"
    ))
}

/// Telephone numbers of a file, one a line; empty lines are passed over.
fn phones(path: &Path) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// An answer of JSON lines, as it comes.
struct Lines {
    response: Response,
    bytes: Vec<u8>,
}

impl Lines {
    const fn of(response: Response) -> Self {
        Self {
            response,
            bytes: Vec::new(),
        }
    }

    /// The next line; nothing behind the last.
    async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(|error| strange(&error));
            }
            if self.bytes.len() > LINE_MAX {
                let words = "a line of the answer is longer than anything that is answered";
                return Err(Failure::Failed(words.to_owned()));
            }
            let chunk = self.response.chunk().await;
            let chunk = chunk.map_err(|error| Failure::Failed(error.to_string()))?;
            let Some(chunk) = chunk else {
                return Ok(None);
            };
            self.bytes.extend_from_slice(&chunk);
        }
    }
}
