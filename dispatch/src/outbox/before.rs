//! Who was told of a warning before: whom a fall, an all-clear and a late first message are for,
//! and how long that is remembered.

use super::Outbox;
use super::earlier::Earlier;
use super::effects::{Effects, Note, Row, Token};
use super::fill::{Facts, Skip};
use super::track::Track;
use crate::intent::{Intent, RecipientNo};
use crate::ledger::State;
use crate::wording::Purpose;
use model::{Span, Time, WarningId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often accounts are looked through.
const FORGET_EVERY: Span = Span::from_minutes(1);

/// The accounts of what was said before an intent.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    pub(super) accounts: Arc<Earlier>,
    /// True where they tell of every place of the intent, and of everybody there who may have been
    /// told. Otherwise nobody knows who was.
    pub(super) is_whole: bool,
}

/// What one person got of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Yes,
    /// It is on the wire.
    Perhaps,
    /// Another account was to tell them.
    Elsewhere,
    No,
}

impl Outbox {
    /// What was said to the same reach by earlier revisions; for a late first message only what
    /// named its tier or a higher one.
    pub(super) fn before(&self, intent: &Intent) -> Before {
        let earlier: Vec<(u32, &Intent)> = self
            .of_warning(intent.warning)
            .map(|(no, track)| (no, &track.intent))
            .filter(|(_, other)| {
                // Who came was perhaps told by the revision that stands, elsewhere.
                let is_now = !intent.audience.came.is_empty()
                    && other.revision == intent.revision
                    && other.id != intent.id;
                other.audience.reach == intent.audience.reach
                    && (other.revision < intent.revision || is_now)
                    && other.purpose != Purpose::Withdraw
            })
            .collect();
        let first = earlier
            .iter()
            .filter(|(_, other)| !other.only_told && !other.only_new);
        let first: Vec<&Intent> = first.map(|(_, other)| *other).collect();
        let areas = &intent.audience.areas;
        let is_known = |area| {
            first
                .iter()
                .any(|other| other.audience.areas.contains(area))
        };
        let as_high = |other: &Intent| !other.is_end() && other.tier >= intent.tier;
        let accounts = earlier
            .iter()
            .filter(|(_, other)| !intent.only_new || as_high(other));
        let in_doubt = earlier.iter().any(|(no, other)| {
            let shares = |area| other.audience.areas.contains(area);
            self.is_doubtful(*no) && areas.iter().any(shares)
        });
        Before {
            accounts: Arc::new(Earlier::of(accounts.copied())),
            is_whole: !in_doubt && !first.is_empty() && areas.iter().all(is_known),
        }
    }

    /// True where somebody may have got a message of an intent without a word on disk: a process
    /// ended while it was on its way, and it was never gone through to its end since.
    fn is_doubtful(&self, no: u32) -> bool {
        let account = self.ledger.account_by(no);
        let is_known = account.is_some_and(|account| account.closed == Some(State::Unknown));
        let track = self.tracks.get(&no);
        is_known || track.is_some_and(|track| track.doubtful && (track.cut || !track.closed))
    }

    /// What a recipient got of these accounts.
    pub(super) fn heard(&self, accounts: &Earlier, recipient: RecipientNo) -> Heard {
        let mut heard = Heard::No;
        for no in accounts.of_person(recipient) {
            let account = self.ledger.account_by(no);
            let state = account.map_or(State::Unsent, |a| a.states.get(recipient));
            let flies = self.flight.contains_key(&Token::new(no, recipient));
            let is_claimed = state == State::Claimed && !flies;
            if state.may_be_told() || state == State::Duplicate || is_claimed {
                return Heard::Yes;
            }
            if flies {
                heard = Heard::Perhaps;
            } else if state == State::Handed && heard == Heard::No {
                heard = Heard::Elsewhere;
            }
        }
        heard
    }

    /// Why a row is passed over for what was said before. Where another account was to tell them and
    /// nobody can be asked any more, they may have been told.
    pub(super) fn skip_by_past(&self, facts: &Facts, row: &Row) -> Option<Skip> {
        let only_told = facts.only_told && facts.before.is_whole;
        if !only_told && !facts.only_new {
            return None;
        }
        let heard = self.heard(&facts.before.accounts, row.recipient);
        let asks = facts.heir.is_some().then_some(Skip::Asks);
        match (heard, only_told) {
            (Heard::Yes | Heard::Perhaps, true) => None,
            (Heard::Yes | Heard::Perhaps, false) => Some(Skip::Keep),
            // Every account was asked.
            (Heard::Elsewhere, true) if facts.is_back => Some(Skip::Becomes(State::Withdrawn)),
            (Heard::Elsewhere, false) if facts.is_back => None,
            (Heard::Elsewhere, _) => asks,
            (Heard::No, true) => Some(Skip::Becomes(State::Withdrawn)),
            (Heard::No, false) => None,
        }
    }

    /// Rows that were passed over while something was on the wire are looked at again once it is
    /// answered: who did not get that message gets this one.
    pub(super) fn read_again(&mut self, no: u32) {
        let Some(track) = self.tracks.get(&no) else {
            return;
        };
        let on_wire = |no: u32| self.tracks.get(&no).is_some_and(|t| t.in_flight > 0);
        if track.before.accounts.all().any(on_wire) {
            return;
        }
        if let Some(track) = self.tracks.get_mut(&no) {
            track.reread = false;
        }
        self.release(no);
    }

    /// Intents that wait for what `no` had on the wire.
    pub(super) fn answered_before(&mut self, no: u32, out: &mut Effects) {
        let Some(track) = self.tracks.get(&no).filter(|track| track.in_flight == 0) else {
            return;
        };
        let waiting = self.of_warning(track.intent.warning);
        let waiting = waiting.filter(|(_, track)| track.reread && !track.closed);
        let waiting: Vec<u32> = waiting.map(|(no, _)| no).collect();
        for no in waiting {
            self.complete(no, out);
        }
    }

    /// Drops accounts that nothing will ask for. What the public was told of a warning that
    /// stands is kept: whoever was told gets its end, however long it lasts.
    pub(super) fn forget_old(&mut self, at: Time, out: &mut Effects) {
        if self
            .forget_at
            .is_some_and(|next| at < next && next <= at + FORGET_EVERY)
        {
            return;
        }
        self.forget_at = Some(at + FORGET_EVERY);
        let mut forgotten = Vec::new();
        let mut standing: BTreeMap<u32, (WarningId, u64)> = BTreeMap::new();
        for (no, track) in &self.tracks {
            if !track.closed || at < track.intent.not_after + self.limits.keep {
                continue;
            }
            if self.is_standing(at, track) {
                let account = self.ledger.account_by(*no);
                let people = account.map_or(0, |a| a.states.counts().total());
                standing.insert(*no, (track.intent.warning, people));
            } else {
                forgotten.push(*no);
            }
        }
        for no in forgotten {
            self.forget(no);
        }
        for no in standing.keys() {
            let is_over = |track: &&mut Track| track.receipts && !track.intent.is_on_air();
            if let Some(track) = self.tracks.get_mut(no).filter(is_over) {
                track.receipts = false;
                self.ledger.forget_receipts(*no);
            }
        }
        self.bound_standing(standing, out);
    }

    /// Over the bound the warning that began first is forgotten whole, and that is said aloud:
    /// its end then goes to everybody in its areas.
    fn bound_standing(&mut self, mut standing: BTreeMap<u32, (WarningId, u64)>, out: &mut Effects) {
        let people_max = self.limits.standing_max;
        loop {
            let people: u64 = standing.values().map(|(_, people)| *people).sum();
            let is_over = people > people_max || standing.len() > self.limits.intents_max;
            let Some((_, (warning, _))) = standing.first_key_value().filter(|_| is_over) else {
                return;
            };
            let warning = *warning;
            let gone = standing.iter().filter(|(_, (of, _))| *of == warning);
            let gone: Vec<u32> = gone.map(|(no, _)| *no).collect();
            for no in gone {
                standing.remove(&no);
                self.forget(no);
            }
            self.stats.forgotten += 1;
            out.notes.push(Note::Forgotten(warning));
        }
    }

    /// True where some place of a public message has not been told of its end, or was so lately.
    fn is_standing(&self, at: Time, track: &Track) -> bool {
        let intent = &track.intent;
        let is_public = intent.audience.reach == model::Reach::Public;
        let is_forgotten = intent.is_publication() && !intent.is_on_air();
        if !is_public || is_forgotten || intent.is_end() {
            return false;
        }
        let ends: Vec<&Intent> = self
            .of_warning(intent.warning)
            .map(|(_, track)| &track.intent)
            .filter(|other| {
                other.is_end()
                    && other.revision > intent.revision
                    && other.audience.reach == intent.audience.reach
            })
            .collect();
        let keep = self.limits.keep;
        let lately = ends.iter().any(|end| at < end.not_after + keep);
        let is_over = |area| ends.iter().any(|end| end.audience.areas.contains(area));
        lately || !intent.audience.areas.iter().all(is_over)
    }

    fn forget(&mut self, no: u32) {
        let Some(track) = self.tracks.remove(&no) else {
            return;
        };
        self.ledger.forget(track.intent.id);
        if let Some(list) = self.by_warning.get_mut(&track.intent.warning) {
            list.retain(|other| *other != no);
            if list.is_empty() {
                self.by_warning.remove(&track.intent.warning);
            }
        }
    }

    pub(super) fn of_warning(&self, warning: WarningId) -> impl Iterator<Item = (u32, &Track)> {
        let list = self.by_warning.get(&warning).into_iter().flatten();
        list.filter_map(|no| Some((*no, self.tracks.get(no)?)))
    }
}
