//! JSON under other names: devices that say `devId`, `ts` and `temp` are read by a mapping.
//!
//! For gateways of modest rate; it goes through `serde_json`. One object may hold several values
//! (`values`), the station or the parameter may be a level of the topic.

use super::{DecodeError, Field, Framing, RECORD_BYTES_MAX, Reading, What};
use model::{Offset, Quality, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where the parts of an observation stand. A key beginning with `/` is a JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// Key of the station id.
    pub station: String,
    /// Level of the topic, from 0, that is the station id; goes before the key.
    pub station_from_topic: Option<usize>,
    /// Key of the parameter's name.
    pub parameter: String,
    /// Level of the topic, from 0, that is the parameter's name; goes before the key.
    pub parameter_from_topic: Option<usize>,
    /// Their names of parameters, and ours.
    pub parameter_names: BTreeMap<String, String>,
    /// Key of the time.
    pub time: String,
    /// How the time is written.
    pub time_format: TimeFormat,
    /// Key of the value.
    pub value: String,
    /// Keys that each hold the value of one parameter; goes before `parameter` and `value`.
    pub values: BTreeMap<String, Column>,
    /// Key of the unit.
    pub unit: String,
    /// Key of the quality flag.
    pub quality: String,
    /// Key of the seconds that the value covers.
    pub interval: String,
}

/// A key that holds the value of one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Our name of the parameter.
    pub parameter: String,
    /// The unit it is sent in; the parameter's own where none is given.
    #[serde(default)]
    pub unit: Option<String>,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339 text with an offset.
    #[default]
    Rfc3339,
    /// Seconds since the Unix epoch.
    Seconds,
    /// Milliseconds since the Unix epoch.
    Milliseconds,
}

impl Default for Fields {
    fn default() -> Self {
        let key = |field: Field| field.name().to_owned();
        Self {
            station: key(Field::Station),
            station_from_topic: None,
            parameter: key(Field::Parameter),
            parameter_from_topic: None,
            parameter_names: BTreeMap::new(),
            time: key(Field::Time),
            time_format: TimeFormat::Rfc3339,
            value: key(Field::Value),
            values: BTreeMap::new(),
            unit: key(Field::Unit),
            quality: key(Field::Quality),
            interval: key(Field::Interval),
        }
    }
}

/// Reads every record of a payload by the mapping.
pub(super) fn decode<'a>(
    fields: &'a Fields,
    topic: &'a str,
    bytes: &'a [u8],
    framing: Framing,
    take: &mut impl FnMut(Result<Reading<'a>, DecodeError<'a>>),
) {
    let (whole, first) = match framing {
        Framing::Detect => (serde_json::from_slice::<Value>(bytes).ok(), 1),
        Framing::Lines { first } => (None, first),
    };
    if let Some(value) = whole {
        let origin = Origin {
            fields,
            topic,
            line: 1,
            raw: bytes,
        };
        match value.as_array() {
            Some(elements) => elements.iter().for_each(|one| origin.record(one, take)),
            None => origin.record(&value, take),
        }
        return;
    }
    for (line, raw) in (first..).zip(bytes.split(|byte| *byte == b'\n')) {
        let raw = raw.trim_ascii();
        let origin = Origin {
            fields,
            topic,
            line,
            raw,
        };
        if raw.len() > RECORD_BYTES_MAX {
            take(Err(origin.error(None, What::TooLong)));
        } else if !raw.is_empty() {
            match serde_json::from_slice(raw) {
                Ok(value) => origin.record(&value, take),
                Err(_) if std::str::from_utf8(raw).is_err() => {
                    take(Err(origin.error(None, What::NotUtf8)));
                }
                Err(_) => take(Err(origin.error(None, What::NotJson))),
            }
        }
    }
}

/// Where a record came from, and by which mapping it is read.
#[derive(Clone, Copy)]
struct Origin<'a> {
    fields: &'a Fields,
    topic: &'a str,
    line: u64,
    raw: &'a [u8],
}

impl<'a> Origin<'a> {
    fn record(&self, record: &Value, take: &mut impl FnMut(Result<Reading<'a>, DecodeError<'a>>)) {
        if !record.is_object() {
            return take(Err(self.error(None, What::NotAnObject)));
        }
        if self.fields.values.is_empty() {
            return take(self.single(record));
        }
        let shared = match self.shared(record) {
            Ok(shared) => shared,
            Err(error) => return take(Err(error)),
        };
        let mut is_any = false;
        for (key, column) in &self.fields.values {
            if let Some(value) = find(record, key) {
                is_any = true;
                take(self.number(value).map(|value| Reading {
                    parameter: Cow::Borrowed(column.parameter.as_str()),
                    unit: column.unit.as_deref().map(Cow::Borrowed),
                    value,
                    ..shared.clone()
                }));
            }
        }
        if !is_any {
            take(Err(self.error(Some(Field::Value), What::Missing)));
        }
    }

    fn single(&self, record: &Value) -> Result<Reading<'a>, DecodeError<'a>> {
        let theirs = self.text(
            record,
            Field::Parameter,
            self.fields.parameter_from_topic,
            &self.fields.parameter,
        )?;
        let value = find(record, &self.fields.value)
            .ok_or_else(|| self.error(Some(Field::Value), What::Missing))?;
        let unit = match find(record, &self.fields.unit) {
            None | Some(Value::Null) => None,
            Some(Value::String(unit)) => Some(Cow::Owned(unit.clone())),
            Some(_) => return Err(self.error(Some(Field::Unit), What::WrongType)),
        };
        Ok(Reading {
            parameter: match self.fields.parameter_names.get(theirs.as_ref()) {
                Some(ours) => Cow::Borrowed(ours.as_str()),
                None => theirs,
            },
            value: self.number(value)?,
            unit,
            ..self.shared(record)?
        })
    }

    /// All but parameter, value and unit.
    fn shared(&self, record: &Value) -> Result<Reading<'a>, DecodeError<'a>> {
        let fields = self.fields;
        let station = self.text(
            record,
            Field::Station,
            fields.station_from_topic,
            &fields.station,
        )?;
        let time = find(record, &fields.time)
            .ok_or_else(|| self.error(Some(Field::Time), What::Missing))?;
        let (time, offset) = read_time(time, fields.time_format)
            .map_err(|what| self.error(Some(Field::Time), what))?;
        let whole = |key: &str, field| match find(record, key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|whole| u32::try_from(whole).ok()) {
                Some(whole) => Ok(Some(whole)),
                None => Err(self.error(Some(field), What::WrongType)),
            },
        };
        let quality = match whole(&fields.quality, Field::Quality)? {
            None => None,
            Some(code) => u8::try_from(code)
                .ok()
                .and_then(Quality::from_code)
                .map(Some)
                .ok_or_else(|| self.error(Some(Field::Quality), What::OutOfRange))?,
        };
        Ok(Reading {
            station,
            parameter: Cow::Borrowed(""),
            time,
            offset,
            value: None,
            unit: None,
            quality,
            interval_s: whole(&fields.interval, Field::Interval)?,
            line: self.line,
            raw: self.raw,
        })
    }

    fn text(
        &self,
        record: &Value,
        field: Field,
        level: Option<usize>,
        key: &str,
    ) -> Result<Cow<'a, str>, DecodeError<'a>> {
        let missing = || self.error(Some(field), What::Missing);
        if let Some(level) = level {
            let found = self
                .topic
                .split('/')
                .nth(level)
                .filter(|part| !part.is_empty());
            return found.map(Cow::Borrowed).ok_or_else(missing);
        }
        match find(record, key).ok_or_else(missing)? {
            Value::String(text) => Ok(Cow::Owned(text.clone())),
            Value::Number(number) => Ok(Cow::Owned(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(self.error(Some(field), What::WrongType))
            }
        }
    }

    fn number(&self, value: &Value) -> Result<Option<Cow<'a, str>>, DecodeError<'a>> {
        match value {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Value::String(text) => Ok(Some(Cow::Owned(text.trim().to_owned()))),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(self.error(Some(Field::Value), What::WrongType))
            }
        }
    }

    const fn error(&self, field: Option<Field>, what: What) -> DecodeError<'a> {
        DecodeError {
            line: self.line,
            field,
            what,
            raw: self.raw,
        }
    }
}

fn find<'v>(record: &'v Value, key: &str) -> Option<&'v Value> {
    if key.starts_with('/') {
        record.pointer(key)
    } else {
        record.get(key)
    }
}

fn read_time(value: &Value, format: TimeFormat) -> Result<(Time, Offset), What> {
    match (format, value) {
        (TimeFormat::Rfc3339, Value::String(text)) => {
            Time::parse_bytes(text.as_bytes()).ok_or(What::NotATime)
        }
        (TimeFormat::Rfc3339, _) => Err(What::WrongType),
        (TimeFormat::Seconds, _) => {
            let seconds = value.as_i64().ok_or(What::WrongType)?;
            Ok((Time::from_seconds(seconds), Offset::default()))
        }
        (TimeFormat::Milliseconds, _) => {
            let millis = value.as_i64().ok_or(What::WrongType)?;
            Ok((Time::from_millis(millis), Offset::default()))
        }
    }
}
