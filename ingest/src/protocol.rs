//! Wire formats: one closed list, one file each, all giving [`Reading`]s.

mod alike;
pub mod fields;
pub mod json;
mod scan;
mod short;

pub use alike::Like;
pub use short::Short;

use model::{Offset, Quality, Time};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The longest record that is read, in bytes; longer ones are rejected unread.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// How the bytes of a frame are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The observation contract: JSON object, array or one object a line ([`json`]).
    #[default]
    Json,
    /// JSON under other names, named by a mapping ([`fields`]).
    Fields(Box<fields::Fields>),
}

/// How records follow each other in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// An array, one object, or one object a line: told from the first bytes.
    Detect,
    /// One object a line, whatever the first byte; `first` is the number of the first line.
    Lines {
        /// From 1.
        first: u64,
    },
}

/// A part of the observation contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `station`.
    Station,
    /// `parameter`.
    Parameter,
    /// `time`.
    Time,
    /// `value`.
    Value,
    /// `unit`.
    Unit,
    /// `quality`.
    Quality,
    /// `interval`.
    Interval,
}

/// One record as written, before anything is looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// Station id.
    pub station: Cow<'a, str>,
    /// Parameter name.
    pub parameter: Cow<'a, str>,
    /// End of the interval that the value describes (semantics §1).
    pub time: Time,
    /// Offset the time was written with.
    pub offset: Offset,
    /// Decimal text as written; `None` where the value is null, which means missing.
    pub value: Option<Cow<'a, str>>,
    /// Unit as written.
    pub unit: Option<Cow<'a, str>>,
    /// Quality flag as written.
    pub quality: Option<Quality>,
    /// Seconds the value covers, as written.
    pub interval_s: Option<u32>,
    /// Line the record starts on, from 1.
    pub line: u64,
    /// The record's bytes, for dead letters.
    pub raw: &'a [u8],
}

/// Why a record could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError<'a> {
    /// Line the record starts on, from 1.
    pub line: u64,
    /// The part that was wrong, where one part was.
    pub field: Option<Field>,
    /// What was wrong.
    pub what: What,
    /// The record's bytes, for dead letters.
    pub raw: &'a [u8],
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON.
    NotJson,
    /// JSON, but not an object.
    NotAnObject,
    /// Something follows the record, or the array, that does not belong there.
    Trailing,
    /// The array or object is not closed: the body was cut off.
    Unclosed,
    /// Nested deeper than [`json::DEPTH_MAX`].
    TooDeep,
    /// Longer than [`RECORD_BYTES_MAX`].
    TooLong,
    /// A field is missing.
    Missing,
    /// A field stands twice.
    Twice,
    /// A field has the wrong type.
    WrongType,
    /// Not an RFC 3339 time with an offset.
    NotATime,
    /// A number outside what the field allows.
    OutOfRange,
}

/// Reads every record of a frame in order, handing each to `take`.
///
/// `topic` is where the frame came in (an MQTT topic; empty elsewhere): mappings may take the
/// station or the parameter from it. A bad record is handed over as an error and the next one
/// is read.
pub fn decode<'a>(
    protocol: &'a Protocol,
    topic: &'a str,
    bytes: &'a [u8],
    framing: Framing,
    take: &mut impl Take<'a>,
) {
    match protocol {
        Protocol::Json => json::each(bytes, framing, take),
        Protocol::Fields(mapping) => {
            let take = &mut |found| take.found(found);
            fields::decode(mapping, topic, bytes, framing, take);
        }
    }
}

/// What one record of a frame came to.
pub type Found<'a> = Result<Reading<'a>, DecodeError<'a>>;

/// Who takes the records of a frame.
pub trait Take<'a> {
    /// The next record.
    fn found(&mut self, found: Found<'a>);

    /// The next record, where it says what the last one that was [found](Take::found) said but for
    /// station and value: what was made of that one may serve again.
    #[inline]
    fn like(&mut self, like: Like<'_, 'a>) {
        self.found(Ok(like.reading()));
    }
}

impl<'a, F: FnMut(Found<'a>)> Take<'a> for F {
    #[inline]
    fn found(&mut self, found: Found<'a>) {
        self(found);
    }
}

impl Field {
    /// The contract's key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Parameter => "parameter",
            Self::Time => "time",
            Self::Value => "value",
            Self::Unit => "unit",
            Self::Quality => "quality",
            Self::Interval => "interval",
        }
    }

    const fn expects(self) -> &'static str {
        match self {
            Self::Station | Self::Parameter | Self::Unit => "write it as a string",
            Self::Time => "write it as a string such as \"2023-09-07T13:04:00+08:00\"",
            Self::Value => "write a bare number such as 0.6, or null where the value is missing",
            Self::Quality => "write a whole number from 0 to 9",
            Self::Interval => "write whole seconds, from 0 to 4294967295",
        }
    }
}

impl What {
    /// The stable word used in counts and dead letters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::Trailing => "trailing",
            Self::Unclosed => "unclosed",
            Self::TooDeep => "too_deep",
            Self::TooLong => "too_long",
            Self::Missing => "missing",
            Self::Twice => "twice",
            Self::WrongType => "wrong_type",
            Self::NotATime => "not_a_time",
            Self::OutOfRange => "out_of_range",
        }
    }
}

impl DecodeError<'_> {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self.what {
            What::NotUtf8 => "send UTF-8",
            What::NotJson => "send one complete JSON object a line, or one JSON array",
            What::NotAnObject => {
                "send objects: {\"station\":…,\"parameter\":…,\"time\":…,\"value\":…}"
            }
            What::Trailing => "put one object on each line and nothing else",
            What::Unclosed => "send the whole body again; it ends in the middle",
            What::TooDeep => "leave out the nested part; an observation is flat",
            What::TooLong => "leave out what is not part of an observation",
            What::Missing => "add the field",
            What::Twice => "write each field once",
            What::NotATime => "write RFC 3339 with an offset, such as 2023-09-07T13:04:00+08:00",
            What::WrongType | What::OutOfRange => match self.field {
                Some(field) => field.expects(),
                None => "compare the record with the observation contract",
            },
        }
    }
}

impl fmt::Display for DecodeError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = self.field {
            write!(f, ", field {}", field.name())?;
        }
        write!(f, ": {}; {}", self.what, self.remedy())
    }
}

impl std::error::Error for DecodeError<'_> {}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "it is not UTF-8",
            Self::NotJson => "it is not JSON",
            Self::NotAnObject => "it is not an object",
            Self::Trailing => "something follows the record",
            Self::Unclosed => "it is not closed",
            Self::TooDeep => "it is nested too deep",
            Self::TooLong => "it is too long",
            Self::Missing => "it is missing",
            Self::Twice => "it stands twice",
            Self::WrongType => "it has the wrong type",
            Self::NotATime => "it is not a time",
            Self::OutOfRange => "it is out of range",
        })
    }
}
