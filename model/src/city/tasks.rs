//! `plans.csv`: what is to be done at a site (一点一策) or in a district (一区一单) once a response of
//! a family stands at a level.

use super::places::Places;
use super::stations::named;
use crate::fault::{Faults, Place, quoted};
use crate::response::{Family, Level, Plans, TaskRow};
use crate::table::{self, Table};
use crate::{Site, Span};
use rustc_hash::{FxHashMap, FxHashSet};

/// Name of the file.
pub(super) const FILE: &str = "plans.csv";

const REQUIRED: [&str; 8] = [
    "id", "site", "area", "family", "level", "task", "owner", "minutes",
];

/// Longest time for a task, minutes.
const MINUTES_MAX: i64 = 7 * 24 * 60;

/// Rows in file order.
pub(super) fn read(
    bytes: &[u8],
    places: &Places<'_>,
    sites: &[Site],
    plans: &Plans,
    faults: &mut Faults,
) -> Vec<TaskRow> {
    let Some(mut table) = Table::open(FILE, bytes, &REQUIRED, faults) else {
        return Vec::new();
    };
    let [id, site, area, family, level, task, owner, minutes] = REQUIRED.map(|c| table.column(c));
    let task_en = table.column("task_en");
    let by_id: FxHashMap<&str, &Site> = sites.iter().map(|site| (&*site.id, site)).collect();
    let mut rows: Vec<TaskRow> = Vec::new();
    let mut seen = FxHashSet::default();
    while let Some(row) = table.next_row(faults) {
        let place = Place::line(FILE, row.line());
        let id = table::required(place, "id", row.get(id), faults);
        table::required(place, "task", row.get(task), faults);
        table::required(place, "owner", row.get(owner), faults);
        let site = match row.get(site) {
            "" => None,
            text => {
                let found = by_id.get(text).copied();
                if found.is_none() {
                    let what = format!("no site {}", quoted(text));
                    faults.error(
                        place,
                        "site",
                        what,
                        "add it to sites.csv, or correct the id",
                    );
                }
                found
            }
        };
        let there = match (site, row.get(area)) {
            (Some(site), _) => Some(site.area),
            (None, "") => {
                let remedy = "name a site or an area";
                faults.error(place, "area", "nowhere", remedy);
                None
            }
            (None, text) => places.coded(place, text, faults),
        };
        let known = Family::from_name(row.get(family));
        if known.is_none() {
            let allowed = Family::ALL.map(Family::name).join(", ");
            table::not_one_of(place, "family", row.get(family), &allowed, faults);
        }
        let level_of = Level::from_name(row.get(level));
        if level_of.is_none() {
            let allowed = Level::ALL.map(Level::name).join(", ");
            table::not_one_of(place, "level", row.get(level), &allowed, faults);
        }
        let within = row.get(minutes).parse::<i64>().ok();
        let within = within.filter(|m| (1..=MINUTES_MAX).contains(m));
        if within.is_none() {
            let what = format!("{} is no number of minutes", quoted(row.get(minutes)));
            let remedy = format!("write 1 to {MINUTES_MAX}");
            faults.error(place, "minutes", what, remedy);
        }
        if let Some(family) = known
            && !plans.plans.iter().any(|plan| plan.family == family)
        {
            let what = format!("no response of the family {}", family.name());
            let remedy = "add one to responses.toml: nothing opens this task";
            faults.notice(place, "family", what, remedy);
        }
        let code = there.and_then(|no| places.areas.get(usize::from(no.0)));
        let (Some(id), Some(area), Some(family), Some(level), Some(within)) =
            (id, code, known, level_of, within)
        else {
            continue;
        };
        if !seen.insert(id.to_owned()) {
            let what = format!("task {} stands there twice", quoted(id));
            faults.error(place, "id", what, "keep one of the two");
            continue;
        }
        rows.push(TaskRow {
            id: id.to_owned(),
            place: area.code,
            site: site.map(|site| site.id.clone()),
            family,
            level,
            text: named(row, task, task_en),
            owner: row.get(owner).to_owned(),
            within: Span::from_minutes(within),
        });
    }
    rows
}
