//! What a test lets be expected: forecasts issued for the whole city, and the track of a cyclone.
//!
//! ```toml
//! forecast = [{ at = "0m", step = "1h", rainfall = "0x6 20x2" }]
//! track    = [{ at = "0h", lon = 122.1, lat = 23.05, r7 = 300, r12 = 60 }, { at = "90h", lon = 113.1, lat = 23.05 }]
//! ```
//!
//! A forecast is issued at its `at` and begins then; a track is issued at the start of the test, the `at`
//! of each point is when the centre is there, and `r7`, `r10`, `r12` are its wind circles in km.

use super::series;
use super::stage;
use crate::rulebook::keys::{Keys, decimal};
use model::fault::Faults;
use model::{
    AreaCode, AreaLevel, Forecast, ForecastPlace, ForecastSeries, Parameter, Quadrants, Span, Step,
    Time, Track, TrackPoint,
};

/// Who issues what is expected here.
const SOURCE: &str = "test";

/// The forecasts of a test, by the time that each is issued at.
pub(super) fn read(keys: &Keys<'_>, start: Time, faults: &mut Faults) -> Vec<Forecast> {
    let mut found = Vec::new();
    for table in keys.tables("forecast", faults) {
        let at = table.span("at", faults).unwrap_or(Span::ZERO);
        let step = table.span("step", faults).unwrap_or(Span::from_minutes(60));
        let names = table.table.keys().map(|name| name.get_ref().as_ref());
        for name in names.filter(|name| !matches!(*name, "at" | "step")) {
            found.extend(series_of(&table, name, start + at, step, faults));
        }
    }
    let points = keys.tables("track", faults);
    if !points.is_empty() {
        let points = points.iter().map(|point| point_of(point, start, faults));
        let mut points: Vec<TrackPoint> = points.collect();
        points.sort_by_key(|point| point.time);
        found.push(Forecast::Track(Track {
            issued: start,
            source: SOURCE.into(),
            storm: SOURCE.into(),
            name: None,
            points,
        }));
    }
    found.sort_by_key(Forecast::issued);
    found
}

fn series_of(
    table: &Keys<'_>,
    name: &str,
    issued: Time,
    step: Span,
    faults: &mut Faults,
) -> Option<Forecast> {
    let (text, spot) = table.text(name, faults)?;
    let Some(parameter) = Parameter::from_name(name) else {
        super::no_parameter(table, name, &["at", "step"], faults);
        return None;
    };
    let values = match series::expand(&text, parameter) {
        Ok(values) if step > Span::ZERO => values,
        Ok(_) => {
            let spot = table.value("step");
            faults.error(table.at(spot), "step", "it is nothing", "write 1h");
            return None;
        }
        Err(error) => {
            let remedy = "write 0x30 10+10x5 _x3";
            faults.error(table.at(spot), name, error.to_string(), remedy);
            return None;
        }
    };
    let mut from = issued;
    let mut steps = Vec::new();
    for value in values {
        let to = from + step;
        steps.extend(value.map(|value| Step { from, to, value }));
        from = to;
    }
    let city = AreaCode::parse(stage::area(AreaLevel::City)).ok()?;
    Some(Forecast::Series(ForecastSeries {
        issued,
        source: SOURCE.into(),
        parameter,
        place: ForecastPlace::Area(city),
        steps,
    }))
}

fn point_of(point: &Keys<'_>, start: Time, faults: &mut Faults) -> TrackPoint {
    let names = ["at", "lon", "lat", "r7", "r10", "r12"];
    point.known("track.", &names, faults);
    let at = point.span("at", faults).unwrap_or(Span::ZERO);
    let number = |name: &str| {
        let (value, _) = point.get(name)?;
        decimal(value)?.parse::<f64>().ok()
    };
    let circle = |name: &str| number(name).map(|km| Quadrants::round(km.clamp(0.0, 9999.0) as u16));
    for name in ["lon", "lat"] {
        if number(name).is_none() {
            let remedy = "write lon = 113.1, lat = 23.05";
            faults.error(point.at(point.value(name)), name, "it is no number", remedy);
        }
    }
    TrackPoint {
        time: start + at,
        lon: number("lon").unwrap_or_default(),
        lat: number("lat").unwrap_or_default(),
        wind: None,
        pressure: None,
        circles: [circle("r7"), circle("r10"), circle("r12")],
        is_estimated: false,
    }
}
