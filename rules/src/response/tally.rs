//! How high each area stands by the warnings that count for one plan.

use model::response::{Board, Evidence, Plan, Standing};
use model::{AreaCode, AreaNo, City, Tier};

/// Tiers by area. An area stands at the highest tier of what covers it, the whole of a larger one
/// or a part of it: signals go out by district or by township, and plans count districts.
pub(super) struct Tally<'b> {
    city: &'b City,
    counted: Vec<&'b Standing>,
    official: Tiers,
    found: Tiers,
}

struct Tiers {
    /// Highest in the area or in a part of it, by number.
    inside: Vec<Tier>,
    /// Highest of the area itself.
    whole: Vec<Tier>,
}

impl<'b> Tally<'b> {
    /// Counts the warnings of the plan's hazards.
    pub(super) fn of(city: &'b City, plan: &Plan, board: &'b Board) -> Self {
        let standing = board.standing.values();
        let counted: Vec<_> = standing
            .filter(|standing| plan.hazards.contains(&standing.hazard))
            .collect();
        let official = counted.iter().flat_map(|s| &s.official);
        let found = counted
            .iter()
            .flat_map(|s| s.official.iter().chain(&s.found));
        Self {
            official: Tiers::of(city, official),
            found: Tiers::of(city, found),
            city,
            counted,
        }
    }

    /// The tier at which an area stands.
    pub(super) fn tier(&self, area: AreaNo, evidence: Evidence) -> Tier {
        let tiers = match evidence {
            Evidence::Official => &self.official,
            Evidence::Found => &self.found,
        };
        let at = |list: &[Tier], no: AreaNo| list.get(usize::from(no.0)).copied();
        let above = self.city.ancestors(area);
        let above = above.filter_map(|no| at(&tiers.whole, no)).max();
        let inside = at(&tiers.inside, area).unwrap_or_default();
        inside.max(above.unwrap_or_default())
    }

    /// Keys of the warnings by which one of the areas stands at `tier` or above.
    pub(super) fn behind(&self, areas: &[AreaNo], evidence: Evidence, tier: Tier) -> Vec<String> {
        let touches = |code: &AreaCode| {
            let no = self.city.area_no(*code);
            no.is_some_and(|no| {
                let mut areas = areas.iter();
                areas.any(|area| self.city.is_within(*area, no) || self.city.is_within(no, *area))
            })
        };
        let is_behind = |standing: &&&Standing| {
            let found = match evidence {
                Evidence::Official => None,
                Evidence::Found => Some(&standing.found),
            };
            let mut tiers = standing.official.iter().chain(found.into_iter().flatten());
            tiers.any(|(code, held)| *held >= tier && touches(code))
        };
        let behind = self.counted.iter().filter(is_behind);
        behind.map(|standing| standing.key.clone()).collect()
    }
}

impl Tiers {
    fn of<'s>(city: &City, standing: impl Iterator<Item = (&'s AreaCode, &'s Tier)>) -> Self {
        let mut tiers = Self {
            inside: vec![Tier::None; city.areas.len()],
            whole: vec![Tier::None; city.areas.len()],
        };
        let raise = |list: &mut Vec<Tier>, no: AreaNo, tier: Tier| {
            if let Some(held) = list.get_mut(usize::from(no.0)) {
                *held = tier.max(*held);
            }
        };
        for (code, tier) in standing {
            let Some(no) = city.area_no(*code) else {
                continue;
            };
            raise(&mut tiers.whole, no, *tier);
            raise(&mut tiers.inside, no, *tier);
            for above in city.ancestors(no) {
                raise(&mut tiers.inside, above, *tier);
            }
        }
        tiers
    }
}
