//! Whether the far side understood what was meant (design §6.4): a job whose reading is not what
//! was asked is held for a person, never released by itself.

use super::{Job, ListKind, Reading};
use crate::directory::Shape;
use model::{AreaCode, Language, Span, Time};
use std::collections::BTreeSet;

/// How far two clocks and two roundings may be apart.
const TIMES_APART: Span = Span::from_seconds(60);

/// Within which the heads of a job must lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Heads for each thousand inhabitants, at least and at most; a carrier has its share of the
    /// market, and people have more than one card.
    pub per_thousand: (u32, u32),
    /// Heads in any one job at most, whatever the inhabitants.
    pub heads_max: u64,
    /// Lists that may be counted from; none means any.
    pub lists: Vec<ListKind>,
    /// How old the list may be; none means any age. Where phones are now is never older than
    /// [`CELLS_MAX`].
    pub list_age_max: Option<Span>,
}

/// How old a list of the phones in cells may be.
const CELLS_MAX: Span = Span::from_minutes(60);

/// One thing that was understood otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is about another job.
    #[error("the reading is of another job")]
    Job,
    /// Codes it does not know, or left out.
    #[error("not understood: {}", codes(.0))]
    Missing(Vec<AreaCode>),
    /// Codes nobody asked for.
    #[error("understood and not asked for: {}", codes(.0))]
    Extra(Vec<AreaCode>),
    /// It was drawn, and is read whole or as something else.
    #[error("the shape was not understood: its hash is {asked}, read back was {read}")]
    Shape {
        /// Of the job's.
        asked: String,
        /// Of the reading's; empty where it has none.
        read: String,
    },
    /// Nobody would hear it.
    #[error("it would reach nobody")]
    Nobody,
    /// Far fewer than live there.
    #[error("{heads} heads for {inhabitants} inhabitants, at least {least} are expected")]
    Few {
        /// Heads of the reading.
        heads: u64,
        /// Who lives there.
        inhabitants: u64,
        /// The band's lower end.
        least: u64,
    },
    /// Far more than live there.
    #[error("{heads} heads for {inhabitants} inhabitants, at most {most} are expected")]
    Many {
        /// Heads of the reading.
        heads: u64,
        /// Who lives there; 0 where nobody knows.
        inhabitants: u64,
        /// The band's upper end.
        most: u64,
    },
    /// Counted from another list than agreed.
    #[error("counted from the list {0}, which is not agreed")]
    List(&'static str),
    /// Counted from a list of long ago.
    #[error("counted from the list {kind} of {of}, which is older than {max_minutes} minutes")]
    Old {
        /// Which list.
        kind: &'static str,
        /// Its date.
        of: Time,
        /// How old it may be.
        max_minutes: i64,
    },
    /// It would leave at another time.
    #[error("it would leave from {starts} to {ends}, asked was {from} to {to}")]
    Times {
        /// The reading's start.
        starts: Time,
        /// The reading's end.
        ends: Time,
        /// The job's start.
        from: Time,
        /// The job's end.
        to: Time,
    },
    /// A text would not go out.
    #[error("the text in {} is refused: {why}", .language.tag())]
    Text {
        /// Its language.
        language: Language,
        /// The far side's words.
        why: String,
    },
    /// Not everybody would hear it before it is over.
    #[error("the last phone would ring after {last_phone_s} s, which is after the job's end")]
    TooSlow {
        /// Seconds to the last phone.
        last_phone_s: u64,
    },
}

fn codes(codes: &[AreaCode]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = codes.iter().take(SHOWN).map(AreaCode::to_string).collect();
    match codes.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Everything about `reading` that is not as `job` asked, at `now`; `inhabitants` of its areas,
/// where all of them are known.
pub fn check(
    job: &Job,
    reading: &Reading,
    band: &Band,
    inhabitants: Option<u64>,
    now: Time,
) -> Vec<Objection> {
    if reading.job != job.job {
        return vec![Objection::Job];
    }
    let mut objections = Vec::new();
    let asked: BTreeSet<AreaCode> = job.areas.iter().copied().collect();
    let known: BTreeSet<AreaCode> = reading.areas.iter().map(|area| area.code).collect();
    let missing: Vec<AreaCode> = asked.difference(&known).copied().collect();
    let extra: Vec<AreaCode> = known.difference(&asked).copied().collect();
    if !missing.is_empty() {
        objections.push(Objection::Missing(missing));
    }
    if !extra.is_empty() {
        objections.push(Objection::Extra(extra));
    }
    let asked = job.shape.as_ref().map(Shape::hash);
    if asked != reading.shape {
        objections.push(Objection::Shape {
            asked: asked.unwrap_or_default(),
            read: reading.shape.clone().unwrap_or_default(),
        });
    }
    // How many live in a part of an area nobody knows; more than in all of it is too many.
    let is_expected =
        |objection: &Objection| job.shape.is_some() && matches!(objection, Objection::Few { .. });
    let of_heads = heads(reading.heads, band, inhabitants).into_iter();
    objections.extend(of_heads.filter(|objection| !is_expected(objection)));
    if !band.lists.is_empty() && !band.lists.contains(&reading.list.kind) {
        objections.push(Objection::List(reading.list.kind.name()));
    }
    objections.extend(age(reading, band, now));
    objections.extend(times(job, reading, now));
    let refused = reading.refused.iter().map(|refused| Objection::Text {
        language: refused.language,
        why: refused.why.clone(),
    });
    objections.extend(refused);
    objections
}

fn heads(heads: u64, band: &Band, inhabitants: Option<u64>) -> Option<Objection> {
    if heads == 0 {
        return Some(Objection::Nobody);
    }
    let of = |share: u32| inhabitants.map(|people| people.saturating_mul(u64::from(share)) / 1_000);
    let (least, most) = (of(band.per_thousand.0), of(band.per_thousand.1));
    let most = most.map_or(band.heads_max, |most| most.min(band.heads_max));
    if heads > most {
        return Some(Objection::Many {
            heads,
            inhabitants: inhabitants.unwrap_or(0),
            most,
        });
    }
    let least = least.filter(|least| heads < *least)?;
    Some(Objection::Few {
        heads,
        inhabitants: inhabitants.unwrap_or(0),
        least,
    })
}

/// The date of a list in the future is none.
fn age(reading: &Reading, band: &Band, now: Time) -> Option<Objection> {
    let of_cells = match reading.list.kind {
        ListKind::Present | ListKind::Inbound => Some(CELLS_MAX),
        ListKind::Resident | ListKind::Usual | ListKind::Subscribed => None,
    };
    let max = of_cells.into_iter().chain(band.list_age_max).min()?;
    let of = reading.list.of;
    let is_old = now.since(of) > max || of.since(now) > TIMES_APART;
    is_old.then(|| Objection::Old {
        kind: reading.list.kind.name(),
        of,
        max_minutes: max.millis() / 60_000,
    })
}

fn times(job: &Job, reading: &Reading, now: Time) -> Option<Objection> {
    // A job that was to begin in the past begins now.
    let from = job.not_before.unwrap_or(now).max(now);
    let apart = |one: Time, other: Time| one.since(other).max(other.since(one)) > TIMES_APART;
    if apart(reading.starts.max(now), from) || apart(reading.ends, job.not_after) {
        return Some(Objection::Times {
            starts: reading.starts,
            ends: reading.ends,
            from,
            to: job.not_after,
        });
    }
    let lasts = i64::try_from(reading.last_phone_s).unwrap_or(i64::MAX / 2_000);
    let last = from + Span::from_seconds(lasts);
    (last > job.not_after).then_some(Objection::TooSlow {
        last_phone_s: reading.last_phone_s,
    })
}
