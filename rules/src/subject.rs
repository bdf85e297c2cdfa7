//! Which stations, sites and areas a rule speaks of.

use crate::rulebook::{Rule, SubjectKind};
use model::{AreaNo, City, Site, Station};

impl Rule {
    /// True where the rule holds for that kind of station or site.
    pub(crate) fn has_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|held| held == kind)
    }

    /// True where the station measures something the rule reads.
    pub(crate) fn takes_station(&self, station: &Station) -> bool {
        let kind = self.subject == SubjectKind::Site || self.has_kind(&station.kind);
        kind && self
            .parameters
            .iter()
            .any(|p| station.parameters.contains(p))
    }

    /// True where the site is of the right kind and its station measures what the rule reads.
    pub(crate) fn takes_site(&self, city: &City, site: &Site) -> bool {
        let station = site.station.and_then(|no| city.stations.get(no.0 as usize));
        self.has_kind(&site.kind) && station.is_some_and(|station| self.takes_station(station))
    }

    /// The area of the rule's level that holds `area`; `None` where it lies above that level.
    pub(crate) fn area_of(&self, city: &City, area: AreaNo) -> Option<AreaNo> {
        let mut at = Some(area);
        while let Some(no) = at {
            let area = city.areas.get(usize::from(no.0))?;
            if area.level == self.level {
                return Some(no);
            }
            at = area.parent;
        }
        None
    }
}
