//! Counts of jobs as their links learn them: by district now and then, by five minutes always.

use super::Relay;
use super::kept::OfLink;
use super::reading::district_of;
use crate::app::App;
use dispatch::gateway::area::Counts;
use dispatch::intent::IntentId;
use dispatch::ledger::{self, Ledger, State};
use journal::{Batch, JournalError, Priority};
use model::Time;

/// What one commit of a link learned of an intent.
pub(crate) struct Learned {
    /// Which.
    pub(crate) intent: IntentId,
    /// What became of them.
    pub(crate) state: State,
    /// How many.
    pub(crate) messages: u64,
}

impl Relay {
    /// Notes what a link learned at `at`.
    pub(crate) fn learned(&self, at: Time, learned: &[Learned]) {
        let mut jobs = self.jobs.lock();
        for of_it in learned {
            if let Some(kept) = jobs.behind(of_it.intent) {
                kept.answered(at, of_it.state, of_it.messages);
            }
        }
    }
}

impl App {
    /// Counts the intent of a job anew on its link, and keeps the job.
    pub(crate) fn job_counted(
        &self,
        relay: &Relay,
        (link, intent): (&str, IntentId),
        ledger: &Ledger,
    ) -> Result<(), JournalError> {
        if relay.jobs.lock().behind(intent).is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let directory = self.directory();
        let told = ledger.counts_by(intent, |recipient| {
            let area = directory.area_of(&self.installation.city, recipient);
            area.map_or(self.installation.city.code, |area| district_of(self, area))
        });
        let told = OfLink {
            told: told
                .into_iter()
                .map(|(code, counts)| (code, split(&counts)))
                .collect(),
            closed: ledger.closed(intent),
        };
        let kept = relay.jobs.lock().counted((link, intent), told, now);
        let Some(kept) = kept else { return Ok(()) };
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        self.keep_job(&kept, &mut batch);
        drop(self.journal.submit_waiting(batch)?);
        Ok(())
    }
}

/// Each number in one count, and rows whose number another row has.
fn split(counts: &ledger::Counts) -> (Counts, u64) {
    let of = |state: State| counts.of(state);
    let split = Counts {
        waiting: of(State::Claimed),
        accepted: of(State::Accepted),
        delivered: of(State::Delivered) + of(State::Acknowledged),
        failed: of(State::Failed),
        unknown: of(State::Unknown),
        expired: of(State::Expired),
        withdrawn: of(State::Withdrawn),
    };
    (split, of(State::Duplicate))
}
