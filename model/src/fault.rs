//! What is wrong in a file somebody wrote, where, and what to do about it; every fault at once.

use std::fmt;
use std::ops::Range;

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// They can be used; somebody should look.
    Notice,
}

/// A line of a file and the part of it that a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line.
    pub line: String,
    /// Characters before that part.
    pub before: usize,
    /// Characters of it.
    pub length: usize,
}

impl Excerpt {
    /// The line of a text in which `bytes` begin; a part that goes on is shown to the line's end.
    pub fn of(text: &str, bytes: &Range<usize>) -> Option<Self> {
        let (head, rest) = (text.get(..bytes.start)?, text.get(bytes.start..)?);
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        let end = rest.find('\n').unwrap_or(rest.len());
        let part = rest.get(..bytes.len().min(end)).unwrap_or_default();
        Some(Self {
            line: text.get(start..bytes.start + end)?.to_owned(),
            before: text.get(start..bytes.start)?.chars().count(),
            length: part.chars().count(),
        })
    }
}

impl fmt::Display for Excerpt {
    /// The line, and carets under the part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a very long line, what is around the part.
        let from = match self.line.chars().count() > SHOWN_MAX {
            true => self.before.saturating_sub(SHOWN_MAX / 4),
            false => 0,
        };
        let shown: String = self.line.chars().skip(from).take(SHOWN_MAX).collect();
        // A tab is as wide in both lines.
        let before = self.line.chars().skip(from).take(self.before - from);
        let before: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
        let room = SHOWN_MAX.saturating_sub(self.before - from);
        let carets = "^".repeat(self.length.min(room).max(1));
        write!(f, "    {}\n    {before}{carets}", shown.trim_end())
    }
}

/// Characters of a line shown at most.
const SHOWN_MAX: usize = 240;

/// One fault. Never holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File name inside the city directory.
    pub file: String,
    /// Line, from 1; for GeoJSON the line its feature begins on.
    pub line: Option<u32>,
    /// Column, property or key; empty where the whole line or file is meant.
    pub field: String,
    /// The words it is about, in their line.
    pub excerpt: Option<Excerpt>,
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
            if let Some(excerpt) = &self.excerpt {
                write!(f, ":{}", excerpt.before + 1)?;
            }
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "field {}: ", self.field)?;
        }
        write!(f, "{} — {}", self.what, self.remedy)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// File name.
    pub file: &'a str,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Text of the file, and the first and the end byte of the words that are meant.
    words: Option<(&'a str, usize, usize)>,
}

impl<'a> Place<'a> {
    /// The file as a whole.
    pub const fn file(file: &'a str) -> Self {
        Self {
            file,
            line: None,
            words: None,
        }
    }

    /// A line of it.
    pub const fn line(file: &'a str, line: u32) -> Self {
        Self {
            file,
            line: Some(line),
            words: None,
        }
    }

    /// Some words of its text; their line is counted only where a fault is kept.
    pub const fn words(file: &'a str, text: &'a str, bytes: &Range<usize>) -> Self {
        Self {
            file,
            line: None,
            words: Some((text, bytes.start, bytes.end)),
        }
    }

    /// Its line, and the words in it.
    fn shown(&self) -> (Option<u32>, Option<Excerpt>) {
        match self.words {
            None => (self.line, None),
            Some((text, start, end)) => {
                let line = line_of(text, start);
                (Some(line), Excerpt::of(text, &(start..end.max(start))))
            }
        }
    }
}

/// The line of a byte in a text, from 1.
pub fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
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

    /// One that is told of words kept from an earlier reading.
    pub fn add(&mut self, fault: Fault) {
        self.errors += usize::from(fault.severity == Severity::Error);
        if self.kept.len() < FAULTS_MAX {
            self.kept.push(fault);
        } else {
            self.beyond += 1;
        }
    }

    /// Appends those of another reading.
    pub fn append(&mut self, others: Self) {
        self.errors += others.errors;
        self.beyond += others.beyond;
        let room = FAULTS_MAX.saturating_sub(self.kept.len());
        self.beyond += others.kept.len().saturating_sub(room);
        self.kept.extend(others.kept.into_iter().take(room));
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
                excerpt: None,
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
        self.errors += usize::from(severity == Severity::Error);
        // Lines are counted for what is kept only.
        if self.kept.len() >= FAULTS_MAX {
            self.beyond += 1;
            return;
        }
        let (line, excerpt) = place.shown();
        self.kept.push(Fault {
            file: place.file.to_owned(),
            line,
            field: field.to_owned(),
            excerpt,
            what,
            remedy,
            severity,
        });
    }
}

/// `did you mean rainfall? ` where one of the known words is nearly the one that was written, but for
/// its case, or the one is the beginning of the other.
pub fn perhaps<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |known| format!("did you mean {known}? "))
}

/// The known word that was probably meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word: String = word
        .chars()
        .take(WORD_MAX)
        .flat_map(char::to_lowercase)
        .collect();
    let letters = word.chars().count();
    let far = |known: &str| {
        let known = known.to_lowercase();
        let distance = strsim::damerau_levenshtein(&word, &known);
        let begins = known.starts_with(&word) || word.starts_with(&known);
        // `town` for `township`: nearer than nothing, further than a slip of the finger.
        let is_part = begins && letters.min(known.chars().count()) >= PART_MIN;
        let is_near = distance <= (letters / 3).max(1);
        match (is_near, is_part) {
            (true, _) => Some(distance),
            (false, true) => Some(WORD_MAX + distance),
            (false, false) => None,
        }
    };
    let near = known
        .into_iter()
        .filter_map(|known| Some((far(known)?, known)));
    near.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// Characters of a word that are looked at for what may have been meant.
const WORD_MAX: usize = 80;
/// Fewest characters of a word that stands for one it begins.
const PART_MIN: usize = 3;

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
    fn words_are_shown_with_their_line_and_column() {
        let mut faults = Faults::default();
        let text = "schema = 1\nlevel = \"town\"\n";
        let place = Place::words("a.toml", text, &(19..25));
        faults.error(place, "level", "no level", "write township");
        let told = faults.into_vec()[0].to_string();
        let shown = "a.toml:2:9: field level: no level — write township\n    level = \"town\"\n            ^^^^^^";
        assert_eq!(told, shown);
    }

    #[test]
    fn of_a_very_long_line_what_is_around_the_words_is_shown() {
        let text = format!("{} here {}", "a".repeat(5000), "b".repeat(5000));
        let shown = Excerpt::of(&text, &(5001..5005)).unwrap().to_string();
        let (line, carets) = shown.split_once('\n').unwrap();
        assert_eq!(line.chars().count(), SHOWN_MAX + 4);
        assert_eq!(carets.find("^^^^"), line.find("here"));
        let all = Excerpt::of(&text, &(0..text.len())).unwrap().to_string();
        assert_eq!(all.chars().filter(|c| *c == '^').count(), SHOWN_MAX);
    }

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["city", "district", "township", "11B03", "11B09", "rain"];
        for (word, near) in [
            ("town", Some("township")),
            ("11b03", Some("11B03")),
            ("11B99", Some("11B09")),
            ("rian", Some("rain")),
            ("Distrct", Some("district")),
            ("", None),
            ("snowfall", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
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
