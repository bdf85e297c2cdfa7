//! SGIP 1.2 (China Unicom): packets, reports, codes. What the gateway has to say comes on a connection
//! that it opens to us; there is no heart-beat; the sequence of a submit is its identifier.

mod codec;
pub mod pdu;
mod results;

pub(super) use codec::Sgip;
pub(super) use results::{NOT_OURS, RESULTS};
