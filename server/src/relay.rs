//! The carrier's or platform's side of area jobs (`sanfang relay`): a signed job comes in, is read
//! back in heads from the own roll, let go, and counted; the numbers stay here.
//!
//! A job that was let go is an intent on the short-message links like any other, so that order,
//! pace, not-after, withdrawal and recovery are the outbox's. What is kept of a job besides lies in
//! the registry, in a ring of [`JOBS_MAX`] places.

mod api;
mod counting;
mod kept;
mod reading;

pub(crate) use api::routes;
pub(crate) use counting::Learned;

use crate::app::App;
use crate::registry;
use dispatch::gateway::area::{Act, Job, JobError, Phase, Reading, Report};
use dispatch::gateway::webhook::{self, SignatureError};
use dispatch::intent::IntentId;
use journal::{Batch, JournalError, Kind, Partition, Priority, Topic};
use kept::{Kept, link_id};
use model::{AuthorityId, Span, Time};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs kept, those that are over among them.
const JOBS_MAX: usize = 4_096;
/// How far a centre's clock may be from ours.
const SIGNED_WITHIN: Span = Span::from_minutes(5);

/// Who may send jobs.
#[derive(Clone)]
pub(crate) struct Centre {
    /// Name in metrics and logs.
    pub(crate) name: String,
    /// What its calls are signed with.
    pub(crate) secret: Vec<u8>,
    /// The authorities in whose name it may speak.
    pub(crate) authorities: BTreeSet<AuthorityId>,
}

/// What a process relays with.
pub(crate) struct Post {
    /// Who may send jobs.
    pub(crate) centres: Vec<Centre>,
    /// Messages a second that its links may send together.
    pub(crate) pace_per_s: u32,
    /// The date of the roll.
    pub(crate) roll_of: Time,
    /// Links that carry short messages.
    pub(crate) links: usize,
}

/// The jobs of a process.
pub(crate) struct Relay {
    centres: Vec<Centre>,
    pace_per_s: u32,
    roll_of: Time,
    links: usize,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    by_id: BTreeMap<IntentId, Kept>,
    /// The place in the ring that the next job takes.
    next: usize,
    /// Of the jobs that were put and not yet let go, the oldest first.
    unreleased: std::collections::VecDeque<IntentId>,
}

/// Why a call was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    /// Nobody known signed it.
    #[error("no centre of this relay signed this call: {0}")]
    Unsigned(SignatureError),
    /// It speaks for others.
    #[error("{centre} may not speak for the authority {sender}")]
    Sender {
        /// The centre.
        centre: String,
        /// The code it used.
        sender: String,
    },
    /// It must not go out.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Another job has that number.
    #[error("job {0} is here with other words, areas or times; a changed job needs a new number")]
    Other(IntentId),
    /// Not put, or forgotten.
    #[error("no job {0}; put it first")]
    Unknown(IntentId),
    /// The roll has changed since.
    #[error("job {0} reads otherwise now; put it again and look at the reading")]
    Changed(IntentId),
    /// What is over stays over.
    #[error("job {job} is {phase}")]
    Over {
        /// Which.
        job: IntentId,
        /// How it ended, or that it has not begun.
        phase: &'static str,
    },
    /// Too many jobs run at once.
    #[error("{JOBS_MAX} jobs are under way, which is the most; end some first")]
    Full,
    /// Not on disk.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Relay {
    /// A relay with the jobs that the registry kept.
    pub(crate) fn open(
        post: Post,
        journal: &dyn journal::Journal,
        topic: Topic,
    ) -> Result<Self, JournalError> {
        let mut jobs = Jobs::default();
        for slot in 0..JOBS_MAX {
            let record = journal.latest(topic, registry::PARTITION, slot_key(slot).as_bytes())?;
            let Some(record) = record else { continue };
            match Kept::decode(record.payload(), slot) {
                Some(kept) => {
                    jobs.next = jobs.next.max(slot + 1);
                    jobs.by_id.insert(kept.job.job, kept);
                }
                None => tracing::error!(slot, "a job of the registry cannot be read: passed over"),
            }
        }
        jobs.next = jobs.oldest_slot().unwrap_or(jobs.next);
        Ok(Self {
            centres: post.centres,
            pace_per_s: post.pace_per_s,
            roll_of: post.roll_of,
            links: post.links,
            jobs: Mutex::new(jobs),
        })
    }

    /// The centre that signed a call.
    pub(crate) fn centre(
        &self,
        header: &str,
        key: &str,
        body: &[u8],
        now: Time,
    ) -> Result<&Centre, RelayError> {
        let mut why = SignatureError::Wrong;
        for centre in &self.centres {
            match webhook::verify(&centre.secret, header, key, body, now, SIGNED_WITHIN) {
                Ok(()) => return Ok(centre),
                Err(SignatureError::Wrong) => {}
                Err(error) => why = error,
            }
        }
        Err(RelayError::Unsigned(why))
    }

    /// Intents of a link of which nothing may leave now.
    pub(crate) fn paused(&self, link: &str) -> BTreeSet<IntentId> {
        let jobs = self.jobs.lock();
        let paused = jobs.by_id.values();
        let paused = paused.filter(|kept| kept.phase == Phase::Paused);
        paused.map(|kept| link_id(kept.job.job, link)).collect()
    }
}

impl Jobs {
    /// A job of that centre; the others' are none of its business.
    fn of(&mut self, centre: &Centre, job: IntentId) -> Result<&mut Kept, RelayError> {
        let kept = self.by_id.get_mut(&job);
        kept.filter(|kept| kept.centre == centre.name)
            .ok_or(RelayError::Unknown(job))
    }

    /// Where the ring is full, the place of the job that is over the longest.
    fn oldest_slot(&self) -> Option<usize> {
        if self.by_id.len() < JOBS_MAX {
            let taken: BTreeSet<usize> = self.by_id.values().filter_map(|k| k.slot).collect();
            return (0..JOBS_MAX).find(|slot| !taken.contains(slot));
        }
        let over = self.by_id.values().filter(|kept| kept.phase.is_over());
        over.min_by_key(|kept| kept.released)?.slot
    }
}

impl App {
    /// Takes a job in, or reads again one that is here.
    pub(crate) fn job_put(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: Job,
    ) -> Result<Reading, RelayError> {
        speaks_for(centre, &job)?;
        let (reading, _) = reading::read(self, relay, &job);
        let mut jobs = relay.jobs.lock();
        match jobs.by_id.get_mut(&job.job) {
            Some(kept) if kept.job != job || kept.centre != centre.name => {
                return Err(RelayError::Other(job.job));
            }
            Some(kept) if kept.phase != Phase::Read => return Ok(kept.reading.clone()),
            Some(kept) => kept.reading = reading.clone(),
            None => {
                if jobs.unreleased.len() >= JOBS_MAX
                    && let Some(oldest) = jobs.unreleased.pop_front()
                {
                    jobs.by_id.remove(&oldest);
                }
                jobs.unreleased.push_back(job.job);
                let kept = Kept::new(job, centre.name.clone(), reading.clone());
                jobs.by_id.insert(kept.job.job, kept);
            }
        }
        Ok(reading)
    }

    /// How a job would be read.
    pub(crate) fn job_preview(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: &Job,
    ) -> Result<Reading, RelayError> {
        speaks_for(centre, job)?;
        Ok(reading::read(self, relay, job).0)
    }

    /// Lets a job go as it was read: durable once this returns.
    pub(crate) async fn job_release(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: IntentId,
        hash: &str,
    ) -> Result<Report, RelayError> {
        let known = relay.jobs.lock().of(centre, job)?.clone();
        if known.phase == Phase::Killed && known.released.is_none() {
            let phase = known.phase.name();
            return Err(RelayError::Over { job, phase });
        }
        if known.phase != Phase::Read {
            // The same release again: its answer was lost.
            return self.job_report(relay, centre, job);
        }
        let read = reading::read(self, relay, &known.job);
        if read.0.hash() != hash {
            return Err(RelayError::Changed(job));
        }
        let now = self.clock.now();
        let (kept, key) = {
            let mut jobs = relay.jobs.lock();
            let slot = jobs.oldest_slot().ok_or(RelayError::Full)?;
            jobs.by_id
                .retain(|id, kept| *id == job || kept.slot != Some(slot));
            jobs.unreleased.retain(|id| *id != job);
            let kept = jobs.by_id.get_mut(&job).ok_or(RelayError::Unknown(job))?;
            if kept.phase != Phase::Read {
                drop(jobs);
                return self.job_report(relay, centre, job);
            }
            kept.release(slot, read, now);
            (kept.clone(), slot_key(slot))
        };
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        self.keep_job(&kept, &key, &mut batch);
        for intent in kept.intents(&self.installation.places, &self.sms_links()) {
            self.queue_job(&intent, &mut batch);
        }
        let done = self.journal.submit_waiting(batch)?.await;
        if done.is_err() {
            // Nothing of it left: it may be let go again.
            if let Some(kept) = relay.jobs.lock().by_id.get_mut(&job) {
                kept.unrelease();
            }
        }
        done?;
        self.job_report(relay, centre, job)
    }

    /// Pauses, resumes or ends a job.
    pub(crate) async fn job_act(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: IntentId,
        act: Act,
    ) -> Result<Report, RelayError> {
        let now = self.clock.now();
        let kept = {
            let mut jobs = relay.jobs.lock();
            let kept = jobs.of(centre, job)?;
            if !kept.act(act, now) {
                let phase = kept.phase.name();
                return match (act, kept.phase) {
                    // Said again.
                    (Act::Pause, Phase::Paused)
                    | (Act::Resume, Phase::Running)
                    | (Act::Kill, Phase::Killed) => {
                        drop(jobs);
                        self.job_report(relay, centre, job)
                    }
                    _ => Err(RelayError::Over { job, phase }),
                };
            }
            kept.clone()
        };
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        if let Some(slot) = kept.slot {
            self.keep_job(&kept, &slot_key(slot), &mut batch);
        }
        if act == Act::Kill {
            for intent in kept.withdrawals(&self.installation.places, &self.sms_links(), now) {
                self.queue_job(&intent, &mut batch);
            }
        }
        self.journal.submit_waiting(batch)?.await?;
        self.job_report(relay, centre, job)
    }

    /// How far a job is.
    pub(crate) fn job_report(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: IntentId,
    ) -> Result<Report, RelayError> {
        let mut jobs = relay.jobs.lock();
        let kept = jobs.of(centre, job)?;
        Ok(kept.report(relay.links))
    }

    fn keep_job(&self, kept: &Kept, key: &str, batch: &mut Batch) {
        let topic = Topic::new(Kind::Registry, self.mode);
        batch.append(
            topic,
            registry::PARTITION,
            registry::JOB,
            key.as_bytes(),
            &kept.encode(),
        );
    }

    fn queue_job(&self, intent: &dispatch::intent::Intent, batch: &mut Batch) {
        let number = self.links.iter().position(|link| *link == intent.link);
        let Some(number) = number.and_then(|number| u16::try_from(number).ok()) else {
            return;
        };
        let deliveries = Topic::new(Kind::Deliveries, self.mode);
        batch.append_with(
            deliveries,
            Partition(number),
            crate::courier::INTENT,
            &[],
            |out| {
                // Writing our own plain types to memory cannot fail.
                drop(serde_json::to_writer(out, intent));
            },
        );
    }

    /// Links that carry short messages.
    fn sms_links(&self) -> Vec<String> {
        let links = self.links.iter().filter(|link| self.is_served(link));
        let of_sms = links.filter(|link| *link == "sms" || link.starts_with("sms/"));
        of_sms.cloned().collect()
    }
}

fn speaks_for(centre: &Centre, job: &Job) -> Result<(), RelayError> {
    job.check()?;
    if centre
        .authorities
        .iter()
        .any(|id| id.to_string() == job.sender)
    {
        return Ok(());
    }
    Err(RelayError::Sender {
        centre: centre.name.clone(),
        sender: job.sender.clone(),
    })
}

fn slot_key(slot: usize) -> String {
    format!("job/{slot}")
}
