//! Which area people live in, fast: a grid cell that no border crosses lies in one area as a
//! whole. Where one crosses, a finer grid is asked in the same way, so that only those within some
//! metres of a border are looked up one by one.

use super::cells::{CELL_BITS, Spot, UNITS};
use geo::{Line, LinesIter};
use model::{AreaNo, City};
use rustc_hash::FxHashMap;

/// Who lives this near to the city's drawn border is told with the nearest township.
pub(super) const BORDER_KM: f64 = 1.0;

/// Cells remembered at most (64 MB): of a larger city those in its north are looked up one by one.
const CELLS_MAX: usize = 1 << 24;

/// Cells of the finer grid are 2^11 units wide, some 20 m.
const FINE_BITS: u32 = 11;

/// Of these, remembered at most (some 100 MB): where borders need more, there is no finer grid.
const FINE_MAX: usize = 1 << 22;

/// Units by which a border is taken to be wider than drawn: places are rounded to whole ones.
const MARGIN: f64 = 4.0;

/// Nobody has lived there yet.
const UNKNOWN: u32 = u32::MAX;
/// A border crosses it, or it lies outside.
const MIXED: u32 = u32::MAX - 1;

/// The grids over a city, filled as people come.
pub(super) struct Placing<'c> {
    city: &'c City,
    /// The cell in the south-west: its row and its column.
    south_west: [u32; 2],
    columns: usize,
    /// By row and column: what is known, or the area.
    cells: Vec<u32>,
    /// By row and column of the finer grid, in the cells that a border crosses; what is not in it is
    /// not known yet.
    fine: Option<FxHashMap<[u32; 2], u32>>,
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
            cells: vec![UNKNOWN; rows * columns],
            fine: Some(FxHashMap::default()),
        };
        for edge in edges() {
            crossed(edge, CELL_BITS, |cell| {
                if let Some(slot) = placing.index(cell).and_then(|at| placing.cells.get_mut(at)) {
                    *slot = MIXED;
                }
            });
            crossed(edge, FINE_BITS, |cell| {
                if let Some(fine) = &mut placing.fine {
                    fine.insert(cell, MIXED);
                }
            });
            placing.fine.take_if(|fine| fine.len() > FINE_MAX);
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
            fine: None,
        }
    }

    /// The smallest area there, or the one whose border is near.
    pub(super) fn area(&mut self, lon: f64, lat: f64, spot: Spot) -> Option<AreaNo> {
        let cell = cell_of(spot, CELL_BITS);
        let at = self.index(cell);
        let known = at.and_then(|at| self.cells.get(at)).copied();
        let found = match known.unwrap_or(MIXED) {
            UNKNOWN => {
                let found = self.middle_of(cell, CELL_BITS);
                if let Some(slot) = at.and_then(|at| self.cells.get_mut(at)) {
                    *slot = found;
                }
                found
            }
            MIXED => self.fine(spot),
            area => area,
        };
        match u16::try_from(found) {
            Ok(area) => Some(AreaNo(area)),
            Err(_) => self.city.gazetteer().locate_near(lon, lat, BORDER_KM),
        }
    }

    /// The area of a cell of the finer grid, or that a border crosses this one too.
    fn fine(&mut self, spot: Spot) -> u32 {
        let cell = cell_of(spot, FINE_BITS);
        let Some(fine) = &self.fine else {
            return MIXED;
        };
        if let Some(known) = fine.get(&cell) {
            return *known;
        }
        let found = self.middle_of(cell, FINE_BITS);
        if let Some(fine) = self.fine.as_mut().filter(|fine| fine.len() < FINE_MAX) {
            fine.insert(cell, found);
        }
        found
    }

    /// The area in which a cell lies that no border crosses.
    fn middle_of(&self, cell: [u32; 2], bits: u32) -> u32 {
        let [lon, lat] = middle(cell, bits).degrees();
        let area = self.city.gazetteer().locate(lon, lat);
        area.map_or(MIXED, |area| u32::from(area.0))
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
            prop_assert!(placing.fine.is_some());
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
