//! What became of an order: the pump says it, the API waits for it.

use journal::Offset;
use model::Zone;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::Notify;

/// Outcomes kept for those who ask late.
const KEPT_MAX: usize = 10_000;
/// How long the API waits for the zone to step an order.
const WAIT: Duration = Duration::from_secs(5);

/// Accepted, or refused with a reason.
pub(crate) type Outcome = Result<(), String>;

/// The same as a record of the topic `warnings`, for those who wait in other processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OfOrder {
    /// The order's place in the zone's input.
    offset: u64,
    /// Why it was not followed; nothing where it was.
    refused: Option<String>,
}

impl OfOrder {
    /// That of the order at `offset`.
    pub(crate) fn new(offset: Offset, outcome: &Outcome) -> Self {
        Self {
            offset: offset.0,
            refused: outcome.clone().err(),
        }
    }

    /// The order's place, and what became of it.
    pub(crate) fn into_outcome(self) -> (u64, Outcome) {
        (self.offset, self.refused.map_or(Ok(()), Err))
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

    #[tokio::test]
    async fn told_before_or_after_asking() {
        let outcomes = Outcomes::default();
        outcomes.tell(Zone(1), 7, Err("seen is old".into()));
        assert_eq!(
            outcomes.wait(Zone(1), 7).await,
            Some(Err("seen is old".into()))
        );
        let (asked, ()) = tokio::join!(outcomes.wait(Zone(2), 1), async {
            tokio::task::yield_now().await;
            outcomes.tell(Zone(2), 1, Ok(()));
        });
        assert_eq!(asked, Some(Ok(())));
    }
}
