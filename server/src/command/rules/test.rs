//! `sanfang rules test`: each case of a rulebook's own test files.

use crate::command::{Failure, print};
use crate::installation::{self, Faulty};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Which rulebook.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rulebook directory
    #[arg(value_name = "DIR")]
    rules: PathBuf,
    /// Print one JSON object for each case instead of words for the failed ones
    #[arg(long)]
    json: bool,
}

/// Runs the cases; what failed is told with the changes of tier that were found.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bad = |faulty: Faulty| Failure::BadInput(faulty.to_string());
    let rulebook = Arc::new(installation::rulebook(&arguments.rules).map_err(bad)?);
    let outcomes = installation::outcomes(&arguments.rules, &rulebook).map_err(bad)?;
    let mut lines = Vec::new();
    for outcome in &outcomes {
        if arguments.json {
            let case = json!({
                "file": outcome.file,
                "line": outcome.line,
                "name": outcome.name,
                "passed": outcome.failures.is_empty(),
                "failures": outcome.failures,
                "story": outcome.story,
            });
            lines.push(case.to_string());
        } else if !outcome.failures.is_empty() {
            lines.push(format!(
                "FAILED {}:{}: {}",
                outcome.file, outcome.line, outcome.name
            ));
            let details = outcome.failures.iter().chain(&outcome.story);
            lines.extend(details.map(|line| format!("    {line}")));
        }
    }
    let failed = outcomes.iter().filter(|o| !o.failures.is_empty()).count();
    let summary = format!("{} passed, {failed} failed", outcomes.len() - failed);
    if arguments.json {
        eprintln!("{summary}");
    } else {
        lines.push(summary);
    }
    print::lines(&lines)?;
    if failed > 0 {
        let cases = if failed == 1 { "case" } else { "cases" };
        return Err(Failure::Failed(format!(
            "{failed} {cases} of the rulebook failed"
        )));
    }
    Ok(())
}
