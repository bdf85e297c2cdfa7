//! Which cells of a carrier cover an area of ours: a table that the carrier gives.

use model::AreaCode;
use model::fault::{Fault, Faults, Place, Severity};
use model::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a table at most: of the largest cities' carriers.
const ROWS_MAX: usize = 500_000;
/// Characters of a cell's name at most.
const NAME_MAX: usize = 64;

/// Cells by area. A cell may cover several areas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    by_area: BTreeMap<AreaCode, BTreeSet<String>>,
}

impl Cells {
    /// Reads a table with the columns `area` (12-digit code) and `cell` (as the carrier names it).
    /// Bad rows are said and left out; where no row is good there is no table.
    pub fn read(file: &str, bytes: &[u8], faults: &mut Faults) -> Option<Self> {
        let mut found = Faults::default();
        let by_area = rows(file, bytes, &mut found);
        let is_empty = by_area.is_empty();
        if is_empty && found.errors() == 0 {
            let remedy = "ask the carrier for its table, or take this [[cell]] out";
            let what = "it has no row: nobody would be told";
            found.error(Place::file(file), "", what, remedy);
        }
        for fault in found.into_vec() {
            let severity = match is_empty {
                true => Severity::Error,
                false => Severity::Notice,
            };
            faults.add(Fault { severity, ..fault });
        }
        (!is_empty).then_some(Self { by_area })
    }

    /// Areas that have cells.
    pub fn areas(&self) -> impl Iterator<Item = AreaCode> {
        self.by_area.keys().copied()
    }

    /// The cells of an area; nothing where the table has no row of it.
    pub fn of(&self, area: AreaCode) -> Option<&BTreeSet<String>> {
        self.by_area.get(&area)
    }
}

fn rows(file: &str, bytes: &[u8], faults: &mut Faults) -> BTreeMap<AreaCode, BTreeSet<String>> {
    let mut by_area: BTreeMap<AreaCode, BTreeSet<String>> = BTreeMap::new();
    let Some(mut table) = Table::open(file, bytes, &["area", "cell"], faults) else {
        return by_area;
    };
    let [area, cell] = ["area", "cell"].map(|name| table.column(name));
    let mut count = 0;
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(file, row.line());
        count += 1;
        if count > ROWS_MAX {
            let what = format!("more than {ROWS_MAX} rows: the rest is left out");
            faults.error(place, "", what, "name the carrier's own groups of cells");
            break;
        }
        let Ok(code) = AreaCode::parse(row.get(area)) else {
            let remedy = "write the 12-digit code of areas.geojson";
            faults.error(place, "area", "it is no division code", remedy);
            continue;
        };
        let name = row.get(cell);
        let is_name = name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_graphic());
        if name.is_empty() || !is_name {
            let what = "it is empty, too long or has other characters";
            let remedy = "write the carrier's name of the cell: 1 to 64 ASCII characters";
            faults.error(place, "cell", what, remedy);
            continue;
        }
        by_area.entry(code).or_default().insert(name.to_owned());
    }
    by_area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_row_is_said_with_its_line_and_the_others_stay() {
        let table = "area,cell\n440106014000,460-00-1-1\nhere,460-00-1-2\n440106014000,\n\
                     440106014000,460-00-1-3\n440106015000,460-00-1-3\n";
        let mut faults = Faults::default();
        let cells = Cells::read("cells.csv", table.as_bytes(), &mut faults).unwrap();
        assert_eq!(faults.errors(), 0, "the service starts all the same");
        let said: Vec<String> = faults.into_vec().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("cells.csv:3") && said[1].contains("cells.csv:4"),
            "{said:?}"
        );
        let area = AreaCode::parse("440106014000").unwrap();
        assert_eq!(cells.of(area).unwrap().len(), 2);
        assert_eq!(cells.areas().count(), 2);
        assert_eq!(cells.of(AreaCode::parse("440106000000").unwrap()), None);
    }

    #[test]
    fn a_table_of_nothing_is_no_table() {
        for table in ["", "a,b\n1,2\n", "area,cell\n"] {
            let mut faults = Faults::default();
            assert_eq!(
                Cells::read("cells.csv", table.as_bytes(), &mut faults),
                None
            );
            assert!(faults.errors() >= 1, "{table:?}");
        }
    }
}
