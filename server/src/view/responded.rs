//! Responses as they stand, and the timeline of what became of them, of tasks and of the warnings
//! behind them.

use super::View;
use model::response::{Board, Entry};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Entries of the timeline kept; the oldest go first.
const TIMELINE_MAX: usize = 2_000;

/// What the city's zone said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Responded {
    pub(crate) board: Board,
    timeline: VecDeque<Entry>,
}

impl Responded {
    /// Takes an entry in; false where it was before.
    pub(crate) fn take(&mut self, entry: &Entry) -> bool {
        if entry.number <= self.board.number {
            return false;
        }
        self.board.apply(entry);
        self.timeline.push_back(entry.clone());
        while self.timeline.len() > TIMELINE_MAX {
            self.timeline.pop_front();
        }
        true
    }

    /// The entries kept, oldest first.
    pub(crate) fn timeline(&self) -> impl Iterator<Item = &Entry> {
        self.timeline.iter()
    }
}

impl View {
    /// Shows what became of a response, a task or a warning behind them.
    pub(crate) fn entry(&self, entry: &Entry) {
        if self.inner.write().responded.take(entry) {
            // Readers ask for the words: what an entry names depends on the city.
            let number = serde_json::json!({ "number": entry.number });
            self.stream.send("timeline", &number);
        }
    }

    /// Shows what was remembered, unless more is known already.
    pub(crate) fn responded_again(&self, remembered: &Responded) {
        let mut inner = self.inner.write();
        if remembered.board.number > inner.responded.board.number {
            inner.responded = remembered.clone();
        }
    }

    /// Looks at responses.
    pub(crate) fn responded<T>(&self, look: impl FnOnce(&Responded) -> T) -> T {
        look(&self.inner.read().responded)
    }
}
