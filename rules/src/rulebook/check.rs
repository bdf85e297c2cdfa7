//! What is wrong between a rulebook and a city.

use super::{Rule, Rulebook, SubjectKind};
use crate::condition::Ratio;
use model::fault::{Faults, Place, quoted};
use model::{AreaNo, City, Fault};

/// Names of areas shown in one notice.
const NAMES_MAX: usize = 5;

pub(super) fn check(rulebook: &Rulebook, city: &City) -> Vec<Fault> {
    let mut faults = Faults::default();
    for rule in &rulebook.rules {
        check_thresholds(rule, city, &mut faults);
        check_areas(rule, city, &mut faults);
    }
    faults.into_vec()
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
    for name in &rule.thresholds {
        let anywhere = city
            .sites
            .iter()
            .any(|site| site.thresholds.contains_key(name));
        if !anywhere {
            faults.notice(
                Place::file("sites.csv"),
                name,
                format!("rule {} reads site.{name}, which no site has", rule.id),
                "add the column, or change the rule",
            );
        }
    }
}

/// Lists areas of the rule's level without enough subjects: they can never be warned by it.
fn check_areas(rule: &Rule, city: &City, faults: &mut Faults) {
    let mut subjects = vec![0u32; city.areas.len()];
    let mut count = |area: AreaNo| {
        if let Some(held) = rule
            .area_of(city, area)
            .and_then(|a| subjects.get_mut(usize::from(a.0)))
        {
            *held += 1;
        }
    };
    match rule.subject {
        SubjectKind::Station | SubjectKind::Area => city
            .stations
            .iter()
            .filter(|station| rule.takes_station(station))
            .for_each(|station| count(station.area)),
        SubjectKind::Site => city
            .sites
            .iter()
            .filter(|site| rule.takes_site(city, site))
            .for_each(|site| count(site.area)),
    }
    let never: Vec<&str> = city
        .areas
        .iter()
        .zip(&subjects)
        .filter(|(area, present)| {
            area.level == rule.level && rule.quorum.needed(**present) > **present
        })
        .map(|(area, _)| area.name.zh.as_str())
        .collect();
    if subjects.iter().all(|present| *present == 0) {
        faults.notice(
            Place::file("rules"),
            &format!("rule {}", rule.id),
            "nothing in the city measures what it reads",
            "check its parameters and kinds against stations.csv and sites.csv",
        );
    } else if !never.is_empty() {
        let shown = never
            .iter()
            .take(NAMES_MAX)
            .copied()
            .collect::<Vec<_>>()
            .join("、");
        let dots = if never.len() > NAMES_MAX { "…" } else { "" };
        faults.notice(
            Place::file("rules"),
            &format!("rule {}", rule.id),
            format!(
                "{} areas can never be warned by it: {shown}{dots}",
                never.len()
            ),
            "add stations or neighbours, or lower the quorum",
        );
    }
}
