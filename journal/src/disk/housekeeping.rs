//! The thread beside the writer: makes segments ahead, seals full ones, deletes what nobody wants.
//!
//! A segment goes when all in it is dead. One that holds a little of lasting worth is copied
//! forward first, offsets and times unchanged; one that holds mostly such records is kept as it is.

use super::Place;
use super::frame::{FrameKind, Section, close, encode_run, open, sections};
use super::manifest::Manifest;
use super::medium::Blocks;
use super::segment::{Frames, SEGMENT_HEADER, SegmentId, footer, header, write_seal};
use super::state::{Contents, State, extend};
use super::statistics::add;
use super::store::Store;
use crate::record::{RECORD_HEADER, Run};
use crate::{Batch, JournalError, Partition, Priority, Record, Topic};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Copied frames are written in pieces of this.
const COPY_FRAME: usize = 256 << 10;

/// The kept segment that copied records are appended to.
#[derive(Default)]
pub(crate) struct Keeper {
    open: Option<(SegmentId, Arc<dyn Blocks>, u64)>,
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

/// A copied run and the frame it stands in.
struct Copied {
    topic: Topic,
    partition: Partition,
    run: Run,
    span: (u64, u64),
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
        write_seal(&*file, id, used, &bytes).map_err(|error| poisoned("seal", &name, error))?;
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
        match verdict {
            Verdict::Delete => {}
            Verdict::Adopt => {
                let used = store.state.lock().segment(id).used;
                next.kept.insert(id, used);
            }
            Verdict::Copy => copy(store, keeper, id, &mut next)?,
        }
        next.store(&*store.medium)?;
        *manifest = next;
        if verdict != Verdict::Adopt {
            forget(&mut store.state.lock(), id);
            store.discard(id)?;
        }
    }
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

/// Copies the live records of `id` to the open kept segment and moves the index over.
fn copy(
    store: &Store,
    keeper: &mut Keeper,
    id: SegmentId,
    manifest: &mut Manifest,
) -> Result<(), JournalError> {
    let name = id.to_string();
    let used = store.state.lock().segment(id).used;
    let full = keeper
        .open
        .as_ref()
        .is_some_and(|(_, _, at)| at + used > store.options.segment_bytes);
    if full {
        seal_kept(store, keeper)?;
    }
    let (target, out, mut at) = match keeper.open.take() {
        Some(open) => open,
        None => begin_kept(store, manifest)?,
    };
    let file = store
        .medium
        .open(&name)
        .map_err(|e| JournalError::file("open", &name, e))?;
    let mut frames = Frames::new(&*file, id);
    let mut copied = Vec::new();
    let mut pending: Vec<(Topic, Partition, Run)> = Vec::new();
    while frames.at < used {
        let damage = frames.at;
        let Some((_, body)) = frames.next()? else {
            return Err(JournalError::corrupt(
                &name,
                damage,
                "a synced frame is damaged",
            ));
        };
        for section in sections(body) {
            if let Section::Run {
                topic,
                partition,
                run,
            } = section?
            {
                let live = survivors(&store.state.lock(), topic, partition, &run);
                pending.extend(live.into_iter().map(|run| (topic, partition, run)));
            }
        }
        let size: usize = pending.iter().map(|(_, _, run)| run.bytes.len()).sum();
        if size > COPY_FRAME || frames.at >= used {
            at = write_kept(&*out, target, at, &mut pending, &mut copied)?;
        }
    }
    out.sync()
        .map_err(|error| poisoned("sync", &target.to_string(), error))?;
    add(
        &store.counters.kept_bytes,
        copied.iter().map(|c| c.run.bytes.len() as u64).sum(),
    );
    relocate(&mut store.state.lock(), id, target, at, copied);
    manifest.kept.insert(target, at);
    keeper.open = Some((target, out, at));
    Ok(())
}

/// The records of a run that are still wanted, as runs without gaps.
fn survivors(state: &State, topic: Topic, partition: Partition, run: &Run) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut at = 0;
    let mut open: Option<(u64, usize, u32)> = None;
    let cut = |open: &mut Option<(u64, usize, u32)>, at: usize, out: &mut Vec<Run>| {
        if let Some((first, from, count)) = open.take() {
            out.push(Run {
                first,
                count,
                time_ms: run.time_ms,
                bytes: run.bytes.slice(from..at),
            });
        }
    };
    for record in run.records() {
        if state.wants(topic, partition, &record) {
            let (_, _, count) = open.get_or_insert((record.offset.0, at, 0));
            *count += 1;
        } else {
            cut(&mut open, at, &mut out);
        }
        at += record_span(&record);
    }
    cut(&mut open, at, &mut out);
    out
}

fn record_span(record: &Record) -> usize {
    RECORD_HEADER + record.key().len() + record.payload().len()
}

fn write_kept(
    out: &dyn Blocks,
    target: SegmentId,
    at: u64,
    pending: &mut Vec<(Topic, Partition, Run)>,
    copied: &mut Vec<Copied>,
) -> Result<u64, JournalError> {
    if pending.is_empty() {
        return Ok(at);
    }
    let mut buffer = Vec::new();
    let start = open(&mut buffer);
    for (topic, partition, run) in pending.iter() {
        encode_run(&mut buffer, *topic, *partition, run);
    }
    close(&mut buffer, start, FrameKind::Batches, target.0, 0, 0);
    let end = at + buffer.len() as u64;
    out.write_at(&buffer, at)
        .map_err(|error| poisoned("write", &target.to_string(), error))?;
    copied.extend(pending.drain(..).map(|(topic, partition, run)| {
        // Only its length is still needed; the bytes would pin the frame they came from.
        let bytes = Bytes::copy_from_slice(&run.bytes);
        Copied {
            topic,
            partition,
            run: Run { bytes, ..run },
            span: (at, end),
        }
    }));
    Ok(end)
}

fn begin_kept(
    store: &Store,
    manifest: &mut Manifest,
) -> Result<(SegmentId, Arc<dyn Blocks>, u64), JournalError> {
    let id = SegmentId::kept(manifest.kept_next);
    manifest.kept_next += 1;
    let name = id.to_string();
    let fail = |error| JournalError::file("make", &name, error);
    let file = store.medium.create(&name).map_err(fail)?;
    file.write_at(&header(id), 0).map_err(fail)?;
    store.medium.sync_names().map_err(fail)?;
    Ok((id, file, SEGMENT_HEADER))
}

fn seal_kept(store: &Store, keeper: &mut Keeper) -> Result<(), JournalError> {
    let Some((id, file, used)) = keeper.open.take() else {
        return Ok(());
    };
    let bytes = footer(&store.state.lock(), id, used, 0);
    write_seal(&*file, id, used, &bytes)
        .map_err(|error| poisoned("seal", &id.to_string(), error))?;
    let mut state = store.state.lock();
    let segment = state.segment(id);
    segment.full = true;
    segment.sealed = true;
    Ok(())
}

/// Points the index from segment `id` to the copies in `target`.
fn relocate(state: &mut State, id: SegmentId, target: SegmentId, used: u64, copied: Vec<Copied>) {
    drop_places(state, id);
    let mut moved: BTreeMap<(Topic, Partition), VecDeque<Place>> = BTreeMap::new();
    for Copied {
        topic,
        partition,
        run,
        span,
    } in copied
    {
        let contents = state.segment(target).contents.entry((topic, partition));
        contents
            .and_modify(|contents| contents.extend(&run))
            .or_insert_with(|| Contents::of(&run));
        extend(
            moved.entry((topic, partition)).or_default(),
            target,
            span,
            topic,
            &run,
        );
        let slot = state.partitions.slot(topic, partition);
        if !slot.keys.is_empty() {
            for record in run.records() {
                let newest = slot.keys.get_mut(record.key());
                if let Some(newest) = newest.filter(|n| n.offset == record.offset.0) {
                    newest.segment = target.0;
                }
            }
        }
    }
    for ((topic, partition), places) in moved {
        let slot = state.partitions.slot(topic, partition);
        slot.places.extend(places);
        slot.places
            .make_contiguous()
            .sort_by_key(|place| place.first);
    }
    state.segment(target).used = used;
}

/// Takes a deleted segment out of the index.
fn forget(state: &mut State, id: SegmentId) {
    drop_places(state, id);
    state.segments.remove(&id);
}

fn drop_places(state: &mut State, id: SegmentId) {
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

fn poisoned(action: &'static str, file: &str, error: std::io::Error) -> JournalError {
    JournalError::Poisoned {
        action,
        file: file.to_owned(),
        source: Arc::new(error),
    }
}
