//! SMGP 3.0 (China Telecom): packets, reports, codes. Identifiers are ten octets, raw even inside the
//! text of a report.

mod codec;
pub mod pdu;
mod report;
mod results;

pub(super) use codec::Smgp;
pub use report::read_report;
pub(super) use results::{NOT_OURS, RESULTS};
