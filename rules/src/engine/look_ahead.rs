//! What is expected, at the subjects of the rules that ask.

use super::subjects::{Place, Subject};
use super::verdict::Evaluation;
use super::{Cause, Engine};
use crate::condition::Call;
use crate::effect::Effect;
use crate::forecast::{Ask, Point, outline};
use crate::rulebook::Rule;
use crate::window::Value;
use model::{AreaNo, City, Forecast, ForecastPlace, Span, Time};

/// Record time between two looks at rules that read no observations, milliseconds.
const EVERY_MS: i64 = 10 * 60_000;

impl Engine {
    /// Takes forecasts in and looks at every subject whose rule asks what is expected.
    pub fn expect(&mut self, at: Time, forecasts: &[Forecast], out: &mut Vec<Effect>) {
        self.tick(at, out);
        let mut is_new = false;
        for forecast in forecasts {
            is_new |= self.forecasts.take(forecast, self.at);
        }
        if is_new {
            self.look_at(self.at.millis(), Rule::looks_ahead);
            self.renew_arrivals();
            self.settle(out);
        }
        self.plan_look();
    }

    /// Looks once more at the rules that read no observations: what is ahead of them moves with time.
    pub(super) fn look_again(&mut self, out: &mut Vec<Effect>) {
        let due = self.at.millis().div_euclid(EVERY_MS) * EVERY_MS;
        // What this look finds ends no rise whose time came before it (semantics §4).
        if due > self.next_deadline {
            self.pass_deadlines(due);
            self.settle(out);
        }
        self.look_at(due, |rule| rule.looks_ahead() && rule.hears_only());
        self.settle(out);
        self.plan_look();
    }

    /// The next look comes with the next whole ten minutes of record time.
    pub(super) fn plan_look(&mut self) {
        let looks = self.rulebook.rules.iter().any(Rule::looks_ahead);
        self.next_look = if looks && !self.forecasts.is_empty() {
            (self.at.millis().div_euclid(EVERY_MS) + 1) * EVERY_MS
        } else {
            i64::MAX
        };
    }

    /// Evaluates some rules at all of their subjects: what they ask for changed at `time`.
    pub(super) fn look_at(&mut self, time: i64, takes: impl Fn(&Rule) -> bool) {
        for number in self.rulebook.dependency_order.clone() {
            if !self.rulebook.rules.get(number).is_some_and(&takes) {
                continue;
            }
            let subjects = self
                .rules
                .get(number)
                .map_or(0, |state| state.subjects.len());
            for subject in 0..u32::try_from(subjects).unwrap_or(u32::MAX) {
                self.hear(number, subject, time);
                let cause = Cause {
                    heard: Some(time),
                    ..Cause::READING
                };
                self.evaluate(number, subject, &cause);
            }
        }
    }
}

impl Evaluation<'_> {
    /// A figure of what is expected at a subject from `time` on.
    pub(super) fn expected(&self, subject: &Subject, call: &Call, ask: Ask, time: Time) -> Value {
        let window = call.reading.window;
        let length = window.map_or(Span::ZERO, |window| window.longest());
        match ask {
            Ask::Sum | Ask::Max | Ask::Min => {
                let places = places(subject.place, self.city);
                let parameter = call.reading.parameter;
                self.forecasts
                    .expected(ask, parameter, places, time, length)
            }
            Ask::CircleIn(_) | Ask::Distance | Ask::Closest => {
                let points = points(subject.place, self.city);
                self.forecasts.cyclones(ask, &points, time, length)
            }
        }
    }
}

/// Where a subject's forecast may stand, the nearest first: its station, then its areas upward.
pub(super) fn places(place: Place, city: &City) -> impl Iterator<Item = ForecastPlace> + '_ {
    let (station, area) = match place {
        Place::Station(no) => (Some(no), city.station(no).map(|station| station.area)),
        Place::Site(no) => {
            let site = city.site(no);
            (
                site.and_then(|site| site.station),
                site.map(|site| site.area),
            )
        }
        Place::Area(no) => (None, Some(no)),
    };
    let parent = |no: &AreaNo| city.area(*no)?.parent;
    let areas = std::iter::successors(area, parent).filter_map(|no| city.area(no));
    let areas = areas.map(|area| ForecastPlace::Area(area.code));
    station.map(ForecastPlace::Station).into_iter().chain(areas)
}

/// Where a subject lies: itself, or the four ends of an area's border and the middle of them.
pub(super) fn points(place: Place, city: &City) -> Vec<Point> {
    let area = match place {
        Place::Station(no) => {
            let found = city.station(no);
            return found
                .map(|station| Point {
                    lon: station.lon,
                    lat: station.lat,
                })
                .into_iter()
                .collect();
        }
        Place::Site(no) => {
            let found = city.site(no);
            return found
                .map(|site| Point {
                    lon: site.lon,
                    lat: site.lat,
                })
                .into_iter()
                .collect();
        }
        Place::Area(no) => city.area(no),
    };
    area.map(outline).unwrap_or_default()
}
