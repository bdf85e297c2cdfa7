//! One stored record, and the run of records that share a topic, partition and time.

use crate::Offset;
use bytes::Bytes;

/// Bytes before the key of each stored record: kind, key length, payload length.
pub(crate) const RECORD_HEADER: usize = 7;

/// One record. Key and payload are a slice of the frame they were stored in: cloning copies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the topic and partition.
    pub offset: Offset,
    /// Record time, milliseconds since 1970; never falls within a partition.
    pub time_ms: i64,
    /// What the payload is; the writer's own code.
    pub kind: u8,
    key_len: u16,
    body: Bytes,
}

impl Record {
    /// A record from its parts. A key beyond the format's limit is cut: no writer makes one.
    pub(crate) fn new(offset: u64, time_ms: i64, kind: u8, key: &[u8], payload: &[u8]) -> Self {
        let key = key
            .get(..usize::from(u16::MAX).min(key.len()))
            .unwrap_or(key);
        let mut body = Vec::with_capacity(key.len() + payload.len());
        body.extend_from_slice(key);
        body.extend_from_slice(payload);
        Self {
            offset: Offset(offset),
            time_ms,
            kind,
            key_len: key.len() as u16,
            body: body.into(),
        }
    }

    /// The key; empty where the topic has none.
    pub fn key(&self) -> &[u8] {
        self.body.get(..usize::from(self.key_len)).unwrap_or(&[])
    }

    /// What the writer stored.
    pub fn payload(&self) -> &[u8] {
        self.body.get(usize::from(self.key_len)..).unwrap_or(&[])
    }

    /// The payload as a shared slice that outlives the record.
    pub fn payload_shared(&self) -> Bytes {
        self.body
            .slice(usize::from(self.key_len).min(self.body.len())..)
    }

    /// Stored size: header, key, payload.
    pub fn stored_bytes(&self) -> usize {
        RECORD_HEADER + self.body.len()
    }
}

/// Consecutive records of one partition with one record time, as stored.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) time_ms: i64,
    pub(crate) bytes: Bytes,
}

impl Run {
    /// One past the last offset.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The records in order. Stops early only on bytes that no checksum would have passed.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let mut rest = self.bytes.clone();
        let mut index = 0u64;
        std::iter::from_fn(move || {
            if index >= u64::from(self.count) {
                return None;
            }
            let head = rest.get(..RECORD_HEADER)?;
            let kind = *head.first()?;
            let key_len = u16::from_le_bytes(head.get(1..3)?.try_into().ok()?);
            let payload_len = u32::from_le_bytes(head.get(3..7)?.try_into().ok()?);
            let end = RECORD_HEADER + usize::from(key_len) + payload_len as usize;
            if end > rest.len() {
                return None;
            }
            let mut stored = rest.split_to(end);
            let body = stored.split_off(RECORD_HEADER);
            let offset = Offset(self.first.saturating_add(index));
            index += 1;
            Some(Record {
                offset,
                time_ms: self.time_ms,
                kind,
                key_len,
                body,
            })
        })
    }
}

/// Adds the records of `run` from `from` on until `max_bytes` are passed; true when full.
/// At least one record is given, however large, so that a reader always gets on.
pub(crate) fn collect(
    run: &Run,
    from: u64,
    max_bytes: usize,
    size: &mut usize,
    out: &mut Vec<Record>,
) -> bool {
    for record in run.records() {
        if record.offset.0 < from {
            continue;
        }
        if !out.is_empty() && *size + record.stored_bytes() > max_bytes {
            return true;
        }
        *size += record.stored_bytes();
        out.push(record);
    }
    !out.is_empty() && *size >= max_bytes
}
