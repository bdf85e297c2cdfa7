//! Reading keys of a TOML table, noting each fault with its line.

use crate::condition::Ratio;
use model::Span;
use model::fault::{Excerpt, Faults, Place, perhaps};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table of a file and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'t> {
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    pub(crate) table: &'t DeTable<'t>,
    pub(crate) line: u32,
}

impl<'t> Keys<'t> {
    /// Line of a byte offset, from 1.
    pub(crate) fn line_of(text: &str, span: &Range<usize>) -> u32 {
        let before = text.as_bytes().get(..span.start).unwrap_or_default();
        u32::try_from(before.iter().filter(|b| **b == b'\n').count() + 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn at(&self, line: u32) -> Place<'t> {
        Place::line(self.file, line)
    }

    /// Faults for every key that is not in the list.
    pub(crate) fn known(&self, prefix: &str, known: &[&str], faults: &mut Faults) {
        for key in self.table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let line = Self::line_of(self.text, &key.span());
                faults.error(
                    self.at(line),
                    &format!("{prefix}{}", key.get_ref()),
                    "no such key",
                    format!(
                        "{}known: {}",
                        perhaps(key.get_ref(), known.iter().copied()),
                        known.join(", ")
                    ),
                );
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<(&'t DeValue<'t>, u32)> {
        let (_, value) = self.table.iter().find(|(held, _)| held.get_ref() == key)?;
        Some((value.get_ref(), Self::line_of(self.text, &value.span())))
    }

    /// The line of the file in which a part of a text stands, and that part; `None` where it is
    /// written otherwise there, with escapes.
    pub(crate) fn excerpt(&self, key: &str, bytes: &Range<usize>) -> Option<(u32, Excerpt)> {
        let (_, value) = self.table.iter().find(|(held, _)| held.get_ref() == key)?;
        let DeValue::String(text) = value.get_ref() else {
            return None;
        };
        let span = value.span();
        let at = span.start + self.text.get(span)?.find(text.as_ref())?;
        let bytes = at + bytes.start..at + bytes.end;
        let excerpt = Excerpt::of(self.text, &bytes)?;
        Some((Self::line_of(self.text, &bytes), excerpt))
    }

    pub(crate) fn text(&self, key: &str, faults: &mut Faults) -> Option<(String, u32)> {
        let (value, line) = self.get(key)?;
        let DeValue::String(text) = value else {
            faults.error(self.at(line), key, "it is not a text", "put it in quotes");
            return None;
        };
        Some((text.to_string(), line))
    }

    pub(crate) fn needed_text(&self, key: &str, faults: &mut Faults) -> Option<(String, u32)> {
        if self.get(key).is_none() {
            faults.error(
                self.at(self.line),
                key,
                "it is missing",
                format!("add {key} = \"…\""),
            );
        }
        self.text(key, faults).filter(|(text, line)| {
            if text.is_empty() {
                faults.error(self.at(*line), key, "it is empty", "write it");
            }
            !text.is_empty()
        })
    }

    pub(crate) fn texts(&self, key: &str, faults: &mut Faults) -> Vec<String> {
        let Some((value, line)) = self.get(key) else {
            return Vec::new();
        };
        let list = value.as_array().and_then(|array| {
            let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            array.iter().map(text).collect::<Option<Vec<_>>>()
        });
        list.unwrap_or_else(|| {
            faults.error(
                self.at(line),
                key,
                "it is not a list of texts",
                "write [\"…\", \"…\"]",
            );
            Vec::new()
        })
    }

    pub(crate) fn number(&self, key: &str, faults: &mut Faults) -> Option<(Ratio, u32)> {
        let (value, line) = self.get(key)?;
        let ratio = decimal(value).and_then(|text| Ratio::parse(&text));
        if ratio.is_none() {
            faults.error(
                self.at(line),
                key,
                "it is not a plain decimal number",
                "write 0.8 or 3",
            );
        }
        ratio.map(|ratio| (ratio, line))
    }

    pub(crate) fn integer(&self, key: &str, faults: &mut Faults) -> Option<(i64, u32)> {
        let (ratio, line) = self.number(key, faults)?;
        let whole = (ratio.of() == 1)
            .then(|| i64::try_from(ratio.number()).ok())
            .flatten();
        if whole.is_none() {
            faults.error(self.at(line), key, "it is not a whole number", "write 1");
        }
        whole.map(|whole| (whole, line))
    }

    pub(crate) fn span(&self, key: &str, faults: &mut Faults) -> Option<Span> {
        let (text, line) = self.text(key, faults)?;
        match Span::parse(&text) {
            Ok(span) => Some(span),
            Err(error) => {
                faults.error(self.at(line), key, error.to_string(), "write 30m or 6h");
                None
            }
        }
    }

    pub(crate) fn table(&self, key: &str, faults: &mut Faults) -> Option<Keys<'t>> {
        let (value, line) = self.get(key)?;
        let DeValue::Table(table) = value else {
            faults.error(
                self.at(line),
                key,
                "it is not a table",
                format!("write {key} = {{ … }}"),
            );
            return None;
        };
        Some(Keys {
            table,
            line,
            ..*self
        })
    }

    pub(crate) fn tables(&self, key: &str, faults: &mut Faults) -> Vec<Keys<'t>> {
        let Some((value, line)) = self.get(key) else {
            return Vec::new();
        };
        let tables = value.as_array().and_then(|array| {
            let keys = |item: &'t Spanned<DeValue<'t>>| {
                let line = Self::line_of(self.text, &item.span());
                item.get_ref().as_table().map(|table| Keys {
                    table,
                    line,
                    ..*self
                })
            };
            array.iter().map(keys).collect::<Option<Vec<_>>>()
        });
        tables.unwrap_or_else(|| {
            faults.error(
                self.at(line),
                key,
                "it is not a list of tables",
                format!("write [[{key}]]"),
            );
            Vec::new()
        })
    }
}

/// The plain decimal text of a number.
pub(crate) fn decimal(value: &DeValue<'_>) -> Option<String> {
    let integer = value.as_integer().filter(|number| number.radix() == 10);
    let text = integer
        .map(|number| number.as_str())
        .or_else(|| value.as_float().map(|number| number.as_str()));
    text.map(|text| text.replace('_', ""))
}
