//! A zone's state at rest: minute rows once each in the topic `series`, the rest in snapshots of
//! two generations (semantics §31). Nothing here waits for the disk but a start: a snapshot is
//! begun, and gone on with in later turns of the loop as its parts become durable.

use crate::app::App;
use crate::snapshot::{Generations, Owner, Snapshot};
use crate::view::{Changes, Flag};
use crate::zone::{Machine, part};

use journal::{Assigned, Batch, JournalError, Kind, Offset, Partition, Priority, Ticket, Topic};
use model::{Input, Time, Zone};
use std::collections::VecDeque;

/// Kind of the records in `series`: a sealed record of the engine under LZ4, by the newest time it
/// speaks of (milliseconds, i64, big-endian).
const SEALED: u8 = 1;
/// Bytes of sealed rows read at once.
const READ_BYTES: usize = 8 << 20;

/// What a zone needs to keep its state.
pub(super) struct Keeper {
    zone: Zone,
    generations: Generations,
    rows: Rows,
    taken: Time,
    /// Inputs stepped since the last snapshot.
    pub(super) inputs: u64,
    underway: Option<Underway>,
}

/// A snapshot on its way to the disk.
enum Underway {
    /// Its rows; then the rest may follow.
    Rows {
        tickets: VecDeque<Ticket>,
        newest: Time,
        snapshot: Box<Snapshot>,
    },
    /// The rest; then input before the older generation may go.
    State {
        ticket: Ticket,
        older: Option<Vec<Offset>>,
    },
}

/// Which records of the zone in `series` its state needs.
struct Rows {
    topic: Topic,
    runs: VecDeque<Run>,
}

/// Records that stand one after another.
#[derive(Clone, Copy)]
struct Run {
    first: Offset,
    end: Offset,
    newest: Time,
}

impl Keeper {
    pub(super) fn new(app: &App, zone: Zone) -> Self {
        Self {
            zone,
            generations: Generations::new(app.mode, Owner::Zone(zone)),
            rows: Rows {
                topic: Topic::new(Kind::Series, app.mode),
                runs: VecDeque::new(),
            },
            taken: app.clock.now(),
            inputs: 0,
            underway: None,
        }
    }

    /// The machine of the newest snapshot that serves, and the first input it has not stepped.
    pub(super) fn restored(
        &mut self,
        app: &App,
    ) -> Result<Option<(Machine, Offset)>, JournalError> {
        while let Some(found) = self.generations.load(&*app.journal)? {
            let Some((next, runs)) = found.positions.split_first() else {
                continue;
            };
            let machine = match self.machine(app, &found) {
                Ok(mut machine) => self
                    .rows
                    .read(app, Partition(self.zone.0), runs, &mut machine)?
                    .map(|()| machine),
                Err(why) => Err(why),
            };
            match machine {
                Ok(machine) => return Ok(Some((machine, *next))),
                // A snapshot is only a place to start; the input before it is the truth.
                Err(why) => {
                    let zone = self.zone.0;
                    tracing::error!(zone, %why, "snapshot unusable; trying the one before");
                }
            }
        }
        Ok(None)
    }

    fn machine(&self, app: &App, found: &Snapshot) -> Result<Machine, String> {
        let installation = app.registry.installation(&found.edition);
        let installation = installation.map_err(|error| error.to_string())?;
        let mut machine = Machine::new(&installation, self.zone, app.mode, app.policy);
        let (state, shown) = part(&found.state)?;
        machine.restore(state)?;
        show(app, self.zone, shown)?;
        Ok(machine)
    }

    /// Begins a snapshot when the last is old enough or far enough back, idle or not; goes on with
    /// one underway. `next` is the first input the machine has not stepped, `at` its record time.
    pub(super) fn turn(
        &mut self,
        app: &App,
        machine: &mut Machine,
        next: Offset,
        at: Time,
    ) -> Result<(), JournalError> {
        match self.underway.take() {
            Some(underway) => self.underway = self.go_on(app, underway)?,
            None if self.is_due(app, at) => {
                self.underway = Some(self.begin(app, machine, next, at)?);
            }
            None => {}
        }
        Ok(())
    }

    /// Whether the next turn may begin a snapshot.
    pub(super) fn is_due(&self, app: &App, at: Time) -> bool {
        let is_old = at >= self.taken + app.snapshots.every;
        self.inputs > 0 && (is_old || self.inputs >= app.snapshots.inputs)
    }

    fn begin(
        &mut self,
        app: &App,
        machine: &mut Machine,
        next: Offset,
        at: Time,
    ) -> Result<Underway, JournalError> {
        let (topic, partition) = (self.rows.topic, Partition(self.zone.0));
        let mut tickets = VecDeque::new();
        let mut latest = Time::from_millis(i64::MIN);
        let mut failed = None;
        let is_whole = machine.seal(&mut |newest, record| {
            let input = Topic::new(Kind::Input, app.mode);
            let batch = Batch::new(at.millis(), Priority::Vital);
            let mut batch = batch.owned_by(input, partition);
            let key = newest.millis().to_be_bytes();
            let packed = lz4_flex::compress_prepend_size(record);
            batch.append(topic, partition, SEALED, &key, &packed);
            latest = latest.max(newest);
            match app.journal.submit_waiting(batch) {
                Ok(ticket) => tickets.push_back(ticket),
                Err(error) => failed = failed.take().or(Some(error)),
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        (self.taken, self.inputs) = (at, 0);
        if is_whole {
            self.rows.runs.clear();
        }
        self.rows.forget(at - machine.reach());
        let snapshot = Snapshot {
            positions: vec![next],
            edition: machine.edition().clone(),
            state: self.state(app, machine),
        };
        Ok(Underway::Rows {
            tickets,
            newest: latest,
            snapshot: Box::new(snapshot),
        })
    }

    fn go_on(&mut self, app: &App, underway: Underway) -> Result<Option<Underway>, JournalError> {
        match underway {
            Underway::Rows {
                mut tickets,
                newest,
                snapshot,
            } => {
                while let Some(ticket) = tickets.front_mut() {
                    let Some(outcome) = ticket.now() else {
                        return Ok(Some(Underway::Rows {
                            tickets,
                            newest,
                            snapshot,
                        }));
                    };
                    self.rows.written(&outcome?, newest);
                    tickets.pop_front();
                }
                self.store(app, *snapshot).map(Some)
            }
            Underway::State { mut ticket, older } => {
                let Some(outcome) = ticket.now() else {
                    return Ok(Some(Underway::State { ticket, older }));
                };
                outcome?;
                self.trim(app, older)?;
                Ok(None)
            }
        }
    }

    /// Waits for the snapshot underway, if there is one: a service that is told to end does not
    /// leave it half done.
    pub(super) fn finish(&mut self, app: &App) -> Result<(), JournalError> {
        let mut underway = self.underway.take();
        while let Some(part) = underway {
            underway = match part {
                Underway::Rows {
                    tickets,
                    newest,
                    snapshot,
                } => {
                    for ticket in tickets {
                        self.rows.written(&ticket.wait()?, newest);
                    }
                    Some(self.store(app, *snapshot)?)
                }
                Underway::State { ticket, older } => {
                    ticket.wait()?;
                    self.trim(app, older)?;
                    None
                }
            };
        }
        Ok(())
    }

    /// The last snapshot of a clean stop: whatever version starts next steps nothing anew.
    pub(super) fn last(
        &mut self,
        app: &App,
        machine: &mut Machine,
        next: Offset,
        at: Time,
    ) -> Result<(), JournalError> {
        if self.inputs == 0 {
            return Ok(());
        }
        self.underway = Some(self.begin(app, machine, next, at)?);
        self.finish(app)
    }

    /// Queues the rest of a snapshot whose rows are on disk.
    fn store(&mut self, app: &App, mut snapshot: Snapshot) -> Result<Underway, JournalError> {
        snapshot.positions.extend(self.rows.positions());
        let at_ms = self.taken.millis();
        let stored = self.generations.store(&*app.journal, at_ms, &snapshot)?;
        let (ticket, older) = stored;
        Ok(Underway::State { ticket, older })
    }

    /// The newer generation is whole: deletes input before the older one.
    fn trim(&self, app: &App, older: Option<Vec<Offset>>) -> Result<(), JournalError> {
        if let Some(before) = older.as_ref().and_then(|positions| positions.first()) {
            let input = Topic::new(Kind::Input, app.mode);
            // Should it be lost, the next snapshot deletes the same again.
            match app.journal.trim(input, Partition(self.zone.0), *before) {
                Ok(_) | Err(JournalError::Full { .. } | JournalError::DiskFull { .. }) => {}
                // A broker went, or its leaders are moving.
                Err(error @ JournalError::Brokers { .. }) => {
                    tracing::warn!(zone = self.zone.0, %error, "left for the next snapshot");
                }
                Err(error) => return Err(error),
            }
        }
        let zone = app.zone_code(self.zone).to_string();
        let snapshots = &app.metrics.snapshots;
        snapshots.with_label_values(&[zone.as_str()]).inc();
        Ok(())
    }

    /// The machine's state and the newest values that screens show, each behind its length, then
    /// what the screen remarked in the latest ones.
    fn state(&self, app: &App, machine: &Machine) -> Vec<u8> {
        let machine = machine.snapshot();
        let mut state = (machine.len() as u64).to_le_bytes().to_vec();
        state.extend_from_slice(&machine);
        let is_own = |no| app.home(no) == Some(self.zone);
        let shown = app.view.changes(|no| is_own(no).then_some(0));
        let newest = shown.newest.iter().filter_map(Flag::observation);
        let newest = Input::Observations(newest.collect()).encode();
        state.extend_from_slice(&(newest.len() as u64).to_le_bytes());
        state.extend_from_slice(&newest);
        let remarks = serde_json::to_vec(&shown.remarks);
        state.extend_from_slice(&remarks.unwrap_or_default());
        state
    }
}

/// Shows the newest values and the remarks of a zone's state at rest, in place of what was shown.
fn show(app: &App, zone: Zone, shown: &[u8]) -> Result<(), String> {
    let (newest, remarks) = part(shown)?;
    let kind = Input::Observations(Vec::new()).kind();
    let newest = Input::decode(kind, newest).map_err(|error| error.to_string())?;
    let Input::Observations(newest) = newest else {
        return Err("newest values that are none".to_owned());
    };
    let changes = Changes {
        newest: newest.iter().map(Flag::of).collect(),
        remarks: serde_json::from_slice(remarks).map_err(|error| error.to_string())?,
        ..Changes::default()
    };
    app.view.unremarked(|no| app.home(no) == Some(zone));
    app.view.changed(&changes);
    Ok(())
}

impl Rows {
    /// Notes where sealed records came to stand.
    fn written(&mut self, runs: &[Assigned], newest: Time) {
        for run in runs {
            let end = Offset(run.first.0 + u64::from(run.count));
            match self.runs.back_mut() {
                Some(last) if last.end == run.first && last.newest == newest => last.end = end,
                Some(_) | None => self.runs.push_back(Run {
                    first: run.first,
                    end,
                    newest,
                }),
            }
        }
    }

    /// Lets go of records in which all is older than `oldest`.
    fn forget(&mut self, oldest: Time) {
        while self.runs.front().is_some_and(|run| run.newest < oldest) {
            self.runs.pop_front();
        }
    }

    /// First and end of each stretch of records, in their order.
    fn positions(&self) -> Vec<Offset> {
        let mut positions: Vec<Offset> = Vec::new();
        for run in &self.runs {
            match positions.last_mut() {
                Some(end) if *end == run.first => *end = run.end,
                Some(_) | None => positions.extend([run.first, run.end]),
            }
        }
        positions
    }

    /// Gives a machine back the rows of these stretches; the inner error says why they do not
    /// serve.
    fn read(
        &mut self,
        app: &App,
        partition: Partition,
        positions: &[Offset],
        machine: &mut Machine,
    ) -> Result<Result<(), String>, JournalError> {
        self.runs.clear();
        for stretch in positions.as_chunks::<2>().0 {
            let [mut next, end] = *stretch;
            while next < end {
                let records = app.journal.read(self.topic, partition, next, READ_BYTES)?;
                let found = records.first().map(|record| record.offset);
                if found != Some(next) {
                    let why = format!("sealed rows from {} on are deleted", next.0);
                    return Ok(Err(why));
                }
                for record in records.iter().take_while(|record| record.offset < end) {
                    let after = record.offset.plus(1);
                    let newest = i64::from_be_bytes(record.key().try_into().unwrap_or_default());
                    let rows = lz4_flex::decompress_size_prepended(record.payload());
                    let taken = rows.map_err(|error| error.to_string());
                    if let Err(why) = taken.and_then(|rows| machine.unseal(&rows)) {
                        return Ok(Err(format!("sealed rows {}: {why}", record.offset.0)));
                    }
                    let run = Assigned {
                        topic: self.topic,
                        partition,
                        first: record.offset,
                        count: 1,
                        time_ms: record.time_ms,
                    };
                    self.written(&[run], Time::from_millis(newest));
                    next = after;
                }
            }
        }
        Ok(Ok(()))
    }
}
