//! What became of a message, and the text of SMPP 3.4 appendix B that says so; SMGP's is the same but
//! for its identifier.
//!
//! `id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E Text:…`

use std::fmt;

/// What became of a message (message_state, §5.2.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageState {
    /// On its way.
    Enroute,
    /// Taken, for instance read by hand on the subscriber's behalf.
    Accepted,
    /// On the phone.
    Delivered,
    /// The validity period ran out.
    Expired,
    /// Deleted in the centre.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// The centre does not know, or uses a word of its own.
    Unknown,
    /// Refused after it was accepted.
    Rejected,
}

impl MessageState {
    /// True where nothing more will come.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Enroute | Self::Accepted)
    }

    /// The word of appendix B.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Accepted => "ACCEPTD",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }

    pub(super) const fn of_code(code: u8) -> Self {
        match code {
            0 | 1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            8 => Self::Rejected,
            _ => Self::Unknown,
        }
    }

    /// Words are cut and spelled freely; the first five letters tell them apart.
    pub(super) fn of_word(word: &[u8]) -> Self {
        let mut start = [0_u8; 5];
        for (to, from) in start.iter_mut().zip(word) {
            *to = from.to_ascii_uppercase();
        }
        match &start {
            b"DELIV" => Self::Delivered,
            b"EXPIR" => Self::Expired,
            b"DELET" => Self::Deleted,
            b"UNDEL" => Self::Undeliverable,
            b"ACCEP" => Self::Accepted,
            b"ENROU" | b"SCHED" | b"BUFFE" => Self::Enroute,
            b"REJEC" => Self::Rejected,
            _ => Self::Unknown,
        }
    }
}

/// The centre's own word for why: `000`, `MK:0001`, `0x03/00FF`; at most eight octets of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReasonCode([u8; 8]);

impl ReasonCode {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut code = [0; 8];
        for (to, from) in code.iter_mut().zip(text) {
            *to = if from.is_ascii_graphic() { *from } else { b'?' };
        }
        Self(code)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take_while(|b| **b != 0)
            .try_for_each(|b| write!(f, "{}", char::from(*b)))
    }
}

/// A receipt as read, not yet matched to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptText<'a> {
    /// The identifier as the receipt spells it.
    pub id: &'a [u8],
    /// What became of the message.
    pub state: MessageState,
    /// Why, in the centre's words.
    pub reason: ReasonCode,
}

/// Why a deliver_sm that calls itself a receipt is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Neither receipted_message_id nor `id:`.
    #[error("the receipt names no message: neither receipted_message_id nor \"id:\"")]
    NoIdentifier,
    /// Neither message_state nor `stat:`.
    #[error("the receipt tells no state: neither message_state nor \"stat:\"")]
    NoState,
}

/// The fields of a receipt's text that are used; all of them words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a [u8]>,
    pub(super) stat: Option<&'a [u8]>,
    pub(super) err: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Names in any case, at the start or after a space, the first of each. What follows `text:`
    /// is quoted from the message itself and is not searched.
    pub(super) fn of(text: &'a [u8]) -> Self {
        let mut fields = Self::default();
        let mut rest = text.trim_ascii_start();
        while !rest.is_empty() {
            if value(rest, b"text:").is_some() {
                break;
            }
            fields.id = fields.id.or_else(|| value(rest, b"id:"));
            fields.stat = fields.stat.or_else(|| value(rest, b"stat:"));
            fields.err = fields.err.or_else(|| value(rest, b"err:"));
            let end = rest.iter().position(u8::is_ascii_whitespace);
            rest = end.and_then(|end| rest.get(end..)).unwrap_or_default();
            rest = rest.trim_ascii_start();
        }
        fields
    }
}

/// The word after `name`, where the text begins with it.
fn value<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let end = rest.iter().position(|b| b.is_ascii_whitespace() || *b == 0);
    Some(end.and_then(|end| rest.get(..end)).unwrap_or(rest))
}

impl<'a> Fields<'a> {
    /// The state that the word stands for, and why: `err:` unless it is empty, else a state word of
    /// the carrier's own.
    pub(super) fn state(&self) -> Option<(MessageState, ReasonCode)> {
        let word = self.stat?;
        Some((MessageState::of_word(word), self.reason()))
    }

    pub(super) fn reason(&self) -> ReasonCode {
        if let Some(code) = self.err.filter(|code| !code.is_empty()) {
            return ReasonCode::of(code);
        }
        let own = self
            .stat
            .filter(|word| MessageState::of_word(word) == MessageState::Unknown);
        ReasonCode::of(own.unwrap_or_default())
    }
}

/// The state that a carrier's word of seven letters stands for, and the word itself where it is not
/// one of the standard's: `MK:0012`, `UNDELIV`.
pub(super) fn of_stat(word: &[u8]) -> (MessageState, ReasonCode) {
    let state = MessageState::of_word(word);
    if state != MessageState::Unknown {
        return (state, ReasonCode::default());
    }
    let known: &[&[u8]] = &[b"", b"UNKNOWN"];
    if known.contains(&word.to_ascii_uppercase().as_slice()) {
        return (MessageState::Unknown, ReasonCode::default());
    }
    // Two letters and a colon say who gave the message up: xA and xC that nobody answered the gateway,
    // all others that it was refused on the way (CMPP 2.0 appendix, carriers' own lists).
    let state = match word {
        [_, b'A' | b'C', b':', ..] => MessageState::Unknown,
        [_, _, b':', ..] => MessageState::Undeliverable,
        _ => MessageState::Unknown,
    };
    (state, ReasonCode::of(word))
}
