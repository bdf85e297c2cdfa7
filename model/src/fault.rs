//! What is wrong in a file somebody wrote, where, and what to do about it; every fault at once.

use std::fmt;

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// They can be used; somebody should look.
    Notice,
}

/// One fault. Never holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File name inside the city directory.
    pub file: String,
    /// Line, from 1; for GeoJSON the line its feature begins on.
    pub line: Option<u32>,
    /// Column, property or key; empty where the whole line or file is meant.
    pub field: String,
    /// What was found.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// Whether the files can be used all the same.
    pub severity: Severity,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "field {}: ", self.field)?;
        }
        write!(f, "{} — {}", self.what, self.remedy)
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// File name.
    pub file: &'a str,
    /// Line, from 1.
    pub line: Option<u32>,
}

impl<'a> Place<'a> {
    /// The file as a whole.
    pub const fn file(file: &'a str) -> Self {
        Self { file, line: None }
    }

    /// A line of it.
    pub const fn line(file: &'a str, line: u32) -> Self {
        Self {
            file,
            line: Some(line),
        }
    }
}

/// Faults kept at most; the rest are counted.
pub const FAULTS_MAX: usize = 1000;

/// Faults as they are found; keeps [`FAULTS_MAX`] and counts the rest.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    errors: usize,
    beyond: usize,
}

impl Faults {
    /// Something that makes the files unusable.
    pub fn error(
        &mut self,
        place: Place<'_>,
        field: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.errors += 1;
        self.keep(place, field, what.into(), remedy.into(), Severity::Error);
    }

    /// Something to look at.
    pub fn notice(
        &mut self,
        place: Place<'_>,
        field: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.keep(place, field, what.into(), remedy.into(), Severity::Notice);
    }

    /// How many errors so far, kept or not.
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// All of them, in the order found; a last one says how many more there were.
    pub fn into_vec(mut self) -> Vec<Fault> {
        if self.beyond > 0 {
            self.kept.push(Fault {
                file: String::new(),
                line: None,
                field: String::new(),
                what: format!("{} more faults", self.beyond),
                remedy: "mend those above and check again".into(),
                severity: Severity::Notice,
            });
        }
        self.kept
    }

    fn keep(
        &mut self,
        place: Place<'_>,
        field: &str,
        what: String,
        remedy: String,
        severity: Severity,
    ) {
        if self.kept.len() >= FAULTS_MAX {
            self.beyond += 1;
            return;
        }
        self.kept.push(Fault {
            file: place.file.to_owned(),
            line: place.line,
            field: field.to_owned(),
            what,
            remedy,
            severity,
        });
    }
}

/// At most sixty characters of a foreign text, quoted, for messages.
pub fn quoted(text: &str) -> String {
    let clipped: String = text.chars().take(60).collect();
    let dots = if clipped.len() < text.len() {
        "…"
    } else {
        ""
    };
    format!("{clipped:?}{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let mut faults = Faults::default();
        faults.error(
            Place::line("areas.geojson", 12),
            "parent",
            "no area 440199000000",
            "add it",
        );
        faults.notice(
            Place::file("sites.csv"),
            "",
            "it is empty",
            "add a header line",
        );
        assert_eq!(faults.errors(), 1);
        let texts: Vec<_> = faults.into_vec().iter().map(Fault::to_string).collect();
        assert_eq!(
            texts,
            [
                "areas.geojson:12: field parent: no area 440199000000 — add it",
                "sites.csv: it is empty — add a header line"
            ]
        );
    }

    #[test]
    fn keeps_a_bounded_number_and_counts_the_rest() {
        let mut faults = Faults::default();
        for _ in 0..FAULTS_MAX + 7 {
            faults.error(Place::file("x"), "", "wrong", "mend");
        }
        assert_eq!(faults.errors(), FAULTS_MAX + 7);
        let all = faults.into_vec();
        assert_eq!(all.len(), FAULTS_MAX + 1);
        assert!(all.last().unwrap().what.starts_with("7 more"));
    }
}
