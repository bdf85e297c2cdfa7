//! Water that goes on rising at a site while its tier stands: its people are told again once it is deeper
//! than what they were told by a step that the city gives (semantics §26).
//!
//! A revision says nothing of it: tiers and sites are the same. It is looked at each whole minute.

use super::saying::Saying;
use super::told::{Change, Way};
use super::{Desk, Plan, Planner, measure, site_name};
use crate::intent::{Intent, IntentId};
use crate::wording::Purpose;
use model::warning::{Event, SiteTier};
use model::{Channel, Mode, Reach, Tier, Time, Warning, WarningId};
use std::collections::{BTreeMap, BTreeSet};

/// Quanta of depth in a centimetre.
const CENTIMETRE: i64 = 100;

impl Planner {
    /// Tells who answers for a site that the water there is deeper by a step; `depth` gives the newest one
    /// of a site in quanta, as far as it is known. `standing` as in [`Planner::came`].
    pub fn deeper(
        &mut self,
        at: Time,
        standing: &BTreeMap<WarningId, Warning>,
        depth: impl Fn(&str) -> Option<i64>,
        desk: &Desk<'_>,
        out: &mut Vec<Intent>,
    ) {
        let Some(step) = desk.city.policy.telling.depth_step_cm else {
            return;
        };
        let looked = self.looked.replace(at);
        if looked.is_some_and(|looked| at.minute() <= looked.minute()) {
            return;
        }
        for warning in standing.values() {
            let waits = warning.unconfirmed && warning.event == Event::Proposed;
            if waits || warning.past || warning.mode == Mode::Test {
                continue;
            }
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
            for (id, site) in &warning.sites {
                if let Some(now) = depth(id).filter(|_| site.tier > Tier::None) {
                    plan.deeper(id, site, now, i64::from(step) * CENTIMETRE);
                }
            }
        }
    }
}

impl Plan<'_> {
    fn deeper(&mut self, id: &str, site: &SiteTier, now: i64, step: i64) {
        let place = format!("site/{id}");
        for channel in Channel::ALL {
            let way = Way {
                reach: Reach::Responsible,
                channel,
            };
            let is_deeper = self.told.deepen(way, &place, site.tier, (now, step));
            if !is_deeper || self.flow_by(way, site.tier).is_none() {
                continue;
            }
            let said = self.out.len();
            self.say(Saying {
                way,
                change: Change {
                    from: Tier::None,
                    to: site.tier,
                },
                purpose: Purpose::Reminder,
                areas: BTreeSet::new(),
                site: Some(id.to_owned()),
                onset: site.onset,
                place: site_name(self.desk, id),
                measure: measure::of_depth(now),
                exposure: 0,
                own_words: true,
            });
            for intent in self.out.iter_mut().skip(said) {
                intent.id = IntentId::derive(
                    intent.warning,
                    intent.revision,
                    &intent.link,
                    Purpose::Reminder,
                    way.reach,
                    &format!("{id} deeper {now}"),
                );
            }
        }
    }
}
