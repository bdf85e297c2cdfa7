//! What each local day of a series came to, for windows of many days in fixed memory.
//!
//! A day ends with the reading at its boundary, since times are ends of intervals (semantics §1).
//! Thirty-two bytes a day hold what sums, extremes and coverage need; the minutes of a day are kept
//! for [`super::Plan::kept_ms`], and as long a correction reaches its day, too.

use super::Entry;
use super::series::Series;
use model::{Offset, Quanta};

pub(super) const DAY_MS: i64 = 86_400_000;

/// Most days a window may go back.
pub const DAYS_MAX: u16 = 366;

/// Days that every series of a parameter keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    /// How many, the running one included.
    pub(super) days: u16,
    /// Minute of the local day at which one begins.
    pub(super) minute: u16,
    /// Milliseconds from the start of a day counted by the epoch to that of a local one.
    shift_ms: i64,
}

/// What one day came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Its number since 1970 in local time.
    pub(crate) number: i32,
    /// Sum of its values.
    pub(crate) sum: i64,
    /// How many there are; the other figures mean nothing where it is 0.
    pub(crate) count: u32,
    /// Seconds they stand for.
    pub(crate) covered_s: u32,
    /// Largest of them.
    pub(crate) max: Quanta,
    /// Smallest of them.
    pub(crate) min: Quanta,
}

impl Calendar {
    pub(super) const fn new(days: u16, minute: u16) -> Self {
        let shift_ms = minute as i64 * 60_000;
        Self {
            days,
            minute,
            shift_ms,
        }
    }

    /// The same in the city's time.
    pub(super) fn at(self, offset: Offset) -> Self {
        let ahead_ms = i64::from(offset.0) * 60_000;
        Self {
            shift_ms: i64::from(self.minute) * 60_000 - ahead_ms,
            ..self
        }
    }

    /// The day that a time belongs to.
    #[inline]
    pub(super) fn day(&self, time: i64) -> i32 {
        let day = (time - self.shift_ms - 1).div_euclid(DAY_MS);
        i32::try_from(day).unwrap_or(i32::MIN)
    }

    /// Where a day begins; that instant itself belongs to the one before.
    pub(super) fn start(&self, day: i32) -> i64 {
        i64::from(day) * DAY_MS + self.shift_ms
    }

    /// The place of a day among those of a series.
    #[inline]
    fn place(&self, day: i32) -> usize {
        day.rem_euclid(i32::from(self.days)) as usize
    }

    pub(super) fn get(&self, days: &[Day], number: i32) -> Day {
        let held = days.get(self.place(number)).copied();
        let held = held.filter(|held| held.number == number);
        held.unwrap_or(Day::empty(number))
    }

    /// The day to be changed; `None` where it is older than all that are kept.
    #[inline]
    pub(super) fn open<'d>(&self, days: &'d mut [Day], number: i32) -> Option<&'d mut Day> {
        let held = days.get_mut(self.place(number))?;
        if held.number < number {
            *held = Day::empty(number);
        }
        (held.number == number).then_some(held)
    }
}

impl Day {
    /// Before any day.
    pub(super) const NEVER: Self = Self::empty(i32::MIN);

    pub(super) const fn empty(number: i32) -> Self {
        Self {
            number,
            sum: 0,
            count: 0,
            covered_s: 0,
            max: Quanta::MIN,
            min: Quanta::MAX,
        }
    }

    #[inline]
    pub(super) fn give(&mut self, value: Quanta, cover_ms: u32) {
        self.sum += i64::from(value);
        self.count += 1;
        self.covered_s = self.covered_s.saturating_add(cover_ms / 1000);
        self.max = self.max.max(value);
        self.min = self.min.min(value);
    }

    /// Takes a value off; true where it was an extreme, which is then to be found anew.
    pub(super) fn take(&mut self, value: Quanta, cover_ms: u32) -> bool {
        self.sum -= i64::from(value);
        self.count = self.count.saturating_sub(1);
        self.covered_s = self.covered_s.saturating_sub(cover_ms / 1000);
        value >= self.max || value <= self.min
    }

    /// Two days, or parts of one, together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            number: self.number.max(other.number),
            sum: self.sum + other.sum,
            count: self.count + other.count,
            covered_s: self.covered_s.saturating_add(other.covered_s),
            max: self.max.max(other.max),
            min: self.min.min(other.min),
        }
    }

    /// True where readings stand for at least four fifths of the day (semantics §15).
    pub(crate) const fn is_covered(&self) -> bool {
        self.covered_s as i64 * 10_000 >= DAY_MS * 8
    }
}

/// The entries of one day put together.
pub(super) fn gather(
    number: i32,
    entries: impl Iterator<Item = Entry>,
    series: &Series,
    keeps: impl Fn(&Entry) -> bool,
) -> Day {
    let mut day = Day::empty(number);
    for entry in entries.filter(keeps) {
        day.give(
            entry.value,
            super::cover_ms(entry.interval_s, series.registered_ms),
        );
    }
    day
}
