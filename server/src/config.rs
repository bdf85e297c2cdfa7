//! `sanfang.toml`: one file, read into values that cannot be wrong, every fault at once.

mod read;

use crate::people::Person;
use dispatch::gateway::device::{DeviceConfig, ProtocolVersion};
use dispatch::gateway::email::{EmailConfig, Encryption};
use dispatch::gateway::smpp::LinkConfig;
use dispatch::gateway::webhook::WebhookConfig;
use ingest::transport::mqtt::{MqttConfig, Version};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration of one process, with paths that hold wherever the process stands.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// City directory.
    pub(crate) city: PathBuf,
    /// Journal directory.
    pub(crate) journal: PathBuf,
    /// Where the API and the console listen.
    pub(crate) listen: SocketAddr,
    /// Address others reach the CAP feed under, `https://warn.example.org`.
    pub(crate) public_url: String,
    /// Whether observations are taken without a token (a closed sensor network).
    pub(crate) open_intake: bool,
    /// People who may act.
    pub(crate) people: Vec<Person>,
    /// SMS links, by name.
    pub(crate) sms: Vec<SmsSection>,
    /// Mail server.
    pub(crate) email: Option<EmailSection>,
    /// Webhook targets.
    pub(crate) webhooks: Vec<WebhookSection>,
    /// Site devices.
    pub(crate) devices: Option<DeviceSection>,
    /// Brokers that observations come from.
    pub(crate) mqtt: Vec<MqttConfig>,
    /// CAP feeds of other authorities to poll.
    pub(crate) polls: Vec<PollSection>,
    /// How long a snapshot may be apart from the one before.
    pub(crate) snapshot_minutes: u32,
}

/// One SMS link to a carrier account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmsSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// Most messages a second the contract allows; 0 for no limit of ours.
    #[serde(default)]
    pub(crate) pace_per_s: u32,
    /// The bind.
    pub(crate) smpp: LinkConfig,
}

/// The mail relay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailSection {
    host: String,
    port: u16,
    /// `none`, `starttls` or `tls`.
    encryption: EncryptionWord,
    /// Sender shown.
    from: String,
    user: Option<String>,
    /// File that holds the password alone.
    password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EncryptionWord {
    None,
    StartTls,
    Tls,
}

/// One HTTP target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    url: String,
    /// File that holds the shared secret alone.
    secret_file: PathBuf,
}

/// The site devices' broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSection {
    broker: String,
    client_id: String,
    /// The version that the broker speaks.
    #[serde(default)]
    version: Version,
    /// TOML file: a secret for each device id, hexadecimal.
    secrets_file: PathBuf,
}

impl EmailSection {
    /// What the gateway takes; reads the password.
    pub(crate) fn gateway(&self) -> Result<EmailConfig, String> {
        let login = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some((user.clone(), secret_text(file)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err("email: user and password_file go together".into());
            }
        };
        Ok(EmailConfig {
            host: self.host.clone(),
            port: self.port,
            encryption: match self.encryption {
                EncryptionWord::None => Encryption::None,
                EncryptionWord::StartTls => Encryption::StartTls,
                EncryptionWord::Tls => Encryption::Tls,
            },
            trusted_pem: None,
            login,
            from: self.from.clone(),
            hello: "sanfang".into(),
            step_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            connections_max: 4,
        })
    }
}

impl WebhookSection {
    /// What the gateway takes; reads the secret.
    pub(crate) fn gateway(&self) -> Result<WebhookConfig, String> {
        let url = self.url.parse();
        Ok(WebhookConfig {
            name: self.name.clone(),
            url: url.map_err(|error| format!("webhook {}: url: {error}", self.name))?,
            secret: secret_text(&self.secret_file)?.into_bytes(),
            in_flight_max: 4,
            waiting_max: 1_000,
            failures_max: 5,
            pause: model::Span::from_seconds(30),
        })
    }
}

impl DeviceSection {
    /// What the gateway takes; reads the secrets.
    pub(crate) fn gateway(&self) -> Result<DeviceConfig, String> {
        Ok(DeviceConfig {
            broker: self.broker.clone(),
            version: match self.version {
                Version::V311 => ProtocolVersion::V311,
                Version::V5 => ProtocolVersion::V5,
            },
            client: self.client_id.clone(),
            login: None,
            secrets: secrets(&self.secrets_file)?,
            publish_timeout: Duration::from_secs(5),
            confirm_timeout: Duration::from_secs(5),
        })
    }
}

/// The secret of each device of a secrets file.
pub(crate) fn secrets(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let text = secret_text(path)?;
    let file = path.display();
    let table: BTreeMap<String, String> =
        toml::from_str(&text).map_err(|error| format!("{file}: {}", error.message()))?;
    let bytes = |(device, secret): (String, String)| {
        let bytes = hex::decode(&secret);
        let bytes = bytes.map_err(|error| format!("{file}: {device}: {error}"))?;
        Ok((device, bytes))
    };
    table.into_iter().map(bytes).collect()
}

fn secret_text(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// A feed to poll.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollSection {
    /// Atom feed of CAP alerts.
    pub(crate) url: String,
    /// Seconds between polls.
    pub(crate) every_s: u64,
}
