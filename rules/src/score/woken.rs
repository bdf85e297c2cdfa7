//! How many people warnings tell, and how many of them at night.

use super::Issued;
use model::telling::QuietHours;
use model::{AreaNo, City, Hazard, Time};
use std::collections::{BTreeMap, BTreeSet};

/// When people sleep, by the city's clock.
pub const NIGHT: QuietHours = QuietHours { from: 22, to: 6 };

/// Heads told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// Different people told of at least one rise.
    pub people: u64,
    /// Of them, those told at night at least once.
    pub people_night: u64,
    /// Each rise counted anew for everybody it tells.
    pub rings: u64,
    /// Of these, at night.
    pub rings_night: u64,
}

impl Issued {
    /// Counts whom the rises tell, of one hazard or of all; `heads` says how many live in an area.
    /// Whoever lives in two areas that rise at once, one in the other, is told once.
    pub fn woken(
        &self,
        city: &City,
        hazard: Option<Hazard>,
        mut heads: impl FnMut(AreaNo) -> u64,
    ) -> Woken {
        let mut acts: BTreeMap<(Time, Hazard), BTreeSet<AreaNo>> = BTreeMap::new();
        for step in self.rises() {
            let wanted = hazard.is_none_or(|only| only == step.hazard);
            if let Some(area) = city.area_no(step.area).filter(|_| wanted) {
                let act = acts.entry((step.time, step.hazard)).or_default();
                act.insert(area);
            }
        }
        let (mut all, mut at_night) = (BTreeSet::new(), BTreeSet::new());
        let mut woken = Woken::default();
        for ((time, _), areas) in acts {
            let rings = sum(city, &areas, &mut heads);
            woken.rings += rings;
            if NIGHT.until(time, city.offset_at(time)).is_some() {
                woken.rings_night += rings;
                at_night.extend(areas.iter().copied());
            }
            all.extend(areas);
        }
        woken.people = sum(city, &all, &mut heads);
        woken.people_night = sum(city, &at_night, &mut heads);
        woken
    }
}

/// Heads of the areas, none counted twice where one area holds another.
fn sum(city: &City, areas: &BTreeSet<AreaNo>, heads: &mut impl FnMut(AreaNo) -> u64) -> u64 {
    let outermost = areas.iter().filter(|area| {
        let mut above = city.ancestors(**area);
        !above.any(|above| areas.contains(&above))
    });
    outermost.map(|area| heads(*area)).sum()
}
