//! What our documents have said of one warning so far: what an update refers to, what a fall falls
//! from, which areas an end must name.

use dispatch::gateway::cap::Reference;
use dispatch::wording::Purpose;
use model::warning::{AreaTier, Event};
use model::{AreaCode, Tier, Time, Warning};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    revision: u32,
    is_over: bool,
    /// The first document and the newest.
    references: Vec<Reference>,
    /// Every area that was ever warned.
    areas: BTreeMap<AreaCode, Standing>,
    /// A person's words in the newest.
    text: BTreeMap<String, String>,
}

/// What the newest document says of an area.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    tier: Tier,
    /// The tier it fell from since a person's words were written or it last rose.
    peak: Tier,
}

impl Known {
    pub(super) const fn revision(&self) -> u32 {
        self.revision
    }

    pub(super) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// What is over goes first, then what was spoken of longest ago.
    pub(super) fn age(&self) -> (bool, Option<Time>) {
        (!self.is_over, self.references.last().map(|last| last.sent))
    }

    /// The revision without areas that were only ever proposed: what was not warned has no
    /// all-clear. Where it ends, with every area that was warned: those that fell in an earlier
    /// revision too.
    pub(super) fn whole(&self, warning: &Warning) -> Warning {
        let mut whole = warning.clone();
        // The end of a warning that had no document keeps its areas: why it is refused is said of it.
        if !(is_end(warning) && self.areas.is_empty()) {
            whole
                .areas
                .retain(|code, area| area.tier > Tier::None || self.areas.contains_key(code));
        }
        if is_end(warning) {
            for code in self.areas.keys() {
                whole.areas.entry(*code).or_insert(AreaTier {
                    tier: Tier::None,
                    reached: Tier::None,
                    onset: warning.time,
                });
            }
        }
        whole
    }

    /// Why the areas of one tier are spoken of, and from which tier they come. Words that a person
    /// wrote for a higher tier are not repeated to those who fell from it.
    pub(super) fn purpose(
        &self,
        warning: &Warning,
        tier: Tier,
        codes: &BTreeSet<AreaCode>,
    ) -> (Purpose, Tier) {
        let known = || codes.iter().filter_map(|code| self.areas.get(code));
        let last = known().map(|area| area.tier).max().unwrap_or_default();
        let peak = known().map(|area| area.peak).max().unwrap_or_default();
        let left = if last == Tier::None { peak } else { last };
        match warning.event {
            Event::Cancelled => (Purpose::Cancelled, left),
            Event::Ended => (Purpose::Ended, left),
            Event::Proposed | Event::Issued | Event::Updated if tier == Tier::None => {
                (Purpose::Ended, left)
            }
            Event::Proposed | Event::Issued => (Purpose::Alert, Tier::None),
            Event::Updated if last != Tier::None && last < tier => (Purpose::Rise, last),
            Event::Updated => {
                let own_words = self.text != warning.text;
                let fell = |code| {
                    let area = self.areas.get(code).copied().unwrap_or_default();
                    area.tier.max(if own_words { tier } else { area.peak }) > tier
                };
                if codes.iter().all(fell) {
                    (Purpose::Fall, peak.max(last))
                } else {
                    (Purpose::Alert, Tier::None)
                }
            }
        }
    }

    /// Remembers a revision that has its document.
    pub(super) fn published(&mut self, warning: &Warning, reference: Reference) {
        let own_words = self.text != warning.text;
        for (code, area) in &warning.areas {
            let standing = self.areas.entry(*code).or_default();
            let rose = area.tier > standing.tier;
            standing.peak = if own_words || rose {
                area.tier
            } else {
                standing.peak.max(area.tier)
            };
            standing.tier = area.tier;
        }
        self.text.clone_from(&warning.text);
        // The first alert and the one before are what an update must name.
        self.references.truncate(1);
        self.references.push(reference);
        self.revision = warning.revision;
        self.is_over = is_end(warning);
    }
}

const fn is_end(warning: &Warning) -> bool {
    matches!(warning.event, Event::Ended | Event::Cancelled)
}
