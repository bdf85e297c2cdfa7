//! A shape over the cells: which of them lie inside as a whole, and which ones a border crosses, where
//! each place is looked at: by the part of its cell, and exactly, against few edges, where a border
//! touches that.

use super::Shape;
use super::edge::Edge;
use super::slabs::Slabs;
use super::squares::{Span, Squares, Touch, touches};
use crate::directory::cells::{CELL_BITS, Cell, Spot};
use std::ops::Range;

/// A cell has 2^3 × 2^3 parts, each a bit of a word: some 40 m.
const PART_BITS: u32 = 3;
const PARTS: u32 = 1 << PART_BITS;
/// Edges are followed through parts where they touch no more cells than that, each counted for each.
const FOLLOWED_MAX: usize = 50_000;

/// See the file's head.
pub(in crate::directory) struct Cover {
    rings: Slabs,
    reach: u32,
    cells: Squares,
    /// Parts of cells, of a shape without a distance.
    parts: Option<Squares>,
    /// Of a shape with a distance: which edges may be near.
    near: Vec<Touch>,
}

/// What is known of one cell that a border touches.
#[derive(Default)]
pub(in crate::directory) struct Around {
    /// Edges that may be near, and how narrow each is.
    edges: Vec<(Edge, i64)>,
    /// Parts that lie inside as a whole.
    inside: u64,
    /// Parts that a border touches.
    border: u64,
}

impl Cover {
    pub(in crate::directory) fn new(shape: &Shape) -> Self {
        let reach = shape.0.reach;
        let rings = Slabs::new(shape.ring_edges().collect());
        let near = touches(shape, CELL_BITS);
        let reached = reached(&near, reach);
        let cells = Squares::new(&near, CELL_BITS, &rings, &reached);
        let parts = (reach == 0 && near.len() <= FOLLOWED_MAX).then(|| {
            let bits = CELL_BITS - PART_BITS;
            Squares::new(&touches(shape, bits), bits, &rings, &[])
        });
        Self {
            rings,
            reach,
            cells,
            parts,
            near: if reach > 0 { near } else { Vec::new() },
        }
    }

    /// The cells that all it touches lies between; nothing where that is nothing.
    pub(in crate::directory) fn bounds(&self) -> Option<(Cell, Cell)> {
        let (low, high) = (self.rows().first()?.0, self.rows().last()?.0);
        let (west, east) = self.cells.breadth()?;
        Some((Cell { y: low, x: west }, Cell { y: high, x: east }))
    }

    /// The grid rows it touches, rising.
    pub(in crate::directory) fn rows(&self) -> &[(u32, Range<usize>)] {
        self.cells.rows()
    }

    /// Spans of one row, from the west.
    pub(in crate::directory) fn spans(&self, row: &Range<usize>) -> &[Span] {
        self.cells.spans(row)
    }

    /// Finds what is known of a cell.
    pub(in crate::directory) fn around(&self, cell: Cell, around: &mut Around) {
        around.edges.clear();
        let first = self.near.partition_point(|near| near.row < cell.y);
        let row = self.near.iter().skip(first);
        let row = row.take_while(|near| near.row == cell.y && near.from <= cell.x);
        let here = row.filter(|near| near.to >= cell.x);
        around
            .edges
            .extend(here.map(|near| (near.edge, near.narrow)));
        let Some(parts) = &self.parts else {
            (around.inside, around.border) = (0, u64::MAX);
            return;
        };
        (around.inside, around.border) = (0, 0);
        let (west, south) = (cell.x << PART_BITS, cell.y << PART_BITS);
        let east = west + PARTS - 1;
        for up in 0..PARTS {
            let spans = parts.spans_at(south + up);
            let here = spans.partition_point(|span| span.to < west);
            let here = spans.iter().skip(here);
            for span in here.take_while(|span| span.from <= east) {
                let from = span.from.max(west) - west;
                let count = span.to.min(east) - west - from + 1;
                let bits = ((1_u64 << count) - 1) << (up * PARTS + from);
                if span.whole {
                    around.inside |= bits;
                } else {
                    around.border |= bits;
                }
            }
        }
    }

    /// True where the place lies inside; `around` is of its cell.
    pub(in crate::directory) fn holds(&self, at: Spot, around: &Around) -> bool {
        let part = |units: u32| (units >> (CELL_BITS - PART_BITS)) & (PARTS - 1);
        let bit = 1_u64 << (part(at.y) * PARTS + part(at.x));
        if around.border & bit == 0 {
            return around.inside & bit != 0;
        }
        let mut edges = around.edges.iter();
        self.rings.hold(at) || edges.any(|(edge, narrow)| edge.is_near(at, *narrow, self.reach))
    }
}

/// Cells whose corners are all within the distance of one edge: what is near to an edge is convex, so
/// that the whole cell is. Rounding may move a place by a unit.
fn reached(near: &[Touch], reach: u32) -> Vec<Cell> {
    let mut reached = Vec::new();
    // Two units are the rounding of both ends.
    let Some(reach) = reach.checked_sub(2).filter(|r| *r >> CELL_BITS > 0) else {
        return reached;
    };
    for near in near {
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
