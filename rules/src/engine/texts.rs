//! Figures as text, for people and for what is printed.

use crate::condition::Call;
use crate::window::{Function, Value};

/// Decimal text in the parameter's unit; rates and means to nine places, ages in seconds.
pub(super) fn value_text(call: &Call, value: &Value) -> Option<String> {
    if !value.is_known() {
        return None;
    }
    let parameter = call.reading.parameter;
    let unit = i128::from(match call.reading.function {
        Function::Count => 1,
        Function::Age => 1000,
        Function::Last
        | Function::Sum
        | Function::Max
        | Function::Min
        | Function::Mean
        | Function::Delta
        | Function::Rate => parameter.quanta_per_unit(),
    });
    Some(decimal(value.number, value.of.saturating_mul(unit)))
}

/// `number / of` to nine places, half up as people round.
fn decimal(number: i128, of: i128) -> String {
    const PLACES: i128 = 1_000_000_000;
    let scaled = number
        .saturating_mul(PLACES)
        .saturating_mul(2)
        .saturating_add(of);
    let rounded = scaled.div_euclid(of.saturating_mul(2).max(1));
    let sign = if rounded < 0 { "-" } else { "" };
    let (whole, part) = (rounded.abs() / PLACES, rounded.abs() % PLACES);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:09}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}
