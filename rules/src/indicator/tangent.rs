//! Improved tangent angle of a slope's displacement, degrees (许强 et al. 2009).
//!
//! `α = arctan(v/v0)`: v is the rate now, by least squares over the window; v0 is the mean rate while the
//! slope crept evenly. At 45° it moves as ever, 80° is 5.67 v0 (警戒), 85° is 11.43 v0 (警报). v0 is the
//! site's, in the parameter's unit a day, or found in its days: the mean rate between daily means, to
//! which a day adds only while its own rate is below twice the mean so far, so that v0 stands still
//! while the slope accelerates. A slope that hardly moves has no v0, and the angle is unknown.

use super::{Bound, PER_UNIT, Source};
use crate::window::{Function, Value};

/// Days whose rates make the first v0.
pub const FIRST_DAYS: usize = 7;
/// Quanta a day, in billionths, below which a slope stands still: 0.05 mm.
const STILL: i128 = 5 * BILLION;
const BILLION: i128 = 1_000_000_000;

pub(super) fn of(v0: Bound, source: &Source<'_>) -> Value {
    let (series, time) = (source.series, source.time);
    let Some(window) = source.window else {
        return Value::UNKNOWN;
    };
    let creep = match v0 {
        Bound::Given(_) | Bound::Site(_) => source.bound(v0),
        Bound::Found(days) => creep(days, source),
    };
    let rate = series.figure(
        Function::Rate,
        window.start(time, source.offset),
        time,
        source.suspects,
    );
    let Some(creep) = creep.filter(|creep| *creep > 0 && rate.is_known()) else {
        return Value::UNKNOWN;
    };
    // An angle is for the eye and for bounds of whole degrees: a double's precision is far beyond both.
    let a_day = 24.0 * rate.number as f64 / rate.of as f64;
    let times = a_day / (creep as f64 / BILLION as f64);
    let degrees = libm::atan(times) * (180.0 / std::f64::consts::PI);
    Value::whole((degrees * PER_UNIT as f64).round() as i64, rate.covered)
}

/// Rate of even creep found in the days that are over, in billionths of a quantum a day.
fn creep(days: u16, source: &Source<'_>) -> Option<i128> {
    let (series, time) = (source.series, source.time);
    let today = series.day_of(time)?;
    let means = (1..i32::from(days)).rev().filter_map(|ago| {
        let number = today - ago;
        let day = series.day(number, time, source.suspects);
        let mean = i128::from(day.sum) * BILLION / i128::from(day.count.max(1));
        (day.count > 0).then_some((number, mean))
    });
    let (mut sum, mut count) = (0i128, 0usize);
    let mut before: Option<(i32, i128)> = None;
    for (number, mean) in means {
        if let Some((earlier, from)) = before.replace((number, mean)) {
            let rate = (mean - from) / i128::from(number - earlier);
            let so_far = sum / i128::try_from(count.max(1)).unwrap_or(1);
            if count < FIRST_DAYS || rate < 2 * so_far {
                sum += rate;
                count += 1;
            }
        }
    }
    let mean = sum / i128::try_from(count.max(1)).unwrap_or(1);
    (count >= FIRST_DAYS && mean >= STILL).then_some(mean)
}
