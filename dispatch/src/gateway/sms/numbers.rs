//! How the numbers of each carrier begin, and which numbers are no phones: data with a date and a
//! source, replaced by a city that has a newer list.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The list that came with the program.
const SHIPPED: &str = include_str!("numbers.toml");
/// The code of China.
const CODE: u64 = 86;
/// Digits of a national number that its carrier is known by.
pub(super) const DIGITS: usize = 4;
/// Kinds of numbers that are no phones.
const DATA_ONLY_MAX: usize = 1_000;

/// Numbers by how they begin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// The year or day of the list.
    pub as_of: String,
    /// Whether it was read in the publication of who gives numbers out.
    pub verified: bool,
    carriers: BTreeMap<String, Beginnings>,
    #[serde(default)]
    data_only: Vec<Machines>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Beginnings {
    own: Vec<String>,
    r#virtual: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Machines {
    begins: String,
    digits: u32,
}

/// What is wrong with a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumbersFault {
    /// It cannot be read.
    #[error("{0}")]
    Unread(String),
    /// Not how a Chinese mobile number begins.
    #[error(
        "carriers.{carrier}: {begins:?} is not how a Chinese mobile number begins: 2 to 4 digits, 138"
    )]
    Beginning {
        /// Whose.
        carrier: String,
        /// What stands there.
        begins: String,
    },
    /// Two carriers have the same numbers.
    #[error("{0}: two carriers have these numbers")]
    Twice(String),
    /// Not a kind of number.
    #[error(
        "data_only: {begins:?} of {digits} digits is none: 2 to 9 digits that begin a number of 11 or 13"
    )]
    Machines {
        /// How they begin.
        begins: String,
        /// How long they are.
        digits: u32,
    },
    /// More kinds than can be looked up.
    #[error("data_only: {0} kinds, more than {DATA_ONLY_MAX}")]
    TooMany(usize),
}

/// Numbers of cards in machines: nobody reads what is sent to them. The empty set has none.
#[derive(Clone, Debug, Default)]
pub(super) struct DataOnly(Arc<[(u64, u64)]>);

impl Numbers {
    /// Reads a list.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(text: &str) -> Result<Self, Vec<NumbersFault>> {
        let unread = |error: toml::de::Error| vec![NumbersFault::Unread(error.to_string())];
        let this: Self = toml::from_str(text).map_err(unread)?;
        let mut faults = Vec::new();
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for (carrier, begins) in this.each() {
            if !is_beginning(begins) {
                faults.push(NumbersFault::Beginning {
                    carrier: carrier.to_owned(),
                    begins: begins.to_owned(),
                });
            }
            if owners.insert(begins, carrier).is_some() {
                faults.push(NumbersFault::Twice(begins.to_owned()));
            }
        }
        if this.data_only.len() > DATA_ONLY_MAX {
            faults.push(NumbersFault::TooMany(this.data_only.len()));
        }
        for machines in this.data_only.iter().filter(|it| it.range().is_none()) {
            faults.push(NumbersFault::Machines {
                begins: machines.begins.clone(),
                digits: machines.digits,
            });
        }
        if faults.is_empty() {
            Ok(this)
        } else {
            Err(faults)
        }
    }

    /// The list that came with the program.
    ///
    /// # Errors
    /// None while the program's own test passes.
    pub fn shipped() -> Result<Self, Vec<NumbersFault>> {
        Self::read(SHIPPED)
    }

    /// How the numbers on a carrier's network begin, virtual operators' included.
    pub fn of(&self, carrier: &str) -> Option<impl Iterator<Item = &str>> {
        let begins = self.carriers.get(carrier)?;
        Some(
            begins
                .own
                .iter()
                .chain(&begins.r#virtual)
                .map(String::as_str),
        )
    }

    /// The carriers of the list.
    pub fn carriers(&self) -> impl Iterator<Item = &str> {
        self.carriers.keys().map(String::as_str)
    }

    /// Numbers that are no phones.
    pub(super) fn data_only(&self) -> DataOnly {
        let mut ranges: Vec<_> = self.data_only.iter().filter_map(Machines::range).collect();
        ranges.sort_unstable();
        // One that lies within another is not looked for by itself.
        ranges.dedup_by(|next, before| {
            let joins = next.0 <= before.1;
            before.1 = if joins {
                before.1.max(next.1)
            } else {
                before.1
            };
            joins
        });
        DataOnly(ranges.into())
    }

    fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.carriers.iter().flat_map(|(carrier, begins)| {
            let all = begins.own.iter().chain(&begins.r#virtual);
            all.map(|begins| (carrier.as_str(), begins.as_str()))
        })
    }
}

impl Machines {
    /// The first and the last of them in international form.
    fn range(&self) -> Option<(u64, u64)> {
        let given = u32::try_from(self.begins.len()).ok()?;
        let is_usable = matches!(self.digits, 11 | 13) && (2..=9).contains(&given);
        let is_number =
            self.begins.starts_with('1') && self.begins.bytes().all(|b| b.is_ascii_digit());
        let begins: u64 = self
            .begins
            .parse()
            .ok()
            .filter(|_| is_usable && is_number)?;
        let width = 10_u64.checked_pow(self.digits.checked_sub(given)?)?;
        let first = CODE * 10_u64.checked_pow(self.digits)? + begins * width;
        Some((first, first + width - 1))
    }
}

impl DataOnly {
    /// Whether a number, E.164 digits as a number, is one of them.
    pub(super) fn has(&self, phone: u64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= phone);
        let before = behind.checked_sub(1).and_then(|at| self.0.get(at));
        before.is_some_and(|(_, last)| phone <= *last)
    }

    /// Whether they are all of a range of numbers or some; `None` where they are none of it.
    pub(super) fn meets(&self, first: u64, last: u64) -> Option<bool> {
        let mut all = self.0.iter();
        let met = all.find(|(from, to)| *from <= last && first <= *to)?;
        Some(met.0 <= first && last <= met.1)
    }
}

/// How a Chinese mobile number begins, 2 to 4 digits.
pub(super) fn is_beginning(word: &str) -> bool {
    (2..=DIGITS).contains(&word.len())
        && word.starts_with('1')
        && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_that_came_with_the_program_can_be_read() {
        let numbers = Numbers::shipped().unwrap();
        let carriers: Vec<&str> = numbers.carriers().collect();
        assert_eq!(carriers, ["broadcast", "mobile", "telecom", "unicom"]);
        assert!(!numbers.verified, "until somebody read the ministry's own");
        for virtual_one in ["165", "1703", "1705", "1706"] {
            assert!(numbers.of("mobile").unwrap().any(|it| it == virtual_one));
        }
        assert!(numbers.of("nobody").is_none());
    }

    #[test]
    fn cards_in_machines_are_known_by_beginning_and_length() {
        let machines = Numbers::shipped().unwrap().data_only();
        for (phone, is_one) in [
            (861_064_812_345_678, true),
            (861_064_912_345_678, true),
            (861_440_123_456_789, true),
            (8_614_612_345_678, true),
            (8_614_812_345_678, true),
            (8_614_712_345_678, false),
            (8_614_512_345_678, false),
            (8_613_812_345_678, false),
            (8_610_648_123_456, false),
            (85_291_234_567, false),
        ] {
            assert_eq!(machines.has(phone), is_one, "{phone}");
        }
        assert!(!DataOnly::default().has(861_064_812_345_678));
    }

    #[test]
    fn every_fault_at_once() {
        let text = "as_of = \"x\"\nverified = true\n[carriers.a]\nown = [\"138\", \"x\"]\n[carriers.b]\nvirtual = [\"138\", \"12345\"]\n[[data_only]]\nbegins = \"10648\"\ndigits = 12";
        let faults = Numbers::read(text).unwrap_err();
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "carriers.a: \"x\" is not how a Chinese mobile number begins: 2 to 4 digits, 138",
                "138: two carriers have these numbers",
                "carriers.b: \"12345\" is not how a Chinese mobile number begins: 2 to 4 digits, 138",
                "data_only: \"10648\" of 12 digits is none: 2 to 9 digits that begin a number of 11 or 13",
            ]
        );
        assert!(matches!(
            Numbers::read("carriers = 1").unwrap_err()[..],
            [NumbersFault::Unread(_)]
        ));
    }

    proptest! {
        #[test]
        fn a_card_in_a_machine_is_one_by_its_digits(phone in prop_oneof![
            any::<u64>(),
            8_610_000_000_000_u64..8_620_000_000_000,
            861_000_000_000_000_u64..862_000_000_000_000,
        ]) {
            let numbers = Numbers::shipped().unwrap();
            let digits = phone.to_string();
            let national = digits.strip_prefix("86").unwrap_or_default();
            let naive = numbers.data_only.iter().any(|it| {
                national.len() == it.digits as usize && national.starts_with(&it.begins)
            });
            prop_assert_eq!(numbers.data_only().has(phone), naive);
        }
    }
}
