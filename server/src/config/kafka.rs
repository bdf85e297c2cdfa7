//! `[kafka]`: the journal of many machines.

use super::secret_text;
use journal::{KafkaOptions, Layout, Login, Mechanism, Retentions, Security, Tls};
use model::City;
use model::fault::{Faults, Place};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the brokers are and how topics lie on them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KafkaSection {
    /// `host:port` of some brokers, joined by commas.
    brokers: String,
    /// What names of topics, groups and transactions begin with.
    #[serde(default = "prefix")]
    prefix: String,
    /// Copies of each partition.
    #[serde(default = "replication")]
    replication: u16,
    /// Copies that must have a record before it counts as stored.
    #[serde(default = "min_insync_replicas")]
    min_insync_replicas: u16,
    /// Partitions of the topics by link: as many links as there may ever be.
    #[serde(default = "link_partitions")]
    link_partitions: u16,
    /// After so long without a sign of life a process's zones and links go to others.
    #[serde(default = "session_timeout_ms")]
    session_timeout_ms: u32,
    #[serde(default)]
    security: SecurityWord,
    /// PEM file of the authorities that sign the brokers; the system's where it is not given.
    ca_file: Option<PathBuf>,
    /// PEM files of our own certificate and its key.
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    mechanism: Option<MechanismWord>,
    /// User name; the client's with OAUTHBEARER.
    username: Option<String>,
    /// File that holds the password alone, or the client's secret.
    password_file: Option<PathBuf>,
    /// Where tokens are asked for, with OAUTHBEARER.
    token_url: Option<String>,
    /// PEM file of the authorities that sign that address; the system's where it is not given.
    token_ca_file: Option<PathBuf>,
    /// What a token is to be good for, where the authority asks.
    token_scope: Option<String>,
}

fn prefix() -> String {
    "sanfang.".into()
}

const fn replication() -> u16 {
    3
}

const fn min_insync_replicas() -> u16 {
    2
}

const fn link_partitions() -> u16 {
    16
}

const fn session_timeout_ms() -> u32 {
    6_000
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecurityWord {
    #[default]
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl SecurityWord {
    const fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    const fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum MechanismWord {
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "OAUTHBEARER")]
    OAuthBearer,
}

/// Whether what is sent to an address is read by nobody on the way.
fn keeps_secrets(url: &str) -> bool {
    let url = reqwest::Url::parse(url);
    url.is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")),
        _ => false,
    })
}

impl KafkaSection {
    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        let files = [
            &mut self.ca_file,
            &mut self.certificate_file,
            &mut self.key_file,
            &mut self.password_file,
            &mut self.token_ca_file,
        ];
        for path in files.into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    /// What cannot work together.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        let mut wrong = |field: &str, what: &str, remedy: &str| {
            faults.error(place, &format!("kafka.{field}"), what, remedy);
        };
        if self.brokers.trim().is_empty() {
            wrong(
                "brokers",
                "it is empty",
                "write host:port of some brokers, joined by commas",
            );
        }
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if self.prefix.len() > 100 || !self.prefix.bytes().all(is_plain) {
            let remedy = "write letters, digits, `.`, `_` and `-`, as in sanfang.";
            wrong("prefix", "it cannot begin the name of a topic", remedy);
        }
        if self.replication == 0 || self.min_insync_replicas > self.replication {
            let remedy = "write at most replication, and at least 1";
            wrong("min_insync_replicas", "more copies than there are", remedy);
        }
        if self.min_insync_replicas == 0 {
            wrong(
                "min_insync_replicas",
                "it is 0",
                "write 2 with three brokers",
            );
        }
        if self.link_partitions == 0 {
            wrong(
                "link_partitions",
                "it is 0",
                "write 16, or as many links as there may ever be",
            );
        }
        if !(2_000..=600_000).contains(&self.session_timeout_ms) {
            wrong("session_timeout_ms", "out of range", "write 2000 to 600000");
        }
        if !self.security.is_encrypted()
            && (self.ca_file.is_some() || self.certificate_file.is_some())
        {
            wrong(
                "security",
                "files for TLS are given and it is off",
                "write ssl or sasl_ssl",
            );
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            wrong(
                "key_file",
                "a certificate and its key go together",
                "give both or neither",
            );
        }
        let login = [
            self.mechanism.is_some(),
            self.username.is_some(),
            self.password_file.is_some(),
        ];
        if self.security.has_login() && login.contains(&false) {
            let what = "sasl needs mechanism, username and password_file";
            wrong("security", what, "give all three");
        }
        if !self.security.has_login() && login.contains(&true) {
            let what = "a login is given and nobody is told of it";
            wrong(
                "security",
                what,
                "write sasl_ssl, or sasl_plaintext on a closed network",
            );
        }
        let is_bare = matches!(
            self.mechanism,
            Some(MechanismWord::Plain | MechanismWord::OAuthBearer)
        );
        if is_bare && self.security == SecurityWord::SaslPlaintext {
            let what = "it sends the password or token as it is, without encryption";
            wrong(
                "mechanism",
                what,
                "write SCRAM-SHA-512, or security = \"sasl_ssl\"",
            );
        }
        let wants_token = self.mechanism == Some(MechanismWord::OAuthBearer);
        if wants_token && !self.token_url.as_deref().is_some_and(keeps_secrets) {
            let what =
                "OAUTHBEARER needs it, and the secret goes there: by TLS, or to this machine";
            let remedy = "write the address at which the authority gives tokens, https://…";
            wrong("token_url", what, remedy);
        }
        let told = self.token_url.is_some() || self.token_ca_file.is_some();
        if !wants_token && (told || self.token_scope.is_some()) {
            let what = "something about tokens is given and none is asked for";
            wrong("mechanism", what, "write OAUTHBEARER, or leave it out");
        }
    }

    /// The first of the brokers named.
    pub(crate) fn first_broker(&self) -> &str {
        self.brokers.split(',').next().unwrap_or_default().trim()
    }

    /// What the journal takes; reads the password.
    pub(crate) fn options(&self, node: &str) -> Result<KafkaOptions, String> {
        let tls = self.security.is_encrypted().then(|| Tls {
            ca_file: self.ca_file.clone(),
            certificate: self.certificate_file.clone().zip(self.key_file.clone()),
        });
        let login = match (self.mechanism, &self.username, &self.password_file) {
            (Some(mechanism), Some(name), Some(file)) => {
                Some(self.login(mechanism, name.clone(), secret_text(file)?))
            }
            _ => None,
        };
        Ok(KafkaOptions {
            prefix: self.prefix.clone(),
            security: Security { tls, login },
            session_timeout: Duration::from_millis(u64::from(self.session_timeout_ms)),
            ..KafkaOptions::new(&self.brokers, node)
        })
    }

    fn login(&self, mechanism: MechanismWord, name: String, secret: String) -> Login {
        let by_password = |mechanism, username, password| Login::Password {
            mechanism,
            username,
            password,
        };
        match mechanism {
            MechanismWord::ScramSha512 => by_password(Mechanism::ScramSha512, name, secret),
            MechanismWord::ScramSha256 => by_password(Mechanism::ScramSha256, name, secret),
            MechanismWord::Plain => by_password(Mechanism::Plain, name, secret),
            MechanismWord::OAuthBearer => Login::Token {
                url: self.token_url.clone().unwrap_or_default(),
                ca_file: self.token_ca_file.clone(),
                client: name,
                secret,
                scope: self.token_scope.clone(),
            },
        }
    }

    /// How the topics of a city lie.
    pub(crate) fn layout(&self, city: &City, retentions: Retentions) -> Layout {
        Layout {
            // Zones are numbered by u16 themselves.
            zones: city.zones.len() as u16,
            links: self.link_partitions,
            replication: self.replication,
            min_insync_replicas: self.min_insync_replicas,
            retentions,
        }
    }
}
