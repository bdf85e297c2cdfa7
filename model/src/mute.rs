//! A rule that a duty officer silenced for a while: what is journaled of it, and its limit.

use crate::{AreaCode, Span, Time};
use serde::{Deserialize, Serialize};

/// How long a rule may be silenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muting {
    /// From the order on, at most.
    pub max: Span,
}

impl Default for Muting {
    fn default() -> Self {
        Self {
            max: Span::from_minutes(24 * 60),
        }
    }
}

/// One rule, silent in one zone or a part of it: what it finds is shown, and nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mute {
    /// Rule id.
    pub rule: String,
    /// The district or township; [`None`] for the whole zone.
    pub area: Option<AreaCode>,
    /// Record time of the order.
    pub since: Time,
    /// Record time at which it ends by itself.
    pub until: Time,
    /// Who.
    pub person: String,
    /// Why.
    pub reason: String,
}

/// A mute as it begins or ends; the last word on a rule and an area stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muted {
    /// Of which zone.
    pub zone: AreaCode,
    /// Which.
    pub mute: Mute,
    /// When it ended, if it did.
    pub over: Option<Time>,
    /// Who lifted it; [`None`] where it ran out or its rule or area is gone.
    pub lifted_by: Option<String>,
}
