//! Head-counts of an audience before signing: by area, channel and language.

use super::columns::{self, CLASS_BITS, IS_SHARED, People, WAYS};
use super::resolve::{Look, ResolveError, Selection, way};
use super::slices::Slice;
use super::{Directory, resolve::Seen};
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
    /// How many.
    pub people: u64,
}

/// Head-counts before signing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// By area, channel and language; only what is not zero.
    pub heads: Vec<Head>,
    /// People reached by at least one of the channels.
    pub people: u64,
    /// People meant whom none of the channels reaches.
    pub missed: u64,
    /// Of those reached, people whose phone occurs more than once: each number is told once.
    pub shared: u64,
}

/// Subscribers of one area by profile, those whose telephone others have too a second time.
struct Tally {
    rows: Vec<u64>,
    shared: Vec<u64>,
}

/// What is counted up.
struct Counting<'c> {
    channels: &'c [Channel],
    classes: u32,
    heads: BTreeMap<(AreaNo, Channel, Language), u64>,
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
        self.check_version(audience)?;
        let selection = self.select(city, audience);
        let mut counting = Counting {
            channels,
            classes: selection.classes,
            heads: BTreeMap::new(),
            preview: Preview::default(),
        };
        let first = self.first_subscriber();
        let mut known = Tally::of(&self.people);
        let mut changed = Tally::of(&self.live.added);
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
                    seen.into_iter().for_each(|seen| counting.one(area, &seen));
                    continue;
                }
                let Some((people, at)) = self.subscriber_at(part.rows.start) else {
                    continue;
                };
                let is_known = part.rows.start < first + self.people.len() as u32;
                let tally = if is_known { &mut known } else { &mut changed };
                self.tally((people, at), &part, &selection, tally);
                counting.all(area, &people.profiles, tally);
            }
        }
        let heads = counting.heads.into_iter();
        let heads = heads.map(|((area, channel, language), people)| Head {
            area,
            channel,
            language,
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
        tally: &mut Tally,
    ) {
        let span = at..at + part.rows.len();
        let profiles = people.profile.get(span).unwrap_or_default();
        let mut look = Look::default();
        for (profile, row) in profiles.iter().zip(part.rows.clone()) {
            if part.near && !self.holds(row, selection, &mut look) {
                continue;
            }
            let at = usize::from(profile & !IS_SHARED);
            if let (Some(rows), Some(shared)) = (tally.rows.get_mut(at), tally.shared.get_mut(at)) {
                *rows += 1;
                *shared += u64::from(profile & IS_SHARED != 0);
            }
        }
    }
}

impl Tally {
    fn of(people: &People) -> Self {
        let profiles = people.profiles.len();
        Self {
            rows: vec![0; profiles],
            shared: vec![0; profiles],
        }
    }
}

impl Counting<'_> {
    fn one(&mut self, area: AreaNo, seen: &Seen<'_>) {
        self.add(
            area,
            (seen.ways, seen.language),
            (1, u64::from(seen.shared)),
        );
    }

    /// Takes what was tallied in an area, and empties it.
    fn all(&mut self, area: AreaNo, profiles: &[u32], tally: &mut Tally) {
        let counts = tally.rows.iter_mut().zip(&mut tally.shared);
        for (bits, (rows, shared)) in profiles.iter().zip(counts) {
            let (rows, shared) = (std::mem::take(rows), std::mem::take(shared));
            if rows > 0 && bits & self.classes & CLASS_BITS != 0 {
                self.add(
                    area,
                    (bits & WAYS, columns::language(*bits)),
                    (rows, shared),
                );
            }
        }
    }

    fn add(
        &mut self,
        area: AreaNo,
        (ways, language): (u32, Language),
        (people, shared): (u64, u64),
    ) {
        let mut reached = false;
        for channel in self.channels.iter().filter(|c| ways & way(**c) != 0) {
            *self.heads.entry((area, *channel, language)).or_default() += people;
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
