//! The carrier's or platform's side of area jobs (`sanfang relay`): a signed job comes in, is read
//! back in heads from the own roll, let go, and counted; the numbers stay here.
//!
//! A job that was let go is an intent on the short-message links like any other, so that order,
//! pace, not-after, withdrawal and recovery are the outbox's. What is kept of a job besides lies in
//! the registry, in a ring of [`JOBS_MAX`] places.

mod api;
mod counting;
pub(crate) mod fetch;
mod jobs;
mod kept;
mod reading;

pub(crate) use api::routes;
pub(crate) use counting::Learned;

use crate::app::App;
use crate::registry;
use dispatch::gateway::area::{Act, Job, JobError, Phase, Reading, Report};
use dispatch::gateway::webhook::{self, SignatureError};
use dispatch::intent::IntentId;
use jobs::{JOBS_MAX, Jobs, Put};
use journal::{Batch, JournalError, Kind, Priority, Topic};
use kept::Kept;
use model::{AuthorityId, Span, Time};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// Parts of messages a second that its links may send together.
    pub(crate) pace_per_s: u32,
    /// How its links write a text: that decides how many parts it has.
    pub(crate) style: Style,
    /// The date of the roll.
    pub(crate) roll_of: Time,
    /// Names of the links that carry short messages.
    pub(crate) links: Vec<String>,
}

/// How links write a text, where any of them does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// In UCS-2, also where the default alphabet would do.
    pub(crate) always_ucs2: bool,
    /// A second time, to be shown at once.
    pub(crate) with_flash: bool,
}

/// The jobs of a process.
pub(crate) struct Relay {
    centres: Vec<Centre>,
    pace_per_s: u32,
    style: Style,
    roll_of: Time,
    jobs: Mutex<Jobs>,
    /// One act at a time: what the journal does not take is undone in memory, and nobody has built
    /// on it meanwhile.
    acting: tokio::sync::Mutex<()>,
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
        let mut jobs = Jobs::on(post.links);
        for slot in 0..JOBS_MAX {
            let record = journal.latest(topic, registry::PARTITION, slot_key(slot).as_bytes())?;
            let Some(record) = record else { continue };
            match Kept::decode(record.payload(), slot) {
                Some(kept) => jobs.restore(kept),
                None => tracing::error!(slot, "a job of the registry cannot be read: passed over"),
            }
        }
        Ok(Self {
            centres: post.centres,
            pace_per_s: post.pace_per_s,
            style: post.style,
            roll_of: post.roll_of,
            jobs: Mutex::new(jobs),
            acting: tokio::sync::Mutex::default(),
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

    /// Intents of which nothing may leave now.
    pub(crate) fn paused(&self) -> Arc<BTreeSet<IntentId>> {
        self.jobs.lock().paused()
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
        let id = job.job;
        let is_known = relay.jobs.lock().of(centre, id).is_ok();
        if !is_known && self.clock.now() >= job.not_after {
            return Err(JobError::Late.into());
        }
        let (reading, _) = reading::read(self, relay, &job);
        match relay.jobs.lock().put(job, centre, &reading) {
            Put::Read => Ok(reading),
            Put::LetGo(reading) => Ok(reading),
            Put::Other => Err(RelayError::Other(id)),
        }
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
        let _alone = relay.acting.lock().await;
        let known = relay.jobs.lock().of(centre, job)?.clone();
        if known.phase == Phase::Killed && known.released.is_none() {
            let phase = known.phase.name();
            return Err(RelayError::Over { job, phase });
        }
        if known.phase != Phase::Read {
            // The same release again: its answer was lost.
            return self.job_report(relay, centre, job);
        }
        let now = self.clock.now();
        if now >= known.job.not_after {
            let phase = Phase::Expired.name();
            return Err(RelayError::Over { job, phase });
        }
        let read = reading::read(self, relay, &known.job);
        if read.0.hash() != hash {
            return Err(RelayError::Changed(job));
        }
        // In memory first: the links may have counted of it before this call goes on.
        let let_go = relay.jobs.lock().let_go(job, read, now);
        let (kept, before) = let_go.ok_or(RelayError::Full)?;
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        self.keep_job(&kept, &mut batch);
        for intent in kept.intents(&self.installation.places, &self.sms_links()) {
            self.queue_job(&intent, &mut batch);
        }
        if let Err(error) = self.stored(batch).await {
            relay.jobs.lock().undo_release(job, before);
            return Err(error.into());
        }
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
        let _alone = relay.acting.lock().await;
        let now = self.clock.now();
        let before = relay.jobs.lock().of(centre, job)?.clone();
        let Some(kept) = before.after(act, now) else {
            let phase = before.phase.name();
            return match (act, before.phase) {
                // Said again.
                (Act::Pause, Phase::Paused)
                | (Act::Resume, Phase::Running)
                | (Act::Kill, Phase::Killed) => self.job_report(relay, centre, job),
                _ => Err(RelayError::Over { job, phase }),
            };
        };
        relay.jobs.lock().set_phase(&kept);
        // Of what was never let go there is nothing to keep and nothing to withdraw.
        if kept.slot.is_some() {
            let mut batch = Batch::new(now.millis(), Priority::Vital);
            self.keep_job(&kept, &mut batch);
            if act == Act::Kill {
                for intent in kept.withdrawals(&self.installation.places, &self.sms_links(), now) {
                    self.queue_job(&intent, &mut batch);
                }
            }
            if let Err(error) = self.stored(batch).await {
                relay.jobs.lock().set_phase(&before);
                return Err(error.into());
            }
        }
        self.job_report(relay, centre, job)
    }

    async fn stored(&self, batch: Batch) -> Result<(), JournalError> {
        self.journal.submit_waiting(batch)?.await.map(drop)
    }

    /// How far a job is.
    pub(crate) fn job_report(
        &self,
        relay: &Relay,
        centre: &Centre,
        job: IntentId,
    ) -> Result<Report, RelayError> {
        let now = self.clock.now();
        relay.jobs.lock().report(centre, job, now)
    }

    /// Puts what is kept of a job into a commit, where it was let go.
    fn keep_job(&self, kept: &Kept, batch: &mut Batch) {
        let Some(slot) = kept.slot else { return };
        let topic = Topic::new(Kind::Registry, self.mode);
        let key = slot_key(slot);
        batch.append(
            topic,
            registry::PARTITION,
            registry::JOB,
            key.as_bytes(),
            &kept.encode(),
        );
    }

    fn queue_job(&self, intent: &dispatch::intent::Intent, batch: &mut Batch) {
        if let Some(number) = self.links.iter().position(|link| *link == intent.link) {
            crate::courier::queue(self, intent, number, batch);
        }
    }

    /// Links that carry short messages.
    fn sms_links(&self) -> Vec<String> {
        let links = self.links.iter().filter(|link| self.is_served(link));
        links.filter(|link| carries_sms(link)).cloned().collect()
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

/// True for the link of the first account and those of the others.
pub(crate) fn carries_sms(link: &str) -> bool {
    link == "sms" || link.starts_with("sms/")
}

fn slot_key(slot: usize) -> String {
    format!("job/{slot}")
}
