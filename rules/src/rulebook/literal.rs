//! Turning a number of a rule: where it is written in the rulebook's files, and the files with
//! another number there.

use super::keys::Keys;
use crate::condition::{Literal, literals};
use model::fault::{Faults, perhaps};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A number of a condition and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// As written.
    pub text: String,
    /// The comparison it stands in.
    pub comparison: String,
    /// Place of its file in the list.
    file: usize,
    bytes: Range<usize>,
}

/// Why a number cannot be turned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// No such rule.
    #[error("no rule {rule:?} — {near}known: {}", known.join(", "))]
    Rule {
        /// As given.
        rule: String,
        /// What may have been meant.
        near: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// The rule has no such condition.
    #[error("rule {rule} has no condition {key:?} — {near}it has: {}", known.join(", "))]
    Key {
        /// Which.
        rule: String,
        /// As given.
        key: String,
        /// What may have been meant.
        near: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// The condition has no number.
    #[error(
        "{key} of rule {rule} has no number to turn: {condition} — site.<threshold> is set for each site in sites.csv; name a condition with a number"
    )]
    NoNumber {
        /// Which.
        rule: String,
        /// Which.
        key: String,
        /// As written.
        condition: String,
    },
    /// The condition is written with escapes or is no condition.
    #[error(
        "{key} of rule {rule} is written in a way in which its numbers cannot be found — write it in single quotes, without escapes"
    )]
    Unreadable {
        /// Which.
        rule: String,
        /// Which.
        key: String,
    },
}

/// The numbers of one condition of a rule, in the order of its text. `key` is a tier, `continuing`
/// or `lower.when`; the files are those of a rulebook that could be read.
///
/// # Errors
/// What is not there, and what is.
pub fn written(
    files: &[(String, Vec<u8>)],
    rule: &str,
    key: &str,
) -> Result<Vec<Written>, LiteralError> {
    let mut known = Vec::new();
    for (number, (file, bytes)) in files.iter().enumerate() {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let (table, _) = DeTable::parse_recoverable(text);
        let keys = Keys::of_file(file, text, table.get_ref());
        // What is wrong with the files was said when the rulebook was read.
        let unsaid = &mut Faults::default();
        for keys in keys.tables("rule", unsaid) {
            let id = keys.text("id", unsaid).map(|(id, _)| id);
            if id.as_deref() == Some(rule) {
                return of_rule(&keys, number, rule, key);
            }
            known.extend(id);
        }
    }
    Err(LiteralError::Rule {
        rule: rule.to_owned(),
        near: perhaps(rule, known.iter().map(String::as_str)),
        known,
    })
}

fn of_rule(
    keys: &Keys<'_>,
    file: usize,
    rule: &str,
    key: &str,
) -> Result<Vec<Written>, LiteralError> {
    let unsaid = &mut Faults::default();
    let lower = keys.table("lower", unsaid);
    let conditions = model::Tier::WARNING.map(model::Tier::name);
    let conditions = conditions.into_iter().chain(["continuing"]);
    let mut all: Vec<(&str, Keys<'_>, &str)> = conditions.map(|name| (name, *keys, name)).collect();
    all.extend(lower.map(|lower| ("lower.when", lower, "when")));
    let mut there = all.into_iter().filter_map(|(name, table, key)| {
        let (_, value) = table.table.iter().find(|(held, _)| held.get_ref() == key)?;
        Some((name, value))
    });
    let known: Vec<&str> = there.clone().map(|(name, _)| name).collect();
    let Some((_, value)) = there.find(|(name, _)| *name == key) else {
        return Err(LiteralError::Key {
            rule: rule.to_owned(),
            key: key.to_owned(),
            near: perhaps(key, known.iter().copied()),
            known: known.into_iter().map(str::to_owned).collect(),
        });
    };
    let unreadable = || LiteralError::Unreadable {
        rule: rule.to_owned(),
        key: key.to_owned(),
    };
    let DeValue::String(condition) = value.get_ref() else {
        return Err(unreadable());
    };
    let span = value.span();
    let place = keys.text.get(span.clone());
    let place = place.and_then(|place| place.find(condition.as_ref()));
    let begins = span.start + place.ok_or_else(unreadable)?;
    let found = literals(condition).map_err(|_| unreadable())?;
    if found.is_empty() {
        return Err(LiteralError::NoNumber {
            rule: rule.to_owned(),
            key: key.to_owned(),
            condition: condition.to_string(),
        });
    }
    let written = |literal: Literal| Written {
        text: literal.text,
        comparison: literal.comparison,
        file,
        bytes: begins + literal.at.start..begins + literal.at.end,
    };
    Ok(found.into_iter().map(written).collect())
}

/// The files with other numbers in some places.
pub fn rewritten(
    files: &[(String, Vec<u8>)],
    numbers: &[(&Written, &str)],
) -> Vec<(String, Vec<u8>)> {
    let mut files = files.to_vec();
    let mut numbers: Vec<_> = numbers.to_vec();
    // From the back, so that what comes before stays where it is.
    numbers.sort_by_key(|(written, _)| std::cmp::Reverse(written.bytes.start));
    for (written, number) in numbers {
        if let Some((_, bytes)) = files.get_mut(written.file)
            && written.bytes.end <= bytes.len()
        {
            bytes.splice(written.bytes.clone(), number.bytes());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Vec<(String, Vec<u8>)> {
        let other = "schema = 1\n[[rule]]\nid = \"other\"\nred = 'flow.last() > 7'\n";
        let rain = "[[rule]]\nid = \"rain\"\nyellow = 'rainfall.sum(\"1h\") >= 30 || rainfall.sum(\"2h\") >= 50'\n\
            red = 'rainfall.sum(\"3h\") >= site.red'\nlower = { after = \"30m\", when = 'rainfall.sum(\"1h\") < 5.0' }\n\
            orange = \"rainfall.sum(\\\"3h\\\") >= 70\"\n";
        [("a.toml", other), ("b.toml", rain)]
            .map(|(name, text)| (name.to_owned(), text.into()))
            .to_vec()
    }

    #[test]
    fn numbers_are_found_and_replaced_where_they_stand() {
        let files = book();
        let yellow = written(&files, "rain", "yellow").unwrap();
        let texts: Vec<_> = yellow.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(texts, ["30", "50"]);
        let lower = written(&files, "rain", "lower.when").unwrap();
        let numbers = [(&lower[0], "2.5"), (&yellow[1], "65"), (&yellow[0], "8")];
        let changed = rewritten(&files, &numbers);
        assert_eq!(changed[0], files[0]);
        let text = String::from_utf8(changed[1].1.clone()).unwrap();
        assert!(text.contains(r#"yellow = 'rainfall.sum("1h") >= 8 || rainfall.sum("2h") >= 65'"#));
        assert!(
            text.contains(r#"when = 'rainfall.sum("1h") < 2.5' }"#),
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_turned_is_named() {
        let words = |rule: &str, key: &str| written(&book(), rule, key).unwrap_err().to_string();
        assert!(words("rian", "red").contains("known: other, rain"));
        assert!(words("rain", "blue").contains("it has: yellow, orange, red, lower.when"));
        assert!(words("rain", "red").contains("site.red"));
        assert!(words("rain", "orange").contains("single quotes"));
    }
}
