//! GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1, one septet an octet) and UCS-2.

/// Code points of the default alphabet by septet; U+001B stands for the escape.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_',
    'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#',
    '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6',
    '7', '8', '9', ':', ';', '<', '=', '>', '?', '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I',
    'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö',
    'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];
/// The extension table: after an escape, two septets a character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];
const ESCAPE: u8 = 0x1B;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// data_coding 0: 160 characters, 153 in a part.
    Gsm7,
    /// data_coding 8: 70 UTF-16 units, 67 in a part.
    Ucs2,
}

impl Alphabet {
    /// The smaller one that holds the whole text.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| septets(c).is_some()) {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    /// data_coding; `flash` asks for message class 0, shown at once and not stored.
    pub const fn data_coding(self, flash: bool) -> u8 {
        match (self, flash) {
            (Self::Gsm7, false) => 0x00,
            (Self::Gsm7, true) => 0x10,
            (Self::Ucs2, false) => 0x08,
            (Self::Ucs2, true) => 0x18,
        }
    }

    /// Octets that fit one message: alone, and in a part with its header of six octets.
    pub const fn octets_max(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (140, 134),
        }
    }

    /// Octets that a character takes.
    pub fn octets(self, c: char) -> usize {
        match self {
            Self::Gsm7 => septets(c).map_or(1, |(escaped, _)| 1 + usize::from(escaped)),
            Self::Ucs2 => c.len_utf16() * 2,
        }
    }

    /// Appends the text; what the default alphabet does not have becomes a question mark.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Gsm7 => {
                for c in text.chars() {
                    let (escaped, code) = septets(c).unwrap_or((false, b'?'));
                    if escaped {
                        out.push(ESCAPE);
                    }
                    out.push(code);
                }
            }
            Self::Ucs2 => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        }
    }
}

/// Reads a text by its data_coding: 8 and 0x18 UCS-2, 1 ASCII, 3 Latin-1, all others the default alphabet.
pub fn decode(data_coding: u8, octets: &[u8]) -> String {
    match data_coding {
        0x08 | 0x18..=0x1B => {
            let units = octets
                .chunks_exact(2)
                .filter_map(|pair| pair.first_chunk().map(|two| u16::from_be_bytes(*two)));
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        0x01 | 0x03 => octets.iter().map(|b| char::from(*b)).collect(),
        _ => decode_default(octets),
    }
}

/// As [`decode`], for the Chinese protocols: 15 is GB 18030, and 0 is ASCII to some gateways and holds
/// GB 18030 at others.
pub fn decode_national(format: u8, octets: &[u8]) -> String {
    match format {
        0x00 | 0x0F | 0x10..=0x13 => {
            let (text, _) = encoding_rs::GB18030.decode_without_bom_handling(octets);
            text.into_owned()
        }
        _ => decode(format, octets),
    }
}

fn decode_default(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut escaped = false;
    for octet in octets {
        if escaped {
            let found = EXTENSION.iter().find(|(code, _)| code == octet);
            text.push(found.map_or(' ', |(_, c)| *c));
            escaped = false;
        } else if *octet == ESCAPE {
            escaped = true;
        } else {
            let c = DEFAULT.get(usize::from(*octet)).copied();
            text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    text
}

/// Whether an escape goes first, and the septet.
fn septets(c: char) -> Option<(bool, u8)> {
    if c == '\u{1b}' {
        return None;
    }
    if let Some(code) = DEFAULT.iter().position(|d| *d == c) {
        return u8::try_from(code).ok().map(|code| (false, code));
    }
    let extended = EXTENSION.iter().find(|(_, e)| *e == c)?;
    Some((true, extended.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_codes_of_the_standard() {
        let mut octets = Vec::new();
        Alphabet::Gsm7.encode("@$_ aZ€[~", &mut octets);
        let wanted = [
            0x00, 0x02, 0x11, 0x20, 0x61, 0x5A, 0x1B, 0x65, 0x1B, 0x3C, 0x1B, 0x3D,
        ];
        assert_eq!(octets, wanted);
        assert_eq!(Alphabet::of("Rainstorm RED"), Alphabet::Gsm7);
        assert_eq!(Alphabet::of("暴雨红色预警"), Alphabet::Ucs2);
        assert_eq!(Alphabet::of("`"), Alphabet::Ucs2);
        assert_eq!(Alphabet::Ucs2.octets('🌊'), 4);
    }

    #[test]
    fn replies_in_gb18030() {
        assert_eq!(
            decode_national(15, &[0xCA, 0xD5, 0xB5, 0xBD, b'1']),
            "收到1"
        );
        assert_eq!(decode_national(0, b"2 [ok]"), "2 [ok]");
        assert_eq!(decode_national(8, &[0x65, 0x36]), "收");
    }

    proptest! {
        #[test]
        fn a_text_comes_back(text in "\\PC{0,200}") {
            let alphabet = Alphabet::of(&text);
            let mut octets = Vec::new();
            alphabet.encode(&text, &mut octets);
            prop_assert_eq!(octets.len(), text.chars().map(|c| alphabet.octets(c)).sum::<usize>());
            prop_assert_eq!(decode(alphabet.data_coding(false), &octets), text);
        }

        #[test]
        fn bytes_never_panic(coding: u8, octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            decode(coding, &octets);
            decode_national(coding, &octets);
        }
    }
}
