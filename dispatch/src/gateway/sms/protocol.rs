//! The codec of each protocol.

use super::cmpp::Cmpp;
use super::codec::Codec;
use super::config::Protocol;
use super::sgip::Sgip;
use super::smgp::Smgp;
use super::smpp::Smpp;

/// The codec of a protocol.
pub(super) fn codec_of(protocol: Protocol) -> &'static dyn Codec {
    match protocol {
        Protocol::Smpp => &Smpp,
        Protocol::Cmpp2 => &Cmpp::V2,
        Protocol::Cmpp3 => &Cmpp::V3,
        Protocol::Sgip => &Sgip,
        Protocol::Smgp => &Smgp,
    }
}
