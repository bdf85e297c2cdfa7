//! Series in expanding notation: `0x30 1.5x10 _x5 10+10x5`.
//!
//! As in Prometheus' rule tests: `a+bxn` is a, a+b, … a+n·b (n + 1 values), `a-bxn` counts down,
//! `axn` is n + 1 times a, `_` is a missing value and `_xn` is n of them.

use crate::condition::Ratio;
use model::{Parameter, Quanta};

/// Most values one series may expand to.
pub(super) const VALUES_MAX: usize = 100_000;

/// What is wrong with a series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SeriesError {
    #[error("{0:?} is not a value, a+bxn, axn, _ or _xn")]
    Token(String),
    #[error("it has more than {VALUES_MAX} values")]
    TooLong,
}

/// The values of a series; `None` where one is missing.
pub(super) fn expand(text: &str, parameter: Parameter) -> Result<Vec<Option<Quanta>>, SeriesError> {
    let mut values = Vec::new();
    for token in text.split_whitespace() {
        let error = || SeriesError::Token(token.chars().take(40).collect());
        let (value, times) = match token.rsplit_once('x') {
            Some((value, times)) => (value, Some(times.parse::<usize>().map_err(|_| error())?)),
            None => (token, None),
        };
        let count = times.map_or(1, |n| if value == "_" { n } else { n.saturating_add(1) });
        if values.len().saturating_add(count) > VALUES_MAX {
            return Err(SeriesError::TooLong);
        }
        if value == "_" {
            values.extend(std::iter::repeat_n(None, count));
            continue;
        }
        let (start, step) = start_and_step(value, parameter).ok_or_else(error)?;
        for number in (0i64..).take(count) {
            let value = step
                .checked_mul(number)
                .and_then(|moved| start.checked_add(moved));
            let quanta = value.and_then(|value| Quanta::try_from(value).ok());
            values.push(Some(quanta.ok_or_else(error)?));
        }
    }
    Ok(values)
}

/// `a+b` or `a-b` or `a`, in quanta.
fn start_and_step(text: &str, parameter: Parameter) -> Option<(i64, i64)> {
    let split = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'));
    let (start, step) = match split {
        Some((at, sign)) => {
            let step = quanta(text.get(at + 1..)?, parameter)?;
            (text.get(..at)?, if sign == '-' { -step } else { step })
        }
        None => (text, 0),
    };
    Some((quanta(start, parameter)?, step))
}

fn quanta(text: &str, parameter: Parameter) -> Option<i64> {
    let ratio = Ratio::parse(text)?;
    let scaled = ratio
        .number()
        .checked_mul(i128::from(parameter.quanta_per_unit()))?;
    (scaled % ratio.of() == 0).then(|| i64::try_from(scaled / ratio.of()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_prometheus_does() {
        let rain = |text| expand(text, Parameter::Rainfall);
        assert_eq!(rain("1+0.5x2"), Ok(vec![Some(100), Some(150), Some(200)]));
        assert_eq!(
            rain("3-1x2 _ _x2"),
            Ok(vec![Some(300), Some(200), Some(100), None, None, None])
        );
        assert_eq!(rain("-1x1"), Ok(vec![Some(-100), Some(-100)]));
        for wrong in ["a", "1x", "x5", "1+x3", "0.001", "1e3"] {
            assert!(rain(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rain("0x999999"), Err(SeriesError::TooLong));
    }
}
