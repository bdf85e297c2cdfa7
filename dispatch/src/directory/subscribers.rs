//! Rows of subscribers into columns: read as a stream, placed exactly, sorted once.

use super::cells::Spot;
use super::columns::{self, CLASSES_MAX, PROFILES_MAX, People};
use super::contacts::{area_of, given, phone_of};
use super::gather::{NoRoom, Person, Raw, Seats};
use super::joining::subscriber_key;
use super::numbers::Giving;
use super::order::Order;
use super::phone;
use super::placing::{BORDER_KM, Placing};
use super::read::{language_of, reachable};
use super::waiting::Waiting;
use super::{Directory, Standing};
use geo::InteriorPoint;
use model::fault::{Faults, Place};
use model::table::{self, Table};
use model::{AreaNo, Channel, City};
use rustc_hash::FxHashMap;
use std::io::Read;

pub(super) const FILE: &str = "subscribers.csv";

pub(super) const REQUIRED: [&str; 6] = ["id", "lon", "lat", "phone", "language", "audience"];

/// Columns that may be missing.
pub(super) const OPTIONAL: [&str; 3] = ["email", "push", "area"];

/// Rows between two words about how far it is.
const WATCHED: u64 = 1 << 20;

/// Different texts of one column remembered; few columns have more than a handful.
const MEMO_MAX: usize = 1 << 12;

/// One row as a table has it.
pub(super) struct Given<'a> {
    pub(super) id: &'a str,
    pub(super) position: Position<'a>,
    pub(super) phone: Number<'a>,
    pub(super) language: &'a str,
    pub(super) audience: &'a str,
    pub(super) email: &'a str,
    pub(super) push: &'a str,
    /// Code of the area, for whoever has no place in it.
    pub(super) area: &'a str,
    /// Where the place is, if that was looked up before.
    pub(super) home: Option<Home>,
}

/// The smallest area of a place, and the number of its run there.
#[derive(Clone, Copy)]
pub(super) struct Home {
    area: AreaNo,
    seat: u32,
}

/// Looks up where people live beside the thread that takes their rows.
pub(super) struct Homes<'a> {
    order: &'a Order,
    placing: Placing<'a>,
    seats: Seats,
}

impl Homes<'_> {
    /// Of a place in degrees; nothing where it lies outside or is none.
    pub(super) fn of(&mut self, lon: f64, lat: f64) -> Option<Home> {
        if !(lon.abs() <= LON_MAX && lat.abs() <= LAT_MAX) {
            return None;
        }
        let spot = Spot::of(lon, lat);
        let area = self.placing.area(lon, lat, spot)?;
        let seat = self.seats.of(self.order.rank(area), spot.cell());
        Some(Home { area, seat })
    }
}

/// Where somebody lives, WGS-84 degrees.
pub(super) enum Position<'a> {
    Text(&'a str, &'a str),
    Degrees(Option<f64>, Option<f64>),
}

/// A telephone number.
pub(super) enum Number<'a> {
    Text(&'a str),
    /// E.164 digits.
    Digits(u64),
}

/// What rows are put into as they come.
pub(super) struct Taking<'a> {
    pub(super) city: &'a City,
    pub(super) order: &'a Order,
    pub(super) classes: &'a mut Vec<String>,
    pub(super) giving: &'a mut Giving,
    pub(super) faults: &'a mut Faults,
    placing: Placing<'a>,
    raw: Raw,
    /// Bits of languages and of audiences by their texts.
    languages: FxHashMap<String, u32>,
    audiences: FxHashMap<String, u32>,
    /// A place inside each area that stood for one.
    inside: FxHashMap<AreaNo, Option<(f64, f64)>>,
    taken: u64,
    /// Numbers of those of whom the roll does not have the last word, rising.
    standing: Vec<u32>,
    passed_over: u64,
    waiting: Waiting,
}

/// Degrees that there are.
const LON_MAX: f64 = 180.0;
const LAT_MAX: f64 = 90.0;

/// The way of a person with a telephone, an address, a token.
const WAYS: [Channel; 3] = [Channel::Sms, Channel::Email, Channel::Push];

/// Reads the table; rows with an error are reported and left out.
pub(super) fn read(
    source: impl Read,
    mut taking: Taking<'_>,
    watch: &mut dyn FnMut(u64),
) -> Option<People> {
    let mut table = Table::open(FILE, source, &REQUIRED, taking.faults)?;
    let [id, lon, lat, phone, language, audience] = REQUIRED.map(|c| table.column(c));
    let [email, push, area] = OPTIONAL.map(|c| table.column(c));
    while let Some(row) = table.next_row(taking.faults) {
        let given = Given {
            id: row.get(id),
            position: Position::Text(row.get(lon), row.get(lat)),
            phone: Number::Text(row.get(phone)),
            language: row.get(language),
            audience: row.get(audience),
            email: row.get(email),
            push: row.get(push),
            area: row.get(area),
            home: None,
        };
        let key = subscriber_key(given.id);
        if !taking.take(Place::line(FILE, row.line()), key, &given, watch) {
            break;
        }
    }
    Some(taking.finish())
}

impl<'a> Taking<'a> {
    pub(super) fn new(
        city: &'a City,
        order: &'a Order,
        classes: &'a mut Vec<String>,
        giving: &'a mut Giving,
        faults: &'a mut Faults,
    ) -> Self {
        Self {
            placing: Placing::new(city),
            ..Self::of_one(city, order, classes, giving, faults)
        }
    }

    /// The same where few places are looked up: without a grid over the city.
    pub(super) fn of_one(
        city: &'a City,
        order: &'a Order,
        classes: &'a mut Vec<String>,
        giving: &'a mut Giving,
        faults: &'a mut Faults,
    ) -> Self {
        Self {
            city,
            order,
            classes,
            giving,
            faults,
            placing: Placing::without_grid(city),
            raw: Raw::default(),
            languages: FxHashMap::default(),
            audiences: FxHashMap::default(),
            inside: FxHashMap::default(),
            taken: 0,
            standing: Vec::new(),
            passed_over: 0,
            waiting: Waiting::default(),
        }
    }

    /// Passes over what the roll says of these.
    pub(super) fn pass_over(&mut self, standing: &Standing) {
        self.standing = standing.own.iter().chain(&standing.out).copied().collect();
        self.standing.sort_unstable();
    }

    /// Takes over those of an earlier version that `is_kept` names, with their numbers.
    pub(super) fn keep(&mut self, earlier: &Directory, is_kept: impl Fn(u32) -> bool) {
        let codes = earlier.order.codes();
        for (no, person) in earlier.residents().filter(|(no, _)| is_kept(*no)) {
            let area = codes.get(usize::from(person.rank));
            let area = area.and_then(|code| self.city.area_no(*code));
            let [lon, lat] = person.spot.degrees();
            let area = area.or_else(|| self.placing.area(lon, lat, person.spot));
            let Some(area) = area else {
                let what = format!("the city has no area any more for recipient {no}");
                let remedy = "they subscribe anew, from a place in the city";
                self.faults.error(Place::file(FILE), "area", what, remedy);
                continue;
            };
            let person = Person {
                rank: self.order.rank(area),
                ..person
            };
            match self.raw.fit(&person) {
                Ok(fitted) => self.raw.push(&person, &fitted, no),
                Err(NoRoom::Profiles | NoRoom::Addresses) => {
                    let what = format!("there is no room for recipient {no}");
                    self.faults
                        .error(Place::file(FILE), "id", what, "split the directory");
                }
            }
        }
    }

    /// For another thread to look up where people live; to be given back.
    pub(super) fn lend(&mut self) -> Homes<'a> {
        Homes {
            order: self.order,
            placing: self.placing.clone(),
            seats: self.raw.lend(),
        }
    }

    /// Takes it back.
    pub(super) fn give_back(&mut self, homes: Homes<'_>) {
        self.raw.give_back(homes.seats);
    }

    /// Room for so many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.raw.reserve(rows);
    }

    pub(super) fn finish(mut self) -> People {
        self.settle();
        if self.passed_over > 0 {
            let what = format!(
                "{} rows are of people who changed something by themselves",
                self.passed_over
            );
            let remedy = "what they said last stands; see docs/recipients.md";
            self.faults.notice(Place::file(FILE), "id", what, remedy);
        }
        self.raw.sorted(self.order.codes().len())
    }

    /// Takes a row, `key` the hash of its id, or says what is wrong with it; false where no more can
    /// be taken.
    pub(super) fn take(
        &mut self,
        place: Place<'static>,
        key: u64,
        given: &Given<'_>,
        watch: &mut dyn FnMut(u64),
    ) -> bool {
        self.taken += 1;
        if self.taken.is_multiple_of(WATCHED) {
            watch(self.taken);
        }
        let Some(person) = self.person(place, given) else {
            return true;
        };
        let fitted = match self.raw.fit(&person) {
            Ok(mut fitted) => {
                fitted.seat = given.home.map(|home| home.seat);
                fitted
            }
            Err(NoRoom::Profiles) => {
                let what = format!(
                    "more than {PROFILES_MAX} different combinations of audience, language and ways"
                );
                self.faults.error(place, "audience", what, "use fewer");
                return true;
            }
            Err(NoRoom::Addresses) => {
                let what = "addresses take more than 4 GiB";
                self.faults
                    .error(place, "email", what, "split the directory");
                return false;
            }
        };
        self.waiting.push(place, key, &person, fitted);
        if self.waiting.is_full() {
            self.settle();
        }
        true
    }

    /// Gives the rows that wait their numbers.
    fn settle(&mut self) {
        self.waiting.settle(self.giving, |row| {
            let Some(no) = given(row.place, row.given, self.faults) else {
                return;
            };
            if self.standing.binary_search(&no.0).is_ok() {
                self.passed_over += 1;
            } else {
                self.raw.push(&row.person, &row.fitted, no.0);
            }
        });
    }

    /// A row with all it says, or what is wrong with it.
    pub(super) fn person<'g>(&mut self, place: Place<'_>, given: &Given<'g>) -> Option<Person<'g>> {
        let id = table::required(place, "id", given.id, self.faults);
        let position = self.position(place, given);
        let phone = match given.phone {
            Number::Text(text) => phone_of(place, text, self.faults),
            Number::Digits(digits) => digits_of(place, digits, self.faults),
        };
        let language = self.language(place, given.language);
        let classes = self.audience(place, given.audience);
        let (Some(_), Some((lon, lat, area)), Some(phone), Some(language), Some(classes)) =
            (id, position, phone, language, classes)
        else {
            return None;
        };
        if !reachable(place, phone, given.email, given.push, self.faults) {
            return None;
        }
        if let Some(number) = phone.filter(|number| !phone::has_carrier(*number)) {
            let head = phone::masked(number);
            let what = format!("no carrier has numbers like {head}");
            let remedy = "mobile numbers begin with +86 13 to +86 19; this one is left out";
            self.faults.error(place, "phone", what, remedy);
            return None;
        }
        let spot = Spot::of(lon, lat);
        let area = area.or(given.home.map(|home| home.area));
        let Some(area) = area.or_else(|| self.placing.area(lon, lat, spot)) else {
            let what = format!("the place lies more than {BORDER_KM} km outside the city");
            let remedy = "check longitude and latitude; this one is left out";
            self.faults.error(place, "lon", what, remedy);
            return None;
        };
        let has = [
            phone.is_some(),
            !given.email.is_empty(),
            !given.push.is_empty(),
        ];
        let ways = WAYS.iter().zip(has).filter(|(_, has)| *has);
        let ways = ways.fold(0, |bits, (channel, _)| bits | columns::way(*channel));
        Some(Person {
            rank: self.order.rank(area),
            spot,
            phone,
            bits: classes | language | ways,
            email: given.email,
            push: given.push,
        })
    }

    /// Degrees; and the area, for whoever has it in the place of them.
    fn position(
        &mut self,
        place: Place<'_>,
        given: &Given<'_>,
    ) -> Option<(f64, f64, Option<AreaNo>)> {
        let area = match given.area {
            "" => None,
            code => Some(area_of(place, code, self.city, self.faults)?),
        };
        let is_nowhere = matches!(
            given.position,
            Position::Text("", "") | Position::Degrees(None, None)
        );
        if let Some(area) = area.filter(|_| is_nowhere) {
            let (lon, lat) = self.place_in(area)?;
            return Some((lon, lat, Some(area)));
        }
        let (lon, lat) = match given.position {
            Position::Text(lon, lat) => table::position(place, lon, lat, self.faults)?,
            Position::Degrees(lon, lat) => degrees(place, (lon, lat), self.faults)?,
        };
        Some((lon, lat, None))
    }

    fn place_in(&mut self, area: AreaNo) -> Option<(f64, f64)> {
        *self.inside.entry(area).or_insert_with(|| {
            let inside = self.city.area(area)?.shape.interior_point()?;
            Some((inside.x(), inside.y()))
        })
    }

    fn language(&mut self, place: Place<'_>, tag: &str) -> Option<u32> {
        if let Some(bits) = self.languages.get(tag) {
            return Some(*bits);
        }
        let bits = columns::language_bits(language_of(place, tag, self.faults)?);
        remember(&mut self.languages, tag, bits);
        Some(bits)
    }

    fn audience(&mut self, place: Place<'_>, text: &str) -> Option<u32> {
        if let Some(bits) = self.audiences.get(text) {
            return Some(*bits);
        }
        let bits = class_bits(place, text, self.classes, self.faults)?;
        remember(&mut self.audiences, text, bits);
        Some(bits)
    }
}

fn remember(memo: &mut FxHashMap<String, u32>, text: &str, bits: u32) {
    if memo.len() >= MEMO_MAX {
        memo.clear();
    }
    memo.insert(text.to_owned(), bits);
}

/// Degrees that a table has as numbers.
fn degrees(
    place: Place<'_>,
    (lon, lat): (Option<f64>, Option<f64>),
    faults: &mut Faults,
) -> Option<(f64, f64)> {
    let mut sound = |name: &str, degrees: Option<f64>, most: f64| {
        let sound = degrees.filter(|degrees| degrees.abs() <= most);
        if sound.is_none() {
            let what = format!("not a number from -{most} to {most}");
            faults.error(place, name, what, "write WGS-84 degrees");
        }
        sound
    };
    let (lon, lat) = (sound("lon", lon, LON_MAX), sound("lat", lat, LAT_MAX));
    Some((lon?, lat?))
}

/// Digits that a table has as a number; nought is none.
fn digits_of(place: Place<'_>, digits: u64, faults: &mut Faults) -> Option<Option<u64>> {
    if digits == 0 {
        return Some(None);
    }
    let sound = phone::from_digits(digits);
    if sound.is_none() {
        let remedy = "write the digits with the country's code, as in 8613900000001";
        faults.error(place, "phone", "not an E.164 number", remedy);
    }
    sound.map(Some)
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
