//! The rows of `services.toml`: ladders of lead times by hazard, and the times of the evening product.

use crate::response::Source;
use crate::{Hazard, Named, Offset, Parameter, Quanta, Span, Tier, Time, WindForce};
use serde::{Deserialize, Serialize};
use std::fmt;

/// All of it; empty where the city has no `services.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// The service modes, for their names and sources.
    pub services: Vec<Service>,
    /// Each hazard has one ladder at most.
    pub ladders: Vec<Ladder>,
    /// The evening product, where the city has one.
    pub evening: Option<EveningTimes>,
}

/// A service mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Id, such as `31631`.
    pub id: String,
    /// Name.
    pub name: Named,
    /// Where it comes from.
    pub source: Source,
}

/// What is due when, for the processes of some hazards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Id.
    pub id: String,
    /// Id of its service mode.
    pub service: String,
    /// What a process of it is called.
    pub name: Named,
    /// The first one names a process of which nothing else is said.
    pub hazards: Vec<Hazard>,
    /// How far ahead a finding of ours lies that rests on forecasts alone.
    pub ahead: Span,
    /// How long a process lasts of which nobody says so.
    pub lasts: Span,
    /// How long after its expected end a process is closed.
    pub closes: Span,
    /// What in a forecast proposes a process.
    pub expects: Vec<Sign>,
    /// What is due, the longest lead first.
    pub stages: Vec<Stage>,
    /// Where it comes from.
    pub source: Source,
}

/// What in a forecast proposes a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A value, or a sum over a time, in the forecast of an area or a station.
    Reaches {
        /// Of what.
        parameter: Parameter,
        /// The sum over this; the value itself if not given.
        over: Option<Span>,
        /// In quanta of the parameter.
        at_least: Quanta,
    },
    /// A cyclone's wind circle reaches the city.
    Circle(WindForce),
}

/// One slot of a ladder: a product and when it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Id within its ladder.
    pub id: String,
    /// How long before the onset.
    pub lead: Lead,
    /// The product.
    pub product: Named,
    /// How fine it is in place.
    pub grain: Grain,
    /// Who it is for.
    pub audience: Vec<String>,
    /// How long before its moment work on it begins.
    pub ready: Span,
    /// How long after its moment it is still in time.
    pub grace: Span,
    /// The moment's time of day; the lead alone decides if not given.
    pub clock: Option<TimeOfDay>,
    /// How often it is due again while the process lasts.
    pub every: Option<Span>,
    /// What is this product without anybody filing it.
    pub counts: Vec<Counts>,
    /// From which tier on that counts.
    pub at_least: Tier,
    /// Where it comes from.
    pub source: Source,
}

/// When a product is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// So long before the onset.
    Before(Span),
    /// With the first finding.
    Observed,
}

/// How fine a product is in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// The whole city.
    City,
    /// Districts.
    District,
    /// Townships and subdistricts.
    Township,
    /// Villages and communities.
    Community,
    /// Single sites.
    Site,
}

/// What may be a product without anybody filing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// An official signal of another authority in force.
    Signal,
    /// A warning of ours that was issued.
    Warning,
}

/// The evening product (夜间防范): by when it is due, and what tonight is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EveningTimes {
    /// When it is drafted.
    pub from: TimeOfDay,
    /// By when a person files it.
    pub due: TimeOfDay,
    /// When the night ends, the next morning.
    pub until: TimeOfDay,
    /// When it is dark, by month: transfers are finished before.
    pub dark: [TimeOfDay; 12],
    /// Where that comes from.
    pub source: Source,
}

/// A time of day in minutes, written `16:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// A text that is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time of day: write as 16:00")]
pub struct TimeOfDayError(String);

impl Services {
    /// The ladder for a hazard.
    pub fn ladder(&self, hazard: Hazard) -> Option<&Ladder> {
        let mut ladders = self.ladders.iter();
        ladders.find(|ladder| ladder.hazards.contains(&hazard))
    }
}

impl Lead {
    /// The name that people use: `3d`, `6h`, `observed`.
    pub fn name(self) -> String {
        match self {
            Self::Before(span) => span.to_string(),
            Self::Observed => "observed".to_owned(),
        }
    }
}

impl Grain {
    /// The Chinese name.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::City => "全市",
            Self::District => "分区",
            Self::Township => "分镇街",
            Self::Community => "分社区（村）",
            Self::Site => "分点",
        }
    }

    /// The English name.
    pub const fn en(self) -> &'static str {
        match self {
            Self::City => "City",
            Self::District => "District",
            Self::Township => "Township",
            Self::Community => "Community",
            Self::Site => "Site",
        }
    }
}

impl TimeOfDay {
    /// That time on the local day of an instant.
    pub fn on_day_of(self, at: Time, offset: Offset) -> Time {
        let shift = Span::from_minutes(i64::from(offset.0));
        let midnight = (at + shift).minute().div_euclid(DAY_MINUTES) * DAY_MINUTES;
        Time::from_minute(midnight + i64::from(self.0)) - shift
    }
}

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;

    fn try_from(text: String) -> Result<Self, TimeOfDayError> {
        let error = || TimeOfDayError(text.chars().take(20).collect());
        let two = |part: &str, below: u16| {
            let is_two = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            let number = part.parse::<u16>().ok().filter(|_| is_two);
            number.filter(|number| *number < below)
        };
        let (hour, minute) = text.split_once(':').ok_or_else(error)?;
        match (two(hour, 24), two(minute, 60)) {
            (Some(hour), Some(minute)) => Ok(Self(hour * 60 + minute)),
            _ => Err(error()),
        }
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_lies_on_the_local_day() {
        let china = Offset(480);
        let (at, _) = Time::parse("2026-05-08T00:30:00+08:00").unwrap();
        let four = TimeOfDay::try_from("16:00".to_owned()).unwrap();
        assert_eq!(
            four.on_day_of(at, china).display(china),
            "2026-05-08T16:00:00+08:00"
        );
        for wrong in ["", "16", "24:00", "9:30", "16:60", "16:00:00", "+1:00"] {
            assert!(TimeOfDay::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
