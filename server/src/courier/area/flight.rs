//! One job from being put to being let go.

use super::{AreaLink, Carrier, JobItem, Open, ReleasePlatform};
use crate::app::App;
use dispatch::gateway::area::{Job, Reading, check};
use dispatch::gateway::platform::Form;
use dispatch::intent::{Intent, IntentId};
use dispatch::outbox::{Answer, Outcome, Token};
use dispatch::plan::issuer_of;
use model::{Language, SendError, Warning};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two readings of a job that is held: the far side may have been corrected.
const READ_EVERY: Duration = Duration::from_secs(10);

/// A job on its way.
pub(super) struct Flight {
    pub(super) app: Arc<App>,
    pub(super) link: AreaLink,
    pub(super) intent: Arc<Intent>,
    pub(super) token: Token,
    pub(super) open: watch::Receiver<Open>,
    pub(super) said: mpsc::Sender<Heard>,
    /// What was said last of why it does not leave.
    pub(super) objections: Vec<String>,
}

/// Whether a job is still to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// By this link.
    Yes,
    /// The term of this one is over.
    ByTheNextOwner,
    /// A newer revision speaks for its areas, or its time is over.
    No,
}

/// What is known of a job from its flight.
pub(super) struct Heard {
    pub(super) job: IntentId,
    pub(super) item: JobItem,
}

impl Flight {
    /// Until the job is released, refused or taken back. A far side that is away is waited for: the
    /// job goes on where it was left, and what a newer revision took back is not among it.
    pub(super) async fn go(mut self) -> Answer {
        let outcome = loop {
            let error = match self.fly().await {
                Ok(outcome) => break outcome,
                Err(error) => error,
            };
            self.objected(&[error.to_string()]);
            self.say(JobItem::failed(&error)).await;
            match error {
                SendError::Permanent(_) => break Outcome::Permanent,
                SendError::Transient(_) | SendError::Uncertain(_) => {}
            }
            match self.wait(false).await {
                Wanted::Yes => {}
                Wanted::ByTheNextOwner => break Outcome::Transient,
                Wanted::No => break self.taken_back().await,
            }
        };
        Answer {
            token: self.token,
            outcome,
        }
    }

    async fn fly(&mut self) -> Result<Outcome, SendError> {
        match self.link.clone() {
            AreaLink::Carrier(carrier) => self.put(&carrier).await,
            AreaLink::Platform(of) => self.put_before(&of).await,
        }
    }

    /// A form before a platform's people; it may be there already.
    async fn put_before(&mut self, of: &ReleasePlatform) -> Result<Outcome, SendError> {
        let warning = self.app.revision(&self.intent).await?;
        let document = self.app.cap.document_of(&*self.app.journal, &warning)?;
        let document = document.ok_or_else(|| {
            SendError::Transient("its CAP document is not published yet".to_owned())
        })?;
        let (_, name) = sender(&self.app, &warning);
        let installation = &self.app.installation;
        let form = Form::of(
            self.intent.id,
            (&warning, &document),
            &name.zh,
            (&of.channels, installation.city.offset),
            |code| installation.places.name(code, Language::Zh),
        );
        let at = self.app.clock.now();
        let standing = of.platform.submit(&form, at).await?;
        self.app
            .latency
            .on_wire(&self.intent.id.to_string(), &self.app.metrics);
        let mut item = JobItem::default();
        item.stood(&standing);
        self.say(item).await;
        Ok(Outcome::Accepted { receipt: 0 })
    }

    async fn put(&mut self, carrier: &Carrier) -> Result<Outcome, SendError> {
        let job = self.job().await?;
        if job.areas.is_empty() {
            // Whoever lives there is told something else by another job.
            return Ok(Outcome::Delivered);
        }
        loop {
            let now = self.app.clock.now();
            let reading = carrier.target.put(&job, now).await?;
            let band = &carrier.band;
            let objections = check(&job, &reading, band, inhabitants(&self.app, &job), now);
            if objections.is_empty() || self.is_let_go() {
                self.say(JobItem::read_back(&reading)).await;
                return self.release(carrier, &job, &reading).await;
            }
            let words: Vec<String> = objections.iter().map(ToString::to_string).collect();
            self.objected(&words);
            self.say(JobItem::held(&reading, words)).await;
            match self.wait(true).await {
                Wanted::Yes => {}
                Wanted::ByTheNextOwner => return Ok(Outcome::Transient),
                Wanted::No => return Ok(self.taken_back().await),
            }
        }
    }

    async fn release(
        &mut self,
        carrier: &Carrier,
        job: &Job,
        reading: &Reading,
    ) -> Result<Outcome, SendError> {
        // A newer revision may have come while the far side was counting.
        match self.wanted() {
            Wanted::Yes => {}
            Wanted::ByTheNextOwner => return Ok(Outcome::Transient),
            Wanted::No => return Ok(self.taken_back().await),
        }
        let at = self.app.clock.now();
        let released = carrier.target.release(job.job, reading, at).await?;
        self.app
            .latency
            .on_wire(&self.intent.id.to_string(), &self.app.metrics);
        let mut item = JobItem::default();
        item.reported(&released);
        self.say(item).await;
        Ok(Outcome::Accepted { receipt: 0 })
    }

    /// Nothing of it has left, and nothing is to.
    async fn taken_back(&self) -> Outcome {
        let at = self.app.clock.now();
        drop(self.link.take_back(self.intent.id, at).await);
        Outcome::Permanent
    }

    fn wanted(&self) -> Wanted {
        self.open.borrow().wants(self.intent.id)
    }

    /// Waits for the next look; `held` ends it too where a person lets the job go.
    async fn wait(&mut self, held: bool) -> Wanted {
        let job = self.intent.id;
        let ends =
            |open: &Open| open.wants(job) != Wanted::Yes || (held && open.let_go.contains(&job));
        // The link may be gone, which is the end of its term.
        let ended = tokio::time::timeout(READ_EVERY, self.open.wait_for(ends)).await;
        let is_gone = matches!(ended, Ok(Err(_)));
        drop(ended);
        if is_gone {
            Wanted::ByTheNextOwner
        } else {
            self.wanted()
        }
    }

    /// Says once what keeps the job from leaving, and again where that is something else.
    fn objected(&mut self, words: &[String]) {
        if self.objections != words {
            let target = self.link.name();
            tracing::error!(target, job = %self.intent.id, ?words, "not released");
            words.clone_into(&mut self.objections);
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
