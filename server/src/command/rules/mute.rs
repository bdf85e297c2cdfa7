//! `sanfang rules mute`, `unmute` and `muted`: a rule that cries wolf, silenced for a while on a
//! running server.

use crate::command::remote::{Remote, block_on};
use crate::command::{Failure, print};
use clap::Args;
use model::{AreaCode, Time};
use serde_json::{Value, json};

/// A silence.
#[derive(Args)]
pub(crate) struct Mute {
    /// Id of the rule, as `rules muted --all` lists them
    #[arg(value_parser = rule)]
    id: String,
    /// Why, in a few words: shown beside whatever it finds meanwhile
    #[arg(long)]
    reason: String,
    /// Until when, 2023-09-07T21:00:00+08:00; `[muting] max` of city.toml from now at most
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: String,
    /// District or township; again for each. The city's own code alone is everywhere
    #[arg(long = "area", value_name = "CODE", value_parser = area, required = true)]
    areas: Vec<AreaCode>,
    #[command(flatten)]
    remote: Remote,
}

/// The end of one.
#[derive(Args)]
pub(crate) struct Unmute {
    /// Id of the rule
    #[arg(value_parser = rule)]
    id: String,
    /// Why, in a few words
    #[arg(long, default_value = "")]
    reason: String,
    /// Only in this area, as the silence names it; again for each. Without it wherever it is silenced
    #[arg(long = "area", value_name = "CODE", value_parser = area)]
    areas: Vec<AreaCode>,
    #[command(flatten)]
    remote: Remote,
}

/// Which are silenced.
#[derive(Args)]
pub(crate) struct Muted {
    /// Every rule in force, also those that speak
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Where they are.
const PATH: &str = "/v1/rules";

fn rule(id: &str) -> Result<String, String> {
    match rules::rulebook::is_id(id) {
        true => Ok(id.to_owned()),
        false => Err("no rule has such an id: see `sanfang rules muted --all`".into()),
    }
}

fn time(text: &str) -> Result<String, String> {
    let read = Time::parse(text).map(|_| text.to_owned());
    read.map_err(|error| error.to_string())
}

fn area(code: &str) -> Result<AreaCode, String> {
    AreaCode::parse(code).map_err(|error| error.to_string())
}

/// Silences a rule.
pub(crate) fn mute(of: &Mute) -> Result<(), Failure> {
    let body = json!({ "areas": of.areas, "until": of.until, "reason": of.reason });
    let path = format!("{PATH}/{}/mute", of.id);
    let acted = block_on(of.remote.open()?.post(&path, &body))?;
    told(&acted, &format!("{}: silenced until {}", of.id, of.until))
}

/// Lets a rule speak again.
pub(crate) fn unmute(of: &Unmute) -> Result<(), Failure> {
    let body = json!({ "areas": of.areas, "reason": of.reason });
    let path = format!("{PATH}/{}/unmute", of.id);
    let acted = block_on(of.remote.open()?.post(&path, &body))?;
    told(&acted, &format!("{}: speaks again", of.id))
}

/// Says what was done, or in which zones it was not.
fn told(acted: &Value, done: &str) -> Result<(), Failure> {
    let zones = acted.get("zones").and_then(Value::as_array);
    let zones = zones.map(Vec::as_slice).unwrap_or_default();
    let not = zones.iter().filter(|zone| text(zone, "state") != "done");
    let not: Vec<String> = not
        .map(|zone| format!("{}: not yet: {}", text(zone, "zone"), text(zone, "why")))
        .collect();
    if not.is_empty() {
        eprintln!("{done}, in {} zones", zones.len());
        return Ok(());
    }
    let count = zones.len() - not.len();
    let of = zones.len();
    Err(Failure::Failed(format!(
        "{done}, in {count} of {of} zones\n{}",
        not.join("\n")
    )))
}

/// Lists silences.
pub(crate) fn muted(of: &Muted) -> Result<(), Failure> {
    let rules = block_on(of.remote.open()?.get(PATH))?;
    let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
    let silences = |rule: &Value| {
        let muted = rule.get("muted").and_then(Value::as_array);
        muted.cloned().unwrap_or_default()
    };
    let wanted = rules
        .iter()
        .filter(|rule| of.all || !silences(rule).is_empty());
    if of.json {
        let lines: Vec<String> = wanted.map(Value::to_string).collect();
        return print::lines(&lines);
    }
    let head = ["rule", "", "where", "since", "until", "by", "reason"];
    let mut table = print::Table::new(&head);
    for rule in wanted {
        let name = rule.get("name").map_or("", |name| text(name, "zh"));
        let own = [text(rule, "id").to_owned(), name.to_owned()];
        let silences = silences(rule);
        for one in &silences {
            let place = one.get("area").and_then(Value::as_str);
            let place = place.unwrap_or_else(|| text(one, "zone")).to_owned();
            let rest = ["since", "until", "person", "reason"];
            let rest = rest.map(|key| text(one, key).to_owned());
            table.row(own.iter().cloned().chain([place]).chain(rest).collect());
        }
        if silences.is_empty() {
            let empty = [const { String::new() }; 5];
            table.row(own.into_iter().chain(empty).collect());
        }
    }
    print::lines(&table.lines())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
