//! Message identifiers, whose spelling in a receipt is often not that of the submit answer.
//!
//! Centres answer a submit with `00B7FE0004` and report on `b7fe0004`, or answer in hexadecimal
//! and report in decimal. A [`MessageKey`] forgets zeros and case; [`candidates`] lists the keys
//! that a receipt's spelling can stand for, likeliest first.

/// An identifier without its spelling: its value read as hexadecimal, a hash where it is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(pub u64);

/// How a centre spells identifiers in receipts, against its own submit answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spelling {
    /// Any of the three; the phone number must agree as well.
    #[default]
    Auto,
    /// The same, apart from zeros and case.
    Same,
    /// Decimal in receipts, hexadecimal in answers.
    Decimal,
    /// Hexadecimal in receipts, decimal in answers.
    Hex,
}

impl MessageKey {
    /// The key of an identifier as answered to a submit; `None` where it is empty.
    pub fn of(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return None;
        }
        let zeros = text.iter().take_while(|b| **b == b'0').count();
        let digits = text.get(zeros..).unwrap_or_default();
        Some(Self(number(digits, 16).unwrap_or_else(|| hash(digits))))
    }
}

/// The keys that an identifier in a receipt may mean: as it stands, decimal for hexadecimal,
/// hexadecimal for decimal.
pub fn candidates(text: &[u8], spelling: Spelling) -> [Option<MessageKey>; 3] {
    let text = text.trim_ascii();
    let same = MessageKey::of(text);
    let decimal = || number(text, 10).map(MessageKey);
    let hex = || {
        let value = number(text, 16)?;
        MessageKey::of(itoa::Buffer::new().format(value).as_bytes())
    };
    match spelling {
        Spelling::Auto => [same, decimal(), hex()],
        Spelling::Same => [same, None, None],
        Spelling::Decimal => [decimal(), None, None],
        Spelling::Hex => [hex(), None, None],
    }
}

/// An identifier that is so many octets on the wire and has one spelling (SGIP's sequence, SMGP's
/// MsgID): a hash of them.
pub(super) fn of_octets(octets: &[u8]) -> MessageKey {
    MessageKey(
        octets
            .iter()
            .fold(OFFSET, |h, b| (h ^ u64::from(*b)).wrapping_mul(PRIME)),
    )
}

const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0100_0000_01B3;

fn number(digits: &[u8], radix: u64) -> Option<u64> {
    let mut value: u64 = 0;
    for byte in digits {
        let digit = char::from(*byte).to_digit(u32::try_from(radix).ok()?)?;
        value = value.checked_mul(radix)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// FNV-1a over the case-folded text: stable over releases, because keys are kept on disk.
fn hash(text: &[u8]) -> u64 {
    text.iter().fold(OFFSET, |h, b| {
        (h ^ u64::from(b.to_ascii_uppercase())).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(answered: &str, reported: &str, spelling: Spelling) -> bool {
        let key = MessageKey::of(answered.as_bytes()).unwrap();
        candidates(reported.as_bytes(), spelling).contains(&Some(key))
    }

    #[test]
    fn spellings_seen_in_the_field() {
        assert!(matches("B7FE000400", "b7fe000400", Spelling::Same));
        assert!(matches("0000123", "123", Spelling::Same));
        assert!(matches("123", "0000000123", Spelling::Same));
        assert!(matches("B7FE0004", "3086876676", Spelling::Auto));
        assert!(matches("3086876676", "b7fe0004", Spelling::Auto));
        assert!(matches("00b7fe0004", "03086876676", Spelling::Decimal));
        assert!(matches(
            "550e8400-e29b-41d4",
            "550E8400-E29B-41D4",
            Spelling::Same
        ));
        assert!(!matches("A1", "161", Spelling::Same));
        assert!(!matches("A1", "A2", Spelling::Auto));
        assert_eq!(MessageKey::of(b"  "), None);
        assert_eq!(MessageKey::of(b"000"), MessageKey::of(b"0"));
    }

    proptest! {
        #[test]
        fn any_number_in_any_spelling(n: u64, width in 0_usize..24) {
            let hex = format!("{n:X}");
            let padded = format!("{n:0width$x}");
            let decimal = n.to_string();
            prop_assert!(matches(&hex, &padded, Spelling::Same));
            prop_assert!(matches(&hex, &decimal, Spelling::Decimal));
            prop_assert!(matches(&decimal, &padded, Spelling::Hex));
            prop_assert!(matches(&decimal, &hex, Spelling::Auto));
        }

        #[test]
        fn bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            candidates(&text, Spelling::Auto);
        }
    }
}
