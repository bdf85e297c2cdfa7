//! All series of one parameter in a zone.
//!
//! Readings that come minute by minute, which is nearly all of them, stand side by side in one
//! [`Matrix`]: what enters and leaves the windows of a whole minute's readings is read from rows
//! of memory that follow each other. A series may lag behind the newest row by [`SHARED_LAG`]
//! minutes; one that lags further moves to a row of its own with all it holds, and back when it
//! has caught up, so that every window stays exact however far the others are.

use super::days::{Calendar, Day};
use super::line::Line;
use super::matrix::{MISSING, Matrix};
use super::peaks::{self, Peak};
use super::query::View;
use super::row::Row;
use super::series::{Open, Seat, Series, Slot};
use super::{Entry, MINUTE_MS, Placed, Plan};
use model::{Observation, Parameter, Quality, Span, Time};

/// Minutes that a series may lie behind the newest row and still share it.
pub const SHARED_LAG: i64 = 60;

/// The series of one parameter, by column.
#[derive(Clone, Debug)]
pub struct Block {
    pub(super) plan: Plan,
    parameter: Parameter,
    pub(super) matrix: Matrix,
    pub(super) series: Vec<Series>,
    /// Figures of every series, those of one beside each other.
    pub(super) slots: Vec<Slot>,
    /// Lines of every series, those of one beside each other.
    pub(super) lines: Vec<Line>,
    /// Extremes of the stretches of every series, those of one beside each other.
    pub(super) peaks: Vec<Peak>,
    /// Days of every series, those of one beside each other; empty where none are kept.
    pub(super) days: Vec<Day>,
    /// No shared series lies further back than this minute.
    pub(super) laggard: i64,
    turn: Turn,
    /// True once the sealed records say what the columns are.
    pub(super) is_described: bool,
}

/// Where the minute that most readings now belong to is written, and what leaves each window.
#[derive(Clone, Debug, Default)]
struct Turn {
    minute: i64,
    row: usize,
    leaving: Vec<usize>,
    day: i32,
}

impl Plan {
    /// Minutes of the shared rows.
    pub(super) fn shared_minutes(&self) -> usize {
        self.row_minutes() + SHARED_LAG as usize
    }

    /// How far back the oldest shared row may lie.
    pub(crate) fn reach(&self) -> Span {
        Span::from_minutes(self.shared_minutes() as i64)
    }

    /// Days kept of each series.
    pub(super) fn days_kept(&self) -> usize {
        self.days.map_or(0, |calendar| usize::from(calendar.days))
    }

    /// The oldest minute at which a series still shares the rows.
    pub(super) fn shared_from(&self, matrix: &Matrix) -> i64 {
        if matrix.is_empty() {
            return i64::MAX;
        }
        matrix.newest() - SHARED_LAG
    }
}

impl Block {
    /// A block without series.
    pub fn new(plan: Plan, parameter: Parameter) -> Self {
        Self {
            turn: Turn {
                minute: i64::MIN,
                row: 0,
                leaving: vec![0; plan.lengths.len()],
                day: i32::MIN,
            },
            plan,
            parameter,
            matrix: Matrix::default(),
            series: Vec::new(),
            slots: Vec::new(),
            lines: Vec::new(),
            peaks: Vec::new(),
            days: Vec::new(),
            laggard: i64::MAX,
            is_described: false,
        }
    }

    /// Adds a series; all must be there before the first reading. `registered_s` is the interval
    /// the registry gives, 0 for none. Gives its column.
    pub fn add(&mut self, registered_s: u32) -> usize {
        let seconds = match registered_s {
            0 => self.parameter.usual_interval_s(),
            seconds => seconds,
        };
        self.series.push(Series::new(seconds.saturating_mul(1000)));
        let slots = self.slots.len() + self.plan.lengths.len();
        self.slots.resize(slots, Slot::default());
        let lines = self.lines.len() + self.plan.lines.len();
        self.lines.resize(lines, Line::default());
        let peaks = self.peaks.len() + self.plan.peaks_kept();
        self.peaks.resize(peaks, Peak::NONE);
        let days = self.days.len() + self.plan.days_kept();
        self.days.resize(days, Day::NEVER);
        self.series.len() - 1
    }

    /// Gives back the room kept for series to come: all are there.
    pub(crate) fn shrink(&mut self) {
        self.series.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.peaks.shrink_to_fit();
        self.days.shrink_to_fit();
    }

    /// What every series is asked for.
    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many series there are.
    pub(super) const fn parameter(&self) -> Parameter {
        self.parameter
    }

    pub(crate) const fn width(&self) -> usize {
        self.series.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let own = |series: &Series| {
            series.own.as_ref().map_or(0, |row| row.bytes())
                + series.sparse.as_ref().map_or(0, |sparse| sparse.bytes())
        };
        self.matrix.bytes()
            + self.series.capacity() * size_of::<Series>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.lines.capacity() * size_of::<Line>()
            + self.peaks.capacity() * size_of::<Peak>()
            + self.days.capacity() * size_of::<Day>()
            + self.series.iter().map(own).sum::<usize>()
    }

    /// The series in `column`, to be read.
    #[inline]
    pub fn view(&self, column: usize) -> Option<View<'_>> {
        let width = self.plan.lengths.len();
        let days = self.plan.days_kept();
        let (lines, peaks) = (self.plan.lines.len(), self.plan.peaks_kept());
        Some(View {
            plan: &self.plan,
            matrix: &self.matrix,
            column,
            series: self.series.get(column)?,
            slots: self.slots.get(column * width..(column + 1) * width)?,
            lines: self.lines.get(column * lines..(column + 1) * lines)?,
            peaks: self.peaks.get(column * peaks..(column + 1) * peaks)?,
            days: self.days.get(column * days..(column + 1) * days)?,
        })
    }

    /// Puts a reading in its place in `column` and keeps the running figures exact.
    #[inline]
    pub fn place(&mut self, column: usize, observation: &Observation) -> Placed {
        if self.place_next(column, observation).is_some() {
            return Placed::New;
        }
        self.place_any(column, observation)
    }

    /// The whole minute that follows the newest of a series without anything special.
    #[inline]
    fn place_next(&mut self, column: usize, observation: &Observation) -> Option<()> {
        let series = self.series.get_mut(column)?;
        let (time, minute) = (
            observation.time.millis(),
            series.newest_minute.wrapping_add(1),
        );
        let is_next = series.seat == Seat::Column
            && series.newest.wrapping_add(MINUTE_MS) == time
            && minute * MINUTE_MS == time
            && minute == self.turn.minute
            && series.interval_s == observation.interval_s
            && series
                .sparse
                .as_ref()
                .is_none_or(|sparse| time < sparse.due())
            && observation.quality.is_usable()
            && observation.quality != Quality::Suspect;
        if !is_next {
            return None;
        }
        let cell = series.cell_of(observation.value)?;
        let width = self.plan.lengths.len();
        let slots = self.slots.get_mut(column * width..(column + 1) * width)?;
        let day = match &self.plan.days {
            Some(calendar) => {
                let kept = usize::from(calendar.days);
                let days = self.days.get_mut(column * kept..(column + 1) * kept)?;
                calendar.open(days, self.turn.day)
            }
            None => None,
        };
        let cells = self.matrix.cells_mut();
        let (value, cover_s) = (i64::from(observation.value), series.cover_ms / 1000);
        let windows = slots.iter_mut().zip(&self.turn.leaving);
        for ((slot, leaving), length) in windows.zip(&self.plan.lengths) {
            if series.interval_s > length.seconds {
                continue;
            }
            let left = series.value_of(cells.get(leaving + column).copied().unwrap_or(MISSING));
            let more = i32::from(left.is_none());
            slot.sum += value - i64::from(left.unwrap_or(0));
            slot.count += more;
            let covered_s = more.wrapping_mul(cover_s.cast_signed());
            slot.covered_s = slot.covered_s.saturating_add(covered_s);
        }
        let width = self.plan.lines.len();
        if width > 0 {
            let lines = self.lines.get_mut(column * width..(column + 1) * width)?;
            for (line, slot) in lines.iter_mut().zip(&self.plan.lines) {
                let leaving = self.turn.leaving.get(*slot)?;
                let length = self.plan.lengths.get(*slot)?;
                if series.interval_s <= length.seconds {
                    let left = cells.get(leaving + column).copied().unwrap_or(MISSING);
                    line.take(length.start_minute(time, minute), left);
                    line.give(minute, cell);
                }
            }
        }
        let width = self.plan.peaks_kept();
        if width > 0 {
            let own = self.peaks.get_mut(column * width..(column + 1) * width)?;
            peaks::advance(own, minute - 1, minute);
            let at = peaks::place(own, peaks::stretch(minute));
            own.get_mut(at)?.give(cell);
        }
        if let Some(place) = cells.get_mut(self.turn.row + column) {
            *place = cell;
        }
        if let Some(day) = day {
            day.give(observation.value, series.cover_ms);
        }
        series.newest = time;
        series.newest_minute = minute;
        series.last_time = time;
        series.last = observation.value;
        Some(())
    }

    /// Any reading: the first of a minute, a late one, one that leaps, a suspect one.
    #[inline(never)]
    fn place_any(&mut self, column: usize, observation: &Observation) -> Placed {
        let time = observation.time.millis();
        let minute = time.div_euclid(MINUTE_MS);
        let is_whole = minute * MINUTE_MS == time;
        if self.plan.is_running_only && is_whole && observation.quality.is_usable() {
            self.reach(minute);
            let before = self.series.get(column).map(|series| series.newest_minute);
            if before.is_some_and(|before| before.wrapping_add(1) == minute) {
                self.take_turn(minute);
                if self.place_next(column, observation).is_some() {
                    return Placed::New;
                }
            }
        }
        let Some(mut open) = self.open(column) else {
            return Placed::Unusable;
        };
        let had_no_seat = open.series.seat == Seat::None;
        let placed = open.place(observation);
        // The first reading decides what the cells of the column mean.
        self.is_described &= !had_no_seat;
        if let Some(series) = self.series.get(column)
            && series.newest != i64::MIN
        {
            match series.seat {
                Seat::Column => self.laggard = self.laggard.min(series.newest_minute),
                Seat::Own if series.newest_minute >= self.plan.shared_from(&self.matrix) => {
                    self.share(column);
                }
                Seat::Own | Seat::None => {}
            }
        }
        placed
    }

    fn open(&mut self, column: usize) -> Option<Open<'_>> {
        let width = self.plan.lengths.len();
        let days = self.plan.days_kept();
        let (lines, peaks) = (self.plan.lines.len(), self.plan.peaks_kept());
        Some(Open {
            plan: &self.plan,
            is_rain: self.parameter == Parameter::Rainfall,
            matrix: &mut self.matrix,
            column,
            series: self.series.get_mut(column)?,
            slots: self.slots.get_mut(column * width..(column + 1) * width)?,
            lines: self.lines.get_mut(column * lines..(column + 1) * lines)?,
            peaks: self.peaks.get_mut(column * peaks..(column + 1) * peaks)?,
            days: self.days.get_mut(column * days..(column + 1) * days)?,
        })
    }

    /// Makes the rows reach to `minute`.
    fn reach(&mut self, minute: i64) {
        if self.matrix.is_empty() {
            self.matrix = Matrix::new(self.plan.shared_minutes(), self.series.len(), minute);
        }
        if minute > self.matrix.newest() {
            if self.laggard < minute - SHARED_LAG {
                self.part(minute - SHARED_LAG);
            }
            self.matrix.advance(minute);
        }
    }

    /// Makes `minute` the one that the next readings belong to.
    fn take_turn(&mut self, minute: i64) {
        self.turn.minute = i64::MIN;
        let Some(row) = self.matrix.row_start(minute) else {
            return;
        };
        // What changes in a sealed row must be noted, which the short way does not do.
        if minute <= self.matrix.sealed() {
            return;
        }
        for (leaving, length) in self.turn.leaving.iter_mut().zip(&self.plan.lengths) {
            let out = length.start_minute(minute * MINUTE_MS, minute);
            match self.matrix.row_start(out) {
                Some(start) => *leaving = start,
                None => return,
            }
        }
        let days = self.plan.days;
        self.turn.day = days.map_or(i32::MIN, |days| days.day(minute * MINUTE_MS));
        self.turn.row = row;
        self.turn.minute = minute;
    }

    /// Rows up to `minute` are kept elsewhere.
    pub(super) const fn seal_until(&mut self, minute: i64) {
        self.matrix.set_sealed(minute);
        if self.turn.minute <= minute {
            self.turn.minute = i64::MIN;
        }
    }

    /// Moves series that end before `from` out of the shared rows.
    fn part(&mut self, from: i64) {
        let mut parted: Vec<(usize, Box<Row>)> = Vec::new();
        self.laggard = i64::MAX;
        for (column, series) in self.series.iter().enumerate() {
            if series.seat != Seat::Column {
                continue;
            }
            if series.newest_minute < from {
                let row = Row::new(self.plan.row_minutes(), series.newest_minute);
                parted.push((column, Box::new(row)));
            } else {
                self.laggard = self.laggard.min(series.newest_minute);
            }
        }
        for minute in self.matrix.oldest()..=self.matrix.newest() {
            for (column, row) in &mut parted {
                row.set(minute, self.matrix.get(minute, *column));
            }
        }
        for (column, row) in parted {
            if let Some(series) = self.series.get_mut(column) {
                series.own = Some(row);
                series.seat = Seat::Own;
            }
        }
    }

    /// Moves a series that has caught up back to the shared rows.
    fn share(&mut self, column: usize) {
        let Some(series) = self.series.get_mut(column) else {
            return;
        };
        let Some(row) = series.own.take() else {
            return;
        };
        for minute in self.matrix.oldest()..=self.matrix.newest() {
            self.matrix.set(minute, column, row.get(minute));
        }
        series.seat = Seat::Column;
        self.laggard = self.laggard.min(series.newest_minute);
    }

    /// Takes over the series of another block: `columns` says which column each goes to. `self`
    /// is empty, and keeps what the registry says of its own series.
    pub(crate) fn take_over(&mut self, before: Self, columns: &[Option<usize>]) {
        if before.plan != self.plan {
            return self.refill(&before, columns);
        }
        let is_same = before.series.len() == self.series.len()
            && (0..).zip(columns).all(|(from, to)| *to == Some(from));
        let registered: Vec<u32> = self.series.iter().map(|s| s.registered_ms).collect();
        if is_same {
            let turn = std::mem::take(&mut self.turn);
            *self = Self { turn, ..before };
        } else {
            self.merge(before, columns);
        }
        for (series, registered_ms) in self.series.iter_mut().zip(registered) {
            series.registered_ms = registered_ms;
        }
    }

    fn merge(&mut self, before: Self, columns: &[Option<usize>]) {
        self.laggard = before.laggard;
        if !before.matrix.is_empty() {
            let (rows, newest) = (before.matrix.rows(), before.matrix.newest());
            self.matrix = Matrix::new(rows, self.series.len(), newest);
            for minute in before.matrix.oldest()..=newest {
                for (from, to) in columns.iter().enumerate() {
                    if let Some(to) = to {
                        self.matrix
                            .set(minute, *to, before.matrix.get(minute, from));
                    }
                }
            }
        }
        let width = self.plan.lengths.len();
        for (from, (series, to)) in before.series.into_iter().zip(columns).enumerate() {
            let Some(to) = *to else {
                continue;
            };
            if let Some(place) = self.series.get_mut(to) {
                *place = series;
            }
            let old = before.slots.get(from * width..(from + 1) * width);
            let new = self.slots.get_mut(to * width..(to + 1) * width);
            if let (Some(old), Some(new)) = (old, new) {
                new.copy_from_slice(old);
            }
            let kept = self.plan.lines.len();
            let old = before.lines.get(from * kept..(from + 1) * kept);
            let new = self.lines.get_mut(to * kept..(to + 1) * kept);
            if let (Some(old), Some(new)) = (old, new) {
                new.copy_from_slice(old);
            }
            let kept = self.plan.peaks_kept();
            let old = before.peaks.get(from * kept..(from + 1) * kept);
            let new = self.peaks.get_mut(to * kept..(to + 1) * kept);
            if let (Some(old), Some(new)) = (old, new) {
                new.copy_from_slice(old);
            }
            let kept = self.plan.days_kept();
            let old = before.days.get(from * kept..(from + 1) * kept);
            let new = self.days.get_mut(to * kept..(to + 1) * kept);
            if let (Some(old), Some(new)) = (old, new) {
                new.copy_from_slice(old);
            }
        }
    }

    /// Places every reading of the other block anew: the windows are others.
    fn refill(&mut self, before: &Self, columns: &[Option<usize>]) {
        for (from, to) in columns.iter().enumerate() {
            let view = before.view(from);
            let held = view.and_then(|view| Some((view, view.newest()?)));
            if let (Some((view, newest)), Some(to)) = (held, *to) {
                self.take_days(to, &view);
                self.refill_series(to, newest, view.entries());
            }
        }
    }

    /// Takes over the days of a series, where they begin at the same time of day.
    fn take_days(&mut self, to: usize, before: &View<'_>) {
        let same = |calendar: &Calendar| {
            let other = before.plan.days;
            other.is_some_and(|other| other.start(0) == calendar.start(0))
        };
        let Some(calendar) = self.plan.days.filter(same) else {
            return;
        };
        let kept = usize::from(calendar.days);
        let Some(days) = self.days.get_mut(to * kept..(to + 1) * kept) else {
            return;
        };
        for old in before.days.iter().filter(|day| day.number != i32::MIN) {
            if let Some(day) = calendar.open(days, old.number) {
                *day = *old;
            }
        }
    }

    /// Fills an empty series with readings kept elsewhere; `newest` is where its windows end.
    fn refill_series(&mut self, column: usize, newest: Time, entries: impl Iterator<Item = Entry>) {
        let oldest = newest.millis().saturating_sub(self.plan.kept_ms());
        let mut entries: Vec<Entry> = entries.filter(|entry| entry.time > oldest).collect();
        entries.sort_by_key(|entry| entry.time);
        if self.plan.is_running_only {
            self.reach(newest.millis().div_euclid(MINUTE_MS));
        }
        if let Some(mut open) = self.open(column) {
            open.refill(newest.millis(), &entries);
        }
        if let Some(series) = self.series.get(column)
            && series.seat == Seat::Column
        {
            self.laggard = self.laggard.min(series.newest_minute);
        }
    }
}
