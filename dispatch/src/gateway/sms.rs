//! Short messages by SMPP 3.4, CMPP 2.0 and 3.0, SGIP 1.2 and SMGP 3.0: one session engine (bytes in,
//! bytes out) for all of them, a codec for each, one link (sockets).
//!
//! A text becomes a [`Prepared`] once per variant; a [`Link`] sends it to any number of phones
//! and gives [`Answer`]s and [`DeliveryReceipt`]s in batches, each with the token of its submit.
//! What to send, in which order and whether to try again is the outbox's.

pub mod account;
pub mod alphabet;
mod awaited;
pub mod cmpp;
mod codec;
mod config;
pub(crate) mod digest;
mod event;
mod identifier;
mod inbound;
mod kinds;
mod link;
mod numbers;
mod outgoing;
mod pace;
mod prepared;
mod protocol;
mod receipt;
mod results;
mod session;
pub mod sgip;
pub mod share;
pub mod smgp;
pub mod smpp;
pub mod udh;
pub(crate) mod validity;
mod window;
pub mod wire;

pub use account::{Account, Contract, ContractFault, Day, Judged, Refusal, Template};
pub use awaited::same_phone;
pub use codec::{Frame, FrameError, PACKET_BYTES_MAX, Sequence};
pub use config::{LinkConfig, LinkFault, Proof, Protocol, Receipts, Secret, Sender, Style};
pub use event::{
    Answer, Change, DeliveryReceipt, Ending, Outcome, Reply, SessionState, Submit, Turn, WireFault,
};
pub use identifier::{MessageKey, Spelling, candidates};
pub use kinds::{Kinds, Phone, Sorter};
pub use link::Link;
pub use numbers::{Numbers, NumbersFault};
pub use prepared::{PARTS_MAX, PrepareError, Prepared, parts_of};
pub use receipt::{MessageState, ReasonCode, ReceiptError, ReceiptText};
pub use results::{ResultCode, Row, Table, Verdict};
pub use validity::Validity;
