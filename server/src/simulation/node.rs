//! A node: an app over the common journal, without threads, sockets or a wall clock.

use super::city::setting;
use crate::answer_links::{self, AnswerLinks};
use crate::answered::Answered;
use crate::app::{App, Period};
use crate::capbook::CapBook;
use crate::clock::Clock;
use crate::config::{HttpSection, KeptSeries};
use crate::edge::Edge;
use crate::gaps::StationsFile;
use crate::intake::Intake;
use crate::latency::Latency;
use crate::links;
use crate::living::Living;
use crate::metrics::Metrics;
use crate::outcome::Outcomes;
use crate::people::People;
use crate::registry::Registry;
use crate::reload::Reload;
use crate::roles::Roles;
use crate::screens::Screens;
use crate::stream::Stream;
use crate::vault::Vault;
use crate::view::View;
use crate::zones::{Standing, Zones};
use dispatch::gateway::push::Hub;
use ingest::register::Registrar;
use journal::Journal;
use model::{Mode, Time};
use parking_lot::{Mutex, RwLock};
use rules::Policy;
use std::sync::Arc;
use tokio::sync::watch;

/// Links that the configuration gives; the others have stand-ins.
pub(super) const SMS: &str = "sms";
pub(super) const EMAIL: &str = "email";

/// What a start does before its loops run: registry, links, screens.
pub(super) async fn start(journal: Arc<dyn Journal>, now: Time, snapshots: Period) -> Arc<App> {
    let setting = setting();
    let clock = Clock::stepped(now);
    let installation = Arc::clone(&setting.installation);
    let city = Arc::clone(&installation.city);
    let folder = &setting.folder;
    let vault = Vault::open(&folder.join("directory"), &folder.join("directory.key")).unwrap();
    let mut registry = Registry::open(Arc::clone(&journal), Mode::Actual, vault).unwrap();
    registry.earlier().unwrap();
    registry.install(&installation, now).await.unwrap();
    let given = [SMS.to_owned(), EMAIL.to_owned()];
    let absent = links::absent(given.iter().map(String::as_str), &city);
    let configured: Vec<String> = given.into_iter().chain(absent.iter().cloned()).collect();
    let links = registry.links(&configured, 64, now).await.unwrap();
    let metrics = Metrics::new().unwrap();
    let latency = Arc::new(Latency::default());
    let http = HttpSection::default();
    let link_key = registry.derive(answer_links::PURPOSE);
    let zones = city.zones.len();
    let screens = Screens::open(&*journal, Mode::Actual, zones, links.len(), now).unwrap();
    let end = App::registry_end(&*journal, Mode::Actual);
    let people = Arc::clone(&installation.directory);
    let living = Living::new(people, end.clone(), registry.read_to());
    let app = Arc::new(App {
        intake: Intake::new(
            Arc::clone(&journal),
            clock.clone(),
            metrics.clone(),
            Arc::clone(&latency),
            Mode::Actual,
            Registrar::new(&city, city.policy.lateness.future),
            Answered::open(&*journal, Mode::Actual).unwrap(),
        ),
        unseen: crate::silence::Unseen::default(),
        storing_signal: tokio::sync::Mutex::new(()),
        audits: Arc::new(tokio::sync::Semaphore::new(1)),
        bulletins: Vec::new(),
        base_stations: StationsFile::default(),
        view: View::new(&city, Stream::new()),
        cap: CapBook::new(Arc::clone(&installation)).unwrap(),
        journal,
        disk: None,
        kafka: None,
        reserve_bytes: 0,
        clock,
        mode: Mode::Actual,
        policy: Policy::Live,
        snapshots,
        registry,
        living,
        reload: Reload::new(Arc::clone(&installation.rulebook), end),
        series: KeptSeries::default(),
        open_intake: true,
        people: People::default(),
        metrics,
        latency,
        outcomes: Outcomes::default(),
        links,
        push: Hub::new(16, http.streams as usize),
        edge: Edge::new(http),
        absent: absent.into_iter().collect(),
        subscriptions: None,
        retired: Mutex::default(),
        public_url: String::new(),
        answer_links: AnswerLinks::new(None, link_key),
        relay: None,
        area_links: Vec::new(),
        accounts: crate::accounts::Accounts::default(),
        roles: Roles::ALL,
        // Nobody looks at what others say: each step shows its own.
        zones: Zones::new(city.zones.len(), Standing::Here),
        serving: RwLock::default(),
        screens,
        peers: None,
        exercises: None,
        drills: None,
        stop: watch::Sender::new(false),
        failure: Mutex::default(),
        installation,
    });
    app.screens.show(&app);
    app
}
