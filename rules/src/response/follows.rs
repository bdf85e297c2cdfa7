//! What law or rule attaches to official signals in force: read off, never sent.

use model::response::{Board, Consequence, Standing};
use model::{AreaCode, AreaNo, City, Time};

/// A consequence that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following<'b> {
    /// The row.
    pub consequence: &'b Consequence,
    /// The signal it follows.
    pub signal: &'b Standing,
    /// Where: the signal's areas within the row's jurisdiction.
    pub areas: Vec<AreaCode>,
}

/// All that hold at an instant, by row, then by signal.
pub fn following<'b>(city: &'b City, board: &'b Board, at: Time) -> Vec<Following<'b>> {
    let local = at + model::Span::from_minutes(i64::from(city.offset_at(at).0));
    let hour = u8::try_from(local.seconds().div_euclid(3_600).rem_euclid(24)).unwrap_or_default();
    let rows = city.plans.consequences.iter();
    let now = rows.filter(|row| row.hours.is_none_or(|hours| hours.has(hour)));
    let each = now.flat_map(|consequence| {
        let signals = board.standing.values();
        let of_hazard = signals.filter(|signal| consequence.hazards.contains(&signal.hazard));
        of_hazard.filter_map(move |signal| {
            let areas = covered(city, consequence, signal);
            (!areas.is_empty()).then_some(Following {
                consequence,
                signal,
                areas,
            })
        })
    });
    each.collect()
}

fn covered(city: &City, row: &Consequence, signal: &Standing) -> Vec<AreaCode> {
    let at_tier = signal.official.iter();
    let at_tier = at_tier.filter(|(_, tier)| row.tiers.contains(tier));
    let mut areas: Vec<AreaCode> = Vec::new();
    for (code, _) in at_tier {
        let signalled = city.area_no(*code);
        let within = row.areas.iter().filter_map(|of| {
            let (signalled, of_no) = (signalled?, city.area_no(*of)?);
            smaller(city, (signalled, *code), (of_no, *of))
        });
        areas.extend(within);
    }
    areas.sort_unstable();
    areas.dedup();
    areas
}

/// The one of two areas that lies in the other.
fn smaller(city: &City, one: (AreaNo, AreaCode), other: (AreaNo, AreaCode)) -> Option<AreaCode> {
    if city.is_within(one.0, other.0) {
        Some(one.1)
    } else {
        city.is_within(other.0, one.0).then_some(other.1)
    }
}
