//! A message centre in play: speaks SMPP, CMPP, SGIP and SMGP as carriers do, with faults on demand.
//!
//! For the demo, for load tests and for tests of what happens when a carrier throttles, falls
//! silent or hangs up. It answers every login, keeps a log of what it took, and sends receipts.

mod connection;
mod dialect;
mod log;
mod reporter;
mod script;

use crate::gateway::sms::Protocol;
use log::Log;
use model::{Span, Time};
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use script::IdSpelling;

/// Sessions at once; further connections are closed.
const SESSIONS_MAX: usize = 512;
/// Batches of receipts that wait for the connection by which they are brought.
const PASSED_MAX: usize = 4_096;

/// How the centre behaves. Every `…_every` counts submits over all sessions; zero is never.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CarrierConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// The account it knows; empty takes any.
    pub system_id: String,
    /// Its password.
    pub password: String,
    /// Receipts come so long after the submit, where they are asked for; absent means none.
    pub receipt_after: Option<Span>,
    /// Each nth submit gets a receipt.
    pub receipt_every: u64,
    /// How receipts spell identifiers.
    pub receipt_ids: IdSpelling,
    /// Receipts go before the answers that name their messages.
    pub receipts_first: bool,
    /// Receipts go by another session than their submit, where there is one that receives.
    pub receipts_elsewhere: bool,
    /// SGIP: where it brings receipts, by a connection of its own; absent brings none.
    pub report_to: Option<SocketAddr>,
    /// Answers come so long after the submit.
    pub latency: Span,
    /// Each nth submit is answered "throttled".
    pub throttle_every: u64,
    /// Each nth submit is taken and never answered.
    pub silence_every: u64,
    /// Each nth submit is refused for good (invalid destination).
    pub refuse_every: u64,
    /// Each nth receipt says "undeliverable".
    pub fail_every: u64,
    /// Hangs up on a session after so many submits, without answering the last.
    pub close_after: u64,
    /// Stands still after so many submits of a session: the connection stays and nothing moves on it.
    pub stall_after: u64,
    /// File to append a line to for each message taken; see [`Carrier::bind`].
    pub log: Option<PathBuf>,
}

/// Why the centre does not start.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The log cannot be opened.
    #[error("cannot append to {path}: {error}", path = .path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What has happened so far, counted over all sessions.
#[derive(Debug, Default)]
pub struct Counts {
    /// Sessions logged in.
    pub binds: AtomicU64,
    /// Submits read.
    pub submits: AtomicU64,
    /// Of these, answered with an identifier.
    pub accepted: AtomicU64,
    /// Of these, answered "throttled".
    pub throttled: AtomicU64,
    /// Of these, refused.
    pub refused: AtomicU64,
    /// Of these, taken without an answer.
    pub silent: AtomicU64,
    /// Of those taken, of message class 0: shown at once.
    pub flashes: AtomicU64,
    /// Receipts sent.
    pub receipts: AtomicU64,
    /// Receipts that found no room to wait or no session to go to.
    pub receipts_lost: AtomicU64,
    /// Receipts that the other side answered.
    pub receipts_taken: AtomicU64,
}

/// A message centre that listens.
#[derive(Debug)]
pub struct Carrier {
    listener: TcpListener,
    address: SocketAddr,
    centre: Arc<Centre>,
}

/// A message the centre has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Destination, digits as a number.
    pub phone: u64,
    /// The identifier it was given, as a number.
    pub id: u64,
    /// Which part of its text it is, from 1: a text of two parts is one message.
    pub part: u8,
    /// False where it was taken without an answer.
    pub answered: bool,
    /// When it was read.
    pub at: Instant,
}

/// What its sessions share.
#[derive(Debug)]
struct Centre {
    config: CarrierConfig,
    counts: Arc<Counts>,
    log: Option<Mutex<Log>>,
    watcher: Option<mpsc::Sender<Taken>>,
    clock: fn() -> Time,
    receivers: Mutex<Receivers>,
}

/// Sessions that receipts may go by, by the number they entered with.
#[derive(Debug, Default)]
struct Receivers {
    entered: u64,
    open: Vec<(u64, mpsc::Sender<Vec<u8>>)>,
}

impl Centre {
    fn receivers(&self) -> std::sync::MutexGuard<'_, Receivers> {
        let lock = self.receivers.lock();
        lock.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A session that receives has come; gives its number.
    fn enter(&self, session: mpsc::Sender<Vec<u8>>) -> u64 {
        let mut receivers = self.receivers();
        receivers.entered += 1;
        let number = receivers.entered;
        receivers.open.push((number, session));
        number
    }

    fn leave(&self, number: u64) {
        self.receivers().open.retain(|(it, _)| *it != number);
    }

    /// True where a session that does not receive itself may pass its receipts on.
    fn passes(&self) -> bool {
        !self.receivers().open.is_empty()
    }

    /// Passes receipts to another session; gives them back where `own` is to bring them itself, or
    /// where nobody can.
    fn pass(&self, own: Option<u64>, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        if own.is_some() && !self.config.receipts_elsewhere {
            return Err(bytes);
        }
        let mut receivers = self.receivers();
        let mut others = receivers.open.iter();
        let other = others.position(|(number, _)| Some(*number) != own);
        let Some(other) = other else {
            return Err(bytes);
        };
        // Each in turn.
        let (number, session) = receivers.open.remove(other);
        let passed = session.try_send(bytes);
        receivers.open.push((number, session));
        passed.map_err(mpsc::error::TrySendError::into_inner)
    }
}

impl Default for CarrierConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2775)),
            protocol: Protocol::Smpp,
            system_id: String::new(),
            password: String::new(),
            receipt_after: None,
            receipt_every: 1,
            receipt_ids: IdSpelling::Same,
            receipts_first: false,
            receipts_elsewhere: false,
            report_to: None,
            latency: Span::ZERO,
            throttle_every: 0,
            silence_every: 0,
            refuse_every: 0,
            fail_every: 0,
            close_after: 0,
            stall_after: 0,
            log: None,
        }
    }
}

impl Counts {
    /// Reads one of the counters.
    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Carrier {
    /// Listens. `clock` dates the receipts.
    ///
    /// Each line of the log is one message whole, in the order they became whole: number of the
    /// submit, `accepted` or `silent`, destination, identifiers joined by commas,
    /// validity_period, text with `\n`, `\t` and `\\` escaped; between tabs.
    pub async fn bind(config: CarrierConfig, clock: fn() -> Time) -> Result<Self, CarrierError> {
        let log = match &config.log {
            Some(path) => {
                let failed = |error| CarrierError::Log {
                    path: path.clone(),
                    error,
                };
                Some(Mutex::new(Log::append(path).map_err(failed)?))
            }
            None => None,
        };
        let failed = |e| CarrierError::Listen(config.listen, e);
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let centre = Centre {
            config,
            counts: Arc::default(),
            log,
            watcher: None,
            clock,
            receivers: Mutex::default(),
        };
        Ok(Self {
            listener,
            address,
            centre: Arc::new(centre),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has happened so far; stays readable while it serves.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.centre.counts)
    }

    /// Tells of each message taken from now on; beyond `waiting_max` untold ones they are passed
    /// over. Call it before [`Carrier::serve`].
    pub fn watch(&mut self, waiting_max: usize) -> mpsc::Receiver<Taken> {
        let (watcher, taken) = mpsc::channel(waiting_max);
        if let Some(centre) = Arc::get_mut(&mut self.centre) {
            centre.watcher = Some(watcher);
        }
        taken
    }

    /// Serves until dropped; its sessions end with it.
    pub async fn serve(self) {
        let mut sessions = JoinSet::new();
        if let Some(to) = self.centre.config.report_to
            && self.centre.config.protocol == Protocol::Sgip
        {
            let (reporter, receipts) = mpsc::channel(PASSED_MAX);
            self.centre.enter(reporter);
            sessions.spawn(reporter::run(to, receipts, Arc::clone(&self.centre)));
        }
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if sessions.len() < SESSIONS_MAX => {
                        sessions.spawn(connection::serve(stream, Arc::clone(&self.centre)));
                    }
                    Ok(_) => tracing::warn!(SESSIONS_MAX, "too many sessions; connection closed"),
                    Err(error) => tracing::warn!(%error, "connection not accepted"),
                },
                Some(ended) = sessions.join_next() => {
                    if let Ok(Err(error)) = ended {
                        tracing::info!(%error, "session ended");
                    }
                }
            }
        }
    }
}
