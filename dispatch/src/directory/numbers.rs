//! Recipient numbers: given once per id and never reused (semantics §35).
//!
//! Only a hash of each id is kept, so that a person taken out leaves a number and no name. The
//! hashes lie in the version file; in memory they are there only while a version is made.

use crate::intent::RecipientNo;
use sha2::{Digest, Sha256};

/// Which table an id comes from: the same text in two tables is two recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Contact,
    Device,
    Subscriber,
}

/// The hash of each id, by number: what the next version's numbers go on from. It is sealed with
/// the version and let go once that is on disk.
#[derive(Clone, Default)]
pub struct Numbers(pub(super) Vec<u64>);

/// Numbers while a version is being made.
pub(super) struct Giving {
    keys: Vec<u64>,
    known: Known,
    taken: Vec<bool>,
}

/// Where the hash of an id stands among the keys: a table of numbers alone, half of it empty.
struct Known(Vec<u32>);

/// An empty place.
const NOBODY: u32 = u32::MAX;

/// Places of the smallest table.
const PLACES_MIN: usize = 1 << 10;

/// Why an id got no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// The id stood in the table before.
    Twice,
    /// All numbers are used.
    Full,
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Numbers").field(&self.0.len()).finish()
    }
}

impl Numbers {
    /// The number that a subscriber's id has, or had: also of one who was taken out since.
    pub fn subscriber(&self, id: &str) -> Option<RecipientNo> {
        let key = key(Kind::Subscriber, id);
        let no = self.0.iter().position(|known| *known == key)?;
        u32::try_from(no).ok().map(RecipientNo)
    }

    /// Goes on giving after those of an earlier version, to so many more.
    pub(super) fn giving(&self, more: usize) -> Giving {
        let mut giving = Giving {
            keys: Vec::with_capacity(self.0.len().saturating_add(more)),
            known: Known(Vec::new()),
            taken: vec![false; self.0.len()],
        };
        giving.keys.extend_from_slice(&self.0);
        giving.known.fill(&giving.keys, giving.keys.capacity());
        giving
    }
}

impl Giving {
    /// The number of an id, as its place in a table.
    pub(super) fn give(&mut self, kind: Kind, id: &str) -> Result<RecipientNo, NoNumber> {
        self.give_to(key(kind, id))
    }

    /// The same for many, in their order. They are looked up together: each stands somewhere else in
    /// memory, and loads that do not wait for each other take a fraction of the time.
    pub(super) fn give_all(
        &mut self,
        keys: &[u64],
        given: &mut Vec<Result<RecipientNo, NoNumber>>,
    ) {
        let first: Vec<u32> = keys.iter().map(|key| self.known.first(*key)).collect();
        let met = first.iter().zip(keys);
        let met: Vec<Option<u32>> = met
            .map(|(no, key)| (self.keys.get(*no as usize) == Some(key)).then_some(*no))
            .collect();
        given.extend(keys.iter().zip(met).map(|(key, met)| match met {
            Some(no) => self.take(no),
            None => self.give_to(*key),
        }));
    }

    fn give_to(&mut self, key: u64) -> Result<RecipientNo, NoNumber> {
        let place = match self.known.find(key, &self.keys) {
            Ok(no) => return self.take(no),
            Err(place) => place,
        };
        let no = u32::try_from(self.keys.len())
            .ok()
            .filter(|no| *no != NOBODY);
        let no = no.ok_or(NoNumber::Full)?;
        self.keys.push(key);
        self.taken.push(true);
        if let Some(slot) = self.known.0.get_mut(place) {
            *slot = no;
        }
        if self.keys.len() * 2 > self.known.0.len() {
            self.known.fill(&self.keys, self.keys.len() * 2);
        }
        Ok(RecipientNo(no))
    }

    /// A number that the earlier version gave; once.
    fn take(&mut self, no: u32) -> Result<RecipientNo, NoNumber> {
        match self.taken.get_mut(no as usize) {
            Some(taken) if !*taken => {
                *taken = true;
                Ok(RecipientNo(no))
            }
            Some(_) | None => Err(NoNumber::Twice),
        }
    }

    /// Goes on behind numbers that were given since the earlier version, by the hashes of their ids.
    pub(super) fn go_on(&mut self, since: &[u64]) {
        self.keys.extend_from_slice(since);
        self.taken.resize(self.keys.len(), false);
        self.known.fill(&self.keys, self.keys.capacity());
    }

    /// The number of an id met in this version.
    pub(super) fn number(&self, kind: Kind, id: &str) -> Option<RecipientNo> {
        let no = self.known.find(key(kind, id), &self.keys).ok()?;
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

impl Known {
    /// What stands in the place where a key is looked for first.
    fn first(&self, key: u64) -> u32 {
        let mask = self.0.len().wrapping_sub(1);
        self.0.get(key as usize & mask).copied().unwrap_or(NOBODY)
    }

    /// The number under a key, or the place where it would stand. At least half of all places are
    /// empty, so that one is found soon.
    fn find(&self, key: u64, keys: &[u64]) -> Result<u32, usize> {
        let mask = self.0.len().wrapping_sub(1);
        // Keys are hashes: any of their bits do.
        let mut place = key as usize & mask;
        while let Some(no) = self.0.get(place) {
            if *no == NOBODY {
                break;
            }
            if keys.get(*no as usize) == Some(&key) {
                return Ok(*no);
            }
            place = (place + 1) & mask;
        }
        Err(place)
    }

    /// Anew, with room for `most` keys.
    fn fill(&mut self, keys: &[u64], most: usize) {
        let places = most.saturating_mul(2).next_power_of_two().max(PLACES_MIN);
        self.0.clear();
        self.0.resize(places, NOBODY);
        // Nought is the key of a number whose id was forgotten.
        for (key, no) in keys.iter().zip(0..).filter(|(key, _)| **key != 0) {
            if let Err(place) = self.find(*key, keys)
                && let Some(slot) = self.0.get_mut(place)
            {
                *slot = no;
            }
        }
    }
}

/// 64 bits of a hash: two ids of 33.5 million meet with a chance of three in a hundred thousand, and
/// are then reported as one that stands there twice.
pub(super) fn key(kind: Kind, id: &str) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_get_what_each_would_get_alone() {
        let id = |no: u32| format!("U{}", no % 3_000);
        let before: Vec<String> = (0..1_000).map(|no| id(no * 7)).collect();
        let ids: Vec<String> = (0..5_000).map(|no| id(no * 11)).collect();
        let earlier = || {
            let mut giving = Numbers::default().giving(0);
            for id in &before {
                assert!(giving.give(Kind::Subscriber, id).is_ok());
            }
            giving.finish().giving(0)
        };
        let mut alone = earlier();
        let wanted: Vec<_> = ids
            .iter()
            .map(|id| alone.give(Kind::Subscriber, id))
            .collect();
        let keys: Vec<u64> = ids.iter().map(|id| key(Kind::Subscriber, id)).collect();
        let (mut together, mut given) = (earlier(), Vec::new());
        for some in keys.chunks(700) {
            together.give_all(some, &mut given);
        }
        assert_eq!(given, wanted);
        assert!(wanted.contains(&Err(NoNumber::Twice)));
        assert_eq!(together.finish().0, alone.finish().0);
    }

    #[test]
    fn numbers_go_on_and_an_id_stands_once() {
        let mut giving = Numbers::default().giving(0);
        for no in 0..5_000 {
            let given = giving.give(Kind::Subscriber, &format!("U{no}"));
            assert_eq!(given, Ok(RecipientNo(no)));
        }
        assert_eq!(giving.give(Kind::Subscriber, "U7"), Err(NoNumber::Twice));
        assert_eq!(giving.give(Kind::Contact, "U7"), Ok(RecipientNo(5_000)));
        let numbers = giving.finish();
        assert_eq!(numbers.subscriber("U7"), Some(RecipientNo(7)));
        assert_eq!(numbers.subscriber("P7"), None);
        let mut giving = numbers.giving(2);
        assert_eq!(giving.number(Kind::Subscriber, "U7"), None);
        assert_eq!(giving.give(Kind::Subscriber, "U7"), Ok(RecipientNo(7)));
        assert_eq!(giving.number(Kind::Subscriber, "U7"), Some(RecipientNo(7)));
        assert_eq!(giving.give(Kind::Subscriber, "V"), Ok(RecipientNo(5_001)));
    }
}
