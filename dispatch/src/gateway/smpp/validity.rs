//! validity_period from a message's not-after time (SMPP 3.4 §7.1.1).

use model::{Span, Time};

/// How the centre is told when a message is worth nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// The centre's own default; only where no message has an end.
    Default,
    /// An instant, in UTC: `YYMMDDhhmmss000+`.
    Absolute(Time),
    /// So long after the centre takes it, `YYMMDDhhmmss000R`; for centres that read no absolute
    /// time. The text must be prepared anew as its end draws near.
    Relative(Span),
}

impl Validity {
    /// The field without its NUL; empty for [`Validity::Default`].
    ///
    /// A relative span is cut to whole seconds and to 99 days, never below one second: zero would
    /// mean "the default" to some centres.
    pub fn field(self) -> String {
        match self {
            Self::Default => String::new(),
            Self::Absolute(not_after) => {
                let civil = civil(not_after);
                format!("{civil}000+")
            }
            Self::Relative(span) => {
                let seconds = span.seconds().clamp(1, 99 * 86_400 - 1);
                format!(
                    "0000{:02}{:02}{:02}{:02}000R",
                    seconds / 86_400,
                    seconds % 86_400 / 3600,
                    seconds % 3600 / 60,
                    seconds % 60
                )
            }
        }
    }
}

/// `YYMMDDhhmmss` in UTC, from RFC 3339 text with its punctuation taken out.
fn civil(time: Time) -> String {
    let text = time.to_string();
    text.chars()
        .filter(char::is_ascii_digit)
        .skip(2)
        .take(12)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let (time, _) = Time::parse("2023-09-07T13:04:05+08:00").unwrap();
        assert_eq!(Validity::Absolute(time).field(), "230907050405000+");
        let six_hours = Span::parse("6h").unwrap();
        assert_eq!(Validity::Relative(six_hours).field(), "000000060000000R");
        let long = Span::from_seconds(86_400 * 3 + 61);
        assert_eq!(Validity::Relative(long).field(), "000003000101000R");
        assert_eq!(Validity::Relative(Span::ZERO).field(), "000000000001000R");
        assert_eq!(Validity::Default.field(), "");
    }
}
