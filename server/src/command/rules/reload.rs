//! `sanfang rules reload`: another rulebook in force without a restart, through the API of a running
//! server: put forward, shown, signed.

use crate::command::remote::{Api, Remote, block_on};
use crate::command::{Failure, print};
use crate::installation::texts;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the rulebooks in force, put forward and kept
    List(List),
    /// Put a rulebook directory with its tests forward, wait for its dry run and show it
    Put(Put),
    /// Put one that is kept forward again, to go back to it
    Back(Back),
    /// Show one: what it would have changed, who signed
    Show(Of),
    /// Sign the rulebook you saw; the second person's signature puts it in force
    Approve(Approve),
    /// End the dry run of one
    Cancel(Of),
}

/// Which.
#[derive(Args)]
pub(crate) struct List {
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A directory.
#[derive(Args)]
pub(crate) struct Put {
    /// Rulebook directory: *.toml, and tests/*.test.toml
    #[arg(value_name = "DIR")]
    rules: PathBuf,
    /// Why, in a few words
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    remote: Remote,
}

/// A rulebook that is kept.
#[derive(Args)]
pub(crate) struct Back {
    /// Hash, as `rules reload list` shows it
    hash: String,
    /// Why, in a few words
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    remote: Remote,
}

/// One rulebook.
#[derive(Args)]
pub(crate) struct Of {
    /// Hash, as `rules reload list` shows it
    hash: String,
    /// Print the rulebook as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A signature.
#[derive(Args)]
pub(crate) struct Approve {
    /// Hash, as `rules reload list` shows it
    hash: String,
    /// Hash of what you saw, from `rules reload show`; without it you are shown it and asked
    #[arg(long, value_name = "HASH")]
    seen: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Between two looks at a dry run.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Where they are.
const PATH: &str = "/v1/rulebooks";

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(of) => {
            let api = of.remote.open()?;
            let found = block_on(api.get(PATH))?;
            print::lines(&list(&found, of.json))
        }
        Command::Put(of) => {
            let body = json!({ "files": files(&of.rules)?, "note": of.note });
            put(&of.remote.open()?, &body)
        }
        Command::Back(of) => {
            let body = json!({ "hash": of.hash, "note": of.note });
            put(&of.remote.open()?, &body)
        }
        Command::Show(of) => {
            let api = of.remote.open()?;
            let found = block_on(api.get(&path(&of.hash)))?;
            print::lines(&match of.json {
                true => vec![found.to_string()],
                false => words(&found),
            })
        }
        Command::Approve(of) => approve(of),
        Command::Cancel(of) => {
            let api = of.remote.open()?;
            block_on(api.post(&format!("{}/cancel", path(&of.hash)), &json!({}))).map(drop)
        }
    }
}

fn path(hash: &str) -> String {
    format!("{PATH}/{hash}")
}

/// The files of a rulebook directory by the names that the server takes.
fn files(folder: &Path) -> Result<Map<String, Value>, Failure> {
    let bad = |faulty: crate::installation::Faulty| Failure::BadInput(faulty.to_string());
    let mut files = Map::new();
    for (name, text) in texts(folder, ".toml", ".test.toml").map_err(bad)? {
        files.insert(name, text.into());
    }
    let tests = folder.join("tests");
    if tests.is_dir() {
        for (name, text) in texts(&tests, ".test.toml", "\0").map_err(bad)? {
            files.insert(format!("tests/{name}"), text.into());
        }
    }
    Ok(files)
}

fn put(api: &Api, body: &Value) -> Result<(), Failure> {
    let found = block_on(async {
        let mut found = api.post(PATH, body).await?;
        let hash = text(&found, "hash").to_owned();
        while found.pointer("/trial/state").and_then(Value::as_str) == Some("running") {
            tokio::time::sleep(LOOK_EVERY).await;
            found = api.get(&path(&hash)).await?;
        }
        Ok::<_, Failure>(found)
    })?;
    print::lines(&words(&found))
}

fn approve(of: &Approve) -> Result<(), Failure> {
    let api = of.remote.open()?;
    let seen = match &of.seen {
        Some(seen) => seen.clone(),
        None => {
            let found = block_on(api.get(&path(&of.hash)))?;
            confirmed(&found)?
        }
    };
    let body = json!({ "seen": seen });
    let found = block_on(api.post(&format!("{}/approve", path(&of.hash)), &body))?;
    let missing = found.get("missing").and_then(Value::as_u64);
    let state = text(&found, "state");
    print::lines(&[match missing {
        Some(1..) => format!("signed; {} more to sign", missing.unwrap_or_default()),
        Some(0) | None => format!("signed; {state}"),
    }])
}

/// What stands there, once whoever looks at it says so.
fn confirmed(found: &Value) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let why = "--seen: nobody is asked here: give the hash that `rules reload show` prints";
        return Err(Failure::BadInput(why.to_owned()));
    }
    print::lines(&words(found))?;
    let failed = |error: io::Error| Failure::Failed(error.to_string());
    eprint!("签发？Sign it? [y/N] ");
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Err(Failure::Failed("not signed".to_owned()));
    }
    Ok(text(found, "seen").to_owned())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list(found: &Value, json: bool) -> Vec<String> {
    let all = found.as_array().into_iter().flatten();
    if json {
        return all.map(Value::to_string).collect();
    }
    let mut table = print::Table::new(&["rulebook", "version", "state", "put by", "signed"]);
    for one in all {
        let cells = ["hash", "version", "state", "by"].map(|key| text(one, key).to_owned());
        table.row(cells.into_iter().chain([signers(one)]).collect());
    }
    table.lines()
}

fn signers(one: &Value) -> String {
    let signed = one.get("signed").and_then(Value::as_array);
    let names = signed.into_iter().flatten().map(|by| text(by, "person"));
    names.collect::<Vec<_>>().join(", ")
}

/// One rulebook in words, `seen` last.
fn words(one: &Value) -> Vec<String> {
    let mut lines = vec![
        format!("rulebook {} {}", text(one, "hash"), text(one, "version")),
        format!("state {}", text(one, "state")),
    ];
    for (key, word) in [("by", "put by"), ("note", "note"), ("against", "against")] {
        if !text(one, key).is_empty() {
            lines.push(format!("{word} {}", text(one, key)));
        }
    }
    let notices = one.get("notices").and_then(Value::as_array);
    for notice in notices.into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("notice {notice}"));
    }
    lines.extend(one.get("trial").into_iter().flat_map(trial));
    if !signers(one).is_empty() {
        lines.push(format!("signed {}", signers(one)));
    }
    if !text(one, "seen").is_empty() {
        lines.push(format!("seen {}", text(one, "seen")));
    }
    lines
}

fn trial(trial: &Value) -> Vec<String> {
    let readings = trial.get("readings").and_then(Value::as_u64).unwrap_or(0);
    let (from, to) = (text(trial, "from"), text(trial, "to"));
    let state = text(trial, "state");
    let mut lines = vec![match state {
        "failed" => format!(
            "dry run failed: {}; put it forward again",
            text(trial, "reason")
        ),
        _ => format!("dry run {state}: {readings} readings {from} – {to}"),
    }];
    if state == "failed" {
        return lines;
    }
    let heard = |what: &str| {
        let count = trial.pointer(&format!("/heard/{what}"));
        count.and_then(Value::as_u64).unwrap_or(0)
    };
    let heard = ["forecasts", "signals", "silences"].map(|what| (what, heard(what)));
    if heard.iter().any(|(_, count)| *count > 0) {
        let words = heard.map(|(what, count)| format!("{count} {what}"));
        lines.push(format!("heard meanwhile, by zone: {}", words.join(", ")));
    }
    for (key, word) in [
        ("unheld", "not compared, nothing is held of"),
        ("unheard", "not compared, no answer of zone"),
    ] {
        let names = trial
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let names: Vec<String> = names
            .map(|name| name.to_string().replace('"', ""))
            .collect();
        if !names.is_empty() {
            lines.push(format!("{word} {}", names.join(", ")));
        }
    }
    let differences = trial.get("differences").and_then(Value::as_array);
    let mut table = print::Table::new(&["hazard", "area", "tier", "change", "old", "new"]);
    for one in differences.into_iter().flatten() {
        let change = match one.get("later_min").and_then(Value::as_i64) {
            Some(minutes) => format!("{} min {}", minutes.abs(), text(one, "kind")),
            None => text(one, "kind").to_owned(),
        };
        let [hazard, area, tier, old, new] =
            ["hazard", "area", "tier", "old", "new"].map(|key| text(one, key).to_owned());
        table.row(vec![hazard, area, tier, change, old, new]);
    }
    match differences.is_none_or(Vec::is_empty) {
        true => lines.push("no area is warned otherwise".to_owned()),
        false => lines.extend(table.lines()),
    }
    for key in ["people", "people_night", "rings", "rings_night"] {
        let count = |of: &str| {
            trial
                .pointer(&format!("/{key}/{of}"))
                .and_then(Value::as_i64)
        };
        let (old, new, more) = (count("old"), count("new"), count("more"));
        let [old, new, more] = [old, new, more].map(Option::unwrap_or_default);
        let words = key.replace('_', " at ");
        lines.push(format!("{words} {old} → {new} ({more:+})"));
    }
    lines
}
