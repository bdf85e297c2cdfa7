//! Starts and stops a process: journal, pumps, couriers, API, in that order and back.

use crate::api;
use crate::app::App;
use crate::capbook::CapBook;
use crate::clock::{Clock, monotonic_micros};
use crate::courier::{self, Single};
use crate::installation::Installation;
use crate::intake::Intake;
use crate::latency::Latency;
use crate::metrics::Metrics;
use crate::outcome::Outcomes;
use crate::people::People;
use crate::pump::{self, kind};
use crate::stream::Stream;
use crate::view::View;
use dispatch::gateway::push::Hub;
use dispatch::gateway::smpp::LinkConfig;
use dispatch::ladder::Call;
use ingest::register::Registrar;
use journal::{DiskJournal, Journal, JournalError, Kind, Partition, Topic};
use model::{Mode, Span, Time, Warning, Zone};
use parking_lot::Mutex;
use rules::{Change, Policy};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use tokio::net::TcpListener;

/// Subscribed apps at once.
const PUSH_CLIENTS_MAX: usize = 50_000;
/// Push events held for those who come back.
const PUSH_EVENTS_MAX: usize = 1_024;
/// Disk space kept for orders, warnings, deliveries and receipts.
const RESERVE_BYTES: u64 = 256 << 20;

/// How a process is to run.
pub(crate) struct Options {
    /// What is loaded.
    pub(crate) installation: Installation,
    /// Where record times come from.
    pub(crate) clock: Clock,
    /// Which world.
    pub(crate) mode: Mode,
    /// Whether proposals wait for people.
    pub(crate) policy: Policy,
    /// Who may act.
    pub(crate) people: People,
    /// Links in partition order, by name.
    pub(crate) links: Vec<(String, LinkKind)>,
    /// Where the API listens; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Whether observations are taken without a token.
    pub(crate) open_intake: bool,
    /// Address others reach the CAP feed under.
    pub(crate) public_url: String,
    /// Record time between snapshots.
    pub(crate) snapshot_every: Span,
}

/// What serves a link.
pub(crate) enum LinkKind {
    /// SMPP sessions to one account, and its pace.
    Sms(Box<LinkConfig>, u32),
    /// Anything else.
    Single(Single),
}

/// A process that runs.
pub(crate) struct Running {
    /// What the loops share.
    pub(crate) app: Arc<App>,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    server: tokio::task::JoinHandle<()>,
}

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The journal.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// The address.
    #[error("cannot listen on {address}: {source}; is another process there?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The city.
    #[error("{0}")]
    City(String),
}

/// Opens the journal and starts every loop.
pub(crate) async fn start(journal: &Path, options: Options) -> Result<Running, StartError> {
    let disk = Arc::new(DiskJournal::open(
        journal,
        journal::disk::Options {
            reserve_bytes: RESERVE_BYTES,
            clock_ns: Some(|| monotonic_micros().saturating_mul(1000)),
            ..journal::disk::Options::default()
        },
    )?);
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|source| StartError::Listen {
        address: options.listen,
        source,
    })?;
    let address = listener.local_addr().map_err(StartError::Thread)?;
    let shared: Arc<dyn Journal> = Arc::<DiskJournal>::clone(&disk);
    let installation = Arc::new(options.installation);
    let city = Arc::clone(&installation.city);
    let metrics = Metrics::new().map_err(|error| StartError::City(error.to_string()))?;
    let latency = Arc::new(Latency::default());
    let (senders, receivers): (Vec<_>, Vec<_>) =
        city.zones.iter().map(|_| pump::questions()).unzip();
    let (names, kinds): (Vec<_>, Vec<_>) = options.links.into_iter().unzip();
    let registrar = Registrar::new(&city, city.policy.lateness.future);
    let cap = CapBook::new(Arc::clone(&installation));
    let app = Arc::new(App {
        intake: Intake::new(
            Arc::clone(&shared),
            options.clock.clone(),
            metrics.clone(),
            Arc::clone(&latency),
            options.mode,
            registrar,
        ),
        view: View::new(&city, Stream::new()),
        cap: cap.map_err(|error| StartError::City(format!("city.toml: authority: {error}")))?,
        journal: shared,
        disk: Some(disk),
        clock: options.clock,
        mode: options.mode,
        policy: options.policy,
        snapshot_every: options.snapshot_every,
        open_intake: options.open_intake,
        people: options.people,
        metrics,
        latency,
        outcomes: Outcomes::default(),
        links: names,
        push: Hub::new(PUSH_EVENTS_MAX, PUSH_CLIENTS_MAX),
        public_url: options.public_url,
        questions: senders,
        stepped: city.zones.iter().map(|_| AtomicU64::new(0)).collect(),
        behind: AtomicUsize::new(city.zones.len()),
        stop: AtomicBool::new(false),
        failure: Mutex::default(),
        signals_seen: Mutex::default(),
        installation,
    });
    remember(&app).await?;
    let mut threads = Vec::new();
    for (zone, questions) in receivers.into_iter().enumerate() {
        let app = Arc::clone(&app);
        let zone = Zone(zone as u16);
        threads.push(spawn(format!("zone-{}", zone.0), move || {
            if let Err(error) = pump::run(Arc::clone(&app), zone, questions) {
                app.fail(format!("zone {}: {error}", zone.0));
            }
        })?);
    }
    for (number, kind) in kinds.into_iter().enumerate() {
        let app = Arc::clone(&app);
        threads.push(spawn(format!("link-{number}"), move || {
            link(&app, number, kind)
        })?);
    }
    let router = api::router(Arc::clone(&app));
    let stopped = Arc::clone(&app);
    let server = tokio::spawn(async move {
        let stop = async move {
            while !stopped.stopping() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        // Event streams never end by themselves: they are cut when the process stops.
        tokio::select! {
            served = axum::serve(listener, router).into_future() => drop(served),
            () = stop => {}
        }
    });
    Ok(Running {
        app,
        address,
        threads,
        server,
    })
}

impl Running {
    /// Ends every loop and waits for it; says why the process failed, if it did.
    pub(crate) async fn stop(self) -> Result<(), String> {
        self.app.stop.store(true, Ordering::Release);
        drop(self.server.await);
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                drop(thread.join());
            }
        });
        drop(joined.await);
        let failure = self.app.failure.lock().clone();
        failure.map_or(Ok(()), Err)
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let thread = std::thread::Builder::new().name(name).spawn(work);
    thread.map_err(StartError::Thread)
}

/// One link in its own thread: a slow carrier delays nobody else.
fn link(app: &Arc<App>, number: usize, kind: LinkKind) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return app.fail(format!("link {number}: {error}")),
    };
    let shared = Arc::clone(app);
    let done = runtime.block_on(async move {
        match kind {
            LinkKind::Sms(config, pace) => courier::run_sms(shared, number, *config, pace).await,
            LinkKind::Single(single) => courier::run_single(shared, number, single).await,
        }
    });
    if let Err(error) = done {
        app.fail(format!("link {number}: {error}"));
    }
}

/// Shows what the journal holds of earlier runs: warnings, situations, calls, CAP documents.
async fn remember(app: &Arc<App>) -> Result<(), StartError> {
    let topic = Topic::new(Kind::Warnings, app.mode);
    let zones = app.installation.city.zones.len();
    let mut released: Vec<(Time, Warning)> = Vec::new();
    for zone in 0..zones {
        let partition = Partition(zone as u16);
        let mut next = app.journal.first(topic, partition);
        loop {
            let records = app.journal.read(topic, partition, next, 1 << 20)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                next = record.offset.plus(1);
                let at = Time::from_millis(record.time_ms);
                match record.kind {
                    kind::WARNING => {
                        if let Ok(warning) = serde_json::from_slice::<Warning>(record.payload()) {
                            courier::show_warning(app, &warning, at);
                            released.push((at, warning));
                        }
                    }
                    kind::CHANGE => {
                        if let Ok(change) = serde_json::from_slice::<Change>(record.payload()) {
                            courier::show_change(app, &change);
                        }
                    }
                    kind::CALL => {
                        if let Ok(call) = serde_json::from_slice::<Call>(record.payload()) {
                            courier::show_call(app, call.warning, &call.place, Some(&call));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    released.sort_by_key(|(at, warning)| (*at, warning.zone, warning.revision));
    for (at, warning) in released {
        if let Err(error) = app.cap.recall(&*app.journal, &warning, at).await {
            tracing::warn!(warning = %warning.id, %error, "no CAP document");
        }
    }
    Ok(())
}
