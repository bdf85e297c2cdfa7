//! Identifiers of signals that others replaced: one may come by a slower way than what lifts it.

use model::Signal;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Identifiers remembered; beyond it the oldest goes.
const MOST: usize = 4_000;

/// What was replaced, in the order in which that was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced(VecDeque<String>);

impl Replaced {
    /// Notes what a signal replaces, and says whether it was itself replaced before it came. One that
    /// names itself replaces nothing by that.
    pub(crate) fn hear(&mut self, signal: &Signal) -> bool {
        for identifier in &signal.references {
            if *identifier != signal.identifier && !self.0.contains(identifier) {
                self.0.push_back(identifier.clone());
            }
        }
        while self.0.len() > MOST {
            self.0.pop_front();
        }
        self.0.contains(&signal.identifier)
    }
}
