//! Which area people live in, fast: a grid cell that no border crosses lies in one area as a
//! whole, so that only those near a border are looked up one by one.

use super::cells::{CELL_BITS, Cell, Spot, UNITS};
use geo::{Line, LinesIter};
use model::{AreaNo, City};

/// Who lives this near to the city's drawn border is told with the nearest township.
pub(super) const BORDER_KM: f64 = 1.0;

/// Cells remembered at most (64 MB): of a larger city those in its north are looked up one by one.
const CELLS_MAX: usize = 1 << 24;

/// Units by which a border is taken to be wider than drawn: places are rounded to whole ones.
const MARGIN: f64 = 4.0;

/// Nobody has lived there yet.
const UNKNOWN: u32 = u32::MAX;
/// A border crosses it, or it lies outside.
const MIXED: u32 = u32::MAX - 1;

/// The grid over a city, filled as people come.
pub(super) struct Placing<'c> {
    city: &'c City,
    south_west: Cell,
    columns: usize,
    /// By row and column: what is known, or the area.
    cells: Vec<u32>,
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
        let south_west = Spot::of(west, south).cell();
        let north_east = Spot::of(east.max(west), north.max(south)).cell();
        let columns = (north_east.x - south_west.x) as usize + 1;
        let rows = (north_east.y - south_west.y) as usize + 1;
        let rows = rows.min(CELLS_MAX / columns.max(1));
        let mut placing = Self {
            city,
            south_west,
            columns,
            cells: vec![UNKNOWN; rows * columns],
        };
        edges().for_each(|edge| placing.cross(edge));
        placing
    }

    /// Each place is looked up by itself.
    pub(super) fn without_grid(city: &'c City) -> Self {
        Self {
            city,
            south_west: Cell { y: 0, x: 0 },
            columns: 0,
            cells: Vec::new(),
        }
    }

    /// The smallest area there, or the one whose border is near.
    pub(super) fn area(&mut self, lon: f64, lat: f64, spot: Spot) -> Option<AreaNo> {
        let gazetteer = self.city.gazetteer();
        let cell = spot.cell();
        let at = self.index(cell);
        let known = at.and_then(|at| self.cells.get(at)).copied();
        match known.unwrap_or(MIXED) {
            MIXED => gazetteer.locate_near(lon, lat, BORDER_KM),
            UNKNOWN => {
                let (x, y) = cell.middle();
                let area = gazetteer.locate(x, y);
                if let Some(slot) = at.and_then(|at| self.cells.get_mut(at)) {
                    *slot = area.map_or(MIXED, |area| u32::from(area.0));
                }
                area.or_else(|| gazetteer.locate_near(lon, lat, BORDER_KM))
            }
            area => u16::try_from(area).ok().map(AreaNo),
        }
    }

    fn index(&self, cell: Cell) -> Option<usize> {
        let x = cell.x.checked_sub(self.south_west.x)? as usize;
        let y = cell.y.checked_sub(self.south_west.y)? as usize;
        (x < self.columns).then_some(y * self.columns + x)
    }

    /// Marks the cells that an edge may touch: in each grid row it passes, those between where it
    /// comes in and where it leaves.
    fn cross(&mut self, edge: Line<f64>) {
        let (low, high) = if edge.start.y <= edge.end.y {
            (edge.start, edge.end)
        } else {
            (edge.end, edge.start)
        };
        let margin = MARGIN / UNITS;
        let bottom = Spot::of(low.x, low.y - margin).cell().y;
        let top = Spot::of(high.x, high.y + margin).cell().y;
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
            let (_, middle) = Cell { y, x: 0 }.middle();
            let half = f64::from(1u32 << (CELL_BITS - 1)) / UNITS + margin;
            let (mut from, mut to) = (at(middle - half), at(middle + half));
            if climb <= 0.0 {
                (from, to) = (low.x, high.x);
            }
            let (from, to) = (from.min(to) - margin, from.max(to) + margin);
            let (from, to) = (Spot::of(from, middle).cell(), Spot::of(to, middle).cell());
            for x in from.x..=to.x {
                let at = self.index(Cell { y, x });
                if let Some(slot) = at.and_then(|at| self.cells.get_mut(at)) {
                    *slot = MIXED;
                }
            }
        }
    }
}
