//! The only file that reads the time.
//!
//! Everything else is told: the core by record times, the shells by a [`Clock`] handed to them.
//! A demo runs on a clock of its own that starts at the storm and goes faster than the wall's.

use model::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where record times come from.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The wall clock.
    Wall,
    /// Begins at `from` and runs `speed` times as fast as the wall clock.
    Scaled {
        from: Time,
        speed: u32,
        started: Instant,
    },
    /// Moves only when told, for runs as fast as the machine can.
    Stepped(Arc<AtomicI64>),
}

impl Clock {
    /// The wall clock.
    pub(crate) fn wall() -> Self {
        Self { kind: Kind::Wall }
    }

    /// A clock that shows `from` at this moment and runs `speed` times as fast as the wall clock.
    pub(crate) fn scaled(from: Time, speed: u32) -> Self {
        Self {
            kind: Kind::Scaled {
                from,
                speed,
                started: monotonic(),
            },
        }
    }

    /// A clock that moves only by [`Clock::advance_to`].
    pub(crate) fn stepped(from: Time) -> Self {
        Self {
            kind: Kind::Stepped(Arc::new(AtomicI64::new(from.millis()))),
        }
    }

    /// The present record time.
    pub(crate) fn now(&self) -> Time {
        match &self.kind {
            Kind::Wall => wall(),
            Kind::Scaled {
                from,
                speed,
                started,
            } => {
                let passed = monotonic().duration_since(*started).as_millis();
                let passed = i64::try_from(passed).unwrap_or(i64::MAX);
                *from + Span::from_millis(passed.saturating_mul(i64::from(*speed)))
            }
            Kind::Stepped(now) => Time::from_millis(now.load(Ordering::Acquire)),
        }
    }

    /// Moves a stepped clock forward; others go by themselves.
    pub(crate) fn advance_to(&self, time: Time) {
        match &self.kind {
            Kind::Stepped(now) => {
                now.fetch_max(time.millis(), Ordering::AcqRel);
            }
            Kind::Wall | Kind::Scaled { .. } => {}
        }
    }

    /// Puts a stepped clock forward or back, as operators and time servers do.
    #[cfg(test)]
    pub(crate) fn put(&self, time: Time) {
        if let Kind::Stepped(now) = &self.kind {
            now.store(time.millis(), Ordering::Release);
        }
    }

    /// How long the wall needs until this clock shows `time`; zero when it is past or stepped.
    pub(crate) fn wall_until(&self, time: Time) -> Duration {
        let ahead = u64::try_from(time.since(self.now()).millis()).unwrap_or(0);
        match &self.kind {
            Kind::Wall => Duration::from_millis(ahead),
            Kind::Scaled { speed, .. } => Duration::from_millis(ahead / u64::from((*speed).max(1))),
            Kind::Stepped(_) => Duration::ZERO,
        }
    }
}

/// Lets a thread of a loop rest where nothing tells it of news.
pub(crate) fn rest(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    std::thread::sleep(time);
}

/// A monotonic instant, for latencies and rates only; never for a decision.
pub(crate) fn monotonic() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    Instant::now()
}

/// Microseconds of the monotonic clock since the first call, for statistics.
pub(crate) fn monotonic_micros() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let passed = monotonic().duration_since(*START.get_or_init(monotonic));
    u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
}

fn wall() -> Time {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
    Time::from_millis(millis)
}
