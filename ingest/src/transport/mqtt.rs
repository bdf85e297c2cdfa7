//! MQTT 5: a client of an existing broker, quality of service 1, acknowledged by the journal.
//!
//! Each connection is a new client on the broker's kept session: what was not acknowledged comes
//! again, whether the connection, this process or the machine was lost. Devices may speak MQTT
//! 3.1.1 to the broker; between the broker and this client it must be MQTT 5 (OASIS 2019), whose
//! receive maximum bounds what is in flight.

pub mod config;

pub use config::{MqttConfig, MqttConfigError, Subscription};

use super::Frame;
use crate::protocol::Protocol;
use bytes::Bytes;
use mqtt5::{
    AckToken, ConnectOptions, ConnectionEvent, DisconnectReason, MqttClient, MqttError, QoS,
    SubscribeOptions,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

/// First wait before connecting again.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest wait before connecting again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long connecting and subscribing may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a session must have lasted for the next wait to be short again.
const STEADY_AFTER: Duration = Duration::from_secs(10);
/// Messages taken from the client and not handed over: more than can be unacknowledged.
const QUEUE_MAX: usize = 2 * u16::MAX as usize;
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long the broker keeps what comes while this client is away.
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;

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

/// What a frame owes its broker.
pub(super) struct Receipt {
    token: Option<AckToken>,
    session: Arc<Session>,
}

/// One connection: it ends where a frame is dropped without acknowledgement, since the broker
/// gives what is unacknowledged again only on a new connection.
#[derive(Default)]
struct Session {
    is_over: Notify,
    unpaid: Mutex<Unpaid>,
    lost: AtomicU64,
}

/// Tokens of frames that were dropped. A token dropped on an open connection would tell the broker
/// to forget its message, so they are held until the connection is closed.
enum Unpaid {
    Open(Vec<AckToken>),
    Closed,
    /// It could not be closed in time: nothing may be said on it any more.
    Abandoned,
}

struct Arrived {
    topic: String,
    payload: Bytes,
    protocol: Arc<Protocol>,
    receipt: Receipt,
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
    let mut in_flight_max = config.in_flight_max;
    loop {
        let began = Instant::now();
        let ended = one_session(config, in_flight_max, &frames, &link, stop.as_mut()).await;
        if let Err(MqttError::ProtocolError(_)) = ended {
            // Mosquitto 2.0 sends more than the receive maximum once acknowledgements come in a
            // burst, and the client below takes it for a violation.
            in_flight_max = u16::MAX;
        }
        let why = match ended {
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

/// Why this side ended a connection.
enum End {
    /// It was told to, or nobody takes frames any more.
    Stopped,
    /// A frame was dropped without acknowledgement.
    Unpaid,
}

/// One connection from its beginning to its end.
async fn one_session(
    config: &MqttConfig,
    in_flight_max: u16,
    frames: &mpsc::Sender<Frame>,
    link: &watch::Sender<Link>,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<End, MqttError> {
    let session = Arc::new(Session::default());
    let client = MqttClient::with_options(options(config, in_flight_max)?);
    let ended = tokio::select! {
        biased;
        () = stop => Ok(End::Stopped),
        ended = serve(&client, config, frames, link, &session) => ended,
    };
    let is_closed = timeout(CLOSE_TIMEOUT, client.disconnect()).await.is_ok();
    session.close(if is_closed {
        Unpaid::Closed
    } else {
        Unpaid::Abandoned
    });
    ended
}

/// Connects, subscribes and hands over what arrives. Callbacks are set first: a kept session may
/// deliver at once.
async fn serve(
    client: &MqttClient,
    config: &MqttConfig,
    frames: &mpsc::Sender<Frame>,
    link: &watch::Sender<Link>,
    session: &Arc<Session>,
) -> Result<End, MqttError> {
    let (arrived, mut queue) = mpsc::channel(QUEUE_MAX);
    let (lost, mut is_lost) = watch::channel(None);
    client
        .on_connection_event(move |event| {
            if let ConnectionEvent::Disconnected { reason } = event {
                lost.send_replace(Some(reason));
            }
        })
        .await?;
    let open = open(client, config, &arrived, session);
    timeout(CONNECT_TIMEOUT, open)
        .await
        .map_err(|_| MqttError::Timeout)??;
    link.send_replace(Link::Up);
    let source: Arc<str> = config.url.as_str().into();
    loop {
        let next: Arrived = tokio::select! {
            biased;
            _ = is_lost.changed() => {
                return Err(match is_lost.borrow().clone() {
                    Some(DisconnectReason::ProtocolError(why)) => MqttError::ProtocolError(why),
                    Some(reason) => MqttError::ConnectionError(format!("{reason:?}")),
                    None => MqttError::ClientClosed,
                });
            }
            () = session.is_over.notified() => return Ok(End::Unpaid),
            next = queue.recv() => match next {
                Some(next) => next,
                None => return Ok(End::Stopped),
            },
        };
        let frame = Frame {
            source: Arc::clone(&source),
            topic: next.topic,
            protocol: next.protocol,
            payload: next.payload,
            receipt: next.receipt,
        };
        if frames.send(frame).await.is_err() {
            return Ok(End::Stopped);
        }
    }
}

async fn open(
    client: &MqttClient,
    config: &MqttConfig,
    arrived: &mpsc::Sender<Arrived>,
    session: &Arc<Session>,
) -> Result<(), MqttError> {
    for subscription in &config.subscriptions {
        let take = taker(subscription, arrived.clone(), Arc::clone(session));
        client
            .register_ack_callback(subscription.filter.as_str(), take)
            .await?;
    }
    client.connect(&config.url).await?;
    for subscription in &config.subscriptions {
        let options = SubscribeOptions {
            qos: QoS::AtLeastOnce,
            ..Default::default()
        };
        let take = taker(subscription, arrived.clone(), Arc::clone(session));
        client
            .subscribe_with_ack(subscription.filter.as_str(), options, take)
            .await?;
    }
    Ok(())
}

fn options(config: &MqttConfig, in_flight_max: u16) -> Result<ConnectOptions, MqttError> {
    let options = ConnectOptions::new(config.client_id.as_str())
        .with_deferred_ack(true)
        .with_clean_start(false)
        .with_resume_existing_session(true)
        .with_session_expiry_interval(SESSION_EXPIRY_S)
        .with_receive_maximum(in_flight_max)
        .with_keep_alive(KEEP_ALIVE)
        .with_automatic_reconnect(false);
    let Some(username) = &config.username else {
        return Ok(options);
    };
    let password = match &config.password_file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            MqttError::Configuration(format!("password_file {}: {error}", path.display()))
        })?,
        None => String::new(),
    };
    Ok(options.with_credentials(
        username.clone(),
        password.trim_end_matches(['\r', '\n']).as_bytes(),
    ))
}

/// Puts what arrives in the queue. The receive maximum keeps messages of quality of service 1
/// below its capacity; others are dropped where it is full, as quality of service 0 allows.
fn taker(
    subscription: &Subscription,
    arrived: mpsc::Sender<Arrived>,
    session: Arc<Session>,
) -> impl Fn(mqtt5::packet::publish::PublishPacket, AckToken) + Send + Sync + 'static {
    let protocol = Arc::new(subscription.protocol.clone());
    move |message, token| {
        let is_owed = token.qos() != QoS::AtMostOnce;
        let next = Arrived {
            topic: message.topic_name,
            payload: message.payload,
            protocol: Arc::clone(&protocol),
            receipt: Receipt {
                token: Some(token),
                session: Arc::clone(&session),
            },
        };
        if let Err(mpsc::error::TrySendError::Full(mut refused)) = arrived.try_send(next)
            && !is_owed
            && let Some(token) = refused.receipt.token.take()
        {
            token.ack();
            let lost = session.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(
                lost,
                "message of quality of service 0 dropped: intake is behind"
            );
        }
    }
}

impl Session {
    fn leave(&self, token: AckToken) {
        match &mut *self.unpaid.lock().unwrap_or_else(PoisonError::into_inner) {
            Unpaid::Open(tokens) => tokens.push(token),
            Unpaid::Closed => token.ack(),
            Unpaid::Abandoned => std::mem::forget(token),
        }
        self.is_over.notify_one();
    }

    fn close(&self, end: Unpaid) {
        let mut unpaid = self.unpaid.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *unpaid, end);
        drop(unpaid);
        if let Unpaid::Open(tokens) = before {
            tokens.into_iter().for_each(|token| self.leave(token));
        }
    }
}

impl Default for Unpaid {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Receipt {
    pub(super) fn acknowledge(mut self) {
        if let Some(token) = self.token.take() {
            token.ack();
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.session.leave(token);
        }
    }
}
