//! One file of the log: its name, its header, and the seal that says where in it everything is.

use super::Place;
use super::frame::{FrameHeader, FrameKind, HEADER, close, crc, open, u16_at, u32_at, u64_at};
use super::medium::Blocks;
use super::state::{Contents, State};
use crate::partitions::Newest;
use crate::{JournalError, Partition, Topic};
use std::fmt;

/// Bytes before the first frame.
pub(crate) const SEGMENT_HEADER: u64 = 64;
const MAGIC: &[u8; 8] = b"SANFANGJ";
const FORMAT: u32 = 1;
/// Bytes at the end of a sealed file: magic, segment, footer position, crc.
const TRAILER: usize = 16;
const TRAILER_MAGIC: &[u8; 4] = b"SEAL";
const KEPT: u32 = 1 << 31;

/// Which file: a segment of the log, or one of records kept from deleted segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentId(pub(crate) u32);

impl SegmentId {
    pub(crate) fn log(number: u32) -> Self {
        Self(number & !KEPT)
    }

    pub(crate) fn kept(number: u32) -> Self {
        Self(number | KEPT)
    }

    pub(crate) fn is_kept(self) -> bool {
        self.0 & KEPT != 0
    }

    pub(crate) fn number(self) -> u32 {
        self.0 & !KEPT
    }

    /// The segment whose file has this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (kind, number) = name.strip_suffix(".seg")?.split_once('-')?;
        let number = u32::from_str_radix(number, 16)
            .ok()
            .filter(|number| number & KEPT == 0)?;
        match kind {
            "log" => Some(Self::log(number)),
            "kept" => Some(Self::kept(number)),
            _ => None,
        }
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_kept() { "kept" } else { "log" };
        write!(f, "{kind}-{:08x}.seg", self.number())
    }
}

/// The first bytes of the file.
pub(crate) fn header(id: SegmentId) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEGMENT_HEADER as usize);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&id.0.to_le_bytes());
    let check = crc(&out);
    out.extend_from_slice(&check.to_le_bytes());
    out.resize(SEGMENT_HEADER as usize, 0);
    out
}

/// Whether the file begins with a header of this format: false for one whose making was cut short.
pub(crate) fn check_header(file: &dyn Blocks, id: SegmentId) -> Result<bool, JournalError> {
    let name = id.to_string();
    let bytes = read_exactly(file, &name, 0, SEGMENT_HEADER)?.unwrap_or_default();
    let format = u32_at(&bytes, 8).unwrap_or(0);
    let whole = bytes.get(..8) == Some(MAGIC)
        && u32_at(&bytes, 12) == Some(id.0)
        && u32_at(&bytes, 16) == Some(crc(bytes.get(..16).unwrap_or(&[])));
    if whole && format != FORMAT {
        return Err(JournalError::Newer {
            file: name,
            found: format,
            known: FORMAT,
        });
    }
    Ok(whole)
}

/// `len` bytes at `at`, or `None` when the file ends before.
pub(crate) fn read_exactly(
    file: &dyn Blocks,
    name: &str,
    at: u64,
    len: u64,
) -> Result<Option<Vec<u8>>, JournalError> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let read = file
        .read_at(&mut bytes, at)
        .map_err(|e| JournalError::file("read", name, e))?;
    Ok((read == bytes.len()).then_some(bytes))
}

/// Reads a file frame by frame.
pub(crate) struct Frames<'a> {
    file: &'a dyn Blocks,
    id: SegmentId,
    name: String,
    /// Where the next frame would stand.
    pub(crate) at: u64,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(file: &'a dyn Blocks, id: SegmentId) -> Self {
        Self {
            file,
            id,
            name: id.to_string(),
            at: SEGMENT_HEADER,
        }
    }

    /// The frame at `self.at`, going past it; `None` when there is no whole one.
    pub(crate) fn next(&mut self) -> Result<Option<(FrameHeader, bytes::Bytes)>, JournalError> {
        let found = self.frame_at(self.at)?;
        if let Some((header, _)) = &found {
            self.at += header.span();
        }
        Ok(found)
    }

    /// The first whole frame after `self.at` that was begun after everything at `self.at` was synced.
    pub(crate) fn proof_of_damage(&self) -> Result<Option<u64>, JournalError> {
        const STEP: u64 = 1 << 20;
        const ZEROS: [u8; 4096] = [0; 4096];
        let len = self
            .file
            .length()
            .map_err(|e| JournalError::file("measure", &self.name, e))?;
        let mut from = self.at + super::frame::ALIGN as u64;
        while from < len {
            let size = (len - from).min(STEP + HEADER as u64);
            let Some(bytes) = read_exactly(self.file, &self.name, from, size)? else {
                break;
            };
            let mut next = 0;
            while next < bytes.len() {
                let offset = next;
                // No frame begins in zeros, and most of a prepared segment is zeros.
                let ahead = bytes.get(offset..offset + ZEROS.len());
                if ahead.is_some_and(|ahead| ahead == ZEROS) {
                    next += ZEROS.len();
                    continue;
                }
                next += super::frame::ALIGN;
                let Some(header) = FrameHeader::decode(bytes.get(offset..).unwrap_or(&[])) else {
                    continue;
                };
                let at = from + offset as u64;
                if header.segment == self.id.0
                    && u64::from(header.group_start) > self.at
                    && self.frame_at(at)?.is_some()
                {
                    return Ok(Some(at));
                }
            }
            from += STEP;
        }
        Ok(None)
    }

    fn frame_at(&self, at: u64) -> Result<Option<(FrameHeader, bytes::Bytes)>, JournalError> {
        let Some(head) = read_exactly(self.file, &self.name, at, HEADER as u64)? else {
            return Ok(None);
        };
        let Some(header) = FrameHeader::decode(&head).filter(|h| h.segment == self.id.0) else {
            return Ok(None);
        };
        let body = read_exactly(
            self.file,
            &self.name,
            at + HEADER as u64,
            u64::from(header.body_len),
        )?;
        Ok(body
            .filter(|body| crc(body) == header.body_crc)
            .map(|body| (header, bytes::Bytes::from(body))))
    }
}

/// The footer of segment `id`, whose frames end at `used`; `sequence` is the last one's.
pub(crate) fn footer(state: &State, id: SegmentId, used: u64, sequence: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let start = open(&mut out);
    out.extend_from_slice(&sequence.to_le_bytes());
    if let Some(segment) = state.segments.get(&id) {
        for ((topic, partition), contents) in &segment.contents {
            let Some(slot) = state.partitions.slots.get(&(*topic, *partition)) else {
                continue;
            };
            let places: Vec<&Place> = slot.places.iter().filter(|p| p.segment == id.0).collect();
            let mut keys: Vec<_> = slot
                .keys
                .iter()
                .filter(|(_, n)| n.segment == id.0)
                .collect();
            keys.sort_by_key(|(_, newest)| newest.offset);
            out.extend_from_slice(&[topic.code(), 0]);
            out.extend_from_slice(&partition.0.to_le_bytes());
            out.extend_from_slice(&count(places.len()));
            out.extend_from_slice(&count(keys.len()));
            out.extend_from_slice(&contents.first.to_le_bytes());
            out.extend_from_slice(&contents.end.to_le_bytes());
            out.extend_from_slice(&contents.bytes.to_le_bytes());
            out.extend_from_slice(&contents.newest_ms.to_le_bytes());
            for place in places {
                out.extend_from_slice(&place.first.to_le_bytes());
                out.extend_from_slice(&place.end.to_le_bytes());
                out.extend_from_slice(&place.from.to_le_bytes());
                out.extend_from_slice(&place.to.to_le_bytes());
            }
            for (key, newest) in keys {
                out.extend_from_slice(&newest.offset.to_le_bytes());
                out.extend_from_slice(&newest.bytes.to_le_bytes());
                out.extend_from_slice(&[u8::from(newest.deleted), 0]);
                out.extend_from_slice(&u16::try_from(key.len()).unwrap_or(0).to_le_bytes());
                out.extend_from_slice(key);
            }
        }
    }
    close(
        &mut out,
        start,
        FrameKind::Seal,
        id.0,
        sequence,
        u32::try_from(used).unwrap_or(0),
    );
    out
}

/// The last bytes of a sealed file: where its footer is.
pub(crate) fn trailer(id: SegmentId, used: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(TRAILER);
    out.extend_from_slice(TRAILER_MAGIC);
    out.extend_from_slice(&id.0.to_le_bytes());
    out.extend_from_slice(&u32::try_from(used).unwrap_or(0).to_le_bytes());
    let check = crc(&out);
    out.extend_from_slice(&check.to_le_bytes());
    out
}

/// Puts `footer` behind the frames and the trailer at the end of the file, to be synced. The file
/// keeps its length where it can, so that its blocks can serve another segment later.
pub(crate) fn write_seal(
    file: &dyn Blocks,
    id: SegmentId,
    used: u64,
    footer: &[u8],
) -> std::io::Result<()> {
    file.write_at(footer, used)?;
    let least = used + footer.len() as u64;
    let at = file.length()?.saturating_sub(TRAILER as u64).max(least);
    file.write_at(&trailer(id, used), at)
}

/// What a seal says: end of the frames, last sequence, and the contents taken into `state`.
pub(crate) fn unseal(
    file: &dyn Blocks,
    id: SegmentId,
    state: &mut State,
) -> Result<Option<(u64, u64)>, JournalError> {
    let name = id.to_string();
    let len = file
        .length()
        .map_err(|e| JournalError::file("measure", &name, e))?;
    let Some(at) = len.checked_sub(TRAILER as u64) else {
        return Ok(None);
    };
    let Some(trailer) = read_exactly(file, &name, at, TRAILER as u64)? else {
        return Ok(None);
    };
    let whole = trailer.get(..4) == Some(TRAILER_MAGIC)
        && u32_at(&trailer, 4) == Some(id.0)
        && u32_at(&trailer, 12) == Some(crc(trailer.get(..12).unwrap_or(&[])));
    let used = u64::from(u32_at(&trailer, 8).unwrap_or(0));
    if !whole {
        return Ok(None);
    }
    let mut frames = Frames::new(file, id);
    frames.at = used;
    // The trailer may have reached the disk before its footer: then the frames themselves tell.
    let Some((header, body)) = frames.next()? else {
        return Ok(None);
    };
    if header.kind != FrameKind::Seal {
        return Ok(None);
    }
    let damaged = || JournalError::corrupt(&name, used, "the seal is malformed");
    let sequence = u64_at(&body, 0).ok_or_else(damaged)?;
    let mut rest = body.slice(8.min(body.len())..);
    state.segment(id).used = used;
    while !rest.is_empty() {
        read_partition(&mut rest, id, state)?.ok_or_else(damaged)?;
    }
    Ok(Some((used, sequence)))
}

fn read_partition(
    rest: &mut bytes::Bytes,
    id: SegmentId,
    state: &mut State,
) -> Result<Option<()>, JournalError> {
    if rest.len() < 44 {
        return Ok(None);
    }
    let head = rest.split_to(44);
    let topic = Topic::from_code(head.first().copied().unwrap_or(0))?;
    let partition = Partition(u16_at(&head, 2).unwrap_or(0));
    let contents = Contents {
        first: u64_at(&head, 12).unwrap_or(0),
        end: u64_at(&head, 20).unwrap_or(0),
        bytes: u64_at(&head, 28).unwrap_or(0),
        newest_ms: u64_at(&head, 36).unwrap_or(0).cast_signed(),
    };
    state.partitions.newest_ms = state.partitions.newest_ms.max(contents.newest_ms);
    state
        .segment(id)
        .contents
        .insert((topic, partition), contents);
    let slot = state.partitions.slot(topic, partition);
    for _ in 0..u32_at(&head, 4).unwrap_or(0) {
        if rest.len() < 24 {
            return Ok(None);
        }
        let place = rest.split_to(24);
        slot.places.push_back(Place {
            first: u64_at(&place, 0).unwrap_or(0),
            end: u64_at(&place, 8).unwrap_or(0),
            segment: id.0,
            from: u32_at(&place, 16).unwrap_or(0),
            to: u32_at(&place, 20).unwrap_or(0),
        });
    }
    for _ in 0..u32_at(&head, 8).unwrap_or(0) {
        let Some(key_len) = u16_at(rest, 14).map(usize::from) else {
            return Ok(None);
        };
        if rest.len() < 16 + key_len {
            return Ok(None);
        }
        let entry = rest.split_to(16 + key_len);
        let newest = Newest {
            offset: u64_at(&entry, 0).unwrap_or(0),
            segment: id.0,
            bytes: u32_at(&entry, 8).unwrap_or(0),
            deleted: entry.get(12) == Some(&1),
        };
        slot.learn_key(entry.get(16..).unwrap_or(&[]), newest);
    }
    Ok(Some(()))
}

fn count(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}
