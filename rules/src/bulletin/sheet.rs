//! What signers were shown of a proposal, and how far each of them has signed it.
//!
//! A revision that only adds areas leaves signatures as they are: each goes for the areas that its
//! person saw, so that additions that trickle in keep nobody from releasing what enough people
//! have signed. Any other change of tiers or words voids them all (semantics §27).

use model::{AreaCode, Tier};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Revisions of one proposal that may still be signed.
const SHOWN_MAX: usize = 16;

/// Areas with a tier.
pub(super) type Tiers = BTreeMap<AreaCode, Tier>;

/// The proposal as signers know it: each revision holds the areas of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sheet {
    shown: Vec<Shown>,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    revision: u32,
    hash: String,
    tiers: Tiers,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Signature {
    person: String,
    /// What they signed.
    tiers: Tiers,
}

impl Sheet {
    /// Voids everything.
    pub(super) fn clear(&mut self) {
        self.shown.clear();
        self.signatures.clear();
    }

    /// A revision is put before the signers.
    pub(super) fn show(&mut self, revision: u32, hash: String, tiers: Tiers) {
        if self.shown.len() >= SHOWN_MAX {
            self.shown.remove(0);
        }
        self.shown.push(Shown {
            revision,
            hash,
            tiers,
        });
    }

    /// What a revision showed; [`None`] where it can be signed no more.
    pub(super) fn shown(&self, revision: u32, hash: &str) -> Option<Tiers> {
        let mut shown = self.shown.iter();
        let found = shown.find(|shown| shown.revision == revision && shown.hash == hash);
        found.map(|shown| shown.tiers.clone())
    }

    /// A person signs; false where they have signed all of it before.
    pub(super) fn sign(&mut self, person: &str, tiers: Tiers) -> bool {
        let mut signatures = self.signatures.iter_mut();
        match signatures.find(|signature| signature.person == person) {
            Some(held) if holds(&held.tiers, &tiers) => return false,
            Some(held) => held.tiers = tiers,
            None => self.signatures.push(Signature {
                person: person.to_owned(),
                tiers,
            }),
        }
        true
    }

    /// Who has signed all of that, in order.
    pub(super) fn signers(&self, tiers: &Tiers) -> Vec<String> {
        let all = self.signatures.iter();
        all.filter(|signature| holds(&signature.tiers, tiers))
            .map(|signature| signature.person.clone())
            .collect()
    }

    /// What was signed by somebody, the most first.
    pub(super) fn signed(&self) -> Vec<&Tiers> {
        let mut signed: Vec<_> = self.signatures.iter().map(|s| &s.tiers).collect();
        signed.sort_by_key(|tiers| std::cmp::Reverse(tiers.len()));
        signed
    }

    /// Something else is about to be shown: what was signed goes on counting where that only adds
    /// areas that nothing is in force for. An area whose end was signed and that is back is no
    /// mere addition.
    pub(super) fn turn_to(&mut self, next: &Tiers, force: &Tiers) {
        let is_addition = self.shown.last().is_some_and(|last| {
            let mut added = next.keys().filter(|code| !last.tiers.contains_key(code));
            !last.tiers.is_empty()
                && holds(next, &last.tiers)
                && added.all(|code| !force.contains_key(code))
        });
        if !is_addition {
            self.clear();
        }
    }

    /// That much was released: what holds more can still be signed.
    pub(super) fn released(&mut self, tiers: &Tiers) {
        self.shown.retain(|shown| shown.tiers.len() > tiers.len());
        self.signatures
            .retain(|signature| signature.tiers.len() > tiers.len());
    }
}

fn holds(all: &Tiers, part: &Tiers) -> bool {
    part.iter().all(|(code, tier)| all.get(code) == Some(tier))
}
