//! Decimal text to integer quanta through an exact ratio, rounded half to even once.

use model::{Quanta, parameter::ValueError};

/// A decimal number: `mantissa × 10^exponent`, the mantissa of at most 18 digits; `has_rest` tells
/// that nonzero digits beyond were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    mantissa: i64,
    exponent: i32,
    has_rest: bool,
}

/// An exact conversion: `(value + offset_hundredths / 100) × numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub numerator: i64,
    /// Below the line; positive.
    pub denominator: i64,
    /// Added first, in hundredths of the unit written.
    pub offset_hundredths: i64,
}

const MANTISSA_FULL: i64 = 100_000_000_000_000_000;
const EXPONENT_MIN: i32 = -18;
pub(super) const TENS: [i64; 19] = {
    let mut tens = [1; 19];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

impl Ratio {
    /// The unit itself.
    pub const ONE: Self = Self::new(1, 1);

    /// `numerator / denominator`.
    pub const fn new(numerator: i64, denominator: i64) -> Self {
        Self {
            numerator,
            denominator,
            offset_hundredths: 0,
        }
    }
}

impl Decimal {
    /// Reads `-12`, `0.6`, `1.002e+03`.
    #[inline]
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        let is_negative = bytes.first() == Some(&b'-');
        let mut at = usize::from(is_negative || bytes.first() == Some(&b'+'));
        let (mut mantissa, mut exponent, mut has_rest) = (0i64, 0i32, false);
        let (mut is_number, mut has_point) = (false, false);
        loop {
            match bytes.get(at) {
                Some(digit @ b'0'..=b'9') => {
                    is_number = true;
                    if mantissa < MANTISSA_FULL {
                        mantissa = mantissa * 10 + i64::from(digit - b'0');
                        exponent -= i32::from(has_point);
                    } else {
                        has_rest |= *digit != b'0';
                        exponent += i32::from(!has_point);
                    }
                }
                Some(b'.') if !has_point => has_point = true,
                _ => break,
            }
            at += 1;
        }
        if !is_number {
            return Err(ValueError::NotDecimal);
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let written = bytes.get(at + 1..).unwrap_or_default();
            exponent = exponent.saturating_add(read_exponent(written)?);
        } else if at != bytes.len() {
            return Err(ValueError::NotDecimal);
        }
        let mantissa = if is_negative { -mantissa } else { mantissa };
        Ok(Self {
            mantissa,
            exponent,
            has_rest,
        })
    }

    /// The value through `ratio`, in units of `10^-decimals`, half to even.
    #[inline]
    pub(super) fn quanta(self, ratio: Ratio, decimals: u32) -> Result<Quanta, ValueError> {
        let shift = self.exponent.saturating_add(decimals as i32);
        if ratio == Ratio::ONE && !self.has_rest && shift >= 0 {
            let factor = TENS.get(shift.unsigned_abs() as usize);
            return match (self.mantissa, factor) {
                (0, _) => Ok(0),
                (mantissa, Some(factor)) => mantissa
                    .checked_mul(*factor)
                    .and_then(|quanta| Quanta::try_from(quanta).ok())
                    .ok_or(ValueError::TooLarge),
                (_, None) => Err(ValueError::TooLarge),
            };
        }
        self.exact(ratio, decimals).ok_or(ValueError::TooLarge)
    }

    fn exact(self, ratio: Ratio, decimals: u32) -> Option<Quanta> {
        let Self {
            mantissa,
            exponent,
            has_rest,
        } = self.with_small_exponent();
        let down = ten(exponent.min(0).unsigned_abs())?;
        let value = i128::from(mantissa).checked_mul(if mantissa == 0 {
            1
        } else {
            ten(exponent.max(0).unsigned_abs())?
        })?;
        let shifted = value
            .checked_mul(100)?
            .checked_add(i128::from(ratio.offset_hundredths).checked_mul(down)?)?;
        let above = shifted
            .checked_mul(i128::from(ratio.numerator))?
            .checked_mul(ten(decimals)?)?;
        let below = down
            .checked_mul(100)?
            .checked_mul(i128::from(ratio.denominator))?;
        let (quotient, rest) = (above.abs() / below, above.abs() % below);
        let is_up = match (rest * 2).cmp(&below) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal if has_rest => (above < 0) == (mantissa < 0),
            std::cmp::Ordering::Equal => quotient % 2 == 1,
        };
        let rounded = quotient + i128::from(is_up);
        Quanta::try_from(if above < 0 { -rounded } else { rounded }).ok()
    }

    /// The same with an exponent of no less than [`EXPONENT_MIN`], so that products fit.
    fn with_small_exponent(mut self) -> Self {
        if self.exponent >= EXPONENT_MIN {
            return self;
        }
        let cut = self.exponent.abs_diff(EXPONENT_MIN) as usize;
        let divisor = TENS.get(cut).copied();
        self.has_rest |= divisor.map_or(self.mantissa != 0, |by| self.mantissa % by != 0);
        self.mantissa = divisor.map_or(0, |by| self.mantissa / by);
        self.exponent = EXPONENT_MIN;
        self
    }
}

fn read_exponent(bytes: &[u8]) -> Result<i32, ValueError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ValueError::NotDecimal)?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueError::NotDecimal);
    }
    // An exponent beyond i32 is far beyond any quantity: its sign says all.
    let is_negative = text.starts_with('-');
    Ok(text
        .parse()
        .unwrap_or(if is_negative { i32::MIN } else { i32::MAX }))
}

fn ten(power: u32) -> Option<i128> {
    10i128.checked_pow(power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Parameter;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_model(
            text in "[+-]?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{1,2})?",
            code in 0..Parameter::ALL.len() as u8,
        ) {
            let parameter = Parameter::from_code(code).unwrap();
            let ours = Decimal::parse(text.as_bytes()).and_then(|d| d.quanta(Ratio::ONE, parameter.decimals()));
            prop_assert_eq!(ours, parameter.quanta(&text));
        }

        #[test]
        fn ratios_agree_with_plain_integers(
            thousandths in -2_000_000i64..2_000_000,
            numerator in 1i64..3000,
            denominator in 1i64..3000,
            offset_hundredths in -30_000i64..30_000,
            decimals in 0u32..5,
        ) {
            let text = format!("{}{}.{:03}", if thousandths < 0 { "-" } else { "" },
                thousandths.abs() / 1000, thousandths.abs() % 1000);
            let ratio = Ratio { numerator, denominator, offset_hundredths };
            // (t/1000 + o/100) × n/d × 10^k, as one fraction over 1000·d.
            let above = i128::from(thousandths + offset_hundredths * 10)
                * i128::from(numerator) * 10i128.pow(decimals);
            let below = 1000 * i128::from(denominator);
            let floor = above.div_euclid(below);
            let expected = match (above.rem_euclid(below) * 2).cmp(&below) {
                std::cmp::Ordering::Less => floor,
                std::cmp::Ordering::Greater => floor + 1,
                std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
            };
            let found = Decimal::parse(text.as_bytes()).unwrap().quanta(ratio, decimals);
            prop_assert_eq!(found.ok(), i32::try_from(expected).ok());
        }

        #[test]
        fn never_panics(text in "[-+0-9.eE]{0,40}", n in any::<i64>(), o in any::<i64>()) {
            let ratio = Ratio { numerator: n, denominator: 7, offset_hundredths: o };
            let _ = Decimal::parse(text.as_bytes()).and_then(|d| d.quanta(ratio, 4));
        }
    }
}
