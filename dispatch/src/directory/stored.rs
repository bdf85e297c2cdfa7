//! The bytes of a version: what is hashed to name it, and what is sealed on disk. They are written
//! and read as a stream, since a city's people are half a gigabyte.

use super::cells::Runs;
use super::columns::{People, Texts, Twins};
use super::contacts::Contact;
use super::live::Live;
use super::numbers::Numbers;
use super::order::Order;
use super::phones::Phones;
use super::{Device, Directory, Owner, Standing};
use crate::intent::RecipientNo;
use model::{AreaNo, Language, SiteNo};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Format of the bytes, without what not every directory has.
const FORMAT: u32 = 2;
/// More of it where there are those of whom no roll has the last word.
const STANDING: u32 = 1;
/// More of it where there are strobes.
const STROBES: u32 = 2;

/// No site, no deputy.
const NONE: u32 = u32::MAX;

/// Why bytes are not a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A format this version does not know.
    Format(u32),
    /// Not what [`write`] writes.
    Damaged,
    /// Made for a city with other areas.
    OtherCity,
}

/// Where bytes go.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

/// Where bytes come from.
pub(super) trait Source {
    /// Fills `bytes`; false where they end too soon.
    fn take(&mut self, bytes: &mut [u8]) -> bool;

    /// No more than so many follow.
    fn left(&self) -> u64;
}

/// Values turned into bytes at once.
const BLOCK: usize = 8_192;

/// Content hash, 64 hexadecimal digits.
pub(super) fn hash(directory: &Directory, numbers: &Numbers) -> String {
    let mut hash = Hashing(Sha256::new());
    write(directory, numbers, &mut hash);
    hex::encode(hash.0.finalize())
}

/// How many bytes [`write`] gives.
pub(super) fn length(directory: &Directory, numbers: &Numbers) -> u64 {
    let mut length = Counting(0);
    write(directory, numbers, &mut length);
    length.0
}

#[cfg(test)]
impl Source for &[u8] {
    fn take(&mut self, bytes: &mut [u8]) -> bool {
        let Some((some, rest)) = self.split_at_checked(bytes.len()) else {
            return false;
        };
        bytes.copy_from_slice(some);
        *self = rest;
        true
    }

    fn left(&self) -> u64 {
        self.len() as u64
    }
}

struct Hashing(Sha256);

impl Sink for Hashing {
    fn put(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

struct Counting(u64);

impl Sink for Counting {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }
}

/// All bytes, little-endian, each list after its length.
pub(super) fn write(directory: &Directory, numbers: &Numbers, to: &mut impl Sink) {
    let has_standing = *directory.standing != Standing::default();
    let (mut sites, mut strobes) = (Vec::new(), Vec::new());
    for device in directory.devices.iter() {
        match device.owner {
            Owner::Site(site) => sites.push((device, site.0)),
            Owner::Contact(contact) => strobes.push((device, contact.0)),
        }
    }
    let mut format = FORMAT;
    format += if has_standing { STANDING } else { 0 };
    format += if strobes.is_empty() { 0 } else { STROBES };
    to.put(&format.to_le_bytes());
    list(to, directory.order.codes(), |to, code| {
        to.put(&code.number().to_le_bytes())
    });
    list(to, &directory.classes, |to, name| text(to, name));
    list(to, &directory.contacts, write_contact);
    list(to, &sites, write_device);
    if !strobes.is_empty() {
        list(to, &strobes, write_device);
    }
    let people = &directory.people;
    column(to, &people.starts, u32::to_le_bytes);
    column(to, &people.runs.keys, u64::to_le_bytes);
    column(to, &people.runs.starts, u32::to_le_bytes);
    column(to, &people.recipient, u32::to_le_bytes);
    column(to, &people.spot, u64::to_le_bytes);
    column(to, &people.profile, u16::to_le_bytes);
    column(to, &people.profiles, u32::to_le_bytes);
    column(to, &people.phones.others, u64::to_le_bytes);
    column(to, &people.twins.rows, u32::to_le_bytes);
    column(to, &people.twins.group, u32::to_le_bytes);
    for texts in [&people.email, &people.push] {
        column(to, &texts.rows, u32::to_le_bytes);
        column(to, &texts.ends, u32::to_le_bytes);
        text(to, &texts.text);
    }
    if has_standing {
        column(to, &directory.standing.own, u32::to_le_bytes);
        column(to, &directory.standing.out, u32::to_le_bytes);
    }
    // The last column: see `sealed::numbers_in`.
    column(to, &numbers.0, u64::to_le_bytes);
}

fn write_contact(to: &mut impl Sink, contact: &Contact) {
    to.put(&contact.recipient.0.to_le_bytes());
    for part in [
        &contact.id,
        &contact.name,
        &contact.role,
        &contact.email,
        &contact.push,
    ] {
        text(to, part);
    }
    to.put(&contact.area.0.to_le_bytes());
    to.put(&contact.site.map_or(NONE, |s| s.0).to_le_bytes());
    to.put(&contact.phone.unwrap_or(0).to_le_bytes());
    to.put(&contact.deputy.map_or(NONE, |d| d.0).to_le_bytes());
    let language = u8::try_from(contact.language.index()).unwrap_or_default();
    let bits = [contact.is_deputy, !contact.hears, contact.helps];
    let bits = bits
        .iter()
        .rev()
        .fold(0, |all, bit| all << 1 | u8::from(*bit));
    to.put(&[language, bits, contact.level]);
}

/// A device, and the number of its site or contact.
fn write_device<S: Sink>(to: &mut S, (device, owner): &(&Device, u32)) {
    to.put(&device.recipient.0.to_le_bytes());
    to.put(&owner.to_le_bytes());
    text(to, &device.id);
}

fn list<S: Sink, T>(to: &mut S, items: &[T], mut item: impl FnMut(&mut S, &T)) {
    to.put(&(items.len() as u64).to_le_bytes());
    for each in items {
        item(to, each);
    }
}

/// A list of numbers, many at once.
fn column<const N: usize, T: Copy>(to: &mut impl Sink, values: &[T], bytes: fn(T) -> [u8; N]) {
    to.put(&(values.len() as u64).to_le_bytes());
    let mut block = Vec::with_capacity(BLOCK * N);
    for some in values.chunks(BLOCK) {
        block.clear();
        for value in some {
            block.extend_from_slice(&bytes(*value));
        }
        to.put(&block);
    }
}

fn text(to: &mut impl Sink, text: &str) {
    to.put(&(text.len() as u64).to_le_bytes());
    to.put(text.as_bytes());
}

/// Reads the bytes back, for the same city's areas; the directory has no version yet. The source
/// may go on behind them.
pub(super) fn read(
    source: &mut impl Source,
    order: Order,
) -> Result<(Directory, Numbers), Unreadable> {
    let mut from = Reader(source);
    let format = from.u32().ok_or(Unreadable::Damaged)?;
    let more = format.checked_sub(FORMAT);
    let more = more.filter(|more| *more <= STANDING + STROBES);
    let more = more.ok_or(Unreadable::Format(format))?;
    let codes = from.list(Reader::u64).ok_or(Unreadable::Damaged)?;
    if !codes
        .iter()
        .copied()
        .eq(order.codes().iter().map(|c| c.number()))
    {
        return Err(Unreadable::OtherCity);
    }
    parts(&mut from, order, more).ok_or(Unreadable::Damaged)
}

fn parts(
    from: &mut Reader<'_, impl Source>,
    order: Order,
    more: u32,
) -> Option<(Directory, Numbers)> {
    let classes = from.list(Reader::text)?;
    let contacts = from.list(contact)?;
    let mut devices = from.list(|from| device(from, |no| Owner::Site(SiteNo(no))))?;
    if more & STROBES != 0 {
        let strobe = |no| Owner::Contact(RecipientNo(no));
        devices.extend(from.list(|from| device(from, strobe))?);
    }
    let people = people(from)?;
    let standing = if more & STANDING != 0 {
        Standing {
            own: from.column(u32::from_le_bytes)?,
            out: from.column(u32::from_le_bytes)?,
        }
    } else {
        Standing::default()
    };
    let is_rising = |numbers: &[u32]| numbers.is_sorted_by(|a, b| a < b);
    if !(is_rising(&standing.own) && is_rising(&standing.out)) {
        return None;
    }
    let numbers = Numbers(from.column(u64::from_le_bytes)?);
    if !people.is_sound(order.codes().len(), numbers.0.len()) {
        return None;
    }
    let mut directory = Directory {
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
    directory.number_rows(numbers.0.len());
    Some((directory, numbers))
}

/// Reads front to back; `None` where the bytes end too soon.
struct Reader<'s, S>(&'s mut S);

impl<S: Source> Reader<'_, S> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.take(&mut bytes).then_some(bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length is only believed as far as bytes of that size can follow.
    fn length(&mut self, size: usize) -> Option<usize> {
        let length = self.u64()?;
        let bytes = length.checked_mul(size as u64)?;
        usize::try_from(length)
            .ok()
            .filter(|_| bytes <= self.0.left())
    }

    fn text(&mut self) -> Option<String> {
        let mut bytes = vec![0; self.length(1)?];
        self.0.take(&mut bytes).then_some(())?;
        String::from_utf8(bytes).ok()
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length(1)?;
        // Each takes several bytes in memory for one that is believed to follow.
        let mut items = Vec::with_capacity(length.min(BLOCK));
        for _ in 0..length {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn column<const N: usize, T>(&mut self, value: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let mut left = self.length(N)?;
        let mut values = Vec::with_capacity(left);
        let mut block = vec![0; BLOCK * N];
        while left > 0 {
            let some = left.min(BLOCK);
            let bytes = block.get_mut(..some * N)?;
            self.0.take(bytes).then_some(())?;
            let (whole, _) = bytes.as_chunks::<N>();
            values.extend(whole.iter().map(|bytes| value(*bytes)));
            left -= some;
        }
        Some(values)
    }
}

fn contact(from: &mut Reader<'_, impl Source>) -> Option<Contact> {
    let recipient = RecipientNo(from.u32()?);
    let [id, name, role, email, push] = [
        from.text()?,
        from.text()?,
        from.text()?,
        from.text()?,
        from.text()?,
    ];
    let area = AreaNo(from.u16()?);
    let site = from.u32().map(|s| (s != NONE).then_some(SiteNo(s)))?;
    let phone = from.u64().map(|p| (p != 0).then_some(p))?;
    let deputy = from.u32().map(|d| (d != NONE).then_some(RecipientNo(d)))?;
    let [language, bits, level] = from.array()?;
    Some(Contact {
        recipient,
        id,
        name,
        role,
        area,
        site,
        phone,
        email,
        push,
        language: Language::ALL
            .get(usize::from(language))
            .copied()
            .unwrap_or_default(),
        deputy,
        is_deputy: bits & 1 != 0,
        hears: bits & 2 == 0,
        helps: bits & 4 != 0,
        level,
    })
}

fn device(from: &mut Reader<'_, impl Source>, owner: fn(u32) -> Owner) -> Option<Device> {
    let (recipient, no) = (RecipientNo(from.u32()?), from.u32()?);
    Some(Device {
        recipient,
        owner: owner(no),
        id: from.text()?,
    })
}

fn people(from: &mut Reader<'_, impl Source>) -> Option<People> {
    let starts = from.column(u32::from_le_bytes)?;
    let keys = from.column(u64::from_le_bytes)?;
    let runs = Runs::new(keys, from.column(u32::from_le_bytes)?);
    let recipient = from.column(u32::from_le_bytes)?;
    let spot = from.column(u64::from_le_bytes)?;
    let profile = from.column(u16::from_le_bytes)?;
    let profiles = from.column(u32::from_le_bytes)?;
    let phones = Phones {
        others: from.column(u64::from_le_bytes)?,
    };
    let twins = Twins {
        rows: from.column(u32::from_le_bytes)?,
        group: from.column(u32::from_le_bytes)?,
    };
    let mut texts = || {
        Some(Texts {
            rows: from.column(u32::from_le_bytes)?,
            ends: from.column(u32::from_le_bytes)?,
            text: from.text()?,
        })
    };
    let (email, push) = (texts()?, texts()?);
    Some(People {
        starts,
        runs,
        recipient,
        spot,
        profile,
        profiles,
        phones,
        twins,
        email,
        push,
    })
}
