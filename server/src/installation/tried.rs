//! A rulebook's own tests: what came of them, those that nobody runs, and the rules that none of them plays.

use super::{Faulty, fault, texts};
use model::Fault;
use model::fault::Severity;
use rules::Rulebook;
use rules::suite::Outcome;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What to do about rules without a test.
pub(super) const REMEDY: &str = "add a [[test]] for each to tests/NAME.test.toml: a series at which it \
     is to rise, and one at which it is not";

/// What came of a rulebook's own tests.
#[derive(Default)]
pub(crate) struct Tried {
    /// What it fails: it is not what those who wrote it think it is.
    pub(crate) faults: Vec<Fault>,
    /// Rules that no case plays.
    pub(crate) untested: Vec<String>,
}

/// What came of each case in a rulebook's folder `tests`.
pub(crate) fn outcomes(directory: &Path, rulebook: &Arc<Rulebook>) -> Result<Vec<Outcome>, Faulty> {
    let folder = directory.join("tests");
    let (mut outcomes, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in texts(&folder, ".test.toml", "\0")? {
        let path = folder.join(name).display().to_string();
        match rules::suite::run(rulebook, &path, &text) {
            Ok(found) => outcomes.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        Ok(outcomes)
    } else {
        Err(Faulty(faults))
    }
}

/// Tests in the folder of a rulebook that nobody runs.
pub(crate) fn strays(directory: &Path) -> Vec<Fault> {
    let tests = directory.join("tests");
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        names.sort();
        names
    };
    let is_test = |name: &String| name.ends_with(".test.toml");
    let misnamed = names(&tests).into_iter().filter(|name| !is_test(name));
    let misplaced = names(directory).into_iter().filter(is_test);
    let misnamed = misnamed.map(|name| {
        let right = name.replace(".toml", ".test.toml");
        (tests.join(name), format!("call it {right}"))
    });
    let misplaced = misplaced.map(|name| (directory.join(name), "move it to tests/".to_owned()));
    let strays = misnamed.chain(misplaced).map(|(path, remedy)| Fault {
        severity: Severity::Notice,
        ..fault(&path, "no test in it is run", &remedy)
    });
    strays.collect()
}

/// Plays the tests of a rulebook directory. One that is not there is a rulebook of the journal, which
/// was judged with its tests.
pub(crate) fn tried(directory: &Path, rulebook: &Arc<Rulebook>) -> Tried {
    if !directory.is_dir() {
        return Tried::default();
    }
    let outcomes = match directory.join("tests").is_dir() {
        true => outcomes(directory, rulebook),
        false => Ok(Vec::new()),
    };
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(Faulty(faults)) => {
            return Tried {
                faults,
                untested: Vec::new(),
            };
        }
    };
    let remedy = format!(
        "correct the rule or the test; `sanfang rules test {}` tells the whole story",
        directory.display()
    );
    Tried {
        untested: untested(rulebook, &outcomes),
        faults: failures(outcomes.into_iter(), &remedy),
    }
}

/// Ids of the rules that none of these cases plays.
pub(crate) fn untested(rulebook: &Rulebook, outcomes: &[Outcome]) -> Vec<String> {
    let played: BTreeSet<&String> = outcomes.iter().map(|outcome| &outcome.rule).collect();
    let ids = rulebook.rules.iter().map(|rule| &rule.id);
    ids.filter(|id| !played.contains(id)).cloned().collect()
}

/// What is wrong with rules that no case plays, in the rulebook `file`.
pub(crate) fn uncovered(file: &str, untested: &[String], severity: Severity) -> Option<Fault> {
    let rules = match untested {
        [] => return None,
        [one] => format!("rule {one}"),
        many => format!("rules {}", many.join(", ")),
    };
    Some(Fault {
        file: file.to_owned(),
        line: None,
        field: "tests".into(),
        excerpt: None,
        what: format!("no test case plays {rules}"),
        remedy: REMEDY.into(),
        severity,
    })
}

/// The cases that were not met, as faults of a rulebook.
pub(crate) fn failures(outcomes: impl Iterator<Item = Outcome>, remedy: &str) -> Vec<Fault> {
    let failed = outcomes.filter(|outcome| !outcome.failures.is_empty());
    let faults = failed.map(|outcome| {
        let failures = outcome.failures.iter();
        let failures: Vec<String> = failures.map(ToString::to_string).collect();
        Fault {
            file: outcome.file,
            line: Some(outcome.line),
            field: "test".into(),
            excerpt: None,
            what: format!(
                "the rulebook fails its own test {:?}: {}",
                outcome.name,
                failures.join(", ")
            ),
            remedy: remedy.to_owned(),
            severity: Severity::Error,
        }
    });
    faults.collect()
}
