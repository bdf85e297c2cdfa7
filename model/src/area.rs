//! Something that can be warned: city › district › township › community.

use crate::Named;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A 12-digit division code (GB/T 2260 with the statistical extension), `440106014000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaCode(u64);

/// An area's place in [`crate::City::areas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AreaNo(pub u16);

/// How large an area is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AreaLevel {
    /// The whole installation.
    City,
    /// District or county.
    District,
    /// Township or street.
    Township,
    /// Village or community.
    Community,
}

/// One area with its exact shape.
#[derive(Clone, Debug)]
pub struct Area {
    /// Division code.
    pub code: AreaCode,
    /// Name.
    pub name: Named,
    /// Level.
    pub level: AreaLevel,
    /// The area one level up; `None` for the city.
    pub parent: Option<AreaNo>,
    /// People living there.
    pub population: u64,
    /// Shape, WGS-84 degrees, longitude first; holes and several parts allowed.
    pub shape: geo::MultiPolygon<f64>,
}

/// A text that is not a division code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a 12-digit division code, such as 440106014000")]
pub struct AreaCodeError(String);

impl AreaCode {
    /// Reads twelve digits.
    pub fn parse(text: &str) -> Result<Self, AreaCodeError> {
        let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self(number)),
            Ok(_) | Err(_) => Err(AreaCodeError(text.chars().take(40).collect())),
        }
    }

    /// The code as a number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl Serialize for AreaCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AreaCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
