//! People who move while a warning is in force: who comes into a warned area hears of it then, who
//! left one still hears its end.
//!
//! Those who come are gathered to the next whole minute, like areas that are added (semantics §24): a
//! crowd that crosses a border is one message by each way, not thousands.

use super::saying::Saying;
use super::told::{Change, Way};
use super::{Plan, Planner};
use crate::intent::{IntentId, RecipientNo};
use model::warning::Event;
use model::{AreaCode, Channel, Mode, Move, Named, Reach, Tier, Time, Warning, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// People gathered at most; with more they are told before the minute is over.
const CAME_MAX: usize = 10_000;

/// Who came where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Came {
    areas: BTreeMap<AreaCode, BTreeSet<u32>>,
    /// When the first of them did.
    since: Time,
}

impl Came {
    pub(super) fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    fn leave(&mut self, recipient: u32, area: AreaCode) {
        if let Some(people) = self.areas.get_mut(&area) {
            people.remove(&recipient);
            if people.is_empty() {
                self.areas.remove(&area);
            }
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }

    fn is_due(&self, at: Time) -> bool {
        let people = || self.areas.values().map(BTreeSet::len).sum::<usize>();
        !self.is_empty() && (at.minute() > self.since.minute() || people() >= CAME_MAX)
    }
}

impl Planner {
    /// Takes in who moved at `at`.
    pub fn moved(&mut self, at: Time, moves: &[Move]) {
        for step in moves {
            if let Some(from) = step.from {
                for told in self.told.values_mut() {
                    told.leave(step.recipient, from);
                }
                self.came.leave(step.recipient, from);
            }
            let Some(to) = step.to else { continue };
            for told in self.told.values_mut() {
                told.come(step.recipient, to);
            }
            if self.came.is_empty() {
                self.came.since = at;
            }
            let people = self.came.areas.entry(to).or_default();
            people.insert(step.recipient);
        }
    }

    /// Says what was gathered: to those who came since the last whole minute, and what is low at the end
    /// of its period. `standing` as in [`Planner::came`].
    pub fn gathered(
        &mut self,
        at: Time,
        standing: &BTreeMap<WarningId, Warning>,
        desk: &super::Desk<'_>,
        out: &mut Vec<crate::intent::Intent>,
    ) {
        self.came(at, standing, desk, out);
        self.digest(at, desk, out);
    }

    /// Tells those who came into areas that the public was told of, once a minute. `standing` are the
    /// newest revisions of the warnings that are not over.
    pub fn came(
        &mut self,
        at: Time,
        standing: &BTreeMap<WarningId, Warning>,
        desk: &super::Desk<'_>,
        out: &mut Vec<crate::intent::Intent>,
    ) {
        if !self.came.is_due(at) {
            return;
        }
        let came = std::mem::take(&mut self.came);
        for warning in standing
            .values()
            .filter(|warning| warning.mode == Mode::Actual)
        {
            let Some(told) = self.told.get_mut(&warning.id) else {
                continue;
            };
            let mut plan = Plan {
                at,
                warning,
                desk,
                told,
                eased: &mut self.eased,
                attention: &mut self.attention,
                held: &mut self.held,
                out: &mut *out,
                remarks: None,
            };
            plan.came(&came.areas);
        }
    }
}

impl Plan<'_> {
    fn came(&mut self, came: &BTreeMap<AreaCode, BTreeSet<u32>>) {
        for channel in Channel::ALL {
            let is_named = matches!(channel, Channel::Sms | Channel::Email | Channel::Push);
            if !is_named {
                continue;
            }
            let way = Way {
                reach: Reach::Public,
                channel,
            };
            for (area, people) in came {
                // Who watches a district hears what is said of a part of it.
                let under = self.desk.places.under(*area).into_iter();
                let told = under.map(|code| (self.told.tier(way, &format!("area/{code}")), code));
                let told: Vec<(Tier, AreaCode)> =
                    told.filter(|(tier, _)| *tier > Tier::None).collect();
                let Some(tier) = told.iter().map(|(tier, _)| *tier).max() else {
                    continue;
                };
                let at_it = told.iter().filter(|(of, _)| *of == tier);
                let areas: BTreeSet<AreaCode> = at_it.map(|(_, code)| *code).collect();
                self.say_to_who_came(way, tier, areas, people);
            }
        }
    }

    /// Those who came hear what stands there as a first message, as far as they have not heard it.
    fn say_to_who_came(
        &mut self,
        way: Way,
        tier: Tier,
        areas: BTreeSet<AreaCode>,
        people: &BTreeSet<u32>,
    ) {
        let change = Change {
            from: Tier::None,
            to: tier,
        };
        let purpose = self.public_purpose(way, change);
        let first = areas.first().map(ToString::to_string).unwrap_or_default();
        let said = self.out.len();
        self.say(Saying {
            way,
            change,
            purpose,
            onset: self.onset(&areas),
            place: self.list(&areas),
            areas,
            site: None,
            measure: Named::default(),
            exposure: 2,
            // Nobody has signed the words of a proposal.
            own_words: self.warning.event != Event::Proposed,
        });
        let key = format!("came {tier} {first} {}", self.at.millis());
        for intent in self.out.iter_mut().skip(said) {
            intent.audience.came = people.iter().copied().map(RecipientNo).collect();
            intent.only_new = true;
            intent.id = IntentId::derive(
                intent.warning,
                intent.revision,
                &intent.link,
                purpose,
                way.reach,
                &key,
            );
        }
    }
}
