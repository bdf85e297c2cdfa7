//! Exact event-time windows over the readings of one parameter.
//!
//! A window of length `w` at `t` holds the readings with a time in `(t − w, t]` (semantics §12,
//! design §4). Whole-minute readings stand in cells of two bytes, those of all series of a
//! parameter side by side in one [`Block`]; all others, and the suspect ones, in a bounded sparse
//! list of twelve bytes each. Sums and counts of the windows a rulebook names are kept as
//! readings come and go, and so are the lines of rates; extremes are found from those of stretches of
//! two hours, everything else by a scan. Memory is fixed by the rulebook's
//! longest window for the parameter.

mod block;
mod days;
mod gauge;
mod line;
mod matrix;
mod peaks;
mod query;
mod row;
mod sealed;
mod series;
mod sparse;
mod stored;
mod value;

pub use block::{Block, SHARED_LAG};
pub use days::DAYS_MAX;
pub(crate) use days::Day;
pub(crate) use gauge::{Gauge, Turning};
pub use query::{Function, Length, View, Window};
pub(crate) use sealed::{Keep, Sealed};
pub use sparse::SPARSE_READINGS_MAX;
pub use value::Value;

use days::{Calendar, DAY_MS};
use model::{Offset, Quanta, Span};

/// Minutes kept beyond the longest window, so that a correction can test an earlier evaluation.
pub const SLACK_MINUTES: i64 = 30;
/// Longest window a rule may name.
pub const WINDOW_MAX: Span = Span::from_minutes(31 * 24 * 60);

const MINUTE_MS: i64 = 60_000;

/// What the rulebook asks of every series of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    lengths: Vec<Length>,
    /// Slots whose least squares are kept, too.
    lines: Vec<usize>,
    /// True where extremes are asked for.
    peaks: bool,
    keep_ms: i64,
    /// Days kept beside the minutes.
    days: Option<Calendar>,
    /// True where every window is kept running and none is scanned: only then is it worth much
    /// to read a minute across series, and costs nothing that a series is spread over rows.
    is_running_only: bool,
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Newer than all before.
    New,
    /// Put in its place among older ones.
    Late,
    /// A reading of the same time with another value was replaced or taken away.
    Corrected,
    /// The same value again.
    Duplicate,
    /// Flagged wrong or missing, and nothing stood at its time.
    Unusable,
    /// Older than the longest window.
    TooOld,
}

/// One reading as it goes in and out of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) value: Quanta,
    pub(crate) interval_s: u32,
    pub(crate) suspect: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            lengths: Vec::new(),
            lines: Vec::new(),
            peaks: false,
            keep_ms: 0,
            days: None,
            is_running_only: true,
        }
    }
}

impl Plan {
    /// Adds a window whose sum, mean or count is asked for; gives its slot.
    pub fn add_slot(&mut self, window: Span) -> usize {
        self.keep(window);
        let length = Length::new(window);
        match self.lengths.iter().position(|l| *l == length) {
            Some(slot) => slot,
            None => {
                self.lengths.push(length);
                self.lengths.len() - 1
            }
        }
    }

    /// The slot of a window that is kept running.
    pub(crate) fn slot(&self, window: Span) -> Option<usize> {
        let length = Length::new(window);
        self.lengths.iter().position(|held| *held == length)
    }

    /// Adds a window whose rate is asked for.
    pub fn add_rate(&mut self, window: Span) {
        let slot = self.add_slot(window);
        if !self.lines.contains(&slot) {
            self.lines.push(slot);
        }
    }

    /// Adds a window whose extremes are asked for.
    pub fn add_extremes(&mut self, window: Span) {
        self.add_slot(window);
        self.peaks = true;
    }

    /// Adds a window whose oldest reading is asked for: all that is kept is how much is covered.
    pub fn add_ends(&mut self, window: Span) {
        self.add_slot(window);
    }

    /// Stretches of which extremes are kept.
    fn peaks_kept(&self) -> usize {
        match self.peaks {
            true => self.row_minutes().div_ceil(peaks::STRETCH as usize) + 1,
            false => 0,
        }
    }

    /// Adds a window whose figures are found by a scan.
    pub fn add_scan(&mut self, window: Span) {
        self.keep(window);
        self.is_running_only = false;
    }

    /// Adds days that begin at `minute` of local time, so many back with the running one; false where
    /// the days of the parameter already begin at another.
    pub fn add_days(&mut self, days: u16, minute: u16) -> bool {
        let held = self.days.unwrap_or(Calendar::new(0, minute));
        if held.minute != minute {
            return false;
        }
        self.days = Some(Calendar::new(days.max(held.days).max(1), minute));
        true
    }

    /// The same for a city in whose time days begin.
    #[must_use]
    pub fn at(self, offset: Offset) -> Self {
        let days = self.days.map(|calendar| calendar.at(offset));
        Self { days, ..self }
    }

    fn keep(&mut self, window: Span) {
        self.keep_ms = self.keep_ms.max(window.millis());
    }

    /// Minutes of a dense row.
    pub fn row_minutes(&self) -> usize {
        usize::try_from((self.kept_ms()).div_euclid(MINUTE_MS) + 1).unwrap_or(1)
    }

    /// How long before the newest reading others are still kept: with days, one longer than a
    /// correction may reach, so that the extremes of its day can be found anew.
    pub(crate) const fn kept_ms(&self) -> i64 {
        let day = if self.days.is_some() { DAY_MS } else { 0 };
        self.placed_ms() + day
    }

    /// How long before the newest reading another may still be placed.
    pub(crate) const fn placed_ms(&self) -> i64 {
        self.keep_ms + SLACK_MINUTES * MINUTE_MS
    }
}

/// Time a reading stands for: its own interval, else the registry's.
const fn cover_ms(interval_s: u32, registered_ms: u32) -> u32 {
    if interval_s == 0 {
        registered_ms
    } else {
        interval_s.saturating_mul(1000)
    }
}
