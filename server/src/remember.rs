//! What of the topic `warnings` is shown and published again after a restart: a fold over its
//! records, kept as a snapshot so that a start reads that and what came after it, never all.
//!
//! Bounded by the newest revision of [`WARNINGS_MAX`] warnings, [`RELEASED_MAX`] released
//! revisions, [`CALLS_MAX`] calls, the signals that [`Signals`] holds, one line for each subject
//! with a tier, and [`RECORDS_MAX`] records (with what comes within [`ROUND`]) since the snapshot.

use crate::app::App;
use crate::courier;
use crate::pump::kind;
use crate::snapshot::{Generations, Owner, Snapshot};
use crate::view::{CALLS_MAX, Signals, WARNINGS_MAX};
use dispatch::ladder::{Call, Place};
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Ticket, Topic};
use model::record::Edition;
use model::warning::Event;
use model::{Mode, Pending, Signal, Tier, Time, Warning, WarningId};
use rules::Change;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Released revisions whose documents are written again.
const RELEASED_MAX: usize = 2_000;
/// Most records read since the last snapshot before the next one is taken.
const RECORDS_MAX: u64 = 1_000;
/// Between two looks at what is new.
const ROUND: Duration = Duration::from_millis(200);
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// A call that is over, as the topic holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallOver {
    /// Of which warning.
    pub(crate) warning: WarningId,
    /// Where.
    pub(crate) place: Place,
}

/// A revision and the record time it came at.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Revision {
    at: Time,
    warning: Warning,
}

/// The fold.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    warnings: BTreeMap<WarningId, Revision>,
    released: VecDeque<Revision>,
    situations: BTreeMap<String, Change>,
    calls: BTreeMap<String, Call>,
    signals: Signals,
    pending: BTreeMap<WarningId, Pending>,
}

impl Remembered {
    fn apply(&mut self, record: &Record) {
        let at = Time::from_millis(record.time_ms);
        let payload = record.payload();
        let read = match record.kind {
            kind::WARNING => serde_json::from_slice(payload).map(|w| self.warning(at, w)),
            kind::CHANGE => serde_json::from_slice(payload).map(|change| self.change(change)),
            kind::CALL => serde_json::from_slice(payload).map(|call| self.call(call)),
            kind::CALL_OVER => serde_json::from_slice(payload).map(|over: CallOver| {
                self.calls.remove(&call_key(over.warning, &over.place));
            }),
            kind::SIGNAL => serde_json::from_slice(payload).map(|signal: Signal| {
                self.signals.take(&signal);
            }),
            kind::PENDING => serde_json::from_slice(payload).map(|pending: Pending| {
                self.pending.insert(pending.warning, pending);
            }),
            // What a later version adds is not for this one to show.
            _ => Ok(()),
        };
        if let Err(error) = read {
            tracing::error!(offset = record.offset.0, %error, "record of warnings passed over");
        }
    }

    fn warning(&mut self, at: Time, warning: Warning) {
        let revision = Revision { at, warning };
        if revision.warning.event != Event::Proposed {
            self.released.push_back(revision.clone());
        }
        self.warnings.insert(revision.warning.id, revision);
        while self.warnings.len() > WARNINGS_MAX {
            let oldest = self.warnings.values().min_by_key(|revision| {
                let warning = &revision.warning;
                (warning.tier() != Tier::None, warning.time)
            });
            let Some(id) = oldest.map(|revision| revision.warning.id) else {
                break;
            };
            self.warnings.remove(&id);
            self.pending.remove(&id);
        }
        while self.released.len() > RELEASED_MAX {
            self.released.pop_front();
        }
    }

    fn change(&mut self, change: Change) {
        let key = format!("{}\n{}", change.rule, change.subject);
        if change.to == Tier::None {
            self.situations.remove(&key);
        } else {
            self.situations.insert(key, change);
        }
    }

    fn call(&mut self, call: Call) {
        self.calls.insert(call_key(call.warning, &call.place), call);
        while self.calls.len() > CALLS_MAX {
            self.calls.pop_first();
        }
    }

    /// The revision in force that a proposal would replace.
    fn standing(&self, proposal: &Warning) -> Option<&Revision> {
        let mut newest = self.released.iter().rev();
        newest
            .find(|released| released.warning.id == proposal.id)
            .filter(|_| proposal.event == Event::Proposed)
    }

    /// Shows it all, and writes the CAP documents again.
    async fn show(&self, app: &App) {
        for revision in &self.released {
            app.view.revision_again(&Arc::new(revision.warning.clone()));
        }
        for revision in self.warnings.values() {
            // Beside a proposal the screens show what is in force.
            if let Some(standing) = self.standing(&revision.warning) {
                courier::show_warning(app, &standing.warning, standing.at);
            }
            app.view.decided(revision.warning.clone());
            courier::show_warning(app, &revision.warning, revision.at);
        }
        for pending in self.pending.values() {
            app.view.pending(pending.clone());
        }
        for change in self.situations.values() {
            courier::show_change(app, change);
        }
        for call in self.calls.values() {
            courier::show_call(app, call.warning, &call.place, Some(call));
        }
        app.view.signals_again(&self.signals);
        let mut released: Vec<&Revision> = self.released.iter().collect();
        released.sort_by_key(|r| (r.at, r.warning.zone, r.warning.revision));
        for Revision { at, warning } in released {
            if let Err(error) = app.cap.recall(&*app.journal, warning, *at).await {
                tracing::warn!(warning = %warning.id, %error, "no CAP document");
            }
        }
    }
}

fn call_key(warning: WarningId, place: &Place) -> String {
    let place = serde_json::to_string(place).unwrap_or_default();
    format!("{warning}\n{place}")
}

/// Why the fold is kept no longer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A round did not come to its end.
    #[error("a round was cut short: {0}")]
    CutShort(#[from] tokio::task::JoinError),
}

/// Reads the topic after the pumps and keeps the fold.
pub(crate) struct Keeper {
    topic: Topic,
    remembered: Remembered,
    next: Vec<Offset>,
    generations: Generations,
    /// Records folded since the last snapshot.
    unsaved: u64,
    taken: Time,
}

impl Keeper {
    /// The newest snapshot, and all that came after it in `zones` zones.
    pub(crate) fn open(
        journal: &dyn Journal,
        mode: Mode,
        zones: usize,
    ) -> Result<Self, JournalError> {
        let topic = Topic::new(Kind::Warnings, mode);
        let first = |zone: usize| journal.first(topic, Partition(zone as u16));
        let mut keeper = Self {
            topic,
            remembered: Remembered::default(),
            next: (0..zones).map(first).collect::<Result<_, _>>()?,
            generations: Generations::new(mode, Owner::Screens),
            unsaved: 0,
            taken: Time::default(),
        };
        while let Some(found) = keeper.generations.load(journal)? {
            match serde_json::from_slice(&found.state) {
                Ok(remembered) => {
                    keeper.remembered = remembered;
                    for (next, stored) in keeper.next.iter_mut().zip(found.positions) {
                        *next = (*next).max(stored);
                    }
                    break;
                }
                Err(error) => tracing::error!(%error, "screens' snapshot unusable"),
            }
        }
        keeper.read_on(journal)?;
        Ok(keeper)
    }

    /// Shows what was remembered.
    pub(crate) async fn show(&self, app: &App) {
        self.remembered.show(app).await;
    }

    /// Folds what is new, until the app stops. Reading and writing a whole fold takes long: neither
    /// may hold up those who answer requests.
    pub(crate) async fn run(mut self, app: Arc<App>) -> Result<(), KeepError> {
        self.taken = app.clock.now();
        while !app.stopping() {
            tokio::time::sleep(ROUND).await;
            let shared = Arc::clone(&app);
            let round = tokio::task::spawn_blocking(move || {
                let stored = self.round(&shared)?;
                Ok::<_, JournalError>((self, stored))
            });
            let (keeper, stored) = round.await??;
            self = keeper;
            if let Some(stored) = stored {
                stored.await?;
            }
        }
        Ok(())
    }

    /// Folds what is new; a snapshot where one is due, and its ticket.
    fn round(&mut self, app: &App) -> Result<Option<Ticket>, JournalError> {
        self.read_on(&*app.journal)?;
        let is_far = self.unsaved >= RECORDS_MAX.min(app.snapshots.inputs);
        let is_old = app.clock.now() >= self.taken + app.snapshots.every;
        let is_due = self.unsaved > 0 && (is_far || is_old);
        is_due.then(|| self.store(app)).transpose()
    }

    fn read_on(&mut self, journal: &dyn Journal) -> Result<(), JournalError> {
        for (zone, next) in (0u16..).zip(&mut self.next) {
            loop {
                let records = match journal.read(self.topic, Partition(zone), *next, READ_BYTES) {
                    Ok(records) => records,
                    // Retention was faster than we are: what is gone is not shown.
                    Err(JournalError::Trimmed { first, .. }) => {
                        *next = first;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if records.is_empty() {
                    break;
                }
                for record in records {
                    *next = record.offset.plus(1);
                    self.unsaved += 1;
                    self.remembered.apply(&record);
                }
            }
        }
        Ok(())
    }

    fn store(&mut self, app: &App) -> Result<Ticket, JournalError> {
        let now = app.clock.now();
        let snapshot = Snapshot {
            positions: self.next.clone(),
            edition: Edition::default(),
            state: serde_json::to_vec(&self.remembered).unwrap_or_default(),
        };
        let (stored, _) = self
            .generations
            .store(&*app.journal, now.millis(), &snapshot)?;
        self.unsaved = 0;
        self.taken = now;
        Ok(stored)
    }
}
