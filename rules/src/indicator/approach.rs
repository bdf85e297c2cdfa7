//! Hours until a threshold is reached, should the present rate go on.
//!
//! `(bound − newest)/rate`, the rate by least squares over the window. Nothing where the bound is
//! reached, never where the value stands or moves away from it. Rising is towards a bound above.

use super::{Bound, PER_UNIT, Source, never};
use crate::window::{Function, Value};

/// Billionths in which bounds are given.
const BILLION: i128 = 1_000_000_000;

pub(super) fn of(bound: Bound, source: &Source<'_>) -> Value {
    let (series, time) = (source.series, source.time);
    let (Some(window), Some(bound)) = (source.window, source.bound(bound)) else {
        // A threshold that a site does not have is never reached there.
        return never();
    };
    let newest = series.scan(Function::Last, time, time, source.suspects);
    let from = window.start(time, source.offset);
    let rate = series.figure(Function::Rate, from, time, source.suspects);
    if !newest.is_known() || !rate.is_known() {
        return Value::UNKNOWN;
    }
    let left = bound - newest.number * BILLION;
    if left <= 0 {
        return Value::whole(0, true);
    }
    if rate.number <= 0 {
        return Value {
            covered: rate.covered,
            ..never()
        };
    }
    // left/10⁹ quanta at number/of quanta an hour; thousandths of an hour, as exact as 128 bits allow.
    let quotient = left
        .checked_mul(i128::from(PER_UNIT))
        .and_then(|left| left.checked_mul(rate.of))
        .zip(rate.number.checked_mul(BILLION));
    match quotient {
        Some((number, of)) if number / of < super::NEVER => Value {
            number: number / of,
            of: 1,
            covered: rate.covered,
        },
        Some(_) | None => Value {
            covered: rate.covered,
            ..never()
        },
    }
}
