//! Areas with what hangs on them while stations and sites are read: codes, zones, positions.

use crate::fault::{Faults, Place, quoted};
use crate::gazetteer::Gazetteer;
use crate::{Area, AreaCode, AreaLevel, AreaNo, Zone};
use rustc_hash::FxHashMap;

/// Areas by code, zones by area, places by the gazetteer.
pub(super) struct Places<'a> {
    pub(super) areas: &'a [Area],
    pub(super) numbers: &'a FxHashMap<AreaCode, AreaNo>,
    pub(super) zones: &'a [AreaNo],
    pub(super) zone_by_area: &'a [Zone],
    pub(super) gazetteer: &'a Gazetteer,
    pub(super) border_km: f64,
}

/// Zones: one for each district in code order where the level says so, then the city itself.
/// The second list gives each area's zone.
pub(super) fn zones(areas: &[Area], level: AreaLevel) -> (Vec<AreaNo>, Vec<Zone>) {
    let of_level = |wanted: AreaLevel| {
        (0u16..)
            .zip(areas)
            .filter(move |(_, a)| a.level == wanted)
            .map(|(no, _)| AreaNo(no))
    };
    let mut zones: Vec<AreaNo> = match level {
        AreaLevel::City => Vec::new(),
        AreaLevel::District | AreaLevel::Township | AreaLevel::Community => {
            of_level(AreaLevel::District).collect()
        }
    };
    zones.extend(of_level(AreaLevel::City).take(1));
    let number = |at: usize| Zone(u16::try_from(at).unwrap_or(u16::MAX));
    let city = number(zones.len().saturating_sub(1));
    let mut by_area: Vec<Zone> = Vec::with_capacity(areas.len());
    for (no, area) in (0..).zip(areas) {
        let own = zones.iter().position(|z| *z == AreaNo(no)).map(number);
        let above = area
            .parent
            .and_then(|p| by_area.get(usize::from(p.0)).copied());
        by_area.push(own.or(above).unwrap_or(city));
    }
    (zones, by_area)
}

impl Places<'_> {
    /// The area of that code, or where the cell is empty the one that holds the position. A code
    /// that does not fit the position is a notice: the code holds.
    pub(super) fn area(
        &self,
        place: Place<'_>,
        text: &str,
        position: Option<(f64, f64)>,
        faults: &mut Faults,
    ) -> Option<AreaNo> {
        let there = position.map(|(lon, lat)| self.gazetteer.locate(lon, lat));
        if text.is_empty() {
            let found = there?;
            if found.is_none() {
                let remedy = "write the area's code";
                faults.error(
                    place,
                    "area",
                    "it is empty and no area holds the position",
                    remedy,
                );
            }
            return found;
        }
        let coded = self.coded(place, text, faults)?;
        let (lon, lat) = position?;
        if !self.gazetteer.holds(coded, lon, lat) {
            let found = there
                .flatten()
                .and_then(|no| self.areas.get(usize::from(no.0)));
            let what = found.map_or_else(
                || "the position lies outside every area".to_owned(),
                |area| format!("the position lies in {}", area.code),
            );
            let remedy = "check the code, the position and its datum (WGS-84); the code holds";
            faults.notice(place, "area", what, remedy);
        }
        Some(coded)
    }

    /// The area of that code.
    pub(super) fn coded(
        &self,
        place: Place<'_>,
        text: &str,
        faults: &mut Faults,
    ) -> Option<AreaNo> {
        let code = AreaCode::parse(text).ok();
        let coded = code.and_then(|code| self.numbers.get(&code).copied());
        if coded.is_none() {
            let what = format!("no area {}", quoted(text));
            let remedy = "add it to areas.geojson, or correct the code";
            faults.error(place, "area", what, remedy);
        }
        coded
    }

    /// The zone an area belongs to.
    pub(super) fn zone_of(&self, area: AreaNo) -> Zone {
        self.zone_by_area
            .get(usize::from(area.0))
            .copied()
            .unwrap_or(Zone(0))
    }

    /// The zone of that code.
    pub(super) fn zone_named(&self, code: AreaCode) -> Option<Zone> {
        let area = self.numbers.get(&code)?;
        let at = self.zones.iter().position(|z| z == area)?;
        u16::try_from(at).ok().map(Zone)
    }

    /// Zones, the city's apart, whose border is no further than the registered distance.
    pub(super) fn zones_near(&self, (lon, lat): (f64, f64)) -> Vec<Zone> {
        if self.border_km <= 0.0 {
            return Vec::new();
        }
        let districts = (0u16..).zip(self.zones).filter(|(_, area)| {
            self.areas
                .get(usize::from(area.0))
                .is_some_and(|a| a.level != AreaLevel::City)
        });
        districts
            .filter(|(_, area)| self.gazetteer.is_near(**area, lon, lat, self.border_km))
            .map(|(zone, _)| Zone(zone))
            .collect()
    }
}
