//! `sanfang warn`: the forecaster's acts from a terminal, through the API of a running server.

use super::remote::{Api, Remote, block_on};
use super::{Failure, print};
use clap::{Args, Subcommand};
use model::{AreaCode, Hazard, Language, Tier};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Write};
use std::str::FromStr;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List proposed, current and recent warnings
    List(List),
    /// Show one warning: areas, reasons, whom it would reach, in which words
    Show(Of),
    /// Open a warning by hand; it waits for its signatures like any other
    Issue(Issue),
    /// Change tiers, areas or words of a warning; signatures given so far are void
    Update(Update),
    /// Take a warning back, wholly or in some areas
    Cancel(Cancel),
    /// Sign the revision you saw
    Approve(Approve),
    /// Send a proposal away; it comes back only on a higher tier or a new rise
    Reject(Reject),
}

/// Which warnings.
#[derive(Args)]
pub(crate) struct List {
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// One warning.
#[derive(Args)]
pub(crate) struct Of {
    /// Id, as `warn list` shows it
    id: String,
    /// Print the warning and its preview as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A new warning.
#[derive(Args)]
pub(crate) struct Issue {
    /// National code of the hazard, 11B03 for rainstorm
    #[arg(long, value_name = "CODE", value_parser = hazard)]
    hazard: Hazard,
    /// Area and its tier, 440103000000=red; again for each area
    #[arg(long = "area", value_name = "CODE=TIER", required = true)]
    areas: Vec<Place>,
    /// Words instead of the template's, zh=…; again for each language
    #[arg(long = "text", value_name = "LANGUAGE=TEXT")]
    texts: Vec<Words>,
    /// Why, in a few words
    #[arg(long)]
    reason: String,
    /// Let the words stand although something in them is objected to
    #[arg(long)]
    as_it_stands: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A changed warning.
#[derive(Args)]
pub(crate) struct Update {
    /// Id, as `warn list` shows it
    id: String,
    /// The whole new set of areas and tiers, 440103000000=red; none keeps them
    #[arg(long = "area", value_name = "CODE=TIER")]
    areas: Vec<Place>,
    /// Words instead of the template's, zh=…; again for each language
    #[arg(long = "text", value_name = "LANGUAGE=TEXT")]
    texts: Vec<Words>,
    /// Why, in a few words
    #[arg(long)]
    reason: String,
    /// Let the words stand although something in them is objected to
    #[arg(long)]
    as_it_stands: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A warning taken back.
#[derive(Args)]
pub(crate) struct Cancel {
    /// Id, as `warn list` shows it
    id: String,
    /// Only in these areas; again for each
    #[arg(long = "area", value_name = "CODE", value_parser = area)]
    areas: Vec<AreaCode>,
    /// Why, in a few words
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    remote: Remote,
}

/// A signature.
#[derive(Args)]
pub(crate) struct Approve {
    /// Id, as `warn list` shows it
    id: String,
    /// Hash of what you saw, from `warn show`; without it you are shown the warning and asked
    #[arg(long, value_name = "HASH")]
    seen: Option<String>,
    /// Sign although no account passes its short message: what goes out otherwise goes out
    #[arg(long)]
    without_sms: bool,
    /// Sign although its words are objected to, and why
    #[arg(long, value_name = "WHY")]
    as_it_stands: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// A rejection.
#[derive(Args)]
pub(crate) struct Reject {
    /// Id, as `warn list` shows it
    id: String,
    /// Why, in a few words
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    remote: Remote,
}

/// An area with its tier.
#[derive(Clone, Copy)]
pub(super) struct Place {
    area: AreaCode,
    tier: Tier,
}

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (code, tier) = text
            .split_once('=')
            .ok_or("write CODE=TIER, 440103000000=red")?;
        let tier = Tier::from_name(tier).filter(|tier| *tier > Tier::None);
        Ok(Self {
            area: area(code)?,
            tier: tier.ok_or("the tier is white, blue, yellow, orange or red")?,
        })
    }
}

/// Words in a language.
#[derive(Clone)]
struct Words {
    language: Language,
    text: String,
}

impl FromStr for Words {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (tag, words) = text.split_once('=').ok_or("write LANGUAGE=TEXT, zh=…")?;
        let language =
            Language::from_tag(tag).ok_or("the language is zh, en, zh-Hant, ja, ko or fr")?;
        Ok(Self {
            language,
            text: words.to_owned(),
        })
    }
}

/// What a cancellation took back and what is beyond recall, a line for each link and document.
fn recalled(done: &Value) -> Vec<String> {
    let list = |key: &str| {
        let all = done.pointer(&format!("/recall/{key}"));
        all.and_then(Value::as_array).into_iter().flatten()
    };
    let word = |of: &Value, key: &str| {
        let word = of.get(key).and_then(Value::as_str);
        word.unwrap_or_default().to_owned()
    };
    let counts = |of: &Value| {
        let count = |key: &str| of.get(key).and_then(Value::as_u64).unwrap_or(0);
        format!(
            "{} taken back, {} on the wire, {} accepted ({} delivered), {} failed, {} unknown",
            count("withdrawn"),
            count("on_the_wire"),
            count("accepted"),
            count("delivered"),
            count("failed"),
            count("unknown"),
        )
    };
    let links = list("links").map(|of| format!("{}: {}", word(of, "link"), counts(of)));
    let jobs = list("jobs").map(|of| {
        let said = of.get("counts").map(counts).unwrap_or_default();
        let (link, state) = (word(of, "link"), word(of, "state"));
        format!("{link}: {state}, as the far side told last: {said}")
    });
    let published = list("published");
    let published = published.map(|of| format!("{}: published, beyond recall", word(of, "link")));
    links.chain(jobs).chain(published).collect()
}

fn area(code: &str) -> Result<AreaCode, String> {
    AreaCode::parse(code).map_err(|error| error.to_string())
}

pub(super) fn hazard(code: &str) -> Result<Hazard, String> {
    Hazard::from_code(code).ok_or_else(|| {
        let known = Hazard::ALL.map(|hazard| format!("{} {}", hazard.code(), hazard.en()));
        format!("one of {}", known.join(", "))
    })
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let api = list.remote.open()?;
            let warnings = block_on(api.get("/v1/warnings"))?;
            let warnings = warnings.as_array().map(Vec::as_slice).unwrap_or_default();
            let line = |warning: &Value| match list.json {
                true => warning.to_string(),
                false => row(warning),
            };
            print::lines(&warnings.iter().map(line).collect::<Vec<_>>())
        }
        Command::Show(of) => {
            let api = of.remote.open()?;
            let (warning, preview) = block_on(shown(&api, &of.id))?;
            if of.json {
                let both = json!({ "warning": warning, "preview": preview });
                return print::lines(&[both.to_string()]);
            }
            print::lines(&story(&warning, &preview))
        }
        Command::Issue(issue) => {
            let body = json!({
                "hazard": issue.hazard,
                "areas": tiers(&issue.areas),
                "text": words(&issue.texts),
                "reason": issue.reason,
                "as_it_stands": issue.as_it_stands,
            });
            let api = issue.remote.open()?;
            let acted = block_on(api.post("/v1/warnings", &body))?;
            opened(&acted)
        }
        Command::Update(update) => {
            let api = update.remote.open()?;
            block_on(async {
                let warning = api.get(&path(&update.id, "")?).await?;
                let body = json!({
                    "revision": warning.get("revision"),
                    "areas": tiers(&update.areas),
                    "text": words(&update.texts),
                    "reason": update.reason,
                    "as_it_stands": update.as_it_stands,
                });
                api.post(&path(&update.id, "/amend")?, &body).await
            })?;
            eprintln!("{}: changed; it must be signed again", update.id);
            Ok(())
        }
        Command::Cancel(cancel) => {
            let api = cancel.remote.open()?;
            let body = json!({ "areas": cancel.areas, "reason": cancel.reason });
            let done = block_on(api.post(&path(&cancel.id, "/cancel")?, &body))?;
            eprintln!("{}: taken back", cancel.id);
            for line in recalled(&done) {
                eprintln!("{line}");
            }
            let remains = done.get("remains").and_then(Value::as_array);
            for what in remains.into_iter().flatten() {
                eprintln!("remains: {}", remaining(what));
            }
            Ok(())
        }
        Command::Approve(approve) => sign(approve),
        Command::Reject(reject) => {
            let api = reject.remote.open()?;
            block_on(async {
                let warning = api.get(&path(&reject.id, "")?).await?;
                let revision = warning.get("revision");
                let body = json!({ "revision": revision, "reason": reject.reason });
                api.post(&path(&reject.id, "/reject")?, &body).await
            })?;
            eprintln!("{}: sent away", reject.id);
            Ok(())
        }
    }
}

/// Says where a warning was opened, zone by zone where it was not everywhere.
fn opened(acted: &Value) -> Result<(), Failure> {
    let zones = acted.get("zones").and_then(Value::as_array);
    let zones = zones.map(Vec::as_slice).unwrap_or_default();
    let not: Vec<_> = zones
        .iter()
        .filter(|zone| text(zone, "state") != "done")
        .map(|zone| {
            let (zone, why) = (text(zone, "zone"), text(zone, "why"));
            format!("{zone}: not opened: {why}")
        })
        .collect();
    if not.is_empty() {
        eprintln!("opened; sanfang warn list shows what it waits for");
        return Ok(());
    }
    let done = zones.len() - not.len();
    Err(Failure::Failed(format!(
        "opened in {done} of {} zones\n{}",
        zones.len(),
        not.join("\n")
    )))
}

/// What stands all the same: `signal hazard 11B03, tier red, …`.
fn remaining(what: &Value) -> String {
    let fields = what.as_object().into_iter().flatten();
    let said = fields
        .filter(|(name, _)| *name != "kind")
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("{name} {value}")
        });
    let said: Vec<_> = said.collect();
    let kind = what.get("kind").and_then(Value::as_str).unwrap_or_default();
    format!("{kind} {}", said.join(", "))
}

/// Signs what the person saw: here and now, or earlier by its hash.
fn sign(approve: &Approve) -> Result<(), Failure> {
    let api = approve.remote.open()?;
    let (warning, preview) = block_on(shown(&api, &approve.id))?;
    let seen = match &approve.seen {
        Some(seen) => seen.clone(),
        None if io::stdin().is_terminal() => {
            for line in story(&warning, &preview) {
                eprintln!("{line}");
            }
            if !asked("Sign this? Type yes: ")? {
                return Err(Failure::Failed("not signed".into()));
            }
            text(&warning, "seen").to_owned()
        }
        None => {
            let remedy = "give --seen HASH from: sanfang warn show";
            return Err(Failure::BadInput(format!(
                "nobody at the terminal saw it: {remedy} {}",
                approve.id
            )));
        }
    };
    let body = json!({
        "revision": warning.get("revision"),
        "seen": seen,
        "without_sms": approve.without_sms,
        "as_it_stands": approve.as_it_stands.is_some(),
        "reason": approve.as_it_stands.clone().unwrap_or_default(),
    });
    block_on(async {
        api.post(&path(&approve.id, "/approve")?, &body).await?;
        let after = api.get(&path(&approve.id, "")?).await?;
        eprintln!("{}: signed; {}", approve.id, waits(&after));
        Ok(())
    })
}

fn asked(question: &str) -> Result<bool, Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("terminal: {error}"));
    eprint!("{question}");
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(answer.trim() == "yes")
}

async fn shown(api: &Api, id: &str) -> Result<(Value, Value), Failure> {
    let warning = api.get(&path(id, "")?).await?;
    let preview = api.get(&path(id, "/preview")?).await?;
    Ok((warning, preview))
}

fn path(id: &str, act: &str) -> Result<String, Failure> {
    let known = model::WarningId::parse(id);
    known
        .map(|id| format!("/v1/warnings/{id}{act}"))
        .ok_or_else(|| Failure::BadInput(format!("{id:?} is no id: see sanfang warn list")))
}

pub(super) fn tiers(places: &[Place]) -> Map<String, Value> {
    let each = places.iter();
    each.map(|place| (place.area.to_string(), json!(place.tier)))
        .collect()
}

fn words(texts: &[Words]) -> Map<String, Value> {
    let each = texts.iter();
    each.map(|words| (words.language.tag().to_owned(), json!(words.text)))
        .collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn count(value: &Value, key: &str) -> usize {
    match value.get(key) {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(items)) => items.len(),
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0) as usize,
        Some(Value::Null | Value::Bool(_) | Value::String(_)) | None => 0,
    }
}

/// What a proposal waits for.
fn waits(warning: &Value) -> String {
    let request = text(warning, "request_to");
    if !request.is_empty() {
        return format!("asked of {request}");
    }
    match (text(warning, "event"), count(warning, "needs")) {
        ("proposed", needs) => format!("signed {}/{needs}", count(warning, "signed_by")),
        (event, _) => event.to_owned(),
    }
}

fn row(warning: &Value) -> String {
    format!(
        "{}  r{}  {:<6}  {} {}  {} areas  {}  {}",
        text(warning, "id"),
        count(warning, "revision"),
        text(warning, "tier"),
        text(warning, "hazard"),
        warning.get("name").map_or("", |name| text(name, "zh")),
        count(warning, "areas"),
        text(warning, "time"),
        waits(warning),
    )
}

/// All that a signer must read.
fn story(warning: &Value, preview: &Value) -> Vec<String> {
    let mut lines = vec![row(warning)];
    let object = |value: &'_ Value, key: &str| {
        let found = value.get(key).and_then(Value::as_object).cloned();
        found.unwrap_or_default()
    };
    for (code, area) in object(warning, "areas") {
        let (tier, reached) = (text(&area, "tier"), text(&area, "reached"));
        lines.push(format!(
            "area {code}  {tier} (reached: {reached})  from {}",
            text(&area, "onset")
        ));
    }
    let evidence = warning.get("evidence").and_then(Value::as_array);
    for item in evidence.into_iter().flatten() {
        let values = object(item, "values");
        let values: Vec<_> = values
            .iter()
            .map(|(call, value)| format!("{call} = {}", value.as_str().unwrap_or_default()))
            .collect();
        lines.push(format!(
            "because {} {} at {}: {}  ({}, {})",
            text(item, "subject"),
            text(item, "tier"),
            text(item, "time"),
            values.join(", "),
            text(item, "rule"),
            text(item, "version"),
        ));
    }
    for (channel, languages) in object(preview, "heads") {
        for (language, heads) in languages.as_object().into_iter().flatten() {
            lines.push(format!("reaches {heads} by {channel} in {language}"));
        }
    }
    if preview.get("everybody") == Some(&Value::Bool(true)) {
        lines.push("these are all heads: who was told already is not known just now".to_owned());
    }
    for (language, words) in object(warning, "text") {
        lines.push(format!(
            "says ({language}): {}",
            words.as_str().unwrap_or_default()
        ));
    }
    for language in preview
        .get("unsendable")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        lines.push(format!(
            "NO SMS in {}: no account at a carrier passes the text",
            language.as_str().unwrap_or_default()
        ));
    }
    for (language, findings) in object(preview, "objections") {
        lines.push(format!(
            "OBJECTED TO in {language}: {findings}; sign it with --as-it-stands WHY, or word it otherwise"
        ));
    }
    lines.push(format!("seen {}", text(warning, "seen")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_is_said_with_its_names() {
        let response =
            json!({ "kind": "response", "plan": "rain", "area": "440100000000", "level": "IV" });
        let said = remaining(&response);
        assert!(said.starts_with("response "), "{said}");
        for wanted in ["plan rain", "area 440100000000", "level IV"] {
            assert!(said.contains(wanted), "{said}");
        }
        let transfer = json!({ "kind": "transfer", "moved": 12 });
        assert_eq!(remaining(&transfer), "transfer moved 12");
    }
}
