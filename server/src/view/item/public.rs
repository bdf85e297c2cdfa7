//! What everybody may see of a warning: what was issued, and not who acted on what grounds.

use super::{AreaItem, InForceItem, WarningItem};
use model::warning::Event;
use std::collections::BTreeMap;

impl WarningItem {
    /// What everybody may see: what is in force, and not who acted on what grounds.
    pub(crate) fn public(&self) -> Option<Self> {
        self.standing().map(|standing| self.only(standing))
    }

    /// What everybody may hear of this revision; `was_public` where one before it was in force.
    pub(crate) fn told(&self, was_public: bool) -> Option<Self> {
        match self.event {
            // What is in force beside it is known already.
            Event::Proposed => None,
            Event::Issued | Event::Updated => self.public(),
            Event::Ended | Event::Cancelled => was_public.then(|| self.only(self.itself())),
        }
    }

    /// A revision that was released, without what is for the people of the installation.
    fn only(&self, released: InForceItem) -> Self {
        let areas = released.areas.into_iter().map(|(code, area)| {
            let reached = area.tier;
            (code, AreaItem { reached, ..area })
        });
        Self {
            id: self.id.clone(),
            revision: released.revision,
            event: released.event,
            hazard: self.hazard,
            name: self.name.clone(),
            zone: self.zone.clone(),
            authority: self.authority.clone(),
            tier: released.tier,
            time: released.time,
            first_rise: self.first_rise.clone(),
            expires: released.expires,
            areas: areas.collect(),
            sites: BTreeMap::new(),
            evidence: Vec::new(),
            past: false,
            unconfirmed: false,
            seen: String::new(),
            signed_by: Vec::new(),
            acted: Vec::new(),
            needs: 0,
            clock_ends: None,
            signing: None,
            review: None,
            request_to: None,
            relay: self.relay.clone(),
            in_force: None,
            rule: String::new(),
            text: released.text,
        }
    }
}
