//! An audience turned into rows, chunk by chunk: the first ones leave before the last are found.

use super::cells::Cell;
use super::columns::{self, CLASS_BITS, People, SHARED, WAYS};
use super::numbers::hash64;
use super::order::Rank;
use super::shape::cover::{Around, Cover};
use super::slices::{Slice, slices};
use super::{Contact, Device, Directory, Owner, Recipient, Subscriber};
use crate::intent::{Audience, RecipientNo};
use crate::outbox::Row;
use crate::wording::language_variant;
use model::release::{Ask, Reach};
use model::{AreaCode, AreaLevel, AreaNo, Channel, City, Language, SiteNo};
use std::ops::Range;

/// Rows given at once, whatever is asked for.
pub const ROWS_MAX: usize = 65_536;

/// Cursors from here on are of those who changed since the version: who moves while an audience is
/// gone through is met behind all others, and may have been met before.
pub const LIVE_FROM: u64 = 1 << 32;

/// Rows looked at in one call: a narrow audience in a great area comes in several.
const SCAN_MAX: u32 = 1 << 20;

/// Where a call of [`Directory::resolve`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// To go on with.
    pub cursor: u64,
    /// Nothing comes after it.
    pub end: bool,
}

/// Why an audience was not resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// It was made for another version of the directory.
    #[error(
        "the audience means directory {wanted}, this is {held}: open the version file it names"
    )]
    Version {
        /// Version meant.
        wanted: String,
        /// Version here.
        held: String,
    },
}

impl Directory {
    /// Appends the next rows of an audience that the channel reaches: pass 0 those who have no
    /// other channel, pass 1 everybody else. `cursor` is 0 or that of the last page. Order is by
    /// list (contacts, devices, subscribers), then by place; those who changed since the version
    /// follow in the order in which they did. A page is of the directory as it is at its call:
    /// whoever changes between two pages is found where they are then, by one of those to come.
    pub fn resolve(
        &self,
        city: &City,
        audience: &Audience,
        channel: Channel,
        (pass, cursor): (u8, u64),
        rows_max: usize,
        rows: &mut Vec<Row>,
    ) -> Result<Page, ResolveError> {
        self.check_version(audience)?;
        let selection = self.select(city, audience);
        let room = rows.len().saturating_add(rows_max.clamp(1, ROWS_MAX));
        if cursor >= LIVE_FROM {
            return Ok(self.resolve_changed(&selection, channel, (pass, cursor), room, rows));
        }
        let (mut next, mut looked) = (u32::try_from(cursor).unwrap_or(u32::MAX), 0);
        let mut look = Look::default();
        for slice in &selection.slices {
            let mut row = slice.rows.start.max(next);
            while row < slice.rows.end {
                if rows.len() >= room || looked >= SCAN_MAX {
                    return Ok(Page {
                        cursor: u64::from(row),
                        end: false,
                    });
                }
                if !slice.near || self.holds(row, &selection, &mut look) {
                    rows.extend(self.row(row, &selection, channel, pass));
                }
                looked += 1;
                row += 1;
            }
            next = next.max(slice.rows.end);
        }
        let changed = audience.reach == Reach::Public;
        Ok(Page {
            cursor: if changed { LIVE_FROM } else { u64::from(next) },
            end: !changed || self.live.order.is_empty(),
        })
    }

    /// Those who changed, in the order in which they did, from a cursor on.
    fn resolve_changed(
        &self,
        selection: &Selection,
        channel: Channel,
        (pass, cursor): (u8, u64),
        room: usize,
        rows: &mut Vec<Row>,
    ) -> Page {
        let mut look = Look::default();
        let base = self.first_subscriber() + self.people.len() as u32;
        let mut meant = vec![false; self.live.added.len()];
        for slice in &selection.changed {
            for row in slice.rows.clone() {
                let holds = !slice.near || self.holds(row, selection, &mut look);
                if let Some(slot) = meant.get_mut((row - base) as usize) {
                    *slot = holds;
                }
            }
        }
        let turn = cursor - LIVE_FROM;
        let behind = self.live.order.partition_point(|(at, _)| *at < turn);
        let mut next = turn;
        for (at, row) in self.live.order.iter().skip(behind) {
            next = *at;
            if rows.len() >= room {
                return Page {
                    cursor: LIVE_FROM + next,
                    end: false,
                };
            }
            next += 1;
            if meant.get(*row as usize).copied().unwrap_or(false) {
                rows.extend(self.row(base + row, selection, channel, pass));
            }
        }
        Page {
            cursor: LIVE_FROM + next,
            end: true,
        }
    }

    /// Whether an audience holds a recipient whom the channel reaches.
    ///
    /// # Errors
    /// The audience means another version.
    pub fn is_meant(
        &self,
        city: &City,
        audience: &Audience,
        channel: Channel,
        no: RecipientNo,
    ) -> Result<bool, ResolveError> {
        self.check_version(audience)?;
        if let Some(only) = &audience.only {
            return Ok(only.has(no));
        }
        let Some(row) = self.row_of(no.0) else {
            return Ok(false);
        };
        let selection = self.select(city, audience);
        let mut look = Look::default();
        let mut slices = selection.slices.iter().chain(&selection.changed);
        let is_inside = slices.any(|slice| {
            let near = |look: &mut Look| self.holds(row, &selection, look);
            slice.rows.contains(&row) && (!slice.near || near(&mut look))
        });
        let has_way = |pass| self.row(row, &selection, channel, pass).is_some();
        Ok(is_inside && (has_way(0) || has_way(1)))
    }

    /// Appends the rows of some people by number, or, where there is an audience, of those of the public
    /// alone whom it selects: as [`Directory::resolve`] gives them in a pass.
    pub fn rows_of(
        &self,
        among: Option<(&City, &Audience)>,
        channel: Channel,
        pass: u8,
        numbers: &[RecipientNo],
        rows: &mut Vec<Row>,
    ) {
        let anywhere = Selection {
            slices: Vec::new(),
            changed: Vec::new(),
            classes: u32::MAX,
            cover: None,
        };
        let selection = among.map_or(anywhere, |(city, audience)| self.select(city, audience));
        let mut look = Look::default();
        for no in numbers {
            let Some(row) = self
                .row_of(no.0)
                .filter(|row| among.is_none() || *row >= self.first_subscriber())
            else {
                continue;
            };
            let mut all = selection.slices.iter().chain(&selection.changed);
            let slice = all.find(|slice| slice.rows.contains(&row));
            let is_meant = match slice {
                None => among.is_none(),
                Some(slice) => !slice.near || self.holds(row, &selection, &mut look),
            };
            if is_meant {
                rows.extend(self.row(row, &selection, channel, pass));
            }
        }
    }

    /// The smallest area somebody of the public lives in; `None` for everybody else.
    pub fn home_of(&self, no: RecipientNo) -> Option<AreaCode> {
        let (people, row) = self.subscriber_at(self.row_of(no.0)?)?;
        let rank = people.person(row)?.rank;
        self.order.codes().get(usize::from(rank)).copied()
    }

    /// True where the shape of a selection holds a subscriber's row.
    pub(super) fn holds(&self, row: u32, selection: &Selection, look: &mut Look) -> bool {
        let at = self.subscriber_at(row);
        let (Some((people, at)), Some(cover)) = (at, &selection.cover) else {
            return false;
        };
        if !look.run.contains(&row) {
            let Some((run, cell)) = people.runs.of_row(at as u32) else {
                return false;
            };
            cover.around(cell, &mut look.around);
            let base = row - at as u32;
            (look.run, look.cell) = (run.start + base..run.end + base, cell);
        }
        let spot = people.spot.get(at);
        spot.is_some_and(|spot| cover.holds(columns::spot_of(*spot, look.cell), &look.around))
    }

    /// Contacts and devices come before subscribers.
    pub(super) fn first_subscriber(&self) -> u32 {
        (self.contacts.len() + self.devices.len()) as u32
    }

    pub(super) fn check_version(&self, audience: &Audience) -> Result<(), ResolveError> {
        if audience.directory == self.version {
            return Ok(());
        }
        Err(ResolveError::Version {
            wanted: audience.directory.clone(),
            held: self.version.clone(),
        })
    }

    pub(super) fn select(&self, city: &City, audience: &Audience) -> Selection {
        let areas = area_numbers(city, &audience.areas);
        let sites = site_numbers(city, &audience.sites);
        let rows_of = |found: Vec<u32>| -> Vec<Slice> {
            let slice = |row: u32| Slice {
                rows: row..row + 1,
                near: false,
            };
            found.into_iter().map(slice).collect()
        };
        let mut selection = Selection {
            slices: Vec::new(),
            changed: Vec::new(),
            classes: u32::MAX,
            cover: None,
        };
        match audience.reach {
            Reach::Responsible => {
                let asked = Asked::new(self, city, audience, &areas, &sites);
                let rows = self
                    .contacts
                    .iter()
                    .zip(0..)
                    .filter(|(c, _)| asked.holds(c));
                selection.slices = rows_of(rows.map(|(_, row)| row).collect());
            }
            Reach::Device => {
                let is_meant = |d: &Device| match d.owner {
                    Owner::Site(no) => {
                        let inside = |site: &model::Site| {
                            areas.iter().any(|a| city.is_within(site.area, *a))
                        };
                        sites.contains(&no) || city.site(no).is_some_and(inside)
                    }
                    // Nobody's light goes on with the signs around them.
                    Owner::Contact(_) => audience.strobes.contains(&d.id),
                };
                let rows = self
                    .devices
                    .iter()
                    .zip(self.contacts.len() as u32..)
                    .filter(|(d, _)| is_meant(d) && audience.admits(&d.id));
                selection.slices = rows_of(rows.map(|(_, row)| row).collect());
            }
            Reach::Public => selection = self.public(&areas, audience, self.first_subscriber()),
        }
        selection
    }

    /// The public of an audience, rows counted from the first subscriber's.
    pub(super) fn select_public(
        &self,
        city: &City,
        audience: &Audience,
    ) -> Result<Selection, ResolveError> {
        self.check_version(audience)?;
        Ok(self.public(&area_numbers(city, &audience.areas), audience, 0))
    }

    fn public(&self, areas: &[AreaNo], audience: &Audience, base: u32) -> Selection {
        let mut classes = u32::MAX;

        if !audience.roles.is_empty() {
            let named = self
                .classes
                .iter()
                .zip(0..)
                .filter(|(c, _)| audience.roles.contains(c));
            classes = named.fold(0, |bits, (_, at)| bits | 1 << at);
        }
        let spans = self.order.cover(areas.iter().copied(), audience.alone);
        let cover = audience.shape.as_ref().map(Cover::new);
        let behind = base + self.people.len() as u32;
        let known = public(&self.people, &spans, cover.as_ref(), base);
        Selection {
            slices: without(known, &self.live.masked, base),
            changed: public(&self.live.added, &spans, cover.as_ref(), behind),
            classes,
            cover,
        }
    }

    fn row(&self, row: u32, selection: &Selection, channel: Channel, pass: u8) -> Option<Row> {
        let seen = self.seen(row, selection)?;
        let alone = seen.ways == way(channel);
        if seen.ways & way(channel) == 0 || alone != (pass == 0) {
            return None;
        }
        let text = |text: Option<&str>| hash64(&[text.unwrap_or_default().as_bytes()]);
        let (address, shared) = match (channel, seen.recipient) {
            (Channel::Sms | Channel::Voice, person) => (person.phone()?, seen.shared),
            (Channel::Email, person) => (text(person.email()), true),
            (Channel::Push, person) => (address_of(person.push().unwrap_or_default()), true),
            (Channel::Device, Recipient::Device(device)) => {
                // A light that goes on again was dark in between: each command to it counts.
                let says_the_same = matches!(device.owner, Owner::Site(_));
                (text(Some(&device.id)), says_the_same)
            }
            (
                Channel::Device
                | Channel::Cap
                | Channel::Webhook
                | Channel::Area
                | Channel::Cell
                | Channel::Broadcast,
                _,
            ) => return None,
        };
        Some(Row {
            recipient: seen.number,
            variant: language_variant(seen.language),
            shared,
            address,
        })
    }

    /// A row as far as selection and counting need it; `None` where its class is not meant.
    pub(super) fn seen(&self, row: u32, selection: &Selection) -> Option<Seen<'_>> {
        let mut at = row as usize;
        if let Some(contact) = self.contacts.get(at) {
            let recipient = Recipient::Contact(contact);
            let ways = [Channel::Sms, Channel::Email, Channel::Push];
            let ways = ways
                .into_iter()
                .filter(|c| recipient.has(*c))
                .fold(0, |bits, c| bits | way(c));
            return Some(Seen {
                recipient,
                number: contact.recipient,
                ways,
                language: contact.language,
                shared: true,
            });
        }
        at = at.checked_sub(self.contacts.len())?;
        if let Some(device) = self.devices.get(at) {
            let recipient = Recipient::Device(device);
            return Some(Seen {
                recipient,
                number: device.recipient,
                ways: DEVICE,
                language: Language::default(),
                shared: true,
            });
        }
        let (people, at) = self.subscriber_at(row)?;
        let number = *people.recipient.get(at)?;
        let bits = people.bits_of(at);
        (bits & selection.classes & CLASS_BITS != 0).then_some(Seen {
            recipient: Recipient::Subscriber(Subscriber { people, row: at }),
            number: RecipientNo(number),
            ways: bits & WAYS,
            language: columns::language(bits),
            shared: bits & SHARED != 0,
        })
    }

    /// Strobes of the responsible persons whom an audience asks.
    pub fn strobes_asked<'a>(
        &'a self,
        city: &City,
        audience: &Audience,
    ) -> Vec<(&'a Device, &'a Contact)> {
        let areas = area_numbers(city, &audience.areas);
        let sites = site_numbers(city, &audience.sites);
        let asked = Asked::new(self, city, audience, &areas, &sites);
        let strobes = self.strobes();
        strobes
            .filter(|(_, contact)| asked.holds(contact))
            .collect()
    }

    /// The township somebody belongs to, or the smallest area known where it is larger; `None` for
    /// one who was taken out.
    pub fn area_of(&self, city: &City, no: RecipientNo) -> Option<AreaNo> {
        let row = self.row_of(no.0)?;
        Some(self.area_from(city, row).0)
    }

    /// The township of a row and the first row that may belong to another.
    pub(super) fn area_from(&self, city: &City, row: u32) -> (AreaNo, u32) {
        let township = |area: AreaNo| {
            let mut upward = std::iter::once(area).chain(city.ancestors(area));
            upward
                .find(|a| {
                    city.area(*a)
                        .is_some_and(|a| a.level == AreaLevel::Township)
                })
                .unwrap_or(area)
        };
        if let Some(contact) = self.contacts.get(row as usize) {
            return (township(contact.area), row + 1);
        }
        let devices = self
            .devices
            .get((row as usize).saturating_sub(self.contacts.len()));
        if let Some((area, _)) = devices.and_then(|d| self.place_of(city, d)) {
            return (township(area), row + 1);
        }
        let Some((people, at)) = self.subscriber_at(row) else {
            return (AreaNo(0), u32::MAX);
        };
        let base = row - at as u32;
        let after = people.starts.partition_point(|start| *start as usize <= at);
        let rank = Rank::try_from(after.saturating_sub(1)).unwrap_or(Rank::MAX);
        let until = people
            .starts
            .get(after)
            .map_or(u32::MAX, |start| base + start);
        (self.order.area(rank).map_or(AreaNo(0), township), until)
    }
}

/// Rows of some areas, those inside a shape or near its border where there is one; `base` is added
/// to each.
fn public(people: &People, spans: &[Range<Rank>], cover: Option<&Cover>, base: u32) -> Vec<Slice> {
    if let Some(cover) = cover {
        return slices(&people.runs, spans, cover, base);
    }
    let slice = |span: &Range<Rank>| {
        let rows = people.rows(span);
        Slice {
            rows: base + rows.start..base + rows.end,
            near: false,
        }
    };
    spans.iter().map(slice).collect()
}

/// Slices without the rows that are masked.
fn without(slices: Vec<Slice>, masked: &[u32], base: u32) -> Vec<Slice> {
    if masked.is_empty() {
        return slices;
    }
    let mut kept = Vec::with_capacity(slices.len());
    for Slice { rows, near } in slices {
        let first = masked.partition_point(|row| base + row < rows.start);
        let inside = masked.iter().skip(first).map(|row| base + row);
        let mut from = rows.start;
        for row in inside.take_while(|row| *row < rows.end) {
            if from < row {
                let rows = from..row;
                kept.push(Slice { rows, near });
            }
            from = row + 1;
        }
        if from < rows.end {
            let rows = from..rows.end;
            kept.push(Slice { rows, near });
        }
    }
    kept
}

/// A text address as [`Row::address`] has it.
pub fn address_of(text: &str) -> u64 {
    hash64(&[text.as_bytes()])
}

/// A device's only way.
const DEVICE: u32 = 1 << 31;

pub(super) fn way(channel: Channel) -> u32 {
    match channel {
        Channel::Device => DEVICE,
        Channel::Sms
        | Channel::Email
        | Channel::Push
        | Channel::Cap
        | Channel::Webhook
        | Channel::Voice
        | Channel::Area
        | Channel::Cell
        | Channel::Broadcast => columns::way(channel),
    }
}

/// Rows to look at, the classes meant, and the shape that those near a border must lie in.
pub(super) struct Selection {
    pub(super) slices: Vec<Slice>,
    /// Of those who changed since the version.
    pub(super) changed: Vec<Slice>,
    pub(super) classes: u32,
    pub(super) cover: Option<Cover>,
}

/// The cell that was looked at last.
pub(super) struct Look {
    run: Range<u32>,
    cell: Cell,
    around: Around,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            run: 0..0,
            cell: Cell { y: 0, x: 0 },
            around: Around::default(),
        }
    }
}

pub(super) struct Seen<'d> {
    pub(super) recipient: Recipient<'d>,
    number: crate::intent::RecipientNo,
    pub(super) ways: u32,
    pub(super) language: Language,
    pub(super) shared: bool,
}

fn area_numbers(city: &City, codes: &[AreaCode]) -> Vec<AreaNo> {
    codes
        .iter()
        .filter_map(|code| city.area_no(*code))
        .collect()
}

fn site_numbers(city: &City, ids: &[String]) -> Vec<SiteNo> {
    ids.iter().filter_map(|id| city.site_no(id)).collect()
}

/// Which responsible persons an audience asks.
struct Asked<'a> {
    audience: &'a Audience,
    spans: Vec<Range<Rank>>,
    sites: &'a [SiteNo],
    districts: Vec<AreaNo>,
    directory: &'a Directory,
    city: &'a City,
}

impl<'a> Asked<'a> {
    fn new(
        directory: &'a Directory,
        city: &'a City,
        audience: &'a Audience,
        areas: &[AreaNo],
        sites: &'a [SiteNo],
    ) -> Self {
        let of_sites = sites.iter().filter_map(|no| city.site(*no).map(|s| s.area));
        let level = |area: AreaNo| city.area(area).map(|a| a.level);
        let mut districts: Vec<AreaNo> = areas
            .iter()
            .copied()
            .chain(of_sites)
            .flat_map(|area| std::iter::once(area).chain(city.ancestors(area)))
            .filter(|area| level(*area) == Some(AreaLevel::District))
            .collect();
        districts.sort_unstable();
        districts.dedup();
        let spans = directory.order.cover(areas.iter().copied(), false);
        Self {
            audience,
            spans,
            sites,
            districts,
            directory,
            city,
        }
    }

    fn holds(&self, contact: &Contact) -> bool {
        if !self.audience.admits(&contact.id) {
            return false;
        }
        if let Some(authority) = &self.audience.authority {
            return contact.role == *authority;
        }
        if !self.audience.contacts.is_empty() {
            return self.audience.contacts.contains(&contact.id);
        }
        if !contact.answers_for_places() {
            return false;
        }
        let roles = &self.audience.roles;
        (roles.is_empty() || roles.contains(&contact.role)) && self.is_asked(contact)
    }

    fn is_asked(&self, contact: &Contact) -> bool {
        let (there, district, city) = (
            self.answers(contact),
            self.of_district(contact),
            self.of_city(contact),
        );
        match self.audience.ask {
            None => there,
            // Who helps one that cannot hear is asked beside them.
            Some(Ask::Primary) => there && (!contact.is_deputy || contact.helps),
            Some(Ask::Deputy) => there && contact.is_deputy,
            Some(Ask::District) => district,
            Some(Ask::City) => city,
            Some(Ask::Everyone) => there || district || city,
        }
    }

    /// Answers for a warned area or part of one, or for a warned site. Those of other sites in a
    /// warned area are not meant: their sites are told when they are reached.
    fn answers(&self, contact: &Contact) -> bool {
        match contact.site {
            Some(site) => self.sites.contains(&site),
            None => {
                let rank = self.directory.order.rank(contact.area);
                self.spans.iter().any(|span| span.contains(&rank))
            }
        }
    }

    fn of_district(&self, contact: &Contact) -> bool {
        contact.site.is_none() && self.districts.contains(&contact.area)
    }

    fn of_city(&self, contact: &Contact) -> bool {
        let somebody = !self.audience.areas.is_empty() || !self.sites.is_empty();
        let level = self.city.area(contact.area).map(|a| a.level);
        somebody && contact.site.is_none() && level == Some(AreaLevel::City)
    }
}
