//! Which side of every bound the running sums of a series lie on, as one number.
//!
//! Where a rule hangs on sums alone, equal numbers mean equal truths of all its tiers: what was
//! at rest at the last reading is at rest at this one, and nothing need be evaluated.

use super::query::{Length, View};
use super::series::Slot;
use std::collections::BTreeMap;

/// Windows one number tells of.
const WINDOWS_MAX: usize = 8;
/// Bounds of one window it tells apart.
const BOUNDS_MAX: usize = 63;

/// The bounds of a rule, by window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gauge {
    /// Slot of each window and how many of the bounds are its own.
    windows: Box<[(u16, u16)]>,
    /// Sums at which a truth turns, those of one window beside each other.
    bounds: Box<[i64]>,
}

impl Gauge {
    /// Of the sums at which truths turn, by slot; `None` where one number cannot tell them all.
    pub(crate) fn new(turns: BTreeMap<u16, Vec<i64>>) -> Option<Self> {
        let mut windows = Vec::new();
        let mut bounds = Vec::new();
        for (slot, mut own) in turns {
            own.sort_unstable();
            own.dedup();
            if own.len() > BOUNDS_MAX {
                return None;
            }
            windows.push((slot, u16::try_from(own.len()).ok()?));
            bounds.extend(own);
        }
        (windows.len() <= WINDOWS_MAX).then(|| Self {
            windows: windows.into(),
            bounds: bounds.into(),
        })
    }

    /// Eight bits a window: bounds reached, whether anything is in it, whether it is covered.
    #[inline]
    pub(crate) fn read(&self, series: &View<'_>) -> u64 {
        self.number(series, |held, _| *held)
    }

    /// The same with suspect readings left out.
    pub(crate) fn read_sure(&self, series: &View<'_>) -> u64 {
        self.number(series, |held, window| {
            let mut sure = *held;
            series.leave_suspects_out(&mut sure, window);
            sure
        })
    }

    #[inline]
    fn number(&self, series: &View<'_>, figures: impl Fn(&Slot, &Length) -> Slot) -> u64 {
        let mut bounds = &*self.bounds;
        let mut number = 0;
        for (slot, count) in &self.windows {
            let (own, rest) = bounds
                .split_at_checked(usize::from(*count))
                .unwrap_or_default();
            bounds = rest;
            let slot = usize::from(*slot);
            let (Some(held), Some(length)) =
                (series.slots.get(slot), series.plan.lengths.get(slot))
            else {
                continue;
            };
            let held = figures(held, length);
            let reached: u64 = own.iter().map(|bound| u64::from(held.sum >= *bound)).sum();
            let covered = u64::from(length.is_covered(held.covered_s));
            number = number << 8 | reached << 2 | u64::from(held.count > 0) << 1 | covered;
        }
        number
    }
}
