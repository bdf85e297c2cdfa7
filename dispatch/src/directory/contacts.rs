//! `contacts.csv`: responsible persons by area, site, role and level of the ladder.

use super::numbers::{Giving, Kind, NoNumber};
use super::order::Order;
use super::phone;
use super::read::{language_of, reachable};
use super::strobes::{self, Strobe};
use crate::intent::RecipientNo;
use model::fault::{Faults, Place, quoted};
use model::table::{self, Table};
use model::{AreaCode, AreaNo, AuthorityId, City, Language, SiteNo};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

pub(super) const FILE: &str = "contacts.csv";

/// Role of those who sign: a contact with the id that the person has in the configuration.
const SIGNER: &str = "signer";

const REQUIRED: [&str; 5] = ["id", "name", "role", "area", "phone"];

/// A responsible person. Personal data: `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// Number.
    pub recipient: RecipientNo,
    /// Id, as orders and answers name it.
    pub id: String,
    /// Name.
    pub name: String,
    /// Role, such as `township_head`; the code of another authority for its duty room.
    pub role: String,
    /// Area answered for.
    pub area: AreaNo,
    /// Site answered for; `None` for the whole area.
    pub site: Option<SiteNo>,
    /// Telephone number, E.164 digits.
    pub phone: Option<u64>,
    /// E-mail address; may be empty.
    pub email: String,
    /// Push token; may be empty.
    pub push: String,
    /// Language.
    pub language: Language,
    /// Who stands in.
    pub deputy: Option<RecipientNo>,
    /// True where somebody else names this one as deputy.
    pub is_deputy: bool,
    /// False for one who cannot hear: no call is an answer of theirs, and whoever stands in for
    /// them helps them and is asked beside them.
    pub hears: bool,
    /// True where this one stands in for somebody who cannot hear.
    pub helps: bool,
    /// Place on the ladder, from 1.
    pub level: u8,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Reads the table; rows with an error are reported and left out. The strobes have no numbers yet.
pub(super) fn read(
    source: impl Read,
    city: &City,
    order: &Order,
    giving: &mut Giving,
    faults: &mut Faults,
) -> Option<(Vec<Contact>, Vec<Strobe>)> {
    let mut table = Table::open(FILE, source, &REQUIRED, faults)?;
    let [id, name, role, area, phone] = REQUIRED.map(|c| table.column(c));
    let [site, email, push, language, deputy, level, hearing, strobe] = [
        "site", "email", "push", "language", "deputy", "level", "hearing", "strobe",
    ]
    .map(|c| table.column(c));
    let (mut contacts, mut lights) = (Vec::new(), Vec::new());
    let mut deputies: BTreeMap<u32, (u32, String)> = BTreeMap::new();
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = table::required(place, "id", row.get(id), faults);
        let role = table::required(place, "role", row.get(role), faults);
        let area = area_of(place, row.get(area), city, faults);
        let site = site_of(place, row.get(site), city, faults);
        let phone = phone_of(place, row.get(phone), faults);
        let language = language_of(place, row.get(language), faults);
        let level = level_of(place, row.get(level), faults);
        let hears = hearing_of(place, row.get(hearing), faults);
        let (
            Some(id),
            Some(role),
            Some(area),
            Some(site),
            Some(phone),
            Some(language),
            Some(level),
            Some(hears),
        ) = (id, role, area, site, phone, language, level, hears)
        else {
            continue;
        };
        let (email, push) = (row.get(email), row.get(push));
        if !reachable(place, phone, email, push, faults) {
            continue;
        }
        let Some(recipient) = number(place, Kind::Contact, id, giving, faults) else {
            continue;
        };
        if !row.get(deputy).is_empty() {
            deputies.insert(recipient.0, (row.line(), row.get(deputy).to_owned()));
        }
        let light = (row.line(), row.get(strobe));
        lights.extend(strobes::of_row(light, (recipient, hears), faults));
        contacts.push(Contact {
            recipient,
            id: id.to_owned(),
            name: row.get(name).to_owned(),
            role: role.to_owned(),
            area,
            site,
            phone,
            email: email.to_owned(),
            push: push.to_owned(),
            language,
            deputy: None,
            is_deputy: false,
            hears,
            helps: false,
            level,
        });
    }
    contacts.extend(offices(city, giving, faults));
    link(&mut contacts, &deputies, giving, faults);
    contacts.sort_by(|a, b| {
        let key = |c: &Contact| (order.rank(c.area), c.site, c.level, c.recipient);
        key(a).cmp(&key(b))
    });
    Some((contacts, lights))
}

impl Contact {
    /// True where an area or a site is answered for; other authorities' duty rooms and those who
    /// sign are asked by their own names alone.
    pub fn answers_for_places(&self) -> bool {
        self.role != SIGNER && AuthorityId::parse(&self.role).is_err()
    }
}

/// Duty rooms of the other authorities of `city.toml` that have an address there.
fn offices(city: &City, giving: &mut Giving, faults: &mut Faults) -> Vec<Contact> {
    let place = Place::file("city.toml");
    let (Some(area), others) = (
        city.area_no(city.code),
        city.policy.matrix.authorities.iter(),
    ) else {
        return Vec::new();
    };
    let reachable = others.filter(|authority| !authority.own && !authority.email.is_empty());
    let mut offices = Vec::new();
    for authority in reachable {
        let id = format!("authority/{}", authority.id);
        if let Some(recipient) = number(place, Kind::Contact, &id, giving, faults) {
            offices.push(Contact {
                recipient,
                id,
                name: authority.name.zh.clone(),
                role: authority.id.to_string(),
                area,
                site: None,
                phone: None,
                email: authority.email.clone(),
                push: String::new(),
                language: Language::default(),
                deputy: None,
                is_deputy: false,
                hears: true,
                helps: false,
                level: 1,
            });
        }
    }
    offices
}

/// Gives a number or says why not.
pub(super) fn number(
    place: Place<'_>,
    kind: Kind,
    id: &str,
    giving: &mut Giving,
    faults: &mut Faults,
) -> Option<RecipientNo> {
    given(place, giving.give(kind, id), faults)
}

/// The number that was given, or why there is none.
pub(super) fn given(
    place: Place<'_>,
    given: Result<RecipientNo, NoNumber>,
    faults: &mut Faults,
) -> Option<RecipientNo> {
    match given {
        Ok(no) => Some(no),
        Err(NoNumber::Twice) => {
            faults.error(place, "id", "it stands there twice", "keep one of the two");
            None
        }
        Err(NoNumber::Full) => {
            faults.error(place, "id", "every number is used", "begin a new directory");
            None
        }
    }
}

/// `Some(None)` where there is none; `None` where it is not a number.
pub(super) fn phone_of(place: Place<'_>, text: &str, faults: &mut Faults) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let phone = phone::parse(text);
    if phone.is_none() {
        let remedy = "write it as +8613900000001";
        faults.error(place, "phone", "not an E.164 number", remedy);
    }
    phone.map(Some)
}

pub(super) fn area_of(
    place: Place<'_>,
    text: &str,
    city: &City,
    faults: &mut Faults,
) -> Option<AreaNo> {
    let area = AreaCode::parse(text)
        .ok()
        .and_then(|code| city.area_no(code));
    if area.is_none() {
        let what = format!("no area {}", quoted(text));
        faults.error(place, "area", what, "write the code of an area of the city");
    }
    area
}

fn site_of(
    place: Place<'_>,
    text: &str,
    city: &City,
    faults: &mut Faults,
) -> Option<Option<SiteNo>> {
    if text.is_empty() {
        return Some(None);
    }
    let site = city.site_no(text);
    if site.is_none() {
        let what = format!("no site {}", quoted(text));
        faults.error(place, "site", what, "write the id of a site of the city");
    }
    site.map(Some)
}

fn level_of(place: Place<'_>, text: &str, faults: &mut Faults) -> Option<u8> {
    if text.is_empty() {
        return Some(1);
    }
    let level = text.parse().ok().filter(|level| (1..=9).contains(level));
    if level.is_none() {
        faults.error(
            place,
            "level",
            "not a number from 1 to 9",
            "1 is asked first",
        );
    }
    level
}

fn hearing_of(place: Place<'_>, text: &str, faults: &mut Faults) -> Option<bool> {
    match text {
        "" | "yes" => Some(true),
        "no" => Some(false),
        _ => {
            let remedy = "no for one who cannot hear, else leave it empty";
            faults.error(place, "hearing", "neither yes nor no", remedy);
            None
        }
    }
}

fn link(
    contacts: &mut [Contact],
    deputies: &BTreeMap<u32, (u32, String)>,
    giving: &Giving,
    faults: &mut Faults,
) {
    let mut standing_in = std::collections::BTreeSet::new();
    let mut helping = std::collections::BTreeSet::new();
    for contact in contacts.iter_mut() {
        let Some((line, id)) = deputies.get(&contact.recipient.0) else {
            continue;
        };
        match giving
            .number(Kind::Contact, id)
            .filter(|no| *no != contact.recipient)
        {
            Some(no) => {
                contact.deputy = Some(no);
                standing_in.insert(no);
                if !contact.hears {
                    helping.insert(no);
                }
            }
            None => {
                let what = format!("no other contact {}", quoted(id));
                let remedy = "write the id of who stands in";
                faults.error(Place::line(FILE, *line), "deputy", what, remedy);
            }
        }
    }
    for contact in contacts {
        contact.is_deputy = standing_in.contains(&contact.recipient);
        contact.helps = helping.contains(&contact.recipient);
    }
}
