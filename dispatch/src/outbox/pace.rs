//! A token bucket on record time, slowed by throttling and recovering by itself.

use super::Limits;
use model::{Span, Time};

/// Parts of a token, so that slow paces stay exact: one message is this many.
const TOKEN: i64 = 1000;

#[derive(Clone, Debug)]
pub(super) struct Pace {
    per_s: u32,
    /// Thousandths of a message that may leave.
    credit: i64,
    credit_max: i64,
    last: Option<Time>,
    paused_until: Option<Time>,
    pause: Span,
    pause_min: Span,
    pause_max: Span,
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        // A tenth of a second's worth may go in one burst, at least one message.
        let burst = (i64::from(limits.pace_per_s) / 10).max(1) * TOKEN;
        Self {
            per_s: limits.pace_per_s,
            credit: burst,
            credit_max: burst,
            last: None,
            paused_until: None,
            pause: limits.throttle_min,
            pause_min: limits.throttle_min,
            pause_max: limits.throttle_max,
        }
    }

    pub(super) fn advance(&mut self, at: Time) {
        // Further ahead than any pause: the clock was put back. Nothing waits for the old time.
        let longest = at + self.pause_max;
        let is_over = |until: Time| at >= until || until > longest;
        if self.paused_until.is_some_and(is_over) {
            self.paused_until = None;
        }
        self.last = self.last.map(|last| if last > longest { at } else { last });
        if let Some(last) = self.last {
            let ms = at.since(last).millis().max(0);
            let gained = ms.saturating_mul(i64::from(self.per_s));
            self.credit = self.credit.saturating_add(gained).min(self.credit_max);
        }
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// How many may leave at this moment.
    pub(super) fn room(&self) -> usize {
        if self.paused_until.is_some() {
            0
        } else if self.per_s == 0 {
            usize::MAX
        } else {
            usize::try_from(self.credit / TOKEN).unwrap_or(0)
        }
    }

    pub(super) fn spend(&mut self, messages: usize) {
        if self.per_s != 0 {
            self.credit -= i64::try_from(messages).unwrap_or(i64::MAX / TOKEN) * TOKEN;
        }
    }

    /// What was spent never left.
    pub(super) fn give_back(&mut self, messages: usize) {
        let back = i64::try_from(messages).unwrap_or(i64::MAX / TOKEN) * TOKEN;
        self.credit = self.credit.saturating_add(back).min(self.credit_max);
    }

    /// The far side said "too fast": wait, twice as long as last time. Several such answers to
    /// one burst are one.
    pub(super) fn throttled(&mut self, at: Time) {
        if self.paused_until.is_none() {
            self.paused_until = Some(at + self.pause);
            let doubled = Span::from_millis(self.pause.millis().saturating_mul(2));
            self.pause = doubled.min(self.pause_max);
        }
    }

    pub(super) fn accepted(&mut self) {
        if self.paused_until.is_none() {
            self.pause = self.pause_min;
        }
    }

    /// When the next message may leave, where that is not now.
    pub(super) fn ready_at(&self) -> Option<Time> {
        if self.paused_until.is_some() {
            return self.paused_until;
        }
        if self.per_s == 0 || self.credit >= TOKEN {
            return None;
        }
        let wait = (TOKEN - self.credit).div_euclid(i64::from(self.per_s)) + 1;
        self.last.map(|last| last + Span::from_millis(wait))
    }
}
