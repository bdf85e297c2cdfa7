//! The course of one warning from its proposal to the last place that answered, put together from what
//! the journal has of it: revisions, signatures, jobs put, read and let go, the first and the last
//! message of each delivery, counts, and answers; and how well the last phone was foretold.

use super::past::{AuditError, Past, Walked};
use super::{BEFORE, Named};
use crate::app::App;
use crate::courier::{ACT, AreaAct, INTENT, JOB, JobItem, JobStep, PROGRESS, STEP};
use crate::pump::kind;
use dispatch::gateway::area::Counts;
use dispatch::intent::{Intent, IntentId};
use dispatch::ladder::{Call, Place};
use dispatch::ledger::{Entry, Progress, State};
use journal::{Kind, Partition, Record};
use model::order::Answer;
use model::warning::Event;
use model::{AreaCode, Pending, Tier, Time, Warning, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Events of one answer.
const EVENTS_MAX: usize = 20_000;
/// Deliveries followed.
const DELIVERIES_MAX: usize = 5_000;

/// A warning's course.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Course {
    pub(crate) warning: WarningId,
    /// In the order of record time.
    pub(crate) events: Vec<Happened>,
    pub(crate) summary: Summary,
    /// Events and deliveries that were found and not kept.
    pub(crate) left_out: u64,
    /// Records that cannot be read.
    pub(crate) unreadable: u64,
}

/// One event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Happened {
    pub(crate) at: String,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum What {
    /// A revision: proposed, issued, updated, ended, cancelled.
    Revision {
        revision: u32,
        event: Event,
        areas: BTreeMap<AreaCode, Tier>,
        signed_by: Vec<String>,
    },
    /// How far its signatures are.
    Signing {
        revision: u32,
        signed_by: Vec<String>,
        needed: u8,
    },
    /// Something to be said was committed.
    Planned {
        delivery: IntentId,
        link: String,
        purpose: String,
        tier: Tier,
    },
    /// A carrier or platform on a job: read back, held, running, over.
    Job {
        job: IntentId,
        link: String,
        state: String,
        heads: u64,
        /// Seconds to the last phone that it foretold.
        last_phone_s: u64,
        counts: Counts,
        objections: Vec<String>,
    },
    /// A person did something with a job.
    Act {
        job: IntentId,
        link: String,
        act: String,
        by: String,
        reason: String,
    },
    /// The first message of a delivery was taken by the far side.
    First { delivery: IntentId, link: String },
    /// The last one so far, and how many there were.
    Last {
        delivery: IntentId,
        link: String,
        taken: u64,
    },
    /// Nothing more of a delivery leaves.
    Closed {
        delivery: IntentId,
        link: String,
        state: State,
    },
    /// A place is asked to answer.
    Asked { place: Place, tier: Tier },
    /// Somebody answered for it.
    Answered {
        place: Place,
        contact: String,
        answer: Answer,
        noted_by: String,
    },
}

/// What the course comes to. A time that is not there has not come.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) proposed: Option<String>,
    pub(crate) released: Option<String>,
    pub(crate) first_message: Option<String>,
    pub(crate) last_message: Option<String>,
    /// Seconds from the proposal to the release, and from there to the last message.
    pub(crate) signing_s: Option<i64>,
    pub(crate) sending_s: Option<i64>,
    pub(crate) jobs: Vec<Foretold>,
    /// Places called, and answered for.
    pub(crate) called: usize,
    pub(crate) answered: usize,
    /// When the last of them answered; nothing while one has not.
    pub(crate) last_answer: Option<String>,
}

/// How well a job's last phone was foretold.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Foretold {
    pub(crate) job: IntentId,
    pub(crate) link: String,
    /// Seconds to the last phone by the reading that was let go.
    pub(crate) foretold_s: u64,
    /// Seconds from the first message to the last one answered.
    pub(crate) took_s: Option<i64>,
}

/// A delivery while the walk goes on.
struct Delivery {
    link: String,
    first: Option<Time>,
    last: Option<Time>,
    taken: u64,
}

/// What a walk gathers.
#[derive(Default)]
struct Gathered {
    events: Vec<(Time, What)>,
    deliveries: BTreeMap<IntentId, Delivery>,
    /// By the board's lines: asked since, and whether somebody answered.
    places: BTreeMap<Place, Option<Time>>,
    jobs: BTreeMap<IntentId, JobItem>,
    signed: BTreeSet<(u32, Vec<String>)>,
    said: BTreeSet<(Place, String, Time)>,
    proposed: Option<Time>,
    released: Option<Time>,
    left_out: u64,
    unreadable: u64,
}

impl App {
    /// The course of a warning.
    ///
    /// # Errors
    /// The journal cannot be read, or nobody waits for the answer any more.
    pub(crate) fn course(
        &self,
        warning: WarningId,
        tell: &mut dyn FnMut(Walked) -> bool,
    ) -> Result<Course, AuditError> {
        let known = self.view.original(warning);
        let from = known.map(|warning| warning.first_rise - BEFORE);
        let mut past = Past::new(&*self.journal, self.mode, (from, None), tell);
        let mut gathered = Gathered::default();
        let zone = self.zone_of(warning).ok();
        let zones = match zone {
            Some(zone) => zone.0..zone.0.saturating_add(1),
            None => 0..u16::try_from(self.installation.city.zones.len()).unwrap_or(u16::MAX),
        };
        for zone in zones.map(Partition) {
            past.each(Kind::Warnings, zone, |record| {
                gathered.said(record, warning)
            })?;
        }
        for (link, number) in self.links.iter().zip(0_u16..) {
            let number = Partition(number);
            past.each(Kind::Deliveries, number, |record| {
                gathered.planned(record, warning, link);
            })?;
            past.each(Kind::Receipts, number, |record| {
                gathered.learned(record, link)
            })?;
        }
        Ok(self.put_together(warning, gathered))
    }

    fn put_together(&self, warning: WarningId, gathered: Gathered) -> Course {
        let text = |at: Time| self.view.text(at);
        let Gathered {
            mut events,
            deliveries,
            places,
            jobs,
            proposed,
            released,
            left_out,
            unreadable,
            ..
        } = gathered;
        let (mut first, mut last) = (None, None);
        for (id, delivery) in &deliveries {
            let link = || delivery.link.clone();
            if let Some(at) = delivery.first {
                let delivery = *id;
                let link = link();
                events.push((at, What::First { delivery, link }));
            }
            if let Some(at) = delivery.last {
                events.push((
                    at,
                    What::Last {
                        delivery: *id,
                        link: link(),
                        taken: delivery.taken,
                    },
                ));
            }
            // Of a job the far side says when its messages left.
            let job = jobs.get(id);
            let began = job.map_or(delivery.first, |job| job.started);
            let ended = job.map_or(delivery.last, |job| job.finished.or(job.started));
            first = [first, began].into_iter().flatten().min();
            last = last.max(ended);
        }
        events.sort_by_key(|(at, _)| *at);
        let is_answered = !places.is_empty() && places.values().all(Option::is_some);
        let latest = places.values().flatten().max().copied();
        let seconds =
            |from: Option<Time>, to: Option<Time>| Some(to?.since(from?).millis() / 1_000);
        let foretold = jobs.iter().map(|(job, item)| Foretold {
            job: *job,
            link: deliveries
                .get(job)
                .map_or_else(String::new, |of| of.link.clone()),
            foretold_s: item.last_phone_s,
            took_s: seconds(item.started, item.finished),
        });
        Course {
            warning,
            summary: Summary {
                proposed: proposed.map(text),
                released: released.map(text),
                first_message: first.map(text),
                last_message: last.map(text),
                signing_s: seconds(proposed, released),
                sending_s: seconds(released, last),
                jobs: foretold.collect(),
                called: places.len(),
                answered: places.values().flatten().count(),
                last_answer: latest.filter(|_| is_answered).map(text),
            },
            events: events
                .into_iter()
                .map(|(at, what)| Happened { at: text(at), what })
                .collect(),
            left_out,
            unreadable,
        }
    }
}

impl Gathered {
    fn event(&mut self, at: Time, what: What) {
        if self.events.len() >= EVENTS_MAX {
            self.left_out += 1;
        } else {
            self.events.push((at, what));
        }
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, record: &Record) -> Option<T> {
        let read = serde_json::from_slice(record.payload());
        self.unreadable += u64::from(read.is_err());
        read.ok()
    }

    /// A record of the zone.
    fn said(&mut self, record: &Record, id: WarningId) {
        let at = Time::from_millis(record.time_ms);
        match record.kind {
            kind::WARNING => {
                let warning = self.read::<Warning>(record).filter(|w| w.id == id);
                if let Some(warning) = warning {
                    self.revised(at, warning);
                }
            }
            kind::PENDING => {
                let pending = self.read::<Pending>(record).filter(|p| p.warning == id);
                let signing = pending.and_then(|p| Some((p.revision, p.signing?)));
                let Some((revision, signing)) = signing else {
                    return;
                };
                // The clock's turns are said too: signatures are what this is about.
                let signed_by = signing.signed_by;
                if self.signed.insert((revision, signed_by.clone())) {
                    let needed = signing.needed;
                    let what = What::Signing {
                        revision,
                        signed_by,
                        needed,
                    };
                    self.event(at, what);
                }
            }
            kind::CALL => {
                let call = self.read::<Call>(record).filter(|call| call.warning == id);
                if let Some(call) = call {
                    self.called(at, call);
                }
            }
            _ => {}
        }
    }

    fn revised(&mut self, at: Time, warning: Warning) {
        match warning.event {
            Event::Proposed => {
                self.proposed.get_or_insert(at);
            }
            Event::Issued | Event::Updated => {
                self.released.get_or_insert(at);
            }
            Event::Ended | Event::Cancelled => {}
        }
        let areas = warning.areas.iter();
        let what = What::Revision {
            revision: warning.revision,
            event: warning.event,
            areas: areas.map(|(code, area)| (*code, area.tier)).collect(),
            signed_by: warning.signed_by,
        };
        self.event(at, what);
    }

    fn called(&mut self, at: Time, call: Call) {
        let place = call.place.clone();
        let is_new = !self.places.contains_key(&place);
        let answered = self.places.entry(place.clone()).or_default();
        if call.answered.is_some() {
            answered.get_or_insert(at);
        } else {
            // A higher tier asks anew.
            *answered = None;
        }
        if is_new {
            let tier = call.tier;
            self.event(at, What::Asked { place, tier });
        }
        for said in call.answers.iter().chain(&call.answered) {
            let key = (call.place.clone(), said.contact.clone(), said.said);
            if self.said.insert(key) {
                let what = What::Answered {
                    place: call.place.clone(),
                    contact: said.contact.clone(),
                    answer: said.answer,
                    noted_by: said.noted_by.clone(),
                };
                self.event(at, what);
            }
        }
    }

    /// A record of a link's queue.
    fn planned(&mut self, record: &Record, warning: WarningId, link: &str) {
        let at = Time::from_millis(record.time_ms);
        match record.kind {
            INTENT => {
                let named = self
                    .read::<Named>(record)
                    .filter(|of| of.warning == warning);
                let Some(named) = named else { return };
                if self.deliveries.len() >= DELIVERIES_MAX {
                    self.left_out += 1;
                    return;
                }
                let Some(intent) = self.read::<Intent>(record) else {
                    return;
                };
                let delivery = Delivery {
                    link: link.to_owned(),
                    first: None,
                    last: None,
                    taken: 0,
                };
                self.deliveries.entry(named.id).or_insert(delivery);
                let what = What::Planned {
                    delivery: named.id,
                    link: link.to_owned(),
                    purpose: intent.purpose.name().to_owned(),
                    tier: intent.tier,
                };
                self.event(at, what);
            }
            ACT => {
                let act = self.read::<AreaAct>(record);
                let Some(act) = act.filter(|act| self.deliveries.contains_key(&act.job)) else {
                    return;
                };
                let what = What::Act {
                    job: act.job,
                    link: link.to_owned(),
                    act: act.act.name().to_owned(),
                    by: act.by,
                    reason: act.reason,
                };
                self.event(at, what);
            }
            _ => {}
        }
    }

    /// A record of what a link learned.
    fn learned(&mut self, record: &Record, link: &str) {
        let at = Time::from_millis(record.time_ms);
        match record.kind {
            PROGRESS => match Progress::decode(record.payload()) {
                Ok(progress) => progress.entries.iter().for_each(|entry| {
                    self.progressed(at, entry, link);
                }),
                Err(_) => self.unreadable += 1,
            },
            JOB => match JobItem::last(record.payload()) {
                Ok((job, item)) => self.job(at, job, item, link),
                Err(_) => self.unreadable += 1,
            },
            STEP => {
                if let Some(JobStep { job, item }) = self.read(record) {
                    self.job(at, job, item, link);
                }
            }
            _ => {}
        }
    }

    fn job(&mut self, at: Time, job: IntentId, item: JobItem, link: &str) {
        if !self.deliveries.contains_key(&job) {
            return;
        }
        let what = What::Job {
            job,
            link: link.to_owned(),
            state: item.state.clone(),
            heads: item.heads,
            last_phone_s: item.last_phone_s,
            counts: item.counts,
            objections: item.objections.clone(),
        };
        self.event(at, what);
        self.jobs.insert(job, item);
    }

    fn progressed(&mut self, at: Time, entry: &Entry, link: &str) {
        let Some(delivery) = self.deliveries.get_mut(&entry.intent()) else {
            return;
        };
        match entry {
            Entry::States {
                state: State::Accepted,
                recipients,
                ..
            } => {
                delivery.first.get_or_insert(at);
                delivery.last = Some(at);
                delivery.taken += recipients.len() as u64;
            }
            Entry::States { .. } | Entry::Retired { .. } | Entry::Spent { .. } => {}
            Entry::Closed { intent, state } => {
                let what = What::Closed {
                    delivery: *intent,
                    link: link.to_owned(),
                    state: *state,
                };
                self.event(at, what);
            }
        }
    }
}
