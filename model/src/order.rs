//! What a person did: every act that sways a decision, as it stands in the journal.

use crate::exercise::{Drill, DrillEnd};
use crate::response::{Level, TaskState};
use crate::service::ServiceAct;
use crate::{AreaCode, Channel, Hazard, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An act of a named person. `person` is the id of the configuration, never a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Signs a proposal or a revision.
    Approve {
        /// Which warning.
        warning: WarningId,
        /// The revision seen.
        revision: u32,
        /// [`crate::Warning::seen_hash`] of what was seen.
        seen: String,
        /// Who.
        person: String,
        /// Why, although its words were objected to; empty where they were not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        as_it_stands: String,
    },
    /// Sends a proposal away; it comes back only on a higher tier or a new rise (semantics §23).
    Reject {
        /// Which warning.
        warning: WarningId,
        /// The revision seen.
        revision: u32,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// Changes tiers, areas or words; voids approvals given so far (semantics §27).
    Amend {
        /// Which warning.
        warning: WarningId,
        /// The revision seen.
        revision: u32,
        /// The whole new set of areas and tiers; empty keeps them.
        areas: BTreeMap<AreaCode, Tier>,
        /// Words by language tag; empty keeps the template's.
        text: BTreeMap<String, String>,
        /// When it comes; what is left out stays as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onset: Option<Onset>,
        /// Who.
        person: String,
        /// Why.
        reason: String,
        /// True where the words stand although something in them was objected to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        as_it_stands: bool,
    },
    /// Takes a warning back, wholly or in some areas. Accepted in any state.
    Cancel {
        /// Which warning.
        warning: WarningId,
        /// Areas; empty means all of them.
        areas: Vec<AreaCode>,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// Opens a warning by hand.
    Issue {
        /// Hazard.
        hazard: Hazard,
        /// Areas and tiers.
        areas: BTreeMap<AreaCode, Tier>,
        /// Words by language tag; empty takes the template's.
        text: BTreeMap<String, String>,
        /// When it comes; now, where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onset: Option<Onset>,
        /// Who.
        person: String,
        /// Why.
        reason: String,
        /// True where the words stand although something in them was objected to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        as_it_stands: bool,
    },
    /// Looks at what one person released (the emergency flow), afterwards.
    Review {
        /// Which warning.
        warning: WarningId,
        /// The newest revision that was looked at.
        revision: u32,
        /// True where the release was right; taking it back is an act of its own.
        sound: bool,
        /// What was found.
        note: String,
        /// Who; never one of those who released it.
        person: String,
    },
    /// Puts the signal of another authority forward to be passed on verbatim.
    Relay {
        /// CAP identifier of the message.
        signal: String,
        /// Who.
        person: String,
    },
    /// Confirms a rise that rests on suspect values (semantics §13).
    Confirm {
        /// Rule id.
        rule: String,
        /// Subject id.
        subject: String,
        /// Who.
        person: String,
    },
    /// Ends the tier of a subject whose data fell silent.
    Stand {
        /// Rule id.
        rule: String,
        /// Subject id.
        subject: String,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// Silences a rule for a while: what it finds is shown, and nobody is told.
    Mute {
        /// Rule id.
        rule: String,
        /// Districts and townships; empty means the whole zone.
        areas: Vec<AreaCode>,
        /// Until when.
        until: Time,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// Lets a silenced rule speak again.
    Unmute {
        /// Rule id.
        rule: String,
        /// Where; empty means wherever it is silenced.
        areas: Vec<AreaCode>,
        /// Who.
        person: String,
        /// Why; may be empty.
        reason: String,
    },
    /// An answer of a responsible person, given by reply, click, or noted by the duty officer.
    Answer {
        /// Which warning.
        warning: WarningId,
        /// Contact id of who answered.
        contact: String,
        /// What was answered.
        answer: Answer,
        /// The contact's own words or the officer's note; may be empty.
        note: String,
        /// The way it came; nothing where the duty officer noted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// Duty officer who noted a phone call; empty for the contact's own reply.
        noted_by: String,
        /// When it was said.
        said: Time,
    },
    /// Somebody answers for a place where nobody of the directory could be asked, or did.
    AnswerFor {
        /// Which warning.
        warning: WarningId,
        /// For which place.
        place: PlaceFor,
        /// Who gave the answer: their name or post, in words.
        by: String,
        /// What was answered.
        answer: Answer,
        /// In their words; may be empty.
        note: String,
        /// Who noted it.
        person: String,
        /// When it was said.
        said: Time,
    },
    /// Starts, changes or ends the response of a plan in an area.
    Respond {
        /// Plan id.
        plan: String,
        /// Where.
        area: AreaCode,
        /// The level it is to have; [`None`] ends it.
        level: Option<Level>,
        /// The level seen in force.
        seen: Option<Level>,
        /// Who: a holder of the post that the plan names.
        person: String,
        /// Why.
        reason: String,
    },
    /// Sends a proposed response away; it comes back only higher, or after a fall.
    Decline {
        /// Plan id.
        plan: String,
        /// Where.
        area: AreaCode,
        /// The level seen proposed; [`None`] for an end.
        level: Option<Level>,
        /// Who: a holder of the post that would sign it.
        person: String,
        /// Why.
        reason: String,
    },
    /// Reports damage of a kind that plans speak of, or that it is over.
    Damage {
        /// Its kind.
        kind: String,
        /// Where.
        area: AreaCode,
        /// Whether it holds.
        holds: bool,
        /// Who.
        person: String,
        /// In their words.
        note: String,
    },
    /// Reports on a task of a plan.
    Task {
        /// Which.
        task: String,
        /// Done, or that it will be late.
        state: TaskState,
        /// Who.
        person: String,
        /// In their words.
        note: String,
    },
    /// Counts people who move and who are sheltered; the first count of an area opens it.
    Transfer {
        /// Where.
        area: AreaCode,
        /// How many are to move.
        planned: u32,
        /// How many have.
        moved: u32,
        /// How many are in shelters.
        sheltered: u32,
        /// By when.
        due: Time,
        /// Who.
        person: String,
        /// In their words.
        note: String,
    },
    /// Says that evacuees of an area may return.
    Return {
        /// Where.
        area: AreaCode,
        /// Who: a holder of the post that the city names.
        person: String,
        /// Why.
        reason: String,
    },
    /// Closes the incident of an area.
    Close {
        /// Where.
        area: AreaCode,
        /// Who: a holder of the post that the city names.
        person: String,
        /// Why.
        reason: String,
    },
    /// Asks what was sent to people: an auditor's look, which is an act like others.
    Audit(Audit),
    /// Opens, moves or ends a weather process, or files a product of it or of the evening.
    Service(ServiceAct),
    /// Takes a shift over: the list of what stands was read.
    TakeOver {
        /// Who.
        person: String,
        /// Hash of the list that was seen.
        seen: String,
        /// How many points it had.
        points: u32,
        /// Their words; may be empty.
        note: String,
    },
    /// Begins an exercise in the zone: in the exercise's world alone.
    Drill(Box<Drill>),
    /// Ends it before its time.
    DrillOver {
        /// Which exercise.
        exercise: String,
        /// Why.
        end: DrillEnd,
        /// Who; who began it where something real came.
        person: String,
    },
}

/// When a forecaster says that the hazard comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Onset {
    /// In all areas.
    Everywhere(Time),
    /// In some.
    ByArea(BTreeMap<AreaCode, Time>),
}

impl Onset {
    /// The hour stated for an area.
    pub fn of(&self, area: AreaCode) -> Option<Time> {
        match self {
            Self::Everywhere(time) => Some(*time),
            Self::ByArea(times) => times.get(&area).copied(),
        }
    }

    /// As much of it as speaks of some areas.
    pub fn within(&self, areas: &BTreeMap<AreaCode, Tier>) -> Option<Self> {
        let Self::ByArea(times) = self else {
            return Some(self.clone());
        };
        let mut times = times.clone();
        times.retain(|area, _| areas.contains_key(area));
        (!times.is_empty()).then_some(Self::ByArea(times))
    }

    /// The areas that it names.
    pub fn areas(&self) -> impl Iterator<Item = AreaCode> + '_ {
        let named = match self {
            Self::Everywhere(_) => None,
            Self::ByArea(times) => Some(times.keys().copied()),
        };
        named.into_iter().flatten()
    }

    /// The hours that it states.
    pub fn times(&self) -> Vec<Time> {
        match self {
            Self::Everywhere(time) => vec![*time],
            Self::ByArea(times) => times.values().copied().collect(),
        }
    }
}

/// An auditor's look at what people were sent, and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// About which warning; [`None`] about all that the journal holds.
    pub warning: Option<WarningId>,
    /// About whom: recipients by number, never by name or telephone.
    pub people: Vec<u32>,
    /// How many were asked about, those whom the directory does not know among them.
    pub asked: u32,
    /// Who asked.
    pub person: String,
    /// Why.
    pub reason: String,
}

/// A place that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceFor {
    /// An area, by code.
    Area(AreaCode),
    /// A site, by id.
    Site(String),
}

/// An answer by keypad: `1` received, `2` at post, `3` moved, `4` needs help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Received.
    Received,
    /// At the post.
    AtPost,
    /// People moved.
    Moved,
    /// Needs help.
    NeedsHelp,
}
