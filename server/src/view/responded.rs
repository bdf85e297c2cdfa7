//! Responses and products as they stand, and the timeline of what became of them, of tasks and of the
//! warnings behind them.

use super::View;
use model::order::Audit;
use model::response::{Board, Entry, What};
use model::service::{EveningState, SlotState};
use model::{AreaCode, City, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Entries of the timeline kept; the oldest go first.
const TIMELINE_MAX: usize = 2_000;
/// Looks of auditors kept for the list; all of them are in the journal.
const AUDITS_MAX: usize = 1_000;

/// What the city's zone said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Responded {
    pub(crate) board: Board,
    timeline: VecDeque<Entry>,
    /// Looks of auditors: of no concern to who answers a storm, and never pushed out by it.
    #[serde(default)]
    audits: VecDeque<(Time, Audit)>,
}

impl Responded {
    /// Takes an entry in; false where it was before.
    pub(crate) fn take(&mut self, entry: &Entry) -> bool {
        if entry.number <= self.board.number {
            return false;
        }
        self.board.apply(entry);
        if let What::Audit(audit) = &entry.what {
            self.audits.push_back((entry.at, audit.clone()));
            if self.audits.len() > AUDITS_MAX {
                self.audits.pop_front();
            }
            return true;
        }
        self.timeline.push_back(entry.clone());
        while self.timeline.len() > TIMELINE_MAX {
            self.timeline.pop_front();
        }
        true
    }

    /// When the last signal or warning in force in an area, in a part of it or over it was lifted;
    /// [`None`] while one stands, and where the timeline remembers none.
    pub(crate) fn lifted(&self, city: &City, area: AreaCode) -> Option<Time> {
        let mut standing = self.board.standing.values();
        if standing.any(|standing| standing.official_in(city, area).is_some()) {
            return None;
        }
        let (mut here, mut lifted) = (BTreeSet::new(), None);
        for entry in &self.timeline {
            let (key, stands) = match &entry.what {
                What::Standing(standing) => {
                    let stands = standing.official_in(city, area).is_some();
                    (&standing.key, stands)
                }
                // Its beginning may lie before all that is kept.
                What::Over(standing) => {
                    if standing.official_in(city, area).is_some() {
                        here.insert(&standing.key);
                    }
                    (&standing.key, false)
                }
                What::Response(_)
                | What::Task(_)
                | What::Transfer(_)
                | What::Damage(_)
                | What::Incident(_)
                | What::Process(_)
                | What::Slot(_)
                | What::Evening(_)
                | What::Audit(_) => continue,
            };
            if stands {
                here.insert(key);
            } else if here.remove(key) {
                lifted = Some(entry.at);
            }
        }
        lifted
    }

    /// The entries kept, oldest first.
    pub(crate) fn timeline(&self) -> impl Iterator<Item = &Entry> {
        self.timeline.iter()
    }

    /// The newest looks of auditors, newest first.
    pub(crate) fn audits(&self) -> impl Iterator<Item = (Time, &Audit)> {
        self.audits.iter().rev().map(|(at, audit)| (*at, audit))
    }
}

/// How many products are to be done, soon too late, or missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) due: i64,
    pub(crate) due_soon: i64,
    pub(crate) missed: i64,
}

/// A due product is soon too late from so long before on.
const SOON: Span = Span::from_minutes(30);

impl Owed {
    fn count(&mut self, due: Time, now: Time) {
        self.due += 1;
        if due.since(now) <= SOON {
            self.due_soon += 1;
        }
    }

    /// Those of a board. What was missed counts until it is filed or its process is over, an evening
    /// until it is filed or the next one is due.
    fn of(board: &Board, now: Time) -> Self {
        let mut owed = Self::default();
        let live = board.processes.values().filter(|process| process.is_live());
        for slot in live.flat_map(|process| &process.slots) {
            owed.missed += i64::try_from(slot.owed().count()).unwrap_or(i64::MAX);
            match (slot.state, slot.clock) {
                (SlotState::Due, Some(clock)) => owed.count(clock.due, now),
                (SlotState::Missed, _) => owed.missed += 1,
                (SlotState::Due, None)
                | (
                    SlotState::Waiting | SlotState::Done | SlotState::Late | SlotState::NotAsked,
                    _,
                ) => {}
            }
        }
        if let Some(evening) = board.evenings.values().next_back() {
            match evening.state {
                EveningState::Drafted => owed.count(evening.due, now),
                EveningState::Missed if now.since(evening.due) < DAY => owed.missed += 1,
                EveningState::Missed
                | EveningState::Filed
                | EveningState::Late
                | EveningState::NotAsked => {}
            }
        }
        owed
    }
}

/// How long a missed evening product is an alarm.
const DAY: Span = Span::from_minutes(24 * 60);

/// What an entry says was missed: of which process, or `evening`, and which slot or day.
pub(crate) fn missed(entry: &Entry) -> Option<(&str, &str)> {
    match &entry.what {
        What::Slot(of) if of.slot.was_missed(entry.at) => Some((&of.process, &of.slot.stage.id)),
        What::Evening(evening) if evening.state == EveningState::Missed => {
            Some(("evening", &evening.day))
        }
        What::Slot(_)
        | What::Evening(_)
        | What::Standing(_)
        | What::Over(_)
        | What::Response(_)
        | What::Task(_)
        | What::Transfer(_)
        | What::Damage(_)
        | What::Incident(_)
        | What::Process(_)
        | What::Audit(_) => None,
    }
}

impl View {
    /// Products to be done at an instant.
    pub(crate) fn owed(&self, now: Time) -> Owed {
        Owed::of(&self.inner.read().responded.board, now)
    }

    /// Shows what became of a response, a task or a warning behind them.
    pub(crate) fn entry(&self, entry: &Entry) {
        if self.inner.write().responded.take(entry) {
            // Readers ask for the words: what an entry names depends on the city.
            let number = serde_json::json!({ "number": entry.number });
            self.stream.send("timeline", &number);
            if let Some((process, slot)) = missed(entry) {
                let alarm = serde_json::json!({ "process": process, "slot": slot });
                self.stream.send("missed", &alarm);
            }
        }
    }

    /// Shows what was remembered, unless more is known already.
    pub(crate) fn responded_again(&self, remembered: &Responded) {
        let mut inner = self.inner.write();
        if remembered.board.number > inner.responded.board.number {
            inner.responded = remembered.clone();
        }
    }

    /// Looks at responses.
    pub(crate) fn responded<T>(&self, look: impl FnOnce(&Responded) -> T) -> T {
        look(&self.inner.read().responded)
    }
}
