//! Short messages by SMPP 3.4: codec (pure), session (pure), link (sockets).
//!
//! A text becomes a [`Prepared`] once per variant; a [`Link`] sends it to any number of phones
//! and gives [`Answer`]s and [`DeliveryReceipt`]s in batches, each with the token of its submit.
//! What to send, in which order and whether to try again is the outbox's.

pub mod alphabet;
mod awaited;
pub mod command;
mod config;
mod event;
mod identifier;
mod link;
pub mod message;
mod outgoing;
pub mod pdu;
mod prepared;
mod receipt;
mod session;
mod status;
mod validity;
mod window;
pub mod wire;

pub use awaited::same_phone;
pub use config::{LinkConfig, LinkFault, Receipts, Secret, Sender};
pub use event::{
    Answer, Change, DeliveryReceipt, Ending, Outcome, Reply, SessionState, Submit, Turn, WireFault,
};
pub use identifier::{MessageKey, Spelling, candidates};
pub use link::Link;
pub use prepared::{PARTS_MAX, PrepareError, Prepared, parts_of};
pub use receipt::{MessageState, ReasonCode, ReceiptError, ReceiptText, read as read_receipt};
pub use status::{Status, Verdict};
pub use validity::Validity;
