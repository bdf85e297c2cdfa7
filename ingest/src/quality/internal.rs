//! Internal consistency: what one station says of one thing against what it says of another.

use super::limits;
use super::series::{Point, Seat};
use super::{Cause, Screen, Verdict};
use model::{Observation, Parameter, Quality};

/// How old another parameter's reading may be and still speak of the same weather.
const SAME_WEATHER_MS: i64 = 10 * 60_000;

impl Screen {
    /// A gust is never below the mean wind of the same time.
    pub(super) fn gust_below_mean(&self, seat: Seat, seen: &Observation) -> Option<Verdict> {
        let is_gust = seen.parameter == Parameter::WindGust;
        let other = if is_gust {
            Parameter::WindSpeed
        } else {
            Parameter::WindGust
        };
        let other = self.newest(seat, other)?;
        let (gust, mean) = if is_gust {
            (seen.value, other.value)
        } else {
            (other.value, seen.value)
        };
        (other.time == seen.time.millis() && gust < mean).then_some(Verdict {
            quality: Quality::Suspect,
            cause: Cause::GustBelowMean,
            is_news: true,
        })
    }

    /// Rain does not fall through dry air for long.
    pub(super) fn rain_in_dry_air(&self, seat: Seat, seen: &Observation) -> Option<Verdict> {
        if seen.value <= 0 {
            return None;
        }
        let humidity = self.newest(seat, Parameter::Humidity)?;
        let is_near = humidity.time.abs_diff(seen.time.millis()) <= SAME_WEATHER_MS.unsigned_abs();
        (is_near && humidity.value < limits::RAIN_HUMIDITY_MIN).then_some(Verdict {
            quality: Quality::Suspect,
            cause: Cause::RainInDryAir,
            is_news: true,
        })
    }

    /// True where the weather or the site explains that nothing moves.
    pub(super) fn may_stand_still(&self, seat: Seat, seen: &Observation) -> bool {
        match seen.parameter {
            Parameter::Rainfall | Parameter::WaterDepth => seen.value <= 0,
            Parameter::Humidity => seen.value >= limits::HUMIDITY_STILL_MAX,
            Parameter::WindSpeed => seen.value <= limits::CALM_MAX,
            Parameter::WindDirection => self
                .newest(seat, Parameter::WindSpeed)
                .is_none_or(|wind| wind.value <= limits::CALM_MAX),
            Parameter::RainfallTotal
            | Parameter::WaterLevel
            | Parameter::Flow
            | Parameter::WindGust
            | Parameter::Temperature
            | Parameter::Pressure
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
            | Parameter::Storage => false,
        }
    }

    fn newest(&self, seat: Seat, parameter: Parameter) -> Option<Point> {
        let series = self.series.get(seat.series(parameter)?)?;
        Some(series.newest).filter(|point| point.is_known())
    }
}
