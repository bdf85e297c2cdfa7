//! `sanfang simulate`: the far sides in play, for demonstrations, load and tests of faults.

mod carrier;
mod devices;
mod storm;

use super::Failure;
use clap::Subcommand;
use model::Span;
use tokio::signal::unix::{SignalKind, signal};

/// What to play.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// A carrier's message centre (SMPP, CMPP, SGIP, SMGP) that logs what it takes, with faults on demand
    Carrier(carrier::Arguments),
    /// Site devices at an MQTT broker: signs, sirens and barriers that obey and report
    Devices(devices::Arguments),
    /// A storm: recorded observations sent to a server as they would come in
    Storm(storm::Arguments),
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Carrier(arguments) => carrier::run(arguments),
        Command::Devices(arguments) => devices::run(arguments),
        Command::Storm(arguments) => storm::run(arguments),
    }
}

/// A span as people write it: `300ms`, `5s`, `2m`.
fn span(text: &str) -> Result<Span, String> {
    let millis = text
        .strip_suffix("ms")
        .and_then(|digits| digits.parse::<u32>().ok());
    match millis {
        Some(millis) => Ok(Span::from_millis(i64::from(millis))),
        None => Span::parse(text).map_err(|_| "write 300ms, 5s or 2m".into()),
    }
}

/// Resolves when the process is told to end.
async fn told_to_end() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| Failure::Failed(format!("signals: {error}")))?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::Failed(format!("signals: {error}")))
        }
        _ = terminate.recv() => Ok(()),
    }
}
