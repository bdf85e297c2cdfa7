//! Pages of a cell broadcast (3GPP TS 23.041 §9.4.1.2): 82 octets each, 93 GSM 7-bit characters
//! or 41 UCS-2 units, at most 15.

use super::sms::Alphabet;

/// The most pages of a message.
pub const PAGES_MAX: usize = 15;

/// Units of a page. Of the 41 UCS-2 units one is kept free, as far sides do that open each page
/// with a language of two octets.
const fn page(alphabet: Alphabet) -> usize {
    match alphabet {
        Alphabet::Gsm7 => 93,
        Alphabet::Ucs2 => 40,
    }
}

/// The pages of `text` in order; concatenated they are `text`. No character is torn.
pub fn pages(text: &str) -> Vec<&str> {
    let alphabet = Alphabet::of(text);
    let room = page(alphabet);
    let mut pages = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let units = alphabet.units(c);
        if used + units > room {
            pages.push(text.get(start..at).unwrap_or_default());
            (start, used) = (at, 0);
        }
        used += units;
    }
    pages.push(text.get(start..).unwrap_or_default());
    pages
}

#[cfg(test)]
mod tests {
    use super::pages;

    #[test]
    fn pages_are_full_and_join() {
        for (text, count) in [
            ("a".repeat(93), 1),
            ("a".repeat(94), 2),
            ("水".repeat(40), 1),
            ("水".repeat(41), 2),
            (format!("{}𠮷", "水".repeat(39)), 2),
            (String::new(), 1),
        ] {
            let all = pages(&text);
            assert_eq!(all.len(), count, "{text}");
            assert_eq!(all.concat(), text);
        }
    }
}
