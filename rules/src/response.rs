//! Emergency responses: what the plans propose from warnings in force, our findings and reported
//! damage, and what people decide. Proposes and never starts (domain §6.2).
//!
//! One machine for a city and its districts, beside the engine of the city's zone: a city's level
//! counts districts, and districts are held against the city.

mod act;
mod follows;
mod tally;

pub use follows::{Following, following};

use crate::replaced::Replaced;
use crate::rulebook::Rulebook;
use model::authority::Act;
use model::response::{
    Board, Declined, Entry, Evidence, Level, Plan, Plans, Proposal, Reason, Response, Revised,
    Standing, Term, Unit, What,
};
use model::signal::SignalKind;
use model::warning::Event;
use model::{AreaCode, AreaLevel, AreaNo, City, Named, Signal, Tier, Time, Warning};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tally::Tally;

/// Warnings kept; beyond it the one sent first goes.
const STANDING_MAX: usize = 2_000;

/// The machine.
#[derive(Clone, Debug)]
pub struct Responses {
    city: Arc<City>,
    state: State,
    /// What stands was renewed as it is since somebody asked: no entry says so.
    renewed: bool,
}

/// All that it remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    board: Board,
    replaced: Replaced,
    /// When each standing warning was last sent, or issued anew by us, also with the same tiers.
    #[serde(default)]
    acted: BTreeMap<String, Time>,
}

/// What a revision of a warning of ours tells the city's zone; [`None`] where it tells nothing: a
/// signal passed on is counted as the signal, and what comes too late or is unconfirmed not at all.
pub fn revised(city: &City, rulebook: &Rulebook, warning: &Warning) -> Option<Revised> {
    let is_proposal = warning.event == Event::Proposed;
    if warning.relay.is_some() || (is_proposal && (warning.past || warning.unconfirmed)) {
        return None;
    }
    let is_over = matches!(warning.event, Event::Ended | Event::Cancelled);
    let tiers = |of: fn(&model::warning::AreaTier) -> Tier| {
        let tiers = warning
            .areas
            .iter()
            .map(move |(code, area)| (*code, of(area)));
        tiers.filter(move |(_, tier)| *tier > Tier::None && !is_over)
    };
    let is_ours = |(code, tier): &(AreaCode, Tier)| {
        let ruling = |no| city.ruling(warning.hazard, no, *tier);
        let ruling = city.area_no(*code).and_then(ruling);
        ruling.is_some_and(|ruling| matches!(ruling.act, Act::Issue | Act::CoIssue))
    };
    Some(Revised {
        warning: warning.id,
        hazard: warning.hazard,
        authority: warning.authority.clone(),
        time: warning.time,
        issued: (!is_proposal).then(|| tiers(|area| area.tier).filter(is_ours).collect()),
        found: tiers(|area| area.reached).collect(),
        expected: is_expected(rulebook, warning),
    })
}

/// True where all that is known to speak for a warning are forecasts.
fn is_expected(rulebook: &Rulebook, warning: &Warning) -> bool {
    let rests_on_forecasts = |id: &str| {
        let rule = rulebook.rule(id);
        rule.is_some_and(|(_, rule)| rule.looks_ahead() && rule.hears_only())
    };
    let mut evidence = warning.evidence.iter();
    !warning.evidence.is_empty() && evidence.all(|e| rests_on_forecasts(&e.rule))
}

impl Responses {
    /// Nothing in force.
    pub fn new(city: Arc<City>) -> Self {
        Self::restore(city, State::default())
    }

    /// Goes on from a state.
    pub const fn restore(city: Arc<City>, state: State) -> Self {
        Self {
            city,
            state,
            renewed: false,
        }
    }

    /// What it remembers.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What stands.
    pub const fn board(&self) -> &Board {
        &self.state.board
    }

    /// Goes on with other plans; what is in force stays.
    pub fn adopt(&mut self, at: Time, city: Arc<City>, out: &mut Vec<Entry>) {
        self.city = city;
        self.propose(at, out);
    }

    /// A message of another authority: it replaces those it refers to.
    pub fn signal(&mut self, at: Time, signal: &Signal, out: &mut Vec<Entry>) {
        let key = format!("{} {}", signal.identifier, signal.tier.name());
        let is_cancel = signal.kind == SignalKind::Cancel;
        let is_older = |held: &Standing| {
            let own = signal.state.as_ref();
            own.zip(held.state.as_ref()).is_some_and(|(own, held_of)| {
                let newer = (signal.sent, own.revision) > (held.sent, held_of.revision);
                own.source == held_of.source && newer
            })
        };
        let lifted = |held: &&Standing| {
            signal.references.contains(&held.identifier)
                || (is_cancel && held.identifier == signal.identifier)
                || is_older(held)
        };
        let board = &self.state.board;
        let over: Vec<_> = board.standing.values().filter(lifted).cloned().collect();
        for standing in over {
            self.say(at, What::Over(standing), out);
        }
        let is_replaced = self.state.replaced.hear(signal);
        if let Some(hazard) = signal.hazard
            && !(is_cancel || is_replaced)
        {
            let known = signal.areas.iter().map(|code| (*code, signal.tier));
            let standing = Standing {
                key,
                identifier: signal.identifier.clone(),
                sender: signal.sender_name.clone(),
                hazard,
                sent: signal.sent,
                official: known.filter(|(_, tier)| *tier > Tier::None).collect(),
                found: BTreeMap::new(),
                state: signal.state.clone(),
                onset: Some(signal.onset),
                expected: false,
            };
            self.stand(at, standing, Some(signal.sent), out);
        }
        self.propose(at, out);
    }

    /// A warning of ours was revised, in whatever zone.
    pub fn revised(&mut self, at: Time, revised: &Revised, out: &mut Vec<Entry>) {
        let key = revised.warning.to_string();
        let before = self.state.board.standing.get(&key);
        let issued = before.map(|standing| standing.official.clone());
        let standing = Standing {
            identifier: key.clone(),
            key,
            sender: revised.authority.clone(),
            hazard: revised.hazard,
            sent: revised.time,
            official: revised.issued.clone().or(issued).unwrap_or_default(),
            found: revised.found.clone(),
            state: None,
            onset: None,
            expected: revised.expected,
        };
        // A proposal renews nothing that was issued.
        let acted = revised.issued.is_some().then_some(revised.time);
        self.stand(at, standing, acted, out);
        self.propose(at, out);
    }

    fn stand(&mut self, at: Time, standing: Standing, acted: Option<Time>, out: &mut Vec<Entry>) {
        let before = self.state.board.standing.get(&standing.key);
        if standing.official.is_empty() && standing.found.is_empty() {
            if let Some(before) = before.cloned() {
                self.say(at, What::Over(before), out);
            }
            return;
        }
        if let Some(acted) = acted {
            let last = self.state.acted.entry(standing.key.clone());
            let last = last.or_insert(acted);
            self.renewed |= acted > *last;
            *last = acted.max(*last);
        }
        // Renewed with the same tiers: nothing changed that a plan counts.
        let is_same = before.is_some_and(|before| {
            let tiers = (&before.official, &before.found, before.expected);
            tiers == (&standing.official, &standing.found, standing.expected)
        });
        if is_same {
            return;
        }
        self.say(at, What::Standing(standing), out);
        while self.state.board.standing.len() > STANDING_MAX {
            let standing = self.state.board.standing.values();
            let oldest = standing.min_by_key(|s| (s.sent, s.key.clone())).cloned();
            let Some(oldest) = oldest else { return };
            self.say(at, What::Over(oldest), out);
        }
    }

    /// When a standing warning was last sent, or issued anew by us.
    pub(crate) fn acted(&self, standing: &Standing) -> Time {
        let acted = self.state.acted.get(&standing.key);
        acted.copied().unwrap_or(standing.sent)
    }

    /// True once after something that stands was sent or issued anew, also where no entry says so.
    pub(crate) fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    /// Puts what the machine beside this one says into the same order.
    pub(crate) fn note(&mut self, at: Time, what: What, out: &mut Vec<Entry>) {
        self.say(at, what, out);
    }

    fn say(&mut self, at: Time, what: What, out: &mut Vec<Entry>) {
        if let What::Over(standing) = &what {
            self.state.acted.remove(&standing.key);
        }
        let number = self.state.board.number + 1;
        let entry = Entry { number, at, what };
        self.state.board.apply(&entry);
        out.push(entry);
    }

    fn plans(&self) -> &Plans {
        &self.city.plans
    }

    /// Looks at every plan in every area of it.
    fn propose(&mut self, at: Time, out: &mut Vec<Entry>) {
        let city = Arc::clone(&self.city);
        for plan in &city.plans.plans {
            let tally = Tally::of(&city, plan, &self.state.board);
            let areas = areas_of(&city, plan).into_iter();
            let implied = areas.map(|(no, code)| (code, self.implied(plan, no, &tally)));
            let implied: Vec<_> = implied.collect();
            for (code, (implied, clause, reasons)) in implied {
                let before = self.state.board.response(&plan.id, code);
                let mut now = before.cloned().unwrap_or_else(|| response(plan, code));
                now.declined = now.declined.filter(|declined| declined.level == implied);
                let is_settled = implied == now.level || now.declined.is_some();
                now.proposal = (!is_settled).then(|| {
                    let stood = now.proposal.take().filter(|was| was.level == implied);
                    Proposal {
                        level: implied,
                        since: stood.map_or(at, |was| was.since),
                        clause,
                        reasons,
                    }
                });
                now.below = self.below(plan, now.level);
                let is_news = match self.state.board.response(&plan.id, code) {
                    Some(before) => *before != now,
                    None => now.proposal.is_some() || now.below.is_some(),
                };
                if is_news {
                    self.say(at, What::Response(now), out);
                }
            }
        }
        self.let_go_of_plans(at, out);
    }

    /// Plans that the city has no more propose nothing; what is in force under them stays.
    fn let_go_of_plans(&mut self, at: Time, out: &mut Vec<Entry>) {
        let is_gone = |response: &&Response| {
            let plan = self.plans().plan(&response.plan);
            let has = plan.is_some_and(|plan| is_of(&self.city, plan, response.area));
            !has && (response.proposal.is_some() || response.below.is_some())
        };
        let gone: Vec<Response> = self.state.board.all().filter(is_gone).cloned().collect();
        for mut response in gone {
            (response.proposal, response.below) = (None, None);
            self.say(at, What::Response(response), out);
        }
    }

    /// The city's level in the same family, where it is above that of a district.
    fn below(&self, plan: &Plan, level: Option<Level>) -> Option<Level> {
        if plan.at != AreaLevel::District {
            return None;
        }
        let of_city = self.state.board.all().filter(|response| {
            let other = self.plans().plan(&response.plan);
            let is_city = other.is_some_and(|other| other.at == AreaLevel::City);
            is_city && response.family == plan.family
        });
        let highest = of_city.filter_map(|response| response.level).max();
        highest.filter(|city| level.is_none_or(|own| own < *city))
    }

    /// The highest level of the plan whose condition holds, its clause, and why.
    fn implied(
        &self,
        plan: &Plan,
        area: AreaNo,
        tally: &Tally<'_>,
    ) -> (Option<Level>, String, Vec<Reason>) {
        let mut grades: Vec<_> = plan.grades.iter().collect();
        grades.sort_by_key(|grade| std::cmp::Reverse(grade.level));
        for grade in grades {
            for condition in &grade.when {
                let counted = condition
                    .terms
                    .iter()
                    .map(|term| self.count(term, area, tally));
                if let Some(reasons) = counted.collect::<Option<Vec<_>>>() {
                    return (Some(grade.level), grade.clause.clone(), reasons);
                }
            }
        }
        (None, String::new(), Vec::new())
    }

    /// The term as it was counted, where it holds.
    fn count(&self, term: &Term, area: AreaNo, tally: &Tally<'_>) -> Option<Reason> {
        match term {
            Term::Damage { kind } => {
                let reported = self.state.board.damage.get(kind)?;
                let touching = reported.keys().copied().filter(|code| {
                    let no = self.city.area_no(*code);
                    no.is_some_and(|no| {
                        self.city.is_within(no, area) || self.city.is_within(area, no)
                    })
                });
                let areas: Vec<AreaCode> = touching.collect();
                let known = self.plans().damage.iter().find(|known| known.id == *kind);
                let name = known.map(|known| known.name.clone()).unwrap_or_default();
                let count = u32::try_from(areas.len()).unwrap_or(u32::MAX);
                (count > 0).then(|| Reason {
                    term: format!("damage {kind}"),
                    count,
                    of: count,
                    needed: 1,
                    areas,
                    signals: Vec::new(),
                    text: Named {
                        zh: format!("险情报告：{}", name.zh),
                        en: format!("Reported: {}", name.en),
                    },
                })
            }
            Term::Count {
                text,
                evidence,
                tier,
                at_least,
                of,
                unit,
            } => {
                let counted = self.units(unit, area);
                let total = u32::try_from(counted.len()).unwrap_or(u32::MAX);
                let needed = needed(*at_least, *of, total);
                let standing = counted
                    .into_iter()
                    .filter(|no| tally.tier(*no, *evidence) >= *tier);
                let standing: Vec<AreaNo> = standing.collect();
                let count = u32::try_from(standing.len()).unwrap_or(u32::MAX);
                (count >= needed).then(|| Reason {
                    term: text.clone(),
                    count,
                    of: total,
                    needed,
                    signals: tally.behind(&standing, *evidence, *tier),
                    areas: self.codes(&standing),
                    text: words(*evidence, *tier, unit, (count, total)),
                })
            }
        }
    }

    fn codes(&self, areas: &[AreaNo]) -> Vec<AreaCode> {
        let found = areas.iter().filter_map(|no| self.city.area(*no));
        found.map(|area| area.code).collect()
    }

    /// The areas that a term counts, within that of the response.
    fn units(&self, unit: &Unit, within: AreaNo) -> Vec<AreaNo> {
        let is_here = |no: &AreaNo| self.city.is_within(*no, within);
        match unit {
            Unit::Districts => {
                let all = self.city.areas_of(AreaLevel::District);
                all.filter(is_here).collect()
            }
            Unit::Townships => {
                let all = self.city.areas_of(AreaLevel::Township);
                all.filter(is_here).collect()
            }
            Unit::Group(name) => {
                let group = self.plans().groups.get(name).into_iter().flatten();
                let numbers = group.filter_map(|code| self.city.area_no(*code));
                numbers.filter(is_here).collect()
            }
        }
    }
}

/// How many of `present` areas are needed: scaled where the plan says of how many, as quorums are
/// (semantics §19).
fn needed(at_least: u32, of: Option<u32>, present: u32) -> u32 {
    let whole = of.unwrap_or(0);
    if whole == 0 {
        return at_least;
    }
    let scaled = (u64::from(at_least) * u64::from(present)).div_ceil(u64::from(whole));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// The areas for which a plan has a response each.
fn areas_of(city: &City, plan: &Plan) -> Vec<(AreaNo, AreaCode)> {
    let all = city.areas_of(plan.at);
    let coded = all.filter_map(|no| Some((no, city.area(no)?.code)));
    let listed = |code: &AreaCode| plan.areas.is_empty() || plan.areas.contains(code);
    coded.filter(|(_, code)| listed(code)).collect()
}

fn is_of(city: &City, plan: &Plan, area: AreaCode) -> bool {
    areas_of(city, plan).iter().any(|(_, code)| *code == area)
}

fn response(plan: &Plan, area: AreaCode) -> Response {
    Response {
        plan: plan.id.clone(),
        area,
        family: plan.family,
        level: None,
        started: None,
        changed: None,
        by: String::new(),
        reason: String::new(),
        basis: Vec::new(),
        ended: None,
        proposal: None,
        declined: None,
        below: None,
    }
}

fn words(evidence: Evidence, tier: Tier, unit: &Unit, (count, total): (u32, u32)) -> Named {
    let (zh, en) = match unit {
        Unit::Districts => ("个区", "districts".to_owned()),
        Unit::Townships => ("个镇街", "townships".to_owned()),
        Unit::Group(name) => ("个指定区域", format!("areas of {name}")),
    };
    let (whose, by) = match evidence {
        Evidence::Official => ("预警信号", "Signals"),
        Evidence::Found => ("监测研判", "Findings"),
    };
    Named {
        zh: format!("{total}{zh}中{count}个{whose}达到{}及以上", tier.zh()),
        en: format!(
            "{by} of {} or above in {count} of {total} {en}",
            tier.name()
        ),
    }
}

/// What a person's decision leaves of what the warnings imply.
fn declined(
    implied: Option<Level>,
    level: Option<Level>,
    signed: &act::Signed<'_>,
) -> Option<Declined> {
    (implied != level).then(|| Declined {
        level: implied,
        by: signed.person.to_owned(),
        at: Some(signed.at),
        reason: signed.reason.to_owned(),
    })
}
