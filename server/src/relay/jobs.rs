//! The jobs of a relay in memory: those that were put, and the ring of those that were let go.

use super::kept::{Kept, OfLink, link_id};
use super::{Centre, RelayError, Style};
use dispatch::gateway::area::{Job, Phase, Reading, Report};
use dispatch::intent::IntentId;
use model::{AreaCode, Span, Time};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Jobs kept that were let go, those that are over among them; and so many that were only put.
pub(super) const JOBS_MAX: usize = 4_096;

/// How long a rate that was seen is counted with.
const SHOWN_FOR: Span = Span::from_minutes(24 * 60);

/// See the file's head.
pub(super) struct Jobs {
    by_id: BTreeMap<IntentId, Kept>,
    /// Of the jobs that were put and not let go, the oldest first.
    unreleased: VecDeque<IntentId>,
    /// The job behind each intent on the links.
    of_intent: FxHashMap<IntentId, IntentId>,
    /// Intents of which nothing may leave now.
    paused: Arc<BTreeSet<IntentId>>,
    /// The links that carry short messages.
    links: Vec<String>,
}

/// What came of putting a job.
pub(super) enum Put {
    /// It is kept as it was read.
    Read,
    /// It was let go before, as it was read then.
    LetGo(Reading),
    /// Another job has that number.
    Other,
}

/// What a release changed, to be undone where the journal does not take it.
pub(super) struct Before {
    /// The job that gave up its place.
    evicted: Option<Kept>,
    kept: Kept,
}

impl Jobs {
    pub(super) fn on(links: Vec<String>) -> Self {
        Self {
            by_id: BTreeMap::new(),
            unreleased: VecDeque::new(),
            of_intent: FxHashMap::default(),
            paused: Arc::default(),
            links,
        }
    }

    /// Takes in a job that was let go before the start.
    pub(super) fn restore(&mut self, kept: Kept) {
        self.index(&kept);
        let is_paused = kept.phase == Phase::Paused;
        self.by_id.insert(kept.job.job, kept);
        if is_paused {
            self.count_paused();
        }
    }

    /// A job of that centre; the others' are none of its business.
    pub(super) fn of(&self, centre: &Centre, job: IntentId) -> Result<&Kept, RelayError> {
        let kept = self.by_id.get(&job);
        kept.filter(|kept| kept.centre == centre.name)
            .ok_or(RelayError::Unknown(job))
    }

    /// Takes a job in, or a new reading of one that was not let go.
    pub(super) fn put(&mut self, job: Job, centre: &Centre, reading: &Reading) -> Put {
        let id = job.job;
        match self.by_id.get_mut(&id) {
            Some(kept) if kept.job != job || kept.centre != centre.name => return Put::Other,
            Some(kept) if kept.phase != Phase::Read => return Put::LetGo(kept.reading.clone()),
            Some(kept) => kept.reading = reading.clone(),
            None => {
                if self.unreleased.len() >= JOBS_MAX
                    && let Some(oldest) = self.unreleased.pop_front()
                {
                    self.by_id.remove(&oldest);
                }
                self.unreleased.push_back(id);
                let kept = Kept::new(job, centre.name.clone(), reading.clone());
                self.by_id.insert(id, kept);
            }
        }
        Put::Read
    }

    /// Gives a job a place in the ring; nothing where all are taken by jobs under way.
    pub(super) fn let_go(
        &mut self,
        job: IntentId,
        read: (Reading, BTreeMap<AreaCode, u64>),
        now: Time,
    ) -> Option<(Kept, Before)> {
        let slot = self.place()?;
        let kept = self.by_id.get(&job)?.clone();
        let there = self.by_id.values().find(|kept| kept.slot == Some(slot));
        let there = there.map(|kept| kept.job.job);
        let evicted = there.and_then(|id| self.by_id.remove(&id));
        if let Some(evicted) = &evicted {
            self.unindex(evicted);
        }
        let mut let_go = kept.clone();
        let_go.release(slot, read, now);
        self.by_id.insert(job, let_go.clone());
        self.index(&let_go);
        self.unreleased.retain(|id| *id != job);
        Some((let_go, Before { evicted, kept }))
    }

    /// Nothing of it left: it may be let go again.
    pub(super) fn undo_release(&mut self, job: IntentId, before: Before) {
        if let Some(kept) = self.by_id.remove(&job) {
            self.unindex(&kept);
        }
        self.by_id.insert(job, before.kept);
        self.unreleased.push_back(job);
        if let Some(evicted) = before.evicted {
            self.restore(evicted);
        }
    }

    /// Takes over how far `of` is; its counts stay what its links told.
    pub(super) fn set_phase(&mut self, of: &Kept) {
        if let Some(kept) = self.by_id.get_mut(&of.job.job) {
            kept.take_phase(of);
        }
        self.count_paused();
    }

    /// Intents of which nothing may leave now.
    pub(super) fn paused(&self) -> Arc<BTreeSet<IntentId>> {
        Arc::clone(&self.paused)
    }

    /// The job whose intent that is, where it has been let go.
    pub(super) fn behind(&mut self, intent: IntentId) -> Option<&mut Kept> {
        let job = self.of_intent.get(&intent)?;
        self.by_id.get_mut(job)
    }

    /// Takes what a link told of a job; gives it back as it is then.
    pub(super) fn counted(
        &mut self,
        (link, intent): (&str, IntentId),
        told: OfLink,
        now: Time,
    ) -> Option<Kept> {
        let links = self.links.len();
        let kept = self.behind(intent)?;
        kept.counted(link, told, links, now);
        Some(kept.clone())
    }

    pub(super) fn report(
        &mut self,
        centre: &Centre,
        job: IntentId,
        now: Time,
    ) -> Result<Report, RelayError> {
        let links = self.links.len();
        let kept = self.by_id.get_mut(&job);
        let kept = kept.filter(|kept| kept.centre == centre.name);
        let kept = kept.ok_or(RelayError::Unknown(job))?;
        // Time alone may have ended it.
        kept.settle(links, now);
        Ok(kept.report(links))
    }

    /// Parts of messages that leave before those of `job`: of running jobs of a higher tier, and of its
    /// own where the hazard comes earlier.
    pub(super) fn waiting_before(&self, job: &Job, style: Style) -> u64 {
        let links = self.links.len();
        let before = self.by_id.values().filter(|kept| {
            let is_first =
                (kept.job.tier, Reverse(kept.job.onset)) >= (job.tier, Reverse(job.onset));
            kept.phase == Phase::Running && kept.job.job != job.job && is_first
        });
        let parts = |kept: &Kept| kept.parts(kept.report(links).counts.waiting, style);
        before.map(parts).fold(0, u64::saturating_add)
    }

    /// The best rate that a job of the last day went at, in parts a second: what the far side takes, where
    /// that is less than was agreed. Others may have been held up by jobs before them.
    pub(super) fn shown_rate(&self, now: Time, style: Style) -> Option<u64> {
        let rates = self.by_id.values().filter_map(|kept| kept.rate(style));
        let lately = rates.filter(|(at, _)| now.since(*at) <= SHOWN_FOR);
        lately.map(|(_, rate)| rate).max()
    }

    /// A place that nobody has; else that of the job that is over the longest.
    fn place(&self) -> Option<usize> {
        let taken: BTreeSet<usize> = self.by_id.values().filter_map(|kept| kept.slot).collect();
        if let Some(free) = (0..JOBS_MAX).find(|slot| !taken.contains(slot)) {
            return Some(free);
        }
        let over = self.by_id.values();
        let over = over.filter(|kept| kept.slot.is_some() && kept.phase.is_over());
        over.min_by_key(|kept| kept.released)?.slot
    }

    fn index(&mut self, kept: &Kept) {
        let intents = self.links.iter().map(|link| link_id(&kept.job, link));
        self.of_intent
            .extend(intents.map(|intent| (intent, kept.job.job)));
    }

    fn unindex(&mut self, kept: &Kept) {
        for link in &self.links {
            self.of_intent.remove(&link_id(&kept.job, link));
        }
    }

    fn count_paused(&mut self) {
        let paused = self.by_id.values();
        let paused = paused.filter(|kept| kept.phase == Phase::Paused);
        let links = &self.links;
        let intents = paused.flat_map(|kept| links.iter().map(|link| link_id(&kept.job, link)));
        self.paused = Arc::new(intents.collect());
    }
}
