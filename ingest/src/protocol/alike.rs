//! Lines that differ from the line before in station and value alone, byte for byte.
//!
//! A batch is mostly that. What lies around the two texts was read once; where it stands again,
//! letter for letter, it means the same again, and only the two texts are to be looked at.

use super::scan::{number_end, plain_ascii_run};
use super::short::Short;
use super::{RECORD_BYTES_MAX, Reading};
use model::{Offset, Quality, Time};
use std::borrow::Cow;

/// A line that was read, without its station and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alike<'a> {
    /// Bytes before the station's text, between the two texts, and after the value's.
    before: &'a [u8],
    between: &'a [u8],
    after: &'a [u8],
    parameter: &'a str,
    time: Time,
    offset: Offset,
    unit: Option<&'a str>,
    quality: Option<Quality>,
    interval_s: Option<u32>,
}

/// What a line says in its own place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    /// ASCII letters.
    station: &'a [u8],
    /// A JSON number.
    value: &'a [u8],
    /// What it says, where that can be told at a glance.
    short: Option<Short>,
    /// The line whole.
    pub(super) raw: &'a [u8],
}

/// A line that says what the line before said, but for its station and value.
#[derive(Clone, Copy, Debug)]
pub struct Like<'f, 'a> {
    pub(super) frame: &'f Alike<'a>,
    pub(super) texts: Texts<'a>,
    pub(super) line: u64,
}

impl<'a> Like<'_, 'a> {
    /// The station's id, ASCII.
    #[inline]
    pub const fn station(&self) -> &'a [u8] {
        self.texts.station
    }

    /// The value, a JSON number.
    #[inline]
    pub const fn value(&self) -> &'a [u8] {
        self.texts.value
    }

    /// The value, where it is a short plain number.
    #[inline]
    pub const fn short(&self) -> Option<Short> {
        self.texts.short
    }

    /// The reading whole.
    #[inline]
    pub fn reading(&self) -> Reading<'a> {
        self.frame.reading(self.texts, self.line)
    }
}

impl<'a> Alike<'a> {
    /// The frame of a line that was read; `None` where a text was written with escapes, the value
    /// is null, or it stands before the station.
    pub(super) fn new(reading: &Reading<'a>) -> Option<Self> {
        let (Cow::Borrowed(station), Cow::Borrowed(parameter)) =
            (&reading.station, &reading.parameter)
        else {
            return None;
        };
        let Some(Cow::Borrowed(value)) = &reading.value else {
            return None;
        };
        let unit = match &reading.unit {
            None => None,
            Some(Cow::Borrowed(unit)) => Some(*unit),
            Some(Cow::Owned(_)) => return None,
        };
        let place = |text: &str| {
            text.as_ptr()
                .addr()
                .checked_sub(reading.raw.as_ptr().addr())
        };
        let (station_at, value_at) = (place(station)?, place(value)?);
        Some(Self {
            before: reading.raw.get(..station_at)?,
            between: reading.raw.get(station_at + station.len()..value_at)?,
            after: reading.raw.get(value_at + value.len()..)?,
            parameter,
            time: reading.time,
            offset: reading.offset,
            unit,
            quality: reading.quality,
            interval_s: reading.interval_s,
        })
    }

    /// The texts of the line that `rest` begins with, if it is like this one; anything else is for
    /// the reader proper to tell.
    #[inline]
    pub(super) fn texts(&self, rest: &'a [u8]) -> Option<Texts<'a>> {
        let from_station = rest.strip_prefix(self.before)?;
        let length = plain_ascii_run(from_station);
        let (station, from_between) = from_station.split_at_checked(length)?;
        // The text ends where its quote is; other letters than plain ones are looked at elsewhere.
        let from_value = from_between.strip_prefix(self.between)?;
        // A number ends where what stood behind the last one stands: nothing of a number does.
        let short = Short::read(from_value);
        let length = match short {
            Some(short) => usize::from(short.length),
            None => number_end(from_value)?,
        };
        let (value, from_after) = from_value.split_at_checked(length)?;
        let behind = from_after.strip_prefix(self.after)?;
        if !matches!(behind.first(), None | Some(b'\n')) {
            return None;
        }
        let length = rest.len() - behind.len();
        if length > RECORD_BYTES_MAX {
            return None;
        }
        Some(Texts {
            station,
            value,
            short,
            raw: rest.get(..length)?,
        })
    }

    /// The reading that the line with these texts states.
    #[inline]
    pub(super) fn reading(&self, texts: Texts<'a>, line: u64) -> Reading<'a> {
        // Both are ASCII, as [`Alike::texts`] saw.
        let text = |bytes| Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default());
        Reading {
            station: text(texts.station),
            parameter: Cow::Borrowed(self.parameter),
            time: self.time,
            offset: self.offset,
            value: Some(text(texts.value)),
            unit: self.unit.map(Cow::Borrowed),
            quality: self.quality,
            interval_s: self.interval_s,
            line,
            raw: texts.raw,
        }
    }
}
