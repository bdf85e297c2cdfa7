//! `sanfang rules`: the forecaster's workbench. A rulebook against its own tests, why a tier was
//! found, what another rulebook would change, and which threshold does best.

mod chart;
mod diff;
mod explain;
mod heads;
mod outlook;
mod story;
mod sweep;
mod test;
mod trial;
mod tune;

use super::Failure;
use clap::Subcommand;

/// What to do with a rulebook.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run every tests/*.test.toml of a rulebook directory
    Test(test::Arguments),
    /// Why this tier, here, then: values, thresholds, rule, version and observations
    Explain(explain::Arguments),
    /// Two rulebooks over one recorded storm: areas, minutes, tiers and people
    Diff(diff::Arguments),
    /// A sweep over one or two thresholds: what each value is worth, as CSV and as a curve
    Tune(tune::Arguments),
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Test(arguments) => test::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Tune(arguments) => tune::run(arguments),
    }
}
