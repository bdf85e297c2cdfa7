//! Persistence: a sensor that no longer moves is stuck.

use super::limits;
use super::series::{Point, Series};
use super::{Cause, Verdict};
use model::{Parameter, Quality};

/// So few readings do not show that nothing moves.
const READINGS_MIN: u16 = 10;

/// Follows how long the series has stayed within less than its least change.
pub(super) fn judge(
    parameter: Parameter,
    memory: &mut Series,
    now: Point,
    may_stand_still: bool,
) -> Option<Verdict> {
    let limit = limits::still(parameter)?;
    let change = now.value.abs_diff(memory.still.value);
    if may_stand_still || !memory.still.is_known() || change >= limit.change.unsigned_abs() {
        (memory.still, memory.still_count, memory.is_told) = (now, 1, false);
        return None;
    }
    memory.still_count = memory.still_count.saturating_add(1);
    let is_long = memory.still.until(now) >= limit.minutes * 60_000;
    if !is_long || memory.still_count < READINGS_MIN {
        return None;
    }
    let is_news = !std::mem::replace(&mut memory.is_told, true);
    Some(Verdict {
        quality: Quality::Suspect,
        cause: Cause::Stuck,
        is_news,
    })
}
