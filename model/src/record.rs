//! What one zone's machine steps, in one order (semantics §3), and its stored form.

use crate::response::Revised;
use crate::{AreaCode, DeviceReport, Forecast, Observation, Order, Signal};
use serde::{Deserialize, Serialize};

/// The unit of order and state: a place in [`crate::City::zones`] (a district, or the city).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zone(pub u16);

/// One entry of a zone's input.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The observations of one request for this zone.
    Observations(Vec<Observation>),
    /// A whole minute passed with nothing else.
    Tick,
    /// An official signal came in.
    Signal(Box<Signal>),
    /// A person acted.
    Order(Box<Order>),
    /// From here on these versions are in force.
    Edition(Box<Edition>),
    /// A site device was commanded and confirmed it by its own state, or did not.
    Device(Box<DeviceReport>),
    /// Forecasts came in.
    Forecasts(Vec<Forecast>),
    /// A zone revised a warning of ours: for the city's zone, where responses are decided.
    Revised(Box<Revised>),
    /// People came into an area, or left one.
    Moved(Vec<Move>),
}

/// One person's way from an area to another one, by number; no place is ever in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Number of the recipient.
    pub recipient: u32,
    /// The area they were told of until now; nothing where they were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AreaCode>,
    /// The area they are told of from now on; nothing where they watch none in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<AreaCode>,
}

/// The versions that a zone's machine steps with, each named so that a replay finds the same
/// (semantics §3, §33, §35). Their content lies in the topic `registry` and in version files.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Content hash of the city directory, [`crate::City::hash`].
    pub city: String,
    /// Content hash of the rulebook.
    pub rulebook: String,
    /// Content hash of the recipients' directory.
    pub directory: String,
    /// The engine's own version: what it committed before is never computed again.
    pub engine: String,
}

/// Why stored bytes are not an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Written by a newer version.
    #[error("record of kind {kind} has format {format}, newer than {known}: upgrade this node")]
    Newer {
        /// Stored kind.
        kind: u8,
        /// Stored format version.
        format: u8,
        /// Newest version known here.
        known: u8,
    },
    /// A kind this version does not know.
    #[error("record kind {0} is unknown: upgrade this node")]
    Kind(u8),
    /// Damaged bytes.
    #[error("record of kind {kind} cannot be read: {why}")]
    Damaged {
        /// Stored kind.
        kind: u8,
        /// What is wrong.
        why: String,
    },
}

const FORMAT: u8 = 1;

impl Input {
    /// The stable code of the variant, stored beside the payload.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Observations(_) => 1,
            Self::Tick => 2,
            Self::Signal(_) => 3,
            Self::Order(_) => 4,
            Self::Edition(_) => 5,
            Self::Device(_) => 8,
            Self::Forecasts(_) => 9,
            Self::Revised(_) => 10,
            Self::Moved(_) => 11,
        }
    }

    /// Stored form: one format byte, then rows of [`Observation::to_bytes`] or JSON.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Observations(rows) => {
                let mut bytes = Vec::new();
                encode_observations(rows, &mut bytes);
                bytes
            }
            Self::Tick => vec![FORMAT],
            Self::Signal(signal) => json(signal),
            Self::Order(order) => json(order),
            Self::Edition(edition) => json(edition),
            Self::Device(report) => json(report),
            Self::Forecasts(forecasts) => json(forecasts),
            Self::Revised(revised) => json(revised),
            Self::Moved(moves) => json(moves),
        }
    }

    /// Reads the stored form.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, InputError> {
        let damaged = |why: String| InputError::Damaged { kind, why };
        let (format, body) = payload
            .split_first()
            .ok_or_else(|| damaged("it is empty".into()))?;
        if *format > FORMAT {
            return Err(InputError::Newer {
                kind,
                format: *format,
                known: FORMAT,
            });
        }
        match kind {
            1 => decode_observations(body).map(Self::Observations),
            2 => Ok(Self::Tick),
            3 => from_json(kind, body).map(Self::Signal),
            4 => from_json(kind, body).map(Self::Order),
            5 => from_json(kind, body).map(Self::Edition),
            8 => from_json(kind, body).map(Self::Device),
            9 => from_json(kind, body).map(Self::Forecasts),
            10 => from_json(kind, body).map(Self::Revised),
            11 => from_json(kind, body).map(Self::Moved),
            unknown => Err(InputError::Kind(unknown)),
        }
    }
}

/// Appends the stored form of a batch of observations, without first making an [`Input`].
pub fn encode_observations(rows: &[Observation], bytes: &mut Vec<u8>) {
    bytes.reserve(1 + rows.len() * Observation::STORED_BYTES);
    bytes.push(FORMAT);
    for row in rows {
        bytes.extend_from_slice(&row.to_bytes());
    }
}

fn decode_observations(body: &[u8]) -> Result<Vec<Observation>, InputError> {
    let (rows, rest) = body.as_chunks::<{ Observation::STORED_BYTES }>();
    let damaged = |why: &str| InputError::Damaged {
        kind: 1,
        why: why.into(),
    };
    if !rest.is_empty() {
        return Err(damaged("its length is not a whole number of rows"));
    }
    rows.iter()
        .map(|row| Observation::from_bytes(row).ok_or_else(|| damaged("unknown code in a row")))
        .collect()
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    // Writing our own plain types to memory cannot fail; an empty body would be read as damaged.
    if serde_json::to_writer(&mut bytes, value).is_err() {
        bytes.truncate(1);
    }
    bytes
}

fn from_json<'a, T: Deserialize<'a>>(kind: u8, body: &'a [u8]) -> Result<T, InputError> {
    serde_json::from_slice(body).map_err(|error| InputError::Damaged {
        kind,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameter, Quality, StationNo, Time};
    use proptest::prelude::*;

    fn observation() -> impl Strategy<Value = Observation> {
        (
            any::<u32>(),
            0..Parameter::ALL.len() as u8,
            any::<i64>(),
            any::<i32>(),
            any::<u32>(),
            0u8..10,
        )
            .prop_map(|(station, parameter, time, value, interval_s, quality)| {
                Observation {
                    station: StationNo(station),
                    parameter: Parameter::from_code(parameter).unwrap(),
                    time: Time::from_millis(time),
                    value,
                    interval_s,
                    quality: Quality::from_code(quality).unwrap(),
                }
            })
    }

    proptest! {
        #[test]
        fn observations_survive_storage(rows in proptest::collection::vec(observation(), 0..20)) {
            let input = Input::Observations(rows);
            prop_assert_eq!(Input::decode(input.kind(), &input.encode()), Ok(input));
        }

        #[test]
        fn damaged_bytes_are_errors(kind in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Input::decode(kind, &bytes);
        }
    }

    #[test]
    fn a_newer_format_says_so() {
        assert!(matches!(
            Input::decode(2, &[9]),
            Err(InputError::Newer { format: 9, .. })
        ));
    }
}
