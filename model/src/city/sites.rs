//! `sites.csv`: id, name, kind, lon, lat, area; station, actuator, plan, owner and thresholds if given.

use super::places::Places;
use super::stations::named;
use crate::fault::{Faults, Place, quoted};
use crate::table::{self, Column, Row, Table};
use crate::{Site, StationNo};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Name of the file.
pub(super) const FILE: &str = "sites.csv";

const REQUIRED: [&str; 6] = ["id", "name", "kind", "lon", "lat", "area"];
const OPTIONAL: [&str; 5] = ["name_en", "station", "actuator", "plan", "owner"];

/// Columns that are thresholds and nothing else: a text there is a fault.
const THRESHOLDS: [&str; 13] = [
    "blue",
    "yellow",
    "orange",
    "red",
    "close",
    "prepare_30m",
    "prepare_1h",
    "prepare_3h",
    "prepare_6h",
    "move_30m",
    "move_1h",
    "move_3h",
    "move_6h",
];

/// Windows over which a village has amounts of rain to prepare and to move, the shortest first.
const VILLAGE_WINDOWS: [&str; 4] = ["30m", "1h", "3h", "6h"];

/// Sites in file order.
pub(super) fn read(
    bytes: &[u8],
    places: &Places<'_>,
    stations: &FxHashMap<String, StationNo>,
    faults: &mut Faults,
) -> Vec<Site> {
    let Some(mut table) = Table::open(FILE, bytes, &REQUIRED, faults) else {
        return Vec::new();
    };
    let [id, name, kind, lon, lat, area] = REQUIRED.map(|c| table.column(c));
    let [name_en, station, actuator, plan, owner] = OPTIONAL.map(|c| table.column(c));
    let known: Vec<&str> = REQUIRED.iter().chain(&OPTIONAL).copied().collect();
    let others = table.columns_beside(&known);
    let mut sites: Vec<Site> = Vec::new();
    let mut seen = FxHashSet::default();
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = table::required(place, "id", row.get(id), faults);
        let position = table::position(place, row.get(lon), row.get(lat), faults);
        let area = places.area(place, row.get(area), position, faults);
        let station = match row.get(station) {
            "" => None,
            text => match stations.get(text) {
                Some(no) => Some(*no),
                None => {
                    let what = format!("no station {}", quoted(text));
                    faults.error(
                        place,
                        "station",
                        what,
                        "add it to stations.csv, or correct the id",
                    );
                    None
                }
            },
        };
        let thresholds = read_thresholds(place, row, &others, faults);
        let (Some(id), Some((lon, lat)), Some(area)) = (id, position, area) else {
            continue;
        };
        if !seen.insert(id.to_owned()) {
            let what = format!("site {} stands there twice", quoted(id));
            faults.error(place, "id", what, "keep one of the two");
            continue;
        }
        sites.push(Site {
            id: id.to_owned(),
            name: named(row, name, name_en),
            kind: row.get(kind).to_owned(),
            lon,
            lat,
            area,
            station,
            actuators: table::parts(row.get(actuator)).map(str::to_owned).collect(),
            plan: row.get(plan).to_owned(),
            owner: row.get(owner).to_owned(),
            thresholds,
        });
    }
    sites
}

fn read_thresholds(
    place: Place<'_>,
    row: Row<'_>,
    others: &[(Column, String)],
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let mut thresholds = BTreeMap::new();
    for (column, name) in others {
        let text = row.get(Some(*column));
        if text.is_empty() {
            continue;
        }
        if is_decimal(text) {
            thresholds.insert(name.clone(), text.to_owned());
        } else if THRESHOLDS.contains(&name.as_str()) {
            let what = format!("{} is not a decimal number", quoted(text));
            faults.error(
                place,
                name,
                what,
                "write one such as 0.27, or leave it empty",
            );
        }
    }
    let tiers: Vec<f64> = ["blue", "yellow", "orange", "red"]
        .iter()
        .filter_map(|t| thresholds.get(*t)?.parse().ok())
        .collect();
    if !tiers.is_sorted() && !tiers.is_sorted_by(|a, b| a >= b) {
        let remedy = "let them rise from blue to red, or fall for what is dangerous when low";
        faults.error(place, "blue…red", "the thresholds are out of order", remedy);
    }
    check_village(place, &thresholds, faults);
    thresholds
}

/// Amounts are more than nothing; a village moves at no less rain than it prepares at, and at no less
/// over a longer window. All 0 is what registers write that have none.
fn check_village(place: Place<'_>, thresholds: &BTreeMap<String, String>, faults: &mut Faults) {
    let amounts = ["prepare", "move"].map(|act| {
        VILLAGE_WINDOWS.map(|window| {
            let text = thresholds.get(&format!("{act}_{window}"))?;
            text.parse::<f64>().ok()
        })
    });
    let given = amounts.iter().flatten().flatten();
    if given.clone().all(|amount| *amount == 0.0) {
        return;
    }
    if given.clone().any(|amount| *amount <= 0.0) {
        let what = "an amount is not above 0: any rain would reach it";
        let remedy = "leave the cell empty where the village has none";
        faults.error(place, "prepare_30m…move_6h", what, remedy);
        return;
    }
    let [prepare, moved] = amounts;
    for ((window, prepare), moved) in VILLAGE_WINDOWS.iter().zip(prepare).zip(moved) {
        if let (Some(prepare), Some(moved)) = (prepare, moved)
            && moved < prepare
        {
            let field = format!("move_{window}");
            let what = format!("{moved} mm is less than the {prepare} mm to prepare at");
            faults.error(place, &field, what, "correct one of the two");
        }
    }
    for (act, amounts) in [("prepare", prepare), ("move", moved)] {
        if !amounts.iter().flatten().is_sorted() {
            let field = format!("{act}_30m…{act}_6h");
            let what = "the amounts are out of order";
            let remedy = "let them rise with the window: a longer one never holds less rain";
            faults.error(place, &field, what, remedy);
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 20 && all_digits(whole) && all_digits(part)
}
