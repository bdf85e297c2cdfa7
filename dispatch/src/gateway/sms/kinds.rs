//! What a telephone is to a short message: a phone of some carrier, or why none is sent to it; and which
//! account tells it, where one does.
//!
//! By how its number begins, and by nothing else: whose contract is over and who blocked us is the
//! carrier's to say, number by number.

use super::numbers::{DIGITS, DataOnly, Numbers};
use super::share::{BELOW, CHINA, CHINA_CODE, Share};
use serde::Serialize;
use std::sync::Arc;

/// What a telephone is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phone {
    /// A mobile phone of the country whose carrier is known.
    #[default]
    Mobile,
    /// On a desk: it can be called.
    Landline,
    /// Of another country: told by an account that carries those.
    Foreign,
    /// A card in a machine: nobody reads what is sent to it.
    DataOnly,
    /// Mobile by its length, and of no carrier of the list.
    NoCarrier,
}

/// How telephones are told apart. Where there is no list each is a mobile phone.
#[derive(Clone, Debug, Default)]
pub struct Kinds(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    /// By the first four digits of a national number of eleven.
    by_digits: Vec<Phone>,
    /// Whether somebody held the list against the ministry's own.
    is_verified: bool,
    /// Whether cards in machines among these are known by more digits only.
    has_finer: bool,
    data_only: DataOnly,
}

/// Which account tells each telephone by short message, or what it is that none does.
#[derive(Clone, Debug, Default)]
pub struct Sorter {
    /// What telephones are.
    pub kinds: Kinds,
    /// How several accounts share the phones.
    pub share: Option<Share>,
    /// Whether the one account there is carries those of other countries; of several, they say.
    pub abroad: bool,
}

impl Phone {
    /// All but those that are told.
    pub const UNTOLD: [Self; 4] = [
        Self::Landline,
        Self::Foreign,
        Self::DataOnly,
        Self::NoCarrier,
    ];

    /// Its word in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Foreign => "foreign",
            Self::DataOnly => "data_only",
            Self::NoCarrier => "no_carrier",
        }
    }
}

impl Kinds {
    /// By a list of numbers.
    pub fn of(numbers: &Numbers) -> Self {
        let mut by_digits = vec![Phone::NoCarrier; 10_usize.pow(DIGITS as u32)];
        for begins in numbers.carriers().filter_map(|it| numbers.of(it)).flatten() {
            let width = 10_usize.pow(DIGITS.saturating_sub(begins.len()) as u32);
            let first = begins.parse::<usize>().unwrap_or(0) * width;
            if let Some(places) = by_digits.get_mut(first..first + width) {
                places.fill(Phone::Mobile);
            }
        }
        let data_only = numbers.data_only();
        let mut has_finer = false;
        for (digits, kind) in (0_u64..).zip(&mut by_digits) {
            let first = CHINA_CODE + digits * BELOW;
            match data_only.meets(first, first + BELOW - 1) {
                Some(true) => *kind = Phone::DataOnly,
                Some(false) => has_finer = true,
                None => {}
            }
        }
        Self(Some(Arc::new(Known {
            is_verified: numbers.verified,
            by_digits,
            has_finer,
            data_only,
        })))
    }

    /// What a telephone is: E.164 digits as a number.
    pub fn phone(&self, phone: u64) -> Phone {
        let Some(known) = &self.0 else {
            return Phone::Mobile;
        };
        if !CHINA.contains(&phone) {
            return known.other(phone);
        }
        if known.has_finer && known.data_only.has(phone) {
            return Phone::DataOnly;
        }
        let digits = usize::try_from((phone - CHINA_CODE) / BELOW).unwrap_or(usize::MAX);
        let kind = known.by_digits.get(digits).copied();
        kind.unwrap_or(Phone::NoCarrier)
    }

    /// Whether a number of no known carrier is tried all the same: the list may be older than it.
    fn tries(&self, phone: u64) -> bool {
        let is_sure = self.0.as_ref().is_some_and(|known| known.is_verified);
        !is_sure && CHINA.contains(&phone)
    }

    /// True where there is no list.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Known {
    /// A number that has not the length of a mobile phone's.
    fn other(&self, phone: u64) -> Phone {
        if self.data_only.has(phone) {
            return Phone::DataOnly;
        }
        let (mut head, mut third) = (phone, 0);
        while head >= 100 {
            (third, head) = (head % 10, head / 10);
        }
        match (head == CHINA_CODE_ALONE, third) {
            (false, _) => Phone::Foreign,
            // Cards in machines have thirteen digits, no telephone has.
            (true, 1) if phone >= MACHINES_FROM => Phone::NoCarrier,
            (true, _) => Phone::Landline,
        }
    }
}

/// The code of China.
const CHINA_CODE_ALONE: u64 = 86;
/// From here on a number of the country has thirteen digits and more.
const MACHINES_FROM: u64 = 100_000_000_000_000;

impl Sorter {
    /// The account that tells a telephone, by its place among them, or what it is that none does.
    pub fn account(&self, phone: u64) -> Result<u8, Phone> {
        let by_beginning = || self.share.as_ref().map_or(0, |share| share.account(phone));
        match self.kinds.phone(phone) {
            Phone::Mobile => Ok(by_beginning()),
            Phone::NoCarrier if self.kinds.tries(phone) => Ok(by_beginning()),
            Phone::Foreign => match &self.share {
                None => self.abroad.then_some(0),
                Some(share) => share.abroad(),
            }
            .ok_or(Phone::Foreign),
            untold @ (Phone::Landline | Phone::DataOnly | Phone::NoCarrier) => Err(untold),
        }
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> u8 {
        self.share
            .as_ref()
            .map_or(1, |share| share.accounts().max(1))
    }

    /// True where every telephone is told by the one account.
    pub const fn is_plain(&self) -> bool {
        self.kinds.is_empty() && self.share.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shipped() -> Kinds {
        Kinds::of(&Numbers::shipped().unwrap())
    }

    #[test]
    fn a_telephone_is_what_its_number_says() {
        let kinds = shipped();
        for (phone, kind) in [
            (8_613_812_345_678, Phone::Mobile),
            (8_617_041_234_567, Phone::Mobile),
            (8_614_712_345_678, Phone::Mobile),
            (862_012_345_678, Phone::Landline),
            (861_012_345_678, Phone::Landline),
            (8_675_512_345_678, Phone::Landline),
            (864_001_234_567, Phone::Landline),
            (85_291_234_567, Phone::Foreign),
            (886_212_345_678, Phone::Foreign),
            (12_025_550_123, Phone::Foreign),
            (861_064_812_345_678, Phone::DataOnly),
            (8_614_612_345_678, Phone::DataOnly),
            (861_012_345_678_901, Phone::NoCarrier),
            (8_615_412_345_678, Phone::NoCarrier),
            (8_616_012_345_678, Phone::NoCarrier),
            (8_616_412_345_678, Phone::NoCarrier),
            (8_617_912_345_678, Phone::NoCarrier),
        ] {
            assert_eq!(kinds.phone(phone), kind, "{phone}");
            assert_eq!(
                Kinds::default().phone(phone),
                Phone::Mobile,
                "without a list"
            );
        }
    }

    #[test]
    fn cards_in_machines_that_more_digits_tell_apart() {
        let text = "as_of = \"x\"\nverified = true\n[carriers.a]\nown = [\"138\"]\n[[data_only]]\nbegins = \"138123\"\ndigits = 11";
        let kinds = Kinds::of(&Numbers::read(text).unwrap());
        assert_eq!(kinds.phone(8_613_812_345_678), Phone::DataOnly);
        assert_eq!(kinds.phone(8_613_812_445_678), Phone::Mobile);
    }

    /// Nobody is left out for a list that nobody read.
    #[test]
    fn a_number_of_no_known_carrier_is_left_out_only_by_a_list_that_was_verified() {
        let mut numbers = Numbers::shipped().unwrap();
        let sorter = |numbers: &Numbers| Sorter {
            kinds: Kinds::of(numbers),
            ..Sorter::default()
        };
        let (new, machine) = (8_615_412_345_678, 861_012_345_678_901);
        assert_eq!(sorter(&numbers).account(new), Ok(0));
        assert_eq!(sorter(&numbers).account(machine), Err(Phone::NoCarrier));
        numbers.verified = true;
        assert_eq!(sorter(&numbers).account(new), Err(Phone::NoCarrier));
    }

    #[test]
    fn other_countries_are_told_by_the_account_that_carries_them() {
        let numbers = Numbers::shipped().unwrap();
        let words = vec!["unicom".to_owned()];
        let shares = Share::of(&[&[], words.as_slice()], &numbers).unwrap();
        let sorter = |abroad: Option<u8>| Sorter {
            kinds: Kinds::of(&numbers),
            share: shares
                .first()
                .map(|share| share.clone().with_abroad(abroad)),
            abroad: false,
        };
        let hong_kong = 85_291_234_567;
        assert_eq!(sorter(None).account(hong_kong), Err(Phone::Foreign));
        assert_eq!(sorter(Some(1)).account(hong_kong), Ok(1));
        assert_eq!(sorter(Some(1)).account(8_613_812_345_678), Ok(0));
        assert_eq!(
            sorter(Some(1)).account(862_012_345_678),
            Err(Phone::Landline)
        );
        let mut alone = Sorter {
            kinds: Kinds::of(&numbers),
            ..Sorter::default()
        };
        assert_eq!(alone.account(hong_kong), Err(Phone::Foreign));
        alone.abroad = true;
        assert_eq!(alone.account(hong_kong), Ok(0));
        assert_eq!(
            Sorter::default().account(hong_kong),
            Ok(0),
            "without a list"
        );
    }

    proptest! {
        #[test]
        fn a_telephone_is_read_as_its_digits_would_have_it(phone in prop_oneof![
            1_000_000_u64..1_000_000_000_000_000,
            8_600_000_000_000_u64..8_620_000_000_000,
            860_000_000_000_000_u64..870_000_000_000_000,
        ]) {
            let numbers = Numbers::shipped().unwrap();
            let digits = phone.to_string();
            let naive = match digits.strip_prefix("86") {
                None => Phone::Foreign,
                Some(_) if numbers.data_only().has(phone) => Phone::DataOnly,
                Some(rest) if rest.len() == 11 && rest.starts_with('1') => {
                    let mut all = numbers.carriers().filter_map(|it| numbers.of(it)).flatten();
                    match all.any(|begins| rest.starts_with(begins)) {
                        true => Phone::Mobile,
                        false => Phone::NoCarrier,
                    }
                }
                Some(rest) if rest.len() >= 13 && rest.starts_with('1') => Phone::NoCarrier,
                Some(_) => Phone::Landline,
            };
            prop_assert_eq!(shipped().phone(phone), naive);
        }
    }
}
