//! `sanfang rules`: a rulebook against its own tests, and why a tier was found.

mod explain;
mod story;
mod test;

use super::Failure;
use clap::Subcommand;

/// What to do with a rulebook.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run every tests/*.test.toml of a rulebook directory
    Test(test::Arguments),
    /// Why this tier, here, then: values, thresholds, rule, version and observations
    Explain(explain::Arguments),
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Test(arguments) => test::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
    }
}
