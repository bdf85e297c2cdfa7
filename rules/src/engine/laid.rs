//! What a city and a rulebook make of a zone: its series, its subjects, and who wakes whom.

use super::subjects::{self, Feeds, RuleState};
use super::windows::Windows;
use crate::rulebook::Rulebook;
use model::{AreaNo, City, Zone};
use std::collections::BTreeMap;

/// A zone laid out, everything at rest.
pub(super) struct Laid {
    /// Stations whose observations count here, by number.
    pub(super) hears: Vec<bool>,
    pub(super) windows: Windows,
    pub(super) rules: Vec<RuleState>,
    pub(super) feeds: Feeds,
}

/// How many subjects count for each area of each rule, all zones together.
pub(crate) fn enrolled(city: &City, rulebook: &Rulebook) -> Vec<BTreeMap<AreaNo, u32>> {
    let mut found = vec![BTreeMap::new(); rulebook.rules.len()];
    for (number, _) in (0u16..).zip(&city.zones) {
        let laid = Laid::new(city, Zone(number), rulebook);
        for (found, state) in found.iter_mut().zip(&laid.rules) {
            found.extend(
                state
                    .areas
                    .iter()
                    .map(|count| (count.area, count.present())),
            );
        }
    }
    found
}

impl Laid {
    /// Lays the zone out over all stations it gets, then once more without those that are of
    /// another zone and wake nobody here.
    pub(super) fn new(city: &City, zone: Zone, rulebook: &Rulebook) -> Self {
        let all = Self::over(city, zone, rulebook, vec![true; city.stations.len()]);
        let mut hears = vec![false; city.stations.len()];
        for (number, station) in city.stations_in(zone) {
            if let Some(heard) = hears.get_mut(number.0 as usize) {
                *heard = station.zones.first() == Some(&zone);
            }
        }
        for (series, station) in all.windows.owners() {
            if let Some(heard) = hears.get_mut(station.0 as usize) {
                *heard |= all.feeds.has(series);
            }
        }
        Self::over(city, zone, rulebook, hears)
    }

    fn over(city: &City, zone: Zone, rulebook: &Rulebook, hears: Vec<bool>) -> Self {
        let heard = |station: model::StationNo| hears.get(station.0 as usize) == Some(&true);
        let windows = Windows::new(city, zone, rulebook, heard);
        let rules = subjects::rules(city, zone, rulebook, &windows);
        let feeds = Feeds::new(&rules, windows.count());
        Self {
            hears,
            windows,
            rules,
            feeds,
        }
    }
}
