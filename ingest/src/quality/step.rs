//! Rate of change: a leap is suspect until a second reading agrees with it or it goes back. One that
//! goes on in the same direction agrees: water that rises faster than it should is rising.

use super::limits;
use super::series::{Point, Series};
use super::{Cause, Verdict};
use model::{Parameter, Quality, Quanta};

/// Beyond this gap two readings say nothing about a rate.
const GAP_MINUTES_MAX: i64 = 10;

/// Compares a reading with the newest one and with the newest credible one: agreeing with either
/// is enough, so that a single spike is marked once and a lasting shift once.
pub(super) fn judge(parameter: Parameter, memory: &Series, now: Point) -> Option<Verdict> {
    let limit = limits::step(parameter)?;
    let is_correction = memory.newest.time == now.time;
    let newest = if is_correction {
        Point::default()
    } else {
        memory.newest
    };
    let rates = [newest, memory.good].into_iter().filter_map(|before| {
        let minutes = before.minutes_until(now);
        let is_near = before.is_known() && before.time < now.time && minutes <= GAP_MINUTES_MAX;
        is_near.then(|| i64::from(now.value.abs_diff(before.value)) / minutes)
    });
    let rate = rates.min()?;
    let (quality, cause) = if rate > i64::from(limit.wrong) {
        (Quality::Wrong, Cause::ImpossibleStep)
    } else if rate > i64::from(limit.suspect) && !goes_on(limit, newest, memory.good, now) {
        (Quality::Suspect, Cause::SuddenStep)
    } else {
        return None;
    };
    Some(Verdict {
        quality,
        cause,
        is_news: true,
    })
}

/// True where the newest reading leapt away from the credible one and this one is further still.
/// What no weather does is no more credible for being done twice.
fn goes_on(limit: limits::Step, newest: Point, good: Point, now: Point) -> bool {
    let leaps = newest.is_known() && good.is_known() && good.time < newest.time;
    let is_near = |before: Point, after: Point| before.minutes_until(after) <= GAP_MINUTES_MAX;
    leaps
        && limit.wrong == Quanta::MAX
        && newest.time < now.time
        && is_near(good, newest)
        && is_near(newest, now)
        && (newest.value > good.value) == (now.value > newest.value)
        && newest.value != good.value
        && now.value != newest.value
}
