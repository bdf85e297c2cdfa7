//! Follows an accepted observation to the first message it causes, for the latency histogram.
//!
//! Times here are for statistics alone: nothing decides by them, and nothing of them is stored.

use crate::clock::monotonic_micros;
use crate::metrics::{Metrics, stage};
use model::Zone;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// Marks kept at most per zone; older ones are forgotten and their latency not measured.
const MARKS_MAX: usize = 4096;

/// When inputs were accepted and which intents they led to.
#[derive(Default)]
pub(crate) struct Latency {
    accepted: Mutex<BTreeMap<Zone, VecDeque<(u64, u64)>>>,
    intents: Mutex<VecDeque<(String, u64)>>,
}

impl Latency {
    /// Input `offset` of `zone` was accepted at `micros`.
    pub(crate) fn accepted(&self, zone: Zone, offset: u64, micros: u64) {
        let mut zones = self.accepted.lock();
        let marks = zones.entry(zone).or_default();
        if marks.len() == MARKS_MAX {
            marks.pop_front();
        }
        marks.push_back((offset, micros));
    }

    /// When input `offset` of `zone` was accepted, if it was in this process and not long ago.
    pub(crate) fn of_input(&self, zone: Zone, offset: u64) -> Option<u64> {
        let mut zones = self.accepted.lock();
        let marks = zones.get_mut(&zone)?;
        while marks.front().is_some_and(|(at, _)| *at < offset) {
            marks.pop_front();
        }
        marks
            .front()
            .filter(|(at, _)| *at == offset)
            .map(|(_, micros)| *micros)
    }

    /// The input accepted at `micros` led to intent `id`.
    pub(crate) fn caused(&self, id: String, micros: u64) {
        let mut intents = self.intents.lock();
        if intents.len() == MARKS_MAX {
            intents.pop_front();
        }
        intents.push_back((id, micros));
    }

    /// The first message of intent `id` is on the wire: observed once.
    pub(crate) fn on_wire(&self, id: &str, metrics: &Metrics) {
        let mut intents = self.intents.lock();
        let Some(at) = intents.iter().position(|(known, _)| known == id) else {
            return;
        };
        if let Some((_, micros)) = intents.remove(at) {
            observe(metrics, stage::FIRST_ON_WIRE, micros);
        }
    }
}

/// Observes the time since `micros` under `stage`.
pub(crate) fn observe(metrics: &Metrics, stage: &str, micros: u64) {
    let passed = monotonic_micros().saturating_sub(micros);
    metrics
        .latency
        .with_label_values(&[stage])
        .observe(passed as f64 / 1e6);
}
