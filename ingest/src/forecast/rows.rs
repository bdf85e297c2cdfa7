//! Forecasts in CSV: a row for each step of a series, or for each point of a track.

use super::{Point, Reader, Series};
use model::table::{Column, Row, Table};
use model::{ForecastPlace, Named, Parameter, Step, Time};

/// What rows of one series share.
#[derive(PartialEq)]
struct Head {
    issued: Time,
    source: String,
    parameter: Parameter,
    place: ForecastPlace,
}

/// What rows of one track share.
#[derive(PartialEq)]
struct TrackHead {
    issued: Time,
    source: String,
    storm: String,
    name: Option<Named>,
}

impl Reader<'_> {
    /// A table with `from`, `to` and `value` has series; one with `storm` has tracks.
    pub(super) fn rows(&mut self, bytes: &[u8]) {
        let mut faults = std::mem::take(&mut self.faults);
        let table = Table::open(self.name, bytes, &["issued", "source"], &mut faults);
        if let Some(table) = table {
            if table.column("storm").is_some() {
                self.points(table, &mut faults);
            } else {
                self.steps(table, &mut faults);
            }
        }
        let own = std::mem::replace(&mut self.faults, faults);
        self.faults.append(own);
    }

    fn steps(&mut self, mut table: Table<'_, &[u8]>, faults: &mut model::fault::Faults) {
        let names = [
            "issued",
            "source",
            "parameter",
            "area",
            "station",
            "from",
            "to",
            "value",
            "unit",
        ];
        let columns = names.map(|name| table.column(name));
        let [
            issued,
            source,
            parameter,
            area,
            station,
            from,
            to,
            value,
            unit,
        ] = columns;
        let mut open: Option<(Head, u32, Vec<Step>)> = None;
        while let Some(row) = table.next_row(faults) {
            let line = row.line();
            let Some((at, by)) = self.issue(row, issued, source) else {
                continue;
            };
            let Some(parameter) = self.parameter(line, row.get(parameter)) else {
                continue;
            };
            let place = match (row.get(area), row.get(station)) {
                ("", id) => self.station(line, id),
                (code, _) => self.area(line, code),
            };
            let Some(place) = place else {
                continue;
            };
            let from = self.time(line, "from", row.get(from));
            let to = self.time(line, "to", row.get(to));
            let value = self.value(line, parameter, row.get(value), Some(row.get(unit)));
            let (Some(from), Some(to), Some(value)) = (from, to, value) else {
                continue;
            };
            let head = Head {
                issued: at,
                source: by,
                parameter,
                place,
            };
            let step = Step { from, to, value };
            match &mut open {
                Some((held, _, steps)) if *held == head => steps.push(step),
                _ => {
                    let done = open.replace((head, line, vec![step]));
                    self.close(done);
                }
            }
        }
        self.close(open);
    }

    fn close(&mut self, open: Option<(Head, u32, Vec<Step>)>) {
        if let Some((head, line, steps)) = open {
            self.series(Series {
                line,
                issued: head.issued,
                source: head.source,
                parameter: head.parameter,
                places: vec![head.place],
                steps,
            });
        }
    }

    fn points(&mut self, mut table: Table<'_, &[u8]>, faults: &mut model::fault::Faults) {
        let names = [
            "issued", "source", "storm", "name", "time", "lon", "lat", "wind", "pressure",
        ];
        let columns = names.map(|name| table.column(name));
        let [issued, source, storm, name, time, lon, lat, wind, pressure] = columns;
        let radii = ["r7", "r10", "r12"].map(|name| table.column(name));
        let mut open: Option<(TrackHead, u32, Vec<Point>)> = None;
        while let Some(row) = table.next_row(faults) {
            let line = row.line();
            let Some((at, by)) = self.issue(row, issued, source) else {
                continue;
            };
            let Some(storm) = self.name_of(line, "storm", row.get(storm)) else {
                continue;
            };
            let name = Some(row.get(name)).filter(|name| !name.is_empty());
            let head = TrackHead {
                issued: at,
                source: by,
                storm,
                name: name.map(|name| Named {
                    zh: name.to_owned(),
                    en: name.to_owned(),
                }),
            };
            let point = match row.get(time) {
                // A storm without a place is over.
                "" => None,
                text => {
                    let time = self.time(line, "time", text);
                    let lon = self.number(row, lon, "lon");
                    let lat = self.number(row, lat, "lat");
                    let wind = self.number(row, wind, "wind");
                    let pressure = self.number(row, pressure, "pressure");
                    let radii = radii.map(|column| self.number(row, column, "r7, r10, r12"));
                    let (Some(time), Some(Some(lon)), Some(Some(lat))) = (time, lon, lat) else {
                        let remedy = "give time, lon and lat";
                        self.fault(line, "lon", "the point has no place", remedy);
                        continue;
                    };
                    let (Some(wind), Some(pressure), [Some(r7), Some(r10), Some(r12)]) =
                        (wind, pressure, radii)
                    else {
                        continue;
                    };
                    Some(Point {
                        time,
                        lon,
                        lat,
                        wind_mps: wind,
                        pressure_hpa: pressure,
                        radii_km: [r7, r10, r12].map(|km| km.map(|km| [km; 4])),
                    })
                }
            };
            match &mut open {
                Some((held, _, points)) if *held == head => points.extend(point),
                _ => {
                    let done = open.replace((head, line, point.into_iter().collect()));
                    self.close_track(done);
                }
            }
        }
        self.close_track(open);
    }

    fn close_track(&mut self, open: Option<(TrackHead, u32, Vec<Point>)>) {
        if let Some((head, line, points)) = open {
            let head = (head.issued, head.source, head.storm, head.name);
            self.track(line, head, points);
        }
    }

    fn issue(
        &mut self,
        row: Row<'_>,
        issued: Option<Column>,
        source: Option<Column>,
    ) -> Option<(Time, String)> {
        let line = row.line();
        let issued = self.time(line, "issued", row.get(issued));
        let source = self.name_of(line, "source", row.get(source));
        issued.zip(source)
    }

    /// A number, or nothing where the cell is empty; `None` where it is something else.
    fn number(&mut self, row: Row<'_>, column: Option<Column>, key: &str) -> Option<Option<f64>> {
        let text = row.get(column).trim();
        if text.is_empty() {
            return Some(None);
        }
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            let what = format!("{} is not a number", model::fault::quoted(text));
            self.fault(
                row.line(),
                key,
                what,
                "write a decimal number, or leave it empty",
            );
        }
        number.map(Some)
    }
}
