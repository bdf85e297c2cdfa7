//! Misses that say more of the table of events, or of what a hit is, than of the warnings.

use super::issued::Courses;
use super::negatives::stretches;
use super::{BEFORE, Ground, Happening, Issued, Score};
use model::{City, Time};
use std::collections::BTreeSet;
use std::fmt;

/// Why an event could hardly have been a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The city does not have its area.
    Unknown,
    /// Rules of its hazard warn smaller areas, none of which holds it.
    Wider,
    /// No rule of its hazard can warn there.
    Elsewhere,
    /// It ended before the first observation or began more than [`BEFORE`] after the last.
    Outside,
    /// Its tier or a higher one was in force when it began, issued earlier than [`BEFORE`].
    Standing {
        /// Since when.
        since: Time,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = BEFORE.minutes() / 60;
        match self {
            Self::Unknown => write!(f, "its area is none of the city's"),
            Self::Wider => write!(
                f,
                "rules of its hazard warn smaller areas, and a warning counts in the event's area or one that holds it: write an event for each of those"
            ),
            Self::Elsewhere => write!(
                f,
                "no rule of its hazard can warn its area: of its level, with stations or sites that measure"
            ),
            Self::Outside => write!(f, "nothing was observed then"),
            Self::Standing { .. } => write!(
                f,
                "it was in force when it began, but issued more than {hours} h before, so that it counts for nothing and that issue as a false alarm"
            ),
        }
    }
}

impl Issued {
    /// Each miss of a score that has such a reason, in the table's order.
    pub fn doubts<'a>(
        &self,
        ground: &Ground<'_>,
        happenings: &'a [Happening],
        score: &Score,
    ) -> Vec<(&'a Happening, Doubt)> {
        let missed: BTreeSet<&String> = score.misses.iter().collect();
        let courses = self.courses();
        let missed = happenings.iter().filter(|event| missed.contains(&event.id));
        let doubted = missed.filter_map(|event| Some((event, doubt(&courses, ground, event)?)));
        doubted.collect()
    }
}

fn doubt(courses: &Courses, ground: &Ground<'_>, event: &Happening) -> Option<Doubt> {
    let city: &City = ground.city;
    let Some(area) = city.area_no(event.area) else {
        return Some(Doubt::Unknown);
    };
    let mut around = ground.around(event.hazard, event.area).peekable();
    if around.peek().is_none() {
        return Some(Doubt::Elsewhere);
    }
    if !around.any(|warned| city.is_within(area, warned)) {
        return Some(Doubt::Wider);
    }
    let observed =
        |(first, last): (Time, Time)| event.end >= first && event.start.since(last) <= BEFORE;
    if !ground.span.is_some_and(observed) {
        return Some(Doubt::Outside);
    }
    let of_place = courses.iter().filter(|((hazard, code), _)| {
        let holds = city
            .area_no(*code)
            .is_some_and(|no| city.is_within(area, no));
        *hazard == event.hazard && holds
    });
    let standing = of_place.flat_map(|(_, course)| stretches(course, event.tier, event.end));
    let standing =
        standing.filter(|(from, until)| *from < event.start - BEFORE && *until >= event.start);
    let since = standing.map(|(from, _)| from).min()?;
    Some(Doubt::Standing { since })
}
