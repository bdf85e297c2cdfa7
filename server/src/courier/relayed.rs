//! What a link of a relay does besides: it pauses jobs, and tells how far they are.

use super::Courier;
use crate::relay::Learned;
use dispatch::intent::IntentId;
use dispatch::ledger::Entry;
use dispatch::outbox::Event;
use journal::JournalError;
use model::{Span, Time};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Between two counts of a job by district, which look at each of its numbers.
const COUNTED_EVERY: Span = Span::from_seconds(15);

/// Jobs of this link as the relay last heard of them.
#[derive(Default)]
pub(super) struct Relayed {
    paused: Arc<BTreeSet<IntentId>>,
    /// Those that changed since they were last counted.
    changed: BTreeSet<IntentId>,
    /// When each was last counted, and whether it was closed then.
    counted: BTreeMap<IntentId, (Time, bool)>,
}

impl Relayed {
    /// At a start each is counted anew: the last count may be older than what was told since.
    pub(super) fn of(intents: impl Iterator<Item = IntentId>) -> Self {
        Self {
            changed: intents.collect(),
            ..Self::default()
        }
    }
}

impl Courier {
    /// Says to the outbox which jobs are paused, where that changed.
    pub(super) fn pauses(&mut self) {
        let Some(relay) = &self.app.relay else { return };
        let paused = relay.paused();
        if paused != self.relayed.paused {
            self.outbox.step(
                self.app.clock.now(),
                Event::Paused(&paused),
                &mut self.effects,
            );
            self.relayed.paused = paused;
        }
    }

    /// Notes what is about to be written of jobs.
    pub(super) fn relayed(&mut self) {
        let Some(relay) = &self.app.relay else { return };
        let mut learned = Vec::new();
        for entry in self
            .effects
            .progress
            .iter()
            .flat_map(|progress| &progress.entries)
        {
            self.relayed.changed.insert(entry.intent());
            match entry {
                Entry::States {
                    intent,
                    state,
                    recipients,
                    ..
                } => learned.push(Learned {
                    intent: *intent,
                    state: *state,
                    messages: recipients.len() as u64,
                }),
                Entry::Closed { .. } | Entry::Retired { .. } | Entry::Spent { .. } => {}
            }
        }
        relay.learned(self.app.clock.now(), &learned);
    }

    /// Counts the jobs that changed and were not counted lately; those that are closed at once.
    pub(super) fn count_jobs(&mut self, now: Time) -> Result<(), JournalError> {
        let Some(relay) = &self.app.relay else {
            return Ok(());
        };
        let ledger = self.outbox.ledger();
        let is_due = |intent: &&IntentId| {
            let known = self.relayed.counted.get(*intent);
            known.is_none_or(|(last, closed)| {
                now.since(*last) >= COUNTED_EVERY || *closed != ledger.closed(**intent).is_some()
            })
        };
        let due = self.relayed.changed.iter().filter(is_due);
        let due: Vec<IntentId> = due.copied().collect();
        for intent in due {
            self.app
                .job_counted(relay, (self.outbox.link(), intent), ledger)?;
            self.relayed.changed.remove(&intent);
            let closed = ledger.closed(intent).is_some();
            self.relayed.counted.insert(intent, (now, closed));
        }
        Ok(())
    }

    /// Lets go of what the outbox has forgotten.
    pub(super) fn forget_jobs(&mut self, known: &FxHashSet<IntentId>) {
        self.relayed.counted.retain(|id, _| known.contains(id));
        self.relayed.changed.retain(|id| known.contains(id));
    }
}
