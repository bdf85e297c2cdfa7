//! Files that somebody sends to be the next rulebook: read, held against the city, put to their own
//! tests.

use crate::config::KeptSeries;
use crate::installation::{Faulty, between, failures, is_error, uncovered, untested};
use crate::registry::File;
use model::City;
use model::fault::{Fault, Severity};
use rules::Rulebook;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Files of one rulebook, its tests among them.
const FILES_MAX: usize = 256;
/// Bytes of all of them together.
pub(crate) const BYTES_MAX: usize = 2 << 20;
/// Longest name of a file.
const NAME_MAX: usize = 128;

/// A rulebook that can be put in force.
pub(crate) struct Judged {
    pub(crate) rulebook: Arc<Rulebook>,
    /// Its files, without the tests.
    pub(crate) files: Vec<File>,
    /// Cases of its own tests.
    pub(crate) tests: usize,
    /// What is worth a look, in words.
    pub(crate) notices: Vec<String>,
}

/// Reads files by name as `sanfang check` reads a directory: rules at the top, tests in `tests/`.
pub(crate) fn judge(
    files: BTreeMap<String, String>,
    city: &City,
    series: KeptSeries,
) -> Result<Judged, Faulty> {
    let mut faults = named(&files);
    if !faults.is_empty() {
        return Err(Faulty(faults));
    }
    let (tests, rules): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|(name, _)| name.starts_with("tests/"));
    let rules: Vec<File> = rules
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    let rulebook = Rulebook::read(&rules).map_err(|faults| Faulty(of_rulebook(faults)))?;
    let rulebook = Arc::new(rulebook);
    let here = Path::new("");
    faults.extend(of_rulebook(between(&rulebook, here, city, here)));
    faults.extend(series.fault("sanfang.toml", rulebook.reach()));
    let mut outcomes = Vec::new();
    for (name, text) in &tests {
        match rules::suite::run(&rulebook, name, text) {
            Ok(found) => outcomes.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    let tests = outcomes.len();
    // A file that cannot be read may play them.
    if !faults.iter().any(is_error) {
        let untested = untested(&rulebook, &outcomes);
        faults.extend(uncovered("rulebook", &untested, Severity::Error));
    }
    faults.extend(failures(
        outcomes.into_iter(),
        "correct the rule or the test; `sanfang rules test` tells the whole story",
    ));
    let (errors, notices): (Vec<_>, Vec<_>) = faults.into_iter().partition(is_error);
    if !errors.is_empty() {
        return Err(Faulty(errors));
    }
    Ok(Judged {
        rulebook,
        files: rules,
        tests,
        notices: notices.iter().map(ToString::to_string).collect(),
    })
}

/// Holds a rulebook that was judged before against the city as it is.
pub(crate) fn still_fits(
    rulebook: &Rulebook,
    city: &City,
    series: KeptSeries,
) -> Result<Vec<String>, Faulty> {
    let here = Path::new("");
    let mut faults = of_rulebook(between(rulebook, here, city, here));
    faults.extend(series.fault("sanfang.toml", rulebook.reach()));
    let (errors, notices): (Vec<_>, Vec<_>) = faults.into_iter().partition(is_error);
    if !errors.is_empty() {
        return Err(Faulty(errors));
    }
    Ok(notices.iter().map(ToString::to_string).collect())
}

/// What is wrong with the names and the number of files.
fn named(files: &BTreeMap<String, String>) -> Vec<Fault> {
    let fault = |file: &str, what: String, remedy: &str| Fault {
        file: file.to_owned(),
        line: None,
        field: String::new(),
        excerpt: None,
        what,
        remedy: remedy.to_owned(),
        severity: Severity::Error,
    };
    let mut faults = Vec::new();
    let bytes: usize = files.values().map(String::len).sum();
    if files.len() > FILES_MAX || bytes > BYTES_MAX {
        let what = format!("{} files of {bytes} bytes together", files.len());
        let remedy = format!("{FILES_MAX} files and {BYTES_MAX} bytes are the most");
        faults.push(fault("rulebook", what, &remedy));
    }
    for name in files.keys() {
        let is_rule = !name.contains('/') && !name.ends_with(".test.toml");
        let is_test = name
            .strip_prefix("tests/")
            .is_some_and(|rest| !rest.contains('/') && rest.ends_with(".test.toml"));
        let is_clean = name.len() <= NAME_MAX && !name.chars().any(|c| c.is_control() || c == '\\');
        if !(is_clean && name.ends_with(".toml") && (is_rule || is_test)) {
            let what = "it is neither NAME.toml nor tests/NAME.test.toml".to_owned();
            faults.push(fault(name, what, "send the files of a rulebook directory"));
        }
    }
    faults
}

/// A rulebook as a whole has no file of its own.
fn of_rulebook(faults: Vec<Fault>) -> Vec<Fault> {
    let named = faults.into_iter().map(|fault| match fault.file.as_str() {
        "" | "rules" => Fault {
            file: "rulebook".into(),
            ..fault
        },
        _ => fault,
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_a_rulebook_are_read() {
        for name in [
            "../rules.toml",
            "a/b.toml",
            "rain.test.toml",
            "tests/rain.toml",
            "tests/a/b.test.toml",
            "rain.txt",
            "a\\b.toml",
            "a\n.toml",
        ] {
            let files = BTreeMap::from([(name.to_owned(), String::new())]);
            assert_eq!(named(&files).len(), 1, "{name:?}");
        }
        let files = BTreeMap::from([
            ("rain.toml".to_owned(), String::new()),
            ("tests/rain.test.toml".to_owned(), String::new()),
        ]);
        assert!(named(&files).is_empty());
        let huge = BTreeMap::from([("rain.toml".to_owned(), " ".repeat(BYTES_MAX + 1))]);
        assert_eq!(named(&huge).len(), 1);
    }
}
