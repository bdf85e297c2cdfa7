//! Which areas a warning must be answered for (叫应): those where somebody acts.

use crate::installation::Installation;
use model::warning::Event;
use model::{AreaCode, AreaLevel, AreaNo, Tier, Warning};
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
