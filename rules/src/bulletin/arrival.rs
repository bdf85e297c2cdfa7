//! When the hazard comes to an area, and when that is told anew.
//!
//! An hour that moves by less than half an hour is left as it was said. One that moves by more makes a
//! revision at the next whole minute, which rings nobody. It is put off only while it is more than an
//! hour away: who makes ready for what is about to come is not sent home by each new forecast. What
//! has begun stays begun, and what a person stated stays theirs, until the tier is another.

use super::{Bulletin, Finding, Open, Standing};
use model::{AreaCode, Span, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What moves by less is left as it was said.
const STEP: Span = Span::from_minutes(30);
/// What is to come within so long is put off no more.
const NEAR: Span = Span::from_minutes(60);

/// When the hazard comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub(super) at: Time,
    /// True where a person stated it.
    pub(super) stated: bool,
}

/// What moved with a revision.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    /// An hour of what is put forward.
    pub(super) put: bool,
    /// An hour of what is in force.
    pub(super) force: bool,
}

impl Standing {
    pub(super) const fn since(tier: Tier, onset: Time) -> Self {
        Self {
            tier,
            onset,
            arrives: None,
        }
    }

    /// What a finding puts forward.
    pub(super) fn found(finding: &Finding) -> Self {
        let ahead = finding.found.arrives.filter(|at| *at > finding.time);
        Self {
            arrives: ahead.map(|at| Arrival { at, stated: false }),
            ..Self::since(finding.found.put, finding.time)
        }
    }

    /// When it comes, or came.
    pub(super) fn comes(&self) -> Time {
        self.arrives.map_or(self.onset, |arrival| arrival.at)
    }

    fn is_stated(&self) -> bool {
        self.arrives.is_some_and(|arrival| arrival.stated)
    }
}

impl Bulletin {
    /// Keeps the hour at which a tier that stands is expected, for the next revision; false where it
    /// stays as it was said.
    pub(super) fn comes_otherwise(&mut self, finding: &Finding, at: Time) -> bool {
        let Some(open) = &mut self.open else {
            return false;
        };
        let is_it = |standing: &Standing| {
            let is_put = standing.tier == finding.found.put && standing.tier > Tier::None;
            is_put && !standing.is_stated()
        };
        let Some(standing) = open.coming(finding.area).filter(is_it) else {
            return false;
        };
        let kept = open.moved.get(&finding.area).copied();
        let said = kept.unwrap_or(standing.comes());
        let comes = finding.found.arrives.unwrap_or(finding.time);
        let moves = if comes > said {
            comes.since(said) >= STEP && said > at + NEAR
        } else {
            said.since(comes) >= STEP && said > at
        };
        if moves {
            open.moved.insert(finding.area, comes);
        }
        moves
    }
}

impl Open {
    /// Takes over the hours that were kept; of what is in force where the same tier stands there.
    pub(super) fn take_moved(&mut self) -> Moved {
        let mut moved = Moved::default();
        for (area, at) in std::mem::take(&mut self.moved) {
            let Some(put) = self.put.get_mut(&area).filter(|put| !put.is_stated()) else {
                continue;
            };
            let arrives = Some(Arrival { at, stated: false });
            put.arrives = arrives;
            moved.put = true;
            let tier = put.tier;
            let force = self.force.get_mut(&area);
            if let Some(force) = force.filter(|force| force.tier == tier && !force.is_stated()) {
                force.arrives = arrives;
                moved.force = true;
            }
        }
        moved
    }
}

/// The hours that a person stated, by area.
pub(super) fn stated(standing: &BTreeMap<AreaCode, Standing>) -> BTreeMap<AreaCode, Time> {
    let stated = standing
        .iter()
        .filter(|(_, s)| s.tier > Tier::None && s.is_stated());
    stated.map(|(area, s)| (*area, s.comes())).collect()
}
