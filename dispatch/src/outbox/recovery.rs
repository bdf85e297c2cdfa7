//! Giving an outbox back after a crash: what a snapshot held, then intents and progress since.

use super::effects::Effects;
use super::snapshot::AtRest;
use super::{Limits, Outbox};
use crate::intent::Intent;
use crate::ledger::{Progress, State};
use model::Time;

impl Outbox {
    /// The outbox of `link` from what is on disk: what a snapshot gave back, all intents in their
    /// order, those of the snapshot first, and all progress since. It is down until
    /// [`super::Event::Up`]; `out` gets what the crash left undecided.
    pub fn recover<'a>(
        link: &str,
        limits: Limits,
        at_rest: AtRest,
        intents: impl Iterator<Item = &'a Intent> + Clone,
        progress: impl Iterator<Item = &'a Progress>,
        at: Time,
        out: &mut Effects,
    ) -> Self {
        let mut this = Self::new(link, limits);
        let AtRest {
            mut ledger, seq, ..
        } = at_rest;
        // Numbers are in the order of planning, not in that in which something became of them.
        for intent in intents.clone().filter(|intent| intent.link == link) {
            ledger.number(intent.id);
        }
        this.seq = seq;
        for record in progress {
            ledger.apply(record);
            this.seq = this.seq.max(record.seq);
        }
        this.ledger = ledger;
        this.recovering = true;
        for intent in intents {
            this.planned(at, intent, out);
        }
        this.recovering = false;
        this.mark_claimed_unknown();
        this.at_risk = this.limits.unconfirmed_max;
        this.flush(out);
        this
    }

    /// A claim without an answer may have been on the wire. Below orange, and for area jobs,
    /// it is not sent again.
    fn mark_claimed_unknown(&mut self) {
        let mut claimed = Vec::new();
        for (no, track) in &self.tracks {
            let Some(account) = self.ledger.account_by(*no) else {
                continue;
            };
            if track.intent.resend_when_unknown() || account.states.counts().of(State::Claimed) == 0
            {
                continue;
            }
            account.states.for_each(|recipient, state| {
                if state == State::Claimed {
                    claimed.push((*no, recipient));
                }
            });
        }
        self.stats.uncertain += claimed.len() as u64;
        for (no, recipient) in claimed {
            self.learn(no, recipient, State::Unknown, 0);
        }
    }
}
