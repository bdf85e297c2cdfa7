//! Which areas a warning must be answered for (叫应): those where somebody acts.

use crate::installation::Installation;
use dispatch::directory::Contact;
use dispatch::exercise::WhiteList;
use dispatch::ladder::Place;
use model::warning::Event;
use model::{AreaCode, AreaLevel, AreaNo, City, Tier, Time, Warning};
use std::collections::BTreeMap;

/// The areas that are called, with the highest tier that holds there. A warned township is one; a
/// warned district or city is called township by township where these have contacts, as itself
/// where none of them has. A township that is warned itself too is called once.
pub(super) fn areas(installation: &Installation, warning: &Warning) -> BTreeMap<AreaCode, Tier> {
    let city = &installation.city;
    let mut called: BTreeMap<AreaCode, Tier> = BTreeMap::new();
    let mut with_contacts = None;
    for (code, area) in &warning.areas {
        let tier = match warning.event {
            Event::Proposed => area.reached,
            Event::Issued | Event::Updated | Event::Ended | Event::Cancelled => area.tier,
        };
        let mut call = |code: AreaCode| {
            let highest = called.entry(code).or_default();
            *highest = (*highest).max(tier);
        };
        let no = city.area_no(*code);
        match no.and_then(|no| city.area(no)).map(|area| area.level) {
            Some(AreaLevel::Township) => call(*code),
            Some(AreaLevel::City | AreaLevel::District) => {
                let there = with_contacts.get_or_insert_with(|| townships(installation));
                let mut is_empty = true;
                for (code, township) in &*there {
                    if no.is_some_and(|no| city.is_within(*township, no)) {
                        is_empty = false;
                        call(*code);
                    }
                }
                if is_empty {
                    call(*code);
                }
            }
            Some(AreaLevel::Community) | None => {}
        }
    }
    called
}

/// How many people are asked first for a place: of whom a quota is a share. In an exercise those of
/// its white list alone.
pub(super) fn asked(
    installation: &Installation,
    place: &Place,
    listed: Option<&WhiteList>,
) -> usize {
    there(installation, place)
        .filter(|contact| !contact.is_deputy && is_listed(contact, listed))
        .count()
}

/// Whether there is anybody to ask for a place: in earnest it is called all the same and shown red, in
/// an exercise nobody is waited for who is not told.
pub(super) fn has_anybody(
    installation: &Installation,
    place: &Place,
    listed: Option<&WhiteList>,
) -> bool {
    listed.is_none() || there(installation, place).any(|contact| is_listed(contact, listed))
}

fn is_listed(contact: &Contact, listed: Option<&WhiteList>) -> bool {
    listed.is_none_or(|list| list.has_person(&contact.id))
}

/// Who answers for a place itself.
fn there<'a>(
    installation: &'a Installation,
    place: &Place,
) -> Box<dyn Iterator<Item = &'a Contact> + 'a> {
    let city = &installation.city;
    let contacts = installation.directory.contacts().iter();
    let all = contacts.filter(|contact| contact.answers_for_places());
    match place {
        Place::Area(code) => {
            let area = city.area_no(*code);
            Box::new(all.filter(move |contact| {
                let inside = |area| city.is_within(contact.area, area);
                contact.site.is_none() && area.is_some_and(inside)
            }))
        }
        Place::Site(id) | Place::Device { site: id, .. } => {
            let site = city.site_no(id);
            Box::new(all.filter(move |contact| contact.site.is_some() && contact.site == site))
        }
    }
}

/// When the hazard arrives at an area: there, or at the warned one that it lies in.
pub(super) fn onset(
    installation: &Installation,
    warning: &Warning,
    code: AreaCode,
) -> Option<Time> {
    let city = &installation.city;
    let mut upwards = city.codes_upward(city.area_no(code)?).into_iter();
    upwards.find_map(|code| Some(warning.areas.get(&code)?.onset))
}

/// The tier that holds at an area: its own, or that of the warned one that it lies in.
pub(super) fn tier(city: &City, warning: &Warning, area: AreaNo) -> Tier {
    let upwards = city.codes_upward(area).into_iter();
    let tiers = upwards.filter_map(|code| warning.areas.get(&code));
    tiers
        .map(|area| area.tier.max(area.reached))
        .max()
        .unwrap_or_default()
}

/// The townships in which somebody answers for the whole of it or a part, not for a site alone.
fn townships(installation: &Installation) -> BTreeMap<AreaCode, AreaNo> {
    let city = &installation.city;
    let contacts = installation.directory.contacts().iter();
    let areas = contacts.filter(|contact| contact.site.is_none());
    let upwards = areas.flat_map(|contact| city.codes_upward(contact.area));
    let numbered = upwards.filter_map(|code| Some((code, city.area_no(code)?)));
    numbered
        .filter(|(_, no)| {
            city.area(*no)
                .is_some_and(|area| area.level == AreaLevel::Township)
        })
        .collect()
}

#[cfg(test)]
mod tests;
