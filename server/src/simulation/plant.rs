//! Faults planted at the seams, one at a time: a search that finds none of them proves nothing.

/// What is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    /// A new owner takes the first offset for the consumed position: outputs come again.
    PositionForgotten,
    /// It takes the end for the consumed position: outputs of what was never stepped are missing.
    PositionAhead,
    /// It begins one record after where its snapshot stands.
    StartsLate,
    /// A snapshot is marked with a position one record further on than its state.
    SnapshotAhead,
    /// An owner that has lost its partition is not fenced.
    NotFenced,
    /// A batch of unclear outcome that was stored is stored again.
    StoredTwice,
    /// An observation is acknowledged when it is queued.
    AcknowledgedEarly,
    /// A new owner of a link does not see what was claimed before it.
    ClaimsForgotten,
    /// Receipts are answered to the centre before they are on disk.
    ReceiptsEarly,
    /// An unknown outcome below orange is reported as not taken, so that it is sent again.
    UnknownSentAgain,
    /// A refusal for good is reported as taken.
    RefusedAsTaken,
    /// Links do not see what ends a warning.
    EndsHidden,
    /// Every fifth intent never reaches its link.
    IntentLost,
    /// One signature counts for two.
    SignatureForged,
    /// What leaves a link waits in the gateway until the next time that passes.
    LeavesLate,
    /// Another rule falls silent than the one that a person named.
    MuteMisheard,
    /// A silence is stored as one that lasts an hour longer.
    MuteOutlasts,
}

impl Plant {
    pub(super) const ALL: [Self; 17] = [
        Self::PositionForgotten,
        Self::PositionAhead,
        Self::StartsLate,
        Self::SnapshotAhead,
        Self::NotFenced,
        Self::StoredTwice,
        Self::AcknowledgedEarly,
        Self::ClaimsForgotten,
        Self::ReceiptsEarly,
        Self::UnknownSentAgain,
        Self::RefusedAsTaken,
        Self::EndsHidden,
        Self::IntentLost,
        Self::SignatureForged,
        Self::LeavesLate,
        Self::MuteMisheard,
        Self::MuteOutlasts,
    ];
}
