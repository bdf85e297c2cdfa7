//! Readings that stand in no minute cell: off the whole minute, suspect, of another interval, or
//! too far from the others. A list by time, twelve bytes each, bounded.

use super::query::Length;
use super::{Entry, Plan};
use model::Quanta;
use std::collections::VecDeque;

/// Readings outside the minute cells that one series keeps; the oldest give way.
pub const SPARSE_READINGS_MAX: usize = 8192;

/// The list of one series.
#[derive(Clone, Debug)]
pub(super) struct Sparse {
    epoch: i64,
    readings: VecDeque<Reading>,
    suspects: u32,
    /// When the next of them leaves a window or is forgotten.
    due: i64,
}

/// One reading, twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    after_epoch_ms: u32,
    value: Quanta,
    interval: u16,
    suspect: u16,
}

/// What became of a reading that was to be kept.
pub(super) enum Kept {
    /// It stands in the list.
    Yes,
    /// It stands in the list, and the oldest gave way to it.
    Instead(Entry),
    /// It lies too far from the others to be kept.
    No,
}

impl Sparse {
    /// An empty list for readings later than `epoch`.
    pub(super) const fn new(epoch: i64) -> Self {
        Self {
            epoch,
            readings: VecDeque::new(),
            suspects: 0,
            due: i64::MIN,
        }
    }

    /// When the next reading leaves a window or is forgotten; until then windows that move on
    /// need not look here.
    #[inline]
    pub(super) const fn due(&self) -> i64 {
        self.due
    }

    /// Looks what is due next, for windows that end at `newest`.
    pub(super) fn renew_due(&mut self, newest: i64, plan: &Plan) {
        let leaves = |length: &Length| {
            let first = self.after(newest - length.ms).next();
            first.map(|entry| entry.time + length.ms)
        };
        let leaving = plan.lengths.iter().filter_map(leaves);
        let forgotten = self.all().next().map(|entry| entry.time + plan.kept_ms());
        self.due = leaving.chain(forgotten).min().unwrap_or(i64::MIN);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    pub(super) const fn has_suspects(&self) -> bool {
        self.suspects > 0
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.readings.capacity() * size_of::<Reading>()
    }

    /// Every reading by time.
    pub(super) fn all(&self) -> impl Iterator<Item = Entry> + '_ {
        self.readings.iter().map(|r| r.entry(self.epoch))
    }

    /// Readings later than `from`, by time.
    pub(super) fn after(&self, from: i64) -> impl Iterator<Item = Entry> + '_ {
        let start = self
            .readings
            .partition_point(|r| r.time(self.epoch) <= from);
        self.readings.range(start..).map(|r| r.entry(self.epoch))
    }

    fn place(&self, time: i64) -> Option<usize> {
        let at = self.readings.partition_point(|r| r.time(self.epoch) < time);
        (self.readings.get(at)?.time(self.epoch) == time).then_some(at)
    }

    pub(super) fn find(&self, time: i64) -> Option<Entry> {
        let at = self.place(time)?;
        self.readings.get(at).map(|r| r.entry(self.epoch))
    }

    pub(super) fn insert(&mut self, entry: Entry) -> Kept {
        let Ok(after_epoch_ms) = u32::try_from(entry.time - self.epoch) else {
            return Kept::No;
        };
        let reading = Reading {
            after_epoch_ms,
            value: entry.value,
            interval: code_interval(entry.interval_s),
            suspect: u16::from(entry.suspect),
        };
        let at = self
            .readings
            .partition_point(|r| r.after_epoch_ms < after_epoch_ms);
        self.readings.insert(at, reading);
        self.suspects += u32::from(entry.suspect);
        if self.readings.len() <= SPARSE_READINGS_MAX {
            return Kept::Yes;
        }
        let oldest = self.readings.pop_front();
        let oldest = oldest.map(|oldest| oldest.entry(self.epoch));
        self.suspects -= u32::from(oldest.is_some_and(|oldest| oldest.suspect));
        oldest.map_or(Kept::Yes, Kept::Instead)
    }

    /// Takes the reading of that time away; false where there is none.
    pub(super) fn remove(&mut self, time: i64) -> bool {
        let removed = self.place(time).and_then(|at| self.readings.remove(at));
        self.suspects -= removed.map_or(0, |r| u32::from(r.suspect));
        removed.is_some()
    }

    /// Lets go of readings up to `limit`; `now` is the newest time that must still be told apart.
    pub(super) fn forget(&mut self, limit: i64, now: i64) {
        while let Some(front) = self.readings.front() {
            if front.time(self.epoch) > limit {
                break;
            }
            self.suspects -= u32::from(front.suspect);
            self.readings.pop_front();
        }
        if now - self.epoch > i64::from(u32::MAX) {
            let moved = limit - self.epoch;
            for reading in &mut self.readings {
                let after = i64::from(reading.after_epoch_ms) - moved;
                reading.after_epoch_ms = u32::try_from(after).unwrap_or(0);
            }
            self.epoch = limit;
        }
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
