//! Reading keys of a TOML table, noting each fault with its line, its column and its words.

use super::quoted::place_in;
use crate::condition::Ratio;
use model::Span;
use model::fault::{Excerpt, Faults, Place, line_of, perhaps};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a file: the first, and the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot(usize, usize);

/// A table of a file and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'t> {
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    pub(crate) table: &'t DeTable<'t>,
    pub(crate) spot: Spot,
    /// Name of the table within a rule or a test; empty for these themselves.
    name: &'static str,
}

impl Spot {
    /// Its first byte.
    pub(crate) const fn start(self) -> usize {
        self.0
    }
}

impl From<Range<usize>> for Spot {
    fn from(bytes: Range<usize>) -> Self {
        Self(bytes.start, bytes.end)
    }
}

/// A file as TOML; `None` where it is none, each fault noted.
pub(crate) fn parsed<'t>(file: &str, text: &'t str, faults: &mut Faults) -> Option<DeTable<'t>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let bytes = error.span().unwrap_or_default();
        faults.error(
            Place::words(file, text, &bytes),
            "",
            format!("not TOML: {}", error.message()),
            "correct it there or in the line before: text in quotes, key = value, [[rule]]",
        );
    }
    errors.is_empty().then(|| table.into_inner())
}

impl<'t> Keys<'t> {
    /// Those of a whole file.
    pub(crate) const fn of_file(file: &'t str, text: &'t str, table: &'t DeTable<'t>) -> Self {
        Self {
            file,
            text,
            table,
            spot: Spot(0, 0),
            name: "",
        }
    }

    /// Line it begins on.
    pub(crate) fn line(&self) -> u32 {
        line_of(self.text, self.spot.0)
    }

    pub(crate) const fn at(&self, spot: Spot) -> Place<'t> {
        // A file as a whole has no words.
        if spot.1 == 0 {
            return self.start();
        }
        Place::words(self.file, self.text, &(spot.0..spot.1))
    }

    /// The file, where nothing in it can be pointed at.
    pub(crate) const fn start(&self) -> Place<'t> {
        Place::line(self.file, 1)
    }

    /// The number of a spot's line, where this table begins on line `first`, and the line itself with
    /// the words marked.
    pub(crate) fn excerpt(&self, spot: Spot, first: u32) -> Option<(u32, Excerpt)> {
        let between = self.text.get(self.spot.0..spot.0)?;
        let line = first + line_of(between, between.len()) - 1;
        Some((line, Excerpt::of(self.text, &(spot.0..spot.1))?))
    }

    /// A key as it is named to people: `lower.after`.
    pub(crate) fn field(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    /// Faults for every key that is not in the list.
    pub(crate) fn known(&self, prefix: &str, known: &[&str], faults: &mut Faults) {
        for key in self.table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                faults.error(
                    self.at(key.span().into()),
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

    fn held(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        let (_, value) = self.table.iter().find(|(held, _)| held.get_ref() == key)?;
        Some(value)
    }

    pub(crate) fn get(&self, key: &str) -> Option<(&'t DeValue<'t>, Spot)> {
        let value = self.held(key)?;
        Some((value.get_ref(), value.span().into()))
    }

    /// Where a key itself stands, or the table where it is not there.
    pub(crate) fn key(&self, key: &str) -> Spot {
        let mut held = self.table.keys();
        let held = held.find(|held| held.get_ref() == key);
        held.map_or(self.spot, |held| held.span().into())
    }

    /// Where the value of a key stands, or the table where it is not there.
    pub(crate) fn value(&self, key: &str) -> Spot {
        self.get(key).map_or(self.spot, |(_, spot)| spot)
    }

    /// Where a part of a text stands in the file, whatever quotes and escapes it is written with.
    pub(crate) fn part(&self, key: &str, bytes: &Range<usize>) -> Option<Spot> {
        let value = self.held(key)?;
        let DeValue::String(_) = value.get_ref() else {
            return None;
        };
        let span = value.span();
        let written = self.text.get(span.clone())?;
        let (start, end) = (
            place_in(written, bytes.start)?,
            place_in(written, bytes.end)?,
        );
        Some(Spot(span.start + start, span.start + end))
    }

    pub(crate) fn text(&self, key: &str, faults: &mut Faults) -> Option<(String, Spot)> {
        let (value, spot) = self.get(key)?;
        let DeValue::String(text) = value else {
            let field = self.field(key);
            faults.error(
                self.at(spot),
                &field,
                "it is not a text",
                "put it in quotes",
            );
            return None;
        };
        Some((text.to_string(), spot))
    }

    pub(crate) fn needed_text(&self, key: &str, faults: &mut Faults) -> Option<(String, Spot)> {
        if self.get(key).is_none() {
            faults.error(
                self.at(self.spot),
                &self.field(key),
                "it is missing",
                format!("add {key} = \"…\""),
            );
        }
        self.text(key, faults).filter(|(text, spot)| {
            if text.is_empty() {
                let field = self.field(key);
                faults.error(self.at(*spot), &field, "it is empty", "write it");
            }
            !text.is_empty()
        })
    }

    pub(crate) fn texts(&self, key: &str, faults: &mut Faults) -> Vec<(String, Spot)> {
        let Some((value, spot)) = self.get(key) else {
            return Vec::new();
        };
        let list = value.as_array().and_then(|array| {
            let text = |item: &Spanned<DeValue<'_>>| {
                let text = item.get_ref().as_str()?.to_owned();
                Some((text, item.span().into()))
            };
            array.iter().map(text).collect::<Option<Vec<_>>>()
        });
        list.unwrap_or_else(|| {
            faults.error(
                self.at(spot),
                &self.field(key),
                "it is not a list of texts",
                "write [\"…\", \"…\"]",
            );
            Vec::new()
        })
    }

    pub(crate) fn number(&self, key: &str, faults: &mut Faults) -> Option<(Ratio, Spot)> {
        let (value, spot) = self.get(key)?;
        let ratio = decimal(value).and_then(|text| Ratio::parse(&text));
        if ratio.is_none() {
            faults.error(
                self.at(spot),
                &self.field(key),
                "it is not a plain decimal number",
                "write 0.8 or 3",
            );
        }
        ratio.map(|ratio| (ratio, spot))
    }

    pub(crate) fn integer(&self, key: &str, faults: &mut Faults) -> Option<(i64, Spot)> {
        let (ratio, spot) = self.number(key, faults)?;
        let whole = (ratio.of() == 1)
            .then(|| i64::try_from(ratio.number()).ok())
            .flatten();
        if whole.is_none() {
            let field = self.field(key);
            faults.error(self.at(spot), &field, "it is not a whole number", "write 1");
        }
        whole.map(|whole| (whole, spot))
    }

    pub(crate) fn span(&self, key: &str, faults: &mut Faults) -> Option<Span> {
        let (text, spot) = self.text(key, faults)?;
        match Span::parse(&text) {
            Ok(span) => Some(span),
            Err(error) => {
                let field = self.field(key);
                faults.error(self.at(spot), &field, error.to_string(), "write 30m or 6h");
                None
            }
        }
    }

    pub(crate) fn table(&self, key: &'static str, faults: &mut Faults) -> Option<Keys<'t>> {
        let (value, spot) = self.get(key)?;
        let DeValue::Table(table) = value else {
            faults.error(
                self.at(spot),
                &self.field(key),
                "it is not a table",
                format!("write {key} = {{ … }}"),
            );
            return None;
        };
        Some(Keys {
            table,
            spot,
            name: key,
            ..*self
        })
    }

    /// A table that must be there, written like `example`.
    pub(crate) fn needed_table(
        &self,
        key: &'static str,
        example: &str,
        faults: &mut Faults,
    ) -> Option<Keys<'t>> {
        if self.get(key).is_none() {
            let remedy = format!("add {key} = {example}");
            faults.error(self.at(self.spot), key, "it is missing", remedy);
        }
        self.table(key, faults)
    }

    pub(crate) fn tables(&self, key: &str, faults: &mut Faults) -> Vec<Keys<'t>> {
        let Some((value, spot)) = self.get(key) else {
            return Vec::new();
        };
        let tables = value.as_array().and_then(|array| {
            let keys = |item: &'t Spanned<DeValue<'t>>| {
                let spot = item.span().into();
                item.get_ref().as_table().map(|table| Keys {
                    table,
                    spot,
                    ..*self
                })
            };
            array.iter().map(keys).collect::<Option<Vec<_>>>()
        });
        tables.unwrap_or_else(|| {
            faults.error(
                self.at(spot),
                &self.field(key),
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
