//! One session of the simulated centre: reads requests, answers them, brings receipts.

use super::log::Entry;
use super::script::{self, Fate};
use super::{Centre, Counts, Taken};
use crate::gateway::smpp::Status;
use crate::gateway::smpp::command::{BindMode, Command};
use crate::gateway::smpp::message::{Address, ESM_RECEIPT, ShortMessage};
use crate::gateway::smpp::pdu::{Bind, Body, Header, Pdu, frame};
use crate::gateway::smpp::wire::{Tlvs, put_tlv, tag, tlvs};
use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const READ_BYTES: usize = 256 * 1024;
/// Receipts that wait for their time, in octets of one session; further ones are lost and counted.
const RECEIPT_BYTES_MAX: usize = 256 * 1024 * 1024;
const SYSTEM_ID: &[u8] = b"sanfang-carrier";

/// Octets that go out later, in the order they came.
#[derive(Debug, Default)]
struct Delayed {
    bytes: VecDeque<(Instant, Vec<u8>)>,
    octets: usize,
}

struct Connection {
    centre: Arc<Centre>,
    bound: Option<BindMode>,
    submits: u64,
    deliveries: u32,
    out: Vec<u8>,
    receipts: Vec<u8>,
    receipts_waiting: usize,
    hang_up: bool,
}

/// Serves one connection until it ends; the error says why it was not a clean end.
pub(super) async fn serve(mut stream: TcpStream, centre: Arc<Centre>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let latency = span(centre.config.latency);
    let receipt_after = centre.config.receipt_after.map_or(Duration::ZERO, span);
    let (mut answers, mut receipts) = (Delayed::default(), Delayed::default());
    let mut connection = Connection::new(centre);
    let mut buffer = vec![0; READ_BYTES];
    let mut end = 0;
    loop {
        let due = [answers.due(), receipts.due()].into_iter().flatten().min();
        let space = buffer.get_mut(end..).unwrap_or_default();
        tokio::select! {
            read = stream.read(space) => match read? {
                0 => return Ok(()),
                octets => end += octets,
            },
            () = wait(due) => {}
        }
        let used = connection.receive(buffer.get(..end).unwrap_or_default())?;
        buffer.copy_within(used..end, 0);
        end -= used;
        connection.flush_log()?;
        let now = Instant::now();
        receipts.put(now + receipt_after, &mut connection.receipts);
        if latency.is_zero() {
            stream.write_all(&connection.out).await?;
            connection.out.clear();
        } else {
            answers.put(now + latency, &mut connection.out);
        }
        for due in [&mut answers, &mut receipts] {
            while let Some(bytes) = due.take(now) {
                stream.write_all(&bytes).await?;
            }
        }
        connection.receipts_waiting = receipts.octets;
        if connection.hang_up {
            return Ok(());
        }
    }
}

impl Connection {
    fn new(centre: Arc<Centre>) -> Self {
        Self {
            centre,
            bound: None,
            submits: 0,
            deliveries: 0,
            out: Vec::new(),
            receipts: Vec::new(),
            receipts_waiting: 0,
            hang_up: false,
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut used = 0;
        while !self.hang_up {
            let rest = bytes.get(used..).unwrap_or_default();
            let found = frame(rest).map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
            let Some((header, body)) = found else { break };
            used += header.length as usize;
            self.take(header, body)?;
        }
        Ok(used)
    }

    fn take(&mut self, header: Header, body: &[u8]) -> std::io::Result<()> {
        let sequence = header.sequence;
        let Ok(pdu) = Pdu::decode(header, body) else {
            self.answer(Status::INVALID_COMMAND, sequence, Body::GenericNack);
            return Ok(());
        };
        match pdu.body {
            Body::Bind(mode, bind) => self.bind(mode, &bind, sequence),
            Body::SubmitSm(message) => return self.submit(&message, sequence),
            Body::EnquireLink => self.answer(Status::OK, sequence, Body::EnquireLinkResp),
            Body::Unbind => {
                self.answer(Status::OK, sequence, Body::UnbindResp);
                self.bound = None;
            }
            Body::DeliverSmResp => Counts::add(&self.centre.counts.receipts_taken),
            Body::EnquireLinkResp | Body::UnbindResp | Body::GenericNack => {}
            Body::BindResp(_, _, _) | Body::SubmitSmResp(_) | Body::DeliverSm(_) => {
                self.answer(Status::INVALID_COMMAND, sequence, Body::GenericNack);
            }
        }
        Ok(())
    }

    fn bind(&mut self, mode: BindMode, bind: &Bind<'_>, sequence: u32) {
        let config = &self.centre.config;
        let known = config.system_id.is_empty()
            || (config.system_id.as_bytes() == bind.system_id
                && config.password.as_bytes() == bind.password);
        let status = match (self.bound, known) {
            (Some(_), _) => Status::ALREADY_BOUND,
            (None, false) => Status::INVALID_PASSWORD,
            (None, true) => {
                self.bound = Some(mode);
                Counts::add(&self.centre.counts.binds);
                Status::OK
            }
        };
        let body = Body::BindResp(mode, SYSTEM_ID, Tlvs::default());
        self.answer(status, sequence, body);
    }

    fn submit(&mut self, message: &ShortMessage<'_>, sequence: u32) -> std::io::Result<()> {
        if !self.bound.is_some_and(BindMode::sends) {
            self.answer(
                Status::INVALID_BIND_STATE,
                sequence,
                Body::SubmitSmResp(&[]),
            );
            return Ok(());
        }
        let centre = Arc::clone(&self.centre);
        let (config, counts) = (&centre.config, &centre.counts);
        let nth = 1 + counts
            .submits
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.submits += 1;
        let last = self.submits == config.close_after;
        let fate = if last {
            Fate::Silent
        } else {
            script::fate(config, nth)
        };
        self.hang_up |= last;
        let id = script::id(nth);
        match fate {
            Fate::Accepted => {
                Counts::add(&counts.accepted);
                self.answer_submit(sequence, &id);
            }
            Fate::Silent => Counts::add(&counts.silent),
            Fate::Refused(status) => {
                let throttled = status == Status::THROTTLED;
                Counts::add(if throttled {
                    &counts.throttled
                } else {
                    &counts.refused
                });
                self.answer(status, sequence, Body::SubmitSmResp(&[]));
                return Ok(());
            }
        }
        if let Some(watcher) = &centre.watcher {
            let taken = Taken {
                phone: number(message.destination.digits),
                id: nth,
                part: message.user_data().0.map_or(1, |part| part.number),
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
            let silent = fate == Fate::Silent;
            log.take(&Entry {
                nth,
                id,
                silent,
                message,
            })?;
        }
        let reports = config.receipt_after.is_some() && nth.is_multiple_of(config.receipt_every);
        if reports && message.registered_delivery & 0x03 == 0x01 {
            self.report(message, nth);
        }
        Ok(())
    }

    fn report(&mut self, message: &ShortMessage<'_>, nth: u64) {
        let full = self.receipts_waiting + self.receipts.len() >= RECEIPT_BYTES_MAX;
        if full || !self.bound.is_some_and(BindMode::receives) {
            Counts::add(&self.centre.counts.receipts_lost);
            return;
        }
        let every = self.centre.config.fail_every;
        let failed = every != 0 && nth.is_multiple_of(every);
        let (stat, error, state) = if failed {
            ("UNDELIV", "027", 5)
        } else {
            ("DELIVRD", "000", 2)
        };
        let id = script::reported_id(self.centre.config.receipt_ids, nth);
        let date: String = (self.centre.clock)().to_string();
        let date: String = date
            .chars()
            .filter(char::is_ascii_digit)
            .skip(2)
            .take(10)
            .collect();
        let delivered = u8::from(!failed);
        let text = format!(
            "id:{id} sub:001 dlvrd:00{delivered} submit date:{date} done date:{date} stat:{stat} err:{error} text:"
        );
        let mut options = Vec::new();
        // Half of the receipts carry the optional parameters as well, as carriers differ.
        if nth.is_multiple_of(2) {
            put_tlv(
                tag::RECEIPTED_MESSAGE_ID,
                format!("{id}\0").as_bytes(),
                &mut options,
            );
            put_tlv(tag::MESSAGE_STATE, &[state], &mut options);
        }
        let receipt = ShortMessage {
            source: message.destination,
            destination: Address { ..message.source },
            esm_class: ESM_RECEIPT,
            short_message: text.as_bytes(),
            tlvs: tlvs(&options),
            ..ShortMessage::default()
        };
        self.deliveries = self.deliveries % 0x7FFF_FFFF + 1;
        let pdu = Pdu {
            status: Status::OK,
            sequence: self.deliveries,
            body: Body::DeliverSm(receipt),
        };
        pdu.encode(&mut self.receipts);
        Counts::add(&self.centre.counts.receipts);
    }

    fn answer(&mut self, status: Status, sequence: u32, body: Body<'_>) {
        Pdu {
            status,
            sequence,
            body,
        }
        .encode(&mut self.out);
    }

    /// submit_sm_resp with an identifier, the answer given most.
    fn answer_submit(&mut self, sequence: u32, id: &[u8; 10]) {
        const LENGTH: u32 = 16 + 10 + 1;
        self.out.extend_from_slice(&LENGTH.to_be_bytes());
        self.out
            .extend_from_slice(&Command::SubmitSmResp.id().to_be_bytes());
        self.out.extend_from_slice(&[0; 4]);
        self.out.extend_from_slice(&sequence.to_be_bytes());
        self.out.extend_from_slice(id);
        self.out.push(0);
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
