//! How good warnings were: hits, misses, false alarms, correct negatives, lead times (design §5).
//!
//! An event is a hazard at a tier in an area from `start` to `end`. It is a hit where a warning
//! of its hazard first reaches its tier or a higher one, in its area or one that holds it,
//! within `[start − 6 h, end]`; the lead is `start` less that time. A warning's area that first
//! reaches a tier some event could have, and serves no event, is a false alarm. What was rightly
//! left unsaid is counted in cells of an area and six hours: see [`Ground`].

mod difference;
mod doubts;
mod events;
mod issued;
mod negatives;
mod woken;

pub use difference::{Difference, Shift, differences};
pub use doubts::Doubt;
pub use events::read;
pub use issued::{Issued, Step};
pub use negatives::{Ground, PERIOD};
pub use woken::{NIGHT, Woken};

use model::{AreaCode, City, Hazard, Span, Tier, Time};

/// How long before an event a warning may come and still be of it.
pub const BEFORE: Span = Span::from_minutes(6 * 60);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Id.
    pub id: String,
    /// Hazard.
    pub hazard: Hazard,
    /// Where.
    pub area: AreaCode,
    /// How bad.
    pub tier: Tier,
    /// From.
    pub start: Time,
    /// To.
    pub end: Time,
}

/// Which events and issues are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// Of this hazard only.
    pub hazard: Option<Hazard>,
    /// Of these tiers only.
    pub tiers: Tiers,
}

/// Which tiers are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiers {
    /// All; each event at its own.
    #[default]
    All,
    /// Events of this tier, and issues that raised an area to it: over all tiers these add up.
    Of(Tier),
    /// Whether this tier is crossed: events of it or a higher one, and issues that raised an area
    /// from below it, as if there were no other tier.
    From(Tier),
}

/// The score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Events that were warned of, with their lead.
    pub hits: Vec<(String, Span)>,
    /// Events that were not.
    pub misses: Vec<String>,
    /// Issues without an event.
    pub false_alarms: usize,
    /// Cells without event and without warning.
    pub correct_negatives: usize,
}

impl Issued {
    /// Holds what was issued against what happened.
    pub fn score(&self, ground: &Ground<'_>, happenings: &[Happening], pick: Pick) -> Score {
        let all = happenings
            .iter()
            .filter(|happening| pick.is_of(happening.hazard));
        let all: Vec<&Happening> = all.collect();
        let counted = |tier: Tier| match pick.tiers {
            Tiers::All => true,
            Tiers::Of(only) => tier == only,
            Tiers::From(least) => tier >= least,
        };
        let mut score = Score {
            correct_negatives: ground.correct_negatives(self, &all, pick),
            ..Score::default()
        };
        let rises = || self.rises().filter(|step| pick.is_of(step.hazard));
        for happening in all.iter().filter(|happening| counted(happening.tier)) {
            let needed = match pick.tiers {
                Tiers::All | Tiers::Of(_) => happening.tier,
                Tiers::From(least) => least,
            };
            let near = rises().filter(|step| step.to >= needed);
            let near = near.filter(|step| is_near(ground.city, step, happening));
            match near.map(|step| step.time).min() {
                Some(time) => {
                    let lead = happening.start.since(time);
                    score.hits.push((happening.id.clone(), lead));
                }
                None => score.misses.push(happening.id.clone()),
            }
        }
        let issues = rises().filter(|step| match pick.tiers {
            Tiers::All => true,
            Tiers::Of(only) => step.to == only,
            Tiers::From(least) => step.from < least && step.to >= least,
        });
        let serves = |step: &Step| {
            let mut could = all.iter().filter(|happening| match pick.tiers {
                Tiers::All | Tiers::Of(_) => true,
                Tiers::From(least) => happening.tier >= least,
            });
            could.any(|happening| is_near(ground.city, step, happening))
        };
        score.false_alarms = issues.filter(|step| !serves(step)).count();
        score
    }
}

impl Pick {
    fn is_of(self, hazard: Hazard) -> bool {
        self.hazard.is_none_or(|only| only == hazard)
    }
}

/// True where the issue is of that hazard, place and time.
fn is_near(city: &City, issue: &Step, happening: &Happening) -> bool {
    let inside = || match (city.area_no(happening.area), city.area_no(issue.area)) {
        (Some(inner), Some(outer)) => city.is_within(inner, outer),
        (None, _) | (_, None) => happening.area == issue.area,
    };
    issue.hazard == happening.hazard
        && issue.time >= happening.start - BEFORE
        && issue.time <= happening.end
        && inside()
}

impl Score {
    /// Probability of detection: hits among events; `None` without events.
    pub fn pod(&self) -> Option<f64> {
        share(self.hits.len(), self.hits.len() + self.misses.len())
    }

    /// False-alarm ratio: false alarms among issues that hit or were false.
    pub fn far(&self) -> Option<f64> {
        share(self.false_alarms, self.hits.len() + self.false_alarms)
    }

    /// Critical success index: hits among hits, misses and false alarms.
    pub fn csi(&self) -> Option<f64> {
        let all = self.hits.len() + self.misses.len() + self.false_alarms;
        share(self.hits.len(), all)
    }

    /// Heidke skill score: how much of what chance leaves wrong is right, 1 all of it, 0 none;
    /// `None` where chance would have been right throughout.
    pub fn hss(&self) -> Option<f64> {
        let [hits, misses] = [self.hits.len(), self.misses.len()].map(|n| n as f64);
        let [wrong, rest] = [self.false_alarms, self.correct_negatives].map(|n| n as f64);
        let chance = (hits + misses) * (misses + rest) + (hits + wrong) * (wrong + rest);
        (chance > 0.0).then(|| 2.0 * (hits * rest - wrong * misses) / chance)
    }

    /// Lead times, shortest first; negative where the warning came after the start.
    pub fn leads(&self) -> Vec<Span> {
        let mut leads: Vec<Span> = self.hits.iter().map(|(_, lead)| *lead).collect();
        leads.sort_unstable();
        leads
    }

    /// Smallest lead, quartiles, largest: of `n` leads in order, those at place ⌊k·n/4⌋ from 0,
    /// the last one for `k` = 4. `None` without a hit.
    pub fn quartiles(&self) -> Option<[Span; 5]> {
        let leads = self.leads();
        let last = *leads.last()?;
        Some([0, 1, 2, 3, 4].map(|k| *leads.get(k * leads.len() / 4).unwrap_or(&last)))
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
