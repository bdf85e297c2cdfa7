//! Why a record became no observation, in words that say what to do.

use super::units::UnitError;
use crate::protocol::{DecodeError, Field, Reading, What};
use model::Parameter;
use std::fmt;

/// The most bytes of a rejected record that are kept.
pub const RAW_BYTES_MAX: usize = 1024;

const TEXT_CHARS_MAX: usize = 64;

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Line the record starts on, from 1.
    pub line: u64,
    /// The part that was wrong, where one part was.
    pub field: Option<Field>,
    /// Why.
    pub reason: Reason,
    /// Station id as written; empty where it could not be read.
    pub station: String,
    /// What was written in the field, clipped.
    pub written: String,
    /// The record as it came, clipped to [`RAW_BYTES_MAX`].
    pub raw: Vec<u8>,
}

/// Why a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It could not be read.
    Format(What),
    /// No station with that id is registered.
    UnknownStation,
    /// No such parameter.
    UnknownParameter,
    /// The station is not registered for the parameter.
    NotReported,
    /// The unit is not one of the parameter's.
    Unit(Parameter, UnitError),
    /// The value is not decimal text.
    NotANumber,
    /// The value is beyond what the parameter can be.
    Range(Parameter),
    /// The time is too far ahead of the arrival.
    Future,
}

impl Reason {
    /// The stable word used in metrics and dead letters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Format(what) => what.word(),
            Self::UnknownStation => "unknown_station",
            Self::UnknownParameter => "unknown_parameter",
            Self::NotReported => "not_reported",
            Self::Unit(..) => "unit",
            Self::NotANumber => "not_a_number",
            Self::Range(_) => "range",
            Self::Future => "future",
        }
    }
}

impl Rejection {
    #[cold]
    pub(super) fn new(reading: &Reading<'_>, reason: Reason, field: Option<Field>) -> Self {
        let written = match field {
            Some(Field::Station) => reading.station.as_ref().into(),
            Some(Field::Parameter) => reading.parameter.as_ref().into(),
            Some(Field::Time) => reading.time.display(reading.offset),
            Some(Field::Value) => reading.value.as_deref().unwrap_or("null").into(),
            Some(Field::Unit) => reading.unit.as_deref().unwrap_or("null").into(),
            Some(Field::Interval) => reading.interval_s.map_or(String::new(), |s| s.to_string()),
            Some(Field::Quality) | None => String::new(),
        };
        Self {
            line: reading.line,
            field,
            reason,
            station: clip(&reading.station),
            written: clip(&written),
            raw: clip_bytes(reading.raw),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self.reason {
            Reason::Format(what) => DecodeError {
                line: self.line,
                field: self.field,
                what,
                raw: &[],
            }
            .remedy()
            .into(),
            Reason::UnknownStation => "add the station to stations.csv, or correct the id".into(),
            Reason::UnknownParameter => {
                let names = Parameter::ALL.map(Parameter::name).join(", ");
                format!("write one of {names}")
            }
            Reason::NotReported => {
                "add the parameter to the station's `parameters` in stations.csv".into()
            }
            Reason::Unit(_, UnitError::Intensity) => {
                "send the amount over the interval in mm, not an intensity".into()
            }
            Reason::Unit(parameter, UnitError::Other) => {
                format!(
                    "send {parameter} in {}, or in a unit of the same quantity",
                    parameter.unit()
                )
            }
            Reason::NotANumber => "write a decimal number such as 0.6".into(),
            Reason::Range(parameter) => {
                format!("{}: check the unit and the sensor", parameter.bounds())
            }
            Reason::Future => "set the sender's clock and the offset of its times".into(),
        }
    }
}

impl From<DecodeError<'_>> for Rejection {
    fn from(error: DecodeError<'_>) -> Self {
        Self {
            line: error.line,
            field: error.field,
            reason: Reason::Format(error.what),
            station: String::new(),
            written: String::new(),
            raw: clip_bytes(error.raw),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.station.is_empty() && self.field != Some(Field::Station) {
            write!(f, ", station {:?}", self.station)?;
        }
        if let Some(field) = self.field {
            write!(f, ", field {}", field.name())?;
        }
        if !self.written.is_empty() {
            write!(f, " {:?}", self.written)?;
        }
        write!(f, ": {}; {}", self.reason, self.remedy())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(what) => what.fmt(f),
            Self::UnknownStation => f.write_str("no such station is registered"),
            Self::UnknownParameter => f.write_str("no such parameter"),
            Self::NotReported => f.write_str("the station is not registered for it"),
            Self::Unit(parameter, _) => write!(f, "not a unit of {parameter}"),
            Self::NotANumber => f.write_str("not a decimal number"),
            Self::Range(parameter) => write!(f, "beyond the range of {parameter}"),
            Self::Future => f.write_str("ahead of its arrival"),
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn clip_bytes(raw: &[u8]) -> Vec<u8> {
    raw.get(..RAW_BYTES_MAX).unwrap_or(raw).to_vec()
}
