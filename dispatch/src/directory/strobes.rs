//! `contacts.csv`, column `strobe`: the light at the post or bed of somebody who cannot hear, a device
//! of the devices' broker that is theirs and no site's.

use super::contacts::{self, FILE};
use super::numbers::{Giving, Kind};
use super::{Device, Owner};
use crate::intent::RecipientNo;
use model::City;
use model::fault::{Faults, Place, quoted};
use std::collections::BTreeMap;

const FIELD: &str = "strobe";

/// A strobe as a row names it.
pub(super) struct Strobe {
    line: u32,
    contact: RecipientNo,
    id: String,
}

/// The strobe of a row: of a contact by number, who hears or does not.
pub(super) fn of_row(
    (line, id): (u32, &str),
    (contact, hears): (RecipientNo, bool),
    faults: &mut Faults,
) -> Option<Strobe> {
    if id.is_empty() {
        return None;
    }
    let place = Place::line(FILE, line);
    if hears {
        let remedy = "write no under hearing, or leave it empty";
        faults.error(place, FIELD, "a strobe is for who cannot hear", remedy);
        return None;
    }
    // It is a level of the broker's topics.
    if id.contains(['/', '+', '#', '\0']) {
        let what = format!("no device is called {}", quoted(id));
        faults.error(place, FIELD, what, "leave out /, + and #");
        return None;
    }
    Some(Strobe {
        line,
        contact,
        id: id.to_owned(),
    })
}

/// Strobes as devices, numbered behind those of the sites. One that is somebody else's already is
/// nobody's twice: it would not say who is meant.
pub(super) fn number(
    strobes: Vec<Strobe>,
    city: &City,
    giving: &mut Giving,
    faults: &mut Faults,
) -> Vec<Device> {
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    let mut devices = Vec::new();
    for strobe in strobes {
        let place = Place::line(FILE, strobe.line);
        let has_it = |site: &&model::Site| site.actuators.contains(&strobe.id);
        let taken = match (lines.get(&strobe.id), city.sites.iter().find(has_it)) {
            (Some(line), _) => Some(format!("line {line} has it, too")),
            (None, Some(site)) => Some(format!("it is an actuator of site {}", site.id)),
            (None, None) => None,
        };
        if let Some(what) = taken {
            let remedy = "give each its own device";
            faults.error(place, FIELD, what, remedy);
            continue;
        }
        lines.insert(strobe.id.clone(), strobe.line);
        let number = contacts::number(place, Kind::Device, &strobe.id, giving, faults);
        devices.extend(number.map(|recipient| Device {
            recipient,
            owner: Owner::Contact(strobe.contact),
            id: strobe.id,
        }));
    }
    devices
}
