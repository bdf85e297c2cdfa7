//! The gates of an exercise (design §6.3): whom it may tell, and what it keeps from everybody else.
//!
//! An exercise is planned like anything else and in a world of its own. What it plans passes
//! [`WhiteList::admit`] before it is stored: named lists are cut down to white-listed people, devices to
//! those that play drill clips, and whatever is for the public, for an authority or for a target that
//! knows its own readers is withheld. The same is asked again by [`may_leave`] where a message is about
//! to leave: a record that came there some other way goes nowhere.

use crate::intent::Intent;
use model::{Channel, Drill, Mode, Reach, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who and what may be told in an exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhiteList {
    people: BTreeSet<String>,
    devices: BTreeSet<String>,
}

/// Which gate kept it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// As it was planned.
    Plan,
    /// As it was about to leave.
    Gateway,
}

impl Gate {
    /// The label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Gateway => "gateway",
        }
    }
}

/// Something that an exercise keeps to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// Of which warning.
    pub warning: WarningId,
    /// The channel it would have gone by.
    pub channel: Channel,
    /// To whom.
    pub reach: Reach,
}

impl Withheld {
    /// What an intent would have said, and to whom.
    pub const fn of(intent: &Intent) -> Self {
        Self {
            warning: intent.warning,
            channel: intent.channel,
            reach: intent.audience.reach,
        }
    }
}

impl WhiteList {
    /// That of an exercise.
    pub fn of(drill: &Drill) -> Self {
        Self {
            people: drill.people.iter().cloned().collect(),
            devices: drill.devices.iter().cloned().collect(),
        }
    }

    /// Whether a contact is on it.
    pub fn has_person(&self, contact: &str) -> bool {
        self.people.contains(contact)
    }

    /// Lets an intent of an exercise pass for those on the list.
    ///
    /// # Errors
    /// What it would have said to others alone.
    pub fn admit(&self, intent: Intent) -> Result<Intent, Withheld> {
        let withheld = Withheld::of(&intent);
        if may_leave(&intent, Mode::Exercise).is_err() {
            return Err(withheld);
        }
        let audience = &intent.audience;
        let (list, named) = match audience.reach {
            Reach::Responsible => (&self.people, &audience.contacts),
            Reach::Device => (&self.devices, &audience.strobes),
            Reach::Public => return Err(withheld),
        };
        let others = &audience.among;
        let is_among = |id: &&String| {
            let is_named = named.is_empty() || named.contains(id);
            is_named && others.as_ref().is_none_or(|others| others.contains(id))
        };
        let among: Vec<String> = list.iter().filter(is_among).cloned().collect();
        if among.is_empty() {
            return Err(withheld);
        }
        let mut intent = intent;
        intent.audience.among = Some(among);
        Ok(intent)
    }
}

/// Why a message does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// One world's message in another's queue.
    #[error("a message of the mode {} is in a queue of the mode {}: it goes nowhere", .of.name(), .serves.name())]
    OtherMode {
        /// The message's.
        of: Mode,
        /// The queue's.
        serves: Mode,
    },
    /// It would reach the public, an authority or a target that knows its own readers.
    #[error("an exercise never goes out by {} to {reach:?}: named lists and devices alone", .channel.name())]
    Public {
        /// The channel.
        channel: Channel,
        /// To whom.
        reach: Reach,
    },
}

/// Whether an intent may leave by a link that serves `serves`: in earnest everything of its own mode,
/// of an exercise only what is for named people and devices.
///
/// # Errors
/// Why not.
pub fn may_leave(intent: &Intent, serves: Mode) -> Result<(), Barred> {
    if intent.mode != serves {
        return Err(Barred::OtherMode {
            of: intent.mode,
            serves,
        });
    }
    if serves == Mode::Actual {
        return Ok(());
    }
    let reach = intent.audience.reach;
    let fits = match (reach, intent.channel) {
        (Reach::Responsible, Channel::Sms | Channel::Push | Channel::Email | Channel::Voice)
        | (Reach::Device, Channel::Device) => intent.audience.authority.is_none(),
        (
            Reach::Responsible,
            Channel::Cap
            | Channel::Webhook
            | Channel::Device
            | Channel::Area
            | Channel::Cell
            | Channel::Broadcast,
        )
        | (
            Reach::Device,
            Channel::Sms
            | Channel::Cap
            | Channel::Push
            | Channel::Email
            | Channel::Webhook
            | Channel::Voice
            | Channel::Area
            | Channel::Cell
            | Channel::Broadcast,
        )
        | (Reach::Public, _) => false,
    };
    match fits && serves == Mode::Exercise {
        true => Ok(()),
        false => Err(Barred::Public {
            channel: intent.channel,
            reach,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::{Audience, IntentId};
    use crate::wording::Purpose;
    use model::{AreaCode, Hazard, Tier, Time};
    use std::collections::BTreeMap;

    fn intent(mode: Mode, reach: Reach, channel: Channel) -> Intent {
        let area = AreaCode::parse("440106014000").unwrap();
        let at = Time::from_seconds(0);
        let warning = WarningId::derive(area, mode, Hazard::Waterlogging, area, at);
        Intent {
            id: IntentId::derive(warning, 1, "x", Purpose::Alert, reach, ""),
            warning,
            revision: 1,
            purpose: Purpose::Alert,
            link: channel.name().to_owned(),
            channel,
            mode,
            audience: Audience {
                areas: vec![area],
                ..Audience::of(reach, "v")
            },
            only_told: false,
            only_new: false,
            again: false,
            by_area: false,
            words: Vec::new(),
            spare: Vec::new(),
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier: Tier::Red,
            onset: at,
            exposure: 1,
            not_before: None,
            not_after: Time::from_seconds(600),
            created: at,
        }
    }

    fn list() -> WhiteList {
        let area = AreaCode::parse("440106014000").unwrap();
        WhiteList::of(&Drill {
            exercise: "e".into(),
            name: "n".into(),
            hazard: Hazard::Waterlogging,
            areas: BTreeMap::from([(area, Tier::Red)]),
            people: vec!["P1".into(), "P2".into()],
            devices: vec!["led-1".into()],
            until: Time::from_seconds(600),
            person: "chen".into(),
        })
    }

    /// Every channel and reach there is: what passes is counted, so that a new channel is decided on.
    #[test]
    fn an_exercise_passes_to_named_people_and_its_devices_alone() {
        let mut passed = Vec::new();
        for reach in [Reach::Device, Reach::Responsible, Reach::Public] {
            for channel in Channel::ALL {
                let of = intent(Mode::Exercise, reach, channel);
                let withheld = Withheld::of(&of);
                match list().admit(of.clone()) {
                    Ok(intent) => {
                        assert_eq!(may_leave(&intent, Mode::Exercise), Ok(()));
                        passed.push((reach, channel, intent.audience.among.unwrap()));
                    }
                    Err(kept) => {
                        assert_eq!(kept, withheld);
                        assert!(may_leave(&of, Mode::Exercise).is_err());
                    }
                }
                // In earnest all pass, in the other's queue none does.
                assert!(may_leave(&of, Mode::Actual).is_err());
                let real = intent(Mode::Actual, reach, channel);
                assert_eq!(may_leave(&real, Mode::Actual), Ok(()));
                assert!(may_leave(&real, Mode::Exercise).is_err());
                assert!(list().admit(real).is_err(), "nothing real is cut down");
                assert!(may_leave(&intent(Mode::Test, reach, channel), Mode::Test).is_err());
            }
        }
        let people = vec!["P1".to_owned(), "P2".to_owned()];
        let expected = [
            (Reach::Device, Channel::Device, vec!["led-1".to_owned()]),
            (Reach::Responsible, Channel::Sms, people.clone()),
            (Reach::Responsible, Channel::Push, people.clone()),
            (Reach::Responsible, Channel::Email, people.clone()),
            (Reach::Responsible, Channel::Voice, people),
        ];
        let key =
            |(reach, channel, _): &(Reach, Channel, Vec<String>)| (*reach as u8, channel.name());
        let mut expected = expected.to_vec();
        expected.sort_by_key(key);
        passed.sort_by_key(key);
        assert_eq!(passed, expected);
    }

    #[test]
    fn a_strobe_is_lit_in_an_exercise_where_it_is_on_the_list_alone() {
        let mut one = intent(Mode::Exercise, Reach::Device, Channel::Device);
        one.audience.areas.clear();
        one.audience.strobes = vec!["led-1".into()];
        let admitted = list().admit(one.clone()).unwrap();
        assert_eq!(admitted.audience.among, Some(vec!["led-1".to_owned()]));
        one.audience.strobes = vec!["strobe-9".into()];
        assert_eq!(list().admit(one.clone()), Err(Withheld::of(&one)));
    }

    #[test]
    fn who_is_named_and_not_on_the_list_is_left_out_and_an_empty_list_tells_nobody() {
        let mut named = intent(Mode::Exercise, Reach::Responsible, Channel::Sms);
        named.audience.contacts = vec!["P2".into(), "P9".into()];
        let admitted = list().admit(named.clone()).unwrap();
        assert_eq!(admitted.audience.among, Some(vec!["P2".to_owned()]));
        named.audience.contacts = vec!["P9".into()];
        assert!(list().admit(named.clone()).is_err());
        named.audience.contacts.clear();
        assert!(WhiteList::default().admit(named.clone()).is_err());
        named.audience.authority = Some("44010041600000".into());
        assert!(
            list().admit(named).is_err(),
            "another authority is not asked"
        );
    }
}
