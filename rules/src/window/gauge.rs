//! Which side of every bound the running sums of a series lie on, as one number.
//!
//! Where a rule hangs on sums alone, equal numbers mean equal truths of all its tiers: what was
//! at rest at the last reading is at rest at this one, and nothing need be evaluated. Of a figure that
//! is the highest of several windows' it tells how far the highest of them got, not each.

use super::query::{Length, View};
use super::series::Slot;

/// Figures one number tells of.
const PARTS_MAX: usize = 8;
/// Turns of one figure it tells apart.
const TURNS_MAX: usize = 63;

/// The bounds of a rule, by figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gauge {
    parts: Box<[Part]>,
    /// Slots of the windows, those of one figure beside each other.
    slots: Box<[u16]>,
    /// Sums at which a truth turns, by window, rising.
    bounds: Box<[i64]>,
}

/// A figure: a sum, or the highest of several by their own measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    windows: u16,
    /// Bounds of each window.
    turns: u16,
}

/// What of a figure the truths hang on: the slots of its windows, and for each place where a truth
/// turns, the sum at which that is, by window. A turn that comes later in one window comes no earlier
/// in another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turning {
    pub(crate) slots: Vec<u16>,
    pub(crate) turns: Vec<Vec<i64>>,
}

impl Gauge {
    /// Of where truths turn; `None` where one number cannot tell them all.
    pub(crate) fn new(figures: impl IntoIterator<Item = Turning>) -> Option<Self> {
        let (mut parts, mut slots, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
        for Turning {
            slots: own,
            mut turns,
        } in figures
        {
            turns.sort_unstable();
            turns.dedup();
            if turns.len() > TURNS_MAX {
                return None;
            }
            parts.push(Part {
                windows: u16::try_from(own.len()).ok()?,
                turns: u16::try_from(turns.len()).ok()?,
            });
            for window in 0..own.len() {
                for turn in &turns {
                    bounds.push(*turn.get(window)?);
                }
            }
            slots.extend(own);
        }
        (parts.len() <= PARTS_MAX).then(|| Self {
            parts: parts.into(),
            slots: slots.into(),
            bounds: bounds.into(),
        })
    }

    /// Eight bits a figure: turns reached, whether anything is in it, whether it is covered.
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

    /// True where reading it would give that number: of each window two bounds are looked at.
    #[inline]
    pub(crate) fn reads(&self, number: u64, series: &View<'_>) -> bool {
        let (mut slots, mut bounds) = (&*self.slots, &*self.bounds);
        let mut shift = 8 * self.parts.len();
        self.parts.iter().all(|part| {
            shift -= 8;
            let wanted = number >> shift & 0xff;
            let reached = (wanted >> 2) as usize;
            let (mut is_there, mut is_known, mut is_covered) = (reached == 0, false, false);
            let (own, bounds_of) = part.split(&mut slots, &mut bounds);
            for (slot, bounds) in own.iter().zip(bounds_of.chunks(part.chunk())) {
                let Some((held, length)) = of(series, *slot).filter(|(held, _)| held.count > 0)
                else {
                    continue;
                };
                let at = |turn: usize| bounds.get(turn).is_some_and(|bound| held.sum >= *bound);
                if at(reached) {
                    return false;
                }
                is_there = is_there || at(reached - 1);
                is_known = true;
                is_covered = is_covered || length.is_covered(held.covered_s);
            }
            is_there && u64::from(is_known) << 1 | u64::from(is_covered) == wanted & 0b11
        })
    }

    fn number(&self, series: &View<'_>, figures: impl Fn(&Slot, &Length) -> Slot) -> u64 {
        let (mut slots, mut bounds) = (&*self.slots, &*self.bounds);
        let mut number = 0;
        for part in &self.parts {
            let (own, bounds_of) = part.split(&mut slots, &mut bounds);
            let (mut reached, mut known, mut covered) = (0u64, 0u64, 0u64);
            for (slot, bounds) in own.iter().zip(bounds_of.chunks(part.chunk())) {
                let Some((held, length)) = of(series, *slot) else {
                    continue;
                };
                let held = figures(held, length);
                if held.count > 0 {
                    let own = bounds.iter().map(|bound| u64::from(held.sum >= *bound));
                    reached = reached.max(own.sum());
                    known = 1;
                    covered |= u64::from(length.is_covered(held.covered_s));
                }
            }
            number = number << 8 | reached << 2 | known << 1 | covered;
        }
        number
    }
}

impl Part {
    /// Takes what is its own off the front of all slots and bounds.
    #[inline]
    fn split<'g>(self, slots: &mut &'g [u16], bounds: &mut &'g [i64]) -> (&'g [u16], &'g [i64]) {
        let (windows, turns) = (usize::from(self.windows), usize::from(self.turns));
        let (own, others) = slots.split_at_checked(windows).unwrap_or_default();
        let (rising, rest) = bounds.split_at_checked(windows * turns).unwrap_or_default();
        (*slots, *bounds) = (others, rest);
        (own, rising)
    }

    /// Bounds of one window.
    #[inline]
    fn chunk(self) -> usize {
        usize::from(self.turns).max(1)
    }
}

#[inline]
fn of<'v>(series: &View<'v>, slot: u16) -> Option<(&'v Slot, &'v Length)> {
    let slot = usize::from(slot);
    series.slots.get(slot).zip(series.plan.lengths.get(slot))
}
