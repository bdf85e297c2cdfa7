//! Which sensors are silent and what nobody sees, as each zone said it.

use super::View;
use model::silence::Silences;
use model::{AreaCode, Hazard, Parameter, Silence, StationNo, Time};
use serde_json::Value;
use std::collections::BTreeMap;

impl View {
    /// Shows what a minute changed; `item` is the same in words.
    pub(crate) fn silence(&self, change: &Silence, item: Value) {
        let mut inner = self.inner.write();
        inner.silences.entry(change.zone).or_default().apply(change);
        self.stream.send("silence", &item);
    }

    /// What a zone had said before the last stop.
    pub(crate) fn silences_again(&self, zone: AreaCode, silences: &Silences) {
        let mut inner = self.inner.write();
        inner.silences.insert(zone, silences.clone());
    }

    /// When a station's own zone found it silent about a parameter.
    pub(crate) fn silent_since(
        &self,
        zone: AreaCode,
        station: StationNo,
        parameter: Parameter,
    ) -> Option<Time> {
        let inner = self.inner.read();
        inner.silences.get(&zone)?.silent_since(station, parameter)
    }

    /// Subjects that count for a tier because their sensors were lost and have not reported since, by
    /// hazard.
    pub(crate) fn raised_by_silence(&self) -> BTreeMap<Hazard, i64> {
        let mut found = BTreeMap::new();
        for item in self.inner.read().situations.values() {
            if item.stale && item.values.contains_key(rules::SILENCE) {
                *found.entry(item.hazard).or_default() += 1;
            }
        }
        found
    }

    /// Looks at what is silent, by the code of the zone.
    pub(crate) fn silences<T>(&self, look: impl FnOnce(&BTreeMap<AreaCode, Silences>) -> T) -> T {
        look(&self.inner.read().silences)
    }
}
