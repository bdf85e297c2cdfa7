//! The tier of an area out of the tiers of its subjects (semantics §19).

use crate::rulebook::Quorum;
use model::{AreaNo, Tier};

/// What one subject counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The tier found.
    pub(crate) reached: Tier,
    /// The tier put forward: found, or close to; none while the rise is past.
    pub(crate) put: Tier,
    /// The tier found in time; what needs no signature goes by it.
    pub(crate) timely: Tier,
    /// The same without rises that rest on suspect values only.
    pub(crate) confirmed: Tier,
    /// The tier found in time by readings, without what silence adds to it.
    pub(crate) measured: Tier,
}

/// Subjects of one rule in one area, counted by tier.
#[derive(Clone, Debug)]
pub(crate) struct AreaCount {
    pub(crate) area: AreaNo,
    present: u32,
    reached: [u32; 6],
    put: [u32; 6],
    timely: [u32; 6],
    confirmed: [u32; 6],
    measured: [u32; 6],
}

impl AreaCount {
    pub(crate) const fn new(area: AreaNo) -> Self {
        Self {
            area,
            present: 0,
            reached: [0; 6],
            put: [0; 6],
            timely: [0; 6],
            confirmed: [0; 6],
            measured: [0; 6],
        }
    }

    /// One more subject in service, silent ones with the tier they keep.
    pub(crate) fn enrol(&mut self) {
        self.present += 1;
        for counts in [
            &mut self.reached,
            &mut self.put,
            &mut self.timely,
            &mut self.confirmed,
            &mut self.measured,
        ] {
            counts[0] += 1;
        }
    }

    /// True where no subject has a tier by its readings.
    pub(crate) const fn is_calm(&self) -> bool {
        self.measured[0] == self.present
    }

    /// Subjects in service.
    pub(crate) const fn present(&self) -> u32 {
        self.present
    }

    /// A subject's standing changed.
    pub(crate) fn change(&mut self, from: Standing, to: Standing) {
        swap(&mut self.reached, from.reached, to.reached);
        swap(&mut self.put, from.put, to.put);
        swap(&mut self.timely, from.timely, to.timely);
        swap(&mut self.confirmed, from.confirmed, to.confirmed);
        swap(&mut self.measured, from.measured, to.measured);
    }

    /// The area's tiers: each the highest that enough subjects have.
    pub(crate) fn standing(&self, quorum: Quorum) -> Standing {
        let needed = quorum.needed(self.present);
        let timely = highest(&self.timely, needed, |_| 0);
        // A neighbour at the tier confirms what alone would rest on suspect values (semantics §13);
        // one that is silent confirms nothing.
        let sure = highest(&self.confirmed, needed, |_| 0);
        let beside = highest(&self.measured, needed, |_| 1);
        let confirmed = sure.max(beside);
        Standing {
            reached: highest(&self.reached, needed, |_| 0),
            put: highest(&self.put, needed, |_| 0),
            timely,
            confirmed,
            measured: highest(&self.measured, needed, |_| 0),
        }
    }
}

fn swap(counts: &mut [u32; 6], from: Tier, to: Tier) {
    counts[from.index()] -= 1;
    counts[to.index()] += 1;
}

fn at_least(counts: &[u32; 6], tier: Tier) -> u32 {
    counts.iter().skip(tier.index()).sum()
}

fn highest(counts: &[u32; 6], needed: u32, more: impl Fn(Tier) -> u32) -> Tier {
    let enough = |tier: &Tier| at_least(counts, *tier) >= needed + more(*tier);
    Tier::WARNING
        .into_iter()
        .rev()
        .find(enough)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(tier: Tier, confirmed: Tier) -> Standing {
        Standing {
            reached: tier,
            put: tier,
            timely: tier,
            confirmed,
            measured: tier,
        }
    }

    #[test]
    fn takes_the_highest_tier_that_enough_subjects_have() {
        let mut area = AreaCount::new(AreaNo(0));
        for _ in 0..5 {
            area.enrol();
        }
        let none = Standing::default();
        area.change(none, standing(Tier::Red, Tier::Red));
        area.change(none, standing(Tier::Yellow, Tier::Yellow));
        let two = Quorum::Of { n: 2, m: 5 };
        assert_eq!(area.standing(two).put, Tier::Yellow);
        assert_eq!(area.standing(Quorum::Count(1)).put, Tier::Red);
        assert_eq!(area.standing(Quorum::Percent(5000)).put, Tier::None);
    }

    #[test]
    fn a_silent_neighbour_confirms_nothing() {
        let mut area = AreaCount::new(AreaNo(0));
        let lost = Standing {
            measured: Tier::Yellow,
            ..standing(Tier::Orange, Tier::Yellow)
        };
        for _ in 0..3 {
            area.enrol();
            area.change(Standing::default(), lost);
        }
        let found = area.standing(Quorum::Count(1));
        assert_eq!((found.put, found.timely), (Tier::Orange, Tier::Orange));
        assert_eq!(found.confirmed, Tier::Yellow);
    }

    #[test]
    fn a_neighbour_confirms_a_suspect_rise() {
        let mut area = AreaCount::new(AreaNo(0));
        area.enrol();
        area.enrol();
        let one = Quorum::Count(1);
        area.change(Standing::default(), standing(Tier::Red, Tier::None));
        assert_eq!(area.standing(one).timely, Tier::Red);
        assert_eq!(area.standing(one).confirmed, Tier::None);
        area.change(Standing::default(), standing(Tier::Red, Tier::None));
        assert_eq!(area.standing(one).confirmed, Tier::Red);
    }
}
