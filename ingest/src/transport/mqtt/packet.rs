//! The packets that a subscriber of quality of service 0 and 1 needs, in MQTT 3.1.1 (OASIS 2014) and
//! MQTT 5 (OASIS 2019); pure.

use super::config::Version;
use crate::register::rejection::RAW_BYTES_MAX;
use bytes::{Buf, Bytes, BytesMut};

/// Longest packet taken. What is longer is passed over and said aloud.
pub const PACKET_BYTES_MAX: usize = 1 << 20;
/// A fixed header is one byte and a length of at most four (3.1.1 §2.2.3).
const HEADER_BYTES_MAX: usize = 5;

/// Something the broker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// It lets us in, or says why not.
    ConnAck {
        /// It kept our session.
        session_present: bool,
        /// 0 is a welcome.
        code: u8,
        /// Longest silence it bears, seconds, where it asks for one of its own (5 §3.2.2.3.14).
        keep_alive_s: Option<u16>,
    },
    /// A code a filter, in the order asked.
    SubAck(Vec<u8>),
    /// A message.
    Publish {
        /// Topic.
        topic: String,
        /// Payload.
        payload: Bytes,
        /// What is acknowledged; `None` for quality of service 0.
        id: Option<u16>,
    },
    /// A message that is longer than anybody should send.
    TooLong {
        /// Topic.
        topic: String,
        /// How its payload begins.
        start: Bytes,
        /// Bytes it has.
        bytes: usize,
        /// What is acknowledged, so that it does not come for ever.
        id: Option<u16>,
    },
    /// It is there.
    PingResp,
    /// It ends the connection (5 §3.14).
    Disconnect(u8),
}

/// Why bytes are not packets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// A length that takes more than four bytes.
    #[error("a packet's length is not a number of MQTT")]
    Length,
    /// A packet that ends before it is whole.
    #[error("a packet of type {0} is cut short")]
    Short(u8),
    /// A packet that no subscriber is sent.
    #[error("a packet of type {0} has no business here")]
    Type(u8),
    /// Text that is not UTF-8.
    #[error("a topic is not UTF-8")]
    Text,
}

/// How a client introduces itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hello<'a> {
    pub(super) version: Version,
    pub(super) client_id: &'a str,
    pub(super) login: Option<(&'a str, &'a [u8])>,
    pub(super) keep_alive_s: u16,
    pub(super) session_expiry_s: u32,
    pub(super) receive_max: u16,
}

impl Hello<'_> {
    /// CONNECT: no clean session, so that what is not acknowledged comes again.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        text(&mut body, "MQTT");
        body.push(match self.version {
            Version::V311 => 4,
            Version::V5 => 5,
        });
        body.push(if self.login.is_some() { 0b1100_0000 } else { 0 });
        body.extend_from_slice(&self.keep_alive_s.to_be_bytes());
        if self.version == Version::V5 {
            let mut properties = vec![0x11];
            properties.extend_from_slice(&self.session_expiry_s.to_be_bytes());
            properties.push(0x21);
            properties.extend_from_slice(&self.receive_max.to_be_bytes());
            properties.push(0x27);
            let longest = u32::try_from(PACKET_BYTES_MAX).unwrap_or(u32::MAX);
            properties.extend_from_slice(&longest.to_be_bytes());
            length(&mut body, properties.len());
            body.extend_from_slice(&properties);
        }
        text(&mut body, self.client_id);
        if let Some((user, password)) = self.login {
            text(&mut body, user);
            binary(&mut body, password);
        }
        packet(out, 0x10, &body);
    }
}

/// SUBSCRIBE to all filters at quality of service 1.
pub(super) fn subscribe<'a>(
    out: &mut Vec<u8>,
    version: Version,
    filters: impl Iterator<Item = &'a str>,
) {
    let mut body = vec![0, 1];
    if version == Version::V5 {
        body.push(0);
    }
    for filter in filters {
        text(&mut body, filter);
        body.push(1);
    }
    packet(out, 0x82, &body);
}

/// PUBACK: the same four bytes in both versions.
pub(super) fn acknowledge(out: &mut Vec<u8>, id: u16) {
    let [high, low] = id.to_be_bytes();
    out.extend_from_slice(&[0x40, 2, high, low]);
}

/// PINGREQ.
pub(super) const PING: [u8; 2] = [0xc0, 0];
/// DISCONNECT without a word, which keeps the session in both versions.
pub(super) const GOODBYE: [u8; 2] = [0xe0, 0];

/// Takes packets off a stream.
#[derive(Debug)]
pub struct Reader {
    version: Version,
    /// Bytes of an overlong packet that are still to come and not wanted.
    passing_over: usize,
}

impl Reader {
    /// At the start of a stream of that version.
    pub const fn new(version: Version) -> Self {
        Self {
            version,
            passing_over: 0,
        }
    }

    /// The next packet in `bytes`, which it is taken out of; `None` where more must come first.
    ///
    /// # Errors
    /// The stream is not MQTT: nothing more can be read from it.
    pub fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Incoming>, PacketError> {
        let skip = self.passing_over.min(bytes.len());
        bytes.advance(skip);
        self.passing_over -= skip;
        if self.passing_over > 0 {
            return Ok(None);
        }
        let Some((first, long, header)) = fixed_header(bytes)? else {
            return Ok(None);
        };
        if long > PACKET_BYTES_MAX && first >> 4 == 3 {
            return self.too_long(bytes, first, long, header);
        }
        if long > PACKET_BYTES_MAX {
            return Err(PacketError::Length);
        }
        if bytes.len() < header + long {
            bytes.reserve(header + long - bytes.len());
            return Ok(None);
        }
        bytes.advance(header);
        let body = bytes.split_to(long).freeze();
        self.read(first, body).map(Some)
    }

    /// Of a message that is too long only what it is acknowledged and known again by is read.
    fn too_long(
        &mut self,
        bytes: &mut BytesMut,
        first: u8,
        long: usize,
        header: usize,
    ) -> Result<Option<Incoming>, PacketError> {
        // A topic has at most 65,535 bytes, so that this much holds it and the number behind it.
        let enough = header + 2 + usize::from(u16::MAX) + 2;
        if bytes.len() < enough {
            return Ok(None);
        }
        let mut start = bytes.split_to(enough).freeze();
        start.advance(header);
        let topic = take_text(&mut start, 3)?;
        let id = message_id(&mut start, first)?;
        if self.version == Version::V5 {
            let mut payload = start.clone();
            // Properties may be too long themselves: then they are what it begins with.
            if skip_properties(&mut payload, 3).is_ok() {
                start = payload;
            }
        }
        start.truncate(RAW_BYTES_MAX);
        self.passing_over = header + long - enough;
        Ok(Some(Incoming::TooLong {
            topic,
            // A copy, so that the whole buffer is not kept for it.
            start: Bytes::copy_from_slice(&start),
            bytes: long,
            id,
        }))
    }

    fn read(&self, first: u8, mut body: Bytes) -> Result<Incoming, PacketError> {
        let kind = first >> 4;
        match kind {
            2 => self.conn_ack(&mut body),
            3 => self.publish(first, body),
            9 => {
                take_u16(&mut body, kind)?;
                if self.version == Version::V5 {
                    skip_properties(&mut body, kind)?;
                }
                Ok(Incoming::SubAck(body.to_vec()))
            }
            13 => Ok(Incoming::PingResp),
            14 => Ok(Incoming::Disconnect(body.first().copied().unwrap_or(0))),
            other => Err(PacketError::Type(other)),
        }
    }

    fn conn_ack(&self, body: &mut Bytes) -> Result<Incoming, PacketError> {
        let [flags, code] = [take_u8(body, 2)?, take_u8(body, 2)?];
        let mut keep_alive_s = None;
        // A refusal by a broker of an older version has no properties.
        if self.version == Version::V5 && !body.is_empty() {
            let mut properties = take_properties(body, 2)?;
            while properties.has_remaining() {
                let (id, value) = property(&mut properties)?;
                if let (0x13, [high, low]) = (id, value.as_ref()) {
                    keep_alive_s = Some(u16::from_be_bytes([*high, *low]));
                }
            }
        }
        Ok(Incoming::ConnAck {
            session_present: flags & 1 == 1,
            code,
            keep_alive_s,
        })
    }

    fn publish(&self, first: u8, mut body: Bytes) -> Result<Incoming, PacketError> {
        let topic = take_text(&mut body, 3)?;
        let id = message_id(&mut body, first)?;
        if self.version == Version::V5 {
            skip_properties(&mut body, 3)?;
        }
        Ok(Incoming::Publish {
            topic,
            payload: body,
            id,
        })
    }
}

/// The first byte, the length of the body and that of the header, once they are there.
fn fixed_header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, PacketError> {
    let Some((first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut long = 0;
    for (at, byte) in rest.iter().take(HEADER_BYTES_MAX - 1).enumerate() {
        long |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((*first, long, at + 2)));
        }
    }
    if rest.len() >= HEADER_BYTES_MAX - 1 {
        return Err(PacketError::Length);
    }
    Ok(None)
}

/// The number of a message that wants to be acknowledged.
fn message_id(body: &mut Bytes, first: u8) -> Result<Option<u16>, PacketError> {
    if first & 0b0110 == 0 {
        return Ok(None);
    }
    take_u16(body, 3).map(Some)
}

fn skip_properties(body: &mut Bytes, kind: u8) -> Result<(), PacketError> {
    take_properties(body, kind).map(|_| ())
}

fn take_properties(body: &mut Bytes, kind: u8) -> Result<Bytes, PacketError> {
    let mut long = 0;
    for at in 0..HEADER_BYTES_MAX - 1 {
        let byte = take_u8(body, kind)?;
        long |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return take(body, long, kind);
        }
    }
    Err(PacketError::Length)
}

/// One property: its identifier and its value (5 §2.2.2.2).
fn property(properties: &mut Bytes) -> Result<(u8, Bytes), PacketError> {
    let id = take_u8(properties, 2)?;
    let long = match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => 1,
        0x13 | 0x21 | 0x22 | 0x23 => 2,
        0x02 | 0x11 | 0x18 | 0x27 => 4,
        // Two texts.
        0x26 => {
            let name = take_u16(properties, 2)?;
            take(properties, usize::from(name), 2)?;
            usize::from(take_u16(properties, 2)?)
        }
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => {
            usize::from(take_u16(properties, 2)?)
        }
        _ => return Err(PacketError::Short(2)),
    };
    Ok((id, take(properties, long, 2)?))
}

fn take(body: &mut Bytes, long: usize, kind: u8) -> Result<Bytes, PacketError> {
    if body.len() < long {
        return Err(PacketError::Short(kind));
    }
    Ok(body.split_to(long))
}

fn take_u8(body: &mut Bytes, kind: u8) -> Result<u8, PacketError> {
    body.try_get_u8().map_err(|_| PacketError::Short(kind))
}

fn take_u16(body: &mut Bytes, kind: u8) -> Result<u16, PacketError> {
    body.try_get_u16().map_err(|_| PacketError::Short(kind))
}

fn take_text(body: &mut Bytes, kind: u8) -> Result<String, PacketError> {
    let long = take_u16(body, kind)?;
    let bytes = take(body, usize::from(long), kind)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| PacketError::Text)?;
    Ok(text.to_owned())
}

fn packet(out: &mut Vec<u8>, first: u8, body: &[u8]) {
    out.push(first);
    length(out, body.len());
    out.extend_from_slice(body);
}

fn length(out: &mut Vec<u8>, mut long: usize) {
    loop {
        let byte = (long & 0x7f) as u8;
        long >>= 7;
        if long == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    binary(out, text.as_bytes());
}

/// What is longer than a length can say is cut: the configuration does not let it come to that.
fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let long = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&long.to_be_bytes());
    out.extend(bytes.iter().take(usize::from(long)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn published(version: Version, topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        text(&mut body, topic);
        body.extend(id.into_iter().flat_map(u16::to_be_bytes));
        if version == Version::V5 {
            // Message expiry and a user property, as brokers add them.
            let properties = [&[2, 0, 0, 0, 9, 0x26, 0, 1][..], b"a", &[0, 1], b"b"].concat();
            length(&mut body, properties.len());
            body.extend(properties);
        }
        body.extend_from_slice(payload);
        let mut out = Vec::new();
        packet(&mut out, if id.is_some() { 0x32 } else { 0x30 }, &body);
        out
    }

    fn all(version: Version, bytes: &[u8], piece: usize) -> Result<Vec<Incoming>, PacketError> {
        let (mut reader, mut buffer, mut all) = (Reader::new(version), BytesMut::new(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            buffer.extend_from_slice(piece);
            while let Some(one) = reader.next(&mut buffer)? {
                all.push(one);
            }
        }
        Ok(all)
    }

    fn versions() -> impl Strategy<Value = Version> {
        prop_oneof![Just(Version::V311), Just(Version::V5)]
    }

    proptest! {
        #[test]
        fn messages_are_read_however_they_are_cut(
            version in versions(),
            messages in proptest::collection::vec(
                ("[a-z/]{0,20}", proptest::option::of(1u16..), proptest::collection::vec(any::<u8>(), 0..300)),
                0..8,
            ),
            piece in 1usize..400,
        ) {
            let mut bytes = Vec::new();
            let mut wanted = Vec::new();
            for (topic, id, payload) in messages {
                bytes.extend(published(version, &topic, id, &payload));
                wanted.push(Incoming::Publish { topic, payload: payload.into(), id });
            }
            prop_assert_eq!(all(version, &bytes, piece), Ok(wanted));
        }

        #[test]
        fn nothing_panics(version in versions(), bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1usize..50) {
            drop(all(version, &bytes, piece));
        }
    }

    #[test]
    fn an_overlong_message_is_passed_over_and_the_next_one_read() {
        for version in [Version::V311, Version::V5] {
            let mut bytes = published(version, "a", Some(7), &vec![b'0'; PACKET_BYTES_MAX + 5]);
            bytes.extend(published(version, "b", Some(8), b"x"));
            let all = all(version, &bytes, 10_000).unwrap();
            assert!(
                matches!(
                    all.as_slice(),
                    [
                        Incoming::TooLong { topic, start, id: Some(7), .. },
                        Incoming::Publish { id: Some(8), .. }
                    ] if topic == "a" && *start == vec![b'0'; RAW_BYTES_MAX]
                ),
                "{all:?}"
            );
        }
    }

    #[test]
    fn the_brokers_own_keep_alive_is_heard() {
        let bytes = [0x20, 6, 1, 0, 3, 0x13, 0, 60];
        let welcome = Incoming::ConnAck {
            session_present: true,
            code: 0,
            keep_alive_s: Some(60),
        };
        assert_eq!(all(Version::V5, &bytes, 3), Ok(vec![welcome]));
        let refusal = [0x20, 2, 0, 5];
        let refused = Incoming::ConnAck {
            session_present: false,
            code: 5,
            keep_alive_s: None,
        };
        assert_eq!(all(Version::V311, &refusal, 4), Ok(vec![refused]));
    }
}
