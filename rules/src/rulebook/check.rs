//! What is wrong between a rulebook and a city.

use super::{Rule, Rulebook, SubjectKind, are_unset};
use crate::condition::Ratio;
use model::fault::{Faults, Place, Severity, perhaps, quoted};
use model::{AreaNo, City, Fault, Site};
use std::collections::{BTreeMap, BTreeSet};

/// Names of areas or sites shown in one notice.
const NAMES_MAX: usize = 5;
/// Kinds shown as known.
const KINDS_MAX: usize = 20;

pub(super) fn check(rulebook: &Rulebook, city: &City) -> Vec<Fault> {
    let mut faults = Faults::default();
    let enrolled = crate::engine::enrolled(city, rulebook);
    for (rule, enrolled) in rulebook.rules.iter().zip(&enrolled) {
        check_kinds(rule, city, &mut faults);
        check_thresholds(rule, city, &mut faults);
        check_areas(rule, enrolled, city, &mut faults);
    }
    check_sight(rulebook, city, &mut faults);
    faults.into_vec()
}

/// Lists the areas in which no registered station sees a hazard: what happens there is not measured.
fn check_sight(rulebook: &Rulebook, city: &City, faults: &mut Faults) {
    for (hazard, areas) in rulebook.unseen(city) {
        let names = areas.iter().filter_map(|no| city.area(*no));
        let names: Vec<&str> = names.map(|area| area.name.zh.as_str()).collect();
        faults.notice(
            Place::file("stations.csv"),
            &format!("hazard {}", hazard.code()),
            format!(
                "no station sees {} ({}) in {} areas: {}",
                hazard.zh(),
                hazard.en(),
                names.len(),
                listed(&names)
            ),
            "add stations, or write in [sight] of city.toml how far around it a kind of station sees",
        );
    }
}

fn check_thresholds(rule: &Rule, city: &City, faults: &mut Faults) {
    for site in city.sites.iter().filter(|site| rule.has_kind(&site.kind)) {
        for name in &rule.thresholds {
            let Some(text) = site.thresholds.get(name) else {
                continue;
            };
            if Ratio::parse(text.trim()).is_none() {
                faults.error(
                    Place::file("sites.csv"),
                    name,
                    format!(
                        "{} of site {} is not a decimal number",
                        quoted(text),
                        site.id
                    ),
                    "write 0.27, or leave the cell empty",
                );
            }
        }
    }
    check_unset(rule, city, faults);
    let asked = |site: &&Site| {
        let station = || city.station(site.station?);
        match rule.subject {
            SubjectKind::Site => rule.has_kind(&site.kind),
            SubjectKind::Station => station().is_some_and(|station| rule.takes_station(station)),
            SubjectKind::Area => false,
        }
    };
    let asked: Vec<&Site> = city.sites.iter().filter(asked).collect();
    let known: BTreeSet<&str> = asked
        .iter()
        .flat_map(|site| site.thresholds.keys().map(String::as_str))
        .collect();
    for name in &rule.thresholds {
        if known.contains(name.as_str()) {
            continue;
        }
        let who = match rule.subject {
            SubjectKind::Station => "no site at a station that it is for",
            SubjectKind::Site | SubjectKind::Area => "no site that it is for",
        };
        let near = perhaps(name, known.iter().copied());
        faults.notice(
            rule.place(),
            &format!("rule {}", rule.id),
            format!("it reads site.{name}, which {who} has: what asks for it never holds"),
            format!("{near}add the column to sites.csv, or change the rule"),
        );
    }
}

/// Kinds of stations or sites that the city does not have.
fn check_kinds(rule: &Rule, city: &City, faults: &mut Faults) {
    let (kinds, file): (BTreeSet<&str>, _) = match rule.subject {
        SubjectKind::Site => (
            city.sites.iter().map(|s| s.kind.as_str()).collect(),
            "sites.csv",
        ),
        SubjectKind::Station | SubjectKind::Area => {
            let kinds = city.stations.iter().map(|s| s.kind.as_str());
            (kinds.collect(), "stations.csv")
        }
    };
    for (kind, excerpt) in rule.kinds.iter().zip(&rule.origin.kinds) {
        if kinds.contains(kind.as_str()) {
            continue;
        }
        let near = perhaps(kind, kinds.iter().copied());
        let known: Vec<&str> = kinds.iter().copied().take(KINDS_MAX).collect();
        let (line, excerpt) = match excerpt {
            Some((line, excerpt)) => (*line, Some(excerpt.clone())),
            None => (rule.origin.line, None),
        };
        faults.add(Fault {
            file: rule.origin.file.clone(),
            line: Some(line),
            field: "kinds".into(),
            excerpt,
            what: format!("nothing in {file} is of the kind {}", quoted(kind)),
            remedy: format!("{near}known there: {}", known.join(", ")),
            severity: Severity::Notice,
        });
    }
}

/// Lists sites whose thresholds are all nought: they are read as not set.
fn check_unset(rule: &Rule, city: &City, faults: &mut Faults) {
    let thresholds = |site: &Site| -> Vec<i64> {
        let texts = rule
            .thresholds
            .iter()
            .filter_map(|name| site.thresholds.get(name));
        texts
            .filter_map(|text| Ratio::parse(text.trim()))
            .map(|r| i64::from(!r.is_zero()))
            .collect()
    };
    let sites = city.sites.iter().filter(|site| rule.has_kind(&site.kind));
    let unset = sites.filter(|site| are_unset(thresholds(site).iter()));
    let unset: Vec<&str> = unset.map(|site| site.id.as_str()).collect();
    if unset.is_empty() {
        return;
    }
    faults.notice(
        Place::file("sites.csv"),
        &rule.thresholds.join(", "),
        format!(
            "all 0 and read as not set at {} sites: {}",
            unset.len(),
            listed(&unset)
        ),
        "write the levels, or leave the cells empty",
    );
}

/// Lists areas of the rule's level without enough subjects, as the zones count them: they can
/// never be warned by it.
fn check_areas(rule: &Rule, enrolled: &BTreeMap<AreaNo, u32>, city: &City, faults: &mut Faults) {
    let at = format!("rule {}", rule.id);
    if enrolled.values().all(|present| *present == 0) {
        let (what, remedy) = if rule.parameters.is_empty() && rule.subject != SubjectKind::Area {
            (
                "it asks for situations, signals or forecasts only, which wake neither stations nor sites",
                "write subject = \"area\"",
            )
        } else {
            (
                "nothing in the city measures what it reads",
                "check its parameters and kinds against stations.csv and sites.csv",
            )
        };
        faults.notice(rule.place(), &at, what, remedy);
        return;
    }
    let numbered = (0u16..).map(AreaNo).zip(&city.areas);
    let of_level = numbered.filter(|(_, area)| area.level == rule.level);
    let never: Vec<&str> = of_level
        .filter(|(no, _)| {
            let present = enrolled.get(no).copied().unwrap_or(0);
            rule.quorum.needed(present) > present
        })
        .map(|(_, area)| area.name.zh.as_str())
        .collect();
    if never.is_empty() {
        return;
    }
    let remedy = match rule.subject {
        SubjectKind::Area if rule.quorum.needed(1) > 1 => {
            "an area is one subject, so that its quorum is 1"
        }
        SubjectKind::Area => "add stations",
        SubjectKind::Station | SubjectKind::Site => {
            "add stations or neighbours, or lower the quorum"
        }
    };
    faults.notice(
        rule.place(),
        &at,
        format!(
            "{} areas can never be warned by it: {}",
            never.len(),
            listed(&never)
        ),
        remedy,
    );
}

impl Rule {
    /// Where it begins in the rulebook.
    fn place(&self) -> Place<'_> {
        Place::line(&self.origin.file, self.origin.line)
    }
}

/// The first few names.
fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).copied().collect();
    let dots = if names.len() > NAMES_MAX { "…" } else { "" };
    format!("{}{dots}", shown.join("、"))
}
