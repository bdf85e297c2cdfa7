//! Reads a delivery receipt: optional parameters first, then the text of SMPP 3.4 appendix B.
//!
//! `id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E Text:…`

use super::message::ShortMessage;
use super::wire::tag;
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

    const fn of_code(code: u8) -> Self {
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
    fn of_word(word: &[u8]) -> Self {
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
    fn of(text: &[u8]) -> Self {
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

/// Reads a receipt; `scratch` holds its text where that comes as UCS-2.
pub fn read<'a>(
    message: &ShortMessage<'a>,
    scratch: &'a mut Vec<u8>,
) -> Result<ReceiptText<'a>, ReceiptError> {
    let (_, raw) = message.user_data();
    let text: &'a [u8] = if message.data_coding & 0x0C == 0x08 {
        scratch.clear();
        scratch.extend(raw.chunks_exact(2).filter_map(|pair| pair.last()));
        scratch
    } else {
        raw
    };
    let fields = Fields::of(text);
    let id = match message.tlvs.get(tag::RECEIPTED_MESSAGE_ID) {
        Some(value) => value.split(|b| *b == 0).next().unwrap_or_default(),
        None => fields.id.ok_or(ReceiptError::NoIdentifier)?,
    };
    if id.is_empty() {
        return Err(ReceiptError::NoIdentifier);
    }
    let stated = message.tlvs.get(tag::MESSAGE_STATE).and_then(<[u8]>::first);
    let state = match (stated, fields.stat) {
        (Some(code), _) => MessageState::of_code(*code),
        (None, Some(word)) => MessageState::of_word(word),
        (None, None) => return Err(ReceiptError::NoState),
    };
    Ok(ReceiptText {
        id,
        state,
        reason: reason(message, fields),
    })
}

/// `err:` unless empty; then network_error_code; then a state word of the carrier's own.
fn reason(message: &ShortMessage<'_>, fields: Fields<'_>) -> ReasonCode {
    if let Some(code) = fields.err.filter(|code| !code.is_empty()) {
        return ReasonCode::of(code);
    }
    if let Some([network, high, low]) = message.tlvs.get(tag::NETWORK_ERROR_CODE) {
        let code = u16::from_be_bytes([*high, *low]);
        return ReasonCode::of(format!("{network}/{code}").as_bytes());
    }
    let own = fields
        .stat
        .filter(|word| MessageState::of_word(word) == MessageState::Unknown);
    ReasonCode::of(own.unwrap_or_default())
}

/// The fields of a receipt's text that are used; all of them words.
#[derive(Clone, Copy, Debug, Default)]
struct Fields<'a> {
    id: Option<&'a [u8]>,
    stat: Option<&'a [u8]>,
    err: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Names in any case, at the start or after a space, the first of each. What follows `text:`
    /// is quoted from the message itself and is not searched.
    fn of(text: &'a [u8]) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::smpp::wire::{put_tlv, tlvs};
    use proptest::prelude::*;

    fn read_text(text: &[u8]) -> Result<(String, MessageState, String), ReceiptError> {
        let message = ShortMessage {
            esm_class: 4,
            short_message: text,
            ..ShortMessage::default()
        };
        let mut scratch = Vec::new();
        let read = read(&message, &mut scratch)?;
        let id = String::from_utf8_lossy(read.id).into_owned();
        Ok((id, read.state, read.reason.to_string()))
    }

    #[test]
    fn texts_in_many_spellings() {
        let full = b"id:B7FE000400 sub:001 dlvrd:001 submit date:2410111456 done date:2410111456 stat:DELIVRD err:000 text:- ";
        let wanted = ("B7FE000400".into(), MessageState::Delivered, "000".into());
        assert_eq!(read_text(full), Ok(wanted));
        let shouting = b"ID:77 SUB:001 STAT:undeliv ERR:MK:0001";
        let wanted = ("77".into(), MessageState::Undeliverable, "MK:0001".into());
        assert_eq!(read_text(shouting), Ok(wanted));
        let own_word = b"id:9 stat:MI:0013 Text:";
        let wanted = ("9".into(), MessageState::Unknown, "MI:0013".into());
        assert_eq!(read_text(own_word), Ok(wanted));
        let spaced = b"id: 12 stat: EXPIRED";
        let wanted = ("12".into(), MessageState::Expired, String::new());
        assert_eq!(read_text(spaced), Ok(wanted));
    }

    #[test]
    fn the_quoted_message_cannot_pose_as_a_field() {
        let text = b"id:5 sub:001 err:000 text:stat:DELIVRD";
        assert_eq!(read_text(text), Err(ReceiptError::NoState));
        assert_eq!(
            read_text(b"void:5 stat:DELIVRD"),
            Err(ReceiptError::NoIdentifier)
        );
    }

    #[test]
    fn optional_parameters_come_first() {
        let mut bytes = Vec::new();
        put_tlv(tag::RECEIPTED_MESSAGE_ID, b"abc1\0", &mut bytes);
        put_tlv(tag::MESSAGE_STATE, &[5], &mut bytes);
        put_tlv(tag::NETWORK_ERROR_CODE, &[3, 0, 27], &mut bytes);
        let message = ShortMessage {
            tlvs: tlvs(&bytes),
            ..ShortMessage::default()
        };
        assert!(message.is_receipt());
        let mut scratch = Vec::new();
        let read = read(&message, &mut scratch).unwrap();
        assert_eq!(
            (read.id, read.state),
            (&b"abc1"[..], MessageState::Undeliverable)
        );
        assert_eq!(read.reason.to_string(), "3/27");
    }

    #[test]
    fn a_receipt_in_ucs2() {
        let text: Vec<u8> = "id:42 stat:DELIVRD err:000"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let message = ShortMessage {
            esm_class: 4,
            data_coding: 8,
            short_message: &text,
            ..ShortMessage::default()
        };
        let mut scratch = Vec::new();
        assert_eq!(read(&message, &mut scratch).unwrap().id, b"42");
    }

    proptest! {
        #[test]
        fn bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_text(&text);
        }
    }
}
