//! Weather processes and what is due before them: proposed from forecasts, signals and our own
//! findings, opened, moved and ended by people; each slot waits, is due, is done or is missed
//! (domain §1). Record time decides, nothing goes out by itself.
//!
//! One machine beside the responses of the city's zone. What it says are entries of theirs, so that
//! warnings, responses and products are one timeline.

mod act;
mod clock;
mod propose;
mod tonight;

pub use tonight::{Night, Risk, RiskReason, Tonight, tonight};

use crate::response::Responses;
use model::response::{Board, Entry, SlotOf, Standing, What};
use model::service::{Process, ProcessState, Product, ProductKind, Slot, SlotState};
use model::{AreaCode, AreaNo, City, Span, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Processes that are not over, at most.
const LIVE_MAX: usize = 40;
/// The least time there is.
const MOMENT: Span = Span::from_millis(1);

/// The machine.
#[derive(Clone, Debug)]
pub struct Services {
    city: Arc<City>,
    state: State,
    /// Nothing changes by time alone before.
    next: Time,
}

/// All that it remembers besides the board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The tier at which each standing warning was last looked at: what people ended comes back
    /// only with something new.
    weighed: BTreeMap<String, Tier>,
    /// The newest issue of each forecast that was heard.
    #[serde(default)]
    issues: propose::Issues,
}

impl Services {
    /// Nothing known.
    pub fn new(city: Arc<City>) -> Self {
        Self::restore(city, State::default())
    }

    /// Goes on from a state.
    pub const fn restore(city: Arc<City>, state: State) -> Self {
        Self {
            city,
            state,
            next: Time::from_millis(i64::MIN),
        }
    }

    /// What it remembers.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Goes on with other ladders; what is under way keeps the rows it began with.
    pub fn adopt(
        &mut self,
        at: Time,
        city: Arc<City>,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        self.city = city;
        self.advance(at, &BTreeSet::new(), responses, out);
    }

    /// Time passed: comes before what a record brings, so that what came in time counts as such.
    pub fn tick(&mut self, at: Time, responses: &mut Responses, out: &mut Vec<Entry>) {
        if at >= self.next {
            self.advance(at, &BTreeSet::new(), responses, out);
        }
    }

    /// Looks at what the record changed among standing warnings: the entries from `from` on.
    pub fn follow(
        &mut self,
        at: Time,
        from: usize,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        let said = out.get(from..).unwrap_or_default().to_vec();
        let is_new = |entry: &Entry| match &entry.what {
            What::Standing(_) | What::Over(_) => true,
            What::Response(_)
            | What::Task(_)
            | What::Transfer(_)
            | What::Damage(_)
            | What::Incident(_)
            | What::Process(_)
            | What::Slot(_)
            | What::Evening(_)
            | What::Audit(_) => false,
        };
        if responses.take_renewed() || said.iter().any(is_new) {
            let fresh = self.weigh(at, &said, responses, out);
            self.advance(at, &fresh, responses, out);
        }
    }

    /// Moves everything on that time or a standing warning moves.
    fn advance(
        &mut self,
        at: Time,
        fresh: &BTreeSet<String>,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        let live = responses.board().processes.values();
        let live: Vec<Process> = live.filter(|process| process.is_live()).cloned().collect();
        for process in live {
            self.run(at, process, fresh, responses, out);
        }
        self.evening(at, responses, out);
        self.next = self.next_change(at, responses.board());
    }

    fn run(
        &self,
        at: Time,
        process: Process,
        fresh: &BTreeSet<String>,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        let until = at.min(process.closing());
        for slot in &process.slots {
            let mut slot = slot.clone();
            while let Some(next) = self.moved_on(&process, &slot, until, (at, fresh), responses) {
                slot = Slot { since: at, ..next };
                let of = SlotOf {
                    process: process.id.clone(),
                    slot: slot.clone(),
                };
                responses.note(at, What::Slot(Box::new(of)), out);
            }
        }
        if at > process.closing() {
            let stands = responses.board().processes.get(&process.id).cloned();
            if let Some(stands) = stands {
                close(stands, at, None, responses, out);
            }
        }
    }

    /// What becomes of a slot next, [`None`] where it stays.
    fn moved_on(
        &self,
        process: &Process,
        slot: &Slot,
        until: Time,
        (at, fresh): (Time, &BTreeSet<String>),
        responses: &Responses,
    ) -> Option<Slot> {
        let with = |state, product| Slot {
            state,
            product,
            ..slot.clone()
        };
        let Some(clock) = slot.clock else {
            let is_open = slot.state == SlotState::Waiting;
            let finding = is_open.then(|| self.finding(process, (at, fresh), responses.board()));
            return Some(with(SlotState::Done, Some(finding.flatten()?)));
        };
        let again = || {
            let (round, next) = clock::next(&self.city, process, slot)?;
            (until >= next.opens).then(|| {
                let mut slot = slot.clone();
                if slot.state == SlotState::Missed {
                    slot.fall_behind();
                }
                Slot {
                    round,
                    clock: Some(next),
                    state: SlotState::Due,
                    product: None,
                    ..slot
                }
            })
        };
        let counted = || self.counted(process, slot, at, responses);
        match slot.state {
            SlotState::Waiting => (until >= clock.opens).then(|| with(SlotState::Due, None)),
            SlotState::Due => match counted() {
                Some(product) => Some(with(SlotState::Done, Some(product))),
                None => (until > clock.due).then(|| with(SlotState::Missed, None)),
            },
            SlotState::Missed => match counted() {
                Some(product) => Some(with(SlotState::Late, Some(product))),
                None => again(),
            },
            SlotState::Done | SlotState::Late => again(),
            SlotState::NotAsked => None,
        }
    }

    /// What in force is the product already: signals and warnings that together cover every area of
    /// the process, each of them sent or renewed since the slot opened. The newest is named.
    fn counted(
        &self,
        process: &Process,
        slot: &Slot,
        at: Time,
        responses: &Responses,
    ) -> Option<Product> {
        use model::service::Counts;
        let (stage, opened) = (&slot.stage, slot.clock?.opens);
        let standing = responses.board().standing.values().filter(|standing| {
            let counts = if standing.is_ours() {
                Counts::Warning
            } else {
                Counts::Signal
            };
            stage.counts.contains(&counts)
                && process.hazards.contains(&standing.hazard)
                && responses.acted(standing) >= opened
        });
        let (mut covered, mut newest) = (BTreeSet::new(), None);
        for standing in standing {
            let official = standing.official.iter();
            let high = official
                .filter(|(code, tier)| **tier >= stage.at_least && self.concerns(process, **code));
            let areas = high.filter_map(|(code, _)| self.city.area_no(*code));
            let before = covered.len();
            covered.extend(areas);
            let since = responses.acted(standing);
            if covered.len() > before && newest.is_none_or(|(last, _)| since > last) {
                newest = Some((since, standing));
            }
        }
        let mut areas = process.areas.iter();
        let is_met = areas.all(|code| {
            let area = self.city.area_no(*code);
            area.is_some_and(|area| is_covered(&self.city, area, &covered))
        });
        let (_, found) = newest.filter(|_| is_met)?;
        let kind = if found.is_ours() {
            ProductKind::Warning
        } else {
            ProductKind::Signal
        };
        Some(product(kind, at, found))
    }

    /// A finding of ours there: a new one, or any once the process is to have begun.
    fn finding(
        &self,
        process: &Process,
        (at, fresh): (Time, &BTreeSet<String>),
        board: &Board,
    ) -> Option<Product> {
        let mut standing = board.standing.values().filter(|standing| {
            let is_new = at >= process.onset || fresh.contains(&standing.key);
            is_new && !standing.expected && process.hazards.contains(&standing.hazard)
        });
        let found = standing.find(|standing| {
            let found = standing.found.iter();
            let mut found = found.filter(|(_, tier)| **tier > Tier::None);
            found.any(|(code, _)| self.concerns(process, *code))
        })?;
        Some(product(ProductKind::Finding, at, found))
    }

    /// True where the area is one of the process, or a part of one, or around one.
    fn concerns(&self, process: &Process, code: AreaCode) -> bool {
        let mut areas = process.areas.iter();
        areas.any(|of| touches(&self.city, *of, code))
    }

    /// When time alone will change something, after `at`.
    fn next_change(&self, at: Time, board: &Board) -> Time {
        let live = board.processes.values().filter(|process| process.is_live());
        let of_processes = live.flat_map(|process| {
            let slots = process.slots.iter();
            let of_slots = slots.filter_map(|slot| self.next_of(process, slot));
            of_slots.chain([process.closing() + MOMENT])
        });
        let later = of_processes.chain(self.next_evening(at, board));
        later
            .filter(|time| *time > at)
            .min()
            .unwrap_or(Time::from_millis(i64::MAX))
    }

    fn next_of(&self, process: &Process, slot: &Slot) -> Option<Time> {
        match (slot.state, slot.clock) {
            (SlotState::Waiting, None) => Some(process.onset),
            (SlotState::Waiting, Some(clock)) => Some(clock.opens),
            (SlotState::Due, Some(clock)) => Some(clock.due + MOMENT),
            (SlotState::Done | SlotState::Missed | SlotState::Late, Some(_)) => {
                clock::next(&self.city, process, slot).map(|(_, next)| next.opens)
            }
            (SlotState::NotAsked, _)
            | (SlotState::Due | SlotState::Done | SlotState::Missed | SlotState::Late, None) => {
                None
            }
        }
    }
}

/// Ends a process: what was not done is not asked for any more. Where nobody ends it, it keeps who
/// last had it in hand and why.
fn close(
    mut process: Process,
    at: Time,
    signed: Option<(&str, &str)>,
    responses: &mut Responses,
    out: &mut Vec<Entry>,
) {
    process.state = ProcessState::Ended;
    process.changed = at;
    if let Some((person, reason)) = signed {
        (process.by, process.reason) = (person.to_owned(), reason.to_owned());
    }
    for slot in &mut process.slots {
        if matches!(slot.state, SlotState::Waiting | SlotState::Due) {
            (slot.state, slot.since) = (SlotState::NotAsked, at);
        }
    }
    responses.note(at, What::Process(Box::new(process)), out);
}

fn product(kind: ProductKind, at: Time, standing: &Standing) -> Product {
    Product {
        kind,
        at,
        by: standing.sender.clone(),
        text: String::new(),
        reference: standing.identifier.clone(),
    }
}

/// True where an area lies in one of these, or all of its parts do.
fn is_covered(city: &City, area: AreaNo, by: &BTreeSet<AreaNo>) -> bool {
    let mut around = std::iter::once(area).chain(city.ancestors(area));
    let parts = city.children(area);
    around.any(|of| by.contains(&of))
        || (!parts.is_empty() && parts.iter().all(|part| is_covered(city, *part, by)))
}

/// True where one of two areas is the other or lies in it.
fn touches(city: &City, one: AreaCode, other: AreaCode) -> bool {
    match (city.area_no(one), city.area_no(other)) {
        (Some(one), Some(other)) => city.is_within(one, other) || city.is_within(other, one),
        _ => false,
    }
}
