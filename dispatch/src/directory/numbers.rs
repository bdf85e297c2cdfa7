//! Recipient numbers: given once per id and never reused (semantics §35).
//!
//! Only a hash of each id is kept, so that a person taken out leaves a number and no name.

use crate::intent::RecipientNo;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// Which table an id comes from: the same text in two tables is two recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Contact,
    Device,
    Subscriber,
}

/// The hash of each id, by number.
#[derive(Clone, Default)]
pub(super) struct Numbers(pub(super) Vec<u64>);

/// Numbers while a version is being made.
pub(super) struct Giving {
    keys: Vec<u64>,
    known: FxHashMap<u64, u32>,
    taken: Vec<bool>,
}

/// Why an id got no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// The id stood in the table before.
    Twice,
    /// All numbers are used.
    Full,
}

impl Numbers {
    /// Goes on giving after those of an earlier version.
    pub(super) fn giving(&self) -> Giving {
        let known = self.0.iter().zip(0..).map(|(key, no)| (*key, no)).collect();
        Giving {
            keys: self.0.clone(),
            known,
            taken: vec![false; self.0.len()],
        }
    }
}

impl Giving {
    pub(super) fn give(&mut self, kind: Kind, id: &str) -> Result<RecipientNo, NoNumber> {
        let key = key(kind, id);
        if let Some(no) = self.known.get(&key) {
            return match self.taken.get_mut(*no as usize) {
                Some(taken) if !*taken => {
                    *taken = true;
                    Ok(RecipientNo(*no))
                }
                Some(_) | None => Err(NoNumber::Twice),
            };
        }
        let no = u32::try_from(self.keys.len())
            .ok()
            .filter(|no| *no != u32::MAX);
        let no = no.ok_or(NoNumber::Full)?;
        self.known.insert(key, no);
        self.keys.push(key);
        self.taken.push(true);
        Ok(RecipientNo(no))
    }

    /// The number of an id met in this version.
    pub(super) fn number(&self, kind: Kind, id: &str) -> Option<RecipientNo> {
        let no = *self.known.get(&key(kind, id))?;
        self.taken
            .get(no as usize)
            .copied()
            .unwrap_or(false)
            .then_some(RecipientNo(no))
    }

    pub(super) fn finish(self) -> Numbers {
        Numbers(self.keys)
    }
}

/// 64 bits of a hash: two ids of ten million meet with a chance of a few in a million, and are
/// then reported as one that stands there twice.
fn key(kind: Kind, id: &str) -> u64 {
    let kind: &[u8] = match kind {
        Kind::Contact => b"contact\0",
        Kind::Device => b"device\0",
        Kind::Subscriber => b"subscriber\0",
    };
    hash64(&[kind, id.as_bytes()])
}

/// The first eight bytes of SHA-256 over the parts.
pub(super) fn hash64(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize()
        .iter()
        .take(8)
        .fold(0, |n, b| (n << 8) | u64::from(*b))
}
