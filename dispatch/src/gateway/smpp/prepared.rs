//! A text encoded once per variant: PDU templates into which only number and phone are written.

use super::alphabet::Alphabet;
use super::command::Command;
use super::config::Sender;
use super::message::{Address, ESM_UDHI, ShortMessage};
use super::pdu::HEADER_BYTES;
use super::validity::Validity;

/// Parts of one message; carriers cut off or refuse what is longer (about 670 Chinese characters).
pub const PARTS_MAX: usize = 10;
/// How far a part is shortened so that a number is not cut in two.
const NUMBER_UNITS_MAX: usize = 20;
/// User data header of concatenation with an 8-bit reference: length, element, its length, three octets.
const HEADER_OCTETS: usize = 6;

/// A message text ready to be sent to any number of phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    parts: Vec<Template>,
    alphabet: Alphabet,
}

/// A submit_sm in two pieces, the digits of the destination going between them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// Why a text cannot be sent as a short message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// Nothing to say.
    #[error("the text is empty")]
    Empty,
    /// More than [`PARTS_MAX`] parts.
    #[error("the text needs {0} parts and 10 is the most; shorten it")]
    TooLong(usize),
}

impl Prepared {
    /// Encodes `text` for every recipient.
    ///
    /// `reference` binds the parts of a long message together on the phone. Two different texts
    /// sent to one phone within minutes must differ in it: count it up with each text prepared.
    /// The same text sent again keeps it, so that a phone completes what it got in part.
    pub fn new(
        text: &str,
        sender: &Sender,
        validity: Validity,
        reference: u8,
    ) -> Result<Self, PrepareError> {
        if text.is_empty() {
            return Err(PrepareError::Empty);
        }
        let alphabet = alphabet_of(text, sender.always_ucs2);
        let texts = split(text, alphabet);
        let total = match u8::try_from(texts.len()) {
            Ok(total) if texts.len() <= PARTS_MAX => total,
            _ => return Err(PrepareError::TooLong(texts.len())),
        };
        let validity = validity.field();
        let parts = (1..=total)
            .zip(&texts)
            .map(|(number, part)| {
                let mut octets = Vec::with_capacity(HEADER_OCTETS + part.len() * 2);
                if total > 1 {
                    octets.extend_from_slice(&[5, 0, 3, reference, total, number]);
                }
                alphabet.encode(part, &mut octets);
                Template::new(sender, &validity, alphabet, total > 1, &octets)
            })
            .collect();
        Ok(Self { parts, alphabet })
    }

    /// How many PDUs one phone costs.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How the text is written.
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// Appends part `number` (from 0) for the phone with these digits; nothing if there is no such part.
    pub(super) fn write(&self, number: usize, sequence: u32, digits: &[u8], out: &mut Vec<u8>) {
        if let Some(template) = self.parts.get(number) {
            template.write(sequence, digits, out);
        }
    }
}

impl Template {
    fn new(
        sender: &Sender,
        validity: &str,
        alphabet: Alphabet,
        concatenated: bool,
        octets: &[u8],
    ) -> Self {
        let message = ShortMessage {
            service_type: sender.service_type.as_bytes(),
            source: Address {
                ton: sender.source_ton,
                npi: sender.source_npi,
                digits: sender.source.as_bytes(),
            },
            destination: Address {
                ton: sender.destination_ton,
                npi: sender.destination_npi,
                digits: &[],
            },
            esm_class: if concatenated { ESM_UDHI } else { 0 },
            validity: validity.as_bytes(),
            registered_delivery: sender.receipts.registered_delivery(),
            data_coding: alphabet.data_coding(sender.flash),
            short_message: octets,
            ..ShortMessage::default()
        };
        let mut head = vec![0; HEADER_BYTES];
        if let Some(id) = head.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
            *id = Command::SubmitSm.id().to_be_bytes();
        }
        message.encode_to_destination(&mut head);
        let mut tail = vec![0];
        message.encode_from_esm_class(&mut tail);
        Self { head, tail }
    }

    fn write(&self, sequence: u32, digits: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let length = self.head.len() + digits.len() + self.tail.len();
        out.reserve(length);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(digits);
        out.extend_from_slice(&self.tail);
        let header = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut);
        if let Some([l0, l1, l2, l3, _, _, _, _, _, _, _, _, s0, s1, s2, s3]) = header {
            [*l0, *l1, *l2, *l3] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
            [*s0, *s1, *s2, *s3] = sequence.to_be_bytes();
        }
    }
}

/// How many PDUs a text costs each phone, as [`Sender::always_ucs2`] says.
pub fn parts_of(text: &str, always_ucs2: bool) -> usize {
    split(text, alphabet_of(text, always_ucs2)).len()
}

fn alphabet_of(text: &str, always_ucs2: bool) -> Alphabet {
    if always_ucs2 {
        Alphabet::Ucs2
    } else {
        Alphabet::of(text)
    }
}

/// Cuts a text into parts that fit, between characters and, where it can be helped, not inside a number.
fn split(text: &str, alphabet: Alphabet) -> Vec<&str> {
    let (alone, part_max) = alphabet.octets_max();
    if text.chars().map(|c| alphabet.octets(c)).sum::<usize>() <= alone {
        return vec![text];
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, next) = rest.split_at(cut(rest, alphabet, part_max));
        parts.push(part);
        rest = next;
    }
    parts
}

/// Where the first part of `text` ends, in bytes.
fn cut(text: &str, alphabet: Alphabet, part_max: usize) -> usize {
    let mut octets = 0;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        octets += alphabet.octets(c);
        if octets > part_max {
            end = at;
            break;
        }
    }
    let (fits, after) = text.split_at(end);
    if !after.starts_with(in_number) {
        return end;
    }
    let digits = fits.chars().rev().take_while(|c| in_number(*c)).count();
    if digits == 0 || digits > NUMBER_UNITS_MAX {
        return end;
    }
    // Marks of a number are ASCII: one byte each.
    end - digits
}

const fn in_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ':' | '-' | '+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::smpp::pdu::{Body, Pdu, frame};
    use proptest::prelude::*;

    fn read(prepared: &Prepared, digits: &[u8]) -> Vec<(Vec<u8>, u8, usize, String)> {
        let mut bytes = Vec::new();
        for number in 0..prepared.parts() {
            prepared.write(number, 7, digits, &mut bytes);
        }
        let mut parts = Vec::new();
        let mut rest = &bytes[..];
        while let Some((header, body)) = frame(rest).unwrap() {
            let pdu = Pdu::decode(header, body).unwrap();
            let Body::SubmitSm(message) = pdu.body else {
                panic!("not a submit_sm")
            };
            assert_eq!((pdu.sequence, message.destination.digits), (7, digits));
            let mut again = Vec::new();
            pdu.encode(&mut again);
            assert_eq!(again, rest[..again.len()], "template and codec must agree");
            let header = message.short_message[..message.short_message.len().min(6)].to_vec();
            parts.push((
                header,
                message.esm_class,
                message.short_message.len(),
                message.text(),
            ));
            rest = &rest[16 + body.len()..];
        }
        parts
    }

    fn prepare(text: &str) -> Result<Prepared, PrepareError> {
        Prepared::new(text, &Sender::default(), Validity::Default, 0xA5)
    }

    #[test]
    fn seventy_characters_are_one_message_and_seventy_one_are_two() {
        let one = read(&prepare(&"雨".repeat(70)).unwrap(), b"8613800000001");
        assert_eq!((one.len(), one[0].1, one[0].2), (1, 0, 140));
        let two = read(&prepare(&"雨".repeat(71)).unwrap(), b"8613800000001");
        assert_eq!(two.len(), 2);
        assert_eq!(two[0].0, [5, 0, 3, 0xA5, 2, 1]);
        assert_eq!(two[1].0, [5, 0, 3, 0xA5, 2, 2]);
        assert_eq!((two[0].1, two[0].2, two[1].2), (0x40, 140, 6 + 8));
    }

    #[test]
    fn default_alphabet_has_160_and_153() {
        assert_eq!(prepare(&"a".repeat(160)).unwrap().parts(), 1);
        assert_eq!(prepare(&"a".repeat(306)).unwrap().parts(), 2);
        assert_eq!(prepare(&"a".repeat(307)).unwrap().parts(), 3);
        assert_eq!(prepare(&"€".repeat(81)).unwrap().parts(), 2);
    }

    #[test]
    fn neither_pair_nor_number_is_cut() {
        let pair = format!("{}🌊{}", "雨".repeat(66), "雨".repeat(9));
        let parts = read(&prepare(&pair).unwrap(), b"1");
        assert_eq!(parts[0].2, 6 + 132);
        assert!(parts[1].3.starts_with('🌊'));
        let number = format!("{}020-12345678{}", "雨".repeat(60), "。".repeat(9));
        let parts = read(&prepare(&number).unwrap(), b"1");
        assert!(parts[1].3.starts_with("020-12345678"), "{}", parts[1].3);
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(prepare(""), Err(PrepareError::Empty));
        assert_eq!(prepare(&"雨".repeat(671)), Err(PrepareError::TooLong(11)));
        assert_eq!(prepare(&"1".repeat(1500)).unwrap().parts(), 10);
    }

    proptest! {
        #[test]
        fn parts_join_to_the_text(text in "[ -~雨🌊€\\n]{1,300}", digits in "[0-9]{1,20}") {
            let prepared = prepare(&text).unwrap();
            let parts = read(&prepared, digits.as_bytes());
            let (_, most) = prepared.alphabet().octets_max();
            for part in &parts {
                prop_assert!(parts.len() == 1 || part.2 <= most + 6);
            }
            let joined: String = parts.into_iter().map(|part| part.3).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
