//! `sanfang simulate devices`: every device of a secrets file at a broker, until told to end.

use super::{span, told_to_end};
use crate::clock::Clock;
use crate::command::remote::block_on;
use crate::command::{Failure, print};
use crate::config;
use clap::Args;
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
use model::Span;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Which devices, where, and what is wrong with them.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The devices' broker
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883")]
    broker: String,
    /// TOML file with a hexadecimal secret for each device, the one that [devices] names
    #[arg(long, value_name = "FILE")]
    secrets: PathBuf,
    /// Time a device takes between hearing and reporting
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "200ms")]
    delay: Span,
    /// A device with a fault: ID=dead, stuck, stuck-silently or wrong-signature; again for each
    #[arg(long = "fault", value_name = "ID=FAULT", value_parser = fault)]
    faults: Vec<(String, Fault)>,
}

fn fault(text: &str) -> Result<(String, Fault), String> {
    let known = "write ID=dead, stuck, stuck-silently or wrong-signature";
    let (id, fault) = text.split_once('=').ok_or(known)?;
    let fault = match fault {
        "dead" => Fault::Dead,
        "stuck" => Fault::Stuck,
        "stuck-silently" => Fault::StuckSilently,
        "wrong-signature" => Fault::WrongSignature,
        _ => return Err(known.into()),
    };
    Ok((id.to_owned(), fault))
}

/// Plays until told to end; prints how each device stands, one JSON object a line.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let secrets = config::secrets(&arguments.secrets).map_err(Failure::BadInput)?;
    let faults: BTreeMap<_, _> = arguments.faults.iter().cloned().collect();
    if let Some(id) = faults.keys().find(|id| !secrets.contains_key(*id)) {
        return Err(Failure::BadInput(format!(
            "--fault {id}: no such device in {}",
            arguments.secrets.display()
        )));
    }
    let device = |(id, secret): (&String, &Vec<u8>)| {
        Device::new(id, secret, faults.get(id).copied().unwrap_or_default())
    };
    let devices = secrets.iter().map(device).collect();
    let millis = u64::try_from(arguments.delay.millis()).unwrap_or(0);
    let fleet = FleetConfig {
        broker: arguments.broker.clone(),
        client: format!("sanfang-simulated-devices-{}", std::process::id()),
        delay: Duration::from_millis(millis),
    };
    let lines = block_on(async {
        let fleet = Fleet::connect(&fleet, devices, || Clock::wall().now())
            .await
            .map_err(|error| Failure::Failed(format!("{}: {error}", arguments.broker)))?;
        eprintln!(
            "{} devices at {}; Ctrl-C ends them",
            secrets.len(),
            arguments.broker
        );
        let ended = told_to_end().await;
        let line = |id: &String| {
            let device = fleet.device(id)?;
            let stands = json!({
                "device": id,
                "position": device.position(),
                "shows": device.shows(),
                "lit": device.is_lit(Clock::wall().now()),
                "acted": device.acted(),
            });
            Some(stands.to_string())
        };
        let lines: Vec<String> = secrets.keys().filter_map(line).collect();
        fleet.close().await;
        ended.map(|()| lines)
    })?;
    print::lines(&lines)
}
