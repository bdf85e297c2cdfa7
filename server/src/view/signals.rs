//! Official warnings of others as they stand: an Update takes the place of what it refers to, a
//! Cancel lifts it, and what was taken before is not news.

use model::signal::SignalKind;
use model::{Signal, Tier};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Signals in force kept; the oldest go first.
const HELD_MAX: usize = 2_000;
/// Identifiers remembered to tell what came before, and what others replaced.
const KNOWN_MAX: usize = 10_000;

/// Signals in force, by the time they were sent: zones tell of them in an order of their own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Signals {
    held: VecDeque<Signal>,
    /// Taken so far: one document may say several tiers.
    taken: VecDeque<(String, Tier)>,
    /// Identifiers that an Update or a Cancel referred to.
    replaced: VecDeque<String>,
}

impl Signals {
    /// Takes one in. Zones tell of it each in their own time: an Alert that another zone's Update
    /// has replaced stays replaced.
    pub(crate) fn take(&mut self, signal: &Signal) {
        self.note(signal);
        for identifier in &signal.references {
            if !self.replaced.contains(identifier) {
                self.replaced.push_back(identifier.clone());
            }
        }
        self.held
            .retain(|held| !signal.references.contains(&held.identifier));
        let is_new = !self
            .held
            .iter()
            .any(|held| held.identifier == signal.identifier && held.tier == signal.tier);
        match signal.kind {
            SignalKind::Alert | SignalKind::Update => {
                if is_new && !self.replaced.contains(&signal.identifier) {
                    let key = |of: &Signal| (of.sent, of.identifier.clone(), of.tier);
                    let own = key(signal);
                    let at = self.held.partition_point(|held| key(held) < own);
                    self.held.insert(at, signal.clone());
                }
            }
            SignalKind::Cancel => {}
        }
        bound(&mut self.held, HELD_MAX);
        bound(&mut self.replaced, KNOWN_MAX);
    }

    /// Takes in what another zone knows.
    pub(crate) fn join(&mut self, other: &Self) {
        for (identifier, tier) in &other.taken {
            let taken = (identifier.clone(), *tier);
            if !self.taken.contains(&taken) {
                self.taken.push_back(taken);
            }
        }
        for identifier in &other.replaced {
            if !self.replaced.contains(identifier) {
                self.replaced.push_back(identifier.clone());
            }
        }
        let replaced = &self.replaced;
        self.held
            .retain(|held| !replaced.contains(&held.identifier));
        for signal in &other.held {
            self.take(signal);
        }
        bound(&mut self.taken, KNOWN_MAX);
    }

    /// Remembers one as taken; false where it was before.
    pub(crate) fn note(&mut self, signal: &Signal) -> bool {
        if self.is_taken(signal) {
            return false;
        }
        self.taken
            .push_back((signal.identifier.clone(), signal.tier));
        bound(&mut self.taken, KNOWN_MAX);
        true
    }

    /// Those in force, the oldest first.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Signal> {
        self.held.iter()
    }

    /// Whether it was taken before.
    pub(crate) fn is_taken(&self, signal: &Signal) -> bool {
        self.taken
            .iter()
            .any(|(identifier, tier)| (identifier, tier) == (&signal.identifier, &signal.tier))
    }
}

fn bound<T>(list: &mut VecDeque<T>, most: usize) {
    while list.len() > most {
        list.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Mode, Time};

    fn signal(identifier: &str, kind: SignalKind, references: &[&str]) -> Signal {
        Signal {
            identifier: identifier.into(),
            sender: "s".into(),
            sender_name: "S".into(),
            sent: Time::default(),
            mode: Mode::Actual,
            kind,
            references: references.iter().map(ToString::to_string).collect(),
            hazard: None,
            event: String::new(),
            tier: Tier::Blue,
            areas: Vec::new(),
            area_desc: Vec::new(),
            onset: Time::default(),
            expires: None,
            texts: Vec::new(),
        }
    }

    fn held(signals: &Signals) -> Vec<&str> {
        signals.held().map(|s| s.identifier.as_str()).collect()
    }

    #[test]
    fn an_update_replaces_whatever_zone_is_heard_first() {
        let alert = signal("1", SignalKind::Alert, &[]);
        let update = signal("2", SignalKind::Update, &["1"]);
        let cancel = signal("3", SignalKind::Cancel, &["2"]);
        let mut signals = Signals::default();
        for each in [&alert, &update, &alert, &update] {
            signals.take(each);
        }
        assert_eq!(held(&signals), ["2"]);
        signals.take(&cancel);
        signals.take(&update);
        assert!(held(&signals).is_empty());
    }

    #[test]
    fn they_stand_in_one_order_whatever_zone_is_heard_first() {
        let early = signal("2", SignalKind::Alert, &[]);
        let same = signal("3", SignalKind::Alert, &[]);
        let late = Signal {
            sent: Time::from_minute(1),
            ..signal("1", SignalKind::Alert, &[])
        };
        for order in [[&early, &same, &late], [&late, &same, &early]] {
            let mut signals = Signals::default();
            order.into_iter().for_each(|each| signals.take(each));
            assert_eq!(held(&signals), ["2", "3", "1"]);
        }
    }

    #[test]
    fn a_document_of_two_tiers_is_two_signals_and_neither_twice() {
        let blue = signal("1", SignalKind::Alert, &[]);
        let red = Signal {
            tier: Tier::Red,
            ..blue.clone()
        };
        let mut signals = Signals::default();
        assert!(signals.note(&blue));
        assert!(signals.note(&red));
        assert!(!signals.note(&blue));
    }

    #[test]
    fn what_came_long_before_is_forgotten_first() {
        let mut signals = Signals::default();
        for number in 0..=KNOWN_MAX {
            signals.take(&signal(&format!("z{number}"), SignalKind::Cancel, &[]));
        }
        signals.take(&signal("a", SignalKind::Alert, &[]));
        assert!(!signals.note(&signal("a", SignalKind::Alert, &[])));
        assert!(signals.note(&signal("z0", SignalKind::Cancel, &[])));
    }
}
