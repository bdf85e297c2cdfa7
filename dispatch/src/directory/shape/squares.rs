//! A grid over a shape: which of its squares lie inside as a whole, and which ones a border touches.

use super::Shape;
use super::edge::Edge;
use super::slabs::Slabs;
use crate::directory::cells::{Cell, Spot};
use std::ops::Range;

/// Squares of one grid row side by side, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) struct Span {
    pub(in crate::directory) from: u32,
    pub(in crate::directory) to: u32,
    /// True where every place in them lies inside.
    pub(in crate::directory) whole: bool,
}

/// An edge and the squares of one grid row that it passes, or may be near to.
#[derive(Clone, Copy)]
pub(super) struct Touch {
    pub(super) row: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) edge: Edge,
    pub(super) narrow: i64,
}

/// See the file's head.
pub(super) struct Squares {
    /// Grid rows that the shape touches, rising, and the spans of each.
    rows: Vec<(u32, Range<usize>)>,
    spans: Vec<Span>,
}

/// Where every edge passes, or may be near to, in squares of 2^`bits` units; by row, then from the west.
pub(super) fn touches(shape: &Shape, bits: u32) -> Vec<Touch> {
    let reach = shape.0.reach;
    let mut touches = Vec::new();
    for edge in shape.all_edges() {
        let narrow = if reach == 0 { 0 } else { edge.narrow() };
        let aside = match reach {
            0 => 0,
            reach => Edge::reach_east(narrow, reach),
        };
        let bottom = edge.south().saturating_sub(reach) >> bits;
        let top = edge.north().saturating_add(reach) >> bits;
        for row in bottom..=top {
            let south = row << bits;
            let north = south | ((1 << bits) - 1);
            let part = edge.between(south.saturating_sub(reach), north.saturating_add(reach));
            let Some((west, east)) = part else { continue };
            touches.push(Touch {
                row,
                from: west.saturating_sub(aside) >> bits,
                to: east.saturating_add(aside) >> bits,
                edge,
                narrow,
            });
        }
    }
    touches.sort_unstable_by_key(|touch| (touch.row, touch.from));
    touches
}

impl Squares {
    /// Of squares of 2^`bits` units, where these are touched, and `reached` lie inside as a whole all
    /// the same.
    pub(super) fn new(touches: &[Touch], bits: u32, rings: &Slabs, reached: &[Cell]) -> Self {
        let mut squares = Self {
            rows: Vec::new(),
            spans: Vec::new(),
        };
        for row in touches.chunk_by(|a, b| a.row == b.row) {
            squares.row(row, bits, rings, reached);
        }
        squares
    }

    /// The grid rows it touches, rising.
    pub(super) fn rows(&self) -> &[(u32, Range<usize>)] {
        &self.rows
    }

    /// The squares furthest west and east.
    pub(super) fn breadth(&self) -> Option<(u32, u32)> {
        let west = self.spans.iter().map(|span| span.from).min()?;
        Some((west, self.spans.iter().map(|span| span.to).max()?))
    }

    /// Spans of one row, from the west.
    pub(super) fn spans(&self, row: &Range<usize>) -> &[Span] {
        self.spans.get(row.clone()).unwrap_or_default()
    }

    /// The same of the row at a height.
    pub(super) fn spans_at(&self, y: u32) -> &[Span] {
        let row = self.rows.binary_search_by_key(&y, |(y, _)| *y).ok();
        let row = row.and_then(|row| self.rows.get(row));
        row.map_or(&[], |(_, spans)| self.spans(spans))
    }

    /// One row from the squares that a border touches: what lies between them is inside or outside as
    /// a whole, and some of them lie within the distance of one edge as a whole.
    fn row(&mut self, touched: &[Touch], bits: u32, rings: &Slabs, reached: &[Cell]) {
        let Some(y) = touched.first().map(|touch| touch.row) else {
            return;
        };
        let begin = self.spans.len();
        let mut merged: Option<(u32, u32)> = None;
        for Touch { from, to, .. } in touched.iter().copied() {
            merged = match merged {
                Some((first, last)) if from <= last.saturating_add(1) => {
                    Some((first, last.max(to)))
                }
                Some((first, last)) => {
                    self.crossed(y, (first, last), reached);
                    let middle = Spot {
                        x: (last + 1) << bits,
                        y: y << bits,
                    };
                    if rings.hold(middle) {
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

    /// Squares that a border touches, those that are inside all the same apart.
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
}
