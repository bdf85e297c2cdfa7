//! Version files: encrypted at rest under the deployment's key, clear in memory only (semantics §37).
//!
//! `SFDIR001`, key id (length, bytes), version (32 bytes), number of chunks (u32), then each chunk:
//! length (u32), AES-256-GCM ciphertext with its tag. The key of a file is derived from the
//! deployment's key and the version, the nonce is the chunk's number: one content gives one file,
//! and no key meets a nonce twice. The header is authenticated with every chunk.

use super::Directory;
use super::order::Order;
use super::stored::{self, Unreadable};
use crate::gateway::mac::keyed;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use model::City;
use sha2::Sha256;
use std::fmt;

const MAGIC: &[u8; 8] = b"SFDIR001";

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
    /// A newer format.
    #[error("written by a newer version: upgrade this node")]
    Newer,
    /// Made for other areas.
    #[error("made for a city with other areas: load the tables again")]
    OtherCity,
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

impl Directory {
    /// The bytes of this version's file.
    pub fn seal(&self, key: &SealKey) -> Result<Vec<u8>, SealError> {
        let clear = stored::encode(self);
        let version = hex::decode(&self.version).map_err(|_| SealError::TooLarge)?;
        let chunks = clear.len().div_ceil(CHUNK_BYTES);
        let count = u32::try_from(chunks).map_err(|_| SealError::TooLarge)?;
        let mut file = Vec::with_capacity(clear.len() + 20 * chunks + 128);
        file.extend_from_slice(MAGIC);
        file.push(u8::try_from(key.id.len()).map_err(|_| SealError::TooLarge)?);
        file.extend_from_slice(key.id.as_bytes());
        file.extend_from_slice(&version);
        file.extend_from_slice(&count.to_le_bytes());
        let header = file.clone();
        let cipher = key.of_file(&version).ok_or(SealError::TooLarge)?;
        for (no, chunk) in (0u32..).zip(clear.chunks(CHUNK_BYTES)) {
            let payload = Payload {
                msg: chunk,
                aad: &header,
            };
            let sealed = cipher
                .encrypt(&nonce(no), payload)
                .map_err(|_| SealError::TooLarge)?;
            let length = u32::try_from(sealed.len()).map_err(|_| SealError::TooLarge)?;
            file.extend_from_slice(&length.to_le_bytes());
            file.extend_from_slice(&sealed);
        }
        Ok(file)
    }

    /// Opens a version file.
    pub fn open(city: &City, key: &SealKey, file: &[u8]) -> Result<Self, SealError> {
        let mut at = Cut(file);
        let (id, version, count) = header(&mut at).ok_or(SealError::NotSealed)?;
        if id != key.id.as_bytes() {
            return Err(SealError::Key {
                wanted: String::from_utf8_lossy(id).into_owned(),
                held: key.id.clone(),
            });
        }
        let header = file
            .get(..file.len() - at.0.len())
            .ok_or(SealError::NotSealed)?;
        let cipher = key.of_file(version).ok_or(SealError::Damaged)?;
        let mut clear = Vec::with_capacity(at.0.len());
        for no in 0..count {
            let length = at.u32().ok_or(SealError::Damaged)? as usize;
            let sealed = at.take(length).ok_or(SealError::Damaged)?;
            let payload = Payload {
                msg: sealed,
                aad: header,
            };
            let chunk = cipher
                .decrypt(&nonce(no), payload)
                .map_err(|_| SealError::Damaged)?;
            clear.extend_from_slice(&chunk);
        }
        if !at.0.is_empty() {
            return Err(SealError::Damaged);
        }
        let directory = stored::decode(&clear, Order::new(city)).map_err(|why| match why {
            Unreadable::Newer => SealError::Newer,
            Unreadable::Damaged => SealError::Damaged,
            Unreadable::OtherCity => SealError::OtherCity,
        })?;
        if directory.version != hex::encode(version) {
            return Err(SealError::Damaged);
        }
        Ok(directory)
    }
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

fn header<'a>(at: &mut Cut<'a>) -> Option<(&'a [u8], &'a [u8], u32)> {
    if at.take(MAGIC.len())? != MAGIC {
        return None;
    }
    let length = usize::from(*at.take(1)?.first()?);
    Some((at.take(length)?, at.take(32)?, at.u32()?))
}

struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
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
