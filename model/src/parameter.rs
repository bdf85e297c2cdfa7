//! What can be measured, in which unit, and in how many integer quanta of it.
//!
//! Decimal text becomes an integer once, rounded half to even, so that sums are exact and the
//! same everywhere (semantics §10).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value as a whole number of its parameter's quanta (rain: hundredths of a millimetre).
pub type Quanta = i32;

/// A measured quantity. The text name is the contract's (`rainfall`, `water_depth`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Parameter {
    /// Precipitation over the reporting interval, mm; quantum 0.01 mm.
    Rainfall = 0,
    /// Precipitation counter, mm; quantum 0.01 mm. Differenced into `Rainfall` by the screen.
    RainfallTotal = 1,
    /// Water level above the station's datum, m; quantum 0.1 mm.
    WaterLevel = 2,
    /// Depth of standing water, m; quantum 0.1 mm.
    WaterDepth = 3,
    /// Discharge, m³/s; quantum 0.001 m³/s.
    Flow = 4,
    /// Mean wind speed, m/s; quantum 0.1 m/s.
    WindSpeed = 5,
    /// Gust, m/s; quantum 0.1 m/s.
    WindGust = 6,
    /// Direction the wind comes from, degrees; quantum 1°.
    WindDirection = 7,
    /// Air temperature, °C; quantum 0.1 °C.
    Temperature = 8,
    /// Relative humidity, %; quantum 0.1 %.
    Humidity = 9,
    /// Air pressure at the station, hPa; quantum 0.1 hPa.
    Pressure = 10,
    /// Meteorological optical range, m; quantum 1 m.
    Visibility = 11,
    /// Relative soil moisture, %; quantum 0.1 %.
    SoilMoisture = 12,
    /// Displacement of a slope since installation, mm; quantum 0.01 mm.
    Displacement = 13,
    /// Tilt, degrees; quantum 0.001°.
    Tilt = 14,
    /// Crack width, mm; quantum 0.01 mm.
    Crack = 15,
    /// Pore water pressure, kPa; quantum 0.01 kPa.
    PorePressure = 16,
    /// Groundwater level above datum, m; quantum 0.1 mm.
    GroundwaterLevel = 17,
    /// Snow over the reporting interval as the water it melts to, mm; quantum 0.01 mm.
    Snowfall = 18,
    /// Lightning strokes within the detector's reach over the reporting interval; quantum 1.
    Lightning = 19,
    /// Diameter of the largest hailstone over the reporting interval, 0 for none, mm; quantum 0.1 mm.
    Hail = 20,
    /// Temperature of a road's surface, °C; quantum 0.1 °C.
    RoadTemperature = 21,
    /// Grade of the forest-fire weather, 1 to 5, as its office publishes it for a place; quantum 1.
    FireDanger = 22,
    /// Usable storage of a reservoir, % of what lies between its dead and its normal level;
    /// quantum 0.1 %.
    Storage = 23,
}

/// Why a text is not a value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not decimal text.
    #[error("not a decimal number")]
    NotDecimal,
    /// More quanta than an `i32` holds.
    #[error("too large")]
    TooLarge,
}

impl Parameter {
    /// Every parameter, in code order.
    pub const ALL: [Self; 24] = [
        Self::Rainfall,
        Self::RainfallTotal,
        Self::WaterLevel,
        Self::WaterDepth,
        Self::Flow,
        Self::WindSpeed,
        Self::WindGust,
        Self::WindDirection,
        Self::Temperature,
        Self::Humidity,
        Self::Pressure,
        Self::Visibility,
        Self::SoilMoisture,
        Self::Displacement,
        Self::Tilt,
        Self::Crack,
        Self::PorePressure,
        Self::GroundwaterLevel,
        Self::Snowfall,
        Self::Lightning,
        Self::Hail,
        Self::RoadTemperature,
        Self::FireDanger,
        Self::Storage,
    ];

    /// The stable code used in stored records.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The parameter with that stored code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rainfall => "rainfall",
            Self::RainfallTotal => "rainfall_total",
            Self::WaterLevel => "water_level",
            Self::WaterDepth => "water_depth",
            Self::Flow => "flow",
            Self::WindSpeed => "wind_speed",
            Self::WindGust => "wind_gust",
            Self::WindDirection => "wind_direction",
            Self::Temperature => "temperature",
            Self::Humidity => "humidity",
            Self::Pressure => "pressure",
            Self::Visibility => "visibility",
            Self::SoilMoisture => "soil_moisture",
            Self::Displacement => "displacement",
            Self::Tilt => "tilt",
            Self::Crack => "crack",
            Self::PorePressure => "pore_pressure",
            Self::GroundwaterLevel => "groundwater_level",
            Self::Snowfall => "snowfall",
            Self::Lightning => "lightning",
            Self::Hail => "hail",
            Self::RoadTemperature => "road_temperature",
            Self::FireDanger => "fire_danger",
            Self::Storage => "storage",
        }
    }

    /// The parameter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Seconds that a value stands for where neither it nor the registry says: the usual step of
    /// such sensors. Coverage of windows and gaps go by it (semantics §15, §17).
    pub const fn usual_interval_s(self) -> u32 {
        match self {
            Self::Rainfall
            | Self::RainfallTotal
            | Self::WaterDepth
            | Self::Snowfall
            | Self::Lightning
            | Self::Hail => 60,
            Self::WindSpeed
            | Self::WindGust
            | Self::WindDirection
            | Self::Temperature
            | Self::Humidity
            | Self::Pressure
            | Self::Visibility
            | Self::RoadTemperature => 300,
            Self::Displacement | Self::Tilt | Self::Crack | Self::PorePressure => 600,
            Self::WaterLevel | Self::Flow | Self::SoilMoisture | Self::GroundwaterLevel => 3600,
            Self::FireDanger | Self::Storage => 86_400,
        }
    }

    /// The unit values are given in where no `unit` is written.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Rainfall
            | Self::RainfallTotal
            | Self::Displacement
            | Self::Crack
            | Self::Snowfall
            | Self::Hail => "mm",
            Self::WaterLevel | Self::WaterDepth | Self::GroundwaterLevel | Self::Visibility => "m",
            Self::Flow => "m3/s",
            Self::WindSpeed | Self::WindGust => "m/s",
            Self::WindDirection | Self::Tilt => "deg",
            Self::Temperature | Self::RoadTemperature => "Cel",
            Self::Humidity | Self::SoilMoisture | Self::Storage => "%",
            Self::Pressure => "hPa",
            Self::PorePressure => "kPa",
            Self::Lightning | Self::FireDanger => "1",
        }
    }

    /// Decimal places of the quantum in the parameter's unit: one unit is `10^decimals` quanta.
    pub const fn decimals(self) -> u32 {
        match self {
            Self::WindDirection | Self::Visibility | Self::Lightning | Self::FireDanger => 0,
            Self::WindSpeed
            | Self::WindGust
            | Self::Temperature
            | Self::Humidity
            | Self::Pressure
            | Self::SoilMoisture
            | Self::Hail
            | Self::RoadTemperature
            | Self::Storage => 1,
            Self::Rainfall
            | Self::RainfallTotal
            | Self::Displacement
            | Self::Crack
            | Self::PorePressure
            | Self::Snowfall => 2,
            Self::Flow | Self::Tilt => 3,
            Self::WaterLevel | Self::WaterDepth | Self::GroundwaterLevel => 4,
        }
    }

    /// Quanta in one unit.
    pub const fn quanta_per_unit(self) -> i64 {
        10i64.pow(self.decimals())
    }

    /// Least and greatest value that can be, in quanta: what lies beyond is a fault of its sensor.
    pub const fn range(self) -> (Quanta, Quanta) {
        let (low, high) = self.range_in_units();
        let quanta = self.quanta_per_unit() as Quanta;
        (low * quanta, high * quanta)
    }

    /// Its range in words: `rainfall lies within 0 and 2000 mm`.
    pub fn bounds(self) -> String {
        let (low, high) = self.range();
        let (low, high) = (self.decimal(low.into()), self.decimal(high.into()));
        format!("{self} lies within {low} and {high} {}", self.unit())
    }

    const fn range_in_units(self) -> (Quanta, Quanta) {
        match self {
            // A day's world record is 1,825 mm (Foc-Foc 1966); what is high but possible is the
            // screen's to mark.
            Self::Rainfall => (0, 2000),
            Self::RainfallTotal => (0, 200_000),
            Self::WaterLevel | Self::GroundwaterLevel => (-1000, 9000),
            // Pressure sensors above the water read a little below zero.
            Self::WaterDepth => (-1, 100),
            Self::Flow => (-200_000, 400_000),
            Self::WindSpeed => (0, 75),
            Self::WindGust => (0, 150),
            Self::WindDirection => (0, 360),
            Self::Temperature => (-80, 60),
            // Capacitive sensors read some per cent above saturation in long rain.
            Self::Humidity | Self::SoilMoisture => (0, 105),
            Self::Pressure => (500, 1100),
            Self::Visibility => (0, 100_000),
            Self::Displacement => (-100_000, 100_000),
            Self::Tilt => (-180, 180),
            Self::Crack => (-10_000, 10_000),
            Self::PorePressure => (-100, 10_000),
            // The deepest snow of a day on record, 1.9 m (Silver Lake 1921), is less than this as water.
            Self::Snowfall => (0, 500),
            Self::Lightning => (0, 1_000_000),
            // The largest stone on record had 203 mm (Vivian 2010).
            Self::Hail => (0, 300),
            Self::RoadTemperature => (-80, 100),
            Self::FireDanger => (1, 5),
            // Above the normal level there is more than all.
            Self::Storage => (0, 200),
        }
    }

    /// True where zero means "none", so that a ratio of a threshold makes sense (semantics §18).
    pub const fn is_ratio_scale(self) -> bool {
        match self {
            Self::Rainfall
            | Self::RainfallTotal
            | Self::WaterDepth
            | Self::Flow
            | Self::WindSpeed
            | Self::WindGust
            | Self::Humidity
            | Self::Visibility
            | Self::SoilMoisture
            | Self::Displacement
            | Self::Tilt
            | Self::Crack
            | Self::Snowfall
            | Self::Lightning
            | Self::Hail
            | Self::Storage => true,
            Self::WaterLevel
            | Self::WindDirection
            | Self::Temperature
            | Self::Pressure
            | Self::PorePressure
            | Self::GroundwaterLevel
            | Self::RoadTemperature
            | Self::FireDanger => false,
        }
    }

    /// Reads decimal text (`0.6`, `-12`, `1.002e+03`) into quanta, half to even.
    pub fn quanta(self, text: &str) -> Result<Quanta, ValueError> {
        decimal_to_quanta(text.as_bytes(), self.decimals() as i32)
    }

    /// Reads decimal text given in a unit that is `10^exponent` of this parameter's own
    /// (`cm` for depth: −2), half to even.
    pub fn quanta_scaled(self, text: &str, exponent: i32) -> Result<Quanta, ValueError> {
        decimal_to_quanta(text.as_bytes(), self.decimals() as i32 + exponent)
    }

    /// Prints quanta as the shortest decimal in the parameter's unit (`60` of rain is `0.6`).
    pub fn decimal(self, quanta: i64) -> String {
        let scale = self.quanta_per_unit();
        let sign = if quanta < 0 { "-" } else { "" };
        let magnitude = quanta.unsigned_abs();
        let (whole, part) = (
            magnitude / scale.unsigned_abs(),
            magnitude % scale.unsigned_abs(),
        );
        if part == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{part:0width$}", width = self.decimals() as usize);
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Decimal text times `10^shift`, rounded half to even. At most 18 significant digits are kept
/// exactly; a sticky flag stands for the rest.
fn decimal_to_quanta(text: &[u8], shift: i32) -> Result<Quanta, ValueError> {
    let (negative, mut at) = match text.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let (mut mantissa, mut exponent, mut sticky) = (0i64, shift, false);
    let (mut digits, mut point) = (0usize, false);
    loop {
        match text.get(at) {
            Some(digit @ b'0'..=b'9') => {
                digits += 1;
                if mantissa < 100_000_000_000_000_000 {
                    mantissa = mantissa * 10 + i64::from(digit - b'0');
                    exponent -= i32::from(point);
                } else {
                    sticky |= *digit != b'0';
                    exponent += i32::from(!point);
                }
            }
            Some(b'.') if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    if digits == 0 {
        return Err(ValueError::NotDecimal);
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let rest = text.get(at + 1..).unwrap_or_default();
        let written: i32 = std::str::from_utf8(rest)
            .ok()
            .and_then(|t| t.parse().ok())
            .ok_or(ValueError::NotDecimal)?;
        exponent = exponent.saturating_add(written);
    } else if at != text.len() {
        return Err(ValueError::NotDecimal);
    }
    let rounded = scale_half_even(mantissa, exponent, sticky).ok_or(ValueError::TooLarge)?;
    let signed = if negative { -rounded } else { rounded };
    Quanta::try_from(signed).map_err(|_| ValueError::TooLarge)
}

fn scale_half_even(mantissa: i64, exponent: i32, sticky: bool) -> Option<i64> {
    if mantissa == 0 {
        return Some(0);
    }
    if exponent >= 0 {
        let factor = 10i64.checked_pow(exponent.unsigned_abs())?;
        return mantissa.checked_mul(factor);
    }
    let Some(divisor) = 10i64.checked_pow(exponent.unsigned_abs()) else {
        return Some(0);
    };
    let (quotient, remainder) = (mantissa / divisor, mantissa % divisor);
    let twice = i128::from(remainder) * 2;
    let up = match twice.cmp(&i128::from(divisor)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => sticky || quotient % 2 == 1,
    };
    Some(quotient + i64::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_and_names_are_stable() {
        for (code, parameter) in Parameter::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(parameter.code()), code);
            assert_eq!(Parameter::from_name(parameter.name()), Some(parameter));
        }
    }

    #[test]
    fn rounds_half_to_even_once() {
        let rain = Parameter::Rainfall;
        for (text, quanta) in [
            ("0.6", 60),
            ("0.125", 12),
            ("0.135", 14),
            ("-0.125", -12),
            ("0.12500000000000000000001", 13),
            ("1.002e+03", 100_200),
            ("5e-1", 50),
            ("0", 0),
            ("1e-400", 0),
        ] {
            assert_eq!(rain.quanta(text), Ok(quanta), "{text}");
        }
        assert_eq!(Parameter::WaterDepth.quanta_scaled("15", -2), Ok(1500));
        assert_eq!(rain.quanta("1e30"), Err(ValueError::TooLarge));
        for text in ["", "-", ".", "1.2.3", "abc", "1e", "NaN", "inf", "1 "] {
            assert_eq!(rain.quanta(text), Err(ValueError::NotDecimal), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_is_the_identity(quanta in any::<i32>(), code in 0..Parameter::ALL.len() as u8) {
            let parameter = Parameter::from_code(code).unwrap();
            let text = parameter.decimal(i64::from(quanta));
            prop_assert_eq!(parameter.quanta(&text), Ok(quanta));
        }

        #[test]
        fn never_panics(text in "\\PC{0,30}", shift in -5i32..6) {
            let _ = decimal_to_quanta(text.as_bytes(), shift);
        }
    }
}
