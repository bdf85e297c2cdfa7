//! Short-message arithmetic: which alphabet a text needs, how many parts, where to part it.
//!
//! 3GPP TS 23.038 §6.2.1 (default alphabet and its extension table) and TS 23.040 §9.2.3.24.1
//! (8-bit concatenation): 160 septets or 70 UCS-2 units alone, 153 or 67 a part.

/// How a short message is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 7-bit default alphabet.
    Gsm7,
    /// UCS-2, counted in UTF-16 code units.
    Ucs2,
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Alphabet needed.
    pub alphabet: Alphabet,
    /// Septets or UTF-16 code units.
    pub units: usize,
    /// Parts billed and sent.
    pub parts: usize,
}

impl Alphabet {
    /// Units that fit one message alone.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units that fit each part of a long message, after the 6-octet header.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// The alphabet that `text` needs.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| septets(c).is_some()) {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    pub(super) fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => septets(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// `text` with accents that the GSM alphabet lacks left out (`fenêtres`, `août`), where that makes
/// it fit the alphabet whole; else as it is.
pub fn fold(text: &str) -> String {
    let folded: String = text.chars().map(plain_letter).collect::<Vec<_>>().concat();
    match Alphabet::of(&folded) {
        Alphabet::Gsm7 => folded,
        Alphabet::Ucs2 => text.to_owned(),
    }
}

fn plain_letter(c: char) -> String {
    let plain = match c {
        'â' | 'á' | 'ã' => "a",
        'ê' | 'ë' => "e",
        'î' | 'ï' | 'í' => "i",
        'ô' | 'ó' | 'õ' => "o",
        'û' | 'ú' => "u",
        'ÿ' => "y",
        'ç' => "c",
        'À' | 'Á' | 'Â' | 'Ã' => "A",
        'È' | 'Ê' | 'Ë' => "E",
        'Î' | 'Ï' => "I",
        'Ô' => "O",
        'Û' | 'Ù' => "U",
        'œ' => "oe",
        'Œ' => "OE",
        '’' | '‘' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '–' | '—' => "-",
        '…' => "...",
        '°' => "",
        '\u{a0}' | '\u{202f}' => " ",
        other => return other.to_string(),
    };
    plain.to_owned()
}

/// Counts units and parts of `text`.
pub fn size(text: &str) -> Size {
    let alphabet = Alphabet::of(text);
    Size {
        alphabet,
        units: text.chars().map(|c| alphabet.units(c)).sum(),
        parts: split(text).len(),
    }
}

/// The parts of `text` in order; concatenated they are `text`. No part ends inside a character
/// (a surrogate pair, an extension pair) nor, where a part has room to spare it, inside a number
/// or a Latin word: a depth torn in two is read as another depth.
pub fn split(text: &str) -> Vec<&str> {
    let alphabet = Alphabet::of(text);
    let total: usize = text.chars().map(|c| alphabet.units(c)).sum();
    if total <= alphabet.single() {
        return vec![text];
    }
    let mut parts = Vec::with_capacity(total / alphabet.part() + 1);
    let mut rest = text;
    while !rest.is_empty() {
        let end = part_end(rest, alphabet);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}

/// Longest run of digits or letters moved whole to the next part, in characters.
const KEEP_TOGETHER_MAX: usize = 16;

fn part_end(rest: &str, alphabet: Alphabet) -> usize {
    let mut used = 0;
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        used += alphabet.units(c);
        if used > alphabet.part() {
            end = at;
            break;
        }
    }
    let Some(next) = rest.get(end..).and_then(|tail| tail.chars().next()) else {
        return rest.len();
    };
    if !sticks(next) {
        return end;
    }
    let head = rest.get(..end).unwrap_or(rest);
    let torn = head.chars().rev().take_while(|c| sticks(*c));
    let (count, bytes) = torn.fold((0, 0), |(n, b), c| (n + 1, b + c.len_utf8()));
    if count == 0 || count > KEEP_TOGETHER_MAX || bytes >= end {
        end
    } else {
        end - bytes
    }
}

fn sticks(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '+' | '-' | '/' | '%')
}

/// Septets of a character in the default alphabet; two for the extension table.
fn septets(c: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Some(1),
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' | '\u{c}' => Some(2),
        other if BASIC.contains(other) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_as_the_standard_does() {
        let of = |text: &str| (size(text).units, size(text).parts);
        assert_eq!(of(&"水".repeat(70)), (70, 1));
        assert_eq!(of(&"水".repeat(71)), (71, 2));
        assert_eq!(of(&"水".repeat(134)), (134, 2));
        assert_eq!(of(&"水".repeat(135)), (135, 3));
        assert_eq!(of(&"a".repeat(160)), (160, 1));
        assert_eq!(of(&"a".repeat(161)), (161, 2));
        assert_eq!(of(&"[".repeat(80)), (160, 1));
        assert_eq!(of("𠮷"), (2, 1));
        assert_eq!(of(""), (0, 1));
    }

    #[test]
    fn a_number_is_not_torn() {
        let text = format!("{}12345678水", "a水".repeat(32));
        let parts = split(&text);
        assert_eq!(parts.len(), 2);
        assert!(
            parts.iter().any(|part| part.contains("12345678")),
            "{parts:?}"
        );
    }

    #[test]
    fn a_pair_is_not_torn() {
        let text = "𠮷".repeat(40);
        assert_eq!(
            split(&text)
                .iter()
                .map(|p| p.encode_utf16().count())
                .collect::<Vec<_>>(),
            [66, 14]
        );
    }

    #[test]
    fn accents_go_where_that_halves_the_bill() {
        let (french, han) = ("Fermez les fenêtres, évacuez dès août", "fenêtre 水");
        assert_eq!(fold(french), "Fermez les fenetres, évacuez dès aout");
        assert_eq!(Alphabet::of(&fold(french)), Alphabet::Gsm7);
        assert_eq!(fold(han), han);
    }

    proptest! {
        #[test]
        fn parts_fit_and_join(text in "[a-z0-9水𠮷€\\[ ,。:.]{0,400}") {
            let parts = split(&text);
            prop_assert_eq!(parts.concat(), text.clone());
            let alphabet = Alphabet::of(&text);
            let room = if parts.len() == 1 { alphabet.single() } else { alphabet.part() };
            for part in &parts {
                prop_assert!(part.chars().map(|c| alphabet.units(c)).sum::<usize>() <= room);
                prop_assert!(!part.is_empty() || text.is_empty());
            }
        }
    }
}
