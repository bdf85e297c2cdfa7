//! What stands of responses: the fold over the entries that the city's machine wrote, the same for
//! the machine itself, for the screens and after a restart.

use super::{Damage, Level, Response, Standing, Task, TaskState, Transfer};
use crate::order::Audit;
use crate::service::{Evening, Process, ProcessState, Slot};
use crate::{AreaCode, City, Hazard, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Processes that are over and are still shown; the oldest go first.
const OVER_MAX: usize = 100;
/// Evenings kept.
const EVENINGS_MAX: usize = 31;

/// One step of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1.
    pub number: u64,
    /// Record time.
    pub at: Time,
    /// What changed, as it is now.
    pub what: What,
}

/// What an entry is about, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "item", rename_all = "snake_case")]
pub enum What {
    /// A warning of ours or another's, or our findings towards one, in force.
    Standing(Standing),
    /// It is over.
    Over(Standing),
    /// A response: proposed, started, changed or ended.
    Response(Response),
    /// A task.
    Task(Task),
    /// A transfer.
    Transfer(Transfer),
    /// Reported damage.
    Damage(Damage),
    /// An incident was opened or closed.
    Incident(Incident),
    /// A weather process was proposed, opened, moved or ended.
    Process(Box<Process>),
    /// A product of a process: due, done, missed.
    Slot(Box<SlotOf>),
    /// The evening product: drafted, filed, missed.
    Evening(Evening),
    /// An auditor looked at what people were sent: it stands in the order of acts and on no board.
    Audit(Audit),
}

/// A slot and the process it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotOf {
    /// Id of the process.
    pub process: String,
    /// The slot as it is now.
    pub slot: Slot,
}

/// An incident: opened with the first response in an area, closed by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Where.
    pub area: AreaCode,
    /// Since when.
    pub opened: Time,
    /// When it was closed.
    pub closed: Option<Time>,
    /// Who closed it; empty while it is open.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Something that an end of something else leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Remaining {
    /// An official warning in force.
    Signal {
        /// Hazard.
        hazard: Hazard,
        /// Highest tier in the area or a part of it.
        tier: Tier,
        /// Its identifier.
        identifier: String,
    },
    /// A response in force.
    Response {
        /// Plan.
        plan: String,
        /// Where.
        area: AreaCode,
        /// Level.
        level: Level,
    },
    /// People who moved and were not told that they may return.
    Transfer {
        /// Where.
        area: AreaCode,
        /// How many moved.
        moved: u32,
    },
    /// A task that is not done.
    Task {
        /// Which.
        id: String,
    },
    /// An incident that nobody closed.
    Incident {
        /// Where.
        area: AreaCode,
    },
}

/// All that stands. Bounded by the plans, areas and task rows of the city, and by the warnings that
/// the machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Number of the newest entry.
    pub number: u64,
    /// Warnings in force, by key.
    pub standing: BTreeMap<String, Standing>,
    /// By plan, then area.
    pub responses: BTreeMap<String, BTreeMap<AreaCode, Response>>,
    /// By id.
    pub tasks: BTreeMap<String, Task>,
    /// By area.
    pub transfers: BTreeMap<AreaCode, Transfer>,
    /// By kind, then area.
    pub damage: BTreeMap<String, BTreeMap<AreaCode, Damage>>,
    /// By area.
    pub incidents: BTreeMap<AreaCode, Incident>,
    /// Weather processes by id.
    #[serde(default)]
    pub processes: BTreeMap<String, Process>,
    /// Evening products by day.
    #[serde(default)]
    pub evenings: BTreeMap<String, Evening>,
}

impl Board {
    /// Takes an entry in; one that was taken before changes nothing.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.number <= self.number {
            return;
        }
        self.number = entry.number;
        match entry.what.clone() {
            What::Standing(standing) => {
                self.standing.insert(standing.key.clone(), standing);
            }
            What::Over(standing) => {
                self.standing.remove(&standing.key);
            }
            What::Response(response) => {
                let of_plan = self.responses.entry(response.plan.clone()).or_default();
                of_plan.insert(response.area, response);
            }
            What::Task(task) => {
                self.tasks.insert(task.id.clone(), task);
            }
            What::Transfer(transfer) => {
                self.transfers.insert(transfer.area, transfer);
            }
            What::Damage(damage) => {
                let of_kind = self.damage.entry(damage.kind.clone()).or_default();
                if damage.holds {
                    of_kind.insert(damage.area, damage);
                } else {
                    of_kind.remove(&damage.area);
                }
            }
            What::Incident(incident) => {
                self.incidents.insert(incident.area, incident);
            }
            What::Process(process) => {
                self.processes.insert(process.id.clone(), *process);
                self.let_go_of_processes();
            }
            What::Slot(of) => {
                let process = self.processes.get_mut(&of.process);
                let slots = process.into_iter().flat_map(|process| &mut process.slots);
                let mut same = slots.filter(|slot| slot.stage.id == of.slot.stage.id);
                if let Some(slot) = same.next() {
                    *slot = of.slot;
                }
            }
            What::Evening(evening) => {
                self.evenings.insert(evening.day.clone(), evening);
                while self.evenings.len() > EVENINGS_MAX {
                    self.evenings.pop_first();
                }
            }
            What::Audit(_) => {}
        }
    }

    fn let_go_of_processes(&mut self) {
        let over = self.processes.values();
        let over = over.filter(|process| process.state == ProcessState::Ended);
        let mut over: Vec<_> = over.map(|p| (p.changed, p.id.clone())).collect();
        over.sort();
        let spare = over.len().saturating_sub(OVER_MAX);
        for (_, id) in over.iter().take(spare) {
            self.processes.remove(id);
        }
    }

    /// The response of a plan in an area.
    pub fn response(&self, plan: &str, area: AreaCode) -> Option<&Response> {
        self.responses.get(plan)?.get(&area)
    }

    /// Every response that was ever proposed or started.
    pub fn all(&self) -> impl Iterator<Item = &Response> {
        self.responses.values().flat_map(BTreeMap::values)
    }

    /// What stands in an area, in a part of it or over it, in a fixed order.
    pub fn remaining(&self, city: &City, area: AreaCode) -> Vec<Remaining> {
        let mut remaining = Vec::new();
        for standing in self.standing.values() {
            if let Some(tier) = standing.official_in(city, area) {
                remaining.push(Remaining::Signal {
                    hazard: standing.hazard,
                    tier,
                    identifier: standing.identifier.clone(),
                });
            }
        }
        let responses = self.all().filter(|r| touches(city, r.area, area));
        remaining.extend(responses.filter_map(|response| {
            Some(Remaining::Response {
                plan: response.plan.clone(),
                area: response.area,
                level: response.level?,
            })
        }));
        let within = |code: AreaCode| is_within(city, code, area);
        let moved = self.transfers.values();
        let moved = moved.filter(|t| t.returned.is_none() && within(t.area));
        remaining.extend(moved.map(|transfer| Remaining::Transfer {
            area: transfer.area,
            moved: transfer.moved,
        }));
        let tasks = self.tasks.values().filter(|task| within(task.place));
        let undone = tasks.filter(|t| matches!(t.state, TaskState::Open | TaskState::Late));
        remaining.extend(undone.map(|task| Remaining::Task {
            id: task.id.clone(),
        }));
        let incidents = self.incidents.values();
        let open = incidents.filter(|i| i.closed.is_none() && within(i.area));
        remaining.extend(open.map(|incident| Remaining::Incident {
            area: incident.area,
        }));
        remaining
    }
}

impl Standing {
    /// The highest official tier in an area, in a part of it or over it.
    pub fn official_in(&self, city: &City, area: AreaCode) -> Option<Tier> {
        let here = self.official.iter();
        let here = here.filter(|(code, _)| touches(city, **code, area));
        here.map(|(_, tier)| *tier).max()
    }
}

/// True where `inner` is `outer` or a part of it.
fn is_within(city: &City, inner: AreaCode, outer: AreaCode) -> bool {
    match (city.area_no(inner), city.area_no(outer)) {
        (Some(inner), Some(outer)) => city.is_within(inner, outer),
        _ => false,
    }
}

/// True where one is the other or a part of it.
fn touches(city: &City, one: AreaCode, other: AreaCode) -> bool {
    is_within(city, one, other) || is_within(city, other, one)
}
