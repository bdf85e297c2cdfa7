//! Telephone numbers in 34 bits: a mobile number of the country by its last ten digits, every
//! other one by its place in a list of the few that there are.

use rustc_hash::FxHashMap;

/// Bits of a code.
pub(super) const CODE_BITS: u32 = 34;

/// `+86 1…`: the country's mobile numbers have eleven digits that begin with 1.
const MOBILE_FROM: u64 = 8_610_000_000_000;

/// How many of them can be.
const MOBILES: u64 = 10_000_000_000;

/// The code of whoever has no telephone.
pub(super) const NO_PHONE: u64 = (1 << CODE_BITS) - 1;

/// The numbers that are no mobile number of the country: abroad, on a desk.
#[derive(Clone, Default)]
pub(super) struct Phones {
    pub(super) others: Vec<u64>,
}

/// Codes while a version is being made.
#[derive(Default)]
pub(super) struct Coding {
    phones: Phones,
    known: FxHashMap<u64, u64>,
}

impl Phones {
    /// The number behind a code.
    pub(super) fn number(&self, code: u64) -> Option<u64> {
        if code < MOBILES {
            return Some(MOBILE_FROM + code);
        }
        let other = usize::try_from(code - MOBILES).ok()?;
        self.others.get(other).copied()
    }

    /// The code of a number that stands here.
    pub(super) fn code(&self, number: u64) -> Option<u64> {
        if let Some(mobile) = number.checked_sub(MOBILE_FROM).filter(|n| *n < MOBILES) {
            return Some(mobile);
        }
        let other = self.others.iter().position(|known| *known == number)?;
        Some(MOBILES + other as u64)
    }

    /// True where a stored code means a number or none.
    pub(super) fn has(&self, code: u64) -> bool {
        code == NO_PHONE || self.number(code).is_some()
    }
}

impl Coding {
    /// The code of a number; one number has one code. `None` where there is no more room.
    pub(super) fn code(&mut self, number: Option<u64>) -> Option<u64> {
        let Some(number) = number else {
            return Some(NO_PHONE);
        };
        if let Some(mobile) = number.checked_sub(MOBILE_FROM).filter(|n| *n < MOBILES) {
            return Some(mobile);
        }
        if let Some(code) = self.known.get(&number) {
            return Some(*code);
        }
        let code = MOBILES + self.phones.others.len() as u64;
        if code >= NO_PHONE {
            return None;
        }
        self.phones.others.push(number);
        self.known.insert(number, code);
        Some(code)
    }

    pub(super) fn finish(self) -> Phones {
        self.phones
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back_and_keeps_its_code(
            numbers in proptest::collection::vec(
                prop_oneof![
                    Just(None),
                    (8_609_999_999_990u64..8_610_000_000_010).prop_map(Some),
                    (8_619_999_999_990u64..8_620_000_000_010).prop_map(Some),
                    (1_000_000u64..1_000_000_000_000_000).prop_map(Some),
                ],
                0..50,
            ),
        ) {
            let mut coding = Coding::default();
            let codes: Vec<u64> = numbers.iter().map(|n| coding.code(*n).unwrap()).collect();
            let phones = coding.finish();
            for (number, code) in numbers.iter().zip(&codes) {
                prop_assert!(*code < 1 << CODE_BITS && phones.has(*code));
                prop_assert_eq!(phones.number(*code), *number);
                let same = numbers.iter().position(|n| n == number).unwrap();
                prop_assert_eq!(*code, codes[same]);
            }
        }
    }
}
