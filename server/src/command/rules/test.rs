//! `sanfang rules test`: each case of rulebooks' own test files.

use super::outlook;
use crate::command::{Failure, print};
use crate::installation::{self, Faulty};
use clap::Args;
use model::Span;
use model::fault::Severity;
use rules::Rulebook;
use rules::suite::{Outcome, Unmet};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which rulebooks.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rulebook directories, each with its tests in tests/*.test.toml
    #[arg(value_name = "DIR", required = true)]
    rules: Vec<PathBuf>,
    /// Print one JSON object for each case instead of words for the failed ones
    #[arg(long)]
    json: bool,
}

/// Runs the cases, file by file; what failed is told with what the tier asked for, what there was,
/// and every change of tier that was found.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (mut lines, mut faulty, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    let (mut passed, mut failed) = (0, 0);
    for folder in &arguments.rules {
        let outcomes = match outcomes(folder) {
            Ok((outcomes, untested)) => {
                let file = folder.display().to_string();
                bare.extend(installation::uncovered(&file, &untested, Severity::Error));
                outcomes
            }
            Err(found) => {
                faulty.push(found.to_string());
                continue;
            }
        };
        for of_file in outcomes.chunk_by(|a, b| a.file == b.file) {
            let wrong = of_file.iter().filter(|o| !o.failures.is_empty()).count();
            let right = of_file.len() - wrong;
            (passed, failed) = (passed + right, failed + wrong);
            let file = of_file.first().map_or("", |outcome| outcome.file.as_str());
            match wrong {
                0 => eprintln!("ok      {file}: {right} passed"),
                _ => eprintln!("FAILED  {file}: {right} passed, {wrong} failed"),
            }
        }
        match arguments.json {
            true => lines.extend(outcomes.iter().map(object)),
            false => lines.extend(outcomes.iter().flat_map(words)),
        }
    }
    let summary = format!("{passed} passed, {failed} failed");
    if arguments.json {
        eprintln!("{summary}");
    } else {
        lines.push(summary);
    }
    print::lines(&lines)?;
    if !faulty.is_empty() {
        return Err(Failure::BadInput(faulty.join("\n")));
    }
    if failed > 0 {
        let cases = if failed == 1 { "case" } else { "cases" };
        return Err(Failure::Failed(format!(
            "{failed} {cases} of the rulebook failed"
        )));
    }
    if !bare.is_empty() {
        let bare: Vec<String> = bare.iter().map(ToString::to_string).collect();
        return Err(Failure::Failed(bare.join("\n")));
    }
    Ok(())
}

/// What came of the cases of one rulebook, and the rules that none of them plays.
fn outcomes(folder: &Path) -> Result<(Vec<Outcome>, Vec<String>), Faulty> {
    let rulebook: Arc<Rulebook> = Arc::new(installation::rulebook(folder)?);
    for notice in installation::worth_a_look(folder, &rulebook) {
        eprintln!("notice: {notice}");
    }
    let outcomes = installation::outcomes(folder, &rulebook)?;
    let untested = installation::untested(&rulebook, &outcomes);
    Ok((outcomes, untested))
}

fn object(outcome: &Outcome) -> String {
    let failures = outcome.failures.iter();
    let unmet = failures.clone().map(|unmet| {
        json!({
            "after_s": unmet.after.seconds(),
            "time": unmet.at,
            "expected": unmet.expected,
            "found": unmet.found,
            "compared": unmet.compared,
        })
    });
    let case = json!({
        "file": outcome.file,
        "line": outcome.line,
        "name": outcome.name,
        "rule": outcome.rule,
        "passed": outcome.failures.is_empty(),
        "failures": failures.map(ToString::to_string).collect::<Vec<_>>(),
        "unmet": unmet.collect::<Vec<_>>(),
        "story": outcome.story,
    });
    case.to_string()
}

/// Nothing for a case that passed.
fn words(outcome: &Outcome) -> Vec<String> {
    if outcome.failures.is_empty() {
        return Vec::new();
    }
    let Outcome {
        file,
        line,
        name,
        rule,
        ..
    } = outcome;
    let mut lines = vec![format!("FAILED {file}:{line}: {name} (rule {rule})")];
    for unmet in &outcome.failures {
        let Unmet {
            after,
            at,
            expected,
            found,
            compared,
        } = unmet;
        let when = if *after == Span::ZERO {
            "at the start".to_owned()
        } else {
            format!("after {after}")
        };
        lines.push(format!(
            "    {when}, {at}: expected {expected}, found {found}"
        ));
        lines.extend(compared.iter().map(outlook::compared_words));
    }
    lines.push("    what it did find:".to_owned());
    lines.extend(outcome.story.iter().map(|line| format!("        {line}")));
    lines
}
