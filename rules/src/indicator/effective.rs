//! Effective antecedent rainfall: what fell, less with each day that has passed since.
//!
//! `R_e = R_0 + Σ kⁱ·R_i` over the running day and the days before it (Bruce and Clark 1966; k 0.84 is
//! the most cited, 0.8–0.85 in use; Zhuhai: four days before). Days begin at the window's time of day.
//! In the parameter's unit, mm. Powers of k are rounded to billionths once, the sum is exact.

use super::Source;
use crate::window::{Day, Value, Window};

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

pub(super) fn of(decay: Decay, source: &Source<'_>) -> Value {
    let Some(Window::Calendar { days, .. }) = source.window else {
        return Value::UNKNOWN;
    };
    let Some(today) = source.series.day_of(source.time) else {
        return Value::UNKNOWN;
    };
    let mut sum = 0i128;
    let (mut known, mut covered, mut asked) = (0u32, 0i64, 0i64);
    for (weight, number) in decay
        .weights()
        .zip((0..i32::from(days)).map(|ago| today - ago))
    {
        let Day {
            sum: of_day,
            count,
            covered_s,
            ..
        } = source.series.day(number, source.time, source.suspects);
        let length_s = source.series.day_length_s(number, source.time);
        sum += i128::from(of_day) * i128::from(weight);
        known += count;
        covered += weight * i64::from(covered_s).min(length_s);
        asked += weight * length_s;
    }
    if known == 0 {
        return Value::UNKNOWN;
    }
    Value {
        number: sum,
        of: i128::from(BILLION),
        covered: i128::from(covered) * 10 >= i128::from(asked) * 8,
    }
}
