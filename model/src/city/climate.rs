//! `climate.csv`: return levels (`station,parameter,window,years,value`) and gamma distributions
//! (`station,parameter,window,month,shape,scale,zero`), in one table or two sorts of rows.

use crate::climate::{Climate, Gamma, Level};
use crate::fault::{Faults, Place, quoted};
use crate::table::{Column, Row, Table};
use crate::{Parameter, Span, StationNo};
use rustc_hash::FxHashMap;

/// Name of the file; a city may have none.
pub(super) const FILE: &str = "climate.csv";

const REQUIRED: [&str; 3] = ["station", "parameter", "window"];

/// What is usual at each station; `*` stands for every one that has no row of its own.
pub(super) fn read(
    bytes: &[u8],
    stations: &FxHashMap<String, StationNo>,
    faults: &mut Faults,
) -> Climate {
    let mut climate = Climate::default();
    let Some(mut table) = Table::open(FILE, bytes, &REQUIRED, faults) else {
        return climate;
    };
    let [station, parameter, window] = REQUIRED.map(|name| table.column(name));
    let [years, value, month, shape, scale, zero] =
        ["years", "value", "month", "shape", "scale", "zero"].map(|name| table.column(name));
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = row.get(station);
        let number = stations.get(id).copied();
        if id != "*" && number.is_none() {
            let what = format!("{} is no station in service", quoted(id));
            faults.error(
                place,
                "station",
                what,
                "write an id of stations.csv, or * for all",
            );
            continue;
        }
        let Some(parameter) = Parameter::from_name(row.get(parameter)) else {
            let what = format!("{} is no parameter", quoted(row.get(parameter)));
            faults.error(place, "parameter", what, "write rainfall, water_level, …");
            continue;
        };
        let Some(window) = Span::parse(row.get(window))
            .ok()
            .filter(|window| *window > Span::ZERO)
        else {
            let what = format!("{} is no window", quoted(row.get(window)));
            faults.error(place, "window", what, "write it like 1h or 30d");
            continue;
        };
        let added = if row.get(years).is_empty() {
            let month = number_in(place, row, month, "month", 1.0..=12.0, faults);
            let shape = number_in(place, row, shape, "shape", 1e-3..=1e4, faults);
            let scale = number_in(place, row, scale, "scale", 1e-3..=1e6, faults);
            let zero = number_in(place, row, zero, "zero", 0.0..=0.999, faults);
            let (Some(month), Some(shape), Some(scale), Some(zero)) = (month, shape, scale, zero)
            else {
                continue;
            };
            let key = (parameter, window, month as u8, number);
            climate.add_gamma(key, Gamma { shape, scale, zero })
        } else {
            let years = number_in(place, row, years, "years", 1.0..=100_000.0, faults);
            let value = parameter.quanta(row.get(value)).ok();
            let (Some(years), Some(value)) = (years, value) else {
                let remedy = format!("write a number in {}", parameter.unit());
                faults.error(place, "value", "the level is no number", remedy);
                continue;
            };
            climate.add_level((parameter, window, number), Level { years, value })
        };
        if !added {
            let what = "it stands there already, or does not rise with the years";
            faults.error(
                place,
                "value",
                what,
                "keep one row a station, window and year or month",
            );
        }
    }
    climate
}

fn number_in(
    place: Place<'_>,
    row: Row<'_>,
    column: Option<Column>,
    name: &str,
    range: std::ops::RangeInclusive<f64>,
    faults: &mut Faults,
) -> Option<f64> {
    let text = row.get(column);
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| range.contains(number));
    if number.is_none() {
        let what = format!(
            "{} is no number from {} to {}",
            quoted(text),
            range.start(),
            range.end()
        );
        faults.error(
            place,
            name,
            what,
            "give years and value, or month, shape, scale and zero",
        );
    }
    number
}
