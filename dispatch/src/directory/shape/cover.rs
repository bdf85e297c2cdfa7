//! A shape over the grid: which cells lie inside as a whole, and which ones a border crosses, where
//! each place is looked at exactly and against few edges.

use super::Shape;
use super::edge::{Edge, Meeting};
use crate::directory::cells::{CELL_BITS, Cell, Spot};
use std::ops::Range;

/// Copies of edges in slabs for each edge, at most so many on the average.
const COPIES: u64 = 4;

/// Cells of one grid row side by side, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) struct Span {
    pub(in crate::directory) from: u32,
    pub(in crate::directory) to: u32,
    /// True where every place in them lies inside.
    pub(in crate::directory) whole: bool,
}

/// See the file's head.
pub(in crate::directory) struct Cover {
    rings: Slabs,
    reach: u32,
    /// Grid rows that it touches, rising, and the spans of each.
    rows: Vec<(u32, Range<usize>)>,
    spans: Vec<Span>,
    /// Of a shape with a distance, by row and then from the west: which edges may be near.
    near: Vec<Near>,
}

/// An edge and the cells of one grid row that it may be near to.
#[derive(Clone, Copy)]
struct Near {
    row: u32,
    from: u32,
    to: u32,
    edge: Edge,
    narrow: i64,
}

/// The edges that may be near to one cell.
#[derive(Default)]
pub(in crate::directory) struct Around(Vec<(Edge, i64)>);

impl Cover {
    pub(in crate::directory) fn new(shape: &Shape) -> Self {
        let reach = shape.0.reach;
        let mut near = Vec::new();
        // Row, first and last cell.
        let mut touched: Vec<(u32, u32, u32)> = Vec::new();
        for edge in shape.all_edges() {
            let narrow = if reach == 0 { 0 } else { edge.narrow() };
            let aside = match reach {
                0 => 0,
                reach => Edge::reach_east(narrow, reach),
            };
            let bottom = edge.south().saturating_sub(reach) >> CELL_BITS;
            let top = edge.north().saturating_add(reach) >> CELL_BITS;
            for row in bottom..=top {
                let south = row << CELL_BITS;
                let north = south | ((1 << CELL_BITS) - 1);
                let part = edge.between(south.saturating_sub(reach), north.saturating_add(reach));
                let Some((west, east)) = part else { continue };
                let from = west.saturating_sub(aside) >> CELL_BITS;
                let to = east.saturating_add(aside) >> CELL_BITS;
                touched.push((row, from, to));
                if reach > 0 {
                    near.push(Near {
                        row,
                        from,
                        to,
                        edge,
                        narrow,
                    });
                }
            }
        }
        touched.sort_unstable();
        near.sort_unstable_by_key(|near| (near.row, near.from));
        let mut cover = Self {
            rings: Slabs::new(shape.ring_edges().collect()),
            reach,
            rows: Vec::new(),
            spans: Vec::new(),
            near,
        };
        let reached = cover.reached();
        for row in touched.chunk_by(|a, b| a.0 == b.0) {
            cover.row(row, &reached);
        }
        cover
    }

    /// The grid rows it touches, rising.
    pub(in crate::directory) fn rows(&self) -> &[(u32, Range<usize>)] {
        &self.rows
    }

    /// Spans of one row, from the west.
    pub(in crate::directory) fn spans(&self, row: &Range<usize>) -> &[Span] {
        self.spans.get(row.clone()).unwrap_or_default()
    }

    /// Finds the edges that may be near to a cell.
    pub(in crate::directory) fn around(&self, cell: Cell, around: &mut Around) {
        around.0.clear();
        let first = self.near.partition_point(|near| near.row < cell.y);
        let row = self.near.iter().skip(first);
        let row = row.take_while(|near| near.row == cell.y && near.from <= cell.x);
        let here = row.filter(|near| near.to >= cell.x);
        around.0.extend(here.map(|near| (near.edge, near.narrow)));
    }

    /// True where the place lies inside; `around` is of its cell.
    pub(in crate::directory) fn holds(&self, at: Spot, around: &Around) -> bool {
        let mut edges = around.0.iter();
        self.rings.hold(at) || edges.any(|(edge, narrow)| edge.is_near(at, *narrow, self.reach))
    }

    /// One row from the cells that a border touches: what lies between them is inside or outside as
    /// a whole, and some of them lie within the distance of one edge as a whole.
    fn row(&mut self, touched: &[(u32, u32, u32)], reached: &[Cell]) {
        let Some((y, ..)) = touched.first().copied() else {
            return;
        };
        let begin = self.spans.len();
        let mut merged: Option<(u32, u32)> = None;
        for (_, from, to) in touched.iter().copied() {
            merged = match merged {
                Some((first, last)) if from <= last.saturating_add(1) => {
                    Some((first, last.max(to)))
                }
                Some((first, last)) => {
                    self.crossed(y, (first, last), reached);
                    let middle = Cell { y, x: last + 1 }.spot(0);
                    if self.rings.hold(middle) {
                        self.spans.push(Span {
                            from: last + 1,
                            to: from - 1,
                            whole: true,
                        });
                    }
                    Some((from, to))
                }
                None => Some((from, to)),
            };
        }
        if let Some(last) = merged {
            self.crossed(y, last, reached);
        }
        self.rows.push((y, begin..self.spans.len()));
    }

    /// Cells that a border touches, those that are inside all the same apart.
    fn crossed(&mut self, y: u32, (from, to): (u32, u32), reached: &[Cell]) {
        let first = reached.partition_point(|cell| *cell < Cell { y, x: from });
        let inside = reached.iter().skip(first);
        let inside = inside.take_while(|cell| cell.y == y && cell.x <= to);
        let mut next = from;
        for cell in inside {
            if cell.x > next {
                self.spans.push(Span {
                    from: next,
                    to: cell.x - 1,
                    whole: false,
                });
            }
            self.spans.push(Span {
                from: cell.x,
                to: cell.x,
                whole: true,
            });
            next = cell.x + 1;
        }
        if next <= to {
            self.spans.push(Span {
                from: next,
                to,
                whole: false,
            });
        }
    }

    /// Cells whose corners are all within the distance of one edge: what is near to an edge is
    /// convex, so that the whole cell is. Rounding may move a place by a unit.
    fn reached(&self) -> Vec<Cell> {
        let mut reached = Vec::new();
        // Two units are the rounding of both ends.
        let Some(reach) = self.reach.checked_sub(2).filter(|r| *r >> CELL_BITS > 0) else {
            return reached;
        };
        for near in &self.near {
            for x in near.from..=near.to {
                let cell = Cell { y: near.row, x };
                let corners = [0, (1 << CELL_BITS) - 1];
                let mut corners = corners.into_iter().flat_map(|y| {
                    let row = y << CELL_BITS;
                    corners.map(|x| cell.spot(row | x))
                });
                if corners.all(|corner| near.edge.is_near(corner, near.narrow, reach)) {
                    reached.push(cell);
                }
            }
        }
        reached.sort_unstable();
        reached.dedup();
        reached
    }
}

/// Edges of rings by height, so that a place meets few of them.
struct Slabs {
    /// Height of a slab as a power of two, and the lowest slab.
    bits: u32,
    first: u32,
    /// Where each slab's edges begin; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

impl Slabs {
    fn new(rings: Vec<Edge>) -> Self {
        // Level edges meet no ray; a place on one lies on its neighbours' ends or is found here.
        let south = rings.iter().map(Edge::south).min().unwrap_or(0);
        let north = rings.iter().map(Edge::north).max().unwrap_or(0);
        let copies = |bits: u32| -> u64 {
            let of = |edge: &Edge| u64::from((edge.north() >> bits) - (edge.south() >> bits) + 1);
            rings.iter().map(of).sum()
        };
        let most = rings.len() as u64 * COPIES;
        let slabs = |bits: u32| u64::from((north >> bits) - (south >> bits)) + 1;
        let mut bits = CELL_BITS;
        while bits > 0 && copies(bits - 1) <= most && slabs(bits - 1) <= most {
            bits -= 1;
        }
        let first = south >> bits;
        let mut starts = vec![0u32; slabs(bits) as usize + 1];
        let range = |edge: &Edge| {
            let slab = |y: u32| ((y >> bits) - first) as usize;
            slab(edge.south())..slab(edge.north()) + 1
        };
        for edge in &rings {
            let counts = starts.get_mut(1..).and_then(|all| all.get_mut(range(edge)));
            counts.unwrap_or_default().iter_mut().for_each(|n| *n += 1);
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let nothing = Spot { x: 0, y: 0 };
        let mut edges = vec![Edge::new(nothing, nothing); total as usize];
        let mut next = starts.clone();
        for edge in &rings {
            for slot in next.get_mut(range(edge)).unwrap_or_default() {
                if let Some(place) = edges.get_mut(*slot as usize) {
                    *place = *edge;
                }
                *slot += 1;
            }
        }
        Self {
            bits,
            first,
            starts,
            edges,
        }
    }

    /// True where a place lies in a ring, or on one.
    fn hold(&self, at: Spot) -> bool {
        let Some(slab) = (at.y >> self.bits).checked_sub(self.first) else {
            return false;
        };
        let start = |slab: usize| self.starts.get(slab).map(|start| *start as usize);
        let (Some(from), Some(to)) = (start(slab as usize), start(slab as usize + 1)) else {
            return false;
        };
        let mut inside = false;
        for edge in self.edges.get(from..to).unwrap_or_default() {
            match edge.meets(at) {
                Meeting::On => return true,
                Meeting::Crosses => inside = !inside,
                Meeting::Misses => {}
            }
        }
        inside
    }
}
