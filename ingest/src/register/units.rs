//! Units that values may be sent in, each an exact ratio to the parameter's own (UCUM spellings
//! and the ones that devices really write).

use super::decimal::Ratio;
use model::Parameter;

/// Why a unit cannot be read for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitError {
    /// Not a unit known here, or one of another quantity.
    Other,
    /// An intensity where an amount is asked for.
    Intensity,
}

/// What turns a number written in `unit` into the parameter's own unit.
pub fn ratio(parameter: Parameter, unit: &str) -> Result<Ratio, UnitError> {
    if unit == parameter.unit() {
        return Ok(Ratio::ONE);
    }
    let found = match parameter {
        Parameter::Rainfall | Parameter::RainfallTotal | Parameter::Snowfall => match unit {
            "mm/h" | "mm/min" | "mm/s" | "in/h" => return Err(UnitError::Intensity),
            // A kilogram of water on a square metre is a millimetre (WMO-No. 306, BUFR 0 13 011).
            "kg/m2" | "kg.m-2" | "kg m-2" => Some(Ratio::ONE),
            _ => millimetres(unit),
        },
        Parameter::Displacement | Parameter::Crack | Parameter::Hail => millimetres(unit),
        Parameter::WaterLevel
        | Parameter::WaterDepth
        | Parameter::GroundwaterLevel
        | Parameter::Visibility => millimetres(unit).map(|r| per(r, 1000)),
        Parameter::Flow => cubic_metres_per_second(unit),
        Parameter::WindSpeed | Parameter::WindGust => metres_per_second(unit),
        Parameter::WindDirection | Parameter::Tilt => match unit {
            "°" | "degree" | "degrees" => Some(Ratio::ONE),
            "'" | "arcmin" => Some(Ratio::new(1, 60)),
            "''" | "\"" | "arcsec" => Some(Ratio::new(1, 3600)),
            _ => None,
        },
        Parameter::Temperature | Parameter::RoadTemperature => degrees_celsius(unit),
        Parameter::Humidity | Parameter::SoilMoisture | Parameter::Storage => match unit {
            "%RH" | "percent" => Some(Ratio::ONE),
            "1" => Some(Ratio::new(100, 1)),
            _ => None,
        },
        Parameter::Pressure => pascals(unit).map(|r| per(r, 100)),
        Parameter::PorePressure => pascals(unit).map(|r| per(r, 1000)),
        // Strokes and grades are counted: no unit scales them.
        Parameter::Lightning | Parameter::FireDanger => None,
    };
    found.ok_or(UnitError::Other)
}

fn millimetres(unit: &str) -> Option<Ratio> {
    Some(match unit {
        "mm" => Ratio::ONE,
        "cm" => Ratio::new(10, 1),
        "dm" => Ratio::new(100, 1),
        "m" => Ratio::new(1000, 1),
        "km" => Ratio::new(1_000_000, 1),
        "in" | "[in_i]" | "inch" => Ratio::new(254, 10),
        "ft" | "[ft_i]" => Ratio::new(3048, 10),
        _ => return None,
    })
}

fn metres_per_second(unit: &str) -> Option<Ratio> {
    Some(match unit {
        "m/s" | "m.s-1" | "m s-1" | "mps" => Ratio::ONE,
        "cm/s" => Ratio::new(1, 100),
        "km/h" | "kmh" | "km.h-1" => Ratio::new(5, 18),
        "kn" | "kt" | "kts" | "[kn_i]" => Ratio::new(463, 900),
        "mph" | "[mi_i]/h" => Ratio::new(44_704, 100_000),
        "ft/s" | "[ft_i]/s" => Ratio::new(3048, 10_000),
        _ => return None,
    })
}

fn cubic_metres_per_second(unit: &str) -> Option<Ratio> {
    Some(match unit {
        "m³/s" | "m3.s-1" | "cumec" => Ratio::ONE,
        "L/s" | "l/s" => Ratio::new(1, 1000),
        "m3/h" | "m³/h" => Ratio::new(1, 3600),
        "ft3/s" | "cfs" | "[cft_i]/s" => Ratio::new(28_316_846_592, 1_000_000_000_000),
        _ => return None,
    })
}

fn degrees_celsius(unit: &str) -> Option<Ratio> {
    let (numerator, denominator, offset_hundredths) = match unit {
        "°C" | "℃" | "C" | "degC" => (1, 1, 0),
        "K" => (1, 1, -27_315),
        "degF" | "[degF]" | "°F" | "℉" | "F" => (5, 9, -3_200),
        _ => return None,
    };
    Some(Ratio {
        numerator,
        denominator,
        offset_hundredths,
    })
}

fn pascals(unit: &str) -> Option<Ratio> {
    Some(match unit {
        "Pa" => Ratio::ONE,
        "hPa" | "mbar" | "mb" => Ratio::new(100, 1),
        "kPa" => Ratio::new(1000, 1),
        "MPa" => Ratio::new(1_000_000, 1),
        "bar" => Ratio::new(100_000, 1),
        // Conventional millimetre and inch of mercury (ISO 80000-4 annex, NIST SP 811 B.8).
        "mmHg" | "mm[Hg]" => Ratio::new(133_322_387_415, 1_000_000_000),
        "inHg" | "[in_i'Hg]" => Ratio::new(338_638_900, 100_000),
        _ => return None,
    })
}

const fn per(ratio: Ratio, denominator: i64) -> Ratio {
    Ratio {
        denominator: ratio.denominator * denominator,
        ..ratio
    }
}
