//! Exact event-time windows over the readings of one parameter at one station.
//!
//! A window of length `w` at `t` holds the readings with a time in `(t − w, t]` (semantics §12,
//! design §4). Whole-minute readings stand in a dense [`row::Row`], two bytes a minute; all
//! others, and the suspect ones, in a bounded sparse list of twelve bytes each. Sums and counts
//! of the windows a rulebook names are kept as readings come and go; everything else is found
//! by a scan. Memory is fixed by the rulebook's longest window for the parameter.

mod query;
mod row;

pub use query::{Function, Length, Value, Window};

use model::{Observation, Parameter, Quality, Quanta, Span, Time};
use row::Row;
use std::collections::VecDeque;

/// Readings outside the dense row that one series keeps; the oldest give way.
pub const SPARSE_READINGS_MAX: usize = 8192;
/// Minutes kept beyond the longest window, so that a correction can test an earlier evaluation.
pub const SLACK_MINUTES: i64 = 30;
/// Longest window a rule may name.
pub const WINDOW_MAX: Span = Span::from_minutes(31 * 24 * 60);

const MINUTE_MS: i64 = 60_000;
const NO_INTERVAL: u32 = u32::MAX;

/// What the rulebook asks of every series of one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    lengths: Vec<Length>,
    keep_ms: i64,
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

/// The history of one parameter at one station.
#[derive(Clone, Debug)]
pub struct Series {
    newest: i64,
    newest_minute: i64,
    last_time: i64,
    last: Quanta,
    row_interval_s: u32,
    row_cover_ms: u32,
    registered_ms: u32,
    suspects: u32,
    slots: Box<[Slot]>,
    row: Row,
    rain: bool,
    epoch: i64,
    sparse: VecDeque<Reading>,
}

/// Running figures of one window at the newest reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) sum: i64,
    pub(crate) count: i32,
    pub(crate) covered_s: i32,
}

/// One reading outside the row, twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    after_epoch_ms: u32,
    value: Quanta,
    interval: u16,
    suspect: u16,
}

/// One reading as it goes in and out of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) value: Quanta,
    pub(crate) interval_s: u32,
    pub(crate) suspect: bool,
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

    /// Makes series keep readings for at least that long.
    pub fn keep(&mut self, window: Span) {
        self.keep_ms = self.keep_ms.max(window.millis());
    }

    /// Minutes of a dense row.
    pub fn row_minutes(&self) -> usize {
        usize::try_from(self.keep_ms.div_euclid(MINUTE_MS) + 1 + SLACK_MINUTES).unwrap_or(1)
    }

    /// How long before the newest reading others are still kept.
    pub(crate) const fn kept_ms(&self) -> i64 {
        self.keep_ms + SLACK_MINUTES * MINUTE_MS
    }
}

impl Series {
    /// An empty series. `registered_s` is the interval the registry gives, 0 for none.
    pub fn new(plan: &Plan, parameter: Parameter, registered_s: u32) -> Self {
        Self {
            newest: i64::MIN,
            newest_minute: i64::MIN,
            last_time: i64::MIN,
            last: 0,
            row_interval_s: NO_INTERVAL,
            row_cover_ms: 0,
            registered_ms: match registered_s {
                0 => parameter.usual_interval_s().saturating_mul(1000),
                seconds => seconds.saturating_mul(1000),
            },
            suspects: 0,
            slots: vec![Slot::default(); plan.lengths.len()].into(),
            row: Row::empty(),
            rain: matches!(parameter, Parameter::Rainfall),
            epoch: 0,
            sparse: VecDeque::new(),
        }
    }

    /// Time of the newest reading ever placed; `None` before the first.
    pub fn newest(&self) -> Option<Time> {
        (self.newest != i64::MIN).then(|| Time::from_millis(self.newest))
    }

    /// Bytes this series holds.
    pub fn bytes(&self, plan: &Plan) -> usize {
        size_of::<Self>()
            + self.slots.len() * size_of::<Slot>()
            + self.sparse.capacity() * size_of::<Reading>()
            + if self.row.is_empty() {
                0
            } else {
                plan.row_minutes() * 2
            }
    }

    pub(crate) const fn has_suspects(&self) -> bool {
        self.suspects > 0
    }

    #[inline]
    pub(crate) fn slot(&self, slot: usize) -> Option<&Slot> {
        self.slots.get(slot)
    }

    /// Puts a reading in its place and keeps the running figures exact.
    #[inline]
    pub fn place(&mut self, plan: &Plan, observation: &Observation) -> Placed {
        let entry = Entry {
            time: observation.time.millis(),
            value: observation.value,
            interval_s: observation.interval_s,
            suspect: observation.quality == Quality::Suspect,
        };
        let usable = observation.quality.is_usable();
        if entry.time > self.newest {
            if !usable {
                return Placed::Unusable;
            }
            self.advance(plan, entry.time);
            self.insert(plan, entry);
            self.last_time = entry.time;
            self.last = entry.value;
            return Placed::New;
        }
        self.place_late(plan, entry, usable)
    }

    fn place_late(&mut self, plan: &Plan, entry: Entry, usable: bool) -> Placed {
        if entry.time <= self.newest - plan.keep_ms.max(MINUTE_MS) && entry.time < self.last_time {
            return Placed::TooOld;
        }
        match (self.find(entry.time), usable) {
            (Some(old), true) if old == entry => Placed::Duplicate,
            (Some(old), _) => {
                self.remove(plan, old);
                if usable {
                    self.insert(plan, entry);
                }
                if entry.time == self.last_time && usable {
                    self.last = entry.value;
                } else if entry.time == self.last_time {
                    self.find_last();
                }
                Placed::Corrected
            }
            (None, true) => {
                self.insert(plan, entry);
                if entry.time > self.last_time {
                    self.last_time = entry.time;
                    self.last = entry.value;
                }
                Placed::Late
            }
            (None, false) => Placed::Unusable,
        }
    }

    /// Moves the windows on to `to`: what leaves each of them is taken off its figures.
    #[inline]
    fn advance(&mut self, plan: &Plan, to: i64) {
        let minute = if to == self.newest + MINUTE_MS {
            self.newest_minute + 1
        } else {
            to.div_euclid(MINUTE_MS)
        };
        if self.newest != i64::MIN {
            let (oldest, newest) = (self.row.oldest(), self.row.newest());
            for (slot, length) in self.slots.iter_mut().zip(&plan.lengths) {
                if self.row_interval_s <= length.seconds {
                    let from = length.start_minute(self.newest, self.newest_minute) + 1;
                    let until = length.start_minute(to, minute);
                    for leaving in from.max(oldest)..=until.min(newest) {
                        if let Some(value) = self.row.get(leaving) {
                            slot.take(value, self.row_cover_ms);
                        }
                    }
                }
            }
            if !self.sparse.is_empty() {
                self.advance_sparse(plan, to);
            }
        }
        self.newest = to;
        self.newest_minute = minute;
    }

    #[cold]
    fn advance_sparse(&mut self, plan: &Plan, to: i64) {
        for (slot, length) in self.slots.iter_mut().zip(&plan.lengths) {
            let from = self.newest.saturating_sub(length.ms);
            let until = to - length.ms;
            let (epoch, registered) = (self.epoch, self.registered_ms);
            let start = self.sparse.partition_point(|r| r.time(epoch) <= from);
            for reading in self.sparse.range(start..) {
                let entry = reading.entry(epoch);
                if entry.time > until {
                    break;
                }
                if entry.interval_s <= length.seconds {
                    slot.take(entry.value, cover_ms(entry.interval_s, registered));
                }
            }
        }
        let limit = to - plan.kept_ms();
        while let Some(front) = self.sparse.front() {
            if front.time(self.epoch) > limit {
                break;
            }
            self.suspects -= u32::from(front.suspect);
            self.sparse.pop_front();
        }
        if to - self.epoch > i64::from(u32::MAX) {
            let moved = limit - self.epoch;
            for reading in &mut self.sparse {
                let after = i64::from(reading.after_epoch_ms) - moved;
                reading.after_epoch_ms = u32::try_from(after).unwrap_or(0);
            }
            self.epoch = limit;
        }
    }

    fn insert(&mut self, plan: &Plan, entry: Entry) {
        self.account(plan, entry, true);
        let minute = if entry.time == self.newest {
            self.newest_minute
        } else {
            entry.time.div_euclid(MINUTE_MS)
        };
        let dense = !entry.suspect && minute * MINUTE_MS == entry.time;
        if dense && self.row.is_empty() {
            let base = if self.rain {
                0
            } else {
                entry.value.saturating_sub(1 << 15)
            };
            self.row = Row::new(plan.row_minutes(), base, minute);
            self.row_interval_s = entry.interval_s;
            self.row_cover_ms = cover_ms(entry.interval_s, self.registered_ms);
        }
        if dense && entry.interval_s == self.row_interval_s && self.row.holds(entry.value) {
            if minute > self.row.newest() {
                self.row.advance(minute);
            }
            if minute >= self.row.oldest() {
                self.row.set(minute, Some(entry.value));
                return;
            }
        }
        self.insert_sparse(plan, entry);
    }

    #[cold]
    fn insert_sparse(&mut self, plan: &Plan, entry: Entry) {
        if self.sparse.is_empty() {
            self.epoch = self.newest - plan.kept_ms();
        }
        let Ok(after_epoch_ms) = u32::try_from(entry.time - self.epoch) else {
            self.account(plan, entry, false);
            return;
        };
        let reading = Reading {
            after_epoch_ms,
            value: entry.value,
            interval: code_interval(entry.interval_s),
            suspect: u16::from(entry.suspect),
        };
        let at = self
            .sparse
            .partition_point(|r| r.after_epoch_ms < after_epoch_ms);
        self.sparse.insert(at, reading);
        self.suspects += u32::from(entry.suspect);
        if self.sparse.len() > SPARSE_READINGS_MAX
            && let Some(oldest) = self.sparse.pop_front()
        {
            self.suspects -= u32::from(oldest.suspect);
            self.account(plan, oldest.entry(self.epoch), false);
        }
    }

    fn remove(&mut self, plan: &Plan, entry: Entry) {
        self.account(plan, entry, false);
        if let Some(at) = self.sparse_place(entry.time) {
            self.sparse.remove(at);
            self.suspects -= u32::from(entry.suspect);
        } else {
            self.row.set(entry.time.div_euclid(MINUTE_MS), None);
        }
    }

    /// Adds a reading to, or takes it off, each window that holds it at the newest time.
    fn account(&mut self, plan: &Plan, entry: Entry, add: bool) {
        let cover = cover_ms(entry.interval_s, self.registered_ms);
        for (slot, length) in self.slots.iter_mut().zip(&plan.lengths) {
            if entry.time > self.newest - length.ms && entry.interval_s <= length.seconds {
                if add {
                    slot.give(entry.value, cover);
                } else {
                    slot.take(entry.value, cover);
                }
            }
        }
    }

    fn find(&self, time: i64) -> Option<Entry> {
        if let Some(at) = self.sparse_place(time) {
            return self.sparse.get(at).map(|r| r.entry(self.epoch));
        }
        let minute = time.div_euclid(MINUTE_MS);
        if minute * MINUTE_MS != time || self.row.is_empty() {
            return None;
        }
        self.row.get(minute).map(|value| Entry {
            time,
            value,
            interval_s: self.row_interval_s,
            suspect: false,
        })
    }

    fn sparse_place(&self, time: i64) -> Option<usize> {
        if self.sparse.is_empty() {
            return None;
        }
        let at = self.sparse.partition_point(|r| r.time(self.epoch) < time);
        (self.sparse.get(at)?.time(self.epoch) == time).then_some(at)
    }

    /// Finds the newest reading anew, after it was taken away or after a refill.
    fn find_last(&mut self) {
        let newest = self.entries().max_by_key(|entry| entry.time);
        self.last_time = newest.map_or(i64::MIN, |entry| entry.time);
        self.last = newest.map_or(0, |entry| entry.value);
    }

    /// Every reading kept, the row's first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let row = (!self.row.is_empty()).then_some(&self.row);
        row.into_iter()
            .flat_map(|row| row.values(row.oldest(), row.newest()))
            .map(|(minute, value)| Entry {
                time: minute * MINUTE_MS,
                value,
                interval_s: self.row_interval_s,
                suspect: false,
            })
            .chain(self.sparse.iter().map(|r| r.entry(self.epoch)))
    }

    /// Fills an empty series with readings kept elsewhere; `newest` is where its windows end.
    pub(crate) fn refill(
        &mut self,
        plan: &Plan,
        newest: i64,
        entries: impl Iterator<Item = Entry>,
    ) {
        self.newest = newest;
        self.newest_minute = newest.div_euclid(MINUTE_MS);
        let oldest = newest.saturating_sub(plan.kept_ms());
        let mut entries: Vec<Entry> = entries.filter(|entry| entry.time > oldest).collect();
        entries.sort_by_key(|entry| entry.time);
        for entry in entries {
            self.insert(plan, entry);
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
    fn take(&mut self, value: Quanta, cover_ms: u32) {
        self.sum -= i64::from(value);
        self.count -= 1;
        self.covered_s = self
            .covered_s
            .saturating_sub((cover_ms / 1000).cast_signed());
    }
}

impl Reading {
    const fn time(&self, epoch: i64) -> i64 {
        epoch + self.after_epoch_ms as i64
    }

    fn entry(&self, epoch: i64) -> Entry {
        Entry {
            time: self.time(epoch),
            value: self.value,
            interval_s: interval_of(self.interval),
            suspect: self.suspect != 0,
        }
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

/// Seconds up to nine hours, whole minutes beyond, in two bytes.
fn code_interval(seconds: u32) -> u16 {
    match u16::try_from(seconds) {
        Ok(small) if small < 0x8000 => small,
        Ok(_) | Err(_) => u16::try_from(seconds / 60).unwrap_or(u16::MAX).min(0x7fff) | 0x8000,
    }
}

const fn interval_of(code: u16) -> u32 {
    if code < 0x8000 {
        code as u32
    } else {
        (code & 0x7fff) as u32 * 60
    }
}
