//! Who is on duty when: posts with their shifts, as `city.toml` has them under `[[duty]]`.

use crate::fault::{Faults, Place};
use crate::{Offset, QuietHours, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One shift of a post. Whoever stands in any shift is asked in their hours alone; everybody else always.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The post, in words or as a role of `contacts.csv`.
    pub post: String,
    /// Ids of contacts, and of people of the configuration who are called to sign.
    pub people: Vec<String>,
    /// Its hours of the city's day.
    pub hours: QuietHours,
}

impl Duty {
    fn holds(&self, at: Time, offset: Offset) -> bool {
        self.hours.until(at, offset).is_some()
    }
}

/// All shifts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster(pub Vec<Duty>);

/// A shift as it stands at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift<'a> {
    /// The post.
    pub post: &'a str,
    /// Who is on duty.
    pub people: BTreeSet<&'a str>,
    /// When their relief comes.
    pub until: Time,
    /// Who comes then.
    pub next: BTreeSet<&'a str>,
}

impl Roster {
    /// True where nobody's hours are listed.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// People who are listed and off duty at a time, in order.
    pub fn off_duty(&self, at: Time, offset: Offset) -> Vec<String> {
        let on = self.on_duty(at, offset);
        let listed: BTreeSet<&String> = self.0.iter().flat_map(|duty| &duty.people).collect();
        let off = listed.into_iter().filter(|id| !on.contains(id.as_str()));
        off.cloned().collect()
    }

    /// Who came on duty between two moments: those on duty at the later and not at the earlier.
    pub fn relief(&self, before: (Time, Offset), at: (Time, Offset)) -> Vec<String> {
        let earlier = self.on_duty(before.0, before.1);
        let now = self.on_duty(at.0, at.1);
        let came = now.difference(&earlier);
        came.map(|id| (*id).to_owned()).collect()
    }

    /// The shifts at a time, by post.
    pub fn shifts(&self, at: Time, offset: Offset) -> Vec<Shift<'_>> {
        let mut posts: BTreeMap<&str, Shift<'_>> = BTreeMap::new();
        for duty in &self.0 {
            let Some(until) = duty.hours.until(at, offset) else {
                continue;
            };
            let shift = posts.entry(&duty.post).or_insert_with(|| Shift {
                post: &duty.post,
                people: BTreeSet::new(),
                until,
                next: BTreeSet::new(),
            });
            shift.until = shift.until.min(until);
            shift.people.extend(duty.people.iter().map(String::as_str));
        }
        for shift in posts.values_mut() {
            let then = self.0.iter().filter(|duty| duty.post == shift.post);
            let then = then.filter(|duty| duty.holds(shift.until, offset));
            shift.next = then
                .flat_map(|d| d.people.iter().map(String::as_str))
                .collect();
        }
        posts.into_values().collect()
    }

    fn on_duty(&self, at: Time, offset: Offset) -> BTreeSet<&str> {
        let holding = self.0.iter().filter(|duty| duty.holds(at, offset));
        holding
            .flat_map(|duty| duty.people.iter().map(String::as_str))
            .collect()
    }

    /// Adds what is wrong with the shifts of a file, each with its line.
    pub(crate) fn check(rows: &[(u32, Duty)], file: &str, faults: &mut Faults) {
        for (line, duty) in rows {
            let place = Place::line(file, *line);
            let QuietHours { from, to } = duty.hours;
            if from > 23 || to > 23 || from == to {
                let remedy =
                    "write { from = 8, to = 20 }; whoever is always on duty needs no [[duty]]";
                faults.error(place, "duty.hours", "no hours of a day", remedy);
            }
            if duty.people.is_empty() {
                faults.error(
                    place,
                    "duty.people",
                    "it is empty",
                    "write ids of contacts.csv",
                );
            }
        }
        let mut posts: BTreeMap<&str, Vec<&(u32, Duty)>> = BTreeMap::new();
        for row in rows {
            posts.entry(&row.1.post).or_default().push(row);
        }
        for (post, rows) in posts {
            let covers = |hour: u8| {
                rows.iter().any(|(_, duty)| {
                    let QuietHours { from, to } = duty.hours;
                    if from <= to {
                        (from..to).contains(&hour)
                    } else {
                        hour >= from || hour < to
                    }
                })
            };
            if let (Some(hour), Some((line, _))) = ((0..24).find(|h| !covers(*h)), rows.first()) {
                let what =
                    format!("nobody has the post {post} at {hour}:00: a call then reaches nobody");
                let remedy = "cover each hour of the day, or take the post out: all are asked then";
                faults.error(Place::line(file, *line), "duty.hours", what, remedy);
            }
        }
    }
}

/// Somebody took a shift over, as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenOver {
    /// Record time.
    pub at: Time,
    /// Who: a person of the configuration.
    pub person: String,
    /// Hash of the list that they saw.
    pub seen: String,
    /// How many points it had.
    pub points: u32,
    /// Their words; may be empty.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: Offset = Offset(480);

    fn at(text: &str) -> Time {
        Time::parse(&format!("2026-06-{text}:00+08:00")).unwrap().0
    }

    fn duty(post: &str, people: &[&str], from: u8, to: u8) -> Duty {
        Duty {
            post: post.into(),
            people: people.iter().map(|id| (*id).to_owned()).collect(),
            hours: QuietHours { from, to },
        }
    }

    fn roster() -> Roster {
        Roster(vec![
            duty("room", &["day", "both"], 8, 20),
            duty("room", &["night", "both"], 20, 8),
        ])
    }

    #[test]
    fn a_shift_ends_at_its_hour_also_over_midnight() {
        let roster = roster();
        assert_eq!(roster.off_duty(at("01T19:59"), OFFSET), ["night"]);
        assert_eq!(roster.off_duty(at("01T20:00"), OFFSET), ["day"]);
        assert_eq!(roster.off_duty(at("02T07:59"), OFFSET), ["day"]);
        let relief =
            |before: &str, now: &str| roster.relief((at(before), OFFSET), (at(now), OFFSET));
        assert_eq!(relief("01T19:59", "01T20:00"), ["night"]);
        assert_eq!(relief("01T20:00", "01T23:59"), Vec::<String>::new());
        assert_eq!(relief("02T07:59", "02T08:01"), ["day"]);
        let [shift] = &*roster.shifts(at("01T22:00"), OFFSET) else {
            panic!("one post");
        };
        assert_eq!(shift.people, BTreeSet::from(["both", "night"]));
        assert_eq!(shift.next, BTreeSet::from(["both", "day"]));
        assert_eq!(shift.until, at("02T08:00"));
        assert!(
            Roster::default()
                .off_duty(at("01T20:00"), OFFSET)
                .is_empty()
        );
    }

    #[test]
    fn an_hour_that_nobody_has_is_a_fault() {
        let faults = |rows: &[Duty]| {
            let mut faults = Faults::default();
            let rows: Vec<_> = (1..).zip(rows.iter().cloned()).collect();
            Roster::check(&rows, "city.toml", &mut faults);
            let said = faults.into_vec().into_iter();
            said.map(|fault| fault.to_string()).collect::<Vec<_>>()
        };
        assert!(faults(&roster().0).is_empty());
        let late = faults(&[
            duty("room", &["day"], 8, 20),
            duty("room", &["night"], 21, 8),
        ]);
        assert!(late.len() == 1 && late[0].contains("at 20:00"), "{late:?}");
        let wrong = faults(&[duty("room", &[], 8, 8)]);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
