//! Head-counts of an audience before signing: by area, channel and language, short messages also by
//! the account that tells them.

use super::columns::{self, CLASS_BITS, IS_SHARED, People, WAYS, code_of};
use super::resolve::{Look, ResolveError, Selection, way};
use super::slices::Slice;
use super::{Directory, resolve::Seen};
use crate::gateway::sms::{Kinds, Phone, Sorter};
use crate::intent::Audience;
use model::{AreaNo, Channel, City, Language};
use serde::Serialize;
use std::collections::BTreeMap;

/// People of one area reached by one channel in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Township, or the smallest area known where it is larger.
    pub area: AreaNo,
    /// Channel.
    pub channel: Channel,
    /// Language.
    pub language: Language,
    /// Of short messages, the account that tells them where several share the phones; else 0.
    pub account: u8,
    /// How many.
    pub people: u64,
}

/// Head-counts before signing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// By area, channel, language and account; only what is not zero.
    pub heads: Vec<Head>,
    /// People reached by at least one of the channels.
    pub people: u64,
    /// People meant whom none of the channels reaches.
    pub missed: u64,
    /// Why, each of them once.
    pub missed_by: BTreeMap<Missed, u64>,
    /// Of those reached, people whose phone occurs more than once: each number is told once.
    pub shared: u64,
}

/// Why none of the channels reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The telephone is on a desk.
    Landline,
    /// The telephone is of another country, which no account carries.
    Foreign,
    /// The number is that of a card in a machine.
    DataOnly,
    /// The number is of no known carrier.
    NoCarrier,
    /// There is no telephone.
    NoTelephone,
    /// There is a telephone, and short messages are none of the channels.
    OtherChannel,
}

/// Subscribers of one area by profile and, within one, by account or by what the telephone is; those whose telephone others have
/// too a second time.
struct Tally {
    accounts: u8,
    places: usize,
    rows: Vec<u64>,
    shared: Vec<u64>,
}

/// What is counted up.
struct Counting<'c> {
    channels: &'c [Channel],
    classes: u32,
    heads: BTreeMap<(AreaNo, Channel, Language, u8), u64>,
    preview: Preview,
}

impl Directory {
    /// Counts an audience by area, channel and language.
    ///
    /// # Errors
    /// The audience was made for another version.
    pub fn preview(
        &self,
        city: &City,
        audience: &Audience,
        channels: &[Channel],
    ) -> Result<Preview, ResolveError> {
        self.preview_by(city, audience, channels, None)
    }

    /// The same, short messages by the account that tells each telephone; to whom none does they reach
    /// nobody. Each telephone is looked at then: some nanoseconds each.
    ///
    /// # Errors
    /// The audience was made for another version.
    pub fn preview_by(
        &self,
        city: &City,
        audience: &Audience,
        channels: &[Channel],
        sorter: Option<&Sorter>,
    ) -> Result<Preview, ResolveError> {
        self.check_version(audience)?;
        let selection = self.select(city, audience);
        let mut counting = Counting {
            channels,
            classes: selection.classes,
            heads: BTreeMap::new(),
            preview: Preview::default(),
        };
        let first = self.first_subscriber();
        let mut known = Tally::of(&self.people, sorter);
        let mut changed = Tally::of(&self.live.added, sorter);
        for slice in selection.slices.iter().chain(&selection.changed) {
            let mut row = slice.rows.start;
            while row < slice.rows.end {
                let (area, until) = self.area_from(city, row);
                let part = Slice {
                    rows: row..until.min(slice.rows.end),
                    near: slice.near,
                };
                row = part.rows.end;
                if part.rows.start < first {
                    let seen = self.seen(part.rows.start, &selection);
                    seen.into_iter()
                        .for_each(|seen| counting.one(area, &seen, sorter));
                    continue;
                }
                let Some((people, at)) = self.subscriber_at(part.rows.start) else {
                    continue;
                };
                let is_known = part.rows.start < first + self.people.len() as u32;
                let tally = if is_known { &mut known } else { &mut changed };
                self.tally((people, at), &part, &selection, sorter, tally);
                counting.all(area, &people.profiles, tally);
            }
        }
        let heads = counting.heads.into_iter();
        let heads = heads.map(|((area, channel, language, account), people)| Head {
            area,
            channel,
            language,
            account,
            people,
        });
        Ok(Preview {
            heads: heads.collect(),
            ..counting.preview
        })
    }

    /// How the telephones begin that are of no known carrier, four digits of the national number, and
    /// how many do; responsible persons among them.
    pub fn without_carrier(&self, kinds: &Kinds) -> BTreeMap<u64, u64> {
        let mut found = BTreeMap::new();
        let subscribers = [&self.people, &self.live.added]
            .into_iter()
            .flat_map(|people| {
                let codes = people.spot.iter().map(|spot| code_of(*spot));
                codes.filter_map(|code| people.phones.number(code))
            });
        let contacts = self.contacts.iter().filter_map(|contact| contact.phone);
        for phone in contacts.chain(subscribers) {
            if kinds.phone(phone) == Phone::NoCarrier {
                *found.entry(national_beginning(phone)).or_default() += 1;
            }
        }
        found
    }

    /// Counts the subscribers of a part of one area by what they have in common; `at` is its first.
    fn tally(
        &self,
        (people, at): (&People, usize),
        part: &Slice,
        selection: &Selection,
        sorter: Option<&Sorter>,
        tally: &mut Tally,
    ) {
        let span = at..at + part.rows.len();
        let profiles = people.profile.get(span.clone()).unwrap_or_default();
        let spots = people.spot.get(span).unwrap_or_default();
        let mut look = Look::default();
        for ((profile, spot), row) in profiles.iter().zip(spots).zip(part.rows.clone()) {
            if part.near && !self.holds(row, selection, &mut look) {
                continue;
            }
            let place = sorter.map_or(0, |sorter| {
                let phone = people.phones.number(code_of(*spot));
                tally.place(phone.map_or(Ok(0), |phone| sorter.account(phone)))
            });
            let at = usize::from(profile & !IS_SHARED) * tally.places + place;
            if let (Some(rows), Some(shared)) = (tally.rows.get_mut(at), tally.shared.get_mut(at)) {
                *rows += 1;
                *shared += u64::from(profile & IS_SHARED != 0);
            }
        }
    }
}

/// The four digits behind the country's two.
fn national_beginning(phone: u64) -> u64 {
    let mut digits = phone;
    while digits >= 1_000_000 {
        digits /= 10;
    }
    digits % 10_000
}

impl Tally {
    fn of(people: &People, sorter: Option<&Sorter>) -> Self {
        let accounts = sorter.map_or(1, Sorter::accounts);
        let untold = if sorter.is_some() {
            Phone::UNTOLD.len()
        } else {
            0
        };
        let places = usize::from(accounts) + untold;
        Self {
            accounts,
            places,
            rows: vec![0; people.profiles.len() * places],
            shared: vec![0; people.profiles.len() * places],
        }
    }

    /// Where a telephone is counted: with its account, or behind the last one with what it is.
    fn place(&self, told: Result<u8, Phone>) -> usize {
        let untold = |it: Phone| {
            let at = Phone::UNTOLD.iter().position(|known| *known == it);
            usize::from(self.accounts) + at.unwrap_or(0)
        };
        told.map_or_else(untold, usize::from)
    }

    /// Who tells those of a place, or what their telephones are.
    fn told(accounts: u8, place: usize) -> Result<u8, Phone> {
        match u8::try_from(place) {
            Ok(account) if account < accounts => Ok(account),
            Ok(_) | Err(_) => {
                let at = place.saturating_sub(usize::from(accounts));
                Err(Phone::UNTOLD.get(at).copied().unwrap_or_default())
            }
        }
    }
}

impl Counting<'_> {
    fn one(&mut self, area: AreaNo, seen: &Seen<'_>, sorter: Option<&Sorter>) {
        let phone = seen.recipient.phone();
        let told = sorter.zip(phone);
        let told = told.map_or(Ok(0), |(sorter, phone)| sorter.account(phone));
        self.add(
            area,
            (seen.ways, seen.language, told),
            (1, u64::from(seen.shared)),
        );
    }

    /// Takes what was tallied in an area, and empties it.
    fn all(&mut self, area: AreaNo, profiles: &[u32], tally: &mut Tally) {
        let rows = tally.rows.chunks_exact_mut(tally.places);
        let shared = tally.shared.chunks_exact_mut(tally.places);
        for (bits, (rows, shared)) in profiles.iter().zip(rows.zip(shared)) {
            for (place, (rows, shared)) in rows.iter_mut().zip(shared).enumerate() {
                let (rows, shared) = (std::mem::take(rows), std::mem::take(shared));
                if rows > 0 && bits & self.classes & CLASS_BITS != 0 {
                    let told = Tally::told(tally.accounts, place);
                    let way = (bits & WAYS, columns::language(*bits), told);
                    self.add(area, way, (rows, shared));
                }
            }
        }
    }

    fn add(
        &mut self,
        area: AreaNo,
        (ways, language, told): (u32, Language, Result<u8, Phone>),
        (people, shared): (u64, u64),
    ) {
        let mut reached = false;
        for channel in self.channels.iter().filter(|c| ways & way(**c) != 0) {
            let account = match (channel, told) {
                (Channel::Sms, Err(_)) => continue,
                (Channel::Sms, Ok(account)) => account,
                (
                    Channel::Email
                    | Channel::Push
                    | Channel::Cap
                    | Channel::Webhook
                    | Channel::Device
                    | Channel::Voice
                    | Channel::Area
                    | Channel::Cell
                    | Channel::Broadcast,
                    _,
                ) => 0,
            };
            let of = (area, *channel, language, account);
            *self.heads.entry(of).or_default() += people;
            reached = true;
        }
        if reached {
            self.preview.people += people;
            self.preview.shared += shared;
        } else {
            self.preview.missed += people;
            let has_phone = ways & way(Channel::Sms) != 0;
            let why = match told {
                _ if !has_phone => Missed::NoTelephone,
                _ if !self.channels.contains(&Channel::Sms) => Missed::OtherChannel,
                Err(Phone::Landline) => Missed::Landline,
                Err(Phone::Foreign) => Missed::Foreign,
                Err(Phone::DataOnly) => Missed::DataOnly,
                Err(Phone::NoCarrier) => Missed::NoCarrier,
                Ok(_) | Err(Phone::Mobile) => Missed::OtherChannel,
            };
            *self.preview.missed_by.entry(why).or_default() += people;
        }
    }
}
