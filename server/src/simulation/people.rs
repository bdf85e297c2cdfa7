//! Those who sign, reject, amend and cancel, at times on what no longer stands.

use super::audit::Audit;
use super::city::setting;
use super::random::Random;
use model::service::{Process, ServiceAct};
use model::warning::Event;
use model::{Hazard, Order, Span, Tier, Time, Warning, Zone};
use std::collections::BTreeMap;

const PEOPLE: [&str; 3] = ["chen", "wang", "li"];

/// An act, its name, and whether it is on what stands.
pub(super) struct Act {
    pub(super) zone: Zone,
    pub(super) order: Order,
    pub(super) name: &'static str,
    pub(super) seen: &'static str,
}

/// Something that somebody does now; mostly they sign what waits for it.
pub(super) fn act(audit: &Audit, random: &mut Random) -> Option<Act> {
    if random.one_in(40) {
        return Some(issue(random));
    }
    let waiting: Vec<&Vec<Warning>> = audit.warnings.values().collect();
    let all = *random.of(&waiting)?;
    if random.one_in(12) {
        let newest = all.last()?;
        return Some(serve(audit, newest.time, random));
    }
    let stale = all.len() > 1 && random.one_in(5);
    let at = if stale {
        random.below(all.len() - 1)
    } else {
        all.len() - 1
    };
    let warning = all.get(at)?;
    let person = (*random.of(&PEOPLE)?).to_owned();
    let (name, order) = match random.below(14) {
        0 => ("reject", reject(warning, person)),
        1 => ("amend", amend(warning, person, random)),
        2 => ("cancel", cancel(warning, person)),
        _ => ("approve", approve(warning, person)),
    };
    Some(Act {
        zone: zone_of(warning),
        order,
        name,
        seen: if stale { "stale" } else { "fresh" },
    })
}

/// The signature that the newest revision still lacks, once all is quiet.
pub(super) fn signatures(audit: &Audit) -> Vec<Act> {
    let newest = audit.warnings.values().filter_map(|all| all.last());
    let waits = newest.filter(|warning| warning.event == Event::Proposed);
    let sign = |warning: &Warning, person: &str| Act {
        zone: zone_of(warning),
        order: approve(warning, person.to_owned()),
        name: "approve",
        seen: "fresh",
    };
    waits
        .flat_map(|warning| [sign(warning, "chen"), sign(warning, "wang")])
        .collect()
}

fn zone_of(warning: &Warning) -> Zone {
    let city = &setting().installation.city;
    let area = city.area_no(warning.zone).unwrap();
    city.zone_of(area)
}

fn approve(warning: &Warning, person: String) -> Order {
    Order::Approve {
        warning: warning.id,
        revision: warning.revision,
        seen: warning.seen_hash(),
        person,
        as_it_stands: String::new(),
    }
}

fn reject(warning: &Warning, person: String) -> Order {
    Order::Reject {
        warning: warning.id,
        revision: warning.revision,
        person,
        reason: "not yet".into(),
    }
}

fn amend(warning: &Warning, person: String, random: &mut Random) -> Order {
    let tiers = [Tier::Yellow, Tier::Orange, Tier::Red];
    let tier = random.of(&tiers).copied().unwrap_or(Tier::Red);
    let areas = warning.areas.keys().map(|code| (*code, tier)).collect();
    Order::Amend {
        warning: warning.id,
        revision: warning.revision,
        areas,
        onset: None,
        text: BTreeMap::new(),
        person,
        reason: "seen on the camera".into(),
        as_it_stands: false,
    }
}

fn cancel(warning: &Warning, person: String) -> Order {
    Order::Cancel {
        warning: warning.id,
        areas: Vec::new(),
        person,
        reason: "a false alarm".into(),
    }
}

fn issue(random: &mut Random) -> Act {
    let districts = &setting().districts;
    let (zone, township) = districts[random.below(districts.len())];
    let tiers = [Tier::Blue, Tier::Yellow, Tier::Orange, Tier::Red];
    let tier = random.of(&tiers).copied().unwrap_or(Tier::Blue);
    Act {
        zone,
        order: Order::Issue {
            hazard: Hazard::Waterlogging,
            areas: [(township, tier)].into(),
            onset: None,
            text: BTreeMap::new(),
            person: "li".into(),
            reason: "calls from residents".into(),
            as_it_stands: false,
        },
        name: "issue",
        seen: "fresh",
    }
}

/// Something about a weather process: opened, moved, ended, or a product of it.
fn serve(audit: &Audit, near: Time, random: &mut Random) -> Act {
    let setting = setting();
    let processes = audit.board.processes.values();
    let processes: Vec<&Process> = processes.filter(|process| process.is_live()).collect();
    let known = random.of(&processes).copied();
    let person = "chen".to_owned();
    let reason = "consulted".to_owned();
    let ahead = [-60, 30, 90, 200, 420, 3_000];
    let ahead = random.of(&ahead).copied().unwrap_or(0);
    let onset = Some(near + Span::from_minutes(ahead));
    let act = match (known, random.below(5)) {
        (Some(process), 0) => ServiceAct::End {
            process: process.id.clone(),
            person,
            reason,
        },
        (Some(process), 1) => ServiceAct::Move {
            process: process.id.clone(),
            areas: Vec::new(),
            onset,
            end: None,
            person,
            reason,
        },
        (Some(process), 2 | 3) => {
            let slot = random.of(&process.slots);
            let owed = slot.and_then(|slot| slot.owed().next());
            ServiceAct::Product {
                process: process.id.clone(),
                slot: slot.map(|slot| slot.stage.id.clone()).unwrap_or_default(),
                round: owed.map(|round| round.round),
                person,
                text: "as forecast".to_owned(),
                reference: String::new(),
            }
        }
        _ => ServiceAct::Open {
            process: None,
            hazard: Some(Hazard::Rainstorm),
            areas: vec![setting.districts[random.below(setting.districts.len())].1],
            onset,
            end: None,
            person,
            reason,
        },
    };
    Act {
        zone: setting.installation.city.city_zone(),
        order: Order::Service(act),
        name: "process",
        seen: "fresh",
    }
}

/// The same signature in another name.
pub(super) fn forged(order: &Order) -> Option<Order> {
    let Order::Approve { person, .. } = order else {
        return None;
    };
    let other = if person == "wang" { "chen" } else { "wang" };
    let mut forged = order.clone();
    if let Order::Approve { person, .. } = &mut forged {
        other.clone_into(person);
    }
    Some(forged)
}
