//! When a slope will fail by the inverse velocity of its displacement, hours from now (福囿 Fukuzono 1985).
//!
//! With α near 2 the inverse of the velocity falls along a line to zero at the failure. The window is
//! cut into twelve parts; between the means of neighbouring parts lie up to eleven velocities. Where at
//! least five of them are forward, `1/v` falls with time and the line explains four fifths of it
//! (R² ≥ 0.8), the failure is where the line meets zero; otherwise never. The earliest and the latest time
//! are those of a slope and level off by two standard errors.

use super::{PER_UNIT, Source, never};
use crate::window::{Value, Window};

/// Parts that the window is cut into.
const PARTS: i64 = 12;
/// Velocities that make a line.
const VELOCITIES_MIN: usize = 5;
/// Share of the variance that the line must explain.
const R2_MIN: f64 = 0.8;
const HOUR_MS: f64 = 3_600_000.0;

/// Which of the estimated times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Estimate {
    /// The most probable.
    Mean,
    /// The early end of its interval.
    Earliest,
    /// The late end of its interval.
    Latest,
}

/// Points (hours before now, inverse velocity) and the line through them.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Failure, hours from now.
    at: f64,
    /// Standard error of it, hours.
    error: f64,
}

pub(super) fn of(estimate: Estimate, source: &Source<'_>) -> Value {
    let Some(Window::Rolling(length)) = source.window else {
        return Value::UNKNOWN;
    };
    let to = source.time.millis();
    let step = length.millis() / PARTS;
    let (mut known, mut count) = (0, 0);
    let mut points = [(0.0, 0.0); PARTS as usize];
    let mut before: Option<(f64, f64)> = None;
    for part in 0..PARTS {
        let from = to - length.millis() + part * step;
        let Some((time, value)) = source.series.middle(from, from + step, source.suspects) else {
            continue;
        };
        known += 1;
        let at = (time - to as f64) / HOUR_MS;
        if let Some((since, earlier)) = before.replace((at, value)) {
            let velocity = (value - earlier) / (at - since);
            if let Some(point) = points.get_mut(count).filter(|_| velocity > 0.0) {
                *point = ((since + at) / 2.0, 1.0 / velocity);
                count += 1;
            }
        }
    }
    if known <= VELOCITIES_MIN {
        return Value::UNKNOWN;
    }
    // Four fifths of the parts stand for four fifths of the window (semantics §15).
    let covered = known * 10 >= PARTS as usize * 8;
    let found = line(points.get(..count).unwrap_or_default());
    let hours = found.map(|line| match estimate {
        Estimate::Mean => line.at,
        Estimate::Earliest => line.at - 2.0 * line.error,
        Estimate::Latest => line.at + 2.0 * line.error,
    });
    match hours {
        Some(hours) if hours < 1e9 => {
            Value::whole((hours.max(0.0) * PER_UNIT as f64).round() as i64, covered)
        }
        Some(_) | None => Value { covered, ..never() },
    }
}

/// The line through inverse velocities, where it says that the slope fails.
fn line(points: &[(f64, f64)]) -> Option<Line> {
    if points.len() < VELOCITIES_MIN {
        return None;
    }
    let n = points.len() as f64;
    let (mean_x, mean_y) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (mean_x / n, mean_y / n);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        let (x, y) = (x - mean_x, y - mean_y);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
    }
    let slope = xy / xx;
    if !(slope < 0.0 && xy * xy >= R2_MIN * xx * yy) {
        return None;
    }
    let at = mean_x - mean_y / slope;
    let left = (yy - slope * xy).max(0.0) / (n - 2.0);
    // Of the quotient of two estimates, to first order (Fieller's interval for a steep line).
    let away = at - mean_x;
    let error = (left * (1.0 / n + away * away / xx)).sqrt() / -slope;
    Some(Line { at, error })
}
