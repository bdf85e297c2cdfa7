//! Two rulebooks over the same storm: what the one warns of earlier, later or alone.

use super::{Issued, Step};
use model::{AreaCode, Hazard, Span, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// When an area reached a tier or a higher one under each of two rulebooks, and not at the same
/// time. [`Tier::None`] stands for the all-clear after an episode that both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Hazard.
    pub hazard: Hazard,
    /// Area.
    pub area: AreaCode,
    /// When the earlier of the two began to warn there.
    pub episode: Time,
    /// Tier reached, or none for the all-clear.
    pub tier: Tier,
    /// When, by the old one; `None` where it never did, or had not ended.
    pub old: Option<Time>,
    /// The same by the new one.
    pub new: Option<Time>,
}

/// In which way the new one differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// It warns earlier, or lifts earlier.
    Earlier,
    /// It warns later, or lifts later.
    Later,
    /// It alone reaches the tier.
    Gained,
    /// It does not reach the tier.
    Lost,
}

impl Shift {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Earlier, Self::Later, Self::Gained, Self::Lost];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::Gained => "gained",
            Self::Lost => "lost",
        }
    }
}

impl Difference {
    /// In which way; an all-clear that only one of them has counts as earlier by that one.
    pub fn shift(&self) -> Shift {
        let is_clear = self.tier == Tier::None;
        match (self.old, self.new) {
            (Some(old), Some(new)) if new < old => Shift::Earlier,
            (Some(_), Some(_)) | (None, None) => Shift::Later,
            (Some(_), None) if is_clear => Shift::Later,
            (None, Some(_)) if is_clear => Shift::Earlier,
            (None, Some(_)) => Shift::Gained,
            (Some(_), None) => Shift::Lost,
        }
    }

    /// How much later the new one is, negative where it is earlier; `None` where only one has it.
    pub fn later(&self) -> Option<Span> {
        Some(self.new?.since(self.old?))
    }
}

/// What is not the same, by hazard, area, episode and tier, the all-clear last. An episode goes on as long as either
/// warns, so that a lull in one of them begins no other.
pub fn differences(old: &Issued, new: &Issued) -> Vec<Difference> {
    let (before, after) = (old.courses(), new.courses());
    let mut tiers: BTreeMap<Hazard, BTreeSet<Tier>> = old.tiers();
    for (hazard, more) in new.tiers() {
        tiers.entry(hazard).or_default().extend(more);
    }
    let places: BTreeSet<(Hazard, AreaCode)> = before.keys().chain(after.keys()).copied().collect();
    let mut found = Vec::new();
    for place in places {
        let courses = [&before, &after].map(|courses| courses.get(&place));
        let courses = courses.map(|course| course.map_or(&[][..], Vec::as_slice));
        let known = tiers.get(&place.0).into_iter().flatten().copied();
        let known: Vec<Tier> = known.chain([Tier::None]).collect();
        for episode in episodes(courses) {
            found.extend(compare(place, courses, episode, &known));
        }
    }
    found
}

/// From its beginning to its end; without an end where one of the two still warns.
type Episode = (Time, Option<Time>);

fn compare(
    (hazard, area): (Hazard, AreaCode),
    courses: [&[Step]; 2],
    episode: Episode,
    tiers: &[Tier],
) -> Vec<Difference> {
    let within =
        |step: &&Step| step.time >= episode.0 && episode.1.is_none_or(|end| step.time <= end);
    let reached = |course: &[Step], tier: Tier| {
        let mut rises = course.iter().filter(within).filter(|s| s.to > s.from);
        rises.find(|step| step.to >= tier).map(|step| step.time)
    };
    let lifted = |course: &[Step]| {
        let last = course.iter().rfind(within);
        last.filter(|step| step.to == Tier::None)
            .map(|step| step.time)
    };
    let warned = courses.map(|course| reached(course, Tier::White).is_some());
    let differ = |tier: &Tier| {
        let [old, new] = match tier {
            Tier::None if warned == [true, true] => courses.map(lifted),
            Tier::None => return None,
            Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red => {
                courses.map(|course| reached(course, *tier))
            }
        };
        (old != new).then_some(Difference {
            hazard,
            area,
            episode: episode.0,
            tier: *tier,
            old,
            new,
        })
    };
    tiers.iter().filter_map(differ).collect()
}

/// Stretches in which either course has a tier, joined where they touch.
fn episodes(courses: [&[Step]; 2]) -> Vec<Episode> {
    let mut steps: Vec<(Time, usize, Tier)> = Vec::new();
    for (which, course) in courses.into_iter().enumerate() {
        steps.extend(course.iter().map(|step| (step.time, which, step.to)));
    }
    steps.sort_by_key(|(time, ..)| *time);
    let mut found: Vec<Episode> = Vec::new();
    let mut standing = [Tier::None; 2];
    let mut since: Option<Time> = None;
    for (time, which, tier) in steps {
        if let Some(held) = standing.get_mut(which) {
            *held = tier;
        }
        let warned = standing.iter().any(|tier| *tier > Tier::None);
        match since {
            None if warned => match found.pop_if(|(_, end)| *end == Some(time)) {
                Some((begun, _)) => since = Some(begun),
                None => since = Some(time),
            },
            Some(begun) if !warned => {
                found.push((begun, Some(time)));
                since = None;
            }
            None | Some(_) => {}
        }
    }
    found.extend(since.map(|begun| (begun, None)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: &str = "440106014000";

    fn issued(steps: &[(i64, Tier)]) -> Issued {
        let mut issued = Issued::default();
        let area = AreaCode::parse(AREA).unwrap();
        for (minute, tier) in steps {
            issued.step(Time::from_minute(*minute), Hazard::Rainstorm, area, *tier);
        }
        issued
    }

    fn found(old: &[(i64, Tier)], new: &[(i64, Tier)]) -> Vec<(Tier, Option<i64>, Option<i64>)> {
        let minute = |time: Option<Time>| time.map(Time::minute);
        differences(&issued(old), &issued(new))
            .iter()
            .map(|d| (d.tier, minute(d.old), minute(d.new)))
            .collect()
    }

    #[test]
    fn the_same_is_no_difference() {
        let course = [(10, Tier::Yellow), (30, Tier::Orange), (90, Tier::None)];
        assert_eq!(found(&course, &course), []);
    }

    #[test]
    fn earlier_later_gained_and_lost_are_told_by_tier() {
        let old = [(10, Tier::Yellow), (30, Tier::Orange), (90, Tier::None)];
        let new = [(20, Tier::Yellow), (25, Tier::Red), (120, Tier::None)];
        assert_eq!(
            found(&old, &new),
            [
                (Tier::Yellow, Some(10), Some(20)),
                (Tier::Orange, Some(30), Some(25)),
                (Tier::Red, None, Some(25)),
                (Tier::None, Some(90), Some(120)),
            ]
        );
        assert_eq!(found(&old, &[]).len(), 2, "yellow and orange are lost");
    }

    #[test]
    fn every_difference_is_of_a_kind() {
        let at = |minute: Option<i64>| minute.map(Time::from_minute);
        let shift = |tier, old, new| {
            let difference = Difference {
                hazard: Hazard::Rainstorm,
                area: AreaCode::parse(AREA).unwrap(),
                episode: Time::from_minute(1),
                tier,
                old: at(old),
                new: at(new),
            };
            difference.shift()
        };
        assert_eq!(shift(Tier::Red, Some(9), Some(5)), Shift::Earlier);
        assert_eq!(shift(Tier::Red, Some(5), Some(9)), Shift::Later);
        assert_eq!(shift(Tier::Red, None, Some(9)), Shift::Gained);
        assert_eq!(shift(Tier::Red, Some(9), None), Shift::Lost);
        assert_eq!(shift(Tier::None, None, Some(9)), Shift::Earlier);
        assert_eq!(shift(Tier::None, Some(9), None), Shift::Later);
    }

    #[test]
    fn a_lull_in_one_of_them_begins_no_other_episode() {
        let old = [(10, Tier::Yellow), (90, Tier::None)];
        let new = [
            (10, Tier::Yellow),
            (40, Tier::None),
            (50, Tier::Yellow),
            (90, Tier::None),
        ];
        assert_eq!(found(&old, &new), []);
        let again = [
            (10, Tier::Yellow),
            (90, Tier::None),
            (200, Tier::Yellow),
            (210, Tier::None),
        ];
        assert_eq!(found(&old, &again), [(Tier::Yellow, None, Some(200))]);
    }
}
