//! `sanfang demo`: a storm over the demo city, from gauges to phones, on one machine.
//!
//! The same process as `serve`, with a clock of its own that starts at the storm, a carrier
//! simulator on loopback, two duty officers who sign, and responsible persons who answer.

mod far_sides;
mod people;
mod storm;
mod story;
mod verdict;

use super::{Failure, Speed};
use crate::app::Period;
use crate::clock::Clock;
use crate::config::{HttpSection, KeptSeries};
use crate::courier::Single;
use crate::gaps::StationsFile;
use crate::installation::Installation;
use crate::people::{People, Person, Scope, token_hash};
use crate::process::{self, Folders, LinkKind, Options, Running, Storage};
use crate::roles::Roles;
use clap::Args;
use dispatch::gateway::sms::{LinkConfig, Secret};
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts};
use model::{Mode, Span, Time};
use rules::Policy;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How to run it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR", default_value = "testdata/city")]
    city: PathBuf,
    /// A storm that `make city` writes, `rainstorm` or `typhoon`; or observations of your own,
    /// NDJSON in the order they came in
    #[arg(long, value_name = "NAME|FILE", default_value = "rainstorm")]
    storm: PathBuf,
    /// Warnings that must go out, one `hazard zone tier` a line; those of a storm by name are known
    #[arg(long, value_name = "FILE")]
    expected: Option<PathBuf>,
    /// Times faster than the clock on the wall, or `max`
    #[arg(long, default_value = "60")]
    speed: Speed,
    /// End with the storm instead of keeping the console open
    #[arg(long)]
    headless: bool,
    /// Sign yourself in the console: the duty officers keep their hands off
    #[arg(long)]
    hands_on: bool,
    /// Where the console and the API listen
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Journal directory to keep; a temporary one is used and removed otherwise
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Send short messages to this message centre (account and password `demo`) instead of the
    /// simulator's
    #[arg(long, value_name = "ADDRESS", conflicts_with = "carrier_log")]
    carrier: Option<SocketAddr>,
    /// Append every message the carrier takes to this file
    #[arg(long, value_name = "FILE")]
    carrier_log: Option<PathBuf>,
}

impl Arguments {
    /// The storm's observations, and the warnings that must come of them.
    fn storm(&self) -> (PathBuf, Option<PathBuf>) {
        let is_name = self.storm.components().count() == 1 && self.storm.extension().is_none();
        if !is_name {
            return (self.storm.clone(), self.expected.clone());
        }
        let testdata = self.city.parent().unwrap_or(Path::new("."));
        let observations = testdata.join("out").join(&self.storm);
        let known = testdata.join("expected").join(&self.storm);
        let expected = self.expected.clone();
        (
            observations.with_extension("ndjson"),
            expected.or(Some(known.with_extension("txt"))),
        )
    }
}

/// The two duty officers of the demo; their tokens open the console.
const OFFICERS: [(&str, &str, &str); 2] = [
    ("chen", "陈雨 Chen Yu", "demo-chen"),
    ("wang", "王岩 Wang Yan", "demo-wang"),
];
/// The deputies whom the demo city names, called where the officers let the clock run out.
const DEPUTIES: [(&str, &str, &str); 2] = [
    ("deputy-duty", "值班副主任 Deputy on duty", "demo-deputy"),
    ("chief", "值班主任 Chief on duty", "demo-chief"),
];
/// How long the last messages may take.
const DRAIN: Duration = Duration::from_secs(120);

/// Runs the demo.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let began = storm::first_time(&arguments.storm().0)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let scratch = std::env::temp_dir().join(format!("sanfang-demo-{}", std::process::id()));
    let journal = arguments.journal.clone().unwrap_or_else(|| scratch.clone());
    let outcome = runtime.block_on(demo(arguments, began, &journal));
    if arguments.journal.is_none() {
        // What is left behind in the temporary folder is only space.
        drop(std::fs::remove_dir_all(&scratch));
    }
    outcome
}

async fn demo(arguments: &Arguments, began: Time, journal: &Path) -> Result<(), Failure> {
    let folders = Folders {
        city: &arguments.city,
        directory: &journal.join("directory"),
        key_file: &journal.join("directory.key"),
        is_roll: false,
    };
    let (opened, installation) = process::open(folders, journal, Storage::default(), Mode::Actual)?;
    let clock = match arguments.speed {
        Speed::Times(times) => Clock::scaled(began, times),
        Speed::Max => Clock::stepped(began),
    };
    let (storm, expected) = arguments.storm();
    let (address, counts) = carrier(arguments).await?;
    let (links, arrived) = far_sides::links(&installation, clock.clone()).await?;
    let offset = installation.city.offset;
    let options = options(arguments, installation, clock, address, links);
    let running = process::start(opened, options).await?;
    let app = Arc::clone(&running.app);
    story::opening(&app, running.address, arguments.headless);
    let story = tokio::spawn(story::tell(Arc::clone(&app), offset));
    let mut cast = people::Cast::default();
    cast.hands_off = arguments.hands_on;
    let mut acting = None;
    let passed = match arguments.speed {
        // As fast as the machine can: everybody has their turn each minute of record time.
        Speed::Max => storm::pass(&app, &storm, Some(&mut cast)).await,
        Speed::Times(_) => {
            acting = Some(tokio::spawn(people::act(Arc::clone(&app), cast)));
            storm::pass(&app, &storm, None).await
        }
    };
    let outcome = match passed {
        Err(failure) => Err(failure),
        Ok(figures) => {
            drain(&running).await;
            story::closing(&app, &figures, &counts, &arrived);
            expected.map_or(Ok(()), |expected| verdict::check(&app, &expected))
        }
    };
    if !arguments.headless && outcome.is_ok() {
        eprintln!(
            "\nconsole: http://{}/#token={} — Ctrl-C ends the demo",
            running.address, OFFICERS[0].2
        );
        drop(tokio::signal::ctrl_c().await);
    }
    for task in [Some(story), acting].into_iter().flatten() {
        task.abort();
    }
    running.stop().await.map_err(Failure::Failed)?;
    outcome
}

/// Waits until every link has nothing left to send, within bounds.
async fn drain(running: &Running) {
    let waiting = tokio::time::timeout(DRAIN, async {
        let mut quiet = 0;
        while quiet < 5 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let open = running
                .app
                .view
                .deliveries()
                .iter()
                .any(|d| d.finished.is_none() && d.not_waiting());
            quiet = if open { 0 } else { quiet + 1 };
        }
    });
    drop(waiting.await);
}

async fn carrier(arguments: &Arguments) -> Result<(SocketAddr, Arc<Counts>), Failure> {
    if let Some(address) = arguments.carrier {
        return Ok((address, Arc::default()));
    }
    let config = CarrierConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        receipt_after: Some(Span::from_millis(300)),
        throttle_every: 9_973,
        log: arguments.carrier_log.clone(),
        ..CarrierConfig::default()
    };
    // The centre stamps its receipts by the wall: its times are for people.
    let carrier = Carrier::bind(config, || Clock::wall().now())
        .await
        .map_err(|error| Failure::Failed(format!("carrier simulator: {error}")))?;
    let found = (carrier.address(), carrier.counts());
    tokio::spawn(carrier.serve());
    Ok(found)
}

fn options(
    arguments: &Arguments,
    installation: Installation,
    clock: Clock,
    carrier: SocketAddr,
    far_sides: Vec<(String, LinkKind)>,
) -> Options {
    let person = |(id, name, token): (&str, &str, &str)| Person {
        id: id.into(),
        name: name.into(),
        scopes: vec![
            Scope::Read,
            Scope::Approve,
            Scope::Issue,
            Scope::Answer,
            Scope::Signal,
            Scope::Respond,
        ],
        token_sha256: token_hash(token),
    };
    let sms = LinkConfig {
        addresses: vec![carrier.to_string()],
        account: "demo".into(),
        password: Secret("demo".into()),
        window: Some(1000),
        ..LinkConfig::default()
    };
    Options {
        installation,
        clock,
        mode: Mode::Actual,
        policy: Policy::Live,
        people: People::new(OFFICERS.into_iter().chain(DEPUTIES).map(person).collect()),
        links: [
            ("cap".into(), LinkKind::Single(Single::Cap)),
            ("push".into(), LinkKind::Single(Single::Push)),
            ("sms".into(), LinkKind::Sms(Box::new(sms), 0)),
        ]
        .into_iter()
        .chain(far_sides)
        .collect(),
        listen: arguments.listen,
        http: HttpSection::default(),
        open_intake: true,
        subscriptions: None,
        public_url: format!("http://{}", arguments.listen),
        answer_url: Some(format!("http://{}", arguments.listen)),
        cap_signer: None,
        snapshots: Period {
            every: Span::from_minutes(30),
            inputs: 2_000_000,
            // A journal that is thrown away needs none.
            at_stop: arguments.journal.is_some(),
        },
        series: KeptSeries::default(),
        bulletins: Vec::new(),
        base_stations: StationsFile::default(),
        roles: Roles::ALL,
        seat: None,
        relay: None,
        exercises: None,
    }
}
