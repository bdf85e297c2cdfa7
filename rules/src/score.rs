//! How good warnings were: hits, misses, false alarms, lead times (design §5).
//!
//! An event is a hazard at a tier in an area from `start` to `end`. It is a hit where a warning
//! of its hazard first reaches its tier or a higher one, in its area or one that holds it,
//! within `[start − 6 h, end]`; the lead is `start` less that time. A warning's area that first
//! reaches a tier some event could have, and serves no event, is a false alarm.

mod events;

pub use events::read;

use model::warning::Event;
use model::{AreaCode, City, Hazard, Span, Tier, Time, Warning};
use std::collections::BTreeMap;

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

/// When an area first reached a tier in one warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Issue {
    time: Time,
    hazard: Hazard,
    area: AreaCode,
    tier: Tier,
}

/// Warnings as they are issued, to be held against what happened.
#[derive(Clone, Debug, Default)]
pub struct Scorer {
    standing: BTreeMap<(Hazard, AreaCode), Tier>,
    issues: Vec<Issue>,
}

/// The score.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Events that were warned of, with their lead.
    pub hits: Vec<(String, Span)>,
    /// Events that were not.
    pub misses: Vec<String>,
    /// Issues without an event.
    pub false_alarms: usize,
}

impl Scorer {
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
            let standing = self.standing.entry((warning.hazard, *area)).or_default();
            if state.tier > *standing {
                self.issues.push(Issue {
                    time: warning.time,
                    hazard: warning.hazard,
                    area: *area,
                    tier: state.tier,
                });
            }
            *standing = state.tier;
        }
    }

    /// Holds what was issued against what happened.
    pub fn score(&self, city: &City, happenings: &[Happening]) -> Score {
        let mut used = vec![false; self.issues.len()];
        let mut score = Score {
            hits: Vec::new(),
            misses: Vec::new(),
            false_alarms: 0,
        };
        for happening in happenings {
            let mut first: Option<Time> = None;
            for (issue, used) in self.issues.iter().zip(&mut used) {
                if !near(city, issue, happening) {
                    continue;
                }
                *used = true;
                if issue.tier >= happening.tier {
                    first = Some(first.map_or(issue.time, |held| held.min(issue.time)));
                }
            }
            match first {
                Some(time) => score
                    .hits
                    .push((happening.id.clone(), happening.start.since(time))),
                None => score.misses.push(happening.id.clone()),
            }
        }
        score.false_alarms = used.iter().filter(|used| !**used).count();
        score
    }
}

/// True where the issue is of that hazard, place and time.
fn near(city: &City, issue: &Issue, happening: &Happening) -> bool {
    let inside = match (city.area_no(happening.area), city.area_no(issue.area)) {
        (Some(inner), Some(outer)) => city.is_within(inner, outer),
        (None, _) | (_, None) => happening.area == issue.area,
    };
    inside
        && issue.hazard == happening.hazard
        && issue.time >= happening.start - BEFORE
        && issue.time <= happening.end
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

    /// Lead times, shortest first; negative where the warning came after the start.
    pub fn leads(&self) -> Vec<Span> {
        let mut leads: Vec<Span> = self.hits.iter().map(|(_, lead)| *lead).collect();
        leads.sort_unstable();
        leads
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
