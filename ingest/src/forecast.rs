//! Forecasts of others: series by area or station and tracks of cyclones, in JSON, GeoJSON or CSV.
//!
//! JSON is one object, an array, or one object a line; `{"type":"FeatureCollection"}` is GeoJSON, whose
//! features name their area or lie on it. CSV has a header and a row for each step or point. What cannot
//! be read is a fault of its own and holds nothing else up; a value that the parameter cannot have, such as
//! a code for missing, costs its step.

mod json;
mod rows;
#[cfg(test)]
mod tests;

use crate::register::quanta;
use model::fault::{Faults, Place, perhaps, quoted};
use model::forecast::{POINTS_MAX, STEPS_MAX};
use model::{
    AreaCode, AreaLevel, City, Fault, Forecast, ForecastPlace, ForecastSeries, Named, Parameter,
    Quadrants, Quanta, Step, Time, Track, TrackPoint, WindForce,
};

/// Bytes of one file at most.
pub const BYTES_MAX: usize = 16 << 20;
/// Forecasts of one file at most.
pub const FORECASTS_MAX: usize = 20_000;
/// Characters of a source, a storm's number or its name at most.
const NAME_CHARS_MAX: usize = 64;
/// Largest radius of a wind circle, km.
const RADIUS_KM_MAX: f64 = 2000.0;

/// What a file says.
#[derive(Debug, Default)]
pub struct Read {
    /// What could be read.
    pub forecasts: Vec<Forecast>,
    /// What could not.
    pub faults: Vec<Fault>,
}

/// Reads a file of forecasts; `name` is what faults call it.
pub fn read(name: &str, bytes: &[u8], city: &City) -> Read {
    let mut reader = Reader {
        name,
        city,
        forecasts: Vec::new(),
        faults: Faults::default(),
    };
    if bytes.len() > BYTES_MAX {
        let what = format!("it has more than {BYTES_MAX} bytes");
        reader.fault(0, "", what, "send it in parts");
    } else {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match text.trim_ascii_start().first() {
            Some(b'{' | b'[') => reader.json(text),
            Some(_) => reader.rows(text),
            None => reader.fault(0, "", "it is empty", "send JSON, GeoJSON or CSV"),
        }
    }
    Read {
        forecasts: reader.forecasts,
        faults: reader.faults.into_vec(),
    }
}

struct Reader<'a> {
    name: &'a str,
    city: &'a City,
    forecasts: Vec<Forecast>,
    faults: Faults,
}

/// A series as written, its values already in quanta.
struct Series {
    line: u32,
    issued: Time,
    source: String,
    parameter: Parameter,
    places: Vec<ForecastPlace>,
    steps: Vec<Step>,
}

/// A point of a track as written: radii by force, the same all round or by quadrant.
#[derive(Default)]
struct Point {
    time: Time,
    lon: f64,
    lat: f64,
    wind_mps: Option<f64>,
    pressure_hpa: Option<f64>,
    radii_km: [Option<[f64; 4]>; 3],
}

impl Reader<'_> {
    /// A fault at a line, or in the file as a whole where the line is 0.
    fn fault(&mut self, line: u32, key: &str, what: impl Into<String>, remedy: &str) {
        let place = match line {
            0 => Place::file(self.name),
            line => Place::line(self.name, line),
        };
        self.faults.error(place, key, what.into(), remedy);
    }

    fn time(&mut self, line: u32, key: &str, text: &str) -> Option<Time> {
        let time = Time::parse(text.trim()).ok().map(|(time, _)| time);
        if time.is_none() {
            let what = format!("{} is not a time", quoted(text));
            self.fault(line, key, what, "write it like 2025-06-01T08:00:00+08:00");
        }
        time
    }

    fn parameter(&mut self, line: u32, text: &str) -> Option<Parameter> {
        let parameter = Parameter::from_name(text.trim());
        if parameter.is_none() {
            let what = format!("{} is not a parameter", quoted(text));
            let known = Parameter::ALL.map(Parameter::name);
            let near = perhaps(text.trim(), known);
            let remedy = format!("{near}known: {}", known.join(", "));
            self.fault(line, "parameter", what, &remedy);
        }
        parameter
    }

    fn value(
        &mut self,
        line: u32,
        parameter: Parameter,
        text: &str,
        unit: Option<&str>,
    ) -> Option<Quanta> {
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty());
        let value = quanta(parameter, text.trim(), unit);
        if value.is_none() {
            let unit = unit.unwrap_or(parameter.unit());
            let what = format!("{} {unit} is not a value of {parameter}", quoted(text));
            let remedy = format!("write a decimal number in {}", parameter.unit());
            self.fault(line, "value", what, &remedy);
        }
        let (low, high) = parameter.range();
        let can_be = |value: &Quanta| (low..=high).contains(value);
        if let Some(value) = value.filter(|value| !can_be(value)) {
            let shown = parameter.decimal(value.into());
            let what = format!("{shown} {} cannot be {parameter}", parameter.unit());
            let remedy = format!(
                "{}: check the unit; leave out what is not known (null)",
                parameter.bounds()
            );
            self.fault(line, "value", what, &remedy);
        }
        value.filter(can_be)
    }

    fn area(&mut self, line: u32, text: &str) -> Option<ForecastPlace> {
        let code = AreaCode::parse(text.trim()).ok();
        let known = code.filter(|code| self.city.area_no(*code).is_some());
        if known.is_none() {
            let what = format!("{} is no area of the city", quoted(text));
            self.fault(line, "area", what, "write a division code of areas.geojson");
        }
        known.map(ForecastPlace::Area)
    }

    fn station(&mut self, line: u32, text: &str) -> Option<ForecastPlace> {
        let number = self.city.station_no(text.trim());
        if number.is_none() {
            let what = format!("{} is no station of the city", quoted(text));
            self.fault(line, "station", what, "write an id of stations.csv");
        }
        number.map(ForecastPlace::Station)
    }

    fn name_of(&mut self, line: u32, key: &str, text: &str) -> Option<String> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX;
        let fits = fits && !text.chars().any(char::is_control);
        if !fits {
            let what = format!("{} cannot be a name", quoted(text));
            let remedy = format!("write 1 to {NAME_CHARS_MAX} characters");
            self.fault(line, key, what, &remedy);
        }
        fits.then(|| text.to_owned())
    }

    fn take(&mut self, line: u32, forecast: Forecast) {
        if self.forecasts.len() < FORECASTS_MAX {
            self.forecasts.push(forecast);
        } else if self.forecasts.len() == FORECASTS_MAX {
            let what = format!("it has more than {FORECASTS_MAX} forecasts");
            self.fault(line, "", what, "send it in parts");
        }
    }

    /// Takes a series in at each of its places.
    fn series(&mut self, mut series: Series) {
        series.steps.sort_by_key(|step| (step.to, step.from));
        let line = series.line;
        let pairs = series.steps.iter().zip(series.steps.iter().skip(1));
        let mut overlaps = pairs.filter(|(one, next)| next.from < one.to);
        let backward = series.steps.iter().any(|step| step.from >= step.to);
        if series.steps.is_empty() {
            self.fault(
                line,
                "steps",
                "it has no steps",
                "give from, to and value of each",
            );
        } else if series.steps.len() > STEPS_MAX {
            let what = format!("it has more than {STEPS_MAX} steps");
            self.fault(line, "steps", what, "give fewer or longer ones");
        } else if backward {
            self.fault(
                line,
                "steps",
                "a step ends before it begins",
                "write from before to",
            );
        } else if overlaps.next().is_some() {
            self.fault(
                line,
                "steps",
                "steps overlap",
                "let each begin where the last ended",
            );
        } else {
            for place in series.places {
                let forecast = Forecast::Series(ForecastSeries {
                    issued: series.issued,
                    source: series.source.clone(),
                    parameter: series.parameter,
                    place,
                    steps: series.steps.clone(),
                });
                self.take(line, forecast);
            }
        }
    }

    /// Takes a track in.
    fn track(
        &mut self,
        line: u32,
        head: (Time, String, String, Option<Named>),
        points: Vec<Point>,
    ) {
        let (issued, source, storm, name) = head;
        if points.len() > POINTS_MAX {
            let what = format!("it has more than {POINTS_MAX} points");
            return self.fault(line, "points", what, "give fewer");
        }
        let laid: Option<Vec<TrackPoint>> = points.iter().map(Point::laid).collect();
        let Some(mut laid) = laid else {
            let what = "a place, wind, pressure or radius is out of range";
            let remedy = "degrees WGS-84, m/s up to 120, hPa from 850 to 1100, km up to 2000";
            return self.fault(line, "points", what, remedy);
        };
        laid.sort_by_key(|point| point.time);
        if laid
            .iter()
            .zip(laid.iter().skip(1))
            .any(|(a, b)| a.time == b.time)
        {
            return self.fault(
                line,
                "points",
                "two points have one time",
                "keep one of them",
            );
        }
        let track = Track {
            issued,
            source,
            storm,
            name,
            points: laid,
        };
        self.take(line, Forecast::Track(track));
    }

    /// Areas that a shape lies on: those of the lowest level that the city draws.
    fn touched(&self, shape: &geo::MultiPolygon<f64>) -> Vec<ForecastPlace> {
        let touched = self
            .city
            .gazetteer()
            .areas_touching(shape)
            .unwrap_or_default();
        let areas = touched.into_iter().filter_map(|no| self.city.area(no));
        let townships = areas.filter(|area| area.level == AreaLevel::Township);
        townships
            .map(|area| ForecastPlace::Area(area.code))
            .collect()
    }
}

impl Point {
    fn laid(&self) -> Option<TrackPoint> {
        let tenths = |value: f64, range: std::ops::RangeInclusive<f64>| {
            range
                .contains(&value)
                .then(|| (value * 10.0).round() as Quanta)
        };
        let is_on_earth = self.lon.abs() <= 180.0 && self.lat.abs() <= 90.0;
        let wind = match self.wind_mps {
            Some(wind) => Some(tenths(wind, 0.0..=120.0)?),
            None => None,
        };
        let pressure = match self.pressure_hpa {
            Some(pressure) => Some(tenths(pressure, 850.0..=1100.0)?),
            None => None,
        };
        let mut circles = [None; 3];
        for (circle, radii) in circles.iter_mut().zip(self.radii_km) {
            if let Some(radii) = radii {
                let fits = radii.iter().all(|km| (0.0..=RADIUS_KM_MAX).contains(km));
                let [ne, se, sw, nw] = radii.map(|km| km.round() as u16);
                *circle = Some(fits.then_some(Quadrants { ne, se, sw, nw })?);
            }
        }
        let is_estimated = circles.iter().all(Option::is_none) && self.wind_mps.is_some();
        if let Some(wind) = self.wind_mps.filter(|_| is_estimated) {
            circles = WindForce::ALL.map(|force| estimated(force, wind, self.lat));
        }
        is_on_earth.then_some(TrackPoint {
            time: self.time,
            lon: self.lon,
            lat: self.lat,
            wind,
            pressure,
            circles,
            is_estimated,
        })
    }
}

/// The radius of a force where the issuer gives none, from the highest wind and the latitude: a vortex
/// whose wind falls with the square root of the distance (modified Rankine, exponent 0.5) from the radius
/// of highest wind of Willoughby et al. 2006 (eq. 7a), `46.4·exp(−0.0155·v + 0.0169·lat)` km. A
/// design default: real circles differ by half of it and more.
fn estimated(force: WindForce, wind_mps: f64, lat: f64) -> Option<Quadrants> {
    let over = wind_mps / force.from_mps();
    if over < 1.0 {
        return None;
    }
    let core = 46.4 * (-0.0155 * wind_mps + 0.0169 * lat.abs()).exp();
    let radius = (core * over * over).min(RADIUS_KM_MAX);
    Some(Quadrants::round(radius.round() as u16))
}
