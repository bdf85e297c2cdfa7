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
    /// Sums at which a truth turns: those of one turn by window, turns of one figure rising.
    bounds: Box<[i64]>,
}

/// A figure: a sum, or the highest of several by their own measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    windows: u16,
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
            for turn in turns {
                let bound_of = |window| turn.get(window).copied();
                bounds.extend((0..own.len()).map(bound_of).collect::<Option<Vec<_>>>()?);
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
            let (own, turns) = part.split(&mut slots, &mut bounds);
            let next = part.row(turns, reached);
            let last = reached
                .checked_sub(1)
                .and_then(|last| part.row(turns, last));
            let (mut is_there, mut is_known, mut is_covered) = (reached == 0, false, false);
            for (window, slot) in own.iter().enumerate() {
                let Some((held, length)) = of(series, *slot).filter(|(held, _)| held.count > 0)
                else {
                    continue;
                };
                let is_at = |turn: Option<&[i64]>| {
                    let bound = turn.and_then(|bounds| bounds.get(window));
                    bound.is_some_and(|bound| held.sum >= *bound)
                };
                if is_at(next) {
                    return false;
                }
                is_there = is_there || is_at(last);
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
            let (own, turns) = part.split(&mut slots, &mut bounds);
            let (mut reached, mut known, mut covered) = (0u64, 0u64, 0u64);
            for (window, slot) in own.iter().enumerate() {
                let Some((held, length)) = of(series, *slot) else {
                    continue;
                };
                let held = figures(held, length);
                if held.count > 0 {
                    let own = turns
                        .iter()
                        .skip(window)
                        .step_by(usize::from(part.windows).max(1));
                    let is_at = own.map(|bound| u64::from(held.sum >= *bound));
                    reached = reached.max(is_at.sum());
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

    /// The bounds of one turn, by window.
    #[inline]
    fn row(self, turns: &[i64], turn: usize) -> Option<&[i64]> {
        let windows = usize::from(self.windows);
        turns.get(turn * windows..(turn + 1) * windows)
    }
}

#[inline]
fn of<'v>(series: &View<'v>, slot: u16) -> Option<(&'v Slot, &'v Length)> {
    let slot = usize::from(slot);
    series.slots.get(slot).zip(series.plan.lengths.get(slot))
}

#[cfg(test)]
mod tests {
    use super::{Gauge, Turning};
    use crate::window::{Block, Plan};
    use model::{Observation, Parameter, Quality, Span, StationNo, Time};
    use proptest::prelude::*;

    const MINUTES: [i64; 4] = [5, 15, 40, 120];

    /// Minutes since the reading before, quanta, seconds it stands for.
    fn readings() -> impl Strategy<Value = Vec<(i64, i32, u32)>> {
        let bout = (
            1usize..60,
            prop_oneof![2 => Just(0i32), 2 => 1i32..6, 1 => 6i32..40],
            prop_oneof![8 => Just(1i64), 1 => 2i64..12, 1 => 30i64..90],
            prop_oneof![8 => Just(60u32), 1 => Just(300u32), 1 => Just(1800u32)],
        );
        let each = |(count, value, step, interval_s): (usize, i32, i64, u32)| {
            (0..count).map(move |at| (if at == 0 { step } else { 1 }, value, interval_s))
        };
        let bouts = prop::collection::vec(bout, 2..14);
        bouts.prop_map(move |bouts| bouts.into_iter().flat_map(each).collect())
    }

    /// Bounds that rise, by window.
    fn bounds() -> impl Strategy<Value = [[i64; 3]; 4]> {
        let rising = prop::array::uniform3(1i64..400).prop_map(|steps| {
            let mut sum = 0;
            steps.map(|step| {
                sum += step;
                sum
            })
        });
        prop::array::uniform4(rising)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// One sum and the highest of four: the number says what the figures say, and is told from all
        /// others.
        #[test]
        fn a_number_is_what_figures_say(rows in readings(), slot in 0u16..4, curve in bounds()) {
            let mut plan = Plan::default();
            for minutes in MINUTES {
                plan.add_slot(Span::from_minutes(minutes));
            }
            let mut block = Block::new(plan, Parameter::Rainfall);
            block.add(60);
            let own = curve[usize::from(slot)];
            let sum = Turning {
                slots: vec![slot],
                turns: own.iter().map(|bound| vec![*bound]).collect(),
            };
            let highest = Turning {
                slots: (0..4).collect(),
                turns: (0..3).map(|turn| curve.iter().map(|own| own[turn]).collect()).collect(),
            };
            let gauge = Gauge::new([sum, highest]).unwrap();
            let mut minute = 28_000_000;
            for (at, (step, value, interval_s)) in rows.into_iter().enumerate() {
                minute += step;
                let reading = Observation {
                    station: StationNo(0),
                    parameter: Parameter::Rainfall,
                    time: Time::from_minute(minute),
                    value,
                    interval_s,
                    quality: if at % 23 == 22 { Quality::Suspect } else { Quality::Correct },
                };
                block.place(0, &reading);
                let view = block.view(0).unwrap();
                let figures = [0, 1, 2, 3].map(|slot| {
                    view.running(crate::window::Function::Sum, slot, true)
                });
                let reached = |slot: usize| {
                    let known = figures[slot].is_known();
                    let turns = curve[slot].iter();
                    turns.filter(|bound| known && figures[slot].number >= i128::from(**bound)).count() as u64
                };
                let of = |slots: &[usize]| {
                    let highest = slots.iter().map(|slot| reached(*slot)).max().unwrap();
                    let known = slots.iter().any(|slot| figures[*slot].is_known());
                    let covered = slots.iter().any(|slot| figures[*slot].is_known() && figures[*slot].covered);
                    highest << 2 | u64::from(known) << 1 | u64::from(covered)
                };
                let number = of(&[usize::from(slot)]) << 8 | of(&[0, 1, 2, 3]);
                prop_assert_eq!(gauge.read(&view), number);
                for other in 0u64..1 << 4 {
                    let one = other << 8 | number & 0xff;
                    let two = number & 0xff00 | other;
                    prop_assert_eq!(gauge.reads(one, &view), one == number);
                    prop_assert_eq!(gauge.reads(two, &view), two == number);
                }
            }
        }
    }
}
