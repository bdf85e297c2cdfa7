//! One session of the simulated centre: reads requests, answers them, brings receipts.

use super::dialect::{self, Admission, Asked, Dialect, Login, Receipt, Refusal, Submitted};
use super::log::Entry;
use super::script::{self, Fate};
use super::{Centre, Counts, PASSED_MAX, Taken};
use crate::gateway::sms::validity::{BEIJING, digits};
use crate::gateway::sms::{Frame, MessageState, Protocol};
use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

const READ_BYTES: usize = 256 * 1024;
/// Receipts that wait for their time, in octets of one session; further ones are lost and counted.
const RECEIPT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Octets that go out later, in the order they came.
#[derive(Debug, Default)]
struct Delayed {
    bytes: VecDeque<(Instant, Vec<u8>)>,
    octets: usize,
}

struct Connection {
    centre: Arc<Centre>,
    dialect: Box<dyn Dialect>,
    login: Option<Login>,
    submits: u64,
    deliveries: u32,
    out: Vec<u8>,
    receipts: Vec<u8>,
    receipts_waiting: usize,
    hang_up: bool,
    stalled: bool,
}

/// Serves one connection until it ends; the error says why it was not a clean end.
pub(super) async fn serve(mut stream: TcpStream, centre: Arc<Centre>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let latency = span(centre.config.latency);
    let receipt_after = centre.config.receipt_after.map_or(Duration::ZERO, span);
    let receipts_first = centre.config.receipts_first;
    let (mut answers, mut receipts) = (Delayed::default(), Delayed::default());
    let (to_me, mut passed) = mpsc::channel::<Vec<u8>>(PASSED_MAX);
    let mut to_me = Some(to_me);
    let mut place = None;
    let mut connection = Connection::new(Arc::clone(&centre));
    let mut buffer = vec![0; READ_BYTES];
    let mut end = 0;
    loop {
        let due = [answers.due(), receipts.due()].into_iter().flatten().min();
        let space = buffer.get_mut(end..).unwrap_or_default();
        tokio::select! {
            read = stream.read(space) => match read? {
                0 => break,
                octets => end += octets,
            },
            Some(bytes) = passed.recv() => stream.write_all(&bytes).await?,
            () = wait(due) => {}
        }
        let used = connection.receive(buffer.get(..end).unwrap_or_default())?;
        buffer.copy_within(used..end, 0);
        end -= used;
        connection.flush_log()?;
        if connection.login.is_some_and(|login| login.receives)
            && let Some(to_me) = to_me.take()
        {
            place = Some(centre.enter(to_me));
        }
        let now = Instant::now();
        receipts.put(now + receipt_after, &mut connection.receipts);
        if receipts_first {
            bring(&centre, place, &mut receipts, now, &mut stream).await?;
        }
        if latency.is_zero() {
            stream.write_all(&connection.out).await?;
            connection.out.clear();
        } else {
            answers.put(now + latency, &mut connection.out);
        }
        while let Some(bytes) = answers.take(now) {
            stream.write_all(&bytes).await?;
        }
        bring(&centre, place, &mut receipts, now, &mut stream).await?;
        connection.receipts_waiting = receipts.octets;
        if connection.stalled {
            // As a host that lost its power: the connection stands and nothing moves on it.
            std::future::pending::<()>().await;
        }
        if connection.hang_up {
            break;
        }
    }
    if let Some(place) = place {
        centre.leave(place);
    }
    Ok(())
}

/// Brings the receipts whose time has come, by this session or by another.
async fn bring(
    centre: &Centre,
    place: Option<u64>,
    receipts: &mut Delayed,
    now: Instant,
    stream: &mut TcpStream,
) -> std::io::Result<()> {
    while let Some(bytes) = receipts.take(now) {
        let Err(bytes) = centre.pass(place, bytes) else {
            continue;
        };
        if place.is_some() {
            stream.write_all(&bytes).await?;
        } else {
            Counts::add(&centre.counts.receipts_lost);
        }
    }
    Ok(())
}

impl Connection {
    fn new(centre: Arc<Centre>) -> Self {
        Self {
            dialect: dialect::of(&centre.config),
            centre,
            login: None,
            submits: 0,
            deliveries: 0,
            out: Vec::new(),
            receipts: Vec::new(),
            receipts_waiting: 0,
            hang_up: false,
            stalled: false,
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut used = 0;
        while !self.hang_up && !self.stalled {
            let rest = bytes.get(used..).unwrap_or_default();
            let found = self.dialect.frame(rest);
            let found = found.map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
            let Some(frame) = found else { break };
            used += frame.length;
            self.take(&frame)?;
        }
        Ok(used)
    }

    fn take(&mut self, frame: &Frame<'_>) -> std::io::Result<()> {
        match self.dialect.read(frame) {
            Some(Asked::Login(login)) => self.admit(frame, login),
            Some(Asked::Submit(message)) => return self.submit(frame, &message),
            Some(Asked::HeartBeat) => self.dialect.agree(frame, &mut self.out),
            Some(Asked::Logout) => {
                self.dialect.agree(frame, &mut self.out);
                self.login = None;
            }
            Some(Asked::Taken) => Counts::add(&self.centre.counts.receipts_taken),
            Some(Asked::Nothing) => {}
            None => self.dialect.refuse(frame, &mut self.out),
        }
        Ok(())
    }

    fn admit(&mut self, frame: &Frame<'_>, login: Login) {
        let admission = match (self.login, login.known) {
            (Some(_), _) => Admission::Already,
            (None, false) => Admission::WrongAccount,
            (None, true) => {
                self.login = Some(login);
                Counts::add(&self.centre.counts.binds);
                Admission::Welcome
            }
        };
        self.dialect.admit(frame, admission, &mut self.out);
    }

    fn submit(&mut self, frame: &Frame<'_>, message: &Submitted<'_>) -> std::io::Result<()> {
        let sequence = frame.sequence;
        if !self.login.is_some_and(|login| login.sends) {
            let refusal = Err(Refusal::NotLoggedIn);
            self.dialect.answer(sequence, refusal, &mut self.out);
            return Ok(());
        }
        let centre = Arc::clone(&self.centre);
        let (config, counts) = (&centre.config, &centre.counts);
        let nth = 1 + counts
            .submits
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.submits += 1;
        let last = self.submits == config.close_after;
        self.stalled |= self.submits == config.stall_after;
        let fate = if last || self.stalled {
            Fate::Silent
        } else {
            script::fate(config, nth)
        };
        self.hang_up |= last;
        match fate {
            Fate::Accepted => {
                Counts::add(&counts.accepted);
                self.dialect.answer(sequence, Ok(nth), &mut self.out);
            }
            Fate::Silent => Counts::add(&counts.silent),
            Fate::Refused(refusal) => {
                let throttled = refusal == Refusal::Throttled;
                Counts::add(if throttled {
                    &counts.throttled
                } else {
                    &counts.refused
                });
                self.dialect.answer(sequence, Err(refusal), &mut self.out);
                return Ok(());
            }
        }
        if message.is_flash() {
            Counts::add(&counts.flashes);
        }
        let reports = config.receipt_after.is_some() && nth.is_multiple_of(config.receipt_every);
        for phone in message.phones() {
            if let Some(watcher) = &centre.watcher {
                let taken = Taken {
                    phone: number(phone),
                    id: nth,
                    part: message.part.map_or(1, |part| part.number),
                    answered: fate == Fate::Accepted,
                    at: Instant::now(),
                };
                // A watcher that does not keep up loses some: the centre waits for nobody.
                watcher.try_send(taken).ok();
            }
            if let Some(log) = &centre.log {
                let mut log = log
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                log.take(&Entry {
                    nth,
                    id: script::id(nth),
                    silent: fate == Fate::Silent,
                    national: config.protocol != Protocol::Smpp,
                    phone,
                    message,
                })?;
            }
            if reports && message.wants_receipt {
                self.report(frame, phone, message.source, nth);
            }
        }
        Ok(())
    }

    fn report(&mut self, frame: &Frame<'_>, phone: &[u8], source: &[u8], nth: u64) {
        let full = self.receipts_waiting + self.receipts.len() >= RECEIPT_BYTES_MAX;
        let somewhere = self.login.is_some_and(|login| login.receives) || self.centre.passes();
        if full || !somewhere {
            Counts::add(&self.centre.counts.receipts_lost);
            return;
        }
        let every = self.centre.config.fail_every;
        let failed = every != 0 && nth.is_multiple_of(every);
        let id = script::reported_id(self.centre.config.receipt_ids, nth);
        let date = digits((self.centre.clock)(), self.centre.offset());
        let receipt = Receipt {
            nth,
            id: &id,
            submitted: frame.sequence,
            phone,
            source,
            state: if failed {
                MessageState::Undeliverable
            } else {
                MessageState::Delivered
            },
            date: date.get(2..12).unwrap_or_default(),
        };
        self.deliveries = self.deliveries % 0x7FFF_FFFF + 1;
        self.dialect
            .report(self.deliveries, &receipt, &mut self.receipts);
        Counts::add(&self.centre.counts.receipts);
    }

    fn flush_log(&self) -> std::io::Result<()> {
        match &self.centre.log {
            Some(log) => log
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .flush(),
            None => Ok(()),
        }
    }
}

impl Centre {
    /// Time zone of dates in receipts.
    fn offset(&self) -> model::Offset {
        match self.config.protocol {
            Protocol::Smpp => model::Offset(0),
            Protocol::Cmpp2 | Protocol::Cmpp3 | Protocol::Sgip | Protocol::Smgp => BEIJING,
        }
    }
}

impl Delayed {
    fn put(&mut self, due: Instant, bytes: &mut Vec<u8>) {
        if !bytes.is_empty() {
            self.octets += bytes.len();
            self.bytes.push_back((due, std::mem::take(bytes)));
        }
    }

    fn due(&self) -> Option<Instant> {
        self.bytes.front().map(|(due, _)| *due)
    }

    fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due().filter(|due| *due <= now)?;
        let (_, bytes) = self.bytes.pop_front()?;
        self.octets -= bytes.len();
        Some(bytes)
    }
}

fn number(digits: &[u8]) -> u64 {
    let digits = digits.iter().filter(|digit| digit.is_ascii_digit());
    digits.fold(0, |number, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'))
    })
}

fn span(span: model::Span) -> Duration {
    Duration::from_millis(u64::try_from(span.millis()).unwrap_or(0))
}

async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
