//! A line that speaks: nobody is spoken to by two calls at once, and what waits for a telephone when it
//! is about to be called goes into that call.
//!
//! The call is placed for what comes first in order; the rest rides along, costs no pace and no room of
//! the window, and never makes it wait: a row that is not at hand is told by the next call.

use super::Outbox;
use super::effects::{Effects, Row, Token};
use super::track::Key;
use model::{Span, Tier, Time};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Passes whose rows are fetched before anything leaves, and that are looked through for an address.
const LOOKED_AT: usize = 128;
/// Longest wait for rows that were asked for. A directory gives them in the same turn.
const ROWS_WITHIN: Span = Span::from_seconds(1);

impl Outbox {
    /// True where messages to one address go together.
    pub(super) const fn speaks(&self) -> bool {
        self.limits.together_max > 0
    }

    /// True where somebody is speaking to that address.
    pub(super) fn is_engaged(&self, row: &Row) -> bool {
        self.engaged.contains_key(&row.address)
    }

    /// Messages that are on the wire to an address.
    pub(super) fn engaged_by(&self, address: u64) -> usize {
        self.engaged.get(&address).copied().unwrap_or(0)
    }

    /// One of them was answered.
    pub(super) fn let_go(&mut self, address: u64) {
        let left = self.engaged_by(address).saturating_sub(1);
        if left == 0 {
            self.engaged.remove(&address);
        } else {
            self.engaged.insert(address, left);
        }
    }

    /// Asks for the rows of what comes first in order, and claims what has to be: what was planned
    /// together can go together. True where all of them are there, or do not come.
    pub(super) fn is_gathered(&mut self, at: Time, out: &mut Effects) -> bool {
        let mut waits = false;
        for key in self.first_in_order() {
            self.serve(key, true, at, out);
            let track = self.tracks.get(&key.no);
            let stream = track.and_then(|track| track.streams.get(usize::from(key.pass)));
            waits |= stream.is_some_and(|stream| stream.asked);
        }
        if !waits {
            self.gathering = None;
            return true;
        }
        let since = *self.gathering.get_or_insert(at);
        at < since || at.since(since) >= ROWS_WITHIN
    }

    fn first_in_order(&self) -> Vec<Key> {
        self.order.iter().copied().take(LOOKED_AT).collect()
    }

    /// What else waits for the addresses of the messages from `from` on goes with them, as much as one
    /// call says. What is not claimed rides along only with what a crash repeats anyhow.
    pub(super) fn join(&mut self, from: usize, is_repeated: bool, at: Time, out: &mut Effects) {
        let leading = out.sending.iter().skip(from);
        let flights = leading.filter_map(|one| self.flight.get(&one.token));
        let addresses: BTreeSet<u64> = flights.map(|flight| flight.row.address).collect();
        if addresses.is_empty() {
            return;
        }
        let keys = self.first_in_order();
        for address in addresses {
            for key in &keys {
                self.join_of(*key, address, is_repeated, at, out);
            }
        }
    }

    fn join_of(&mut self, key: Key, address: u64, is_repeated: bool, at: Time, out: &mut Effects) {
        let room = self.limits.together_max;
        if self.engaged_by(address) >= room || !self.may_leave(key, at) {
            return;
        }
        let (pass, place) = (key.pass, usize::from(key.pass));
        let Some(facts) = self.facts(key.no, false, at) else {
            return;
        };
        let slot = self.tracks.get_mut(&key.no);
        let Some(slot) = slot.and_then(|track| track.streams.get_mut(place)) else {
            return;
        };
        let mut stream = std::mem::take(slot);
        let unclaimed = facts.resend || is_repeated;
        let from = out.sending.len();
        while self.engaged_by(address) < room
            && self.held() < self.limits.unconfirmed_max
            && let Some(found) = stream.pop_of(address, unclaimed)
        {
            self.claimed_total -= usize::from(found.claimed).min(self.claimed_total);
            self.retries_total -= usize::from(found.again).min(self.retries_total);
            let row = found.retry.row;
            if found.again || self.goes(&facts, &row, (stream.epoch, false), at, out) {
                self.put(&facts, pass, found.retry, at, out);
            }
        }
        self.finish_batch(&facts, from, out);
        let slot = self.tracks.get_mut(&key.no);
        if let Some(slot) = slot.and_then(|track| track.streams.get_mut(place)) {
            *slot = stream;
        }
    }

    fn may_leave(&self, key: Key, at: Time) -> bool {
        self.tracks.get(&key.no).is_some_and(|track| {
            let intent = &track.intent;
            let is_time = intent.not_before.is_none_or(|from| at >= from) && at < intent.not_after;
            !track.closed && is_time && !self.paused.contains(&intent.id)
        })
    }

    /// Messages on the wire to whose addresses something of a higher tier waits to be said: their calls
    /// may be cut short.
    pub fn outranked(&self) -> Vec<Token> {
        let tier_of = |token: &Token| self.tracks.get(&token.no()).map(|track| track.intent.tier);
        let mut spoken: FxHashMap<u64, Tier> = FxHashMap::default();
        for (token, flight) in self.flight.iter().filter(|_| self.speaks()) {
            let highest = spoken.entry(flight.row.address).or_default();
            *highest = (*highest).max(tier_of(token).unwrap_or_default());
        }
        let Some(lowest) = spoken.values().copied().min() else {
            return Vec::new();
        };
        let mut outranked = BTreeSet::new();
        for key in self.order.iter().take(LOOKED_AT) {
            let Some(track) = self.tracks.get(&key.no) else {
                continue;
            };
            if track.intent.tier <= lowest {
                // Nothing higher follows.
                break;
            }
            let stream = track.streams.get(usize::from(key.pass));
            let rows = stream.into_iter().flat_map(|stream| &stream.rows);
            let waits = rows.filter(|row| {
                let below = spoken.get(&row.address);
                below.is_some_and(|below| *below < track.intent.tier)
            });
            outranked.extend(waits.map(|row| row.address));
        }
        let cut = self.flight.iter();
        let cut = cut.filter(|(_, flight)| outranked.contains(&flight.row.address));
        let mut cut: Vec<Token> = cut.map(|(token, _)| *token).collect();
        // The table has no order of its own.
        cut.sort_unstable();
        cut
    }
}
