//! States of machines at rest, kept in the journal in two generations (semantics §31).
//!
//! A snapshot is a place to start: a header record with positions and a hash, and its chunks, in
//! the compacted topic `snapshots`. Keys are the owner's code and the generation, for a chunk its
//! number (u32, big-endian) behind them; the payload of a header is JSON, each chunk is a piece of
//! the state under LZ4. What a snapshot makes needless is deleted only before the older
//! generation.

use journal::{Batch, Journal, JournalError, Kind, Offset, Partition, Priority, Ticket, Topic};
use model::record::Edition;
use model::{Mode, Zone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of state in one chunk record.
const CHUNK_BYTES: usize = 1 << 20;
/// Kind of header and chunk records.
const HEADER: u8 = 1;
const CHUNK: u8 = 2;
const FORMAT: u32 = 2;

/// Whose state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The machine of a zone; its position is in `input`.
    Zone(Zone),
    /// The outbox of a link; its positions are in `deliveries` and `receipts`.
    Link(Partition),
    /// What screens show of a zone; its position is in `warnings`.
    Screens(Zone),
}

impl Owner {
    const fn code(self) -> u8 {
        match self {
            Self::Zone(_) => 1,
            Self::Screens(_) => 2,
            Self::Link(_) => 3,
        }
    }

    const fn partition(self) -> Partition {
        match self {
            Self::Zone(zone) | Self::Screens(zone) => Partition(zone.0),
            Self::Link(link) => link,
        }
    }
}

/// Where the owner stood, and how to put the chunks together.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    /// Counts the snapshots of the owner.
    number: u64,
    positions: Vec<u64>,
    edition: Edition,
    chunks: u32,
    bytes: u64,
    sha256: String,
}

/// An owner's state and the offsets of the first records it does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// First records not in it, in the owner's order of topics and partitions.
    pub(crate) positions: Vec<Offset>,
    /// The versions in force there; empty where they do not matter.
    pub(crate) edition: Edition,
    /// State.
    pub(crate) state: Vec<u8>,
}

/// A snapshot whose chunks are being queued.
#[derive(Debug)]
pub(crate) struct Writing {
    generation: u8,
    number: u64,
    /// Chunks of the snapshot in whose place it comes.
    replaced: u32,
    chunks: u32,
    bytes: u64,
    hash: Sha256,
}

/// The two generations of one owner.
#[derive(Debug)]
pub(crate) struct Generations {
    topic: Topic,
    owner: Owner,
    tried: [bool; 2],
    /// The generation known to be whole, its number and positions.
    whole: Option<(u8, u64, Vec<Offset>)>,
}

impl Generations {
    /// Those of `owner`.
    pub(crate) fn new(mode: Mode, owner: Owner) -> Self {
        Self {
            topic: Topic::new(Kind::Snapshots, mode),
            owner,
            tried: [false; 2],
            whole: None,
        }
    }

    /// The newest whole snapshot; called again where that one is of no use, the one before it.
    pub(crate) fn load(&mut self, journal: &dyn Journal) -> Result<Option<Snapshot>, JournalError> {
        self.whole = None;
        let mut headers = Vec::new();
        for generation in [0u8, 1] {
            if let Some(header) = self.header(journal, generation)? {
                headers.push((generation, header));
            }
        }
        headers.sort_by_key(|(_, header)| header.number);
        while let Some((generation, header)) = headers.pop() {
            let Some(tried) = self.tried.get_mut(usize::from(generation)) else {
                continue;
            };
            if std::mem::replace(tried, true) {
                continue;
            }
            let Some(state) = self.state(journal, generation, &header)? else {
                tracing::warn!(owner = ?self.owner, generation, "snapshot is not whole; the other one serves");
                continue;
            };
            let positions: Vec<Offset> = header.positions.iter().map(|at| Offset(*at)).collect();
            self.whole = Some((generation, header.number, positions.clone()));
            return Ok(Some(Snapshot {
                positions,
                edition: header.edition,
                state,
            }));
        }
        Ok(None)
    }

    /// Queues a snapshot in the place of the older generation. Gives the ticket of its last record
    /// and the positions of the other generation: once the ticket resolves, nothing before them
    /// is needed.
    pub(crate) fn store(
        &mut self,
        journal: &dyn Journal,
        at_ms: i64,
        snapshot: &Snapshot,
    ) -> Result<(Ticket, Option<Vec<Offset>>), JournalError> {
        let mut writing = self.begin(journal)?;
        for chunk in snapshot.state.chunks(CHUNK_BYTES) {
            // The header's own ticket resolves after these: one writer, one order.
            drop(self.chunk(journal, at_ms, &mut writing, chunk)?);
        }
        let (positions, edition) = (&snapshot.positions, &snapshot.edition);
        self.finish(journal, at_ms, writing, positions, edition)
    }

    /// Begins a snapshot in the place of the older generation, to be written in chunks.
    ///
    /// The header goes last: a snapshot cut short by a crash keeps the header of the one before
    /// it, whose chunks then fail its hash, and the other generation serves.
    pub(crate) fn begin(&self, journal: &dyn Journal) -> Result<Writing, JournalError> {
        let (generation, number) = match &self.whole {
            Some((whole, number, _)) => (whole ^ 1, number + 1),
            None => (0, 1),
        };
        let replaced = self.header(journal, generation)?.map_or(0, |h| h.chunks);
        Ok(Writing {
            generation,
            number,
            replaced,
            chunks: 0,
            bytes: 0,
            hash: Sha256::new(),
        })
    }

    /// Queues the next chunk of a state.
    pub(crate) fn chunk(
        &self,
        journal: &dyn Journal,
        at_ms: i64,
        writing: &mut Writing,
        state: &[u8],
    ) -> Result<Ticket, JournalError> {
        let packed = lz4_flex::compress_prepend_size(state);
        let key = self.chunk_key(writing.generation, writing.chunks);
        let mut batch = self.batch(at_ms);
        self.append(&mut batch, CHUNK, &key, &packed);
        writing.hash.update(&packed);
        writing.bytes += packed.len() as u64;
        writing.chunks += 1;
        journal.submit_waiting(batch)
    }

    /// Queues the header of a snapshot whose chunks are queued; gives what [`Generations::store`]
    /// gives.
    pub(crate) fn finish(
        &mut self,
        journal: &dyn Journal,
        at_ms: i64,
        writing: Writing,
        positions: &[Offset],
        edition: &Edition,
    ) -> Result<(Ticket, Option<Vec<Offset>>), JournalError> {
        let generation = writing.generation;
        let header = Header {
            format: FORMAT,
            number: writing.number,
            positions: positions.iter().map(|at| at.0).collect(),
            edition: edition.clone(),
            chunks: writing.chunks,
            bytes: writing.bytes,
            sha256: hex::encode(writing.hash.finalize()),
        };
        let mut batch = self.batch(at_ms);
        let json = serde_json::to_vec(&header).unwrap_or_default();
        self.append(&mut batch, HEADER, &self.header_key(generation), &json);
        for chunk in writing.chunks..writing.replaced {
            self.append(&mut batch, CHUNK, &self.chunk_key(generation, chunk), &[]);
        }
        let ticket = journal.submit_waiting(batch)?;
        let number = writing.number;
        let other = self.whole.replace((generation, number, positions.to_vec()));
        Ok((ticket, other.map(|(_, _, positions)| positions)))
    }

    /// Who lost what the snapshot is of may not put an older one in its place.
    fn batch(&self, at_ms: i64) -> Batch {
        let kind = match self.owner {
            Owner::Zone(_) | Owner::Screens(_) => Kind::Input,
            Owner::Link(_) => Kind::Deliveries,
        };
        let topic = Topic::new(kind, self.topic.mode);
        Batch::new(at_ms, Priority::Vital).owned_by(topic, self.owner.partition())
    }

    fn append(&self, batch: &mut Batch, kind: u8, key: &[u8], payload: &[u8]) {
        batch.append(self.topic, self.owner.partition(), kind, key, payload);
    }

    fn header_key(&self, generation: u8) -> [u8; 2] {
        [self.owner.code(), generation]
    }

    fn chunk_key(&self, generation: u8, number: u32) -> [u8; 6] {
        let [a, b, c, d] = number.to_be_bytes();
        [self.owner.code(), generation, a, b, c, d]
    }

    fn header(
        &self,
        journal: &dyn Journal,
        generation: u8,
    ) -> Result<Option<Header>, JournalError> {
        let key = self.header_key(generation);
        let record = journal.latest(self.topic, self.owner.partition(), &key)?;
        let header = record.and_then(|r| serde_json::from_slice::<Header>(r.payload()).ok());
        // What nobody released is not read: a start goes on without it.
        Ok(header.filter(|header| header.format == FORMAT))
    }

    fn state(
        &self,
        journal: &dyn Journal,
        generation: u8,
        header: &Header,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        let mut hash = Sha256::new();
        let mut state = Vec::new();
        let mut bytes = 0;
        for number in 0..header.chunks {
            let key = self.chunk_key(generation, number);
            let chunk = journal.latest(self.topic, self.owner.partition(), &key)?;
            let Some(chunk) = chunk else {
                return Ok(None);
            };
            let packed = chunk.payload();
            hash.update(packed);
            bytes += packed.len() as u64;
            let Ok(piece) = lz4_flex::decompress_size_prepended(packed) else {
                return Ok(None);
            };
            state.extend_from_slice(&piece);
        }
        let is_whole = bytes == header.bytes && hex::encode(hash.finalize()) == header.sha256;
        Ok(is_whole.then_some(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::MemoryJournal;

    const OWNER: Owner = Owner::Zone(Zone(3));

    fn open() -> Generations {
        Generations::new(Mode::Actual, OWNER)
    }

    fn put(journal: &MemoryJournal, to: &mut Generations, next: u64, state: &[u8]) -> Option<u64> {
        let snapshot = Snapshot {
            positions: vec![Offset(next)],
            edition: Edition::default(),
            state: state.to_vec(),
        };
        let (ticket, older) = to.store(journal, 5, &snapshot).unwrap();
        ticket.wait().unwrap();
        older.map(|positions| positions[0].0)
    }

    fn found(journal: &MemoryJournal) -> Option<(u64, Vec<u8>)> {
        let found = open().load(journal).unwrap();
        found.map(|found| (found.positions[0].0, found.state))
    }

    fn tear(journal: &MemoryJournal, generation: u8) {
        let mut batch = Batch::new(5, Priority::Vital);
        let key = open().chunk_key(generation, 0);
        let topic = Topic::actual(Kind::Snapshots);
        batch.append(topic, Partition(3), CHUNK, &key, b"torn");
        journal.submit(batch).unwrap().wait().unwrap();
    }

    fn noise() -> Vec<u8> {
        (0..3_000_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect()
    }

    #[test]
    fn newest_whole_generation_serves() {
        let journal = MemoryJournal::new();
        assert_eq!(found(&journal), None);
        let mut generations = open();
        assert_eq!(put(&journal, &mut generations, 10, &noise()), None);
        assert_eq!(put(&journal, &mut generations, 20, &[7; 100]), Some(10));
        assert_eq!(found(&journal), Some((20, vec![7; 100])));
        // A crash in the middle of the next snapshot: generation 1 is damaged.
        tear(&journal, 1);
        assert_eq!(found(&journal), Some((10, noise())));
    }

    #[test]
    fn after_a_torn_snapshot_the_whole_one_is_kept() {
        let journal = MemoryJournal::new();
        let mut generations = open();
        put(&journal, &mut generations, 10, &noise());
        put(&journal, &mut generations, 20, &[7; 100]);
        tear(&journal, 1);
        let mut again = open();
        assert!(again.load(&journal).unwrap().is_some());
        // What may go is what lies before the whole one, not before the torn one.
        assert_eq!(put(&journal, &mut again, 30, &[8; 10]), Some(10));
        assert_eq!(put(&journal, &mut again, 40, &[9; 10]), Some(30));
        assert_eq!(found(&journal), Some((40, vec![9; 10])));
    }

    #[test]
    fn one_of_no_use_is_followed_by_the_one_before() {
        let journal = MemoryJournal::new();
        let mut generations = open();
        put(&journal, &mut generations, 10, b"old");
        put(&journal, &mut generations, 20, b"new");
        let mut again = open();
        let mut next = || again.load(&journal).unwrap().map(|found| found.state);
        assert_eq!(next(), Some(b"new".to_vec()));
        assert_eq!(next(), Some(b"old".to_vec()));
        assert_eq!(next(), None);
    }
}
