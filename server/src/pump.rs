//! Loop 2, one thread a zone: read the input, step the machine, commit, act.
//!
//! Replay and live are the same loop: what was stepped and committed before the last stop is
//! stepped again with its outputs dropped, then the loop goes on where it left off.

mod costs;
mod keep;

use crate::app::{App, RULES};
use crate::clock::{self, monotonic_micros};
use crate::courier::{publish, show};
use crate::intake::LETTER;
use crate::latency::observe;
use crate::metrics::stage;
use crate::outcome::{OfOrder, Outcome};
use crate::owners::{Ended, Served};
use crate::questions::{Asked, Question};
use crate::registry::RegistryError;
use crate::term::Term;
use crate::zone::{Machine, Outputs};
use crate::zones::Standing;
use costs::Costs;
use ingest::dead_letter::DeadLetter;
use journal::{Batch, JournalError, Kind, Offset, Partition, Priority, Record, Ticket, Topic};
use keep::Keeper;
use model::{Input, InputError, Time, Zone};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of input taken in one turn: bounds how long the first warning waits for the last row.
const TURN_BYTES: usize = 256 << 10;
/// Commits on their way to the disk before the loop waits for the oldest.
const COMMITS_MAX: usize = 64;
/// Longest wait of outputs that tell nobody anything, for company in one commit (semantics §29).
const HELD_MAX_US: u64 = 1_000_000;
/// Longest wait for input, so that a stop and the minute are noticed.
const IDLE: Duration = Duration::from_millis(100);

/// Kind of the records in `series` beside sealed rows: [`Input::Forecasts`] as the zone heard them, in
/// their stored form under LZ4. Input is deleted within minutes; a dry run goes back days.
pub(crate) const FORECASTS: u8 = 2;

/// Kinds of records in the topic `warnings`.
pub(crate) mod kind {
    /// JSON of [`model::Warning`].
    pub(crate) const WARNING: u8 = 1;
    /// JSON of a change of tier at a subject.
    pub(crate) const CHANGE: u8 = 2;
    /// JSON of a row of the call board.
    pub(crate) const CALL: u8 = 3;
    /// JSON of a row that left the board.
    pub(crate) const CALL_OVER: u8 = 4;
    /// JSON of an official signal of others, as each zone it touches steps it.
    pub(crate) const SIGNAL: u8 = 5;
    /// JSON of [`model::Pending`].
    pub(crate) const PENDING: u8 = 6;
    /// JSON of [`crate::outcome::OfOrder`].
    pub(crate) const OUTCOME: u8 = 7;
    /// JSON of [`model::response::Entry`], in the city's zone.
    pub(crate) const ENTRY: u8 = 8;
    /// JSON of [`model::Silence`].
    pub(crate) const SILENCE: u8 = 20;
    /// JSON of [`model::Muted`].
    pub(crate) const MUTED: u8 = 30;
    /// JSON of [`model::TakenOver`].
    pub(crate) const TAKEN_OVER: u8 = 41;
    /// JSON of [`dispatch::exercise::Withheld`].
    pub(crate) const WITHHELD: u8 = 40;
}

/// One zone's loop, a round at a time.
pub(crate) struct Pump {
    app: Arc<App>,
    zone: Zone,
    machine: Machine,
    next: Offset,
    committed: Offset,
    /// First input that came after the start: what is before it was counted by an earlier process.
    began: Offset,
    last_time: Time,
    commits: VecDeque<Ticket>,
    /// Outputs that wait for more, up to `next`.
    held: Option<Batch>,
    /// Since when the oldest of them waits, µs of the monotonic clock.
    held_since: Option<u64>,
    /// Somebody waits for what is held.
    is_urgent: bool,
    outputs: Outputs,
    told: Vec<Told>,
    keeper: Keeper,
    /// The minute of record time at which its windows were last measured.
    measured: i64,
    costs: Costs,
}

/// What a record came to, shown once its commit is on its way.
struct Told {
    at: Time,
    outputs: Outputs,
    /// The order it was and why it was refused, for whoever waits.
    order: Option<(Offset, Outcome)>,
}

/// Why a zone can go no further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PumpError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What the input names is not there.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A later version wrote to the zone's input.
    #[error("input {0}: {1}; the zone is given back: serve it with that version")]
    Later(u64, InputError),
    /// No snapshot serves, and what they made needless is deleted.
    #[error(
        "no snapshot can be used and the input before {0} is deleted: serve with the version that wrote them, or put a copy of the journal in place"
    )]
    NoState(u64),
}

/// Steps `zone` for its term; a zone that a later version wrote to is left as it is.
pub(crate) fn run(app: &Arc<App>, zone: Zone, term: &Term) -> Served {
    let done = served(app, zone, term);
    if let Err(error @ PumpError::Later(..)) = &done {
        app.stuck(zone, &error.to_string());
        while !term.is_over() {
            clock::rest(IDLE);
        }
    }
    // What others write from here on is shown after all that this process wrote.
    let known = app.screens.catch_up(app, zone);
    app.zones.leave(zone);
    costs::leave(app, zone);
    match done {
        Ok(()) => known.map_err(|error| Ended::by(&error)),
        Err(PumpError::Later(..)) => Ok(()),
        Err(PumpError::Journal(error)) => Err(Ended::by(&error)),
        Err(error) => Err(Ended::Failed(error.to_string())),
    }
}

fn served(app: &Arc<App>, zone: Zone, term: &Term) -> Result<(), PumpError> {
    let place = (Topic::new(Kind::Input, app.mode), Partition(zone.0));
    // What the owner before said is on the screens before anything new.
    app.screens.catch_up(app, zone)?;
    app.zones.stand(zone, Standing::Recovering);
    app.zones.join(false);
    let questions = app.zones.open_desk(zone);
    let mut pump = Pump::open(Arc::clone(app), zone)?;
    pump.recover()?;
    app.zones.stand(zone, Standing::Here);
    app.announce(place)?;
    while !term.is_over() {
        if pump.round(&questions)? {
            pump.rest();
        }
    }
    pump.finish()
}

impl Pump {
    /// The zone's machine as its newest snapshot has it.
    pub(crate) fn open(app: Arc<App>, zone: Zone) -> Result<Self, PumpError> {
        let input = Topic::new(Kind::Input, app.mode);
        let partition = Partition(zone.0);
        let mut keeper = Keeper::new(&app, zone);
        let (machine, next) = match keeper.restored(&app)? {
            Some(found) => found,
            None => {
                let first = app.journal.first(input, partition)?;
                // A machine that begins in the middle would forget warnings that stand.
                if first > Offset(0) {
                    return Err(PumpError::NoState(first.0));
                }
                let edition = app.registry.at(zone, first)?;
                let edition = edition.unwrap_or_else(|| app.installation.edition.clone());
                let installation = app.registry.installation(&edition)?;
                let machine = Machine::new(&installation, zone, app.mode, app.policy);
                (machine, first)
            }
        };
        let committed = app.journal.resume(RULES, input, partition)?;
        let began = app.journal.end(input, partition)?;
        Ok(Self {
            app,
            zone,
            machine,
            next,
            committed,
            began,
            last_time: Time::default(),
            commits: VecDeque::new(),
            held: None,
            held_since: None,
            is_urgent: false,
            outputs: Outputs::default(),
            told: Vec::new(),
            keeper,
            measured: i64::MIN,
            costs: Costs::default(),
        })
    }

    fn input(&self) -> Topic {
        Topic::new(Kind::Input, self.app.mode)
    }

    /// Steps everything that was there at the start.
    pub(crate) fn recover(&mut self) -> Result<(), PumpError> {
        let end = self.app.journal.end(self.input(), Partition(self.zone.0))?;
        while self.next < end && self.turn()? {}
        Ok(())
    }

    /// What is asked and what came, each a turn's worth, and what the minute brings; true where
    /// nothing is left to do now.
    pub(crate) fn round(&mut self, questions: &Asked) -> Result<bool, PumpError> {
        let asked = questions.answer(|question| self.answer(question));
        let found = self.turn()?;
        if !self.may_wait() {
            self.submit()?;
        }
        self.keep()?;
        // A storm leaves no idle turn, and alarms are for storms.
        self.measure();
        if found {
            return Ok(false);
        }
        // However much is asked, a minute passes.
        self.tick()?;
        Ok(!asked)
    }

    /// Waits for input, for the next minute at most.
    fn rest(&self) {
        let wait = self.app.clock.wall_until(self.next_minute()).min(IDLE);
        let wait = wait.max(Duration::from_millis(1));
        let partition = Partition(self.zone.0);
        self.app
            .journal
            .wait(self.input(), partition, self.next, wait);
    }

    /// Steps what is there, up to a turn's worth; false where there was nothing.
    fn turn(&mut self) -> Result<bool, PumpError> {
        let partition = Partition(self.zone.0);
        let records = self
            .app
            .journal
            .read(self.input(), partition, self.next, TURN_BYTES)?;
        if records.is_empty() {
            return Ok(false);
        }
        let mut batch = self.held.take();
        for record in records {
            let stepped = self.step(&record, &mut batch);
            if stepped.is_err() {
                // What came before it was decided, and is said though the zone goes no further.
                self.held = batch;
                self.submit()?;
                self.tell();
                return stepped.map(|()| true);
            }
            self.next = record.offset.plus(1);
        }
        self.held = batch;
        if self.is_urgent || !self.may_wait() {
            self.submit()?;
        }
        self.tell();
        self.settle(COMMITS_MAX)?;
        self.app.zones.step_to(self.zone, self.next);
        Ok(true)
    }

    /// Whether what is held may wait for more: nobody is told by it, and it is not old.
    fn may_wait(&mut self) -> bool {
        // On one machine a commit costs a share of a sync; over Kafka it is some calls to brokers.
        if self.held.is_none() || self.app.kafka.is_none() {
            return false;
        }
        let now = monotonic_micros();
        let since = *self.held_since.get_or_insert(now);
        now.saturating_sub(since) < HELD_MAX_US
    }

    /// Commits what is held.
    fn submit(&mut self) -> Result<(), JournalError> {
        (self.is_urgent, self.held_since) = (false, None);
        if let Some(mut batch) = self.held.take() {
            let partition = Partition(self.zone.0);
            batch.consumed(RULES, self.input(), partition, self.next);
            let ticket = self.app.journal.submit_waiting(batch)?;
            self.commits.push_back(ticket);
        }
        Ok(())
    }

    fn step(&mut self, record: &Record, batch: &mut Option<Batch>) -> Result<(), PumpError> {
        let at = self.machine.reach_time(Time::from_millis(record.time_ms));
        self.last_time = at;
        let input = match Input::decode(record.kind, record.payload()) {
            Ok(input) => input,
            // To guess at what a later version decided would be to decide otherwise.
            Err(error @ (InputError::Newer { kind: 1.., .. } | InputError::Kind(1..))) => {
                return Err(PumpError::Later(record.offset.0, error));
            }
            Err(error) => {
                self.pass_over(record, &error, batch);
                return Ok(());
            }
        };
        self.keeper.inputs += 1;
        if let Input::Edition(edition) = &input {
            let installation = self.app.registry.installation(edition)?;
            if record.offset >= self.began {
                self.app.reload.adopt(&installation.rulebook);
            }
            self.machine.adopt(at, &installation, &mut self.outputs);
        } else {
            self.machine.step(at, &input, &mut self.outputs);
        }
        if let Input::Observations(rows) = &input {
            self.keeper.inputs += rows.len() as u64;
            self.hear(record.offset >= self.began);
        }
        self.app.view.time(at);
        if record.offset < self.committed {
            self.outputs.clear();
        } else {
            self.act(record.offset, at, &input, batch);
        }
        Ok(())
    }

    /// One poisonous record stops nothing: it is counted, said, kept and passed over.
    fn pass_over(&self, record: &Record, error: &InputError, batch: &mut Option<Batch>) {
        let zone = self.app.zone_code(self.zone).to_string();
        let poisoned = &self.app.metrics.poisoned;
        poisoned.with_label_values(&[zone.as_str()]).inc();
        tracing::error!(zone, offset = record.offset.0, %error, "input passed over");
        if record.offset < self.committed {
            return;
        }
        let letters = Topic::new(Kind::DeadLetters, self.app.mode);
        let letter = DeadLetter::unreadable(record.offset.0, &error.to_string(), record.payload());
        let batch =
            batch.get_or_insert_with(|| Batch::new(self.last_time.millis(), Priority::Vital));
        batch.append(letters, Partition(0), LETTER, &[], &letter.to_json());
    }

    /// Shows what the screen made of the observations of a record; counts them where they are news.
    fn hear(&self, is_news: bool) {
        let heard = self.machine.heard();
        self.app.view.observed(heard.rows());
        self.app.view.found(heard.findings());
        if !is_news {
            return;
        }
        let arrivals = heard.arrivals();
        for (arrival, count) in [
            ("late", arrivals.late),
            ("duplicate", arrivals.duplicate),
            ("correction", arrivals.correction),
        ] {
            if count > 0 {
                let counter = &self.app.metrics.arrivals;
                counter.with_label_values(&[arrival]).inc_by(count);
            }
        }
        for finding in heard.findings() {
            let counter = &self.app.metrics.findings;
            counter.with_label_values(&[finding.cause.name()]).inc();
        }
    }

    /// Adds the outputs of one record to the commit.
    fn act(&mut self, offset: Offset, at: Time, input: &Input, batch: &mut Option<Batch>) {
        let order = if let Input::Order(_) = input {
            let refused = self.outputs.refused.take().map_or(Ok(()), Err);
            Some((offset, refused))
        } else {
            None
        };
        let is_quiet = self.outputs.is_empty();
        self.is_urgent |= order.is_some() || self.outputs.is_urgent();
        if is_quiet && order.is_none() {
            self.outputs.clear();
            return;
        }
        let outputs = std::mem::take(&mut self.outputs);
        if let Some((offset, refused)) = &order
            && self.app.kafka.is_some()
        {
            // Whoever waits for it may wait in another process.
            let batch = batch.get_or_insert_with(|| Batch::new(at.millis(), Priority::Vital));
            let outcome = OfOrder::new(*offset, refused);
            let warnings = Topic::new(Kind::Warnings, self.app.mode);
            let json = serde_json::to_vec(&outcome).unwrap_or_default();
            batch.append(warnings, Partition(self.zone.0), kind::OUTCOME, &[], &json);
        }
        if !is_quiet {
            let batch = batch.get_or_insert_with(|| Batch::new(at.millis(), Priority::Vital));
            let accepted = self.app.latency.of_input(self.zone, offset.0);
            publish(&self.app, self.zone, &outputs, batch, accepted);
            if let Some(micros) = accepted {
                observe(&self.app.metrics, stage::DECIDED, micros);
            }
        }
        self.told.push(Told { at, outputs, order });
    }

    /// Shows what was committed, then says so to those who wait: who acted finds on the screen what
    /// came of it.
    fn tell(&mut self) {
        for Told { at, outputs, order } in self.told.drain(..) {
            show(&self.app, at, &outputs);
            if let Some((offset, refused)) = order {
                self.app.outcomes.tell(self.zone, offset.0, refused);
            }
        }
    }

    /// Waits until at most `left` commits are on their way.
    fn settle(&mut self, left: usize) -> Result<(), JournalError> {
        while self.commits.len() > left {
            if let Some(ticket) = self.commits.pop_front() {
                ticket.wait()?;
            }
        }
        Ok(())
    }

    fn next_minute(&self) -> Time {
        Time::from_minute(self.last_time.minute() + 1)
    }

    /// Writes the tick of a whole minute that passed with nothing else (semantics §3).
    fn tick(&mut self) -> Result<(), JournalError> {
        let now = self.app.clock.now();
        if now < self.next_minute() {
            return Ok(());
        }
        let minute = Time::from_minute(now.minute());
        let (input, partition) = (self.input(), Partition(self.zone.0));
        let batch = Batch::new(minute.millis(), Priority::Vital);
        let mut batch = batch.owned_by(input, partition);
        let tick = Input::Tick;
        batch.append(input, partition, tick.kind(), &[], &tick.encode());
        self.app.journal.submit_waiting(batch)?.wait()?;
        Ok(())
    }

    /// Once a minute: what ran out without renewal, and how much the windows hold.
    fn measure(&mut self) {
        let minute = self.last_time.minute();
        if minute == self.measured {
            return;
        }
        self.measured = minute;
        let code = self.app.zone_code(self.zone);
        for lapsed in self.app.view.lapses(code, self.last_time) {
            self.app.missed(&lapsed);
        }
        let (series, bytes) = self.machine.windows();
        let zone = code.to_string();
        for (figure, value) in [("series", series), ("bytes", bytes)] {
            let windows = &self.app.metrics.windows;
            windows
                .with_label_values(&[zone.as_str(), figure])
                .set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let (machine, now) = (&mut self.machine, self.last_time);
        self.costs.measure(&self.app, self.zone, machine, now);
    }

    fn keep(&mut self) -> Result<(), JournalError> {
        if self.keeper.is_due(&self.app, self.last_time) {
            // A snapshot holds no step whose outputs come after it.
            self.submit()?;
        }
        self.keeper
            .turn(&self.app, &mut self.machine, self.next, self.last_time)
    }

    /// Waits for what is on its way, and keeps the state at rest. A process that ends because
    /// something failed writes nothing new.
    pub(crate) fn finish(&mut self) -> Result<(), PumpError> {
        self.submit()?;
        self.settle(0)?;
        let app = Arc::clone(&self.app);
        self.keeper.finish(&app)?;
        if app.snapshots.at_stop && app.fault().is_none() {
            let (machine, next) = (&mut self.machine, self.next);
            self.keeper.last(&app, machine, next, self.last_time)?;
        }
        Ok(())
    }

    fn answer(&self, question: Question) {
        match question {
            Question::Series {
                station,
                parameter,
                length,
                answer,
            } => drop(answer.send(self.machine.series(station, parameter, length))),
            Question::Told(warning, answer) => drop(answer.send(self.machine.told(warning))),
        }
    }
}

#[cfg(test)]
mod tests;
