//! The signalling socket of a line: messages out, and in to the calls that they belong to.

use super::message::{MESSAGE_BYTES_MAX, Message, Start, frame, keep_alive};
use model::SendError;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::AbortHandle;

/// Messages of one call that wait for it.
const WAITING_MAX: usize = 32;
/// To connect, name resolution included.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// To write one message to a stream.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// After a datagram could not be read.
const PAUSE: Duration = Duration::from_millis(20);

/// How messages travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// One stream.
    Tcp,
}

impl Transport {
    /// As `Via` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

type Inboxes = Arc<Mutex<BTreeMap<String, Sender<Message>>>>;

enum Socket {
    Udp(Arc<UdpSocket>),
    Tcp(tokio::sync::Mutex<OwnedWriteHalf>),
}

/// A socket to the gateway, and the calls over it. Nobody else is heard on it.
pub(super) struct Wire {
    socket: Socket,
    inboxes: Inboxes,
    /// Where the gateway reaches us.
    pub(super) own: SocketAddr,
    /// Where the gateway is.
    pub(super) gateway: IpAddr,
    reading: AbortHandle,
}

/// A call's place at the wire; it is given up when dropped.
pub(super) struct Inbox {
    name: String,
    inboxes: Inboxes,
    pub(super) messages: Receiver<Message>,
}

impl Wire {
    /// Connects to `gateway` (`host:port`), from an address of ours where one is given.
    pub(super) async fn connect(
        gateway: &str,
        transport: Transport,
        own: Option<IpAddr>,
    ) -> Result<Self, SendError> {
        let opened = tokio::time::timeout(CONNECT_MAX, open(gateway, transport, own)).await;
        let wrong = |what: &str| SendError::Transient(format!("the gateway {gateway}: {what}"));
        match opened {
            Err(_) => Err(wrong("no connection in time")),
            Ok(Err(error)) => Err(wrong(&error.to_string())),
            Ok(Ok(wire)) => Ok(wire),
        }
    }

    /// A place for the messages of a call.
    pub(super) fn inbox(&self, name: &str) -> Inbox {
        let (sender, messages) = mpsc::channel(WAITING_MAX);
        locked(&self.inboxes).insert(name.to_owned(), sender);
        Inbox {
            name: name.to_owned(),
            inboxes: Arc::clone(&self.inboxes),
            messages,
        }
    }

    /// Sends one message.
    pub(super) async fn send(&self, message: &Message) -> std::io::Result<()> {
        let bytes = message.encode();
        match &self.socket {
            Socket::Udp(socket) => socket.send(&bytes).await.map(drop),
            Socket::Tcp(stream) => {
                let write = async { stream.lock().await.write_all(&bytes).await };
                let written = tokio::time::timeout(WRITE_MAX, write).await;
                written.unwrap_or(Err(std::io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// True where nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.reading.is_finished()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        locked(&self.inboxes).remove(&self.name);
    }
}

async fn open(gateway: &str, transport: Transport, own: Option<IpAddr>) -> std::io::Result<Wire> {
    let mut found = lookup_host(gateway).await?;
    let to = found.next().ok_or(std::io::ErrorKind::NotFound)?;
    let inboxes = Inboxes::default();
    match transport {
        Transport::Udp => {
            let any: IpAddr = match to {
                SocketAddr::V4(_) => [0; 4].into(),
                SocketAddr::V6(_) => [0_u16; 8].into(),
            };
            let socket = Arc::new(UdpSocket::bind((own.unwrap_or(any), 0)).await?);
            socket.connect(to).await?;
            let reading = tokio::spawn(datagrams(Arc::clone(&socket), Arc::clone(&inboxes)));
            Ok(Wire {
                own: socket.local_addr()?,
                gateway: to.ip(),
                socket: Socket::Udp(socket),
                inboxes,
                reading: reading.abort_handle(),
            })
        }
        Transport::Tcp => {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let own = stream.local_addr()?;
            let (read, write) = stream.into_split();
            let reading = tokio::spawn(messages(read, Arc::clone(&inboxes)));
            Ok(Wire {
                own,
                gateway: to.ip(),
                socket: Socket::Tcp(tokio::sync::Mutex::new(write)),
                inboxes,
                reading: reading.abort_handle(),
            })
        }
    }
}

async fn datagrams(socket: Arc<UdpSocket>, inboxes: Inboxes) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                if keep_alive(bytes) < length
                    && let Some(answer) = heard(bytes, &inboxes)
                {
                    // Who asks again is answered again.
                    drop(socket.send(&answer.encode()).await);
                }
            }
            // Nobody listens there: whoever sends hears it.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Reads a stream to its end; then every call over it learns that nothing more comes.
async fn messages(mut stream: OwnedReadHalf, inboxes: Inboxes) {
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 8192];
    'reading: while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        bytes.extend_from_slice(buffer.get(..length).unwrap_or_default());
        loop {
            bytes.drain(..keep_alive(&bytes));
            match frame(&bytes) {
                Ok(Some(length)) => {
                    drop(heard(bytes.get(..length).unwrap_or_default(), &inboxes));
                    bytes.drain(..length);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "the gateway's stream is out of step");
                    break 'reading;
                }
            }
        }
    }
    locked(&inboxes).clear();
}

/// Hands a message to its call; gives the answer to a request of none.
fn heard(bytes: &[u8], inboxes: &Inboxes) -> Option<Message> {
    let message = match Message::decode(bytes) {
        Ok(message) => message,
        Err(error) => {
            tracing::warn!(%error, "the gateway's message cannot be read");
            return None;
        }
    };
    let name = message.field("Call-ID").unwrap_or_default().to_owned();
    let sender = locked(inboxes).get(&name).cloned();
    match (sender, &message.start) {
        (Some(sender), _) => {
            // A call that is behind by so many hears the rest again, or not at all.
            drop(sender.try_send(message));
            None
        }
        (None, Start::Request { method, .. }) => match method.as_str() {
            "ACK" => None,
            "OPTIONS" => Some(message.response(200, "OK")),
            _ => Some(message.response(481, "Call Does Not Exist")),
        },
        (None, Start::Response { .. }) => None,
    }
}

fn locked(inboxes: &Inboxes) -> std::sync::MutexGuard<'_, BTreeMap<String, Sender<Message>>> {
    inboxes.lock().unwrap_or_else(PoisonError::into_inner)
}
