//! Reading figures out of a series: running ones where they are kept, a scan everywhere else.

use super::days::{DAY_MS, Day, gather};
use super::line::Line;
use super::matrix::Matrix;
use super::peaks::{self, Peak, STRETCH};
use super::series::{Seat, Series, Slot};
use super::value::Value;
use super::{Entry, MINUTE_MS, Plan, cover_ms};
use crate::forecast::Ask;
use crate::indicator::Indicator;
use model::{Offset, Span, Time};

/// What a call asks of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The newest value.
    Last,
    /// Sum of the values.
    Sum,
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
    /// Mean of the values.
    Mean,
    /// Newest value minus oldest value in the window.
    Delta,
    /// Slope of the least-squares line, per hour.
    Rate,
    /// Number of values.
    Count,
    /// Time since the newest value, milliseconds.
    Age,
    /// A figure with a formula of its own.
    Indicator(Indicator),
    /// A figure of what is expected.
    Expected(Ask),
}

/// How far back a window goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// `(t − w, t]`.
    Rolling(Span),
    /// From the start of a day `days` ago that begins at `minute` of local time.
    Calendar {
        /// Days, the running one included.
        days: u16,
        /// Minute of the local day at which a day begins.
        minute: u16,
    },
}

/// A length with what the hot path needs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub(super) ms: i64,
    pub(super) minutes: i64,
    pub(super) seconds: u32,
    whole: bool,
    /// Seconds that readings must cover for the window to count as covered (semantics §15).
    needed_s: i64,
}

impl Length {
    pub(super) fn new(span: Span) -> Self {
        let ms = span.millis();
        Self {
            ms,
            minutes: ms.div_euclid(MINUTE_MS),
            seconds: u32::try_from(span.seconds()).unwrap_or(u32::MAX),
            whole: ms % MINUTE_MS == 0,
            needed_s: ms
                .saturating_mul(8)
                .saturating_add(9_999)
                .div_euclid(10_000),
        }
    }

    #[inline]
    pub(super) const fn is_covered(&self, covered_s: i32) -> bool {
        covered_s as i64 >= self.needed_s
    }

    /// The last whole minute that lies outside the window ending at `time`.
    #[inline]
    pub(super) fn start_minute(&self, time: i64, minute: i64) -> i64 {
        if self.whole {
            minute - self.minutes
        } else {
            (time - self.ms).div_euclid(MINUTE_MS)
        }
    }
}

impl Window {
    /// Where the window that ends at `t` begins; that instant itself is outside.
    pub fn start(self, t: Time, offset: Offset) -> Time {
        match self {
            Self::Rolling(span) => t - span,
            Self::Calendar { days, minute } => {
                let shift = i64::from(offset.0) * MINUTE_MS - i64::from(minute) * MINUTE_MS;
                let day = (t.millis() + shift - 1).div_euclid(86_400_000) - i64::from(days) + 1;
                Time::from_millis(day * 86_400_000 - shift)
            }
        }
    }

    /// The longest the window can be.
    pub const fn longest(self) -> Span {
        match self {
            Self::Rolling(span) => span,
            Self::Calendar { days, .. } => Span::from_minutes(days as i64 * 24 * 60),
        }
    }
}

/// One series of a block, to be read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) plan: &'a Plan,
    pub(super) matrix: &'a Matrix,
    pub(super) column: usize,
    pub(super) series: &'a Series,
    pub(super) slots: &'a [Slot],
    pub(super) lines: &'a [Line],
    pub(super) peaks: &'a [Peak],
    pub(super) days: &'a [Day],
}

impl<'a> View<'a> {
    /// Time of the newest reading ever placed; `None` before the first.
    #[inline]
    pub fn newest(&self) -> Option<Time> {
        let newest = self.series.newest;
        (newest != i64::MIN).then(|| Time::from_millis(newest))
    }

    /// The same in milliseconds; `i64::MIN` before the first.
    #[inline]
    pub(crate) const fn newest_ms(&self) -> i64 {
        self.series.newest
    }

    pub(crate) fn has_suspects(&self) -> bool {
        self.series.has_suspects()
    }

    /// Running figures of every window.
    #[inline]
    pub(crate) const fn slots(&self) -> &'a [Slot] {
        self.slots
    }

    /// Every reading that stands.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + 'a {
        self.series.entries(self.matrix, self.column, self.plan)
    }

    /// The figure of `slot`, kept running at the newest reading.
    /// Suspect readings are left out unless `suspects`.
    #[inline]
    pub fn running(&self, function: Function, slot: usize, suspects: bool) -> Value {
        let kept = self.slots.get(slot).zip(self.plan.lengths.get(slot));
        let Some((mut held, window)) = kept.map(|(held, window)| (*held, window)) else {
            return Value::UNKNOWN;
        };
        if !suspects {
            self.leave_suspects_out(&mut held, window);
        }
        held.value(function, window)
    }

    /// The figure over `(from, to]`: a running one where that window is kept and ends at the newest
    /// reading or soon after it, by a scan otherwise.
    pub fn figure(&self, function: Function, from: Time, to: Time, suspects: bool) -> Value {
        let is_running = matches!(function, Function::Sum | Function::Mean | Function::Count);
        let after_ms = to.millis().saturating_sub(self.series.newest);
        let length_ms = to.millis() - from.millis();
        if is_running && (0..=length_ms / 2).contains(&after_ms) {
            let mut lengths = self.plan.lengths.iter();
            let slot = lengths.position(|length| length.ms == length_ms);
            match slot {
                Some(slot) if after_ms == 0 => return self.running(function, slot, suspects),
                Some(slot) if suspects => return self.running_on(function, slot, to.millis()),
                Some(_) | None => {}
            }
        }
        if function == Function::Rate && after_ms == 0 && suspects {
            let of = |slot: &&usize| {
                let length = self.plan.lengths.get(**slot);
                length.is_some_and(|length| length.ms == length_ms)
            };
            let mut lines = self.plan.lines.iter().zip(self.lines);
            if let Some((slot, line)) = lines.find(|(slot, _)| of(slot)) {
                return self.slope(*slot, *line);
            }
        }
        self.scan(function, from, to, suspects)
    }

    /// The rate over the window of `slot` at the newest reading.
    fn slope(&self, slot: usize, line: Line) -> Value {
        let kept = self.slots.get(slot).zip(self.plan.lengths.get(slot));
        let Some((mut held, window)) = kept.map(|(held, window)| (*held, window)) else {
            return Value::UNKNOWN;
        };
        if held.count == 0 {
            return Value::UNKNOWN;
        }
        let covered = window.is_covered(held.covered_s);
        let from = self.series.newest - window.ms;
        let mut tally = Tally::new(from);
        let sparse = self.series.sparse.iter();
        let within = sparse.flat_map(|sparse| sparse.after(from));
        for entry in within.filter(|entry| entry.interval_s <= window.seconds) {
            let cover_ms = cover_ms(entry.interval_s, self.series.registered_ms);
            held.take(entry.value, cover_ms);
            tally.add(entry.time, entry.value, cover_ms);
        }
        let minute = from.div_euclid(MINUTE_MS);
        let (count, base) = (i64::from(held.count), i64::from(self.series.base));
        let line = line.from(minute, count, held.sum - base * count);
        let late = i128::from(minute * MINUTE_MS - from);
        let [count, sum, per_minute] = [count, held.sum, MINUTE_MS].map(i128::from);
        let [times, squares, products] = [line.times, line.squares, line.products].map(i128::from);
        let products = products + i128::from(base) * times;
        tally.count += i64::from(held.count);
        tally.sum += held.sum;
        tally.times += times * per_minute + late * count;
        tally.times_squared +=
            (squares * per_minute + 2 * late * times) * per_minute + late * late * count;
        tally.products += products * per_minute + late * sum;
        tally.rate(covered)
    }

    /// The figure of `slot` once the window has moved on to `to` without a reading.
    fn running_on(&self, function: Function, slot: usize, to: i64) -> Value {
        let kept = self.slots.get(slot).zip(self.plan.lengths.get(slot));
        let Some((mut held, window)) = kept.map(|(held, window)| (*held, window)) else {
            return Value::UNKNOWN;
        };
        let from = self.series.newest - window.ms;
        held.less(&self.tally(from, to - window.ms, window.ms, true));
        held.value(function, window)
    }

    /// Takes the suspect readings in a window off its figures.
    pub(super) fn leave_suspects_out(&self, held: &mut Slot, window: &Length) {
        let Some(sparse) = &self.series.sparse else {
            return;
        };
        let within = sparse.after(self.series.newest - window.ms);
        for entry in within.filter(|entry| entry.suspect) {
            if entry.interval_s <= window.seconds {
                held.take(
                    entry.value,
                    cover_ms(entry.interval_s, self.series.registered_ms),
                );
            }
        }
    }

    /// The figure over `(from, to]` by a scan. Suspect readings are left out unless `suspects`.
    pub fn scan(&self, function: Function, from: Time, to: Time, suspects: bool) -> Value {
        let (from, to) = (from.millis(), to.millis());
        match function {
            Function::Last => match self.newest_at(to, suspects) {
                Some(entry) => Value::whole(i64::from(entry.value), true),
                None => Value::UNKNOWN,
            },
            Function::Age => match self.newest_at(to, suspects) {
                Some(entry) => Value::whole(to - entry.time, true),
                None => Value::UNKNOWN,
            },
            Function::Max | Function::Min if !self.peaks.is_empty() => {
                self.extreme(function, from, to, suspects)
            }
            Function::Delta => self.delta(from, to, suspects),
            Function::Sum
            | Function::Max
            | Function::Min
            | Function::Mean
            | Function::Rate
            | Function::Count => {
                let length_ms = to - from;
                self.tally(from, to, length_ms, suspects)
                    .value(function, length_ms)
            }
            Function::Indicator(_) | Function::Expected(_) => Value::UNKNOWN,
        }
    }

    /// Mean time, milliseconds, and mean value, quanta, of the readings in `(from, to]`.
    pub(crate) fn middle(&self, from: i64, to: i64, suspects: bool) -> Option<(f64, f64)> {
        let tally = self.tally(from, to, i64::MAX, suspects);
        let count = tally.count as f64;
        let time = tally.from as f64 + tally.times as f64 / count;
        (tally.count > 0).then_some((time, tally.sum as f64 / count))
    }

    /// The day that a time belongs to; `None` where no days are kept.
    #[inline]
    pub(crate) fn day_of(&self, time: Time) -> Option<i32> {
        Some(self.plan.days?.day(time.millis()))
    }

    /// Seconds of a day that lie before `to`.
    pub(crate) fn day_length_s(&self, number: i32, to: Time) -> i64 {
        let start = self.plan.days.map(|calendar| calendar.start(number));
        let start = start.unwrap_or(to.millis());
        (to.millis() - start).clamp(0, DAY_MS) / 1000
    }

    /// What a day came to by `to`.
    pub(crate) fn day(&self, number: i32, to: Time, suspects: bool) -> Day {
        let Some(calendar) = &self.plan.days else {
            return Day::empty(number);
        };
        let held = calendar.get(self.days, number);
        let (start, newest) = (calendar.start(number), self.series.newest);
        let until = to.millis().min(start + DAY_MS);
        let is_cut = until < newest.min(start + DAY_MS);
        let has_suspects = || {
            let sparse = self.series.sparse.iter();
            let mut within = sparse.flat_map(|sparse| sparse.after(start));
            within.any(|entry| entry.suspect && entry.time <= until)
        };
        // A day whose minutes are gone is taken as it stands.
        let is_there = start >= newest.saturating_sub(self.plan.kept_ms());
        if !is_there || !(is_cut || !suspects && has_suspects()) {
            return held;
        }
        gather(number, self.entries(), self.series, |entry| {
            let within = entry.time > start && entry.time <= until;
            within && (suspects || !entry.suspect)
        })
    }

    /// The figure over so many days up to `to`, the running one included.
    pub(crate) fn over_days(
        &self,
        function: Function,
        days: u16,
        to: Time,
        suspects: bool,
    ) -> Value {
        let Some(today) = self.day_of(to) else {
            return Value::UNKNOWN;
        };
        let first = today.saturating_sub(i32::from(days) - 1);
        let days = (first..=today).map(|number| self.day(number, to, suspects));
        let all = days.fold(Day::empty(first), Day::and);
        let length_s: i64 = (first..=today)
            .map(|number| self.day_length_s(number, to))
            .sum();
        let covered = i64::from(all.covered_s) * 10 >= length_s * 8;
        match function {
            _ if all.count == 0 => Value::UNKNOWN,
            Function::Sum => Value::whole(all.sum, covered),
            Function::Max => Value::whole(i64::from(all.max), covered),
            Function::Min => Value::whole(i64::from(all.min), covered),
            Function::Count => Value::whole(i64::from(all.count), covered),
            Function::Mean => Value {
                number: i128::from(all.sum),
                of: i128::from(all.count),
                covered,
            },
            Function::Last
            | Function::Delta
            | Function::Rate
            | Function::Age
            | Function::Indicator(_)
            | Function::Expected(_) => Value::UNKNOWN,
        }
    }

    /// True where a value below nought stands in any window of rain.
    pub(crate) fn has_negative(&self) -> bool {
        let mut sparse = self.series.sparse.iter().flat_map(|sparse| sparse.all());
        let mut days = self.days.iter().filter(|day| day.count > 0);
        sparse.any(|entry| entry.value < 0) || days.any(|day| day.min < 0)
    }

    /// Seconds that readings must still stand for until four fifths of so many days are covered, should
    /// no time pass meanwhile.
    pub(crate) fn uncovered_s(&self, days: u16, to: Time) -> i64 {
        let Some(today) = self.day_of(to) else {
            return 0;
        };
        let days = (0..i32::from(days)).map(|ago| today - ago);
        let (covered_s, length_s) = days.fold((0, 0), |(covered_s, length_s), number| {
            let day = self.day(number, to, true);
            let whole_s = self.day_length_s(number, to);
            (covered_s + i64::from(day.covered_s), length_s + whole_s)
        });
        (length_s * 8 - covered_s * 10 + 9).div_euclid(10)
    }

    /// How long before the newest reading others are still kept.
    pub(crate) const fn kept_ms(&self) -> i64 {
        self.plan.kept_ms()
    }

    /// True where readings back to `from` are still kept.
    pub(crate) const fn reaches(&self, from: Time) -> bool {
        from.millis() >= self.series.newest.saturating_sub(self.kept_ms())
    }

    /// The largest or smallest of the readings in `(from, to]`.
    fn extreme(&self, function: Function, from: i64, to: i64, suspects: bool) -> Value {
        let (length_ms, series) = (to - from, self.series);
        let fits = |interval_s: u32| i64::from(interval_s) * 1000 <= length_ms;
        let mut tally = self.tally_sparse(from, to, length_ms, suspects);
        let is_seated = series.seat != Seat::None && fits(series.interval_s);
        let minutes = (from.div_euclid(MINUTE_MS) + 1).max(series.oldest_minute(self.plan))
            ..=to.div_euclid(MINUTE_MS).min(series.newest_minute);
        let mut found = Peak::NONE;
        if is_seated && !minutes.is_empty() {
            found = self.peak(*minutes.start(), *minutes.end());
        }
        for cell in [found.max, found.min] {
            if let Some(value) = series.value_of(cell).filter(|_| found != Peak::NONE) {
                (tally.max, tally.min) = (tally.max.max(value), tally.min.min(value));
                tally.count += 1;
            }
        }
        let mut value = tally.value(function, length_ms);
        value.covered = value.is_known() && self.is_covered(from, to, suspects);
        value
    }

    /// The extremes of the cells from one minute to another: of whole stretches as they are kept, of
    /// the others cell by cell. Nothing is newer than the newest.
    fn peak(&self, from: i64, to: i64) -> Peak {
        let mut found = Peak::NONE;
        let mut minute = from;
        while minute <= to {
            let stretch = peaks::stretch(minute);
            let last = (stretch + 1) * STRETCH - 1;
            let is_whole =
                minute == stretch * STRETCH && (last <= to || to == self.series.newest_minute);
            if is_whole {
                let kept = self.peaks.get(peaks::place(self.peaks, stretch));
                found = found.and(kept.copied().unwrap_or(Peak::NONE));
            } else {
                self.each_cell(minute, last.min(to), |_, cell| found.give(cell));
            }
            minute = last + 1;
        }
        found
    }

    /// The newest less the oldest of the readings in `(from, to]`.
    fn delta(&self, from: i64, to: i64, suspects: bool) -> Value {
        let (length_ms, series) = (to - from, self.series);
        let mut tally = self.tally_sparse(from, to, length_ms, suspects);
        if series.seat != Seat::None && i64::from(series.interval_s) * 1000 <= length_ms {
            let from = (from.div_euclid(MINUTE_MS) + 1).max(series.oldest_minute(self.plan));
            let to = to.div_euclid(MINUTE_MS).min(series.newest_minute);
            let at = |minute: i64| {
                let value = series.at(self.matrix, self.column, self.plan, minute)?;
                Some((minute * MINUTE_MS, value))
            };
            let ends = [(from..=to).find_map(at), (from..=to).rev().find_map(at)];
            for (time, value) in ends.into_iter().flatten() {
                tally.add(time, value, 0);
            }
        }
        let mut value = tally.value(Function::Delta, length_ms);
        value.covered = value.is_known() && self.is_covered(from, to, suspects);
        value
    }

    /// True where the readings in `(from, to]` stand for four fifths of it.
    fn is_covered(&self, from: i64, to: i64, suspects: bool) -> bool {
        let (length_ms, after_ms) = (to - from, to.saturating_sub(self.series.newest));
        let mut slots = self.plan.lengths.iter().zip(self.slots);
        let kept = slots.find(|(length, _)| length.ms == length_ms);
        match kept.filter(|_| (0..=length_ms / 2).contains(&after_ms)) {
            Some((length, held)) if suspects || after_ms == 0 => {
                let mut held = *held;
                if !suspects {
                    self.leave_suspects_out(&mut held, length);
                }
                if after_ms > 0 {
                    let newest = self.series.newest;
                    held.less(&self.tally(newest - length_ms, from, length_ms, true));
                }
                length.is_covered(held.covered_s)
            }
            Some(_) | None => {
                let tally = self.tally(from, to, length_ms, suspects);
                tally.covered_ms.saturating_mul(10) >= length_ms.saturating_mul(8)
            }
        }
    }

    fn newest_at(&self, to: i64, suspects: bool) -> Option<Entry> {
        let series = self.series;
        if to >= series.last_time && (suspects || !series.has_suspects()) {
            return (series.last_time != i64::MIN).then_some(Entry {
                time: series.last_time,
                value: series.last,
                interval_s: 0,
                suspect: false,
            });
        }
        self.entries()
            .filter(|entry| entry.time <= to && (suspects || !entry.suspect))
            .max_by_key(|entry| entry.time)
    }

    /// Gathers the readings in `(from, to]` that fit into a window of that length.
    fn tally(&self, from: i64, to: i64, length_ms: i64, suspects: bool) -> Tally {
        let series = self.series;
        let mut tally = self.tally_sparse(from, to, length_ms, suspects);
        if series.seat != Seat::None && i64::from(series.interval_s) * 1000 <= length_ms {
            self.each_cell(
                from.div_euclid(MINUTE_MS) + 1,
                to.div_euclid(MINUTE_MS),
                |minute, cell| {
                    if let Some(value) = series.value_of(cell) {
                        tally.add(minute * MINUTE_MS, value, series.cover_ms);
                    }
                },
            );
        }
        tally
    }

    /// Those of them that stand in no cell.
    fn tally_sparse(&self, from: i64, to: i64, length_ms: i64, suspects: bool) -> Tally {
        let fits = |interval_s: u32| i64::from(interval_s) * 1000 <= length_ms;
        let mut tally = Tally::new(from);
        let within = self
            .series
            .sparse
            .iter()
            .flat_map(|sparse| sparse.after(from));
        for entry in within.take_while(|entry| entry.time <= to) {
            if fits(entry.interval_s) && (suspects || !entry.suspect) {
                let cover_ms = cover_ms(entry.interval_s, self.series.registered_ms);
                tally.add(entry.time, entry.value, cover_ms);
            }
        }
        tally
    }

    /// The cells from one minute to another, oldest first.
    fn each_cell(&self, from: i64, to: i64, take: impl FnMut(i64, u16)) {
        let series = self.series;
        let from = from.max(series.oldest_minute(self.plan));
        let to = to.min(series.newest_minute);
        series.each_cell(self.matrix, self.column, (from, to), take);
    }
}

impl Slot {
    /// Takes what left the window off.
    fn less(&mut self, gone: &Tally) {
        self.sum -= gone.sum;
        self.count -= i32::try_from(gone.count).unwrap_or(i32::MAX);
        let covered_s = i32::try_from(gone.covered_ms / 1000).unwrap_or(i32::MAX);
        self.covered_s = self.covered_s.saturating_sub(covered_s);
    }

    fn value(&self, function: Function, window: &Length) -> Value {
        if self.count <= 0 {
            return Value::UNKNOWN;
        }
        let covered = window.is_covered(self.covered_s);
        match function {
            Function::Sum => Value::whole(self.sum, covered),
            Function::Count => Value::whole(i64::from(self.count), covered),
            Function::Mean => Value {
                number: i128::from(self.sum),
                of: i128::from(self.count),
                covered,
            },
            Function::Last
            | Function::Max
            | Function::Min
            | Function::Delta
            | Function::Rate
            | Function::Age
            | Function::Indicator(_)
            | Function::Expected(_) => Value::UNKNOWN,
        }
    }
}

/// What one scan gathers.
struct Tally {
    from: i64,
    count: i64,
    covered_ms: i64,
    sum: i64,
    min: i32,
    max: i32,
    first: (i64, i32),
    last: (i64, i32),
    times: i128,
    times_squared: i128,
    products: i128,
}

impl Tally {
    const fn new(from: i64) -> Self {
        Self {
            from,
            count: 0,
            covered_ms: 0,
            sum: 0,
            min: i32::MAX,
            max: i32::MIN,
            first: (i64::MAX, 0),
            last: (i64::MIN, 0),
            times: 0,
            times_squared: 0,
            products: 0,
        }
    }

    #[inline]
    fn add(&mut self, time: i64, value: i32, cover_ms: u32) {
        self.count += 1;
        self.covered_ms += i64::from(cover_ms);
        self.sum += i64::from(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if time < self.first.0 {
            self.first = (time, value);
        }
        if time > self.last.0 {
            self.last = (time, value);
        }
        let x = time - self.from;
        self.times += i128::from(x);
        self.times_squared += i128::from(x) * i128::from(x);
        self.products += i128::from(x) * i128::from(value);
    }

    fn value(&self, function: Function, length_ms: i64) -> Value {
        if self.count == 0 {
            return Value::UNKNOWN;
        }
        let covered = self.covered_ms.saturating_mul(10) >= length_ms.saturating_mul(8);
        match function {
            Function::Sum => Value::whole(self.sum, covered),
            Function::Count => Value::whole(self.count, covered),
            Function::Max => Value::whole(i64::from(self.max), covered),
            Function::Min => Value::whole(i64::from(self.min), covered),
            Function::Delta => {
                Value::whole(i64::from(self.last.1) - i64::from(self.first.1), covered)
            }
            Function::Mean => Value {
                number: i128::from(self.sum),
                of: i128::from(self.count),
                covered,
            },
            Function::Rate => self.rate(covered),
            Function::Last | Function::Age | Function::Indicator(_) | Function::Expected(_) => {
                Value::UNKNOWN
            }
        }
    }

    /// Least squares: (nΣxy − ΣxΣy) / (nΣx² − (Σx)²), per hour. One reading has no slope.
    fn rate(&self, covered: bool) -> Value {
        let count = i128::from(self.count);
        let of = count * self.times_squared - self.times * self.times;
        if of <= 0 {
            return Value::UNKNOWN;
        }
        let number = count * self.products - self.times * i128::from(self.sum);
        Value {
            number: number * 3_600_000,
            of,
            covered,
        }
    }
}
