//! Copying forward what outlives its segment: offsets and times unchanged.

use super::Place;
use super::frame::{FrameKind, Section, close, encode_run, open as open_frame, sections};
use super::housekeeping::{drop_places, poisoned, unwritten};
use super::manifest::Manifest;
use super::medium::Blocks;
use super::segment::{Frames, SEGMENT_HEADER, SegmentId, header};
use super::state::{Contents, State, extend};
use super::statistics::add;
use super::store::Store;
use crate::record::{RECORD_HEADER, Run};
use crate::{JournalError, Partition, Record, Topic};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Copied frames are written in pieces of this.
const COPY_FRAME: usize = 256 << 10;

/// What was copied and where to.
pub(super) struct Copy {
    target: SegmentId,
    out: Arc<dyn Blocks>,
    /// End of the copies.
    at: u64,
    copied: Vec<Copied>,
}

/// A kept segment that is appended to: its file, and where its frames end.
pub(super) type OpenKept = (SegmentId, Arc<dyn Blocks>, u64);

/// A copied run and the frame it stands in.
struct Copied {
    topic: Topic,
    partition: Partition,
    run: Run,
    span: (u64, u64),
}

/// Copies the live records of `id` to the open kept segment, which `manifest` then names.
pub(super) fn copy(
    store: &Store,
    open: Option<&OpenKept>,
    id: SegmentId,
    manifest: &mut Manifest,
) -> Result<Copy, JournalError> {
    let name = id.to_string();
    let used = store.state.lock().segment(id).used;
    let (target, out, mut at) = match open {
        Some((target, out, at)) => (*target, Arc::clone(out), *at),
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
            at = write_kept(store, &*out, target, at, &mut pending, &mut copied)?;
        }
    }
    out.sync()
        .map_err(|error| poisoned("sync", &target.to_string(), error))?;
    add(
        &store.counters.kept_bytes,
        copied.iter().map(|c| c.run.bytes.len() as u64).sum(),
    );
    manifest.kept.insert(target, at);
    Ok(Copy {
        target,
        out,
        at,
        copied,
    })
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
    store: &Store,
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
    let start = open_frame(&mut buffer);
    for (topic, partition, run) in pending.iter() {
        encode_run(&mut buffer, *topic, *partition, run);
    }
    close(&mut buffer, start, FrameKind::Batches, target.0, 0, 0);
    let end = at + buffer.len() as u64;
    out.write_at(&buffer, at)
        .map_err(|error| unwritten(store, "write", &target.to_string(), error))?;
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
    let fail = |error| unwritten(store, "make", &name, error);
    let file = store.medium.create(&name).map_err(fail)?;
    file.write_at(&header(id), 0).map_err(fail)?;
    store.medium.sync_names().map_err(fail)?;
    Ok((id, file, SEGMENT_HEADER))
}

impl Copy {
    /// Points the index from segment `id` to the copies; gives the kept segment to go on with.
    pub(super) fn relocate(self, state: &mut State, id: SegmentId) -> OpenKept {
        let Self {
            target,
            out,
            at,
            copied,
        } = self;
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
        state.segment(target).used = at;
        (target, out, at)
    }
}
