//! What a protocol is to the session engine: frames cut from a stream, requests written, and what
//! was read put into words that all four share.

use super::config::Style;
use super::identifier::{MessageKey, Spelling};
use super::receipt::{MessageState, ReasonCode, ReceiptError};
use super::results::ResultCode;
use super::wire::DecodeError;
use std::fmt;

/// The longest packet read; a message_payload of 64 KiB is the largest any of the standards has.
pub const PACKET_BYTES_MAX: usize = 65_536;

/// Why a stream of bytes can no longer be cut into packets. There is no way back: close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length below the header's own or above [`PACKET_BYTES_MAX`].
    #[error("a packet of {length} octets is outside {least} to 65536: the stream is out of step")]
    Length {
        /// As on the wire.
        length: u32,
        /// Octets of the protocol's header.
        least: usize,
    },
}

/// What numbers a request and its answer. SGIP has all three fields, the others the last alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence {
    /// Number of the node that began it.
    pub node: u32,
    /// When it began, MMDDhhmmss as a decimal number.
    pub stamp: u32,
    /// Counted up.
    pub number: u32,
}

impl Sequence {
    /// Of a protocol that has a number and nothing else.
    pub const fn number(number: u32) -> Self {
        Self {
            node: 0,
            stamp: 0,
            number,
        }
    }
}

/// One whole packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Octets of all of it.
    pub length: usize,
    /// Operation, as on the wire.
    pub command: u32,
    /// command_status of SMPP; zero elsewhere.
    pub status: u32,
    /// Number.
    pub sequence: Sequence,
    /// What follows the header.
    pub body: &'a [u8],
}

/// What carries messages in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Out and in.
    Both,
    /// Messages out only.
    Send,
    /// Receipts and replies only.
    Receive,
    /// Receipts and replies on a connection that the gateway opened to us.
    Inbound,
}

impl Role {
    pub(super) const fn sends(self) -> bool {
        matches!(self, Self::Both | Self::Send)
    }
}

/// Where a protocol has what changes from phone to phone, and how it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Sequence of three fields at octet 8 rather than one at its own place.
    pub(super) long_sequence: bool,
    /// Where the number of the sequence stands.
    pub(super) number_at: usize,
    /// Octets of the destination's field, filled up with zeros; 0 where it ends with one zero.
    pub(super) phone_width: usize,
    /// Numbers of China without their 86.
    pub(super) national: bool,
    /// Whether there is a request that only asks whether the far side is there.
    pub(super) has_heart_beat: bool,
    /// The greatest number; those of a session's own requests.
    pub(super) control: u32,
}

/// One part of a text on its way into a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartText<'a> {
    /// User data header, where there is one, and text.
    pub(super) octets: &'a [u8],
    /// data_coding, Msg_Fmt, MessageCoding or MsgFormat: all four have TS 23.038's.
    pub(super) coding: u8,
    /// How many parts and which one, from 1; `None` for a text of one.
    pub(super) part: Option<(u8, u8)>,
    /// validity in the protocol's form.
    pub(super) validity: &'a str,
    /// Whether a receipt is asked for.
    pub(super) receipt: bool,
}

/// Octets before and after the destination's digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Halves {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

/// What a session says of itself when it logs in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    pub(super) account: &'a str,
    pub(super) password: &'a str,
    pub(super) system_type: &'a str,
    pub(super) role: Role,
    pub(super) sequence: Sequence,
    /// MMDDhhmmss in local time, as a decimal number.
    pub(super) stamp: u32,
}

/// What of a login is needed to check the answer.
pub(crate) type Digest = [u8; 16];

/// How an answer is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) sequence: Sequence,
    pub(super) command: u32,
    /// The identifier that CMPP and SMGP repeat in the answer.
    pub(super) id: [u8; 10],
}

/// What is answered to a request of the far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Taken.
    Taken,
    /// No room: bring it again.
    Full,
    /// The account or the password is wrong, or nobody logged in.
    NotLoggedIn,
    /// Logged in already.
    LoggedInAlready,
    /// Too many connections.
    TooMany,
    /// A login in the wrong direction.
    WrongDirection,
}

/// A packet in words that all protocols share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// Answer to our login, with the far side's own proof where there is one.
    LoggedIn(ResultCode, Option<Digest>),
    /// Answer to a submit.
    Submitted(ResultCode, Option<MessageKey>),
    /// A request of ours was not understood at all.
    NotUnderstood(ResultCode),
    /// A receipt or a message from a phone.
    Delivered(Ack, Content),
    /// Are you there.
    Asked(Ack),
    /// Yes.
    There,
    /// The far side ends the session.
    Leaving(Ack),
    /// The far side has ended the session as we asked.
    Left,
    /// The gateway logs in at us.
    Entered(Ack, Entrance<'a>),
    /// An answer that nothing follows from.
    Noted,
}

/// A gateway's login at us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrance<'a> {
    pub(super) account: &'a [u8],
    pub(super) password: &'a [u8],
    /// As it should be: from the gateway to us.
    pub(super) inbound: bool,
}

/// What a delivery holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// What became of a message.
    Receipt(Reported),
    /// What a phone wrote.
    Message { phone: u64, text: String },
    /// A receipt without identifier or state, with its text.
    Unread(ReceiptError, String),
}

/// A receipt as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reported {
    pub(super) ids: [Option<MessageKey>; 3],
    pub(super) phone: u64,
    pub(super) state: MessageState,
    pub(super) reason: ReasonCode,
}

/// One carrier protocol.
pub(super) trait Codec: fmt::Debug + Send + Sync {
    /// Where it has what.
    fn layout(&self) -> Layout;

    /// The first whole packet at the start of `bytes`; `None` while it is incomplete.
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError>;

    /// What a packet says.
    fn read<'a>(&self, frame: &Frame<'a>, spelling: Spelling) -> Result<Heard<'a>, DecodeError>;

    /// Writes the first request of a session; gives what its answer is checked with.
    fn login(&self, login: &Login<'_>, out: &mut Vec<u8>) -> Digest;

    /// Writes the question whether the far side is there.
    fn heart_beat(&self, sequence: Sequence, out: &mut Vec<u8>);

    /// Writes the wish to end the session.
    fn logout(&self, sequence: Sequence, out: &mut Vec<u8>);

    /// Writes an answer to a request of the far side.
    fn answer(&self, ack: &Ack, answer: Answer, out: &mut Vec<u8>);

    /// Writes, where the protocol has a word for it, that a packet was not understood.
    fn refuse(&self, frame: &Frame<'_>, error: &DecodeError, out: &mut Vec<u8>);

    /// Writes, where the protocol has a word for it, that the stream is out of step.
    fn out_of_step(&self, out: &mut Vec<u8>);

    /// Octets of a submit around its destination.
    fn submit(&self, part: &PartText<'_>, style: &Style) -> Halves;
}

/// A packet cut into its header and what follows.
pub(super) struct Cut<'a> {
    pub(super) length: usize,
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The first whole packet, whose first word is its length; `None` while it is incomplete.
pub(super) fn cut(bytes: &[u8], header: usize) -> Result<Option<Cut<'_>>, FrameError> {
    let Some(stated) = word(bytes, 0) else {
        return Ok(None);
    };
    let length = usize::try_from(stated).unwrap_or(usize::MAX);
    if !(header..=PACKET_BYTES_MAX).contains(&length) {
        return Err(FrameError::Length {
            length: stated,
            least: header,
        });
    }
    let packet = bytes.get(..length);
    let halves = packet.and_then(|packet| packet.split_at_checked(header));
    Ok(halves.map(|(head, body)| Cut { length, head, body }))
}

/// The big-endian word at that octet.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*four))
}

/// Octets of the header of a protocol that counts its packets by one number.
pub(super) const NUMBERED_BYTES: usize = 12;

/// The first whole packet of a protocol that counts its packets by one number: length, command, that
/// number, and then the body. `None` while it is incomplete.
pub(super) fn numbered(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some(Cut { length, head, body }) = cut(bytes, NUMBERED_BYTES)? else {
        return Ok(None);
    };
    Ok(Some(Frame {
        length,
        command: word(head, 4).unwrap_or_default(),
        status: 0,
        sequence: Sequence::number(word(head, 8).unwrap_or_default()),
        body,
    }))
}

/// Appends the header of a packet whose length is not known yet: [`put_length`] has it from where the
/// packet begins, which this gives.
pub(super) fn begin(command: u32, sequence: &[u8], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&command.to_be_bytes());
    out.extend_from_slice(sequence);
    start
}

/// Writes the length of the packet that began at `start`.
pub(super) fn put_length(start: usize, out: &mut [u8]) {
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *place = length.to_be_bytes();
    }
}

/// The number in an address, as the country writes it abroad: a Chinese mobile number without its
/// 86 gets it. 0 where there is none.
pub(super) fn phone(digits: &[u8]) -> u64 {
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let text = std::str::from_utf8(digits).unwrap_or_default();
    text.parse().unwrap_or(0)
}
