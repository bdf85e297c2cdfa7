//! Effective antecedent rainfall: what fell, less with each day that has passed since.
//!
//! `R_e = R_0 + Σ kⁱ·R_i` over the running day and the days before it (Bruce and Clark 1966; k 0.84 is
//! the most cited, 0.8–0.85 in use; Zhuhai: four days before). Days begin at the window's time of day.
//! In the parameter's unit, mm. Powers of k are rounded to billionths once, the sum is exact.

use super::Source;
use crate::condition::Ratio;
use crate::condition::lull::{self, Lull};
use crate::window::{Value, Window};

/// The share that is left after a day, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decay(pub u32);

const MILLION: i64 = 1_000_000;
const BILLION: i64 = 1_000_000_000;

impl Decay {
    /// Weights of the running day and those before it, in billionths.
    pub fn weights(self) -> impl Iterator<Item = i64> {
        let next = move |weight: &i64| Some((weight * i64::from(self.0) + MILLION / 2) / MILLION);
        std::iter::successors(Some(BILLION), next)
    }
}

/// What days came to, each with its weight.
struct Weighed {
    sum: i128,
    known: u32,
    covered: i64,
    asked: i64,
    /// What readings of today stand for beyond what of it has passed.
    over: i64,
}

fn weigh(decay: Decay, source: &Source<'_>) -> Option<Weighed> {
    let Some(Window::Calendar { days, .. }) = source.window else {
        return None;
    };
    let today = source.series.day_of(source.time)?;
    let mut weighed = Weighed {
        sum: 0,
        known: 0,
        covered: 0,
        asked: 0,
        over: 0,
    };
    let numbers = (0..i32::from(days)).map(|ago| today - ago);
    for (weight, number) in decay.weights().zip(numbers) {
        let day = source.series.day(number, source.time, source.suspects);
        let length_s = source.series.day_length_s(number, source.time);
        weighed.sum += i128::from(day.sum) * i128::from(weight);
        weighed.known += day.count;
        let covered_s = i64::from(day.covered_s);
        weighed.covered += weight * covered_s.min(length_s);
        if number == today {
            weighed.over = weight * (covered_s - length_s).max(0);
        }
        weighed.asked += weight * length_s;
    }
    Some(weighed)
}

impl Weighed {
    /// What is covered over four fifths of what is asked; below nothing where it is not covered.
    fn spare(&self) -> i128 {
        i128::from(self.covered) * 10 - i128::from(self.asked) * 8
    }

    fn value(&self) -> Value {
        if self.known == 0 {
            return Value::UNKNOWN;
        }
        Value {
            number: self.sum,
            of: i128::from(BILLION),
            covered: self.spare() >= 0,
        }
    }
}

pub(super) fn of(decay: Decay, source: &Source<'_>) -> Value {
    weigh(decay, source).map_or(Value::UNKNOWN, |weighed| weighed.value())
}

/// What must come before the figure reaches any of the edges that lie above it, or is covered where it
/// was not, or not where it was. Within a day it grows by no more than falls, and today weighs most.
pub(crate) fn still(decay: Decay, source: &Source<'_>, edges: impl Iterator<Item = Ratio>) -> Lull {
    let Some(weighed) = weigh(decay, source).filter(|weighed| weighed.known > 0) else {
        return Lull::NONE;
    };
    let value = weighed.value();
    let above = edges.filter(|edge| {
        let there = edge.number().checked_mul(value.of);
        let here = value.number.checked_mul(edge.of());
        there.zip(here).is_none_or(|(there, here)| there >= here)
    });
    let still = Lull {
        days: true,
        sink: -1,
        ..Lull::LASTING
    };
    let still = above.fold(still, |still, edge| {
        still.or(lull::raining(edge, Some(&value)))
    });
    let spare = weighed.spare();
    let billion = i128::from(BILLION);
    let whole = |seconds: i128| i64::try_from(seconds).unwrap_or(i64::MAX);
    if spare >= 0 {
        let lasts_ms = whole(spare / (8 * billion)).saturating_mul(1000);
        let until = source.time.millis().saturating_add(lasts_ms);
        Lull { until, ..still }
    } else {
        // What readings stand for beyond now covers what comes, without any further one.
        let lacking = -spare - 10 * i128::from(weighed.over);
        let cover_s = whole((lacking + 10 * billion - 1).div_euclid(10 * billion));
        Lull { cover_s, ..still }
    }
}
