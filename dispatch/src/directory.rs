//! Who can be reached, where, how and in which language: responsible persons, site devices and
//! the people who subscribed, in columns sorted by place so that an area is one range of rows.
//!
//! Immutable: a change is a new version with its own content hash (semantics §35). Personal data
//! is clear in memory only; [`Directory::seal`] writes it encrypted, `Debug` never shows it and
//! log lines take [`phone::masked`].

use crate::intent::RecipientNo;
use model::{AreaNo, Channel, City, Language, SiteNo};
use std::fmt;
use std::sync::Arc;

mod cells;
mod columns;
mod contacts;
mod fold;
mod gather;
mod heads;
mod joining;
mod live;
mod numbers;
mod order;
mod parquet;
pub mod phone;
mod phones;
mod placing;
mod read;
mod resolve;
mod sealed;
mod shape;
mod slices;
mod stored;
mod strobes;
mod subscribers;
mod targets;
mod waiting;

#[cfg(test)]
mod tests;

pub use contacts::Contact;
pub use heads::{Head, Missed, Preview};
pub use joining::{Joining, Resident};
pub use live::{CHANGED_MAX, Change, Unchanged};
pub use numbers::Numbers;
pub use parquet::Opened as ParquetFile;
pub use read::{Earlier, Loaded, Roll};
pub use resolve::{LIVE_FROM, Page, ROWS_MAX, ResolveError, address_of};
pub use sealed::{Opened, SealError, SealKey, numbers_in, open_note, seal_note};
pub use shape::{DISTANCE_MAX_M, Shape, ShapeError, VERTICES_MAX};
pub use targets::Targets;

use columns::People;
use live::Live;
use order::Order;

/// People named for one telephone.
pub const SHARERS_MAX: usize = 64;

/// A row number of nothing.
const NOWHERE: u32 = u32::MAX;

/// One version of the directory, and what changed among its subscribers since. Rows are numbered
/// through: contacts, devices, subscribers of the version, those who changed.
#[derive(Clone)]
pub struct Directory {
    order: Arc<Order>,
    contacts: Arc<Vec<Contact>>,
    devices: Arc<Vec<Device>>,
    people: Arc<People>,
    classes: Vec<String>,
    rows: Arc<Vec<u32>>,
    version: String,
    standing: Arc<Standing>,
    live: Live,
}

/// Subscribers of whom no later roll has the last word, by number, rising: they changed something
/// by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// They are in it as they stand, whether a roll has them or not.
    own: Vec<u32>,
    /// They left: a roll that still has them does not bring them back.
    out: Vec<u32>,
}

/// A sign, siren or barrier at a site, or the strobe of somebody who cannot hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Number.
    pub recipient: RecipientNo,
    /// Whose it is.
    pub owner: Owner,
    /// The id it is commanded by.
    pub id: String,
}

/// Whose a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A site's: it stands there and acts with it.
    Site(SiteNo),
    /// A contact's, by number: the light at their post or bed.
    Contact(RecipientNo),
}

/// One recipient, with everything a gateway needs.
#[derive(Clone, Copy)]
pub enum Recipient<'d> {
    /// A responsible person.
    Contact(&'d Contact),
    /// A device of a site, or a strobe.
    Device(&'d Device),
    /// Somebody who subscribed.
    Subscriber(Subscriber<'d>),
}

/// A subscriber's row.
#[derive(Clone, Copy)]
pub struct Subscriber<'d> {
    people: &'d People,
    row: usize,
}

impl Directory {
    /// Audience classes that anybody in it has.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Content hash of this version, 64 hexadecimal digits: what intents name.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// True where somebody of `older` was taken out since.
    pub fn forgets(&self, older: &Self) -> bool {
        let numbers = (0..older.rows.len()).filter_map(|no| u32::try_from(no).ok());
        let mut known = numbers.filter(|no| older.row_of(*no).is_some());
        known.any(|no| self.row_of(no).is_none())
    }

    /// How many recipients it has: contacts, devices and subscribers.
    pub fn len(&self) -> usize {
        self.contacts.len() + self.devices.len() + self.subscribers()
    }

    fn subscribers(&self) -> usize {
        self.people.len() - self.live.masked.len() + self.live.added.len()
    }

    /// True where nobody can be reached.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Responsible persons, by area, site and level.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// The contact of that id.
    pub fn contact(&self, id: &str) -> Option<&Contact> {
        self.contacts.iter().find(|c| c.id == id)
    }

    /// Every push token: of responsible persons with their ids, then of subscribers.
    pub fn push_tokens(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let contacts = self.contacts.iter().filter(|c| !c.push.is_empty());
        let contacts = contacts.map(|c| (Some(c.id.as_str()), c.push.as_str()));
        let rows = self.people.push.rows.iter();
        let rows = rows.filter(|row| self.live.masked.binary_search(row).is_err());
        let people = rows.filter_map(|row| Some((None, self.people.push.get(*row as usize)?)));
        let added = &self.live.added.push;
        let changed = added.rows.iter();
        let changed = changed.filter_map(|row| Some((None, added.get(*row as usize)?)));
        contacts.chain(people).chain(changed)
    }

    /// Everybody who has that telephone, by number, at most [`SHARERS_MAX`] of them.
    pub fn who_has(&self, phone: u64) -> Vec<RecipientNo> {
        let contacts = self.contacts.iter().filter(|c| c.phone == Some(phone));
        let contacts = contacts.map(|contact| contact.recipient);
        let rows = 0..self.people.len();
        let rows = rows.filter(|row| self.people.phone(*row) == Some(phone));
        let people = rows.filter_map(|row| self.people.recipient.get(row).copied());
        let people = people.map(RecipientNo);
        contacts.chain(people).take(SHARERS_MAX).collect()
    }

    /// The contact or device of that id, by number.
    pub fn number_of(&self, id: &str) -> Option<RecipientNo> {
        let contact = self.contact(id).map(|contact| contact.recipient);
        let device = || self.devices.iter().find(|device| device.id == id);
        contact.or_else(|| device().map(|device| device.recipient))
    }

    /// The deputy registered for a contact.
    pub fn deputy_of(&self, contact: &Contact) -> Option<&Contact> {
        self.contact_by(contact.deputy?)
    }

    /// Site devices, by site, and behind them strobes.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Every strobe, and who looks at it.
    pub fn strobes(&self) -> impl Iterator<Item = (&Device, &Contact)> {
        let strobe = |device| Some((device, self.owner_of(device)?));
        self.devices.iter().filter_map(strobe)
    }

    /// Whose strobe a device is; `None` for one of a site.
    pub fn owner_of(&self, device: &Device) -> Option<&Contact> {
        match device.owner {
            Owner::Site(_) => None,
            Owner::Contact(no) => self.contact_by(no),
        }
    }

    /// Where a device stands: its area, and its site where it has one.
    pub fn place_of(&self, city: &City, device: &Device) -> Option<(AreaNo, Option<SiteNo>)> {
        match device.owner {
            Owner::Site(no) => Some((city.site(no)?.area, Some(no))),
            Owner::Contact(no) => self.contact_by(no).map(|c| (c.area, c.site)),
        }
    }

    fn contact_by(&self, no: RecipientNo) -> Option<&Contact> {
        match self.recipient(no)? {
            Recipient::Contact(contact) => Some(contact),
            Recipient::Device(_) | Recipient::Subscriber(_) => None,
        }
    }

    /// The recipient of that number; `None` for one who was taken out.
    pub fn recipient(&self, no: RecipientNo) -> Option<Recipient<'_>> {
        let row = self.row_of(no.0)?;
        let mut at = row as usize;
        if let Some(contact) = self.contacts.get(at) {
            return Some(Recipient::Contact(contact));
        }
        at = at.checked_sub(self.contacts.len())?;
        if let Some(device) = self.devices.get(at) {
            return Some(Recipient::Device(device));
        }
        let (people, row) = self.subscriber_at(row)?;
        Some(Recipient::Subscriber(Subscriber { people, row }))
    }

    /// The row of a number; `None` for one who was taken out.
    fn row_of(&self, no: u32) -> Option<u32> {
        if let Some(changed) = self.live.row_of(no) {
            let base = self.first_subscriber() as usize + self.people.len();
            return changed.and_then(|row| u32::try_from(base + row as usize).ok());
        }
        let row = *self.rows.get(no as usize)?;
        (row != NOWHERE).then_some(row)
    }

    /// Where a subscriber's row lies: among those of the version or those who changed.
    fn subscriber_at(&self, row: u32) -> Option<(&People, usize)> {
        let at = row.checked_sub(self.first_subscriber())? as usize;
        if at < self.people.len() {
            return Some((&self.people, at));
        }
        let at = at - self.people.len();
        (at < self.live.added.len()).then_some((&self.live.added, at))
    }

    /// Townships nobody is responsible for, by number: neither they nor a part of them has a
    /// contact without a site.
    pub fn townships_without_contact(&self, city: &City) -> Vec<AreaNo> {
        let townships = city.areas_of(model::AreaLevel::Township);
        townships
            .filter(|township| {
                let held = |c: &&Contact| c.site.is_none() && city.is_within(c.area, *township);
                !self.contacts.iter().any(|c| held(&c))
            })
            .collect()
    }
}

impl Recipient<'_> {
    /// Telephone number, E.164 digits without the plus.
    pub fn phone(&self) -> Option<u64> {
        match self {
            Self::Contact(contact) => contact.phone,
            Self::Device(_) => None,
            Self::Subscriber(s) => s.people.phone(s.row),
        }
    }

    /// E-mail address.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Contact(contact) => Some(contact.email.as_str()).filter(|e| !e.is_empty()),
            Self::Device(_) => None,
            Self::Subscriber(s) => s.people.email.get(s.row),
        }
    }

    /// Push token of the app.
    pub fn push(&self) -> Option<&str> {
        match self {
            Self::Contact(contact) => Some(contact.push.as_str()).filter(|p| !p.is_empty()),
            Self::Device(_) => None,
            Self::Subscriber(s) => s.people.push.get(s.row),
        }
    }

    /// Language addressed in.
    pub fn language(&self) -> Language {
        match self {
            Self::Contact(contact) => contact.language,
            Self::Device(_) => Language::default(),
            Self::Subscriber(s) => columns::language(s.people.bits_of(s.row)),
        }
    }

    /// Whether that channel reaches it.
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => self.phone().is_some(),
            Channel::Voice => match self {
                Self::Contact(contact) => contact.phone.is_some() && contact.hears,
                Self::Device(_) | Self::Subscriber(_) => self.phone().is_some(),
            },
            Channel::Email => self.email().is_some(),
            Channel::Push => self.push().is_some(),
            Channel::Device => matches!(self, Self::Device(_)),
            Channel::Cap
            | Channel::Webhook
            | Channel::Area
            | Channel::Cell
            | Channel::Broadcast => false,
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("version", &self.version)
            .field("contacts", &self.contacts.len())
            .field("devices", &self.devices.len())
            .field("subscribers", &self.subscribers())
            .finish()
    }
}

impl fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phone = self.phone().map(phone::masked).unwrap_or_default();
        f.debug_tuple("Recipient").field(&phone).finish()
    }
}
