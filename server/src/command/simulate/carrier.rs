//! `sanfang simulate carrier`: a message centre until it is told to end, then what it counted.

use super::{span, told_to_end};
use crate::clock::Clock;
use crate::command::remote::block_on;
use crate::command::{Failure, print};
use clap::Args;
use dispatch::gateway::sms::Protocol;
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts, IdSpelling};
use model::Span;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How the centre behaves. Each `…-every N` strikes every Nth message; 0 is never.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// What it speaks: smpp, cmpp2, cmpp3, sgip or smgp
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol, default_value = "smpp")]
    protocol: Protocol,
    /// The only account it lets in; any without this
    #[arg(long, value_name = "ACCOUNT", default_value = "")]
    system_id: String,
    /// That account's password
    #[arg(long, default_value = "")]
    password: String,
    /// A delivery receipt comes so long after each message that asks for one
    #[arg(long, value_name = "SPAN", value_parser = span)]
    receipt_after: Option<Span>,
    /// How receipts spell a message's identifier: same, decimal, or mixed
    #[arg(long, value_name = "SPELLING", value_parser = spelling, default_value = "same")]
    receipt_ids: IdSpelling,
    /// Receipts go before the answers that name their messages
    #[arg(long)]
    receipts_first: bool,
    /// Receipts go by another session than their message, where one receives
    #[arg(long)]
    receipts_elsewhere: bool,
    /// SGIP: where receipts are brought, by a connection that the centre opens
    #[arg(long, value_name = "ADDRESS")]
    report_to: Option<SocketAddr>,
    /// Each answer comes so long after its message
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    latency: Span,
    /// Answered "throttled"
    #[arg(long, value_name = "N", default_value_t = 0)]
    throttle_every: u64,
    /// Taken and never answered
    #[arg(long, value_name = "N", default_value_t = 0)]
    silence_every: u64,
    /// Refused for good
    #[arg(long, value_name = "N", default_value_t = 0)]
    refuse_every: u64,
    /// Receipt says "undeliverable"
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail_every: u64,
    /// Hangs up on a session after so many messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    close_after: u64,
    /// Stands still after so many messages of a session: the connection stays and nothing moves
    #[arg(long, value_name = "N", default_value_t = 0)]
    stall_after: u64,
    /// Append a line for each message taken: number, accepted or silent, destination,
    /// identifiers, validity period, text; between tabs
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// How often its counts are said.
const SAID_EVERY: Duration = Duration::from_secs(5);

fn spelling(text: &str) -> Result<IdSpelling, String> {
    match text {
        "same" => Ok(IdSpelling::Same),
        "mixed" => Ok(IdSpelling::Mixed),
        "decimal" => Ok(IdSpelling::Decimal),
        _ => Err("same, mixed or decimal".into()),
    }
}

fn protocol(text: &str) -> Result<Protocol, String> {
    Protocol::of(text).ok_or_else(|| "smpp, cmpp2, cmpp3, sgip or smgp".into())
}

/// Plays until told to end; prints the counts as one JSON object.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = CarrierConfig {
        listen: arguments.listen,
        protocol: arguments.protocol,
        system_id: arguments.system_id.clone(),
        password: arguments.password.clone(),
        receipt_after: arguments.receipt_after,
        receipt_every: 1,
        receipt_ids: arguments.receipt_ids,
        receipts_first: arguments.receipts_first,
        receipts_elsewhere: arguments.receipts_elsewhere,
        report_to: arguments.report_to,
        latency: arguments.latency,
        throttle_every: arguments.throttle_every,
        silence_every: arguments.silence_every,
        refuse_every: arguments.refuse_every,
        fail_every: arguments.fail_every,
        close_after: arguments.close_after,
        stall_after: arguments.stall_after,
        log: arguments.log.clone(),
    };
    let counts = block_on(async {
        let carrier = Carrier::bind(config, || Clock::wall().now())
            .await
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let counts = carrier.counts();
        eprintln!("listening on {}; Ctrl-C ends it", carrier.address());
        let serving = tokio::spawn(carrier.serve());
        let ended = tokio::select! {
            ended = told_to_end() => ended,
            () = say(Arc::clone(&counts)) => Ok(()),
        };
        serving.abort();
        ended.map(|()| counts)
    })?;
    let figures = json!({
        "binds": Counts::read(&counts.binds),
        "submits": Counts::read(&counts.submits),
        "accepted": Counts::read(&counts.accepted),
        "throttled": Counts::read(&counts.throttled),
        "refused": Counts::read(&counts.refused),
        "silent": Counts::read(&counts.silent),
        "flashes": Counts::read(&counts.flashes),
        "receipts": Counts::read(&counts.receipts),
        "receipts_lost": Counts::read(&counts.receipts_lost),
        "receipts_taken": Counts::read(&counts.receipts_taken),
    });
    print::lines(&[figures.to_string()])
}

/// Says what came in, whenever something did.
async fn say(counts: Arc<Counts>) {
    let mut said = 0;
    loop {
        tokio::time::sleep(SAID_EVERY).await;
        let submits = Counts::read(&counts.submits);
        if submits != said {
            said = submits;
            eprintln!(
                "{submits} messages, {} accepted, {} receipts",
                Counts::read(&counts.accepted),
                Counts::read(&counts.receipts)
            );
        }
    }
}
