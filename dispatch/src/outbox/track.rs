//! One intent on its way: a cursor per pass, the rows at hand, and what waits for another try.

use super::before::Before;
use super::effects::Row;
use super::limits::Limits;
use crate::gateway::sms::parts_of;
use crate::intent::{Audience, Intent, RecipientNo};
use model::{AreaCode, Channel, Language, Span, Tier, Time};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// Place in the order of a link (semantics §34): tier, onset, exposure, no other channel, then
/// the order of planning; recipients of one chunk follow by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    tier: Reverse<Tier>,
    onset: Time,
    exposure: u8,
    pub(super) pass: u8,
    pub(super) no: u32,
}

#[derive(Debug)]
pub(super) struct Track {
    pub(super) intent: Intent,
    pub(super) keys: [Key; 2],
    /// What is left of the audience.
    pub(super) areas: Vec<AreaCode>,
    pub(super) sites: Vec<String>,
    pub(super) strobes: Vec<String>,
    pub(super) streams: [Stream; 2],
    pub(super) in_flight: usize,
    /// What is known of each wording, by variant.
    pub(super) texts: Vec<Text>,
    /// Wordings that the account does not pass, a bit each.
    pub(super) not_passed: u64,
    /// What was said before, where that decides who is told.
    pub(super) before: Before,
    /// True where rows were passed over that have to be looked at again.
    pub(super) reread: bool,
    /// True where receipts may still come.
    pub(super) receipts: bool,
    /// True where nothing more leaves.
    pub(super) closed: bool,
    /// True where an earlier process may have told some of the audience without a word on disk.
    pub(super) doubtful: bool,
    /// True where a newer intent took places of it while it was so.
    pub(super) cut: bool,
}

/// One wording, as far as an outbox cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// What de-duplication compares.
    pub(super) hash: u64,
    /// Parts that carriers meter and windows count.
    pub(super) parts: u8,
}

/// One pass over an audience.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) rows: VecDeque<Row>,
    pub(super) cursor: u64,
    pub(super) epoch: u32,
    pub(super) asked: bool,
    pub(super) ended: bool,
    /// Leading rows whose claim is durable.
    pub(super) claimed: usize,
    /// Rows after those whose claim is being written, and by which progress.
    pub(super) claiming: usize,
    pub(super) claim_seq: u64,
    pub(super) retry: BTreeMap<(Time, u32), Retry>,
}

/// A message waiting for another try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) row: Row,
    pub(super) attempt: u8,
    /// True where an earlier try may have gone out.
    pub(super) perhaps: bool,
}

/// What waited for an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Popped {
    pub(super) retry: Retry,
    /// True where it is no first try.
    pub(super) again: bool,
    /// True where it was claimed, or was about to be.
    pub(super) claimed: bool,
}

impl Key {
    /// The same where the hazard comes at another hour.
    pub(super) const fn coming(self, onset: Time) -> Self {
        Self { onset, ..self }
    }
}

impl Retry {
    /// The first try.
    pub(super) const fn first(row: Row) -> Self {
        Self {
            row,
            attempt: 0,
            perhaps: false,
        }
    }
}

impl Track {
    pub(super) fn new(no: u32, intent: Intent, limits: &Limits) -> Self {
        let key = |pass| Key {
            tier: Reverse(intent.tier),
            onset: intent.onset,
            exposure: intent.exposure,
            pass,
            no,
        };
        Self {
            keys: [key(0), key(1)],
            areas: intent.audience.areas.clone(),
            sites: intent.audience.sites.clone(),
            strobes: intent.audience.strobes.clone(),
            streams: [Stream::default(), Stream::default()],
            in_flight: 0,
            texts: texts(&intent, limits),
            not_passed: 0,
            before: Before::default(),
            reread: false,
            receipts: true,
            closed: false,
            doubtful: false,
            cut: false,
            intent,
        }
    }

    /// What de-duplication compares for a wording.
    pub(super) fn text(&self, variant: u8) -> u64 {
        text_of(&self.texts, variant).hash
    }

    /// Takes the places of a newer intent out of this one's; true where that cut something.
    pub(super) fn give_up_places(&mut self, newer: &Audience) -> bool {
        let before = self.places();
        self.areas.retain(|area| !newer.areas.contains(area));
        self.sites.retain(|site| !newer.sites.contains(site));
        self.strobes.retain(|id| !newer.strobes.contains(id));
        before != self.places()
    }

    /// How many places of its own it has left.
    pub(super) fn places(&self) -> usize {
        self.areas.len() + self.sites.len() + self.strobes.len()
    }

    /// Whose turn is still to come, for the first time or once more.
    pub(super) fn waiting(&self) -> FxHashSet<RecipientNo> {
        let streams = self.streams.iter();
        let rows = streams.flat_map(|stream| {
            let again = stream.retry.values().map(|retry| &retry.row);
            stream.rows.iter().chain(again)
        });
        rows.map(|row| row.recipient).collect()
    }

    /// When it wants to be looked at again.
    pub(super) fn due(&self) -> Time {
        let streams = self.streams.iter();
        let soonest = streams.map(|stream| {
            if stream.rows.is_empty() && stream.ended {
                stream
                    .retry
                    .keys()
                    .next()
                    .map_or(self.intent.not_after, |(due, _)| *due)
            } else {
                self.intent.created
            }
        });
        let due = soonest.min().unwrap_or(self.intent.not_after);
        due.max(self.intent.not_before.unwrap_or(due))
            .min(self.intent.not_after)
    }

    /// True where nothing is left to send or to wait for.
    pub(super) fn is_done(&self) -> bool {
        self.in_flight == 0 && self.streams.iter().all(Stream::is_drained)
    }
}

pub(super) fn text_of(texts: &[Text], variant: u8) -> Text {
    let text = texts.get(usize::from(variant)).copied();
    text.unwrap_or(Text::NONE)
}

fn texts(intent: &Intent, limits: &Limits) -> Vec<Text> {
    let highest = intent.words.iter().map(|w| usize::from(w.variant_no) + 1);
    let slots = highest
        .max()
        .map_or(0, |slots| slots.max(Language::ALL.len()));
    let mut texts = vec![Text::NONE; slots];
    for (variant, slot) in texts.iter_mut().enumerate() {
        let words = u8::try_from(variant).ok().and_then(|v| intent.words_for(v));
        let Some(words) = words else { continue };
        let digest = Sha256::digest(words.text.as_bytes());
        let parts = match intent.channel {
            Channel::Sms => {
                let times = if limits.with_flash { 2 } else { 1 };
                times * parts_of(&words.text, limits.always_ucs2)
            }
            Channel::Cap
            | Channel::Push
            | Channel::Email
            | Channel::Webhook
            | Channel::Device
            | Channel::Voice
            | Channel::Area
            | Channel::Cell
            | Channel::Broadcast => 1,
        };
        *slot = Text {
            hash: digest
                .iter()
                .take(8)
                .fold(0, |all, b| (all << 8) | u64::from(*b)),
            parts: u8::try_from(parts).unwrap_or(u8::MAX),
        };
    }
    texts
}

impl Text {
    /// Of a wording that an intent does not have.
    const NONE: Self = Self { hash: 0, parts: 1 };
}

impl Stream {
    pub(super) fn is_drained(&self) -> bool {
        self.ended && self.rows.is_empty() && self.retry.is_empty()
    }

    /// Takes rows in; those of an older epoch were asked for before the audience was cut.
    pub(super) fn take(&mut self, epoch: u32, cursor: u64, rows: Vec<Row>, end: bool) {
        if epoch != self.epoch || !self.asked {
            return;
        }
        self.asked = false;
        self.cursor = cursor;
        self.ended = end;
        let from = self.rows.len();
        self.rows.extend(rows);
        // Chunks come in the directory's order, which is by place; within one the number decides.
        if let Some(new) = self.rows.make_contiguous().get_mut(from..) {
            new.sort_unstable_by_key(|row| row.recipient);
        }
    }

    pub(super) fn claim_durable(&mut self, seq: u64) {
        if self.claiming > 0 && self.claim_seq <= seq {
            self.claimed += self.claiming;
            self.claiming = 0;
        }
    }

    /// Back to the start of the audience; retries stay.
    pub(super) fn restart(&mut self) {
        self.rows.clear();
        self.cursor = 0;
        self.epoch += 1;
        self.asked = false;
        self.ended = false;
        self.claimed = 0;
        self.claiming = 0;
    }

    /// The next try that is due, if any, to whom it `may` go. One further ahead than the longest wait is
    /// due too: the clock was put back since.
    pub(super) fn pop_retry(
        &mut self,
        at: Time,
        longest: Span,
        may: impl Fn(&Row) -> bool,
    ) -> Option<Retry> {
        let is_due = |due: Time| due <= at || due > at + longest;
        let mut due = self.retry.iter().take_while(|((due, _), _)| is_due(*due));
        let key = due.find_map(|(key, retry)| may(&retry.row).then_some(*key))?;
        self.retry.remove(&key)
    }

    /// The first of the `ready` rows to whom it `may` go. Where some are claimed, those are ready.
    pub(super) fn pop_row(&mut self, ready: usize, may: impl Fn(&Row) -> bool) -> Option<Row> {
        let place = self.rows.iter().take(ready).position(may)?;
        self.rows.remove(place)
    }

    /// What waits for an address: another try, however long it would wait, or a row; of rows that are
    /// not claimed only where those may go too.
    pub(super) fn pop_of(&mut self, address: u64, unclaimed: bool) -> Option<Popped> {
        let mut again = self.retry.iter();
        let again = again.find_map(|(key, retry)| (retry.row.address == address).then_some(*key));
        if let Some(retry) = again.and_then(|key| self.retry.remove(&key)) {
            return Some(Popped {
                retry,
                again: true,
                claimed: false,
            });
        }
        let ready = if unclaimed {
            self.rows.len()
        } else {
            self.claimed
        };
        let place = self.rows.iter().take(ready);
        let place = place.map(|row| row.address).position(|of| of == address)?;
        let row = self.rows.remove(place)?;
        let is_claimed = place < self.claimed;
        let is_being_claimed = !is_claimed && place < self.claimed + self.claiming;
        self.claimed -= usize::from(is_claimed);
        self.claiming -= usize::from(is_being_claimed);
        Some(Popped {
            retry: Retry::first(row),
            again: false,
            claimed: is_claimed || is_being_claimed,
        })
    }

    pub(super) fn push_retry(&mut self, due: Time, recipient: RecipientNo, retry: Retry) {
        self.retry.insert((due, recipient.0), retry);
    }
}
