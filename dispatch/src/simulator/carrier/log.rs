//! The simulated centre's own record of what it took: one line a message, parts put together.

use super::dialect::Submitted;
use crate::gateway::sms::alphabet;
use crate::gateway::sms::udh::Part;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Long messages that wait for their parts; the oldest is written as it is.
const WAITING_MAX: usize = 65_536;

type Key = (Vec<u8>, u16);

/// An append-only text file.
#[derive(Debug)]
pub(super) struct Log {
    file: BufWriter<File>,
    waiting: BTreeMap<Key, Parts>,
    order: VecDeque<Key>,
}

/// A part with its identifier, data_coding and octets, by its number.
type Parts = BTreeMap<u8, ([u8; 10], String)>;

/// One submit as the log sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) nth: u64,
    pub(super) id: [u8; 10],
    pub(super) silent: bool,
    /// The text is read as the Chinese protocols have it.
    pub(super) national: bool,
    pub(super) phone: &'a [u8],
    pub(super) message: &'a Submitted<'a>,
}

impl Log {
    pub(super) fn append(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            waiting: BTreeMap::new(),
            order: VecDeque::new(),
        })
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>) -> std::io::Result<()> {
        let message = entry.message;
        let text = if entry.national {
            alphabet::decode_national(message.coding, message.octets)
        } else {
            alphabet::decode(message.coding, message.octets)
        };
        match message.part {
            Some(part) if part.total > 1 => self.take_part(entry, part, text),
            _ => self.line(entry, &[(entry.id, text)]),
        }
    }

    /// So that a reader sees everything of which the other side has had an answer.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }

    fn take_part(&mut self, entry: &Entry<'_>, part: Part, text: String) -> std::io::Result<()> {
        let key = (entry.phone.to_vec(), part.reference);
        if !self.waiting.contains_key(&key) {
            if self.order.len() >= WAITING_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.waiting.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        let parts = self.waiting.entry(key.clone()).or_default();
        parts.insert(part.number, (entry.id, text));
        if parts.len() < usize::from(part.total) {
            return Ok(());
        }
        let whole: Vec<([u8; 10], String)> = std::mem::take(parts).into_values().collect();
        self.waiting.remove(&key);
        self.order.retain(|other| *other != key);
        self.line(entry, &whole)
    }

    fn line(&mut self, entry: &Entry<'_>, parts: &[([u8; 10], String)]) -> std::io::Result<()> {
        let outcome = if entry.silent { "silent" } else { "accepted" };
        let destination = String::from_utf8_lossy(entry.phone);
        let validity = String::from_utf8_lossy(entry.message.validity);
        let ids: Vec<_> = parts
            .iter()
            .map(|(id, _)| String::from_utf8_lossy(id))
            .collect();
        let text: String = parts.iter().flat_map(|(_, text)| text.chars()).collect();
        let text = text
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n");
        let ids = ids.join(",");
        let nth = entry.nth;
        writeln!(
            self.file,
            "{nth}\t{outcome}\t{destination}\t{ids}\t{validity}\t{text}"
        )
    }
}
