//! Which measurement a text speaks of: the strongest evidence at the place.

use super::Desk;
use crate::wording::measure;
use model::warning::Evidence;
use model::{AreaCode, AreaNo, Language, Named, Parameter, Warning};
use std::collections::BTreeSet;

/// The depth at a site's station, as rules write it.
const DEPTH: &str = "water_depth.last()";

/// What was measured at a site, in words.
pub(super) fn of_site(warning: &Warning, site: &str) -> Named {
    say(warning.evidence.iter().filter(|e| e.subject == site))
}

/// The depth of water behind a site's tier, in quanta; the greatest where several rules name one.
pub(super) fn depth_of(warning: &Warning, site: &str) -> Option<i64> {
    let here = warning.evidence.iter().filter(|e| e.subject == site);
    let values = here.filter_map(|evidence| evidence.values.get(DEPTH));
    let depths = values.filter_map(|value| Parameter::WaterDepth.quanta(value).ok());
    depths.map(i64::from).max()
}

/// A depth in words.
pub(super) fn of_depth(quanta: i64) -> Named {
    let depth = Parameter::WaterDepth.decimal(quanta);
    let said = |language| measure::call(DEPTH, &depth, language).unwrap_or_default();
    Named {
        zh: said(Language::Zh),
        en: said(Language::En),
    }
}

/// What was measured in an area.
pub(super) fn of_area(warning: &Warning, area: AreaCode, desk: &Desk<'_>) -> Named {
    of_areas(warning, &BTreeSet::from([area]), desk)
}

/// What was measured in any of the areas.
pub(super) fn of_areas(warning: &Warning, areas: &BTreeSet<AreaCode>, desk: &Desk<'_>) -> Named {
    let inside = |evidence: &&Evidence| {
        let above = upwards(&evidence.subject, desk);
        above.iter().any(|code| areas.contains(code))
    };
    say(warning.evidence.iter().filter(inside))
}

/// Codes of the areas a subject lies in: a station's, a site's, or the area itself.
fn upwards(subject: &str, desk: &Desk<'_>) -> Vec<AreaCode> {
    let city = desk.city;
    let station = || Some(city.station(city.station_no(subject)?)?.area);
    let site = || Some(city.site(city.site_no(subject)?)?.area);
    let area = || city.area_no(AreaCode::parse(subject).ok()?);
    let no: Option<AreaNo> = station().or_else(site).or_else(area);
    no.map(|no| city.codes_upward(no)).unwrap_or_default()
}

fn say<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Named {
    let mut strongest: Option<&Evidence> = None;
    for one in evidence {
        if strongest.is_none_or(|best| one.tier > best.tier) {
            strongest = Some(one);
        }
    }
    strongest.map_or_else(Named::default, |evidence| Named {
        zh: measure::words(evidence, Language::Zh),
        en: measure::words(evidence, Language::En),
    })
}
