//! Which broker, as whom, which topics, and how their payloads are to be read.

use super::topic;
use crate::protocol::Protocol;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One broker.
///
/// ```toml
/// [[mqtt]]
/// url       = "mqtt://127.0.0.1:1883"
/// client_id = "sanfang-intake-1"
/// version   = "3.1.1"          # "5" where nothing is said
///
/// [[mqtt.subscriptions]]
/// filter = "city/+/observations"
///
/// [[mqtt.subscriptions]]
/// filter = "vendor/+/up"
/// [mqtt.subscriptions.protocol.fields]
/// station_from_topic = 1
/// time = "ts"
/// time_format = "seconds"
/// values = { temp = { parameter = "temperature" }, lvl = { parameter = "water_depth", unit = "cm" } }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttConfig {
    /// `mqtt://host:port`, or `mqtts://host:port` with TLS.
    pub url: String,
    /// The session's name at the broker: one for each listening process, and always the same.
    pub client_id: String,
    /// The version that the broker speaks.
    #[serde(default)]
    pub version: Version,
    /// Certificates (PEM) to trust in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// User, where the broker asks for one.
    #[serde(default)]
    pub username: Option<String>,
    /// File that holds the password alone.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Messages taken and not yet acknowledged, at most; the broker holds back the rest.
    #[serde(default = "default_in_flight_max")]
    pub in_flight_max: u16,
    /// What to listen to.
    pub subscriptions: Vec<Subscription>,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// OASIS 2014, as most brokers in the field have it.
    #[serde(rename = "3.1.1")]
    V311,
    /// OASIS 2019: the broker also knows how much may be in flight.
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// Where a broker is.
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) is_tls: bool,
}

/// Topics that carry one kind of payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Topic filter (MQTT 5 §4.7), also `$share/group/filter`.
    pub filter: String,
    /// How to read the payloads; the observation contract where nothing is said.
    #[serde(default)]
    pub protocol: Protocol,
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MqttConfigError {
    /// Not an address of a broker.
    #[error("mqtt.url {0:?} is not an address: write mqtt://host:port or mqtts://host:port")]
    Url(String),
    /// The session has no name, and could not be taken up again.
    #[error("mqtt.client_id is empty: give each listening process a name of its own")]
    ClientId,
    /// Nothing is let in.
    #[error("mqtt.in_flight_max is 0: nothing could arrive; 1000 is usual")]
    InFlight,
    /// Nothing to listen to.
    #[error("mqtt.subscriptions is empty: name at least one topic filter")]
    NoSubscriptions,
    /// Not a topic filter.
    #[error("mqtt.subscriptions filter {0:?} is not a topic filter: # stands last, + and # alone")]
    Filter(String),
}

impl MqttConfig {
    /// Finds what would make listening impossible.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), MqttConfigError> {
        if self.address().is_none() {
            return Err(MqttConfigError::Url(self.url.clone()));
        }
        if self.client_id.is_empty() || self.client_id.len() > usize::from(u16::MAX) {
            return Err(MqttConfigError::ClientId);
        }
        if self.in_flight_max == 0 {
            return Err(MqttConfigError::InFlight);
        }
        if self.subscriptions.is_empty() {
            return Err(MqttConfigError::NoSubscriptions);
        }
        let is_bad = |one: &&Subscription| !topic::is_filter(&one.filter);
        match self.subscriptions.iter().find(is_bad) {
            Some(bad) => Err(MqttConfigError::Filter(bad.filter.clone())),
            None => Ok(()),
        }
    }

    /// The broker's host and port; `None` where `url` does not name them.
    pub(super) fn address(&self) -> Option<Address<'_>> {
        let (is_tls, rest) = match self.url.strip_prefix("mqtt://") {
            Some(rest) => (false, rest),
            None => (true, self.url.strip_prefix("mqtts://")?),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            Some(_) | None => (rest, if is_tls { 8883 } else { 1883 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
        is_host.then_some(Address { host, port, is_tls })
    }
}

const fn default_in_flight_max() -> u16 {
    1000
}
