//! Signs, sirens and barriers at a site, over MQTT: a signed command out, the device's own state back.
//!
//! The broker's acknowledgement proves nothing about a barrier. A command counts as done only when
//! the device reports, signed and by its limit switch, that it did it; otherwise the owner is told.

pub mod command;
pub mod posts;
pub mod state;

pub use command::{Action, Command, CommandError, Refusal};
pub use mqtt5::ProtocolVersion;
pub use posts::{Look, Posts};
pub use state::{Outcome, Position, State};

use super::{Proof, Receipt};
use model::{SendError, Span, Time};
use mqtt5::{ConnectOptions, MqttClient, PublishOptions, PublishOutcome, QoS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// Bytes of a state that are read.
pub const STATE_BYTES_MAX: usize = 4096;
/// Commands that wait for their device at the same time.
pub const WAITING_MAX: usize = 4096;
/// Reports kept for one waiting command; a device says little.
const REPORTS_MAX: usize = 8;

/// The devices' broker as configured.
#[derive(Clone)]
pub struct DeviceConfig {
    /// `mqtt://host:1883` or `mqtts://host:8883`.
    pub broker: String,
    /// The version that the broker speaks; of 3.1.1 none knows when a command is over but the device.
    pub version: ProtocolVersion,
    /// Client id; also names the session that the broker keeps.
    pub client: String,
    /// User and password.
    pub login: Option<(String, String)>,
    /// Secret of each device, by id; a device that is not here cannot be commanded.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// For the broker to take a command.
    pub publish_timeout: Duration,
    /// For the device to report that it acted.
    pub confirm_timeout: Duration,
    /// How long a device may say nothing of itself; nothing where none is missed.
    pub heartbeat: Option<Span>,
}

/// Why the devices cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No connection to the broker.
    #[error("broker {broker}: {error}")]
    Broker {
        /// Its address.
        broker: String,
        /// What it or the network says.
        error: mqtt5::MqttError,
    },
}

/// The connection to the devices.
pub struct Devices {
    config: DeviceConfig,
    client: MqttClient,
    waiting: Waiting,
    /// The last number given to a command, by device; held until the broker has it, so that
    /// commands reach a device in the order of their numbers.
    counters: BTreeMap<String, AsyncMutex<u64>>,
    /// Devices that said something since the last look.
    heard: Heard,
    posts: Option<Mutex<Posts>>,
}

type Waiting = Arc<Mutex<BTreeMap<String, mpsc::Sender<State>>>>;
type Heard = Arc<Mutex<BTreeSet<String>>>;

impl Devices {
    /// Connects and listens to the states of all devices; reconnects by itself.
    ///
    /// # Errors
    /// The broker cannot be reached or does not let us listen.
    pub async fn connect(config: DeviceConfig) -> Result<Self, DeviceError> {
        let failed = |error| DeviceError::Broker {
            broker: config.broker.clone(),
            error,
        };
        let mut options = ConnectOptions::new(config.client.clone())
            .with_protocol_version(config.version)
            .with_clean_start(false)
            .with_automatic_reconnect(true)
            .with_reconnect_delay(Duration::from_millis(200), Duration::from_secs(10));
        if config.version == ProtocolVersion::V5 {
            options = options.with_session_expiry_interval(3600);
        }
        if let Some((user, password)) = &config.login {
            options = options.with_credentials(user.clone(), password.as_bytes());
        }
        let client = MqttClient::with_options(options);
        // A command that waited in a queue of ours could act after its time.
        client.set_queue_on_disconnect(false).await;
        client.connect(&config.broker).await.map_err(failed)?;
        let waiting: Waiting = Arc::default();
        let secrets = config.secrets.clone();
        let told = Arc::clone(&waiting);
        let heard = Heard::default();
        let hearing = Arc::clone(&heard);
        let listen = mqtt5::SubscribeOptions {
            qos: QoS::AtLeastOnce,
            ..Default::default()
        };
        client
            .subscribe_with_options("devices/+/state", listen, move |message| {
                hear(
                    &secrets,
                    (&told, &hearing),
                    &message.topic,
                    &message.payload,
                );
            })
            .await
            .map_err(failed)?;
        let devices = config.secrets.keys().cloned();
        let counters = devices.map(|id| (id, AsyncMutex::new(0))).collect();
        let ids = config.secrets.keys().cloned();
        let posts = config
            .heartbeat
            .map(|beat| Mutex::new(Posts::new(ids, beat)));
        Ok(Self {
            config,
            client,
            waiting,
            counters,
            heard,
            posts,
        })
    }

    /// Sends a command at `at` and waits until its device reports. A command with the same id may
    /// be sent again: the device acts once and reports again. Its counter is raised where it is not
    /// above that of the device's last command.
    ///
    /// # Errors
    /// Transient where the broker did not take it. Permanent where it may not be sent, is too late,
    /// or the device refuses it or is stuck: tell the owner. Uncertain where the device did not
    /// confirm in time: tell the owner.
    pub async fn send(&self, command: &Command, at: Time) -> Result<Receipt, SendError> {
        let device = command.device();
        let secret = self.config.secrets.get(device).ok_or_else(|| {
            SendError::Permanent(format!("device {device} has no secret: register it"))
        })?;
        let left = command.not_after().since(at).seconds();
        let left = u32::try_from(left).ok().filter(|left| *left > 0);
        let left = left.ok_or_else(|| {
            SendError::Permanent(format!("the command to {device} is past its not-after"))
        })?;
        let mut reports = self.wait_for(command)?;
        if let Some(counter) = self.counters.get(device) {
            let mut last = counter.lock().await;
            let command = command.numbered_after(*last);
            *last = command.counter();
            self.publish(&command, secret, left).await?;
        }
        self.confirmed(command, &mut reports.from_device).await
    }

    /// Which devices fell silent, and which are heard again; nothing where none is missed. What a
    /// device reports about a command counts as well as what it says unasked.
    pub fn look(&self, at: Time) -> Option<Look> {
        let posts = self.posts.as_ref()?;
        let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        let mut posts = posts.lock().unwrap_or_else(PoisonError::into_inner);
        Some(posts.look(&heard, at))
    }

    /// True while the broker is connected.
    pub async fn is_up(&self) -> bool {
        self.client.is_connected().await
    }

    /// Says goodbye to the broker.
    pub async fn close(&self) {
        // The broker may be gone already; there is nobody to tell.
        let _ = self.client.disconnect().await;
    }

    fn wait_for(&self, command: &Command) -> Result<Reports, SendError> {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(SendError::Transient(format!(
                "{WAITING_MAX} commands wait for their devices already"
            )));
        }
        if waiting.contains_key(command.id()) {
            return Err(SendError::Transient(format!(
                "command {} is on its way already",
                command.id()
            )));
        }
        let (tell, from_device) = mpsc::channel(REPORTS_MAX);
        waiting.insert(command.id().to_owned(), tell);
        Ok(Reports {
            from_device,
            command: command.id().to_owned(),
            waiting: Arc::clone(&self.waiting),
        })
    }

    async fn publish(&self, command: &Command, secret: &[u8], left: u32) -> Result<(), SendError> {
        let device = command.device();
        let payload = command.to_bytes(secret);
        let mut options = PublishOptions {
            qos: QoS::AtLeastOnce,
            ..PublishOptions::default()
        };
        if self.config.version == ProtocolVersion::V5 {
            // The broker drops it too when its time is over.
            options.properties.message_expiry_interval = Some(left);
        }
        let topic = format!("devices/{device}/command");
        if !self.client.is_connected().await {
            return Err(SendError::Transient("no connection to the broker".into()));
        }
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
        match tokio::time::timeout(self.config.publish_timeout, outcome).await {
            Ok(Ok(PublishOutcome::Delivered(_))) => Ok(()),
            Ok(Ok(PublishOutcome::Rejected(why))) => Err(SendError::Permanent(format!(
                "the broker refuses it: {why:?}"
            ))),
            Ok(Ok(PublishOutcome::Indeterminate(why))) => Err(SendError::Uncertain(format!(
                "the broker may have it: {why:?}"
            ))),
            Ok(Err(error)) => Err(SendError::Transient(error.to_string())),
            Err(_) => Err(SendError::Uncertain("the broker does not answer".into())),
        }
    }

    async fn confirmed(
        &self,
        command: &Command,
        reports: &mut mpsc::Receiver<State>,
    ) -> Result<Receipt, SendError> {
        let device = command.device();
        let wait = async {
            while let Some(state) = reports.recv().await {
                match command.outcome(&state) {
                    Outcome::Done => {
                        return Some(Ok(Receipt {
                            reference: format!("{device} {}", state.sequence),
                            proof: Proof::ActionReported,
                        }));
                    }
                    Outcome::Failed(why) => {
                        return Some(Err(SendError::Permanent(format!("{device}: {why}"))));
                    }
                    Outcome::Underway => {}
                }
            }
            None
        };
        let unconfirmed = || {
            SendError::Uncertain(format!(
                "{device} did not confirm within {} s: tell its owner",
                self.config.confirm_timeout.as_secs()
            ))
        };
        match tokio::time::timeout(self.config.confirm_timeout, wait).await {
            Ok(Some(result)) => result,
            Ok(None) | Err(_) => Err(unconfirmed()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, mpsc::Sender<State>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a waiting command hears; the place is given back also where the caller stops waiting.
struct Reports {
    from_device: mpsc::Receiver<State>,
    command: String,
    waiting: Waiting,
}

impl Drop for Reports {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&self.command);
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devices")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DeviceConfig {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceConfig")
            .field("broker", &self.broker)
            .field("client", &self.client)
            .field("devices", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// Hands a report to whoever waits for it. What is forged or malformed confirms nothing.
fn hear(
    secrets: &BTreeMap<String, Vec<u8>>,
    (waiting, heard): (&Waiting, &Heard),
    topic: &str,
    payload: &[u8],
) {
    let device = topic
        .strip_prefix("devices/")
        .and_then(|rest| rest.strip_suffix("/state"));
    let Some((device, secret)) = device.and_then(|d| secrets.get_key_value(d)) else {
        tracing::warn!(topic, "state of a device that is not registered");
        return;
    };
    if payload.len() > STATE_BYTES_MAX {
        tracing::warn!(device, bytes = payload.len(), "state is too long");
        return;
    }
    match State::read(payload, device, secret) {
        Ok(state) => {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.insert(device.clone());
            drop(heard);
            let told = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(tell) = told.get(&state.command) {
                // A device that repeats itself past the bound has said what it has to say.
                let _ = tell.try_send(state);
            }
        }
        Err(error) => tracing::warn!(device, %error, "state is not believed"),
    }
}
