//! One SMPP session as a machine of bytes in and bytes out: no socket, no clock.
//!
//! Time is given in milliseconds of any origin that does not run backwards.

use super::awaited::{Awaited, Expected};
use super::command::{BindMode, Command};
use super::config::LinkConfig;
use super::event::{
    Change, DeliveryReceipt, Ending, Outcome, Reply, SessionState, Submit, Turn, WireFault,
};
use super::identifier::{MessageKey, candidates};
use super::message::ShortMessage;
use super::outgoing::Outgoing;
use super::pdu::{Bind, Body, Header, Pdu, frame, submitted_id};
use super::receipt;
use super::status::{Status, Verdict};
use super::window::{GroupNo, Pending, Waiting, Window};
use super::wire::DecodeError;
use std::collections::VecDeque;
use std::sync::Arc;

/// Receipts and replies not yet acknowledged; further ones are answered "queue full", and the
/// centre brings them again.
const UNACKNOWLEDGED_MAX: usize = 65_536;
/// sequence_number of bind, enquire_link and unbind: apart from those of submits, so that they
/// never take a place in the window.
const CONTROL_SEQUENCE: u32 = 0x7FFF_FFFF;
/// SMPP 3.4
const INTERFACE_VERSION: u8 = 0x34;

/// What a session hands its findings to.
pub(super) struct Sink<'a> {
    pub(super) turn: &'a mut Turn,
    pub(super) awaited: &'a mut Awaited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Binding,
    Bound,
    Unbinding,
}

/// A part that waits for room in the window, encoded but for its sequence number.
#[derive(Debug)]
struct HeldPart {
    token: u64,
    phone: u64,
    group: GroupNo,
    pdu: Vec<u8>,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Session {
    number: usize,
    mode: BindMode,
    config: Arc<LinkConfig>,
    phase: Phase,
    since: u64,
    heard: u64,
    enquired: Option<u64>,
    window: Window,
    held: VecDeque<HeldPart>,
    unacknowledged: VecDeque<(u64, u32)>,
    pause_ms: i64,
    paused_at: u64,
    scratch: Vec<u8>,
    pub(super) outgoing: Outgoing,
}

impl Session {
    pub(super) fn new(number: usize, mode: BindMode, config: Arc<LinkConfig>) -> Self {
        Self {
            number,
            mode,
            phase: Phase::Idle,
            since: 0,
            heard: 0,
            enquired: None,
            window: Window::new(config.window),
            held: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            pause_ms: 0,
            paused_at: 0,
            scratch: Vec::new(),
            outgoing: Outgoing::default(),
            config,
        }
    }

    /// A fresh connection: binds.
    pub(super) fn start(&mut self, now: u64) {
        self.phase = Phase::Binding;
        (self.since, self.heard, self.enquired) = (now, now, None);
        self.outgoing.reset(now);
        let bind = Bind {
            system_id: self.config.system_id.as_bytes(),
            password: self.config.password.0.as_bytes(),
            system_type: self.config.system_type.as_bytes(),
            interface_version: INTERFACE_VERSION,
            ..Bind::default()
        };
        let body = Body::Bind(self.mode, bind);
        self.outgoing.put(Status::OK, CONTROL_SEQUENCE, body);
    }

    /// How many PDUs may be submitted.
    pub(super) fn room(&self) -> usize {
        if self.phase == Phase::Bound && self.mode.sends() && self.held.is_empty() {
            self.window.room()
        } else {
            0
        }
    }

    /// How many PDUs may be unanswered: none before it is bound, or where it only receives.
    pub(super) fn window(&self) -> usize {
        if self.phase == Phase::Bound && self.mode.sends() {
            self.config.window
        } else {
            0
        }
    }

    /// True while answers are waited for.
    pub(super) fn in_flight(&self) -> bool {
        self.window.live() > 0 || !self.held.is_empty()
    }

    /// True once the centre has taken the bind.
    pub(super) fn is_bound(&self) -> bool {
        self.phase == Phase::Bound
    }

    /// Encodes a message into the outgoing octets; false where there is no room for its first part.
    pub(super) fn submit(&mut self, submit: &Submit<'_>, now: u64) -> bool {
        if self.room() == 0 {
            return false;
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(submit.phone).as_bytes();
        let parts = submit.text.parts();
        if parts == 1 {
            self.submit_part(submit, 0, GroupNo::NONE, digits, now);
            return true;
        }
        let group = self.window.open(submit.token, parts);
        for number in 0..parts {
            if self.window.room() > 0 {
                self.submit_part(submit, number, group, digits, now);
                continue;
            }
            let mut pdu = Vec::new();
            submit.text.write(number, 0, digits, &mut pdu);
            self.held.push_back(HeldPart {
                token: submit.token,
                phone: submit.phone,
                group,
                pdu,
            });
        }
        true
    }

    fn submit_part(
        &mut self,
        submit: &Submit<'_>,
        number: usize,
        group: GroupNo,
        digits: &[u8],
        now: u64,
    ) {
        let sequence = self.window.sequence();
        submit
            .text
            .write(number, sequence, digits, &mut self.outgoing.bytes);
        let waiting = Waiting {
            token: submit.token,
            phone: submit.phone,
            end: self.outgoing.end(),
            at: now,
        };
        self.window.wait(sequence, group, waiting);
    }

    /// Sends held parts as the window allows.
    fn release(&mut self, now: u64) {
        while self.window.room() > 0
            && let Some(mut part) = self.held.pop_front()
        {
            let sequence = self.window.sequence();
            if let Some(place) = part.pdu.get_mut(12..).and_then(<[u8]>::first_chunk_mut) {
                *place = sequence.to_be_bytes();
            }
            self.outgoing.bytes.extend_from_slice(&part.pdu);
            let waiting = Waiting {
                token: part.token,
                phone: part.phone,
                end: self.outgoing.end(),
                at: now,
            };
            self.window.wait(sequence, part.group, waiting);
        }
    }

    /// Takes whole PDUs from the front of `bytes`; gives how many octets they were.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        now: u64,
        sink: &mut Sink<'_>,
    ) -> Result<usize, Ending> {
        (self.heard, self.enquired) = (now, None);
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let found = match frame(rest) {
                Ok(found) => found,
                Err(error) => {
                    self.outgoing
                        .put(Status::INVALID_LENGTH, 0, Body::GenericNack);
                    return Err(error.into());
                }
            };
            let Some((header, body)) = found else {
                return Ok(used);
            };
            used += header.length as usize;
            if header.command == Command::SubmitSmResp.id() {
                let id = submitted_id(body).unwrap_or_default();
                self.answered(header, id, now, sink);
            } else {
                self.take(header, body, now, sink)?;
            }
        }
    }

    fn take(
        &mut self,
        header: Header,
        body: &[u8],
        now: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Ending> {
        let pdu = match Pdu::decode(header, body) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.refuse(header, error, sink);
                return Ok(());
            }
        };
        let sequence = pdu.sequence;
        match pdu.body {
            Body::BindResp(_, _, _) => return self.bound(pdu.status, sink),
            Body::GenericNack if self.phase == Phase::Binding => {
                return Err(Ending::BindRefused(pdu.status));
            }
            Body::GenericNack if sequence == CONTROL_SEQUENCE => {}
            Body::GenericNack | Body::SubmitSmResp(_) => self.answered(header, &[], now, sink),
            Body::DeliverSm(message) => self.delivered(&message, sequence, now, sink),
            Body::EnquireLink => self
                .outgoing
                .put(Status::OK, sequence, Body::EnquireLinkResp),
            Body::Unbind => {
                self.outgoing.put(Status::OK, sequence, Body::UnbindResp);
                return Err(Ending::Unbound);
            }
            Body::UnbindResp => return Err(Ending::Unbound),
            Body::EnquireLinkResp | Body::DeliverSmResp => {}
            Body::Bind(_, _) | Body::SubmitSm(_) => {
                self.outgoing
                    .put(Status::INVALID_COMMAND, sequence, Body::GenericNack);
                let error = DecodeError::UnknownCommand(header.command);
                sink.turn.faults.push(error.into());
            }
        }
        Ok(())
    }

    /// A request that does not decode is answered so; the stream itself is still in step.
    fn refuse(&mut self, header: Header, error: DecodeError, sink: &mut Sink<'_>) {
        if header.command & 0x8000_0000 == 0 {
            let status = match error {
                DecodeError::UnknownCommand(_) => Status::INVALID_COMMAND,
                DecodeError::Truncated(_)
                | DecodeError::TooLong { .. }
                | DecodeError::Trailing(_) => Status::INVALID_LENGTH,
            };
            self.outgoing
                .put(status, header.sequence, Body::GenericNack);
        }
        sink.turn.faults.push(error.into());
    }

    fn bound(&mut self, status: Status, sink: &mut Sink<'_>) -> Result<(), Ending> {
        if status != Status::OK {
            return Err(Ending::BindRefused(status));
        }
        if self.phase == Phase::Binding {
            self.phase = Phase::Bound;
            sink.turn.changes.push(Change {
                session: self.number,
                state: SessionState::Up,
            });
        }
        Ok(())
    }

    fn answered(&mut self, header: Header, id: &[u8], now: u64, sink: &mut Sink<'_>) {
        let Some((pending, late)) = self.window.answered(header.sequence) else {
            sink.turn.faults.push(WireFault::Stray(header.sequence));
            return;
        };
        let outcome = match header.status.verdict() {
            // A generic_nack with status zero is still no acceptance.
            Verdict::Accepted if header.command != Command::SubmitSmResp.id() => {
                Outcome::Transient(header.status)
            }
            Verdict::Accepted => {
                let id = MessageKey::of(id);
                self.expect(id, &pending, sink);
                Outcome::Accepted { id }
            }
            Verdict::Throttled => Outcome::Throttled {
                status: header.status,
                pause_ms: self.throttled(now),
            },
            Verdict::Transient => Outcome::Transient(header.status),
            Verdict::Permanent => Outcome::Permanent(header.status),
        };
        sink.turn
            .answers
            .extend(self.window.conclude(&pending, outcome, late));
        if !self.held.is_empty() {
            self.release(now);
        }
    }

    fn expect(&self, id: Option<MessageKey>, pending: &Pending, sink: &mut Sink<'_>) {
        if self.config.sender.receipts.registered_delivery() == 0 {
            return;
        }
        if let Some(key) = id {
            let membership = self.window.membership(pending);
            let expected = Expected {
                token: pending.token,
                phone: pending.phone,
                part_of: membership.map(|m| (self.number, m)),
            };
            sink.turn
                .receipts
                .extend(sink.awaited.expect(key, expected));
        }
    }

    /// The advised pause: doubles when throttled again after a pause was kept, begins anew after
    /// twice the longest without.
    fn throttled(&mut self, now: u64) -> u32 {
        let (least, most) = (
            self.config.throttle_min.millis(),
            self.config.throttle_max.millis(),
        );
        let since = i64::try_from(now.saturating_sub(self.paused_at)).unwrap_or(i64::MAX);
        if self.pause_ms == 0 || since > most.saturating_mul(2) {
            (self.pause_ms, self.paused_at) = (least, now);
        } else if since >= self.pause_ms {
            (self.pause_ms, self.paused_at) = (self.pause_ms.saturating_mul(2).min(most), now);
        }
        u32::try_from(self.pause_ms).unwrap_or(u32::MAX)
    }

    fn delivered(
        &mut self,
        message: &ShortMessage<'_>,
        sequence: u32,
        now: u64,
        sink: &mut Sink<'_>,
    ) {
        if self.unacknowledged.len() >= UNACKNOWLEDGED_MAX {
            self.outgoing
                .put(Status::QUEUE_FULL, sequence, Body::DeliverSmResp);
            return;
        }
        sink.turn.mark += 1;
        self.unacknowledged.push_back((sink.turn.mark, sequence));
        let phone = phone(message.source.digits);
        if !message.is_receipt() {
            let text = message.text();
            sink.turn.replies.push(Reply { phone, text });
            return;
        }
        match receipt::read(message, &mut self.scratch) {
            Ok(read) => {
                let found = DeliveryReceipt {
                    token: None,
                    ids: candidates(read.id, self.config.receipt_ids),
                    phone,
                    state: read.state,
                    reason: read.reason,
                };
                sink.turn.receipts.extend(sink.awaited.receipt(found, now));
            }
            Err(error) => {
                let text = message.text();
                sink.turn.faults.push(WireFault::Receipt { error, text });
            }
        }
    }

    /// Answers every deliver_sm up to and including the mark.
    pub(super) fn acknowledge(&mut self, mark: u64) {
        while let Some((at, sequence)) = self.unacknowledged.front()
            && *at <= mark
        {
            self.outgoing
                .put(Status::OK, *sequence, Body::DeliverSmResp);
            self.unacknowledged.pop_front();
        }
    }

    /// Time-outs; call it a few times a second.
    pub(super) fn tick(&mut self, now: u64, sink: &mut Sink<'_>) -> Result<(), Ending> {
        let wait = |span: model::Span| u64::try_from(span.millis()).unwrap_or(0);
        let timeout = wait(self.config.response_timeout);
        let waiting = !self.outgoing.pending().is_empty();
        if waiting && now.saturating_sub(self.outgoing.progressed_at) >= timeout {
            return Err(Ending::Stalled);
        }
        if !waiting {
            self.outgoing.progressed_at = now;
        }
        match self.phase {
            Phase::Idle => {}
            Phase::Binding => {
                if now.saturating_sub(self.since) >= wait(self.config.connect_timeout) {
                    return Err(Ending::BindSilent);
                }
            }
            Phase::Unbinding => {
                if now.saturating_sub(self.since) >= timeout {
                    return Err(Ending::Unbound);
                }
            }
            Phase::Bound => {
                let before = now.saturating_sub(timeout);
                let written = self.outgoing.written;
                self.window.expire(before, written, &mut sink.turn.answers);
                self.release(now);
                match self.enquired {
                    Some(at) if now.saturating_sub(at) >= timeout => {
                        return Err(Ending::EnquireSilent);
                    }
                    Some(_) => {}
                    None if now.saturating_sub(self.heard) >= wait(self.config.enquire_after) => {
                        self.enquired = Some(now);
                        self.outgoing
                            .put(Status::OK, CONTROL_SEQUENCE, Body::EnquireLink);
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Asks to end the session; what is in flight should be settled before.
    pub(super) fn unbind(&mut self, now: u64) {
        if self.phase == Phase::Bound {
            (self.phase, self.since) = (Phase::Unbinding, now);
            self.outgoing
                .put(Status::OK, CONTROL_SEQUENCE, Body::Unbind);
        }
    }

    /// The connection is gone: settles all that was waited for. Unacknowledged receipts are
    /// dropped; the centre brings them again.
    pub(super) fn cut(&mut self, sink: &mut Sink<'_>) {
        for part in std::mem::take(&mut self.held) {
            let answer = self
                .window
                .conclude_part(part.group, Outcome::Unsent, false);
            sink.turn.answers.extend(answer);
        }
        self.window
            .cut(self.outgoing.written, &mut sink.turn.answers);
        self.unacknowledged.clear();
        self.phase = Phase::Idle;
        self.outgoing.reset(0);
    }
}

/// The number in an address; 0 where there is none.
fn phone(digits: &[u8]) -> u64 {
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let text = std::str::from_utf8(digits).unwrap_or_default();
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
