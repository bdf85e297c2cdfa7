//! How many submits a second one session may make: a bucket that is filled as time goes on.

/// Thousandths of a submit.
const ONE: u64 = 1_000;
/// What may be saved up, in milliseconds of the pace: the link looks at its time-outs some times a
/// second.
const SAVED_MS: u64 = 200;

/// See the file's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    per_s: u64,
    /// Negative where the parts of one message overdrew it.
    left: i64,
    filled: u64,
}

impl Pace {
    /// So many a second; 0 for no limit.
    pub(super) fn new(per_s: u32) -> Self {
        Self {
            per_s: u64::from(per_s),
            left: 0,
            filled: 0,
        }
    }

    fn most(&self) -> i64 {
        i64::try_from((self.per_s * SAVED_MS).max(ONE)).unwrap_or(i64::MAX)
    }

    /// A fresh connection.
    pub(super) fn start(&mut self, now: u64) {
        (self.left, self.filled) = (self.most(), now);
    }

    /// Submits that may go.
    pub(super) fn room(&self) -> usize {
        if self.per_s == 0 {
            return usize::MAX;
        }
        let whole = u64::try_from(self.left).unwrap_or(0) / ONE;
        usize::try_from(whole).unwrap_or(usize::MAX)
    }

    /// One went.
    pub(super) fn spend(&mut self) {
        if self.per_s != 0 {
            self.left -= ONE.cast_signed();
        }
    }

    /// Fills up; true where there was no room and now is.
    pub(super) fn refill(&mut self, now: u64) -> bool {
        if self.per_s == 0 {
            return false;
        }
        let before = self.room();
        let earned = now.saturating_sub(self.filled).saturating_mul(self.per_s);
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        self.left = self.left.saturating_add(earned).min(self.most());
        self.filled = now;
        before == 0 && self.room() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_no_more_than_its_pace() {
        let mut pace = Pace::new(50);
        pace.start(0);
        let (mut sent, mut now) = (0, 0);
        while now < 10_000 {
            while pace.room() > 0 {
                pace.spend();
                sent += 1;
            }
            now += 50;
            pace.refill(now);
        }
        assert!((500..=510).contains(&sent), "{sent}");
    }

    #[test]
    fn parts_that_overdraw_it_are_paid_for_later_and_no_limit_is_none() {
        let mut pace = Pace::new(10);
        pace.start(0);
        (0..5).for_each(|_| pace.spend());
        assert_eq!(pace.room(), 0);
        assert!(
            !pace.refill(300),
            "three are still owed, and the rest is below one"
        );
        assert!(pace.refill(400));
        assert_eq!(pace.room(), 1);
        let mut free = Pace::new(0);
        free.spend();
        assert!(free.room() > 1 << 40 && !free.refill(9));
    }
}
