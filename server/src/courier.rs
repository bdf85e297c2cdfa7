//! Loop 3, one a link: intents in, messages out, answers into the journal (steps 9 and 10).
//!
//! The outbox decides what leaves next; this loop carries it to the gateway and brings back what
//! became of it. Progress is durable before it counts, so a crash repeats at most what was in
//! flight or answered and not yet on disk.

mod absent;
mod agreed;
mod area;
mod arrives;
mod aside;
mod audience;
mod cell;
mod device_link;
mod emergency;
mod inbox;
mod ledger;
mod loud;
mod marks;
mod phone;
mod publish;
mod rate;
mod relayed;
mod reply;
mod route;
mod single;
mod sms;
mod stand_in;
mod stored;
mod voice;

pub(crate) use absent::run as run_absent;
pub(crate) use area::{
    AreaAct, AreaLink, Carrier, Did, JobItem, JobStep, ReleasePlatform, run as run_area,
};
pub(crate) use device_link::DeviceLink;
pub(crate) use publish::{publish, queue, show, show_call, show_change, show_warning};
pub(crate) use route::REQUEST;
pub(crate) use single::{Single, run as run_single};
pub(crate) use sms::run as run_sms;
pub(crate) use voice::{VoiceLink, run as run_voice};
#[cfg(test)]
pub(crate) use {
    absent::open as open_absent,
    single::open as open_single,
    sms::{Sms, Wire},
};

use crate::app::{App, DISPATCH, put_order};
use crate::term::Term;
use crate::view::DeliveryItem;
use area::Jobs;
use arrives::Arrivals;
use dispatch::directory::Directory;
use dispatch::gateway::sms::Sorter;
use dispatch::gateway::sms::share::Share;
use dispatch::intent::{Intent, IntentId, RecipientNo, StandIns};
use dispatch::ledger::{Progress, State};
use dispatch::outbox::{Answer, Effects, Event, Limits, Outbox, Row};
use dispatch::wording::Message;
use journal::{Batch, JournalError, Kind, Offset, Partition, Priority, Record, Ticket, Topic};
use ledger::Ledger;
use model::{Mode, Order, Time, Zone};
use rate::Rates;
use relayed::Relayed;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use stored::Stored;

/// Longest wait of a link of which something is to leave or to be answered.
const BUSY: Duration = Duration::from_millis(100);
/// Shortest wait of such a link: what gathers meanwhile leaves together.
const SOON: Duration = Duration::from_millis(10);
/// Longest wait of any other: for its snapshot's time, and to forget what is over.
const IDLE: Duration = Duration::from_secs(2);
/// Bytes of intents or progress taken at once.
const READ_BYTES: usize = 1 << 20;
/// Pages of an audience resolved before the link is driven again.
const PAGES_MAX: usize = 64;
/// The same where something is to leave.
const PAGES_AHEAD: usize = 2;
/// Kinds of records on links.
pub(crate) const INTENT: u8 = 1;
pub(crate) const PROGRESS: u8 = 2;
/// What a person did with an area job, in the link's queue.
pub(crate) const ACT: u8 = 3;
/// The last counts of an area job, beside its progress.
pub(crate) const JOB: u8 = 4;
/// How an area job stood when that changed: read back, held, let go, under way. Nothing is decided by it.
pub(crate) const STEP: u8 = 5;

/// What is common to every link.
pub(crate) struct Courier {
    app: Arc<App>,
    partition: Partition,
    outbox: Outbox,
    effects: Effects,
    next: Offset,
    stored: Stored,
    saving: VecDeque<(u64, Ticket)>,
    /// Commits asked for so far.
    written: u64,
    intents: FxHashMap<IntentId, Arc<Intent>>,
    touched: BTreeSet<IntentId>,
    rates: Rates,
    /// The directory as it stood at the last turn.
    people: Arc<Directory>,
    /// People meant by each intent: the directory is counted once, not at each look of a screen.
    heads: FxHashMap<IntentId, u64>,
    /// The newest time that its topics knew when it was opened.
    newest: Time,
    /// Devices that did not confirm in their time, and may yet.
    doubted: BTreeSet<(IntentId, RecipientNo)>,
    /// Rows for the screens of other processes.
    ledger: Ledger,
    /// What people answered, for the next commit.
    answered: Vec<(Mode, Zone, Order)>,
    relayed: Relayed,
    arrivals: Arrivals,
    jobs: Jobs,
    rows: Vec<Row>,
    /// Retirements that the operators' list was told of.
    retired: Option<u64>,
    /// Which phones are this link's, where several accounts share them.
    share: Option<Share>,
    /// Which account tells each telephone, and to which no short message goes.
    sorter: Sorter,
    /// Which accounts tell whom others cannot.
    fail_over: StandIns,
}

impl Courier {
    /// The link numbered `number`, recovered from its topics.
    pub(crate) fn open(app: Arc<App>, number: usize, limits: Limits) -> Result<Self, JournalError> {
        let partition = Partition(u16::try_from(number).unwrap_or(u16::MAX));
        let name = app.links.get(number).cloned().unwrap_or_default();
        let (stored, at_rest) = Stored::open(&app, partition)?;
        let mut intents = at_rest.intents.clone();
        let deliveries = Topic::new(Kind::Deliveries, app.mode);
        let mut newest = Time::from_millis(0);
        let mut jobs = Jobs::default();
        let next = read_from(&app, deliveries, partition, stored.deliveries, |record| {
            newest = newest.max(Time::from_millis(record.time_ms));
            match Planned::read(record) {
                Ok(Planned::Intent(intent)) => intents.push(*intent),
                Ok(Planned::Act(act)) => jobs.act(&act),
                Err(error) => tracing::error!(link = name, %error, "intent passed over"),
            }
        })?;
        let mut progress = Vec::new();
        let receipts = Topic::new(Kind::Receipts, app.mode);
        read_from(&app, receipts, partition, stored.receipts, |record| {
            newest = newest.max(Time::from_millis(record.time_ms));
            match record.kind {
                JOB => return jobs.over(record.payload()),
                STEP => return,
                _ => {}
            }
            match Progress::decode(record.payload()) {
                Ok(record) => progress.push(record),
                Err(error) => tracing::error!(link = name, %error, "progress passed over"),
            }
        })?;
        newest = intents.iter().map(|i| i.created).fold(newest, Time::max);
        let mut effects = Effects::default();
        let at = app.clock.now();
        let fail_over = limits.fail_over.clone();
        let outbox = Outbox::recover(
            &name,
            limits,
            at_rest,
            intents.iter(),
            progress.iter(),
            at,
            &mut effects,
        );
        let relayed = if app.relay.is_some() {
            Relayed::of(intents.iter().map(|intent| intent.id))
        } else {
            Relayed::default()
        };
        let people = app.directory();
        let mut courier = Self {
            app,
            partition,
            outbox,
            effects,
            next,
            stored,
            saving: VecDeque::new(),
            written: 0,
            touched: intents.iter().map(|intent| intent.id).collect(),
            intents: intents.into_iter().map(|i| (i.id, Arc::new(i))).collect(),
            rates: Rates::default(),
            people,
            heads: FxHashMap::default(),
            newest,
            doubted: BTreeSet::new(),
            ledger: Ledger::default(),
            answered: Vec::new(),
            relayed,
            arrivals: Arrivals::default(),
            jobs,
            rows: Vec::new(),
            retired: None,
            share: None,
            sorter: Sorter::default(),
            fail_over,
        };
        courier.settle()?;
        Ok(courier)
    }

    /// What decides what leaves.
    #[cfg(test)]
    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes in what was planned since the last call; true where there was something.
    pub(crate) fn take(&mut self) -> Result<bool, JournalError> {
        self.pauses();
        self.arrivals();
        self.people = self.app.directory();
        let topic = Topic::new(Kind::Deliveries, self.app.mode);
        let records = self
            .app
            .journal
            .read(topic, self.partition, self.next, READ_BYTES)?;
        let found = !records.is_empty();
        for record in records {
            self.next = record.offset.plus(1);
            let at = self.app.clock.now().max(Time::from_millis(record.time_ms));
            match Planned::read(&record) {
                Ok(Planned::Act(act)) => self.jobs.act(&act),
                Ok(Planned::Intent(intent)) => {
                    self.outbox
                        .step(at, Event::Planned(&intent), &mut self.effects);
                    self.touched.insert(intent.id);
                    self.intents.insert(intent.id, Arc::from(intent));
                }
                Err(error) => {
                    tracing::error!(link = self.outbox.link(), %error, "intent passed over");
                }
            }
        }
        Ok(found)
    }

    /// Tells the outbox what happened.
    pub(crate) fn step(&mut self, event: Event<'_>) {
        if let Event::Answers(answers) = &event {
            self.count(answers);
        }
        self.outbox
            .step(self.app.clock.now(), event, &mut self.effects);
    }

    /// Stores progress and answers what the outbox asks of the directory, until only sends are left
    /// or it is time for the link: [`Courier::is_settled`].
    pub(crate) fn settle(&mut self) -> Result<(), JournalError> {
        let mut pages = 0;
        loop {
            self.store()?;
            // What may leave does not wait for the rows of what comes after it.
            let most = if self.effects.sends.is_empty() {
                PAGES_MAX
            } else {
                PAGES_AHEAD
            };
            if self.is_settled() || pages >= most {
                return Ok(());
            }
            for wanted in std::mem::take(&mut self.effects.resolve) {
                self.resolve(&wanted);
                pages += 1;
            }
        }
    }

    /// True where the outbox has the rows that it asked for.
    pub(crate) fn is_settled(&self) -> bool {
        self.effects.resolve.is_empty()
    }

    /// The intent of that id and one of its wordings.
    pub(crate) fn words(&self, id: IntentId, variant: u8) -> Option<(Arc<Intent>, Message)> {
        let intent = self.intents.get(&id)?;
        let message = intent.words_for(variant)?.clone();
        Some((Arc::clone(intent), message))
    }

    /// Waits until the oldest progress on its way is on disk, and says so to the outbox; or until
    /// a part of a snapshot is.
    pub(crate) async fn durable(&mut self) -> Result<(), JournalError> {
        tokio::select! {
            biased;
            saved = saved(&mut self.saving) => saved?,
            written = self.stored.written() => return written,
        }
        self.saved();
        Ok(())
    }

    /// The oldest progress on its way is on disk.
    fn saved(&mut self) {
        if let Some((seq, _)) = self.saving.pop_front() {
            self.step(Event::Durable(seq));
        }
    }

    /// Waits for the next look at the outbox: until then nothing happens by itself. The end of the
    /// term is no reason to wait.
    pub(crate) fn pause(&self, term: &Term) -> impl Future<Output = ()> + use<> {
        let term = self.outbox.is_idle().then(|| term.clone());
        // What the rate lets go in a moment is not kept for longer: it would be lost to the link.
        let clock = &self.app.clock;
        let due = self.outbox.due().filter(|at| *at > clock.now());
        let due = due.map_or(BUSY, |at| clock.wall_until(at));
        async move {
            match term {
                None => tokio::time::sleep(due.clamp(SOON, BUSY)).await,
                Some(term) => drop(tokio::time::timeout(IDLE, term.over()).await),
            }
        }
    }

    /// Commits asked for, and how many of them are on disk: they get there in order.
    pub(crate) fn written(&self) -> (u64, u64) {
        (self.written, self.written - self.saving.len() as u64)
    }

    /// Keeps the outbox at rest when the last time is long ago, so that a start reads what came
    /// after it and no more, a part in each turn; lets go of words that nothing waits for.
    pub(crate) fn keep(&mut self) -> Result<(), JournalError> {
        if self.stored.turn(&self.app, self.next, &self.outbox)? {
            let known: FxHashSet<IntentId> = self.outbox.intents().map(|i| i.id).collect();
            self.intents.retain(|id, _| known.contains(id));
            self.heads.retain(|id, _| known.contains(id));
            self.ledger.retain(|id| known.contains(&id));
            self.forget_jobs(&known);
            self.jobs.retain(|id| known.contains(&id));
        }
        Ok(())
    }

    /// Stores what the outbox still said and the snapshot underway, and waits for both.
    pub(crate) async fn finish(&mut self) -> Result<(), JournalError> {
        self.settle()?;
        while !self.saving.is_empty() {
            saved(&mut self.saving).await?;
            self.saved();
        }
        self.stored.finish(&self.app, &self.outbox).await
    }

    /// Shows progress of every intent that changed since the last call.
    pub(crate) fn show(&mut self) -> Result<(), JournalError> {
        let repeated = i64::try_from(self.outbox.stats().perhaps_repeated).unwrap_or(i64::MAX);
        let labels = [self.outbox.link()];
        self.app
            .metrics
            .repeated
            .with_label_values(&labels)
            .set(repeated);
        let retired = self.outbox.stats().retired;
        if self.retired != Some(retired) {
            self.retired = Some(retired);
            // A number that moved is no token: another account tells it.
            if self.share.is_none() {
                let list = self.outbox.ledger().retired().collect();
                self.app.retired.lock().insert(self.partition, list);
            }
        }
        let now = self.app.clock.now();
        self.touched.extend(self.rates.slowing(now));
        self.count_jobs(now)?;
        for id in std::mem::take(&mut self.touched) {
            if let Some(intent) = self.intents.get(&id).cloned() {
                let item = self.item(now, &intent);
                if self.app.kafka.is_some() {
                    self.ledger.note(id, &item);
                }
                self.app.view.delivery(item);
            }
        }
        self.ledger.write(&self.app, self.partition, now)
    }

    fn item(&mut self, now: Time, intent: &Intent) -> DeliveryItem {
        let counts = self.outbox.ledger().counts(intent.id);
        let closed = self.outbox.ledger().closed(intent.id);
        let of = |states: &[State]| states.iter().map(|state| counts.of(*state)).sum();
        let taken = [State::Accepted, State::Delivered, State::Acknowledged];
        let sent = of(&taken) + of(&[State::Unknown, State::Failed]);
        let handed = of(&[State::Handed]);
        let rate = self.rates.of(intent.id, now, sent, closed.is_some());
        let item = DeliveryItem {
            warning: intent.warning.to_string(),
            revision: intent.revision,
            intent: intent.id.to_string(),
            channel: intent.channel.name().to_owned(),
            link: self.outbox.link().to_owned(),
            instead_of: intent.instead_of.map(|id| id.to_string()),
            purpose: intent.purpose.name().to_owned(),
            tier: intent.tier,
            // Whom another account tells is counted there.
            planned: self
                .planned_heads(intent)
                .max(counts.total())
                .saturating_sub(handed),
            sent,
            accepted: of(&taken),
            delivered: of(&[State::Delivered, State::Acknowledged]),
            failed: of(&[State::Failed]),
            unknown: of(&[State::Unknown]),
            expired: of(&[State::Expired]),
            withdrawn: of(&[State::Withdrawn]),
            // Before its end only what is claimed first is known to be there.
            on_the_wire: closed.map_or(0, |_| of(&[State::Claimed])),
            handed,
            started: Some(self.app.view.text(intent.created)),
            finished: rate.finished.map(|at| self.app.view.text(at)),
            rate_per_s: rate.per_s,
            job: None,
        };
        match self.jobs.items.get(&intent.id) {
            None => item,
            Some(job) => job.on(item, &self.app.view),
        }
    }

    /// Notes what people answered: stored with whatever else the next commit holds.
    pub(crate) fn answered(&mut self, mode: Mode, orders: Vec<(Zone, Order)>) {
        let orders = orders.into_iter();
        self.answered
            .extend(orders.map(|(zone, order)| (mode, zone, order)));
    }

    fn store(&mut self) -> Result<(), JournalError> {
        let notes = std::mem::take(&mut self.effects.notes);
        if self.effects.progress.is_empty() && notes.is_empty() && self.answered.is_empty() {
            return Ok(());
        }
        let topic = Topic::new(Kind::Receipts, self.app.mode);
        let deliveries = Topic::new(Kind::Deliveries, self.app.mode);
        let mut batch = Batch::new(self.app.clock.now().millis(), Priority::Vital);
        // What stands in for this link is durable together with the fact that it was needed.
        self.stand_in(notes, &mut batch);
        self.confirmed_late(&mut batch);
        for (mode, zone, order) in std::mem::take(&mut self.answered) {
            put_order(mode, zone, order, &mut batch);
        }
        let mut last = None;
        self.relayed();
        for progress in self.effects.progress.drain(..) {
            batch.append(topic, self.partition, PROGRESS, &[], &progress.encode());
            last = Some(progress.seq);
            self.touched
                .extend(progress.entries.iter().map(|entry| entry.intent()));
        }
        batch.consumed(DISPATCH, deliveries, self.partition, self.next);
        let ticket = self.app.journal.submit_waiting(batch)?;
        // Without progress there is nothing of which the outbox waits to hear.
        self.saving.push_back((last.unwrap_or(0), ticket));
        self.written += 1;
        Ok(())
    }

    fn count(&self, answers: &[Answer]) {
        use dispatch::outbox::Outcome;
        let link = self.outbox.link();
        let channel = link.split('/').next().unwrap_or(link);
        // A metric is looked up by its labels: once a batch, not once a message.
        let mut counts = [("", 0_u64); 10];
        for answer in answers {
            let (place, state) = match answer.outcome {
                Outcome::Accepted { .. } => (0, "accepted"),
                Outcome::Delivered => (1, "delivered"),
                Outcome::Acknowledged => (2, "acknowledged"),
                Outcome::Throttled => (3, "throttled"),
                Outcome::Transient => (4, "transient"),
                Outcome::Permanent => (5, "failed"),
                Outcome::Retired => (6, "retired"),
                Outcome::Uncertain => (7, "unknown"),
                Outcome::Elsewhere => (8, "handed"),
                Outcome::GaveWay => (9, "gave_way"),
            };
            if let Some(count) = counts.get_mut(place) {
                *count = (state, count.1 + 1);
            }
        }
        for (state, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let labels = [channel, link, state];
            let metric = self.app.metrics.deliveries.with_label_values(&labels);
            metric.inc_by(count);
        }
    }

    /// The telephone of a recipient, digits as a number.
    fn phone(&self, recipient: RecipientNo) -> Option<u64> {
        self.people.recipient(recipient)?.phone()
    }
}

/// A record of a link's queue.
enum Planned {
    Intent(Box<Intent>),
    Act(AreaAct),
}

impl Planned {
    fn read(record: &Record) -> Result<Self, serde_json::Error> {
        match record.kind {
            ACT => serde_json::from_slice(record.payload()).map(Self::Act),
            _ => serde_json::from_slice(record.payload())
                .map(|intent| Self::Intent(Box::new(intent))),
        }
    }
}

/// Waits until the oldest commit on its way is on disk; for ever where there is none.
async fn saved(saving: &mut VecDeque<(u64, Ticket)>) -> Result<(), JournalError> {
    let Some((_, ticket)) = saving.front_mut() else {
        return std::future::pending().await;
    };
    std::pin::Pin::new(ticket).await.map(drop)
}

/// Waits until the partition holds something at `next`.
async fn planned(planned: &mut tokio::sync::watch::Receiver<Offset>, next: Offset) {
    while *planned.borrow_and_update() <= next {
        if planned.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Reads a partition from `next` to its end; gives the offset there.
fn read_from(
    app: &App,
    topic: Topic,
    partition: Partition,
    mut next: Offset,
    mut take: impl FnMut(&Record),
) -> Result<Offset, JournalError> {
    loop {
        let records = app.journal.read(topic, partition, next, READ_BYTES)?;
        if records.is_empty() {
            return Ok(next);
        }
        for record in records {
            next = record.offset.plus(1);
            take(&record);
        }
    }
}
