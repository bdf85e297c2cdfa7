//! The shape of an area as CAP carries it: closed rings of latitude and longitude, few points.

use geo::{Coord, LineString, SimplifyVwPreserve};
use model::{Area, AreaCode, Named};
use std::fmt::Write;

/// Points of one ring at most, the closing one included.
pub const RING_POINTS_MAX: usize = 100;
/// Parts of one area at most; the largest are kept, the code names the whole.
pub const RINGS_MAX: usize = 20;

/// An area ready to be written, made once when the city is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapArea {
    /// Division code.
    pub code: AreaCode,
    /// CAP `areaDesc` by language.
    pub name: Named,
    /// CAP `polygon` texts: `lat,lon lat,lon …`, first point repeated as last.
    pub polygons: Vec<String>,
}

impl CapArea {
    /// Simplifies the outer rings; a CAP polygon has no holes, so a hole is warned with its
    /// surroundings and the code says what is meant.
    pub fn prepare(area: &Area) -> Self {
        let mut rings: Vec<&LineString<f64>> =
            area.shape.0.iter().map(|part| part.exterior()).collect();
        if rings.len() > RINGS_MAX {
            rings.sort_by(|a, b| extent(b).total_cmp(&extent(a)));
            rings.truncate(RINGS_MAX);
        }
        Self {
            code: area.code,
            name: area.name.clone(),
            polygons: rings.into_iter().filter_map(ring_text).collect(),
        }
    }

    /// The shortest GB/T 2260 form: 6 digits to the district, 9 to the township, else 12.
    pub fn geocode(&self) -> String {
        geocode(self.code)
    }
}

/// The shortest form of a division code: 6, 9 or 12 digits.
pub fn geocode(code: AreaCode) -> String {
    let text = code.to_string();
    let short = match code.number() {
        n if n.is_multiple_of(1_000_000) => text.get(..6),
        n if n.is_multiple_of(1_000) => text.get(..9),
        _ => None,
    };
    short.unwrap_or(&text).to_owned()
}

fn extent(ring: &LineString<f64>) -> f64 {
    use geo::Area as _;
    geo::Polygon::new(ring.clone(), Vec::new()).unsigned_area()
}

fn ring_text(ring: &LineString<f64>) -> Option<String> {
    let mut points = rounded(ring);
    // Square degrees: the first step drops triangles below about 100 m × 100 m.
    let mut tolerance = 1e-6;
    while points.len() > RING_POINTS_MAX && tolerance < 1.0 {
        points = rounded(&ring.simplify_vw_preserve(tolerance));
        tolerance *= 4.0;
    }
    (points.len() >= 4).then(|| {
        let mut text = String::with_capacity(points.len() * 20);
        for (lat, lon) in points {
            if !text.is_empty() {
                text.push(' ');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{},{}", degrees(lat), degrees(lon));
        }
        text
    })
}

/// Points in units of 1e-5 degree (about a metre), without repeats, closed.
fn rounded(ring: &LineString<f64>) -> Vec<(i64, i64)> {
    let unit = |c: &Coord<f64>| ((c.y * 1e5).round() as i64, (c.x * 1e5).round() as i64);
    let mut points: Vec<(i64, i64)> = ring.0.iter().map(unit).collect();
    points.dedup();
    if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied())
        && first != last
    {
        points.push(first);
    }
    points
}

fn degrees(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let size = units.unsigned_abs();
    format!("{sign}{}.{:05}", size / 100_000, size % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{MultiPolygon, Polygon};
    use model::AreaLevel;

    fn area(ring: Vec<(f64, f64)>) -> Area {
        Area {
            code: AreaCode::parse("440106014000").unwrap(),
            name: Named::default(),
            level: AreaLevel::Township,
            parent: None,
            population: 0,
            shape: MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])]),
        }
    }

    #[test]
    fn rings_are_closed_and_latitude_comes_first() {
        let square = vec![
            (113.25, 23.125),
            (113.5, 23.125),
            (113.5, 23.25),
            (113.25, 23.25),
        ];
        let area = CapArea::prepare(&area(square));
        assert_eq!(
            area.polygons,
            [
                "23.12500,113.25000 23.12500,113.50000 23.25000,113.50000 23.25000,113.25000 23.12500,113.25000"
            ]
        );
        assert_eq!(area.geocode(), "440106014");
    }

    #[test]
    fn a_long_ring_becomes_short_and_keeps_its_place() {
        let ring: Vec<(f64, f64)> = (0..5000)
            .map(|i| {
                let angle = f64::from(i) / 5000.0 * std::f64::consts::TAU;
                let radius = 0.1 + 0.002 * (angle * 40.0).sin();
                (113.3 + radius * angle.cos(), 23.1 + radius * angle.sin())
            })
            .collect();
        let area = CapArea::prepare(&area(ring));
        let points: Vec<&str> = area.polygons[0].split(' ').collect();
        assert!(
            points.len() <= RING_POINTS_MAX && points.len() > 20,
            "{}",
            points.len()
        );
        assert_eq!(points.first(), points.last());
    }

    #[test]
    fn a_shape_without_extent_has_no_polygon() {
        assert!(
            CapArea::prepare(&area(vec![(1.0, 1.0), (1.0, 1.0)]))
                .polygons
                .is_empty()
        );
    }

    #[test]
    fn codes_are_as_short_as_they_can_be() {
        for (code, want) in [
            ("440100000000", "440100"),
            ("440106000000", "440106"),
            ("440106014000", "440106014"),
            ("440106014003", "440106014003"),
        ] {
            assert_eq!(geocode(AreaCode::parse(code).unwrap()), want);
        }
    }
}
