//! One area's borders cut into horizontal slabs, so that a point meets few edges.

use geo::{Coord, CoordsIter, GeoNum, Kernel, Line, LinesIter, MultiPolygon, Orientation};

/// Where a point lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Outside, or in a hole.
    Outside,
    /// Exactly on an edge.
    Border,
    /// Inside.
    Inside,
}

/// Edges of all rings, each in every slab it crosses. Exact: orientation is decided by adaptive
/// arithmetic, never by a tolerance.
#[derive(Clone, Debug)]
pub struct Slabs {
    min: Coord<f64>,
    max: Coord<f64>,
    slabs_per_degree: f64,
    /// Where each slab's edges begin in `edges`; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Line<f64>>,
}

impl Slabs {
    /// Prepares a shape whose rings are closed.
    pub fn new(shape: &MultiPolygon<f64>) -> Self {
        let (mut min, mut max) = (
            Coord {
                x: f64::INFINITY,
                y: f64::INFINITY,
            },
            Coord {
                x: f64::NEG_INFINITY,
                y: f64::NEG_INFINITY,
            },
        );
        for c in shape.coords_iter() {
            min = Coord {
                x: min.x.min(c.x),
                y: min.y.min(c.y),
            };
            max = Coord {
                x: max.x.max(c.x),
                y: max.y.max(c.y),
            };
        }
        let height = max.y - min.y;
        let lines: Vec<Line<f64>> = shape.lines_iter().collect();
        let climb: f64 = lines.iter().map(|l| (l.end.y - l.start.y).abs()).sum();
        // As many slabs as keep the copies of edges that cross several to four times their number.
        let crossed = if height > 0.0 {
            (climb / height).max(1.0)
        } else {
            1.0
        };
        let count = ((lines.len() as f64 * 4.0 / crossed) as usize).clamp(1, lines.len().max(1));
        let slabs_per_degree = if height > 0.0 {
            count as f64 / height
        } else {
            0.0
        };
        let mut slabs = Self {
            min,
            max,
            slabs_per_degree,
            starts: Vec::new(),
            edges: Vec::new(),
        };
        slabs.fill(&lines, count);
        slabs
    }

    /// Where the point lies.
    pub fn side(&self, at: Coord<f64>) -> Side {
        let held =
            self.min.x <= at.x && at.x <= self.max.x && self.min.y <= at.y && at.y <= self.max.y;
        if !held {
            return Side::Outside;
        }
        let slab = self.slab(at.y);
        let range = match (self.starts.get(slab), self.starts.get(slab + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            (None, _) | (Some(_), None) => return Side::Outside,
        };
        let mut inside = false;
        for edge in self.edges.get(range).unwrap_or_default() {
            match meets(edge, at) {
                Meeting::On => return Side::Border,
                Meeting::RightOf => inside = !inside,
                Meeting::Misses => {}
            }
        }
        if inside { Side::Inside } else { Side::Outside }
    }

    /// The corners of the shape's bounding box.
    pub const fn bounds(&self) -> (Coord<f64>, Coord<f64>) {
        (self.min, self.max)
    }

    fn slab(&self, y: f64) -> usize {
        let slabs = self.starts.len().saturating_sub(2);
        (((y - self.min.y) * self.slabs_per_degree) as usize).min(slabs)
    }

    fn fill(&mut self, lines: &[Line<f64>], count: usize) {
        self.starts = vec![0; count + 1];
        let spans: Vec<(usize, usize)> = lines
            .iter()
            .map(|l| {
                (
                    self.slab(l.start.y.min(l.end.y)),
                    self.slab(l.start.y.max(l.end.y)),
                )
            })
            .collect();
        let mut sizes = vec![0u32; count];
        for (from, to) in &spans {
            sizes
                .get_mut(*from..=*to)
                .unwrap_or_default()
                .iter_mut()
                .for_each(|s| *s += 1);
        }
        let mut total = 0;
        for (start, size) in self.starts.iter_mut().skip(1).zip(&sizes) {
            total += size;
            *start = total;
        }
        let nothing = Line::new(Coord::zero(), Coord::zero());
        self.edges = vec![nothing; total as usize];
        let mut next: Vec<u32> = self.starts.clone();
        for (line, (from, to)) in lines.iter().zip(&spans) {
            for slot in next.get_mut(*from..=*to).unwrap_or_default() {
                if let Some(edge) = self.edges.get_mut(*slot as usize) {
                    *edge = *line;
                }
                *slot += 1;
            }
        }
    }
}

enum Meeting {
    /// The point lies on the edge.
    On,
    /// A ray to the east crosses the edge.
    RightOf,
    /// Neither.
    Misses,
}

/// Edges are taken half-open in y, so that a ray through a corner counts it once.
fn meets(edge: &Line<f64>, at: Coord<f64>) -> Meeting {
    let (low, high) = if edge.start.y <= edge.end.y {
        (edge.start, edge.end)
    } else {
        (edge.end, edge.start)
    };
    if at.y < low.y || at.y > high.y || at.x > low.x.max(high.x) {
        return Meeting::Misses;
    }
    let side = <f64 as GeoNum>::Ker::orient2d(low, high, at);
    if side == Orientation::Collinear {
        // On the line through both; on the edge where it lies between in x too.
        return if at.x >= low.x.min(high.x) {
            Meeting::On
        } else {
            Meeting::Misses
        };
    }
    let crosses = side == Orientation::CounterClockwise && low.y <= at.y && at.y < high.y;
    if crosses {
        Meeting::RightOf
    } else {
        Meeting::Misses
    }
}
