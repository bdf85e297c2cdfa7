//! What each rule costs and how far its data are behind, as counts: time is for whoever has a clock.

use super::verdict::Evaluation;
use super::{Asked, Engine};
use crate::window::Value;
use model::{Parameter, Time};
use std::collections::BTreeMap;

/// Figures of one rule in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Rule id.
    pub rule: String,
    /// Evaluations at a subject since the last time these were taken; a subject at rest whose
    /// reading changes nothing is not evaluated.
    pub evaluations: u64,
    /// Time of the newest reading that it has of the parameter it waits for the longest; nothing
    /// where there is none yet.
    pub newest: Option<Time>,
}

impl Engine {
    /// Takes the figures of every rule, in the rulebook's order: the next ones count from here.
    pub fn take_figures(&mut self) -> Vec<Figures> {
        let mut newest: BTreeMap<Parameter, i64> = BTreeMap::new();
        for (parameter, time) in self.windows.newest() {
            let known = newest.entry(parameter).or_insert(time);
            *known = time.max(*known);
        }
        let rules = self.rulebook.rules.iter().zip(&mut self.rules);
        rules
            .map(|(rule, state)| Figures {
                rule: rule.id.clone(),
                evaluations: std::mem::take(&mut state.evaluations),
                newest: rule
                    .parameters()
                    .iter()
                    .filter_map(|parameter| newest.get(parameter))
                    .min()
                    .map(|time| Time::from_millis(*time)),
            })
            .collect()
    }

    /// Evaluates the conditions of a rule at up to `most` subjects that have readings, from one on,
    /// and changes nothing: for whoever takes the time of it. Gives how many, and a sum over what was
    /// found that no compiler leaves out.
    pub fn sample(&self, rule: usize, from: usize, most: usize) -> (usize, u64) {
        let (Some(spec), Some(state)) = (self.rulebook.rules.get(rule), self.rules.get(rule))
        else {
            return (0, 0);
        };
        let (mut asked, mut values): (Asked, Vec<Value>) = (Asked::default(), Vec::new());
        let (mut done, mut found) = (0, 0);
        let turned = state.subjects.len().max(1);
        for place in (0..state.subjects.len()).map(|place| (place + from) % turned) {
            if done == most {
                break;
            }
            let Some(subject) = state.subjects.get(place) else {
                continue;
            };
            let newest = self.newest(state, place);
            if newest == i64::MIN {
                continue;
            }
            self.asked_of(rule, u32::try_from(place).unwrap_or(u32::MAX), &mut asked);
            let evaluation = Evaluation {
                rule: spec,
                windows: &self.windows,
                asked: &asked,
                city: &self.city,
                forecasts: &self.forecasts,
            };
            found += evaluation.conditions(subject, Time::from_millis(newest), &mut values);
            done += 1;
        }
        (done, found)
    }
}
