//! A new version of the directory from its tables.

use super::columns::People;
use super::contacts;
use super::live::Live;
use super::numbers::{Kind, Numbers};
use super::order::Order;
use super::subscribers::{self, Taking};
use super::{Device, Directory, NOWHERE, Owner, Standing, parquet, strobes};
use model::fault::{Fault, Faults, Place};
use model::{City, Language};
use std::io::Read;
use std::sync::Arc;

/// A directory and what was wrong in its tables: bad rows are left out, the others can be told.
#[derive(Debug)]
pub struct Loaded {
    /// The new version.
    pub directory: Directory,
    /// What the numbers of the next one go on from.
    pub numbers: Numbers,
    /// Every fault, without personal data.
    pub faults: Vec<Fault>,
}

/// The version before, and the numbers it was sealed with.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// The version.
    pub directory: &'a Directory,
    /// Its numbers.
    pub numbers: &'a Numbers,
}

/// Where the subscribers come from.
pub enum Roll<R> {
    /// `subscribers.csv`.
    Csv(R),
    /// `subscribers.parquet`.
    Parquet(parquet::Opened),
}

impl Directory {
    /// Reads `contacts.csv` and `subscribers.csv` as streams. Numbers go on from `earlier`. An
    /// error only where a table cannot be read at all.
    pub fn read(
        city: &City,
        contacts: impl Read,
        subscribers: impl Read,
        earlier: Option<Earlier<'_>>,
    ) -> Result<Loaded, Vec<Fault>> {
        Self::read_roll(city, contacts, Roll::Csv(subscribers), earlier, &mut |_| {})
    }

    /// The same from any kind of roll; `watch` hears now and then how many rows were looked at.
    pub fn read_roll(
        city: &City,
        contacts: impl Read,
        roll: Roll<impl Read>,
        earlier: Option<Earlier<'_>>,
        watch: &mut dyn FnMut(u64),
    ) -> Result<Loaded, Vec<Fault>> {
        let mut faults = Faults::default();
        let order = Order::new(city);
        let more = match &roll {
            Roll::Csv(_) => 0,
            Roll::Parquet(file) => file.rows(),
        };
        let mut giving = match earlier {
            Some(earlier) => {
                let since: Vec<u64> = earlier.directory.keys_since().collect();
                let mut giving = earlier.numbers.giving(more.saturating_add(since.len()));
                giving.go_on(&since);
                giving
            }
            None => Numbers::default().giving(more),
        };
        let mut classes = earlier.map_or_else(Vec::new, |e| e.directory.classes.clone());
        let read = contacts::read(contacts, city, &order, &mut giving, &mut faults);
        let mut devices = Vec::new();
        for (site, no) in city.sites.iter().zip(0..) {
            for id in &site.actuators {
                let place = Place::file("sites.csv");
                let number = contacts::number(place, Kind::Device, id, &mut giving, &mut faults);
                devices.extend(number.map(|recipient| Device {
                    recipient,
                    owner: Owner::Site(model::SiteNo(no)),
                    id: id.clone(),
                }));
            }
        }
        let read = read.map(|(contacts, lights)| {
            devices.extend(strobes::number(lights, city, &mut giving, &mut faults));
            contacts
        });
        let standing = earlier.map_or_else(Standing::default, |e| e.directory.standing_since());
        let mut taking = Taking::new(city, &order, &mut classes, &mut giving, &mut faults);
        if let Some(earlier) = earlier {
            taking.pass_over(&standing);
            taking.keep(earlier.directory, |no| {
                standing.own.binary_search(&no).is_ok()
            });
        }
        let people = match roll {
            Roll::Csv(subscribers) => subscribers::read(subscribers, taking, watch),
            Roll::Parquet(file) => parquet::read(&file, taking, watch),
        };
        let (Some(contacts), Some(people)) = (read, people) else {
            return Err(faults.into_vec());
        };
        let numbers = giving.finish();
        let named = (classes, standing);
        let directory = Self::assemble(order, contacts, devices, people, named, &numbers);
        let township = directory.townships_without_contact(city);
        for area in township.into_iter().filter_map(|no| city.area(no)) {
            let what = format!("nobody answers for {} {}", area.code, area.name.zh);
            let remedy = "add a contact without a site: a warning there is asked of nobody";
            faults.notice(Place::file(contacts::FILE), "area", what, remedy);
        }
        Ok(Loaded {
            directory,
            numbers,
            faults: faults.into_vec(),
        })
    }

    /// Puts the parts together, and names them by the hash of it all.
    pub(super) fn assemble(
        order: Order,
        contacts: Vec<contacts::Contact>,
        devices: Vec<Device>,
        people: People,
        (classes, standing): (Vec<String>, Standing),
        numbers: &Numbers,
    ) -> Self {
        let mut directory = Self {
            order: Arc::new(order),
            contacts: Arc::new(contacts),
            devices: Arc::new(devices),
            people: Arc::new(people),
            classes,
            rows: Arc::default(),
            version: String::new(),
            standing: Arc::new(standing),
            live: Live::default(),
        };
        directory.version = super::stored::hash(&directory, numbers);
        directory.number_rows(numbers.0.len());
        directory
    }

    /// Notes which row each of so many numbers has.
    pub(super) fn number_rows(&mut self, numbers: usize) {
        let mut rows = vec![NOWHERE; numbers];
        let recipients = self
            .contacts
            .iter()
            .map(|c| c.recipient.0)
            .chain(self.devices.iter().map(|d| d.recipient.0))
            .chain(self.people.recipient.iter().copied());
        for (recipient, row) in recipients.zip(0..) {
            if let Some(slot) = rows.get_mut(recipient as usize) {
                *slot = row;
            }
        }
        self.rows = Arc::new(rows);
    }
}

/// The language of a tag; Chinese where the cell is empty.
pub(super) fn language_of(place: Place<'_>, tag: &str, faults: &mut Faults) -> Option<Language> {
    if tag.is_empty() {
        return Some(Language::default());
    }
    let language = Language::from_tag(tag);
    if language.is_none() {
        model::table::not_one_of(place, "language", tag, "zh, en", faults);
    }
    language
}

/// Reports whoever cannot be reached at all.
pub(super) fn reachable(
    place: Place<'_>,
    phone: Option<u64>,
    email: &str,
    push: &str,
    faults: &mut Faults,
) -> bool {
    if !(email.is_empty() || email.contains('@')) {
        faults.error(place, "email", "not an address", "write it as a@b.example");
        return false;
    }
    if phone.is_none() && email.is_empty() && push.is_empty() {
        let remedy = "write a phone, an e-mail address or a push token";
        faults.error(
            place,
            "phone",
            "there is no way to reach this person",
            remedy,
        );
        return false;
    }
    true
}
