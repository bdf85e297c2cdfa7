//! Calendar periods that a rule or a tier is limited to: `season = ["04-15..10-15"]`.

use model::{Offset, Time};

/// Most periods of one season.
pub const PERIODS_MAX: usize = 12;

/// Days of a year, the same each year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Season(Vec<Period>);

/// From one day to another, both of them in it; over the new year where the second comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    from: (u8, u8),
    to: (u8, u8),
}

/// Why a text is no season.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeasonError {
    /// Not two days.
    #[error("{0:?} is not two days of a year")]
    NotDays(String),
    /// No such day in any year.
    #[error("there is no day {0:?} in any year")]
    NoSuchDay(String),
    /// Nothing, or too much.
    #[error("{0} periods; one to {PERIODS_MAX} make a season")]
    Count(usize),
}

impl Season {
    /// Reads `MM-DD..MM-DD` as often as given.
    ///
    /// # Errors
    /// The first text that is none.
    pub fn parse(texts: &[String]) -> Result<Self, SeasonError> {
        if texts.is_empty() || texts.len() > PERIODS_MAX {
            return Err(SeasonError::Count(texts.len()));
        }
        let periods = texts.iter().map(|text| Period::parse(text));
        periods.collect::<Result<_, _>>().map(Self)
    }

    /// True where the time lies in it by the calendar of the city.
    pub fn holds(&self, time: Time, offset: Offset) -> bool {
        let day = time.day_of_year(offset);
        self.0.iter().any(|period| period.holds(day))
    }
}

impl Period {
    fn parse(text: &str) -> Result<Self, SeasonError> {
        let not_days = || SeasonError::NotDays(text.to_owned());
        let (from, to) = text.split_once("..").ok_or_else(not_days)?;
        Ok(Self {
            from: day(from).ok_or_else(not_days)??,
            to: day(to).ok_or_else(not_days)??,
        })
    }

    fn holds(&self, day: (u8, u8)) -> bool {
        if self.from <= self.to {
            (self.from..=self.to).contains(&day)
        } else {
            day >= self.from || day <= self.to
        }
    }
}

/// Month and day; `None` where it is not even written so.
fn day(text: &str) -> Option<Result<(u8, u8), SeasonError>> {
    let (month, day) = text.split_once('-')?;
    let number = |text: &str| -> Option<u8> {
        let is_two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_two_digits.then(|| text.parse().ok()).flatten()
    };
    let (month, day) = (number(month)?, number(day)?);
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=last).contains(&day) {
        Some(Ok((month, day)))
    } else {
        Some(Err(SeasonError::NoSuchDay(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn season(text: &str) -> Season {
        let texts: Vec<String> = text.split(' ').map(str::to_owned).collect();
        Season::parse(&texts).unwrap()
    }

    fn holds(season: &Season, text: &str) -> bool {
        let (time, offset) = Time::parse(text).unwrap();
        season.holds(time, offset)
    }

    #[test]
    fn both_days_are_in_it_by_the_local_calendar() {
        let summer = season("04-15..10-15");
        for (time, expected) in [
            ("2025-04-14T23:59:59+08:00", false),
            ("2025-04-15T00:00:00+08:00", true),
            ("2025-10-15T23:59:59+08:00", true),
            ("2025-10-16T00:00:00+08:00", false),
        ] {
            assert_eq!(holds(&summer, time), expected, "{time}");
        }
    }

    #[test]
    fn a_season_may_go_over_the_new_year_and_know_leap_days() {
        let winter = season("11-01..02-29 07-04..07-04");
        for (time, expected) in [
            ("2024-10-31T12:00:00Z", false),
            ("2024-11-01T00:00:00Z", true),
            ("2025-01-01T00:00:00Z", true),
            ("2024-02-29T23:00:00Z", true),
            ("2025-02-28T23:00:00Z", true),
            ("2025-03-01T00:00:00Z", false),
            ("2025-07-04T10:00:00Z", true),
            ("2025-07-05T00:00:00Z", false),
        ] {
            assert_eq!(holds(&winter, time), expected, "{time}");
        }
    }

    #[test]
    fn what_is_no_season_is_said() {
        let fails = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            Season::parse(&texts).unwrap_err().to_string()
        };
        assert!(fails(&["summer"]).contains("not two days"));
        assert!(fails(&["4-15..10-15"]).contains("not two days"));
        assert!(fails(&["04-31..10-15"]).contains("no day \"04-31\""));
        assert!(fails(&["00-10..10-15"]).contains("no day"));
        assert!(fails(&[]).contains("0 periods"));
        assert!(fails(&["01-01..01-02"; 13]).contains("13 periods"));
    }
}
