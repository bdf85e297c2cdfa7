//! What became of an order: the pump says it, the API waits for it.

use journal::Offset;
use model::Zone;
use parking_lot::Mutex;
use rules::Refusal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::Notify;

/// Outcomes kept for those who ask late.
const KEPT_MAX: usize = 10_000;
/// How long the API waits for the zone to step an order.
const WAIT: Duration = Duration::from_secs(5);

/// Accepted, or refused with a reason.
pub(crate) type Outcome = Result<(), Refused>;

/// Why an order was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// In words.
    pub(crate) why: String,
    /// True where another post signs such acts: what was seen changes nothing then.
    pub(crate) lacks_post: bool,
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        Self {
            why: refusal.to_string(),
            lacks_post: matches!(refusal, Refusal::LacksPost { .. }),
        }
    }
}

/// The same as a record of the topic `warnings`, for those who wait in other processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OfOrder {
    /// The order's place in the zone's input.
    offset: u64,
    /// Why it was not followed; nothing where it was.
    refused: Option<String>,
    /// Whether that is because another post signs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lacks_post: bool,
}

impl OfOrder {
    /// That of the order at `offset`.
    pub(crate) fn new(offset: Offset, outcome: &Outcome) -> Self {
        Self {
            offset: offset.0,
            refused: outcome.as_ref().err().map(|refused| refused.why.clone()),
            lacks_post: outcome.as_ref().is_err_and(|refused| refused.lacks_post),
        }
    }

    /// The order's place, and what became of it.
    pub(crate) fn into_outcome(self) -> (u64, Outcome) {
        let lacks_post = self.lacks_post;
        let refused = self.refused.map(|why| Refused { why, lacks_post });
        (self.offset, refused.map_or(Ok(()), Err))
    }
}

/// Outcomes by place, and the places in the order they were told: what nobody asked for goes first.
#[derive(Default)]
struct Kept {
    outcomes: BTreeMap<(Zone, u64), Outcome>,
    order: VecDeque<(Zone, u64)>,
}

/// Outcomes of orders by their place in the journal.
#[derive(Default)]
pub(crate) struct Outcomes {
    kept: Mutex<Kept>,
    news: Notify,
}

impl Outcomes {
    /// The zone stepped the order at `offset`.
    pub(crate) fn tell(&self, zone: Zone, offset: u64, outcome: Outcome) {
        let mut kept = self.kept.lock();
        kept.outcomes.insert((zone, offset), outcome);
        kept.order.push_back((zone, offset));
        while kept.order.len() > KEPT_MAX
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.outcomes.remove(&oldest);
        }
        drop(kept);
        self.news.notify_waiters();
    }

    /// What became of the order at `offset`; `None` when the zone did not get to it in time.
    pub(crate) async fn wait(&self, zone: Zone, offset: u64) -> Option<Outcome> {
        let deadline = tokio::time::sleep(WAIT);
        tokio::pin!(deadline);
        loop {
            let news = self.news.notified();
            if let Some(outcome) = self.kept.lock().outcomes.remove(&(zone, offset)) {
                return Some(outcome);
            }
            tokio::select! {
                () = news => {}
                () = &mut deadline => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers that nobody waits for must not push out what somebody does, whatever its zone.
    #[tokio::test]
    async fn the_oldest_goes_first_whatever_its_zone() {
        let outcomes = Outcomes::default();
        for offset in 0..KEPT_MAX as u64 {
            outcomes.tell(Zone(9), offset, Ok(()));
        }
        outcomes.tell(Zone(0), 1, Ok(()));
        assert_eq!(outcomes.wait(Zone(0), 1).await, Some(Ok(())));
        assert!(!outcomes.kept.lock().outcomes.contains_key(&(Zone(9), 0)));
    }

    /// One process steps an order, another answers for it; what versions before wrote is read.
    #[test]
    fn it_is_the_same_through_a_topic() {
        let refused = |lacks_post| {
            let why = "the post of another".to_owned();
            Err(Refused { why, lacks_post })
        };
        for outcome in [Ok(()), refused(false), refused(true)] {
            let json = serde_json::to_string(&OfOrder::new(Offset(4), &outcome)).unwrap();
            let read: OfOrder = serde_json::from_str(&json).unwrap();
            assert_eq!(read.into_outcome(), (4, outcome));
        }
        let older = r#"{"offset":4,"refused":"the post of another"}"#;
        let read: OfOrder = serde_json::from_str(older).unwrap();
        assert_eq!(read.into_outcome(), (4, refused(false)));
    }

    #[tokio::test]
    async fn told_before_or_after_asking() {
        let outcomes = Outcomes::default();
        let refused = Refused {
            why: "seen is old".into(),
            lacks_post: false,
        };
        outcomes.tell(Zone(1), 7, Err(refused.clone()));
        assert_eq!(outcomes.wait(Zone(1), 7).await, Some(Err(refused)));
        let (asked, ()) = tokio::join!(outcomes.wait(Zone(2), 1), async {
            tokio::task::yield_now().await;
            outcomes.tell(Zone(2), 1, Ok(()));
        });
        assert_eq!(asked, Some(Ok(())));
    }
}
