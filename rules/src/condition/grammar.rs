//! Texts that are no condition: what was written in place of what, in words.

use super::CONDITION_DEPTH_MAX;
use super::parse::ConditionError;
use std::ops::Range;

/// What people write, and what a condition has in its place.
const WORDS: [(&str, &str); 10] = [
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("并且", "&&"),
    ("而且", "&&"),
    ("或者", "||"),
    ("且", "&&"),
    ("和", "&&"),
    ("或", "||"),
    ("非", "!"),
];
const SIGNS: [(&str, &str); 30] = [
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("=", "=="),
    ("&", "&&"),
    ("|", "||"),
    ("≥", ">="),
    ("≧", ">="),
    ("≤", "<="),
    ("≦", "<="),
    ("≠", "!="),
    ("＞", ">"),
    ("＜", "<"),
    ("＝", "=="),
    ("！", "!"),
    ("（", "("),
    ("）", ")"),
    ("，", ","),
    ("、", ","),
    ("．", "."),
    ("。", "."),
    ("＋", "+"),
    ("－", "-"),
    ("−", "-"),
    ("×", "*"),
    ("÷", "/"),
    ("“", "\""),
    ("”", "\""),
    ("‘", "'"),
    ("’", "'"),
];
/// Signs that a condition has: what begins with one is not looked at further.
const RIGHT: [&str; 6] = ["==", "!=", ">=", "<=", "&&", "||"];

/// Sums, products and steps into members in a row: each is a level of the tree that the parser makes,
/// which it does not count as one.
const LEVELS_MAX: usize = 100;

/// A text of more levels than anybody needs, which the parser would go down one by one.
pub(super) fn beyond(source: &str) -> Option<ConditionError> {
    let (mut quote, mut sums, mut members) = (None, 0, 0);
    for (at, letter) in source.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '+' | '-' | '*' | '/' | '%') => sums += 1,
            (None, '.' | '[') => members += 1,
            // A comparison begins anew.
            (None, '<' | '>' | '=' | '&' | '|') => (sums, members) = (0, 0),
            (Some(_) | None, _) => {}
        }
        if sums > LEVELS_MAX || members > LEVELS_MAX {
            let error = ConditionError::new(
                format!("more than {LEVELS_MAX} sums and products stand in one comparison"),
                "split it into rules joined by situation(\"id\")",
            );
            return Some(error.at_bytes(Some(at..at + letter.len_utf8())));
        }
    }
    None
}

/// Why the parser refuses a text, by its message and the place it gives.
pub(super) fn unreadable(
    source: &str,
    message: &str,
    place: Option<Range<usize>>,
) -> ConditionError {
    if message.contains("Recursion limit") {
        return ConditionError::new(
            format!("it is nested more than {CONDITION_DEPTH_MAX} deep"),
            "take out parentheses, or split it into rules joined by situation(\"id\")",
        );
    }
    if let Some((bytes, right)) = stand_in(source) {
        let wrong = source.get(bytes.clone()).unwrap_or_default();
        let error = ConditionError::new(
            format!("{wrong} means nothing in a condition"),
            format!("write {right} in place of {wrong}"),
        );
        return error.at_bytes(Some(bytes));
    }
    let (what, remedy) = plain(message);
    ConditionError::new(format!("it cannot be read: {what}"), remedy).at_bytes(place)
}

/// The first thing outside of quotes that stands for something a condition writes otherwise.
fn stand_in(source: &str) -> Option<(Range<usize>, &'static str)> {
    let mut quote = None;
    let mut at = 0;
    while let Some(letter) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..)?;
        let long = match quote {
            Some(open) => {
                quote = (letter != open).then_some(open);
                letter.len_utf8()
            }
            None if matches!(letter, '"' | '\'') => {
                quote = Some(letter);
                1
            }
            None => {
                if let Some(right) = RIGHT.iter().find(|right| rest.starts_with(**right)) {
                    at += right.len();
                    continue;
                }
                let sign = SIGNS.iter().find(|(wrong, _)| rest.starts_with(wrong));
                if let Some((wrong, right)) = sign {
                    return Some((at..at + wrong.len(), right));
                }
                let word = word(rest);
                let is_word = |(wrong, _): &&(&str, &str)| word.eq_ignore_ascii_case(wrong);
                if let Some((_, right)) = WORDS.iter().find(is_word) {
                    return Some((at..at + word.len(), right));
                }
                word.len().max(letter.len_utf8())
            }
        };
        at += long;
    }
    None
}

/// The letters, digits and underscores that a text begins with: ASCII ones, or others.
fn word(rest: &str) -> &str {
    let is_ascii = rest.starts_with(|c: char| c.is_ascii());
    let ends = |c: char| !(c == '_' || c.is_alphanumeric()) || c.is_ascii() != is_ascii;
    rest.split(ends).next().unwrap_or_default()
}

/// What the parser means, without what it would have liked.
fn plain(message: &str) -> (String, String) {
    let example = "write it like rainfall.sum(\"6h\") >= 50.0".to_owned();
    let message = message.trim_start_matches("Syntax error: ");
    let named = message.split('\'').nth(1).unwrap_or_default().trim();
    if named == "<EOF>" {
        return ("it ends too early".into(), example);
    }
    if message.starts_with("missing") {
        return (
            format!("a {named} is missing"),
            format!("add the {named}; each ( needs its )"),
        );
    }
    if message.contains("double literal") || message.contains("int literal") {
        return ("a number in it is too large".into(), example);
    }
    let begins = ["token recognition", "mismatched", "extraneous", "no viable"];
    if begins.iter().any(|begin| message.starts_with(begin)) && !named.is_empty() {
        return (format!("{named} does not fit there"), example);
    }
    let short = message.split(" expecting ").next().unwrap_or_default();
    (short.to_owned(), example)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_something_else_is_found_outside_of_quotes() {
        for (source, wrong, right) in [
            ("a.last() >= 1 and b.last() > 2", "and", "&&"),
            ("a.last() = 1", "=", "=="),
            ("a.last() => 1", "=>", ">="),
            ("a.sum(“1h”) > 2", "“", "\""),
            ("a.sum(\"=and“\") ≥ 2", "≥", ">="),
            ("a.last() > 2 且 b.last() > 1", "且", "&&"),
            ("a.last() > 2 Or b.last() > 1", "Or", "||"),
        ] {
            let (bytes, found) = stand_in(source).unwrap();
            assert_eq!((&source[bytes], found), (wrong, right), "{source}");
        }
        assert_eq!(stand_in("land.last() >= 1 && !(orange.last() == 3)"), None);
    }
}
