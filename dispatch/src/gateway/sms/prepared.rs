//! A text encoded once per variant: templates into which only number and phone are written.

use super::alphabet::Alphabet;
use super::codec::{Halves, Layout, PartText, Sequence};
use super::config::{Receipts, Style};
use super::protocol::codec_of;
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
    /// Stored by the phone: these are the message.
    parts: Vec<Halves>,
    /// Shown at once by the phone and gone with the next touch: beside the message.
    asides: Vec<Halves>,
    layout: Layout,
    alphabet: Alphabet,
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
        style: &Style,
        validity: Validity,
        reference: u8,
    ) -> Result<Self, PrepareError> {
        if text.is_empty() {
            return Err(PrepareError::Empty);
        }
        let alphabet = alphabet_of(text, style.always_ucs2());
        let texts = split(text, alphabet);
        let total = match u8::try_from(texts.len()) {
            Ok(total) if texts.len() <= PARTS_MAX => total,
            _ => return Err(PrepareError::TooLong(texts.len())),
        };
        let validity = validity.field(style.protocol);
        let codec = codec_of(style.protocol);
        let with = |flash: bool, reference: u8| -> Vec<Halves> {
            let numbered = (1..=total).zip(&texts);
            let halves = numbered.map(|(number, part)| {
                let mut octets = Vec::with_capacity(HEADER_OCTETS + part.len() * 2);
                if total > 1 {
                    octets.extend_from_slice(&[5, 0, 3, reference, total, number]);
                }
                alphabet.encode(part, &mut octets);
                let part = PartText {
                    octets: &octets,
                    coding: alphabet.data_coding(flash),
                    part: (total > 1).then_some((total, number)),
                    validity: &validity,
                    receipt: !flash && style.sender.receipts != Receipts::None,
                };
                codec.submit(&part, style)
            });
            halves.collect()
        };
        Ok(Self {
            parts: with(false, reference),
            asides: if style.sender.flash {
                // Another reference: the phone must not put parts of the two together.
                with(true, reference.wrapping_add(128))
            } else {
                Vec::new()
            },
            layout: codec.layout(),
            alphabet,
        })
    }

    /// How many parts the message has; each is a submit.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many submits show it at once besides.
    pub fn asides(&self) -> usize {
        self.asides.len()
    }

    /// How the text is written.
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// Appends part `number` (from 0) for this phone; the asides come after the parts. Nothing if
    /// there is no such part.
    pub fn write(&self, number: usize, sequence: Sequence, phone: u64, out: &mut Vec<u8>) {
        let aside = number.checked_sub(self.parts.len());
        let found = match aside {
            None => self.parts.get(number),
            Some(aside) => self.asides.get(aside),
        };
        if let Some(halves) = found {
            halves.write(&self.layout, sequence, phone, out);
        }
    }
}

/// Chinese mobile numbers in international form.
const CHINA: std::ops::Range<u64> = 8_610_000_000_000..8_620_000_000_000;
const CHINA_CODE: u64 = 8_600_000_000_000;
/// No field of a destination is wider.
const PADDING: [u8; 32] = [0; 32];

impl Halves {
    fn write(&self, layout: &Layout, sequence: Sequence, phone: u64, out: &mut Vec<u8>) {
        let phone = if layout.national && CHINA.contains(&phone) {
            phone - CHINA_CODE
        } else {
            phone
        };
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(phone).as_bytes();
        let padding = PADDING.get(digits.len()..layout.phone_width);
        let padding = padding.unwrap_or_default();
        let start = out.len();
        let length = self.head.len() + digits.len() + padding.len() + self.tail.len();
        out.reserve(length);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(digits);
        out.extend_from_slice(padding);
        out.extend_from_slice(&self.tail);
        let packet = out.get_mut(start..).unwrap_or_default();
        super::codec::put_length(0, packet);
        layout.number(sequence, packet);
    }
}

impl Layout {
    /// Writes the sequence into a packet.
    pub(super) fn number(&self, sequence: Sequence, packet: &mut [u8]) {
        let mut put = |at: usize, value: u32| {
            if let Some(place) = packet.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *place = value.to_be_bytes();
            }
        };
        if self.long_sequence {
            put(8, sequence.node);
            put(12, sequence.stamp);
        }
        put(self.number_at, sequence.number);
    }
}

/// How many PDUs a text costs each phone, as [`Style::always_ucs2`] says.
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
    use crate::gateway::sms::config::{Protocol, Sender};
    use crate::gateway::sms::smpp::pdu::{Body, Pdu, frame};
    use proptest::prelude::*;

    fn read(prepared: &Prepared, phone: u64) -> Vec<(Vec<u8>, u8, usize, String)> {
        let mut bytes = Vec::new();
        for number in 0..prepared.parts() {
            prepared.write(number, Sequence::number(7), phone, &mut bytes);
        }
        let mut parts = Vec::new();
        let mut rest = &bytes[..];
        while let Some(found) = frame(rest).unwrap() {
            let pdu = Pdu::decode(&found).unwrap();
            let Body::SubmitSm(message) = pdu.body else {
                panic!("not a submit_sm")
            };
            let digits = phone.to_string();
            assert_eq!(
                (pdu.sequence, message.destination.digits),
                (7, digits.as_bytes())
            );
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
            rest = &rest[found.length..];
        }
        parts
    }

    fn prepare(text: &str) -> Result<Prepared, PrepareError> {
        Prepared::new(text, &Style::default(), Validity::Default, 0xA5)
    }

    #[test]
    fn seventy_characters_are_one_message_and_seventy_one_are_two() {
        let one = read(&prepare(&"雨".repeat(70)).unwrap(), 8_613_800_000_001);
        assert_eq!((one.len(), one[0].1, one[0].2), (1, 0, 140));
        let two = read(&prepare(&"雨".repeat(71)).unwrap(), 8_613_800_000_001);
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
        let parts = read(&prepare(&pair).unwrap(), 1);
        assert_eq!(parts[0].2, 6 + 132);
        assert!(parts[1].3.starts_with('🌊'));
        let number = format!("{}020-12345678{}", "雨".repeat(60), "。".repeat(9));
        let parts = read(&prepare(&number).unwrap(), 1);
        assert!(parts[1].3.starts_with("020-12345678"), "{}", parts[1].3);
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(prepare(""), Err(PrepareError::Empty));
        assert_eq!(prepare(&"雨".repeat(671)), Err(PrepareError::TooLong(11)));
        assert_eq!(prepare(&"1".repeat(1500)).unwrap().parts(), 10);
    }

    /// What is shown at once is gone with the next touch: a stored message is always beside it.
    #[test]
    fn a_flash_is_always_beside_a_stored_message() {
        for protocol in Protocol::ALL {
            let style = Style {
                protocol,
                sender: Sender {
                    flash: true,
                    ..Sender::default()
                },
                ..Style::default()
            };
            let text = "雨".repeat(71);
            let prepared = Prepared::new(&text, &style, Validity::Default, 1).unwrap();
            assert_eq!(
                (prepared.parts(), prepared.asides()),
                (2, 2),
                "{protocol:?}"
            );
            let write = |number| {
                let mut bytes = Vec::new();
                prepared.write(number, Sequence::number(1), 8_613_800_000_001, &mut bytes);
                bytes
            };
            assert_ne!(write(0), write(2), "another class");
            assert_eq!(write(0).len(), write(2).len());
            assert!(write(4).is_empty());
        }
    }

    proptest! {
        #[test]
        fn parts_join_to_the_text(text in "[ -~雨🌊€\\n]{1,300}", phone in 1_u64..10_u64.pow(19)) {
            let prepared = prepare(&text).unwrap();
            let parts = read(&prepared, phone);
            let (_, most) = prepared.alphabet().octets_max();
            for part in &parts {
                prop_assert!(parts.len() == 1 || part.2 <= most + 6);
            }
            let joined: String = parts.into_iter().map(|part| part.3).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
