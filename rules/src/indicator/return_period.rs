//! How rare the rain of a window is: its return period in years, from the fitted levels of the station.
//!
//! Between two levels the logarithm of the years goes with the value (a straight line on Gumbel paper, as
//! far as two points tell); below the lowest the years go with the value to nothing, above the highest
//! they stay: nobody fitted further. Unknown where `climate.csv` has no levels for the window.

use super::{PER_UNIT, Source};
use crate::condition::Ratio;
use crate::window::{Function, Value, Window};
use model::climate::Level;

pub(super) fn of(source: &Source<'_>) -> Value {
    let Some(Window::Rolling(window)) = source.window else {
        return Value::UNKNOWN;
    };
    let levels = source.station.map(|station| {
        let climate = source.climate;
        climate.levels(source.parameter, window, station)
    });
    let from = source.time - window;
    let sum = source
        .series
        .figure(Function::Sum, from, source.time, source.suspects);
    match levels.and_then(|levels| years(levels, sum.number as f64)) {
        Some(years) if sum.is_known() => {
            Value::whole((years * PER_UNIT as f64).round() as i64, sum.covered)
        }
        Some(_) | None => Value::UNKNOWN,
    }
}

/// The return period of a value in quanta.
fn years(levels: &[Level], value: f64) -> Option<f64> {
    let (first, last) = (levels.first()?, levels.last()?);
    if value < f64::from(first.value) {
        return Some(first.years * (value / f64::from(first.value)).max(0.0));
    }
    let mut pairs = levels.iter().zip(levels.iter().skip(1));
    let between = pairs.find(|(_, upper)| value < f64::from(upper.value));
    let Some((lower, upper)) = between else {
        return Some(last.years);
    };
    let share =
        (value - f64::from(lower.value)) / (f64::from(upper.value) - f64::from(lower.value));
    let (from, to) = (libm::log(lower.years), libm::log(upper.years));
    Some(libm::exp(from + (to - from) * share))
}

/// The least sum in quanta whose return period is at least so many thousandths of a year; none is where
/// no level is as rare.
pub(crate) fn turn(levels: &[Level], thousandths: i64) -> i64 {
    let reaches = |sum: i64| {
        let years = years(levels, sum as f64);
        years.is_some_and(|years| (years * PER_UNIT as f64).round() as i64 >= thousandths)
    };
    let last = levels.last().map_or(0, |level| i64::from(level.value));
    if thousandths <= 0 {
        return i64::MIN;
    }
    if !reaches(last) {
        return i64::MAX;
    }
    let (mut below, mut at) = (0, last);
    while at - below > 1 {
        let middle = below + (at - below) / 2;
        if reaches(middle) {
            at = middle;
        } else {
            below = middle;
        }
    }
    at
}

/// The value in quanta that is reached once in so many years; `None` where none is.
fn amount(levels: &[Level], years: f64) -> Option<f64> {
    let (first, last) = (levels.first()?, levels.last()?);
    if years < first.years {
        return Some(f64::from(first.value) * years.max(0.0) / first.years);
    }
    let mut pairs = levels.iter().zip(levels.iter().skip(1));
    let Some((lower, upper)) = pairs.find(|(_, upper)| years <= upper.years) else {
        return (years <= last.years).then(|| f64::from(last.value));
    };
    let (from, to) = (libm::log(lower.years), libm::log(upper.years));
    let share = (libm::log(years) - from) / (to - from);
    let width = f64::from(upper.value) - f64::from(lower.value);
    Some(f64::from(lower.value) + width * share)
}

/// Quanta by which a sum must grow before its return period, in thousandths of a year, can come to
/// `edge` from where it is: never more than it takes.
pub(crate) fn left(levels: &[Level], value: Option<&Value>, edge: Ratio) -> i64 {
    // What is rounded, and a quantum on each side for what is not exact.
    let (half, margin) = (0.5 / PER_UNIT as f64, 2.0);
    let years = |number: i128, of: i128| number as f64 / of as f64 / PER_UNIT as f64;
    let Some(last) = levels.last() else {
        return i64::MAX;
    };
    let wanted = years(edge.number(), edge.of()) - half;
    if wanted > last.years + half {
        return i64::MAX;
    }
    let held = value.map_or(0.0, |value| years(value.number, value.of) + half);
    let amounts = [wanted, held].map(|years| amount(levels, years.min(last.years)));
    match amounts {
        [Some(wanted), Some(held)] => (wanted - held - margin).floor() as i64,
        [None, _] | [_, None] => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_UNIT, left, turn, years};
    use crate::condition::Ratio;
    use crate::window::Value;
    use model::climate::Level;

    #[test]
    fn levels_are_met_and_what_lies_between_is_between() {
        let levels = [(2.0, 5000), (10.0, 8000), (50.0, 10_500)];
        let levels = levels.map(|(years, value)| Level { years, value });
        for (value, wanted) in [
            (0.0, 0.0),
            (2500.0, 1.0),
            (5000.0, 2.0),
            (8000.0, 10.0),
            (10_500.0, 50.0),
            (20_000.0, 50.0),
        ] {
            assert!(
                (years(&levels, value).unwrap() - wanted).abs() < 1e-9,
                "{value}"
            );
        }
        // Half the way from 2 to 10 years is their geometric mean.
        assert!((years(&levels, 6500.0).unwrap() - 20f64.sqrt()).abs() < 1e-9);
        assert_eq!(years(&[], 1.0), None);
    }

    #[test]
    fn what_is_left_is_never_more_than_it_takes_and_little_less() {
        let levels = [(2.0, 5000), (10.0, 8000), (50.0, 10_500)];
        let levels = levels.map(|(years, value)| Level { years, value });
        let period = |sum: i64| {
            let years = years(&levels, sum as f64).unwrap();
            Value::whole((years * PER_UNIT as f64).round() as i64, true)
        };
        for edge in [500, 1999, 2000, 2001, 5000, 10_000, 20_000, 49_999, 50_000] {
            let reached = (0..20_000).find(|sum| period(*sum).number >= i128::from(edge));
            assert_eq!(Some(turn(&levels, edge)), reached);
            for sum in (0..reached.unwrap()).step_by(7) {
                let left = left(&levels, Some(&period(sum)), Ratio::whole(edge));
                let takes = reached.unwrap() - sum;
                assert!(
                    (takes - 30..=takes).contains(&left),
                    "{edge} {sum} {left} {takes}"
                );
            }
        }
        assert_eq!(left(&levels, None, Ratio::whole(60_000)), i64::MAX);
        assert_eq!(left(&[], None, Ratio::whole(1)), i64::MAX);
        assert_eq!(turn(&levels, 60_000), i64::MAX);
    }
}
