//! What was issued, area by area: each change of a warned tier, in the order it was told.

use model::warning::Event;
use model::{AreaCode, Hazard, Tier, Time, Warning};
use std::collections::{BTreeMap, BTreeSet};

/// An area's tier changed in a warning that was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// When.
    pub time: Time,
    /// Of what.
    pub hazard: Hazard,
    /// Where.
    pub area: AreaCode,
    /// Tier before.
    pub from: Tier,
    /// Tier after.
    pub to: Tier,
}

/// The changes of each hazard in each area, by time.
pub(super) type Courses = BTreeMap<(Hazard, AreaCode), Vec<Step>>;

/// Warnings as they are issued.
#[derive(Clone, Debug, Default)]
pub struct Issued {
    standing: BTreeMap<(Hazard, AreaCode), Tier>,
    steps: Vec<Step>,
}

impl Issued {
    /// Takes note of an event of a warning; proposals do not count.
    pub fn take(&mut self, warning: &Warning) {
        let counts = matches!(
            warning.event,
            Event::Issued | Event::Updated | Event::Ended | Event::Cancelled
        );
        if !counts || warning.past {
            return;
        }
        for (area, state) in &warning.areas {
            self.step(warning.time, warning.hazard, *area, state.tier);
        }
    }

    /// The tier of an area is `to` from now on.
    pub(super) fn step(&mut self, time: Time, hazard: Hazard, area: AreaCode, to: Tier) {
        let standing = self.standing.entry((hazard, area)).or_default();
        let from = std::mem::replace(standing, to);
        if from != to {
            self.steps.push(Step {
                time,
                hazard,
                area,
                from,
                to,
            });
        }
    }

    /// Every change.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Those that raised a tier: what somebody is told anew.
    pub fn rises(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.to > step.from)
    }

    /// Tiers that were raised to, by hazard.
    pub fn tiers(&self) -> BTreeMap<Hazard, BTreeSet<Tier>> {
        let mut tiers: BTreeMap<Hazard, BTreeSet<Tier>> = BTreeMap::new();
        for step in self.rises() {
            tiers.entry(step.hazard).or_default().insert(step.to);
        }
        tiers
    }

    /// The changes of each hazard in each area, by time.
    pub(super) fn courses(&self) -> Courses {
        let mut courses = Courses::new();
        for step in &self.steps {
            let course = courses.entry((step.hazard, step.area)).or_default();
            course.push(*step);
        }
        // A correction may be told with an earlier time than what it corrects.
        courses
            .values_mut()
            .for_each(|course| course.sort_by_key(|step| step.time));
        courses
    }
}
