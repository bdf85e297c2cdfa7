//! A frame: the unit of checksum. Its header, its sections, and finding frames again in bytes.

use crate::batch::{MARK, Mark, RUN_HEADER, run_header, section};
use crate::record::Run;
use crate::{Consumer, JournalError, Offset, Partition, Topic};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};

/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 40;
/// Frames begin at multiples of this, so that they can be found again behind damage.
pub(crate) const ALIGN: usize = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"SFR1");
/// Bytes of a `Next` section: code, topic, partition, zero, next offset, time.
const NEXT: usize = 24;

/// What a frame's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Batches.
    Batches,
    /// First of a segment: ends, trims and positions of everything before it.
    Checkpoint,
    /// Last of a segment: where in it everything is.
    Seal,
}

/// The header: magic, body length, sequence, group start, kind, segment, body crc, header crc, zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) body_len: u32,
    /// Counts frames over all segments of the log.
    pub(crate) sequence: u64,
    /// Where the first frame stands that was synced together with this one: all before it is durable.
    pub(crate) group_start: u32,
    /// Number of the segment it was written for.
    pub(crate) segment: u32,
    pub(crate) body_crc: u32,
}

impl FrameHeader {
    /// From header to the next frame.
    pub(crate) fn span(&self) -> u64 {
        (HEADER as u64 + u64::from(self.body_len)).next_multiple_of(ALIGN as u64)
    }

    /// The header in `bytes`, when its checksum holds.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER)?;
        if u32_at(bytes, 0)? != MAGIC || u32_at(bytes, 32)? != crc(bytes.get(..32)?) {
            return None;
        }
        let kind = match *bytes.get(20)? {
            1 => FrameKind::Batches,
            2 => FrameKind::Checkpoint,
            3 => FrameKind::Seal,
            _ => return None,
        };
        Some(Self {
            kind,
            body_len: u32_at(bytes, 4)?,
            sequence: u64_at(bytes, 8)?,
            group_start: u32_at(bytes, 16)?,
            segment: u32_at(bytes, 24)?,
            body_crc: u32_at(bytes, 28)?,
        })
    }

    fn encode(&self) -> [u8; HEADER] {
        let kind: u8 = match self.kind {
            FrameKind::Batches => 1,
            FrameKind::Checkpoint => 2,
            FrameKind::Seal => 3,
        };
        let mut out = [0; HEADER];
        let mut put = |at: usize, value: &[u8]| crate::batch::put(&mut out, at, value);
        put(0, &MAGIC.to_le_bytes());
        put(4, &self.body_len.to_le_bytes());
        put(8, &self.sequence.to_le_bytes());
        put(16, &self.group_start.to_le_bytes());
        put(20, &[kind]);
        put(24, &self.segment.to_le_bytes());
        put(28, &self.body_crc.to_le_bytes());
        let check = crc(out.get(..32).unwrap_or(&[]));
        crate::batch::put(&mut out, 32, &check.to_le_bytes());
        out
    }
}

/// Opens a frame at the end of `out`; [`close`] completes it.
pub(crate) fn open(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    start
}

/// Completes the frame opened at `start`: fills in the header, pads to the alignment.
pub(crate) fn close(
    out: &mut Vec<u8>,
    start: usize,
    kind: FrameKind,
    segment: u32,
    sequence: u64,
    group_start: u32,
) {
    let body = out.get(start + HEADER..).unwrap_or(&[]);
    let header = FrameHeader {
        kind,
        body_len: u32::try_from(body.len()).unwrap_or(u32::MAX),
        sequence,
        group_start,
        segment,
        body_crc: crc(body),
    };
    crate::batch::put(out, start, &header.encode());
    out.resize(out.len().next_multiple_of(ALIGN), 0);
}

/// crc32c (Castagnoli).
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    u32::try_from(checksum(CrcAlgorithm::Crc32Iscsi, bytes)).unwrap_or(0)
}

/// One section of a frame's body.
#[derive(Clone, Debug)]
pub(crate) enum Section {
    Run {
        topic: Topic,
        partition: Partition,
        run: Run,
    },
    Mark(Mark),
    Next {
        topic: Topic,
        partition: Partition,
        next: u64,
        time_ms: i64,
    },
}

/// Appends a `Next` section.
pub(crate) fn encode_next(
    out: &mut Vec<u8>,
    topic: Topic,
    partition: Partition,
    next: u64,
    time_ms: i64,
) {
    out.extend_from_slice(&[section::NEXT, topic.code()]);
    out.extend_from_slice(&partition.0.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&time_ms.to_le_bytes());
}

/// Appends a run with its header.
pub(crate) fn encode_run(out: &mut Vec<u8>, topic: Topic, partition: Partition, run: &Run) {
    let size = u32::try_from(run.bytes.len()).unwrap_or(u32::MAX);
    run_header(
        out,
        topic,
        partition,
        run.count,
        size,
        run.first,
        run.time_ms,
    );
    out.extend_from_slice(&run.bytes);
}

/// The sections of a frame's body, whose checksum has been verified, in order.
pub(crate) fn sections(mut body: Bytes) -> impl Iterator<Item = Result<Section, JournalError>> {
    std::iter::from_fn(move || {
        if body.is_empty() {
            return None;
        }
        let parsed = parse_section(&mut body);
        if parsed.is_err() {
            body.clear();
        }
        Some(parsed)
    })
}

fn parse_section(body: &mut Bytes) -> Result<Section, JournalError> {
    let malformed = || JournalError::corrupt("frame", 0, "a section of its body is malformed");
    let code = *body.first().ok_or_else(malformed)?;
    let topic = Topic::from_code(*body.get(1).ok_or_else(malformed)?)?;
    let partition = Partition(u16_at(body, 2).ok_or_else(malformed)?);
    match code {
        section::RUN if body.len() >= RUN_HEADER => {
            let head = body.split_to(RUN_HEADER);
            let count = u32_at(&head, 4).ok_or_else(malformed)?;
            let size = u32_at(&head, 8).ok_or_else(malformed)? as usize;
            let first = u64_at(&head, 16).ok_or_else(malformed)?;
            let time_ms = u64_at(&head, 24).ok_or_else(malformed)?.cast_signed();
            if size > body.len() {
                return Err(malformed());
            }
            let run = Run {
                first,
                count,
                time_ms,
                bytes: body.split_to(size),
            };
            Ok(Section::Run {
                topic,
                partition,
                run,
            })
        }
        section::CONSUMED | section::TRIM if body.len() >= MARK => {
            let mark = body.split_to(MARK);
            let consumer = Consumer(u16_at(&mark, 4).ok_or_else(malformed)?);
            let offset = Offset(u64_at(&mark, 8).ok_or_else(malformed)?);
            Ok(Section::Mark(if code == section::TRIM {
                Mark::Trim {
                    topic,
                    partition,
                    before: offset,
                }
            } else {
                Mark::Consumed {
                    consumer,
                    topic,
                    partition,
                    next: offset,
                }
            }))
        }
        section::NEXT if body.len() >= NEXT => {
            let section = body.split_to(NEXT);
            let next = u64_at(&section, 8).ok_or_else(malformed)?;
            let time_ms = u64_at(&section, 16).ok_or_else(malformed)?.cast_signed();
            Ok(Section::Next {
                topic,
                partition,
                next,
                time_ms,
            })
        }
        _ => Err(malformed()),
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
