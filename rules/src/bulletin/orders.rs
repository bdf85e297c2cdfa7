//! Acts of people on a warning: approve, reject, amend, cancel, issue (semantics §23, §27).

use super::arrival::Arrival;
use super::{Bulletin, Desk, Policy, Refused, Standing, tiers};
use crate::effect::Refusal;
use model::order::Onset;
use model::warning::Event;
use model::{AreaCode, Named, Tier, Time, WarningId};
use std::collections::BTreeMap;

/// What stands as the rule of a revision that a person made.
pub(super) const PERSON: &str = "person";

/// Who acted and why, with the new content of an amendment.
pub(crate) struct Amendment<'a> {
    pub(crate) areas: &'a BTreeMap<AreaCode, Tier>,
    pub(crate) text: &'a BTreeMap<String, String>,
    pub(crate) onset: Option<&'a Onset>,
    pub(crate) person: &'a str,
}

impl Bulletin {
    /// A signature; the last one asked for releases what all of them saw.
    pub(crate) fn approve(
        &mut self,
        id: WarningId,
        revision: u32,
        seen: &str,
        person: &str,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        let asked = self.asked_of(desk);
        let current = self.opened(id)?;
        if current.waiting.is_none() {
            return Err(nothing_to_sign(current, asked));
        }
        let Some(shown) = current.sheet.shown(revision, seen) else {
            return Err(Refusal::Stale {
                seen: revision,
                current: current.revision,
            });
        };
        if !current.sheet.sign(person, shown) {
            return Err(Refusal::SignedAlready {
                person: person.to_owned(),
            });
        }
        if let Some((signed, by)) = self.signed_by_enough(desk) {
            self.release(&signed, by, desk.at, PERSON, desk);
        }
        Ok(())
    }

    /// Sends a proposal away: what was in force stays in force.
    pub(crate) fn reject(
        &mut self,
        id: WarningId,
        revision: u32,
        person: &str,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        let asked = self.asked_of(desk);
        let open = self.opened(id)?;
        if open.waiting.is_none() {
            return Err(nothing_to_sign(open, asked));
        }
        if open.revision != revision {
            return Err(Refusal::Stale {
                seen: revision,
                current: open.revision,
            });
        }
        let (put, force) = (tiers(&open.put), tiers(&open.force));
        open.waiting = None;
        open.sheet.clear();
        open.signed = vec![person.to_owned()];
        open.put.clone_from(&open.force);
        open.text.clone_from(&open.words);
        let issued = open.issued;
        for code in put.keys().chain(force.keys()) {
            if put.get(code) != force.get(code) {
                self.refuse(*code);
            }
        }
        if issued {
            self.emit(Event::Updated, desk.at, PERSON, desk);
        } else {
            self.close(Event::Cancelled, desk.at, PERSON, desk);
        }
        Ok(())
    }

    /// New content, put forward in place of the old; signatures given so far are void.
    pub(crate) fn amend(
        &mut self,
        id: WarningId,
        revision: u32,
        amendment: &Amendment<'_>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        let at = desk.at;
        check_areas(amendment.areas, desk)?;
        let open = self.opened(id)?;
        if open.revision != revision {
            return Err(Refusal::Stale {
                seen: revision,
                current: open.revision,
            });
        }
        if open.relay.is_some() {
            return Err(Refusal::Verbatim { warning: id });
        }
        let mut put = if amendment.areas.is_empty() {
            open.put.clone()
        } else {
            amended(&open.put, amendment.areas, at)
        };
        state(&mut put, amendment.onset)?;
        let (before, after) = (tiers(&open.put), tiers(&put));
        if after.is_empty() {
            return Err(Refusal::NoArea);
        }
        // What was gathered goes on where the person has not spoken of the area.
        if !amendment.areas.is_empty() {
            open.gathered.retain(|code, _| !put.contains_key(code));
            open.moved.retain(|code, _| !put.contains_key(code));
        }
        open.put = put;
        open.text.extend(
            amendment
                .text
                .iter()
                .map(|(tag, words)| (tag.clone(), words.clone())),
        );
        open.sheet.clear();
        open.waiting = None;
        for code in before.keys() {
            if after.get(code) < before.get(code) {
                self.refuse(*code);
            }
        }
        match desk.policy {
            Policy::Live => self.put_forward(at, PERSON, desk),
            Policy::Replay => {
                let signed = vec![amendment.person.to_owned()];
                self.release(&after, signed, at, PERSON, desk);
            }
        }
        Ok(())
    }

    /// Takes a warning back, wholly or in some areas.
    pub(crate) fn cancel(
        &mut self,
        id: WarningId,
        areas: &[AreaCode],
        person: &str,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        let at = desk.at;
        let city = desk.city;
        let open = self.opened(id)?;
        let inside = |code: &AreaCode| {
            let within = |outer: &AreaCode| match (city.area_no(*code), city.area_no(*outer)) {
                (Some(inner), Some(outer)) => city.is_within(inner, outer),
                (None, _) | (_, None) => code == outer,
            };
            areas.is_empty() || areas.iter().any(within)
        };
        let (put, force) = (tiers(&open.put), tiers(&open.force));
        let standing = put.keys().chain(force.keys()).copied();
        let taken: Vec<AreaCode> = standing.filter(inside).collect();
        if taken.is_empty() {
            let area = areas.first().copied().unwrap_or(city.code);
            return Err(Refusal::UnknownArea { area });
        }
        for code in &taken {
            open.put.insert(*code, Standing::since(Tier::None, at));
            open.force.remove(code);
            open.gathered.remove(code);
            open.moved.remove(code);
        }
        open.sheet.clear();
        open.signed = vec![person.to_owned()];
        let issued = open.issued;
        let clear = open.is_clear() && tiers(&open.force).is_empty();
        let proposes = !issued || open.has_proposal();
        for code in taken {
            self.refuse(code);
        }
        if clear {
            self.close(Event::Cancelled, at, PERSON, desk);
        } else {
            self.cancel_in_part(issued, proposes, desk);
        }
        Ok(())
    }

    /// Opens a warning by hand.
    pub(crate) fn issue(
        &mut self,
        name: Named,
        amendment: &Amendment<'_>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        if let Some(open) = &self.open {
            return Err(Refusal::Open {
                warning: open.id,
                hazard: self.hazard,
            });
        }
        check_areas(amendment.areas, desk)?;
        let mut put = amended(&BTreeMap::new(), amendment.areas, desk.at);
        state(&mut put, amendment.onset)?;
        let whole = tiers(&put);
        if whole.is_empty() {
            return Err(Refusal::NoArea);
        }
        let id = self.id_of(desk.at, desk);
        self.open(id, desk.at, put, name);
        if let Some(open) = &mut self.open {
            open.text.clone_from(amendment.text);
        }
        self.put_forward(desk.at, PERSON, desk);
        if desk.policy == Policy::Replay {
            let signed = vec![amendment.person.to_owned()];
            self.release(&whole, signed, desk.at, PERSON, desk);
        }
        Ok(())
    }

    /// What is in force loses the areas at once; what is proposed beside it is put forward anew,
    /// and signed anew: whoever took a part back has not signed the rest.
    fn cancel_in_part(&mut self, issued: bool, proposes: bool, desk: &mut Desk<'_>) {
        if issued {
            self.emit_force(Event::Updated, desk.at, PERSON, desk);
        }
        if proposes {
            self.emit(Event::Proposed, desk.at, PERSON, desk);
        } else if let Some(open) = &mut self.open {
            open.waiting = None;
            open.put.clone_from(&open.force);
        }
    }

    fn opened(&mut self, id: WarningId) -> Result<&mut super::Open, Refusal> {
        let ended = self.last.is_some_and(|(last, _)| last == id);
        match &mut self.open {
            Some(open) if open.id == id => Ok(open),
            Some(_) | None if ended => Err(Refusal::Ended { warning: id }),
            Some(_) | None => Err(Refusal::UnknownWarning { warning: id }),
        }
    }

    /// Remembers that what the rules find there was sent away.
    fn refuse(&mut self, area: AreaCode) {
        let tier = self.found(area).put;
        if tier > Tier::None {
            self.refused.insert(area, Refused { tier, fell: false });
        }
    }
}

/// Why nothing is to be signed: what stands is in force, or another authority was asked.
fn nothing_to_sign(open: &super::Open, asked: Option<String>) -> Refusal {
    match asked.filter(|_| !open.issued) {
        Some(authority) => Refusal::NotOurs { authority },
        None => Refusal::NothingToSign {
            current: open.revision,
        },
    }
}

fn check_areas(areas: &BTreeMap<AreaCode, Tier>, desk: &Desk<'_>) -> Result<(), Refusal> {
    let zone = desk.city.zones.get(usize::from(desk.zone.0)).copied();
    let strange = areas.keys().find(|code| {
        let area = desk.city.area_no(**code);
        !area
            .zip(zone)
            .is_some_and(|(area, zone)| desk.city.is_within(area, zone))
    });
    match strange {
        Some(area) => Err(Refusal::UnknownArea { area: *area }),
        None => Ok(()),
    }
}

/// Enters the hours that a person states.
fn state(
    standing: &mut BTreeMap<AreaCode, Standing>,
    onset: Option<&Onset>,
) -> Result<(), Refusal> {
    let Some(onset) = onset else {
        return Ok(());
    };
    let warned = tiers(standing);
    if let Some(area) = onset.areas().find(|area| !warned.contains_key(area)) {
        return Err(Refusal::UnknownArea { area });
    }
    for area in warned.keys() {
        if let Some((standing, at)) = standing.get_mut(area).zip(onset.of(*area)) {
            standing.arrives = Some(Arrival { at, stated: true });
        }
    }
    Ok(())
}

/// The new standing: areas left out are taken back, onsets of unchanged tiers stay.
fn amended(
    before: &BTreeMap<AreaCode, Standing>,
    areas: &BTreeMap<AreaCode, Tier>,
    at: Time,
) -> BTreeMap<AreaCode, Standing> {
    let none = Standing::since(Tier::None, at);
    let mut after: BTreeMap<AreaCode, Standing> = before.keys().map(|c| (*c, none)).collect();
    for (code, tier) in areas.iter().filter(|(_, tier)| **tier > Tier::None) {
        let kept = before.get(code).filter(|standing| standing.tier == *tier);
        after.insert(*code, kept.copied().unwrap_or(Standing::since(*tier, at)));
    }
    after
}
