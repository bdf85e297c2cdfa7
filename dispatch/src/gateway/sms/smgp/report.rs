//! The text of a report of SMGP: as SMPP's, but for the identifier, which is ten raw octets.

use crate::gateway::sms::identifier::{MessageKey, of_octets};
use crate::gateway::sms::receipt::{Fields, MessageState, ReasonCode, ReceiptError};

/// Octets of a MsgID.
const ID: usize = 10;

/// The identifier, state and reason of a report's text.
///
/// Gateways that translate for others write the identifier as its twenty digits, leading zeros left
/// out or not; both mean the same octets.
pub fn read_report(text: &[u8]) -> Result<(MessageKey, MessageState, ReasonCode), ReceiptError> {
    let start = text
        .windows(3)
        .position(|three| three.eq_ignore_ascii_case(b"id:"))
        .ok_or(ReceiptError::NoIdentifier)?;
    let after = text.get(start + 3..).unwrap_or_default();
    let (id, rest) = identifier(after).ok_or(ReceiptError::NoIdentifier)?;
    let (state, reason) = Fields::of(rest).state().ok_or(ReceiptError::NoState)?;
    Ok((of_octets(&id), state, reason))
}

/// Ten octets, raw or in digits, and what follows them. Raw octets may be blanks or digits
/// themselves: what follows tells, since the next field begins after a blank.
fn identifier(text: &[u8]) -> Option<([u8; ID], &[u8])> {
    if let Some((raw, rest)) = text.split_first_chunk::<ID>()
        && begins_field(rest)
    {
        return Some((*raw, rest));
    }
    let text = text.trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace);
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.is_empty() || digits.len() > 2 * ID {
        return None;
    }
    let mut id = [0; ID];
    hex::decode_to_slice(format!("{digits:0>20}"), &mut id).ok()?;
    Some((id, rest))
}

/// The field after the identifier. Later fields tell nothing: digits and `sub:001` are ten octets too.
fn begins_field(rest: &[u8]) -> bool {
    rest.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b" sub:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(id: &[u8]) -> Vec<u8> {
        let mut text = b"id:".to_vec();
        text.extend_from_slice(id);
        text.extend_from_slice(b" sub:001 dlvrd:001 Submit date:2309071304 done date:2309071305 stat:DELIVRD err:000 text:");
        text
    }

    #[test]
    fn raw_and_spelled_identifiers_are_the_same() {
        let raw = [0x01, 0x00, 0x37, 0x09, 0x07, 0x13, 0x04, 0x20, 0x00, 0x12];
        let (key, state, reason) = read_report(&text(&raw)).unwrap();
        assert_eq!((key, state), (of_octets(&raw), MessageState::Delivered));
        assert_eq!(reason.to_string(), "000");
        for spelled in ["01003709071304200012", "1003709071304200012"] {
            assert_eq!(read_report(&text(spelled.as_bytes())).unwrap().0, key);
        }
        let few = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0x15];
        assert_eq!(read_report(&text(b"15")).unwrap().0, of_octets(&few));
    }

    #[test]
    fn ten_octets_that_look_like_words_are_taken_as_they_are() {
        for raw in [*b"0123456789", *b" sub: stat", *b"          "] {
            assert_eq!(read_report(&text(&raw)).unwrap().0, of_octets(&raw));
        }
        assert_eq!(read_report(b"sub:001"), Err(ReceiptError::NoIdentifier));
        assert_eq!(
            read_report(b"id:0123456789 sub:001"),
            Err(ReceiptError::NoState)
        );
    }

    proptest! {
        #[test]
        fn any_ten_octets_are_found(raw: [u8; 10]) {
            prop_assert_eq!(read_report(&text(&raw)).unwrap().0, of_octets(&raw));
        }

        #[test]
        fn bytes_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_report(&octets);
            let _ = read_report(&text(&octets));
        }
    }
}
