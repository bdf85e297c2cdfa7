//! Shapes as people draw them, made safe to decide with: mended where the meaning is plain and
//! said so, refused with the place where it is not.

use crate::fault::{Faults, Place};
use crate::gazetteer::slabs::{Side, Slabs};
use crate::gazetteer::tangle::crossings;
use geo::{Area as _, BooleanOps, Coord, LineString, MultiPolygon, Polygon, Rect, Translate};
use geojson::{GeometryValue, Position};

/// Corners one area may have.
const CORNERS_MAX: usize = 1_000_000;

/// A self-crossing that changes the area by no more than this share is a slip of the pen.
const SLIP_SHARE: f64 = 0.001;

const FIELD: &str = "geometry";

/// Reads a Polygon or MultiPolygon; everything else is refused with its reason.
pub(super) fn read(
    place: Place<'_>,
    geometry: &GeometryValue,
    faults: &mut Faults,
) -> Option<MultiPolygon<f64>> {
    let parts: Vec<&Vec<Vec<Position>>> = match geometry {
        GeometryValue::Polygon { coordinates } => vec![coordinates],
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().collect(),
        GeometryValue::Point { .. }
        | GeometryValue::MultiPoint { .. }
        | GeometryValue::LineString { .. }
        | GeometryValue::MultiLineString { .. }
        | GeometryValue::GeometryCollection { .. } => {
            let what = format!("it is a {}", geometry.type_name());
            faults.error(place, FIELD, what, "an area is a Polygon or a MultiPolygon");
            return None;
        }
    };
    let corners: usize = parts.iter().flat_map(|p| p.iter()).map(Vec::len).sum();
    if corners == 0 {
        faults.error(
            place,
            FIELD,
            "it is empty",
            "an empty area never means everybody: draw it",
        );
        return None;
    }
    if corners > CORNERS_MAX {
        let what = format!("{corners} corners are more than {CORNERS_MAX}");
        faults.error(place, FIELD, what, "simplify the border");
        return None;
    }
    let mut polygons = Vec::with_capacity(parts.len());
    for part in parts {
        polygons.push(polygon(place, part, faults)?);
    }
    let shape = untangled(
        place,
        around_antimeridian(place, MultiPolygon(polygons), faults)?,
        faults,
    )?;
    check_nesting(place, &shape, faults)?;
    Some(shape)
}

fn polygon(place: Place<'_>, rings: &[Vec<Position>], faults: &mut Faults) -> Option<Polygon<f64>> {
    let mut rings = rings
        .iter()
        .map(|r| ring(place, r, faults))
        .collect::<Option<Vec<_>>>()?;
    if rings.is_empty() {
        faults.error(place, FIELD, "a polygon has no ring", "draw its outer ring");
        return None;
    }
    let outer = rings.remove(0);
    Some(Polygon::new(outer, rings))
}

fn ring(place: Place<'_>, positions: &[Position], faults: &mut Faults) -> Option<LineString<f64>> {
    let mut corners: Vec<Coord<f64>> = Vec::with_capacity(positions.len());
    for position in positions {
        let &[x, y, ..] = position.as_slice() else {
            let remedy = "write [longitude, latitude]";
            faults.error(
                place,
                FIELD,
                "a position has fewer than two numbers",
                remedy,
            );
            return None;
        };
        if !(x.abs() <= 360.0 && y.abs() <= 90.0) {
            let what = format!("[{x}, {y}] is not on the Earth");
            faults.error(place, FIELD, what, "write WGS-84 degrees, longitude first");
            return None;
        }
        corners.push(Coord { x, y });
    }
    if corners.first() != corners.last() {
        let what = corners.first().map_or_else(String::new, |c| {
            format!("the ring beginning at [{}, {}] is not closed", c.x, c.y)
        });
        faults.error(place, FIELD, what, "repeat its first position at the end");
        return None;
    }
    let before = corners.len();
    corners.dedup();
    if corners.len() < 4 {
        let remedy = "a ring has at least three corners and its first one again";
        faults.error(place, FIELD, "a ring has too few corners", remedy);
        return None;
    }
    if corners.len() < before {
        let what = format!("{} corners stand there twice", before - corners.len());
        faults.notice(place, FIELD, what, "they were taken out");
    }
    Some(LineString(corners))
}

/// Cuts what reaches over 180° of longitude, as RFC 7946 §3.1.9 asks of whoever writes it.
fn around_antimeridian(
    place: Place<'_>,
    mut shape: MultiPolygon<f64>,
    faults: &mut Faults,
) -> Option<MultiPolygon<f64>> {
    let (mut west, mut east) = (f64::INFINITY, f64::NEG_INFINITY);
    for polygon in &shape {
        for c in polygon.exterior() {
            (west, east) = (west.min(c.x), east.max(c.x));
        }
    }
    let beyond = west < -180.0 || east > 180.0;
    if !beyond && east - west <= 180.0 {
        return Some(shape);
    }
    if !beyond {
        use geo::MapCoords;
        // Already cut, as a part on either side: nothing to mend.
        let wide = shape.iter().any(|p| {
            let xs = p.exterior().0.iter().map(|c| c.x);
            xs.clone().fold(f64::NEG_INFINITY, f64::max) - xs.fold(f64::INFINITY, f64::min) > 180.0
        });
        if !wide {
            return Some(shape);
        }
        shape = shape.map_coords(|c| Coord {
            x: if c.x < 0.0 { c.x + 360.0 } else { c.x },
            y: c.y,
        });
    }
    faults.notice(
        place,
        FIELD,
        "it reaches over 180° of longitude",
        "it was cut there; check the drawing",
    );
    let mut parts = MultiPolygon(Vec::new());
    for turn in [-1.0, 0.0, 1.0] {
        let band = Rect::new(
            Coord {
                x: turn * 360.0 - 180.0,
                y: -90.0,
            },
            Coord {
                x: turn * 360.0 + 180.0,
                y: 90.0,
            },
        );
        let cut = shape.intersection(&MultiPolygon(vec![band.to_polygon()]));
        parts = parts.union(&cut.translate(-turn * 360.0, 0.0));
    }
    if parts.0.is_empty() {
        faults.error(
            place,
            FIELD,
            "nothing of it is on the Earth",
            "draw it again",
        );
        return None;
    }
    Some(parts)
}

fn untangled(
    place: Place<'_>,
    shape: MultiPolygon<f64>,
    faults: &mut Faults,
) -> Option<MultiPolygon<f64>> {
    let at = match crossings(&shape) {
        Ok(found) => match found.first() {
            None => return Some(shape),
            Some(at) => *at,
        },
        Err(error) => {
            faults.error(place, FIELD, error.to_string(), "simplify the border");
            return None;
        }
    };
    let drawn = shape.unsigned_area();
    let mended = shape.union(&MultiPolygon(Vec::new()));
    let what = format!("it crosses itself near [{:.6}, {:.6}]", at.x, at.y);
    if (mended.unsigned_area() - drawn).abs() <= drawn * SLIP_SHARE && !mended.0.is_empty() {
        let remedy = "a slip of the pen was taken out; check the drawing";
        faults.notice(place, FIELD, what, remedy);
        return Some(mended);
    }
    faults.error(
        place,
        FIELD,
        what,
        "draw it without crossing: inside and outside are not plain",
    );
    None
}

/// Holes lie inside their polygon and outside each other; parts lie outside each other.
fn check_nesting(place: Place<'_>, shape: &MultiPolygon<f64>, faults: &mut Faults) -> Option<()> {
    let ring_of =
        |ring: &LineString<f64>| MultiPolygon(vec![Polygon::new(ring.clone(), Vec::new())]);
    let outers: Vec<Slabs> = shape
        .iter()
        .map(|p| Slabs::new(&ring_of(p.exterior())))
        .collect();
    for (no, polygon) in shape.iter().enumerate() {
        if polygon
            .exterior()
            .0
            .iter()
            .all(|c| c.y == polygon.exterior().0.first().map_or(0.0, |f| f.y))
            || polygon.unsigned_area() <= 0.0
        {
            faults.error(
                place,
                FIELD,
                "a polygon encloses nothing",
                "draw its border",
            );
            return None;
        }
        let holes: Vec<Slabs> = polygon
            .interiors()
            .iter()
            .map(|h| Slabs::new(&ring_of(h)))
            .collect();
        for (at, hole) in polygon.interiors().iter().enumerate() {
            let lost = outers
                .get(no)
                .and_then(|o| any_corner(hole, o, Side::Outside));
            let nested = holes
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .find_map(|(_, other)| any_corner(hole, other, Side::Inside));
            if let Some(c) = lost.or(nested) {
                let what = format!(
                    "the hole at [{}, {}] is not inside its ring alone",
                    c.x, c.y
                );
                faults.error(
                    place,
                    FIELD,
                    what,
                    "draw holes inside the outer ring, apart",
                );
                return None;
            }
        }
        let others = outers.iter().enumerate().filter(|(other, _)| *other != no);
        let in_hole = |c: Coord<f64>, other: usize| {
            shape.0.get(other).is_some_and(|p| {
                p.interiors()
                    .iter()
                    .any(|h| Slabs::new(&ring_of(h)).side(c) != Side::Outside)
            })
        };
        for (other, outer) in others {
            let inner = any_corner(polygon.exterior(), outer, Side::Inside);
            if let Some(c) = inner.filter(|c| !in_hole(*c, other)) {
                let what = format!("parts lie on each other at [{}, {}]", c.x, c.y);
                faults.error(place, FIELD, what, "draw each place once");
                return None;
            }
        }
    }
    Some(())
}

fn any_corner(ring: &LineString<f64>, of: &Slabs, side: Side) -> Option<Coord<f64>> {
    ring.0.iter().copied().find(|c| of.side(*c) == side)
}
