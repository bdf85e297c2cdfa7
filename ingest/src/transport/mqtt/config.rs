//! Which broker, as whom, which topics, and how their payloads are to be read.

use crate::protocol::Protocol;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One broker.
///
/// ```toml
/// [[mqtt]]
/// url       = "mqtt://127.0.0.1:1883"
/// client_id = "sanfang-intake-1"
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
        let address = ["mqtt://", "mqtts://"]
            .iter()
            .find_map(|s| self.url.strip_prefix(s));
        if address.is_none_or(str::is_empty) {
            return Err(MqttConfigError::Url(self.url.clone()));
        }
        if self.client_id.is_empty() {
            return Err(MqttConfigError::ClientId);
        }
        if self.in_flight_max == 0 {
            return Err(MqttConfigError::InFlight);
        }
        if self.subscriptions.is_empty() {
            return Err(MqttConfigError::NoSubscriptions);
        }
        let is_bad = |one: &&Subscription| !mqtt5::is_valid_topic_filter(&one.filter);
        match self.subscriptions.iter().find(is_bad) {
            Some(bad) => Err(MqttConfigError::Filter(bad.filter.clone())),
            None => Ok(()),
        }
    }
}

const fn default_in_flight_max() -> u16 {
    1000
}
