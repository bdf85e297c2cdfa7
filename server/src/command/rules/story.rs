//! One change of tier told whole: what was compared with what, by which rule, from which readings.

use model::{AreaCode, City, Parameter, Tier, Time};
use rules::{Change, Rule};
use serde::Serialize;
use std::collections::BTreeMap;

/// Readings shown in words; a program gets them all.
const READINGS_SAID: usize = 8;

/// One reading behind a change.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reading {
    pub(super) station: String,
    pub(super) parameter: Parameter,
    pub(super) time: String,
    pub(super) value: String,
}

/// A change of tier with everything it rests on.
#[derive(Debug, Serialize)]
pub(super) struct Story<'a> {
    time: String,
    rule: &'a str,
    version: &'a str,
    subject: &'a str,
    name: String,
    from: Tier,
    to: Tier,
    reason: rules::Reason,
    past: bool,
    unconfirmed: bool,
    /// The conditions that decided, by key, as written in the rule.
    conditions: BTreeMap<String, String>,
    /// The calls of the rule with the values found.
    values: BTreeMap<&'a str, Option<&'a str>>,
    /// What the site sets instead of fixed bounds.
    thresholds: BTreeMap<String, String>,
    source: Option<String>,
    observations: Vec<Reading>,
}

impl<'a> Story<'a> {
    /// Tells `change`; the rule may be gone from the rulebook meanwhile.
    pub(super) fn new(
        change: &'a Change,
        rule: Option<&Rule>,
        city: &City,
        observations: Vec<Reading>,
    ) -> Self {
        let site = city.site_no(&change.subject).and_then(|no| city.site(no));
        let wanted = rule.map(|rule| rule.thresholds.as_slice());
        let thresholds = site.into_iter().flat_map(|site| {
            let wanted = wanted.unwrap_or_default().iter();
            wanted.filter_map(|key| Some((key.clone(), site.thresholds.get(key)?.clone())))
        });
        Self {
            time: text(city, change.time),
            rule: &change.rule,
            version: &change.version,
            subject: &change.subject,
            name: name_of(city, &change.subject),
            from: change.from,
            to: change.to,
            reason: change.reason,
            past: change.past,
            unconfirmed: change.unconfirmed,
            conditions: rule
                .map(|rule| conditions(rule, change))
                .unwrap_or_default(),
            values: change
                .values
                .iter()
                .map(|(call, value)| (call.as_str(), value.as_deref()))
                .collect(),
            thresholds: thresholds.collect(),
            source: rule.and_then(|rule| source(rule, change.to.max(change.from))),
            observations,
        }
    }

    /// As a person reads it.
    pub(super) fn words(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}  {} {}  {} → {}  {}  rule {} ({})",
            self.time,
            self.subject,
            self.name,
            self.from,
            self.to,
            reason(self.reason),
            self.rule,
            self.version
        )];
        for (key, condition) in &self.conditions {
            lines.push(format!("    {key}: {condition}"));
        }
        for (call, value) in &self.values {
            lines.push(format!("    {call} = {}", value.unwrap_or("unknown")));
        }
        for (key, value) in &self.thresholds {
            lines.push(format!("    site.{key} = {value}"));
        }
        let newest = self.observations.iter().rev().take(READINGS_SAID).rev();
        for reading in newest {
            let Reading {
                station,
                parameter,
                time,
                value,
            } = reading;
            let (name, unit) = (parameter.name(), parameter.unit());
            lines.push(format!("    {time}  {station}  {name} {value} {unit}"));
        }
        let more = self.observations.len().saturating_sub(READINGS_SAID);
        if more > 0 {
            lines.push(format!("    … and {more} earlier readings in its windows"));
        }
        if self.past {
            lines.push("    too late to be sent: shown only".into());
        }
        if self.unconfirmed {
            lines.push("    rests on suspect values: waits for a person".into());
        }
        if let Some(source) = &self.source {
            lines.push(format!("    source: {source}"));
        }
        lines
    }
}

/// Name of a site, station or area.
pub(super) fn name_of(city: &City, subject: &str) -> String {
    let site = city.site_no(subject).and_then(|no| city.site(no));
    let station = city.station_no(subject).and_then(|no| city.station(no));
    let area = AreaCode::parse(subject).ok();
    let area = area.and_then(|code| city.area(city.area_no(code)?));
    let name = site.map(|site| &site.name);
    let name = name.or(station.map(|station| &station.name));
    let name = name.or(area.map(|area| &area.name));
    name.map(|name| name.zh.clone()).unwrap_or_default()
}

/// An instant with the city's offset.
pub(super) fn text(city: &City, time: Time) -> String {
    time.display(city.offset)
}

/// What decided: the tier's own condition for a rise, that of the tier left for a fall.
fn conditions(rule: &Rule, change: &Change) -> BTreeMap<String, String> {
    let tier = change.to.max(change.from).name();
    let belongs = |key: &str| match change.to > change.from {
        true => {
            let limits = ["continuing", "samples", "qc_min", "season"];
            key == tier || limits.contains(&key) || key.strip_prefix("season.") == Some(tier)
        }
        false => key == tier || key.starts_with("lower"),
    };
    let all = rule.conditions.iter().filter(|(key, _)| belongs(key));
    all.map(|(key, condition)| (key.clone(), condition.clone()))
        .collect()
}

fn source(rule: &Rule, tier: Tier) -> Option<String> {
    rule.source_of(tier).map(|source| source.document.clone())
}

fn reason(reason: rules::Reason) -> &'static str {
    match reason {
        rules::Reason::Raised => "raised: it held long enough",
        rules::Reason::Lowered => "lowered: it was gone long enough",
        rules::Reason::Withdrawn => "withdrawn: a correction undid it",
        rules::Reason::Stood => "ended by a person",
        rules::Reason::Adopted => "by a new rulebook or registry",
        rules::Reason::Lost => "raised by silence: its sensor was lost, nobody measures it",
        rules::Reason::Heard => "it reports again: its values decide",
    }
}
