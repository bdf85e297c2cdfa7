//! SMPP 3.4: its packets, its receipts, its codes.

mod codec;
pub mod command;
pub mod message;
pub mod pdu;
mod receipt;
mod status;
pub mod tag;

pub(super) use codec::Smpp;
pub use receipt::read as read_receipt;
pub(super) use status::RESULTS;
pub use status::Status;
