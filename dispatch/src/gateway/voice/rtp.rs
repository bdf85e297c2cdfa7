//! RTP (RFC 3550 §5.1) and the telephone events in it (RFC 4733 §2.3).

/// Samples of one packet: 20 ms.
pub const FRAME: usize = 160;

/// The fields that matter to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// True on the first packet of a talk spurt or an event.
    pub marker: bool,
    /// Payload type, below 128.
    pub kind: u8,
    /// Grows by one a packet.
    pub sequence: u16,
    /// Grows by one a sample; of an event, when it began.
    pub timestamp: u32,
    /// Whose stream.
    pub source: u32,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads one datagram; `None` where it is no RTP of version 2.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<12>()?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *head;
        if first >> 6 != 2 {
            return None;
        }
        let mut payload = rest.get(usize::from(first & 0xF) * 4..)?;
        if first & 0x10 != 0 {
            let ([_, _, l0, l1], behind) = payload.split_first_chunk::<4>()?;
            payload = behind.get(usize::from(u16::from_be_bytes([*l0, *l1])) * 4..)?;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            let left = payload.len().checked_sub(padding).filter(|_| padding > 0)?;
            payload = payload.get(..left)?;
        }
        Some(Self {
            marker: second & 0x80 != 0,
            kind: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            source: u32::from_be_bytes([c0, c1, c2, c3]),
            payload,
        })
    }

    /// The packet as bytes, without padding, extension or contributors.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x80);
        out.push(u8::from(self.marker) << 7 | (self.kind & 0x7F));
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.source.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

/// Keys out of the packets of telephone events: each press once, however often it is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    /// Stream and beginning of the newest press.
    newest: Option<(u32, u32)>,
}

impl Keys {
    /// The key that a packet of events is the first to tell of.
    pub fn pressed(&mut self, packet: &Packet<'_>) -> Option<char> {
        let [event, flags, _, _] = *packet.payload.first_chunk::<4>()?;
        // Bit 6 is reserved; a volume says how loud, the end how long: neither says more of which.
        let _ = flags;
        let this = (packet.source, packet.timestamp);
        if self.newest.is_some_and(|newest| !is_after(this, newest)) {
            return None;
        }
        self.newest = Some(this);
        Some(match event {
            0..=9 => char::from(b'0' + event),
            10 => '*',
            11 => '#',
            12..=15 => char::from(b'A' + event - 12),
            _ => return None,
        })
    }
}

/// Whether an event began after another one of its stream; of two streams each is new.
const fn is_after(this: (u32, u32), newest: (u32, u32)) -> bool {
    let ahead = this.1.wrapping_sub(newest.1);
    this.0 != newest.0 || (ahead != 0 && ahead < 1 << 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet {
            marker: false,
            kind: 101,
            sequence: 1,
            timestamp,
            source: 7,
            payload,
        }
    }

    #[test]
    fn a_press_counts_once_and_a_second_one_again() {
        let mut keys = Keys::default();
        let pressed: Vec<Option<char>> = [
            (960, [1, 10, 0, 160]),
            (960, [1, 10, 1, 64]),
            (960, [1, 0x8A, 3, 32]),
            (960, [1, 0x8A, 3, 32]),
            // A packet of the press before that came late.
            (800, [2, 0x8A, 3, 32]),
            (3200, [1, 10, 0, 160]),
            (6400, [11, 10, 0, 160]),
            (9600, [16, 10, 0, 160]),
        ]
        .iter()
        .map(|(timestamp, payload)| keys.pressed(&event(*timestamp, payload)))
        .collect();
        let wanted = [
            Some('1'),
            None,
            None,
            None,
            None,
            Some('1'),
            Some('#'),
            None,
        ];
        assert_eq!(pressed, wanted);
        assert_eq!(keys.pressed(&event(20_000, &[1, 2])), None);
    }

    #[test]
    fn contributors_extension_and_padding_are_no_payload() {
        let mut bytes = vec![0xB1, 0x80 | 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([9; 4]);
        bytes.extend([0, 0, 0, 1, 5, 5, 5, 5]);
        bytes.extend([1, 2, 3, 0, 2]);
        let packet = Packet::decode(&bytes).unwrap();
        assert_eq!((packet.marker, packet.kind), (true, 8));
        assert_eq!(packet.payload, [1, 2, 3]);
        for cut in 0..bytes.len() - 5 {
            assert_eq!(Packet::decode(&bytes[..cut]), None, "{cut}");
        }
        bytes[0] = 0x31;
        assert_eq!(Packet::decode(&bytes), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(
            marker in any::<bool>(), kind in 0u8..128, sequence in any::<u16>(),
            timestamp in any::<u32>(), source in any::<u32>(),
            payload in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let packet = Packet { marker, kind, sequence, timestamp, source, payload: &payload };
            let mut bytes = Vec::new();
            packet.encode(&mut bytes);
            prop_assert_eq!(Packet::decode(&bytes), Some(packet));
        }

        #[test]
        fn no_datagram_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(packet) = Packet::decode(&bytes) {
                let _ = Keys::default().pressed(&packet);
            }
        }
    }
}
