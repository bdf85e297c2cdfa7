//! `sanfang relay`: area jobs of centres, in a carrier's or a platform's hands.

use super::{Failure, serve};
use crate::config::{Config, Store};
use crate::roles::{Role, Roles};
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

mod conform;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Relaying {
    /// Take jobs and carry them, until SIGINT or SIGTERM
    Serve(Arguments),
    /// Ask a far side whether it answers as docs/area-jobs.md says; nothing is sent unless --send is given
    Conform(conform::Arguments),
}

/// What to relay.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration file: city (areas and the roll), journal, listen, [[sms]] and [[centre]]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where centres call, in place of the file's listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Does it.
pub(crate) fn run(relaying: &Relaying) -> Result<(), Failure> {
    match relaying {
        Relaying::Serve(arguments) => relay(arguments),
        Relaying::Conform(arguments) => conform::run(arguments),
    }
}

fn relay(arguments: &Arguments) -> Result<(), Failure> {
    let (mut config, notices) =
        Config::read(&arguments.config).map_err(|faults| Failure::BadInput(faults.to_string()))?;
    for notice in notices {
        tracing::warn!("{notice}");
    }
    if config.centres.is_empty() || config.sms.is_empty() {
        let why = "a relay needs a [[centre]] that sends jobs and an [[sms]] that carries them: add \
                   them, or run `sanfang serve`";
        return Err(Failure::BadInput(why.to_owned()));
    }
    if matches!(config.store, Store::Kafka(..)) {
        let why = "kafka: a relay keeps its journal on disk: write journal = \"…\" in its place";
        return Err(Failure::BadInput(why.to_owned()));
    }
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    config.roles = Roles::of(&[Role::Dispatch]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    runtime.block_on(serve::serve(&arguments.config, config))
}
