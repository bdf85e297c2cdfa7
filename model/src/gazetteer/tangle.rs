//! Whether a shape's edges cross: what must be known before shapes are cut with each other, since
//! a few thousand long edges can cross millions of times.

use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Coord, Line, MultiPolygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

/// Pairs of edges compared before a shape counts as tangled.
const PAIRS_MAX: usize = 20_000_000;

/// Crossings of a shape that is still worth mending.
const CROSSINGS_MAX: usize = 16;

/// A shape whose inside nobody could tell.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Tangled {
    /// Too many crossings.
    #[error("it crosses itself near [{x:.6}, {y:.6}] and in many other places")]
    Crossings {
        /// Longitude of one of them.
        x: f64,
        /// Latitude of one of them.
        y: f64,
    },
    /// Too many edges over each other to find out.
    #[error("its edges are too tangled to check")]
    Edges,
}

/// Places where two edges cross, or lie on each other within one polygon: at most a few. Rings may
/// touch at points, and parts along a common border.
pub(crate) fn crossings(shape: &MultiPolygon<f64>) -> Result<Vec<Coord<f64>>, Tangled> {
    let edges = edges(shape);
    let boxes: Vec<GeomWithData<Rectangle<[f64; 2]>, usize>> = edges
        .iter()
        .enumerate()
        .map(|(no, e)| {
            let (a, b) = (e.line.start, e.line.end);
            GeomWithData::new(Rectangle::from_corners([a.x, a.y], [b.x, b.y]), no)
        })
        .collect();
    let tree = RTree::bulk_load(boxes);
    let mut pairs = 0;
    let mut found = Vec::new();
    for (no, edge) in edges.iter().enumerate() {
        let (a, b) = (edge.line.start, edge.line.end);
        let envelope = AABB::from_corners([a.x, a.y], [b.x, b.y]);
        for hit in tree.locate_in_envelope_intersecting(envelope) {
            pairs += 1;
            if pairs > PAIRS_MAX {
                return Err(Tangled::Edges);
            }
            let Some(other) = edges.get(hit.data).filter(|_| hit.data > no) else {
                continue;
            };
            found.extend(crossing(edge, other));
            if let (true, Some(at)) = (found.len() > CROSSINGS_MAX, found.first()) {
                return Err(Tangled::Crossings { x: at.x, y: at.y });
            }
        }
    }
    Ok(found)
}

#[derive(Clone, Copy)]
struct Edge {
    part: u32,
    ring: u32,
    at: u32,
    ring_edges: u32,
    line: Line<f64>,
}

impl Edge {
    fn follows(&self, other: &Self) -> bool {
        let gap = self.at.abs_diff(other.at);
        self.ring == other.ring && (gap == 1 || gap + 1 == self.ring_edges)
    }
}

fn edges(shape: &MultiPolygon<f64>) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut ring_no = 0;
    for (part, polygon) in (0..).zip(shape) {
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            let ring_edges = u32::try_from(ring.0.len().saturating_sub(1)).unwrap_or(u32::MAX);
            edges.extend((0..).zip(ring.lines()).map(|(at, line)| Edge {
                part,
                ring: ring_no,
                at,
                ring_edges,
                line,
            }));
            ring_no += 1;
        }
    }
    edges
}

fn crossing(a: &Edge, b: &Edge) -> Option<Coord<f64>> {
    match line_intersection(a.line, b.line)? {
        LineIntersection::SinglePoint {
            intersection,
            is_proper,
        } => (is_proper && !a.follows(b)).then_some(intersection),
        LineIntersection::Collinear { intersection } => {
            let overlap = intersection.start != intersection.end && a.part == b.part;
            overlap.then_some(intersection.start)
        }
    }
}
