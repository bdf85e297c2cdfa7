//! How the brokers are reached, and what our clients ask of them.

use crate::JournalError;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use std::path::PathBuf;
use std::time::Duration;

/// Where the cluster is and how this process presents itself to it.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// `host:port` of some brokers, joined by commas; the others are learnt from them.
    pub brokers: String,
    /// This process's name; no other of the deployment may have it.
    pub node: String,
    /// What all topic names, groups and transactional ids of the deployment begin with.
    pub prefix: String,
    /// Encryption and identity.
    pub security: Security,
    /// After so long without a sign of life a node's partitions go to others.
    pub session_timeout: Duration,
    /// After so long brokers abort a transaction whose owner is silent.
    pub transaction_timeout: Duration,
    /// After so long what is written apart counts as not delivered: longer than a partition is
    /// without a leader after a broker died.
    pub delivery_timeout: Duration,
    /// Bound of the queue before each producer; vital batches get a quarter more.
    pub queue_bytes: usize,
    /// Bound of the records held in memory for the readers of one partition.
    pub tail_bytes: usize,
}

impl KafkaOptions {
    /// Plaintext to `brokers` under the name `node`, everything else as is sane.
    pub fn new(brokers: &str, node: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            node: node.to_owned(),
            prefix: "sanfang.".to_owned(),
            security: Security::default(),
            session_timeout: Duration::from_secs(6),
            transaction_timeout: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(30),
            queue_bytes: 64 << 20,
            tail_bytes: 8 << 20,
        }
    }
}

/// Encryption and identity.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// Whether connections are encrypted.
    pub tls: Option<Tls>,
    /// Who this process says it is.
    pub login: Option<Login>,
}

/// Encrypted connections.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// PEM file of the authorities that sign the brokers; the system's where absent.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our own certificate and its key, where brokers ask for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Who this process says it is (SASL, RFC 4422), and what proves it.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A name and its password. SCRAM (RFC 5802) keeps the password off the wire, PLAIN (RFC 4616)
    /// needs TLS.
    Password {
        /// How the password is proved.
        mechanism: Mechanism,
        /// User name.
        username: String,
        /// Its password.
        password: String,
    },
    /// A token (OAUTHBEARER, RFC 7628) that an authority gives to a client that proves itself by a
    /// secret (OAuth 2.0, RFC 6749 clause 4.4): a JWT (RFC 7519) with `sub` and `exp`. It is asked for
    /// anew before it runs out, by each client of the brokers for itself.
    Token {
        /// Where it is asked for.
        url: String,
        /// PEM file of the authorities that sign that address; the system's where absent.
        ca_file: Option<PathBuf>,
        /// Name of the client.
        client: String,
        /// Its secret.
        secret: String,
        /// What the token is to be good for, where the authority asks.
        scope: Option<String>,
    },
}

impl std::fmt::Debug for Login {
    /// Without password and secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password {
                mechanism,
                username,
                ..
            } => write!(f, "{} as {username}", mechanism.name()),
            Self::Token { url, client, .. } => write!(f, "OAUTHBEARER as {client} from {url}"),
        }
    }
}

/// How a password is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM with SHA-512.
    ScramSha512,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// The password itself.
    Plain,
}

impl Mechanism {
    /// The name registered with IANA.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        }
    }
}

impl KafkaOptions {
    /// What every client has.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.node)
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A leader that moved is found at once; this finds what nobody complained about.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set_log_level(RDKafkaLogLevel::Warning);
        let security = &self.security;
        let protocol = match (security.tls.is_some(), security.login.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(tls) = &security.tls {
            if let Some(file) = &tls.ca_file {
                config.set("ssl.ca.location", file.display().to_string());
            }
            if let Some((certificate, key)) = &tls.certificate {
                config
                    .set(
                        "ssl.certificate.location",
                        certificate.display().to_string(),
                    )
                    .set("ssl.key.location", key.display().to_string());
            }
        }
        match &security.login {
            None => {}
            Some(Login::Password {
                mechanism,
                username,
                password,
            }) => {
                config
                    .set("sasl.mechanism", mechanism.name())
                    .set("sasl.username", username)
                    .set("sasl.password", password);
            }
            Some(Login::Token {
                url,
                ca_file,
                client,
                secret,
                scope,
            }) => {
                let authorities = ca_file.as_ref().map(|file| file.display().to_string());
                config
                    .set("sasl.mechanism", "OAUTHBEARER")
                    .set("sasl.oauthbearer.method", "oidc")
                    .set("sasl.oauthbearer.token.endpoint.url", url)
                    .set("sasl.oauthbearer.client.id", client)
                    .set("sasl.oauthbearer.client.secret", secret)
                    .set(
                        "https.ca.location",
                        authorities.as_deref().unwrap_or("probe"),
                    );
                if let Some(scope) = scope {
                    config.set("sasl.oauthbearer.scope", scope);
                }
            }
        }
        config
    }

    /// What every producer has: nothing counts as written before all copies in sync have it.
    fn writing(&self, message_timeout: Duration) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("compression.level", "1")
            .set(
                "message.timeout.ms",
                message_timeout.as_millis().to_string(),
            )
            .set("message.max.bytes", RECORD_BYTES_MAX.to_string())
            .set("batch.size", "1048576")
            .set("queue.buffering.max.messages", "100000")
            .set("queue.buffering.max.kbytes", "262144");
        config
    }

    /// A producer whose successor under the same `transactional_id` ends what it left open. After
    /// `timeout` brokers do.
    pub(crate) fn producer(&self, transactional_id: &str, timeout: Duration) -> ClientConfig {
        // What cannot be delivered ends with its transaction and is sent again in the next one.
        let mut config = self.writing(timeout);
        config
            .set("enable.idempotence", "true")
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", timeout.as_millis().to_string())
            // The group is gathered before it is sent: there is nothing to linger for.
            .set("linger.ms", "0");
        config
    }

    /// A producer without transactions. What cannot be delivered its sender sends again.
    ///
    /// Records are not numbered: the client lets a partition have no more than five numbered ones on
    /// the wire, and its threads spin while there are more to send. One request at a time on each
    /// connection keeps the order of a partition without numbers; brokers answer a connection's
    /// requests one after another in any case.
    pub(crate) fn producer_apart(&self) -> ClientConfig {
        let mut config = self.writing(self.delivery_timeout);
        config
            .set("enable.idempotence", "false")
            .set("max.in.flight.requests.per.connection", "1")
            .set("linger.ms", LINGER_MS);
        config
    }

    /// A consumer of partitions given by hand; sees nothing of what is not committed.
    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            // What is gone is an error that says so, never a silent leap.
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("fetch.message.max.bytes", FETCH_BYTES.to_string())
            .set("receive.message.max.bytes", "134217728")
            .set("queued.max.messages.kbytes", "8192");
        config
    }

    /// A member of the group that shares out partitions.
    pub(crate) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group);
        let timeout = self.session_timeout;
        config
            // It fetches nothing, so neither where to begin nor an end is of interest.
            .set("auto.offset.reset", "latest")
            .set("enable.partition.eof", "false")
            .set("session.timeout.ms", timeout.as_millis().to_string())
            .set(
                "heartbeat.interval.ms",
                (timeout / 4).as_millis().to_string(),
            )
            .set("max.poll.interval.ms", "86400000")
            // Who keeps its partitions works on while others move.
            .set("partition.assignment.strategy", "cooperative-sticky");
        config
    }

    /// Refuses what no cluster would take.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let named = |text: &str| {
            !text.is_empty()
                && text.len() <= 100
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        let why = if self.brokers.trim().is_empty() {
            "no brokers are named"
        } else if !named(&self.node) {
            "the node's name may have letters, digits, `.`, `_` and `-`, and needs one"
        } else if !self.prefix.is_empty() && !named(&self.prefix) {
            "the prefix may have letters, digits, `.`, `_` and `-`"
        } else {
            return Ok(());
        };
        Err(JournalError::brokers("use the configuration", why))
    }
}

/// How long what is written apart waits for company.
const LINGER_MS: &str = "1";
/// The most that one record may have; topics are made to take it.
pub(crate) const RECORD_BYTES_MAX: usize = 8 << 20;
/// What one fetch brings of a partition.
const FETCH_BYTES: usize = 4 << 20;
