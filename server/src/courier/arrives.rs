//! What waits in a link's queue leaves by the hour at which the hazard comes, as the newest revision in
//! force gives it.

use super::Courier;
use dispatch::intent::{Intent, IntentId};
use dispatch::outbox::Event;
use dispatch::wording::Purpose;
use model::warning::Event as Happened;
use model::{AreaCode, City, Span, Tier, Time, Warning};
use std::collections::BTreeMap;

/// How often warnings are looked at for it.
const EVERY: Span = Span::from_seconds(1);

/// What was last said to an outbox.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    looked: Option<Time>,
    hours: BTreeMap<IntentId, Time>,
}

impl Courier {
    /// Says to the outbox at which hour it comes to whom something still waits for, where that changed.
    pub(super) fn arrivals(&mut self) {
        let now = self.app.clock.now();
        // A clock that was put back is no reason to wait.
        let is_recent = |looked: Time| looked <= now && now < looked + EVERY;
        if self.arrivals.looked.is_some_and(is_recent) {
            return;
        }
        self.arrivals.looked = Some(now);
        let city = &self.app.installation.city;
        let mut hours = BTreeMap::new();
        for intent in self.outbox.open().filter(|intent| is_ordered(intent)) {
            let newest = self.app.view.original(intent.warning);
            let newest = newest.filter(|warning| warning.revision > intent.revision);
            let hour = newest.and_then(|warning| comes(city, &warning, &intent.audience.areas));
            // What is only proposed moves nothing yet: what was said before stands.
            let said = || self.arrivals.hours.get(&intent.id).copied();
            if let Some(hour) = hour.or_else(said) {
                hours.insert(intent.id, hour);
            }
        }
        if hours != self.arrivals.hours {
            self.outbox
                .step(now, Event::Arrives(&hours), &mut self.effects);
            self.arrivals.hours = hours;
        }
    }
}

/// True where the hour of a hazard in areas decides when it leaves.
fn is_ordered(intent: &Intent) -> bool {
    let speaks_of_a_hazard = match intent.purpose {
        Purpose::Alert | Purpose::Rise | Purpose::Relay | Purpose::Reminder | Purpose::Request => {
            true
        }
        Purpose::SiteAlarm
        | Purpose::DeviceFault
        | Purpose::Strobe
        | Purpose::StrobeOver
        | Purpose::Fall
        | Purpose::Ended
        | Purpose::Cancelled
        | Purpose::StandDown
        | Purpose::RequestOver
        | Purpose::Signature
        | Purpose::Digest
        | Purpose::Withdraw => false,
    };
    speaks_of_a_hazard && !intent.audience.areas.is_empty()
}

/// The earliest hour of the warned areas that hold or lie in some areas.
fn comes(city: &City, warning: &Warning, areas: &[AreaCode]) -> Option<Time> {
    match warning.event {
        Happened::Proposed | Happened::Ended | Happened::Cancelled => return None,
        Happened::Issued | Happened::Updated => {}
    }
    let meant = areas.iter().filter_map(|code| city.area_no(*code));
    let meant: Vec<_> = meant.collect();
    let touches = |code: &AreaCode| {
        city.area_no(*code).is_some_and(|warned| {
            let mut meant = meant.iter();
            meant.any(|area| city.is_within(*area, warned) || city.is_within(warned, *area))
        })
    };
    let warned = warning
        .areas
        .iter()
        .filter(|(_, area)| area.tier > Tier::None);
    let touched = warned.filter(|(code, _)| touches(code));
    touched.map(|(_, area)| area.onset).min()
}
