//! Version files: encrypted at rest under the deployment's key, clear in memory only (semantics §37).
//!
//! `SFDIR001`, key id (length, bytes), version (32 bytes), number of chunks (u32), then each chunk:
//! length (u32), AES-256-GCM ciphertext with its tag. The key of a file is derived from the
//! deployment's key and the version, the nonce is the chunk's number: one content gives one file,
//! and no key meets a nonce twice. The header is authenticated with every chunk.
//!
//! What opens under the key of a version was sealed as that version: the name is not hashed again.

use super::order::Order;
use super::stored::{self, Sink, Source, Unreadable};
use super::{Directory, Numbers};
use crate::gateway::mac::keyed;
use crate::intent::RecipientNo;
use aes_gcm::aead::{Aead, AeadInPlace, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use model::City;
use sha2::Sha256;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

const MAGIC: &[u8; 8] = b"SFDIR001";

/// Bytes of AES-GCM's tag.
const TAG_BYTES: usize = 16;

/// Bytes of a chunk's length before it.
const LENGTH_BYTES: usize = 4;

/// Bytes of an id's hash.
const KEY_BYTES: u64 = 8;

/// Clear bytes in a chunk.
const CHUNK_BYTES: usize = 1 << 20;

/// The deployment's key. Never printed.
#[derive(Clone)]
pub struct SealKey {
    id: String,
    bytes: [u8; 32],
}

/// Why a version file cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a version file.
    #[error("this is not a directory version file")]
    NotSealed,
    /// Sealed under another key.
    #[error("sealed under key {wanted:?}, this is key {held:?}: give the key of that id")]
    Key {
        /// Key id in the file.
        wanted: String,
        /// Key id given.
        held: String,
    },
    /// Wrong key bytes, or the file was changed or cut.
    #[error("it does not open: the key is wrong, or the file is damaged; restore it from a copy")]
    Damaged,
    /// Another format.
    #[error(
        "written in format {0}, which this version does not read: use the version that wrote it"
    )]
    Format(u32),
    /// Made for other areas.
    #[error("made for a city with other areas: load the tables again")]
    OtherCity,
    /// The file cannot be read or written to its end.
    #[error("{0}")]
    File(String),
    /// Too large for the format.
    #[error("the directory is too large to seal")]
    TooLarge,
}

impl SealKey {
    /// A key of 256 bits and the id that files name it by (at most 255 bytes are written).
    pub fn new(id: &str, bytes: [u8; 32]) -> Self {
        let mut id = id.to_owned();
        while id.len() > usize::from(u8::MAX) {
            id.pop();
        }
        Self { id, bytes }
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for another purpose, from which nothing of this one is learnt.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = keyed(&self.bytes);
        mac.update(b"sanfang derived key 1\0");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn of_file(&self, version: &[u8]) -> Option<Aes256Gcm> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.bytes).ok()?;
        mac.update(b"sanfang directory version 1\0");
        mac.update(version);
        Aes256Gcm::new_from_slice(&mac.finalize().into_bytes()).ok()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A version from its file.
#[derive(Debug)]
pub struct Opened {
    /// The version.
    pub directory: Directory,
    /// What the numbers of the next one go on from.
    pub numbers: Numbers,
}

impl Directory {
    /// Writes this version's file, with the numbers it was made with.
    ///
    /// # Errors
    /// It is too large, or `to` does not take it.
    pub fn seal(
        &self,
        numbers: &Numbers,
        key: &SealKey,
        to: &mut impl Write,
    ) -> Result<(), SealError> {
        let version = hex::decode(&self.version).map_err(|_| SealError::TooLarge)?;
        let chunks = stored::length(self, numbers).div_ceil(CHUNK_BYTES as u64);
        let count = u32::try_from(chunks).map_err(|_| SealError::TooLarge)?;
        let mut header = MAGIC.to_vec();
        header.push(u8::try_from(key.id.len()).map_err(|_| SealError::TooLarge)?);
        header.extend_from_slice(key.id.as_bytes());
        header.extend_from_slice(&version);
        header.extend_from_slice(&count.to_le_bytes());
        to.write_all(&header).map_err(file)?;
        let mut sealing = Sealing {
            to,
            cipher: key.of_file(&version).ok_or(SealError::TooLarge)?,
            header,
            clear: Vec::with_capacity(CHUNK_BYTES + TAG_BYTES),
            no: 0,
            failed: None,
        };
        stored::write(self, numbers, &mut sealing);
        sealing.flush();
        sealing.failed.map_or(Ok(()), Err)
    }

    /// Opens a version file: read and opened chunk by chunk, so that it is never in memory whole.
    ///
    /// # Errors
    /// It is no version file, of another key or city, or damaged; or `from` cannot be read.
    pub fn open(city: &City, key: &SealKey, from: impl Read) -> Result<Opened, SealError> {
        let mut from = from;
        let (id, version, count, header) = header(&mut from)?;
        if id != key.id.as_bytes() {
            return Err(SealError::Key {
                wanted: String::from_utf8_lossy(&id).into_owned(),
                held: key.id.clone(),
            });
        }
        let mut opening = Opening {
            from,
            cipher: key.of_file(&version).ok_or(SealError::Damaged)?,
            header,
            clear: Vec::new(),
            at: 0,
            no: 0,
            count,
            failed: None,
        };
        let read = stored::read(&mut opening, Order::new(city));
        if let Some(failed) = opening.failed {
            return Err(failed);
        }
        let (mut directory, numbers) = read.map_err(|why| match why {
            Unreadable::Format(format) => SealError::Format(format),
            Unreadable::Damaged => SealError::Damaged,
            Unreadable::OtherCity => SealError::OtherCity,
        })?;
        let is_whole = opening.left() == 0 && opening.from.read(&mut [0]).map_err(file)? == 0;
        if !is_whole {
            return Err(SealError::Damaged);
        }
        directory.version = hex::encode(version);
        Ok(Opened { directory, numbers })
    }
}

/// The numbers of some ids, by their hashes in a version file, in the order of `keys`: only its
/// last column is read, `given` numbers long. `None` for an id that the version does not know.
///
/// # Errors
/// It is no version file, of another key, or damaged; or `from` cannot be read.
pub fn numbers_in(
    from: &mut (impl Read + Seek),
    key: &SealKey,
    given: u32,
    keys: &[u64],
) -> Result<Vec<Option<RecipientNo>>, SealError> {
    let (id, version, count, header) = header(from)?;
    if id != key.id.as_bytes() {
        return Err(SealError::Key {
            wanted: String::from_utf8_lossy(&id).into_owned(),
            held: key.id.clone(),
        });
    }
    let begin = header.len() as u64;
    let end = from.seek(SeekFrom::End(0)).map_err(file)?;
    let frame = (CHUNK_BYTES + TAG_BYTES + LENGTH_BYTES) as u64;
    let overhead = u64::from(count) * (TAG_BYTES + LENGTH_BYTES) as u64;
    let clear = end
        .checked_sub(begin + overhead)
        .ok_or(SealError::Damaged)?;
    let column = u64::from(given) * KEY_BYTES;
    let at = clear.checked_sub(column).ok_or(SealError::Damaged)?;
    let first = at / CHUNK_BYTES as u64;
    from.seek(SeekFrom::Start(begin + first * frame))
        .map_err(file)?;
    let mut opening = Opening {
        from,
        cipher: key.of_file(&version).ok_or(SealError::Damaged)?,
        header,
        clear: Vec::new(),
        at: 0,
        no: u32::try_from(first).map_err(|_| SealError::Damaged)?,
        count,
        failed: None,
    };
    let mut skipped = vec![0; (at % CHUNK_BYTES as u64) as usize];
    let mut found = vec![None; keys.len()];
    let mut known = [0; KEY_BYTES as usize];
    let mut is_whole = opening.take(&mut skipped);
    for no in 0..given {
        is_whole = is_whole && opening.take(&mut known);
        if !is_whole {
            break;
        }
        let known = u64::from_le_bytes(known);
        for (slot, _) in found.iter_mut().zip(keys).filter(|(_, key)| **key == known) {
            *slot = Some(RecipientNo(no));
        }
    }
    match opening.failed {
        Some(failed) => Err(failed),
        None if is_whole => Ok(found),
        None => Err(SealError::Damaged),
    }
}

/// Bytes on their way into a file.
struct Sealing<'w, W> {
    to: &'w mut W,
    cipher: Aes256Gcm,
    header: Vec<u8>,
    clear: Vec<u8>,
    no: u32,
    failed: Option<SealError>,
}

impl<W: Write> Sealing<'_, W> {
    fn flush(&mut self) {
        if self.clear.is_empty() || self.failed.is_some() {
            return;
        }
        let sealed = self
            .cipher
            .encrypt_in_place(&nonce(self.no), &self.header, &mut self.clear)
            .map_err(|_| SealError::TooLarge);
        let length = u32::try_from(self.clear.len()).map_err(|_| SealError::TooLarge);
        let written = sealed.and(length).and_then(|length| {
            self.to.write_all(&length.to_le_bytes()).map_err(file)?;
            self.to.write_all(&self.clear).map_err(file)
        });
        self.failed = written.err();
        self.clear.clear();
        self.no += 1;
    }
}

impl<W: Write> Sink for Sealing<'_, W> {
    fn put(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = CHUNK_BYTES - self.clear.len();
            let (some, more) = rest.split_at(room.min(rest.len()));
            self.clear.extend_from_slice(some);
            rest = more;
            if self.clear.len() == CHUNK_BYTES {
                self.flush();
            }
        }
    }
}

/// Bytes on their way out of a file.
struct Opening<R> {
    from: R,
    cipher: Aes256Gcm,
    header: Vec<u8>,
    /// The chunk that is open, and how far it was taken.
    clear: Vec<u8>,
    at: usize,
    no: u32,
    count: u32,
    failed: Option<SealError>,
}

impl<R: Read> Opening<R> {
    /// The next chunk in the place of the one that was taken.
    fn next(&mut self) -> Result<(), SealError> {
        if self.no >= self.count {
            return Err(SealError::Damaged);
        }
        let mut length = [0; 4];
        fill(&mut self.from, &mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > CHUNK_BYTES + TAG_BYTES {
            return Err(SealError::Damaged);
        }
        self.clear.resize(length, 0);
        fill(&mut self.from, &mut self.clear)?;
        self.cipher
            .decrypt_in_place(&nonce(self.no), &self.header, &mut self.clear)
            .map_err(|_| SealError::Damaged)?;
        self.at = 0;
        self.no += 1;
        Ok(())
    }
}

impl<R: Read> Source for Opening<R> {
    fn take(&mut self, bytes: &mut [u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let clear = self.clear.get(self.at..).unwrap_or_default();
            if clear.is_empty() {
                if let Err(why) = self.next() {
                    self.failed.get_or_insert(why);
                    return false;
                }
                continue;
            }
            let some = clear.len().min(rest.len());
            let (now, later) = std::mem::take(&mut rest).split_at_mut(some);
            now.copy_from_slice(clear.get(..some).unwrap_or_default());
            self.at += some;
            rest = later;
        }
        true
    }

    fn left(&self) -> u64 {
        let here = self.clear.len().saturating_sub(self.at) as u64;
        here + u64::from(self.count - self.no) * CHUNK_BYTES as u64
    }
}

/// What is too short is damaged, whatever else is wrong is the file's.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), SealError> {
    from.read_exact(bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            SealError::Damaged
        } else {
            file(error)
        }
    })
}

fn file(error: io::Error) -> SealError {
    SealError::File(error.to_string())
}

const NOTE_MAGIC: &[u8; 8] = b"SFNOTE01";
const NOTE_TAG: usize = 32;

/// Seals a small text at rest under a key of its own purpose. The key of a text is derived from what
/// it says, so one text gives one sealing and no key meets a nonce twice.
pub fn seal_note(key: &[u8; 32], clear: &[u8]) -> Result<Vec<u8>, SealError> {
    let tag = note_tag(key, clear);
    let cipher = note_cipher(key, &tag)?;
    let sealed = cipher
        .encrypt(&nonce(0), clear)
        .map_err(|_| SealError::TooLarge)?;
    Ok([NOTE_MAGIC.as_slice(), &tag, &sealed].concat())
}

/// Opens what [`seal_note`] gave.
///
/// # Errors
/// The key is another, or the bytes are damaged.
pub fn open_note(key: &[u8; 32], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut at = Cut(bytes);
    if at.take(NOTE_MAGIC.len()) != Some(NOTE_MAGIC) {
        return Err(SealError::NotSealed);
    }
    let tag = at.take(NOTE_TAG).ok_or(SealError::Damaged)?;
    let clear = note_cipher(key, tag)?
        .decrypt(&nonce(0), at.0)
        .map_err(|_| SealError::Damaged)?;
    if note_tag(key, &clear) != tag {
        return Err(SealError::Damaged);
    }
    Ok(clear)
}

fn note_tag(key: &[u8; 32], clear: &[u8]) -> [u8; NOTE_TAG] {
    let mut mac = keyed(key);
    mac.update(b"sanfang note tag 1\0");
    mac.update(clear);
    mac.finalize().into_bytes().into()
}

fn note_cipher(key: &[u8; 32], tag: &[u8]) -> Result<Aes256Gcm, SealError> {
    let mut mac = keyed(key);
    mac.update(b"sanfang note key 1\0");
    mac.update(tag);
    Aes256Gcm::new_from_slice(&mac.finalize().into_bytes()).map_err(|_| SealError::Damaged)
}

fn nonce(no: u32) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut bytes = [0; 12];
    bytes
        .iter_mut()
        .zip(no.to_be_bytes())
        .for_each(|(to, from)| *to = from);
    bytes.into()
}

/// Key id, version, number of chunks, and all of them as they stand in the file.
type Header = (Vec<u8>, [u8; 32], u32, Vec<u8>);

fn header(from: &mut impl Read) -> Result<Header, SealError> {
    let mut header = vec![0; MAGIC.len() + 1];
    let short = |why| match why {
        SealError::Damaged => SealError::NotSealed,
        SealError::NotSealed
        | SealError::Key { .. }
        | SealError::Format(_)
        | SealError::OtherCity
        | SealError::File(_)
        | SealError::TooLarge => why,
    };
    fill(from, &mut header).map_err(short)?;
    if !header.starts_with(MAGIC) {
        return Err(SealError::NotSealed);
    }
    let mut id = vec![0; usize::from(header.last().copied().unwrap_or_default())];
    let (mut version, mut count) = ([0; 32], [0; 4]);
    for part in [&mut id[..], &mut version[..], &mut count[..]] {
        fill(from, part).map_err(short)?;
        header.extend_from_slice(part);
    }
    Ok((id, version, u32::from_le_bytes(count), header))
}

struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_under_its_key_alone_and_shows_nothing() {
        let (key, other) = ([1; 32], [2; 32]);
        let sealed = seal_note(&key, b"https://push.example.org/abc").unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"push"));
        assert_eq!(
            open_note(&key, &sealed).unwrap(),
            b"https://push.example.org/abc"
        );
        assert_eq!(open_note(&other, &sealed), Err(SealError::Damaged));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open_note(&key, &damaged).is_err(), "{at}");
            assert!(open_note(&key, &sealed[..at]).is_err(), "{at}");
        }
    }
}
