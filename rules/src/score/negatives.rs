//! What was rightly left unsaid.
//!
//! Heidke's score asks how often nothing was warned of and nothing happened, which has no natural
//! count. Here it is counted in cells of one area and six hours of the day (0–6, 6–12, 12–18,
//! 18–24 by the city's clock, as long as a warning may come before its event), from the first
//! observation to the last. The areas are those that a rule of the hazard can warn: of its level
//! and with enough stations or sites in service; where nothing measures, silence is no merit. A
//! cell is a correct negative where neither an event nor a warning of the hazard reaches into it:
//! not in the area, not in one that holds it, not in one that it holds.

use super::{Happening, Issued, Pick, Step, Tiers};
use crate::rulebook::Rulebook;
use model::{AreaCode, AreaNo, City, Hazard, Span, Tier, Time};
use std::collections::{BTreeMap, BTreeSet};

/// How long a cell is.
pub const PERIOD: Span = Span::from_minutes(6 * 60);

/// Where and when something could have been warned of.
pub struct Ground<'a> {
    pub(super) city: &'a City,
    areas: BTreeMap<Hazard, BTreeSet<AreaNo>>,
    /// First and last observation; `None` where there was none.
    pub(super) span: Option<(Time, Time)>,
}

impl<'a> Ground<'a> {
    /// The areas that the rulebook can warn, over the span of the observations.
    pub fn new(city: &'a City, rulebook: &Rulebook, span: Option<(Time, Time)>) -> Self {
        let mut areas: BTreeMap<Hazard, BTreeSet<AreaNo>> = BTreeMap::new();
        let enrolled = crate::engine::enrolled(city, rulebook);
        for (rule, enrolled) in rulebook.rules.iter().zip(enrolled) {
            let can_be_warned = |(area, present): (AreaNo, u32)| {
                let enough = present > 0 && rule.quorum.needed(present) <= present;
                let is_of_level = city.area(area).is_some_and(|a| a.level == rule.level);
                (enough && is_of_level).then_some(area)
            };
            let of_hazard = areas.entry(rule.hazard).or_default();
            of_hazard.extend(enrolled.into_iter().filter_map(can_be_warned));
        }
        Self { city, areas, span }
    }

    /// How many cells there are, over all areas and periods.
    pub fn cells(&self, hazard: Hazard) -> usize {
        let areas = self.areas.get(&hazard).map_or(0, BTreeSet::len);
        let periods = self.span.map_or(0, |(from, until)| {
            self.period(until) - self.period(from) + 1
        });
        areas.saturating_mul(usize::try_from(periods).unwrap_or(0))
    }

    pub(super) fn correct_negatives(
        &self,
        issued: &Issued,
        happenings: &[&Happening],
        pick: Pick,
    ) -> usize {
        let least = match pick.tiers {
            Tiers::All => Tier::White,
            Tiers::Of(tier) | Tiers::From(tier) => tier,
        };
        let Some((first, last)) = self.span else {
            return 0;
        };
        let courses = issued.courses();
        let hazards = self.areas.keys().filter(|hazard| pick.is_of(**hazard));
        let free = |hazard: &Hazard| {
            let mut taken: BTreeSet<(AreaNo, i64)> = BTreeSet::new();
            let mut take = |code: AreaCode, from: Time, until: Time| {
                let (from, until) = (from.max(first), until.min(last));
                if from <= until {
                    for area in self.around(*hazard, code) {
                        let periods = self.period(from)..=self.period(until);
                        taken.extend(periods.map(|period| (area, period)));
                    }
                }
            };
            let courses = courses.iter().filter(|((of, _), _)| of == hazard);
            for ((_, area), course) in courses {
                for (from, until) in stretches(course, least, last) {
                    take(*area, from, until);
                }
            }
            let events = happenings.iter().filter(|event| event.hazard == *hazard);
            for event in events.filter(|event| event.tier >= least) {
                take(event.area, event.start, event.end);
            }
            self.cells(*hazard) - taken.len()
        };
        hazards.map(free).sum()
    }

    /// Areas that could be warned of the hazard: the one named, those in it and those around it.
    pub(super) fn around(&self, hazard: Hazard, code: AreaCode) -> impl Iterator<Item = AreaNo> {
        let named = self.city.area_no(code);
        let areas = self.areas.get(&hazard).into_iter().flatten().copied();
        areas.filter(move |area| {
            named.is_some_and(|named| {
                self.city.is_within(*area, named) || self.city.is_within(named, *area)
            })
        })
    }

    /// Number of the period by the city's clock.
    fn period(&self, time: Time) -> i64 {
        let shift = i64::from(self.city.offset_at(time).0) * 60_000;
        (time.millis() + shift).div_euclid(PERIOD.millis())
    }
}

/// From when until when, both included, the tier was at `least` or higher.
pub(super) fn stretches(course: &[Step], least: Tier, last: Time) -> Vec<(Time, Time)> {
    let mut found = Vec::new();
    let mut since: Option<Time> = None;
    for step in course {
        match since {
            None if step.to >= least => since = Some(step.time),
            Some(from) if step.to < least => {
                found.push((from, from.max(step.time - Span::from_millis(1))));
                since = None;
            }
            None | Some(_) => {}
        }
    }
    found.extend(since.map(|from| (from, from.max(last))));
    found
}
