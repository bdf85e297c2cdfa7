//! An official warning of another authority, received and kept apart from our own situations.

use crate::{AreaCode, Hazard, Language, Mode, Tier, Time};
use serde::{Deserialize, Serialize};

/// CAP 1.2 `msgType`, as far as signals need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// First message.
    Alert,
    /// Replaces those it refers to.
    Update,
    /// Lifts those it refers to.
    Cancel,
}

/// Words of a signal in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalText {
    /// Language.
    pub language: Language,
    /// CAP `headline`.
    pub headline: String,
    /// CAP `description`.
    pub description: String,
    /// CAP `instruction`.
    pub instruction: String,
}

/// That a signal is part of a state bulletin: the whole of what its source has in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateOf {
    /// Name of the source.
    pub source: String,
    /// Counts bulletins of one time, from 0.
    pub revision: u32,
}

/// A received signal. It ends when its authority says so, never by `expires` (design §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// CAP `identifier`.
    pub identifier: String,
    /// CAP `sender`.
    pub sender: String,
    /// CAP `senderName`: shown wherever the signal is relayed.
    pub sender_name: String,
    /// CAP `sent`.
    pub sent: Time,
    /// World.
    pub mode: Mode,
    /// Alert, Update or Cancel.
    pub kind: SignalKind,
    /// Identifiers it refers to.
    pub references: Vec<String>,
    /// Our hazard, where the event code is one we know.
    pub hazard: Option<Hazard>,
    /// CAP `event` as sent.
    pub event: String,
    /// Tier by colour or severity.
    pub tier: Tier,
    /// Areas of ours it covers, by code or by shape.
    pub areas: Vec<AreaCode>,
    /// Area descriptions as sent.
    pub area_desc: Vec<String>,
    /// CAP `onset` or `effective`, else `sent`.
    pub onset: Time,
    /// CAP `expires`.
    pub expires: Option<Time>,
    /// Words, verbatim.
    pub texts: Vec<SignalText>,
    /// The state bulletin it is part of; [`None`] where it speaks for itself alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateOf>,
}
