//! How fast the messages of an intent leave, for the screens.

use dispatch::intent::IntentId;
use model::{Span, Time};
use rustc_hash::FxHashMap;

/// The stretch a rate is taken over.
const OVER: Span = Span::from_seconds(5);

/// Rates of the intents that are under way.
#[derive(Default)]
pub(super) struct Rates(FxHashMap<IntentId, Counted>);

/// What was counted of one intent.
struct Counted {
    /// The stretch before, and where this one began.
    before: (Time, u64),
    since: (Time, u64),
    sent: u64,
    finished: Option<Time>,
}

/// How fast, and since when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    /// Messages a second of record time over the last seconds.
    pub(super) per_s: f64,
    /// When the last of it was decided.
    pub(super) finished: Option<Time>,
}

impl Rates {
    /// The rate of an intent of which `sent` have left by `now`.
    pub(super) fn of(&mut self, id: IntentId, now: Time, sent: u64, is_over: bool) -> Rate {
        // What was sent before this process began is no rate of its own.
        let counted = self.0.entry(id).or_insert(Counted {
            before: (now, sent),
            since: (now, sent),
            sent,
            finished: None,
        });
        counted.sent = sent;
        if is_over {
            counted.finished.get_or_insert(now);
        }
        if now.since(counted.since.0) >= OVER {
            counted.before = counted.since;
            counted.since = (now, sent);
        }
        let (from, had) = counted.before;
        let seconds = now.since(from).millis() as f64 / 1000.0;
        let left = sent.saturating_sub(had) as f64;
        let per_s = if is_over || seconds <= 0.0 {
            0.0
        } else {
            left / seconds
        };
        Rate {
            per_s,
            finished: counted.finished,
        }
    }

    /// Intents whose rate should be shown again although nothing of them moved.
    pub(super) fn slowing(&self, now: Time) -> Vec<IntentId> {
        let stale = |c: &&Counted| {
            c.finished.is_none() && c.sent > c.before.1 && now.since(c.since.0) >= OVER
        };
        let stale = self.0.iter().filter(|(_, counted)| stale(counted));
        stale.map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_seconds_and_ends_with_the_intent() {
        let (mut rates, id) = (Rates::default(), IntentId::from_bytes([1; 16]));
        let at = |s: i64| Time::from_seconds(1_700_000_000 + s);
        let per_s = |rate: Rate| rate.per_s;
        assert_eq!(per_s(rates.of(id, at(0), 50, false)), 0.0);
        assert_eq!(per_s(rates.of(id, at(2), 250, false)), 100.0);
        rates.of(id, at(5), 550, false);
        rates.of(id, at(10), 550, false);
        assert_eq!(
            rates.slowing(at(15)).len(),
            0,
            "nothing left for ten seconds"
        );
        assert_eq!(per_s(rates.of(id, at(16), 550, false)), 0.0, "paused");
        let over = rates.of(id, at(20), 600, true);
        assert_eq!((over.per_s, over.finished), (0.0, Some(at(20))));
        assert_eq!(rates.of(id, at(99), 600, true).finished, Some(at(20)));
    }
}
