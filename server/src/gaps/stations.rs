//! The state of base stations, as carriers put it into a file: `area,total,out,time`.
//!
//! The file is the operators' own, replaced whole; it is read when somebody looks. A row that cannot be
//! read is counted and passed over; so is one that is older than an hour.

use super::{OUT_PERCENT, STATIONS_MAX};
use model::{AreaCode, City, Time};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Largest file that is read.
const BYTES_MAX: u64 = 4 << 20;
/// Rows taken of it.
const ROWS_MAX: usize = 100_000;

/// Where the file is, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct StationsFile(pub(crate) Option<PathBuf>);

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BaseStations {
    by_area: BTreeMap<AreaCode, State>,
    /// Rows that could not be read, or the file itself.
    pub(crate) faults: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    total: u64,
    out: u64,
    at: Time,
}

impl StationsFile {
    /// What the file says now.
    pub(crate) fn read(&self, city: &City) -> BaseStations {
        let Some(path) = &self.0 else {
            return BaseStations::default();
        };
        let is_small = std::fs::metadata(path).is_ok_and(|of| of.len() <= BYTES_MAX);
        match is_small.then(|| std::fs::read_to_string(path)) {
            Some(Ok(text)) => BaseStations::parse(&text, city),
            Some(Err(_)) | None => BaseStations {
                faults: 1,
                ..BaseStations::default()
            },
        }
    }
}

impl BaseStations {
    /// Reads the text of a file.
    pub(crate) fn parse(text: &str, city: &City) -> Self {
        let mut stations = Self::default();
        for line in text.lines().skip(1).take(ROWS_MAX) {
            if line.trim().is_empty() {
                continue;
            }
            match row(line, city) {
                // Of several carriers all count.
                Some((area, state)) => {
                    let held = stations.by_area.entry(area).or_insert(State {
                        total: 0,
                        out: 0,
                        at: state.at,
                    });
                    held.total += state.total;
                    held.out += state.out;
                    held.at = held.at.min(state.at);
                }
                None => stations.faults += 1,
            }
        }
        stations
    }

    /// Areas of which so many are out that nobody may be reached there, and since when.
    pub(super) fn out(&self, now: Time) -> impl Iterator<Item = (AreaCode, Time)> {
        let out = self.by_area.iter().filter(move |(_, state)| {
            let is_new = now.since(state.at) <= STATIONS_MAX;
            let is_out = state.out * 100 >= state.total * OUT_PERCENT;
            is_new && is_out && state.out > 0
        });
        out.map(|(area, state)| (*area, state.at))
    }
}

fn row(line: &str, city: &City) -> Option<(AreaCode, State)> {
    let mut cells = line.split(',').map(str::trim);
    let area = AreaCode::parse(cells.next()?).ok()?;
    city.area_no(area)?;
    let total: u32 = cells.next()?.parse().ok()?;
    let out: u32 = cells.next()?.parse().ok()?;
    let (at, _) = Time::parse(cells.next()?).ok()?;
    let state = State {
        total: total.into(),
        out: out.into(),
        at,
    };
    (out <= total).then_some((area, state))
}
