//! How many subjects give an area its tier: `1`, `2 of 5`, `30%` (semantics §19).

use std::fmt;

/// A quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// So many.
    Count(u32),
    /// So many of so many; a share of those present where there are fewer.
    Of {
        /// Needed.
        n: u32,
        /// Of these.
        m: u32,
    },
    /// So many hundredths of a percent of those in service.
    Percent(u32),
}

/// A text that is no quorum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quorum")]
pub struct QuorumError(String);

impl Quorum {
    /// Reads `1`, `2 of 5` or `30%`.
    ///
    /// # Errors
    /// The text is anything else, or asks for none.
    pub fn parse(text: &str) -> Result<Self, QuorumError> {
        let error = || QuorumError(text.chars().take(40).collect());
        let positive = |t: &str| t.trim().parse::<u32>().ok().filter(|n| *n > 0);
        if let Some(percent) = text.strip_suffix('%') {
            let (whole, part) = percent
                .trim()
                .split_once('.')
                .unwrap_or((percent.trim(), "0"));
            let part = format!("{part:0<2}");
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            let hundredths = whole
                .parse::<u32>()
                .ok()
                .and_then(|w| w.checked_mul(100)?.checked_add(part.parse::<u32>().ok()?));
            return match hundredths {
                Some(p) if digits && p > 0 && p <= 10_000 => Ok(Self::Percent(p)),
                Some(_) | None => Err(error()),
            };
        }
        if let Some((n, m)) = text.split_once(" of ") {
            return match (positive(n), positive(m)) {
                (Some(n), Some(m)) if n <= m => Ok(Self::Of { n, m }),
                (_, _) => Err(error()),
            };
        }
        positive(text).map(Self::Count).ok_or_else(error)
    }

    /// Subjects needed where `present` are in service, silent ones counted; at least one.
    pub fn needed(self, present: u32) -> u32 {
        let share = |n: u64, m: u64| {
            u32::try_from((n * u64::from(present)).div_ceil(m)).unwrap_or(u32::MAX)
        };
        let needed = match self {
            Self::Count(n) => n,
            Self::Of { n, m } if present >= m => n,
            Self::Of { n, m } => share(u64::from(n), u64::from(m)),
            Self::Percent(p) => share(u64::from(p), 10_000),
        };
        needed.max(1)
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Of { n, m } => write!(f, "{n} of {m}"),
            Self::Percent(p) if p % 100 == 0 => write!(f, "{}%", p / 100),
            Self::Percent(p) => write!(f, "{}.{:02}%", p / 100, p % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_needed() {
        let needed = |text: &str, present| Quorum::parse(text).map(|q| q.needed(present));
        assert_eq!(needed("1", 0), Ok(1));
        assert_eq!(needed("2 of 5", 8), Ok(2));
        assert_eq!(needed("2 of 5", 3), Ok(2));
        assert_eq!(needed("2 of 5", 2), Ok(1));
        assert_eq!(needed("30%", 10), Ok(3));
        assert_eq!(needed("30%", 11), Ok(4));
        assert_eq!(needed("12.5%", 8), Ok(1));
        for text in ["", "0", "-1", "3 of 2", "101%", "0%", "a of b", "%"] {
            assert!(Quorum::parse(text).is_err(), "{text}");
        }
    }
}
