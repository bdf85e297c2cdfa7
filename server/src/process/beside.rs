//! The world of exercises beside the real one: machines, topics, links, screens and metrics of its own,
//! over the same journal, city and people.

use super::{Held, LinkKind, Numbered, StartError, links, zones};
use crate::accounts::Accounts;
use crate::answer_links::{self, AnswerLinks};
use crate::answered::Answered;
use crate::api;
use crate::app::{App, Period};
use crate::capbook::CapBook;
use crate::clock::Clock;
use crate::config::{HttpSection, KeptSeries};
use crate::courier::Single;
use crate::edge::Edge;
use crate::exercises::{Drills, Exercises, Group};
use crate::gaps::StationsFile;
use crate::installation::Installation;
use crate::intake::Intake;
use crate::latency::Latency;
use crate::links as linked;
use crate::living::Living;
use crate::metrics::Metrics;
use crate::outcome::Outcomes;
use crate::people::People;
use crate::registry::Registry;
use crate::reload::Reload;
use crate::roles::{Role, Roles};
use crate::screens::Screens;
use crate::stream::Stream;
use crate::view::View;
use crate::zones::{Standing, Zones};
use axum::Router;
use dispatch::gateway::device::DeviceConfig;
use dispatch::gateway::email::Email;
use dispatch::gateway::push::Hub;
use dispatch::gateway::sms::LinkConfig;
use ingest::register::Registrar;
use model::Mode;
use parking_lot::{Mutex, RwLock};
use rules::Policy;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch as watch_channel;

/// Where its API and console are, below those of the real one.
const PATH: &str = "/exercise";
/// Events held for those who come back; apps that subscribed are not told of exercises.
const PUSH_EVENTS_MAX: usize = 16;
/// Links that there can be.
const LINKS_MAX: usize = u16::MAX as usize;

/// What the world of exercises is made of.
pub(crate) struct ExerciseOptions {
    /// White lists.
    pub(crate) groups: Vec<Group>,
    /// Devices that play drill clips.
    pub(crate) devices: Vec<String>,
    /// Links of its own, in partition order, by name.
    pub(crate) links: Vec<(String, DrillLink)>,
}

/// What serves a link of exercises: named lists and devices. There is nothing here by which one could
/// reach the public, so that no configuration can.
pub(crate) enum DrillLink {
    /// Sessions of its own to an account, and its pace.
    Sms(Box<LinkConfig>, u32),
    /// The mail relay.
    Email(Arc<Email>),
    /// Site devices, connected to where the link is served.
    Devices(Box<DeviceConfig>),
}

impl From<DrillLink> for LinkKind {
    fn from(link: DrillLink) -> Self {
        match link {
            DrillLink::Sms(config, pace) => Self::Sms(config, pace),
            DrillLink::Email(email) => Self::Single(Single::Email(email)),
            DrillLink::Devices(config) => Self::Devices(config),
        }
    }
}

/// What it shares with the real one.
pub(super) struct Shared<'a> {
    pub(super) installation: &'a Arc<Installation>,
    pub(super) clock: &'a Clock,
    pub(super) policy: Policy,
    pub(super) people: &'a People,
    pub(super) http: &'a HttpSection,
    pub(super) public_url: &'a str,
    pub(super) answer_url: Option<&'a str>,
    pub(super) snapshots: Period,
    pub(super) series: KeptSeries,
    pub(super) reserve_bytes: u64,
}

/// Its loops.
pub(super) struct Beside {
    world: Arc<App>,
    pub(super) threads: Vec<JoinHandle<()>>,
    looks: Vec<tokio::task::JoinHandle<()>>,
}

impl Beside {
    /// Tells the loops to end.
    pub(super) fn tell(&self) {
        self.world.stop.send_replace(true);
        for look in &self.looks {
            look.abort();
        }
    }
}

/// Opens it; gives its links with their numbers. On Kafka there is none: its topics would have to be
/// made first.
pub(super) async fn open(
    held: &Held,
    registry: &Registry,
    options: ExerciseOptions,
    shared: &Shared<'_>,
) -> Result<(Option<Exercises>, Numbered), StartError> {
    if held.disk().is_none() {
        tracing::warn!("no exercises: they need the journal on disk");
        return Ok((None, Numbered::new()));
    }
    let (mode, now) = (Mode::Exercise, shared.clock.now());
    let (journal, installation) = (held.shared(), Arc::clone(shared.installation));
    let city = Arc::clone(&installation.city);
    let mut registry = registry.beside(mode)?;
    registry.install(&installation, now).await?;
    let given = options.links.iter().map(|(name, _)| name.as_str());
    let absent = linked::absent(given, &city);
    let own = options.links.into_iter();
    let own = own.map(|(name, link)| (name, LinkKind::from(link)));
    let stand_ins = absent.iter().map(|name| (name.clone(), LinkKind::Absent));
    let (configured, kinds): (Vec<_>, Vec<_>) = own.chain(stand_ins).unzip();
    let names = registry.links(&configured, LINKS_MAX, now).await?;
    let number = |name: &String| names.iter().position(|known| known == name);
    let numbers = configured.iter().filter_map(number);
    let kinds: Numbered = numbers.zip(kinds).collect();
    let metrics = Metrics::new().map_err(|error| StartError::City(error.to_string()))?;
    let latency = Arc::new(Latency::default());
    let registrar = Registrar::new(&city, city.policy.lateness.future);
    let cap = CapBook::new(Arc::clone(&installation));
    let answer_url = shared
        .answer_url
        .map(|url| format!("{}{PATH}", url.trim_end_matches('/')));
    let link_key = registry.derive(answer_links::PURPOSE);
    let screens = Screens::open(&*journal, mode, city.zones.len(), names.len(), now)?;
    let end = App::registry_end(&*journal, mode);
    // Who subscribes is told in earnest alone: here stand those of the start.
    let living = Living::new(
        Arc::clone(&installation.directory),
        end.clone(),
        registry.read_to(),
    );
    let reload = Reload::new(Arc::clone(&installation.rulebook), end);
    let world = App {
        intake: Intake::new(
            Arc::clone(&journal),
            shared.clock.clone(),
            metrics.clone(),
            Arc::clone(&latency),
            mode,
            registrar,
            Answered::open(&*journal, mode)?,
        ),
        storing_signal: tokio::sync::Mutex::new(()),
        bulletins: Vec::new(),
        base_stations: StationsFile::default(),
        view: View::new(&city, Stream::new()),
        cap: cap.map_err(|error| StartError::City(format!("city.toml: authority: {error}")))?,
        disk: held.disk().map(Arc::clone),
        kafka: None,
        journal,
        reserve_bytes: shared.reserve_bytes,
        clock: shared.clock.clone(),
        mode,
        policy: shared.policy,
        unseen: crate::silence::Unseen::default(),
        snapshots: shared.snapshots,
        registry,
        reload,
        series: shared.series,
        open_intake: false,
        people: shared.people.clone(),
        metrics,
        latency,
        outcomes: Outcomes::default(),
        links: names
            .into_iter()
            .map(|name| configured.contains(&name).then_some(name))
            .map(Option::unwrap_or_default)
            .collect(),
        push: Hub::new(PUSH_EVENTS_MAX, 0),
        edge: Edge::new(shared.http.clone()),
        area_links: Vec::new(),
        accounts: Accounts::default(),
        audits: Arc::new(tokio::sync::Semaphore::new(1)),
        living,
        absent: absent.into_iter().collect(),
        subscriptions: None,
        retired: Mutex::default(),
        public_url: format!("{}{PATH}", shared.public_url.trim_end_matches('/')),
        answer_links: AnswerLinks::new(answer_url.as_deref(), link_key),
        relay: None,
        // Nothing is measured in it: what it plays is a plan.
        roles: Roles::of(&[Role::Rules, Role::Dispatch, Role::Console]),
        zones: Zones::new(city.zones.len(), Standing::Recovering),
        serving: RwLock::default(),
        screens,
        peers: None,
        exercises: None,
        drills: Some(Drills::new(&options.groups, &options.devices)),
        stop: watch_channel::Sender::new(false),
        failure: Mutex::default(),
        installation,
    };
    let exercises = Exercises::open(Arc::new(world), options.groups, options.devices)?;
    Ok((Some(exercises), kinds))
}

/// Starts its loops, where there is one. What goes wrong there ends them and nothing real.
pub(super) fn start(app: &Arc<App>, kinds: Numbered) -> Result<Option<Beside>, StartError> {
    let Some(exercises) = &app.exercises else {
        return Ok(None);
    };
    exercises.join(app);
    let world = Arc::clone(&exercises.world);
    world.screens.show(&world);
    let following = Arc::clone(&world);
    let screens = tokio::spawn(async move {
        if let Err(error) = Screens::run(Arc::clone(&following)).await {
            following.fail(format!("screens of exercises: {error}"));
        }
    });
    let looks = vec![screens, tokio::spawn(Exercises::watch(Arc::clone(app)))];
    let threads = vec![zones(&world)?, links(&world, kinds)?];
    Ok(Some(Beside {
        world,
        threads,
        looks,
    }))
}

/// The API with that of exercises below it.
pub(super) fn router(app: &App, real: Router) -> Router {
    match &app.exercises {
        Some(exercises) => real.nest_service(PATH, api::router(Arc::clone(&exercises.world))),
        None => real,
    }
}
