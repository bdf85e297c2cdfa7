//! The connections that a gateway opens to us, as those of SGIP do to bring receipts and replies.

use super::codec::Role;
use super::config::LinkConfig;
use super::event::WireFault;
use super::link::{Lane, Now};
use super::session::{Session, Sink};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;

/// Connections beyond those that may log in, so that who comes too many is told so; what comes
/// beyond these is closed at once.
const REFUSED_MAX: usize = 4;
/// Between two attempts to listen.
const LISTEN_EVERY_MS: u64 = 5_000;

/// See the file's head.
pub(super) struct Inbound {
    listen: SocketAddr,
    listener: Option<TcpListener>,
    tried: Option<u64>,
    config: Arc<LinkConfig>,
    /// Number of its first session.
    first: usize,
    pub(super) lanes: Vec<Lane>,
}

impl Inbound {
    pub(super) fn new(listen: SocketAddr, first: usize, config: Arc<LinkConfig>) -> Self {
        Self {
            listen,
            listener: None,
            tried: None,
            config,
            first,
            lanes: Vec::new(),
        }
    }

    /// Moves what can be moved; true where more is ready to be read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Now, sink: &mut Sink<'_>) -> bool {
        self.listen(now, sink);
        let mut again = self.accept(cx, now, sink);
        let mut place = 0;
        while let Some(lane) = self.lanes.get_mut(place) {
            match lane.poll(cx, now, &self.config, sink) {
                Ok(more) => {
                    again |= more;
                    place += 1;
                }
                Err(why) => {
                    lane.down(why, 0, sink);
                    self.lanes.swap_remove(place);
                }
            }
        }
        again
    }

    fn listen(&mut self, now: Now, sink: &mut Sink<'_>) {
        let is_time = |at: u64| now.at.saturating_sub(at) >= LISTEN_EVERY_MS;
        if self.listener.is_some() || !self.tried.is_none_or(is_time) {
            return;
        }
        self.tried = Some(now.at);
        match listener(self.listen) {
            Ok(listener) => self.listener = Some(listener),
            Err(error) => sink.turn.faults.push(WireFault::Listen {
                address: self.listen,
                why: error.to_string(),
            }),
        }
    }

    fn accept(&mut self, cx: &mut Context<'_>, now: Now, sink: &mut Sink<'_>) -> bool {
        let Some(listener) = &self.listener else {
            return false;
        };
        // One a turn, so that whoever floods us holds up nothing else.
        let Poll::Ready(accepted) = listener.poll_accept(cx) else {
            return false;
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                sink.turn.faults.push(WireFault::Listen {
                    address: self.listen,
                    why: error.to_string(),
                });
                // Not polled again before the next tick: it may fail for long.
                return false;
            }
        };
        let most = self.config.inbound_max();
        if self.lanes.len() >= most + REFUSED_MAX || stream.set_nodelay(true).is_err() {
            return true;
        }
        let number = self.first + self.lanes.len();
        let address: Arc<str> = from.to_string().into();
        let config = Arc::clone(&self.config);
        let mut session = Session::new(number, Role::Inbound, config, Arc::clone(&address));
        session.is_too_many = self.lanes.len() >= most;
        self.lanes
            .push(Lane::accepted(number, address, session, stream, now));
        true
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }
}

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
