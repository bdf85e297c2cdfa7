//! The policies of an installation, as `city.toml` has them.

use crate::authority::{AuthorityId, Matrix};
use crate::release::{Approval, Flow, Ladder, Lateness, Reach};
use crate::{Hazard, Span, Tier};
use std::collections::BTreeMap;

/// Silence after which a station counts as stale where neither its kind nor `other` is listed.
pub const STALE_AFTER: Span = Span::from_minutes(60);

/// Who may issue, how it is released, who is asked, what is late.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Authority × hazard × area × tier → act.
    pub matrix: Matrix,
    /// Release flows, in file order: the first that matches holds.
    pub flows: Vec<Flow>,
    /// Call-and-answer.
    pub ladders: Vec<Ladder>,
    /// Clock and deputies where a flow has none of its own.
    pub approval: Approval,
    /// What is late or early.
    pub lateness: Lateness,
    /// Silence that makes a station stale, by kind; `other` for kinds not listed.
    pub staleness: BTreeMap<String, Span>,
}

impl Policy {
    /// How that release comes about; [`Flow::by_default`] where no flow speaks of it.
    pub fn flow(&self, authority: &AuthorityId, hazard: Hazard, tier: Tier, reach: Reach) -> Flow {
        self.flows
            .iter()
            .find(|flow| flow.holds_for(authority, hazard, tier, reach))
            .cloned()
            .unwrap_or_else(|| Flow::by_default(reach, &self.approval))
    }

    /// The ladder of that tier, if any.
    pub fn ladder(&self, tier: Tier) -> Option<&Ladder> {
        self.ladders.iter().find(|l| l.tiers.contains(&tier))
    }

    /// How long a station of that kind may be silent.
    pub fn stale_after(&self, kind: &str) -> Span {
        let listed = self.staleness.get(kind);
        let other = self.staleness.get("other");
        listed.or(other).copied().unwrap_or(STALE_AFTER)
    }
}
