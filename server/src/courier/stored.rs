//! Where a link's start reads from: its outbox at rest and the positions that belong to it.
//!
//! A start reads what came after the newest snapshot: at most [`RECORDS_MAX`] intents and records
//! of progress, or a snapshot period of them.

use crate::app::App;
use crate::snapshot::{Generations, Owner, Snapshot};
use dispatch::outbox;
use journal::{JournalError, Kind, Offset, Partition, Topic};
use model::Time;
use model::record::Edition;

/// Most records between two snapshots.
const RECORDS_MAX: u64 = 20_000;

/// The snapshots of one link.
pub(super) struct Stored {
    generations: Generations,
    partition: Partition,
    /// First intent not in the newest snapshot.
    pub(super) deliveries: Offset,
    /// First progress not in it.
    pub(super) receipts: Offset,
    taken: Time,
}

impl Stored {
    /// The newest snapshot of a link that can be read; an empty one where there is none.
    pub(super) fn open(
        app: &App,
        partition: Partition,
    ) -> Result<(Self, outbox::Snapshot), JournalError> {
        let first = |kind| app.journal.first(Topic::new(kind, app.mode), partition);
        let mut stored = Self {
            generations: Generations::new(app.mode, Owner::Link(partition)),
            partition,
            deliveries: first(Kind::Deliveries),
            receipts: first(Kind::Receipts),
            taken: app.clock.now(),
        };
        while let Some(found) = stored.generations.load(&*app.journal)? {
            match (serde_json::from_slice(&found.state), &*found.positions) {
                (Ok(outbox), [deliveries, receipts]) => {
                    stored.deliveries = stored.deliveries.max(*deliveries);
                    stored.receipts = stored.receipts.max(*receipts);
                    return Ok((stored, outbox));
                }
                (Ok(_), _) => {}
                (Err(error), _) => {
                    tracing::error!(link = partition.0, %error, "link's snapshot unusable");
                }
            }
        }
        Ok((stored, outbox::Snapshot::default()))
    }

    /// Whether the snapshot is old or far enough back, intents taken up to `next`.
    pub(super) fn is_due(&self, app: &App, next: Offset) -> bool {
        let behind = self.behind(app, next);
        let is_old = app.clock.now() >= self.taken + app.snapshots.every;
        behind > 0 && (is_old || behind >= RECORDS_MAX.min(app.snapshots.inputs))
    }

    /// Stores the outbox as it is with all its progress on disk.
    pub(super) async fn keep(
        &mut self,
        app: &App,
        next: Offset,
        outbox: &outbox::Snapshot,
    ) -> Result<(), JournalError> {
        let now = app.clock.now();
        let end = self.end(app);
        let snapshot = Snapshot {
            positions: vec![next, end],
            edition: Edition::default(),
            state: serde_json::to_vec(outbox).unwrap_or_default(),
        };
        let stored = self
            .generations
            .store(&*app.journal, now.millis(), &snapshot)?;
        stored.0.await?;
        self.deliveries = next;
        self.receipts = end;
        self.taken = now;
        Ok(())
    }

    /// Records that a start would read.
    fn behind(&self, app: &App, next: Offset) -> u64 {
        let receipts = self.end(app).0.saturating_sub(self.receipts.0);
        next.0.saturating_sub(self.deliveries.0) + receipts
    }

    /// Only this link writes its progress.
    fn end(&self, app: &App) -> Offset {
        let topic = Topic::new(Kind::Receipts, app.mode);
        app.journal.end(topic, self.partition)
    }
}
