//! `sanfang.toml`: one file, read into values that cannot be wrong, every fault at once.

use crate::people::Person;
use dispatch::gateway::device::DeviceConfig;
use dispatch::gateway::email::{EmailConfig, Encryption};
use dispatch::gateway::smpp::LinkConfig;
use dispatch::gateway::webhook::WebhookConfig;
use ingest::transport::mqtt::MqttConfig;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration of one process. Relative paths are relative to the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// City directory.
    pub(crate) city: PathBuf,
    /// Journal directory.
    pub(crate) journal: PathBuf,
    /// Where the API and the console listen.
    pub(crate) listen: SocketAddr,
    /// Address others reach the CAP feed under, `https://warn.example.org`.
    #[serde(default = "default_public_url")]
    pub(crate) public_url: String,
    /// Whether observations are taken without a token (a closed sensor network).
    #[serde(default)]
    pub(crate) open_intake: bool,
    /// People who may act.
    #[serde(default, rename = "person")]
    pub(crate) people: Vec<Person>,
    /// SMS links, by name.
    #[serde(default, rename = "sms")]
    pub(crate) sms: Vec<SmsSection>,
    /// Mail server.
    #[serde(default)]
    pub(crate) email: Option<EmailSection>,
    /// Webhook targets.
    #[serde(default, rename = "webhook")]
    pub(crate) webhooks: Vec<WebhookSection>,
    /// Site devices.
    #[serde(default)]
    pub(crate) devices: Option<DeviceSection>,
    /// Brokers that observations come from.
    #[serde(default, rename = "mqtt")]
    pub(crate) mqtt: Vec<MqttConfig>,
    /// CAP feeds of other authorities to poll.
    #[serde(default, rename = "poll")]
    pub(crate) polls: Vec<PollSection>,
    /// How long a snapshot may be apart from the one before.
    #[serde(default = "default_snapshot_minutes")]
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
        let text = secret_text(&self.secrets_file)?;
        let file = self.secrets_file.display();
        let table: BTreeMap<String, String> =
            toml::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        let mut secrets = BTreeMap::new();
        for (device, secret) in table {
            let bytes = hex::decode(&secret);
            let bytes = bytes.map_err(|error| format!("{file}: {device}: {error}"))?;
            secrets.insert(device, bytes);
        }
        Ok(DeviceConfig {
            broker: self.broker.clone(),
            client: self.client_id.clone(),
            login: None,
            secrets,
            publish_timeout: Duration::from_secs(5),
            confirm_timeout: Duration::from_secs(5),
        })
    }
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

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; give the path with --config")]
    Read {
        /// Path.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The file is not valid.
    #[error("{path}: {why}")]
    Parse {
        /// Path.
        path: PathBuf,
        /// What and where.
        why: String,
    },
    /// Values that cannot work together.
    #[error("{path}: {}", faults.join("\n"))]
    Faults {
        /// Path.
        path: PathBuf,
        /// Each fault with its remedy.
        faults: Vec<String>,
    },
}

fn default_public_url() -> String {
    "http://127.0.0.1:8080".into()
}

fn default_snapshot_minutes() -> u32 {
    10
}

impl Config {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let base = path.parent().unwrap_or(Path::new("."));
        config.city = base.join(&config.city);
        config.journal = base.join(&config.journal);
        let faults = config.faults();
        if faults.is_empty() {
            return Ok(config);
        }
        Err(ConfigError::Faults {
            path: path.to_owned(),
            faults,
        })
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for person in &self.people {
            let hash = &person.token_sha256;
            if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
                faults.push(format!(
                    "person {}: token_sha256 must be 64 hexadecimal digits; make one with: printf %s TOKEN | sha256sum",
                    person.id
                ));
            }
        }
        let mut ids: Vec<_> = self.people.iter().map(|p| &p.id).collect();
        ids.sort();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            faults
                .push("person: two people have the same id; two signatures need two people".into());
        }
        let mut names: Vec<_> = self.sms.iter().map(|s| &s.name).collect();
        names.sort();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            faults.push("sms: two links have the same name".into());
        }
        if self.snapshot_minutes == 0 {
            faults.push("snapshot_minutes: at least 1".into());
        }
        faults
    }
}
