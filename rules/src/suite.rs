//! A rulebook's own tests as data: series in expanding notation, expected tiers by time.
//!
//! ```toml
//! schema = 1
//! [[test]]
//! name     = "an hour of heavy rain"
//! rule     = "rainstorm"
//! start    = "2023-09-07T18:00:00+08:00"   # time of the first value
//! interval = "1m"
//! series   = { rainfall = "1.0x59 0x180" }
//! site     = { blue = 0.15 }               # thresholds, where the rule reads any
//! climate  = "station,parameter,…\n*,rainfall,…"   # a climate.csv, where the rule asks what is usual
//! stale    = "10m"                         # silence that is allowed, where the rule has `lost`
//! forecast = [{ at = "0m", step = "1h", rainfall = "0x6 20x2" }]   # and track, signal = […], see suite/expected.rs, signalled.rs
//! expect   = [{ at = "30m", tier = "none" }, { at = "50m", tier = "orange" }]
//! ```

mod expected;
mod series;
mod signalled;
mod stage;

use crate::engine::Engine;
use crate::rulebook::SubjectKind;
use crate::rulebook::keys::{Keys, decimal, parsed};
use crate::rulebook::link::known_ids;
use crate::rulebook::{Rule, Rulebook};
use crate::{Compared, Effect, Policy};
use model::fault::{Faults, perhaps, quoted};
use model::{
    Fault, Forecast, Mode, Observation, Parameter, Quality, Quanta, Signal, Span, Tier, Time,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tiers that may be expected.
const TIERS: [&str; 6] = ["none", "white", "blue", "yellow", "orange", "red"];

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// File it stands in.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// Id of the rule it plays.
    pub rule: String,
    /// Each expectation that was not met.
    pub failures: Vec<Unmet>,
    /// Each change of tier, in words, for whoever explains a failure.
    pub story: Vec<String>,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// How long after the start.
    pub after: Span,
    /// When, by the test's clock.
    pub at: String,
    /// What was expected.
    pub expected: Tier,
    /// What was found.
    pub found: Tier,
    /// What the higher of the two tiers asked for then, and what there was.
    pub compared: Vec<Compared>,
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            after,
            found,
            expected,
            ..
        } = self;
        write!(f, "at {after}: {found}, not {expected}")
    }
}

struct Trial {
    line: u32,
    name: String,
    rule: usize,
    start: Time,
    interval: Span,
    series: Vec<(Parameter, Vec<Option<Quanta>>)>,
    thresholds: BTreeMap<String, String>,
    climate: Option<String>,
    stale: Option<Span>,
    forecasts: Vec<Forecast>,
    signals: Vec<(Time, Signal)>,
    expect: Vec<(Span, Tier)>,
}

/// Runs the tests of a file against a rulebook.
///
/// # Errors
/// Everything that is wrong with the file itself.
pub fn run(rulebook: &Arc<Rulebook>, file: &str, text: &str) -> Result<Vec<Outcome>, Vec<Fault>> {
    let mut faults = Faults::default();
    let trials = read(rulebook, file, text, &mut faults);
    if faults.errors() > 0 {
        return Err(faults.into_vec());
    }
    trials
        .iter()
        .map(|trial| play(rulebook, file, trial))
        .collect()
}

fn play(rulebook: &Arc<Rulebook>, file: &str, trial: &Trial) -> Result<Outcome, Vec<Fault>> {
    let Some(rule) = rulebook.rules.get(trial.rule) else {
        return Err(vec![unplayable(file, trial, "there is no such rule")]);
    };
    let parameters: Vec<Parameter> = trial
        .series
        .iter()
        .map(|(parameter, _)| *parameter)
        .collect();
    let kind = rule.kinds.first().map_or("trial", String::as_str);
    let city = stage::city(
        &parameters,
        kind,
        trial.interval.seconds(),
        &trial.thresholds,
        trial.climate.as_deref(),
        trial.stale,
    )?;
    let city = Arc::new(city);
    let Some(station) = city.station_no(stage::STATION) else {
        let what = "there is no station to play it at";
        return Err(vec![unplayable(file, trial, what)]);
    };
    let zone = city.station(station).and_then(|s| s.zones.first().copied());
    let zone = zone.unwrap_or(city.city_zone());
    let mut engine = Engine::new(
        Arc::clone(&city),
        zone,
        Mode::Test,
        Arc::clone(rulebook),
        Policy::Replay,
    );
    let mut outcome = outcome(file, trial, &rule.id);
    let mut expect = trial.expect.iter().peekable();
    let last = trial.expect.last().map_or(Span::ZERO, |(when, _)| *when);
    let length = trial.series.iter().map(|(_, values)| values.len()).max();
    // What is only expected has no values: time passes until the last expectation.
    let length = length.unwrap_or((last.millis() / trial.interval.millis()) as usize + 1);
    let mut forecasts = trial.forecasts.iter().peekable();
    let mut signals = trial.signals.iter().peekable();
    let mut tier = Tier::None;
    let mut effects = Vec::new();
    let mut passed = trial.start;
    // A sensor dies between its readings: the minutes pass as they do in a service.
    let mut pass = |engine: &mut Engine, to: Time, effects: &mut Vec<Effect>| {
        if rule.lost.is_some() {
            for minute in passed.minute() + 1..to.minute() {
                engine.tick(Time::from_minute(minute), effects);
            }
            passed = passed.max(to);
        }
        engine.tick(to, effects);
    };
    for step in 0..=length {
        let after = Span::from_millis(trial.interval.millis() * step as i64);
        let at = trial.start + after;
        while let Some((when, wanted)) = expect.next_if(|(when, _)| *when < after || step == length)
        {
            pass(&mut engine, trial.start + *when, &mut effects);
            hear(rule, &mut effects, &mut tier, &mut outcome.story, &city);
            if tier != *wanted {
                let at = trial.start + *when;
                outcome.failures.push(Unmet {
                    after: *when,
                    at: at.display(city.offset),
                    expected: *wanted,
                    found: tier,
                    compared: asked(&engine, rule, tier.max(*wanted), *wanted),
                });
            }
        }
        while let Some(forecast) = forecasts.next_if(|next| next.issued() <= at) {
            engine.expect(at, std::slice::from_ref(forecast), &mut effects);
        }
        while let Some((_, signal)) = signals.next_if(|(when, _)| *when <= at) {
            engine.signal(at, signal, &mut effects);
        }
        pass(&mut engine, at, &mut effects);
        for (parameter, values) in &trial.series {
            let Some(Some(value)) = values.get(step) else {
                continue;
            };
            let observation = Observation {
                station,
                parameter: *parameter,
                time: at,
                value: *value,
                interval_s: u32::try_from(trial.interval.seconds()).unwrap_or(0),
                quality: Quality::Correct,
            };
            engine.observe(at, &observation, &mut effects);
        }
        hear(rule, &mut effects, &mut tier, &mut outcome.story, &city);
    }
    Ok(outcome)
}

fn unplayable(file: &str, trial: &Trial, what: &str) -> Fault {
    Fault {
        file: file.to_owned(),
        line: Some(trial.line),
        field: "test".to_owned(),
        excerpt: None,
        what: what.to_owned(),
        remedy: "correct its series".to_owned(),
        severity: model::Severity::Error,
    }
}

/// What a tier asks for at the subject, and `continuing` where a rise was expected.
fn asked(engine: &Engine, rule: &Rule, tier: Tier, wanted: Tier) -> Vec<Compared> {
    let subject = match rule.subject {
        SubjectKind::Station => stage::STATION,
        SubjectKind::Site => stage::SITE,
        SubjectKind::Area => stage::area(rule.level),
    };
    let Some(outlook) = engine.outlook(&rule.id, subject) else {
        return Vec::new();
    };
    let mut tiers = outlook.tiers.into_iter();
    let of_tier = tiers.find(|held| held.tier == tier);
    let continuing = outlook.continuing.filter(|_| wanted > Tier::None);
    let parts = of_tier.map(|held| held.rise).into_iter().chain(continuing);
    parts.flat_map(|part| part.compared).collect()
}

fn outcome(file: &str, trial: &Trial, rule: &str) -> Outcome {
    Outcome {
        file: file.to_owned(),
        line: trial.line,
        name: trial.name.clone(),
        rule: rule.to_owned(),
        failures: Vec::new(),
        story: Vec::new(),
    }
}

/// Follows the tier of the rule's subject through its signals.
fn hear(
    rule: &Rule,
    effects: &mut Vec<Effect>,
    tier: &mut Tier,
    story: &mut Vec<String>,
    city: &model::City,
) {
    for effect in effects.drain(..) {
        if let Effect::Signal(change) = effect
            && change.rule == rule.id
        {
            *tier = change.to;
            let values: Vec<String> = change
                .values
                .iter()
                .map(|(call, value)| format!("{call} = {}", value.as_deref().unwrap_or("unknown")))
                .collect();
            story.push(format!(
                "{} {} → {}: {}",
                change.time.display(city.offset),
                change.from,
                change.to,
                values.join(", ")
            ));
        }
    }
}

fn read(rulebook: &Rulebook, file: &str, text: &str, faults: &mut Faults) -> Vec<Trial> {
    let Some(table) = parsed(file, text, faults) else {
        return Vec::new();
    };
    let keys = Keys::of_file(file, text, &table);
    keys.known("", &["schema", "test"], faults);
    match keys.integer("schema", faults) {
        Some((crate::rulebook::SCHEMA, _)) => {}
        Some((_, spot)) => {
            faults.error(keys.at(spot), "schema", "it is not 1", "write schema = 1");
        }
        None if keys.get("schema").is_some() => {}
        None => {
            let remedy = "begin the file with schema = 1";
            faults.error(keys.start(), "schema", "it is missing", remedy);
        }
    }
    let tests = keys.tables("test", faults);
    if tests.is_empty() {
        faults.error(keys.start(), "test", "there is no test", "add [[test]]");
    }
    tests
        .iter()
        .filter_map(|keys| read_trial(rulebook, keys, faults))
        .collect()
}

fn read_trial(rulebook: &Rulebook, keys: &Keys<'_>, faults: &mut Faults) -> Option<Trial> {
    let known = [
        "name", "rule", "start", "interval", "series", "site", "climate", "stale", "forecast",
        "track", "signal", "expect",
    ];
    keys.known("test.", &known, faults);
    let (name, _) = keys.needed_text("name", faults)?;
    let (id, spot) = keys.needed_text("rule", faults)?;
    let Some((rule, of)) = rulebook.rule(&id) else {
        faults.error(
            keys.at(spot),
            "rule",
            format!("no rule {}", quoted(&id)),
            known_ids(&id, rulebook.rules.iter().map(|rule| rule.id.as_str())),
        );
        return None;
    };
    let (start, spot) = keys.needed_text("start", faults)?;
    let start = match Time::parse(&start) {
        Ok((time, _)) => time,
        Err(error) => {
            faults.error(
                keys.at(spot),
                "start",
                error.to_string(),
                "write a whole minute",
            );
            return None;
        }
    };
    let interval = keys
        .span("interval", faults)
        .unwrap_or(Span::from_minutes(1));
    if interval <= Span::ZERO {
        let spot = keys.value("interval");
        faults.error(keys.at(spot), "interval", "it is nothing", "write 1m");
        return None;
    }
    let stale = keys.span("stale", faults);
    if stale.is_some_and(|stale| stale <= Span::ZERO) {
        let spot = keys.value("stale");
        faults.error(keys.at(spot), "stale", "it is nothing", "write 10m");
        return None;
    }
    Some(Trial {
        line: keys.line(),
        stale,
        name,
        rule,
        start,
        interval,
        climate: keys.text("climate", faults).map(|(text, _)| text),
        forecasts: expected::read(keys, start, faults),
        signals: signalled::read(keys, start, faults),
        series: read_series(keys, faults),
        thresholds: read_thresholds(rulebook, keys, faults),
        expect: read_expectations(of, keys, faults),
    })
}

fn read_series(keys: &Keys<'_>, faults: &mut Faults) -> Vec<(Parameter, Vec<Option<Quanta>>)> {
    let Some(table) = keys.table("series", faults) else {
        let others = ["forecast", "track", "signal"];
        if others.iter().any(|key| keys.get(key).is_some()) {
            return Vec::new();
        }
        faults.error(
            keys.at(keys.spot),
            "series",
            "it is missing",
            "add series = { rainfall = \"1x60\" }",
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in table.table.keys() {
        let name = name.get_ref().as_ref();
        let Some((text, spot)) = table.text(name, faults) else {
            continue;
        };
        let Some(parameter) = Parameter::from_name(name) else {
            no_parameter(&table, name, &[], faults);
            continue;
        };
        match series::expand(&text, parameter) {
            Ok(values) => found.push((parameter, values)),
            Err(error) => faults.error(
                table.at(spot),
                name,
                error.to_string(),
                "write 0x30 10+10x5 _x3",
            ),
        }
    }
    found
}

/// A parameter that is none, or a key that is not among the others that may stand there.
fn no_parameter(table: &Keys<'_>, name: &str, others: &[&'static str], faults: &mut Faults) {
    let parameters = Parameter::ALL.map(Parameter::name);
    let known: Vec<&str> = others.iter().copied().chain(parameters).collect();
    let near = perhaps(name, known.iter().copied());
    let remedy = format!("{near}known: {}", known.join(", "));
    let (place, field) = (table.at(table.key(name)), table.field(name));
    faults.error(place, &field, "it is no parameter", remedy);
}

fn read_thresholds(
    rulebook: &Rulebook,
    keys: &Keys<'_>,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let Some(table) = keys.table("site", faults) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    // A site has what other rules read there, too.
    let all = rulebook.rules.iter().flat_map(|rule| &rule.thresholds);
    let known: BTreeSet<&str> = all.map(String::as_str).collect();
    for name in table.table.keys() {
        let name = name.get_ref().as_ref();
        if !known.contains(name) {
            let reads: Vec<&str> = known.iter().copied().collect();
            let reads = if reads.is_empty() {
                "none".into()
            } else {
                reads.join(", ")
            };
            let near = perhaps(name, known.iter().copied());
            faults.error(
                table.at(table.key(name)),
                &table.field(name),
                format!("no rule reads site.{name}"),
                format!("{near}read are: {reads}"),
            );
        }
        match table.get(name).map(|(value, spot)| (decimal(value), spot)) {
            Some((Some(text), _)) => {
                found.insert(name.to_owned(), text);
            }
            Some((None, spot)) => faults.error(
                table.at(spot),
                &table.field(name),
                "it is not a number",
                "write 0.15",
            ),
            None => {}
        }
    }
    found
}

fn read_expectations(rule: &Rule, keys: &Keys<'_>, faults: &mut Faults) -> Vec<(Span, Tier)> {
    let mut found = Vec::new();
    let tiers: Vec<&str> = rule.tiers.iter().map(|t| t.tier.name()).collect();
    let has_tier = |tier: Tier| tier == Tier::None || rule.tiers.iter().any(|t| t.tier == tier);
    let before = faults.errors();
    for expectation in keys.tables("expect", faults) {
        expectation.known("expect.", &["at", "tier"], faults);
        let at = expectation.span("at", faults);
        let tier = expectation.needed_text("tier", faults);
        let Some((name, spot)) = tier else {
            continue;
        };
        match (at, Tier::from_name(&name)) {
            (Some(_), Some(tier)) if !has_tier(tier) => faults.error(
                expectation.at(spot),
                "tier",
                format!("rule {} has no {tier}", rule.id),
                format!("it has: none, {}", tiers.join(", ")),
            ),
            (Some(at), Some(tier)) => found.push((at, tier)),
            // That it cannot be read is said already.
            (None, _) if expectation.get("at").is_some() => {}
            (None, _) => faults.error(
                expectation.at(expectation.spot),
                "at",
                "it is missing",
                "write at = \"30m\"",
            ),
            (_, None) => faults.error(
                expectation.at(spot),
                "tier",
                format!("{} is no tier", quoted(&name)),
                format!(
                    "{}write none, white, blue, yellow, orange or red",
                    perhaps(&name, TIERS)
                ),
            ),
        }
    }
    if found.is_empty() && faults.errors() == before {
        faults.error(
            keys.at(keys.value("expect")),
            "expect",
            "nothing is expected",
            "add expect = [{ at = \"30m\", tier = \"red\" }]",
        );
    }
    found.sort_by_key(|(at, _)| *at);
    found
}
