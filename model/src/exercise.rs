//! What an exercise plays in one zone: an order of its own, that only the exercise's world follows.

use crate::{AreaCode, Hazard, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The part of an exercise's plan that one zone plays, as it stands in that zone's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// Which exercise.
    pub exercise: String,
    /// What it is called: stands for the reason in what it opens.
    pub name: String,
    /// The hazard played.
    pub hazard: Hazard,
    /// Areas of the zone and the tier each is put forward at.
    pub areas: BTreeMap<AreaCode, Tier>,
    /// The white list: ids of the contacts who may be told, nobody else. Empty tells nobody.
    pub people: Vec<String>,
    /// Ids of the devices that play drill clips; a device that is not here does nothing.
    pub devices: Vec<String>,
    /// When it ends by itself.
    pub until: Time,
    /// Who began it.
    pub person: String,
}

/// Why an exercise is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillEnd {
    /// Its time was over.
    Time,
    /// A person ended it.
    Person,
    /// Something real came where it played.
    Interrupted,
}

impl DrillEnd {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Person => "person",
            Self::Interrupted => "interrupted",
        }
    }
}
