//! Exact fractions for literals and their scaling at load; never used per observation.

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    number: i128,
    of: i128,
}

/// Significant digits a literal may have.
const DIGITS_MAX: usize = 18;

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self { number: 0, of: 1 };
    /// One.
    pub const ONE: Self = Self { number: 1, of: 1 };

    /// `number / of`; `None` where `of` is zero.
    pub fn new(number: i128, of: i128) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let divisor = gcd(number.unsigned_abs(), of.unsigned_abs()).cast_signed();
        let sign = of.signum();
        Some(Self {
            number: number / divisor * sign,
            of: of / divisor * sign,
        })
    }

    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self {
            number: number as i128,
            of: 1,
        }
    }

    /// Reads plain decimal text (`0.6`, `-12`) of at most 18 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let joined: String = whole.chars().chain(part.chars()).collect();
        let plain = !joined.is_empty() && joined.bytes().all(|b| b.is_ascii_digit());
        let significant = joined.trim_start_matches('0').len();
        if !plain || significant > DIGITS_MAX || part.len() > DIGITS_MAX {
            return None;
        }
        let number: i128 = joined.parse().ok()?;
        Self::new(sign * number, 10i128.pow(u32::try_from(part.len()).ok()?))
    }

    /// Numerator.
    pub const fn number(self) -> i128 {
        self.number
    }

    /// Denominator, positive.
    pub const fn of(self) -> i128 {
        self.of
    }

    /// True for zero.
    pub const fn is_zero(self) -> bool {
        self.number == 0
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        let left = self.number.checked_mul(other.of)?;
        let right = other.number.checked_mul(self.of)?;
        Self::new(left.checked_add(right)?, self.of.checked_mul(other.of)?)
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        Self::new(
            self.number.checked_mul(other.number)?,
            self.of.checked_mul(other.of)?,
        )
    }

    pub(super) fn over(self, other: Self) -> Option<Self> {
        self.times(Self::new(other.of, other.number)?)
    }

    pub(super) const fn negated(self) -> Self {
        Self {
            number: -self.number,
            of: self.of,
        }
    }

    /// The largest whole number not above.
    pub(crate) fn floor(self) -> i128 {
        self.number.div_euclid(self.of)
    }

    /// The smallest whole number not below.
    pub(crate) fn ceil(self) -> i128 {
        -(-self.number).div_euclid(self.of)
    }
}

pub(super) const fn gcd(mut a: u128, mut b: u128) -> u128 {
    // Dividing 128 bits takes many times as long as dividing 64, which is mostly enough.
    while b > u64::MAX as u128 || a > u64::MAX as u128 && b != 0 {
        (a, b) = (b, a % b);
    }
    if b != 0 {
        let (mut small_a, mut small_b) = (a as u64, b as u64);
        while small_b != 0 {
            (small_a, small_b) = (small_b, small_a % small_b);
        }
        a = small_a as u128;
    }
    if a == 0 { 1 } else { a }
}
