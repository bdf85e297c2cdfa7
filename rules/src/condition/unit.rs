//! Units as functions, `mm(50)`: what is compared with a parameter must be of its kind.

use super::ratio::Ratio;
use model::Parameter;

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Length,
    Angle,
    Speed,
    Discharge,
    Temperature,
    Pressure,
    Share,
}

/// A unit by the name of its function: so many of its quantity's first unit are one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) quantity: Quantity,
    number: i64,
    of: i64,
}

/// What parameters say that have no unit.
pub(super) const UNITLESS: &str = "1";

/// Every unit.
pub(super) const UNITS: [Unit; 13] = [
    unit("m", Quantity::Length, 1, 1),
    unit("cm", Quantity::Length, 1, 100),
    unit("mm", Quantity::Length, 1, 1000),
    unit("km", Quantity::Length, 1000, 1),
    unit("degrees", Quantity::Angle, 1, 1),
    unit("mps", Quantity::Speed, 1, 1),
    unit("kmh", Quantity::Speed, 1000, 3600),
    unit("knots", Quantity::Speed, 1852, 3600),
    unit("m3s", Quantity::Discharge, 1, 1),
    unit("celsius", Quantity::Temperature, 1, 1),
    unit("hpa", Quantity::Pressure, 1, 1),
    unit("kpa", Quantity::Pressure, 10, 1),
    unit("percent", Quantity::Share, 1, 1),
];

const fn unit(name: &'static str, quantity: Quantity, number: i64, of: i64) -> Unit {
    Unit {
        name,
        quantity,
        number,
        of,
    }
}

impl Unit {
    /// The unit that a function is named after.
    pub(super) fn named(name: &str) -> Option<Self> {
        UNITS.into_iter().find(|unit| unit.name == name)
    }

    /// The unit that a parameter's values are in.
    pub(super) fn of(parameter: Parameter) -> Option<Self> {
        Self::named(match parameter.unit() {
            "m3/s" => "m3s",
            "m/s" => "mps",
            "deg" => "degrees",
            "Cel" => "celsius",
            "%" => "percent",
            "hPa" => "hpa",
            "kPa" => "kpa",
            unit => unit,
        })
    }

    /// So many of it, in the first unit of its quantity.
    pub(super) fn in_first(self, number: Ratio) -> Option<Ratio> {
        number
            .times(Ratio::whole(self.number))?
            .over(Ratio::whole(self.of))
    }

    /// So many of the first unit of its quantity, in this one.
    pub(super) fn in_this(self, number: Ratio) -> Option<Ratio> {
        number
            .times(Ratio::whole(self.of))?
            .over(Ratio::whole(self.number))
    }
}

impl Quantity {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Length => "a length",
            Self::Angle => "an angle",
            Self::Speed => "a speed",
            Self::Discharge => "a discharge",
            Self::Temperature => "a temperature",
            Self::Pressure => "a pressure",
            Self::Share => "a share",
        }
    }
}
