//! What each parameter can be and how fast it can change: the numbers of quality control as data.
//!
//! Ranges (the parameter's own, see the model), steps and least variability follow WMO-No. 8 (annex
//! on automatic stations, levels of Zahumenský 2004) as the China Meteorological Administration
//! applies them (QX/T 118), per minute; those without a standard are this project's design and wide.

use model::{Parameter, Quanta};

/// The longest interval a value may cover, in seconds: a month of 31 days.
pub const INTERVAL_S_MAX: u32 = 31 * 86_400;

/// Rain in one minute beyond which a value is suspect: no gauge has recorded it (0.01 mm).
pub const RAIN_MINUTE_MAX: i64 = 4000;

/// Rain in one hour beyond which a value is suspect (0.01 mm). The record of Guangdong is
/// 184.4 mm, of China 201.9 mm: suspect values are shown and used, never dropped.
pub const RAIN_HOUR_SUSPECT: i64 = 12_000;

/// Rain while the air is drier than this is suspect (0.1 %).
pub const RAIN_HUMIDITY_MIN: Quanta = 500;

/// Relative humidity at and above which it may stand still: saturated air
/// (0.1 %).
pub const HUMIDITY_STILL_MAX: Quanta = 950;

/// Wind at and below which speed and direction may stand still: calm (0.1 m/s).
pub const CALM_MAX: Quanta = 1;

/// How fast a parameter may change, in quanta a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Above: suspect.
    pub suspect: Quanta,
    /// Above: wrong. Only where no weather does it and no warning hangs on the value.
    pub wrong: Quanta,
}

/// How long a parameter may stay within less than `change`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Still {
    /// Quanta that count as a change.
    pub change: Quanta,
    /// Minutes without one after which the sensor counts as stuck.
    pub minutes: i64,
}

/// How fast the parameter may change; `None` where no rate is impossible.
pub const fn step(parameter: Parameter) -> Option<Step> {
    // A gust front or a failing dam may exceed what is suspect here: such values wait for a second
    // reading and are never wrong.
    match parameter {
        Parameter::Temperature => Some(Step {
            suspect: 30,
            wrong: Quanta::MAX,
        }),
        Parameter::Humidity => Some(Step {
            suspect: 100,
            wrong: 150,
        }),
        Parameter::WindSpeed => Some(Step {
            suspect: 100,
            wrong: Quanta::MAX,
        }),
        Parameter::Pressure => Some(Step {
            suspect: 5,
            wrong: 20,
        }),
        Parameter::WaterLevel => Some(Step {
            suspect: 5000,
            wrong: Quanta::MAX,
        }),
        Parameter::WaterDepth => Some(Step {
            suspect: 3000,
            wrong: Quanta::MAX,
        }),
        Parameter::Rainfall
        | Parameter::RainfallTotal
        | Parameter::Flow
        | Parameter::WindGust
        | Parameter::WindDirection
        | Parameter::Visibility
        | Parameter::SoilMoisture
        | Parameter::Displacement
        | Parameter::Tilt
        | Parameter::Crack
        | Parameter::PorePressure
        | Parameter::GroundwaterLevel
        | Parameter::Snowfall
        | Parameter::Lightning
        | Parameter::Hail
        | Parameter::RoadTemperature
        | Parameter::FireDanger
        | Parameter::Storage => None,
    }
}

/// How long the parameter may stand still; `None` where it may for ever.
pub const fn still(parameter: Parameter) -> Option<Still> {
    match parameter {
        Parameter::Temperature | Parameter::Pressure => Some(Still {
            change: 1,
            minutes: 60,
        }),
        Parameter::Humidity => Some(Still {
            change: 10,
            minutes: 60,
        }),
        Parameter::WindSpeed => Some(Still {
            change: 5,
            minutes: 60,
        }),
        Parameter::WindDirection => Some(Still {
            change: 10,
            minutes: 60,
        }),
        Parameter::WaterLevel | Parameter::WaterDepth => Some(Still {
            change: 1,
            minutes: 24 * 60,
        }),
        // Tips that never vary are a fault of the gauge; none at all is dry weather.
        Parameter::Rainfall => Some(Still {
            change: 1,
            minutes: 60,
        }),
        Parameter::RainfallTotal
        | Parameter::Flow
        | Parameter::WindGust
        | Parameter::Visibility
        | Parameter::SoilMoisture
        | Parameter::Displacement
        | Parameter::Tilt
        | Parameter::Crack
        | Parameter::PorePressure
        | Parameter::GroundwaterLevel
        | Parameter::Snowfall
        | Parameter::Lightning
        | Parameter::Hail
        | Parameter::RoadTemperature
        | Parameter::FireDanger
        | Parameter::Storage => None,
    }
}
