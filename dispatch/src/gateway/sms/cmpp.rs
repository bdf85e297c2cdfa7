//! CMPP 2.0 and 3.0 (China Mobile): packets, reports, codes. Both are one protocol; 3.0 has wider fields.

mod codec;
pub mod pdu;
mod report;
mod results;

pub(super) use codec::Cmpp;
pub use report::{Report, read_report};
pub(super) use results::{LOGIN_RESULTS, NOT_OURS, SUBMIT_RESULTS};
