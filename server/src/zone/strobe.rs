//! Strobes in one zone: the light at the post or bed of somebody who cannot hear flashes while calls
//! wait for their answer.
//!
//! It is read off the calls, so that whatever ends a call ends its light. A strobe answers for nobody:
//! one that does not confirm is shown beside the calls that it is for, and opens none.

use super::{Machine, Outputs};
use dispatch::ladder::{self, Call, Place};
use dispatch::plan::{Asking, Switch, Unlit, asking, audience_of, switching};
use model::{DeviceReport, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A strobe that was lit for a warning; kept while one of its calls waits, also where its time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lit {
    /// The strobe, by id, and for whom.
    strobe: String,
    contact: String,
    warning: WarningId,
    revision: u32,
    tier: Tier,
    /// When it was first lit, and last.
    since: Time,
    at: Time,
    /// When it goes dark by itself.
    until: Time,
    /// The calls that it was lit for: their places, and when each began.
    calls: Vec<(Place, Time)>,
}

/// Somebody with a strobe whom calls of a warning ask.
struct Asked {
    contact: String,
    tier: Tier,
    calls: Vec<(Place, Time)>,
    /// When a step asked them last.
    last: Time,
}

impl Lit {
    /// True where what they are asked is what it flashes for: no call that began since, and no step
    /// that asked them again after it went dark by itself.
    fn covers(&self, asked: &Asked) -> bool {
        let is_known = |call: &(Place, Time)| self.calls.contains(call);
        asked.calls.iter().all(is_known) && asked.last < self.until
    }
}

impl Machine {
    /// Lights the strobes of those who are asked, once a call; puts out those that nobody waits for.
    pub(super) fn light(&mut self, at: Time, out: &mut Outputs) {
        let installation = Arc::clone(&self.installation);
        let directory = &installation.directory;
        if self.lit.is_empty() && directory.strobes().next().is_none() {
            return;
        }
        let off = self.off_duty(at);
        let mut asked = self.asked_by_light(&off);
        for lit in std::mem::take(&mut self.lit) {
            let has_it = directory
                .strobes()
                .any(|(device, contact)| device.id == lit.strobe && contact.id == lit.contact);
            let may_wait = has_it && !off.contains(&lit.contact);
            match asked.remove(&(lit.warning, lit.strobe.clone())) {
                Some(asked) if lit.covers(&asked) => self.lit.push(lit),
                Some(asked) => self.flash(at, &lit.strobe, lit.warning, asked, Some(&lit), out),
                // Its call was begun anew, and has not come to them yet.
                None if may_wait && self.has_open(&lit) => self.lit.push(lit),
                None if at < lit.until => out.intents.push(self.switched(at, &lit, false)),
                None => {}
            }
        }
        for ((warning, strobe), asked) in asked {
            self.flash(at, &strobe, warning, asked, None, out);
        }
    }

    /// A strobe that did not confirm is shown with its calls, and whoever helps the one that it is for
    /// is asked to go there; the call is theirs to answer as before.
    pub(super) fn strobe_reported(
        &mut self,
        at: Time,
        report: &DeviceReport,
        contact: &str,
        out: &mut Outputs,
    ) {
        let is_meant = |lit: &&Lit| lit.warning == report.warning && lit.strobe == report.device;
        let Some(lit) = self.lit.iter().find(is_meant).cloned() else {
            return;
        };
        self.confirmed(at, &lit, report.confirmed);
        if !report.confirmed {
            self.ask_helper(at, &lit, contact, out);
        }
    }

    /// Shows with its open calls whether it flashes.
    fn confirmed(&mut self, at: Time, lit: &Lit, flashes: bool) {
        let shows = |call: &&Call| call.unlit.contains(&lit.strobe) == flashes;
        let open = self.open(lit).filter(shows);
        let places: Vec<Place> = open.map(|call| call.place.clone()).collect();
        let event = ladder::Event::Strobe {
            warning: lit.warning,
            places: &places,
            strobe: &lit.strobe,
            flashes,
        };
        self.calls.step(at, event, &mut self.asked);
    }

    fn ask_helper(&self, at: Time, lit: &Lit, contact: &str, out: &mut Outputs) {
        let installation = &self.installation;
        let directory = &installation.directory;
        let helped = directory.contact(contact);
        let helper = helped.and_then(|contact| directory.deputy_of(contact));
        let (Some(helper), Some(standing)) = (helper, self.standing.get(&lit.warning)) else {
            return;
        };
        let Some(call) = self.open(lit).next() else {
            return;
        };
        // By the ways of the step that asks now; where that is a person's call, by those of any other.
        let speaks = |rung: &&ladder::Rung| !rung.channels.is_empty();
        let asked = call.asked_since().map(|(rung, _)| rung).filter(speaks);
        let Some(rung) = asked.last().or_else(|| call.rungs.iter().find(speaks)) else {
            return;
        };
        let asks = Asking {
            place: &call.place,
            tier: call.tier,
            // Once each time that it is lit.
            turn: u32::try_from(lit.at.minute()).unwrap_or(0),
            rung,
            unlit: Some(Unlit {
                strobe: &lit.strobe,
                helper: &helper.id,
            }),
        };
        asking(at, standing, &asks, &installation.desk(), &mut out.intents);
    }

    /// Whom with a strobe calls ask, by warning and strobe.
    fn asked_by_light(&self, off: &[String]) -> BTreeMap<(WarningId, String), Asked> {
        let installation = &self.installation;
        let (city, directory) = (&installation.city, &installation.directory);
        let listed = self.white_list();
        let mut found: BTreeMap<(WarningId, String), Asked> = BTreeMap::new();
        for call in self.calls.unanswered() {
            for (rung, last) in call.asked_since() {
                let mut audience = audience_of(&call.place, rung, directory.version());
                audience.off_duty = off.to_vec();
                for (device, contact) in directory.strobes_asked(city, &audience) {
                    let is_listed = listed.as_ref().is_none_or(|l| l.has_person(&contact.id));
                    if !is_listed || !call.waits_for(&contact.id) {
                        continue;
                    }
                    let key = (call.warning, device.id.clone());
                    let asked = found.entry(key).or_insert_with(|| Asked {
                        contact: contact.id.clone(),
                        tier: call.tier,
                        calls: Vec::new(),
                        last,
                    });
                    asked.tier = asked.tier.max(call.tier);
                    asked.last = asked.last.max(last);
                    let of_call = (call.place.clone(), call.since);
                    if !asked.calls.contains(&of_call) {
                        asked.calls.push(of_call);
                    }
                }
            }
        }
        found
    }

    fn off_duty(&self, at: Time) -> Vec<String> {
        let city = &self.installation.city;
        city.policy.roster.off_duty(at, city.offset_at(at))
    }

    /// Calls that a strobe was lit for and that wait for its person.
    fn open<'a>(&'a self, lit: &'a Lit) -> impl Iterator<Item = &'a Call> {
        let places = lit.calls.iter().map(|(place, _)| place);
        let calls = places.filter_map(move |place| self.calls.call(lit.warning, place));
        calls.filter(move |call| call.waits_for(&lit.contact))
    }

    fn has_open(&self, lit: &Lit) -> bool {
        self.open(lit).next().is_some()
    }

    /// Lights a strobe, or once more for what came since it was lit.
    fn flash(
        &mut self,
        at: Time,
        strobe: &str,
        warning: WarningId,
        asked: Asked,
        before: Option<&Lit>,
        out: &mut Outputs,
    ) {
        let Some(standing) = self.standing.get(&warning) else {
            return;
        };
        let telling = &self.installation.city.policy.telling;
        let lit = Lit {
            strobe: strobe.to_owned(),
            contact: asked.contact,
            warning,
            revision: standing.revision,
            tier: asked.tier,
            since: before.map_or(at, |lit| lit.since),
            at,
            until: at + telling.valid(asked.tier),
            calls: asked.calls,
        };
        if before.is_some() {
            // It may confirm now what it did not before.
            self.confirmed(at, &lit, true);
        }
        out.intents.push(self.switched(at, &lit, true));
        self.lit.push(lit);
    }

    fn switched(&self, at: Time, lit: &Lit, flashes: bool) -> dispatch::intent::Intent {
        let switch = Switch {
            strobe: &lit.strobe,
            warning: lit.warning,
            revision: lit.revision,
            mode: self.mode,
            tier: lit.tier,
            since: lit.since,
            until: lit.until,
            flashes,
        };
        switching(at, &switch, &self.installation.desk())
    }
}

#[cfg(test)]
mod tests;
