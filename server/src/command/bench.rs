//! `sanfang bench`: what this machine carries, measured on the real service.
//!
//! The service is a child process (`sanfang serve`) with a journal on disk and real syncs; this
//! process makes the load and plays carrier and public. Both take from the same cores, so CPU time
//! of each stands beside the rate. Everything is on loopback and bounded in time.

mod client;
mod hindcast;
mod http;
mod kafka;
mod latency;
mod mqtt;
mod recovery;
mod replay;
mod report;
mod served;
mod sms;
mod stream;
mod targeting;
mod urgent;

use super::Failure;
use clap::{Args, ValueEnum};
use report::Line;
use served::Scratch;
use std::path::PathBuf;
use std::time::Duration;

/// What to measure and with what.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum, default_value = "all")]
    what: Vec<What>,
    /// City whose people and sites are used
    #[arg(long, value_name = "DIR", default_value = "testdata/city")]
    city: PathBuf,
    /// City of many gauges (`make bench` makes it)
    #[arg(long, value_name = "DIR", default_value = "testdata/out/bench-city")]
    gauges: PathBuf,
    /// Six hours of those gauges, NDJSON, for replay
    #[arg(long, value_name = "FILE", default_value = "testdata/out/bench.ndjson")]
    storm: PathBuf,
    /// Rulebooks that are in force together for hindcast, beside the city's own
    #[arg(long, value_name = "DIR", default_value = "testdata/rulebooks")]
    rulebooks: PathBuf,
    /// Seconds of load for each line
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Subscribers told by SMPP
    #[arg(long, alias = "messages", default_value_t = 3_000_000)]
    recipients: usize,
    /// Links that share them by how their numbers begin, for sms and urgent
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    links: u64,
    /// Unanswered submits of one SMPP session
    #[arg(long, default_value_t = 8_192)]
    window: usize,
    /// SMPP sessions
    #[arg(long, default_value_t = 2)]
    sessions: usize,
    /// People of the city for targeting
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=60_000_000))]
    people: u64,
    /// Where targeting leaves its people and places for others to be asked the same
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// Gauges whose windows are full when the service is killed
    #[arg(long, default_value_t = 100_000)]
    series: usize,
    /// Hours of minute values that fill them
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(i64).range(1..=72))]
    hours: i64,
    /// Brokers for kafka and take-over, as `make kafka-up` prints them
    #[arg(long, value_name = "ADDRESSES")]
    brokers: Option<String>,
    /// Directory for journals, on the disk to be measured; emptied afterwards
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Print the lines as one JSON array
    #[arg(long)]
    json: bool,
}

/// Each so-manieth message brings a receipt: a few, then all.
const RECEIPTS: [u64; 2] = [20, 1];

/// One kind of load.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Observations over HTTP in batches of 100, 1,000 and 5,000: durable and evaluated
    Http,
    /// One observation a request over many connections
    Single,
    /// One observation a message through a real mosquitto, QoS 1
    Mqtt,
    /// An accepted observation to the first short message on the wire, idle and under load
    Latency,
    /// One act to a whole city by SMPP, killed in the middle; outcomes read back from disk
    Sms,
    /// The same by urgency: the first tenth by risk, a red raised in the middle, a cancel
    Urgent,
    /// Recorded observations through the rules, from a file
    Replay,
    /// The same through all shipped rules at once, from file to score, by stage
    Hindcast,
    /// Killed with three days of minute values in its windows, to evaluating again
    Recovery,
    /// A roll of many people read, sealed and opened, and drawn places resolved over them
    Targeting,
    /// Observations over HTTP with the journal on disk, then on Kafka in one process and in four
    Kafka,
    /// Over Kafka the owner of a zone is killed: from then to the first warning of the next owner
    TakeOver,
    /// All of them but those over Kafka
    All,
}

/// Measures and prints; what was measured before something failed as well.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut lines: Vec<Line> = Vec::new();
    let measured = measure(arguments, &mut lines);
    report::print(&lines, arguments.json)?;
    measured
}

fn measure(arguments: &Arguments, lines: &mut Vec<Line>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    let scratch = Scratch::new(arguments.scratch.as_deref()).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(failed)?;
    let asked = |what: What| arguments.what.contains(&what) || arguments.what.contains(&What::All);
    let load = Duration::from_secs(arguments.seconds);
    if asked(What::Http) {
        lines.extend(runtime.block_on(http::batches(&arguments.gauges, &scratch, load))?);
    }
    if asked(What::Single) {
        lines.extend(runtime.block_on(http::single(&arguments.gauges, &scratch, load))?);
    }
    if asked(What::Mqtt) {
        lines.extend(runtime.block_on(mqtt::measure(&arguments.gauges, &scratch, load))?);
    }
    if asked(What::Latency) {
        lines.extend(runtime.block_on(latency::measure(&arguments.city, &scratch))?);
    }
    if asked(What::Sms) {
        for receipt_every in RECEIPTS {
            let load = arguments.load(receipt_every);
            lines.extend(runtime.block_on(sms::measure(&arguments.city, &scratch, load))?);
        }
    }
    if asked(What::Urgent) {
        let [receipt_every, _] = RECEIPTS;
        let load = arguments.load(receipt_every);
        lines.extend(runtime.block_on(urgent::measure(&arguments.city, &scratch, load))?);
    }
    if asked(What::Replay) {
        lines.extend(replay::measure(&arguments.gauges, &arguments.storm)?);
    }
    if asked(What::Hindcast) {
        let load = hindcast::Load {
            city: &arguments.gauges,
            storm: &arguments.storm,
            rulebooks: &arguments.rulebooks,
        };
        lines.extend(hindcast::measure(&load, &scratch)?);
    }
    if asked(What::Recovery) {
        let (series, hours) = (arguments.series, arguments.hours);
        let measured = recovery::measure(&arguments.gauges, &scratch, series, hours);
        lines.extend(runtime.block_on(measured)?);
    }
    if asked(What::Targeting) {
        let load = targeting::Load {
            city: &arguments.city,
            people: arguments.people,
            export: arguments.export.as_deref(),
        };
        lines.extend(targeting::measure(&load, &scratch)?);
    }
    if arguments.what.contains(&What::Kafka) {
        let brokers = brokers(arguments)?;
        let measured = kafka::throughput(&arguments.gauges, &scratch, brokers, load);
        lines.extend(runtime.block_on(measured)?);
    }
    if arguments.what.contains(&What::TakeOver) {
        let brokers = brokers(arguments)?;
        let (series, hours) = (arguments.series.min(kafka::SERIES_MAX), arguments.hours);
        let measured = kafka::take_over(&arguments.gauges, &scratch, brokers, series, hours);
        lines.extend(runtime.block_on(measured)?);
    }
    Ok(())
}

impl Arguments {
    /// How links of short messages are driven.
    fn load(&self, receipt_every: u64) -> sms::Load {
        sms::Load {
            recipients: self.recipients,
            links: usize::try_from(self.links).unwrap_or(1),
            window: self.window,
            sessions: self.sessions,
            receipt_every,
        }
    }
}

fn brokers(arguments: &Arguments) -> Result<&str, Failure> {
    let why = "--brokers: it is missing; `make kafka-up` starts three and prints their addresses";
    let brokers = arguments.brokers.as_deref();
    brokers.ok_or_else(|| Failure::BadInput(why.to_owned()))
}
