//! Short plain numbers (`7`, `0.6`, `1203.45`), told from one word of eight bytes without a loop:
//! nearly all that sensors say.

const ONES: u64 = 0x0101_0101_0101_0101;

/// A number of at most seven digits without sign and exponent: `mantissa × 10^-decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Its digits.
    pub mantissa: u32,
    /// How many of them stand behind the point.
    pub decimals: u8,
    /// Bytes of its text.
    pub(super) length: u8,
}

impl Short {
    /// The number that the bytes begin with; `None` where it is not short, not plain, not allowed
    /// in JSON, or too near to the end of the bytes. What follows it is not looked at.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let word = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
        let digits = word ^ (ONES * b'0' as u64);
        // The high bit of each byte that is no digit; nothing is carried from one to the next.
        let others = (((digits & (ONES * 0x7f)) + ONES * (0x7f - 9)) | digits) & (ONES * 0x80);
        let whole = others.trailing_zeros() / 8;
        let behind = others & others.wrapping_sub(1);
        let has_point = others != 0 && word >> (whole * 8) & 0xff == u64::from(b'.');
        let length = if has_point {
            behind.trailing_zeros() / 8
        } else {
            whole
        };
        let decimals = (length - whole).saturating_sub(1);
        let has_leading_zero = digits & 0xff == 0 && whole > 1;
        if whole == 0 || length == 8 || has_leading_zero || (has_point && decimals == 0) {
            return None;
        }
        let count = whole + decimals;
        let before_point = (1 << (whole * 8)) - 1;
        let joined = digits & before_point | (digits >> (8 * u32::from(has_point))) & !before_point;
        Some(Self {
            mantissa: decimal(joined << (8 * (8 - count))),
            decimals: decimals as u8,
            length: length as u8,
        })
    }
}

/// The number of eight digits, the first one lowest: pairs, fours and all of them are joined by
/// one multiplication each.
#[inline]
const fn decimal(digits: u64) -> u32 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    (high.wrapping_add(low) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::scan::number_end;
    use proptest::prelude::*;

    fn plain(text: &str) -> Option<Short> {
        let length = number_end(text.as_bytes()).filter(|length| *length < 8)?;
        let number = text.get(..length)?;
        let mantissa = number.replace('.', "").parse().ok()?;
        let decimals = number.split_once('.').map_or(0, |(_, behind)| behind.len());
        Some(Short {
            mantissa,
            decimals: decimals as u8,
            length: length as u8,
        })
    }

    proptest! {
        #[test]
        fn a_short_number_is_what_the_grammar_and_the_standard_library_say(
            text in "[0-9]{0,9}(\\.[0-9]{0,9})?[},\" \n.x]?[0-9a-df-z.é]{0,9}",
        ) {
            let read = Short::read(text.as_bytes());
            if let Some(short) = read {
                prop_assert_eq!(Some(short), plain(&text));
            } else if text.len() >= 8 && plain(&text).is_some() {
                // Only a zero with a digit behind it is left to the long way.
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                prop_assert!(text.starts_with('0') && digits > 1, "{text}");
            }
        }
    }
}
