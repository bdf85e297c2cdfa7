//! Telephone numbers: E.164 digits in a `u64`, masked wherever a log could show them.

/// Longest number, digits (ITU-T E.164 §6.2.1).
const DIGITS_MAX: u32 = 15;

/// Shortest number taken.
const DIGITS_MIN: u32 = 7;

/// Reads `+8613900000001`; blanks and hyphens between digits are allowed.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+')?;
    let (mut number, mut count) = (0u64, 0);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' if count < DIGITS_MAX => {
                number = number * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    (count >= DIGITS_MIN && !digits.starts_with('0')).then_some(number)
}

/// Digits as a number, where there are as many as there may be.
pub(super) fn from_digits(digits: u64) -> Option<u64> {
    let (least, most) = (10u64.pow(DIGITS_MIN - 1), 10u64.pow(DIGITS_MAX) - 1);
    (least..=most).contains(&digits).then_some(digits)
}

/// False for a mobile number of the country that no carrier can have given: mobile numbers have
/// eleven digits and begin with 13 to 19 (电信网编号计划, from memory and unverified: 10 to 12 are short
/// and service codes). Of numbers on desks and abroad nothing is known.
pub(super) fn has_carrier(number: u64) -> bool {
    !(8_610_000_000_000..8_613_000_000_000).contains(&number)
}

/// `+86139****1234`: enough to recognise, not enough to call.
pub fn masked(phone: u64) -> String {
    let digits = phone.to_string();
    let (Some(head), Some(tail)) = (
        digits.get(..digits.len().saturating_sub(8)),
        digits.get(digits.len().saturating_sub(4)..),
    ) else {
        return "+****".to_owned();
    };
    if head.is_empty() {
        return "+****".to_owned();
    }
    format!("+{head}****{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_e164_and_nothing_else() {
        assert_eq!(parse("+8613912341234"), Some(8_613_912_341_234));
        assert_eq!(parse("+86 139-1234 1234"), Some(8_613_912_341_234));
        for text in [
            "",
            "+",
            "13912341234",
            "+86139",
            "+0613912341234",
            "+8613912341234x",
            "+1234567890123456",
            "+８６13912341234",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_by_their_digits() {
        assert_eq!(from_digits(8_613_912_341_234), Some(8_613_912_341_234));
        assert_eq!(from_digits(1_000_000), Some(1_000_000));
        assert_eq!(from_digits(999_999), None);
        assert_eq!(from_digits(1_000_000_000_000_000), None);
        assert!(has_carrier(8_613_000_000_000) && has_carrier(862_012_345_678));
        assert!(!has_carrier(8_612_999_999_999) && !has_carrier(8_610_000_000_000));
    }

    #[test]
    fn masks_the_middle() {
        assert_eq!(masked(8_613_912_341_234), "+86139****1234");
        assert_eq!(masked(12_345_678), "+****");
        assert_eq!(masked(123_456_789), "+1****6789");
    }
}
