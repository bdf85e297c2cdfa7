//! What is not wrong and yet leaves somebody unwarned: listed by `sanfang check`.

use super::{City, areas, settings, sites};
use crate::fault::{Fault, Faults, Place};
use crate::{AreaLevel, Hazard, Tier};
use geo::{Area as _, BooleanOps, BoundingRect, Intersects};

/// An overlap of neighbours larger than this share of the smaller is worth a look.
const OVERLAP_SHARE: f64 = 0.001;

/// Every notice about a city that could be read, those of reading included.
pub(super) fn check(city: &City) -> Vec<Fault> {
    let mut faults = Faults::default();
    unwarned_areas(city, &mut faults);
    overlaps(city, &mut faults);
    silent_sites(city, &mut faults);
    unruled_hazards(city, &mut faults);
    let mut all = city.notices.clone();
    all.extend(faults.into_vec());
    all
}

/// Areas in which nothing stands that a rule could look at.
fn unwarned_areas(city: &City, faults: &mut Faults) {
    let mut seen = vec![false; city.areas.len()];
    let stations = city.stations.iter().filter(|s| !s.retired).map(|s| s.area);
    for area in stations.chain(city.sites.iter().map(|s| s.area)) {
        for no in std::iter::once(area).chain(city.ancestors(area)) {
            if let Some(seen) = seen.get_mut(usize::from(no.0)) {
                *seen = true;
            }
        }
    }
    for (area, _) in city.areas.iter().zip(seen).filter(|(_, seen)| !seen) {
        let what = format!("no station or site in {} {}", area.code, area.name.zh);
        let remedy = "register one: without, no rule can ever warn it";
        faults.notice(Place::file(areas::FILE), "code", what, remedy);
    }
}

fn overlaps(city: &City, faults: &mut Faults) {
    for (at, a) in city.areas.iter().enumerate() {
        let others = city
            .areas
            .iter()
            .skip(at + 1)
            .filter(|b| b.level == a.level);
        for b in others {
            let (Some(box_a), Some(box_b)) = (a.shape.bounding_rect(), b.shape.bounding_rect())
            else {
                continue;
            };
            if !box_a.intersects(&box_b) {
                continue;
            }
            let common = a.shape.intersection(&b.shape).unsigned_area();
            if common > a.shape.unsigned_area().min(b.shape.unsigned_area()) * OVERLAP_SHARE {
                let what = format!("{} and {} lie on each other", a.code, b.code);
                let remedy = "draw their common border once; the lower code gets the place";
                faults.notice(Place::file(areas::FILE), "geometry", what, remedy);
            }
        }
    }
}

fn silent_sites(city: &City, faults: &mut Faults) {
    for site in city
        .sites
        .iter()
        .filter(|s| s.station.is_none() && !s.thresholds.is_empty())
    {
        let what = format!("site {} has thresholds and no station", site.id);
        let remedy = "register its sensor: nothing measures there";
        faults.notice(Place::file(sites::FILE), "station", what, remedy);
    }
}

/// Hazards of which the matrix says nothing in some zone: a finding goes nowhere there.
fn unruled_hazards(city: &City, faults: &mut Faults) {
    for hazard in Hazard::ALL {
        let zones = city.areas_of(AreaLevel::District).filter(|district| {
            let orange = city.ruling(hazard, *district, Tier::Orange);
            let red = city.ruling(hazard, *district, Tier::Red);
            orange.is_none() || red.is_none()
        });
        let count = zones.count();
        if count > 0 {
            let what = format!(
                "nothing about {} {} at orange and red in {count} districts",
                hazard.code(),
                hazard.zh()
            );
            let remedy = "add a row: issue, co-issue or request; without, it is only shown";
            faults.notice(Place::file(settings::FILE), "matrix", what, remedy);
        }
    }
}
