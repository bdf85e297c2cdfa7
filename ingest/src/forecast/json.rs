//! Forecasts in JSON and GeoJSON.

use super::{Point, Reader, Series};
use geo::{Coord, LineString, MultiPolygon, Polygon};
use model::fault::quoted;
use model::{ForecastPlace, Named, Span, Step, Time};
use serde::Deserialize;
use serde_json::{Number, Value};

/// What an object may say: a series (with `steps`, or `start`, `step` and `values`) or a track.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    issued: String,
    source: String,
    parameter: Option<String>,
    unit: Option<String>,
    area: Option<String>,
    station: Option<String>,
    steps: Option<Vec<WrittenStep>>,
    start: Option<String>,
    step: Option<String>,
    values: Option<Vec<Option<Number>>>,
    storm: Option<String>,
    name: Option<WrittenName>,
    points: Option<Vec<WrittenPoint>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    from: String,
    to: String,
    value: Number,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenName {
    Both { zh: String, en: String },
    One(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPoint {
    time: String,
    lon: f64,
    lat: f64,
    wind: Option<f64>,
    pressure: Option<f64>,
    #[serde(default)]
    circles: Circles,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Circles {
    #[serde(rename = "7")]
    seven: Option<Radii>,
    #[serde(rename = "10")]
    ten: Option<Radii>,
    #[serde(rename = "12")]
    twelve: Option<Radii>,
}

/// Northeast, southeast, southwest, northwest; or the same all round.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Radii {
    Round(f64),
    Quadrants([f64; 4]),
}

#[derive(Deserialize)]
struct Feature {
    geometry: Option<Geometry>,
    properties: Value,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Point(Vec<f64>),
    Polygon(Vec<Vec<Vec<f64>>>),
    MultiPolygon(Vec<Vec<Vec<Vec<f64>>>>),
}

impl Reader<'_> {
    /// One object, an array, or objects one after the other; a broken one costs its line.
    pub(super) fn json(&mut self, bytes: &[u8]) {
        let mut done = 0;
        while let Some(rest) = bytes
            .get(done..)
            .filter(|rest| !rest.trim_ascii().is_empty())
        {
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            let mut line = line_of(bytes, done);
            let mut failed = None;
            while let Some(value) = values.next() {
                match value {
                    Ok(value) => self.value_at(line, value),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
                line = line_of(bytes, done + values.byte_offset());
            }
            let Some(error) = failed else {
                return;
            };
            self.fault(line, "", format!("not JSON: {error}"), "mend the line");
            let from = done + values.byte_offset();
            let next = bytes.get(from..).and_then(|rest| {
                let skipped = rest
                    .iter()
                    .take_while(|byte| byte.is_ascii_whitespace())
                    .count();
                let end = rest
                    .get(skipped..)?
                    .iter()
                    .position(|byte| *byte == b'\n')?;
                Some(from + skipped + end + 1)
            });
            match next {
                Some(next) => done = next,
                None => return,
            }
        }
    }

    fn value_at(&mut self, line: u32, value: Value) {
        match value {
            Value::Array(values) => values
                .into_iter()
                .for_each(|value| self.object(line, value, None)),
            Value::Object(mut map)
                if map
                    .get("type")
                    .is_some_and(|kind| kind == "FeatureCollection") =>
            {
                let features = map.remove("features");
                match serde_json::from_value::<Vec<Value>>(features.unwrap_or_default()) {
                    Ok(features) => features
                        .into_iter()
                        .for_each(|feature| self.feature(line, feature)),
                    Err(error) => self.fault(
                        line,
                        "features",
                        error.to_string(),
                        "give a list of features",
                    ),
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => self.object(line, value, None),
        }
    }

    fn feature(&mut self, line: u32, value: Value) {
        let feature: Feature = match serde_json::from_value(value) {
            Ok(feature) => feature,
            Err(error) => {
                let remedy = "give a Point, Polygon or MultiPolygon and properties";
                return self.fault(line, "features", error.to_string(), remedy);
            }
        };
        let places = feature.geometry.and_then(|geometry| self.under(&geometry));
        self.object(line, feature.properties, places);
    }

    /// Areas under a geometry, WGS-84; `None` where it is none that can be read.
    fn under(&self, geometry: &Geometry) -> Option<Vec<ForecastPlace>> {
        match geometry {
            Geometry::Point(at) => {
                let [lon, lat, ..] = at.as_slice() else {
                    return None;
                };
                let area = self.city.gazetteer().locate(*lon, *lat);
                let area = area.and_then(|no| self.city.area(no));
                Some(
                    area.map(|area| ForecastPlace::Area(area.code))
                        .into_iter()
                        .collect(),
                )
            }
            Geometry::Polygon(rings) => Some(self.touched(&MultiPolygon(vec![polygon(rings)?]))),
            Geometry::MultiPolygon(parts) => {
                let parts = parts.iter().map(|rings| polygon(rings));
                Some(self.touched(&MultiPolygon(parts.collect::<Option<_>>()?)))
            }
        }
    }

    fn object(&mut self, line: u32, value: Value, under: Option<Vec<ForecastPlace>>) {
        let written: Written = match serde_json::from_value(value) {
            Ok(written) => written,
            Err(error) => {
                let remedy =
                    "issued, source, parameter, area or station, and steps; or storm and points";
                return self.fault(line, "", error.to_string(), remedy);
            }
        };
        let Some(issued) = self.time(line, "issued", &written.issued) else {
            return;
        };
        let Some(source) = self.name_of(line, "source", &written.source) else {
            return;
        };
        if written.storm.is_some() {
            self.written_track(line, issued, source, written);
        } else {
            self.written_series(line, issued, source, &written, under);
        }
    }

    fn written_series(
        &mut self,
        line: u32,
        issued: Time,
        source: String,
        written: &Written,
        under: Option<Vec<ForecastPlace>>,
    ) {
        let Some(name) = &written.parameter else {
            let remedy = "name a parameter, or a storm";
            return self.fault(line, "parameter", "nothing says what is expected", remedy);
        };
        let Some(parameter) = self.parameter(line, name) else {
            return;
        };
        let places = match (&written.area, &written.station, under) {
            (Some(area), None, _) => self.area(line, area).map(|place| vec![place]),
            (None, Some(station), _) => self.station(line, station).map(|place| vec![place]),
            (None, None, Some(places)) if !places.is_empty() => Some(places),
            (_, _, _) => {
                let remedy = "name an area or a station of the city, one of them, or draw where";
                self.fault(line, "area", "nothing of the city is meant", remedy);
                None
            }
        };
        let Some(places) = places else {
            return;
        };
        let unit = written.unit.as_deref();
        let mut steps = Vec::new();
        for step in written.steps.iter().flatten() {
            let from = self.time(line, "from", &step.from);
            let to = self.time(line, "to", &step.to);
            let value = self.value(line, parameter, &step.value.to_string(), unit);
            let (Some(from), Some(to)) = (from, to) else {
                return;
            };
            steps.extend(value.map(|value| Step { from, to, value }));
        }
        if let (Some(start), Some(step), Some(values)) =
            (&written.start, &written.step, &written.values)
        {
            let Some(start) = self.time(line, "start", start) else {
                return;
            };
            let length = Span::parse(step).ok().filter(|length| *length > Span::ZERO);
            let Some(length) = length else {
                let what = format!("{} is not a length of time", quoted(step));
                return self.fault(line, "step", what, "write it like 1h");
            };
            let mut from = start;
            for value in values {
                let to = from + length;
                let number = value.as_ref().map(Number::to_string);
                let value = number.and_then(|text| self.value(line, parameter, &text, unit));
                steps.extend(value.map(|value| Step { from, to, value }));
                from = to;
            }
        }
        self.series(Series {
            line,
            issued,
            source,
            parameter,
            places,
            steps,
        });
    }

    fn written_track(&mut self, line: u32, issued: Time, source: String, written: Written) {
        let storm = written.storm.unwrap_or_default();
        let Some(storm) = self.name_of(line, "storm", &storm) else {
            return;
        };
        let name = match written.name {
            Some(WrittenName::Both { zh, en }) => Some(Named { zh, en }),
            Some(WrittenName::One(name)) => Some(Named {
                zh: name.clone(),
                en: name,
            }),
            None => None,
        };
        let Some(written) = written.points else {
            let remedy = "give its points; none of them once it is over: []";
            return self.fault(line, "points", "it has no track", remedy);
        };
        let mut points = Vec::new();
        for point in written {
            let Some(time) = self.time(line, "time", &point.time) else {
                return;
            };
            let circles = [point.circles.seven, point.circles.ten, point.circles.twelve];
            points.push(Point {
                time,
                lon: point.lon,
                lat: point.lat,
                wind_mps: point.wind,
                pressure_hpa: point.pressure,
                radii_km: circles.map(|radii| radii.map(Radii::all_round)),
            });
        }
        self.track(line, (issued, source, storm, name), points);
    }
}

impl Radii {
    const fn all_round(self) -> [f64; 4] {
        match self {
            Self::Round(km) => [km; 4],
            Self::Quadrants(radii) => radii,
        }
    }
}

fn polygon(rings: &[Vec<Vec<f64>>]) -> Option<Polygon<f64>> {
    let ring = |points: &Vec<Vec<f64>>| {
        let coords = points.iter().map(|point| match point.as_slice() {
            [x, y, ..] => Some(Coord { x: *x, y: *y }),
            _ => None,
        });
        coords.collect::<Option<Vec<_>>>().map(LineString)
    };
    let mut rings = rings.iter().map(ring);
    let outside = rings.next()??;
    Some(Polygon::new(outside, rings.collect::<Option<_>>()?))
}

/// The line, from 1, of the first thing that stands at or after a byte.
fn line_of(bytes: &[u8], at: usize) -> u32 {
    let rest = bytes.get(at..).unwrap_or_default();
    let blank = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let before = bytes.get(..at + blank).unwrap_or_default();
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}
