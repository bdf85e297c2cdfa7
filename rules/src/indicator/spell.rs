//! Days in a row of one kind: dry, hot, cold.
//!
//! *Dry* are whole days with less than the effective rain; the running day ends the row as soon as it
//! has as much (GB/T 20481: 连续无有效降水日数). *Hot* are days whose highest value reaches a bound, *cold*
//! days whose lowest does; the running day counts as soon as it has (CMA order 16: 连续三天日最高气温). A day
//! that nobody saw well enough to tell is passed over: it counts for nothing and ends nothing, and the
//! figure is then only partly covered. Counted as far back as the window goes.

use super::Source;
use crate::window::{Day, Value, Window};
use model::Quanta;

/// Which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spell {
    /// Whole days whose sum lies below.
    Dry(Quanta),
    /// Days whose highest value is at least this.
    AtLeast(Quanta),
    /// Days whose lowest value is at most this.
    AtMost(Quanta),
}

/// What a day says of a spell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Counts,
    Ends,
    Nothing,
}

impl Spell {
    fn asks(self, day: &Day) -> Says {
        let counts = match self {
            Self::Dry(least) if day.count > 0 && day.sum >= i64::from(least) => return Says::Ends,
            Self::Dry(_) => day.is_covered(),
            Self::AtLeast(bound) => day.count > 0 && day.max >= bound,
            Self::AtMost(bound) => day.count > 0 && day.min <= bound,
        };
        match (counts, day.is_covered()) {
            (true, _) => Says::Counts,
            (false, true) => Says::Ends,
            (false, false) => Says::Nothing,
        }
    }

    /// What the day that is not over says.
    fn asks_today(self, day: &Day) -> Says {
        match (self, self.asks(day)) {
            (Self::Dry(_), Says::Ends) => Says::Ends,
            (Self::AtLeast(_) | Self::AtMost(_), Says::Counts) => Says::Counts,
            (_, Says::Counts | Says::Ends | Says::Nothing) => Says::Nothing,
        }
    }
}

pub(super) fn of(spell: Spell, source: &Source<'_>) -> Value {
    let (series, time) = (source.series, source.time);
    let Some(Window::Calendar { days, .. }) = source.window else {
        return Value::UNKNOWN;
    };
    let Some(today) = series.day_of(time) else {
        return Value::UNKNOWN;
    };
    let now = series.day(today, time, source.suspects);
    let (mut count, mut known, mut covered) = (0, now.count > 0, true);
    match spell.asks_today(&now) {
        Says::Counts => count += 1,
        Says::Ends => return Value::whole(0, true),
        Says::Nothing => {}
    }
    for number in (1..i32::from(days)).map(|ago| today - ago) {
        let day = series.day(number, time, source.suspects);
        known |= day.count > 0;
        match spell.asks(&day) {
            Says::Counts => count += 1,
            Says::Ends => return Value::whole(count, covered),
            Says::Nothing => covered = false,
        }
    }
    if known {
        Value::whole(count, covered)
    } else {
        Value::UNKNOWN
    }
}
