//! What the screens show: a read model built from the journal's topics, never a source of truth.

mod item;

pub(crate) use item::{
    CallItem, DeliveryItem, LastValue, SignalItem, SituationItem, WarningItem, deliveries_key,
};

use crate::stream::Stream;
use model::{City, Observation, Offset, Parameter, Signal, Tier, Time, Warning, WarningId};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Warnings kept for the screens; the oldest ended ones go first.
const WARNINGS_MAX: usize = 2_000;
/// Signals kept for the screens; lifted ones are dropped at once.
const SIGNALS_MAX: usize = 2_000;
/// Calls kept for the screens.
const CALLS_MAX: usize = 20_000;
/// Delivery rows kept for the screens.
const DELIVERIES_MAX: usize = 10_000;

/// The read model, shared by API handlers and fed by the pumps and couriers.
pub(crate) struct View {
    offset: Offset,
    stream: Stream,
    inner: RwLock<Inner>,
    last: Vec<RwLock<BTreeMap<Parameter, Last>>>,
}

#[derive(Clone, Copy)]
struct Last {
    time: Time,
    value: i32,
    quality: u8,
}

#[derive(Default)]
struct Inner {
    time: Time,
    warnings: BTreeMap<WarningId, WarningItem>,
    originals: BTreeMap<WarningId, Arc<Warning>>,
    situations: BTreeMap<(String, String), SituationItem>,
    signals: BTreeMap<String, SignalItem>,
    calls: BTreeMap<(WarningId, String, String), CallItem>,
    deliveries: BTreeMap<String, DeliveryItem>,
}

impl View {
    /// An empty view of `city` that tells `stream` of every change.
    pub(crate) fn new(city: &City, stream: Stream) -> Self {
        Self {
            offset: city.offset,
            stream,
            inner: RwLock::default(),
            last: city.stations.iter().map(|_| RwLock::default()).collect(),
        }
    }

    /// The event stream behind the view.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Text of an instant as the screens show it.
    pub(crate) fn text(&self, time: Time) -> String {
        time.display(self.offset)
    }

    /// Record time moved on; screens hear of it once a second of record time at most.
    pub(crate) fn time(&self, time: Time) {
        let mut inner = self.inner.write();
        if time.seconds() > inner.time.seconds() {
            inner.time = time;
            let text = self.text(time);
            self.stream.send("time", &serde_json::json!({ "time": text }));
        }
    }

    /// The latest record time seen.
    pub(crate) fn now(&self) -> Time {
        self.inner.read().time
    }

    /// Values that were taken in; keeps the newest of each station and parameter.
    pub(crate) fn observed(&self, observations: &[Observation]) {
        for observation in observations {
            let Some(place) = self.last.get(observation.station.0 as usize) else {
                continue;
            };
            let mut parameters = place.write();
            let newest = parameters.entry(observation.parameter).or_insert(Last {
                time: observation.time,
                value: observation.value,
                quality: observation.quality.code(),
            });
            if observation.time >= newest.time {
                *newest = Last {
                    time: observation.time,
                    value: observation.value,
                    quality: observation.quality.code(),
                };
            }
        }
    }

    /// The newest value of each parameter of station number `station`.
    pub(crate) fn last(&self, station: usize) -> BTreeMap<&'static str, LastValue> {
        let Some(place) = self.last.get(station) else {
            return BTreeMap::new();
        };
        let parameters = place.read();
        parameters
            .iter()
            .map(|(parameter, last)| {
                let value = LastValue {
                    time: self.text(last.time),
                    value: parameter.decimal(i64::from(last.value)),
                    unit: parameter.unit(),
                    quality: last.quality,
                };
                (parameter.name(), value)
            })
            .collect()
    }

    /// A revision of a warning.
    pub(crate) fn warning(&self, warning: Warning, item: WarningItem) {
        self.stream.send("warning", &item);
        let mut inner = self.inner.write();
        inner.warnings.insert(warning.id, item);
        inner.originals.insert(warning.id, Arc::new(warning));
        while inner.warnings.len() > WARNINGS_MAX {
            let oldest = inner
                .originals
                .values()
                .min_by_key(|w| (w.tier() != Tier::None, w.time))
                .map(|w| w.id);
            let Some(id) = oldest else { break };
            inner.warnings.remove(&id);
            inner.originals.remove(&id);
        }
    }

    /// The newest revision of a warning.
    pub(crate) fn original(&self, id: WarningId) -> Option<Arc<Warning>> {
        self.inner.read().originals.get(&id).cloned()
    }

    /// A change of tier at a subject; a subject without a tier leaves the list.
    pub(crate) fn situation(&self, item: SituationItem) {
        self.stream.send("situation", &item);
        let key = (item.rule.clone(), item.subject.clone());
        let mut inner = self.inner.write();
        if item.tier == Tier::None {
            inner.situations.remove(&key);
        } else {
            inner.situations.insert(key, item);
        }
    }

    /// A received signal: an update replaces what it refers to, a cancel lifts it.
    pub(crate) fn signal(&self, signal: &Signal) {
        let item = SignalItem::new(signal, self.offset);
        self.stream.send("signal", &item);
        let mut inner = self.inner.write();
        for reference in &signal.references {
            inner.signals.remove(reference);
        }
        match signal.kind {
            model::signal::SignalKind::Alert | model::signal::SignalKind::Update => {
                inner.signals.insert(signal.identifier.clone(), item);
            }
            model::signal::SignalKind::Cancel => {}
        }
        while inner.signals.len() > SIGNALS_MAX {
            inner.signals.pop_first();
        }
    }

    /// A row of the call-and-answer board.
    pub(crate) fn call(&self, warning: WarningId, item: CallItem) {
        self.stream.send("call", &item);
        let mut inner = self.inner.write();
        let place = item.site.clone().unwrap_or_else(|| item.area.clone());
        inner.calls.insert((warning, place, item.contact.clone()), item);
        while inner.calls.len() > CALLS_MAX {
            inner.calls.pop_first();
        }
    }

    /// A row of delivery progress.
    pub(crate) fn delivery(&self, item: DeliveryItem) {
        self.stream.send("delivery", &item);
        let mut inner = self.inner.write();
        inner.deliveries.insert(deliveries_key(&item), item);
        while inner.deliveries.len() > DELIVERIES_MAX {
            inner.deliveries.pop_first();
        }
    }

    /// Warnings: those in force or proposed by tier, then the ended ones, newest first.
    pub(crate) fn warnings(&self) -> Vec<WarningItem> {
        let inner = self.inner.read();
        let mut items: Vec<_> = inner.warnings.values().cloned().collect();
        items.sort_by(|a, b| b.tier.cmp(&a.tier).then_with(|| b.time.cmp(&a.time)));
        items
    }

    /// One warning.
    pub(crate) fn warning_item(&self, id: WarningId) -> Option<WarningItem> {
        self.inner.read().warnings.get(&id).cloned()
    }

    /// Subjects with a tier, highest first.
    pub(crate) fn situations(&self) -> Vec<SituationItem> {
        let inner = self.inner.read();
        let mut items: Vec<_> = inner.situations.values().cloned().collect();
        items.sort_by(|a, b| b.tier.cmp(&a.tier).then_with(|| a.subject.cmp(&b.subject)));
        items
    }

    /// The tier of a subject over all rules.
    pub(crate) fn tiers(&self) -> BTreeMap<String, Tier> {
        let inner = self.inner.read();
        let mut tiers = BTreeMap::new();
        for item in inner.situations.values() {
            let tier = tiers.entry(item.subject.clone()).or_insert(Tier::None);
            *tier = (*tier).max(item.tier);
        }
        tiers
    }

    /// Signals in force.
    pub(crate) fn signals(&self) -> Vec<SignalItem> {
        self.inner.read().signals.values().cloned().collect()
    }

    /// The call board.
    pub(crate) fn calls(&self) -> Vec<CallItem> {
        self.inner.read().calls.values().cloned().collect()
    }

    /// Delivery progress.
    pub(crate) fn deliveries(&self) -> Vec<DeliveryItem> {
        self.inner.read().deliveries.values().cloned().collect()
    }
}
