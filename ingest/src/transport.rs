//! Ways in: each hands over frames of bytes and acknowledges them only when it is told to.

pub mod body;
pub mod file;
pub mod mqtt;

use crate::protocol::Protocol;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Bytes as they came in, to be decoded, journaled and then acknowledged.
pub struct Frame {
    /// What it came from, for people and metrics: the broker's address.
    pub source: Arc<str>,
    /// The topic it came in on.
    pub topic: String,
    /// How to read the payload.
    pub protocol: Arc<Protocol>,
    /// The bytes.
    pub payload: Bytes,
    /// Length of a message that is too long to be taken: the payload is only how it begins, and
    /// all that is owed is to say so.
    pub overlong: Option<usize>,
    receipt: mqtt::Receipt,
}

impl Frame {
    /// Tells the far side that the frame is safe: call it once the journal has it. A frame dropped
    /// without this is handed over again by the far side, after a reconnection.
    pub fn acknowledge(self) {
        self.receipt.acknowledge();
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("source", &self.source)
            .field("topic", &self.topic)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}
