//! One atomic write: records of any topics, and the position their causes were read to.

use crate::record::RECORD_HEADER;
use crate::{Consumer, JournalError, Offset, Partition, Topic};

/// Who gives way when the disk or the queue is nearly full (semantics §30).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Refused first: observations, which their senders keep and send again.
    Bulk,
    /// May use the reserve: orders, warnings, deliveries, receipts.
    Vital,
}

/// Where a run of appended records came to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Topic of the run.
    pub topic: Topic,
    /// Partition of the run.
    pub partition: Partition,
    /// Offset of its first record.
    pub first: Offset,
    /// Number of records.
    pub count: u32,
    /// Record time of all of them: the batch's time, or the partition's last if that is later.
    pub time_ms: i64,
}

/// Code of each section of a frame's body; part of the stored format.
pub(crate) mod section {
    pub(crate) const RUN: u8 = 1;
    pub(crate) const CONSUMED: u8 = 2;
    pub(crate) const TRIM: u8 = 3;
    pub(crate) const NEXT: u8 = 4;
}

/// Bytes of a run's header: code, topic, partition, count, bytes, zero, first offset, time.
pub(crate) const RUN_HEADER: usize = 32;
/// Bytes of a consumed position or a trim: code, topic, partition, consumer, zero, offset.
pub(crate) const MARK: usize = 16;

/// One atomic write in the making. Payloads are copied once, straight into stored form.
///
/// Appends to one topic and partition in a row share a run; grouping them costs less.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) at_ms: i64,
    pub(crate) priority: Priority,
    pub(crate) bytes: Vec<u8>,
    pub(crate) runs: Vec<Assigned>,
    /// Where each run's header stands in `bytes`.
    pub(crate) starts: Vec<usize>,
    pub(crate) marks: Vec<Mark>,
    records: u64,
    oversize: Option<usize>,
    open: bool,
    owner: Option<(Topic, Partition)>,
    apart: bool,
}

/// A consumed position or a trim point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Consumed {
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
        next: Offset,
    },
    Trim {
        topic: Topic,
        partition: Partition,
        before: Offset,
    },
}

impl Batch {
    /// An empty batch written at `at_ms` (milliseconds since 1970).
    pub fn new(at_ms: i64, priority: Priority) -> Self {
        Self {
            at_ms,
            priority,
            bytes: Vec::new(),
            runs: Vec::new(),
            starts: Vec::new(),
            marks: Vec::new(),
            records: 0,
            oversize: None,
            open: false,
            owner: None,
            apart: false,
        }
    }

    /// Makes room for `bytes` more, so that a batch of known size grows once.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds a record; `key` may be empty except in compacted topics.
    pub fn append(
        &mut self,
        topic: Topic,
        partition: Partition,
        kind: u8,
        key: &[u8],
        payload: &[u8],
    ) {
        self.append_with(topic, partition, kind, key, |out| {
            out.extend_from_slice(payload)
        });
    }

    /// Adds a record whose payload `write` puts behind what already stands in the buffer.
    pub fn append_with(
        &mut self,
        topic: Topic,
        partition: Partition,
        kind: u8,
        key: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.open_run(topic, partition);
        let start = self.bytes.len();
        let key_len = u16::try_from(key.len()).unwrap_or_else(|_| {
            self.oversize = Some(key.len());
            0
        });
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&key_len.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes
            .extend_from_slice(key.get(..usize::from(key_len)).unwrap_or(&[]));
        let body = self.bytes.len();
        write(&mut self.bytes);
        let payload = self.bytes.len().saturating_sub(body);
        let payload_len = u32::try_from(payload).unwrap_or_else(|_| {
            self.oversize = Some(payload);
            0
        });
        put(
            &mut self.bytes,
            start + RECORD_HEADER - 4,
            &payload_len.to_le_bytes(),
        );
        if let Some(run) = self.runs.last_mut() {
            run.count += 1;
        }
        self.records += 1;
    }

    /// Written for the owner of a claimed partition: refused once another process owns it.
    pub fn owned_by(mut self, topic: Topic, partition: Partition) -> Self {
        self.owner = Some((topic, partition));
        self
    }

    /// The records need not be there together: each is durable when the ticket resolves, and where it
    /// fails any of them may be. For what its sender sends again and a reader recognizes.
    ///
    /// On one machine a batch is atomic all the same. With Kafka no transaction then holds up who
    /// reads the records, and the order is kept among batches that are apart alone. Such a batch has
    /// neither an owner nor a consumed position.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Notes that `consumer` has dealt with everything before `next`: stored with the records. Only
    /// the partition's owner may say so.
    pub fn consumed(
        &mut self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
        next: Offset,
    ) {
        self.owner = self.owner.or(Some((topic, partition)));
        self.marks.push(Mark::Consumed {
            consumer,
            topic,
            partition,
            next,
        });
    }

    pub(crate) fn trim(&mut self, topic: Topic, partition: Partition, before: Offset) {
        self.marks.push(Mark::Trim {
            topic,
            partition,
            before,
        });
    }

    /// The claimed partition whose owner writes this, if it needs one.
    pub(crate) fn owner(&self) -> Option<(Topic, Partition)> {
        self.owner
    }

    /// Whether each record stands for itself.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart
    }

    /// When it was written, milliseconds since 1970.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// Runs of records: their topics, partitions and counts; offsets only once they are stored.
    pub fn runs(&self) -> &[Assigned] {
        &self.runs
    }

    /// Who gives way when there is little room.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Number of records.
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Neither a record nor a position.
    pub fn is_empty(&self) -> bool {
        self.records == 0 && self.marks.is_empty()
    }

    /// Size as stored.
    pub fn stored_bytes(&self) -> usize {
        self.bytes.len() + self.marks.len() * MARK
    }

    /// Refuses what no frame could hold, naming size and limit, and what contradicts itself.
    pub(crate) fn check(&self, limit: usize) -> Result<(), JournalError> {
        if let Some((topic, partition)) = self.owner.filter(|_| self.apart) {
            return Err(JournalError::OwnedApart { topic, partition });
        }
        let bytes = self.oversize.unwrap_or_else(|| self.stored_bytes());
        if self.oversize.is_some() || bytes > limit {
            return Err(JournalError::TooLarge { bytes, limit });
        }
        let keyless = self.runs.iter().zip(&self.starts).find(|(run, start)| {
            run.topic.kind.retention() == crate::Retention::Compacted
                && self.has_empty_key(run, **start)
        });
        match keyless {
            Some((run, _)) => Err(JournalError::KeyMissing { topic: run.topic }),
            None => Ok(()),
        }
    }

    /// Writes the sizes into the run headers once nothing more is added.
    pub(crate) fn seal(&mut self) {
        for (index, (run, start)) in self.runs.iter().zip(&self.starts).enumerate() {
            let end = self
                .starts
                .get(index + 1)
                .copied()
                .unwrap_or(self.bytes.len());
            let size = u32::try_from(end.saturating_sub(start + RUN_HEADER)).unwrap_or(u32::MAX);
            put(&mut self.bytes, start + 4, &run.count.to_le_bytes());
            put(&mut self.bytes, start + 8, &size.to_le_bytes());
        }
        for mark in &self.marks {
            mark.encode(&mut self.bytes);
        }
    }

    /// Writes offset and time of run `index`, given by the journal, into its header.
    pub(crate) fn assign(&mut self, index: usize, first: u64, time_ms: i64) {
        let (Some(run), Some(start)) = (self.runs.get_mut(index), self.starts.get(index)) else {
            return;
        };
        run.first = Offset(first);
        run.time_ms = time_ms;
        put(&mut self.bytes, start + 16, &first.to_le_bytes());
        put(&mut self.bytes, start + 24, &time_ms.to_le_bytes());
    }

    fn open_run(&mut self, topic: Topic, partition: Partition) {
        let same = self.runs.last().is_some_and(|run| {
            run.topic == topic && run.partition == partition && run.count < u32::MAX
        });
        if self.open && same {
            return;
        }
        self.open = true;
        self.starts.push(self.bytes.len());
        self.runs.push(Assigned {
            topic,
            partition,
            first: Offset(0),
            count: 0,
            time_ms: self.at_ms,
        });
        run_header(&mut self.bytes, topic, partition, 0, 0, 0, 0);
    }

    fn has_empty_key(&self, run: &Assigned, start: usize) -> bool {
        let mut at = start + RUN_HEADER;
        for _ in 0..run.count {
            let Some(head) = self.bytes.get(at..at + RECORD_HEADER) else {
                return true;
            };
            let [_, k0, k1, p0, p1, p2, p3] = *head else {
                return true;
            };
            let key = usize::from(u16::from_le_bytes([k0, k1]));
            if key == 0 {
                return true;
            }
            at += RECORD_HEADER + key + u32::from_le_bytes([p0, p1, p2, p3]) as usize;
        }
        false
    }
}

impl Mark {
    /// Appends the stored form.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (code, topic, partition, consumer, offset) = match *self {
            Self::Consumed {
                consumer,
                topic,
                partition,
                next,
            } => (section::CONSUMED, topic, partition, consumer.0, next),
            Self::Trim {
                topic,
                partition,
                before,
            } => (section::TRIM, topic, partition, 0, before),
        };
        out.extend_from_slice(&[code, topic.code()]);
        out.extend_from_slice(&partition.0.to_le_bytes());
        out.extend_from_slice(&consumer.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&offset.0.to_le_bytes());
    }
}

/// Appends the header of a run.
pub(crate) fn run_header(
    out: &mut Vec<u8>,
    topic: Topic,
    partition: Partition,
    count: u32,
    size: u32,
    first: u64,
    time_ms: i64,
) {
    out.extend_from_slice(&[section::RUN, topic.code()]);
    out.extend_from_slice(&partition.0.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&time_ms.to_le_bytes());
}

/// Overwrites bytes that were put there before; out of range is left alone.
pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}
