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

/// Rain of the last hour at every station that measures it, in slots of a minute. Slots are kept
/// minute by minute, those of all stations beside each other, since stations report together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rain {
    hours: Vec<Hour>,
    /// Rain in each slot, by slot number modulo their count, then by station.
    sums: Vec<i32>,
}

/// What is known of one station's last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hour {
    /// Number of the newest slot since the epoch.
    slot: i64,
    /// Sum of the slots.
    total: i64,
    /// Whether it has been told that the hour is high.
    is_told: bool,
}

/// What a reading makes of its slot.
#[derive(Clone, Copy)]
enum Amount {
    /// So much more.
    More(i32),
    /// So much at least: what comes late may have come before.
    AtLeast(i32),
}

/// One station's last hour, as it is carried over or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RainHour {
    /// Number of the newest slot since the epoch.
    pub(super) slot: i64,
    /// Rain in each slot, by slot number modulo their count.
    pub(super) sums: [i32; SLOTS],
    /// Whether it has been told that the hour is high.
    pub(super) is_told: bool,
}

impl Rain {
    /// Nothing fallen anywhere.
    pub(super) fn new(stations: usize) -> Self {
        Self {
            hours: vec![Hour::default(); stations],
            sums: vec![0; stations * SLOTS],
        }
    }

    /// The last hour of a station; `None` where nothing has fallen yet.
    pub(super) fn get(&self, station: usize) -> Option<RainHour> {
        let hour = self
            .hours
            .get(station)
            .filter(|hour| **hour != Hour::default())?;
        let mut sums = [0; SLOTS];
        for (slot, sum) in (0i64..).zip(&mut sums) {
            *sum = self
                .sums
                .get(self.place(slot, station))
                .copied()
                .unwrap_or(0);
        }
        Some(RainHour {
            slot: hour.slot,
            sums,
            is_told: hour.is_told,
        })
    }

    /// Puts the last hour of a station back.
    pub(super) fn set(&mut self, station: usize, remembered: &RainHour) {
        for (slot, amount) in (0i64..).zip(remembered.sums) {
            let place = self.place(slot, station);
            if let Some(sum) = self.sums.get_mut(place) {
                *sum = amount;
            }
        }
        if let Some(hour) = self.hours.get_mut(station) {
            *hour = Hour {
                slot: remembered.slot,
                total: remembered.sums.iter().map(|sum| i64::from(*sum)).sum(),
                is_told: remembered.is_told,
            };
        }
    }

    /// Adds an amount that fell over `interval_s` up to `now` and says whether it is too much.
    /// `newest` is the newest reading before: one of the same time is replaced, and one of an
    /// older minute may have been added already.
    #[inline]
    pub(super) fn judge(
        &mut self,
        station: usize,
        newest: Point,
        now: Point,
        interval_s: u32,
    ) -> Option<Verdict> {
        let is_correction = newest.time == now.time;
        if now.value == 0 && !is_correction {
            return None;
        }
        let amount = if now.time < newest.time {
            Amount::AtLeast(now.value)
        } else if is_correction {
            Amount::More(now.value.saturating_sub(newest.value))
        } else {
            Amount::More(now.value)
        };
        let hours = i64::from(interval_s.div_ceil(3600)).max(1);
        let minutes = i64::from(interval_s.div_ceil(60)).max(1);
        let hour = match hours {
            1 => self.add(station, now.time, amount),
            _ => i64::from(now.value),
        };
        let is_high = hour > RAIN_HOUR_SUSPECT * hours
            || i64::from(now.value) > RAIN_MINUTE_MAX.saturating_mul(minutes);
        let told = self.hours.get_mut(station).map(|hour| &mut hour.is_told)?;
        if !is_high {
            *told &= hour * 100 >= RAIN_HOUR_SUSPECT * hours * SPELL_ENDS_PERCENT;
            return None;
        }
        let is_news = !std::mem::replace(told, true);
        Some(Verdict {
            quality: Quality::Suspect,
            cause: Cause::HighRain,
            is_news,
        })
    }

    /// The hour's sum with this amount in its place.
    fn add(&mut self, station: usize, time: i64, amount: Amount) -> i64 {
        let slot = time.div_euclid(SLOT_MS);
        let place = self.place(slot, station);
        let Some(mut hour) = self.hours.get(station).copied() else {
            return 0;
        };
        // An hour and more without rain has passed every slot; less has passed some.
        let passed = slot.saturating_sub(hour.slot).clamp(0, SLOTS as i64);
        for at in slot - passed + 1..slot {
            let place = self.place(at, station);
            if let Some(sum) = self.sums.get_mut(place) {
                hour.total -= i64::from(std::mem::take(sum));
            }
        }
        hour.slot = hour.slot.max(slot);
        if hour.slot.saturating_sub(slot) < SLOTS as i64
            && let Some(sum) = self.sums.get_mut(place)
        {
            let before = i64::from(*sum);
            let old = if passed > 0 { 0 } else { *sum };
            *sum = match amount {
                Amount::More(amount) => old.saturating_add(amount),
                Amount::AtLeast(amount) => amount.max(old),
            };
            hour.total += i64::from(*sum) - before;
        }
        if let Some(held) = self.hours.get_mut(station) {
            *held = hour;
        }
        hour.total
    }

    fn place(&self, slot: i64, station: usize) -> usize {
        slot.rem_euclid(SLOTS as i64) as usize * self.hours.len() + station
    }
}
