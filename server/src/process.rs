//! Starts and stops a process: journal, pumps, couriers, API, in that order and back.

mod beside;
mod held;

pub(crate) use beside::{DrillLink, ExerciseOptions};
pub(crate) use held::Held;

use crate::accounts::{self, Accounts};
use crate::answer_links::{self, AnswerLinks};
use crate::answered::Answered;
use crate::api;
use crate::app::{App, Period};
use crate::bulletins::Feed;
use crate::capbook::CapBook;
use crate::clock::{Clock, monotonic_micros};
use crate::config::{HttpSection, KeptSeries};
use crate::courier::{self, AreaLink, DeviceLink, Single, VoiceLink};
use crate::edge::{self, Edge};
use crate::gaps::StationsFile;
use crate::installation::{Faulty, Installation};
use crate::intake::Intake;
use crate::latency::Latency;
use crate::links;
use crate::living::Living;
use crate::metrics::Metrics;
use crate::outcome::Outcomes;
use crate::owners::{self, Ended, Served};
use crate::peers::{self, Peers};
use crate::people::People;
use crate::pump;
use crate::registry::{Registry, RegistryError};
use crate::relay::{Post, Relay};
use crate::reload::Reload;
use crate::roles::{Role, Roles};
use crate::screens::Screens;
use crate::silence;
use crate::space;
use crate::stream::Stream;
use crate::subscriptions::{self, Subscriptions};
use crate::term::Term;
use crate::vault::Vault;
use crate::view::View;
use crate::watch;
use crate::zones::{Standing, Zones};
use dispatch::gateway::area_topics::{AreaTopics, AreaTopicsConfig};
use dispatch::gateway::cap::CapSigner;
use dispatch::gateway::device::DeviceConfig;
use dispatch::gateway::push::Hub;
use dispatch::gateway::sms::LinkConfig;
use dispatch::gateway::web_push::WebPush;
use ingest::register::Registrar;
use journal::{
    Claim, Claims, DiskJournal, Journal, JournalError, KafkaJournal, KafkaOptions, Kind, Layout,
    Partition, Retentions, Topic,
};
use model::{Mode, Zone};
use parking_lot::{Mutex, RwLock};
use rules::Policy;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch as watch_channel;

/// Push events held for those who come back.
const PUSH_EVENTS_MAX: usize = 1_024;

/// Disk space kept where nothing else is said.
const RESERVE_BYTES: u64 = 256 << 20;

/// Longest wait for the last snapshots and sends of a stop; supervisors kill after 90 s.
const STOP_MAX: Duration = Duration::from_secs(60);
/// After so long a process without zones is ready to be given some.
const JOIN_MAX: Duration = Duration::from_secs(10);
/// Between two words about waiting.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at a thread that ends.
const LOOK_EVERY: Duration = Duration::from_millis(5);

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
    /// What the listener carries.
    pub(crate) http: HttpSection,
    /// Whether observations are taken without a token.
    pub(crate) open_intake: bool,
    /// Browsers that residents subscribe, where they are kept, and how many.
    pub(crate) subscriptions: Option<(Arc<WebPush>, PathBuf, usize)>,
    /// Address others reach the CAP feed under.
    pub(crate) public_url: String,
    /// Address that mails are answered under; without it they carry no link.
    pub(crate) answer_url: Option<String>,
    /// What signs our CAP alerts.
    pub(crate) cap_signer: Option<CapSigner>,
    /// How far snapshots may be apart.
    pub(crate) snapshots: Period,
    /// How long sealed rows are kept.
    pub(crate) series: KeptSeries,
    /// Sources of state bulletins.
    pub(crate) bulletins: Vec<Feed>,
    /// The state of base stations, where carriers put it into a file.
    pub(crate) base_stations: StationsFile,
    /// What this process does.
    pub(crate) roles: Roles,
    /// Who it is among others, where there can be any.
    pub(crate) seat: Option<Place>,
    /// What it relays, where it is a carrier's or a platform's.
    pub(crate) relay: Option<Post>,
    /// The world of exercises beside the real one.
    pub(crate) exercises: Option<ExerciseOptions>,
}

/// A process among others.
pub(crate) struct Place {
    /// Its name.
    pub(crate) node: String,
    /// Address that others ask it under; without it, its listener's.
    pub(crate) address: Option<String>,
    /// A broker, by which the listener's address is found where it is none.
    pub(crate) broker: String,
}

/// What serves a link.
#[derive(Clone)]
pub(crate) enum LinkKind {
    /// SMPP sessions to one account, and its pace.
    Sms(Box<LinkConfig>, u32),
    /// Site devices, connected to where the link is served.
    Devices(Box<DeviceConfig>),
    /// Topics of areas, connected to where the link is served.
    Areas(Box<AreaTopicsConfig>),
    /// Anything else.
    Single(Single),
    /// A release platform or a carrier that takes area jobs.
    Area(AreaLink),
    /// Calls through a SIP gateway, connected to where the link is served.
    Voice(Box<VoiceLink>),
    /// Nothing: the configuration gives no link of that channel.
    Absent,
}

/// A process that runs.
pub(crate) struct Running {
    /// What the loops share.
    pub(crate) app: Arc<App>,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    screens: tokio::task::JoinHandle<()>,
    /// Loops that only look for what screens show.
    looks: Vec<tokio::task::JoinHandle<()>>,
    watch: Option<tokio::task::JoinHandle<()>>,
    beside: Option<beside::Beside>,
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
    /// The city directory's files.
    #[error(transparent)]
    Faulty(#[from] Faulty),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// A journal that is open and what it holds of editions.
pub(crate) struct Opened {
    held: Held,
    registry: Registry,
    reserve_bytes: u64,
    /// Links that there can be.
    links_max: usize,
    /// Held while this process alone may put an edition in force, where others could.
    alone: Option<Claims>,
}

/// Where a process finds what is its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folders<'a> {
    /// City directory.
    pub(crate) city: &'a Path,
    /// Version files of the recipients' directory.
    pub(crate) directory: &'a Path,
    /// The key they are sealed under.
    pub(crate) key_file: &'a Path,
    /// True where the city directory is a relay's: areas and a roll.
    pub(crate) is_roll: bool,
}

/// How the journal lies on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    /// How long records live.
    pub(crate) retentions: Retentions,
    /// Size of a segment file.
    pub(crate) segment_bytes: u64,
    /// Disk space kept for orders, warnings, deliveries and receipts: observations are refused first.
    pub(crate) reserve_bytes: u64,
}

impl Default for Storage {
    fn default() -> Self {
        let options = journal::Options::default();
        Self {
            retentions: options.retentions,
            segment_bytes: options.segment_bytes,
            reserve_bytes: RESERVE_BYTES,
        }
    }
}

/// Opens the journal and loads the city so that numbers go on from there.
pub(crate) fn open(
    folders: Folders<'_>,
    journal: &Path,
    storage: Storage,
    mode: Mode,
) -> Result<(Opened, Installation), StartError> {
    let options = journal::Options {
        reserve_bytes: storage.reserve_bytes,
        retentions: storage.retentions,
        segment_bytes: storage.segment_bytes,
        clock_ns: Some(|| monotonic_micros().saturating_mul(1000)),
        ..journal::Options::default()
    };
    let disk = || {
        let disk = DiskJournal::open(journal, options)?;
        Ok(Held::Disk(Arc::new(disk)))
    };
    open_with(folders, mode, storage.reserve_bytes, disk)
}

/// Connects to the journal of many machines, whose topics are there.
pub(crate) fn open_kafka(
    folders: Folders<'_>,
    options: KafkaOptions,
    layout: &Layout,
    mode: Mode,
) -> Result<(Opened, Installation), StartError> {
    let kafka = Arc::new(KafkaJournal::open(options, layout, mode)?);
    let alone = loop {
        match alone(&kafka, mode, SAID_EVERY)? {
            Some(claims) => break claims,
            None => tracing::info!("waiting: another process of the deployment is starting"),
        }
    };
    let (opened, installation) = open_with(folders, mode, 0, || Ok(Held::Kafka(kafka)))?;
    let opened = Opened {
        alone: Some(alone),
        links_max: usize::from(layout.links),
        ..opened
    };
    Ok((opened, installation))
}

/// Waits until no other process of the deployment is starting or reloading: one at a time reads what
/// is in force, and adds to it. Nothing where that takes longer than `most`.
pub(crate) fn alone(
    kafka: &KafkaJournal,
    mode: Mode,
    most: Duration,
) -> Result<Option<Claims>, JournalError> {
    let claims = kafka.claims(Topic::new(Kind::Registry, mode), &[Partition(0)])?;
    loop {
        match claims.next(most) {
            Some(Claim::Granted(..)) => return Ok(Some(claims)),
            Some(Claim::Revoked(..)) => {}
            None => return Ok(None),
        }
    }
}

/// The same, whatever the journal lies on.
fn open_with(
    folders: Folders<'_>,
    mode: Mode,
    reserve_bytes: u64,
    journal: impl FnOnce() -> Result<Held, JournalError>,
) -> Result<(Opened, Installation), StartError> {
    let vault = Vault::open(folders.directory, folders.key_file).map_err(RegistryError::Vault)?;
    let held = journal()?;
    let registry = Registry::open(held.shared(), mode, vault)?;
    let earlier = registry.earlier()?;
    let installation = if folders.is_roll {
        Installation::load_roll(folders.city, &earlier)?
    } else {
        Installation::load(folders.city, None, &earlier)?
    };
    let opened = Opened {
        held,
        registry,
        reserve_bytes,
        links_max: usize::from(u16::MAX),
        alone: None,
    };
    Ok((opened, installation))
}

/// Puts the installation in force and starts the loops of the process's roles.
pub(crate) async fn start(opened: Opened, options: Options) -> Result<Running, StartError> {
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|source| StartError::Listen {
        address: options.listen,
        source,
    })?;
    let address = listener.local_addr().map_err(StartError::Thread)?;
    let (app, kinds, drill_kinds) = app(opened, options, address).await?;
    app.screens.show(&app);
    let following = Arc::clone(&app);
    let screens = tokio::spawn(async move {
        if let Err(error) = Screens::run(Arc::clone(&following)).await {
            following.fail(format!("screens: {error}"));
        }
    });
    let mut looks = vec![tokio::spawn(silence::watch(Arc::clone(&app)))];
    if app.roles.has(Role::Console) && app.kafka.is_some() {
        looks.push(tokio::spawn(watch::run(Arc::clone(&app))));
    }
    let mut threads = Vec::new();
    if app.roles.has(Role::Rules) {
        threads.push(zones(&app)?);
    }
    if app.roles.has(Role::Dispatch) {
        threads.push(links(&app, kinds)?);
    }
    let disk = app.disk.clone();
    let watch = disk.map(|disk| tokio::spawn(space::watch(Arc::clone(&app), disk)));
    let beside = beside::start(&app, drill_kinds)?;
    let router = beside::router(&app, api::router(Arc::clone(&app)));
    let (stopped, serving) = (Arc::clone(&app), Arc::clone(&app));
    let server = tokio::spawn(async move {
        let stop = async move { stopped.stopped().await };
        edge::serve(listener, router, serving, stop).await;
    });
    Ok(Running {
        app,
        address,
        threads,
        screens,
        looks,
        watch,
        beside,
        server,
    })
}

/// Links with their numbers.
type Numbered = Vec<(usize, LinkKind)>;

/// What the loops share, and the links with their numbers: its own, and those of exercises.
async fn app(
    opened: Opened,
    options: Options,
    address: SocketAddr,
) -> Result<(Arc<App>, Numbered, Numbered), StartError> {
    let Opened {
        held,
        mut registry,
        reserve_bytes,
        links_max,
        alone,
    } = opened;
    let shared = held.shared();
    let mut installation = options.installation;
    registry.keep_people(&mut installation)?;
    let installation = Arc::new(installation);
    registry.install(&installation, options.clock.now()).await?;
    let city = Arc::clone(&installation.city);
    let metrics = Metrics::new().map_err(|error| StartError::City(error.to_string()))?;
    let latency = Arc::new(Latency::default());
    let area_links = options.links.iter().filter_map(|(name, kind)| match kind {
        LinkKind::Area(AreaLink::Carrier(of)) => Some((name.clone(), Arc::clone(of))),
        LinkKind::Area(AreaLink::Platform(_))
        | LinkKind::Sms(..)
        | LinkKind::Devices(_)
        | LinkKind::Single(_)
        | LinkKind::Areas(_)
        | LinkKind::Voice(_)
        | LinkKind::Absent => None,
    });
    let area_links = area_links.collect();
    let sms = options.links.iter().filter_map(|(name, kind)| match kind {
        LinkKind::Sms(config, pace) => Some((name, &**config, *pace)),
        LinkKind::Area(_)
        | LinkKind::Devices(_)
        | LinkKind::Single(_)
        | LinkKind::Areas(_)
        | LinkKind::Voice(_)
        | LinkKind::Absent => None,
    });
    let sms: Vec<_> = sms.collect();
    let accounts = Accounts::new(&sms);
    if let Some((_, config, _)) = sms.first() {
        for fault in accounts::unknown("directory", &installation.directory, &config.kinds) {
            tracing::warn!("{}: {}", fault.what, fault.remedy);
        }
    }
    let absent = links::absent(options.links.iter().map(|(name, _)| name.as_str()), &city);
    let stand_ins = absent.iter().map(|name| (name.clone(), LinkKind::Absent));
    let (configured, kinds): (Vec<_>, Vec<_>) = options.links.into_iter().chain(stand_ins).unzip();
    let names = registry.links(&configured, links_max, options.clock.now());
    let names = names.await?;
    let node = options.seat.as_ref().map(|place| place.node.as_str());
    for rulebook in registry.interrupted(node, options.clock.now()).await? {
        let why = "its dry run ended with this process: put it forward again";
        tracing::warn!(rulebook, why);
    }
    // Whoever starts next may read what is in force.
    drop(alone);
    let numbers = configured
        .iter()
        .filter_map(|name| names.iter().position(|known| known == name));
    let kinds: Vec<_> = numbers.zip(kinds).collect();
    let registrar = Registrar::new(&city, city.policy.lateness.future);
    let cap = CapBook::new(Arc::clone(&installation));
    let link_key = registry.derive(answer_links::PURPOSE);
    let answer_links = AnswerLinks::new(options.answer_url.as_deref(), link_key);
    let subscription_key = registry.derive(subscriptions::PURPOSE);
    let subscriptions = options.subscriptions.map(|(browsers, folder, most)| {
        Subscriptions::open(&folder, subscription_key, most, browsers)
            .map_err(|error| StartError::City(format!("{}: {error}", folder.display())))
    });
    let subscriptions = subscriptions.transpose()?;
    let peers = options.seat.map(|place| {
        let own = place.address;
        let own = own.unwrap_or_else(|| peers::address(address, &place.broker));
        let now = options.clock.now();
        Peers::new(&place.node, own, now, registry.derive(peers::PURPOSE))
    });
    let (zones, links) = (city.zones.len(), names.len());
    let screens = Screens::open(&*shared, options.mode, zones, links, options.clock.now())?;
    // On one machine every zone comes, and is waited for.
    let steps_all = held.disk().is_some() && options.roles.has(Role::Rules);
    let standing = if steps_all {
        Standing::Recovering
    } else {
        Standing::Elsewhere
    };
    let kept = Topic::new(Kind::Registry, options.mode);
    let relay = options.relay.map(|post| Relay::open(post, &*shared, kept));
    let end = App::registry_end(&*shared, options.mode);
    let living = Living::new(
        Arc::clone(&installation.directory),
        end.clone(),
        registry.read_to(),
    );
    let reload = Reload::new(Arc::clone(&installation.rulebook), end);
    let (exercises, drill_kinds) = match options.exercises {
        Some(of) => {
            let shared = beside::Shared {
                installation: &installation,
                clock: &options.clock,
                policy: options.policy,
                people: &options.people,
                http: &options.http,
                public_url: &options.public_url,
                answer_url: options.answer_url.as_deref(),
                snapshots: options.snapshots,
                series: options.series,
                reserve_bytes,
            };
            beside::open(&held, &registry, of, &shared).await?
        }
        None => (None, Vec::new()),
    };
    let app = App {
        intake: Intake::new(
            Arc::clone(&shared),
            options.clock.clone(),
            metrics.clone(),
            Arc::clone(&latency),
            options.mode,
            registrar,
            Answered::open(&*shared, options.mode)?,
        ),
        storing_signal: tokio::sync::Mutex::new(()),
        audits: Arc::new(tokio::sync::Semaphore::new(1)),
        bulletins: options.bulletins,
        base_stations: options.base_stations,
        view: View::new(&city, Stream::new()),
        cap: cap
            .map_err(|error| StartError::City(format!("city.toml: authority: {error}")))?
            .signed_by(options.cap_signer),
        journal: shared,
        disk: held.disk().map(Arc::clone),
        kafka: held.kafka().map(Arc::clone),
        reserve_bytes,
        clock: options.clock,
        mode: options.mode,
        policy: options.policy,
        unseen: crate::silence::Unseen::default(),
        snapshots: options.snapshots,
        registry,
        reload,
        living,
        series: options.series,
        open_intake: options.open_intake,
        people: options.people,
        metrics,
        latency,
        outcomes: Outcomes::default(),
        links: names
            .into_iter()
            .map(|name| configured.contains(&name).then_some(name))
            .map(Option::unwrap_or_default)
            .collect(),
        push: Hub::new(PUSH_EVENTS_MAX, options.http.streams as usize),
        edge: Edge::new(options.http),
        area_links,
        accounts,
        absent: absent.into_iter().collect(),
        subscriptions,
        retired: Mutex::default(),
        public_url: options.public_url,
        answer_links,
        relay: relay.transpose()?,
        roles: options.roles,
        zones: Zones::new(zones, standing),
        serving: RwLock::default(),
        screens,
        peers: peers.transpose().map_err(StartError::City)?,
        exercises,
        drills: None,
        stop: watch_channel::Sender::new(false),
        failure: Mutex::default(),
        installation,
    };
    Ok((Arc::new(app), kinds, drill_kinds))
}

/// Steps the zones that this process is given.
fn zones(app: &Arc<App>) -> Result<JoinHandle<()>, StartError> {
    let input = Topic::new(Kind::Input, app.mode);
    let all = (0..app.installation.city.zones.len()).map(|zone| Partition(zone as u16));
    let claims = app.journal.claims(input, &all.collect::<Vec<_>>())?;
    let app = Arc::clone(app);
    if app.kafka.is_some() {
        app.zones.join(true);
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            // Where there are more processes than zones, some wait for another to end.
            tokio::time::sleep(JOIN_MAX).await;
            app.zones.join(false);
        });
    }
    spawn("zones", move || {
        owners::serve(&app, "zone", &claims, |partition| {
            let app = Arc::clone(&app);
            let zone = Zone(partition.0);
            Some(Box::new(move |term| pump::run(&app, zone, &term)))
        });
    })
}

/// Serves the links that this process is given.
fn links(app: &Arc<App>, kinds: Vec<(usize, LinkKind)>) -> Result<JoinHandle<()>, StartError> {
    let deliveries = Topic::new(Kind::Deliveries, app.mode);
    let all = kinds.iter().map(|(number, _)| Partition(*number as u16));
    let claims = app.journal.claims(deliveries, &all.collect::<Vec<_>>())?;
    let app = Arc::clone(app);
    spawn("links", move || {
        owners::serve(&app, "link", &claims, |partition| {
            let number = usize::from(partition.0);
            let known = kinds.iter().find(|(known, _)| *known == number);
            let (_, kind) = known?;
            let (app, kind) = (Arc::clone(&app), kind.clone());
            Some(Box::new(move |term| link(&app, number, kind, term)))
        });
    })
}

impl Running {
    /// Ends every loop and waits for it; says why the process failed, if it did.
    pub(crate) async fn stop(self) -> Result<(), String> {
        self.app.stop.send_replace(true);
        if let Some(beside) = &self.beside {
            beside.tell();
        }
        if let Some(disk) = &self.app.disk {
            disk.stop_waiting();
        }
        for look in self.looks {
            look.abort();
            drop(look.await);
        }
        drop(self.server.await);
        let ended = tokio::time::timeout(STOP_MAX, async {
            let threads = self.threads.into_iter();
            for thread in threads.chain(self.beside.map(|b| b.threads).into_iter().flatten()) {
                while !thread.is_finished() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                drop(thread.join());
            }
        });
        let late = ended.await.is_err();
        drop(self.screens.await);
        if let Some(watch) = self.watch {
            // Nothing of this process holds the journal once this returns.
            watch.abort();
            drop(watch.await);
        }
        let failure = self.app.failure.lock().clone();
        match failure {
            Some(why) => Err(why),
            // What is half written is not used: the next start goes on from the snapshot before.
            None if late => Err(format!("zones or links did not end within {STOP_MAX:?}")),
            None => Ok(()),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
    thread.map_err(StartError::Thread)
}

/// One link in its own thread: a slow carrier delays nobody else.
fn link(app: &Arc<App>, number: usize, kind: LinkKind, term: Term) -> Served {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Ended::Failed(error.to_string()))?;
    app.serving.write().insert(number);
    let shared = Arc::clone(app);
    let done = runtime.block_on(async move {
        let deliveries = Topic::new(Kind::Deliveries, shared.mode);
        shared.announce((deliveries, Partition(number as u16)))?;
        match kind {
            LinkKind::Sms(config, pace) => {
                courier::run_sms(shared, number, *config, pace, term).await
            }
            LinkKind::Devices(config) => {
                let devices = Single::Device(DeviceLink::start(*config));
                courier::run_single(shared, number, devices, term).await
            }
            LinkKind::Areas(config) => {
                let topics = Single::Areas(Arc::new(AreaTopics::new(*config)));
                courier::run_single(shared, number, topics, term).await
            }
            LinkKind::Single(single) => courier::run_single(shared, number, single, term).await,
            LinkKind::Area(link) => courier::run_area(shared, number, link, term).await,
            LinkKind::Voice(link) => courier::run_voice(shared, number, *link, term).await,
            LinkKind::Absent => courier::run_absent(shared, number, term).await,
        }
    });
    app.serving.write().remove(&number);
    done.map_err(|error| Ended::by(&error))
}

#[cfg(test)]
pub(crate) mod tests;
