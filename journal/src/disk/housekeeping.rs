//! The thread beside the writer: makes segments ahead, seals full ones, deletes what nobody wants.
//!
//! A segment goes when all in it is dead. One that holds a little of lasting worth is copied
//! forward first, offsets and times unchanged; one that holds mostly such records is kept as it is.

use super::copying::{Copy, OpenKept, copy};
use super::manifest::Manifest;
use super::medium::Blocks;
use super::segment::{SEGMENT_HEADER, SegmentId, footer, write_seal};
use super::state::State;
use super::store::{Store, is_full};
use crate::{Batch, JournalError, Partition, Priority, Topic};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The kept segment that copied records are appended to.
#[derive(Default)]
pub(crate) struct Keeper {
    open: Option<OpenKept>,
}

/// What to do with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// All dead.
    Delete,
    /// Copy what lives, then delete.
    Copy,
    /// Mostly alive for good: take it out of the log as it is.
    Adopt,
}

/// Runs until the journal stops.
pub(crate) fn run(store: &Store) {
    let mut keeper = Keeper::default();
    while store.wait_for_call() {
        match tidy(store, &mut keeper) {
            // A full disk is the writer's and the submitters' to tell.
            Ok(()) | Err(JournalError::DiskFull { .. }) => {}
            Err(error) => {
                store.queue.end(error.poisoning());
                return;
            }
        }
    }
}

/// One round: measure, make ahead, seal, expire, clean.
pub(crate) fn tidy(store: &Store, keeper: &mut Keeper) -> Result<(), JournalError> {
    store.measure()?;
    seal_full(store)?;
    expire(store)?;
    clean(store, keeper)?;
    store.make_ahead()
}

fn seal_full(store: &Store) -> Result<(), JournalError> {
    loop {
        let due = {
            let state = store.state.lock();
            let due = state
                .segments
                .iter()
                .find(|(id, s)| s.full && !s.sealed && !id.is_kept());
            due.map(|(id, s)| (*id, s.used, footer(&state, *id, s.used, s.sequence)))
        };
        let Some((id, used, bytes)) = due else {
            return Ok(());
        };
        let name = id.to_string();
        let file = store
            .medium
            .open(&name)
            .map_err(|e| JournalError::file("open", &name, e))?;
        seal(store, &*file, id, used, &bytes)?;
        store.state.lock().segment(id).sealed = true;
    }
}

/// Turns age and size into trims, which go through the log like everybody's.
fn expire(store: &Store) -> Result<(), JournalError> {
    let due = store.state.lock().expired(&store.options.retentions);
    if due.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::new(i64::MIN, Priority::Vital);
    for (topic, partition, before) in due {
        batch.trim(topic, partition, before);
    }
    batch.seal();
    // The journal may be ending: then the next one trims.
    if let Ok(ticket) = store.queue.push(batch, false) {
        drop(ticket.wait());
    }
    Ok(())
}

fn clean(store: &Store, keeper: &mut Keeper) -> Result<(), JournalError> {
    let mut manifest = store.manifest.lock();
    loop {
        // The lock is let go before the work begins.
        let decided = decide(&store.state.lock(), &manifest, keeper);
        let Some((id, verdict)) = decided else {
            return Ok(());
        };
        let mut next = manifest.clone();
        if id.is_kept() || manifest.kept.contains_key(&id) {
            next.kept.remove(&id);
        } else {
            next.log_first = id.number() + 1;
        }
        let copy = match verdict {
            Verdict::Delete => None,
            Verdict::Adopt => {
                let used = store.state.lock().segment(id).used;
                next.kept.insert(id, used);
                None
            }
            Verdict::Copy => Some(copied(store, keeper, id, &manifest, &mut next)?),
        };
        // Up to here nothing has changed: where the disk is full, the next round tries again.
        next.store(&*store.medium)?;
        *manifest = next;
        if let Some(copy) = copy {
            keeper.open = Some(copy.relocate(&mut store.state.lock(), id));
        }
        if verdict != Verdict::Adopt {
            forget(&mut store.state.lock(), id);
            store.discard(id)?;
        }
    }
}

/// Copies what lives in a segment to the open kept one.
fn copied(
    store: &Store,
    keeper: &mut Keeper,
    id: SegmentId,
    manifest: &Manifest,
    next: &mut Manifest,
) -> Result<Copy, JournalError> {
    let used = store.state.lock().segment(id).used;
    let free = store.measure()?;
    if free < used {
        return Err(JournalError::DiskFull { free, needed: used });
    }
    let is_full = |(_, _, at): &(_, _, u64)| at + used > store.options.segment_bytes;
    if keeper.open.as_ref().is_some_and(is_full) {
        seal_kept(store, keeper)?;
    }
    copy(store, keeper.open.as_ref(), id, next).inspect_err(|_| {
        if keeper.open.is_none() {
            // Half a copy is of no use.
            let begun = SegmentId::kept(manifest.kept_next);
            drop(store.medium.remove(&begun.to_string()));
        }
    })
}

/// The next segment to deal with: the log's oldest, or a kept one that is mostly dead.
fn decide(state: &State, manifest: &Manifest, keeper: &Keeper) -> Option<(SegmentId, Verdict)> {
    let keyed = state.live_keyed();
    let sparse = |live: u64, used: u64| live.saturating_mul(2) < used;
    let oldest = SegmentId::log(manifest.log_first);
    // A later segment must hold a checkpoint before this one's may go.
    let followed = state.segments.iter().any(|(id, segment)| {
        !id.is_kept() && id.number() > oldest.number() && segment.used > SEGMENT_HEADER
    });
    if let Some(segment) = state.segments.get(&oldest).filter(|s| s.sealed && followed) {
        let live = state.live(oldest, &keyed);
        if live.total == 0 {
            return Some((oldest, Verdict::Delete));
        }
        if live.awaiting_trim == 0 {
            let verdict = if sparse(live.total, segment.used) {
                Verdict::Copy
            } else {
                Verdict::Adopt
            };
            return Some((oldest, verdict));
        }
    }
    let open = keeper.open.as_ref().map(|(id, ..)| *id);
    manifest
        .kept
        .keys()
        .filter(|id| Some(**id) != open)
        .find_map(|id| {
            let used = state.segments.get(id)?.used;
            let live = state.live(*id, &keyed);
            match live.total {
                0 => Some((*id, Verdict::Delete)),
                total if sparse(total, used) => Some((*id, Verdict::Copy)),
                _ => None,
            }
        })
}

fn seal_kept(store: &Store, keeper: &mut Keeper) -> Result<(), JournalError> {
    let Some((id, file, used)) = keeper.open.take() else {
        return Ok(());
    };
    let bytes = footer(&store.state.lock(), id, used, 0);
    if let Err(error) = seal(store, &*file, id, used, &bytes) {
        keeper.open = Some((id, file, used));
        return Err(error);
    }
    let mut state = store.state.lock();
    let segment = state.segment(id);
    segment.full = true;
    segment.sealed = true;
    Ok(())
}

/// Takes a deleted segment out of the index.
fn forget(state: &mut State, id: SegmentId) {
    drop_places(state, id);
    state.segments.remove(&id);
}

pub(super) fn drop_places(state: &mut State, id: SegmentId) {
    let held: Vec<(Topic, Partition)> = state
        .segments
        .get(&id)
        .map(|s| s.contents.keys().copied().collect())
        .unwrap_or_default();
    for (topic, partition) in held {
        state
            .partitions
            .slot(topic, partition)
            .places
            .retain(|place| place.segment != id.0);
    }
}

/// Seals a file; where the disk is full that is for another time.
fn seal(
    store: &Store,
    file: &dyn Blocks,
    id: SegmentId,
    used: u64,
    footer: &[u8],
) -> Result<(), JournalError> {
    let name = id.to_string();
    write_seal(file, id, used, footer).map_err(|error| unwritten(store, "seal", &name, error))?;
    file.sync().map_err(|error| poisoned("sync", &name, error))
}

/// A write that did not find space changed nothing that counts; any other failure ends the journal.
pub(super) fn unwritten(
    store: &Store,
    action: &'static str,
    file: &str,
    error: std::io::Error,
) -> JournalError {
    if is_full(&error) {
        let free = store.counters.free_bytes.load(Ordering::Relaxed);
        let needed = store.options.segment_bytes;
        return JournalError::DiskFull { free, needed };
    }
    poisoned(action, file, error)
}

pub(super) fn poisoned(action: &'static str, file: &str, error: std::io::Error) -> JournalError {
    JournalError::Poisoned {
        action,
        file: file.to_owned(),
        source: Arc::new(error),
    }
}
