//! An account that can tell nobody hands whoever waits to the next: its link is down, its day used up,
//! its contract over, or it does not pass a text.
//!
//! What was on the wire is not handed on: the far side may have taken it. Whom another account told
//! of a warning is not known here, so that what comes later for those who were told, or for those who
//! were not, goes to that account as well, which knows.

use super::Outbox;
use super::effects::{Effects, Note};
use super::fill::Facts;
use super::track::Stream;
use crate::intent::{Intent, RecipientNo};
use crate::ledger::State;
use model::Time;

impl Outbox {
    /// Whether other accounts tell whom an intent is for.
    pub(super) fn hands_over(&self, intent: &Intent, at: Time) -> bool {
        let is_shut = self.aside || self.daily_room(at) == 0;
        is_shut && intent.heir(at, &self.limits.fail_over).is_some()
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
            self.hand_over(facts.no, retry.row.recipient, false, out);
        }
        for row in std::mem::take(&mut stream.rows) {
            match self.skip(facts, &row, stream.epoch, at) {
                None => self.hand_over(facts.no, row.recipient, false, out),
                Some(State::Handed) => self.hand_over(facts.no, row.recipient, true, out),
                Some(State::Unsent) => {}
                Some(State::Failed) => {
                    self.learn(facts.no, row.recipient, State::Failed, 0);
                    self.fall_back(at, facts.no, row.recipient, out);
                }
                Some(state) => self.learn(facts.no, row.recipient, state, 0),
            }
        }
    }

    /// Hands over one. Who may have been told here stays so: a fall and an all-clear are then theirs
    /// from both.
    pub(super) fn hand_over(
        &mut self,
        no: u32,
        recipient: RecipientNo,
        asks: bool,
        out: &mut Effects,
    ) {
        let Some(track) = self.tracks.get(&no) else {
            return;
        };
        let intent = track.intent.id;
        let account = self.ledger.account_by(no);
        if account.is_none_or(|account| account.states.get(recipient) != State::Unknown) {
            self.learn(no, recipient, State::Handed, 0);
        }
        self.stats.handed += 1;
        out.notes.push(Note::HandOver {
            intent,
            recipient,
            asks,
        });
    }
}
