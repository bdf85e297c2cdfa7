//! How long a kind of station may be silent (domain §8.1): as usual, by season, and while rain falls.

use crate::{Cadence, Offset, Span, Time};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// A day of any year: month from 1, day of the month from 1.
pub type MonthDay = (u8, u8);

/// A stretch of the year, both days in it; it may go over the turn of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    from: MonthDay,
    to: MonthDay,
}

/// When silence is looked at. What is not known is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// The local day.
    pub day: Option<MonthDay>,
    /// True while rain falls at the station.
    pub is_raining: bool,
}

/// Intervals of its own that a station may miss where its kind is not asked for more or fewer: one
/// report is often skipped, and the next comes a little late.
pub const INTERVALS: u8 = 3;
/// Most intervals a kind may be given.
pub const INTERVALS_MAX: u8 = 20;

/// The silence allowed to one kind of station: a span, or a table
/// `{ usual, in_rain, periods, intervals }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staleness {
    /// Outside every period, without rain.
    pub usual: Span,
    /// While rain falls; never longer than what holds without it.
    pub in_rain: Option<Span>,
    /// In parts of the year, in order: the first that holds the day counts.
    pub periods: Vec<(Period, Span)>,
    /// So many intervals of a station's own are allowed at least.
    pub intervals: u8,
}

impl Period {
    /// Reads `04-15..10-15`; `None` where it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..")?;
        Some(Self {
            from: month_day(from)?,
            to: month_day(to)?,
        })
    }

    /// True where the day lies in it.
    pub fn holds(self, day: MonthDay) -> bool {
        if self.from <= self.to {
            (self.from..=self.to).contains(&day)
        } else {
            day >= self.from || day <= self.to
        }
    }
}

fn month_day(text: &str) -> Option<MonthDay> {
    let (month, day) = text.split_once('-')?;
    let number = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        is_two.then(|| text.parse::<u8>().ok()).flatten()
    };
    let (month, day) = (number(month)?, number(day)?);
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=longest).contains(&day).then_some((month, day))
}

impl When {
    /// Without rain, on the day of that instant.
    pub fn on(time: Time, offset: Offset) -> Self {
        Self {
            day: Some(time.month_day(offset)),
            is_raining: false,
        }
    }
}

impl Staleness {
    /// The same all year and in any weather.
    pub const fn of(usual: Span) -> Self {
        Self {
            usual,
            in_rain: None,
            periods: Vec::new(),
            intervals: INTERVALS,
        }
    }

    /// The silence allowed then.
    pub fn at(&self, when: When) -> Span {
        let of_day = when.day.and_then(|day| {
            let mut periods = self.periods.iter();
            periods.find(|(period, _)| period.holds(day))
        });
        let dry = of_day.map_or(self.usual, |(_, span)| *span);
        match self.in_rain.filter(|_| when.is_raining) {
            Some(in_rain) => in_rain.min(dry),
            None => dry,
        }
    }

    /// The silence that a station reporting at an interval is allowed at least, in any weather.
    pub fn of_interval(&self, interval: Span) -> Span {
        let millis = interval.millis().saturating_mul(i64::from(self.intervals));
        Span::from_millis(millis)
    }

    /// The same by what its readings show.
    pub fn of_cadence(&self, cadence: &Cadence) -> Span {
        cadence.patience(self.intervals)
    }

    /// Every span of it, with the key it stands under.
    pub fn spans(&self) -> impl Iterator<Item = (&'static str, Span)> + '_ {
        let in_rain = self.in_rain.map(|span| ("in_rain", span));
        let periods = self.periods.iter().map(|(_, span)| ("periods", *span));
        std::iter::once(("usual", self.usual))
            .chain(in_rain)
            .chain(periods)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    usual: Span,
    in_rain: Option<Span>,
    #[serde(default)]
    periods: BTreeMap<String, Span>,
    #[serde(default = "usual_intervals")]
    intervals: u8,
}

const fn usual_intervals() -> u8 {
    INTERVALS
}

impl<'de> Deserialize<'de> for Staleness {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SpanOrTable)
    }
}

struct SpanOrTable;

impl<'de> Visitor<'de> for SpanOrTable {
    type Value = Staleness;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a span such as \"10m\", or { usual = \"10m\", in_rain = \"2m\", periods = { \"04-15..10-15\" = \"5m\" }, intervals = 3 }",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Staleness, E> {
        Span::parse(text).map(Staleness::of).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Staleness, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        let read = |(text, span): (String, Span)| match Period::parse(&text) {
            Some(period) => Ok((period, span)),
            None => Err(A::Error::custom(format!(
                "{text:?} is not a part of the year: write it as \"04-15..10-15\", first and last day"
            ))),
        };
        let periods = table.periods.into_iter().map(read);
        Ok(Staleness {
            usual: table.usual,
            in_rain: table.in_rain,
            periods: periods.collect::<Result<_, _>>()?,
            intervals: table.intervals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Staleness, String> {
        #[derive(Deserialize)]
        struct File {
            culvert: Staleness,
        }
        let read = toml::from_str::<File>(&format!("culvert = {text}"));
        read.map(|file| file.culvert)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn rain_and_season_shorten_what_is_allowed() {
        let text = r#"{ usual = "60m", in_rain = "2m", periods = { "04-15..10-15" = "10m", "12-20..01-05" = "1m" } }"#;
        let culvert = read(text).unwrap();
        let at = |day, is_raining| culvert.at(When { day, is_raining }).minutes();
        assert_eq!(at(None, false), 60);
        assert_eq!(at(Some((4, 14)), false), 60);
        assert_eq!(at(Some((4, 15)), false), 10);
        assert_eq!(at(Some((10, 15)), false), 10);
        assert_eq!(at(Some((10, 16)), false), 60);
        assert_eq!(at(Some((7, 1)), true), 2);
        assert_eq!(at(Some((1, 1)), true), 1, "rain never lengthens");
        assert_eq!(at(Some((12, 31)), false), 1, "over the turn of the year");
        assert_eq!(
            read("\"10m\"").unwrap(),
            Staleness::of(Span::from_minutes(10))
        );
    }

    #[test]
    fn a_kind_is_given_intervals_of_its_stations() {
        let hourly = Span::from_minutes(60);
        let of = |text| read(text).unwrap().of_interval(hourly).minutes();
        assert_eq!(of("\"10m\""), 180);
        assert_eq!(of("{ usual = \"10m\", intervals = 2 }"), 120);
        let found = read("{ usual = \"10m\", intervals = -1 }").unwrap_err();
        assert!(found.contains("u8"), "{found}");
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for (text, wanted) in [
            ("\"ten\"", "ten"),
            ("10", "a span such as \"10m\""),
            ("{ in_rain = \"2m\" }", "missing field `usual`"),
            ("{ usual = \"2m\", rain = \"2m\" }", "unknown field `rain`"),
            (
                r#"{ usual = "2m", periods = { "4-15..10-15" = "1m" } }"#,
                "first and last day",
            ),
            (
                r#"{ usual = "2m", periods = { "02-30..10-15" = "1m" } }"#,
                "first and last day",
            ),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.contains(wanted), "{text}: {found}");
        }
    }
}
