//! One job as it is kept: what was asked, how it was read, how far it is.

use super::Style;
use super::reading::Parts;
use dispatch::gateway::area::{Act, Counts, Job, Phase, Reading, Report, Slot, Text};
use dispatch::intent::{Audience, Intent, IntentId};
use dispatch::ledger::State;
use dispatch::wording::{Message, Places, Purpose, language_variant};
use model::{AreaCode, Channel, Language, Reach, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Length of a slot of the counts by time.
const SLOT: Span = Span::from_minutes(5);
/// Slots kept of one job: a day.
const SLOTS_MAX: usize = 288;
/// A job that went on for so long says how fast its links are.
const RATED_FROM: Span = Span::from_seconds(5);
/// Receipts may come for so long after the last message could leave.
const RECEIPTS: Span = Span::from_minutes(60);

/// What one link last told of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OfLink {
    /// By district: those it has come to, and rows whose number another row has.
    pub(super) told: BTreeMap<AreaCode, (Counts, u64)>,
    /// What the rest became, once nothing more leaves.
    pub(super) closed: Option<State>,
}

/// See the file's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) job: Job,
    pub(super) centre: String,
    pub(super) reading: Reading,
    pub(super) phase: Phase,
    pub(super) released: Option<Time>,
    started: Option<Time>,
    /// When the last one was answered.
    answered: Option<Time>,
    finished: Option<Time>,
    /// Numbers of each district when it was let go.
    districts: BTreeMap<AreaCode, u64>,
    by_link: BTreeMap<String, OfLink>,
    /// True once it was paused: how fast it went says nothing then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_paused: bool,
    /// Start of each five minutes, and who was taken and refused in them.
    slots: BTreeMap<Time, (u64, u64)>,
    #[serde(skip)]
    pub(super) slot: Option<usize>,
}

impl Kept {
    pub(super) fn new(job: Job, centre: String, reading: Reading) -> Self {
        Self {
            job,
            centre,
            reading,
            phase: Phase::Read,
            released: None,
            started: None,
            answered: None,
            finished: None,
            districts: BTreeMap::new(),
            by_link: BTreeMap::new(),
            was_paused: false,
            slots: BTreeMap::new(),
            slot: None,
        }
    }

    pub(super) fn decode(bytes: &[u8], slot: usize) -> Option<Self> {
        let kept: Self = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            slot: Some(slot),
            ..kept
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing our own plain types to memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn release(
        &mut self,
        slot: usize,
        (reading, districts): (Reading, BTreeMap<AreaCode, u64>),
        now: Time,
    ) {
        self.reading = reading;
        self.districts = districts;
        self.phase = Phase::Running;
        self.released = Some(now);
        self.slot = Some(slot);
    }

    /// The job after an act; nothing where that means nothing to one that is so far.
    pub(super) fn after(&self, act: Act, now: Time) -> Option<Self> {
        let phase = match (act, self.phase) {
            (Act::Pause, Phase::Running) => Phase::Paused,
            (Act::Resume, Phase::Paused) => Phase::Running,
            (Act::Kill, Phase::Read | Phase::Running | Phase::Paused) => Phase::Killed,
            (Act::Pause | Act::Resume | Act::Kill, _) => return None,
        };
        Some(Self {
            phase,
            finished: (phase == Phase::Killed).then_some(now),
            was_paused: self.was_paused || phase == Phase::Paused,
            ..self.clone()
        })
    }

    /// Takes over how far another reading of the same job is.
    pub(super) fn take_phase(&mut self, of: &Self) {
        self.phase = of.phase;
        self.finished = of.finished;
        self.was_paused = of.was_paused;
    }

    /// What is said by each link, its areas one by one, so that what a newer job says of a part of
    /// them takes only that out. People whose language the job has no text in get the English
    /// one, or its first.
    pub(super) fn intents(&self, places: &Places, links: &[String]) -> Vec<Intent> {
        let job = &self.job;
        let areas = job.areas.iter().flat_map(|code| places.under(*code));
        let areas: Vec<AreaCode> = areas.collect();
        let created = self.released.unwrap_or(job.created);
        let of = |link: &String| Intent {
            id: link_id(job, link),
            warning: job.warning,
            revision: job.revision,
            purpose: job.purpose,
            link: link.clone(),
            channel: Channel::Sms,
            mode: job.mode,
            audience: Audience {
                areas: areas.clone(),
                alone: true,
                roles: job.classes.clone(),
                shape: job.shape.clone(),
                ..Audience::of(Reach::Public, "")
            },
            only_told: job.purpose.is_easing(),
            only_new: false,
            again: false,
            by_area: true,
            words: self.words(),
            spare: Vec::new(),
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier: job.tier,
            onset: job.onset,
            exposure: 2,
            not_before: job.not_before,
            not_after: job.not_after,
            created,
        };
        links.iter().map(of).collect()
    }

    /// What takes back the rest of it.
    pub(super) fn withdrawals(&self, places: &Places, links: &[String], now: Time) -> Vec<Intent> {
        let withdrawn = self
            .intents(places, links)
            .into_iter()
            .map(|intent| Intent {
                id: IntentId::derive(
                    intent.warning,
                    intent.revision,
                    &intent.link,
                    Purpose::Withdraw,
                    Reach::Public,
                    &self.job.job.to_string(),
                ),
                purpose: Purpose::Withdraw,
                // What a newer revision says takes the place of what an older one has unsent.
                revision: intent.revision.saturating_add(1),
                only_told: false,
                words: Vec::new(),
                created: now,
                ..intent
            });
        withdrawn.collect()
    }

    fn words(&self) -> Vec<Message> {
        let texts = &self.job.texts;
        let of = |language: Language| texts.iter().find(|text| text.language == language);
        let instead = of(Language::En).or(texts.first());
        let text_in = |language: Language| of(language).or(instead);
        let message = |language: Language| {
            let Text { text, .. } = text_in(language)?;
            Some(Message {
                channel: Channel::Sms,
                language,
                subject: String::new(),
                text: text.clone(),
                instruction: String::new(),
                variant_no: language_variant(language),
            })
        };
        Language::ALL.into_iter().filter_map(message).collect()
    }

    /// So many messages were answered at `at`.
    pub(super) fn answered(&mut self, at: Time, state: State, messages: u64) {
        let (taken, refused) = match state {
            State::Accepted => (messages, 0),
            State::Failed => (0, messages),
            State::Unsent
            | State::Claimed
            | State::Unknown
            | State::Delivered
            | State::Acknowledged
            | State::Expired
            | State::Withdrawn
            | State::Duplicate
            | State::Complete
            | State::Handed => return,
        };
        self.started.get_or_insert(at);
        self.answered = self.answered.max(Some(at));
        let from = Time::from_millis(at.millis().div_euclid(SLOT.millis()) * SLOT.millis());
        if self.slots.len() < SLOTS_MAX || self.slots.contains_key(&from) {
            let slot = self.slots.entry(from).or_default();
            slot.0 += taken;
            slot.1 += refused;
        }
    }

    /// Takes what a link told.
    pub(super) fn counted(&mut self, link: &str, told: OfLink, links: usize, now: Time) {
        self.by_link.insert(link.to_owned(), told);
        self.settle(links, now);
    }

    /// Ends the job once nothing more leaves and the time for receipts is over.
    pub(super) fn settle(&mut self, links: usize, now: Time) {
        if self.phase.is_over() {
            return;
        }
        let Some(rest) = self.rest(links) else { return };
        let counts = self
            .counts(Some(rest))
            .values()
            .fold(Counts::default(), sum);
        if counts.accepted == 0 || now >= self.job.not_after + RECEIPTS {
            self.phase = if counts.expired > 0 {
                Phase::Expired
            } else {
                Phase::Done
            };
            self.finished = self.answered.or(Some(now));
        }
    }

    /// Parts of messages a second at which it went, where it went long enough to tell, and when that
    /// was: with whatever window, retries and pauses of the far side there were.
    pub(super) fn rate(&self, style: Style) -> Option<(Time, u64)> {
        let (began, ended) = (self.started?, self.answered?);
        let took = ended.since(began);
        if self.was_paused || took < RATED_FROM {
            return None;
        }
        let answered = self.slots.values();
        let answered: u64 = answered.map(|(taken, refused)| taken + refused).sum();
        let parts = self.parts(answered, style);
        let per_s = parts.saturating_mul(1_000) / took.millis().unsigned_abs().max(1);
        Some((ended, per_s))
    }

    /// Parts of so many of its messages, its languages mixed as in its reading.
    pub(super) fn parts(&self, messages: u64, style: Style) -> u64 {
        let all = Parts::of(&self.job, style).all(&self.reading.by_language);
        let heads = self.reading.heads.max(1);
        let wide = u128::from(messages) * u128::from(all);
        u64::try_from(wide.div_ceil(u128::from(heads))).unwrap_or(u64::MAX)
    }

    /// What those became whom no link came to; nothing while one still may.
    fn rest(&self, links: usize) -> Option<State> {
        if self.phase == Phase::Killed {
            return Some(State::Withdrawn);
        }
        let closed: Option<Vec<State>> = self.by_link.values().map(|link| link.closed).collect();
        let closed = closed.filter(|closed| closed.len() >= links.max(1))?;
        closed
            .into_iter()
            .find(|state| *state != State::Complete)
            .or(Some(State::Complete))
    }

    fn counts(&self, rest: Option<State>) -> BTreeMap<AreaCode, Counts> {
        let mut told: BTreeMap<AreaCode, (Counts, u64)> = BTreeMap::new();
        for (code, (counts, twice)) in self.by_link.values().flat_map(|link| &link.told) {
            let of = told.entry(*code).or_default();
            of.0 += *counts;
            of.1 += twice;
        }
        let districts = self.districts.keys().chain(told.keys());
        let districts: std::collections::BTreeSet<AreaCode> = districts.copied().collect();
        districts
            .into_iter()
            .map(|code| {
                let (mut counts, twice) = told.get(&code).copied().unwrap_or_default();
                let planned = self.districts.get(&code).copied().unwrap_or(0);
                let left = planned.saturating_sub(counts.total() + twice);
                match rest {
                    None => counts.waiting += left,
                    Some(State::Expired) => counts.expired += left,
                    Some(State::Withdrawn) => counts.withdrawn += left,
                    Some(State::Failed) => counts.failed += left,
                    Some(State::Unknown) => counts.unknown += left,
                    // They were not meant: a fall goes to who was told.
                    Some(
                        State::Complete
                        | State::Unsent
                        | State::Claimed
                        | State::Accepted
                        | State::Delivered
                        | State::Acknowledged
                        | State::Duplicate
                        | State::Handed,
                    ) => {}
                }
                (code, counts)
            })
            .collect()
    }

    pub(super) fn report(&self, links: usize) -> Report {
        let by_district = self.counts(self.rest(links));
        let mut counts = by_district.values().fold(Counts::default(), sum);
        if self.phase == Phase::Read {
            counts.waiting = self.reading.heads;
        }
        let slots = self.slots.iter().map(|(from, (accepted, failed))| Slot {
            from: *from,
            accepted: *accepted,
            failed: *failed,
        });
        Report {
            job: self.job.job,
            phase: self.phase,
            reading: self.reading.clone(),
            counts,
            by_district,
            five_minutes: slots.collect(),
            started: self.started,
            finished: self.finished,
        }
    }
}

fn sum(mut all: Counts, each: &Counts) -> Counts {
    all += *each;
    all
}

/// The intent of a job on one link: the job's own number on the first kind of link, so that both
/// sides name it alike, and one derived from it on each account.
pub(super) fn link_id(job: &Job, link: &str) -> IntentId {
    if link == "sms" {
        return job.job;
    }
    IntentId::derive(
        job.warning,
        job.revision,
        link,
        job.purpose,
        Reach::Public,
        &job.job.to_string(),
    )
}
