//! A weather process as it stands: its slots with their clocks, and what was filed.

use super::Stage;
use crate::{AreaCode, Hazard, Named, Span, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A weather process (天气过程).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Id: its ladder and a number.
    pub id: String,
    /// Ladder it was begun with; its slots keep the rows of that time.
    pub ladder: String,
    /// Service mode of that ladder.
    pub service: String,
    /// What it is called.
    pub name: Named,
    /// Hazard.
    pub hazard: Hazard,
    /// Hazards whose signals and findings are of it.
    pub hazards: Vec<Hazard>,
    /// Where.
    pub areas: BTreeSet<AreaCode>,
    /// When it is expected to begin, or began.
    pub onset: Time,
    /// When it is expected to end.
    pub end: Time,
    /// How long after that it is closed.
    pub closes: Span,
    /// How it stands.
    pub state: ProcessState,
    /// When it was first known: what was due before is not asked for.
    pub known: Time,
    /// When it was last moved, opened or ended.
    pub changed: Time,
    /// Who did; empty for the machine.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it was proposed from; empty where a person opened it unasked.
    pub basis: Vec<Basis>,
    /// Its products.
    pub slots: Vec<Slot>,
}

/// How a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// By the machine; its products are due all the same.
    Proposed,
    /// Taken up by a person.
    Open,
    /// Over.
    Ended,
}

/// What speaks for a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// What kind of word it is.
    pub ground: Ground,
    /// Identifier of a signal, id of a warning, issue of a forecast.
    pub reference: String,
    /// Whose.
    pub sender: String,
    /// Tier, where it has one.
    pub tier: Tier,
    /// When it says that it begins.
    pub onset: Time,
}

/// What kind of word speaks for a process or a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// An official signal of another authority.
    Signal,
    /// A warning of ours that was issued.
    Warning,
    /// Measured: a tier that our rules found.
    Situation,
    /// Forecasts: a tier that our rules expect, or a value beyond what the city looks for.
    Forecast,
    /// A process that is expected.
    Process,
}

/// One product of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// What is due.
    pub stage: Stage,
    /// Which time it is due, from 0, where it is due again and again.
    pub round: u32,
    /// When; nothing where it is due with the first finding.
    pub clock: Option<Clock>,
    /// When its times were last set: nothing is asked for whose moment was before.
    pub asked_from: Time,
    /// How it stands.
    pub state: SlotState,
    /// Since when.
    pub since: Time,
    /// What went out, or counts as it.
    pub product: Option<Product>,
    /// Earlier rounds that were missed, the oldest first: owed until they are filed or the process
    /// is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Round>,
}

/// A round that was missed before the next one began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Which time it was due, from 0.
    pub round: u32,
    /// When.
    pub clock: Option<Clock>,
    /// Since when it is missed.
    pub since: Time,
    /// What was filed late; nothing while it is owed.
    pub product: Option<Product>,
}

/// When a product is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The lead's moment.
    pub moment: Time,
    /// From when on it is worked on.
    pub opens: Time,
    /// Until when it is in time.
    pub due: Time,
}

/// How a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Its time has not come.
    Waiting,
    /// To be done now.
    Due,
    /// Done in time.
    Done,
    /// Its time passed without a product: an alarm.
    Missed,
    /// Done after that.
    Late,
    /// Its time was past when the process was first known, or the process ended before.
    NotAsked,
}

/// What met a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// What kind of thing it is.
    pub kind: ProductKind,
    /// When it met the slot.
    pub at: Time,
    /// Who filed it; the sender of what counts by itself.
    pub by: String,
    /// Its words; empty for what counts by itself.
    pub text: String,
    /// Its number or address; identifier or id of what counts by itself.
    pub reference: String,
}

/// What kind of thing met a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// A person filed it.
    Filed,
    /// An official signal is it.
    Signal,
    /// A warning of ours is it.
    Warning,
    /// The first finding.
    Finding,
}

/// The evening product of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evening {
    /// The day, as `2026-05-08` in the city's time.
    pub day: String,
    /// How it stands.
    pub state: EveningState,
    /// Since when.
    pub since: Time,
    /// By when it is due.
    pub due: Time,
    /// Who filed it; empty until then.
    pub by: String,
    /// As it went out.
    pub text: Named,
}

/// How an evening product stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EveningState {
    /// Tonight has a risk: a person is to file it.
    Drafted,
    /// Filed in time.
    Filed,
    /// Its time passed while the risk stood: an alarm.
    Missed,
    /// Filed after that.
    Late,
    /// The risk was gone before it was due.
    NotAsked,
}

impl Process {
    /// True until it is over.
    pub fn is_live(&self) -> bool {
        self.state != ProcessState::Ended
    }

    /// When it is closed without anybody's act.
    pub fn closing(&self) -> Time {
        self.end + self.closes
    }

    /// The slot of that id.
    pub fn slot(&self, id: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.stage.id == id)
    }
}

impl Slot {
    /// Rounds kept that were missed before; those that were filed go first, then the oldest.
    const BEHIND_MAX: usize = 12;

    /// Keeps the round that was missed beside the one that begins.
    pub fn fall_behind(&mut self) {
        self.behind.push(Round {
            round: self.round,
            clock: self.clock,
            since: self.since,
            product: None,
        });
        if self.behind.len() > Self::BEHIND_MAX {
            let mut behind = self.behind.iter();
            let filed = behind.position(|round| round.product.is_some());
            self.behind.remove(filed.unwrap_or(0));
        }
    }

    /// True where an entry of that time says that the slot is missed, and not that an earlier round
    /// was filed.
    pub fn was_missed(&self, at: Time) -> bool {
        let mut filed = self.behind.iter().filter_map(|r| r.product.as_ref());
        self.state == SlotState::Missed && self.since == at && !filed.any(|p| p.at == at)
    }

    /// Earlier rounds that nobody filed.
    pub fn owed(&self) -> impl Iterator<Item = &Round> {
        self.behind.iter().filter(|round| round.product.is_none())
    }
}

impl SlotState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Due,
        Self::Done,
        Self::Missed,
        Self::Late,
        Self::NotAsked,
    ];

    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Done => "done",
            Self::Missed => "missed",
            Self::Late => "late",
            Self::NotAsked => "not_asked",
        }
    }

    /// The Chinese name.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Waiting => "未到时",
            Self::Due => "应制作",
            Self::Done => "已完成",
            Self::Missed => "漏报",
            Self::Late => "迟报",
            Self::NotAsked => "不要求",
        }
    }

    /// The English name.
    pub const fn en(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Due => "Due",
            Self::Done => "Done",
            Self::Missed => "Missed",
            Self::Late => "Late",
            Self::NotAsked => "Not asked",
        }
    }
}

impl EveningState {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Filed => "filed",
            Self::Missed => "missed",
            Self::Late => "late",
            Self::NotAsked => "not_asked",
        }
    }
}
