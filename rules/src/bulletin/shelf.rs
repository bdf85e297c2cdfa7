//! All bulletins of a zone: one a hazard for our own findings, one a signal that is passed on,
//! and the signals of other authorities that could be.

use super::{Bulletin, Desk};
use crate::effect::Refusal;
use crate::replaced::Replaced;
use model::signal::SignalKind;
use model::{Hazard, Named, Signal, Span, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Signals of others kept to be passed on; beyond it the one sent first goes.
const SIGNALS_MAX: usize = 512;
/// Signals passed on at once.
const RELAYS_MAX: usize = 64;

/// The bulletins, and what may become one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shelf {
    /// One a hazard.
    pub(crate) own: BTreeMap<Hazard, Bulletin>,
    relays: BTreeMap<WarningId, Bulletin>,
    /// By identifier, one a tier.
    signals: BTreeMap<String, Vec<Signal>>,
    replaced: Replaced,
}

impl Shelf {
    /// Empty bulletins of these hazards.
    pub(crate) fn of(hazards: impl Iterator<Item = Hazard>) -> Self {
        Self {
            own: hazards
                .map(|hazard| (hazard, Bulletin::new(hazard)))
                .collect(),
            ..Self::default()
        }
    }

    /// Adds a bulletin for each hazard that has none.
    pub(crate) fn hold(&mut self, hazards: impl Iterator<Item = Hazard>) {
        for hazard in hazards {
            self.own
                .entry(hazard)
                .or_insert_with(|| Bulletin::new(hazard));
        }
    }

    /// Every bulletin, ours first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Bulletin> {
        self.own.values().chain(self.relays.values())
    }

    /// Every bulletin, ours first.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Bulletin> {
        self.own.values_mut().chain(self.relays.values_mut())
    }

    /// Signals of other authorities in force.
    pub(crate) fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.signals.values().flatten()
    }

    /// The bulletin that made a warning.
    pub(crate) fn holding(&mut self, warning: WarningId) -> Result<&mut Bulletin, Refusal> {
        let mut all = self.all_mut();
        let found = all.find(|bulletin| bulletin.knows(warning));
        found.ok_or(Refusal::UnknownWarning { warning })
    }

    /// Record time at which something is due.
    pub(crate) fn due(&self) -> Option<Time> {
        self.all().filter_map(Bulletin::due).min()
    }

    /// Time passed in which no server ran.
    pub(crate) fn pause(&mut self, by: Span) {
        self.all_mut().for_each(|bulletin| bulletin.pause(by));
    }

    /// Says what people have to do, and lets go of relays that are over.
    pub(crate) fn say(&mut self, desk: &mut Desk<'_>) {
        self.all_mut().for_each(|bulletin| bulletin.say(desk));
        // An order on a relay that is over is refused as unknown once a newer one has come.
        if self.relays.len() > RELAYS_MAX {
            self.relays.retain(|_, bulletin| !bulletin.is_at_rest());
        }
    }

    /// A message of another authority: it replaces those it refers to, here and in what is
    /// passed on of them.
    pub(crate) fn take(&mut self, signal: &Signal, desk: &mut Desk<'_>) {
        let lifts = |identifier: &str| signal.references.iter().any(|r| r == identifier);
        self.signals.retain(|identifier, _| !lifts(identifier));
        if self.replaced.hear(signal) {
            return;
        }
        let newest = self.signals.entry(signal.identifier.clone()).or_default();
        newest.retain(|known| known.tier != signal.tier);
        newest.push(signal.clone());
        let is_newer = |identifier: &str| lifts(identifier) || identifier == signal.identifier;
        for bulletin in self.relays.values_mut() {
            if bulletin.passes_on(is_newer) {
                bulletin.hear(newest, desk);
            }
        }
        if signal.kind == SignalKind::Cancel {
            self.signals.remove(&signal.identifier);
        }
        while self.signals.len() > SIGNALS_MAX {
            let sent = |(_, signals): &(&String, &Vec<Signal>)| signals.first().map(|s| s.sent);
            let oldest = self.signals.iter().min_by_key(sent);
            let Some(identifier) = oldest.map(|(identifier, _)| identifier.clone()) else {
                return;
            };
            self.signals.remove(&identifier);
        }
    }

    /// A person passes a message on.
    pub(crate) fn relay(
        &mut self,
        identifier: &str,
        name: impl Fn(Hazard) -> Named,
        desk: &mut Desk<'_>,
    ) -> Result<(), Refusal> {
        let Some(signals) = self.signals.get(identifier) else {
            return Err(Refusal::UnknownSignal {
                signal: identifier.to_owned(),
            });
        };
        let open = self.relays.iter().filter(|(_, b)| b.relays().is_some());
        let passed_on = open
            .clone()
            .find(|(_, b)| b.passes_on(|known| known == identifier));
        if let Some((warning, _)) = passed_on {
            return Err(Refusal::Relayed {
                signal: identifier.to_owned(),
                warning: *warning,
            });
        }
        let open = open.count();
        if open >= RELAYS_MAX {
            return Err(Refusal::TooManyRelays { open });
        }
        let hazard = signals.iter().find_map(|signal| signal.hazard);
        let hazard = hazard.ok_or_else(|| Refusal::NotRelayed {
            signal: identifier.to_owned(),
        })?;
        let mut bulletin = Bulletin::new(hazard);
        let zone = desk.city.zone_code(desk.zone);
        let id = WarningId::of_signal(desk.city.code, desk.mode, zone, identifier);
        // Taken back and passed on again: the revisions go on counting.
        if let Some(before) = self.relays.remove(&id) {
            bulletin = before;
        }
        let begun = bulletin.begin_relay(signals, name(hazard), desk);
        self.relays.insert(id, bulletin);
        begun.map(drop)
    }
}
