//! `sanfang.toml`: one file, read into values that cannot be wrong, every fault at once.

use crate::people::Person;
use dispatch::gateway::email::EmailConfig;
use dispatch::gateway::smpp::LinkConfig;
use dispatch::gateway::webhook::WebhookConfig;
use ingest::transport::mqtt::MqttConfig;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

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
    pub(crate) email: Option<EmailConfig>,
    /// Webhook targets.
    #[serde(default, rename = "webhook")]
    pub(crate) webhooks: Vec<WebhookConfig>,
    /// Site devices.
    #[serde(default)]
    pub(crate) devices: Option<dispatch::gateway::device::DeviceConfig>,
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
            faults.push("person: two people have the same id; two signatures need two people".into());
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
