//! How often the rain of the last hours is over an intensity–duration threshold.
//!
//! A curve `I = c + a·D^−b` (I mm/h over D hours) says from which mean intensity on slides were seen. The
//! figure is the largest `I/I_curve` over the durations 1, 3, 6, 12, 24, 48 and 72 hours that end now and
//! lie in the curve's range: 1 is on the curve. Curves: Caine 1980 (world, shallow slides and debris
//! flows), Guzzetti et al. 2008 (world, lower envelope), Aleotti 2004 (Piedmont), Innes 1983, Crosta and
//! Frattini 2001, Jan and Chen 2005 (Taiwan), Dahal and Hasegawa 2008 (Nepal); others by their figures.

use super::{PER_UNIT, Source};
use crate::condition::Ratio;
use crate::window::{Function, Value, View};
use model::{Span, Time};

/// Durations over which a curve is asked, hours.
pub const DURATIONS_H: [u16; 7] = [1, 3, 6, 12, 24, 48, 72];

/// Rain amounts on a curve, hundredths of a millimetre at each of [`DURATIONS_H`]; 0 outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Curve {
    amounts: [i64; DURATIONS_H.len()],
}

/// A curve of the literature.
struct Named {
    name: &'static str,
    a: f64,
    b: f64,
    c: f64,
    /// Hours it was drawn over.
    from_h: f64,
    to_h: f64,
}

const NAMED: [Named; 7] = [
    named("caine", 14.82, 0.39, 0.0, 0.167, 500.0),
    named("guzzetti", 2.20, 0.44, 0.0, 0.1, 1000.0),
    named("aleotti", 19.0, 0.50, 0.0, 0.0, f64::INFINITY),
    named("innes", 4.93, 0.50, 0.0, 0.1, 100.0),
    named("crosta_frattini", 7.2, 1.0, 0.48, 0.1, 1000.0),
    named("jan_chen", 13.5, 0.20, 0.0, 0.7, 40.0),
    named("dahal_hasegawa", 73.90, 0.79, 0.0, 5.0, 720.0),
];

const fn named(name: &'static str, a: f64, b: f64, c: f64, from_h: f64, to_h: f64) -> Named {
    Named {
        name,
        a,
        b,
        c,
        from_h,
        to_h,
    }
}

impl Curve {
    /// Names of the curves of the literature.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|curve| curve.name)
    }

    /// The curve of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        let curve = NAMED.iter().find(|curve| curve.name == name)?;
        Self::new(curve.a, curve.b, curve.c, curve.from_h..=curve.to_h)
    }

    /// `I = c + a·D^−b`; `None` where it asks for no rain, or for more than anybody measured, somewhere
    /// within its hours.
    pub fn new(a: f64, b: f64, c: f64, hours: std::ops::RangeInclusive<f64>) -> Option<Self> {
        let mut amounts = [0; DURATIONS_H.len()];
        for (amount, duration) in amounts.iter_mut().zip(DURATIONS_H) {
            let duration = f64::from(duration);
            if hours.contains(&duration) {
                let millimetres = (c + a * libm::pow(duration, -b)) * duration;
                if !(0.01..=1e7).contains(&millimetres) {
                    return None;
                }
                *amount = (millimetres * 100.0).round() as i64;
            }
        }
        Some(Self { amounts })
    }

    /// Amounts on the curve with their durations.
    pub fn amounts(&self) -> impl Iterator<Item = (Span, i64)> {
        let pairs = DURATIONS_H.into_iter().zip(self.amounts);
        let span = |hours: u16| Span::from_minutes(i64::from(hours) * 60);
        let pairs = pairs.map(move |(hours, amount)| (span(hours), amount));
        pairs.filter(|(_, amount)| *amount > 0)
    }
}

pub(super) fn of(curve: &Curve, source: &Source<'_>) -> Value {
    let mut highest = Value::UNKNOWN;
    let mut covered = false;
    for (duration, amount) in curve.amounts() {
        let from: Time = source.time - duration;
        let sum = source
            .series
            .figure(Function::Sum, from, source.time, source.suspects);
        if !sum.is_known() {
            continue;
        }
        // What the longest of them lacks, shorter ones have not lost.
        covered |= sum.covered;
        let ratio = Value {
            number: sum.number * i128::from(PER_UNIT),
            of: i128::from(amount),
            covered: true,
        };
        if !highest.is_known() || ratio.number * highest.of > highest.number * ratio.of {
            highest = ratio;
        }
    }
    Value { covered, ..highest }
}

/// Sums over each of the durations up to `time`.
pub(crate) fn sums(series: &View<'_>, time: Time) -> [i64; DURATIONS_H.len()] {
    DURATIONS_H.map(|hours| {
        let from = time - Span::from_minutes(i64::from(hours) * 60);
        let sum = series.figure(Function::Sum, from, time, true);
        i64::try_from(sum.number).unwrap_or(i64::MAX)
    })
}

/// Quanta of rain without which no sum of those over the curve's durations comes to so many times the
/// amount on the curve: each of them grows by no more than falls.
pub(crate) fn left(curve: &Curve, sums: [i64; DURATIONS_H.len()], times: Ratio) -> i64 {
    let of = times.of().saturating_mul(i128::from(PER_UNIT));
    let amounts = curve.amounts.iter().zip(sums);
    let each = amounts
        .filter(|(amount, _)| **amount > 0)
        .map(|(amount, sum)| {
            let product = times.number().checked_mul(i128::from(*amount))?;
            // Rounded up: the first sum that is over.
            let bound = match (i64::try_from(product), i64::try_from(of)) {
                (Ok(product), Ok(of)) => -i128::from((-product).div_euclid(of)),
                (Err(_), _) | (_, Err(_)) => -product.checked_neg()?.div_euclid(of),
            };
            i64::try_from(bound.checked_sub(i128::from(sum))?).ok()
        });
    // What is too large to tell is taken for nothing left.
    each.map(|left| left.unwrap_or(0)).min().unwrap_or(0)
}
