//! Standardized precipitation index (McKee, Doesken and Kleist 1993; WMO-No. 1090; GB/T 20481).
//!
//! The rain of the last days against what is usual for days that end in this month: a gamma distribution
//! with a share of zeros, fitted over thirty years and more (`climate.csv`, by `sanfang rules fit`), turned
//! into the deviate of a normal one. −1 is moderately dry, −2 extremely. Unknown where the days are not
//! covered (semantics §15): rain that nobody saw would be a drought.

use super::{PER_UNIT, Source};
use crate::window::{Function, Value, Window};
use model::Span;
use model::climate::Gamma;

/// Beyond this many deviations no thirty years say anything.
const FURTHEST: f64 = 4.0;

pub(super) fn of(source: &Source<'_>) -> Value {
    let Some(Window::Calendar { days, .. }) = source.window else {
        return Value::UNKNOWN;
    };
    let month = source.time.month(source.offset);
    let length = Span::from_minutes(i64::from(days) * 24 * 60);
    let gamma = source.station.and_then(|station| {
        let climate = source.climate;
        climate.gamma(source.parameter, length, month, station)
    });
    // Most stations of most cities have none.
    let Some(gamma) = gamma else {
        return Value::UNKNOWN;
    };
    let sum = source
        .series
        .over_days(Function::Sum, days, source.time, source.suspects);
    match sum.covered {
        true => {
            let amount = sum.number as f64 / source.parameter.quanta_per_unit() as f64;
            let deviate = deviate(gamma.below(amount)).clamp(-FURTHEST, FURTHEST);
            Value::whole((deviate * PER_UNIT as f64).round() as i64, true)
        }
        false => Value::UNKNOWN,
    }
}

/// Fits a distribution to the amounts of one month over the years (Thom 1958, maximum likelihood by its
/// approximation). `None` for fewer than ten years with rain, or where all are alike.
pub fn fit(amounts: &[f64]) -> Option<Gamma> {
    let wet: Vec<f64> = amounts
        .iter()
        .copied()
        .filter(|amount| *amount > 0.0)
        .collect();
    if wet.len() < 10 {
        return None;
    }
    let n = wet.len() as f64;
    let mean = wet.iter().sum::<f64>() / n;
    let log_mean = wet.iter().map(|amount| libm::log(*amount)).sum::<f64>() / n;
    let a = libm::log(mean) - log_mean;
    let shape = (1.0 + (1.0 + 4.0 * a / 3.0).sqrt()) / (4.0 * a);
    (a > 1e-9).then(|| Gamma {
        shape,
        scale: mean / shape,
        zero: (amounts.len() - wet.len()) as f64 / amounts.len() as f64,
    })
}

trait Below {
    /// Share of the years that have no more.
    fn below(&self, amount: f64) -> f64;
}

impl Below for Gamma {
    fn below(&self, amount: f64) -> f64 {
        let of_wet = if amount > 0.0 {
            lower_gamma(self.shape, amount / self.scale)
        } else {
            0.0
        };
        self.zero + (1.0 - self.zero) * of_wet
    }
}

/// Regularized lower incomplete gamma function P(a, x): its series below a + 1, its continued fraction
/// above (Abramowitz and Stegun 6.5.29 and 6.5.31).
fn lower_gamma(a: f64, x: f64) -> f64 {
    const ROUNDS: usize = 500;
    const NEAR: f64 = 1e-14;
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut over) = (1.0 / a, 1.0 / a, a);
        for _ in 0..ROUNDS {
            over += 1.0;
            term *= x / over;
            sum += term;
            if term < sum * NEAR {
                break;
            }
        }
        return (front * sum).min(1.0);
    }
    // Lentz's way through the fraction.
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for round in 1..=ROUNDS {
        let an = -(round as f64) * (round as f64 - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + an / c;
        c = if c.abs() < tiny { tiny } else { c };
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < NEAR {
            break;
        }
    }
    (1.0 - front * h).max(0.0)
}

/// The deviate that a normal variable stays below with this probability (Abramowitz and Stegun
/// 26.2.23, as McKee et al. use it; off by 4.5·10⁻⁴ at most).
fn deviate(below: f64) -> f64 {
    let (tail, sign) = if below < 0.5 {
        (below, -1.0)
    } else {
        (1.0 - below, 1.0)
    };
    let t = (-2.0 * libm::log(tail.max(1e-300))).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    sign * (t - over / under)
}

#[cfg(test)]
mod tests {
    use super::{Below, deviate, fit, lower_gamma};
    use proptest::prelude::*;

    /// The density summed up in small steps.
    fn plain(a: f64, x: f64) -> f64 {
        let steps = 200_000;
        let width = x / f64::from(steps);
        let density = |t: f64| ((a - 1.0) * t.ln() - t - libm::lgamma(a)).exp();
        (0..steps)
            .map(|n| density((f64::from(n) + 0.5) * width) * width)
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_incomplete_gamma_function_is_the_area_under_its_density(a in 1.0f64..30.0, x in 0.1f64..60.0) {
            prop_assert!((lower_gamma(a, x) - plain(a, x)).abs() < 1e-5);
        }

        /// A deviate's own area, summed up, is the probability it was asked for.
        #[test]
        fn deviates_are_those_of_a_normal_variable(below in 0.001f64..0.999) {
            let z = deviate(below);
            let steps = 40_000;
            let width = (z + 9.0) / f64::from(steps);
            let area: f64 = (0..steps).map(|n| {
                let t = -9.0 + (f64::from(n) + 0.5) * width;
                (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt() * width
            }).sum();
            prop_assert!((area - below).abs() < 5e-4, "{} {}", area, below);
        }

        /// Amounts at even shares of a distribution have, fitted and standardized, the deviates of those
        /// shares.
        #[test]
        fn a_fit_gives_back_what_it_was_drawn_from(shape in 1.5f64..8.0, scale in 10.0f64..80.0) {
            let quantile = |share: f64| {
                let (mut low, mut high) = (0.0, 2000.0);
                for _ in 0..80 {
                    let middle = (low + high) / 2.0;
                    if lower_gamma(shape, middle / scale) < share { low = middle } else { high = middle }
                }
                low
            };
            let years = 400;
            let amounts: Vec<f64> = (0..years).map(|n| quantile((f64::from(n) + 0.5) / f64::from(years))).collect();
            let found = fit(&amounts).unwrap();
            prop_assert!((found.shape / shape - 1.0).abs() < 0.05 && (found.scale / scale - 1.0).abs() < 0.05, "{:?}", found);
            for (n, z) in [(8, -2.05), (63, -1.0), (199, 0.0), (336, 1.0), (391, 2.05)] {
                prop_assert!((deviate(found.below(amounts[n])) - z).abs() < 0.08, "{} {}", n, deviate(found.below(amounts[n])));
            }
        }
    }

    #[test]
    fn dry_years_count_and_few_years_say_nothing() {
        let mut amounts = vec![0.0; 10];
        amounts.extend((1..=30).map(f64::from));
        let found = fit(&amounts).unwrap();
        assert!((found.zero - 0.25).abs() < 1e-9);
        assert!((found.below(0.0) - 0.25).abs() < 1e-9);
        assert_eq!(fit(&[1.0, 2.0, 3.0]), None);
        assert_eq!(fit(&[5.0; 20]), None);
    }
}
