//! One series of a block: what it remembers, and how a reading that is not simply the next minute
//! goes in and out of its windows.

use super::days::{Day, gather};
use super::line::Line;
use super::matrix::{MISSING, Matrix};
use super::peaks::{self, Peak, STRETCH};
use super::row::Row;
use super::sparse::{Kept, Sparse};
use super::{Entry, MINUTE_MS, Placed, Plan, cover_ms};
use model::{Observation, Quality, Quanta};

/// No interval: nothing stands in the minute cells yet.
const NO_INTERVAL: u32 = u32::MAX;

/// Half of what a cell can tell apart: where a value that may fall as well as rise begins.
const HALF: i32 = 1 << 15;

/// Where the minute cells of a series stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// Nothing whole-minute has come yet.
    None,
    /// In its column of the block's matrix.
    Column,
    /// In a row of its own.
    Own,
}

/// What a series remembers beside its cells and slots: one line of cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Series {
    /// Time of the newest reading ever placed; `i64::MIN` before the first.
    pub(super) newest: i64,
    /// The minute it lies in.
    pub(super) newest_minute: i64,
    /// Newest reading that still stands.
    pub(super) last_time: i64,
    pub(super) last: Quanta,
    /// What cells are distances from.
    pub(super) base: Quanta,
    /// Interval that all readings in the cells share, seconds.
    pub(super) interval_s: u32,
    /// Time each of them stands for.
    pub(super) cover_ms: u32,
    /// Interval the registry gives.
    pub(super) registered_ms: u32,
    pub(super) seat: Seat,
    pub(super) own: Option<Box<Row>>,
    pub(super) sparse: Option<Box<Sparse>>,
}

/// Running figures of one window at the newest reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) sum: i64,
    pub(crate) count: i32,
    pub(crate) covered_s: i32,
}

/// A series with all that placing a reading in it touches.
pub(super) struct Open<'a> {
    pub(super) plan: &'a Plan,
    pub(super) is_rain: bool,
    pub(super) matrix: &'a mut Matrix,
    pub(super) column: usize,
    pub(super) series: &'a mut Series,
    pub(super) slots: &'a mut [Slot],
    /// Least squares, of the slots that the plan names.
    pub(super) lines: &'a mut [Line],
    /// Extremes by stretch, where any are asked for.
    pub(super) peaks: &'a mut [Peak],
    /// The days that are kept, where any are.
    pub(super) days: &'a mut [Day],
}

impl Series {
    pub(super) const fn new(registered_ms: u32) -> Self {
        Self {
            newest: i64::MIN,
            newest_minute: i64::MIN,
            last_time: i64::MIN,
            last: 0,
            base: 0,
            interval_s: NO_INTERVAL,
            cover_ms: 0,
            registered_ms,
            seat: Seat::None,
            own: None,
            sparse: None,
        }
    }

    pub(super) fn has_suspects(&self) -> bool {
        self.sparse.as_ref().is_some_and(|s| s.has_suspects())
    }

    /// The oldest minute whose cell counts.
    pub(super) fn oldest_minute(&self, plan: &Plan) -> i64 {
        self.newest_minute
            .saturating_sub(plan.row_minutes() as i64 - 1)
    }

    /// The cell that says `value`; `None` where it lies too far from the base.
    #[inline]
    pub(super) fn cell_of(&self, value: Quanta) -> Option<u16> {
        let distance = u16::try_from(i64::from(value) - i64::from(self.base)).ok()?;
        (distance != MISSING).then_some(distance)
    }

    /// The value a cell says.
    #[inline]
    pub(super) fn value_of(&self, cell: u16) -> Option<Quanta> {
        (cell != MISSING).then(|| self.base.wrapping_add(i32::from(cell)))
    }

    /// The value in the cell of `minute`.
    pub(super) fn at(
        &self,
        matrix: &Matrix,
        column: usize,
        plan: &Plan,
        minute: i64,
    ) -> Option<Quanta> {
        self.value_of(self.cell(matrix, column, plan, minute))
    }

    /// The cell of `minute`.
    pub(super) fn cell(&self, matrix: &Matrix, column: usize, plan: &Plan, minute: i64) -> u16 {
        if minute < self.oldest_minute(plan) || minute > self.newest_minute {
            return MISSING;
        }
        match (self.seat, &self.own) {
            (Seat::Column, _) => matrix.get(minute, column),
            (Seat::Own, Some(row)) => row.get(minute),
            (Seat::Own | Seat::None, _) => MISSING,
        }
    }

    /// The cells from one minute to another, both of them held, oldest first.
    pub(super) fn each_cell(
        &self,
        matrix: &Matrix,
        column: usize,
        (from, to): (i64, i64),
        mut take: impl FnMut(i64, u16),
    ) {
        if let Some(row) = &self.own {
            let (from, straight, wrapped) = row.runs(from, to);
            for (minute, cell) in (from..).zip(straight.iter().chain(wrapped)) {
                take(minute, *cell);
            }
        } else {
            for (minute, cell) in matrix.column(column, from, to) {
                take(minute, cell);
            }
        }
    }

    /// Every reading that stands, those in cells first.
    pub(super) fn entries<'a>(
        &'a self,
        matrix: &'a Matrix,
        column: usize,
        plan: &'a Plan,
    ) -> impl Iterator<Item = Entry> + 'a {
        let minutes = match self.seat {
            Seat::None => None,
            Seat::Column | Seat::Own => Some(self.oldest_minute(plan)..=self.newest_minute),
        };
        let cell = move |minute| {
            self.at(matrix, column, plan, minute)
                .map(|value| (minute, value))
        };
        minutes
            .into_iter()
            .flatten()
            .filter_map(cell)
            .map(|(minute, value)| Entry {
                time: minute * MINUTE_MS,
                value,
                interval_s: self.interval_s,
                suspect: false,
            })
            .chain(self.sparse.iter().flat_map(|sparse| sparse.all()))
    }
}

impl Open<'_> {
    /// Puts any reading in its place and keeps the running figures exact.
    pub(super) fn place(&mut self, observation: &Observation) -> Placed {
        let placed = self.place_any(observation);
        if let Some(sparse) = &mut self.series.sparse {
            sparse.renew_due(self.series.newest, self.plan);
        }
        placed
    }

    fn place_any(&mut self, observation: &Observation) -> Placed {
        let entry = Entry {
            time: observation.time.millis(),
            value: observation.value,
            interval_s: observation.interval_s,
            suspect: observation.quality == Quality::Suspect,
        };
        let usable = observation.quality.is_usable();
        if entry.time > self.series.newest {
            if !usable {
                return Placed::Unusable;
            }
            self.advance(entry.time);
            self.insert(entry);
            self.series.last_time = entry.time;
            self.series.last = entry.value;
            return Placed::New;
        }
        let is_persons = observation.quality == Quality::Corrected;
        self.place_late(entry, usable, is_persons)
    }

    fn place_late(&mut self, mut entry: Entry, usable: bool, is_persons: bool) -> Placed {
        let kept_from = self.series.newest - self.plan.placed_ms();
        if entry.time <= kept_from && entry.time < self.series.last_time {
            return Placed::TooOld;
        }
        let old = self.find(entry.time);
        // The same value again confirms nothing: only a person lifts a suspicion (semantics §13).
        let keeps_flag =
            !is_persons && old.is_some_and(|old| old.suspect && old.value == entry.value);
        entry.suspect |= keeps_flag;
        match (old, usable) {
            (Some(old), true) if old == entry => Placed::Duplicate,
            (Some(old), _) => {
                self.remove(old);
                if usable {
                    self.insert(entry);
                }
                if entry.time == self.series.last_time && usable {
                    self.series.last = entry.value;
                } else if entry.time == self.series.last_time {
                    self.find_last();
                }
                Placed::Corrected
            }
            (None, true) => {
                self.insert(entry);
                if entry.time > self.series.last_time {
                    self.series.last_time = entry.time;
                    self.series.last = entry.value;
                }
                Placed::Late
            }
            (None, false) => Placed::Unusable,
        }
    }

    /// Moves the windows on to `to`: what leaves each of them is taken off its figures.
    fn advance(&mut self, to: i64) {
        let minute = to.div_euclid(MINUTE_MS);
        let before = self.series.newest;
        if before != i64::MIN {
            let oldest = self.series.oldest_minute(self.plan);
            let newest = self.series.newest_minute;
            for (slot, length) in self.slots.iter_mut().zip(&self.plan.lengths) {
                if self.series.interval_s > length.seconds {
                    continue;
                }
                let from = length.start_minute(before, newest) + 1;
                let until = length.start_minute(to, minute);
                for leaving in from.max(oldest)..=until.min(newest) {
                    let value = self.series.at(self.matrix, self.column, self.plan, leaving);
                    if let Some(value) = value {
                        slot.take(value, self.series.cover_ms);
                    }
                }
            }
            for (line, slot) in self.lines.iter_mut().zip(&self.plan.lines) {
                let Some(length) = self.plan.lengths.get(*slot) else {
                    continue;
                };
                if self.series.interval_s > length.seconds {
                    continue;
                }
                let from = length.start_minute(before, newest) + 1;
                let until = length.start_minute(to, minute);
                for leaving in from.max(oldest)..=until.min(newest) {
                    let cell = self
                        .series
                        .cell(self.matrix, self.column, self.plan, leaving);
                    line.take(leaving, cell);
                }
            }
            self.advance_sparse(to);
        }
        peaks::advance(self.peaks, self.series.newest_minute, minute);
        self.series.newest = to;
        self.series.newest_minute = minute;
    }

    fn advance_sparse(&mut self, to: i64) {
        let Some(sparse) = &mut self.series.sparse else {
            return;
        };
        for (slot, length) in self.slots.iter_mut().zip(&self.plan.lengths) {
            let from = self.series.newest.saturating_sub(length.ms);
            let until = to - length.ms;
            for entry in sparse.after(from).take_while(|entry| entry.time <= until) {
                if entry.interval_s <= length.seconds {
                    slot.take(
                        entry.value,
                        cover_ms(entry.interval_s, self.series.registered_ms),
                    );
                }
            }
        }
        sparse.forget(to - self.plan.kept_ms(), to);
        if sparse.is_empty() {
            self.series.sparse = None;
        }
    }

    fn insert(&mut self, entry: Entry) {
        self.give_to_day(entry);
        self.stand(entry);
    }

    /// Puts a reading among those that stand and into the windows that hold it.
    fn stand(&mut self, entry: Entry) {
        self.account(entry, true);
        let minute = entry.time.div_euclid(MINUTE_MS);
        let is_whole = !entry.suspect && minute * MINUTE_MS == entry.time;
        if is_whole && self.series.seat == Seat::None {
            self.seat(minute, entry);
        }
        let cell = self.series.cell_of(entry.value);
        if let Some(cell) = cell.filter(|_| is_whole && entry.interval_s == self.series.interval_s)
            && self.set(minute, cell)
        {
            return;
        }
        self.insert_sparse(entry);
    }

    /// The first whole-minute reading decides where the cells stand and what they measure from.
    fn seat(&mut self, minute: i64, first: Entry) {
        let shares = self.series.newest_minute >= self.plan.shared_from(self.matrix);
        self.series.seat = if shares {
            Seat::Column
        } else {
            self.series.own = Some(Box::new(Row::new(self.plan.row_minutes(), minute)));
            Seat::Own
        };
        self.series.base = if self.is_rain {
            0
        } else {
            first.value.saturating_sub(HALF)
        };
        self.series.interval_s = first.interval_s;
        self.series.cover_ms = cover_ms(first.interval_s, self.series.registered_ms);
    }

    /// Writes a cell and keeps what is told of many exact; false where the minute has none.
    fn set(&mut self, minute: i64, cell: u16) -> bool {
        if minute < self.series.oldest_minute(self.plan) {
            return false;
        }
        let before = self
            .series
            .cell(self.matrix, self.column, self.plan, minute);
        let is_inside = self.write(minute, cell);
        if is_inside {
            self.draw(minute, before, cell);
            if !self.peaks.is_empty() {
                self.peak(minute, before, cell);
            }
        }
        is_inside
    }

    /// Puts a changed cell into each line that holds its minute.
    fn draw(&mut self, minute: i64, before: u16, cell: u16) {
        for (line, slot) in self.lines.iter_mut().zip(&self.plan.lines) {
            let Some(length) = self.plan.lengths.get(*slot) else {
                continue;
            };
            let is_within = minute * MINUTE_MS > self.series.newest - length.ms;
            if is_within && self.series.interval_s <= length.seconds {
                line.take(minute, before);
                line.give(minute, cell);
            }
        }
    }

    /// Puts a changed cell into the extremes of its stretch, which are found anew where one is gone.
    fn peak(&mut self, minute: i64, before: u16, cell: u16) {
        let stretch = peaks::stretch(minute);
        let at = peaks::place(self.peaks, stretch);
        let mut peak = self.peaks.get(at).copied().unwrap_or(Peak::NONE);
        let was_extreme = before == peak.max || before == peak.min;
        if before != MISSING && was_extreme {
            peak = Peak::NONE;
            let (from, to) = (stretch * STRETCH, (stretch + 1) * STRETCH - 1);
            let from = from.max(self.series.oldest_minute(self.plan));
            let to = to.min(self.series.newest_minute);
            let cells = |_, cell| peak.give(cell);
            self.series
                .each_cell(self.matrix, self.column, (from, to), cells);
        }
        peak.give(cell);
        if let Some(place) = self.peaks.get_mut(at) {
            *place = peak;
        }
    }

    fn write(&mut self, minute: i64, cell: u16) -> bool {
        match (self.series.seat, &mut self.series.own) {
            (Seat::Column, _) => {
                let is_inside = self.matrix.row_start(minute).is_some();
                self.matrix.set(minute, self.column, cell);
                is_inside
            }
            (Seat::Own, Some(row)) => {
                if minute > row.newest() {
                    row.advance(minute);
                }
                let is_inside = minute >= row.oldest();
                row.set(minute, cell);
                is_inside
            }
            (Seat::Own | Seat::None, _) => false,
        }
    }

    fn insert_sparse(&mut self, entry: Entry) {
        let epoch = self.series.newest - self.plan.kept_ms();
        let fresh = || Box::new(Sparse::new(epoch));
        let sparse = self.series.sparse.get_or_insert_with(fresh);
        match sparse.insert(entry) {
            Kept::Yes => {}
            Kept::Instead(oldest) => self.account(oldest, false),
            Kept::No => self.account(entry, false),
        }
        if self.series.sparse.as_ref().is_some_and(|s| s.is_empty()) {
            self.series.sparse = None;
        }
    }

    fn remove(&mut self, entry: Entry) {
        self.account(entry, false);
        self.fall(entry);
        self.take_from_day(entry);
    }

    fn give_to_day(&mut self, entry: Entry) {
        let Some(calendar) = &self.plan.days else {
            return;
        };
        if let Some(day) = calendar.open(self.days, calendar.day(entry.time)) {
            day.give(
                entry.value,
                cover_ms(entry.interval_s, self.series.registered_ms),
            );
        }
    }

    fn take_from_day(&mut self, entry: Entry) {
        let Some(calendar) = &self.plan.days else {
            return;
        };
        let number = calendar.day(entry.time);
        let Some(day) = calendar.open(self.days, number) else {
            return;
        };
        let cover_ms = cover_ms(entry.interval_s, self.series.registered_ms);
        if day.take(entry.value, cover_ms) {
            let entries = self.series.entries(self.matrix, self.column, self.plan);
            let found = gather(number, entries, self.series, |entry| {
                calendar.day(entry.time) == number
            });
            (day.max, day.min) = (found.max, found.min);
        }
    }

    fn fall(&mut self, entry: Entry) {
        let sparse = &mut self.series.sparse;
        if sparse.as_mut().is_some_and(|s| s.remove(entry.time)) {
            if sparse.as_ref().is_some_and(|s| s.is_empty()) {
                *sparse = None;
            }
        } else {
            self.set(entry.time.div_euclid(MINUTE_MS), MISSING);
        }
    }

    /// Adds a reading to, or takes it off, each window that holds it at the newest time.
    fn account(&mut self, entry: Entry, add: bool) {
        let cover = cover_ms(entry.interval_s, self.series.registered_ms);
        for (slot, length) in self.slots.iter_mut().zip(&self.plan.lengths) {
            if entry.time > self.series.newest - length.ms && entry.interval_s <= length.seconds {
                if add {
                    slot.give(entry.value, cover);
                } else {
                    slot.take(entry.value, cover);
                }
            }
        }
    }

    fn find(&self, time: i64) -> Option<Entry> {
        if let Some(found) = self.series.sparse.as_ref().and_then(|s| s.find(time)) {
            return Some(found);
        }
        let minute = time.div_euclid(MINUTE_MS);
        if minute * MINUTE_MS != time {
            return None;
        }
        let value = self
            .series
            .at(self.matrix, self.column, self.plan, minute)?;
        Some(Entry {
            time,
            value,
            interval_s: self.series.interval_s,
            suspect: false,
        })
    }

    /// Finds the newest reading anew, after it was taken away or after a refill.
    fn find_last(&mut self) {
        let entries = self.series.entries(self.matrix, self.column, self.plan);
        let newest = entries.max_by_key(|entry| entry.time);
        self.series.last_time = newest.map_or(i64::MIN, |entry| entry.time);
        self.series.last = newest.map_or(0, |entry| entry.value);
    }

    /// Fills an empty series with readings kept elsewhere; `newest` is where its windows end. Days
    /// that are known already hold them.
    pub(super) fn refill(&mut self, newest: i64, entries: &[Entry]) {
        self.series.newest = newest;
        self.series.newest_minute = newest.div_euclid(MINUTE_MS);
        let has_days = self.days.iter().any(|day| *day != Day::NEVER);
        for entry in entries {
            if !has_days {
                self.give_to_day(*entry);
            }
            self.stand(*entry);
        }
        self.find_last();
    }
}

impl Slot {
    #[inline]
    fn give(&mut self, value: Quanta, cover_ms: u32) {
        self.sum += i64::from(value);
        self.count += 1;
        self.covered_s = self
            .covered_s
            .saturating_add((cover_ms / 1000).cast_signed());
    }

    #[inline]
    pub(super) fn take(&mut self, value: Quanta, cover_ms: u32) {
        self.sum -= i64::from(value);
        self.count -= 1;
        self.covered_s = self
            .covered_s
            .saturating_sub((cover_ms / 1000).cast_signed());
    }
}
