//! High rain: more than a gauge has ever shown in a minute, or than an hour is likely to bring.
//!
//! Such values are marked and shown to a person, and stay in every window: the national centre
//! found that most hourly amounts its first rules refused were true.

use super::limits::{RAIN_HOUR_SUSPECT, RAIN_MINUTE_MAX};
use super::series::Point;
use super::{Cause, Verdict};
use model::Quality;

pub(super) const SLOTS: usize = 60;
const SLOT_MS: i64 = 60_000;

/// An hour below this share of the limit ends a spell of high rain: the next one is told again.
const SPELL_ENDS_PERCENT: i64 = 80;

/// Rain of the last hour in slots of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RainHour {
    /// Number of the newest slot since the epoch.
    pub(super) slot: i64,
    /// Rain in each slot, by slot number modulo their count.
    pub(super) sums: [i32; SLOTS],
    /// Sum of the slots.
    total: i64,
    /// Whether it has been told that the hour is high.
    pub(super) is_told: bool,
}

impl Default for RainHour {
    fn default() -> Self {
        Self {
            slot: 0,
            sums: [0; SLOTS],
            total: 0,
            is_told: false,
        }
    }
}

impl RainHour {
    /// An hour as it was remembered.
    pub(super) fn remembered(slot: i64, sums: [i32; SLOTS], is_told: bool) -> Self {
        let total = sums.iter().map(|sum| i64::from(*sum)).sum();
        Self {
            slot,
            sums,
            total,
            is_told,
        }
    }

    /// Adds an amount that fell over `interval_s` up to `now` and says whether it is too much.
    /// `newest` is the newest reading before: one of the same time is replaced.
    pub(super) fn judge(&mut self, newest: Point, now: Point, interval_s: u32) -> Option<Verdict> {
        let is_correction = newest.time == now.time;
        if now.value == 0 && !is_correction {
            return None;
        }
        let replaced = if is_correction { newest.value } else { 0 };
        let hours = i64::from(interval_s.div_ceil(3600)).max(1);
        let minutes = i64::from(interval_s.div_ceil(60)).max(1);
        let hour = match hours {
            1 => self.add(now.time, now.value.saturating_sub(replaced)),
            _ => i64::from(now.value),
        };
        let is_high = hour > RAIN_HOUR_SUSPECT * hours
            || i64::from(now.value) > RAIN_MINUTE_MAX.saturating_mul(minutes);
        if !is_high {
            self.is_told &= hour * 100 >= RAIN_HOUR_SUSPECT * hours * SPELL_ENDS_PERCENT;
            return None;
        }
        let is_news = !std::mem::replace(&mut self.is_told, true);
        Some(Verdict {
            quality: Quality::Suspect,
            cause: Cause::HighRain,
            is_news,
        })
    }

    /// The hour's sum with this amount in its place.
    fn add(&mut self, time: i64, amount: i32) -> i64 {
        let slot = time.div_euclid(SLOT_MS);
        if slot.saturating_sub(self.slot) >= SLOTS as i64 {
            (self.sums, self.total) = ([0; SLOTS], 0);
        } else {
            for passed in self.slot.saturating_add(1)..=slot {
                if let Some(sum) = self.sums.get_mut(place(passed)) {
                    self.total -= i64::from(std::mem::take(sum));
                }
            }
        }
        self.slot = self.slot.max(slot);
        if self.slot.saturating_sub(slot) < SLOTS as i64
            && let Some(sum) = self.sums.get_mut(place(slot))
        {
            let before = i64::from(*sum);
            *sum = sum.saturating_add(amount);
            self.total += i64::from(*sum) - before;
        }
        self.total
    }
}

const fn place(slot: i64) -> usize {
    slot.rem_euclid(SLOTS as i64) as usize
}
