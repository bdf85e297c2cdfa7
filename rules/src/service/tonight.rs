//! The evening product (夜间防范): what tonight threatens by township, what must be finished before
//! dark, and whether a person has filed it in time.

use super::{MOMENT, Services};
use crate::effect::ServiceRefusal;
use crate::response::Responses;
use model::response::{Board, Entry, Standing, Transfer, What};
use model::service::{Evening, EveningState, EveningTimes, Ground, Process};
use model::{AreaCode, AreaLevel, AreaNo, City, Hazard, Span, Tier, Time};
use std::collections::BTreeMap;

/// Words kept of what speaks for one risk.
const REASONS_MAX: usize = 4;
/// From one evening to the next.
const DAY: Span = Span::from_minutes(24 * 60);

/// One evening and the night after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// The day, as `2026-05-08` in the city's time.
    pub day: String,
    /// When the product is drafted.
    pub from: Time,
    /// By when it is filed.
    pub due: Time,
    /// When it is dark.
    pub dark: Time,
    /// When the night ends.
    pub until: Time,
}

/// What tonight is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tonight {
    /// When.
    pub night: Night,
    /// By township, then by hazard.
    pub risks: Vec<Risk>,
    /// Transfers with people left to move.
    pub transfers: Vec<Transfer>,
}

/// One hazard in one township tonight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// The township, or the smallest area there is in a city without townships.
    pub area: AreaCode,
    /// Hazard.
    pub hazard: Hazard,
    /// Highest tier expected or in force; none where a process is expected and no tier yet.
    pub tier: Tier,
    /// What speaks for it, the highest first.
    pub reasons: Vec<RiskReason>,
}

/// What speaks for a risk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RiskReason {
    /// Tier it speaks for.
    pub tier: Tier,
    /// What kind of word it is.
    pub ground: Ground,
    /// Whose.
    pub sender: String,
    /// Identifier of a signal, id of a warning or a process.
    pub reference: String,
    /// Since when, or from when on.
    pub since: Time,
}

impl Night {
    /// The night that an instant belongs to: until it ends it is that of the day before.
    pub fn of(city: &City, times: &EveningTimes, at: Time) -> Self {
        let ends = times.until.on_day_of(at, city.offset_at(at));
        if at < ends {
            Self::after(city, times, at - DAY)
        } else {
            Self::after(city, times, at)
        }
    }

    /// The night that follows the local day of an instant.
    pub fn after(city: &City, times: &EveningTimes, at: Time) -> Self {
        let offset = city.offset_at(at);
        let next = at + DAY;
        let month = usize::from(at.month(offset)).saturating_sub(1);
        let dark = times.dark.get(month).copied().unwrap_or(times.due);
        let day = at.display(offset).chars().take(10).collect();
        Self {
            day,
            from: times.from.on_day_of(at, offset),
            due: times.due.on_day_of(at, offset),
            dark: dark.on_day_of(at, offset),
            until: times.until.on_day_of(next, city.offset_at(next)),
        }
    }

    fn touches(&self, process: &Process) -> bool {
        process.is_live() && process.onset < self.until && process.end > self.from
    }

    fn is_risky(&self, board: &Board) -> bool {
        let mut standing = board.standing.values();
        standing.any(|standing| standing.tier() > Tier::None)
            || board.processes.values().any(|p| self.touches(p))
    }
}

/// What tonight is by what stands now; [`None`] where the city has no evening product.
pub fn tonight(city: &City, board: &Board, at: Time) -> Option<Tonight> {
    let night = Night::of(city, city.services.evening.as_ref()?, at);
    let mut found: BTreeMap<(AreaNo, Hazard), Vec<RiskReason>> = BTreeMap::new();
    let mut speak = |code: AreaCode, hazard: Hazard, reason: RiskReason| {
        for no in townships(city, code) {
            let reasons = found.entry((no, hazard)).or_default();
            reasons.push(reason.clone());
        }
    };
    for standing in board.standing.values() {
        for (code, reason) in words(standing) {
            speak(code, standing.hazard, reason);
        }
    }
    for process in board.processes.values().filter(|p| night.touches(p)) {
        for code in &process.areas {
            let reason = RiskReason {
                tier: Tier::None,
                ground: Ground::Process,
                sender: process.by.clone(),
                reference: process.id.clone(),
                since: process.onset,
            };
            speak(*code, process.hazard, reason);
        }
    }
    let risks = found.into_iter();
    let risks = risks.filter_map(|((no, hazard), mut reasons)| {
        reasons.sort_by(|a, b| {
            (b.tier, a.ground, &a.reference).cmp(&(a.tier, b.ground, &b.reference))
        });
        reasons.dedup();
        reasons.truncate(REASONS_MAX);
        Some(Risk {
            area: city.area(no)?.code,
            hazard,
            tier: reasons.first()?.tier,
            reasons,
        })
    });
    let risks = risks.collect();
    let transfers = board.transfers.values();
    let left = transfers.filter(|t| t.returned.is_none() && t.moved < t.planned);
    Some(Tonight {
        transfers: left.cloned().collect(),
        risks,
        night,
    })
}

/// What a standing warning says of its areas: what is in force, and what was found.
fn words(standing: &Standing) -> Vec<(AreaCode, RiskReason)> {
    let reason = |tier, ground| RiskReason {
        tier,
        ground,
        sender: standing.sender.clone(),
        reference: standing.identifier.clone(),
        since: standing.onset.unwrap_or(standing.sent),
    };
    let official = if standing.is_ours() {
        Ground::Warning
    } else {
        Ground::Signal
    };
    let found = if standing.expected {
        Ground::Forecast
    } else {
        Ground::Situation
    };
    let in_force = standing.official.iter().map(|at| (official, at));
    let both = in_force.chain(standing.found.iter().map(|at| (found, at)));
    let some = both.filter(|(_, (_, tier))| **tier > Tier::None);
    some.map(|(ground, (code, tier))| (*code, reason(*tier, ground)))
        .collect()
}

/// The townships in an area, that which holds it, or itself where there are none.
fn townships(city: &City, code: AreaCode) -> Vec<AreaNo> {
    let Some(no) = city.area_no(code) else {
        return Vec::new();
    };
    let level = |no: AreaNo| city.area(no).map(|area| area.level);
    if let Some(AreaLevel::Township) = level(no) {
        return vec![no];
    }
    if let Some(above) = city
        .ancestors(no)
        .find(|above| level(*above) == Some(AreaLevel::Township))
    {
        return vec![above];
    }
    let all = city.areas_of(AreaLevel::Township);
    let within: Vec<AreaNo> = all.filter(|of| city.is_within(*of, no)).collect();
    if within.is_empty() { vec![no] } else { within }
}

impl Services {
    /// Drafts the evening product once tonight has a risk; what nobody filed in time is missed while
    /// the risk stands.
    pub(super) fn evening(&self, at: Time, responses: &mut Responses, out: &mut Vec<Entry>) {
        let Some(times) = &self.city.services.evening else {
            return;
        };
        let drafted = responses.board().evenings.values();
        let overdue = drafted.filter(|e| e.state == EveningState::Drafted && at > e.due);
        let overdue: Vec<Evening> = overdue.cloned().collect();
        for mut evening in overdue {
            let night = Night::after(&self.city, times, evening.due);
            evening.state = if night.is_risky(responses.board()) {
                EveningState::Missed
            } else {
                EveningState::NotAsked
            };
            evening.since = at;
            responses.note(at, What::Evening(evening), out);
        }
        let night = Night::of(&self.city, times, at);
        let board = responses.board();
        let is_open = (night.from..=night.due).contains(&at);
        if is_open && !board.evenings.contains_key(&night.day) && night.is_risky(board) {
            let evening = night.drafted(at);
            responses.note(at, What::Evening(evening), out);
        }
    }

    /// The evening product that a person may file now.
    pub(super) fn evening_to_file(
        &self,
        at: Time,
        day: &str,
        board: &Board,
    ) -> Result<Evening, ServiceRefusal> {
        let none = || ServiceRefusal::NoEvening {
            day: day.to_owned(),
        };
        let times = self.city.services.evening.as_ref().ok_or_else(none)?;
        if let Some(evening) = board.evenings.get(day) {
            return if evening.by.is_empty() {
                Ok(evening.clone())
            } else {
                Err(ServiceRefusal::FiledAlready {
                    by: evening.by.clone(),
                })
            };
        }
        let night = Night::of(&self.city, times, at);
        if night.day == day && at >= night.from {
            return Ok(night.drafted(at));
        }
        Err(none())
    }

    pub(super) fn next_evening(&self, at: Time, board: &Board) -> Vec<Time> {
        let Some(times) = &self.city.services.evening else {
            return Vec::new();
        };
        let drafted = board.evenings.values();
        let drafted = drafted.filter(|evening| evening.state == EveningState::Drafted);
        let mut next: Vec<Time> = drafted.map(|evening| evening.due + MOMENT).collect();
        for day in [at, at + DAY] {
            next.push(Night::of(&self.city, times, day).from);
        }
        next
    }
}

impl Night {
    fn drafted(&self, at: Time) -> Evening {
        Evening {
            day: self.day.clone(),
            state: EveningState::Drafted,
            since: at,
            due: self.due,
            by: String::new(),
            text: model::Named::default(),
        }
    }
}
