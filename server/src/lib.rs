//! The service, its API and its commands: what the binary `sanfang` is made of.
//!
//! A library only so that `fuzz/` can reach the parsers in it; [`run`] is the whole program.

mod accounts;
mod acted;
mod answer_links;
mod answered;
mod answering;
mod api;
mod app;
mod audit;
mod bulletins;
mod candidate;
mod capbook;
mod clock;
mod command;
mod config;
mod courier;
mod edge;
mod evening;
mod exercises;
mod fetched;
mod gaps;
mod handover;
mod installation;
mod intake;
mod latency;
mod links;
mod living;
mod metrics;
mod objections;
mod outcome;
mod owners;
mod peers;
mod people;
mod process;
mod pump;
mod questions;
mod recall;
mod registry;
mod rehearsal;
mod relay;
mod reload;
mod remember;
mod replies;
mod roles;
mod score;
mod screens;
mod signals;
mod silence;
#[cfg(test)]
mod simulation;
#[cfg(test)]
#[path = "../tests/small/city.rs"]
mod small_city;
#[cfg(test)]
#[path = "../tests/small/rulebook.rs"]
mod small_rulebook;
mod snapshot;
mod space;
mod stream;
mod subscriptions;
mod term;
mod vault;
mod view;
mod watch;
mod zone;
mod zones;

use clap::{Parser, Subcommand};
use model::fault::Fault;
use model::{City, Signal};
use std::path::Path;
use std::process::ExitCode;

/// Multi-hazard early warning: sensor streams in, tiered warnings out, by area and audience.
/// 多灾种早期预警：传感器数据流进，分级预警出，按区域和人群靶向发布。
#[derive(Parser)]
#[command(name = "sanfang", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What this machine carries: rates, latencies and what they cost
    Bench(command::bench::Arguments),
    /// Check a configuration, a city or a rulebook: every fault at once, exit 2 if there is any
    Check(command::check::Arguments),
    /// The whole story: a storm over the demo city, from gauges to phones
    Demo(command::demo::Arguments),
    /// The service
    Serve(command::serve::Arguments),
    /// Take area jobs of centres and carry them to the phones of the own roll, for a carrier or a platform
    #[command(subcommand)]
    Relay(command::relay::Relaying),
    /// Recorded observations through the rules, as fast as the machine can
    Replay(command::replay::Arguments),
    /// The forecaster's workbench: test, explain, compare and tune rulebooks
    #[command(subcommand)]
    Rules(command::rules::Command),
    /// The topics of a deployment on Kafka: make them, or compare them with what they must be
    #[command(subcommand)]
    Topics(command::topics::Command),
    /// Warnings from a terminal: list, show, issue, update, cancel, approve, reject
    #[command(subcommand)]
    Warn(command::warn::Command),
    /// What named people were sent and what came back; area jobs against the far side's counts
    #[command(subcommand)]
    Audit(command::audit::Command),
    /// Exercises from a terminal: what plays, begin, end
    #[command(subcommand)]
    Drill(command::drill::Command),
    /// What a journal holds as CSV or Parquet: observations, warnings, deliveries, receipts
    Export(command::export::Arguments),
    /// The far sides in play: a carrier, site devices, a storm
    #[command(subcommand)]
    Simulate(command::simulate::Command),
}

/// Every fault of a configuration whose relative paths begin in `base`.
pub fn faults_of_configuration(file: &str, bytes: &[u8], base: &Path) -> Vec<Fault> {
    config::faults(file, bytes, base)
}

/// The signals of other authorities that a file given to `replay` holds for a city, and its faults.
pub fn official_signals(file: &str, bytes: &[u8], city: &City) -> (Vec<Signal>, Vec<Fault>) {
    let read = command::recorded::official_signals(file, bytes, city);
    (read.signals, read.faults)
}

/// Does what the arguments of the process say.
///
/// Exit codes: 0 done, 1 failed, 2 bad input or configuration. Data goes to standard output,
/// words to standard error.
pub fn run() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SANFANG_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Arguments::parse().command {
        Command::Bench(arguments) => command::bench::run(&arguments),
        Command::Check(arguments) => command::check::run(&arguments),
        Command::Demo(arguments) => command::demo::run(&arguments),
        Command::Serve(arguments) => command::serve::run(&arguments),
        Command::Relay(relaying) => command::relay::run(&relaying),
        Command::Replay(arguments) => command::replay::run(&arguments),
        Command::Rules(command) => command::rules::run(&command),
        Command::Topics(command) => command::topics::run(&command),
        Command::Warn(command) => command::warn::run(&command),
        Command::Audit(command) => command::audit::run(&command),
        Command::Drill(command) => command::drill::run(&command),
        Command::Export(arguments) => command::export::run(&arguments),
        Command::Simulate(command) => command::simulate::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.code()
        }
    }
}
