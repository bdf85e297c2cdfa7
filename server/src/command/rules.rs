//! `sanfang rules`: a rulebook against its own test files.

use super::Failure;
use crate::installation;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;

/// What to do with a rulebook.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run every tests/*.test.toml of a rulebook directory
    Test(Test),
}

/// Which rulebook.
#[derive(Args)]
pub(crate) struct Test {
    /// Rulebook directory
    #[arg(value_name = "DIR")]
    rules: PathBuf,
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Test(arguments) => test(arguments),
    }
}

fn test(arguments: &Test) -> Result<(), Failure> {
    let bad = |faults: installation::Faulty| Failure::BadInput(faults.to_string());
    let rulebook = Arc::new(installation::rulebook(&arguments.rules).map_err(bad)?);
    let suites =
        installation::texts(&arguments.rules.join("tests"), ".test.toml", "\0").map_err(bad)?;
    let (mut passed, mut failed) = (0, 0);
    for (name, text) in &suites {
        let outcomes = rules::suite::run(&rulebook, name, text).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Failure::BadInput(lines.join("\n"))
        })?;
        for outcome in outcomes {
            if outcome.failures.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            println!("FAILED {}:{}: {}", outcome.file, outcome.line, outcome.name);
            for line in outcome.failures.iter().chain(&outcome.story) {
                println!("    {line}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        return Err(Failure::Failed(format!(
            "{failed} cases of the rulebook failed"
        )));
    }
    Ok(())
}
