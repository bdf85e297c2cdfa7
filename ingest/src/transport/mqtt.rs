//! MQTT 3.1.1 and 5: a client of an existing broker, quality of service 1, acknowledged by the journal.
//!
//! Each connection takes up the session that the broker kept: what was not acknowledged comes
//! again, whether the connection, this process or the machine was lost. The client is our own: of
//! either version it needs seven packets, and those that others have acknowledge before the disk
//! does, or speak one version only.

pub mod config;
pub mod packet;
mod session;
mod stream;
mod topic;

pub use config::{MqttConfig, MqttConfigError, Subscription, Version};
pub use session::CONNECT_TIMEOUT;

pub(super) use session::Receipt;

use super::Frame;
use session::End;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

/// First wait before connecting again.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest wait before connecting again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long a session must have lasted for the next wait to be short again.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// How the connection to a broker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Connecting, or waiting to.
    Down {
        /// Why it is down; empty before the first attempt.
        why: String,
    },
    /// Connected and subscribed.
    Up,
}

/// Listens to a broker until `stop` resolves or the receiver of `frames` is gone, connecting again
/// with growing waits whenever the connection is lost. `link` shows how it stands.
///
/// # Errors
/// [`MqttConfigError`] where the configuration cannot be used at all; a broker that is away is
/// no error.
pub async fn listen(
    config: &MqttConfig,
    frames: mpsc::Sender<Frame>,
    link: watch::Sender<Link>,
    stop: impl Future<Output = ()>,
) -> Result<(), MqttConfigError> {
    config.check()?;
    tokio::pin!(stop);
    let mut wait = BACKOFF_MIN;
    loop {
        let began = Instant::now();
        let why = match session::run(config, &frames, &link, stop.as_mut()).await {
            Ok(End::Stopped) => return Ok(()),
            Ok(End::Unpaid) => "a frame was not stored; it is asked for again".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(broker = %config.url, %why, "MQTT connection ended");
        link.send_replace(Link::Down { why });
        if began.elapsed() > STEADY_AFTER {
            wait = BACKOFF_MIN;
        }
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = frames.closed() => return Ok(()),
            () = sleep(wait) => {}
        }
        wait = (wait * 2).min(BACKOFF_MAX);
    }
}
