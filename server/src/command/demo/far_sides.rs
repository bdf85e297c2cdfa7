//! What stands at the far ends of the demo beside the carrier: the duty rooms of other authorities and
//! a newspaper that take signed calls, a mail relay, and the signs and barriers of the sites.

use crate::clock::Clock;
use crate::command::Failure;
use crate::courier::{DeviceLink, REQUEST, Single};
use crate::installation::Installation;
use crate::links::asked;
use crate::process::LinkKind;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use dispatch::gateway::email::{Email, EmailConfig, Encryption};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::gateway::webhook::{self, Webhook, WebhookConfig};
use dispatch::simulator::mailbox::Mailbox;
use dispatch::simulator::wired::Wired;
use model::Span;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Shared with everybody in the demo.
const SECRET: &[u8] = b"demo";
/// The target that no authority owns.
const PRESS: &str = "press";
/// Signatures may be this old: the demo's clock leaps.
const TOLERANCE: Span = Span::from_minutes(24 * 60);
/// Letters of a request that the terminal shows.
const SHOWN: usize = 60;

/// Calls and mails that arrived.
#[derive(Clone, Default)]
pub(super) struct Arrived {
    calls: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    mails: Arc<AtomicU64>,
}

impl Arrived {
    /// One line of the summary.
    pub(super) fn words(&self) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        format!(
            "{} requests at other authorities, {} calls at the {PRESS}, {} mails at the relay",
            read(&self.requests),
            read(&self.calls),
            read(&self.mails),
        )
    }
}

/// A duty room that takes calls.
#[derive(Clone)]
struct Rooms {
    arrived: Arrived,
    clock: Clock,
    /// Names of authorities by code.
    names: Arc<BTreeMap<String, String>>,
}

/// What a call says, as far as the terminal shows it.
#[derive(Deserialize)]
struct Call {
    purpose: String,
    words: Vec<Words>,
}

#[derive(Deserialize)]
struct Words {
    text: String,
}

/// The links to all of them.
pub(super) async fn links(
    installation: &Installation,
    clock: Clock,
) -> Result<(Vec<(String, LinkKind)>, Arrived), Failure> {
    let failed = |why: String| Failure::Failed(format!("far sides of the demo: {why}"));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let arrived = Arrived::default();
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| failed(error.to_string()))?;
    let address = listener.local_addr();
    let address = address.map_err(|error| failed(error.to_string()))?;
    let offices = asked(&installation.city);
    let rooms = Rooms {
        arrived: arrived.clone(),
        clock,
        names: Arc::new(
            offices
                .iter()
                .map(|office| (office.id.to_string(), office.name.zh.clone()))
                .collect(),
        ),
    };
    let router = Router::new()
        .route("/{target}", post(call))
        .with_state(rooms);
    tokio::spawn(async move { axum::serve(listener, router).await.ok() });

    // Nobody reads the mails: they are counted.
    let (watcher, mut mails) = mpsc::channel(1);
    tokio::spawn(async move { while mails.recv().await.is_some() {} });
    let mailbox = Mailbox::bind(listen, watcher).await;
    let mailbox = mailbox.map_err(|error| failed(error.to_string()))?;
    let (port, taken) = (mailbox.address().port(), mailbox.taken());
    tokio::spawn(mailbox.serve());
    let arrived = Arrived {
        mails: taken,
        ..arrived
    };

    let mut links = vec![("email".to_owned(), email(port).map_err(failed)?)];
    let press = format!("webhook/{PRESS}");
    links.push((press, target(address, PRESS).map_err(failed)?));
    for office in offices {
        let code = office.id.to_string();
        let link = format!("{REQUEST}/{code}/duty-room");
        links.push((link, target(address, &code).map_err(failed)?));
    }
    let ids = installation.directory.devices().iter();
    let devices = Wired::new(ids.map(|device| device.id.as_str()));
    let devices = Single::Device(Arc::new(DeviceLink::Wired(devices)));
    links.push(("device".into(), LinkKind::Single(devices)));
    Ok((links, arrived))
}

fn email(port: u16) -> Result<LinkKind, String> {
    let config = EmailConfig {
        host: Ipv4Addr::LOCALHOST.to_string(),
        port,
        encryption: Encryption::None,
        trusted_pem: None,
        login: None,
        from: "三防 <demo@sanfang.example>".into(),
        hello: "sanfang".into(),
        step_timeout: Duration::from_secs(10),
        answer_timeout: Duration::from_secs(10),
        connections_max: 32,
    };
    let email = Email::new(config).map_err(|error| error.to_string())?;
    Ok(LinkKind::Single(Single::Email(Arc::new(email))))
}

fn target(address: SocketAddr, name: &str) -> Result<LinkKind, String> {
    let client = http::client(&ClientConfig::default()).map_err(|error| error.to_string())?;
    let url = format!("http://{address}/{name}").parse();
    let config = WebhookConfig {
        name: name.to_owned(),
        url: url.map_err(|error| format!("{name}: {error}"))?,
        secret: SECRET.to_vec(),
        gate: GateConfig {
            in_flight_max: 4,
            waiting_max: 1_000,
            failures_max: 5,
            pause: Span::from_seconds(30),
        },
    };
    let webhook = Webhook::new(config, client);
    Ok(LinkKind::Single(Single::Webhook(Arc::new(webhook))))
}

/// A call is believed by its signature; a request to an authority is read out.
async fn call(
    State(rooms): State<Rooms>,
    Path(target): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let believed = webhook::verify(
        SECRET,
        header(webhook::SIGNATURE_HEADER),
        header(webhook::IDEMPOTENCY_HEADER),
        &body,
        rooms.clock.now(),
        TOLERANCE,
    );
    if believed.is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Some(name) = rooms.names.get(&target) else {
        rooms.arrived.calls.fetch_add(1, Ordering::Relaxed);
        return StatusCode::NO_CONTENT;
    };
    rooms.arrived.requests.fetch_add(1, Ordering::Relaxed);
    if let Ok(call) = serde_json::from_slice::<Call>(&body) {
        let text = call.words.first().map(|words| words.text.as_str());
        let text: String = text.unwrap_or_default().chars().take(SHOWN).collect();
        println!("          ☎ {name} has our {}: {text}…", call.purpose);
    }
    StatusCode::NO_CONTENT
}
