//! `stations.csv`: id, name, kind, lon, lat, area, parameters; owner, class, interval, zones if given.

use super::places::Places;
use crate::fault::{Faults, Place, quoted};
use crate::station::StationClass;
use crate::table::{self, Row, Table};
use crate::{AreaCode, AreaNo, Named, Parameter, Station, Zone};
use rustc_hash::FxHashSet;

/// Name of the file.
pub(super) const FILE: &str = "stations.csv";

const REQUIRED: [&str; 7] = ["id", "name", "kind", "lon", "lat", "area", "parameters"];

/// Longest reporting interval registered, seconds: a day.
const INTERVAL_MAX_S: u32 = 86_400;

/// Stations in file order, without numbers yet.
pub(super) fn read(bytes: &[u8], places: &Places<'_>, faults: &mut Faults) -> Vec<Station> {
    let Some(mut table) = Table::open(FILE, bytes, &REQUIRED, faults) else {
        return Vec::new();
    };
    let [id, name, kind, lon, lat, area, parameters] = REQUIRED.map(|c| table.column(c));
    let [name_en, owner, class, interval, zones] =
        ["name_en", "owner", "class", "interval", "zones"].map(|c| table.column(c));
    let mut stations: Vec<Station> = Vec::new();
    let mut seen = FxHashSet::default();
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = table::required(place, "id", row.get(id), faults);
        let position = table::position(place, row.get(lon), row.get(lat), faults);
        let area = places.area(place, row.get(area), position, faults);
        let parameters = read_parameters(place, row.get(parameters), faults);
        let class = read_class(place, row.get(class), faults);
        let interval_s = read_interval(place, row.get(interval), faults);
        let listed = read_zones(place, row.get(zones), places, faults);
        let (Some(id), Some((lon, lat)), Some(area)) = (id, position, area) else {
            continue;
        };
        if !seen.insert(id.to_owned()) {
            let what = format!("station {} stands there twice", quoted(id));
            faults.error(place, "id", what, "keep one of the two");
            continue;
        }
        stations.push(Station {
            id: id.to_owned(),
            name: named(row, name, name_en),
            kind: row.get(kind).to_owned(),
            lon,
            lat,
            area,
            parameters,
            owner: row.get(owner).to_owned(),
            class,
            interval_s,
            zones: zones_of(places, area, (lon, lat), listed),
            retired: false,
        });
    }
    stations
}

pub(super) fn named(row: Row<'_>, zh: Option<table::Column>, en: Option<table::Column>) -> Named {
    Named {
        zh: row.get(zh).to_owned(),
        en: row.get(en).to_owned(),
    }
}

fn read_parameters(place: Place<'_>, text: &str, faults: &mut Faults) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for name in table::parts(text) {
        match Parameter::from_name(name) {
            Some(parameter) if parameters.contains(&parameter) => {
                faults.notice(
                    place,
                    "parameters",
                    format!("{name} stands there twice"),
                    "once is enough",
                );
            }
            Some(parameter) => parameters.push(parameter),
            None => {
                let allowed = Parameter::ALL.map(Parameter::name).join(" ");
                table::not_one_of(place, "parameters", name, &allowed, faults);
            }
        }
    }
    if parameters.is_empty() {
        let remedy = "list what it reports, joined by ;";
        faults.error(place, "parameters", "nothing is listed", remedy);
    }
    parameters
}

fn read_class(place: Place<'_>, text: &str, faults: &mut Faults) -> StationClass {
    match text {
        "" | "official" => StationClass::Official,
        "reference" => StationClass::Reference,
        other => {
            table::not_one_of(place, "class", other, "official, reference", faults);
            StationClass::Official
        }
    }
}

fn read_interval(place: Place<'_>, text: &str, faults: &mut Faults) -> u32 {
    if text.is_empty() {
        return 0;
    }
    match text.parse::<u32>() {
        Ok(seconds) if seconds <= INTERVAL_MAX_S => seconds,
        Ok(_) | Err(_) => {
            let what = format!("not whole seconds up to {INTERVAL_MAX_S}");
            faults.error(place, "interval", what, "write 60 for a minute");
            0
        }
    }
}

fn read_zones(place: Place<'_>, text: &str, places: &Places<'_>, faults: &mut Faults) -> Vec<Zone> {
    let mut zones = Vec::new();
    for part in table::parts(text) {
        let zone = AreaCode::parse(part)
            .ok()
            .and_then(|code| places.zone_named(code));
        match zone {
            Some(zone) => zones.push(zone),
            None => {
                let what = format!("{} is not the code of a zone", quoted(part));
                faults.error(
                    place,
                    "zones",
                    what,
                    "list district codes, or the city's, joined by ;",
                );
            }
        }
    }
    zones
}

/// Its own zone first, then those listed, then those whose border is near, each once.
fn zones_of(places: &Places<'_>, area: AreaNo, at: (f64, f64), listed: Vec<Zone>) -> Vec<Zone> {
    let mut zones = vec![places.zone_of(area)];
    for zone in listed.into_iter().chain(places.zones_near(at)) {
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones
}
