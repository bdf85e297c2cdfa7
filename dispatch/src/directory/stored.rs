//! The bytes of a version: what is hashed to name it, and what is sealed on disk.

use super::columns::{People, Texts};
use super::contacts::Contact;
use super::numbers::Numbers;
use super::order::Order;
use super::{Device, Directory};
use crate::intent::RecipientNo;
use model::{AreaNo, Language, SiteNo};
use sha2::{Digest, Sha256};

/// Format of the bytes.
const FORMAT: u32 = 1;

/// No site, no deputy.
const NONE: u32 = u32::MAX;

/// Why bytes are not a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A format this version does not know.
    Newer,
    /// Not what [`encode`] writes.
    Damaged,
    /// Made for a city with other areas.
    OtherCity,
}

/// Content hash, 64 hexadecimal digits.
pub(super) fn hash(directory: &Directory) -> String {
    let mut hash = Hashing(Sha256::new());
    write(directory, &mut hash);
    hash.0
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// All bytes, little-endian, each list after its length.
pub(super) fn encode(directory: &Directory) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(directory, &mut bytes);
    bytes
}

/// Reads the bytes back, for the same city's areas.
pub(super) fn decode(bytes: &[u8], order: Order) -> Result<Directory, Unreadable> {
    let mut from = Reader(bytes);
    if from.u32().ok_or(Unreadable::Damaged)? != FORMAT {
        return Err(Unreadable::Newer);
    }
    let codes = from.list(Reader::u64).ok_or(Unreadable::Damaged)?;
    if !codes
        .iter()
        .copied()
        .eq(order.codes().iter().map(|c| c.number()))
    {
        return Err(Unreadable::OtherCity);
    }
    let ranks = order.codes().len();
    let read = |from: &mut Reader<'_>| {
        let numbers = Numbers(from.list(Reader::u64)?);
        let classes = from.list(Reader::text)?;
        let contacts = from.list(contact)?;
        let devices = from.list(device)?;
        let people = people(from)?;
        let sound = from.0.is_empty() && is_sound(&people, ranks);
        sound.then_some((numbers, classes, contacts, devices, people))
    };
    let (numbers, classes, contacts, devices, people) =
        read(&mut from).ok_or(Unreadable::Damaged)?;
    Ok(Directory::assemble(
        order, contacts, devices, people, classes, numbers,
    ))
}

trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

struct Hashing(Sha256);

impl Sink for Hashing {
    fn put(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

fn write(directory: &Directory, to: &mut impl Sink) {
    to.put(&FORMAT.to_le_bytes());
    list(to, directory.order.codes(), |to, code| {
        to.put(&code.number().to_le_bytes())
    });
    list(to, &directory.numbers.0, |to, key| {
        to.put(&key.to_le_bytes())
    });
    list(to, &directory.classes, |to, name| text(to, name));
    list(to, &directory.contacts, write_contact);
    list(to, &directory.devices, |to, device| {
        to.put(&device.recipient.0.to_le_bytes());
        to.put(&device.site.0.to_le_bytes());
        text(to, &device.id);
    });
    let people = &directory.people;
    for column in [&people.starts, &people.recipient, &people.bits] {
        list(to, column, |to, value| to.put(&value.to_le_bytes()));
    }
    for column in [&people.lon, &people.lat] {
        list(to, column, |to, value| to.put(&value.to_le_bytes()));
    }
    list(to, &people.phone, |to, value| to.put(&value.to_le_bytes()));
    for texts in [&people.email, &people.push] {
        list(to, &texts.rows, |to, value| to.put(&value.to_le_bytes()));
        list(to, &texts.ends, |to, value| to.put(&value.to_le_bytes()));
        text(to, &texts.text);
    }
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

fn list<S: Sink, T>(to: &mut S, items: &[T], mut item: impl FnMut(&mut S, &T)) {
    to.put(&(items.len() as u64).to_le_bytes());
    for each in items {
        item(to, each);
    }
}

fn text(to: &mut impl Sink, text: &str) {
    to.put(&(text.len() as u64).to_le_bytes());
    to.put(text.as_bytes());
}

/// Reads front to back; `None` where the bytes end too soon.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?)
            .ok()
            .map(str::to_owned)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        // A length is only believed as far as bytes follow.
        let mut items = Vec::with_capacity(length.min(self.0.len()));
        for _ in 0..length {
            items.push(item(self)?);
        }
        Some(items)
    }
}

fn contact(from: &mut Reader<'_>) -> Option<Contact> {
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

fn device(from: &mut Reader<'_>) -> Option<Device> {
    let (recipient, site) = (RecipientNo(from.u32()?), SiteNo(from.u32()?));
    Some(Device {
        recipient,
        site,
        id: from.text()?,
    })
}

fn people(from: &mut Reader<'_>) -> Option<People> {
    let [starts, recipient, bits] = [
        from.list(Reader::u32)?,
        from.list(Reader::u32)?,
        from.list(Reader::u32)?,
    ];
    let [lon, lat] = [from.list(Reader::i32)?, from.list(Reader::i32)?];
    let phone = from.list(Reader::u64)?;
    let mut texts = || {
        let (rows, ends) = (from.list(Reader::u32)?, from.list(Reader::u32)?);
        Some(Texts {
            rows,
            ends,
            text: from.text()?,
        })
    };
    let (email, push) = (texts()?, texts()?);
    Some(People {
        starts,
        recipient,
        lon,
        lat,
        bits,
        phone,
        email,
        push,
    })
}

fn is_sound(people: &People, ranks: usize) -> bool {
    let rows = people.recipient.len();
    let same = [
        people.lon.len(),
        people.lat.len(),
        people.bits.len(),
        people.phone.len(),
    ];
    people.starts.len() == ranks + 1
        && people.starts.is_sorted()
        && people.starts.last().copied().unwrap_or(0) as usize == rows
        && same.iter().all(|length| *length == rows)
        && people.email.is_sound(rows)
        && people.push.is_sound(rows)
}
