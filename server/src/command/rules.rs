//! `sanfang rules`: a rulebook against its own test files.

use super::Failure;
use crate::installation;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with a rulebook.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run every *.test.toml of a rulebook directory
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
    let rulebook = installation::rulebook(&arguments.rules)
        .map_err(|faults| Failure::BadInput(faults.to_string()))?;
    let suites = installation::texts(&arguments.rules, ".test.toml", "\0")
        .map_err(|faults| Failure::BadInput(faults.to_string()))?;
    let (mut passed, mut failed) = (0, 0);
    for (name, text) in &suites {
        let report = rules::suite::run(&rulebook, name, text)
            .map_err(|faults| Failure::BadInput(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        for case in &report.cases {
            match &case.failure {
                None => passed += 1,
                Some(why) => {
                    failed += 1;
                    println!("FAILED {name}: {}: {why}", case.name);
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        return Err(Failure::Failed(format!("{failed} cases of the rulebook failed")));
    }
    Ok(())
}
