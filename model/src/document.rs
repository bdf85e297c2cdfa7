//! A TOML file taken apart key by key, so that one bad entry does not hide the others.

use crate::fault::{Faults, Place, line_of, nearest, perhaps};
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};

/// A TOML file being read; what was taken out of it is gone.
pub struct Document<'t> {
    file: &'t str,
    text: &'t str,
    table: Spanned<DeTable<'t>>,
}

impl<'t> Document<'t> {
    /// Parses the bytes of `file`; `None` where they are no TOML, every fault in `faults`.
    pub fn parse(file: &'t str, bytes: &'t [u8], faults: &mut Faults) -> Option<Self> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            faults.error(Place::file(file), "", "it is not UTF-8", "save it as UTF-8");
            return None;
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let document = Self { file, text, table };
        for error in &errors {
            let span = error.span().unwrap_or_default();
            document.report("", &span, error, "correct the TOML", faults);
        }
        errors.is_empty().then_some(document)
    }

    /// The value of a key with its line; `None` where it is absent or wrong, which is a fault.
    pub fn take<T: DeserializeOwned>(
        &mut self,
        key: &str,
        faults: &mut Faults,
    ) -> Option<(u32, T)> {
        let value = self.table.get_mut().remove(key)?;
        let start = value.span().start;
        let found = self.salvaged(key, value, "correct the value", faults)?;
        Some((self.line(start), found))
    }

    /// The value of a key that must be there.
    pub fn require<T: DeserializeOwned>(
        &mut self,
        key: &str,
        remedy: &str,
        faults: &mut Faults,
    ) -> Option<(u32, T)> {
        if !self.table.get_ref().contains_key(key) {
            faults.error(Place::file(self.file), key, "it is missing", remedy);
        }
        self.take(key, faults)
    }

    /// The entries of an array of tables, each with its line; each is read by itself.
    pub fn rows<T: DeserializeOwned>(&mut self, key: &str, faults: &mut Faults) -> Vec<(u32, T)> {
        let Some(value) = self.table.get_mut().remove(key) else {
            return Vec::new();
        };
        let start = value.span().start;
        let DeValue::Array(array) = value.into_inner() else {
            let place = Place::line(self.file, self.line(start));
            let remedy = format!("begin each with [[{key}]]");
            faults.error(place, key, "it is not an array of tables", remedy);
            return Vec::new();
        };
        let mut rows = Vec::with_capacity(array.len());
        for item in array {
            let start = item.span().start;
            let remedy = format!("correct this [[{key}]]");
            let row = self.salvaged(key, item, &remedy, faults);
            rows.extend(row.map(|row| (self.line(start), row)));
        }
        rows
    }

    /// Everything that was not taken, as one value.
    pub fn rest<T: DeserializeOwned>(self, faults: &mut Faults) -> Option<T> {
        let Self { file, text, table } = self;
        match T::deserialize(Deserializer::from(table)) {
            Ok(found) => Some(found),
            Err(error) => {
                let place = match error.span() {
                    Some(span) => Place::words(file, text, &span),
                    None => Place::file(file),
                };
                faults.error(
                    place,
                    "",
                    first_line(&error),
                    remedy_of(&error, "correct the TOML"),
                );
                None
            }
        }
    }

    /// A value as `T`; `None` where it is wrong, with every fault of it: what is wrong is taken out and the
    /// rest read again.
    fn salvaged<T: DeserializeOwned>(
        &self,
        field: &str,
        mut value: Spanned<DeValue<'t>>,
        remedy: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        let whole = value.span();
        let mut removed: Vec<String> = Vec::new();
        loop {
            let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(found) => return removed.is_empty().then_some(found),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_else(|| whole.clone());
            // What was taken out for a fault of its own is not missing.
            let missing = words(&error).next().filter(|_| is_missing(&error));
            if !missing.is_some_and(|missing| removed.iter().any(|name| name == missing)) {
                self.report(field, &span, &error, remedy, faults);
            }
            // Nor is what was written nearly so.
            removed.extend(meant(&error).map(str::to_owned));
            match remove(&mut value, &span) {
                Some(name) if removed.len() < FAULTS_OF_ONE => removed.push(name),
                Some(_) | None => return None,
            }
        }
    }

    /// Reports every key that nobody took.
    pub fn finish(self, known: &[&str], faults: &mut Faults) {
        for key in self.table.get_ref().keys() {
            let place = Place::line(self.file, self.line(key.span().start));
            let near = perhaps(key.get_ref(), known.iter().copied());
            let remedy = format!("{near}take it out; known here: {}", known.join(", "));
            faults.error(place, key.get_ref(), "the key is not known", remedy);
        }
    }

    /// The line of a byte, for what is read with its place.
    pub fn line(&self, at: usize) -> u32 {
        line_of(self.text, at)
    }

    fn report(
        &self,
        field: &str,
        span: &Range<usize>,
        error: &toml::de::Error,
        remedy: &str,
        faults: &mut Faults,
    ) {
        let place = Place::words(self.file, self.text, span);
        faults.error(place, field, first_line(error), remedy_of(error, remedy));
    }
}

/// Faults of one value that are told at once.
const FAULTS_OF_ONE: usize = 20;

/// Takes out what stands at a place: a key with its value, or an entry of a list. Its name, or nothing
/// for an entry.
fn remove(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(table) => {
            let mut keys = table.iter();
            let wrong = keys.find(|(key, value)| key.span() == *span || value.span() == *span);
            if let Some(name) = wrong.map(|(key, _)| key.get_ref().to_string()) {
                table.remove(name.as_str());
                return Some(name);
            }
            table.iter_mut().find_map(|(_, value)| remove(value, span))
        }
        DeValue::Array(array) => {
            let at = array.iter().position(|item| item.span() == *span);
            if let Some(at) = at {
                let held = array.iter().enumerate();
                let kept = held.filter(|(place, _)| *place != at);
                *array = kept.map(|(_, item)| item.clone()).collect();
                return Some(String::new());
            }
            array.iter_mut().find_map(|item| remove(item, span))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn is_missing(error: &toml::de::Error) -> bool {
    error.message().starts_with("missing field")
}

/// The words that a message sets apart: what was written, and what might have been.
fn words(error: &toml::de::Error) -> impl Iterator<Item = &str> {
    error.message().split('`').skip(1).step_by(2)
}

/// The word that was probably meant in place of one that is not known.
fn meant(error: &toml::de::Error) -> Option<&str> {
    let is_unknown = error.message().starts_with("unknown");
    let mut words = words(error).filter(|_| is_unknown);
    nearest(words.next()?, words)
}

/// What to do, with the word that was probably meant.
fn remedy_of(error: &toml::de::Error, remedy: &str) -> String {
    match meant(error) {
        Some(meant) => format!("did you mean {meant}? {remedy}"),
        None => remedy.to_owned(),
    }
}

fn first_line(error: &toml::de::Error) -> String {
    let line = error.message().lines().next();
    line.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        name: String,
    }

    #[test]
    fn each_entry_is_read_by_itself() {
        let text = "port = \"x\"\nspare = 1\n[[row]]\nname = \"a\"\n[[row]]\nname = 3\n[[row]]\nnmae = \"c\"\n";
        let mut faults = Faults::default();
        let mut document = Document::parse("f.toml", text.as_bytes(), &mut faults).unwrap();
        assert!(document.take::<u16>("port", &mut faults).is_none());
        assert!(
            document
                .require::<u16>("city", "write it", &mut faults)
                .is_none()
        );
        let rows = document.rows::<Row>("row", &mut faults);
        assert_eq!(
            (rows.len(), rows[0].0, rows[0].1.name.as_str()),
            (1, 3, "a")
        );
        document.finish(&["port", "row"], &mut faults);
        let texts: Vec<_> = faults.into_vec().iter().map(ToString::to_string).collect();
        let starts = [
            "f.toml:1:8: field port: ",
            "f.toml: field city: it is missing — write it",
            "f.toml:6:8: field row: ",
            "f.toml:8:1: field row: unknown field `nmae`",
            "f.toml:2: field spare: the key is not known",
        ];
        assert_eq!(texts.len(), starts.len(), "{texts:#?}");
        for (text, start) in texts.iter().zip(starts) {
            assert!(
                text.starts_with(start),
                "{text} does not begin with {start}"
            );
        }
    }

    #[test]
    fn what_is_no_toml_says_where() {
        for (bytes, start) in [
            (&b"a = 1\nb = = 2\n"[..], "f.toml:2:5: "),
            (&b"\xff\xfe"[..], "f.toml: it is not UTF-8"),
        ] {
            let mut faults = Faults::default();
            assert!(Document::parse("f.toml", bytes, &mut faults).is_none());
            let text = faults.into_vec()[0].to_string();
            assert!(text.starts_with(start), "{text}");
        }
    }
}
