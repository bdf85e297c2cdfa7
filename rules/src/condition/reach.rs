//! What a figure can ever be: a comparison beyond that always or never holds, which nobody means.
//!
//! Values lie within what intake lets pass; sums of rain within what was ever recorded, rounded up
//! (WMO's archive of extremes: 38 mm in a minute, 401 mm in an hour, 1,825 mm in a day, 3,930 mm in
//! three days, 9,300 mm in a month, 26,461 mm in a year).

use super::ConditionError;
use super::parse::{Call, Reading};
use super::program::{Atom, Op, Test};
use super::ratio::Ratio;
use crate::forecast::Ask;
use crate::indicator::{Indicator, Measure};
use crate::window::{Function, Window};
use model::{Parameter, Span};

/// Minutes, and the rain that never fell in so many, mm.
const RAIN_MAX: [(i64, i128); 10] = [
    (1, 50),
    (15, 250),
    (60, 500),
    (180, 800),
    (360, 1_100),
    (720, 1_500),
    (1_440, 2_000),
    (4_320, 4_500),
    (31 * 1_440, 10_000),
    (366 * 1_440, 30_000),
];
/// Half the way around the Earth, km.
const FAR_KM: i128 = 20_040;

/// Least and greatest of a figure, in its quanta; `None` where there is no telling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reach {
    low: Option<i128>,
    high: Option<i128>,
}

/// Which way a comparison goes whatever is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) holds: bool,
    /// True where the greatest value decides, false where the least does.
    by_high: bool,
}

/// Whether a comparison always or never holds; `None` where that hangs on what is measured.
pub(super) fn fixed(op: &Op, calls: &[Call]) -> Option<Fixed> {
    match op {
        Op::AtLeast { call, bound } => decided(one(*call, *bound, calls)?, Test::AtLeast),
        Op::AtMost { call, bound } => decided(one(*call, *bound, calls)?, Test::AtMost),
        Op::Linear(atom) => decided(sum_of(atom, calls)?, atom.test),
        Op::Tier { .. } | Op::Constant(_) | Op::And | Op::Or => None,
    }
}

/// A notice about a comparison that always or never holds.
pub(super) fn remark(op: &Op, calls: &[Call]) -> Option<ConditionError> {
    let found = fixed(op, calls)?;
    let words = single(op).and_then(|(call, is_negative)| {
        let call = calls.get(usize::from(call))?;
        let reach = of(call.reading);
        let is_high = found.by_high != is_negative;
        let limit = if is_high { reach.high } else { reach.low }?;
        let limit = shown(call.reading, limit);
        let text = &call.text;
        Some(match (found.holds, is_high) {
            (true, true) => format!("every {text} is at most {limit}"),
            (true, false) => format!("every {text} is at least {limit}"),
            (false, true) => format!("no {text} is more than {limit}"),
            (false, false) => format!("no {text} is less than {limit}"),
        })
    });
    let words = words.unwrap_or_else(|| "its figures do not reach so far".into());
    Some(match found.holds {
        true => ConditionError::new(
            format!("this always holds: {words}"),
            "check the number and its unit, or take the comparison out",
        ),
        false => ConditionError::new(
            format!("this never holds: {words}"),
            "check the number and its unit: mm(30), m(3), cm(15)",
        ),
    })
}

fn one(call: u16, bound: i64, calls: &[Call]) -> Option<Reach> {
    let reach = of(calls.get(usize::from(call))?.reading);
    let less = |limit: i128| limit - i128::from(bound);
    Some(Reach {
        low: reach.low.map(less),
        high: reach.high.map(less),
    })
}

/// The only call of a comparison, and whether it is taken away rather than added.
fn single(op: &Op) -> Option<(u16, bool)> {
    match op {
        Op::AtLeast { call, .. } | Op::AtMost { call, .. } => Some((*call, false)),
        Op::Linear(atom) => match &*atom.calls {
            [(call, factor)] => Some((*call, *factor < 0)),
            _ => None,
        },
        Op::Tier { .. } | Op::Constant(_) | Op::And | Op::Or => None,
    }
}

/// How far a comparison's sum of calls reaches above and below its bound.
fn sum_of(atom: &Atom, calls: &[Call]) -> Option<Reach> {
    if !atom.sites.is_empty() {
        return None;
    }
    let mut sum = Reach {
        low: Some(atom.constant),
        high: Some(atom.constant),
    };
    for (call, factor) in &atom.calls {
        let reach = of(calls.get(usize::from(*call))?.reading);
        let (low, high) = match *factor < 0 {
            true => (reach.high, reach.low),
            false => (reach.low, reach.high),
        };
        let add = |sum: Option<i128>, limit: Option<i128>| {
            let term = limit?.checked_mul(*factor)?;
            sum?.checked_add(term)
        };
        sum = Reach {
            low: add(sum.low, low),
            high: add(sum.high, high),
        };
    }
    Some(sum)
}

/// What a test of something against nought comes to wherever it lies in its reach.
fn decided(reach: Reach, test: Test) -> Option<Fixed> {
    let low = |is: fn(&i128) -> bool| reach.low.as_ref().is_some_and(is);
    let high = |is: fn(&i128) -> bool| reach.high.as_ref().is_some_and(is);
    let above = || Fixed {
        holds: true,
        by_high: false,
    };
    let below = || Fixed {
        holds: true,
        by_high: true,
    };
    let opposite = |found: Fixed| Fixed {
        holds: false,
        ..found
    };
    let is_above = low(|low| *low > 0).then(above);
    let is_below = high(|high| *high < 0).then(below);
    match test {
        Test::AtLeast => low(|low| *low >= 0).then(above).or(is_below.map(opposite)),
        Test::Above => is_above.or(high(|high| *high <= 0).then(below).map(opposite)),
        Test::AtMost => high(|high| *high <= 0)
            .then(below)
            .or(is_above.map(opposite)),
        Test::Below => is_below.or(low(|low| *low >= 0).then(above).map(opposite)),
        Test::Equal => is_above.or(is_below).map(opposite),
        Test::Differs => is_above.or(is_below),
    }
}

fn of(reading: Reading) -> Reach {
    let parameter = reading.parameter;
    let quanta = i128::from(parameter.quanta_per_unit());
    let (low, high) = parameter.range();
    let (low, high) = (i128::from(low), i128::from(high));
    let value = Reach {
        // A sensor above the water reads a little below nothing: nobody means that by a bound.
        low: Some(if parameter == Parameter::WaterDepth {
            0
        } else {
            low
        }),
        high: Some(high),
    };
    let not_negative = Reach {
        low: Some(0),
        high: None,
    };
    match reading.function {
        Function::Last | Function::Max | Function::Min | Function::Mean => value,
        Function::Expected(Ask::Max | Ask::Min) => value,
        Function::Sum | Function::Expected(Ask::Sum) => Reach {
            low: (low >= 0).then_some(0),
            high: rain_in(parameter, reading.window).map(|mm| mm * quanta),
        },
        Function::Delta => Reach {
            low: Some(low - high),
            high: Some(high - low),
        },
        Function::Count | Function::Age | Function::Expected(Ask::CircleIn(_)) => not_negative,
        Function::Expected(Ask::Distance | Ask::Closest) => Reach {
            high: Measure::Kilometres
                .per_unit()
                .map(|per| FAR_KM * i128::from(per)),
            ..not_negative
        },
        Function::Indicator(Indicator::Spell(_)) => Reach {
            high: days(reading.window).map(i128::from),
            ..not_negative
        },
        Function::Indicator(
            Indicator::Effective(_)
            | Indicator::Exceedance(_)
            | Indicator::Failure(_)
            | Indicator::Approach(_)
            | Indicator::ReturnPeriod,
        ) => not_negative,
        Function::Indicator(Indicator::TangentAngle(_)) => {
            let right_angle = Measure::Degrees.per_unit().map(|per| 90 * i128::from(per));
            Reach {
                low: right_angle.map(|angle| -angle),
                high: right_angle,
            }
        }
        Function::Rate | Function::Indicator(Indicator::Spi) => Reach::default(),
    }
}

/// Days of a window, with the one that runs.
fn days(window: Option<Window>) -> Option<u16> {
    match window? {
        Window::Calendar { days, .. } => Some(days),
        Window::Rolling(_) => None,
    }
}

/// The most rain of a window, mm.
fn rain_in(parameter: Parameter, window: Option<Window>) -> Option<i128> {
    if parameter != Parameter::Rainfall {
        return None;
    }
    let span: Span = window?.longest();
    let minutes = span.millis().div_euclid(60_000);
    let mut known = RAIN_MAX.into_iter();
    let within = known.find(|(longest, _)| minutes <= *longest);
    within.map(|(_, millimetres)| millimetres)
}

/// A figure in words: `500 mm`.
fn shown(reading: Reading, quanta: i128) -> String {
    let parameter = reading.parameter;
    let per = match reading.function {
        Function::Indicator(indicator) => indicator.measure().per_unit().unwrap_or(1),
        Function::Expected(Ask::Distance | Ask::Closest | Ask::CircleIn(_)) => {
            Measure::Kilometres.per_unit().unwrap_or(1)
        }
        Function::Count | Function::Age => 1,
        Function::Last
        | Function::Sum
        | Function::Max
        | Function::Min
        | Function::Mean
        | Function::Delta
        | Function::Rate
        | Function::Expected(Ask::Sum | Ask::Max | Ask::Min) => {
            let whole = i64::try_from(quanta).map(|quanta| parameter.decimal(quanta));
            let unit = Some(parameter.unit()).filter(|unit| *unit != super::unit::UNITLESS);
            let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
            return format!("{}{unit}", whole.unwrap_or_default());
        }
    };
    let whole = Ratio::new(quanta, i128::from(per)).map(Ratio::floor);
    whole.unwrap_or_default().to_string()
}
