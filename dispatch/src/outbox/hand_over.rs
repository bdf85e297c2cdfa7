//! An account that can tell nobody hands whoever waits to the next: its link is down, its day used up,
//! its contract over, or it does not pass a text.
//!
//! What was on the wire is not handed on: the far side may have taken it. Whom another account told
//! of a warning is not known here, so that what comes later for those who were told, or for those who
//! were not, goes to that account as well, which knows.

use super::Outbox;
use super::effects::{Effects, Note};
use super::fill::Facts;
use super::track::{Stream, Track};
use crate::intent::{Intent, IntentId, RecipientNo};
use crate::ledger::State;
use model::Time;
use std::sync::Arc;

impl Outbox {
    /// True where the account can tell nobody now.
    pub(super) fn is_shut(&self, at: Time) -> bool {
        self.aside || self.daily_room(at) == 0
    }

    /// The link of the account that tells whom this one cannot.
    pub(super) fn heir(&self, intent: &Intent, at: Time) -> Option<Arc<str>> {
        intent.heir(at, &self.limits.fail_over).map(Arc::from)
    }

    /// A wording that this account does not pass: who waits for it is handed on with the next look.
    pub(super) fn not_passed(&mut self, intent: IntentId, variant: u8) {
        let no = self.ledger.number(intent);
        if let Some(track) = self.tracks.get_mut(&no) {
            track.not_passed |= 1_u64.checked_shl(variant.into()).unwrap_or(0);
        }
    }

    /// Hands over everybody of a stream who waits here.
    pub(super) fn hand_over_all(
        &mut self,
        stream: &mut Stream,
        facts: &Facts,
        at: Time,
        out: &mut Effects,
    ) {
        let held = stream.claimed + stream.claiming;
        (stream.claimed, stream.claiming) = (0, 0);
        self.claimed_total = self.claimed_total.saturating_sub(held);
        self.retries_total = self.retries_total.saturating_sub(stream.retry.len());
        for retry in std::mem::take(&mut stream.retry).into_values() {
            if retry.perhaps {
                self.learn(facts.no, retry.row.recipient, State::Unknown, 0);
            }
            self.hand_over(facts, retry.row.recipient, false, out);
        }
        for row in std::mem::take(&mut stream.rows) {
            match self.skip(facts, &row, stream.epoch, at) {
                None => self.hand_over(facts, row.recipient, false, out),
                Some(skip) => self.pass_over(facts, &row, skip, at, out),
            }
        }
    }

    /// Hands over one. Who may have been told here stays so, and hears of a fall and an all-clear from
    /// here.
    pub(super) fn hand_over(
        &mut self,
        facts: &Facts,
        recipient: RecipientNo,
        asks: bool,
        out: &mut Effects,
    ) {
        let Some(to) = facts.heir.clone() else {
            return;
        };
        let account = self.ledger.account_by(facts.no);
        if account.is_none_or(|account| account.states.get(recipient) != State::Unknown) {
            self.learn(facts.no, recipient, State::Handed, 0);
        }
        self.stats.handed += 1;
        out.notes.push(Note::HandOver {
            intent: facts.id,
            to,
            recipient,
            asks,
        });
    }

    /// What another account hands here late speaks for no place of which something newer was said since.
    pub(super) fn give_way(&self, track: &mut Track) -> bool {
        let older = track.intent.clone();
        let mut is_cut = false;
        for (_, other) in self.of_warning(older.warning) {
            if other.intent.supersedes(&older) {
                is_cut |= track.give_up_places(&other.intent.audience);
            }
        }
        is_cut
    }
}
