//! `samples = "2 of 3"`: how many of a subject's newest observation times a condition must have
//! held at.

/// Most observation times that a rule may look back over.
pub const SAMPLES_MAX: u8 = 32;

/// So many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Samples {
    /// At least so many
    pub k: u8,
    /// of the newest so many.
    pub n: u8,
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplesError {
    /// Not two numbers.
    #[error("{0:?} is not two whole numbers")]
    NotNumbers(String),
    /// Numbers that make no sense.
    #[error("{k} of {n} cannot be asked for; 1 to n of 2 to {SAMPLES_MAX} can")]
    OutOfRange {
        /// As given.
        k: u32,
        /// As given.
        n: u32,
    },
}

impl Samples {
    /// Reads `k of n`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, SamplesError> {
        let not_numbers = || SamplesError::NotNumbers(text.to_owned());
        let (k, n) = text.split_once(" of ").ok_or_else(not_numbers)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| not_numbers());
        let (k, n) = (number(k)?, number(n)?);
        match (u8::try_from(k), u8::try_from(n)) {
            (Ok(k), Ok(n)) if (2..=SAMPLES_MAX).contains(&n) && (1..=n).contains(&k) => {
                Ok(Self { k, n })
            }
            (_, _) => Err(SamplesError::OutOfRange { k, n }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_a_few_can_be_asked_for() {
        assert_eq!(Samples::parse("2 of 3"), Ok(Samples { k: 2, n: 3 }));
        for text in ["0 of 3", "4 of 3", "1 of 1", "2 of 33", "2 of 4000000000"] {
            let error = Samples::parse(text).unwrap_err();
            assert!(matches!(error, SamplesError::OutOfRange { .. }), "{text}");
        }
        for text in ["", "2", "two of three", "2/3", "-1 of 3"] {
            let error = Samples::parse(text).unwrap_err();
            assert!(matches!(error, SamplesError::NotNumbers(_)), "{text}");
        }
    }
}
