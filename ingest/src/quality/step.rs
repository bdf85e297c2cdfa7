//! Rate of change: a leap is suspect until a second reading agrees with it or it goes back.

use super::limits;
use super::series::{Point, Series};
use super::{Cause, Verdict};
use model::{Parameter, Quality};

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
    } else if rate > i64::from(limit.suspect) {
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
