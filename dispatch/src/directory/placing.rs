//! Which area people live in, fast: a grid cell that no border crosses lies in one area as a
//! whole. Where one crosses, a finer grid is asked in the same way, so that only those within some
//! metres of a border are looked up one by one.

use super::cells::{CELL_BITS, Spot, UNITS};
use geo::{Line, LinesIter};
use model::{AreaNo, City};

/// Who lives this near to the city's drawn border is told with the nearest township.
pub(super) const BORDER_KM: f64 = 1.0;

/// Cells remembered at most (64 MB): of a larger city those in its north are looked up one by one.
const CELLS_MAX: usize = 1 << 24;

/// Cells of the finer grid are 2^11 units wide, some 20 m.
const FINE_BITS: u32 = 11;

/// Fine cells in a row of a cell.
const FINE: u32 = 1 << (CELL_BITS - FINE_BITS);

/// Cells that have a finer grid, at most (64 MB): in the others everybody is looked up.
const BLOCKS_MAX: usize = 1 << 17;

/// Units by which a border is taken to be wider than drawn: places are rounded to whole ones.
const MARGIN: f64 = 4.0;

/// What is known of a cell: an area's number, or one of these.
type Known = u16;
/// Nobody has lived there yet.
const UNKNOWN: Known = Known::MAX;
/// A border crosses it, or it lies outside.
const MIXED: Known = Known::MAX - 1;

/// Cells from here on have a finer grid, and this and its number stand for them.
const BLOCK: u32 = 1 << 16;

/// A cell's finer grid, by row and column.
type Block = [Known; (FINE * FINE) as usize];

/// The grids over a city, filled as people come.
#[derive(Clone)]
pub(super) struct Placing<'c> {
    city: &'c City,
    /// The cell in the south-west: its row and its column.
    south_west: [u32; 2],
    columns: usize,
    /// By row and column.
    cells: Vec<u32>,
    blocks: Vec<Block>,
}

impl<'c> Placing<'c> {
    pub(super) fn new(city: &'c City) -> Self {
        let edges = || city.areas.iter().flat_map(|area| area.shape.lines_iter());
        let [mut west, mut south, mut east, mut north] = [180.0f64, 90.0f64, -180.0f64, -90.0f64];
        for point in edges().map(|edge| edge.start) {
            west = west.min(point.x);
            east = east.max(point.x);
            south = south.min(point.y);
            north = north.max(point.y);
        }
        let south_west = cell_of(Spot::of(west, south), CELL_BITS);
        let north_east = cell_of(Spot::of(east.max(west), north.max(south)), CELL_BITS);
        let ([bottom, left], [top, right]) = (south_west, north_east);
        let (rows, columns) = ((top - bottom) as usize + 1, (right - left) as usize + 1);
        let rows = rows.min(CELLS_MAX / columns.max(1));
        let mut placing = Self {
            city,
            south_west,
            columns,
            cells: vec![u32::from(UNKNOWN); rows * columns],
            blocks: Vec::new(),
        };
        for edge in edges() {
            crossed(edge, CELL_BITS, |cell| placing.divide(cell));
            crossed(edge, FINE_BITS, |cell| {
                if let Some(slot) = placing.fine(cell) {
                    *slot = MIXED;
                }
            });
        }
        placing
    }

    /// Each place is looked up by itself.
    pub(super) fn without_grid(city: &'c City) -> Self {
        Self {
            city,
            south_west: [0, 0],
            columns: 0,
            cells: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// The smallest area there, or the one whose border is near.
    pub(super) fn area(&mut self, lon: f64, lat: f64, spot: Spot) -> Option<AreaNo> {
        match self.known(spot) {
            UNKNOWN | MIXED => self.city.gazetteer().locate_near(lon, lat, BORDER_KM),
            area => Some(AreaNo(area)),
        }
    }

    /// What is known of the smallest cell that holds a place.
    fn known(&mut self, spot: Spot) -> Known {
        let cell = cell_of(spot, CELL_BITS);
        let Some(at) = self.index(cell) else {
            return MIXED;
        };
        let known = self.cells.get(at).copied().unwrap_or(u32::from(MIXED));
        match Known::try_from(known) {
            Ok(UNKNOWN) => {
                let found = self.middle_of(cell, CELL_BITS);
                if let Some(slot) = self.cells.get_mut(at) {
                    *slot = u32::from(found);
                }
                found
            }
            Ok(known) => known,
            Err(_) => {
                let cell = cell_of(spot, FINE_BITS);
                let known = self.fine(cell).map_or(MIXED, |slot| *slot);
                if known != UNKNOWN {
                    return known;
                }
                let found = self.middle_of(cell, FINE_BITS);
                self.fill(cell, found);
                found
            }
        }
    }

    /// Of a cell's finer grid all that is reached from one of its cells without crossing a border.
    fn fill(&mut self, cell: [u32; 2], found: Known) {
        let block = cell.map(|at| at / FINE);
        let mut left = vec![cell];
        while let Some([y, x]) = left.pop() {
            let Some(slot) = self.fine([y, x]).filter(|slot| **slot == UNKNOWN) else {
                continue;
            };
            *slot = found;
            let around = [[y + 1, x], [y - 1, x], [y, x + 1], [y, x - 1]];
            left.extend(
                around
                    .into_iter()
                    .filter(|at| at.map(|at| at / FINE) == block),
            );
        }
    }

    /// The area in which a cell lies that no border crosses.
    fn middle_of(&self, cell: [u32; 2], bits: u32) -> Known {
        let [lon, lat] = middle(cell, bits).degrees();
        let area = self.city.gazetteer().locate(lon, lat);
        area.map_or(MIXED, |area| area.0.min(MIXED))
    }

    /// Gives a cell a finer grid.
    fn divide(&mut self, cell: [u32; 2]) {
        let next = self.blocks.len();
        let Some(slot) = self.index(cell).and_then(|at| self.cells.get_mut(at)) else {
            return;
        };
        if *slot != u32::from(UNKNOWN) {
            return;
        }
        match u32::try_from(next) {
            Ok(number) if next < BLOCKS_MAX => {
                *slot = BLOCK + number;
                self.blocks.push([UNKNOWN; (FINE * FINE) as usize]);
            }
            Ok(_) | Err(_) => *slot = u32::from(MIXED),
        }
    }

    /// What is known of a cell of the finer grid; `None` where there is none.
    fn fine(&mut self, [y, x]: [u32; 2]) -> Option<&mut Known> {
        let at = self.index([y / FINE, x / FINE])?;
        let number = self.cells.get(at)?.checked_sub(BLOCK)?;
        let block = self.blocks.get_mut(number as usize)?;
        block.get_mut((y % FINE * FINE + x % FINE) as usize)
    }

    fn index(&self, [y, x]: [u32; 2]) -> Option<usize> {
        let [bottom, left] = self.south_west;
        let (y, x) = (
            y.checked_sub(bottom)? as usize,
            x.checked_sub(left)? as usize,
        );
        (x < self.columns).then_some(y * self.columns + x)
    }
}

/// Row and column of the cell that holds a place, in a grid of 2^`bits` units.
const fn cell_of(spot: Spot, bits: u32) -> [u32; 2] {
    [spot.y >> bits, spot.x >> bits]
}

const fn middle([y, x]: [u32; 2], bits: u32) -> Spot {
    let half = 1 << (bits - 1);
    Spot {
        x: x << bits | half,
        y: y << bits | half,
    }
}

/// The cells that an edge may touch: in each grid row it passes, those between where it comes in and
/// where it leaves.
fn crossed(edge: Line<f64>, bits: u32, mut each: impl FnMut([u32; 2])) {
    let (low, high) = if edge.start.y <= edge.end.y {
        (edge.start, edge.end)
    } else {
        (edge.end, edge.start)
    };
    let margin = MARGIN / UNITS;
    let [bottom, _] = cell_of(Spot::of(low.x, low.y - margin), bits);
    let [top, _] = cell_of(Spot::of(high.x, high.y + margin), bits);
    let climb = high.y - low.y;
    let at = |y: f64| {
        if climb > 0.0 {
            let along = ((y - low.y) / climb).clamp(0.0, 1.0);
            low.x + (high.x - low.x) * along
        } else {
            low.x
        }
    };
    for y in bottom..=top {
        let [_, middle] = middle([y, 0], bits).degrees();
        let half = f64::from(1u32 << (bits - 1)) / UNITS + margin;
        let (mut from, mut to) = (at(middle - half), at(middle + half));
        if climb <= 0.0 {
            (from, to) = (low.x, high.x);
        }
        let (from, to) = (from.min(to) - margin, from.max(to) + margin);
        let column = |x: f64| Spot::of(x, middle).x >> bits;
        for x in column(from)..=column(to) {
            each([y, x]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn demo_city() -> Option<City> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
        City::read(|name| std::fs::read(folder.join(name)).ok(), &[]).ok()
    }

    /// Places about each corner of the demo city's borders and anywhere in its box.
    fn place() -> impl Strategy<Value = (usize, f64, f64)> {
        (any::<usize>(), -300.0..300.0f64, -300.0..300.0f64)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn everybody_lives_where_a_look_at_all_borders_says(
            places in proptest::collection::vec(place(), 200),
        ) {
            let Some(city) = demo_city() else {
                println!("SKIPPED everybody_lives_where_a_look_at_all_borders_says: run `node testdata/generate.mjs`");
                return Ok(());
            };
            let corners: Vec<_> = city
                .areas
                .iter()
                .flat_map(|area| area.shape.lines_iter())
                .map(|edge| edge.start)
                .collect();
            let mut placing = Placing::new(&city);
            prop_assert!((1..BLOCKS_MAX).contains(&placing.blocks.len()));
            for (corner, east, north) in places {
                let corner = corners[corner % corners.len()];
                // Near and far: hundreds of units, and thousands of them.
                for scale in [1.0, 40.0, 4_000.0] {
                    let spot = Spot::of(
                        corner.x + east * scale / UNITS,
                        corner.y + north * scale / UNITS,
                    );
                    let [lon, lat] = spot.degrees();
                    let wanted = city.gazetteer().locate_near(lon, lat, BORDER_KM);
                    prop_assert_eq!(placing.area(lon, lat, spot), wanted);
                }
            }
        }
    }
}
