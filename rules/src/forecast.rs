//! What is expected: the forecasts in force, and the figures that conditions ask of them.
//!
//! Of each parameter at each place, and of each cyclone, the newest issue stands and nothing else
//! (whatever its source). `forecast(rainfall, "6h")` looks ahead from the subject's newest observation;
//! where a rule reads no observations, from record time.

mod cyclone;

use crate::window::Value;
use model::{
    Forecast, ForecastPlace, ForecastSeries, Parameter, Quanta, Span, Step, Time, Track, WindForce,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use cyclone::{Point, circle_arrival, outline};

/// Steps that ended longer ago tell nothing any more.
const KEPT: Span = Span::from_minutes(24 * 60);
/// Cyclones held at once; the one issued longest ago gives way.
const STORMS_MAX: usize = 16;
/// Parts of a quantum in which shares of a step are counted.
const PARTS: i128 = 1000;

/// What is asked of forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// Sum over the window.
    Sum,
    /// Largest value in it.
    Max,
    /// Smallest value in it.
    Min,
    /// Hours until a cyclone's wind circle reaches the place.
    CircleIn(WindForce),
    /// Kilometres to the centre of the nearest cyclone, now.
    Distance,
    /// Least distance of a centre within the window, kilometres.
    Closest,
}

/// The forecasts in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Forecasts {
    held: Held,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    #[serde(with = "as_list")]
    series: BTreeMap<(Parameter, ForecastPlace), ForecastSeries>,
    tracks: BTreeMap<String, Track>,
}

/// Keys of the map stand in its values.
mod as_list {
    use super::{BTreeMap, ForecastPlace, ForecastSeries, Parameter};
    use serde::{Deserialize, Deserializer, Serializer};

    type Map = BTreeMap<(Parameter, ForecastPlace), ForecastSeries>;

    pub(super) fn serialize<S: Serializer>(map: &Map, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Map, D::Error> {
        let list = Vec::<ForecastSeries>::deserialize(from)?;
        let keyed = list.into_iter();
        Ok(keyed
            .map(|series| ((series.parameter, series.place), series))
            .collect())
    }
}

impl Ask {
    /// What `forecast(PARAM, w)` means where nothing else is said: what warns.
    pub(crate) const fn natural(parameter: Parameter) -> Self {
        match parameter {
            Parameter::Rainfall
            | Parameter::RainfallTotal
            | Parameter::Snowfall
            | Parameter::Lightning => Self::Sum,
            Parameter::Visibility | Parameter::RoadTemperature | Parameter::Storage => Self::Min,
            Parameter::WaterLevel
            | Parameter::WaterDepth
            | Parameter::Flow
            | Parameter::WindSpeed
            | Parameter::WindGust
            | Parameter::WindDirection
            | Parameter::Temperature
            | Parameter::Humidity
            | Parameter::Pressure
            | Parameter::SoilMoisture
            | Parameter::Displacement
            | Parameter::Tilt
            | Parameter::Crack
            | Parameter::PorePressure
            | Parameter::GroundwaterLevel
            | Parameter::Hail
            | Parameter::FireDanger => Self::Max,
        }
    }
}

impl Forecasts {
    /// True where nothing is expected by anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.series.is_empty() && self.held.tracks.is_empty()
    }

    /// Takes a forecast in; false where a later issue of the same stands.
    pub(crate) fn take(&mut self, forecast: &Forecast, at: Time) -> bool {
        let kept = |step: &Step| step.to > at - KEPT;
        match forecast {
            Forecast::Series(series) => {
                let held = &mut self.held.series;
                held.retain(|_, series| series.steps.last().is_some_and(kept));
                let key = (series.parameter, series.place);
                let before = held.get(&key).map(|before| before.issued);
                if before.is_some_and(|before| before > series.issued) {
                    return false;
                }
                held.insert(key, series.clone());
                true
            }
            Forecast::Track(track) => {
                let held = &mut self.held.tracks;
                let before = held.get(&track.storm).map(|before| before.issued);
                if before.is_some_and(|before| before > track.issued) {
                    return false;
                }
                let is_known = before.is_some();
                held.insert(track.storm.clone(), track.clone());
                if !is_known && held.len() > STORMS_MAX {
                    let oldest = held.values().min_by_key(|track| track.issued);
                    if let Some(oldest) = oldest.map(|track| track.storm.clone()) {
                        held.remove(&oldest);
                    }
                }
                true
            }
        }
    }

    /// What is expected of a parameter in `(from, from + length]` at the first of the places that has a
    /// forecast. It is known as far as steps reach, and covered where they reach over four fifths.
    pub(crate) fn expected(
        &self,
        ask: Ask,
        parameter: Parameter,
        places: impl Iterator<Item = ForecastPlace>,
        from: Time,
        length: Span,
    ) -> Value {
        let Some(series) = self.at(parameter, places) else {
            return Value::UNKNOWN;
        };
        let (from, to) = (from.millis(), (from + length).millis());
        let mut covered_ms = 0;
        let mut sum = 0i128;
        let (mut max, mut min) = (Quanta::MIN, Quanta::MAX);
        for step in &series.steps {
            let (begins, ends) = (step.from.millis(), step.to.millis());
            let within = ends.min(to) - begins.max(from);
            if within <= 0 {
                continue;
            }
            covered_ms += within;
            sum += share(step, within);
            (max, min) = (max.max(step.value), min.min(step.value));
        }
        if covered_ms == 0 {
            return Value::UNKNOWN;
        }
        let covered = covered_ms * 10 >= length.millis() * 8;
        match ask {
            Ask::Sum => Value {
                number: sum,
                of: PARTS,
                covered,
            },
            Ask::Max => Value::whole(i64::from(max), covered),
            Ask::Min => Value::whole(i64::from(min), covered),
            Ask::CircleIn(_) | Ask::Distance | Ask::Closest => Value::UNKNOWN,
        }
    }

    /// What of it has come by `by`, the step that begins then with it: nothing of a sum is nought.
    pub(crate) fn come(
        &self,
        ask: Ask,
        parameter: Parameter,
        places: impl Iterator<Item = ForecastPlace>,
        (from, by): (Time, Time),
        length: Span,
    ) -> Value {
        let Some(series) = self.at(parameter, places) else {
            return Value::UNKNOWN;
        };
        let end = from + length;
        let has_begun = |step: &&Step| step.to > from && step.from <= by && step.from < end;
        let begun = || series.steps.iter().filter(has_begun);
        let values = begun().map(|step| step.value);
        let extreme = match ask {
            Ask::Sum => {
                let come = |step: &Step| {
                    let ends = step.to.min(by).min(end);
                    share(step, ends.since(step.from.max(from)).millis().max(0))
                };
                return Value {
                    number: begun().map(come).sum(),
                    of: PARTS,
                    covered: true,
                };
            }
            Ask::Max => values.max(),
            Ask::Min => values.min(),
            Ask::CircleIn(_) | Ask::Distance | Ask::Closest => None,
        };
        extreme.map_or(Value::UNKNOWN, |value| Value::whole(i64::from(value), true))
    }

    /// The forecast of the first place that has one.
    fn at(
        &self,
        parameter: Parameter,
        mut places: impl Iterator<Item = ForecastPlace>,
    ) -> Option<&ForecastSeries> {
        places.find_map(|place| self.held.series.get(&(parameter, place)))
    }

    /// What cyclones do to a place that is as large as its points lie apart.
    pub(crate) fn cyclones(&self, ask: Ask, points: &[Point], now: Time, length: Span) -> Value {
        let tracks = self.held.tracks.values();
        let tracks = tracks.filter(|track| !track.points.is_empty());
        let found = tracks.map(|track| cyclone::of(ask, track, points, now, length));
        // No cyclone is far away, for certain; one whose track has run out is who knows where.
        let nothing = crate::indicator::never();
        found.fold(nothing, |nearest, one| {
            match (nearest.is_known(), one.is_known()) {
                (true, true) if one.number < nearest.number => one,
                (true, true) => nearest,
                (true, false) if nearest.number < crate::indicator::NEVER => nearest,
                (_, _) => one,
            }
        })
    }
}

/// What falls in so many milliseconds of a step, in parts.
fn share(step: &Step, within_ms: i64) -> i128 {
    let whole = i128::from(step.to.millis() - step.from.millis());
    i128::from(step.value) * PARTS * i128::from(within_ms) / whole.max(1)
}

#[cfg(test)]
mod tests;
