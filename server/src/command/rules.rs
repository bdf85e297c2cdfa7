//! `sanfang rules`: the forecaster's workbench. A rulebook against its own tests, why a tier was
//! found, what another rulebook would change, and which threshold does best; and on a running server
//! another rulebook in force, and a rule silenced for a while.

mod chart;
mod diff;
mod explain;
mod fit;
mod heads;
mod list;
mod mute;
mod outlook;
mod reload;
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
    /// What a rulebook warns of: every tier with its condition, its document and how sure that is
    List(list::Arguments),
    /// What is usual at each station: distributions for the precipitation index, as rows of climate.csv
    Fit(fit::Arguments),
    /// Why this tier, here, then: values, thresholds, rule, version and observations
    ///
    /// Each change of tier with the values, thresholds and readings behind it; and for each rule at the
    /// subject how it stands at the end (or at --at): tiers not reached and how far they are, what a rise
    /// or a fall still waits for. Of an area also what its stations and sites changed. With --journal the
    /// changes are those that the server found; how it stands is found anew by the rulebook given.
    Explain(explain::Arguments),
    /// Two rulebooks over one recorded storm: areas, minutes, tiers and people
    ///
    /// Each area's tiers as they would be issued: when it reaches a tier or a higher one under either
    /// rulebook, within one episode of warning, and when it is lifted. People are counted by the areas that
    /// rise: residents by `population`, and those known by name where contacts.csv and subscribers.csv are
    /// there. `people` counts each person once, `rings` once for each rise; night is 22:00 to 06:00.
    Diff(diff::Arguments),
    /// A sweep over one or two thresholds: what each value is worth, as CSV and as a curve
    ///
    /// KEY is a condition of the rule: a tier, `continuing` or `lower.when`. Where it has several numbers,
    /// KEY#2 is its second; without it the command lists them. Two sweeps try each value of the one with
    /// each of the other. The rulebook as it stands is always among the candidates. Where one tier is swept,
    /// warnings of the rule's hazard are scored at that tier or higher (hits: events of it or higher; false
    /// alarms: areas raised to it or higher near no such event), else at each event's own tier. Correct
    /// negatives are counted as in `replay --score`, people as in `rules diff`.
    Tune(tune::Arguments),
    /// Another rulebook in force without a restart: put forward, dry run, signed by two persons
    #[command(subcommand)]
    Reload(reload::Command),
    /// Silence a rule of a running server for a while: what it finds is shown, and nobody is told
    ///
    /// It takes nothing back that was told before, and rules that ask for its situation go on hearing it.
    /// Once it is over, what still stands is proposed at once.
    Mute(mute::Mute),
    /// Let a silenced rule speak again: what it finds now is told at once
    Unmute(mute::Unmute),
    /// List the rules that are silenced, by whom, why and until when
    Muted(mute::Muted),
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Test(arguments) => test::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Fit(arguments) => fit::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Reload(command) => reload::run(command),
        Command::Tune(arguments) => tune::run(arguments),
        Command::Mute(arguments) => mute::mute(arguments),
        Command::Unmute(arguments) => mute::unmute(arguments),
        Command::Muted(arguments) => mute::muted(arguments),
    }
}
