//! One job from being put to being let go.

use super::{AreaLink, JobItem, Open};
use crate::app::App;
use dispatch::gateway::area::{Act, Job, Reading, check};
use dispatch::intent::{Intent, IntentId};
use dispatch::outbox::{Answer, Outcome, Token};
use dispatch::plan::issuer_of;
use model::{SendError, Warning};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two readings of a job that is held: the far side may have been corrected.
const READ_EVERY: Duration = Duration::from_secs(10);

/// A job on its way.
pub(super) struct Flight {
    pub(super) app: Arc<App>,
    pub(super) link: Arc<AreaLink>,
    pub(super) intent: Arc<Intent>,
    pub(super) token: Token,
    pub(super) open: watch::Receiver<Open>,
    pub(super) said: mpsc::Sender<Heard>,
}

/// What is known of a job from its flight.
pub(super) struct Heard {
    pub(super) job: IntentId,
    pub(super) item: JobItem,
}

impl Flight {
    /// Until the job is released, refused or taken back.
    pub(super) async fn go(mut self) -> Answer {
        let outcome = match self.fly().await {
            Ok(outcome) => outcome,
            Err(error) => {
                let name = self.link.target.name();
                tracing::warn!(target = name, job = %self.intent.id, %error, "not released");
                self.say(JobItem::failed(&error)).await;
                match error {
                    SendError::Transient(_) => Outcome::Transient,
                    SendError::Permanent(_) => Outcome::Permanent,
                    SendError::Uncertain(_) => Outcome::Uncertain,
                }
            }
        };
        Answer {
            token: self.token,
            outcome,
        }
    }

    async fn fly(&mut self) -> Result<Outcome, SendError> {
        let job = self.job().await?;
        if job.areas.is_empty() {
            // Whoever lives there is told something else by another job.
            return Ok(Outcome::Delivered);
        }
        loop {
            let now = self.app.clock.now();
            let reading = self.link.target.put(&job, now).await?;
            let objections = check(
                &job,
                &reading,
                &self.link.band,
                inhabitants(&self.app, &job),
                now,
            );
            if objections.is_empty() || self.is_let_go() {
                return self.release(&job, &reading).await;
            }
            let words: Vec<String> = objections.iter().map(ToString::to_string).collect();
            let target = self.link.target.name();
            tracing::error!(target, job = %job.job, ?words, "held: somebody must look at it");
            self.say(JobItem::held(&reading, words)).await;
            if !self.wait().await {
                // Nothing of it has left, and nothing is to.
                let at = self.app.clock.now();
                drop(self.link.target.act(job.job, Act::Kill, at).await);
                return Ok(Outcome::Permanent);
            }
        }
    }

    async fn release(&mut self, job: &Job, reading: &Reading) -> Result<Outcome, SendError> {
        // A newer revision may have come while the far side was counting.
        if !self.open.borrow().jobs.contains(&job.job) {
            return Ok(Outcome::Permanent);
        }
        let at = self.app.clock.now();
        let released = self.link.target.release(job.job, reading, at).await?;
        self.app
            .latency
            .on_wire(&self.intent.id.to_string(), &self.app.metrics);
        let mut item = JobItem::default();
        item.reported(&released);
        self.say(item).await;
        Ok(Outcome::Accepted { receipt: 0 })
    }

    /// Waits for the next look; false where the job is not wanted any more.
    async fn wait(&mut self) -> bool {
        let job = self.intent.id;
        let is_wanted = |open: &Open| !open.is_over && open.jobs.contains(&job);
        let ends = |open: &Open| !is_wanted(open) || open.let_go.contains(&job);
        let changed = tokio::time::timeout(READ_EVERY, self.open.wait_for(ends)).await;
        match changed {
            Ok(Ok(open)) => is_wanted(&open),
            Ok(Err(_)) => false,
            Err(_) => true,
        }
    }

    fn is_let_go(&self) -> bool {
        self.open.borrow().let_go.contains(&self.intent.id)
    }

    async fn job(&self) -> Result<Job, SendError> {
        let warning = self.app.revision(&self.intent).await?;
        let (sender, name) = sender(&self.app, &warning);
        let places = &self.app.installation.places;
        let job = Job::of(&self.intent, places, warning.hazard, sender, name);
        Ok(job)
    }

    async fn say(&self, item: JobItem) {
        let job = self.intent.id;
        // The link may have ended.
        drop(self.said.send(Heard { job, item }).await);
    }
}

/// Inhabitants of the areas of a job; nothing where one of them has no figure.
pub(super) fn inhabitants(app: &App, job: &Job) -> Option<u64> {
    let city = &app.installation.city;
    let of = |code: &model::AreaCode| {
        let area = city.area(city.area_no(*code)?)?;
        (area.population > 0).then_some(area.population)
    };
    // Areas of one job never lie in each other.
    job.areas.iter().map(of).sum()
}

/// The authority a warning goes out under: its code and its name.
pub(in crate::courier) fn sender(app: &App, warning: &Warning) -> (String, model::Named) {
    let matrix = &app.installation.city.policy.matrix;
    let mut own = matrix.own();
    let named = own.find(|authority| authority.id.to_string() == warning.authority);
    let issuer = named.or(matrix.own().next()).map(issuer_of);
    issuer.map_or_else(Default::default, |issuer| (issuer.id, issuer.name))
}
