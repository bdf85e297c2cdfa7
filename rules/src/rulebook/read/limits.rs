//! What limits when a rule rises beside its conditions: seasons, samples, the quality it asks for.

use super::super::keys::Keys;
use super::super::samples::{Samples, SamplesError};
use super::super::season::{Season, SeasonError};
use super::super::{Limits, Rule, SubjectKind};
use model::Tier;
use model::fault::{Faults, perhaps, quoted};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// Reads `season`, `samples` and `qc_min`, each noted among the conditions as it is written.
pub(super) fn read_limits(
    keys: &Keys<'_>,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> Limits {
    let (season, seasons) = read_seasons(keys, conditions, faults);
    Limits {
        season,
        seasons,
        samples: read_samples(keys, conditions, faults),
        sound: read_quality(keys, conditions, faults),
    }
}

fn read_seasons(
    keys: &Keys<'_>,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> (Option<Season>, BTreeMap<Tier, Season>) {
    let mut seasons = BTreeMap::new();
    let Some((value, _)) = keys.get("season") else {
        return (None, seasons);
    };
    if !matches!(value, DeValue::Table(_)) {
        return (
            read_season(keys, "season", "season", conditions, faults),
            seasons,
        );
    }
    let Some(table) = keys.table("season", faults) else {
        return (None, seasons);
    };
    table.known("season.", &Tier::WARNING.map(Tier::name), faults);
    for tier in Tier::WARNING {
        let name = format!("season.{tier}");
        if table.get(tier.name()).is_none() {
            continue;
        }
        if !conditions.contains_key(tier.name()) {
            let what = format!("the rule has no {tier}");
            let spot = table.key(tier.name());
            faults.error(table.at(spot), &name, what, "take the season out");
        }
        if let Some(season) = read_season(&table, tier.name(), &name, conditions, faults) {
            seasons.insert(tier, season);
        }
    }
    (None, seasons)
}

fn read_season(
    keys: &Keys<'_>,
    key: &str,
    name: &str,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> Option<Season> {
    let (_, spot) = keys.get(key)?;
    let before = faults.errors();
    let written = keys.texts(key, faults);
    if faults.errors() > before {
        return None;
    }
    let texts: Vec<String> = written.iter().map(|(text, _)| text.clone()).collect();
    match Season::parse(&texts) {
        Ok(season) => {
            conditions.insert(name.to_owned(), texts.join(", "));
            Some(season)
        }
        Err(error) => {
            let remedy = match error {
                SeasonError::NotDays(_) | SeasonError::NoSuchDay(_) => {
                    "write month and day twice, \"04-15..10-15\", both days in it"
                }
                SeasonError::Count(_) => "write [\"04-15..10-15\"], or leave season out",
            };
            // The first that is none, where it is one of them.
            let alone = |text: &String| Season::parse(std::slice::from_ref(text)).is_err();
            let mut wrong = written.iter().filter(|(text, _)| alone(text));
            let spot = wrong.next().map_or(spot, |(_, spot)| *spot);
            faults.error(keys.at(spot), name, error.to_string(), remedy);
            None
        }
    }
}

fn read_samples(
    keys: &Keys<'_>,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> Option<Samples> {
    let (text, spot) = keys.text("samples", faults)?;
    match Samples::parse(&text) {
        Ok(samples) => {
            conditions.insert("samples".to_owned(), text);
            Some(samples)
        }
        Err(error) => {
            let remedy = match error {
                SamplesError::NotNumbers(_) | SamplesError::OutOfRange { .. } => {
                    "write samples = \"2 of 3\""
                }
            };
            faults.error(keys.at(spot), "samples", error.to_string(), remedy);
            None
        }
    }
}

/// True where suspect readings count for nothing. Windows tell them from others, and no other flag.
fn read_quality(
    keys: &Keys<'_>,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> bool {
    let Some((value, spot)) = keys.get("qc_min") else {
        return false;
    };
    let is_sound = match value.as_str() {
        Some("usable") => false,
        Some("sound") => true,
        Some(_) | None => {
            let what = match value.as_str() {
                Some(other) => format!("{} is none", quoted(other)),
                None => "it is not a text: windows do not keep every flag apart".to_owned(),
            };
            let near = value
                .as_str()
                .map(|word| perhaps(word, ["usable", "sound"]));
            let remedy = "write \"usable\" (every flag but 2 wrong and 8 missing) or \"sound\" (without 1 suspect, too)";
            let remedy = format!("{}{remedy}", near.unwrap_or_default());
            faults.error(keys.at(spot), "qc_min", what, remedy);
            return false;
        }
    };
    let text = value.as_str().unwrap_or_default();
    conditions.insert("qc_min".to_owned(), text.to_owned());
    is_sound
}

/// What limits a rule must fit what it reads.
pub(super) fn check_limits(keys: &Keys<'_>, rule: &Rule, faults: &mut Faults) {
    let limits = &rule.limits;
    let value = |key: &str| keys.value(key);
    let reads_nothing = rule.parameters.is_empty();
    if limits.samples.is_some() && reads_nothing {
        faults.error(
            keys.at(value("samples")),
            "samples",
            "the rule reads no readings that could be counted",
            "take samples out, or give it to the rules that this one asks for",
        );
    }
    if limits.sound && reads_nothing {
        faults.error(
            keys.at(value("qc_min")),
            "qc_min",
            "the rule reads no readings whose quality could count",
            "take qc_min out, or give it to the rules that this one asks for",
        );
    }
    let is_told_only = reads_nothing && !rule.looks_ahead() && rule.subject == SubjectKind::Area;
    if (limits.season.is_some() || !limits.seasons.is_empty()) && is_told_only {
        faults.error(
            keys.at(value("season")),
            "season",
            "a rule that reads nothing but situations is not looked at when a season begins",
            "give the season to the rules that this one asks for",
        );
    }
}
