//! Official warnings of others as they stand: an Update takes the place of what it refers to, a
//! Cancel lifts it, and what was taken before is not news.

use dispatch::gateway::state_bulletin::Newest;
use model::signal::SignalKind;
use model::{Signal, Tier};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Signals in force kept; the oldest go first.
const HELD_MAX: usize = 2_000;
/// Sources of state bulletins remembered.
const SOURCES_MAX: usize = 256;
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
    /// The newest state bulletin of each source.
    #[serde(default)]
    bulletins: BTreeMap<String, Newest>,
}

impl Signals {
    /// Takes one in. Zones tell of it each in their own time: an Alert that another zone's Update
    /// has replaced stays replaced.
    pub(crate) fn take(&mut self, signal: &Signal) {
        self.note(signal);
        let is_newest = self.bulletin(signal);
        let is_older = |held: &Signal| {
            let of = |signal: &Signal| {
                let state = signal.state.as_ref();
                state.map(|state| (state.source.clone(), signal.sent, state.revision))
            };
            let (own, held) = (of(signal), of(held));
            own.zip(held)
                .is_some_and(|(own, held)| own.0 == held.0 && own > held)
        };
        self.held.retain(|held| !is_older(held));
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
                if is_new && is_newest && !self.replaced.contains(&signal.identifier) {
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
        for (source, theirs) in &other.bulletins {
            match self.bulletins.get_mut(source) {
                Some(own) => own.join(theirs),
                None => drop(self.bulletins.insert(source.clone(), theirs.clone())),
            }
        }
        for signal in &other.held {
            self.take(signal);
        }
        bound(&mut self.taken, KNOWN_MAX);
    }

    /// Remembers one as taken; false where it was before.
    pub(crate) fn note(&mut self, signal: &Signal) -> bool {
        self.bulletin(signal);
        if self.is_taken(signal) {
            return false;
        }
        self.taken
            .push_back((signal.identifier.clone(), signal.tier));
        bound(&mut self.taken, KNOWN_MAX);
        true
    }

    /// Takes in what a signal says as part of a state bulletin; false where there is a newer one.
    fn bulletin(&mut self, signal: &Signal) -> bool {
        let Some(state) = &signal.state else {
            return true;
        };
        let is_known = self.bulletins.contains_key(&state.source);
        if !is_known && self.bulletins.len() >= SOURCES_MAX {
            return true;
        }
        let newest = self.bulletins.entry(state.source.clone()).or_default();
        newest.take(signal)
    }

    /// The newest state bulletin of a source.
    pub(crate) fn newest_bulletin(&self, source: &str) -> Option<&Newest> {
        self.bulletins.get(source)
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
    use model::signal::StateOf;
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
            state: None,
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
    fn of_a_source_of_state_bulletins_the_newest_stands_in_whatever_order_zones_tell() {
        let of = |minute: i64, revision: u32, tier: Tier, area: &str| Signal {
            sent: Time::from_minute(minute),
            tier,
            area_desc: vec![area.to_owned()],
            state: Some(StateOf {
                source: "landslide".into(),
                revision,
            }),
            ..signal(&format!("{minute}.{revision}"), SignalKind::Update, &[])
        };
        let first = of(1, 0, Tier::Yellow, "a");
        let red = of(2, 0, Tier::Red, "a");
        let blue = of(2, 0, Tier::Blue, "b");
        let corrected = of(2, 1, Tier::Red, "b");
        let areas = |signals: &Signals| {
            let newest = signals.newest_bulletin("landslide").unwrap();
            newest.areas.clone().into_iter().collect::<Vec<_>>()
        };
        let mut signals = Signals::default();
        for each in [&red, &first, &blue, &red] {
            signals.take(each);
        }
        assert_eq!(held(&signals), ["2.0", "2.0"]);
        let both = [("a".to_owned(), Tier::Red), ("b".to_owned(), Tier::Blue)];
        assert_eq!(areas(&signals), both);
        let mut other = Signals::default();
        other.take(&corrected);
        other.join(&signals);
        signals.join(&other);
        for known in [&signals, &other] {
            assert_eq!(held(known), ["2.1"]);
            assert_eq!(areas(known), [("b".to_owned(), Tier::Red)]);
        }
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
