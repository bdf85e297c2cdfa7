//! Head-counts of an audience before signing: by area, channel and language, short messages also by
//! the account that tells them.

use super::columns::{self, CLASS_BITS, IS_SHARED, People, WAYS, code_of};
use super::resolve::{Look, ResolveError, Selection, way};
use super::slices::Slice;
use super::{Directory, resolve::Seen};
use crate::gateway::sms::share::Share;
use crate::intent::Audience;
use model::{AreaNo, Channel, City, Language};
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
    /// Of those reached, people whose phone occurs more than once: each number is told once.
    pub shared: u64,
}

/// Subscribers of one area by profile and, within one, by account; those whose telephone others have
/// too a second time.
struct Tally {
    accounts: usize,
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

    /// The same, short messages by the accounts that share the phones. Each telephone is looked at then.
    ///
    /// # Errors
    /// The audience was made for another version.
    pub fn preview_by(
        &self,
        city: &City,
        audience: &Audience,
        channels: &[Channel],
        share: Option<&Share>,
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
        let mut known = Tally::of(&self.people, share);
        let mut changed = Tally::of(&self.live.added, share);
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
                        .for_each(|seen| counting.one(area, &seen, share));
                    continue;
                }
                let Some((people, at)) = self.subscriber_at(part.rows.start) else {
                    continue;
                };
                let is_known = part.rows.start < first + self.people.len() as u32;
                let tally = if is_known { &mut known } else { &mut changed };
                self.tally((people, at), &part, &selection, share, tally);
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

    /// Counts the subscribers of a part of one area by what they have in common; `at` is its first.
    fn tally(
        &self,
        (people, at): (&People, usize),
        part: &Slice,
        selection: &Selection,
        share: Option<&Share>,
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
            let account = share.map_or(0, |share| {
                let phone = people.phones.number(code_of(*spot));
                phone.map_or(0, |phone| usize::from(share.account(phone)))
            });
            let at = usize::from(profile & !IS_SHARED) * tally.accounts + account;
            if let (Some(rows), Some(shared)) = (tally.rows.get_mut(at), tally.shared.get_mut(at)) {
                *rows += 1;
                *shared += u64::from(profile & IS_SHARED != 0);
            }
        }
    }
}

impl Tally {
    fn of(people: &People, share: Option<&Share>) -> Self {
        let accounts = share.map_or(1, |share| usize::from(share.accounts().max(1)));
        let places = people.profiles.len() * accounts;
        Self {
            accounts,
            rows: vec![0; places],
            shared: vec![0; places],
        }
    }
}

impl Counting<'_> {
    fn one(&mut self, area: AreaNo, seen: &Seen<'_>, share: Option<&Share>) {
        let phone = seen.recipient.phone();
        let account = share.zip(phone).map_or(0, |(share, it)| share.account(it));
        self.add(
            area,
            (seen.ways, seen.language, account),
            (1, u64::from(seen.shared)),
        );
    }

    /// Takes what was tallied in an area, and empties it.
    fn all(&mut self, area: AreaNo, profiles: &[u32], tally: &mut Tally) {
        let rows = tally.rows.chunks_exact_mut(tally.accounts);
        let shared = tally.shared.chunks_exact_mut(tally.accounts);
        for (bits, (rows, shared)) in profiles.iter().zip(rows.zip(shared)) {
            for (account, (rows, shared)) in (0..).zip(rows.iter_mut().zip(shared)) {
                let (rows, shared) = (std::mem::take(rows), std::mem::take(shared));
                if rows > 0 && bits & self.classes & CLASS_BITS != 0 {
                    let way = (bits & WAYS, columns::language(*bits), account);
                    self.add(area, way, (rows, shared));
                }
            }
        }
    }

    fn add(
        &mut self,
        area: AreaNo,
        (ways, language, account): (u32, Language, u8),
        (people, shared): (u64, u64),
    ) {
        let mut reached = false;
        for channel in self.channels.iter().filter(|c| ways & way(**c) != 0) {
            let account = match channel {
                Channel::Sms => account,
                Channel::Email
                | Channel::Push
                | Channel::Cap
                | Channel::Webhook
                | Channel::Device
                | Channel::Voice
                | Channel::Area
                | Channel::Cell
                | Channel::Broadcast => 0,
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
        }
    }
}
