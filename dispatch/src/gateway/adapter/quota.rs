//! How much a service takes: a second and a day. Pure: time is given.

use super::shape::Limits;
use model::Time;

/// Why a message must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The second is used up.
    Second,
    /// The day is used up until then.
    Day(Time),
}

/// What was used of a service's limits. It is counted since this process began: after a restart the
/// service's own answer says where the day ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    limits: Limits,
    second: (i64, u32),
    day: (i64, u32),
}

impl Quota {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            second: (0, 0),
            day: (0, 0),
        }
    }

    /// Takes one message's place.
    pub(super) fn take(&mut self, at: Time) -> Result<(), Refused> {
        let second = at.seconds();
        let offset = i64::from(self.limits.day_offset_h) * 3600;
        let day = (second + offset).div_euclid(86_400);
        // A clock that was put back begins no new second and no new day.
        if second > self.second.0 {
            self.second = (second, 0);
        }
        if day > self.day.0 {
            self.day = (day, 0);
        }
        if self.limits.per_day.is_some_and(|max| self.day.1 >= max) {
            let next = (self.day.0 + 1) * 86_400 - offset;
            return Err(Refused::Day(Time::from_seconds(next)));
        }
        if self
            .limits
            .per_second
            .is_some_and(|max| self.second.1 >= max)
        {
            return Err(Refused::Second);
        }
        self.second.1 += 1;
        self.day.1 += 1;
        Ok(())
    }

    /// Seconds of validity that the service takes; nothing where it would keep a message for longer
    /// than that is worth showing.
    pub(super) fn ttl(&self, seconds: u32) -> Option<u32> {
        let most = self.limits.ttl_max_s.unwrap_or(u32::MAX);
        let is_long_enough = seconds >= self.limits.ttl_min_s.unwrap_or(0);
        is_long_enough.then(|| seconds.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Span;

    #[test]
    fn a_second_and_a_day_have_their_bounds() {
        let limits = Limits {
            per_second: Some(2),
            per_day: Some(5),
            day_offset_h: 8,
            ..Limits::default()
        };
        let mut quota = Quota::new(limits);
        // 23:59:58 in the service's day.
        let late = 16 * 3600 - 2;
        let mut take = |s: i64| quota.take(Time::from_seconds(late + s));
        assert_eq!(
            [take(0), take(0), take(0)],
            [Ok(()), Ok(()), Err(Refused::Second)]
        );
        assert_eq!([take(1), take(1)], [Ok(()), Ok(())]);
        let midnight = Time::from_seconds(16 * 3600);
        assert_eq!([take(1), take(2)], [Err(Refused::Second), Ok(())]);
        assert_eq!([take(3), take(4), take(5), take(6)], [Ok(()); 4]);
        let next = midnight + Span::from_minutes(24 * 60);
        assert_eq!(take(7), Err(Refused::Day(next)));
        assert_eq!(take(0), Err(Refused::Day(next)), "a clock put back");
    }

    #[test]
    fn no_message_is_kept_for_longer_than_it_is_worth() {
        let limits = Limits {
            ttl_min_s: Some(60),
            ttl_max_s: Some(600),
            ..Limits::default()
        };
        let quota = Quota::new(limits);
        assert_eq!(
            [5, 61, 9999].map(|s| quota.ttl(s)),
            [None, Some(61), Some(600)]
        );
    }
}
