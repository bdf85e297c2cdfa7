//! Stations of a zone by dense places.
//!
//! Neighbours in a file are spread over the zones, and tables as long as the city's list would be
//! touched here and there, a line of memory a reading. A bit for each station of the city and a
//! count for each word of them fit the nearest cache; what a zone keeps of its stations stands
//! without gaps behind them.

use crate::StationNo;

/// Some of a city's stations, numbered from 0 in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    words: Vec<Word>,
    count: u32,
}

/// Sixty-four stations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    /// Members among them, the lowest number in the lowest bit.
    bits: u64,
    /// Members in the words before.
    before: u32,
}

impl Members {
    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// The place of a member.
    #[inline]
    pub fn place(&self, station: StationNo) -> Option<usize> {
        let word = self.words.get((station.0 / u64::BITS) as usize)?;
        let own = 1u64 << (station.0 % u64::BITS);
        let below = (word.bits & (own - 1)).count_ones();
        (word.bits & own != 0).then_some((word.before + below) as usize)
    }

    /// Every member, in order of their places.
    pub fn all(&self) -> impl Iterator<Item = StationNo> + Clone {
        (0u32..).zip(&self.words).flat_map(|(at, word)| {
            (0..u64::BITS)
                .filter(|bit| word.bits >> bit & 1 == 1)
                .map(move |bit| StationNo(at * u64::BITS + bit))
        })
    }
}

impl FromIterator<StationNo> for Members {
    fn from_iter<I: IntoIterator<Item = StationNo>>(stations: I) -> Self {
        let mut members = Self::default();
        for station in stations {
            let at = (station.0 / u64::BITS) as usize;
            if members.words.len() <= at {
                members.words.resize(at + 1, Word::default());
            }
            if let Some(word) = members.words.get_mut(at) {
                word.bits |= 1 << (station.0 % u64::BITS);
            }
        }
        for word in &mut members.words {
            word.before = members.count;
            members.count += word.bits.count_ones();
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn places_are_ranks(numbers in proptest::collection::vec(0u32..500, 0..200)) {
            let sorted: BTreeSet<u32> = numbers.iter().copied().collect();
            let members: Members = numbers.into_iter().map(StationNo).collect();
            prop_assert_eq!(members.count(), sorted.len());
            prop_assert!(members.all().map(|s| s.0).eq(sorted.iter().copied()));
            for number in 0..600 {
                let place = sorted.iter().position(|member| *member == number);
                prop_assert_eq!(members.place(StationNo(number)), place);
            }
        }
    }
}
