//! Which account carries which phones, where there is more than one: by how their numbers begin.
//!
//! Every number belongs to exactly one account, so that nobody is told twice and nobody is left out.
//! A number that moved to another carrier keeps its beginning: the account of the old one has it, and
//! hands it to the others once its carrier says that it is not theirs ([`Share::next`]).

use super::numbers::{DIGITS, Numbers, is_beginning};
use crate::intent::StandIns;
use model::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Chinese mobile numbers in international form, and their code.
pub(super) const CHINA: std::ops::Range<u64> = 8_610_000_000_000..8_620_000_000_000;
pub(super) const CHINA_CODE: u64 = 8_600_000_000_000;
/// What is left of a national number of eleven digits before these.
pub(super) const BELOW: u64 = 10_000_000;

/// Who tells the phones of an account while it can tell nobody: its link is down, its day used up, its
/// contract over, or it does not pass a text.
#[derive(Clone, Debug, Default)]
pub struct FailOver {
    /// Which accounts tell whom others cannot.
    pub stand_ins: StandIns,
    /// How long its link is down before.
    pub after: Span,
}

/// What is wrong with how accounts share the phones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFault {
    /// Neither a carrier nor the beginning of a number.
    #[error(
        "{word:?} is neither a carrier ({carriers}) nor how a Chinese mobile number begins (2 to 4 digits: 138)"
    )]
    Unknown {
        /// What stands there.
        word: String,
        /// The carriers of the list.
        carriers: String,
    },
    /// Two accounts for the same numbers.
    #[error("{0}: another account carries these numbers as well")]
    Twice(String),
    /// Nobody for the rest.
    #[error("no account carries the rest: leave this out of one of them")]
    NoRest,
    /// Two for other countries.
    #[error("two accounts carry numbers of other countries: say so of one")]
    TwoAbroad,
    /// Two for the rest.
    #[error("two accounts carry the rest: say of all but one whose numbers they carry")]
    TwoRests,
}

/// The phones of one account among several.
#[derive(Clone, Debug)]
pub struct Share {
    table: Arc<Table>,
    own: u8,
    accounts: u8,
    abroad: Option<u8>,
}

/// Account by the first four digits of a national number.
#[derive(Debug)]
struct Table {
    by_digits: Vec<u8>,
    rest: u8,
}

impl Share {
    /// The share of each account, in their order; `carries` is what each says that it does. Or every
    /// fault, with the number of the account.
    pub fn of(
        carries: &[&[String]],
        numbers: &Numbers,
    ) -> Result<Vec<Self>, Vec<(usize, ShareFault)>> {
        let mut faults = Vec::new();
        let mut owners: BTreeMap<&str, u8> = BTreeMap::new();
        let mut rest = None;
        for (account, words) in carries.iter().enumerate() {
            let number = u8::try_from(account).unwrap_or(u8::MAX);
            if words.is_empty() && rest.replace(number).is_some() {
                faults.push((account, ShareFault::TwoRests));
            }
            for word in *words {
                let beginnings: Vec<&str> = match numbers.of(word) {
                    Some(beginnings) => beginnings.collect(),
                    None if is_beginning(word) => vec![word],
                    None => {
                        let carriers: Vec<&str> = numbers.carriers().collect();
                        let fault = ShareFault::Unknown {
                            word: word.clone(),
                            carriers: carriers.join(", "),
                        };
                        faults.push((account, fault));
                        continue;
                    }
                };
                for key in beginnings {
                    if owners.insert(key, number).is_some_and(|it| it != number) {
                        faults.push((account, ShareFault::Twice(key.to_owned())));
                    }
                }
            }
        }
        let Some(rest) = rest else {
            faults.push((0, ShareFault::NoRest));
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut by_digits = vec![rest; 10_usize.pow(DIGITS as u32)];
        // Shorter beginnings first: a longer one is an exception to them.
        let mut sorted: Vec<(&&str, &u8)> = owners.iter().collect();
        sorted.sort_by_key(|(beginning, _)| beginning.len());
        for (beginning, owner) in sorted {
            let width = 10_usize.pow((DIGITS - beginning.len()) as u32);
            let first = beginning.parse::<usize>().unwrap_or(0) * width;
            if let Some(places) = by_digits.get_mut(first..first + width) {
                places.fill(*owner);
            }
        }
        let table = Arc::new(Table { by_digits, rest });
        let accounts = u8::try_from(carries.len()).unwrap_or(u8::MAX);
        Ok((0..accounts)
            .map(|own| Self {
                table: Arc::clone(&table),
                own,
                accounts,
                abroad: None,
            })
            .collect())
    }

    /// Whether this account carries a phone: E.164 digits as a number.
    pub fn has(&self, phone: u64) -> bool {
        self.account(phone) == self.own
    }

    /// The account that carries a phone, by its place among them.
    pub fn account(&self, phone: u64) -> u8 {
        self.table.account(phone)
    }

    /// The place of this one.
    pub const fn own(&self) -> u8 {
        self.own
    }

    /// The account that carries telephones of other countries, where one does.
    pub const fn abroad(&self) -> Option<u8> {
        self.abroad
    }

    /// With the account, by its place, that carries telephones of other countries.
    pub fn with_abroad(self, abroad: Option<u8>) -> Self {
        Self { abroad, ..self }
    }

    /// How many share the phones.
    pub const fn accounts(&self) -> u8 {
        self.accounts
    }

    /// The account to try next, by its place among them, where the carrier of this one says that a
    /// phone is not theirs: each once, beginning with the one behind the phone's own. `None` where
    /// all were tried.
    pub fn next(&self, phone: u64) -> Option<usize> {
        if self.abroad.is_some() && !CHINA.contains(&phone) {
            return None;
        }
        let owner = self.table.account(phone);
        let next = (self.own + 1) % self.accounts.max(1);
        (next != owner).then_some(usize::from(next))
    }
}

impl Table {
    fn account(&self, phone: u64) -> u8 {
        if !CHINA.contains(&phone) {
            return self.rest;
        }
        let digits = usize::try_from((phone - CHINA_CODE) / BELOW).unwrap_or(usize::MAX);
        self.by_digits.get(digits).copied().unwrap_or(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(carries: &[&[&str]]) -> Result<Vec<Share>, Vec<String>> {
        let owned: Vec<Vec<String>> = carries
            .iter()
            .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
            .collect();
        let carries: Vec<&[String]> = owned.iter().map(Vec::as_slice).collect();
        Share::of(&carries, &Numbers::shipped().unwrap()).map_err(|faults| {
            let said = faults.iter();
            said.map(|(account, fault)| format!("{account}: {fault}"))
                .collect()
        })
    }

    #[test]
    fn numbers_go_to_their_carriers_and_the_rest_to_the_rest() {
        let shares = of(&[&["unicom"], &[], &["telecom", "1341"]]).unwrap();
        let account = |phone| shares.iter().position(|share| share.has(phone)).unwrap();
        assert_eq!(account(8_613_012_345_678), 0);
        assert_eq!(account(8_613_812_345_678), 1);
        assert_eq!(account(8_618_912_345_678), 2);
        assert_eq!(
            account(8_617_041_234_567),
            0,
            "a virtual operator of Unicom"
        );
        assert_eq!(account(8_617_001_234_567), 2, "one of Telecom");
        assert_eq!(account(8_613_412_345_678), 2, "by its four digits");
        assert_eq!(account(8_613_421_234_567), 1);
        assert_eq!(account(85_291_234_567), 1, "Hong Kong");
    }

    #[test]
    fn faults_are_said_in_words() {
        assert_eq!(
            of(&[&["unicorn"], &["138"], &["138"]]).unwrap_err(),
            [
                "0: \"unicorn\" is neither a carrier (broadcast, mobile, telecom, unicom) nor how a Chinese mobile number begins (2 to 4 digits: 138)",
                "2: 138: another account carries these numbers as well",
                "0: no account carries the rest: leave this out of one of them",
            ]
        );
        assert_eq!(
            of(&[&[], &[]]).unwrap_err(),
            ["1: two accounts carry the rest: say of all but one whose numbers they carry"]
        );
    }

    #[test]
    fn a_number_that_moved_is_handed_to_each_other_account_once() {
        let shares = of(&[&["mobile"], &["unicom"], &["telecom"], &[]]).unwrap();
        for phone in [
            8_613_812_345_678,
            8_613_012_345_678,
            8_613_312_345_678,
            85_291_234_567,
        ] {
            let owner = shares.iter().position(|share| share.has(phone)).unwrap();
            let mut tried = vec![owner];
            while let Some(next) = shares[*tried.last().unwrap()].next(phone) {
                tried.push(next);
            }
            tried.sort_unstable();
            assert_eq!(tried, [0, 1, 2, 3], "{phone}");
        }
    }

    #[test]
    fn no_beginning_is_two_carriers() {
        let carriers: Vec<&[&str]> =
            vec![&["mobile"], &["unicom"], &["telecom"], &["broadcast"], &[]];
        assert_eq!(of(&carriers).unwrap().len(), 5);
    }

    proptest! {
        #[test]
        fn every_phone_is_one_accounts(phone in prop_oneof![any::<u64>(), 8_610_000_000_000_u64..8_620_000_000_000]) {
            let shares = of(&[&["mobile"], &["unicom", "17"], &[], &["1349"]]).unwrap();
            prop_assert_eq!(shares.iter().filter(|share| share.has(phone)).count(), 1);
        }
    }
}
