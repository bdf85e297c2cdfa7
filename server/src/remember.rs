//! What a zone has said in the topic `warnings`, folded: what screens show of it after a start, and
//! of the zones that other processes step.
//!
//! Bounded by the newest revision of [`WARNINGS_MAX`] warnings, [`RELEASED_MAX`] released
//! revisions, [`CALLS_MAX`] calls, the signals that [`Signals`] and what [`Responded`] holds, and one
//! line for each subject with a tier.

use crate::app::App;
use crate::courier;
use crate::outcome::OfOrder;
use crate::pump::kind;
use crate::silence;
use crate::view::{CALLS_MAX, Responded, Signals, TAKEN_OVER_MAX, WARNINGS_MAX};
use dispatch::ladder::{Call, Place};
use journal::Record;
use model::response::Entry;
use model::silence::Silences;
use model::warning::Event;
use model::{
    AreaCode, Muted, Pending, Signal, Silence, TakenOver, Tier, Time, Warning, WarningId, Zone,
};
use rules::Change;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Released revisions whose documents are written again.
pub(crate) const RELEASED_MAX: usize = 2_000;

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
pub(crate) struct Revision {
    pub(crate) at: Time,
    pub(crate) warning: Warning,
}

/// A record of the topic.
pub(crate) enum Said {
    Warning(Box<Warning>),
    Change(Box<Change>),
    Call(Box<Call>),
    CallOver(CallOver),
    Signal(Box<Signal>),
    Pending(Pending),
    Outcome(OfOrder),
    Entry(Box<Entry>),
    Silence(Box<Silence>),
    Muted(Box<Muted>),
    TakenOver(TakenOver),
    /// What a later version adds is not for this one to show.
    Unknown,
}

impl Said {
    /// Reads one; what cannot be read is said and passed over.
    pub(crate) fn read(record: &Record) -> Self {
        let bytes = record.payload();
        let read = match record.kind {
            kind::WARNING => serde_json::from_slice(bytes).map(Self::Warning),
            kind::CHANGE => serde_json::from_slice(bytes).map(Self::Change),
            kind::CALL => serde_json::from_slice(bytes).map(Self::Call),
            kind::CALL_OVER => serde_json::from_slice(bytes).map(Self::CallOver),
            kind::SIGNAL => serde_json::from_slice(bytes).map(Self::Signal),
            kind::PENDING => serde_json::from_slice(bytes).map(Self::Pending),
            kind::OUTCOME => serde_json::from_slice(bytes).map(Self::Outcome),
            kind::ENTRY => serde_json::from_slice(bytes).map(Self::Entry),
            kind::SILENCE => serde_json::from_slice(bytes).map(Self::Silence),
            kind::MUTED => serde_json::from_slice(bytes).map(Self::Muted),
            kind::TAKEN_OVER => serde_json::from_slice(bytes).map(Self::TakenOver),
            _ => Ok(Self::Unknown),
        };
        read.unwrap_or_else(|error| {
            tracing::error!(offset = record.offset.0, %error, "record of warnings passed over");
            Self::Unknown
        })
    }

    /// Shows what another process said in `zone`, and says what became of orders to who waits here.
    pub(crate) fn show(&self, app: &App, zone: Zone, at: Time) {
        match self {
            Self::Warning(warning) => {
                app.view.decided((**warning).clone());
                courier::show_warning(app, warning, at);
            }
            Self::Change(change) => courier::show_change(app, change),
            Self::Call(call) => courier::show_call(app, call.warning, &call.place, Some(call)),
            Self::CallOver(over) => courier::show_call(app, over.warning, &over.place, None),
            Self::Signal(signal) => app.view.signal(signal),
            Self::Pending(pending) => app.view.pending(pending.clone()),
            Self::Outcome(of_order) => {
                let (offset, outcome) = of_order.clone().into_outcome();
                app.outcomes.tell(zone, offset, outcome);
            }
            Self::Entry(entry) => app.view.entry(entry),
            Self::Silence(silence) => {
                app.view.silence(silence, silence::item(app, silence));
            }
            Self::Muted(muted) => app.view.muted(&app.installation.city, muted),
            Self::TakenOver(taken) => app.view.taken_over(taken),
            Self::Unknown => {}
        }
    }
}

/// The fold over one zone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Remembered {
    warnings: BTreeMap<WarningId, Revision>,
    released: VecDeque<Revision>,
    situations: BTreeMap<String, Change>,
    calls: BTreeMap<String, Call>,
    signals: Signals,
    pending: BTreeMap<WarningId, Pending>,
    #[serde(default)]
    responded: Responded,
    /// By the zone's code.
    #[serde(default)]
    silences: BTreeMap<AreaCode, Silences>,
    #[serde(default)]
    muted: Vec<Muted>,
    /// Who took the last shifts over.
    #[serde(default)]
    taken_over: VecDeque<TakenOver>,
}

impl Remembered {
    /// Takes in what was said at record time `at`.
    pub(crate) fn apply(&mut self, at: Time, said: Said) {
        match said {
            Said::Warning(warning) => self.warning(at, *warning),
            Said::Change(change) => self.change(*change),
            Said::Call(call) => self.call(*call),
            Said::CallOver(over) => {
                self.calls.remove(&call_key(over.warning, &over.place));
            }
            Said::Signal(signal) => self.signals.take(&signal),
            Said::Pending(pending) => {
                self.pending.insert(pending.warning, pending);
            }
            Said::Entry(entry) => drop(self.responded.take(&entry)),
            Said::Silence(silence) => {
                self.silences
                    .entry(silence.zone)
                    .or_default()
                    .apply(&silence);
            }
            Said::Muted(muted) => self.mute(*muted),
            Said::TakenOver(taken) => {
                self.taken_over.push_back(taken);
                while self.taken_over.len() > TAKEN_OVER_MAX {
                    self.taken_over.pop_front();
                }
            }
            Said::Outcome(_) | Said::Unknown => {}
        }
    }

    /// The released revisions, oldest first.
    pub(crate) fn released(&self) -> impl Iterator<Item = &Revision> {
        self.released.iter()
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

    fn mute(&mut self, muted: Muted) {
        let (rule, area) = (&muted.mute.rule, muted.mute.area);
        self.muted
            .retain(|held| held.mute.rule != *rule || held.mute.area != area);
        if muted.over.is_none() {
            self.muted.push(muted);
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

    /// Shows it all.
    pub(crate) fn show(&self, app: &App) {
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
        for muted in &self.muted {
            app.view.muted(&app.installation.city, muted);
        }
        for change in self.situations.values() {
            courier::show_change(app, change);
        }
        for call in self.calls.values() {
            courier::show_call(app, call.warning, &call.place, Some(call));
        }
        app.view.signals_again(&self.signals);
        for taken in &self.taken_over {
            app.view.taken_over(taken);
        }
        app.view.responded_again(&self.responded);
        for (zone, silences) in &self.silences {
            app.view.silences_again(*zone, silences);
        }
    }
}

fn call_key(warning: WarningId, place: &Place) -> String {
    let place = serde_json::to_string(place).unwrap_or_default();
    format!("{warning}\n{place}")
}
