//! Which area a place lies in, exactly: holes respected, borders decided, some 300 ns a point.

use crate::{Area, AreaLevel, AreaNo};
use geo::{Area as _, BooleanOps, BoundingRect, Coord, Line, LinesIter, MultiPolygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

pub mod slabs;
pub mod tangle;

#[cfg(test)]
mod tests;

use slabs::{Side, Slabs};
use tangle::Tangled;

/// An overlap smaller than this share of the smaller shape is a common border, not a common area.
const SLIVER_SHARE: f64 = 1e-6;

/// Kilometres of one degree of latitude (WGS-84 mean).
const KM_PER_DEGREE: f64 = 111.195;

type Box2 = GeomWithData<Rectangle<[f64; 2]>, u16>;

/// Areas prepared for looking up places.
#[derive(Clone, Debug)]
pub struct Gazetteer {
    boxes: RTree<Box2>,
    slabs: Vec<Slabs>,
    levels: Vec<AreaLevel>,
    shapes: Vec<MultiPolygon<f64>>,
    /// Every edge of each area, holes and islands among them.
    edges: Vec<Vec<Line<f64>>>,
}

impl Gazetteer {
    /// Prepares areas as [`crate::City::areas`] has them: by level, then by code.
    pub fn new(areas: &[Area]) -> Self {
        let slabs: Vec<Slabs> = areas.iter().map(|a| Slabs::new(&a.shape)).collect();
        let boxes = slabs
            .iter()
            .enumerate()
            .map(|(at, s)| {
                let (min, max) = s.bounds();
                let no = u16::try_from(at).unwrap_or(u16::MAX);
                GeomWithData::new(Rectangle::from_corners([min.x, min.y], [max.x, max.y]), no)
            })
            .collect();
        Self {
            boxes: RTree::bulk_load(boxes),
            slabs,
            levels: areas.iter().map(|a| a.level).collect(),
            shapes: areas.iter().map(|a| a.shape.clone()).collect(),
            edges: areas
                .iter()
                .map(|a| a.shape.lines_iter().collect())
                .collect(),
        }
    }

    /// The smallest area that holds the place; a place on a border belongs to the area of the
    /// lowest code among those that meet there.
    pub fn locate(&self, lon: f64, lat: f64) -> Option<AreaNo> {
        let mut best: Option<(AreaLevel, u16)> = None;
        for hit in self.boxes.locate_all_at_point([lon, lat]) {
            let no = hit.data;
            let Some(level) = self.levels.get(usize::from(no)).copied() else {
                continue;
            };
            let better = best.is_none_or(|(l, n)| level > l || (level == l && no < n));
            if better && self.holds(AreaNo(no), lon, lat) {
                best = Some((level, no));
            }
        }
        best.map(|(_, no)| AreaNo(no))
    }

    /// As [`Self::locate`]; for a place outside every area the smallest one, and of those the
    /// nearest, whose border is no further than `km`. Drawn borders are simplified: who lives on
    /// the edge of the city is not to be lost for it.
    pub fn locate_near(&self, lon: f64, lat: f64, km: f64) -> Option<AreaNo> {
        if let Some(area) = self.locate(lon, lat) {
            return Some(area);
        }
        let reach = km / KM_PER_DEGREE;
        let wide = reach / libm::cos(lat.to_radians()).max(0.01);
        let around = AABB::from_corners([lon - wide, lat - reach], [lon + wide, lat + reach]);
        let near = self.boxes.locate_in_envelope_intersecting(around);
        near.filter_map(|hit| {
            let no = AreaNo(hit.data);
            let level = *self.levels.get(usize::from(no.0))?;
            let distance = self.distance_km(no, lon, lat);
            (distance <= km).then_some((level, distance, no))
        })
        .min_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)))
        .map(|(_, _, no)| no)
    }

    /// True where the area holds the place, its border included.
    pub fn holds(&self, area: AreaNo, lon: f64, lat: f64) -> bool {
        self.slabs
            .get(usize::from(area.0))
            .is_some_and(|s| s.side(Coord { x: lon, y: lat }) != Side::Outside)
    }

    /// Every area, of every level, that shares more than a border with the shape; by number. A
    /// shape from outside is checked first: a tangled one is refused, it never means everybody.
    pub fn areas_touching(&self, shape: &MultiPolygon<f64>) -> Result<Vec<AreaNo>, Tangled> {
        let Some(bounds) = shape.bounding_rect() else {
            return Ok(Vec::new());
        };
        tangle::crossings(shape)?;
        let (min, max) = (bounds.min(), bounds.max());
        let envelope = AABB::from_corners([min.x, min.y], [max.x, max.y]);
        let size = shape.unsigned_area();
        let mut found: Vec<AreaNo> = self
            .boxes
            .locate_in_envelope_intersecting(envelope)
            .map(|hit| AreaNo(hit.data))
            .filter(|no| self.overlap(*no, shape, size))
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The `n` areas of that level nearest to the place, nearest first; those that hold it are
    /// at distance zero.
    pub fn nearest_areas(&self, lon: f64, lat: f64, level: AreaLevel, n: usize) -> Vec<AreaNo> {
        let of_level = self.levels.iter().enumerate().filter(|(_, l)| **l == level);
        let mut found: Vec<(f64, AreaNo)> = of_level
            .filter_map(|(at, _)| u16::try_from(at).ok().map(AreaNo))
            .map(|no| (self.distance_km(no, lon, lat), no))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.into_iter().take(n).map(|(_, no)| no).collect()
    }

    /// Kilometres from the place to the area's nearest border; zero inside. Flat near the place:
    /// good to a few parts in a thousand at the size of a city. Infinite for an unknown area.
    pub fn distance_km(&self, area: AreaNo, lon: f64, lat: f64) -> f64 {
        if self.holds(area, lon, lat) {
            return 0.0;
        }
        let Some(edges) = self.edges.get(usize::from(area.0)) else {
            return f64::INFINITY;
        };
        let narrow = libm::cos(lat.to_radians());
        edges
            .iter()
            .map(|edge| edge_km(*edge, lon, lat, narrow))
            .fold(f64::INFINITY, f64::min)
    }

    /// True where the place is no further from the area than `km`, as [`Self::distance_km`] has
    /// it; edges are measured only where the area's box is near enough.
    pub fn is_near(&self, area: AreaNo, lon: f64, lat: f64, km: f64) -> bool {
        let Some(slabs) = self.slabs.get(usize::from(area.0)) else {
            return false;
        };
        let (min, max) = slabs.bounds();
        let x = (min.x - lon).max(lon - max.x).max(0.0) * libm::cos(lat.to_radians());
        let y = (min.y - lat).max(lat - max.y).max(0.0);
        // A hair of room: boxes are measured in other steps than edges.
        let reach = km / KM_PER_DEGREE * 1.000_001 + 1e-12;
        if libm::hypot(x, y) > reach {
            return false;
        }
        if self.holds(area, lon, lat) {
            return 0.0 <= km;
        }
        let narrow = libm::cos(lat.to_radians());
        let wide = reach / narrow.max(f64::MIN_POSITIVE);
        self.edges.get(usize::from(area.0)).is_some_and(|edges| {
            edges.iter().any(|edge| {
                let (a, b) = (edge.start, edge.end);
                // Both ends beyond the reach on one side is what nearly every edge is.
                let is_beyond = (a.y > lat + reach && b.y > lat + reach)
                    || (a.y < lat - reach && b.y < lat - reach)
                    || (a.x > lon + wide && b.x > lon + wide)
                    || (a.x < lon - wide && b.x < lon - wide);
                !is_beyond && edge_km(*edge, lon, lat, narrow) <= km
            })
        })
    }

    fn overlap(&self, area: AreaNo, shape: &MultiPolygon<f64>, size: f64) -> bool {
        let Some(own) = self.shapes.get(usize::from(area.0)) else {
            return false;
        };
        let common = own.intersection(shape).unsigned_area();
        common > size.min(own.unsigned_area()) * SLIVER_SHARE
    }
}

/// Kilometres from the place to an edge, where a degree of longitude is `narrow` degrees of
/// latitude wide.
fn edge_km(edge: Line<f64>, lon: f64, lat: f64, narrow: f64) -> f64 {
    let flat = |c: Coord<f64>| ((c.x - lon) * narrow, c.y - lat);
    from_origin(flat(edge.start), flat(edge.end)).sqrt() * KM_PER_DEGREE
}

/// Squared distance from the origin to a segment.
fn from_origin((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (-(ax * dx + ay * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (x, y) = (ax + along * dx, ay + along * dy);
    x * x + y * y
}
