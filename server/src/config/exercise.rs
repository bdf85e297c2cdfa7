//! Exercises: who is on their white lists, and which devices play drill clips.

use crate::exercises::Group;
use model::fault::{Faults, Place};
use serde::Deserialize;
use std::collections::BTreeSet;

/// White lists of one installation.
const GROUPS_MAX: usize = 64;
/// People of one of them: each message of an exercise names them all.
const PEOPLE_MAX: usize = 500;
/// Most messages a second that an exercise sends beside the real ones.
const PACE_MAX: u32 = 20;
/// The same where nothing is said.
const PACE: u32 = 5;

/// The section `[exercise]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExerciseSection {
    /// White lists.
    #[serde(default, rename = "group")]
    groups: Vec<GroupSection>,
    /// Devices that play drill clips, by id.
    #[serde(default)]
    devices: Vec<String>,
    /// Short messages a second, beside the real ones.
    #[serde(default = "pace")]
    sms_pace_per_s: u32,
}

const fn pace() -> u32 {
    PACE
}

/// People who may be told in an exercise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupSection {
    id: String,
    name: String,
    /// Ids of `contacts.csv`.
    people: Vec<String>,
}

impl ExerciseSection {
    /// The white lists.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let group = |of: &GroupSection| Group {
            id: of.id.clone(),
            name: of.name.clone(),
            people: of.people.clone(),
        };
        self.groups.iter().map(group).collect()
    }

    /// Devices that play drill clips.
    pub(crate) fn devices(&self) -> Vec<String> {
        self.devices.clone()
    }

    /// Messages a second of each account.
    pub(crate) const fn pace_per_s(&self) -> u32 {
        self.sms_pace_per_s
    }

    /// What is wrong with it.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        if self.groups.is_empty() || self.groups.len() > GROUPS_MAX {
            let what = format!("{} white lists", self.groups.len());
            let remedy =
                format!("write 1 to {GROUPS_MAX} [[exercise.group]], or take the section out");
            faults.error(place, "exercise.group", what, remedy);
        }
        let mut ids = BTreeSet::new();
        for group in &self.groups {
            if group.id.trim().is_empty() || !ids.insert(&group.id) {
                let what = format!("{:?} is empty or there twice", group.id);
                faults.error(
                    place,
                    "exercise.group.id",
                    what,
                    "give each an id of its own",
                );
            }
            if group.people.is_empty() || group.people.len() > PEOPLE_MAX {
                let what = format!("{} has {} people", group.id, group.people.len());
                let remedy = format!("write 1 to {PEOPLE_MAX} ids of contacts.csv");
                faults.error(place, "exercise.group.people", what, remedy);
            }
        }
        // A barrier that closes in an exercise closes a road.
        for device in self.devices.iter().filter(|id| id.starts_with("barrier")) {
            let what = format!("{device} moves: an exercise shows texts and plays clips alone");
            faults.error(place, "exercise.devices", what, "take it out");
        }
        if self.sms_pace_per_s == 0 || self.sms_pace_per_s > PACE_MAX {
            let what = format!("{} messages a second", self.sms_pace_per_s);
            let remedy = format!("write 1 to {PACE_MAX}: real messages share the account");
            faults.error(place, "exercise.sms_pace_per_s", what, remedy);
        }
    }
}
