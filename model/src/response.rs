//! Emergency responses (应急响应): families and levels, the plans that propose them, and what one
//! zone, the city's, says of them. A person starts, changes and ends each (design §3).

mod board;
mod plan;

pub use board::{Board, Entry, Incident, Remaining, SlotOf, What};
pub use plan::{
    Condition, ConditionError, Confidence, Consequence, DamageKind, Evidence, Grade, Hours, Plan,
    Plans, Post, Source, TaskRow, Term, Unit,
};

use crate::signal::StateOf;
use crate::{AreaCode, Hazard, Named, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a response is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// 防汛: rivers and reservoirs.
    Flood,
    /// 防暴雨内涝: rain and waterlogging.
    Waterlogging,
    /// 防风.
    Wind,
    /// 防旱.
    Drought,
    /// 防冻.
    Freezing,
    /// 气象灾害: the meteorological command's own ladder, beside the others.
    Weather,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 6] = [
        Self::Flood,
        Self::Waterlogging,
        Self::Wind,
        Self::Drought,
        Self::Freezing,
        Self::Weather,
    ];

    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Waterlogging => "waterlogging",
            Self::Wind => "wind",
            Self::Drought => "drought",
            Self::Freezing => "freezing",
            Self::Weather => "weather",
        }
    }

    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The Chinese name.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Flood => "防汛",
            Self::Waterlogging => "防暴雨内涝",
            Self::Wind => "防风",
            Self::Drought => "防旱",
            Self::Freezing => "防冻",
            Self::Weather => "气象灾害",
        }
    }

    /// The English name.
    pub const fn en(self) -> &'static str {
        match self {
            Self::Flood => "Flood",
            Self::Waterlogging => "Rainstorm and waterlogging",
            Self::Wind => "Wind",
            Self::Drought => "Drought",
            Self::Freezing => "Freezing",
            Self::Weather => "Meteorological disaster",
        }
    }
}

/// How high a response stands: 关注 < Ⅳ < Ⅲ < Ⅱ < Ⅰ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// 关注: attention, below the four.
    #[serde(rename = "attention")]
    Attention,
    /// Ⅳ.
    IV,
    /// Ⅲ.
    III,
    /// Ⅱ.
    II,
    /// Ⅰ, the highest.
    I,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 5] = [Self::Attention, Self::IV, Self::III, Self::II, Self::I];

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::IV => "IV",
            Self::III => "III",
            Self::II => "II",
            Self::I => "I",
        }
    }

    /// The Chinese name.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Attention => "关注级",
            Self::IV => "Ⅳ级",
            Self::III => "Ⅲ级",
            Self::II => "Ⅱ级",
            Self::I => "Ⅰ级",
        }
    }
}

/// One official warning, or our own findings towards one, as it stands with its areas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Identifier of a signal with its tier, or id of a warning of ours.
    pub key: String,
    /// Identifier as its authority wrote it.
    pub identifier: String,
    /// Whose it is.
    pub sender: String,
    /// Hazard.
    pub hazard: Hazard,
    /// When it was sent.
    pub sent: Time,
    /// Tiers in force by official act.
    pub official: BTreeMap<AreaCode, Tier>,
    /// Tiers that our rules have found reached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<AreaCode, Tier>,
    /// The state bulletin it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateOf>,
    /// When what a signal says begins; [`None`] for a warning of ours, whose tiers are found now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Time>,
    /// True where what our rules have found rests on forecasts alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
}

impl Standing {
    /// True for a warning of ours: it goes by its id alone, a signal of others by its tier too.
    pub fn is_ours(&self) -> bool {
        self.key == self.identifier
    }

    /// The highest tier by official act or by our rules.
    pub fn tier(&self) -> Tier {
        let tiers = self.official.values().chain(self.found.values());
        tiers.copied().max().unwrap_or_default()
    }
}

/// What a zone's revision of a warning of ours changes for the city: a record of the city's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// Which warning.
    pub warning: WarningId,
    /// Hazard.
    pub hazard: Hazard,
    /// Code of the authority it goes out under.
    pub authority: String,
    /// Observation time of the revision.
    pub time: Time,
    /// Tiers issued; [`None`] where the revision is a proposal and what was issued stands.
    pub issued: Option<BTreeMap<AreaCode, Tier>>,
    /// Tiers that our rules have found reached.
    pub found: BTreeMap<AreaCode, Tier>,
    /// True where these rest on forecasts alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
}

/// One term of a condition as it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The term as written in the plan.
    pub term: String,
    /// How many areas it holds in.
    pub count: u32,
    /// Of how many.
    pub of: u32,
    /// How many are asked for.
    pub needed: u32,
    /// The areas it holds in.
    pub areas: Vec<AreaCode>,
    /// Keys of the standing warnings behind it.
    pub signals: Vec<String>,
    /// The same in words.
    pub text: Named,
}

/// What is put before the person who signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The level; [`None`] to end it.
    pub level: Option<Level>,
    /// Since when it is proposed.
    pub since: Time,
    /// The clause of the plan.
    pub clause: String,
    /// What it rests on.
    pub reasons: Vec<Reason>,
}

/// What the warnings implied when a person sent it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// That level; [`None`] for an end.
    pub level: Option<Level>,
    /// Who sent it away; empty in records of before that was kept.
    #[serde(default)]
    pub by: String,
    /// When.
    #[serde(default)]
    pub at: Option<Time>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A response of one plan in one area: proposed, in force, or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Plan id.
    pub plan: String,
    /// Where.
    pub area: AreaCode,
    /// Family.
    pub family: Family,
    /// Level in force.
    pub level: Option<Level>,
    /// When it was started, last.
    pub started: Option<Time>,
    /// When a person last changed it.
    pub changed: Option<Time>,
    /// Who did.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What the plan said when it was signed.
    pub basis: Vec<Reason>,
    /// When it was ended, last; [`None`] while it is in force.
    pub ended: Option<Time>,
    /// What is proposed, where that differs from what is in force.
    pub proposal: Option<Proposal>,
    /// What the signals imply and a person sent away; it comes back only higher, or after a fall.
    pub declined: Option<Declined>,
    /// The city's level in the same family, where this district stands below it.
    pub below: Option<Level>,
}

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// To be done.
    Open,
    /// Its owner says that it will be late.
    Late,
    /// Done.
    Done,
    /// The response was ended before it was done.
    Dropped,
}

/// A task of a plan, opened by a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Id of the row in `plans.csv`.
    pub id: String,
    /// Plan of the response that opened it.
    pub plan: String,
    /// Area of that response.
    pub area: AreaCode,
    /// Where it is to be done.
    pub place: AreaCode,
    /// At which site, where it is one's.
    pub site: Option<String>,
    /// What is to be done.
    pub text: Named,
    /// Role that owns it.
    pub owner: String,
    /// When it was opened.
    pub opened: Time,
    /// By when.
    pub due: Time,
    /// How it stands.
    pub state: TaskState,
    /// Who reported last.
    pub by: String,
    /// When.
    pub at: Time,
    /// Their words.
    pub note: String,
}

/// A transfer of people in one area: how many moved and sheltered, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Where.
    pub area: AreaCode,
    /// How many are to move.
    pub planned: u32,
    /// How many have.
    pub moved: u32,
    /// How many are in shelters.
    pub sheltered: u32,
    /// By when.
    pub due: Time,
    /// Who reported last.
    pub by: String,
    /// When.
    pub at: Time,
    /// Their words.
    pub note: String,
    /// When they were told that they may return.
    pub returned: Option<Time>,
}

/// Damage as it was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Kind of the city's list.
    pub kind: String,
    /// Where.
    pub area: AreaCode,
    /// Whether it still holds.
    pub holds: bool,
    /// Who reported.
    pub by: String,
    /// When.
    pub at: Time,
    /// Their words.
    pub note: String,
}
