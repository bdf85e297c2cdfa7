//! A public channel by MQTT: for each area one retained topic, `warn/<code>`, that holds all that is in
//! force there. Who subscribes hears at once what stands, and whatever follows takes its place.
//!
//! A topic keeps one message, and several warnings may stand in one area: so the message is their
//! set, each with its own end, and the broker forgets it (MQTT 5, message expiry) with the last of
//! them. An all-clear stands in the set in the place of what it ends, until its own time is over.

use super::{Proof, Receipt};
use model::{AreaCode, SendError, Time, WarningId};
use mqtt5::{ConnectOptions, MqttClient, ProtocolVersion, PublishOptions, PublishOutcome, QoS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;

/// Warnings held for one area; of more the one that ends first gives way.
const WARNINGS_MAX: usize = 64;

/// A broker as configured.
#[derive(Clone)]
pub struct AreaTopicsConfig {
    /// `mqtt://host:1883` or `mqtts://host:8883`.
    pub broker: String,
    /// Client id.
    pub client: String,
    /// User and password.
    pub login: Option<(String, String)>,
    /// What topics begin with: `warn`.
    pub prefix: String,
    /// For the broker to take a message.
    pub publish_timeout: Duration,
}

/// What is said of one warning in some areas.
#[derive(Clone, Debug)]
pub struct AreaNotice<'a> {
    /// The warning.
    pub warning: WarningId,
    /// Its revision: what is older changes nothing.
    pub revision: u32,
    /// Where.
    pub areas: &'a [AreaCode],
    /// Until when it is worth knowing.
    pub until: Time,
    /// The words and everything about them.
    pub item: Value,
}

/// The topics of all areas.
pub struct AreaTopics {
    config: AreaTopicsConfig,
    client: MqttClient,
    connected: AsyncMutex<bool>,
    held: AsyncMutex<Held>,
}

type Held = BTreeMap<AreaCode, BTreeMap<WarningId, Item>>;

/// What stands in one area of one warning.
#[derive(Clone)]
struct Item {
    revision: u32,
    until: Time,
    item: Value,
}

impl AreaTopics {
    /// Topics of a broker; it is connected to with the first message.
    pub fn new(config: AreaTopicsConfig) -> Self {
        let mut options = ConnectOptions::new(config.client.clone())
            .with_protocol_version(ProtocolVersion::V5)
            .with_clean_start(true)
            .with_automatic_reconnect(true)
            .with_reconnect_delay(Duration::from_millis(200), Duration::from_secs(10));
        if let Some((user, password)) = &config.login {
            options = options.with_credentials(user.clone(), password.as_bytes());
        }
        Self {
            client: MqttClient::with_options(options),
            connected: AsyncMutex::new(false),
            held: AsyncMutex::default(),
            config,
        }
    }

    /// Holds again what was published before a restart, without publishing it: the broker has it.
    pub async fn remember(&self, notice: &AreaNotice<'_>, at: Time) {
        let mut held = self.held.lock().await;
        for area in notice.areas {
            put(held.entry(*area).or_default(), notice, at);
        }
    }

    /// Publishes `notice` in each of its areas. A repeat changes nothing.
    ///
    /// # Errors
    /// Transient where the broker is not there or did not take it; permanent where it refuses it or
    /// it is too late; uncertain where it did not answer.
    pub async fn send(&self, notice: &AreaNotice<'_>, at: Time) -> Result<Receipt, SendError> {
        if at >= notice.until {
            return Err(SendError::Permanent("it is past its not-after".into()));
        }
        self.connect().await?;
        // One after the other, so that an older set never follows a newer one.
        let mut held = self.held.lock().await;
        for area in notice.areas {
            let warnings = held.entry(*area).or_default();
            put(warnings, notice, at);
            let (payload, left) = message(*area, warnings, at);
            self.publish(&format!("{}/{area}", self.config.prefix), payload, left)
                .await?;
        }
        Ok(Receipt {
            reference: notice.warning.to_string(),
            proof: Proof::Accepted,
        })
    }

    /// Holds for longer what stands for longer: a renewal tells nobody anything, but who comes later
    /// must hear of it. `validity` is that of a warning in an area where it is in force.
    ///
    /// # Errors
    /// As of [`Self::send`]; what was not taken is renewed the next time.
    pub async fn renew(
        &self,
        validity: impl Fn(WarningId, AreaCode) -> Option<Time>,
        at: Time,
    ) -> Result<(), SendError> {
        let mut held = self.held.lock().await;
        for (area, warnings) in held.iter_mut() {
            let longer = |(id, item): (&WarningId, &Item)| {
                let until = validity(*id, *area)?;
                (until > item.until).then_some((*id, until))
            };
            let longer: Vec<(WarningId, Time)> = warnings.iter().filter_map(longer).collect();
            if longer.is_empty() {
                continue;
            }
            self.connect().await?;
            let mut renewed = warnings.clone();
            renewed.retain(|id, held| at < held.until || longer.iter().any(|(l, _)| l == id));
            for (id, until) in longer {
                if let Some(item) = renewed.get_mut(&id) {
                    item.until = until;
                }
            }
            let (payload, left) = message(*area, &renewed, at);
            self.publish(&format!("{}/{area}", self.config.prefix), payload, left)
                .await?;
            *warnings = renewed;
        }
        Ok(())
    }

    /// Says goodbye to the broker.
    pub async fn close(&self) {
        // The broker may be gone already; there is nobody to tell.
        let _ = self.client.disconnect().await;
    }

    async fn connect(&self) -> Result<(), SendError> {
        let mut connected = self.connected.lock().await;
        if *connected {
            return Ok(());
        }
        // What waited in a queue of the client's could come after what is newer.
        self.client.set_queue_on_disconnect(false).await;
        let connect = self.client.connect(&self.config.broker);
        match tokio::time::timeout(self.config.publish_timeout, connect).await {
            Ok(Ok(_)) => *connected = true,
            Ok(Err(error)) => return Err(SendError::Transient(error.to_string())),
            Err(_) => return Err(SendError::Transient("the broker does not answer".into())),
        }
        Ok(())
    }

    async fn publish(&self, topic: &str, payload: Vec<u8>, left: u32) -> Result<(), SendError> {
        if !self.client.is_connected().await {
            return Err(SendError::Transient("no connection to the broker".into()));
        }
        let mut options = PublishOptions {
            qos: QoS::AtLeastOnce,
            retain: true,
            ..PublishOptions::default()
        };
        options.properties.message_expiry_interval = Some(left);
        options.properties.content_type = Some("application/json".into());
        let outcome = async {
            match self
                .client
                .publish_with_options(topic, payload, options)
                .await
            {
                Ok(result) => Ok(result.outcome().await),
                Err(error) => Err(error),
            }
        };
        // A repeat puts the same in its place: what nobody knows of is safe to say again.
        match tokio::time::timeout(self.config.publish_timeout, outcome).await {
            Ok(Ok(PublishOutcome::Delivered(_))) => Ok(()),
            Ok(Ok(PublishOutcome::Rejected(why))) => Err(SendError::Permanent(format!(
                "the broker refuses it: {why:?}"
            ))),
            Ok(Ok(PublishOutcome::Indeterminate(why))) => Err(SendError::Transient(format!(
                "the broker may have it: {why:?}"
            ))),
            Ok(Err(error)) => Err(SendError::Transient(error.to_string())),
            Err(_) => Err(SendError::Transient("the broker does not answer".into())),
        }
    }
}

/// Puts a notice among the warnings of an area, and takes out what is over.
fn put(warnings: &mut BTreeMap<WarningId, Item>, notice: &AreaNotice<'_>, at: Time) {
    warnings.retain(|_, held| at < held.until);
    let known = warnings.get(&notice.warning);
    if known.is_some_and(|held| held.revision > notice.revision) {
        return;
    }
    if known.is_none() && warnings.len() >= WARNINGS_MAX {
        let first = warnings.iter().min_by_key(|(_, held)| held.until);
        if let Some(first) = first.map(|(id, _)| *id) {
            warnings.remove(&first);
        }
    }
    let item = Item {
        revision: notice.revision,
        until: notice.until,
        item: notice.item.clone(),
    };
    warnings.insert(notice.warning, item);
}

/// The message of an area and the seconds after which nothing of it stands.
fn message(area: AreaCode, warnings: &BTreeMap<WarningId, Item>, at: Time) -> (Vec<u8>, u32) {
    let items: Vec<&Value> = warnings.values().map(|held| &held.item).collect();
    let payload = json!({ "area": area, "warnings": items });
    let last = warnings.values().map(|held| held.until).max().unwrap_or(at);
    let left = u32::try_from(last.since(at).seconds()).unwrap_or(1).max(1);
    (payload.to_string().into_bytes(), left)
}

impl fmt::Debug for AreaTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AreaTopics")
            .field("broker", &self.config.broker)
            .field("prefix", &self.config.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AreaTopicsConfig {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AreaTopicsConfig")
            .field("broker", &self.broker)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice<'a>(number: u64, revision: u32, until: i64, areas: &'a [AreaCode]) -> AreaNotice<'a> {
        AreaNotice {
            warning: WarningId::parse(&format!("{number:024x}")).unwrap(),
            revision,
            areas,
            until: Time::from_seconds(until),
            item: json!({ "n": number, "r": revision }),
        }
    }

    fn said(warnings: &BTreeMap<WarningId, Item>, at: i64) -> (String, u32) {
        let area = AreaCode::parse("440106000000").unwrap();
        let (payload, left) = message(area, warnings, Time::from_seconds(at));
        (String::from_utf8(payload).unwrap(), left)
    }

    #[test]
    fn a_topic_holds_all_that_stands_and_an_update_replaces() {
        let mut warnings = BTreeMap::new();
        let at = Time::from_seconds;
        put(&mut warnings, &notice(1, 1, 100, &[]), at(0));
        put(&mut warnings, &notice(2, 1, 50, &[]), at(0));
        put(&mut warnings, &notice(1, 2, 120, &[]), at(10));
        put(&mut warnings, &notice(1, 1, 100, &[]), at(11));
        let (text, left) = said(&warnings, 20);
        assert!(text.contains(r#"[{"n":1,"r":2},{"n":2,"r":1}]"#), "{text}");
        assert_eq!(left, 100, "as long as the last of them");
        put(&mut warnings, &notice(3, 1, 90, &[]), at(60));
        let (text, _) = said(&warnings, 60);
        assert!(!text.contains(r#""n":2"#), "what is over is gone: {text}");
    }

    #[test]
    fn an_area_has_a_bound() {
        let mut warnings = BTreeMap::new();
        for number in 0..100 {
            let until = i64::try_from(number).unwrap() + 100;
            put(
                &mut warnings,
                &notice(number, 1, until, &[]),
                Time::from_seconds(0),
            );
        }
        assert_eq!(warnings.len(), WARNINGS_MAX);
        assert!(
            said(&warnings, 0).0.contains(r#""n":99"#),
            "what lasts longest stays"
        );
    }
}
