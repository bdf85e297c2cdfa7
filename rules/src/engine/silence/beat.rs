//! How often those series report whose stations register no interval.

use super::layout::{Listened, Listening};
use model::{Cadence, Span, StationNo, Time};
use serde::{Deserialize, Serialize};

/// One series.
#[derive(Clone, Copy, Default)]
struct Beat {
    /// The newest reading at the last look.
    last: Option<i64>,
    cadence: Cadence,
}

/// Every series by number; who registers an interval is not followed.
pub(super) struct Beats(Vec<Beat>);

/// A series at rest, by names that outlive a registry.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    station: StationNo,
    parameter: u8,
    last: Time,
    cadence: Cadence,
}

impl Beats {
    pub(super) fn new(series: usize) -> Self {
        Self(vec![Beat::default(); series])
    }

    /// Takes note of the newest reading at a look. One that was taken back leaves no gap.
    pub(super) fn follow(&mut self, series: usize, newest: i64) {
        let Some(beat) = self.0.get_mut(series).filter(|_| newest > i64::MIN) else {
            return;
        };
        match beat.last {
            Some(last) if newest > last => {
                beat.cadence.note(Span::from_millis(newest - last));
            }
            Some(_) | None => {}
        }
        beat.last = Some(newest);
    }

    pub(super) fn cadence(&self, series: u32) -> Cadence {
        self.0
            .get(series as usize)
            .map(|beat| beat.cadence)
            .unwrap_or_default()
    }

    /// So many of the intervals that its readings show, milliseconds; nothing where one is registered.
    pub(super) fn patience(&self, of: &Listened, series: u32, intervals: u8) -> i64 {
        match of.is_learnt {
            true => self.cadence(series).patience(intervals).millis(),
            false => 0,
        }
    }

    pub(super) fn frozen(&self, laid: &Listening) -> Vec<Kept> {
        let numbered = laid.series.iter().zip(&self.0);
        let kept = numbered.filter_map(|(of, beat)| {
            Some(Kept {
                station: of.station,
                parameter: of.parameter.code(),
                last: Time::from_millis(beat.last?),
                cadence: beat.cadence,
            })
        });
        kept.collect()
    }

    pub(super) fn thaw(&mut self, laid: &Listening, kept: &[Kept]) {
        let key = |kept: &Kept| (kept.station, kept.parameter);
        let mut sorted: Vec<Kept> = kept.to_vec();
        sorted.sort_unstable_by_key(key);
        for (of, beat) in laid.series.iter().zip(&mut self.0) {
            let wanted = (of.station, of.parameter.code());
            let found = sorted.binary_search_by_key(&wanted, key);
            let found = found.ok().and_then(|at| sorted.get(at));
            // Who registers an interval since then is followed no longer.
            if let Some(kept) = found.filter(|_| of.is_learnt) {
                *beat = Beat {
                    last: Some(kept.last.millis()),
                    cadence: kept.cadence,
                };
            }
        }
    }
}
