//! The grid that subscribers are sorted by: places in whole units, cells, and the run of rows that
//! each area has in each cell.

use super::order::Rank;
use std::ops::Range;

/// Ten-millionths of a degree in one.
pub(super) const UNITS: f64 = 1e7;

/// Grid cells are 2^15 units wide, some 330 m.
pub(super) const CELL_BITS: u32 = 15;

/// Bits of a cell's column: 360° are 3.6e9 units and 110 thousand cells. Its row takes 16.
const COLUMN_BITS: u32 = 17;
/// Bits of a cell.
const CELL: u32 = COLUMN_BITS + 16;
const IN_CELL: u32 = (1 << CELL_BITS) - 1;

const WEST: i64 = -1_800_000_000;
const SOUTH: i64 = -900_000_000;

/// A place in units, counted from the antimeridian and the South Pole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spot {
    pub(super) x: u32,
    pub(super) y: u32,
}

/// A cell: its row from the south, then its column from the west.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Cell {
    pub(super) y: u32,
    pub(super) x: u32,
}

/// Rows of one area in one cell stand together: areas in depth-first order, then cells.
#[derive(Clone, Default)]
pub(super) struct Runs {
    /// Rank, row and column of each, rising.
    pub(super) keys: Vec<u64>,
    /// Where the rows of each begin; one more at the end.
    pub(super) starts: Vec<u32>,
    /// The areas that have any, rising.
    homes: Vec<Home>,
}

/// The runs of one area, and the cells that they lie between.
#[derive(Clone, Copy)]
pub(super) struct Home {
    rank: Rank,
    first: u32,
    end: u32,
    low: Cell,
    high: Cell,
}

impl Spot {
    /// The nearest whole units to a place on earth.
    pub(super) fn of(lon: f64, lat: f64) -> Self {
        let units = |degrees: f64, from: i64, most: i64| {
            let units = (degrees * UNITS).round() as i64;
            u32::try_from((units - from).clamp(0, most)).unwrap_or(0)
        };
        Self {
            x: units(lon, WEST, -2 * WEST),
            y: units(lat, SOUTH, -2 * SOUTH),
        }
    }

    /// Longitude and latitude.
    pub(super) fn degrees(self) -> [f64; 2] {
        let degrees = |units: u32, from: i64| (i64::from(units) + from) as f64 / UNITS;
        [degrees(self.x, WEST), degrees(self.y, SOUTH)]
    }

    pub(super) const fn cell(self) -> Cell {
        Cell {
            y: self.y >> CELL_BITS,
            x: self.x >> CELL_BITS,
        }
    }

    /// Where in its cell it lies, in 2 × [`CELL_BITS`] bits.
    pub(super) const fn in_cell(self) -> u64 {
        ((self.y & IN_CELL) as u64) << CELL_BITS | (self.x & IN_CELL) as u64
    }
}

impl Cell {
    /// The place of a row in it.
    pub(super) const fn spot(self, in_cell: u64) -> Spot {
        let (y, x) = ((in_cell >> CELL_BITS) as u32, in_cell as u32);
        Spot {
            x: self.x << CELL_BITS | x & IN_CELL,
            y: self.y << CELL_BITS | y & IN_CELL,
        }
    }

    pub(super) fn key(self, rank: Rank) -> u64 {
        u64::from(rank) << CELL | u64::from(self.y) << COLUMN_BITS | u64::from(self.x)
    }

    pub(super) const fn of_key(key: u64) -> Self {
        Self {
            y: (key >> COLUMN_BITS) as u32 & 0xffff,
            x: key as u32 & ((1 << COLUMN_BITS) - 1),
        }
    }
}

impl Home {
    /// Its runs.
    pub(super) const fn runs(&self) -> Range<usize> {
        self.first as usize..self.end as usize
    }

    /// True where it may have rows between two cells, those included.
    pub(super) const fn meets(&self, low: Cell, high: Cell) -> bool {
        self.low.y <= high.y && low.y <= self.high.y && self.low.x <= high.x && low.x <= self.high.x
    }
}

impl Runs {
    /// Of these keys and the rows that they begin with.
    pub(super) fn new(keys: Vec<u64>, starts: Vec<u32>) -> Self {
        let mut homes: Vec<Home> = Vec::new();
        for (key, no) in keys.iter().zip(0..) {
            let (rank, cell) = ((key >> CELL) as Rank, Cell::of_key(*key));
            match homes.last_mut() {
                Some(home) if home.rank == rank => {
                    home.end = no + 1;
                    home.low.x = home.low.x.min(cell.x);
                    home.high.x = home.high.x.max(cell.x);
                    home.high.y = cell.y;
                }
                Some(_) | None => homes.push(Home {
                    rank,
                    first: no,
                    end: no + 1,
                    low: cell,
                    high: cell,
                }),
            }
        }
        Self {
            keys,
            starts,
            homes,
        }
    }

    /// Those of a span of ranks.
    pub(super) fn homes(&self, ranks: &Range<Rank>) -> &[Home] {
        let from = self.homes.partition_point(|home| home.rank < ranks.start);
        let end = self.homes.partition_point(|home| home.rank < ranks.end);
        self.homes.get(from..end).unwrap_or_default()
    }

    /// The first run of `among` whose cell is not before the one given, in the same area.
    pub(super) fn at_cell(&self, among: &Range<usize>, cell: Cell) -> usize {
        let keys = self.keys.get(among.clone()).unwrap_or_default();
        among.start + keys.partition_point(|key| Cell::of_key(*key) < cell)
    }

    /// The run that holds a row, and its cell.
    pub(super) fn of_row(&self, row: u32) -> Option<(Range<u32>, Cell)> {
        let after = self.starts.partition_point(|start| *start <= row);
        let run = after.checked_sub(1)?;
        let key = *self.keys.get(run)?;
        Some((self.rows(run), Cell::of_key(key)))
    }

    /// The first row of a run, and of what follows it.
    pub(super) fn rows(&self, run: usize) -> Range<u32> {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or_default();
        start(run)..start(run + 1)
    }

    /// True where they are what a directory of so many rows and ranks can have.
    pub(super) fn is_sound(&self, rows: usize, ranks: usize) -> bool {
        let end = (ranks as u64) << CELL;
        self.starts.len() == self.keys.len() + 1
            && self.keys.is_sorted_by(|a, b| a < b)
            && self.keys.last().is_none_or(|key| *key < end)
            && self.starts.is_sorted_by(|a, b| a < b)
            && self.starts.first() == Some(&0)
            && self.starts.last().copied().unwrap_or(0) as usize == rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_is_its_cell_and_where_it_lies_in_it(lon in -180.0..=180.0f64, lat in -90.0..=90.0f64, rank in 0u16..) {
            let spot = Spot::of(lon, lat);
            let cell = spot.cell();
            prop_assert_eq!(cell.spot(spot.in_cell()), spot);
            prop_assert_eq!(Cell::of_key(cell.key(rank)), cell);
            prop_assert!(spot.in_cell() < 1 << (2 * CELL_BITS));
            let [x, y] = spot.degrees();
            prop_assert!((x - lon).abs() <= 1e-7 && (y - lat).abs() <= 1e-7);
        }
    }
}
