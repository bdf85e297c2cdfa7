//! A place that somebody drew: a polygon with holes, a circle, or all within a distance of a river,
//! a slope or a track. In whole units, so that who lies inside is exact and the same everywhere.
//!
//! In JSON it is a GeoJSON geometry (RFC 7946: WGS-84, longitude first) with `distance_m` beside
//! its coordinates. Inside means inside or on the border. A polygon counts even-odd: a hole is
//! outside, and so is what a ring that crosses itself covers twice. Distance is flat around each
//! edge, with a degree of longitude as wide as at the edge's middle.

use super::cells::{Spot, UNITS};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub(super) mod cover;
mod edge;
mod slabs;
mod squares;

#[cfg(test)]
mod tests;

use edge::Edge;

/// Vertices of one shape, its holes among them.
pub const VERTICES_MAX: usize = 100_000;

/// Greatest distance, metres.
pub const DISTANCE_MAX_M: f64 = 100_000.0;

/// Cells of the grid that its edges may pass or be near to, each counted for itself.
const WORK_MAX: u64 = 8_000_000;

/// Width and height of a shape, degrees.
const SPAN_MAX: f64 = 20.0;

/// Furthest north and south that a distance is measured, degrees.
const LATITUDE_MAX: f64 = 85.0;

/// Metres of a ten-millionth of a degree of latitude (WGS-84 mean).
const METRES_PER_UNIT: f64 = 111_195.0 / UNITS;

/// A drawn place. Cheap to copy.
#[derive(Clone, PartialEq, Eq)]
pub struct Shape(Arc<Drawn>);

#[derive(PartialEq, Eq)]
struct Drawn {
    /// Closed rings: the outer one, then its holes.
    rings: Vec<Vec<Spot>>,
    /// Lines and single points.
    lines: Vec<Vec<Spot>>,
    /// How far from any of them still counts, units of latitude.
    reach: u32,
}

/// Why a geometry is no shape.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// Another type.
    #[error(
        "type {0:?}: draw a Polygon, or a Point, LineString or MultiLineString with distance_m"
    )]
    Type(String),
    /// Coordinates of another form.
    #[error(
        "coordinates: {0}; write [longitude, latitude] in WGS-84 degrees, as RFC 7946 has them"
    )]
    Coordinates(String),
    /// A ring that is none.
    #[error("ring {0}: it needs four positions or more, the last one the first again")]
    Ring(usize),
    /// A line of nothing.
    #[error("line {0}: it has no position")]
    Line(usize),
    /// Nothing drawn.
    #[error("coordinates: there are none")]
    Empty,
    /// Too many vertices.
    #[error("{0} vertices: a shape has at most {VERTICES_MAX}; simplify it")]
    Vertices(usize),
    /// Too much to look at.
    #[error("so many long edges, or so great a distance for so many vertices: simplify it")]
    Work,
    /// Too far.
    #[error("distance_m: it must be above 0 and at most {DISTANCE_MAX_M}")]
    Distance,
    /// A line or a point by itself holds nobody.
    #[error("distance_m is missing: a point or a line holds nobody without it")]
    NoDistance,
    /// Too wide.
    #[error("it is wider or higher than {SPAN_MAX} degrees: draw a part of it")]
    Span,
    /// Too near to a pole.
    #[error("distances are measured up to {LATITUDE_MAX} degrees north and south")]
    Pole,
}

/// A geometry as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    coordinates: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distance_m: Option<f64>,
}

impl Shape {
    /// A polygon: its outer ring, then its holes, each closed; and how far around it still counts.
    ///
    /// # Errors
    /// What the variants of [`ShapeError`] say.
    pub fn polygon(rings: &[Vec<[f64; 2]>], distance_m: Option<f64>) -> Result<Self, ShapeError> {
        if rings.is_empty() {
            return Err(ShapeError::Empty);
        }
        for (no, ring) in rings.iter().enumerate() {
            if ring.len() < 4 || ring.first() != ring.last() {
                return Err(ShapeError::Ring(no + 1));
            }
        }
        let reach = distance_m.map_or(Ok(0), reach)?;
        Self::drawn(rings, &[], reach)
    }

    /// All within a distance of some lines; one of a single point is a circle.
    ///
    /// # Errors
    /// What the variants of [`ShapeError`] say.
    pub fn around(lines: &[Vec<[f64; 2]>], distance_m: f64) -> Result<Self, ShapeError> {
        if lines.is_empty() {
            return Err(ShapeError::Empty);
        }
        if let Some(no) = lines.iter().position(Vec::is_empty) {
            return Err(ShapeError::Line(no + 1));
        }
        Self::drawn(&[], lines, reach(distance_m)?)
    }

    /// SHA-256 over its whole units, 64 hexadecimal digits: what a far side reads back.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"sanfang shape 1\0");
        hash.update(self.0.reach.to_le_bytes());
        for parts in [&self.0.rings, &self.0.lines] {
            hash.update((parts.len() as u64).to_le_bytes());
            for part in parts {
                hash.update((part.len() as u64).to_le_bytes());
                for spot in part {
                    hash.update(spot.x.to_le_bytes());
                    hash.update(spot.y.to_le_bytes());
                }
            }
        }
        hex::encode(hash.finalize())
    }

    /// How many vertices it has.
    pub fn vertices(&self) -> usize {
        self.parts().map(Vec::len).sum()
    }

    fn drawn(
        rings: &[Vec<[f64; 2]>],
        lines: &[Vec<[f64; 2]>],
        reach: u32,
    ) -> Result<Self, ShapeError> {
        let positions = || rings.iter().chain(lines).flatten();
        let vertices = positions().count();
        if vertices > VERTICES_MAX {
            return Err(ShapeError::Vertices(vertices));
        }
        let is_on_earth = |[lon, lat]: &[f64; 2]| lon.abs() <= 180.0 && lat.abs() <= 90.0;
        if !positions().all(is_on_earth) {
            let what = "a position is not on earth".to_owned();
            return Err(ShapeError::Coordinates(what));
        }
        let span = |axis: usize| {
            let values = || positions().filter_map(move |position| position.get(axis));
            let most = values().copied().fold(f64::MIN, f64::max);
            most - values().copied().fold(f64::MAX, f64::min)
        };
        if span(0) > SPAN_MAX || span(1) > SPAN_MAX {
            return Err(ShapeError::Span);
        }
        if reach > 0 && positions().any(|[_, lat]| lat.abs() > LATITUDE_MAX) {
            return Err(ShapeError::Pole);
        }
        let whole = |parts: &[Vec<[f64; 2]>]| -> Vec<Vec<Spot>> {
            let spots = |part: &Vec<[f64; 2]>| part.iter().map(|[x, y]| Spot::of(*x, *y)).collect();
            parts.iter().map(spots).collect()
        };
        let shape = Self(Arc::new(Drawn {
            rings: whole(rings),
            lines: whole(lines),
            reach,
        }));
        let work: u64 = shape.all_edges().map(|edge| edge.cells(reach)).sum();
        if work > WORK_MAX {
            return Err(ShapeError::Work);
        }
        Ok(shape)
    }

    fn parts(&self) -> impl Iterator<Item = &Vec<Spot>> {
        self.0.rings.iter().chain(&self.0.lines)
    }

    /// Every edge of its rings.
    fn ring_edges(&self) -> impl Iterator<Item = Edge> {
        self.0.rings.iter().flat_map(|ring| edges(ring))
    }

    /// Every edge of its rings and lines; a single point is an edge without length.
    fn all_edges(&self) -> impl Iterator<Item = Edge> {
        self.parts().flat_map(|part| edges(part))
    }
}

fn edges(part: &[Spot]) -> impl Iterator<Item = Edge> {
    let alone = part.first().filter(|_| part.len() == 1);
    let alone = alone.map(|spot| Edge::new(*spot, *spot));
    let pairs = part.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(Edge::new(*a, *b)),
        _ => None,
    });
    alone.into_iter().chain(pairs)
}

fn reach(distance_m: f64) -> Result<u32, ShapeError> {
    if !(distance_m > 0.0 && distance_m <= DISTANCE_MAX_M) {
        return Err(ShapeError::Distance);
    }
    Ok((distance_m / METRES_PER_UNIT).round().max(1.0) as u32)
}

impl TryFrom<Written> for Shape {
    type Error = ShapeError;

    fn try_from(written: Written) -> Result<Self, ShapeError> {
        let Written {
            kind,
            coordinates,
            distance_m,
        } = written;
        let needed = || distance_m.ok_or(ShapeError::NoDistance);
        match kind.as_str() {
            "Polygon" => Self::polygon(
                &parsed::<Vec<Vec<Position>>>(coordinates)?.flat(),
                distance_m,
            ),
            "Point" => Self::around(&[vec![parsed::<Position>(coordinates)?.0]], needed()?),
            "LineString" => Self::around(
                &vec![parsed::<Vec<Position>>(coordinates)?].flat(),
                needed()?,
            ),
            "MultiLineString" => Self::around(
                &parsed::<Vec<Vec<Position>>>(coordinates)?.flat(),
                needed()?,
            ),
            _ => Err(ShapeError::Type(kind.chars().take(40).collect())),
        }
    }
}

/// Longitude and latitude; an altitude behind them is left out (RFC 7946 §3.1.1).
#[derive(Deserialize)]
#[serde(try_from = "Vec<f64>")]
struct Position([f64; 2]);

impl TryFrom<Vec<f64>> for Position {
    type Error = String;

    fn try_from(numbers: Vec<f64>) -> Result<Self, String> {
        match numbers.as_slice() {
            [lon, lat] | [lon, lat, _] => Ok(Self([*lon, *lat])),
            _ => Err(format!("a position of {} numbers", numbers.len())),
        }
    }
}

trait Flat {
    fn flat(self) -> Vec<Vec<[f64; 2]>>;
}

impl Flat for Vec<Vec<Position>> {
    fn flat(self) -> Vec<Vec<[f64; 2]>> {
        let part = |part: Vec<Position>| part.into_iter().map(|position| position.0).collect();
        self.into_iter().map(part).collect()
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(coordinates: serde_json::Value) -> Result<T, ShapeError> {
    serde_json::from_value(coordinates).map_err(|error| ShapeError::Coordinates(error.to_string()))
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        Self::try_from(written).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let positions = |part: &Vec<Spot>| -> Vec<[f64; 2]> {
            part.iter().map(|spot| spot.degrees()).collect()
        };
        let parts: Vec<Vec<[f64; 2]>> = self.parts().map(positions).collect();
        let (kind, coordinates) = match (self.0.rings.is_empty(), parts.as_slice()) {
            (false, _) => ("Polygon", serde_json::to_value(&parts)),
            (true, [line]) if line.len() == 1 => ("Point", serde_json::to_value(line.first())),
            (true, [line]) => ("LineString", serde_json::to_value(line)),
            (true, _) => ("MultiLineString", serde_json::to_value(&parts)),
        };
        let written = Written {
            kind: kind.to_owned(),
            coordinates: coordinates.map_err(serde::ser::Error::custom)?,
            distance_m: (self.0.reach > 0).then_some(f64::from(self.0.reach) * METRES_PER_UNIT),
        };
        written.serialize(serializer)
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape")
            .field("rings", &self.0.rings.len())
            .field("lines", &self.0.lines.len())
            .field("vertices", &self.vertices())
            .field("reach", &self.0.reach)
            .finish()
    }
}
