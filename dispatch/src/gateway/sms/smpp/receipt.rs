//! Reads a delivery receipt: optional parameters first, then its text.

use super::message::ShortMessage;
use super::tag;
use crate::gateway::sms::receipt::{Fields, MessageState, ReasonCode, ReceiptError, ReceiptText};

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
    let network = message.tlvs.get(tag::NETWORK_ERROR_CODE);
    match (fields.err, network) {
        (None | Some([]), Some([network, high, low])) => {
            let code = u16::from_be_bytes([*high, *low]);
            ReasonCode::of(format!("{network}/{code}").as_bytes())
        }
        _ => fields.reason(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::sms::wire::{put_tlv, tlvs};
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
