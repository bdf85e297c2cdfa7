//! What this process knows of partitions from its own writes: it reads what it wrote.

use crate::{Assigned, Offset, Partition, Topic};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

type Place = (Topic, Partition);

/// Ends, times and trim points as far as this process has seen to them. One entry a partition.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<FxHashMap<Place, Known>>);

#[derive(Clone, Copy, Debug)]
struct Known {
    end: u64,
    first: u64,
    time_ms: i64,
    /// The time of what was there before is known.
    asked: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            end: 0,
            first: 0,
            time_ms: i64::MIN,
            asked: false,
        }
    }
}

impl Ends {
    /// The record time of what is written at `at_ms`: never before what was there.
    pub(crate) fn time(&self, place: Place, at_ms: i64) -> i64 {
        let mut known = self.0.lock();
        let known = known.entry(place).or_default();
        known.time_ms = known.time_ms.max(at_ms);
        known.time_ms
    }

    /// Whether the time of what others wrote before is known.
    pub(crate) fn knows_time(&self, place: Place) -> bool {
        self.0.lock().get(&place).is_some_and(|known| known.asked)
    }

    /// Notes the time of the newest record that was there.
    pub(crate) fn learn_time(&self, place: Place, newest_ms: Option<i64>) {
        let mut known = self.0.lock();
        let known = known.entry(place).or_default();
        known.asked = true;
        known.time_ms = known.time_ms.max(newest_ms.unwrap_or(i64::MIN));
    }

    /// Own records that are committed, up to `end`.
    pub(crate) fn written(&self, run: &Assigned, end: u64) {
        let mut known = self.0.lock();
        let known = known.entry((run.topic, run.partition)).or_default();
        known.end = known.end.max(end);
    }

    /// Before `first` all is gone.
    pub(crate) fn trimmed(&self, place: Place, first: u64) {
        let mut known = self.0.lock();
        let known = known.entry(place).or_default();
        known.first = known.first.max(first);
    }

    /// The end of what this process committed.
    pub(crate) fn end(&self, place: Place) -> u64 {
        self.0.lock().get(&place).map_or(0, |known| known.end)
    }

    /// The first offset that may be there.
    pub(crate) fn first(&self, place: Place) -> Offset {
        Offset(self.0.lock().get(&place).map_or(0, |known| known.first))
    }
}
