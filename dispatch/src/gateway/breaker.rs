//! A circuit breaker: after failures in a row a far side is left alone for a while, then tried once.
//!
//! Pure: time is given. It keeps a dead target from filling its own queue with waits.

use model::{Span, Time};

/// What the breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Everything.
    Closed,
    /// Nothing until then.
    Open {
        /// When one attempt is let through.
        until: Time,
    },
    /// One attempt is on its way to find out.
    Probing {
        /// When another is let through should the first never be told of.
        until: Time,
    },
}

/// Counts failures in a row.
#[derive(Clone, Debug)]
pub struct Breaker {
    circuit: Circuit,
    failures: u32,
    failures_max: u32,
    pause: Span,
}

impl Breaker {
    /// Opens after `failures_max` failures in a row, for `pause`.
    pub fn new(failures_max: u32, pause: Span) -> Self {
        Self {
            circuit: Circuit::Closed,
            failures: 0,
            failures_max: failures_max.max(1),
            pause,
        }
    }

    /// Whether an attempt may be made at `at`; an attempt let through must be told of.
    pub fn admits(&mut self, at: Time) -> bool {
        match self.circuit {
            Circuit::Closed => true,
            Circuit::Open { until } | Circuit::Probing { until } => {
                let due = at >= until;
                if due {
                    self.circuit = Circuit::Probing {
                        until: at + self.pause,
                    };
                }
                due
            }
        }
    }

    /// The attempt reached the far side and was answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.circuit = Circuit::Closed;
    }

    /// The attempt failed in a way that says the far side is ill.
    pub fn failed(&mut self, at: Time) {
        self.failures = self.failures.saturating_add(1);
        let probing = matches!(self.circuit, Circuit::Probing { .. });
        if probing || self.failures >= self.failures_max {
            self.circuit = Circuit::Open {
                until: at + self.pause,
            };
        }
    }

    /// Its state, for metrics and the console.
    pub const fn circuit(&self) -> Circuit {
        self.circuit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_seconds(second)
    }

    #[test]
    fn opens_pauses_probes_and_closes() {
        let mut breaker = Breaker::new(3, Span::from_seconds(10));
        breaker.failed(at(0));
        breaker.failed(at(1));
        assert!(breaker.admits(at(2)));
        breaker.failed(at(2));
        assert!(!breaker.admits(at(11)));
        assert!(breaker.admits(at(12)));
        assert!(!breaker.admits(at(13)), "one probe at a time");
        breaker.failed(at(14));
        assert!(!breaker.admits(at(23)));
        assert!(breaker.admits(at(24)));
        breaker.succeeded();
        assert_eq!(breaker.circuit(), Circuit::Closed);
        breaker.failed(at(25));
        assert!(breaker.admits(at(25)), "failures are counted in a row");
    }

    #[test]
    fn a_probe_that_is_never_told_of_does_not_block_for_ever() {
        let mut breaker = Breaker::new(1, Span::from_seconds(10));
        breaker.failed(at(0));
        assert!(breaker.admits(at(10)));
        assert!(breaker.admits(at(20)));
    }
}
