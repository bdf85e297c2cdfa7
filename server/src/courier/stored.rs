//! Where a link's start reads from: its outbox at rest and the positions that belong to it.
//!
//! A start reads what came after the newest snapshot: at most [`RECORDS_MAX`] intents and records
//! of progress, or a snapshot period of them. A snapshot is written in parts in turns of the link's
//! loop, each when the one before is on disk: nothing waits for it but a stop.

use crate::app::App;
use crate::snapshot::{Generations, Owner, Writing};
use dispatch::outbox::{AtRest, Outbox, Walk};
use journal::{JournalError, Kind, Offset, Partition, Ticket, Topic};
use model::Time;
use model::record::Edition;

/// Most records between two snapshots.
const RECORDS_MAX: u64 = 20_000;
/// Bytes of one part: about a millisecond of the loop.
const PART_BYTES: usize = 128 << 10;

/// The snapshots of one link.
pub(super) struct Stored {
    generations: Generations,
    partition: Partition,
    /// First intent not in the newest snapshot.
    pub(super) deliveries: Offset,
    /// First progress not in it.
    pub(super) receipts: Offset,
    taken: Time,
    underway: Option<Underway>,
}

/// A snapshot on its way to the disk.
struct Underway {
    /// What is left of it; nothing once its header is queued.
    rest: Option<(Writing, Walk)>,
    /// The part that is being written.
    ticket: Option<Ticket>,
    deliveries: Offset,
    receipts: Offset,
}

impl Stored {
    /// The newest snapshot of a link that can be read; an empty one where there is none.
    pub(super) fn open(app: &App, partition: Partition) -> Result<(Self, AtRest), JournalError> {
        let first = |kind| app.journal.first(Topic::new(kind, app.mode), partition);
        let mut stored = Self {
            generations: Generations::new(app.mode, Owner::Link(partition)),
            partition,
            deliveries: first(Kind::Deliveries)?,
            receipts: first(Kind::Receipts)?,
            taken: app.clock.now(),
            underway: None,
        };
        while let Some(found) = stored.generations.load(&*app.journal)? {
            match (AtRest::read(&found.state), &*found.positions) {
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
        Ok((stored, AtRest::default()))
    }

    /// Goes on with the snapshot underway, once its last part is on disk, or begins one where the
    /// last is old or far enough back; true where it began. Intents are taken up to `next`.
    pub(super) fn turn(
        &mut self,
        app: &App,
        next: Offset,
        outbox: &Outbox,
    ) -> Result<bool, JournalError> {
        let Some(underway) = &mut self.underway else {
            let is_due = self.is_due(app, next)?;
            if is_due {
                // All progress before the end is in the outbox: only this link writes it.
                self.underway = Some(Underway {
                    rest: Some((self.generations.begin(&*app.journal)?, outbox.walk())),
                    ticket: None,
                    deliveries: next,
                    receipts: self.end(app)?,
                });
                self.taken = app.clock.now();
            }
            return Ok(is_due);
        };
        if let Some(ticket) = &mut underway.ticket {
            match ticket.now() {
                Some(written) => drop(written?),
                None => return Ok(false),
            }
        }
        self.go_on(app, outbox)?;
        Ok(false)
    }

    /// Waits until the snapshot underway can go on; for ever where there is none.
    pub(super) async fn written(&mut self) -> Result<(), JournalError> {
        let Some(underway) = &mut self.underway else {
            return std::future::pending().await;
        };
        if let Some(ticket) = &mut underway.ticket {
            std::pin::Pin::new(ticket).await?;
            underway.ticket = None;
        }
        Ok(())
    }

    /// Writes what is left of the snapshot underway, if there is one: a service that is told to end
    /// does not leave it half done.
    pub(super) async fn finish(&mut self, app: &App, outbox: &Outbox) -> Result<(), JournalError> {
        while let Some(underway) = &mut self.underway {
            if let Some(ticket) = underway.ticket.take() {
                ticket.await?;
            }
            self.go_on(app, outbox)?;
        }
        Ok(())
    }

    /// Queues the next part, or the header; with that on disk the snapshot serves.
    fn go_on(&mut self, app: &App, outbox: &Outbox) -> Result<(), JournalError> {
        let Some(mut underway) = self.underway.take() else {
            return Ok(());
        };
        let at_ms = self.taken.millis();
        let ticket = match underway.rest.take() {
            Some((mut writing, mut walk)) => {
                let mut part = Vec::new();
                let has_more = outbox.part(&mut walk, PART_BYTES, &mut part);
                let generations = &mut self.generations;
                if part.is_empty() && !has_more {
                    let positions = [underway.deliveries, underway.receipts];
                    let edition = Edition::default();
                    let header =
                        generations.finish(&*app.journal, at_ms, writing, &positions, &edition);
                    header?.0
                } else {
                    let ticket = generations.chunk(&*app.journal, at_ms, &mut writing, &part)?;
                    underway.rest = Some((writing, walk));
                    ticket
                }
            }
            None => {
                self.deliveries = underway.deliveries;
                self.receipts = underway.receipts;
                return Ok(());
            }
        };
        underway.ticket = Some(ticket);
        self.underway = Some(underway);
        Ok(())
    }

    /// Whether the snapshot is old or far enough back, intents taken up to `next`.
    fn is_due(&self, app: &App, next: Offset) -> Result<bool, JournalError> {
        let behind = self.behind(app, next)?;
        let is_old = app.clock.now() >= self.taken + app.snapshots.every;
        Ok(behind > 0 && (is_old || behind >= RECORDS_MAX.min(app.snapshots.inputs)))
    }

    /// Records that a start would read.
    fn behind(&self, app: &App, next: Offset) -> Result<u64, JournalError> {
        let receipts = self.end(app)?.0.saturating_sub(self.receipts.0);
        Ok(next.0.saturating_sub(self.deliveries.0) + receipts)
    }

    /// Only this link writes its progress.
    fn end(&self, app: &App) -> Result<Offset, JournalError> {
        let topic = Topic::new(Kind::Receipts, app.mode);
        app.journal.end(topic, self.partition)
    }
}
