//! One edge of a shape: on which side of it a place lies and how far away, in whole numbers.

use crate::directory::cells::{CELL_BITS, Spot, UNITS};

/// Bits behind the point of how narrow a degree of longitude is.
const NARROW_BITS: u32 = 20;

/// From one vertex to the next. Shapes are 20 degrees wide at most, so that products of two
/// differences stay below 2^57.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) a: Spot,
    pub(super) b: Spot,
}

/// How a ray to the east from a place meets an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// The place lies on the edge.
    On,
    /// The ray crosses it.
    Crosses,
    /// Neither.
    Misses,
}

impl Edge {
    pub(super) const fn new(a: Spot, b: Spot) -> Self {
        Self { a, b }
    }

    pub(super) fn south(&self) -> u32 {
        self.a.y.min(self.b.y)
    }

    pub(super) fn north(&self) -> u32 {
        self.a.y.max(self.b.y)
    }

    pub(super) fn west(&self) -> u32 {
        self.a.x.min(self.b.x)
    }

    pub(super) fn east(&self) -> u32 {
        self.a.x.max(self.b.x)
    }

    /// Edges are taken half-open in y, so that a ray through a corner counts it once.
    pub(super) fn meets(&self, at: Spot) -> Meeting {
        if at.y < self.south() || at.y > self.north() || at.x > self.east() {
            return Meeting::Misses;
        }
        let (low, high) = if self.a.y <= self.b.y {
            (self.a, self.b)
        } else {
            (self.b, self.a)
        };
        let side = off(high.x, low.x) * off(at.y, low.y) - off(high.y, low.y) * off(at.x, low.x);
        if side == 0 && at.x >= self.west() {
            return Meeting::On;
        }
        // Above zero where the place lies to the west of the edge.
        if side > 0 && low.y <= at.y && at.y < high.y {
            return Meeting::Crosses;
        }
        Meeting::Misses
    }

    /// How wide a unit of longitude is at its middle, in parts of 2^20 of one of latitude.
    pub(super) fn narrow(&self) -> i64 {
        let middle = (f64::from(self.a.y) + f64::from(self.b.y)) / 2.0 / UNITS - 90.0;
        let narrow = libm::cos(middle.to_radians()) * f64::from(1u32 << NARROW_BITS);
        (narrow.round() as i64).max(1)
    }

    /// True where a place is no further than `reach` units of latitude; `narrow` is the edge's own.
    pub(super) fn is_near(&self, at: Spot, narrow: i64, reach: u32) -> bool {
        let flat = |x: u32| (off(x, self.a.x) * narrow) >> NARROW_BITS;
        let (dx, dy) = (flat(self.b.x), off(self.b.y, self.a.y));
        let (px, py) = (flat(at.x), off(at.y, self.a.y));
        let within = i64::from(reach) * i64::from(reach);
        let along = px * dx + py * dy;
        if along <= 0 {
            return px * px + py * py <= within;
        }
        let length = dx * dx + dy * dy;
        if along >= length {
            let (ex, ey) = (px - dx, py - dy);
            return ex * ex + ey * ey <= within;
        }
        let across = i128::from(dx * py - dy * px);
        across * across <= i128::from(within) * i128::from(length)
    }

    /// Rows of the grid that it passes; with a distance, cells that may be within it.
    pub(super) fn cells(&self, reach: u32) -> u64 {
        let count = |from: u32, to: u32, aside: u32| {
            u64::from(
                (to.saturating_add(aside) >> CELL_BITS) - (from.saturating_sub(aside) >> CELL_BITS),
            ) + 1
        };
        let rows = count(self.south(), self.north(), reach);
        if reach == 0 {
            return rows;
        }
        rows * count(
            self.west(),
            self.east(),
            Self::reach_east(self.narrow(), reach),
        )
    }

    /// Units of longitude that may be within `reach` units of latitude.
    pub(super) fn reach_east(narrow: i64, reach: u32) -> u32 {
        // What is flattened is rounded down by less than a unit at either end.
        let units = ((i64::from(reach) + 2) << NARROW_BITS) / narrow + 2;
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// West and east of the part of it between two heights, at most two units too wide; `None`
    /// where it has none.
    pub(super) fn between(&self, south: u32, north: u32) -> Option<(u32, u32)> {
        if self.north() < south || self.south() > north {
            return None;
        }
        let climb = off(self.b.y, self.a.y);
        if climb == 0 {
            return Some((self.west(), self.east()));
        }
        let at = |y: u32| {
            let y = y.clamp(self.south(), self.north());
            let along = off(self.b.x, self.a.x) * off(y, self.a.y) / climb;
            u32::try_from(i64::from(self.a.x) + along).unwrap_or(0)
        };
        let (one, other) = (at(south), at(north));
        let (west, east) = (one.min(other), one.max(other));
        Some((
            west.saturating_sub(1).max(self.west()),
            east.saturating_add(1).min(self.east()),
        ))
    }
}

fn off(to: u32, from: u32) -> i64 {
    i64::from(to) - i64::from(from)
}
