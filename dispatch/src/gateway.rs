//! The far sides: one file per channel, each turning a message into bytes on a wire and an answer into a [`Receipt`].
//!
//! Gateways do I/O and decide nothing: what to send, in which order and when to try again is the
//! outbox's. Each offers `send(…) -> Result<Receipt, SendError>`; the courier matches on
//! [`model::Channel`].

pub mod adapter;
pub mod answer_link;
pub mod area;
pub mod area_topics;
pub mod breaker;
pub mod cap;
pub mod cell;
pub mod device;
pub mod email;
pub mod emergency_broadcast;
pub mod file_drop;
pub mod gate;
pub mod http;
pub mod jwt;
pub mod loudspeaker;
pub(crate) mod mac;
pub mod notice;
pub mod platform;
pub mod push;
pub mod sms;
pub mod state_bulletin;
pub mod voice;
pub mod web_push;
pub mod webhook;

/// What the far side said when it took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The far side's own name for it, or ours where it gives none.
    pub reference: String,
    /// How much the answer proves.
    pub proof: Proof,
}

/// How much a receipt proves: each is more than the one before (design §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// The far side took it; nobody need have seen it.
    Accepted,
    /// It arrived at the recipient.
    Delivered,
    /// The device reports by its own sensor that it did what it was told.
    ActionReported,
}
