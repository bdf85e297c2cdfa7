//! The tier of one rule at one subject: latches that rise, hold and fall (semantics §17).

use crate::condition::Kleene;
use crate::rulebook::SITUATIONS_MAX;
use model::Tier;
use serde::{Deserialize, Serialize};

/// Tiers that warn.
pub(crate) const TIERS: usize = 5;

/// Truths of a rule's tiers, lowest first; unused places are false.
pub(crate) type Truths = [Kleene; TIERS];

/// One evaluation of a rule at a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    /// Observation time it speaks of, milliseconds.
    pub(crate) time: i64,
    /// When what it says came to hold: later than `time` where the situation asked for rose.
    pub(crate) from: i64,
    /// Tiers of the situations asked for.
    pub(crate) asked: Asked,
    /// Condition of the tier or a higher one, together with `continuing`.
    pub(crate) held: Truths,
    /// Relaxed condition of the tier or a higher one, partly covered windows unknown.
    pub(crate) relaxed: Truths,
    /// `lower.when`, if given.
    pub(crate) may_fall: bool,
}

/// How long a rule's conditions must hold or be gone, and what counts as a gap; milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holds {
    pub(crate) raise_ms: i64,
    pub(crate) lower_ms: i64,
    /// Longest step between evaluations that still counts as watching.
    pub(crate) gap_ms: i64,
}

/// The latches of a rule's tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Situation {
    latches: [Latch; TIERS],
    evaluated: Option<i64>,
    /// Tiers of the situations asked for at the last evaluation.
    asked: Asked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Latch {
    /// Since when the condition has held, while the latch is not set.
    since: Option<i64>,
    set: Option<Set>,
    /// How long the relaxed conditions have been false, while the latch is set.
    quiet_ms: Option<i64>,
}

/// When a latch was set, and by which evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set {
    pub(crate) at: i64,
    pub(crate) evaluated: i64,
    /// The situations asked for as they were then.
    pub(crate) asked: Asked,
}

/// What a latch waits for; milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it was set.
    pub(crate) set: Option<i64>,
    /// When it will be set, if its condition goes on to hold.
    pub(crate) rises: Option<i64>,
    /// How long its relaxed condition has been gone, while it is set.
    pub(crate) quiet_ms: Option<i64>,
}

/// Tiers of the situations that a rule asks for, half a byte each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked(u64);

impl Asked {
    pub(crate) fn new(tiers: &[Tier]) -> Self {
        let tiers = tiers.iter().take(SITUATIONS_MAX).rev();
        Self(tiers.fold(0, |packed, tier| packed << 4 | tier.index() as u64))
    }

    pub(crate) fn tiers(self) -> [Tier; SITUATIONS_MAX] {
        std::array::from_fn(|place| {
            let index = (self.0 >> (4 * place) & 0xf) as usize;
            let found = Tier::WARNING.into_iter().find(|t| t.index() == index);
            found.unwrap_or_default()
        })
    }
}

impl Situation {
    /// The place of the highest set latch, and when it was set.
    pub(crate) fn highest(&self) -> Option<(usize, Set)> {
        let set = |latch: &Latch| latch.set;
        self.latches
            .iter()
            .enumerate()
            .rev()
            .find_map(|(place, l)| set(l).map(|s| (place, s)))
    }

    /// True where nothing is set and nothing is waiting.
    pub(crate) fn is_idle(&self) -> bool {
        self.latches
            .iter()
            .all(|latch| latch.set.is_none() && latch.since.is_none())
    }

    /// What the latch of a place waits for.
    pub(crate) fn wait(&self, place: usize, holds: &Holds) -> Wait {
        let latch = self.latches.get(place).copied().unwrap_or_default();
        let rises = latch.since.filter(|_| latch.set.is_none());
        Wait {
            set: latch.set.map(|set| set.at),
            rises: rises.map(|since| since.saturating_add(holds.raise_ms)),
            quiet_ms: latch.quiet_ms,
        }
    }

    /// The earliest time at which a waiting rise completes.
    pub(crate) fn deadline(&self, holds: &Holds) -> Option<i64> {
        let waiting = |latch: &Latch| latch.set.is_none().then_some(latch.since).flatten();
        let due = self.latches.iter().filter_map(waiting).min()?;
        Some(due.saturating_add(holds.raise_ms))
    }

    /// The earliest time at which a fall completes, if nothing is evaluated before and what the
    /// conditions say stays.
    pub(crate) fn falls(&self, holds: &Holds) -> Option<i64> {
        let waiting = |latch: &Latch| latch.set.and(latch.quiet_ms);
        let quiet = self.latches.iter().filter_map(waiting);
        let longest = quiet.filter(|quiet| *quiet < holds.lower_ms).max()?;
        Some(self.evaluated?.saturating_add(holds.lower_ms - longest))
    }

    /// True where an evaluation with these very truths would change nothing, now or later, but for
    /// how long it has been quiet: a fall completes at [`Situation::falls`].
    pub(crate) fn rests(&self, held: &Truths, relaxed: &Truths) -> bool {
        let truths = held.iter().zip(relaxed);
        self.latches
            .iter()
            .zip(truths)
            .all(|(latch, (held, relaxed))| match latch.set {
                Some(_) => latch.quiet_ms.is_some() == (*relaxed == Kleene::False),
                None => *held != Kleene::True && latch.since.is_none(),
            })
    }

    /// True where a tier is on its way down.
    pub(crate) fn is_falling(&self) -> bool {
        let mut quiet = self.latches.iter().filter_map(|latch| latch.quiet_ms);
        quiet.next().is_some()
    }

    /// Notes that evaluations up to `time`, no gap among them, changed nothing.
    pub(crate) fn rested_until(&mut self, time: i64) {
        let Some(before) = self.evaluated else {
            return;
        };
        let rested = time.saturating_sub(before).max(0);
        for latch in &mut self.latches {
            latch.quiet_ms = latch.quiet_ms.map(|quiet| quiet.saturating_add(rested));
        }
        self.evaluated = Some(before.max(time));
    }

    /// Completes the rises whose deadline the record has passed, stamped with the deadline
    /// (semantics §4).
    pub(crate) fn pass(&mut self, record: i64, holds: &Holds) {
        let evaluated = self.evaluated.unwrap_or(record);
        for latch in &mut self.latches {
            if let (Some(since), None) = (latch.since, latch.set) {
                let at = since.saturating_add(holds.raise_ms);
                if at < record {
                    latch.set(at, evaluated, self.asked);
                }
            }
        }
    }

    /// One evaluation.
    pub(crate) fn step(&mut self, verdict: &Verdict, holds: &Holds) {
        for (latch, held) in self.latches.iter_mut().zip(verdict.held) {
            latch.raise(held, verdict, holds);
        }
        if self.latches.iter().any(|latch| latch.set.is_some()) {
            self.lower(verdict, holds);
        }
        self.evaluated = Some(verdict.time);
        self.asked = verdict.asked;
    }

    /// Clears each latch whose own evaluation a correction at `corrected` has made false.
    /// `again` evaluates once more at an earlier time, with the situations as they were then;
    /// `None` where too little is kept for it.
    pub(crate) fn withdraw(
        &mut self,
        corrected: i64,
        mut again: impl FnMut(&Set) -> Option<Truths>,
    ) -> bool {
        let mut withdrawn = false;
        for (place, latch) in self.latches.iter_mut().enumerate() {
            let Some(set) = latch.set.filter(|set| corrected <= set.evaluated) else {
                continue;
            };
            let truth = again(&set).and_then(|truths| truths.get(place).copied());
            if truth == Some(Kleene::False) {
                *latch = Latch::default();
                withdrawn = true;
            }
        }
        withdrawn
    }

    /// Ends every tier: a person's act at a subject that fell silent.
    pub(crate) fn clear(&mut self) {
        self.latches = [Latch::default(); TIERS];
    }

    /// The same latches for another list of tiers; those of tiers that are gone are dropped.
    pub(crate) fn moved<T: PartialEq>(&self, from: &[T], to: &[T]) -> Self {
        let mut moved = Self {
            evaluated: self.evaluated,
            asked: self.asked,
            ..Self::default()
        };
        for (tier, latch) in from.iter().zip(self.latches) {
            let place = to.iter().position(|held| held == tier);
            if let Some(place) = place.and_then(|place| moved.latches.get_mut(place)) {
                *place = latch;
            }
        }
        moved
    }

    fn lower(&mut self, verdict: &Verdict, holds: &Holds) {
        let step = self
            .evaluated
            .map_or(0, |before| verdict.time.saturating_sub(before));
        let watched = if step <= holds.gap_ms { step } else { 0 };
        for (latch, relaxed) in self.latches.iter_mut().zip(verdict.relaxed) {
            if latch.set.is_none() {
                continue;
            }
            latch.quiet_ms = match (relaxed, latch.quiet_ms) {
                (Kleene::False, Some(quiet)) => Some(quiet.saturating_add(watched)),
                (Kleene::False, None) => Some(0),
                (Kleene::Unknown | Kleene::True, _) => None,
            };
            if verdict.may_fall && latch.quiet_ms.is_some_and(|quiet| quiet >= holds.lower_ms) {
                *latch = Latch::default();
            }
        }
    }
}

impl Latch {
    fn raise(&mut self, held: Kleene, verdict: &Verdict, holds: &Holds) {
        if self.set.is_some() {
            return;
        }
        if held != Kleene::True {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(verdict.from);
        if verdict.from.saturating_sub(since) >= holds.raise_ms {
            let at = since.saturating_add(holds.raise_ms);
            self.set(at, verdict.time, verdict.asked);
        }
    }

    fn set(&mut self, at: i64, evaluated: i64, asked: Asked) {
        *self = Self {
            since: None,
            set: Some(Set {
                at,
                evaluated,
                asked,
            }),
            quiet_ms: None,
        };
    }
}

/// Truth of each tier or a higher one.
pub(crate) fn or_higher(truths: &mut Truths) {
    let mut above = Kleene::False;
    for truth in truths.iter_mut().rev() {
        *truth = (*truth).max(above);
        above = *truth;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kleene::{False, True, Unknown};

    const HOLDS: Holds = Holds {
        raise_ms: 10,
        lower_ms: 20,
        gap_ms: 15,
    };

    fn at(time: i64, held: Kleene, relaxed: Kleene) -> Verdict {
        let all = |truth| [truth, False, False, False, False];
        Verdict {
            time,
            from: time,
            asked: Asked::default(),
            held: all(held),
            relaxed: all(relaxed),
            may_fall: true,
        }
    }

    fn is_set(situation: &Situation) -> bool {
        situation.highest().is_some()
    }

    #[test]
    fn rises_after_its_hold_and_is_stamped_with_the_deadline() {
        let mut situation = Situation::default();
        situation.step(&at(100, True, True), &HOLDS);
        assert_eq!(situation.deadline(&HOLDS), Some(110));
        situation.pass(110, &HOLDS);
        assert!(
            !is_set(&situation),
            "the record at the deadline does not pass it"
        );
        situation.pass(111, &HOLDS);
        let set = Set {
            at: 110,
            evaluated: 100,
            asked: Asked::default(),
        };
        assert_eq!(situation.highest(), Some((0, set)));
    }

    #[test]
    fn an_unknown_evaluation_breaks_the_hold() {
        let mut situation = Situation::default();
        situation.step(&at(100, True, True), &HOLDS);
        situation.step(&at(105, Unknown, True), &HOLDS);
        situation.step(&at(112, True, True), &HOLDS);
        assert!(!is_set(&situation));
        situation.step(&at(122, True, True), &HOLDS);
        assert!(is_set(&situation));
    }

    #[test]
    fn falls_only_after_being_watched_long_enough() {
        let mut situation = Situation::default();
        situation.step(&at(100, True, True), &HOLDS);
        situation.step(&at(110, True, True), &HOLDS);
        situation.step(&at(120, False, False), &HOLDS);
        situation.step(&at(200, False, False), &HOLDS);
        assert!(is_set(&situation), "a gap adds nothing");
        situation.step(&at(210, False, False), &HOLDS);
        situation.step(&at(215, False, Unknown), &HOLDS);
        situation.step(&at(220, False, False), &HOLDS);
        situation.step(&at(235, False, False), &HOLDS);
        assert!(is_set(&situation), "unknown begins the hold again");
        situation.step(&at(240, False, False), &HOLDS);
        assert!(!is_set(&situation));
    }

    #[test]
    fn situations_asked_for_are_kept_with_the_latch() {
        let tiers: Vec<Tier> = (0..SITUATIONS_MAX)
            .map(|n| Tier::WARNING[n % Tier::WARNING.len()])
            .collect();
        assert_eq!(Asked::new(&tiers).tiers()[..], tiers);
        assert_eq!(Asked::new(&[]).tiers(), [Tier::None; SITUATIONS_MAX]);
    }

    #[test]
    fn a_correction_withdraws_what_it_made_false() {
        let mut situation = Situation::default();
        let at_once = Holds {
            raise_ms: 0,
            ..HOLDS
        };
        situation.step(&at(100, True, True), &at_once);
        assert!(
            !situation.withdraw(101, |_| Some([False; TIERS])),
            "later than the evaluation"
        );
        assert!(!situation.withdraw(90, |_| None));
        assert!(situation.withdraw(90, |_| Some([False; TIERS])));
        assert!(!is_set(&situation));
    }
}
