//! The sockets of one carrier account: connects to each of its gateways, logs in, moves octets, connects
//! again; and takes the connections that a gateway opens to us.
//!
//! One owner drives it: `submit` encodes into write buffers, `turn` moves octets both ways and
//! gives what happened. Nothing is allocated, spawned or queued per message.

use super::awaited::Awaited;
use super::codec::Role;
use super::config::{LinkConfig, LinkFault, Protocol};
use super::event::{Change, Ending, SessionState, Submit, Turn};
use super::inbound::Inbound;
use super::session::{Session, Sink};
use super::validity;
use model::Time;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Octets read at once; larger than any PDU.
const READ_BYTES: usize = 256 * 1024;
/// Reads of one session in one turn, so that one busy session leaves time for the others.
const READS_PER_TURN: usize = 4;
/// How often time-outs are looked at.
const TICK_MS: u64 = 50;
const TICK: Duration = Duration::from_millis(TICK_MS);
/// What one poll adds to the link's clock at most: a stall of ours is never the carrier's silence.
const STEP_MAX: Duration = Duration::from_millis(100);
/// A session that never stops being readable has its time-outs looked at so often all the same.
const UNREAD_MAX_MS: u64 = 1000;

/// One carrier account with its sessions.
pub struct Link {
    config: Arc<LinkConfig>,
    lanes: Vec<Lane>,
    inbound: Option<Inbound>,
    awaited: Awaited,
    /// What logins and SGIP's identifiers are dated by.
    clock: fn() -> Time,
    /// Time while the link was driven; all its time-outs run on it.
    driven: Duration,
    polled: Instant,
    timer: Pin<Box<Sleep>>,
    first: usize,
    closing: bool,
    mark: u64,
}

/// One connection with the session on it.
pub(super) struct Lane {
    number: usize,
    address: Arc<str>,
    pub(super) session: Session,
    socket: Socket,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    failures: u32,
    /// When time-outs were last looked at.
    ticked: u64,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TcpStream, Ending>> + Send + Sync>>;

enum Socket {
    Down { retry_at: u64 },
    Connecting(Connecting),
    Up(TcpStream),
    Closed,
}

/// What a turn goes by.
#[derive(Clone, Copy)]
pub(super) struct Now {
    /// Milliseconds while the link was driven.
    pub(super) at: u64,
    /// MMDDhhmmss of the wall clock.
    pub(super) stamp: u32,
    pub(super) closing: bool,
}

impl Link {
    /// A link that connects when it is first driven by [`Link::turn`]; or every fault of its
    /// configuration. `clock` dates logins. Call it within a tokio runtime.
    pub fn new(config: LinkConfig, clock: fn() -> Time) -> Result<Self, Vec<LinkFault>> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let config = Arc::new(config);
        // What a gateway of SGIP has to say comes on connections of its own.
        let receivers = match config.protocol {
            Protocol::Sgip => 0,
            Protocol::Smpp | Protocol::Cmpp2 | Protocol::Cmpp3 | Protocol::Smgp => config.receivers,
        };
        let sending = if receivers == 0 && config.protocol != Protocol::Sgip {
            Role::Both
        } else {
            Role::Send
        };
        // Address by address within each round: the first sessions of all come first.
        let rounds = std::iter::repeat_n(sending, config.sessions)
            .chain(std::iter::repeat_n(Role::Receive, receivers));
        let ways = rounds.flat_map(|role| config.addresses.iter().map(move |to| (role, to)));
        let lanes = ways
            .enumerate()
            .map(|(number, (role, address))| {
                let address: Arc<str> = address.as_str().into();
                let session = Session::new(number, role, Arc::clone(&config), Arc::clone(&address));
                Lane::new(number, address, session, Socket::Down { retry_at: 0 })
            })
            .collect::<Vec<_>>();
        let inbound = config
            .listen
            .map(|listen| Inbound::new(listen, lanes.len(), Arc::clone(&config)));
        Ok(Self {
            awaited: Awaited::new(config.receipts_max),
            lanes,
            inbound,
            config,
            clock,
            driven: Duration::ZERO,
            polled: Instant::now(),
            timer: Box::pin(tokio::time::sleep(TICK)),
            first: 0,
            closing: false,
            mark: 0,
        })
    }

    /// How many messages of one part may be submitted at once.
    pub fn room(&self) -> usize {
        if self.closing {
            return 0;
        }
        self.lanes.iter().map(|lane| lane.session.room()).sum()
    }

    /// How many parts its sessions take unanswered at this time: zero while none that sends is bound.
    pub fn window(&self) -> usize {
        self.lanes.iter().map(|lane| lane.session.window()).sum()
    }

    /// Where the gateway may connect to; `None` where it never does, or while nobody can.
    pub fn listens_on(&self) -> Option<std::net::SocketAddr> {
        self.inbound.as_ref()?.address()
    }

    /// True while answers to submits are waited for.
    pub fn in_flight(&self) -> bool {
        self.lanes.iter().any(|lane| lane.session.in_flight())
    }

    /// Takes messages from the front of `batch` while the windows have room; gives how many.
    ///
    /// Each message taken gets exactly one [`super::Answer`] that is not late, whatever happens.
    pub fn submit(&mut self, batch: &[Submit<'_>]) -> usize {
        if self.closing {
            return 0;
        }
        let now = self.now();
        let lanes = self.lanes.len();
        let mut rest = batch.iter();
        'lanes: for turn in 0..lanes {
            let Some(lane) = self.lanes.get_mut((self.first + turn) % lanes) else {
                break;
            };
            while let Some(submit) = rest.as_slice().first() {
                if !lane.session.submit(submit, now) {
                    continue 'lanes;
                }
                rest.next();
            }
            break;
        }
        self.first = (self.first + 1) % lanes.max(1);
        batch.len() - rest.len()
    }

    /// The receipts and replies of all turns up to that with this mark are durable: the centre is
    /// told so with the next turn, and will not bring them again.
    pub fn acknowledge(&mut self, mark: u64) {
        let inbound = self.inbound.iter_mut().flat_map(|it| &mut it.lanes);
        for lane in self.lanes.iter_mut().chain(inbound) {
            lane.session.acknowledge(mark);
        }
    }

    /// Writes, reads and waits until something has happened, which it puts into `turn`.
    ///
    /// May be dropped at any point without loss: what is put into `turn` is given in the same
    /// breath. Must be driven for time-outs, reconnection and enquire_link to work.
    pub async fn turn(&mut self, turn: &mut Turn) {
        turn.clear();
        poll_fn(|cx| self.poll(cx, turn)).await;
    }

    /// Takes no more, waits for what is in flight (each answer or its time-out), unbinds, closes.
    /// Everything that happened meanwhile is in `turn`.
    pub async fn close(&mut self, turn: &mut Turn) {
        turn.clear();
        self.closing = true;
        let mut settled = Turn::default();
        loop {
            if !self.in_flight() {
                self.unbind();
            }
            if self
                .lanes
                .iter()
                .all(|lane| matches!(lane.socket, Socket::Closed))
            {
                break;
            }
            settled.clear();
            poll_fn(|cx| self.poll(cx, &mut settled)).await;
            turn.answers.append(&mut settled.answers);
            turn.receipts.append(&mut settled.receipts);
            turn.replies.append(&mut settled.replies);
            turn.changes.append(&mut settled.changes);
            turn.faults.append(&mut settled.faults);
        }
        // What the gateway brings is answered by whoever takes the link next.
        self.inbound = None;
        turn.mark = self.mark;
    }

    fn unbind(&mut self) {
        let now = self.now();
        for lane in &mut self.lanes {
            match lane.socket {
                Socket::Up(_) => lane.session.unbind(now),
                Socket::Down { .. } | Socket::Connecting(_) => lane.socket = Socket::Closed,
                Socket::Closed => {}
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.driven.as_millis()).unwrap_or(u64::MAX)
    }

    fn poll(&mut self, cx: &mut Context<'_>, turn: &mut Turn) -> Poll<()> {
        let polled = Instant::now();
        self.driven += polled.duration_since(self.polled).min(STEP_MAX);
        self.polled = polled;
        let now = Now {
            at: self.now(),
            stamp: validity::stamp((self.clock)()),
            closing: self.closing,
        };
        let mut ticked = false;
        while self.timer.as_mut().poll(cx).is_ready() {
            self.timer.as_mut().reset(Instant::now() + TICK);
            ticked = true;
        }
        turn.mark = self.mark;
        let mut sink = Sink {
            turn,
            awaited: &mut self.awaited,
        };
        let mut again = false;
        for lane in &mut self.lanes {
            match lane.poll(cx, now, &self.config, &mut sink) {
                Ok(more) => again |= more,
                Err(why) => lane.fail(why, now, &self.config, &mut sink),
            }
        }
        if let Some(inbound) = &mut self.inbound {
            again |= inbound.poll(cx, now, &mut sink);
        }
        if ticked {
            sink.awaited.tick(now.at, &mut sink.turn.receipts);
        }
        self.mark = turn.mark;
        if !turn.is_empty() {
            return Poll::Ready(());
        }
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Lane {
    fn new(number: usize, address: Arc<str>, session: Session, socket: Socket) -> Self {
        Self {
            number,
            address,
            session,
            socket,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            failures: 0,
            ticked: 0,
        }
    }

    /// A connection that the gateway opened.
    pub(super) fn accepted(
        number: usize,
        address: Arc<str>,
        mut session: Session,
        stream: TcpStream,
        now: Now,
    ) -> Self {
        session.start(now.at, now.stamp);
        let mut lane = Self::new(number, address, session, Socket::Up(stream));
        lane.ticked = now.at;
        lane
    }

    /// Moves what can be moved; true where more is ready to be read.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Now,
        config: &LinkConfig,
        sink: &mut Sink<'_>,
    ) -> Result<bool, Ending> {
        if let Socket::Down { retry_at } = self.socket
            && now.at >= retry_at
        {
            self.socket = Socket::Connecting(connect(&self.address, config));
        }
        if let Socket::Connecting(connecting) = &mut self.socket {
            match connecting.as_mut().poll(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(stream) => {
                    self.socket = Socket::Up(stream?);
                    (self.start, self.end) = (0, 0);
                    self.session.start(now.at, now.stamp);
                    self.ticked = now.at;
                }
            }
        }
        if !matches!(self.socket, Socket::Up(_)) {
            return Ok(false);
        }
        self.write(cx, now.at)?;
        let more = self.read(cx, now.at, sink)?;
        // What lies in the socket is heard before anything counts as silence.
        let since = now.at.saturating_sub(self.ticked);
        if since >= TICK_MS && (!more || since >= UNREAD_MAX_MS) {
            self.ticked = now.at;
            self.session.tick(now.at, now.stamp, sink)?;
        }
        if self.session.is_logged_in() {
            self.failures = 0;
        }
        self.write(cx, now.at)?;
        Ok(more)
    }

    fn write(&mut self, cx: &mut Context<'_>, now: u64) -> Result<(), Ending> {
        let Socket::Up(stream) = &self.socket else {
            return Ok(());
        };
        let outgoing = &mut self.session.outgoing;
        while !outgoing.pending().is_empty() {
            match stream.poll_write_ready(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready.map_err(Ending::Broken)?,
            }
            match stream.try_write(outgoing.pending()) {
                Ok(octets) => outgoing.advance(octets, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(Ending::Broken(error)),
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        cx: &mut Context<'_>,
        now: u64,
        sink: &mut Sink<'_>,
    ) -> Result<bool, Ending> {
        let Socket::Up(stream) = &self.socket else {
            return Ok(false);
        };
        for _ in 0..READS_PER_TURN {
            match stream.poll_read_ready(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(ready) => ready.map_err(Ending::Broken)?,
            }
            let space = self.buffer.get_mut(self.end..).unwrap_or_default();
            match stream.try_read(space) {
                Ok(0) => return Err(self.session.closed(now)),
                Ok(octets) => self.end += octets,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(Ending::Broken(error)),
            }
            let read = self.buffer.get(self.start..self.end).unwrap_or_default();
            self.start += self.session.receive(read, now, sink)?;
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            } else if self.end > READ_BYTES / 2 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
        }
        Ok(true)
    }

    fn fail(&mut self, why: Ending, now: Now, config: &LinkConfig, sink: &mut Sink<'_>) {
        if matches!(why, Ending::Renewed) && !now.closing {
            self.part(sink);
            self.socket = Socket::Down { retry_at: now.at };
            return;
        }
        self.session.give_up();
        let retry_ms = backoff_ms(self.failures, config);
        self.failures = self.failures.saturating_add(1);
        let socket = if now.closing {
            Socket::Closed
        } else {
            Socket::Down {
                retry_at: now.at + retry_ms,
            }
        };
        self.down(why, retry_ms, sink);
        self.socket = socket;
    }

    /// Says its last word, settles what was waited for and says that it is down.
    pub(super) fn down(&mut self, why: Ending, retry_ms: u64, sink: &mut Sink<'_>) {
        self.part(sink);
        sink.turn.changes.push(Change {
            session: self.number,
            address: Arc::clone(&self.address),
            state: SessionState::Down { why, retry_ms },
        });
    }

    fn part(&mut self, sink: &mut Sink<'_>) {
        if let Socket::Up(stream) = &self.socket {
            // The last word (an answer to a logout, a refusal) goes if it can; nothing waits for it.
            let _ = stream.try_write(self.session.outgoing.pending());
        }
        self.session.cut(sink);
    }
}

fn connect(address: &Arc<str>, config: &LinkConfig) -> Connecting {
    let address = Arc::clone(address);
    let wait = Duration::from_millis(u64::try_from(config.connect_timeout.millis()).unwrap_or(0));
    Box::pin(async move {
        let stream = tokio::time::timeout(wait, TcpStream::connect(&*address))
            .await
            .map_err(|_| Ending::ConnectSilent)?
            .map_err(Ending::Connect)?;
        stream.set_nodelay(true).map_err(Ending::Connect)?;
        Ok(stream)
    })
}

/// The wait before attempt number `failures` + 1: doubles, bounded.
fn backoff_ms(failures: u32, config: &LinkConfig) -> u64 {
    let least = u64::try_from(config.reconnect_min.millis()).unwrap_or(0);
    let most = u64::try_from(config.reconnect_max.millis()).unwrap_or(0);
    least.saturating_mul(1 << failures.min(20)).min(most)
}
