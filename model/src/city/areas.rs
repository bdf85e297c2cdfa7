//! `areas.geojson`: city › district › township › community, each with its exact shape.

use super::geojson::{self, Shaped};
use crate::fault::{Faults, Place, quoted};
use crate::{Area, AreaCode, AreaLevel, AreaNo, Named};
use ::geojson::JsonValue;
use geo::BoundingRect;
use std::collections::BTreeMap;

/// Name of the file.
pub(super) const FILE: &str = "areas.geojson";

/// Areas at most, as many as [`AreaNo`] counts.
const AREAS_MAX: usize = u16::MAX as usize;

/// A child's box may stand out of its parent's by this much, degrees (about 100 m).
const OVERHANG: f64 = 0.001;

struct Row {
    line: u32,
    code: AreaCode,
    parent: Option<AreaCode>,
    area: Area,
}

/// Areas by level, then by code: parents before children, whatever the order in the file.
pub(super) fn read(bytes: &[u8], city: AreaCode, faults: &mut Faults) -> Vec<Area> {
    let shapes = geojson::read(FILE, bytes, faults);
    let mut rows: Vec<Row> = shapes.into_iter().filter_map(|s| row(s, faults)).collect();
    if rows.len() > AREAS_MAX {
        let what = format!("{} areas are more than {AREAS_MAX}", rows.len());
        faults.error(Place::file(FILE), "", what, "leave the smallest level out");
        return Vec::new();
    }
    rows.sort_by_key(|r| (r.area.level, r.code, r.line));
    let mut numbers: BTreeMap<AreaCode, AreaNo> = BTreeMap::new();
    for (no, row) in (0..).zip(&rows) {
        if numbers.insert(row.code, AreaNo(no)).is_some() {
            let what = format!("area {} stands there twice", row.code);
            faults.error(
                Place::line(FILE, row.line),
                "code",
                what,
                "keep one of the two",
            );
        }
    }
    link(&mut rows, &numbers, faults);
    check_city(&rows, city, faults);
    rows.into_iter().map(|r| r.area).collect()
}

fn row(shaped: Shaped, faults: &mut Faults) -> Option<Row> {
    let place = Place::line(FILE, shaped.line);
    let text = |name: &str| match shaped.properties.get(name) {
        Some(JsonValue::String(text)) => text.trim().to_owned(),
        Some(JsonValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let code = code(place, "code", &text("code"), faults);
    let parent = match text("parent") {
        none if none.is_empty() => None,
        some => Some(self::code(place, "parent", &some, faults)?),
    };
    let level = match text("level").as_str() {
        "city" => Some(AreaLevel::City),
        "district" => Some(AreaLevel::District),
        "township" => Some(AreaLevel::Township),
        "community" => Some(AreaLevel::Community),
        other => {
            let allowed = "city, district, township, community";
            crate::table::not_one_of(place, "level", other, allowed, faults);
            None
        }
    };
    let name = Named {
        zh: text("name"),
        en: text("name_en"),
    };
    if name.zh.is_empty() {
        faults.error(place, "name", "it is empty", "write the name people know");
    }
    let population = match shaped.properties.get("population") {
        None | Some(JsonValue::Null) => Some(0),
        Some(value) => value.as_u64(),
    };
    if population.is_none() {
        faults.error(
            place,
            "population",
            "not a whole number",
            "write how many live there",
        );
    }
    let (code, level) = (code?, level?);
    let area = Area {
        code,
        name,
        level,
        parent: None,
        population: population?,
        shape: shaped.shape,
    };
    Some(Row {
        line: shaped.line,
        code,
        parent,
        area,
    })
}

fn code(place: Place<'_>, field: &str, text: &str, faults: &mut Faults) -> Option<AreaCode> {
    match AreaCode::parse(text) {
        Ok(code) => Some(code),
        Err(_) => {
            let what = format!("{} is not a 12-digit division code", quoted(text));
            faults.error(place, field, what, "write one such as 440106014000");
            None
        }
    }
}

fn link(rows: &mut [Row], numbers: &BTreeMap<AreaCode, AreaNo>, faults: &mut Faults) {
    let known: Vec<_> = rows
        .iter()
        .map(|r| (r.area.level, r.area.shape.bounding_rect()))
        .collect();
    for row in rows {
        let place = Place::line(FILE, row.line);
        let Some(parent) = row.parent else {
            if row.area.level != AreaLevel::City {
                let remedy = "write the code of the area one level up";
                faults.error(place, "parent", "it is missing", remedy);
            }
            continue;
        };
        let found = numbers.get(&parent).copied();
        let above = found.and_then(|no| known.get(usize::from(no.0)).map(|k| (no, k)));
        match above {
            None => {
                let remedy = "add that area, or correct the code";
                faults.error(place, "parent", format!("no area {parent}"), remedy);
            }
            Some((_, (level, _))) if *level >= row.area.level => {
                let what = format!("area {parent} is not of a higher level");
                faults.error(place, "parent", what, "correct the code or the level");
            }
            Some((no, (_, outer))) => {
                row.area.parent = Some(no);
                let (Some(inner), Some(outer)) = (row.area.shape.bounding_rect(), outer) else {
                    continue;
                };
                let (a, b) = (inner.min() - outer.min(), outer.max() - inner.max());
                if [a.x, a.y, b.x, b.y].iter().any(|gap| *gap < -OVERHANG) {
                    let what = format!("it reaches out of its parent {parent}");
                    faults.notice(
                        place,
                        "geometry",
                        what,
                        "check both borders and their datum",
                    );
                }
            }
        }
    }
}

fn check_city(rows: &[Row], city: AreaCode, faults: &mut Faults) {
    let cities: Vec<&Row> = rows
        .iter()
        .filter(|r| r.area.level == AreaLevel::City)
        .collect();
    for row in &cities {
        if row.code != city {
            let what = format!("the city is {} here and {city} in city.toml", row.code);
            faults.error(Place::line(FILE, row.line), "code", what, "make them equal");
        }
    }
    if cities.is_empty() {
        let remedy = format!("add the city itself, {city}, with its border");
        faults.error(Place::file(FILE), "level", "no area is the city", remedy);
    }
}
