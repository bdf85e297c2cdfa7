//! `[push.NAME]`: an account with each service that shows notifications, and the public topics.

use super::{login, secret_text};
use dispatch::gateway::adapter::shape::{Audience, Parameter};
use dispatch::gateway::adapter::{Adapter, AdapterConfig, Shape, Shapes, shipped};
use dispatch::gateway::area_topics::AreaTopicsConfig;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::gateway::jwt::SigningKey;
use dispatch::gateway::notice::{AREAS, BROWSERS};
use dispatch::gateway::web_push::{SERVICES, WebPush, WebPushConfig};
use model::Span;
use model::fault::{Faults, Place};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Subscriptions of browsers at most, where nothing else is said.
const SUBSCRIPTIONS_MAX: u32 = 20_000;
/// Largest shape of an operator's folder, bytes.
const SHAPE_BYTES_MAX: u64 = 1 << 20;

/// Parameters of an account as the file gives them: texts, or files that hold one.
pub(crate) type Account = BTreeMap<String, Given>;

/// One parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) enum Given {
    /// Written out.
    Text(String),
    /// The content of this file.
    File(PathBuf),
}

/// Everything under `[push]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PushSection {
    /// Browsers.
    pub(crate) web: Option<WebSection>,
    /// Topics of areas.
    mqtt: Option<TopicsSection>,
    /// Accounts by the name of their shape.
    accounts: BTreeMap<String, Account>,
}

/// Web Push.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebSection {
    /// Who answers for it, `mailto:`.
    subject: String,
    /// The key that signs, PKCS #8 in PEM.
    key_file: PathBuf,
    /// Push services that may be called, by origin.
    services: Option<Vec<String>>,
    /// Subscriptions that residents may leave here, in all.
    subscriptions_max: Option<u32>,
}

/// Retained topics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicsSection {
    broker: String,
    client_id: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    /// What topics begin with.
    #[serde(default = "prefix")]
    prefix: String,
}

fn prefix() -> String {
    "warn".into()
}

impl TryFrom<toml::Value> for Given {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let form = "write a text, a number, or { file = \"PATH\" }";
        match value {
            toml::Value::String(text) => Ok(Self::Text(text)),
            toml::Value::Integer(number) => Ok(Self::Text(number.to_string())),
            toml::Value::Table(table) if table.len() == 1 => match table.get("file") {
                Some(toml::Value::String(file)) => Ok(Self::File(file.into())),
                _ => Err(form.into()),
            },
            toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_)
            | toml::Value::Table(_) => Err(form.into()),
        }
    }
}

/// How each service is treated. All that a link has on its way may wait: what is turned away would
/// count as tried. A service that does not answer is left alone after the first three.
const GATE: GateConfig = GateConfig {
    in_flight_max: 16,
    waiting_max: 64,
    failures_max: 3,
    pause: Span::from_seconds(30),
};
/// For an answer of a push service: one that gives none holds up readers of the others for so long,
/// once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

impl PushSection {
    /// Reads `[push]`, each part by itself.
    pub(super) fn read(
        table: BTreeMap<String, toml::Value>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Self {
        let mut section = Self::default();
        for (name, value) in table {
            let field = format!("push.{name}");
            let mut wrong = |error: toml::de::Error| {
                let remedy = "see docs/push.md for what it takes";
                faults.error(place, &field, error.message().to_owned(), remedy);
            };
            match name.as_str() {
                "web" => section.web = value.try_into().map_err(&mut wrong).ok(),
                "mqtt" => section.mqtt = value.try_into().map_err(&mut wrong).ok(),
                _ => {
                    if let Ok(account) = value.try_into().map_err(&mut wrong) {
                        section.accounts.insert(name, account);
                    }
                }
            }
        }
        section
    }

    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        let own = |path: &mut PathBuf| *path = base.join(&*path);
        if let Some(web) = &mut self.web {
            own(&mut web.key_file);
        }
        if let Some(topics) = &mut self.mqtt {
            topics.password_file.iter_mut().for_each(own);
        }
        self.accounts
            .values_mut()
            .for_each(|account| anchor(account, base));
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self, shapes: &Shapes, place: Place<'_>, faults: &mut Faults) {
        for (name, account) in &self.accounts {
            let field = format!("push.{name}");
            if let Err(why) = adapter(
                shapes,
                name,
                &format!("push/{name}"),
                account,
                Audience::App,
            ) {
                let remedy = format!("correct [push.{name}]; docs/push.md has an example of each");
                faults.error(place, &field, why, remedy);
                continue;
            }
            let unverified = shapes.get(name).filter(|shape| !shape.verified);
            if let Some(shape) = unverified {
                let what = format!("{}: written without the service's own text", shape.title);
                let remedy = "send one message to a phone of your own before a storm, and compare \
                              the codes of its file with the service's list";
                faults.notice(place, &field, what, remedy);
            }
        }
        if let Some(Err(why)) = self.web.as_ref().map(WebSection::gateway) {
            faults.error(place, "push.web", why, "correct [push.web]");
        }
        if let Some(topics) = &self.mqtt
            && let Err(why) = topics.gateway()
        {
            faults.error(place, "push.mqtt", why, "correct [push.mqtt]");
        }
    }

    /// Names of its links: accounts by name, browsers, topics.
    pub(super) fn link_names(&self) -> impl Iterator<Item = String> {
        let accounts = self.accounts.keys().map(|name| format!("push/{name}"));
        let web = self.web.iter().map(|_| BROWSERS.to_owned());
        let topics = self.mqtt.iter().map(|_| AREAS.to_owned());
        accounts.chain(web).chain(topics)
    }

    /// The accounts' gateways, in the order of their links.
    pub(crate) fn adapters(&self, shapes: &Shapes) -> Result<Vec<Adapter>, String> {
        let accounts = self.accounts.iter();
        let adapters = accounts.map(|(name, account)| {
            adapter(
                shapes,
                name,
                &format!("push/{name}"),
                account,
                Audience::App,
            )
        });
        adapters.collect()
    }

    /// The topics' gateway.
    pub(crate) fn topics(&self) -> Option<Result<AreaTopicsConfig, String>> {
        self.mqtt.as_ref().map(TopicsSection::gateway)
    }
}

impl WebSection {
    /// The gateway; reads the key.
    pub(crate) fn gateway(&self) -> Result<WebPush, String> {
        let pem = secret_text(&self.key_file)?;
        let file = self.key_file.display();
        let key = SigningKey::from_pem(&pem).map_err(|error| format!("{file}: {error}"))?;
        let services = self.services.clone();
        let config = WebPushConfig {
            subject: self.subject.clone(),
            key,
            services: services.unwrap_or_else(|| SERVICES.map(str::to_owned).to_vec()),
            gate: GATE,
        };
        let client = ClientConfig {
            answer_timeout: ANSWER_TIMEOUT,
            ..ClientConfig::default()
        };
        let client = http::client(&client).map_err(|error| error.to_string())?;
        WebPush::new(config, client).map_err(|error| error.to_string())
    }

    /// Subscriptions that residents may leave here.
    pub(crate) fn subscriptions_max(&self) -> usize {
        self.subscriptions_max.unwrap_or(SUBSCRIPTIONS_MAX) as usize
    }
}

impl TopicsSection {
    fn gateway(&self) -> Result<AreaTopicsConfig, String> {
        let url = reqwest::Url::parse(&self.broker).ok();
        let is_broker = url.is_some_and(|url| matches!(url.scheme(), "mqtt" | "mqtts"));
        if !is_broker {
            return Err("broker is not an address such as mqtt://127.0.0.1:1883".into());
        }
        let is_topic = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
        if self.prefix.is_empty() || !self.prefix.chars().all(is_topic) {
            return Err("prefix has other characters than letters, digits, - _ /".into());
        }
        Ok(AreaTopicsConfig {
            broker: self.broker.clone(),
            client: self.client_id.clone(),
            login: login(
                "push.mqtt",
                self.user.as_deref(),
                self.password_file.as_deref(),
            )?,
            prefix: self.prefix.clone(),
            publish_timeout: Duration::from_secs(5),
        })
    }
}

/// Relative paths of an account are relative to the file.
pub(super) fn anchor(account: &mut Account, base: &Path) {
    for given in account.values_mut() {
        if let Given::File(file) = given {
            *file = base.join(&*file);
        }
    }
}

/// What an account gives; secrets are read from their files.
pub(super) fn texts(
    account: &Account,
    parameters: &BTreeMap<String, Parameter>,
) -> Result<BTreeMap<String, String>, String> {
    let text = |(name, value): (&String, &Given)| {
        let is_secret = parameters.get(name).is_some_and(|given| given.secret);
        let text = match value {
            Given::File(file) => secret_text(file)?,
            Given::Text(_) if is_secret => {
                return Err(format!("{name} is a secret: write {{ file = \"PATH\" }}"));
            }
            Given::Text(text) => text.clone(),
        };
        Ok((name.clone(), text))
    };
    account.iter().map(text).collect()
}

/// The shapes that came with the program and those of a folder.
pub(crate) fn shapes(folder: Option<&Path>) -> Result<Shapes, Vec<String>> {
    let words = |faults: Vec<dispatch::gateway::adapter::ShapeFault>| -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    };
    let mut shapes = shipped().map_err(words)?;
    let Some(folder) = folder else {
        return Ok(shapes);
    };
    let mut faults = Vec::new();
    let failed = |error: std::io::Error| vec![format!("{}: {error}", folder.display())];
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    for file in files {
        let name = file.display().to_string();
        let length = std::fs::metadata(&file).map_or(0, |found| found.len());
        if length > SHAPE_BYTES_MAX {
            faults.push(format!("{name}: longer than {SHAPE_BYTES_MAX} bytes"));
            continue;
        }
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                if let Err(found) = shapes.add(&name, &text) {
                    faults.extend(words(found));
                }
            }
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    if faults.is_empty() {
        Ok(shapes)
    } else {
        Err(faults)
    }
}

/// An account's gateway under the name of its link; reads its files.
pub(super) fn adapter(
    shapes: &Shapes,
    shape: &str,
    link: &str,
    account: &Account,
    to: Audience,
) -> Result<Adapter, String> {
    let of_kind = |shape: &&Arc<Shape>| shape.to == to;
    let Some(found) = shapes.get(shape).filter(of_kind) else {
        let names = shapes
            .names()
            .filter(|name| shapes.get(name).is_some_and(|s| s.to == to));
        let names: Vec<&str> = names.collect();
        return Err(format!(
            "no shape {shape:?}: there are {}",
            names.join(", ")
        ));
    };
    let client = ClientConfig {
        http2_only: found.http2,
        ..ClientConfig::default()
    };
    let client = http::client(&client).map_err(|error| error.to_string())?;
    let config = AdapterConfig {
        name: link.to_owned(),
        shape: Arc::clone(found),
        account: texts(account, &found.parameters)?,
        gate: GATE,
    };
    Adapter::new(config, client).map_err(|error| error.to_string())
}
