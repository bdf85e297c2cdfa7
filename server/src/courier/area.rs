//! Area jobs at the centre: each is put, its reading is checked, released where it is as meant and
//! held for a person where it is not, and followed until the last count. A release platform, which
//! has people of its own, is put a form instead.

mod flight;
mod item;
mod readings;

pub(super) use flight::sender;
pub(crate) use item::{AreaAct, Did, JobItem, JobStep};

use super::{Courier, JOB, STEP};
use crate::app::App;
use crate::term::Term;
use dispatch::gateway::area::{Act, AreaTarget, Band, Report};
use dispatch::gateway::platform::{Platform, Stage, Standing};
use dispatch::intent::{Intent, IntentId, RecipientNo};
use dispatch::ledger::State;
use dispatch::outbox::{Answer, Event, Limits, Outcome};
use flight::{Flight, Heard, Wanted};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use item::WAITING;
use journal::{Batch, JournalError, Kind, Priority, Topic};
use model::{SendError, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Between two questions how far a running job is.
const ASKED_EVERY: Span = Span::from_seconds(5);
/// A job whose time is over is asked after for so long: receipts come late.
const ASKED_AFTER: Span = Span::from_minutes(90);
/// Jobs under way at once: those that are held do not keep others from leaving.
const JOBS_MAX: usize = 1_024;
/// Changes of one job that are written down: a far side that comes and goes fills no journal.
const STEPS_MAX: usize = 64;
/// No job is valid for so long.
const HELD_MAX: Span = Span::from_minutes(60 * 24 * 30);
/// What flights have said and the link has not taken in.
const HEARD_MAX: usize = 256;

/// A carrier and what its readings must be like.
pub(crate) struct Carrier {
    /// The far side.
    pub(crate) target: AreaTarget,
    /// Within which the heads must lie.
    pub(crate) band: Band,
}

/// The far side of a link.
#[derive(Clone)]
pub(crate) enum AreaLink {
    /// Reads a job back and sends it once that is as meant.
    Carrier(Arc<Carrier>),
    /// Has people of its own who look at a form.
    Platform(Arc<ReleasePlatform>),
}

/// A release platform and what it is asked for.
pub(crate) struct ReleasePlatform {
    /// The far side.
    pub(crate) platform: Platform,
    /// Its words for the channels it is to use.
    pub(crate) channels: Vec<String>,
}

impl AreaLink {
    fn name(&self) -> &str {
        match self {
            Self::Carrier(carrier) => carrier.target.name(),
            Self::Platform(of) => of.platform.name(),
        }
    }

    /// Says to the far side that nothing of it is to leave any more.
    async fn take_back(&self, job: IntentId, at: Time) -> Result<(), SendError> {
        match self {
            Self::Carrier(carrier) => carrier.target.act(job, Act::Kill, at).await.map(drop),
            Self::Platform(of) => of.platform.withdraw(job, at).await.map(drop),
        }
    }
}

/// What a far side says of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// A carrier.
    Counts(Box<Report>),
    /// A platform, of the form with that number.
    Form(IntentId, Standing),
}

impl Told {
    fn job(&self) -> IntentId {
        match self {
            Self::Counts(report) => report.job,
            Self::Form(job, _) => *job,
        }
    }

    /// What became of the job, once that is known.
    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Counts(report) => report.phase.is_over().then_some(Outcome::Delivered),
            Self::Form(_, standing) => match standing.stage {
                Stage::Submitted | Stage::Checked => None,
                Stage::Released | Stage::Finished => Some(Outcome::Delivered),
                Stage::Rejected | Stage::Withdrawn => Some(Outcome::Permanent),
            },
        }
    }

    /// True where nothing in it changes any more.
    fn is_settled(&self) -> bool {
        match self {
            Self::Counts(report) => report.is_settled(),
            Self::Form(_, standing) => standing.stage.is_over(),
        }
    }
}

/// What the link knows of its jobs.
#[derive(Default)]
pub(super) struct Jobs {
    /// For the screens.
    pub(super) items: BTreeMap<IntentId, JobItem>,
    /// What people did and the far side has not answered yet, and when it is asked next.
    doing: BTreeMap<IntentId, (Act, Time)>,
    /// Held jobs that a person let go all the same.
    pub(super) let_go: BTreeSet<IntentId>,
    /// How each stood when that was last written down, and how often it was.
    stepped: BTreeMap<IntentId, (JobItem, usize)>,
}

impl Jobs {
    /// What a person did, also read again at a start: of each job the last act stands.
    pub(super) fn act(&mut self, act: &AreaAct) {
        match act.act.of_target() {
            None => drop(self.let_go.insert(act.job)),
            Some(of_target) => {
                let at_once = Time::from_millis(0);
                self.doing.insert(act.job, (of_target, at_once));
            }
        }
    }

    /// The last counts of a job that is over.
    pub(super) fn over(&mut self, payload: &[u8]) {
        match serde_json::from_slice::<Told>(payload) {
            Ok(told) => self.items.entry(told.job()).or_default().told(&told),
            Err(error) => tracing::error!(%error, "last counts of an area job passed over"),
        }
    }

    /// Lets go of what the outbox has forgotten.
    pub(super) fn retain(&mut self, is_known: impl Fn(IntentId) -> bool) {
        self.items.retain(|job, _| is_known(*job));
        self.doing.retain(|job, _| is_known(*job));
        self.let_go.retain(|job| is_known(*job));
        self.stepped.retain(|job, _| is_known(*job));
    }
}

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(
    app: Arc<App>,
    number: usize,
    link: AreaLink,
    term: Term,
) -> Result<(), JournalError> {
    if matches!(link, AreaLink::Platform(_)) {
        // A form brings its CAP document, whoever published that.
        app.every_document().await?;
    }
    let limits = Limits {
        // A flight answers when the job has left, is refused or is not wanted; the outbox ends it
        // at its not-after.
        answer_max: HELD_MAX,
        ..Limits::with_window(JOBS_MAX)
    };
    let mut courier = Courier::open(Arc::clone(&app), number, limits)?;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, courier.partition);
    let (said, mut heard) = mpsc::channel(HEARD_MAX);
    // Which jobs may still be released: a newer revision or the end of the term takes them out.
    let (open, _) = watch::channel(Open::default());
    let mut flying: FuturesUnordered<BoxFuture<'static, Answer>> = FuturesUnordered::new();
    let mut asking: FuturesUnordered<BoxFuture<'static, Asked>> = FuturesUnordered::new();
    let mut followed = courier.released();
    courier.step(Event::Up);
    while !term.is_over() {
        for (token, words) in courier.departures()? {
            let Some((intent, _)) = words else { continue };
            let flight = Flight {
                app: Arc::clone(&app),
                link: link.clone(),
                intent,
                token,
                open: open.subscribe(),
                said: said.clone(),
                objections: Vec::new(),
            };
            flying.push(Box::pin(flight.go()));
        }
        let now = app.clock.now();
        for (job, next) in &mut followed {
            if now >= *next {
                *next = now + ASKED_EVERY;
                asking.push(Box::pin(ask(Arc::clone(&app), link.clone(), *job, None)));
            }
        }
        for (job, act) in courier.acts_due(now) {
            let asked = ask(Arc::clone(&app), link.clone(), job, Some(act));
            asking.push(Box::pin(asked));
        }
        courier.opened(&open);
        courier.count_waiting(&open);
        let (next, pause) = (courier.next, courier.pause(&term));
        tokio::select! {
            Some(answer) = flying.next(), if !flying.is_empty() => {
                if matches!(answer.outcome, Outcome::Accepted { .. })
                    && let Some(job) = courier.job_of(answer)
                {
                    followed.insert(job, app.clock.now());
                }
                courier.step(Event::Answers(&[answer]));
            }
            Some(heard) = heard.recv() => courier.heard(heard)?,
            Some(asked) = asking.next(), if !asking.is_empty() => {
                let job = asked.job;
                if courier.asked(asked)? {
                    followed.remove(&job);
                }
            }
            () = super::planned(&mut planned, next) => {}
            done = courier.durable() => done?,
            () = std::future::ready(()), if !courier.is_settled() => {}
            () = pause => courier.step(Event::Tick),
        }
        followed.retain(|job, _| courier.is_asked_after(*job));
        courier.keep()?;
        courier.show()?;
    }
    // What waits for a person is put again by whoever serves the link next.
    open.send_replace(Open::over());
    while let Some(answer) = flying.next().await {
        courier.step(Event::Answers(&[answer]));
    }
    courier.finish().await
}

/// Jobs that may be released, and those that a person let go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    jobs: BTreeSet<IntentId>,
    let_go: BTreeSet<IntentId>,
    is_over: bool,
}

impl Open {
    fn over() -> Self {
        Self {
            is_over: true,
            ..Self::default()
        }
    }

    fn wants(&self, job: IntentId) -> Wanted {
        match (self.is_over, self.jobs.contains(&job)) {
            (true, _) => Wanted::ByTheNextOwner,
            (false, true) => Wanted::Yes,
            (false, false) => Wanted::No,
        }
    }
}

/// What a target answered about a job.
struct Asked {
    job: IntentId,
    act: Option<Act>,
    told: Result<Told, SendError>,
}

async fn ask(app: Arc<App>, link: AreaLink, job: IntentId, act: Option<Act>) -> Asked {
    let at = app.clock.now();
    let counts = |report| Told::Counts(Box::new(report));
    let form = |standing| Told::Form(job, standing);
    let told = match (&link, act) {
        (AreaLink::Carrier(of), None) => of.target.report(job, at).await.map(counts),
        (AreaLink::Carrier(of), Some(act)) => of.target.act(job, act, at).await.map(counts),
        (AreaLink::Platform(of), None) => of.platform.standing(job, at).await.map(form),
        (AreaLink::Platform(of), Some(Act::Kill)) => of.platform.withdraw(job, at).await.map(form),
        (AreaLink::Platform(_), Some(act @ (Act::Pause | Act::Resume))) => {
            let why = format!(
                "a release form is taken back or left, {} is not known",
                act.name()
            );
            Err(SendError::Permanent(why))
        }
    };
    Asked { job, act, told }
}

impl Courier {
    /// Jobs that were released, each to be asked after at once: those that are over too, where
    /// their last counts are not at hand any more.
    fn released(&self) -> BTreeMap<IntentId, Time> {
        let ledger = self.outbox.ledger();
        let at = self.app.clock.now();
        let taken = |intent: &&Intent| match ledger.state(intent.id, RecipientNo(0)) {
            State::Accepted => true,
            State::Delivered => !self.jobs.items.contains_key(&intent.id),
            State::Unsent
            | State::Claimed
            | State::Unknown
            | State::Acknowledged
            | State::Failed
            | State::Expired
            | State::Withdrawn
            | State::Duplicate
            | State::Complete
            | State::Handed => false,
        };
        let released = self.outbox.intents().filter(taken);
        released.map(|intent| (intent.id, at)).collect()
    }

    /// What people did that is to be asked of the far side now: until it answers, or the job is not
    /// asked after any more.
    fn acts_due(&mut self, now: Time) -> Vec<(IntentId, Act)> {
        let mut doing = std::mem::take(&mut self.jobs.doing);
        doing.retain(|job, _| self.is_asked_after(*job));
        let mut due = Vec::new();
        for (job, (act, next)) in &mut doing {
            if now >= *next {
                *next = now + ASKED_EVERY;
                due.push((*job, *act));
            }
        }
        self.jobs.doing = doing;
        due
    }

    fn is_asked_after(&self, job: IntentId) -> bool {
        let now = self.app.clock.now();
        let intent = self.intents.get(&job);
        intent.is_some_and(|intent| now < intent.not_after + ASKED_AFTER)
    }

    fn job_of(&self, answer: Answer) -> Option<IntentId> {
        let mut intents = self.outbox.intents();
        let is_it =
            |intent: &&Intent| self.outbox.token(intent.id, RecipientNo(0)) == Some(answer.token);
        intents.find(is_it).map(|intent| intent.id)
    }

    /// Counts the jobs that wait for somebody.
    fn count_waiting(&self, open: &watch::Sender<Open>) {
        let open = open.borrow();
        let items = self.jobs.items.iter();
        let waits = items.filter(|(job, _)| open.jobs.contains(job) || self.is_newest(**job));
        let states: Vec<&str> = waits.map(|(_, item)| item.state.as_str()).collect();
        for why in WAITING {
            let waiting = states.iter().filter(|state| **state == why).count();
            let gauge = &self.app.metrics.area_jobs;
            let gauge = gauge.with_label_values(&[self.outbox.link(), why]);
            gauge.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
    }

    /// True while a job is in time and nothing newer is said of its warning: a refusal still counts.
    fn is_newest(&self, job: IntentId) -> bool {
        let Some(intent) = self.intents.get(&job) else {
            return false;
        };
        let newer =
            |other: &&Intent| other.warning == intent.warning && other.revision > intent.revision;
        self.app.clock.now() < intent.not_after && !self.outbox.intents().any(|other| newer(&other))
    }

    /// Says to the flights which of them may go on.
    fn opened(&self, open: &watch::Sender<Open>) {
        let now = Open {
            jobs: self.outbox.open().map(|intent| intent.id).collect(),
            let_go: self.jobs.let_go.clone(),
            is_over: false,
        };
        open.send_if_modified(|known| {
            let is_new = *known != now;
            *known = now;
            is_new
        });
    }

    /// Takes in what a flight says of its job.
    fn heard(&mut self, heard: Heard) -> Result<(), JournalError> {
        self.touched.insert(heard.job);
        let item = self.jobs.items.entry(heard.job).or_default();
        heard.item.clone_into(item);
        self.stepped(heard.job)
    }

    /// Writes down how a job stands, where that is news: by it the course of a warning is told later.
    fn stepped(&mut self, job: IntentId) -> Result<(), JournalError> {
        let Some(item) = self.jobs.items.get(&job) else {
            return Ok(());
        };
        let known = self.jobs.stepped.get(&job);
        let times = known.map_or(0, |(_, times)| *times);
        if times >= STEPS_MAX || known.is_some_and(|(before, _)| !item.moved_from(before)) {
            return Ok(());
        }
        let item = item.clone();
        let step = JobStep {
            job,
            item: item.clone(),
        };
        let json = serde_json::to_vec(&step).unwrap_or_default();
        self.jobs.stepped.insert(job, (item, times + 1));
        self.note_job(STEP, &json)
    }

    /// Takes in what a target says of a job; true where nothing more is to be asked.
    fn asked(&mut self, asked: Asked) -> Result<bool, JournalError> {
        let is_answer = matches!(asked.told, Ok(_) | Err(SendError::Permanent(_)));
        // Another act may have come meanwhile.
        let doing = self.jobs.doing.get(&asked.job).map(|(act, _)| *act);
        if is_answer && asked.act.is_some() && doing == asked.act {
            self.jobs.doing.remove(&asked.job);
        }
        let told = match asked.told {
            Ok(told) => told,
            Err(error) => {
                tracing::warn!(link = self.outbox.link(), job = %asked.job, %error, "not told");
                if let Some(act) = asked.act {
                    let item = self.jobs.items.entry(asked.job).or_default();
                    item.objections = vec![format!("{}: {error}", act.name())];
                    self.touched.insert(asked.job);
                }
                return Ok(false);
            }
        };
        if let Told::Counts(report) = &told {
            for discord in report.discords() {
                tracing::warn!(link = self.outbox.link(), job = %asked.job, %discord, "counts");
            }
        }
        self.touched.insert(asked.job);
        let item = self.jobs.items.entry(asked.job).or_default();
        let was = item.clone();
        item.told(&told);
        let is_new = *item != was;
        self.stepped(asked.job)?;
        if let Some(outcome) = told.outcome() {
            // Receipts may still come: the newest counts stand.
            if is_new {
                self.store_told(&told)?;
            }
            if let Some(token) = self.outbox.token(asked.job, RecipientNo(0)) {
                self.step(Event::Answers(&[Answer { token, outcome }]));
            }
        }
        Ok(told.is_settled())
    }

    /// The last counts of a job: by them an auditor compares both sides.
    fn store_told(&self, told: &Told) -> Result<(), JournalError> {
        self.note_job(JOB, &serde_json::to_vec(told).unwrap_or_default())
    }

    /// Writes a record of a job beside the link's progress. Nobody waits for it.
    fn note_job(&self, kind: u8, json: &[u8]) -> Result<(), JournalError> {
        let now = self.app.clock.now();
        let receipts = Topic::new(Kind::Receipts, self.app.mode);
        let owner = Topic::new(Kind::Deliveries, self.app.mode);
        let batch = Batch::new(now.millis(), Priority::Vital);
        let mut batch = batch.owned_by(owner, self.partition);
        batch.append(receipts, self.partition, kind, &[], json);
        self.app.journal.submit_waiting(batch).map(drop)
    }
}
