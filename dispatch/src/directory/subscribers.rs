//! `subscribers.csv` into columns: read as a stream, placed exactly, sorted once.

use super::columns::{self, CLASSES_MAX, People, SHARED, Texts};
use super::contacts::{number, phone_of};
use super::numbers::{Giving, Kind};
use super::order::{Order, Rank};
use super::read::{language_of, reachable};
use model::fault::{Faults, Place};
use model::table::{self, Table};
use model::{Channel, City};
use std::io::Read;

pub(super) const FILE: &str = "subscribers.csv";

const REQUIRED: [&str; 6] = ["id", "lon", "lat", "phone", "language", "audience"];

/// Ten-millionths of a degree in one.
const UNITS: f64 = 1e7;

/// Grid cells within an area are 2^15 units wide, some 330 m.
const CELL_BITS: u32 = 15;

/// Who lives this near to the city's drawn border is told with the nearest township.
const BORDER_KM: f64 = 1.0;

/// Rows in file order, before they are sorted.
#[derive(Default)]
struct Raw {
    keys: Vec<u64>,
    recipient: Vec<u32>,
    lon: Vec<i32>,
    lat: Vec<i32>,
    bits: Vec<u32>,
    phone: Vec<u64>,
    email: Texts,
    push: Texts,
}

/// Reads the table; rows with an error are reported and left out.
pub(super) fn read(
    source: impl Read,
    city: &City,
    order: &Order,
    classes: &mut Vec<String>,
    giving: &mut Giving,
    faults: &mut Faults,
) -> Option<People> {
    let mut table = Table::open(FILE, source, &REQUIRED, faults)?;
    let [id, lon, lat, phone, language, audience] = REQUIRED.map(|c| table.column(c));
    let [email, push] = ["email", "push"].map(|c| table.column(c));
    let mut raw = Raw::default();
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = table::required(place, "id", row.get(id), faults);
        let position = table::position(place, row.get(lon), row.get(lat), faults);
        let phone = phone_of(place, row.get(phone), faults);
        let language = language_of(place, row.get(language), faults);
        let classes = class_bits(place, row.get(audience), classes, faults);
        let (Some(id), Some((lon, lat)), Some(phone), Some(language), Some(classes)) =
            (id, position, phone, language, classes)
        else {
            continue;
        };
        let (email, push) = (row.get(email), row.get(push));
        if !reachable(place, phone, email, push, faults) {
            continue;
        }
        let Some(area) = city.gazetteer().locate_near(lon, lat, BORDER_KM) else {
            let what = format!("the place lies more than {BORDER_KM} km outside the city");
            let remedy = "check longitude and latitude; this one is left out";
            faults.error(place, "lon", what, remedy);
            continue;
        };
        let Some(recipient) = number(place, Kind::Subscriber, id, giving, faults) else {
            continue;
        };
        let mut bits = classes | columns::language_bit(language);
        let ways = [
            (Channel::Sms, phone.is_some()),
            (Channel::Email, !email.is_empty()),
            (Channel::Push, !push.is_empty()),
        ];
        for (channel, _) in ways.iter().filter(|(_, has)| *has) {
            bits |= columns::way(*channel);
        }
        let at = u32::try_from(raw.recipient.len()).unwrap_or(u32::MAX);
        if !(email.is_empty() || raw.email.push(at, email))
            || !(push.is_empty() || raw.push.push(at, push))
        {
            faults.error(
                place,
                "email",
                "addresses take more than 4 GiB",
                "split the directory",
            );
            break;
        }
        let (lon, lat) = ((lon * UNITS).round() as i32, (lat * UNITS).round() as i32);
        raw.keys.push(key(order.rank(area), lon, lat));
        raw.recipient.push(recipient.0);
        raw.lon.push(lon);
        raw.lat.push(lat);
        raw.bits.push(bits);
        raw.phone.push(phone.unwrap_or(0));
    }
    Some(sorted(raw, order.codes().len()))
}

/// Names become bits in the order they are met.
fn class_bits(
    place: Place<'_>,
    text: &str,
    classes: &mut Vec<String>,
    faults: &mut Faults,
) -> Option<u32> {
    let mut bits = 0;
    for name in table::parts(text) {
        let at = match classes.iter().position(|c| c == name) {
            Some(at) => at,
            None if classes.len() < CLASSES_MAX => {
                classes.push(name.to_owned());
                classes.len() - 1
            }
            None => {
                let what = format!("more than {CLASSES_MAX} different classes");
                faults.error(place, "audience", what, "use fewer");
                return None;
            }
        };
        bits |= 1 << at;
    }
    if bits == 0 {
        faults.error(
            place,
            "audience",
            "it is empty",
            "write public, or a narrower class",
        );
        return None;
    }
    Some(bits)
}

/// Area first, then grid rows from south to north, then cells from west to east.
fn key(rank: Rank, lon: i32, lat: i32) -> u64 {
    let cell = |units: i32, most: i64| ((i64::from(units) + most).max(0) as u64) >> CELL_BITS;
    // ±180° are 3.6e9 units and 110 thousand cells: 17 bits; latitude takes 16.
    let (x, y) = (cell(lon, 1_800_000_000), cell(lat, 900_000_000));
    (u64::from(rank) << 33) | (y << 17) | x
}

fn sorted(raw: Raw, ranks: usize) -> People {
    let mut order: Vec<u32> = (0..).take(raw.keys.len()).collect();
    let key_of = |row: u32| raw.keys.get(row as usize).copied().unwrap_or(u64::MAX);
    order.sort_unstable_by_key(|row| (key_of(*row), raw.recipient.get(*row as usize).copied()));
    let mut starts = vec![0u32; ranks + 1];
    for key in &raw.keys {
        if let Some(start) = starts.get_mut((key >> 33) as usize + 1) {
            *start += 1;
        }
    }
    let mut total = 0;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut people = People {
        starts,
        recipient: gather(&raw.recipient, &order),
        lon: gather(&raw.lon, &order),
        lat: gather(&raw.lat, &order),
        bits: gather(&raw.bits, &order),
        phone: gather(&raw.phone, &order),
        email: Texts::default(),
        push: Texts::default(),
    };
    for (row, from) in (0..).zip(&order) {
        for (texts, sorted) in [
            (&raw.email, &mut people.email),
            (&raw.push, &mut people.push),
        ] {
            if let Some(text) = texts.get(*from as usize) {
                sorted.push(row, text);
            }
        }
    }
    mark_shared(&mut people);
    people
}

fn gather<T: Copy>(column: &[T], order: &[u32]) -> Vec<T> {
    order
        .iter()
        .filter_map(|row| column.get(*row as usize).copied())
        .collect()
}

/// Flags rows whose phone stands there more than once: only those need a look at sending.
fn mark_shared(people: &mut People) {
    let mut phones: Vec<u64> = people.phone.iter().copied().filter(|p| *p != 0).collect();
    phones.sort_unstable();
    let mut twice: Vec<u64> = phones
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        })
        .collect();
    twice.dedup();
    for (phone, bits) in people.phone.iter().zip(&mut people.bits) {
        if twice.binary_search(phone).is_ok() {
            *bits |= SHARED;
        }
    }
}
