//! Which account carries which phones, where there is more than one: by how their numbers begin.
//!
//! Every number belongs to exactly one account, so that nobody is told twice and nobody is left out.
//! Numbers that moved to another carrier keep their beginning: the account of the old one carries
//! them, as the carriers pass them on.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Chinese mobile numbers in international form, and their code.
const CHINA: std::ops::Range<u64> = 8_610_000_000_000..8_620_000_000_000;
const CHINA_CODE: u64 = 8_600_000_000_000;
/// Digits of a national number that the table goes by.
const DIGITS: usize = 4;
/// What is left of a national number of eleven digits before these.
const BELOW: u64 = 10_000_000;

/// How the numbers of the four carriers begin, those of virtual operators with the network that
/// carries them (unverified: put together from common knowledge, check it against the ministry's
/// list before use; the numbers after 170 by their fourth digit). A beginning that is missing here is written in the configuration as digits.
pub const CARRIERS: [(&str, &[&str]); 4] = [
    (
        "mobile",
        &[
            "134", "135", "136", "137", "138", "139", "144", "147", "148", "150", "151", "152",
            "157", "158", "159", "165", "1703", "1705", "1706", "172", "178", "182", "183", "184",
            "187", "188", "195", "197", "198",
        ],
    ),
    (
        "unicom",
        &[
            "130", "131", "132", "140", "145", "146", "155", "156", "166", "167", "1704", "1707",
            "1708", "1709", "171", "175", "176", "185", "186", "196",
        ],
    ),
    (
        "telecom",
        &[
            "133", "1349", "141", "149", "153", "162", "1700", "1701", "1702", "173", "174", "177",
            "180", "181", "189", "190", "191", "193", "199",
        ],
    ),
    ("broadcast", &["192"]),
];

/// What is wrong with how accounts share the phones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFault {
    /// Neither a carrier nor the beginning of a number.
    #[error(
        "{0:?} is neither mobile, unicom, telecom or broadcast nor how a Chinese mobile number begins (2 to 4 digits: 138)"
    )]
    Unknown(String),
    /// Two accounts for the same numbers.
    #[error("{0}: another account carries these numbers as well")]
    Twice(String),
    /// Nobody for the rest.
    #[error("no account carries the rest: leave this out of one of them")]
    NoRest,
    /// Two for the rest.
    #[error("two accounts carry the rest: say of all but one whose numbers they carry")]
    TwoRests,
}

/// The phones of one account among several.
#[derive(Clone, Debug)]
pub struct Share {
    table: Arc<Table>,
    own: u8,
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
    pub fn of(carries: &[&[String]]) -> Result<Vec<Self>, Vec<(usize, ShareFault)>> {
        let mut faults = Vec::new();
        let mut owners: BTreeMap<&str, u8> = BTreeMap::new();
        let mut rest = None;
        for (account, words) in carries.iter().enumerate() {
            let number = u8::try_from(account).unwrap_or(u8::MAX);
            if words.is_empty() && rest.replace(number).is_some() {
                faults.push((account, ShareFault::TwoRests));
            }
            for word in *words {
                let carrier = CARRIERS.iter().find(|(name, _)| name == word);
                let own = [word.as_str()];
                let beginnings = match carrier {
                    Some((_, beginnings)) => *beginnings,
                    None if is_beginning(word) => &own[..],
                    None => {
                        faults.push((account, ShareFault::Unknown(word.clone())));
                        continue;
                    }
                };
                for beginning in beginnings {
                    let key = match carrier {
                        Some(_) => beginning,
                        None => word.as_str(),
                    };
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
        let accounts = 0..u8::try_from(carries.len()).unwrap_or(u8::MAX);
        Ok(accounts
            .map(|own| Self {
                table: Arc::clone(&table),
                own,
            })
            .collect())
    }

    /// Whether this account carries a phone: E.164 digits as a number.
    pub fn has(&self, phone: u64) -> bool {
        self.table.account(phone) == self.own
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

fn is_beginning(word: &str) -> bool {
    (2..=DIGITS).contains(&word.len())
        && word.starts_with('1')
        && word.bytes().all(|b| b.is_ascii_digit())
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
        Share::of(&carries).map_err(|faults| {
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
                "0: \"unicorn\" is neither mobile, unicom, telecom or broadcast nor how a Chinese mobile number begins (2 to 4 digits: 138)",
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
