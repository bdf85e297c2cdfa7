//! When what is expected comes: the first moment at which a tier's condition holds by what of the
//! forecast has come until then.
//!
//! A condition that looks ahead holds hours before the hazard is there. Its windows are cut at a
//! moment, what is measured stays as it is, and the moment is moved to where the condition turns
//! true: of `forecast(rainfall, "6h") >= 50` the minute at which fifty millimetres have fallen, of a
//! strongest wind the beginning of its step, of `typhoon.hours_to(7)` the arrival of the circle. It
//! is worked out when a subject's tier changes and when a forecast comes, and not as time passes: an
//! hour that was said does not creep.

use super::look_ahead::{places, points};
use super::subjects::{State, Subject};
use super::verdict::{Evaluation, Which};
use super::{Asked, Engine};
use crate::condition::{Call, Kleene};
use crate::forecast::Ask;
use crate::indicator::{NEVER, PER_UNIT};
use crate::rulebook::Rule;
use crate::window::{Function, Value};
use model::{Span, Tier, Time};

/// An hour, in milliseconds.
const HOUR_MS: i128 = 3_600_000;

/// When a tier comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is there: nothing of what is still to come is needed.
    Here,
    /// It is expected.
    At(Time),
    /// The condition holds no more; what was found goes on.
    Unknown,
}

impl Engine {
    /// Forecasts came: those of a tier that stands may have moved its arrival.
    pub(super) fn renew_arrivals(&mut self) {
        let mut asked = Asked::default();
        for number in 0..self.rules.len() {
            if !self
                .rulebook
                .rules
                .get(number)
                .is_some_and(Rule::looks_ahead)
            {
                continue;
            }
            let subjects = self
                .rules
                .get(number)
                .map_or(0, |state| state.subjects.len());
            for subject in 0..subjects {
                self.renew_arrival(number, subject, &mut asked);
            }
        }
    }

    fn renew_arrival(&mut self, rule_no: usize, subject_no: usize, asked: &mut Asked) {
        let subject = u32::try_from(subject_no).unwrap_or(u32::MAX);
        self.asked_of(rule_no, subject, asked);
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        let Some(subject) = state.subjects.get_mut(subject_no) else {
            return;
        };
        if subject.standing.put == Tier::None {
            return;
        }
        let evaluation = Evaluation {
            rule,
            windows: &self.windows,
            asked,
            city: &self.city,
            forecasts: &self.forecasts,
        };
        let arrives = match evaluation.arrival(subject, &mut self.scratch.values) {
            Arrival::Here => None,
            Arrival::At(time) => Some(time.millis()),
            Arrival::Unknown => return,
        };
        let newest = subject.newest;
        let Some(held) = subject.state.as_mut().filter(|s| s.arrives != arrives) else {
            return;
        };
        held.arrives = arrives;
        for area in &subject.areas {
            // What the same forecast changed there is told with its own time.
            let is_told = |told: &(usize, u32, i64)| (told.0, told.1) == (rule_no, *area);
            if !self.scratch.areas.iter().any(is_told) {
                self.scratch.areas.push((rule_no, *area, newest));
            }
        }
    }
}

impl State {
    /// The tier that is put forward, by its place among the rule's, and which of its conditions found it.
    fn foremost(&self) -> Option<(usize, Which)> {
        let place = |(place, _)| place;
        let reached = self.reached.highest().map(place);
        let ahead = self.ahead.highest().map(place);
        match (reached, ahead) {
            (Some(reached), Some(ahead)) if ahead > reached => Some((ahead, Which::Propose)),
            (Some(reached), _) => Some((reached, Which::Raise)),
            (None, ahead) => ahead.map(|ahead| (ahead, Which::Propose)),
        }
    }
}

impl Evaluation<'_> {
    /// When the tier of a subject comes, by whole minutes.
    pub(super) fn arrival(&self, subject: &Subject, values: &mut Vec<Value>) -> Arrival {
        let found = subject.state.as_ref().and_then(|state| state.foremost());
        let Some((place, which)) = found else {
            return Arrival::Unknown;
        };
        let from = Time::from_millis(subject.newest);
        self.figures(subject, from, true, values);
        let whole = values.clone();
        let mut holds_by = |by: Time| {
            for ((call, whole), value) in self.rule.calls.iter().zip(&whole).zip(values.iter_mut())
            {
                if let Function::Expected(ask) = call.reading.function {
                    *value = self.come(subject, (call, ask), (from, by), whole);
                }
            }
            let at = self.situated(subject, values, false);
            self.held_by(&at, which, from).get(place) == Some(&Kleene::True)
        };
        if holds_by(from) {
            return Arrival::Here;
        }
        let ahead = self.rule.calls.iter().zip(&whole);
        let ahead = ahead.filter_map(|(call, value)| reach(call, value)).max();
        let minutes = ahead.map_or(0, |ahead| (ahead.millis() + 59_999) / 60_000);
        // The last moment at which it does not hold, and the first at which it does.
        let (mut before, mut by) = (0, minutes + 1);
        let moment = |minute: i64| Time::from_minute(from.minute() + minute);
        if !holds_by(moment(by)) {
            return Arrival::Unknown;
        }
        while by - before > 1 {
            let middle = before + (by - before) / 2;
            if holds_by(moment(middle)) {
                by = middle;
            } else {
                before = middle;
            }
        }
        Arrival::At(moment(by))
    }

    /// What of a figure has come by a moment, `whole` being all of it.
    fn come(
        &self,
        subject: &Subject,
        (call, ask): (&Call, Ask),
        (from, by): (Time, Time),
        whole: &Value,
    ) -> Value {
        let length = call
            .reading
            .window
            .map_or(Span::ZERO, |window| window.longest());
        match ask {
            Ask::Sum | Ask::Max | Ask::Min => {
                let places = places(subject.place, self.city);
                let parameter = call.reading.parameter;
                self.forecasts
                    .come(ask, parameter, places, (from, by), length)
            }
            Ask::CircleIn(_) => {
                let passed = i128::from(by.since(from).millis());
                let has_come = whole.number * HOUR_MS <= passed * i128::from(PER_UNIT);
                if has_come || !whole.is_known() {
                    *whole
                } else {
                    crate::indicator::never()
                }
            }
            Ask::Distance => *whole,
            Ask::Closest => {
                let points = points(subject.place, self.city);
                let passed = by.since(from).millis().min(length.millis());
                self.forecasts
                    .cyclones(ask, &points, from, Span::from_millis(passed))
            }
        }
    }
}

/// How far ahead a figure looks; `None` where it looks at nothing that comes.
fn reach(call: &Call, value: &Value) -> Option<Span> {
    let Function::Expected(ask) = call.reading.function else {
        return None;
    };
    match ask {
        Ask::Sum | Ask::Max | Ask::Min | Ask::Closest => {
            call.reading.window.map(|window| window.longest())
        }
        Ask::CircleIn(_) => {
            let comes = value.is_known() && value.number < NEVER;
            let ahead = comes.then(|| value.number * HOUR_MS / i128::from(PER_UNIT))?;
            i64::try_from(ahead).ok().map(Span::from_millis)
        }
        Ask::Distance => None,
    }
}
