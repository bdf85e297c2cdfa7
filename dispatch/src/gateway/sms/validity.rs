//! How long a message is worth anything, as a field of it (SMPP 3.4 §7.1.1; the others have the same form).

use super::config::Protocol;
use model::{Offset, Span, Time};

/// Beijing time: that of the carriers' protocols.
pub(crate) const BEIJING: Offset = Offset(8 * 60);

/// How the centre is told when a message is worth nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// The centre's own default; only where no message has an end.
    Default,
    /// An instant: `YYMMDDhhmmss000+` in UTC for SMPP, `YYMMDDhhmmss032+` in Beijing time for the others.
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
    pub fn field(self, protocol: Protocol) -> String {
        match self {
            Self::Default => String::new(),
            Self::Absolute(not_after) => {
                let (offset, quarters) = match protocol {
                    Protocol::Smpp => (Offset(0), "000+"),
                    Protocol::Cmpp2 | Protocol::Cmpp3 | Protocol::Sgip | Protocol::Smgp => {
                        (BEIJING, "032+")
                    }
                };
                let civil = digits(not_after, offset);
                format!("{}{quarters}", civil.get(2..).unwrap_or_default())
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

/// `YYYYMMDDhhmmss`, from RFC 3339 text with its punctuation taken out.
pub(crate) fn digits(time: Time, offset: Offset) -> String {
    let text = time.display(offset);
    text.chars().filter(char::is_ascii_digit).take(14).collect()
}

/// `MMDDhhmmss` in Beijing time as a decimal number: the time stamp of logins, and the middle of
/// SGIP's sequence.
pub(crate) fn stamp(time: Time) -> u32 {
    let text = digits(time, BEIJING);
    let digits = text.get(4..).unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let (time, _) = Time::parse("2023-09-07T13:04:05+08:00").unwrap();
        assert_eq!(
            Validity::Absolute(time).field(Protocol::Smpp),
            "230907050405000+"
        );
        assert_eq!(
            Validity::Absolute(time).field(Protocol::Cmpp2),
            "230907130405032+"
        );
        assert_eq!(stamp(time), 907_130_405);
        let six_hours = Span::parse("6h").unwrap();
        assert_eq!(
            Validity::Relative(six_hours).field(Protocol::Smpp),
            "000000060000000R"
        );
        let long = Span::from_seconds(86_400 * 3 + 61);
        assert_eq!(
            Validity::Relative(long).field(Protocol::Smpp),
            "000003000101000R"
        );
        assert_eq!(
            Validity::Relative(Span::ZERO).field(Protocol::Smpp),
            "000000000001000R"
        );
        assert_eq!(Validity::Default.field(Protocol::Smpp), "");
    }
}
