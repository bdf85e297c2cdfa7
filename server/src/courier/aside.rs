//! When the phones of an account are left to others: its link is down for long, or its contract over.

use dispatch::gateway::sms::share::FailOver;
use model::{Span, Time};

/// Whether an account stands aside. One whose own phones nobody else tells does too: those that it
/// stands in for are told by the next.
pub(super) struct Aside {
    after: Span,
    /// Since when no session of its link is bound.
    down_since: Option<Time>,
    stands: bool,
}

impl Aside {
    /// Of an account whose link is down at that time.
    pub(super) const fn new(of: &FailOver, at: Time) -> Self {
        Self {
            after: of.after,
            down_since: Some(at),
            stands: false,
        }
    }

    /// The link went down, or up where that is `None`.
    pub(super) const fn link(&mut self, down_since: Option<Time>) {
        self.down_since = down_since;
    }

    /// What it is from now on, where that is another: `is_over` where the contract is.
    pub(super) fn change(&mut self, at: Time, is_over: bool) -> Option<bool> {
        // Where the clock was put back, the wait begins anew.
        self.down_since = self.down_since.map(|since| since.min(at));
        let is_away = self
            .down_since
            .is_some_and(|since| at >= since + self.after);
        let stands = is_over || is_away;
        (std::mem::replace(&mut self.stands, stands) != stands).then_some(stands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dispatch::intent::StandIns;

    fn of_a_minute() -> Aside {
        let of = FailOver {
            stand_ins: StandIns::default(),
            after: Span::from_seconds(60),
        };
        Aside::new(&of, at(0))
    }

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn it_stands_aside_while_it_is_down_for_long_or_over() {
        let mut aside = of_a_minute();
        assert_eq!(aside.change(at(59), false), None);
        assert_eq!(aside.change(at(60), false), Some(true));
        assert_eq!(aside.change(at(61), false), None, "said once");
        aside.link(None);
        assert_eq!(aside.change(at(62), false), Some(false));
        assert_eq!(aside.change(at(63), true), Some(true));
        assert_eq!(aside.change(at(64), false), Some(false));
        aside.link(Some(at(70)));
        assert_eq!(aside.change(at(10), false), None, "the clock was put back");
        assert_eq!(aside.change(at(71), false), Some(true));
    }
}
