//! Requests to other authorities: what we may not issue is asked of whom may, and taken back when it
//! no longer stands. They go from office to office and reach nobody else.

use super::saying::Saying;
use super::told::{Change, Way};
use super::{Plan, measure};
use crate::intent::Audience;
use crate::wording::Purpose;
use model::{Act, AreaCode, Channel, Mode, Named, Reach, Tier};
use std::collections::{BTreeMap, BTreeSet};

impl Plan<'_> {
    /// What we may not issue is asked of the authority that may (提请), once per rise; and what was
    /// asked and does not stand any more is taken back, by the same ways.
    pub(super) fn requests(&mut self) {
        if self.warning.mode != Mode::Actual {
            return;
        }
        self.requests_over();
        if self.is_over() {
            return;
        }
        let mut by_authority: BTreeMap<String, Vec<(AreaCode, Tier)>> = BTreeMap::new();
        for (code, area) in &self.warning.areas {
            if let Some(ruling) = self.ruling(*code, area.tier)
                && ruling.act == Act::Request
                && let Some(counterpart) = ruling.counterpart
            {
                let list = by_authority.entry(counterpart.id.to_string()).or_default();
                list.push((*code, area.tier));
            }
        }
        for (authority, areas) in by_authority {
            for channel in self.desk.city.policy.telling.request_channels.clone() {
                self.request(&authority, &areas, channel);
            }
        }
    }

    fn request(&mut self, authority: &str, areas: &[(AreaCode, Tier)], channel: Channel) {
        let mut risen = BTreeSet::new();
        let mut to = Tier::None;
        for (code, tier) in areas {
            let place = format!("request/{authority}/{channel}/{code}");
            if self.told.request(&place, *tier) {
                risen.insert(*code);
                to = to.max(*tier);
            }
        }
        if risen.is_empty() {
            return;
        }
        let change = Change {
            from: Tier::None,
            to,
        };
        let measure = measure::of_areas(self.warning, &risen, self.desk);
        self.say_to_authority(authority, channel, Purpose::Request, change, risen, measure);
    }

    fn requests_over(&mut self) {
        let warning = self.warning;
        let stands = |code: &AreaCode| {
            let area = warning.areas.get(code);
            area.is_none_or(|area| area.tier != Tier::None)
        };
        let over = self.is_over();
        let gone = self.told.take_requests(|code| over || !stands(code));
        for ((authority, channel), areas) in gone {
            let from = areas.values().copied().max().unwrap_or_default();
            let change = Change {
                from,
                to: Tier::None,
            };
            let (purpose, areas) = (Purpose::RequestOver, areas.into_keys().collect());
            self.say_to_authority(
                &authority,
                channel,
                purpose,
                change,
                areas,
                Named::default(),
            );
        }
    }

    fn say_to_authority(
        &mut self,
        authority: &str,
        channel: Channel,
        purpose: Purpose,
        change: Change,
        areas: BTreeSet<AreaCode>,
        measure: Named,
    ) {
        let saying = Saying {
            way: Way {
                reach: Reach::Responsible,
                channel,
            },
            change,
            purpose,
            onset: if purpose == Purpose::Request {
                self.onset(&areas)
            } else {
                self.warning.time
            },
            place: self.list(&areas),
            areas,
            site: None,
            measure,
            exposure: 1,
            own_words: true,
        };
        let mut audience = Audience::of(Reach::Responsible, self.desk.directory);
        audience.authority = Some(authority.to_owned());
        self.push(saying, audience, &Channel::ALL);
    }
}
