//! `sanfang drill`: exercises from a terminal, through the API of a running server.

use super::remote::{Remote, block_on};
use super::warn::{Place, hazard, tiers};
use super::{Failure, print};
use clap::{Args, Subcommand};
use model::Hazard;
use serde_json::{Value, json};

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List exercises, newest first, and the white lists that a plan may name
    List(List),
    /// Begin one: it tells the people of one white list and nobody else, and ends by its time
    Begin(Begin),
    /// End one before its time; whoever was told hears of it
    End(Of),
    /// The score of times, in words to file
    Score(Scored),
}

/// Which exercises.
#[derive(Args)]
pub(crate) struct List {
    /// Print the answer of the server as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A plan.
#[derive(Args)]
pub(crate) struct Begin {
    /// What it is called
    #[arg(long)]
    name: String,
    /// National code of the hazard played, 11A02 for standing water
    #[arg(long, value_name = "CODE", value_parser = hazard)]
    hazard: Hazard,
    /// Area and its tier, 440103000000=red; again for each area
    #[arg(long = "area", value_name = "CODE=TIER", required = true)]
    areas: Vec<Place>,
    /// White list, as `drill list` shows it
    #[arg(long, value_name = "ID")]
    group: String,
    /// When it begins, 2026-06-01T09:00:00+08:00; now where it is not given
    #[arg(long, value_name = "TIME")]
    starts: Option<String>,
    /// How long it plays
    #[arg(long)]
    minutes: u32,
    /// The answer asked for, where another one is wrong: received, at_post, moved
    #[arg(long, value_name = "ANSWER")]
    expect: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// One exercise.
#[derive(Args)]
pub(crate) struct Of {
    /// Id, as `drill list` shows it
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// A score.
#[derive(Args)]
pub(crate) struct Scored {
    /// Id, as `drill list` shows it
    id: String,
    /// zh or en
    #[arg(long, value_name = "LANGUAGE", default_value = "zh")]
    lang: String,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let api = list.remote.open()?;
            let known = block_on(api.get("/v1/exercises"))?;
            if list.json {
                return print::lines(&[known.to_string()]);
            }
            let rows = |name: &str| known.get(name).and_then(Value::as_array);
            for group in rows("groups").into_iter().flatten() {
                eprintln!(
                    "white list {}: {}, {} people",
                    text(group, "id"),
                    text(group, "name"),
                    text(group, "people")
                );
            }
            let lines = rows("exercises").into_iter().flatten().map(row);
            print::lines(&lines.collect::<Vec<_>>())
        }
        Command::Begin(begin) => {
            let mut body = json!({
                "name": begin.name,
                "hazard": begin.hazard,
                "areas": tiers(&begin.areas),
                "group": begin.group,
                "minutes": begin.minutes,
            });
            let more = [("starts", &begin.starts), ("expect", &begin.expect)];
            for (field, value) in more {
                if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                    body.insert(field.to_owned(), json!(value));
                }
            }
            let api = begin.remote.open()?;
            let begun = block_on(api.post("/v1/exercises", &body))?;
            print::lines(&[row(&begun)])
        }
        Command::End(of) => {
            let api = of.remote.open()?;
            let path = format!("/v1/exercises/{}/end", of.id);
            block_on(api.post(&path, &json!({})))?;
            eprintln!("{}: ended", of.id);
            Ok(())
        }
        Command::Score(of) => {
            let api = of.remote.open()?;
            let path = format!("/v1/exercises/{}/score", of.id);
            let score = block_on(api.get(&path))?;
            if of.json {
                return print::lines(&[score.to_string()]);
            }
            let said = score.get("text").and_then(|text| text.get(&of.lang));
            let said = said.and_then(Value::as_str).ok_or_else(|| {
                Failure::BadInput(format!("--lang {:?}: write zh or en", of.lang))
            })?;
            print::lines(&said.lines().map(str::to_owned).collect::<Vec<_>>())
        }
    }
}

/// One exercise as a line.
fn row(of: &Value) -> String {
    let until = match text(of, "over").as_str() {
        "" => text(of, "ends"),
        over => over.to_owned(),
    };
    let why = [text(of, "why"), text(of, "failed")].join(" ");
    let line = format!(
        "{}  {:<8} {} to {}  {}  {}  {}",
        text(of, "id"),
        text(of, "state"),
        text(of, "starts"),
        until,
        text(of, "hazard"),
        text(of, "name"),
        why.trim()
    );
    line.trim_end().to_owned()
}

/// A field as words; empty where there is none.
fn text(of: &Value, field: &str) -> String {
    match of.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
