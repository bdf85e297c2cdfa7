//! How rare the rain of a window is: its return period in years, from the fitted levels of the station.
//!
//! Between two levels the logarithm of the years goes with the value (a straight line on Gumbel paper, as
//! far as two points tell); below the lowest the years go with the value to nothing, above the highest
//! they stay: nobody fitted further. Unknown where `climate.csv` has no levels for the window.

use super::{PER_UNIT, Source};
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

#[cfg(test)]
mod tests {
    use super::years;
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
}
