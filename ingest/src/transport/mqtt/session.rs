//! One connection to a broker, from CONNECT to its end.
//!
//! What arrives is owed until the journal has it; acknowledgements leave in the order in which the
//! messages came (3.1.1 and 5, §4.6). While as much is owed as may be, nothing more is read from
//! the socket: the broker holds it back, whatever it thinks of a receive maximum.

use super::config::MqttConfig;
use super::packet::{self, GOODBYE, Hello, Incoming, PING, PacketError, Reader};
use super::stream::{self, Stream};
use super::{Link, topic};
use crate::protocol::Protocol;
use crate::transport::Frame;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// How long connecting and subscribing may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the broker may take to read what it is told.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence that the broker is to bear.
const KEEP_ALIVE_S: u16 = 15;
/// How long the broker keeps what comes while this client is away.
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;
/// Bytes read from the socket at once.
const READ_BYTES: usize = 64 << 10;
/// How long the farewell may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why this side ended a connection.
pub(super) enum End {
    /// It was told to, or nobody takes frames any more.
    Stopped,
    /// A frame was dropped without acknowledgement: the broker gives it again on a new connection.
    Unpaid,
}

/// Why a connection was lost or never made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The network, TLS, or a file named in the configuration.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not MQTT.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// No answer.
    #[error("the broker did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// It ended the connection.
    #[error("the broker closed the connection")]
    Closed,
    /// It ended the connection and said why.
    #[error("the broker ended the connection: reason {0:#04x}")]
    Told(u8),
    /// It does not let us in.
    #[error("the broker refuses us: {}", refusal(*.0))]
    Refused(u8),
    /// It does not let us listen.
    #[error("the broker refuses the filter {0:?}: check what this client may read")]
    Filter(String),
    /// It lets us listen, but will not give again what was lost.
    #[error(
        "the broker grants quality of service 0 for the filter {0:?}, with which messages are \
         lost: let this client have 1"
    )]
    AtMostOnce(String),
    /// It has not answered for every filter.
    #[error("the broker answered for {answered} of {asked} filters: see its log")]
    Unanswered {
        /// Filters asked for.
        asked: usize,
        /// Codes in its answer.
        answered: usize,
    },
}

/// What a frame owes its broker.
pub(in crate::transport) struct Receipt {
    /// Number of the message on its connection; `None` where nothing is owed.
    owed: Option<u64>,
    settle: mpsc::Sender<Settled>,
}

/// What became of a frame.
struct Settled {
    owed: u64,
    is_stored: bool,
}

/// Messages that are not acknowledged, in the order they came.
#[derive(Default)]
struct Owed {
    /// Number of the first one.
    first: u64,
    /// Packet identifier, and whether it is stored.
    messages: VecDeque<(u16, bool)>,
}

/// Listens until `stop` resolves, nobody takes frames any more, or the connection is lost.
pub(super) async fn run(
    config: &MqttConfig,
    frames: &mpsc::Sender<Frame>,
    link: &watch::Sender<Link>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<End, SessionError> {
    let open = timeout(CONNECT_TIMEOUT, Session::open(config));
    let opened = tokio::select! {
        biased;
        () = stop.as_mut() => return Ok(End::Stopped),
        opened = open => opened.map_err(|_| SessionError::Silent(CONNECT_TIMEOUT))?,
    };
    let mut session = opened?;
    link.send_replace(Link::Up);
    let ended = tokio::select! {
        biased;
        () = stop => Ok(End::Stopped),
        ended = session.serve(frames) => ended,
    };
    if ended.is_ok() {
        // The broker finds out by itself where the farewell does not reach it.
        let _ = timeout(CLOSE_TIMEOUT, session.close()).await;
    }
    ended
}

struct Session<'c> {
    config: &'c MqttConfig,
    source: Arc<str>,
    /// How to read what comes by each subscription.
    protocols: Vec<Arc<Protocol>>,
    stream: Box<dyn Stream>,
    reader: Reader,
    buffer: BytesMut,
    /// Read and not handed over.
    waiting: VecDeque<Frame>,
    owed: Owed,
    settle: mpsc::Sender<Settled>,
    settled: mpsc::Receiver<Settled>,
    out: Vec<u8>,
    ping_every: Duration,
}

impl<'c> Session<'c> {
    /// Connects and subscribes. A kept session may deliver before it has answered to that.
    async fn open(config: &'c MqttConfig) -> Result<Self, SessionError> {
        let stream = stream::connect(config).await?;
        let protocols = config.subscriptions.iter().map(|one| one.protocol.clone());
        let (settle, settled) = mpsc::channel(usize::from(config.in_flight_max).max(1));
        let mut session = Self {
            config,
            source: config.url.as_str().into(),
            protocols: protocols.map(Arc::new).collect(),
            stream,
            reader: Reader::new(config.version),
            buffer: BytesMut::with_capacity(READ_BYTES),
            waiting: VecDeque::new(),
            owed: Owed::default(),
            settle,
            settled,
            out: Vec::new(),
            ping_every: Duration::ZERO,
        };
        let password = match &config.password_file {
            Some(path) => stream::secret(path)?,
            None => Vec::new(),
        };
        let login = config.username.as_deref();
        Hello {
            version: config.version,
            client_id: &config.client_id,
            login: login.map(|user| (user, password.as_slice())),
            keep_alive_s: KEEP_ALIVE_S,
            session_expiry_s: SESSION_EXPIRY_S,
            receive_max: config.in_flight_max,
        }
        .write(&mut session.out);
        session.flush().await?;
        session.welcome().await?;
        let filters = config.subscriptions.iter().map(|one| one.filter.as_str());
        packet::subscribe(&mut session.out, config.version, filters);
        session.flush().await?;
        session.subscribed().await?;
        Ok(session)
    }

    async fn welcome(&mut self) -> Result<(), SessionError> {
        let Incoming::ConnAck {
            session_present,
            code,
            keep_alive_s,
        } = self.next().await?
        else {
            return Err(SessionError::Packet(PacketError::Type(0)));
        };
        if code != 0 {
            return Err(SessionError::Refused(code));
        }
        let keep_alive = keep_alive_s.unwrap_or(KEEP_ALIVE_S).clamp(1, KEEP_ALIVE_S);
        self.ping_every = Duration::from_secs(u64::from(keep_alive)) * 2 / 3;
        tracing::info!(broker = %self.source, session_present, "MQTT connected");
        Ok(())
    }

    async fn subscribed(&mut self) -> Result<(), SessionError> {
        loop {
            let incoming = self.next().await?;
            let Incoming::SubAck(codes) = incoming else {
                self.take(incoming)?;
                continue;
            };
            let asked = &self.config.subscriptions;
            if codes.len() != asked.len() {
                return Err(SessionError::Unanswered {
                    asked: asked.len(),
                    answered: codes.len(),
                });
            }
            for (one, code) in asked.iter().zip(&codes) {
                match code {
                    0 => return Err(SessionError::AtMostOnce(one.filter.clone())),
                    0x80.. => return Err(SessionError::Filter(one.filter.clone())),
                    _ => {}
                }
            }
            return Ok(());
        }
    }

    async fn next(&mut self) -> Result<Incoming, SessionError> {
        loop {
            if let Some(incoming) = self.reader.next(&mut self.buffer)? {
                return Ok(incoming);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(SessionError::Closed);
            }
        }
    }

    /// Hands over what arrives, acknowledges what is stored, and keeps the connection alive.
    async fn serve(&mut self, frames: &mpsc::Sender<Frame>) -> Result<End, SessionError> {
        let (mut heard, mut ping_at) = (Instant::now(), Instant::now() + self.ping_every);
        loop {
            let is_open = self.has_room();
            if is_open && let Some(incoming) = self.reader.next(&mut self.buffer)? {
                self.take(incoming)?;
                continue;
            }
            if !self.out.is_empty() {
                self.flush().await?;
            }
            tokio::select! {
                settled = self.settled.recv() => {
                    let Some(settled) = settled else {
                        return Ok(End::Stopped);
                    };
                    if !self.settle(&settled) {
                        return Ok(End::Unpaid);
                    }
                    // Those that were settled meanwhile leave in the same write.
                    while let Ok(settled) = self.settled.try_recv() {
                        if !self.settle(&settled) {
                            return Ok(End::Unpaid);
                        }
                    }
                }
                place = frames.reserve(), if !self.waiting.is_empty() => {
                    let (Ok(place), Some(frame)) = (place, self.waiting.pop_front()) else {
                        return Ok(End::Stopped);
                    };
                    place.send(frame);
                }
                () = frames.closed() => return Ok(End::Stopped),
                read = self.stream.read_buf(&mut self.buffer), if is_open => {
                    if read? == 0 {
                        return Err(SessionError::Closed);
                    }
                    heard = Instant::now();
                }
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + self.ping_every;
                    // While nothing is read, nothing can be heard.
                    let silence = self.ping_every * 3;
                    if !is_open {
                        heard = Instant::now();
                    } else if heard.elapsed() > silence {
                        return Err(SessionError::Silent(silence));
                    }
                    self.out.extend_from_slice(&PING);
                }
            }
        }
    }

    /// True where another message may be taken.
    fn has_room(&self) -> bool {
        let room = usize::from(self.config.in_flight_max);
        self.owed.messages.len() < room && self.waiting.len() < room
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), SessionError> {
        match incoming {
            Incoming::Publish { topic, payload, id } => self.message(topic, payload, id, None),
            Incoming::TooLong {
                topic,
                start,
                bytes,
                id,
            } => {
                tracing::warn!(broker = %self.source, topic, bytes, "message too long");
                self.message(topic, start, id, Some(bytes));
            }
            Incoming::PingResp | Incoming::SubAck(_) => {}
            Incoming::ConnAck { .. } => return Err(PacketError::Type(2).into()),
            Incoming::Disconnect(reason) => return Err(SessionError::Told(reason)),
        }
        Ok(())
    }

    fn message(&mut self, topic: String, payload: Bytes, id: Option<u16>, overlong: Option<usize>) {
        let mut subscriptions = self.config.subscriptions.iter().zip(&self.protocols);
        let meant = subscriptions.find(|(one, _)| topic::matches(&one.filter, &topic));
        let owed = id.map(|id| self.owed.push(id));
        let receipt = Receipt {
            owed,
            settle: self.settle.clone(),
        };
        let Some((_, protocol)) = meant else {
            // Left in a kept session by an earlier configuration: nobody reads it any more.
            tracing::warn!(broker = %self.source, topic, "message passed over: no subscription");
            return receipt.acknowledge();
        };
        self.waiting.push_back(Frame {
            source: Arc::clone(&self.source),
            topic,
            protocol: Arc::clone(protocol),
            payload,
            overlong,
            receipt,
        });
    }

    /// Notes what became of a message; false where it was not stored.
    fn settle(&mut self, settled: &Settled) -> bool {
        if settled.is_stored {
            self.owed.stored(settled.owed);
            self.pay();
        }
        settled.is_stored
    }

    /// Acknowledges what is stored with everything before it.
    fn pay(&mut self) {
        while let Some(id) = self.owed.pop() {
            packet::acknowledge(&mut self.out, id);
        }
    }

    async fn flush(&mut self) -> Result<(), SessionError> {
        let written = timeout(WRITE_TIMEOUT, async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        });
        written
            .await
            .map_err(|_| SessionError::Silent(WRITE_TIMEOUT))??;
        self.out.clear();
        Ok(())
    }

    async fn close(&mut self) -> Result<(), SessionError> {
        self.out.extend_from_slice(&GOODBYE);
        self.flush().await?;
        Ok(self.stream.shutdown().await?)
    }
}

impl Owed {
    fn push(&mut self, id: u16) -> u64 {
        self.messages.push_back((id, false));
        self.first + self.messages.len() as u64 - 1
    }

    fn stored(&mut self, number: u64) {
        let at = number.checked_sub(self.first);
        let at = at.and_then(|at| usize::try_from(at).ok());
        if let Some((_, is_stored)) = at.and_then(|at| self.messages.get_mut(at)) {
            *is_stored = true;
        }
    }

    /// The first one, if it is stored.
    fn pop(&mut self) -> Option<u16> {
        let (id, is_stored) = *self.messages.front()?;
        if !is_stored {
            return None;
        }
        self.messages.pop_front();
        self.first += 1;
        Some(id)
    }
}

impl Receipt {
    pub(in crate::transport) fn acknowledge(mut self) {
        self.tell(true);
    }

    fn tell(&mut self, is_stored: bool) {
        if let Some(owed) = self.owed.take() {
            // The channel holds one for each that can be owed; where it is gone, so is the
            // connection, and the message comes again.
            let _ = self.settle.try_send(Settled { owed, is_stored });
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.tell(false);
    }
}

/// What a code of CONNACK means (3.1.1 §3.2.2.3, 5 §3.2.2.2), with the remedy.
fn refusal(code: u8) -> String {
    let words = match code {
        1 | 0x84 => "it does not speak this version of MQTT: set version to \"3.1.1\" or \"5\"",
        2 | 0x85 => "it does not take this client_id",
        3 | 0x88 | 0x89 => "it is not available or busy",
        4 | 0x86 => "wrong username or password",
        5 | 0x87 => "this client may not connect",
        _ => "see its log",
    };
    format!("{words} (code {code:#04x})")
}
