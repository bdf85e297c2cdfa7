//! The far side of site devices: their broker, or the devices of the demo.

use dispatch::gateway::Receipt;
use dispatch::gateway::device::{Command, DeviceConfig, Devices, Look};
use dispatch::simulator::wired::Wired;
use model::{SendError, Time};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Between two attempts to reach the devices' broker.
const RECONNECT: Duration = Duration::from_secs(2);

/// Where commands go.
pub(crate) enum DeviceLink {
    /// The devices' broker, connected in its own time: nothing else waits for it.
    Broker(Box<OnceLock<Devices>>),
    /// Devices in play.
    Wired(Wired),
}

impl DeviceLink {
    /// Connects in the background until that succeeds; what is sent meanwhile waits.
    pub(crate) fn start(config: DeviceConfig) -> Arc<Self> {
        let link = Arc::new(Self::Broker(Box::default()));
        tokio::spawn(connect(Arc::downgrade(&link), config));
        link
    }

    /// Which devices fell silent and which are heard again.
    pub(super) fn look(&self, at: Time) -> Option<Look> {
        match self {
            Self::Wired(_) => None,
            Self::Broker(broker) => broker.get()?.look(at),
        }
    }

    pub(super) async fn send(&self, command: &Command, at: Time) -> Result<Receipt, SendError> {
        match self {
            Self::Wired(devices) => devices.send(command, at),
            Self::Broker(broker) => match broker.get() {
                Some(devices) => devices.send(command, at).await,
                None => Err(SendError::Transient(
                    "the devices' broker has not been reached yet".into(),
                )),
            },
        }
    }
}

/// A broker that starts later than we do is tried again, while anybody wants it.
async fn connect(link: Weak<DeviceLink>, config: DeviceConfig) {
    while link.strong_count() > 0 {
        match Devices::connect(config.clone()).await {
            Ok(devices) => {
                if let Some(DeviceLink::Broker(broker)) = link.upgrade().as_deref() {
                    drop(broker.set(devices));
                }
                return;
            }
            Err(error) => tracing::warn!(%error, "devices not reached; trying again"),
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
