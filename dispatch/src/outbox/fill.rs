//! Filling the window: the highest in order first, rows fetched ahead, claims before the wire.

use super::before::Before;
use super::effects::{Effects, Note, Resolve, Row, Send, Sending, Token, narrowed};
use super::track::{Key, Retry, Stream, Text, text_of};
use super::{Flight, Outbox};
use crate::intent::{IntentId, RecipientNo, Recipients};
use crate::ledger::State;
use model::{Reach, Span, Time};
use std::ops::Bound;
use std::sync::Arc;

/// Intents of lower order whose rows are asked for while a higher one waits.
const AHEAD_MAX: usize = 8;

/// How serving one pass of an intent ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// Nothing is left of it.
    Drained,
    /// It has more, but must wait for rows, a claim or room: nothing of lower order may pass it.
    Waiting,
    /// It has nothing to send before a later time.
    Idle,
}

/// Why a row is not sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    /// It keeps the state that it has.
    Keep,
    /// It takes this one.
    Becomes(State),
    /// Another account knows whether it is for them.
    Asks,
    /// Another account tells them: this one does not pass the text.
    Hands,
}

/// What serving needs to know of a track while its stream is taken out.
pub(super) struct Facts {
    pub(super) id: IntentId,
    pub(super) no: u32,
    not_after: Time,
    pub(super) resend: bool,
    /// The link of the account that tells whom this one cannot.
    pub(super) heir: Option<Arc<str>>,
    /// True where that account tells everybody who waits.
    hands_over: bool,
    /// Wordings that this account does not pass, a bit each.
    not_passed: u64,
    /// True where every account was asked whether they told them.
    pub(super) is_back: bool,
    doubtful: bool,
    pub(super) only_told: bool,
    pub(super) only_new: bool,
    texts: Vec<Text>,
    pub(super) before: Before,
}

impl Outbox {
    pub(super) fn fill(&mut self, at: Time, out: &mut Effects) {
        if !self.up && !self.aside {
            return;
        }
        if self.speaks() && !self.is_gathered(at, out) {
            return;
        }
        let mut after = Bound::Unbounded;
        let mut ahead = 0;
        while let Some(key) = self.order.range((after, Bound::Unbounded)).next().copied() {
            after = Bound::Excluded(key);
            match self.serve(key, ahead > 0, at, out) {
                Served::Drained => {
                    self.order.remove(&key);
                    self.complete(key.no, out);
                }
                Served::Waiting => ahead += 1,
                Served::Idle => {}
            }
            if ahead > AHEAD_MAX {
                return;
            }
        }
    }

    /// Closes an intent of which nothing is left anywhere, or goes through its audience again
    /// where some of it had to wait.
    pub(super) fn complete(&mut self, no: u32, out: &mut Effects) {
        let done = self
            .tracks
            .get(&no)
            .is_some_and(|track| !track.closed && track.is_done());
        let reread = self.tracks.get(&no).is_some_and(|track| track.reread);
        if done && reread {
            self.read_again(no);
        } else if done {
            self.close(no, State::Complete, out);
        }
    }

    pub(super) fn serve(
        &mut self,
        key: Key,
        only_ask: bool,
        at: Time,
        out: &mut Effects,
    ) -> Served {
        let Some(track) = self.tracks.get(&key.no).filter(|track| !track.closed) else {
            return Served::Drained;
        };
        if at >= track.intent.not_after {
            self.close(key.no, State::Expired, out);
            return Served::Drained;
        }
        let waits = track.intent.not_before.is_some_and(|from| at < from);
        if waits || self.paused.contains(&track.intent.id) {
            return Served::Idle;
        }
        let hands_over = self.is_shut(at) && self.heir(&track.intent, at).is_some();
        if !self.up && !hands_over {
            return Served::Idle;
        }
        // Of a day that is used up the public waits for the next; who has other channels does not.
        let is_public = track.intent.audience.reach == Reach::Public;
        if is_public && !hands_over && self.daily_room(at) == 0 {
            return Served::Idle;
        }
        let Some(track) = self.tracks.get_mut(&key.no) else {
            return Served::Drained;
        };
        let Some(slot) = track.streams.get_mut(usize::from(key.pass)) else {
            return Served::Drained;
        };
        let mut stream = std::mem::take(slot);
        let facts = self.facts(key.no, hands_over, at);
        let from = out.sending.len();
        let is_repeated = facts.as_ref().is_some_and(|facts| facts.resend);
        let served = match facts {
            Some(facts) => self.serve_stream(&mut stream, &facts, key.pass, only_ask, at, out),
            None => Served::Drained,
        };
        if let Some(track) = self.tracks.get_mut(&key.no)
            && let Some(slot) = track.streams.get_mut(usize::from(key.pass))
        {
            *slot = stream;
        }
        if self.speaks() {
            self.join(from, is_repeated, at, out);
        }
        served
    }

    fn serve_stream(
        &mut self,
        stream: &mut Stream,
        facts: &Facts,
        pass: u8,
        only_ask: bool,
        at: Time,
        out: &mut Effects,
    ) -> Served {
        let mut starved = only_ask;
        if facts.hands_over {
            starved = false;
            self.hand_over_all(stream, facts, at, out);
        } else if !only_ask {
            let from = out.sending.len();
            starved = self.send_rows(stream, facts, pass, at, out);
            self.finish_batch(facts, from, out);
        }
        self.ask(stream, facts, pass, out);
        if !facts.resend && !facts.hands_over && (!only_ask || self.speaks()) {
            self.claim(stream, facts, pass, at);
        }
        // Who is being spoken to holds up nobody else.
        let waits = stream.rows.iter().any(|row| !self.is_engaged(row));
        if stream.is_drained() {
            Served::Drained
        } else if starved || waits || stream.asked {
            Served::Waiting
        } else {
            Served::Idle
        }
    }

    /// Sends what may go; true where room ran out first.
    fn send_rows(
        &mut self,
        stream: &mut Stream,
        facts: &Facts,
        pass: u8,
        at: Time,
        out: &mut Effects,
    ) -> bool {
        let wire = self.window.saturating_sub(self.flight_parts);
        let wire = wire.min(self.pace.room());
        let wire = if self.troubles >= self.limits.trouble() {
            wire.min(1_usize.saturating_sub(self.flight.len()))
        } else {
            wire
        };
        let today = self.daily_room(at);
        let is_capped = today == 0;
        let wire = if is_capped { wire } else { wire.min(today) };
        let held = self.held();
        let mut budget = self.limits.unconfirmed_max.saturating_sub(held);
        let longest = self.limits.backoff_max();
        let mut sent = 0;
        let starved = loop {
            if sent >= wire {
                break true;
            }
            // A retry takes a place of the budget again; a claimed row has one already.
            if budget > 0
                && !is_capped
                && let Some(retry) = stream.pop_retry(at, longest, |row| !self.is_engaged(row))
            {
                self.retries_total = self.retries_total.saturating_sub(1);
                sent += self.put(facts, pass, retry, at, out);
                budget -= 1;
                continue;
            }
            if facts.resend {
                if budget == 0 {
                    break true;
                }
            } else if stream.claimed == 0 {
                break false;
            }
            let ready = match facts.resend {
                true => stream.rows.len(),
                false => stream.claimed,
            };
            let Some(row) = stream.pop_row(ready, |row| !self.is_engaged(row)) else {
                break false;
            };
            if !facts.resend {
                stream.claimed -= 1;
                self.claimed_total = self.claimed_total.saturating_sub(1);
            }
            if self.goes(facts, &row, (stream.epoch, is_capped), at, out) {
                let first = Retry::first(row);
                sent += self.put(facts, pass, first, at, out);
                budget = budget.saturating_sub(usize::from(facts.resend));
            }
        };
        self.pace.spend(sent);
        starved
    }

    /// Whether a row goes; where it does not, what it is instead is noted.
    pub(super) fn goes(
        &mut self,
        facts: &Facts,
        row: &Row,
        (epoch, is_capped): (u32, bool),
        at: Time,
        out: &mut Effects,
    ) -> bool {
        let skip = self.skip(facts, row, epoch, at);
        let turned_away = skip.is_none() && is_capped;
        self.stats.capped += u64::from(turned_away);
        match skip.or_else(|| turned_away.then_some(Skip::Becomes(State::Failed))) {
            None => return true,
            Some(skip) => self.pass_over(facts, row, skip, at, out),
        }
        false
    }

    /// Notes what becomes of a row that is not sent.
    pub(super) fn pass_over(
        &mut self,
        facts: &Facts,
        row: &Row,
        skip: Skip,
        at: Time,
        out: &mut Effects,
    ) {
        match skip {
            Skip::Keep => {}
            Skip::Becomes(state) => {
                self.stats.duplicates += u64::from(state == State::Duplicate);
                self.learn(facts.no, row.recipient, state, 0);
                if state == State::Failed {
                    self.fall_back(at, facts.no, row.recipient, out);
                }
            }
            Skip::Asks => self.hand_over(facts, row.recipient, true, out),
            Skip::Hands => self.hand_over(facts, row.recipient, false, out),
        }
    }

    /// What a crash at this moment would leave in doubt, claims included.
    pub(super) fn held(&self) -> usize {
        self.flight.len() + self.unsaved_total + self.found.answers + self.claimed_total
    }

    /// Puts one message on the wire; gives how many parts it has. What rides along has none.
    pub(super) fn put(
        &mut self,
        facts: &Facts,
        pass: u8,
        retry: Retry,
        at: Time,
        out: &mut Effects,
    ) -> usize {
        let token = Token::new(facts.no, retry.row.recipient);
        let Text { hash, parts } = text_of(&facts.texts, retry.row.variant);
        let rides_along = self.engaged_by(retry.row.address);
        let parts = if rides_along > 0 { 0 } else { parts };
        if self.speaks() {
            self.engaged.insert(retry.row.address, rides_along + 1);
        }
        self.flight_parts += usize::from(parts);
        self.flight.insert(
            token,
            Flight {
                row: retry.row,
                pass,
                attempt: retry.attempt.saturating_add(1),
                parts,
                sent: at,
                perhaps: retry.perhaps,
            },
        );
        self.stats.sent += 1;
        self.stats.retried += u64::from(retry.attempt > 0);
        if retry.perhaps || (self.at_risk > 0 && facts.doubtful) {
            self.stats.perhaps_repeated += 1;
            self.at_risk = self.at_risk.saturating_sub(usize::from(!retry.perhaps));
        }
        if retry.row.shared && self.seen.len() < self.limits.seen_max {
            self.seen.insert((retry.row.address, hash), facts.not_after);
        }
        out.sending.push(Sending {
            token,
            variant: retry.row.variant,
        });
        usize::from(parts)
    }

    pub(super) fn finish_batch(&mut self, facts: &Facts, from: usize, out: &mut Effects) {
        let to = out.sending.len();
        if to == from {
            return;
        }
        if let Some(track) = self.tracks.get_mut(&facts.no) {
            track.in_flight += to - from;
        }
        out.sends.push(Send {
            intent: facts.id,
            not_after: facts.not_after,
            rows: from..to,
        });
    }

    /// Why a row is not sent; nothing where it is.
    pub(super) fn skip(&self, facts: &Facts, row: &Row, epoch: u32, at: Time) -> Option<Skip> {
        let account = self.ledger.account_by(facts.no)?;
        let state = account.states.get(row.recipient);
        let again = state == State::Unknown && facts.resend;
        if !state.is_open() && !again {
            return Some(Skip::Keep);
        }
        // After a cut the audience is read again while some of it is on the wire.
        if epoch > 0
            && self
                .flight
                .contains_key(&Token::new(facts.no, row.recipient))
        {
            return Some(Skip::Keep);
        }
        // Whom the other account told, that one knows.
        if self.has_moved(row, at) {
            return Some(Skip::Becomes(State::Failed));
        }
        if let Some(skip) = self.skip_by_past(facts, row) {
            return Some(skip);
        }
        if self.is_retired(row, at) {
            return Some(Skip::Becomes(State::Failed));
        }
        let seen = || {
            let key = (row.address, text_of(&facts.texts, row.variant).hash);
            self.seen.contains_key(&key)
        };
        if row.shared && seen() {
            return Some(Skip::Becomes(State::Duplicate));
        }
        let passes = facts
            .not_passed
            .checked_shr(row.variant.into())
            .unwrap_or(0)
            & 1
            == 0;
        (!passes && facts.heir.is_some()).then_some(Skip::Hands)
    }

    /// Whether the service of an address said that it is gone, not too long ago.
    pub(super) fn is_retired(&self, row: &Row, at: Time) -> bool {
        let since = self.ledger.retired_at(row.recipient, row.address);
        let lasts = self.limits.retired_for;
        since.is_some_and(|since| lasts == Span::ZERO || at < since + lasts)
    }

    fn ask(&mut self, stream: &mut Stream, facts: &Facts, pass: u8, out: &mut Effects) {
        let enough = stream.rows.len() >= self.limits.chunk_rows as usize / 2;
        let clogged = self.retries_total >= self.limits.retry_max;
        if stream.ended || stream.asked || enough || clogged {
            return;
        }
        let Some(track) = self.tracks.get(&facts.no) else {
            return;
        };
        stream.asked = true;
        // Each page that is handed on is an intent of its own: few of them, with many people.
        let rows_max = if facts.hands_over {
            self.limits.chunk_rows.max(Recipients::MAX as u32)
        } else {
            self.limits.chunk_rows
        };
        out.resolve.push(Resolve {
            intent: facts.id,
            pass,
            epoch: stream.epoch,
            cursor: stream.cursor,
            rows_max,
            audience: narrowed(&track.intent, &track.areas, &track.sites),
        });
    }

    /// Claims the next rows; half the budget at most, so that orange and red always have room.
    fn claim(&mut self, stream: &mut Stream, facts: &Facts, pass: u8, at: Time) {
        if stream.claiming > 0 || stream.rows.len() <= stream.claimed {
            return;
        }
        let claim_max = (self.limits.unconfirmed_max / 2).max(1);
        if self.claimed_total >= claim_max && stream.claimed == 0 {
            self.take_back_claims(facts.no, pass);
        }
        let held = self.held();
        let budget = self.limits.unconfirmed_max.saturating_sub(held);
        let n = (stream.rows.len() - stream.claimed)
            .min(claim_max.saturating_sub(self.claimed_total))
            .min(budget);
        if n == 0 {
            return;
        }
        let rows: Vec<Row> = stream
            .rows
            .range(stream.claimed..stream.claimed + n)
            .copied()
            .collect();
        let before = self.found.rows.len();
        for row in rows {
            if self.skip(facts, &row, stream.epoch, at).is_none() {
                self.learn_of(facts.no, &row, State::Claimed, 0);
            }
        }
        self.claimed_total += n;
        if self.found.rows.len() == before {
            stream.claimed += n;
        } else {
            stream.claiming = n;
            stream.claim_seq = self.seq + 1;
        }
    }

    /// What comes first in order does not wait for claims of what comes last.
    fn take_back_claims(&mut self, no: u32, pass: u8) {
        let Some(key) = self
            .tracks
            .get(&no)
            .and_then(|t| t.keys.get(usize::from(pass)).copied())
        else {
            return;
        };
        let lower = (Bound::Excluded(key), Bound::Unbounded);
        let holder = self.order.range(lower).rev().copied().find(|key| {
            let track = self.tracks.get(&key.no);
            let stream = track.and_then(|t| t.streams.get(usize::from(key.pass)));
            stream.is_some_and(|stream| stream.claimed + stream.claiming > 0)
        });
        let Some(holder) = holder else {
            return;
        };
        let stream = self
            .tracks
            .get_mut(&holder.no)
            .and_then(|track| track.streams.get_mut(usize::from(holder.pass)));
        let Some(stream) = stream else {
            return;
        };
        let held = stream.claimed + stream.claiming;
        (stream.claimed, stream.claiming) = (0, 0);
        let rows: Vec<Row> = stream.rows.iter().take(held).copied().collect();
        self.claimed_total = self.claimed_total.saturating_sub(held);
        for row in rows {
            self.learn(holder.no, row.recipient, State::Unsent, 0);
        }
    }

    pub(super) fn facts(&self, no: u32, hands_over: bool, at: Time) -> Option<Facts> {
        let track = self.tracks.get(&no)?;
        let intent = &track.intent;
        Some(Facts {
            id: intent.id,
            no,
            not_after: intent.not_after,
            resend: intent.resend_when_unknown(),
            heir: self.heir(intent, at),
            hands_over,
            not_passed: track.not_passed,
            is_back: intent.is_back(),
            doubtful: track.doubtful,
            only_told: intent.only_told,
            only_new: intent.only_new,
            texts: track.texts.clone(),
            before: track.before.clone(),
        })
    }

    /// Somebody was not reached: what stands in for this link should know.
    pub(super) fn fall_back(&self, at: Time, no: u32, recipient: RecipientNo, out: &mut Effects) {
        if let Some(track) = self.tracks.get(&no)
            && at < track.intent.not_after
        {
            out.notes.push(Note::FallBack {
                intent: track.intent.id,
                recipient,
            });
        }
    }
}
