//! The table of events that happened: `id,hazard,area,tier,start,end` (design §5, `--score`).

use super::Happening;
use model::fault::{Fault, Faults, Place, quoted};
use model::table::{Table, not_one_of, required};
use model::{AreaCode, Hazard, Tier, Time};
use std::collections::BTreeMap;
use std::io::Read;

const COLUMNS: [&str; 6] = ["id", "hazard", "area", "tier", "start", "end"];

/// Reads the table; columns by name, more are allowed.
///
/// # Errors
/// Every fault at once, each with its line, field and remedy.
pub fn read(file: &str, source: impl Read) -> Result<Vec<Happening>, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut happenings = Vec::new();
    let mut ids: BTreeMap<String, u32> = BTreeMap::new();
    if let Some(mut table) = Table::open(file, source, &COLUMNS, &mut faults) {
        let columns = COLUMNS.map(|name| table.column(name));
        while let Some(row) = table.next_row(&mut faults) {
            let place = Place::line(file, row.line());
            let cells = columns.map(|column| row.get(column));
            let [id, ..] = cells;
            if let Some(line) = ids
                .insert(id.to_owned(), row.line())
                .filter(|_| !id.is_empty())
            {
                let what = format!("{} is the event of line {line}, too", quoted(id));
                faults.error(place, "id", what, "give each event an id of its own");
            }
            happenings.extend(happening(place, cells, &mut faults));
        }
    }
    if faults.errors() == 0 {
        return Ok(happenings);
    }
    Err(faults.into_vec())
}

fn happening(place: Place<'_>, cells: [&str; 6], faults: &mut Faults) -> Option<Happening> {
    let [id, hazard, area, tier, start, end] = cells;
    let id = required(place, "id", id, faults);
    let code = Hazard::from_code(hazard);
    if code.is_none() {
        not_one_of(place, "hazard", hazard, "the codes, such as 11B03", faults);
    }
    let area = AreaCode::parse(area)
        .map_err(|error| faults.error(place, "area", error.to_string(), "write its 12 digits"));
    let found = Tier::from_name(tier);
    if found.is_none() {
        not_one_of(place, "tier", tier, "white blue yellow orange red", faults);
    }
    let from = time(place, "start", start, faults);
    let to = time(place, "end", end, faults);
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        let what = format!("{} is before the start", quoted(end));
        faults.error(place, "end", what, "write the later of the two times here");
        return None;
    }
    Some(Happening {
        id: id?.to_owned(),
        hazard: code?,
        area: area.ok()?,
        tier: found?,
        start: from?,
        end: to?,
    })
}

fn time(place: Place<'_>, name: &str, text: &str, faults: &mut Faults) -> Option<Time> {
    let remedy = "write RFC 3339 with an offset, such as 2023-09-07T18:00:00+08:00";
    Time::parse(text)
        .map(|(time, _)| time)
        .map_err(|error| faults.error(place, name, error.to_string(), remedy))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_line_field_and_remedy() {
        let text = "start,end,id,hazard,area,tier,note\n\
            2023-09-07T18:00:00+08:00,2023-09-07T21:00:00+08:00,E1,11B03,440106000000,red,ok\n\
            2023-09-07T18:00:00+08:00,2023-09-07T17:00:00+08:00,E2,11B03,440106000000,red,\n\
            yesterday,2023-09-07T17:00:00+08:00,,rain,4401,purple,\n";
        let faults = read("events.csv", text.as_bytes()).unwrap_err();
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (fault.line, fault.field.as_str()))
            .collect();
        let wanted = [
            (3, "end"),
            (4, "id"),
            (4, "hazard"),
            (4, "area"),
            (4, "tier"),
            (4, "start"),
        ];
        assert_eq!(found, wanted.map(|(line, field)| (Some(line), field)));
        let twice = format!("{text}{}\n", text.lines().nth(1).unwrap());
        let faults = read("events.csv", twice.as_bytes()).unwrap_err();
        let last = faults.last().unwrap();
        assert_eq!((last.line, last.field.as_str()), (Some(5), "id"));
        assert!(last.what.contains("line 2"), "{last}");
        let sound = text.lines().take(2).collect::<Vec<_>>().join("\n");
        let happenings = read("events.csv", sound.as_bytes()).unwrap();
        assert_eq!((happenings.len(), happenings[0].tier), (1, Tier::Red));
    }
}
