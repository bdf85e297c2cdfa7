//! States of zone machines, kept in the journal in two generations (semantics §31).
//!
//! A snapshot is a place to start: a header record with position and hash, and its chunks. Input
//! is deleted only before the position of the older generation.

use journal::{Batch, Journal, JournalError, Kind, Offset, Partition, Priority, Ticket, Topic};
use model::{Mode, Zone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of one chunk record.
const CHUNK_BYTES: usize = 1 << 20;
/// Kind of header and chunk records.
const HEADER: u8 = 1;
const CHUNK: u8 = 2;

/// Where the machine stood, and how to put the chunks together.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    next: u64,
    chunks: u32,
    bytes: u64,
    sha256: String,
}

const FORMAT: u32 = 1;

/// A machine's state and the offset of the first input it has not stepped.
pub(crate) struct Snapshot {
    /// First input not stepped.
    pub(crate) next: Offset,
    /// State.
    pub(crate) state: Vec<u8>,
}

/// The newest whole snapshot of `zone`; `None` where there is none or none is whole.
pub(crate) fn load(
    journal: &dyn Journal,
    mode: Mode,
    zone: Zone,
) -> Result<Option<Snapshot>, JournalError> {
    let mut found: Vec<_> = [0u8, 1]
        .into_iter()
        .map(|generation| read(journal, mode, zone, generation))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    found.sort_by_key(|snapshot| snapshot.next.0);
    Ok(found.pop())
}

/// The position of a generation's snapshot.
pub(crate) fn position(
    journal: &dyn Journal,
    mode: Mode,
    zone: Zone,
    generation: u8,
) -> Result<Option<Offset>, JournalError> {
    Ok(header(journal, mode, zone, generation)?.map(|header| Offset(header.next)))
}

/// Queues a snapshot as `generation`; durable once the last ticket resolves.
///
/// The header goes last: a snapshot cut short by a crash keeps the header of the one before it,
/// whose chunks then fail its hash, and the other generation serves.
pub(crate) fn store(
    journal: &dyn Journal,
    mode: Mode,
    zone: Zone,
    generation: u8,
    at_ms: i64,
    snapshot: &Snapshot,
) -> Result<Ticket, JournalError> {
    let topic = Topic::new(Kind::Snapshots, mode);
    let partition = Partition(zone.0);
    let packed = lz4_flex::compress_prepend_size(&snapshot.state);
    let mut count = 0u32;
    for chunk in packed.chunks(CHUNK_BYTES) {
        let mut batch = Batch::new(at_ms, Priority::Vital);
        batch.append(
            topic,
            partition,
            CHUNK,
            &chunk_key(generation, count),
            chunk,
        );
        // The header's own ticket resolves after these: one writer, one order.
        drop(journal.submit_waiting(batch)?);
        count += 1;
    }
    let header = Header {
        format: FORMAT,
        next: snapshot.next.0,
        chunks: count,
        bytes: packed.len() as u64,
        sha256: hex::encode(Sha256::digest(&packed)),
    };
    let mut batch = Batch::new(at_ms, Priority::Vital);
    let json = serde_json::to_vec(&header).unwrap_or_default();
    batch.append(topic, partition, HEADER, &[generation], &json);
    journal.submit_waiting(batch)
}

fn chunk_key(generation: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [generation, a, b, c, d]
}

fn header(
    journal: &dyn Journal,
    mode: Mode,
    zone: Zone,
    generation: u8,
) -> Result<Option<Header>, JournalError> {
    let topic = Topic::new(Kind::Snapshots, mode);
    let record = journal.latest(topic, Partition(zone.0), &[generation])?;
    let header = record.and_then(|r| serde_json::from_slice::<Header>(r.payload()).ok());
    Ok(header.filter(|header| header.format <= FORMAT))
}

fn read(
    journal: &dyn Journal,
    mode: Mode,
    zone: Zone,
    generation: u8,
) -> Result<Option<Snapshot>, JournalError> {
    let Some(header) = header(journal, mode, zone, generation)? else {
        return Ok(None);
    };
    let topic = Topic::new(Kind::Snapshots, mode);
    let mut packed = Vec::with_capacity(usize::try_from(header.bytes).unwrap_or(0).min(1 << 31));
    for number in 0..header.chunks {
        let key = chunk_key(generation, number);
        match journal.latest(topic, Partition(zone.0), &key)? {
            Some(chunk) => packed.extend_from_slice(chunk.payload()),
            None => return Ok(None),
        }
    }
    if hex::encode(Sha256::digest(&packed)) != header.sha256 {
        tracing::warn!(
            zone = zone.0,
            generation,
            "snapshot is not whole; the other one serves"
        );
        return Ok(None);
    }
    let state = lz4_flex::decompress_size_prepended(&packed).ok();
    Ok(state.map(|state| Snapshot {
        next: Offset(header.next),
        state,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::MemoryJournal;

    fn put(journal: &MemoryJournal, generation: u8, next: u64, state: Vec<u8>) {
        let snapshot = Snapshot {
            next: Offset(next),
            state,
        };
        store(journal, Mode::Actual, Zone(3), generation, 5, &snapshot)
            .unwrap()
            .wait()
            .unwrap();
    }

    #[test]
    fn newest_whole_generation_serves() {
        let journal = MemoryJournal::new();
        assert!(load(&journal, Mode::Actual, Zone(3)).unwrap().is_none());
        let noise: Vec<u8> = (0..3_000_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        put(&journal, 0, 10, noise.clone());
        put(&journal, 1, 20, vec![7; 100]);
        let found = load(&journal, Mode::Actual, Zone(3)).unwrap().unwrap();
        assert_eq!((found.next, found.state), (Offset(20), vec![7; 100]));

        // A crash in the middle of the next snapshot: generation 1 is damaged.
        let mut batch = Batch::new(5, Priority::Vital);
        batch.append(
            Topic::actual(Kind::Snapshots),
            Partition(3),
            CHUNK,
            &chunk_key(1, 0),
            b"torn",
        );
        journal.submit(batch).unwrap().wait().unwrap();
        let found = load(&journal, Mode::Actual, Zone(3)).unwrap().unwrap();
        assert_eq!((found.next, found.state), (Offset(10), noise));
    }
}
