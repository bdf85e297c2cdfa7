//! Instants, offsets and spans: the only times the core sees.
//!
//! [`Time`] is milliseconds since the Unix epoch. An offset from UTC is kept beside it only
//! where a person reads it. RFC 3339 text is read by hand because it is nine tenths of what an
//! observation line holds; `jiff` prints and does everything with calendars.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(i64);

/// An offset from UTC in minutes, kept for display (RFC 3339 §5.6 `time-offset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub i16);

/// A length of time in milliseconds, written `30s`, `15m`, `6h`, `3d` in rulebooks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

/// Why a text is not a time or a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not `YYYY-MM-DDThh:mm:ss[.fff](Z|±hh:mm)`.
    #[error("{0:?} is not an RFC 3339 time; write 2023-09-07T13:04:00+08:00")]
    NotRfc3339(String),
    /// Not a number with a unit.
    #[error("{0:?} is not a span; write a whole number and s, m, h or d, such as 30m or 6h")]
    NotSpan(String),
}

impl Time {
    /// The instant so many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The instant so many seconds after the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole minutes since the Unix epoch, rounded down.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60_000)
    }

    /// The start of whole minute number `minute` since the Unix epoch.
    pub const fn from_minute(minute: i64) -> Self {
        Self(minute.saturating_mul(60_000))
    }

    /// True where the instant lies on a whole minute.
    pub const fn is_whole_minute(self) -> bool {
        self.0.rem_euclid(60_000) == 0
    }

    /// The first whole minute at or after this instant.
    pub const fn ceil_minute(self) -> Self {
        Self::from_minute((self.0.saturating_add(59_999)).div_euclid(60_000))
    }

    /// How long after `earlier` this is; negative where it is before.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339 text with an offset; fractions beyond milliseconds are cut.
    pub fn parse(text: &str) -> Result<(Self, Offset), TimeError> {
        parse_rfc3339(text.as_bytes()).ok_or_else(|| TimeError::NotRfc3339(clip(text)))
    }

    /// Reads RFC 3339 bytes (`2023-09-07T13:04:00+08:00`); `None` where they are anything else.
    pub fn parse_bytes(text: &[u8]) -> Option<(Self, Offset)> {
        parse_rfc3339(text)
    }

    /// Prints with the offset, whole seconds, as contracts of the command line ask.
    pub fn display(self, offset: Offset) -> String {
        let shift = i64::from(offset.0) * 60;
        let local = jiff::Timestamp::from_second(self.seconds().saturating_add(shift))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let civil = jiff::tz::TimeZone::UTC.to_datetime(local);
        let sign = if offset.0 < 0 { '-' } else { '+' };
        let minutes = offset.0.unsigned_abs();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            minutes / 60,
            minutes % 60
        )
    }

    /// Month of the year, 1 to 12, with the offset.
    pub fn month(self, offset: Offset) -> u8 {
        self.month_day(offset).0
    }

    /// Month of the year and day of the month, each from 1, with the offset.
    pub fn month_day(self, offset: Offset) -> (u8, u8) {
        let local = Self(self.0.saturating_add(i64::from(offset.0) * 60_000)).to_jiff();
        let civil = jiff::tz::TimeZone::UTC.to_datetime(local);
        let part = |part: i8| u8::try_from(part).unwrap_or(1);
        (part(civil.month()), part(civil.day()))
    }

    /// Month and day of the local calendar, each from 1.
    pub fn day_of_year(self, offset: Offset) -> (u8, u8) {
        let local = Self(self.0.saturating_add(i64::from(offset.0) * 60_000)).to_jiff();
        let civil = jiff::tz::TimeZone::UTC.to_datetime(local);
        let [month, day] = [civil.month(), civil.day()].map(|n| u8::try_from(n).unwrap_or(1));
        (month, day)
    }

    /// The same instant as `jiff` has it; the epoch where it is outside `jiff`'s range.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Time {
    /// UTC, whole seconds, `Z`: the spelling used inside identifiers and hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.display(Offset(0));
        f.write_str(text.trim_end_matches("+00:00"))?;
        f.write_str("Z")
    }
}

impl std::ops::Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl std::ops::Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// So many minutes.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(60_000))
    }

    /// Milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole minutes, rounded down.
    pub const fn minutes(self) -> i64 {
        self.0.div_euclid(60_000)
    }

    /// Reads `90s`, `15m`, `6h` or `3d`.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError::NotSpan(clip(text));
        let unit = match text.as_bytes().last() {
            Some(b's') => 1_000,
            Some(b'm') => 60_000,
            Some(b'h') => 3_600_000,
            Some(b'd') => 86_400_000,
            _ => return Err(error()),
        };
        let digits = text.get(..text.len().saturating_sub(1)).ok_or_else(error)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        let number: i64 = digits.parse().map_err(|_| error())?;
        number.checked_mul(unit).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0m"),
            m if m % 86_400_000 == 0 => write!(f, "{}d", m / 86_400_000),
            m if m % 3_600_000 == 0 => write!(f, "{}h", m / 3_600_000),
            m if m % 60_000 == 0 => write!(f, "{}m", m / 60_000),
            m => write!(f, "{}s", m / 1000),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = TimeError;
    fn try_from(text: String) -> Result<Self, TimeError> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    let tens = text.get(at)?.wrapping_sub(b'0');
    let ones = text.get(at + 1)?.wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Days since the epoch of a proleptic Gregorian date (Howard Hinnant's `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn parse_rfc3339(text: &[u8]) -> Option<(Time, Offset)> {
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let (hour, minute, second) = (two(text, 11)?, two(text, 14)?, two(text, 17)?);
    let marks = (*text.get(4)?, *text.get(7)?, *text.get(13)?, *text.get(16)?);
    if marks != (b'-', b'-', b':', b':') || !matches!(text.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    // A leap second is read as the last second of its minute's successor, as POSIX time does.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut millis = 0;
    if text.get(at) == Some(&b'.') {
        let mut scale = 100;
        let digits_from = at + 1;
        at = digits_from;
        while let Some(digit) = text.get(at).filter(|b| b.is_ascii_digit()) {
            millis += i64::from(digit - b'0') * scale;
            scale /= 10;
            at += 1;
        }
        if at == digits_from {
            return None;
        }
    }
    let offset = match text.get(at)? {
        b'Z' | b'z' if text.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if text.len() == at + 6 && text.get(at + 3) == Some(&b':') => {
            let (hours, minutes) = (two(text, at + 1)?, two(text, at + 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let total = hours * 60 + minutes;
            if *sign == b'-' { -total } else { total }
        }
        _ => return None,
    };
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset * 60;
    Some((
        Time(seconds * 1000 + millis),
        Offset(i16::try_from(offset).ok()?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_contract_shows() {
        let (time, offset) = Time::parse("2023-09-07T13:04:00+08:00").unwrap();
        assert_eq!(time.seconds(), 1_694_063_040);
        assert_eq!(offset, Offset(480));
        assert_eq!(time.display(offset), "2023-09-07T13:04:00+08:00");
        assert_eq!(time.to_string(), "2023-09-07T05:04:00Z");
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for text in [
            "",
            "2023-09-07",
            "2023-02-30T00:00:00Z",
            "2023-09-07T13:04:00",
            "2023-09-07T24:04:00Z",
            "2023-09-07T13:04:00+0800",
            "2023-09-07T13:04:00.Z",
            "2023-09-07T13:04:00Zx",
            "二〇二三",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_read_and_print() {
        for text in ["30s", "15m", "6h", "3d", "0m"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "m", "6", "6 h", "-6h", "1.5h", "99999999999999999d"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(millis in -62_000_000_000_000i64..253_000_000_000_000, offset in -720i16..=840) {
            let seconds = Time::from_millis(millis.div_euclid(1000) * 1000);
            let text = seconds.display(Offset(offset));
            let parsed: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(parsed.as_millisecond(), seconds.millis());
            if seconds.millis() > -60_000_000_000_000 {
                prop_assert_eq!(Time::parse(&text).unwrap(), (seconds, Offset(offset)));
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Time::parse_bytes(&bytes);
        }
    }
}
