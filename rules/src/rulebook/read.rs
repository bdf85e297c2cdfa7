//! From TOML text to rules.

mod limits;
mod tiers;

use super::keys::{Keys, Spot, decimal, parsed};
use super::{
    Confidence, Quorum, RULES_MAX, Rule, Rulebook, SCHEMA, Source, SubjectKind, harmless, link,
    mention,
};
use crate::condition::{Ratio, Relaxation, Scope};
use limits::{check_limits, read_limits};
use model::fault::{Faults, Place, line_of, perhaps, quoted};
use model::{AreaLevel, Fault, Hazard, Named, Span, Tier};
use std::collections::BTreeMap;
pub(super) use tiers::condition;
use tiers::{check_vocabulary, parameters_of, read_tiers};
use toml::de::DeTable;

/// Longest id of a rule.
const ID_CHARS_MAX: usize = 64;
const RULE_KEYS: [&str; 25] = [
    "id",
    "hazard",
    "name",
    "subject",
    "kinds",
    "area",
    "white",
    "blue",
    "yellow",
    "orange",
    "red",
    "continuing",
    "lost",
    "propose_at",
    "propose",
    "raise",
    "lower",
    "renew",
    "samples",
    "season",
    "qc_min",
    "source",
    "sources",
    "version",
    "note",
];

/// A file and the tables in it.
struct File<'t> {
    name: &'t str,
    text: &'t str,
    table: DeTable<'t>,
}

/// Rules as far as they are read, each with the table it stands in.
#[derive(Default)]
struct Found<'t> {
    versions: Vec<String>,
    rules: Vec<Rule>,
    places: Vec<Keys<'t>>,
    ids: link::Ids<'t>,
}

/// Reads all files; the hash is left to the caller.
pub(super) fn read(files: &[&(String, Vec<u8>)]) -> Result<Rulebook, Vec<Fault>> {
    let mut faults = Faults::default();
    if files.is_empty() {
        faults.error(
            Place::file("rules"),
            "",
            "there is no rulebook",
            "add rules/*.toml",
        );
    }
    let files = files.iter();
    let files: Vec<File<'_>> = files
        .filter_map(|(name, bytes)| file_of(name, bytes, &mut faults))
        .collect();
    if let Some((file, spot)) = beyond(&files) {
        faults.error(
            file.keys().at(spot),
            "rule",
            format!("more than {RULES_MAX} rules"),
            "take some out",
        );
        return Err(faults.into_vec());
    }
    let mut found = Found::default();
    for file in &files {
        read_file(file, &mut found, &mut faults);
    }
    let Found {
        versions,
        mut rules,
        places,
        ids,
    } = found;
    link::link(&mut rules, &places, &ids, &mut faults);
    let dependency_order = link::ordered(&rules, &places, &mut faults);
    let (plans, others) = super::layout::plan(&mut rules);
    for other in others {
        let Some(keys) = places.get(other.rule) else {
            continue;
        };
        let (field, spot) = mention::place(keys, |text| mention::call(text, &other.call));
        faults.error(
            keys.at(spot),
            &field,
            format!(
                "the days of {} begin at another time than those of the same parameter in another call",
                other.call
            ),
            "let all days of a parameter begin at the same time of day",
        );
    }
    let notices = faults.into_vec();
    if !harmless(&notices) {
        return Err(notices);
    }
    Ok(Rulebook {
        version: versions.join("+"),
        rules,
        notices,
        plans,
        dependency_order,
        hash: String::new(),
    })
}

fn file_of<'t>(name: &'t str, bytes: &'t [u8], faults: &mut Faults) -> Option<File<'t>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.error(Place::file(name), "", "it is not UTF-8", "save it as UTF-8");
        return None;
    };
    let table = parsed(name, text, faults)?;
    Some(File { name, text, table })
}

/// The first rule beyond those that one rulebook may have: nothing is read of so many.
fn beyond<'f>(files: &'f [File<'f>]) -> Option<(&'f File<'f>, Spot)> {
    let rules = files.iter().flat_map(|file| {
        let rules = file
            .table
            .get("rule")
            .and_then(|rules| rules.get_ref().as_array());
        rules
            .into_iter()
            .flat_map(|rules| rules.iter())
            .map(move |rule| (file, rule.span().into()))
    });
    rules.into_iter().nth(RULES_MAX)
}

impl File<'_> {
    const fn keys(&self) -> Keys<'_> {
        Keys::of_file(self.name, self.text, &self.table)
    }
}

fn read_file<'t>(file: &'t File<'t>, found: &mut Found<'t>, faults: &mut Faults) {
    let keys = file.keys();
    keys.known("", &["schema", "version", "rule", "note"], faults);
    match keys.integer("schema", faults) {
        Some((SCHEMA, _)) => {}
        Some((other, spot)) => faults.error(
            keys.at(spot),
            "schema",
            format!("schema {other} is not read by this version"),
            format!("write schema = {SCHEMA}, or upgrade"),
        ),
        None if keys.get("schema").is_some() => {}
        None => faults.error(
            keys.start(),
            "schema",
            "it is missing",
            format!("begin the file with schema = {SCHEMA}"),
        ),
    }
    let version = keys
        .needed_text("version", faults)
        .map(|(version, _)| version);
    let version = version.unwrap_or_default();
    if !found.versions.contains(&version) {
        found.versions.push(version.clone());
    }
    let (mut line, mut counted) = (1, 0);
    for keys in keys.tables("rule", faults) {
        // Lines are counted on from rule to rule: a file is gone through once.
        let between = keys.text.get(counted..keys.spot.start());
        line += between.map_or(0, |between| line_of(between, between.len()) - 1);
        counted = keys.spot.start();
        let id = read_id(&keys, faults);
        if let Some((id, spot)) = &id {
            match found.ids.get(id) {
                Some(first) => faults.error(
                    keys.at(*spot),
                    "id",
                    format!("{} is there twice", quoted(id)),
                    format!(
                        "give each rule its own id; the first is in {}, line {}",
                        first.file,
                        first.line()
                    ),
                ),
                None => {
                    found.ids.insert(id.clone(), keys);
                }
            }
        }
        let id = id.map(|(id, _)| id).unwrap_or_default();
        if let Some(rule) = read_rule(&keys, (id, line), &version, faults) {
            found.rules.push(rule);
            found.places.push(keys);
        }
    }
}

/// An id stands in addresses, in commands and in the names of files.
fn read_id(keys: &Keys<'_>, faults: &mut Faults) -> Option<(String, Spot)> {
    let (id, spot) = keys.needed_text("id", faults)?;
    if !is_id(&id) {
        faults.error(
            keys.at(spot),
            "id",
            format!("{} is no id", quoted(&id)),
            format!(
                "write letters, digits, _, - and . only, a letter or digit first, at most {ID_CHARS_MAX}"
            ),
        );
    }
    Some((id, spot))
}

/// True where a text may be the id of a rule.
pub fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = text.starts_with(char::is_alphanumeric);
    begins && text.chars().all(is_plain) && text.chars().count() <= ID_CHARS_MAX
}

fn read_rule(
    keys: &Keys<'_>,
    (id, line): (String, u32),
    version: &str,
    faults: &mut Faults,
) -> Option<Rule> {
    let before = faults.errors();
    keys.known("rule.", &RULE_KEYS, faults);
    let hazard = read_hazard(keys, faults);
    let subject = read_subject(keys, faults);
    let (level, quorum, neighbours) = read_area(keys, faults);
    let mut scope = Scope::default();
    let raise = keys.table("raise", faults);
    let lower = keys.table("lower", faults);
    let raise_after = raise.and_then(|raise| {
        raise.known("raise.", &["after"], faults);
        raise.span("after", faults)
    });
    let lower_after = lower.and_then(|lower| {
        lower.known("lower.", &["after", "when", "below", "by"], faults);
        lower.span("after", faults)
    });
    let lowering = lower.map_or(Relaxation::None, |lower| {
        read_relaxation(&lower, "below", faults)
    });
    let proposing = read_proposal(keys, faults);
    let (tiers, mut conditions) = read_tiers(keys, lowering, proposing, &mut scope, faults);
    let continuing = condition(keys, "continuing", Relaxation::None, &mut scope, faults);
    let when = lower.and_then(|l| condition(&l, "when", Relaxation::None, &mut scope, faults));
    for (key, table) in [("continuing", Some(*keys)), ("when", lower)] {
        if let Some((text, _)) = table.and_then(|t| t.text(key, faults)) {
            let name = if key == "when" { "lower.when" } else { key };
            conditions.insert(name.into(), text);
        }
    }
    let lost = super::lost::read(keys, subject, &mut scope, &mut conditions, faults);
    let limits = read_limits(keys, &mut conditions, faults);
    let sound = faults.errors() == before;
    check_vocabulary(keys, subject, &scope, (lowering, proposing), sound, faults);
    let name = read_name(keys, faults);
    let renew = read_renew(keys, faults);
    check_renew(keys, &renew, faults);
    let kinds = keys.texts("kinds", faults);
    let sources = read_sources(keys, faults);
    let rule = Rule {
        id,
        hazard: hazard?,
        name,
        version: keys
            .text("version", faults)
            .map_or_else(|| version.to_owned(), |(v, _)| v),
        subject,
        origin: super::Origin {
            file: keys.file.to_owned(),
            line,
            kinds: kinds
                .iter()
                .map(|(_, spot)| keys.excerpt(*spot, line))
                .collect(),
        },
        kinds: kinds.into_iter().map(|(kind, _)| kind).collect(),
        level,
        quorum,
        neighbours,
        tiers,
        raise_after: raise_after.unwrap_or_default(),
        lower_after: lower_after.unwrap_or_default(),
        renew,
        conditions,
        sources,
        parameters: parameters_of(&scope),
        slots: vec![None; scope.calls.len()],
        calls: scope.calls,
        thresholds: scope.sites,
        limits,
        continuing,
        lost,
        lower_when: when,
        asked: scope.asked,
        floors: None,
        gauge: None,
        day_edges: Vec::new(),
        has_lulls: false,
        gauges_by_station: false,
        gauges_falls: false,
    };
    if rule.tiers.iter().any(|t| t.tier == Tier::White) && rule.hazard != Hazard::Typhoon {
        faults.error(
            keys.at(keys.key("white")),
            "white",
            "white is for typhoons only",
            "use blue or higher",
        );
    }
    check_limits(keys, &rule, faults);
    (faults.errors() == before).then_some(rule)
}

fn read_hazard(keys: &Keys<'_>, faults: &mut Faults) -> Option<Hazard> {
    let (code, spot) = keys.needed_text("hazard", faults)?;
    let hazard = Hazard::from_code(&code);
    if hazard.is_none() {
        faults.error(
            keys.at(spot),
            "hazard",
            format!("{} is not a known event code", quoted(&code)),
            Hazard::near(&code),
        );
    }
    hazard
}

fn read_subject(keys: &Keys<'_>, faults: &mut Faults) -> SubjectKind {
    match keys.text("subject", faults) {
        None => SubjectKind::Station,
        Some((text, spot)) => match text.as_str() {
            "station" => SubjectKind::Station,
            "site" => SubjectKind::Site,
            "area" => SubjectKind::Area,
            other => {
                faults.error(
                    keys.at(spot),
                    "subject",
                    format!("{} is no subject", quoted(other)),
                    format!("{}write station, site or area", near_subject(other)),
                );
                SubjectKind::Station
            }
        },
    }
}

/// A gauge is a station.
fn near_subject(word: &str) -> String {
    let names = ["station", "site", "area"];
    let stands_for = match word {
        "gauge" | "gage" | "sensor" | "meter" | "camera" | "站" | "测站" => "station",
        "place" | "culvert" | "village" | "点" => "site",
        "city" | "district" | "township" | "town" | "zone" | "区" => "area",
        other => other,
    };
    perhaps(stands_for, names)
}

fn read_area(keys: &Keys<'_>, faults: &mut Faults) -> (AreaLevel, Quorum, usize) {
    let mut found = (AreaLevel::Township, Quorum::Count(1), 0);
    let Some(area) = keys.table("area", faults) else {
        return found;
    };
    area.known("area.", &["level", "quorum", "neighbours"], faults);
    if let Some((text, spot)) = area.text("level", faults) {
        found.0 = match text.as_str() {
            "city" => AreaLevel::City,
            "district" => AreaLevel::District,
            "township" => AreaLevel::Township,
            "community" => AreaLevel::Community,
            other => {
                faults.error(
                    area.at(spot),
                    "area.level",
                    format!("{} is no level", quoted(other)),
                    format!(
                        "{}write city, district, township or community",
                        perhaps(other, ["city", "district", "township", "community"])
                    ),
                );
                AreaLevel::Township
            }
        };
    }
    if let Some((value, spot)) = area.get("quorum") {
        let text = value.as_str().map(str::to_owned).or_else(|| decimal(value));
        let text = text.unwrap_or_default();
        match Quorum::parse(&text) {
            Ok(quorum) => found.1 = quorum,
            Err(error) => faults.error(
                area.at(spot),
                "area.quorum",
                error.to_string(),
                "write \"1\", \"2 of 5\" or \"30%\"",
            ),
        }
    }
    if let Some((number, spot)) = area.integer("neighbours", faults) {
        match usize::try_from(number) {
            Ok(number) if number <= 20 => found.2 = number,
            Ok(_) | Err(_) => faults.error(
                area.at(spot),
                "area.neighbours",
                format!("{number} is out of range"),
                "use 0 to 20",
            ),
        }
    }
    found
}

fn read_relaxation(keys: &Keys<'_>, ratio_key: &str, faults: &mut Faults) -> Relaxation {
    let ratio = keys.number(ratio_key, faults);
    let by = keys.number("by", faults);
    let whole = |r: Ratio| r.number() > 0 && r.number() <= r.of();
    match (ratio, by) {
        (Some((_, spot)), Some(_)) => {
            faults.error(
                keys.at(spot),
                &keys.field(ratio_key),
                "it stands beside by",
                "keep one of the two",
            );
            Relaxation::None
        }
        (Some((ratio, _)), None) if whole(ratio) => Relaxation::Ratio(ratio),
        (Some((_, spot)), None) => {
            faults.error(
                keys.at(spot),
                &keys.field(ratio_key),
                "it is not a ratio above 0 and at most 1",
                "write 0.8",
            );
            Relaxation::None
        }
        (None, Some((by, _))) if by.number() >= 0 => Relaxation::By(by),
        (None, Some((_, spot))) => {
            faults.error(
                keys.at(spot),
                &keys.field("by"),
                "it is negative",
                "write how far below the bound, in its unit",
            );
            Relaxation::None
        }
        (None, None) => Relaxation::None,
    }
}

fn read_proposal(keys: &Keys<'_>, faults: &mut Faults) -> Relaxation {
    match (keys.get("propose_at"), keys.table("propose", faults)) {
        (Some((_, spot)), Some(_)) => {
            faults.error(
                keys.at(spot),
                "propose_at",
                "it stands beside propose",
                "keep one of the two",
            );
            Relaxation::None
        }
        (Some(_), None) => read_relaxation(keys, "propose_at", faults),
        (None, Some(propose)) => {
            propose.known("propose.", &["by"], faults);
            read_relaxation(&propose, "at", faults)
        }
        (None, None) => Relaxation::None,
    }
}

fn read_name(keys: &Keys<'_>, faults: &mut Faults) -> Named {
    let Some(name) = keys.needed_table("name", "{ zh = \"…\", en = \"…\" }", faults) else {
        return Named::default();
    };
    name.known("name.", &["zh", "en"], faults);
    let zh = name
        .needed_text("zh", faults)
        .map(|(text, _)| text)
        .unwrap_or_default();
    let en = name
        .text("en", faults)
        .map(|(text, _)| text)
        .unwrap_or_default();
    Named { zh, en }
}

fn read_renew(keys: &Keys<'_>, faults: &mut Faults) -> BTreeMap<Tier, Span> {
    let Some(renew) = keys.table("renew", faults) else {
        return BTreeMap::new();
    };
    renew.known("renew.", &Tier::WARNING.map(Tier::name), faults);
    let mut found = BTreeMap::new();
    for tier in Tier::WARNING {
        match renew.span(tier.name(), faults) {
            Some(span) if span >= Span::from_minutes(1) => {
                found.insert(tier, span);
            }
            Some(_) => faults.error(
                renew.at(renew.value(tier.name())),
                &format!("renew.{tier}"),
                "it is shorter than a minute",
                "write 3h",
            ),
            None => {}
        }
    }
    found
}

/// A warning at a tier that the rule does not have is never renewed.
fn check_renew(keys: &Keys<'_>, renew: &BTreeMap<Tier, Span>, faults: &mut Faults) {
    let Some(table) = keys.table("renew", &mut Faults::default()) else {
        return;
    };
    for tier in renew.keys() {
        if keys.get(tier.name()).is_none() {
            faults.notice(
                table.at(table.key(tier.name())),
                &format!("renew.{tier}"),
                format!("the rule has no {tier}: nothing would use it"),
                format!("take it out, or add {tier} = '…'"),
            );
        }
    }
}

fn read_sources(keys: &Keys<'_>, faults: &mut Faults) -> BTreeMap<String, Source> {
    let mut found = BTreeMap::new();
    let example = "{ document = \"…\", confidence = \"design-default\" }";
    let source = keys.needed_table("source", example, faults);
    let source = source.and_then(|source| read_source(&source, faults));
    found.extend(source.map(|source| ("rule".to_owned(), source)));
    let Some(sources) = keys.table("sources", faults) else {
        return found;
    };
    sources.known("sources.", &RULE_KEYS, faults);
    for key in RULE_KEYS {
        if let Some(source) = sources
            .table(key, faults)
            .and_then(|s| read_source(&s, faults))
        {
            found.insert(key.to_owned(), source);
        }
    }
    found
}

fn read_source(keys: &Keys<'_>, faults: &mut Faults) -> Option<Source> {
    keys.known("source.", &["document", "confidence"], faults);
    let (document, _) = keys.needed_text("document", faults)?;
    let (text, spot) = keys.needed_text("confidence", faults)?;
    let written = |confidence: &Confidence| confidence.name() == text;
    let Some(confidence) = Confidence::ALL.into_iter().find(written) else {
        faults.error(
            keys.at(spot),
            "source.confidence",
            format!("{} is none", quoted(&text)),
            format!(
                "{}write sure, likely, unsure or design-default",
                perhaps(&text, Confidence::ALL.map(Confidence::name))
            ),
        );
        return None;
    };
    Some(Source {
        document,
        confidence,
    })
}
