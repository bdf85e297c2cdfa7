//! Area jobs at the centre: each is put, its reading is checked, released where it is as meant and
//! held for a person where it is not, and followed until the last count.

mod flight;
mod item;
mod readings;

pub(super) use flight::sender;
pub(crate) use item::{AreaAct, Did, JobItem};

use super::single::open;
use super::{Courier, JOB};
use crate::app::App;
use crate::term::Term;
use dispatch::gateway::area::{Act, AreaTarget, Band, Report};
use dispatch::intent::{Intent, IntentId, RecipientNo};
use dispatch::ledger::State;
use dispatch::outbox::{Answer, Event, Outcome};
use flight::{Flight, Heard};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use journal::{Batch, JournalError, Kind, Priority, Topic};
use model::{SendError, Span, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Between two questions how far a running job is.
const ASKED_EVERY: Span = Span::from_seconds(5);
/// A job whose time is over is asked after for so long: receipts come late.
const ASKED_AFTER: Span = Span::from_minutes(90);
/// What flights have said and the link has not taken in.
const HEARD_MAX: usize = 256;

/// A target and what its readings must be like.
pub(crate) struct AreaLink {
    /// The far side.
    pub(crate) target: AreaTarget,
    /// Within which the heads must lie.
    pub(crate) band: Band,
}

/// What the link knows of its jobs.
#[derive(Default)]
pub(super) struct Jobs {
    /// For the screens.
    pub(super) items: BTreeMap<IntentId, JobItem>,
    /// What people did, in the order in which it was stored.
    pub(super) acts: VecDeque<AreaAct>,
    /// Held jobs that a person let go all the same.
    pub(super) let_go: BTreeSet<IntentId>,
}

impl Jobs {
    /// What a person did, read again at a start: of each job the last act stands.
    pub(super) fn act_again(&mut self, act: AreaAct) {
        let is_release = act.act.of_target().is_none();
        self.acts
            .retain(|known| known.job != act.job || known.act.of_target().is_none() != is_release);
        self.acts.push_back(act);
    }

    /// The last counts of a job that is over.
    pub(super) fn over(&mut self, payload: &[u8]) {
        match serde_json::from_slice::<Report>(payload) {
            Ok(report) => self.items.entry(report.job).or_default().reported(&report),
            Err(error) => tracing::error!(%error, "last counts of an area job passed over"),
        }
    }

    /// Lets go of what the outbox has forgotten.
    pub(super) fn retain(&mut self, is_known: impl Fn(IntentId) -> bool) {
        self.items.retain(|job, _| is_known(*job));
        self.let_go.retain(|job| is_known(*job));
    }
}

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(
    app: Arc<App>,
    number: usize,
    link: Arc<AreaLink>,
    term: Term,
) -> Result<(), JournalError> {
    let mut courier = open(&app, number)?;
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
                link: Arc::clone(&link),
                intent,
                token,
                open: open.subscribe(),
                said: said.clone(),
            };
            flying.push(Box::pin(flight.go()));
        }
        let now = app.clock.now();
        for (job, next) in &mut followed {
            if now >= *next {
                *next = now + ASKED_EVERY;
                asking.push(Box::pin(ask(
                    Arc::clone(&app),
                    Arc::clone(&link),
                    *job,
                    None,
                )));
            }
        }
        for act in std::mem::take(&mut courier.jobs.acts) {
            match act.act.of_target() {
                None => drop(courier.jobs.let_go.insert(act.job)),
                of_target => asking.push(Box::pin(ask(
                    Arc::clone(&app),
                    Arc::clone(&link),
                    act.job,
                    of_target,
                ))),
            }
        }
        courier.opened(&open);
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
            Some(heard) = heard.recv() => courier.heard(heard),
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
}

/// What a target answered about a job.
struct Asked {
    job: IntentId,
    report: Result<Report, SendError>,
}

async fn ask(app: Arc<App>, link: Arc<AreaLink>, job: IntentId, act: Option<Act>) -> Asked {
    let at = app.clock.now();
    let report = match act {
        None => link.target.report(job, at).await,
        Some(act) => link.target.act(job, act, at).await,
    };
    Asked { job, report }
}

impl Courier {
    /// Jobs that were released and are not over, each to be asked after at once.
    fn released(&self) -> BTreeMap<IntentId, Time> {
        let ledger = self.outbox.ledger();
        let at = self.app.clock.now();
        let taken = |intent: &&Intent| {
            ledger.state(intent.id, RecipientNo(0)) == State::Accepted
                && self.is_asked_after(intent.id)
        };
        let released = self.outbox.intents().filter(taken);
        released.map(|intent| (intent.id, at)).collect()
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
    fn heard(&mut self, heard: Heard) {
        self.touched.insert(heard.job);
        let item = self.jobs.items.entry(heard.job).or_default();
        heard.item.clone_into(item);
    }

    /// Takes in what a target says of a job; true where nothing more is to be asked.
    fn asked(&mut self, asked: Asked) -> Result<bool, JournalError> {
        let report = match asked.report {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(link = self.outbox.link(), job = %asked.job, %error, "not told");
                return Ok(false);
            }
        };
        for discord in report.discords() {
            tracing::warn!(link = self.outbox.link(), job = %asked.job, %discord, "counts");
        }
        let is_settled = report.is_settled();
        self.touched.insert(asked.job);
        let item = self.jobs.items.entry(asked.job).or_default();
        item.reported(&report);
        if is_settled {
            self.store_report(&report)?;
            if let Some(token) = self.outbox.token(asked.job, RecipientNo(0)) {
                let outcome = Outcome::Delivered;
                self.step(Event::Answers(&[Answer { token, outcome }]));
            }
        }
        Ok(is_settled)
    }

    /// The last counts of a job: by them an auditor compares both sides.
    fn store_report(&self, report: &Report) -> Result<(), JournalError> {
        let now = self.app.clock.now();
        let receipts = Topic::new(Kind::Receipts, self.app.mode);
        let owner = Topic::new(Kind::Deliveries, self.app.mode);
        let batch = Batch::new(now.millis(), Priority::Vital);
        let mut batch = batch.owned_by(owner, self.partition);
        let json = serde_json::to_vec(report).unwrap_or_default();
        batch.append(receipts, self.partition, JOB, &[], &json);
        self.app.journal.submit_waiting(batch).map(drop)
    }
}
