//! Where a part of a TOML text stands in the file: quotes and escapes are left out of the text, not out
//! of the file.

/// The byte of a TOML string, as it is written with its quotes, at which the byte `at` of its text stands.
pub(super) fn place_in(written: &str, at: usize) -> Option<usize> {
    let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let is_basic = quote == '"';
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let mut place = if written.starts_with(&triple) && written.len() >= 6 {
        // A line break right after the quotes is not part of the text.
        let rest = written.get(3..)?;
        let breaks = ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end));
        3 + breaks.map_or(0, str::len)
    } else {
        1
    };
    let mut passed = 0;
    loop {
        let rest = written.get(place..)?;
        // What stands for nothing lies before the text that goes on after it.
        let is_void = is_basic && matches!(escape(rest), Some((_, 0)));
        if passed >= at && !(is_void && rest.starts_with('\\')) {
            return Some(place);
        }
        let (long, stands_for) = match rest.chars().next()? {
            '\\' if is_basic => escape(rest)?,
            '\r' if rest.starts_with("\r\n") => (2, 1),
            plain => (plain.len_utf8(), plain.len_utf8()),
        };
        place += long;
        passed += stands_for;
    }
}

/// Bytes of an escape, and of what it stands for.
fn escape(rest: &str) -> Option<(usize, usize)> {
    let of_code = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, char::from_u32(code)?.len_utf8()))
    };
    match rest.chars().nth(1)? {
        'x' => of_code(2),
        'u' => of_code(4),
        'U' => of_code(8),
        // A line that ends in a backslash goes on at the next word.
        blank if blank.is_ascii_whitespace() => {
            let next = rest.get(1..)?.trim_start();
            Some((rest.len() - next.len(), 0))
        }
        _ => Some((2, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_behind_quotes_and_escapes() {
        for (written, text) in [
            (r#"'a.sum("1h")'"#, r#"a.sum("1h")"#),
            (
                r#""a.sum(\"1h\") 雨 \u96e8 \U0001F327 x""#,
                "a.sum(\"1h\") 雨 雨 🌧 x",
            ),
            ("'''\nab\n  cd'''", "ab\n  cd"),
            ("\"\"\"\r\nab \\\n   cd\"\"\"", "ab cd"),
            ("\"\"", ""),
        ] {
            for (at, letter) in text.char_indices().filter(|(_, c)| c.is_ascii_lowercase()) {
                let place = place_in(written, at).unwrap();
                assert!(written[place..].starts_with(letter), "{written} {at}");
            }
            assert_eq!(place_in(written, text.len() + 9), None, "{written}");
        }
    }
}
