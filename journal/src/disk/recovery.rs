//! From the files to the published state: what was synced is there, a torn tail is cut, damage is an error.

use super::frame::FrameKind;
use super::manifest::Manifest;
use super::medium::{Blocks, Medium};
use super::segment::{self, Frames, SEGMENT_HEADER, SegmentId, check_header, footer, unseal};
use super::state::State;
use super::store::SPARE;
use crate::JournalError;
use std::collections::BTreeSet;

/// What the files said.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) manifest: Manifest,
    /// Number of the segment to begin.
    pub(crate) next_segment: u32,
    /// Sequence of the next frame.
    pub(crate) sequence: u64,
}

/// How a segment's frames ended.
struct Scan {
    /// Sequences of the first and the last frame; `None` when there is none.
    sequences: Option<(u64, u64)>,
    /// End of the whole frames.
    used: u64,
}

/// Reads all segments. The last one is sealed, so that the journal goes on in a new file.
pub(crate) fn recover(medium: &dyn Medium) -> Result<Recovered, JournalError> {
    let names = medium
        .list()
        .map_err(|e| JournalError::file("list", "the directory", e))?;
    let mut files: BTreeSet<SegmentId> = names
        .iter()
        .filter_map(|name| SegmentId::from_name(name))
        .collect();
    let manifest = match Manifest::load(medium)? {
        Some(manifest) => manifest,
        // Segments are made only once the manifest is durable.
        None if files.is_empty() => {
            let manifest = Manifest::new();
            manifest.store(medium)?;
            manifest
        }
        None => return Err(JournalError::corrupt("manifest", 0, "it is missing")),
    };
    let spares = names.iter().filter(|name| name.starts_with(SPARE)).cloned();
    remove_leftovers(medium, &manifest, &mut files, spares)?;
    let mut state = State::default();
    for (id, len) in &manifest.kept {
        load_kept(medium, *id, *len, &mut state)?;
    }
    let logs: Vec<SegmentId> = files.into_iter().filter(|id| !id.is_kept()).collect();
    let logs: Vec<SegmentId> = logs
        .into_iter()
        .filter(|id| !manifest.kept.contains_key(id))
        .collect();
    let (next_segment, sequence) = load_log(medium, &manifest, &logs, &mut state)?;
    for slot in state.partitions.slots.values_mut() {
        slot.places
            .make_contiguous()
            .sort_by_key(|place| place.first);
    }
    Ok(Recovered {
        state,
        manifest,
        next_segment,
        sequence,
    })
}

/// Deletes what a crash left between two steps of cleaning, and spare files.
fn remove_leftovers(
    medium: &dyn Medium,
    manifest: &Manifest,
    files: &mut BTreeSet<SegmentId>,
    spares: impl Iterator<Item = String>,
) -> Result<(), JournalError> {
    for name in spares {
        medium
            .remove(&name)
            .map_err(|e| JournalError::file("remove", &name, e))?;
    }
    let leftover: Vec<SegmentId> = files
        .iter()
        .copied()
        .filter(|id| !manifest.kept.contains_key(id))
        .filter(|id| id.is_kept() || id.number() < manifest.log_first)
        .collect();
    for id in leftover {
        let name = id.to_string();
        medium
            .remove(&name)
            .map_err(|e| JournalError::file("remove", &name, e))?;
        files.remove(&id);
    }
    Ok(())
}

fn load_kept(
    medium: &dyn Medium,
    id: SegmentId,
    len: u64,
    state: &mut State,
) -> Result<(), JournalError> {
    let name = id.to_string();
    let file = open(medium, id)?;
    if !check_header(&*file, id)? {
        return Err(JournalError::corrupt(
            &name,
            0,
            "its header is missing or damaged",
        ));
    }
    if let Some((used, sequence)) = unseal(&*file, id, state)? {
        finish(state, id, used, sequence);
        return Ok(());
    }
    let scan = scan(&*file, id, len, state)?;
    if scan.used != len {
        return Err(JournalError::corrupt(
            &name,
            scan.used,
            "a synced frame is damaged",
        ));
    }
    let sequence = scan.sequences.map_or(0, |(_, last)| last);
    write_seal(&*file, id, scan.used, sequence, state)
}

/// The log's segments in order; gives the number of the next and the next frame's sequence.
fn load_log(
    medium: &dyn Medium,
    manifest: &Manifest,
    logs: &[SegmentId],
    state: &mut State,
) -> Result<(u32, u64), JournalError> {
    let mut last_used = logs.len();
    while let Some(id) = last_used.checked_sub(1).and_then(|index| logs.get(index)) {
        if !is_blank(medium, *id)? {
            break;
        }
        let name = id.to_string();
        medium
            .remove(&name)
            .map_err(|e| JournalError::file("remove", &name, e))?;
        last_used -= 1;
    }
    let mut expected: Option<u64> = None;
    let mut number = manifest.log_first;
    for (index, id) in logs.iter().take(last_used).enumerate() {
        let name = id.to_string();
        if id.number() != number {
            let missing = SegmentId::log(number).to_string();
            return Err(JournalError::corrupt(&missing, 0, "the file is missing"));
        }
        number += 1;
        let last = index + 1 == last_used;
        let file = open(medium, *id)?;
        if !check_header(&*file, *id)? {
            return Err(JournalError::corrupt(
                &name,
                0,
                "its header is missing or damaged",
            ));
        }
        let first = Frames::new(&*file, *id)
            .next()?
            .map(|(header, _)| header.sequence);
        if let (Some(expected), Some(first)) = (expected, first)
            && expected != first
        {
            let before = SegmentId::log(id.number() - 1).to_string();
            return Err(JournalError::corrupt(
                &before,
                0,
                format!("it ends before frame {expected}; {name} begins with frame {first}"),
            ));
        }
        // Positions are in no seal: those of the last segment come from its frames.
        let mut aside = State::default();
        let sealed = unseal(&*file, *id, if last { &mut aside } else { &mut *state })?;
        expected = match sealed {
            Some((used, sequence)) if !last => {
                finish(state, *id, used, sequence);
                Some(sequence + 1)
            }
            _ => {
                let scan = scan(&*file, *id, u64::MAX, state)?;
                check_tail(&*file, *id, &scan)?;
                let sequence = scan.sequences.map_or(0, |(_, last)| last);
                match sealed {
                    Some((used, _)) if used == scan.used => finish(state, *id, used, sequence),
                    Some((used, _)) => {
                        let why = format!("a synced frame before {used} is damaged");
                        return Err(JournalError::corrupt(&name, scan.used, why));
                    }
                    None => write_seal(&*file, *id, scan.used, sequence, state)?,
                }
                Some(sequence + 1)
            }
        };
    }
    Ok((number, expected.unwrap_or(1)))
}

/// A prepared segment that was never written to, or whose first group was cut short.
fn is_blank(medium: &dyn Medium, id: SegmentId) -> Result<bool, JournalError> {
    let file = open(medium, id)?;
    let mut frames = Frames::new(&*file, id);
    if check_header(&*file, id)? && frames.next()?.is_some() {
        return Ok(false);
    }
    match frames.proof_of_damage()? {
        None => Ok(true),
        Some(at) => Err(JournalError::corrupt(
            &id.to_string(),
            SEGMENT_HEADER,
            format!("a synced frame is damaged; a whole one follows at byte {at}"),
        )),
    }
}

/// Applies the frames of a segment up to `limit`.
fn scan(
    file: &dyn Blocks,
    id: SegmentId,
    limit: u64,
    state: &mut State,
) -> Result<Scan, JournalError> {
    let mut frames = Frames::new(file, id);
    let mut sequences: Option<(u64, u64)> = None;
    let mut used = frames.at;
    state.segment(id).used = used;
    while used < limit
        && let Some((header, body)) = frames.next()?
    {
        let follows = sequences.is_none_or(|(_, last)| last + 1 == header.sequence);
        if header.kind == FrameKind::Seal || (!follows && !id.is_kept()) {
            break;
        }
        state
            .apply(id, (used, frames.at), body, false)
            .map_err(|error| locate(error, id, used))?;
        sequences = Some((
            sequences.map_or(header.sequence, |(first, _)| first),
            header.sequence,
        ));
        used = frames.at;
    }
    Ok(Scan { sequences, used })
}

/// A tail that was never synced may be torn in any way; what was synced may not.
fn check_tail(file: &dyn Blocks, id: SegmentId, scan: &Scan) -> Result<(), JournalError> {
    let mut frames = Frames::new(file, id);
    frames.at = scan.used;
    if frames
        .next()?
        .is_some_and(|(header, _)| header.kind == FrameKind::Seal)
    {
        return Ok(());
    }
    frames.at = scan.used;
    match frames.proof_of_damage()? {
        None => Ok(()),
        Some(at) => Err(JournalError::corrupt(
            &id.to_string(),
            scan.used,
            format!("a synced frame is damaged; a whole one follows at byte {at}"),
        )),
    }
}

fn write_seal(
    file: &dyn Blocks,
    id: SegmentId,
    used: u64,
    sequence: u64,
    state: &mut State,
) -> Result<(), JournalError> {
    let name = id.to_string();
    let fail = |source| JournalError::file("seal", &name, source);
    finish(state, id, used, sequence);
    let footer = footer(state, id, used, sequence);
    // A segment cut short gives its space back.
    file.set_len(used).map_err(fail)?;
    segment::write_seal(file, id, used, &footer)
        .and_then(|()| file.sync())
        .map_err(fail)
}

fn finish(state: &mut State, id: SegmentId, used: u64, sequence: u64) {
    let segment = state.segment(id);
    segment.used = used;
    segment.sequence = sequence;
    segment.full = true;
    segment.sealed = true;
}

fn open(medium: &dyn Medium, id: SegmentId) -> Result<std::sync::Arc<dyn Blocks>, JournalError> {
    let name = id.to_string();
    medium
        .open(&name)
        .map_err(|e| JournalError::file("open", &name, e))
}

fn locate(error: JournalError, id: SegmentId, at: u64) -> JournalError {
    if let JournalError::Corrupt { why, .. } = error {
        return JournalError::corrupt(&id.to_string(), at, why);
    }
    error
}
