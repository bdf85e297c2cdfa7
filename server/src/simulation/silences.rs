//! Rules that people silence: what must be true of it, read naively beside each record of a zone's input.
//!
//! While a rule is silent nothing that it finds anew or higher is told; once its silence is over, what
//! it finds is. What people asked for is what counts here, not what was stored of it.

use super::city::setting;
use super::mirror::Said;
use super::people::Act;
use super::random::Random;
use crate::pump::kind;
use model::warning::Event;
use model::{AreaCode, Hazard, Input, Order, Span, Tier, Time, Warning, WarningId, Zone};
use rules::Change;
use std::collections::{BTreeMap, BTreeSet};

/// Rules that find something in the city of the runs.
const RULES: [&str; 2] = ["culvert", "rainstorm"];
/// As long as `city.toml` allows.
const MAX: Span = Span::from_minutes(24 * 60);

/// What people asked for, and every zone as it ought to be.
#[derive(Default)]
pub(super) struct Silences {
    /// Orders as their people gave them, by the reason, which is each one's own.
    asked: BTreeMap<String, Order>,
    zones: BTreeMap<u16, InZone>,
    /// How silences ended after which something stood that had to be told.
    pub(super) told: Vec<&'static str>,
}

#[derive(Default)]
struct InZone {
    at: i64,
    /// When each silence of a rule is over; in one area, or everywhere.
    silent: BTreeMap<(String, Option<AreaCode>), Time>,
    /// What each rule last found at each subject; none where a rise was past or unconfirmed.
    found: BTreeMap<String, BTreeMap<String, Option<Tier>>>,
    newest: BTreeMap<Hazard, Warning>,
    /// Warnings on which somebody acted: what stands there is theirs to say.
    touched: BTreeSet<WarningId>,
}

impl Silences {
    /// Somebody silences a rule in a district, or lets one speak again.
    pub(super) fn act(&mut self, near: Time, random: &mut Random) -> Option<Act> {
        let districts = &setting().districts;
        let (zone, township) = *random.of(districts)?;
        let rule = (*random.of(&RULES)?).to_owned();
        let areas = match random.below(3) {
            0 => vec![township],
            _ => Vec::new(),
        };
        let silent = self.zones.get(&zone.0).map(|one| &one.silent);
        let is_silent = silent.is_some_and(|all| all.keys().any(|(held, _)| *held == rule));
        let person = "duty".to_owned();
        let reason = format!("silence {}", self.asked.len());
        let (name, order) = if is_silent && random.one_in(2) {
            let order = Order::Unmute {
                rule,
                areas,
                person,
                reason: reason.clone(),
            };
            ("unmute", order)
        } else {
            let minutes = [1, 3, 6, 15];
            let minutes = random.of(&minutes).copied().unwrap_or(1);
            let order = Order::Mute {
                rule,
                areas,
                until: near + Span::from_minutes(minutes),
                person,
                reason: reason.clone(),
            };
            ("mute", order)
        };
        self.asked.insert(reason, order.clone());
        Some(Act {
            zone,
            order,
            name,
            seen: "fresh",
        })
    }

    /// One record of a zone's input and what an undisturbed node said of it.
    pub(super) fn step(
        &mut self,
        zone: Zone,
        time_ms: i64,
        input: &Input,
        said: &[Said],
    ) -> Result<(), String> {
        let held = self.zones.entry(zone.0).or_default();
        let mut over = held.pass(time_ms);
        // One that ran out just now and begins anew let the rule speak in between.
        let before = held.silent.clone();
        if let Input::Order(order) = input {
            over.extend(held.order(self.asked.get(reason(order)).unwrap_or(order)));
        }
        for (what, payload) in said {
            match *what {
                kind::CHANGE => held.change(payload),
                kind::WARNING => held.warning(&before, payload)?,
                _ => {}
            }
        }
        for (how, (rule, area)) in over {
            if held.is_told(&rule, area)? {
                self.told.push(how);
            }
        }
        Ok(())
    }
}

impl InZone {
    /// Time passes: silences end.
    fn pass(&mut self, time_ms: i64) -> Vec<(&'static str, (String, Option<AreaCode>))> {
        self.at = self.at.max(time_ms);
        let at = Time::from_millis(self.at);
        let over = self.silent.extract_if(.., |_, until| *until <= at);
        over.map(|(what, _)| ("expiry", what)).collect()
    }

    /// A person silences a rule or lets it speak.
    fn order(&mut self, order: &Order) -> Vec<(&'static str, (String, Option<AreaCode>))> {
        let at = Time::from_millis(self.at);
        if let Order::Mute {
            rule, areas, until, ..
        } = order
            && *until > at
            && until.since(at) <= MAX
        {
            let everywhere = areas.is_empty().then_some(None);
            let areas = areas.iter().copied().map(Some).chain(everywhere);
            let silent = areas.map(|area| ((rule.clone(), area), *until));
            self.silent.extend(silent);
        }
        let Order::Unmute { rule, areas, .. } = order else {
            return Vec::new();
        };
        let is_meant = |area: Option<AreaCode>| {
            areas.is_empty() || area.is_some_and(|area| areas.contains(&area))
        };
        let over = self
            .silent
            .extract_if(.., |(held, area), _| held == rule && is_meant(*area));
        over.map(|(what, _)| ("unmute", what)).collect()
    }

    fn change(&mut self, payload: &[u8]) {
        let change: Change = serde_json::from_slice(payload).unwrap();
        let is_sure = !change.past && !change.unconfirmed;
        let found = self.found.entry(change.rule).or_default();
        found.insert(change.subject, is_sure.then_some(change.to));
    }

    /// A rule that was silent before the record and still is has raised nothing.
    fn warning(
        &mut self,
        before: &BTreeMap<(String, Option<AreaCode>), Time>,
        payload: &[u8],
    ) -> Result<(), String> {
        let warning: Warning = serde_json::from_slice(payload).unwrap();
        if warning.rule == "person" {
            self.touched.insert(warning.id);
        }
        let earlier = self.newest.get(&warning.hazard);
        let earlier = earlier.filter(|earlier| earlier.id == warning.id);
        for (area, standing) in &warning.areas {
            let tier = earlier.and_then(|earlier| earlier.areas.get(area));
            let rises = standing.tier > tier.map_or(Tier::None, |area| area.tier);
            let is_silent = [Some(*area), None].into_iter().any(|place| {
                let key = (warning.rule.clone(), place);
                before.contains_key(&key) && self.silent.contains_key(&key)
            });
            if rises && is_silent {
                return Err(format!(
                    "{} r{} raises {area} to {} by {}, which is silent",
                    warning.id, warning.revision, standing.tier, warning.rule
                ));
            }
        }
        self.newest.insert(warning.hazard, warning);
        Ok(())
    }

    /// True where something stands that a rule found while it was silent, and it is told now; false
    /// where nothing does, or persons have a say in it.
    fn is_told(&self, rule: &str, area: Option<AreaCode>) -> Result<bool, String> {
        let mut silent = self.silent.keys().filter(|(held, _)| held == rule);
        let rulebook = &setting().installation.rulebook;
        let (Some((_, spec)), Some(found), None) =
            (rulebook.rule(rule), self.found.get(rule), silent.next())
        else {
            return Ok(false);
        };
        let Some(stands) = found.values().copied().min().flatten() else {
            return Ok(false);
        };
        let newest = self.newest.get(&spec.hazard);
        if stands == Tier::None || newest.is_some_and(|one| self.touched.contains(&one.id)) {
            return Ok(false);
        }
        let told = newest.filter(|one| !matches!(one.event, Event::Ended | Event::Cancelled));
        let told = told.and_then(|one| one.areas.values().map(|area| area.tier).max());
        if told < Some(stands) {
            return Err(format!(
                "{rule} was silent in {area:?} and found {stands}; told is {told:?}"
            ));
        }
        Ok(true)
    }
}

/// Why somebody silenced a rule or let it speak; nothing for other acts.
fn reason(order: &Order) -> &str {
    if let Order::Mute { reason, .. } | Order::Unmute { reason, .. } = order {
        reason
    } else {
        ""
    }
}

/// A silence of another rule than somebody named.
pub(super) fn misheard(order: &Order) -> Order {
    let mut other = order.clone();
    if let Order::Mute { rule, .. } = &mut other {
        "slope".clone_into(rule);
    }
    other
}

/// A silence that lasts an hour longer than somebody said.
pub(super) fn outlasting(order: &Order) -> Order {
    let mut other = order.clone();
    if let Order::Mute { until, .. } = &mut other {
        *until = *until + Span::from_minutes(60);
    }
    other
}
