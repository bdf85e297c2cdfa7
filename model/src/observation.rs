//! One value of one parameter at one station and time.

use crate::{Parameter, Quality, Quanta, Time};
use serde::{Deserialize, Serialize};

/// A registered station's number: given once per id, never reused (see [`crate::City`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StationNo(pub u32);

/// A decoded, registered observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Where.
    pub station: StationNo,
    /// What.
    pub parameter: Parameter,
    /// The END of the interval the value describes (semantics §1).
    pub time: Time,
    /// How much, in quanta of the parameter.
    pub value: Quanta,
    /// Seconds the value covers; 0 for an instantaneous reading (semantics §2).
    pub interval_s: u32,
    /// Quality flag.
    pub quality: Quality,
}

impl Observation {
    /// Bytes of one observation in a stored record.
    pub const STORED_BYTES: usize = 24;

    /// The stored form: station u32, value i32, time i64 ms, interval u32, parameter u8,
    /// quality u8, two zero bytes; little-endian.
    pub fn to_bytes(&self) -> [u8; Self::STORED_BYTES] {
        let mut bytes = [0; Self::STORED_BYTES];
        bytes[0..4].copy_from_slice(&self.station.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.value.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.time.millis().to_le_bytes());
        bytes[16..20].copy_from_slice(&self.interval_s.to_le_bytes());
        bytes[20] = self.parameter.code();
        bytes[21] = self.quality.code();
        bytes
    }

    /// Reads the stored form; `None` where a code is unknown to this version.
    pub fn from_bytes(bytes: &[u8; Self::STORED_BYTES]) -> Option<Self> {
        let [
            s0,
            s1,
            s2,
            s3,
            v0,
            v1,
            v2,
            v3,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            i0,
            i1,
            i2,
            i3,
            parameter,
            quality,
            _,
            _,
        ] = *bytes;
        Some(Self {
            station: StationNo(u32::from_le_bytes([s0, s1, s2, s3])),
            value: i32::from_le_bytes([v0, v1, v2, v3]),
            time: Time::from_millis(i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7])),
            interval_s: u32::from_le_bytes([i0, i1, i2, i3]),
            parameter: Parameter::from_code(parameter)?,
            quality: Quality::from_code(quality)?,
        })
    }
}
