//! The octets of a session that wait to be written, and how many have been.

/// Octets that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Where submits are encoded to.
    pub(super) bytes: Vec<u8>,
    start: usize,
    /// Octets of the stream written so far.
    pub(super) written: u64,
    /// When the far side last took any, or had nothing to take; milliseconds.
    pub(super) progressed_at: u64,
}

impl Outgoing {
    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, octets: usize, now: u64) {
        self.start += octets;
        self.written += octets as u64;
        self.progressed_at = now;
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Octets of the stream when all is written.
    pub(super) fn end(&self) -> u64 {
        self.written + self.pending().len() as u64
    }

    pub(super) fn reset(&mut self, now: u64) {
        *self = Self {
            bytes: std::mem::take(&mut self.bytes),
            progressed_at: now,
            ..Self::default()
        };
        self.bytes.clear();
    }
}
