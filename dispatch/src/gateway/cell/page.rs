//! Pages of a cell broadcast message: 88 octets each, of which 82 are its text (3GPP TS 23.041
//! §9.4.1.2), with the coding of TS 23.038 §5.
//!
//! Pure. A page is written as it goes on the air, so that no far side puts words into an alphabet of
//! its own choice.

use crate::gateway::sms::alphabet::Alphabet;
use crate::wording::cell::{PAGES_MAX, pages as split};
use model::Language;

/// Octets of text in a page.
pub const CONTENT: usize = 82;
/// Octets of a page.
pub const PAGE: usize = 88;
/// Message codes there are (§9.4.1.2.1): ten bits.
pub const CODES: u16 = 1024;
/// Update numbers there are: four bits.
pub const UPDATES: u8 = 16;
/// Geographical scope "PLMN wide": the code is one in the whole network, so that a phone that moves
/// to another cell does not ring again.
const PLMN_WIDE: u16 = 0b01;
/// What a page is filled up with: carriage return.
const FILL: u8 = b'\r';

/// Names one state of one message: the phone that has shown it shows it no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial {
    /// Message code, below [`CODES`].
    pub code: u16,
    /// Update number, below [`UPDATES`]; the next one after 15 is 0.
    pub update: u8,
}

/// A text as it is broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Data coding scheme, TS 23.038 §5.
    pub dcs: u8,
    /// The content of each page.
    pub contents: Vec<[u8; CONTENT]>,
}

/// Why a text is not broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Nothing to say.
    #[error("the text is empty: nothing is broadcast")]
    Empty,
    /// No message has so many.
    #[error("{0} pages, and a message has at most {PAGES_MAX}: shorten the words of cell.toml")]
    TooLong(usize),
}

impl Serial {
    /// The sixteen bits of §9.4.1.2.1: scope, code, update.
    pub const fn bits(self) -> u16 {
        PLMN_WIDE << 14 | (self.code % CODES) << 4 | (self.update % UPDATES) as u16
    }
}

impl Pages {
    /// Puts a text into pages. The smaller alphabet that holds the whole of it is taken; of Chinese,
    /// Japanese and Korean each page begins with its language, by which phones choose.
    ///
    /// # Errors
    /// It is empty or does not fit; nothing is cut.
    pub fn of(text: &str, language: Language) -> Result<Self, PageError> {
        if text.trim().is_empty() {
            return Err(PageError::Empty);
        }
        let parts = split(text);
        if parts.len() > PAGES_MAX {
            return Err(PageError::TooLong(parts.len()));
        }
        let alphabet = Alphabet::of(text);
        let contents = parts.iter().map(|part| match alphabet {
            Alphabet::Gsm7 => septets(part),
            Alphabet::Ucs2 => units(part, language),
        });
        Ok(Self {
            dcs: match alphabet {
                Alphabet::Gsm7 => default_alphabet(language),
                Alphabet::Ucs2 => UCS2_WITH_LANGUAGE,
            },
            contents: contents.collect(),
        })
    }

    /// The pages as base stations send them: serial number, message identifier, coding, "page n of
    /// m", content.
    pub fn on_air(&self, serial: Serial, identifier: u16) -> Vec<[u8; PAGE]> {
        // At most fifteen, by [`Pages::of`].
        let total = self.contents.len() as u8;
        let page = |(content, number): (&[u8; CONTENT], u8)| {
            let [s1, s2] = serial.bits().to_be_bytes();
            let [i1, i2] = identifier.to_be_bytes();
            let head = [s1, s2, i1, i2, self.dcs, number << 4 | total & 0x0F];
            let mut page = [0; PAGE];
            let octets = head.iter().chain(content);
            page.iter_mut()
                .zip(octets)
                .for_each(|(to, from)| *to = *from);
            page
        };
        self.contents.iter().zip(1..).map(page).collect()
    }
}

/// UCS-2, each page opened by a language in two octets.
const UCS2_WITH_LANGUAGE: u8 = 0x11;

/// The default alphabet in a language that the coding scheme knows; of the others it says nothing.
const fn default_alphabet(language: Language) -> u8 {
    match language {
        Language::En => 0x01,
        Language::Fr => 0x03,
        Language::Zh | Language::ZhHant | Language::Ja | Language::Ko => 0x0F,
    }
}

/// ISO 639-1, by which a phone chooses.
pub(super) const fn iso639(language: Language) -> [u8; 2] {
    match language {
        Language::Zh | Language::ZhHant => *b"zh",
        Language::En => *b"en",
        Language::Ja => *b"ja",
        Language::Ko => *b"ko",
        Language::Fr => *b"fr",
    }
}

/// 93 septets, the first in the low bits of the first octet (TS 23.038 §6.1.2.2), filled up.
fn septets(text: &str) -> [u8; CONTENT] {
    let mut codes = Vec::with_capacity(96);
    Alphabet::Gsm7.encode(text, &mut codes);
    codes.resize(CONTENT * 8 / 7, FILL);
    let mut content = [0; CONTENT];
    for (place, code) in codes.iter().enumerate() {
        let (octet, shift) = (place * 7 / 8, place * 7 % 8);
        let bits = u16::from(*code & 0x7F) << shift;
        let [high, low] = bits.to_be_bytes();
        for (at, part) in [(octet, low), (octet + 1, high)] {
            if let Some(to) = content.get_mut(at) {
                *to |= part;
            }
        }
    }
    content
}

/// Language and 40 units, filled up.
fn units(text: &str, language: Language) -> [u8; CONTENT] {
    // Two septets, and two bits of nothing.
    let [first, second] = iso639(language);
    let mut octets = vec![first & 0x7F | second << 7, second >> 1];
    Alphabet::Ucs2.encode(text, &mut octets);
    let mut content = [0; CONTENT];
    let filled = octets.into_iter().chain([0, FILL].into_iter().cycle());
    content
        .iter_mut()
        .zip(filled)
        .for_each(|(to, from)| *to = from);
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text and language of pages, read bit by bit.
    fn read(pages: &Pages) -> (String, String) {
        let (mut text, mut language) = (String::new(), String::new());
        for content in &pages.contents {
            let bit = |at: usize| content[at / 8] >> (at % 8) & 1;
            let septet = |no: usize| (0..7).map(|b| bit(no * 7 + b) << b).sum::<u8>();
            if pages.dcs == UCS2_WITH_LANGUAGE {
                language = [septet(0), septet(1)].map(char::from).iter().collect();
                let pairs = content[2..]
                    .chunks(2)
                    .map(|two| u16::from_be_bytes([two[0], two[1]]));
                let page: String = char::decode_utf16(pairs).map(Result::unwrap).collect();
                text.push_str(page.trim_end_matches('\r'));
            } else {
                let codes: Vec<u8> = (0..93).map(septet).collect();
                let page = crate::gateway::sms::alphabet::decode(0, &codes);
                text.push_str(page.trim_end_matches('\r'));
            }
        }
        (text, language)
    }

    #[test]
    fn a_serial_number_is_scope_code_and_update() {
        let serial = Serial {
            code: 0x2AB,
            update: 5,
        };
        assert_eq!(serial.bits(), 0b0110_1010_1011_0101);
        assert_eq!(Serial { code: 0, update: 0 }.bits(), 0x4000);
    }

    #[test]
    fn the_standards_own_example_of_packed_septets() {
        // TS 23.038 §6.1.2.2.1 packs "hellohello" so.
        let pages = Pages::of("hellohello", Language::En).unwrap();
        assert_eq!(pages.dcs, 0x01);
        let wanted = [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC];
        assert_eq!(pages.contents[0][..8], wanted);
        assert_eq!(
            pages.contents[0][81] & 0xF8,
            0,
            "five bits of nothing end a page"
        );
    }

    #[test]
    fn a_page_says_which_it_is_of_how_many() {
        let pages = Pages::of(&"水".repeat(81), Language::Zh).unwrap();
        let serial = Serial { code: 1, update: 2 };
        let on_air = pages.on_air(serial, 4371);
        assert_eq!(on_air.len(), 3);
        let heads: Vec<&[u8]> = on_air.iter().map(|page| &page[..6]).collect();
        assert_eq!(heads[0], [0x40, 0x12, 0x11, 0x13, 0x11, 0x13]);
        assert_eq!(heads[2], [0x40, 0x12, 0x11, 0x13, 0x11, 0x33]);
        assert_eq!(read(&pages), ("水".repeat(81), "zh".into()));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_cut() {
        let whole = Pages::of(&"a".repeat(93 * 15), Language::En).unwrap();
        assert_eq!(whole.contents.len(), 15);
        let long = Pages::of(&"a".repeat(93 * 15 + 1), Language::En);
        assert_eq!(long, Err(PageError::TooLong(16)));
        assert_eq!(Pages::of(" ", Language::Zh), Err(PageError::Empty));
    }

    proptest! {
        #[test]
        fn a_text_comes_back(text in "[a-zA-Z0-9€\\[\\]{} .,!]{1,400}[a-z]|[水火\u{20BB7}a-z。,]{1,300}[a-z水]") {
            if let Ok(pages) = Pages::of(&text, Language::Ja) {
                prop_assert!(pages.contents.len() <= PAGES_MAX);
                let (read, language) = read(&pages);
                prop_assert_eq!(read, text);
                prop_assert!(language.is_empty() || language == "ja");
            }
        }
    }
}
