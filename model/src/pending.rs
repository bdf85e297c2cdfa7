//! What a warning waits for from people, as it stands in the journal: signatures with their clock
//! (semantics §27), and the look that a second person takes at what one released.

use crate::release::AtEnd;
use crate::{Time, WarningId};
use serde::{Deserialize, Serialize};

/// What one warning waits for. Said anew whenever it changes; the last word stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Which warning.
    pub warning: WarningId,
    /// Its newest revision.
    pub revision: u32,
    /// The signatures it waits for; [`None`] where nothing is to be signed.
    pub signing: Option<Signing>,
    /// The review it waits for, or that was just given.
    pub review: Option<Review>,
}

/// A proposal before its signers. All times are record times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// Since when.
    pub since: Time,
    /// Signatures asked for.
    pub needed: u8,
    /// Who has signed, in order.
    pub signed_by: Vec<String>,
    /// Number of the turn: 0 the signers, then each deputy, then everybody again.
    pub turn: u8,
    /// Who is asked in this turn; empty for those on duty.
    pub asked: Vec<String>,
    /// When the next turn begins; [`None`] once nobody is asked any more.
    pub until: Option<Time>,
    /// When the clock ends, as far as it runs without a break, or ended.
    pub ends: Time,
    /// What happens then to what stands now.
    pub at_end: AtEnd,
    /// True where the end has passed and nothing went out.
    pub overdue: bool,
    /// True where some area would rise: what makes it urgent.
    pub rises: bool,
}

/// What one person or the clock released and a second person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The newest revision to look at.
    pub revision: u32,
    /// Who released it: they cannot review it.
    pub signed_by: Vec<String>,
    /// When it was released.
    pub since: Time,
    /// When the review is overdue.
    pub until: Time,
    /// The review, once it is there.
    pub reviewed: Option<Reviewed>,
}

/// What the second person found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// Who.
    pub person: String,
    /// When.
    pub at: Time,
    /// True where the release was right.
    pub sound: bool,
    /// Their words.
    pub note: String,
}
