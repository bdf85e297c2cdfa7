//! What somebody expects: the forecast of a parameter at a place, and of a tropical cyclone's track.

use crate::{AreaCode, City, Named, Parameter, Quanta, StationNo, Time, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most steps of one series.
pub const STEPS_MAX: usize = 1000;
/// Most points of one track.
pub const POINTS_MAX: usize = 200;

/// One forecast. A later issue of the same takes its place as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// Of a parameter at a place.
    Series(ForecastSeries),
    /// Of a tropical cyclone.
    Track(Track),
}

/// Where a series holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForecastPlace {
    /// An area, and whatever in it has no nearer forecast.
    Area(AreaCode),
    /// One station.
    Station(StationNo),
}

/// A parameter at a place, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastSeries {
    /// When it was issued.
    pub issued: Time,
    /// By whom, as written there.
    pub source: String,
    /// What is expected.
    pub parameter: Parameter,
    /// Where.
    pub place: ForecastPlace,
    /// By time; they follow each other and do not overlap.
    pub steps: Vec<Step>,
}

/// What is expected over `(from, to]`: the sum of rain, the value of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where it begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// In quanta of the parameter.
    pub value: Quanta,
}

/// The forecast track of a tropical cyclone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// When it was issued.
    pub issued: Time,
    /// By whom, as written there.
    pub source: String,
    /// Its international or national number.
    pub storm: String,
    /// Its name, where it has one.
    pub name: Option<Named>,
    /// Where its centre is and will be, by time. None at all: it is over.
    pub points: Vec<TrackPoint>,
}

/// A cyclone at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackPoint {
    /// When.
    pub time: Time,
    /// Longitude of the centre, WGS-84 degrees.
    pub lon: f64,
    /// Latitude of the centre, WGS-84 degrees.
    pub lat: f64,
    /// Highest mean wind near the centre, tenths of m/s.
    pub wind: Option<Quanta>,
    /// Lowest pressure, tenths of hPa.
    pub pressure: Option<Quanta>,
    /// Wind circles, by [`WindForce`].
    pub circles: [Option<Quadrants>; 3],
    /// True where the circles are not the issuer's but follow from wind and latitude.
    pub is_estimated: bool,
}

/// Radii of a wind circle in its four quadrants, km, 0 where that wind does not blow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quadrants {
    /// Northeast.
    pub ne: u16,
    /// Southeast.
    pub se: u16,
    /// Southwest.
    pub sw: u16,
    /// Northwest.
    pub nw: u16,
}

/// The forces that circles are given for (GB/T 28591-2012).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WindForce {
    /// 13.9 m/s and more.
    Seven,
    /// 24.5 m/s and more.
    Ten,
    /// 32.7 m/s and more.
    Twelve,
}

impl Forecast {
    /// The zones that look at it: those of its station, that of its area, and every one where the area
    /// is more than one of them or a cyclone is on its way; always the city's, which keeps the weather
    /// processes of all.
    pub fn zones(&self, city: &City) -> BTreeSet<Zone> {
        let all = || {
            (0..city.zones.len())
                .map(|zone| Zone(zone as u16))
                .collect()
        };
        let Self::Series(series) = self else {
            return all();
        };
        match series.place {
            ForecastPlace::Station(no) => {
                let zones = city.station(no).map(|station| &station.zones);
                let zones = zones.into_iter().flatten().copied();
                zones.chain([city.city_zone()]).collect()
            }
            ForecastPlace::Area(code) => match city.area_no(code).map(|no| city.zone_of(no)) {
                Some(zone) if zone != city.city_zone() => BTreeSet::from([zone, city.city_zone()]),
                Some(_) | None => all(),
            },
        }
    }

    /// When it was issued.
    pub const fn issued(&self) -> Time {
        match self {
            Self::Series(series) => series.issued,
            Self::Track(track) => track.issued,
        }
    }
}

impl WindForce {
    /// Every force, by its place among circles.
    pub const ALL: [Self; 3] = [Self::Seven, Self::Ten, Self::Twelve];

    /// The Beaufort number.
    pub const fn beaufort(self) -> u8 {
        match self {
            Self::Seven => 7,
            Self::Ten => 10,
            Self::Twelve => 12,
        }
    }

    /// The force of that Beaufort number, where circles are given for it.
    pub fn from_beaufort(number: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|force| i64::from(force.beaufort()) == number)
    }

    /// Where it begins, m/s.
    pub const fn from_mps(self) -> f64 {
        match self {
            Self::Seven => 13.9,
            Self::Ten => 24.5,
            Self::Twelve => 32.7,
        }
    }
}

impl TrackPoint {
    /// The circle of a force.
    pub const fn circle(&self, force: WindForce) -> Option<Quadrants> {
        let [seven, ten, twelve] = self.circles;
        match force {
            WindForce::Seven => seven,
            WindForce::Ten => ten,
            WindForce::Twelve => twelve,
        }
    }
}

impl Quadrants {
    /// The same radius all round.
    pub const fn round(km: u16) -> Self {
        Self {
            ne: km,
            se: km,
            sw: km,
            nw: km,
        }
    }
}
