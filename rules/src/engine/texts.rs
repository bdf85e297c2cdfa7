//! Figures as text, for people and for what is printed.

use crate::condition::Call;
use crate::forecast::Ask;
use crate::indicator::{NEVER, PER_UNIT};
use crate::window::{Function, Value};

/// Decimal text in the parameter's unit; rates and means to nine places, ages in seconds.
pub(super) fn value_text(call: &Call, value: &Value) -> Option<String> {
    let known = value.is_known();
    known.then(|| figure_text(call, value.number, value.of))
}

/// A figure of a call, `number / of` in its quanta, as decimal text.
pub(super) fn figure_text(call: &Call, number: i128, of: i128) -> String {
    let parameter = call.reading.parameter;
    if number >= NEVER && of == 1 {
        return "∞".into();
    }
    let unit = i128::from(match call.reading.function {
        Function::Indicator(indicator) => {
            let own = || parameter.quanta_per_unit();
            indicator.measure().per_unit().unwrap_or_else(own)
        }
        Function::Expected(Ask::CircleIn(_) | Ask::Distance | Ask::Closest) => PER_UNIT,
        Function::Count => 1,
        Function::Age => 1000,
        Function::Last
        | Function::Sum
        | Function::Max
        | Function::Min
        | Function::Mean
        | Function::Delta
        | Function::Rate
        | Function::Expected(Ask::Sum | Ask::Max | Ask::Min) => parameter.quanta_per_unit(),
    });
    decimal(number, of.saturating_mul(unit))
}

/// `number / of` to nine places, half up as people round.
fn decimal(number: i128, of: i128) -> String {
    const PLACES: i128 = 1_000_000_000;
    let is_exact = of > 0 && PLACES % of == 0;
    let rounded = if is_exact {
        number.saturating_mul(PLACES / of)
    } else {
        let scaled = number
            .saturating_mul(PLACES)
            .saturating_mul(2)
            .saturating_add(of);
        scaled.div_euclid(of.saturating_mul(2).max(1))
    };
    let sign = if rounded < 0 { "-" } else { "" };
    let places = PLACES.unsigned_abs();
    let (whole, part) = match u64::try_from(rounded.unsigned_abs()) {
        // The machine divides these; longer ones take a hundred times as long.
        Ok(size) => (u128::from(size / 1_000_000_000), size % 1_000_000_000),
        Err(_) => {
            let size = rounded.unsigned_abs();
            (size / places, (size % places) as u64)
        }
    };
    let mut text = match u64::try_from(whole) {
        Ok(whole) => format!("{sign}{whole}"),
        Err(_) => format!("{sign}{whole}"),
    };
    if part > 0 {
        text.push('.');
        let mut rest = part;
        let mut unit = 100_000_000;
        while rest > 0 {
            text.push(char::from(b'0' + (rest / unit) as u8));
            rest %= unit;
            unit /= 10;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::decimal;
    use proptest::prelude::*;

    /// The same by text alone: long division, digit by digit, of the rounded quotient.
    fn plain(number: i128, of: i128) -> String {
        let scaled = number * 2_000_000_000 + of;
        let rounded = scaled.div_euclid(of * 2);
        let digits = format!("{:010}", rounded.unsigned_abs());
        let (whole, part) = digits.split_at(digits.len() - 9);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        let sign = if rounded < 0 { "-" } else { "" };
        format!("{sign}{whole}{point}{part}")
    }

    proptest! {
        #[test]
        fn figures_are_written_as_long_division_has_them(
            number in prop_oneof![-1_000_000i64..1_000_000, any::<i64>()],
            of in prop_oneof![Just(1), Just(10), Just(10_000), 1i64..100_000, 1..i64::MAX],
        ) {
            let (number, of) = (i128::from(number), i128::from(of));
            prop_assert_eq!(decimal(number, of), plain(number, of));
        }
    }
}
