//! From TOML text to rules.

mod limits;
mod tiers;

use super::keys::{Keys, decimal};
use super::{
    Confidence, Quorum, RULES_MAX, Rule, Rulebook, SCHEMA, Source, SubjectKind, harmless, order,
};
use crate::condition::{Asked, Ratio, Relaxation, Scope};
use limits::{check_limits, read_limits};
use model::fault::{Faults, Place, quoted};
use model::{AreaLevel, Fault, Hazard, Named, Span, Tier};
use std::collections::BTreeMap;
pub(super) use tiers::condition;
use tiers::{check_vocabulary, parameters_of, read_tiers};
use toml::de::DeTable;

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

/// Reads all files; the hash is left to the caller.
pub(super) fn read(files: &[&(String, Vec<u8>)]) -> Result<Rulebook, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut rules: Vec<Rule> = Vec::new();
    let mut versions: Vec<String> = Vec::new();
    if files.is_empty() {
        faults.error(
            Place::file("rules"),
            "",
            "there is no rulebook",
            "add rules/*.toml",
        );
    }
    for (file, bytes) in files {
        read_file(file, bytes, &mut versions, &mut rules, &mut faults);
    }
    link(&mut rules, &mut faults);
    let dependency_order = order::order(&rules).unwrap_or_else(|cycle| {
        faults.error(
            Place::file("rules"),
            "situation",
            format!("rules wait for each other: {}", cycle.join(", ")),
            "take one situation() out of the circle",
        );
        Vec::new()
    });
    let (plans, others) = super::layout::plan(&mut rules);
    for other in others {
        faults.error(
            Place::file("rules"),
            &format!("rule {}", other.rule),
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

fn read_file(
    file: &str,
    bytes: &[u8],
    versions: &mut Vec<String>,
    rules: &mut Vec<Rule>,
    faults: &mut Faults,
) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.error(Place::file(file), "", "it is not UTF-8", "save it as UTF-8");
        return;
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = Keys::line_of(text, &error.span().unwrap_or_default());
        let place = Place::line(file, line);
        faults.error(
            place,
            "",
            format!("not TOML: {}", error.message()),
            "mend the line",
        );
    }
    if !errors.is_empty() {
        return;
    }
    let keys = Keys {
        file,
        text,
        table: table.get_ref(),
        line: 1,
    };
    keys.known("", &["schema", "version", "rule", "note"], faults);
    match keys.integer("schema", faults) {
        Some((SCHEMA, _)) => {}
        Some((other, line)) => faults.error(
            keys.at(line),
            "schema",
            format!("schema {other} is not read by this version"),
            format!("write schema = {SCHEMA}, or upgrade"),
        ),
        None => faults.error(
            keys.at(1),
            "schema",
            "it is missing",
            format!("begin the file with schema = {SCHEMA}"),
        ),
    }
    let version = keys
        .needed_text("version", faults)
        .map(|(version, _)| version);
    let version = version.unwrap_or_default();
    if !versions.contains(&version) {
        versions.push(version.clone());
    }
    for keys in keys.tables("rule", faults) {
        if rules.len() >= RULES_MAX {
            faults.error(
                keys.at(keys.line),
                "rule",
                format!("more than {RULES_MAX} rules"),
                "take some out",
            );
            return;
        }
        if let Some(rule) = read_rule(&keys, &version, faults) {
            if rules.iter().any(|held| held.id == rule.id) {
                faults.error(
                    keys.at(keys.line),
                    "id",
                    format!("{} is there twice", quoted(&rule.id)),
                    "give each rule its own id",
                );
            }
            rules.push(rule);
        }
    }
}

fn read_rule(keys: &Keys<'_>, version: &str, faults: &mut Faults) -> Option<Rule> {
    let before = faults.errors();
    keys.known("rule.", &RULE_KEYS, faults);
    let id = keys
        .needed_text("id", faults)
        .map(|(id, _)| id)
        .unwrap_or_default();
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
    let sources = read_sources(keys, faults);
    let rule = Rule {
        id,
        hazard: hazard?,
        name,
        version: keys
            .text("version", faults)
            .map_or_else(|| version.to_owned(), |(v, _)| v),
        subject,
        kinds: keys.texts("kinds", faults),
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
            keys.at(keys.line),
            "white",
            "white is for typhoons only",
            "use blue or higher",
        );
    }
    check_limits(keys, &rule, faults);
    (faults.errors() == before).then_some(rule)
}

fn read_hazard(keys: &Keys<'_>, faults: &mut Faults) -> Option<Hazard> {
    let (code, line) = keys.needed_text("hazard", faults)?;
    let hazard = Hazard::from_code(&code);
    if hazard.is_none() {
        faults.error(
            keys.at(line),
            "hazard",
            format!("{} is not a known event code", quoted(&code)),
            format!("known: {}", Hazard::ALL.map(Hazard::code).join(" ")),
        );
    }
    hazard
}

fn read_subject(keys: &Keys<'_>, faults: &mut Faults) -> SubjectKind {
    match keys.text("subject", faults) {
        None => SubjectKind::Station,
        Some((text, line)) => match text.as_str() {
            "station" => SubjectKind::Station,
            "site" => SubjectKind::Site,
            "area" => SubjectKind::Area,
            other => {
                faults.error(
                    keys.at(line),
                    "subject",
                    format!("{} is no subject", quoted(other)),
                    "write station, site or area",
                );
                SubjectKind::Station
            }
        },
    }
}

fn read_area(keys: &Keys<'_>, faults: &mut Faults) -> (AreaLevel, Quorum, usize) {
    let mut found = (AreaLevel::Township, Quorum::Count(1), 0);
    let Some(area) = keys.table("area", faults) else {
        return found;
    };
    area.known("area.", &["level", "quorum", "neighbours"], faults);
    if let Some((text, line)) = area.text("level", faults) {
        found.0 = match text.as_str() {
            "city" => AreaLevel::City,
            "district" => AreaLevel::District,
            "township" => AreaLevel::Township,
            "community" => AreaLevel::Community,
            other => {
                faults.error(
                    area.at(line),
                    "area.level",
                    format!("{} is no level", quoted(other)),
                    "write city, district, township or community",
                );
                AreaLevel::Township
            }
        };
    }
    if let Some((value, line)) = area.get("quorum") {
        let text = value.as_str().map(str::to_owned).or_else(|| decimal(value));
        let text = text.unwrap_or_default();
        match Quorum::parse(&text) {
            Ok(quorum) => found.1 = quorum,
            Err(error) => faults.error(
                area.at(line),
                "area.quorum",
                error.to_string(),
                "write \"1\", \"2 of 5\" or \"30%\"",
            ),
        }
    }
    if let Some((number, line)) = area.integer("neighbours", faults) {
        match usize::try_from(number) {
            Ok(number) if number <= 20 => found.2 = number,
            Ok(_) | Err(_) => faults.error(
                area.at(line),
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
        (Some((_, line)), Some(_)) => {
            faults.error(
                keys.at(line),
                ratio_key,
                "it stands beside by",
                "keep one of the two",
            );
            Relaxation::None
        }
        (Some((ratio, _)), None) if whole(ratio) => Relaxation::Ratio(ratio),
        (Some((_, line)), None) => {
            faults.error(
                keys.at(line),
                ratio_key,
                "it is not a ratio above 0 and at most 1",
                "write 0.8",
            );
            Relaxation::None
        }
        (None, Some((by, _))) if by.number() >= 0 => Relaxation::By(by),
        (None, Some((_, line))) => {
            faults.error(
                keys.at(line),
                "by",
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
        (Some((_, line)), Some(_)) => {
            faults.error(
                keys.at(line),
                "propose_at",
                "it stands beside propose",
                "keep one of the two",
            );
            Relaxation::None
        }
        (Some(_), None) => {
            let only = Keys { ..*keys };
            read_relaxation(&only, "propose_at", faults)
        }
        (None, Some(propose)) => {
            propose.known("propose.", &["by"], faults);
            read_relaxation(&propose, "at", faults)
        }
        (None, None) => Relaxation::None,
    }
}

fn read_name(keys: &Keys<'_>, faults: &mut Faults) -> Named {
    let Some(name) = keys.table("name", faults) else {
        faults.error(
            keys.at(keys.line),
            "name",
            "it is missing",
            "add name = { zh = \"…\", en = \"…\" }",
        );
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
                renew.at(renew.line),
                &format!("renew.{tier}"),
                "it is shorter than a minute",
                "write 3h",
            ),
            None => {}
        }
    }
    found
}

fn read_sources(keys: &Keys<'_>, faults: &mut Faults) -> BTreeMap<String, Source> {
    let mut found = BTreeMap::new();
    match keys.table("source", faults) {
        Some(source) => {
            if let Some(source) = read_source(&source, faults) {
                found.insert("rule".to_owned(), source);
            }
        }
        None => faults.error(
            keys.at(keys.line),
            "source",
            "it is missing",
            "add source = { document = \"…\", confidence = \"design-default\" }",
        ),
    }
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
    let (text, line) = keys.needed_text("confidence", faults)?;
    let written = |confidence: &Confidence| confidence.name() == text;
    let Some(confidence) = Confidence::ALL.into_iter().find(written) else {
        faults.error(
            keys.at(line),
            "source.confidence",
            format!("{} is none", quoted(&text)),
            "write sure, likely, unsure or design-default",
        );
        return None;
    };
    Some(Source {
        document,
        confidence,
    })
}

/// Resolves situations to rule numbers.
fn link(rules: &mut [Rule], faults: &mut Faults) {
    let ids: Vec<String> = rules.iter().map(|rule| rule.id.clone()).collect();
    for rule in rules {
        let at = format!("rule {}", rule.id);
        for asked in &mut rule.asked {
            let Asked::Situation { id, rule } = asked else {
                continue;
            };
            match ids.iter().position(|known| known == id) {
                Some(number) => *rule = number,
                None => faults.error(
                    Place::file("rules"),
                    &at,
                    format!("situation({}) names no rule", quoted(id)),
                    format!("known: {}", ids.join(", ")),
                ),
            }
        }
    }
}
