//! Reading records that are no longer in memory from the segments.

use super::Place;
use super::frame::{FrameHeader, HEADER, Section, crc, sections};
use super::medium::{Blocks, Medium};
use super::segment::{SegmentId, read_exactly};
use crate::record::{Run, collect};
use crate::{JournalError, Partition, Record, Topic};
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Whose records to read, from where, and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) topic: Topic,
    pub(crate) partition: Partition,
    pub(crate) from: u64,
    pub(crate) max_bytes: usize,
}

/// What the places gave.
pub(crate) enum Found {
    /// Records in order; all there are in the places, or as many as were asked for.
    Records(Vec<Record>),
    /// Cleaning has moved the records to another segment: look the places up again.
    Moved,
}

/// The wanted records at `places`, which are in order.
pub(crate) fn read(
    medium: &dyn Medium,
    places: &[Place],
    wanted: Wanted,
) -> Result<Found, JournalError> {
    let mut out = Vec::new();
    let mut size = 0;
    let mut opened: Option<(SegmentId, Arc<dyn Blocks>)> = None;
    let mut rest = places.iter().peekable();
    while let Some(place) = rest.next() {
        let mut overlapping = vec![place];
        let mut end = place.end;
        while let Some(next) = rest.next_if(|next| next.first < end) {
            end = end.max(next.end);
            overlapping.push(next);
        }
        let mut found = Vec::new();
        for place in overlapping {
            let id = SegmentId(place.segment);
            let name = id.to_string();
            let file = match opened.take().filter(|(open, _)| *open == id) {
                Some((_, file)) => file,
                None => match medium.open(&name) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Ok(Found::Moved);
                    }
                    Err(error) => return Err(JournalError::file("open", &name, error)),
                },
            };
            found.extend(runs(&*file, place, wanted.topic, wanted.partition)?);
            opened = Some((id, file));
        }
        found.sort_by_key(|run| run.first);
        found.dedup_by_key(|run| run.first);
        for run in found {
            if collect(&run, wanted.from, wanted.max_bytes, &mut size, &mut out) {
                return Ok(Found::Records(out));
            }
        }
    }
    Ok(Found::Records(out))
}

/// The runs of one partition in the frames at `place`, each frame verified.
fn runs(
    file: &dyn Blocks,
    place: &Place,
    topic: Topic,
    partition: Partition,
) -> Result<Vec<Run>, JournalError> {
    let name = SegmentId(place.segment).to_string();
    let damaged = |at: usize| {
        JournalError::corrupt(
            &name,
            u64::from(place.from) + at as u64,
            "a synced frame is damaged",
        )
    };
    let len = u64::from(place.to.saturating_sub(place.from));
    let bytes = read_exactly(file, &name, u64::from(place.from), len)?
        .map(Bytes::from)
        .ok_or_else(|| damaged(0))?;
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let header = FrameHeader::decode(bytes.get(at..).unwrap_or(&[]))
            .filter(|header| header.segment == place.segment)
            .ok_or_else(|| damaged(at))?;
        let end = at + HEADER + header.body_len as usize;
        let body = bytes.get(at + HEADER..end).ok_or_else(|| damaged(at))?;
        if crc(body) != header.body_crc {
            return Err(damaged(at));
        }
        for section in sections(bytes.slice(at + HEADER..end)) {
            match section? {
                Section::Run {
                    topic: t,
                    partition: p,
                    run,
                } if t == topic && p == partition => {
                    out.push(run);
                }
                Section::Run { .. } | Section::Mark(_) | Section::Next { .. } => {}
            }
        }
        at += usize::try_from(header.span()).unwrap_or(usize::MAX);
    }
    Ok(out)
}
