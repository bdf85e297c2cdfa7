//! Rain counters: what fell between two readings, through overflow, restart and the day's turn.

use super::limits::{RAIN_HOUR_SUSPECT, RAIN_MINUTE_MAX};
use super::series::{Point, Seat, Series};
use super::{Cause, Finding, Screen, Screened, found_by};
use model::{Observation, Parameter, Quality, Quanta};

/// Where counters run over, in 0.01 mm: four and five digits of a display, 16 bits of tenths and
/// of hundredths.
const ENDS: [i64; 5] = [65_536, 100_000, 655_360, 1_000_000, 10_000_000];

/// Rain in a minute up to which a fall near such an end counts as running over it.
const OVERFLOW_MINUTE_MAX: i64 = 500;

/// The hour at which the hydrological day turns (SL 61), and how far clocks may be off it.
const DAY_TURN_HOUR: i64 = 8;
const DAY_TURN_SLACK_MS: i64 = 10 * 60_000;

/// After so many readings at the bottom a counter has begun again and does not come back.
const BOTTOM_READINGS_MAX: u16 = 3;

/// What a counter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fallen {
    amount: Quanta,
    cause: Option<Cause>,
}

impl Screen {
    /// Turns a counter reading into the rainfall since the reading before it. A reading behind
    /// the newest adds nothing: what fell up to it is already in the next one.
    pub(super) fn difference(&mut self, seat: Seat, index: usize, screened: &mut Screened) {
        let seen = screened.observation;
        let now = Point::of(&seen);
        let Some(memory) = self.series.get_mut(index) else {
            return;
        };
        let Some((before, replaced)) = advance(memory, now) else {
            return;
        };
        let is_turn = crosses_day_turn(before.time, now.time, self.registry.offset_minutes());
        let fallen = before.is_known().then(|| fallen(before, now, is_turn));
        let is_reset = matches!(
            fallen,
            Some(Some(Fallen {
                cause: Some(Cause::CounterReset),
                ..
            }))
        );
        note_reset(memory, before, is_reset);
        let cause = match fallen {
            Some(Some(fallen)) => fallen.cause,
            Some(None) => Some(Cause::CounterBroken),
            None => None,
        };
        screened.finding = cause.map(|cause| finding(&seen, cause));
        if seen.quality == Quality::Unchecked {
            screened.observation.quality = match cause {
                Some(Cause::CounterBroken) => Quality::Suspect,
                _ => Quality::Correct,
            };
        }
        let Some(fallen) = fallen.flatten() else {
            return;
        };
        // The registry names one source of rain a station: a reported amount goes before.
        if seat.series(Parameter::Rainfall).is_some() {
            return;
        }
        let rainfall = Observation {
            parameter: Parameter::Rainfall,
            value: fallen.amount,
            interval_s: interval_s(before, now),
            quality: match cause {
                Some(Cause::CounterReset) => Quality::Suspect,
                _ => screened.observation.quality,
            },
            ..seen
        };
        let replaced = replaced.map_or(Point::default(), |old| {
            let amount = fallen_or_none(before, old, is_turn);
            Point {
                value: amount,
                ..old
            }
        });
        let now = Point::of(&rainfall);
        let high = seat
            .rain()
            .and_then(|at| self.rain.judge(at, replaced, now, rainfall.interval_s));
        let verdict = high.or_else(|| self.rain_in_dry_air(seat, &rainfall));
        let (quality, high) = found_by(&rainfall, verdict);
        screened.rainfall = Some(Observation {
            quality,
            ..rainfall
        });
        screened.finding = high.or(screened.finding);
    }
}

/// Moves the memory to `now`; gives the reading to count from and the one replaced, or nothing
/// where there is nothing to count.
fn advance(memory: &mut Series, now: Point) -> Option<(Point, Option<Point>)> {
    if now.time < memory.newest.time || now == memory.newest {
        return None;
    }
    if now.time == memory.newest.time {
        let replaced = std::mem::replace(&mut memory.newest, now);
        return Some((memory.good, Some(replaced)));
    }
    let newest = std::mem::replace(&mut memory.newest, now);
    memory.good = if comes_back(memory, newest, now) {
        memory.still
    } else {
        newest
    };
    Some((memory.good, None))
}

/// True where a counter that had seemed to begin again shows what it showed before or more, a few
/// intervals later: it had shown a wrong value for a moment and never begun again.
fn comes_back(memory: &Series, newest: Point, now: Point) -> bool {
    let before = memory.still;
    before.is_known() && now.value >= before.value && newest.until(now) <= 2 * before.until(newest)
}

/// Keeps the reading before a reset while the counter stays at the bottom; once it counts, or has
/// come back, there is nothing to come back to.
fn note_reset(memory: &mut Series, before: Point, is_reset: bool) {
    if is_reset {
        (memory.still, memory.still_count) = (before, 0);
        return;
    }
    memory.still_count = memory.still_count.saturating_add(1);
    let stays = memory.still.is_known()
        && before.time > memory.still.time
        && memory.newest.value == before.value;
    if !stays || memory.still_count >= BOTTOM_READINGS_MAX {
        (memory.still, memory.still_count) = (Point::default(), 0);
    }
}

/// What fell from one reading to the next; `None` where no amount is credible.
fn fallen(before: Point, now: Point, is_day_turn: bool) -> Option<Fallen> {
    let (from, to) = (i64::from(before.value), i64::from(now.value));
    let minutes = before.minutes_until(now);
    let counted = if to >= from {
        (to - from, None)
    } else if let Some(amount) = overflow(from, to, minutes) {
        (amount, Some(Cause::CounterWrapped))
    } else if is_day_turn {
        (to, None)
    } else if to <= credible(minutes, RAIN_MINUTE_MAX) && to * 2 < from {
        (to, Some(Cause::CounterReset))
    } else {
        return None;
    };
    let amount = Quanta::try_from(counted.0).ok()?;
    let (low, high) = Parameter::Rainfall.range();
    let is_credible = (low..=high).contains(&amount);
    is_credible.then_some(Fallen {
        amount,
        cause: counted.1,
    })
}

fn fallen_or_none(before: Point, now: Point, is_day_turn: bool) -> Quanta {
    fallen(before, now, is_day_turn).map_or(0, |fallen| fallen.amount)
}

fn overflow(from: i64, to: i64, minutes: i64) -> Option<i64> {
    let most = credible(minutes, OVERFLOW_MINUTE_MAX);
    let amounts = ENDS
        .into_iter()
        .filter(|end| *end > from)
        .map(|end| end - from + to);
    amounts.filter(|amount| *amount <= most).min()
}

/// The most rain that so many minutes may have brought.
fn credible(minutes: i64, minute_max: i64) -> i64 {
    let hours = minutes.saturating_add(59) / 60;
    minutes
        .saturating_mul(minute_max)
        .min(hours.saturating_mul(RAIN_HOUR_SUSPECT))
}

fn crosses_day_turn(before: i64, now: i64, offset_minutes: i64) -> bool {
    let day = |at: i64| {
        at.saturating_add((offset_minutes - DAY_TURN_HOUR * 60) * 60_000)
            .div_euclid(86_400_000)
    };
    day(before.saturating_sub(DAY_TURN_SLACK_MS)) != day(now.saturating_add(DAY_TURN_SLACK_MS))
}

fn interval_s(before: Point, now: Point) -> u32 {
    let seconds = before.until(now).saturating_add(999) / 1000;
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn finding(seen: &Observation, cause: Cause) -> Finding {
    Finding {
        station: seen.station,
        parameter: seen.parameter,
        time: seen.time,
        value: seen.value,
        cause,
    }
}
