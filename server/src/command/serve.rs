//! `sanfang serve`: the service, until a signal ends it.

use super::Failure;
use crate::app::{App, Period};
use crate::bulletins;
use crate::clock::Clock;
use crate::config::{BulletinSection, CapSection, Config, EmailSection, Store, shapes};
use crate::courier::{AreaLink, Carrier, Single};
use crate::edge;
use crate::gaps::StationsFile;
use crate::installation;
use crate::links::Served;
use crate::people::{self, People};
use crate::process::{self, DrillLink, ExerciseOptions, Folders, LinkKind, Options};
use crate::relay::{Post, Style, carries_sms, fetch};
use crate::roles::{Role, Roles};
use crate::signals::follow;
use clap::Args;
use dispatch::gateway::area::AreaTarget;
use dispatch::gateway::cap::poll::{PollConfig, Poller};
use dispatch::gateway::email::Email;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::gateway::state_bulletin;
use dispatch::gateway::web_push::WebPush;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ingest::transport::Frame;
use ingest::transport::mqtt::{self, MqttConfig};
use model::{Mode, Offset, Span, Time};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Frames of one broker taken and not yet stored.
const FRAMES_MAX: usize = 1_024;

/// What to serve.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What this process does, in place of the file's roles: some of intake, rules, dispatch, console
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    roles: Vec<Role>,
    /// Name of this process among those over one Kafka, in place of the file's node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Where the API listens, in place of the file's listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Arguments {
    /// Puts what the command line says in the place of what the file says.
    fn over(&self, config: &mut Config) -> Result<(), Failure> {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if !self.roles.is_empty() {
            config.roles = Roles::of(&self.roles);
        }
        match &mut config.store {
            Store::Kafka(_, node) => {
                if self.node.is_some() {
                    node.clone_from(&self.node);
                }
            }
            Store::Disk(_) if config.roles != Roles::ALL => {
                let why = "--roles: the journal on disk is this process's alone, so that nobody has \
                           the other roles; leave it out, or put [kafka] in the place of journal";
                return Err(Failure::BadInput(why.to_owned()));
            }
            Store::Disk(_) => {}
        }
        Ok(())
    }
}

/// Serves until SIGINT or SIGTERM.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (mut config, notices) =
        Config::read(&arguments.config).map_err(|faults| Failure::BadInput(faults.to_string()))?;
    for notice in notices {
        tracing::warn!("{notice}");
    }
    arguments.over(&mut config)?;
    if !config.centres.is_empty() {
        let why = "centre: this is a relay's configuration: run `sanfang relay serve` with it, or take \
                   [[centre]] out";
        return Err(Failure::BadInput(why.to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    runtime.block_on(serve(&arguments.config, config))
}

/// Serves a configuration; of a relay, jobs and what carries them alone.
pub(super) async fn serve(path: &Path, config: Config) -> Result<(), Failure> {
    let is_roll = !config.centres.is_empty();
    let failed = |words: String| Failure::Failed(words);
    let folders = Folders {
        city: &config.city,
        directory: &config.directory.folder,
        key_file: &config.directory.key_file,
        is_roll,
    };
    let storage = config.retention.storage();
    let mut seat = None;
    let (opened, installation) = match &config.store {
        Store::Disk(journal) => process::open(folders, journal, storage, Mode::Actual)?,
        Store::Kafka(section, node) => {
            let node = node.as_ref().ok_or_else(|| {
                let why = "node: it is missing: write a name that no other process of the \
                           deployment has, or give --node";
                Failure::BadInput(why.to_owned())
            })?;
            let options = section.options(node).map_err(Failure::BadInput)?;
            seat = Some(process::Place {
                node: node.clone(),
                address: config.address.clone(),
                broker: section.first_broker().to_owned(),
            });
            let city = installation::city(&config.city);
            let city = city.map_err(|faults| Failure::BadInput(faults.to_string()))?;
            let layout = section.layout(&city, storage.retentions);
            process::open_kafka(folders, options, &layout, Mode::Actual)?
        }
    };
    let file = path.display().to_string();
    let reach = installation.rulebook.reach();
    if let Some(fault) = config.retention.series_fault(&file, reach) {
        return Err(Failure::BadInput(fault.to_string()));
    }
    let browsers = config.push.web.as_ref().map(|web| {
        let gateway = web.gateway().map_err(Failure::BadInput)?;
        Ok::<_, Failure>((Arc::new(gateway), web.subscriptions_max()))
    });
    let browsers = browsers.transpose()?;
    let subscribed = browsers.as_ref().map(|(browsers, most)| {
        let folder = config.directory.folder.join("subscriptions");
        (Arc::clone(browsers), folder, *most)
    });
    let offset = installation.city.offset;
    let links = links(
        &config,
        offset,
        browsers.as_ref().map(|(browsers, _)| browsers),
    );
    let links = links.map_err(Failure::BadInput)?;
    let city = &installation.city;
    for id in people::unknown_signers(&city.policy, &city.plans, &config.people) {
        tracing::warn!(
            person = id,
            "the city names them to sign and no [[person]] has that id: add one, or take it out"
        );
    }
    let served = Served {
        file: &file,
        links: &config.link_names(),
    };
    let (city, people) = (&installation.city, &installation.directory);
    let empty = crate::installation::empty_classes(city, people, &config.city);
    let cells = config
        .cells
        .iter()
        .flat_map(|section| section.notices(city));
    let cells: Vec<_> = cells.collect();
    let notices = served.notices(city, Some(people));
    for notice in notices.iter().chain(&empty).chain(&cells) {
        tracing::warn!("{notice}");
    }
    let relay = if is_roll {
        Some(post(&config).map_err(Failure::BadInput)?)
    } else {
        None
    };
    let signer = config.cap.as_ref().map(CapSection::signer).transpose();
    let drills = exercises(&config).map_err(Failure::BadInput)?;
    let options = Options {
        installation,
        clock: Clock::wall(),
        mode: Mode::Actual,
        policy: rules::Policy::Live,
        people: People::new(config.people.clone()),
        links,
        listen: config.listen,
        http: edge::with_descriptors(config.http),
        open_intake: config.open_intake,
        subscriptions: subscribed,
        public_url: config.public_url.clone(),
        answer_url: config.email.as_ref().and_then(EmailSection::answer_url),
        cap_signer: signer.map_err(Failure::BadInput)?,
        snapshots: Period {
            every: Span::from_minutes(i64::from(config.snapshot_minutes)),
            inputs: config.snapshot_inputs,
            at_stop: true,
        },
        series: config.retention.kept_series(),
        bulletins: config.bulletins.iter().map(BulletinSection::feed).collect(),
        base_stations: StationsFile(config.base_stations.clone()),
        roles: config.roles,
        seat,
        relay,
        exercises: drills,
    };
    let node = options.seat.as_ref().map(|place| place.node.clone());
    let running = process::start(opened, options).await?;
    tracing::info!(address = %running.address, roles = %config.roles, "serving");
    for section in &config.centres {
        let Some(from) = section.fetching().map_err(Failure::BadInput)? else {
            continue;
        };
        for number in 0..fetch::AT_ONCE {
            let app = Arc::clone(&running.app);
            tokio::spawn(fetch::follow(app, from.clone(), number == 0));
        }
    }
    let takes_in = config.roles.has(Role::Intake);
    for mut broker in config.mqtt.clone().into_iter().filter(|_| takes_in) {
        if let Some(node) = &node {
            // A broker knows each session by its name: two of one name would throw each other out.
            broker.client_id = format!("{}-{node}", broker.client_id);
        }
        tokio::spawn(listen(Arc::clone(&running.app), broker));
    }
    for poll in config.polls.iter().filter(|_| takes_in) {
        let feed = poll
            .url
            .parse()
            .map_err(|error| Failure::BadInput(format!("poll: {}: {error}", poll.url)))?;
        let poll = PollConfig {
            feed,
            hosts: Vec::new(),
            every: Duration::from_secs(poll.every_s.max(5)),
            signers: poll.signers().map_err(Failure::BadInput)?,
        };
        let client =
            http::client(&ClientConfig::default()).map_err(|error| failed(error.to_string()))?;
        let poller = Poller::new(client, poll);
        tokio::spawn(follow(Arc::clone(&running.app), poller));
    }
    for feed in running.app.bulletins.iter().filter(|_| takes_in) {
        let Some(url) = feed.url.clone() else {
            continue;
        };
        let client =
            http::client(&ClientConfig::default()).map_err(|error| failed(error.to_string()))?;
        let poller = state_bulletin::poll::Poller::new(client, url);
        tokio::spawn(bulletins::follow(
            Arc::clone(&running.app),
            feed.clone(),
            poller,
        ));
    }
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| failed(error.to_string()))?;
    let app = Arc::clone(&running.app);
    tokio::select! {
        _ = tokio::signal::ctrl_c() => tracing::info!("interrupted: finishing"),
        _ = terminate.recv() => tracing::info!("told to end: finishing"),
        () = app.stopped() => {}
    }
    running.stop().await.map_err(failed)
}

/// What a relay works with.
fn post(config: &Config) -> Result<Post, String> {
    let centres: Result<Vec<_>, String> = config.centres.iter().map(|c| c.centre()).collect();
    let roll = installation::SUBSCRIBERS.map(|name| config.city.join(name));
    // The day on which the roll was put there is its date, as far as the relay knows.
    let of = roll.iter().find_map(|path| changed(path));
    let mut style = Style::default();
    for section in &config.sms {
        let link = section.gateway();
        let of = link
            .map_err(|why| format!("sms {}: {why}", section.name))?
            .style();
        style.always_ucs2 |= of.always_ucs2();
        style.with_flash |= of.sender.flash;
    }
    let links = config.link_names().into_iter();
    Ok(Post {
        style,
        centres: centres?,
        pace_per_s: config.sms.iter().map(|sms| sms.pace_per_s).sum(),
        roll_of: of.unwrap_or_default(),
        links: links.filter(|link| carries_sms(link)).collect(),
    })
}

/// When a file was last changed.
fn changed(path: &Path) -> Option<Time> {
    let changed = std::fs::metadata(path).and_then(|of| of.modified()).ok()?;
    let since = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Time::from_seconds(i64::try_from(since.as_secs()).ok()?))
}

/// The links of a configuration, in an order that stays while it does.
fn links(
    config: &Config,
    offset: Offset,
    browsers: Option<&Arc<WebPush>>,
) -> Result<Vec<(String, LinkKind)>, String> {
    let mut kinds = vec![
        LinkKind::Single(Single::Cap),
        LinkKind::Single(Single::Push),
    ];
    for (section, link) in config.sms.iter().zip(config.sms_gateways()?) {
        kinds.push(LinkKind::Sms(Box::new(link), section.pace_per_s));
    }
    if let Some(section) = &config.email {
        let email = Email::new(section.gateway()?).map_err(|error| format!("email: {error}"))?;
        kinds.push(LinkKind::Single(Single::Email(Arc::new(email))));
    }
    let shapes = shapes(config.adapters.as_deref()).map_err(|faults| faults.join("; "))?;
    for section in &config.webhooks {
        kinds.push(LinkKind::Single(section.gateway(&shapes)?));
    }
    for adapter in config.push.adapters(&shapes)? {
        kinds.push(LinkKind::Single(Single::App(Arc::new(adapter))));
    }
    if let Some(browsers) = browsers {
        kinds.push(LinkKind::Single(Single::Browsers(Arc::clone(browsers))));
    }
    if let Some(topics) = config.push.topics() {
        kinds.push(LinkKind::Areas(Box::new(topics?)));
    }
    for section in &config.areas {
        let client = http::client(&ClientConfig::default()).map_err(|error| error.to_string())?;
        let target = AreaTarget::new(section.gateway()?, client);
        let band = section.band();
        let carrier = Arc::new(Carrier { target, band });
        kinds.push(LinkKind::Area(AreaLink::Carrier(carrier)));
    }
    for section in &config.platforms {
        let client = http::client(&ClientConfig::default()).map_err(|error| error.to_string())?;
        let platform = Arc::new(section.gateway(client)?);
        kinds.push(LinkKind::Area(AreaLink::Platform(platform)));
    }
    for section in &config.cells {
        kinds.push(LinkKind::Single(Single::Cell(Arc::new(section.gateway()?))));
    }
    for section in &config.broadcasts {
        kinds.push(LinkKind::Single(section.gateway(offset)?));
    }
    if let Some(section) = &config.devices {
        kinds.push(LinkKind::Devices(Box::new(section.gateway()?)));
    }
    if let Some(section) = &config.voice {
        kinds.push(LinkKind::Voice(Box::new(section.link()?)));
    }
    Ok(config.link_names().into_iter().zip(kinds).collect())
}

/// The world of exercises: its own sessions to the accounts, the mail relay, and the devices that may
/// play drill clips.
fn exercises(config: &Config) -> Result<Option<ExerciseOptions>, String> {
    let Some(section) = &config.exercise else {
        return Ok(None);
    };
    let names = config.link_names();
    let mut sms_names = names
        .into_iter()
        .filter(|name| name == "sms" || name.starts_with("sms/"));
    let mut links = Vec::new();
    let gateways = config.sms_gateways()?;
    for ((account, mut link), name) in config.sms.iter().zip(gateways).zip(&mut sms_names) {
        link.sessions = 1;
        let pace = match account.pace_per_s {
            0 => section.pace_per_s(),
            agreed => section.pace_per_s().min(agreed),
        };
        links.push((name, DrillLink::Sms(Box::new(link), pace)));
    }
    if let Some(email) = &config.email {
        let email = Email::new(email.gateway()?).map_err(|error| format!("email: {error}"))?;
        links.push(("email".to_owned(), DrillLink::Email(Arc::new(email))));
    }
    let devices = section.devices();
    if let Some(of) = config.devices.as_ref().filter(|_| !devices.is_empty()) {
        let mut gateway = of.gateway()?;
        // Its own session at the broker: two of one name would throw each other out.
        gateway.client.push_str("-exercise");
        gateway.heartbeat = None;
        gateway.secrets.retain(|device, _| devices.contains(device));
        let gateway = DrillLink::Devices(Box::new(gateway));
        links.push(("device".to_owned(), gateway));
    }
    Ok(Some(ExerciseOptions {
        groups: section.groups(),
        devices,
        links,
    }))
}

/// Frames of a broker into the journal; acknowledged only then.
async fn listen(app: Arc<App>, config: MqttConfig) {
    let (sender, mut frames) = mpsc::channel(FRAMES_MAX);
    let stopping = Arc::clone(&app);
    let listener = tokio::spawn(async move {
        let (link, _) = tokio::sync::watch::channel(mqtt::Link::Down { why: String::new() });
        mqtt::listen(
            &config,
            sender,
            link,
            async move { stopping.stopped().await },
        )
        .await
    });
    // Frames share the journal's syncs: many wait at once, stored in the order they came.
    let mut storing = FuturesUnordered::new();
    loop {
        tokio::select! {
            frame = frames.recv(), if storing.len() < FRAMES_MAX => match frame {
                Some(frame) => storing.push(store(&app, frame)),
                None => break,
            },
            Some(()) = storing.next() => {}
        }
    }
    while storing.next().await.is_some() {}
    if let Ok(Err(error)) = listener.await {
        app.fail(format!("mqtt: {error}"));
    }
}

async fn store(app: &App, frame: Frame) {
    let (intake, topic, payload) = (&app.intake, &frame.topic, &frame.payload);
    let stored = match frame.overlong {
        Some(bytes) => intake.overlong("mqtt", topic, bytes, payload).await,
        None => {
            let taken = intake.frame("mqtt", &frame.protocol, topic, payload);
            taken.await.map(|_| ())
        }
    };
    match stored {
        Ok(()) => frame.acknowledge(),
        // Not acknowledged: the broker brings it again.
        Err(error) => tracing::warn!(%error, topic = frame.topic, "frame not stored"),
    }
}
