//! One exercise as it is kept in the registry of its world.

use model::order::Answer;
use model::{AreaCode, DrillEnd, Hazard, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the file's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Its id.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) name: String,
    /// The hazard played.
    pub(crate) hazard: Hazard,
    /// Where, and at which tier.
    pub(crate) areas: BTreeMap<AreaCode, Tier>,
    /// Which white list.
    pub(crate) group: String,
    /// Its people when the plan was made.
    pub(crate) people: Vec<String>,
    /// Devices that play drill clips.
    pub(crate) devices: Vec<String>,
    /// When it begins.
    pub(crate) starts: Time,
    /// When it ends at the latest.
    pub(crate) ends: Time,
    /// Who planned it.
    pub(crate) person: String,
    /// When.
    pub(crate) made: Time,
    /// When it began.
    pub(crate) begun: Option<Time>,
    /// When and why it was over.
    pub(crate) over: Option<(Time, DrillEnd)>,
    /// Why it could not begin.
    pub(crate) failed: Option<String>,
    /// The answer asked for, where another one is wrong.
    #[serde(default)]
    pub(crate) expect: Option<Answer>,
    /// Its place in the ring.
    #[serde(skip)]
    pub(crate) slot: usize,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It will begin.
    Planned,
    /// It plays.
    Running,
    /// It is over, or never began.
    Over,
}

impl Kept {
    pub(super) fn decode(bytes: &[u8], slot: usize) -> Option<Self> {
        let kept: Self = serde_json::from_slice(bytes).ok()?;
        Some(Self { slot, ..kept })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing our own plain types to memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How far it is.
    pub(crate) const fn state(&self) -> State {
        match (self.over, self.begun) {
            (Some(_), _) => State::Over,
            (None, Some(_)) => State::Running,
            (None, None) => State::Planned,
        }
    }

    pub(super) fn over_at(&self, at: Time, end: DrillEnd) -> Self {
        Self {
            over: Some((at, end)),
            ..self.clone()
        }
    }
}
