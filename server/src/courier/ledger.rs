//! How far each intent of a link has come, in the topic `ledger`: what the screens of other processes
//! show. The newest row of each intent stands; one that the link forgot is deleted.

use crate::app::App;
use crate::view::DeliveryItem;
use dispatch::intent::IntentId;
use journal::{Batch, JournalError, Kind, Partition, Priority, Topic};
use model::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of the records: JSON of a row, by the intent's identifier.
const ROW: u8 = 1;
/// Between two writes: a send of minutes is watched, not followed message by message.
const EVERY: Span = Span::from_millis(500);

/// Rows that changed since they were written last.
#[derive(Default)]
pub(super) struct Ledger {
    changed: BTreeMap<IntentId, Vec<u8>>,
    written: BTreeSet<IntentId>,
    at: Time,
}

impl Ledger {
    /// An intent's row changed.
    pub(super) fn note(&mut self, id: IntentId, row: &DeliveryItem) {
        self.changed
            .insert(id, serde_json::to_vec(row).unwrap_or_default());
    }

    /// Deletes the rows of intents that are not `known` any more.
    pub(super) fn retain(&mut self, known: impl Fn(IntentId) -> bool) {
        for id in self.written.iter().filter(|id| !known(**id)) {
            self.changed.insert(*id, Vec::new());
        }
        self.written.retain(|id| known(*id));
    }

    /// Writes what changed, if the last write is long enough ago.
    pub(super) fn write(
        &mut self,
        app: &App,
        link: Partition,
        now: Time,
    ) -> Result<(), JournalError> {
        let is_due = now < self.at || now >= self.at + EVERY;
        if self.changed.is_empty() || !is_due {
            return Ok(());
        }
        self.at = now;
        let topic = Topic::new(Kind::Ledger, app.mode);
        let owner = Topic::new(Kind::Deliveries, app.mode);
        let batch = Batch::new(now.millis(), Priority::Vital);
        let mut batch = batch.owned_by(owner, link);
        for (id, row) in std::mem::take(&mut self.changed) {
            if !row.is_empty() {
                self.written.insert(id);
            }
            batch.append(topic, link, ROW, id.to_string().as_bytes(), &row);
        }
        // Nobody waits for it: the next row says all of this again.
        app.journal.submit_waiting(batch).map(drop)
    }
}
