//! What the journal's files and records hold, after somebody else's disk has had them.

use crc_fast::{CrcAlgorithm, checksum};
use dispatch::ledger::Progress;
use dispatch::outbox::{AtRest, Effects, Limits, Outbox};
use journal::disk::{Blocks, Medium};
use journal::{Batch, DiskJournal, Journal, Kind, Offset, Options, Partition, Priority, Topic};
use model::{Input, Time};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock};

/// A directory in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, File>>>);

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

fn none() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Medium for Memory {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let file = File::default();
        self.0.lock().insert(name.to_owned(), file.clone());
        Ok(Arc::new(file))
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let files = self.0.lock();
        let file = files.get(name).ok_or_else(none)?;
        Ok(Arc::new(file.clone()))
    }
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().keys().cloned().collect())
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock();
        let file = files.remove(from).ok_or_else(none)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().remove(name).map(drop).ok_or_else(none)
    }
    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(1 << 40)
    }
}

impl Blocks for File {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut file = self.0.lock();
        let at = at as usize;
        let end = at + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[at..end].copy_from_slice(bytes);
        Ok(())
    }
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let file = self.0.lock();
        let rest = usize::try_from(at).ok().and_then(|at| file.get(at..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        assert!(len <= 1 << 24, "a file of {len} bytes");
        self.0.lock().resize(len as usize, 0);
        Ok(())
    }
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.lock().len() as u64)
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 64 << 10,
        queue_bytes: 1 << 20,
        tail_bytes: 1 << 16,
        reserve_bytes: 0,
        ..Options::default()
    }
}

fn topic() -> Topic {
    Topic::actual(Kind::Input)
}

/// The files of a small sound journal.
static SOUND: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let disk = Memory::default();
    let journal = DiskJournal::open_on(Box::new(disk.clone()), options());
    let journal = journal.unwrap_or_else(|error| panic!("{error}"));
    for round in 0..6_i64 {
        let mut batch = Batch::new(round * 1000, Priority::Bulk);
        for zone in 0..3 {
            batch.append(topic(), Partition(zone), 1, b"", &[7; 40]);
        }
        let ticket = journal.submit(batch);
        ticket
            .and_then(journal::Ticket::wait)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    drop(journal);
    let files = disk.0.lock();
    let bytes = files
        .iter()
        .map(|(name, file)| (name.clone(), file.0.lock().clone()));
    bytes.collect()
});

/// A sound journal with some bytes changed: pairs of a place (two bytes) and a value. Where the
/// first byte is odd the checksums are made to fit again, as no accident would.
pub(crate) fn journal(bytes: &[u8]) {
    let Some((choice, patches)) = bytes.split_first() else {
        return;
    };
    let disk = Memory::default();
    for (name, sound) in SOUND.iter() {
        let mut file = sound.clone();
        if name.ends_with(".seg") {
            for patch in patches.as_chunks::<3>().0 {
                let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % 4096;
                if let Some(byte) = file.get_mut(at) {
                    *byte = patch[2];
                }
            }
            if choice % 2 == 1 {
                mend(&mut file);
            }
        }
        disk.0
            .lock()
            .insert(name.clone(), File(Arc::new(Mutex::new(file))));
    }
    let journal = match DiskJournal::open_on(Box::new(disk), options()) {
        Ok(journal) => journal,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for zone in 0..3 {
        let mut next = journal.first(topic(), Partition(zone)).unwrap_or_default();
        // A mended journal may claim any number of records; that many are not read.
        for _ in 0..100 {
            match journal.read(topic(), Partition(zone), next, 1 << 16) {
                Ok(records) => match records.last() {
                    Some(last) => {
                        assert!(last.offset >= next, "{:?} before {next:?}", last.offset);
                        next = Offset(last.offset.0.saturating_add(1));
                    }
                    None => break,
                },
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    break;
                }
            }
        }
    }
}

/// Makes checksums fit: of the frames that follow each other from the segment's header on.
fn mend(file: &mut [u8]) {
    const HEADER: usize = 40;
    let mut at = 64;
    while let Some(head) = file.get(at..at + HEADER) {
        if !head.starts_with(b"SFR1") {
            return;
        }
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = at + HEADER;
        let Some(bytes) = file.get(body..body.saturating_add(length)) else {
            return;
        };
        let check = crc(bytes);
        file[at + 28..at + 32].copy_from_slice(&check);
        let check = crc(&file[at..at + 32]);
        file[at + 32..at + 36].copy_from_slice(&check);
        at = (body + length).next_multiple_of(8);
    }
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    (checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32).to_le_bytes()
}

/// Records of the topic `input`: the first byte is the kind. What decodes is written back the same.
pub(crate) fn input(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first() else {
        return;
    };
    match Input::decode(*kind, payload) {
        Ok(input) => {
            let again = input.encode();
            assert_eq!(input.kind(), *kind);
            assert_eq!(Input::decode(*kind, &again).ok(), Some(input));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Answers of a link as they are stored.
pub(crate) fn progress(bytes: &[u8]) {
    match Progress::decode(bytes) {
        Ok(progress) => {
            let again = progress.encode();
            assert_eq!(Progress::decode(&again).ok(), Some(progress));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A link's snapshot. What is read is written again, and that reads the same.
pub(crate) fn outbox(bytes: &[u8]) {
    let at_rest = match AtRest::read(bytes) {
        Ok(at_rest) => at_rest,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let written = |at_rest: AtRest| {
        let intents = at_rest.intents.clone();
        let outbox = Outbox::recover(
            "sms",
            Limits::default(),
            at_rest,
            intents.iter(),
            std::iter::empty(),
            Time::default(),
            &mut Effects::default(),
        );
        let (mut bytes, mut walk) = (Vec::new(), outbox.walk());
        while outbox.part(&mut walk, 1 << 10, &mut bytes) {}
        bytes
    };
    let once = written(at_rest);
    let again = AtRest::read(&once).map(written);
    assert!(again.is_ok_and(|again| again == once));
}
