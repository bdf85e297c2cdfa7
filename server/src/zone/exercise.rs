//! An exercise in one zone: begun by an order, cut down to its white list, ended by its time.
//!
//! It is played by a machine of the exercise's world, which knows nothing of the real one: what it opens
//! are warnings of its own mode, whose ids no real one has.

use super::{Machine, Outputs};
use crate::outcome::Refused;
use dispatch::exercise::{WhiteList, Withheld};
use dispatch::plan::Desk;
use model::warning::Event;
use model::{Drill, Input, Mode, Order, Time, Warning, WarningId};
use rules::Effect;
use std::collections::BTreeMap;

/// Why an order on an exercise is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NotPlayed {
    /// It was put into the real world's input.
    #[error("an exercise is begun and ended in its own world: nothing of it is followed here")]
    InEarnest,
    /// One at a time.
    #[error("exercise {exercise} is played in this zone until {until}: end it first")]
    Running { exercise: String, until: Time },
    /// It would be over before it began.
    #[error("it ends at {until}, which is not later than now")]
    Over { until: Time },
    /// Another one, or none.
    #[error("exercise {exercise} is not played in this zone")]
    Unknown { exercise: String },
    /// Nothing is opened in an exercise but by its plan.
    #[error(
        "this is the world of exercises: begin one with a plan (POST /v1/exercises), or issue it at \
         the real desk"
    )]
    NoPlan,
}

impl From<NotPlayed> for Refused {
    fn from(why: NotPlayed) -> Self {
        Self {
            why: why.to_string(),
            lacks_post: false,
        }
    }
}

impl Machine {
    /// Follows an order on the exercise itself, and refuses what the world of exercises does not do;
    /// false where the order is one like any other.
    pub(super) fn exercised(&mut self, at: Time, order: &Order, out: &mut Outputs) -> bool {
        let is_drill = self.mode == Mode::Exercise;
        let played = if let Order::Drill(drill) = order {
            self.begin(at, drill)
        } else if let Order::DrillOver {
            exercise,
            end,
            person,
        } = order
        {
            self.end(at, exercise, (person, end.name()))
        } else if is_drill && matches!(order, Order::Issue { .. } | Order::Relay { .. }) {
            Err(NotPlayed::NoPlan)
        } else {
            return false;
        };
        if let Err(why) = played {
            self.engine.tick(at, &mut self.effects);
            out.refused = Some(why.into());
        }
        true
    }

    fn begin(&mut self, at: Time, drill: &Drill) -> Result<(), NotPlayed> {
        let until = drill.until;
        if self.mode != Mode::Exercise {
            return Err(NotPlayed::InEarnest);
        }
        if let Some(running) = &self.drill {
            if running.exercise == drill.exercise {
                // Whoever gave it died before it was noted.
                return Ok(());
            }
            return Err(NotPlayed::Running {
                exercise: running.exercise.clone(),
                until: running.until,
            });
        }
        if until <= at {
            return Err(NotPlayed::Over { until });
        }
        let issue = Order::Issue {
            hazard: drill.hazard,
            areas: drill.areas.clone(),
            onset: None,
            text: BTreeMap::new(),
            person: drill.person.clone(),
            reason: drill.name.clone(),
            as_it_stands: false,
        };
        let issue = Input::Order(Box::new(issue));
        self.engine.step(at, &issue, &mut self.effects);
        let is_refused = |effect: &Effect| matches!(effect, Effect::Refused { .. });
        if !self.effects.iter().any(is_refused) {
            self.drill = Some(drill.clone());
        }
        Ok(())
    }

    fn end(&mut self, at: Time, exercise: &str, by: (&str, &str)) -> Result<(), NotPlayed> {
        if self.mode != Mode::Exercise {
            return Err(NotPlayed::InEarnest);
        }
        if self.drill.as_ref().is_none_or(|d| d.exercise != exercise) {
            return Err(NotPlayed::Unknown {
                exercise: exercise.to_owned(),
            });
        }
        self.take_back(at, by);
        Ok(())
    }

    /// An exercise ends by its time, whether anybody thinks of it or not.
    pub(super) fn end_in_time(&mut self, at: Time) {
        let over = self.drill.as_ref().filter(|drill| drill.until <= at);
        let Some(person) = over.map(|drill| drill.person.clone()) else {
            return;
        };
        if !self.is_ending {
            self.take_back(at, (&person, "time"));
        }
    }

    /// Takes back all that the exercise opened, so that whoever was told hears of the end.
    fn take_back(&mut self, at: Time, (person, reason): (&str, &str)) {
        self.is_ending = true;
        let standing: Vec<WarningId> = self.standing.keys().copied().collect();
        for warning in standing {
            let cancel = Order::Cancel {
                warning,
                areas: Vec::new(),
                person: person.to_owned(),
                reason: reason.to_owned(),
            };
            let cancel = Input::Order(Box::new(cancel));
            self.engine.step(at, &cancel, &mut self.effects);
        }
    }

    /// The white list of the exercise that is played; an empty one in its world where none is, nothing
    /// in earnest.
    pub(super) fn white_list(&self) -> Option<WhiteList> {
        (self.mode != Mode::Actual).then(|| {
            let list = self.drill.as_ref().map(WhiteList::of);
            list.unwrap_or_default()
        })
    }

    /// Counts what the public would have been told.
    pub(super) fn withhold(&self, at: Time, warning: &Warning, desk: &Desk<'_>, out: &mut Outputs) {
        if self.mode != Mode::Exercise || warning.event == Event::Proposed {
            return;
        }
        let mut intents = Vec::new();
        let mut planner = self.planner.about(warning.id);
        drop(planner.public(at, warning, desk, &mut intents));
        out.withheld.extend(intents.iter().map(Withheld::of));
    }

    /// The gate behind the plan: what was planned is cut down to the white list or kept back. The
    /// exercise is over once nothing of it stands.
    pub(super) fn admit(&mut self, out: &mut Outputs) {
        let Some(list) = self.white_list() else {
            return;
        };
        for intent in std::mem::take(&mut out.intents) {
            match list.admit(intent) {
                Ok(intent) => out.intents.push(intent),
                Err(withheld) => out.withheld.push(withheld),
            }
        }
        if self.is_ending && self.standing.is_empty() {
            (self.drill, self.is_ending) = (None, false);
        }
    }
}

#[cfg(test)]
mod tests;
