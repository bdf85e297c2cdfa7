//! One session with a carrier's gateway as a machine of bytes in and bytes out: no socket, no clock, and
//! the same for every protocol.
//!
//! Time is given in milliseconds of any origin that does not run backwards.

use super::awaited::{Awaited, Expected};
use super::codec::{
    Ack, Answer, Codec, Content, Digest, Entrance, Frame, Heard, Layout, Login, Reported, Role,
    Sequence,
};
use super::config::{LinkConfig, Proof, Receipts};
use super::digest;
use super::event::{
    Change, DeliveryReceipt, Ending, Outcome, Reply, SessionState, Submit, Turn, WireFault,
};
use super::identifier::MessageKey;
use super::outgoing::Outgoing;
use super::pace::Pace;
use super::protocol::codec_of;
use super::results::{ResultCode, Verdict};
use super::window::{GroupNo, Pending, Waiting, Window};
use std::collections::VecDeque;
use std::sync::Arc;

/// Receipts and replies not yet acknowledged; further ones are answered "full", and the gateway
/// brings them again.
const UNACKNOWLEDGED_MAX: usize = 65_536;
/// A session that the far side ends while it is idle is begun anew at once, unless it was shorter.
const WORTH_RENEWING_MS: u64 = 1_000;

/// What a session hands its findings to.
pub(super) struct Sink<'a> {
    pub(super) turn: &'a mut Turn,
    pub(super) awaited: &'a mut Awaited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    LoggingIn,
    LoggedIn,
    LoggingOut,
}

/// A part that waits for room in the window, encoded but for its sequence.
#[derive(Debug)]
struct HeldPart {
    token: u64,
    phone: u64,
    group: GroupNo,
    packet: Vec<u8>,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Session {
    number: usize,
    role: Role,
    config: Arc<LinkConfig>,
    address: Arc<str>,
    codec: &'static dyn Codec,
    layout: Layout,
    phase: Phase,
    since: u64,
    heard: u64,
    /// When the far side was asked whether it is there, and how often without an answer.
    enquired: Option<(u64, u8)>,
    /// Logged in before, and logging in again only to see whether the far side is there.
    resting: bool,
    /// On a connection that the gateway opened: refused whatever its login says.
    pub(super) is_too_many: bool,
    digest: Digest,
    /// MMDDhhmmss.
    stamp: u32,
    window: Window,
    pace: Pace,
    held: VecDeque<HeldPart>,
    unacknowledged: VecDeque<(u64, Ack)>,
    pause_ms: i64,
    paused_at: u64,
    pub(super) outgoing: Outgoing,
}

impl Session {
    pub(super) fn new(
        number: usize,
        role: Role,
        config: Arc<LinkConfig>,
        address: Arc<str>,
    ) -> Self {
        let codec = codec_of(config.protocol);
        let layout = codec.layout();
        Self {
            number,
            role,
            address,
            codec,
            layout,
            phase: Phase::Idle,
            since: 0,
            heard: 0,
            enquired: None,
            resting: false,
            is_too_many: false,
            digest: Digest::default(),
            stamp: 0,
            window: Window::new(config.window(), layout.control - 1),
            pace: Pace::new(config.session_pace_per_s),
            held: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            pause_ms: 0,
            paused_at: 0,
            outgoing: Outgoing::default(),
            config,
        }
    }

    /// A fresh connection: logs in, or waits for the gateway's login. `stamp` is MMDDhhmmss.
    pub(super) fn start(&mut self, now: u64, stamp: u32) {
        self.phase = Phase::LoggingIn;
        (self.since, self.heard, self.enquired) = (now, now, None);
        self.stamp = stamp;
        self.pace.start(now);
        self.outgoing.reset(now);
        if self.role == Role::Inbound {
            return;
        }
        let login = Login {
            account: &self.config.account,
            password: &self.config.password.0,
            system_type: &self.config.system_type,
            role: self.role,
            sequence: self.sequence(self.layout.control),
            stamp,
        };
        self.digest = self.codec.login(&login, &mut self.outgoing.bytes);
    }

    /// The whole sequence of a number. Numbers of SGIP are one link's over all of its sessions: with
    /// node and time they are identifiers.
    fn sequence(&self, number: u32) -> Sequence {
        if !self.layout.long_sequence {
            return Sequence::number(number);
        }
        let session = u32::try_from(self.number).unwrap_or_default() << 24;
        Sequence {
            node: self.config.node,
            stamp: self.stamp,
            number: session | number,
        }
    }

    /// The number of a sequence of ours; `None` for another session's or node's.
    fn number_of(&self, sequence: Sequence) -> Option<u32> {
        if !self.layout.long_sequence {
            return Some(sequence.number);
        }
        let whole = self.sequence(sequence.number & self.layout.control);
        let is_ours = whole.node == sequence.node && whole.number == sequence.number;
        is_ours.then_some(sequence.number & self.layout.control)
    }

    /// How many parts may be submitted.
    pub(super) fn room(&self) -> usize {
        if self.phase == Phase::LoggedIn && self.role.sends() && self.held.is_empty() {
            self.window.room().min(self.pace.room())
        } else {
            0
        }
    }

    /// How many parts may be unanswered: none before it has logged in, or where it only receives.
    pub(super) fn window(&self) -> usize {
        let is_there = self.phase == Phase::LoggedIn || self.resting;
        if is_there && self.role.sends() {
            self.config.window()
        } else {
            0
        }
    }

    /// True while answers are waited for.
    pub(super) fn in_flight(&self) -> bool {
        self.window.live() > 0 || !self.held.is_empty()
    }

    /// True once the far side has taken the login.
    pub(super) fn is_logged_in(&self) -> bool {
        self.phase == Phase::LoggedIn
    }

    /// Encodes a message into the outgoing octets; false where there is no room for its first part.
    pub(super) fn submit(&mut self, submit: &Submit<'_>, now: u64) -> bool {
        if self.room() == 0 {
            return false;
        }
        let parts = submit.text.parts();
        let submits = parts + submit.text.asides();
        if submits == 1 {
            self.submit_part(submit, 0, GroupNo::NONE, now);
            return true;
        }
        let whole = if parts == 1 {
            GroupNo::NONE
        } else {
            self.window.open(submit.token, parts)
        };
        for number in 0..submits {
            let group = if number < parts {
                whole
            } else {
                GroupNo::ASIDE
            };
            if self.window.room() > 0 && self.held.is_empty() {
                self.submit_part(submit, number, group, now);
                continue;
            }
            let mut packet = Vec::new();
            let sequence = Sequence::default();
            submit
                .text
                .write(number, sequence, submit.phone, &mut packet);
            self.held.push_back(HeldPart {
                token: submit.token,
                phone: submit.phone,
                group,
                packet,
            });
        }
        true
    }

    fn submit_part(&mut self, submit: &Submit<'_>, number: usize, group: GroupNo, now: u64) {
        let sequence = self.window.sequence();
        let whole = self.sequence(sequence);
        submit
            .text
            .write(number, whole, submit.phone, &mut self.outgoing.bytes);
        let waiting = Waiting {
            token: submit.token,
            phone: submit.phone,
            end: self.outgoing.end(),
            at: now,
        };
        self.pace.spend();
        self.window.wait(sequence, group, waiting);
    }

    /// Sends held parts as the window allows. The pace may be overdrawn by the parts of one message.
    fn release(&mut self, now: u64) {
        while self.window.room() > 0
            && let Some(mut part) = self.held.pop_front()
        {
            let sequence = self.window.sequence();
            self.layout
                .number(self.sequence(sequence), &mut part.packet);
            self.outgoing.bytes.extend_from_slice(&part.packet);
            let waiting = Waiting {
                token: part.token,
                phone: part.phone,
                end: self.outgoing.end(),
                at: now,
            };
            self.pace.spend();
            self.window.wait(sequence, part.group, waiting);
        }
    }

    /// Takes whole packets from the front of `bytes`; gives how many octets they were.
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
            let found = match self.codec.frame(rest) {
                Ok(found) => found,
                Err(error) => {
                    self.codec.out_of_step(&mut self.outgoing.bytes);
                    return Err(error.into());
                }
            };
            let Some(frame) = found else {
                return Ok(used);
            };
            used += frame.length;
            match self.codec.read(&frame, self.config.receipt_ids) {
                Ok(heard) => self.take(&frame, heard, now, sink)?,
                // The stream itself is still in step.
                Err(error) => {
                    self.codec.refuse(&frame, &error, &mut self.outgoing.bytes);
                    sink.turn.faults.push(error.into());
                }
            }
        }
    }

    fn take(
        &mut self,
        frame: &Frame<'_>,
        heard: Heard<'_>,
        now: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Ending> {
        if self.role == Role::Inbound && self.phase == Phase::LoggingIn {
            return self.entered(heard, sink);
        }
        match heard {
            Heard::Submitted(result, id) => self.answered(frame.sequence, result, id, now, sink),
            Heard::LoggedIn(result, proof) => return self.logged_in(result, proof, sink),
            Heard::NotUnderstood(result) if self.phase == Phase::LoggingIn => {
                return Err(Ending::LoginRefused(result));
            }
            Heard::NotUnderstood(result) => {
                if self.number_of(frame.sequence) != Some(self.layout.control) {
                    self.not_understood(frame.sequence, result, now, sink);
                }
            }
            Heard::Delivered(ack, content) => self.delivered(ack, content, now, sink),
            Heard::Asked(ack) => self.answer(&ack, Answer::Taken),
            Heard::Leaving(ack) => {
                self.answer(&ack, Answer::Taken);
                return Err(self.leaving(now));
            }
            Heard::Left if self.phase == Phase::LoggingOut && self.resting => {
                return Err(Ending::Renewed);
            }
            Heard::Left => return Err(Ending::LoggedOut),
            Heard::Entered(ack, _) => {
                self.answer(&ack, Answer::LoggedInAlready);
                return Err(Ending::Refused("it logged in twice"));
            }
            Heard::There | Heard::Noted => {}
        }
        Ok(())
    }

    fn answer(&mut self, ack: &Ack, answer: Answer) {
        self.codec.answer(ack, answer, &mut self.outgoing.bytes);
    }

    /// The far side ends the session.
    fn leaving(&mut self, now: u64) -> Ending {
        if self.renews(now) {
            Ending::Renewed
        } else {
            Ending::LoggedOut
        }
    }

    /// The connection was closed without a word.
    pub(super) fn closed(&mut self, now: u64) -> Ending {
        let asked_to = self.phase == Phase::LoggingOut && self.resting;
        if asked_to || self.renews(now) {
            Ending::Renewed
        } else {
            Ending::Closed
        }
    }

    /// Where nothing but a login finds out whether the far side is there, an idle session that ends
    /// is one that begins anew.
    fn renews(&mut self, now: u64) -> bool {
        let was_long = now.saturating_sub(self.since) >= WORTH_RENEWING_MS;
        let is_idle = self.phase == Phase::LoggedIn && !self.in_flight() && self.role.sends();
        let renews = !self.layout.has_heart_beat && is_idle && was_long;
        self.resting |= renews;
        renews
    }

    fn logged_in(
        &mut self,
        result: ResultCode,
        proof: Option<Digest>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Ending> {
        if !result.is_ok() {
            return Err(Ending::LoginRefused(result));
        }
        if self.phase != Phase::LoggingIn {
            return Ok(());
        }
        let secret = self.config.password.0.as_bytes();
        let is_proven = proof.is_none_or(|proof| digest::vouches(0, &proof, &self.digest, secret));
        match self.config.gateway_proof {
            Proof::Require if !is_proven => return Err(Ending::Unproven),
            Proof::Warn if !is_proven => sink.turn.faults.push(WireFault::Unproven),
            Proof::Require | Proof::Warn | Proof::Ignore => {}
        }
        self.up(sink);
        Ok(())
    }

    fn up(&mut self, sink: &mut Sink<'_>) {
        self.phase = Phase::LoggedIn;
        if !std::mem::take(&mut self.resting) {
            sink.turn.changes.push(Change {
                session: self.number,
                address: Arc::clone(&self.address),
                state: SessionState::Up,
            });
        } else {
            sink.turn.refilled = true;
        }
    }

    /// The first word on a connection that was opened to us.
    fn entered(&mut self, heard: Heard<'_>, sink: &mut Sink<'_>) -> Result<(), Ending> {
        let (ack, answer, why) = match heard {
            Heard::Entered(ack, entrance) => {
                let (answer, why) = self.admit(&entrance);
                (ack, answer, why)
            }
            Heard::Delivered(ack, _) | Heard::Asked(ack) => {
                (ack, Answer::NotLoggedIn, "it did not log in first")
            }
            Heard::Leaving(ack) => (ack, Answer::Taken, "it left before it logged in"),
            Heard::Submitted(..)
            | Heard::LoggedIn(..)
            | Heard::NotUnderstood(_)
            | Heard::There
            | Heard::Left
            | Heard::Noted => return Err(Ending::Refused("it answered what nobody asked")),
        };
        self.answer(&ack, answer);
        if answer != Answer::Taken || !why.is_empty() {
            return Err(Ending::Refused(why));
        }
        self.up(sink);
        Ok(())
    }

    fn admit(&self, entrance: &Entrance<'_>) -> (Answer, &'static str) {
        let account = self.config.account.as_bytes();
        let password = self.config.password.0.as_bytes();
        if !entrance.inbound {
            (Answer::WrongDirection, "its login type is not 2")
        } else if entrance.account != account || entrance.password != password {
            (Answer::NotLoggedIn, "its account or password is not ours")
        } else if self.is_too_many {
            (Answer::TooMany, "receivers are all in use")
        } else {
            (Answer::Taken, "")
        }
    }

    fn not_understood(
        &mut self,
        sequence: Sequence,
        result: ResultCode,
        now: u64,
        sink: &mut Sink<'_>,
    ) {
        // Refused with success is still no acceptance.
        let outcome = match result.verdict() {
            Verdict::Accepted => Some(Outcome::Transient(result)),
            Verdict::Throttled | Verdict::Transient | Verdict::Permanent | Verdict::Uncertain => {
                None
            }
        };
        self.settle(sequence, result, outcome, None, now, sink);
    }

    fn answered(
        &mut self,
        sequence: Sequence,
        result: ResultCode,
        id: Option<MessageKey>,
        now: u64,
        sink: &mut Sink<'_>,
    ) {
        self.settle(sequence, result, None, id, now, sink);
    }

    fn settle(
        &mut self,
        sequence: Sequence,
        result: ResultCode,
        outcome: Option<Outcome>,
        id: Option<MessageKey>,
        now: u64,
        sink: &mut Sink<'_>,
    ) {
        let known = self.number_of(sequence);
        let found = known.and_then(|number| self.window.answered(number));
        let Some((pending, late)) = found else {
            sink.turn.faults.push(WireFault::Stray(sequence.number));
            return;
        };
        if pending.is_aside() && !result.is_ok() {
            sink.turn.faults.push(WireFault::Aside(result));
        }
        let outcome = outcome.unwrap_or_else(|| match result.verdict() {
            Verdict::Accepted => {
                self.expect(id, &pending, sink);
                Outcome::Accepted { id }
            }
            Verdict::Throttled => Outcome::Throttled {
                status: result,
                pause_ms: self.throttled(now),
            },
            Verdict::Transient => Outcome::Transient(result),
            Verdict::Permanent => Outcome::Permanent(result),
            Verdict::Uncertain => Outcome::Doubtful(result),
        });
        sink.turn
            .answers
            .extend(self.window.conclude(&pending, outcome, late));
        if !self.held.is_empty() {
            self.release(now);
        }
    }

    fn expect(&self, id: Option<MessageKey>, pending: &Pending, sink: &mut Sink<'_>) {
        if self.config.sender.receipts == Receipts::None || pending.is_aside() {
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

    fn delivered(&mut self, ack: Ack, content: Content, now: u64, sink: &mut Sink<'_>) {
        if self.unacknowledged.len() >= UNACKNOWLEDGED_MAX {
            self.answer(&ack, Answer::Full);
            return;
        }
        sink.turn.mark += 1;
        self.unacknowledged.push_back((sink.turn.mark, ack));
        match content {
            Content::Message { phone, text } => sink.turn.replies.push(Reply { phone, text }),
            Content::Receipt(reported) => {
                let Reported {
                    ids,
                    phone,
                    state,
                    reason,
                } = reported;
                let found = DeliveryReceipt {
                    token: None,
                    ids,
                    phone,
                    state,
                    reason,
                };
                sink.turn.receipts.extend(sink.awaited.receipt(found, now));
            }
            Content::Unread(error, text) => {
                sink.turn.faults.push(WireFault::Receipt { error, text });
            }
        }
    }

    /// Answers every delivery up to and including the mark.
    pub(super) fn acknowledge(&mut self, mark: u64) {
        while let Some((at, ack)) = self.unacknowledged.front()
            && *at <= mark
        {
            self.codec
                .answer(ack, Answer::Taken, &mut self.outgoing.bytes);
            self.unacknowledged.pop_front();
        }
    }

    /// Time-outs; call it a few times a second. `stamp` is MMDDhhmmss.
    pub(super) fn tick(&mut self, now: u64, stamp: u32, sink: &mut Sink<'_>) -> Result<(), Ending> {
        self.stamp = stamp;
        let wait = |span: model::Span| u64::try_from(span.millis()).unwrap_or(0);
        let timeout = wait(self.config.response_timeout());
        let waiting = !self.outgoing.pending().is_empty();
        if waiting && now.saturating_sub(self.outgoing.progressed_at) >= timeout {
            return Err(Ending::Stalled);
        }
        if !waiting {
            self.outgoing.progressed_at = now;
        }
        match self.phase {
            Phase::Idle => {}
            Phase::LoggingIn => {
                if now.saturating_sub(self.since) >= wait(self.config.connect_timeout) {
                    return Err(Ending::LoginSilent);
                }
            }
            Phase::LoggingOut => {
                if now.saturating_sub(self.since) >= timeout {
                    return Err(if self.resting {
                        Ending::EnquireSilent
                    } else {
                        Ending::LoggedOut
                    });
                }
            }
            Phase::LoggedIn => {
                let before = now.saturating_sub(timeout);
                let written = self.outgoing.written;
                self.window.expire(before, written, &mut sink.turn.answers);
                sink.turn.refilled |= self.pace.refill(now);
                self.release(now);
                self.enquire(now, timeout)?;
            }
        }
        Ok(())
    }

    /// Asks whether the far side is there, where it has been silent for long.
    fn enquire(&mut self, now: u64, timeout: u64) -> Result<(), Ending> {
        let after = u64::try_from(self.config.enquire_after().millis()).unwrap_or(0);
        let times = match self.enquired {
            Some((at, _)) if now.saturating_sub(at) < timeout => return Ok(()),
            Some((_, times)) if times >= self.config.enquiries() => {
                return Err(Ending::EnquireSilent);
            }
            Some((_, times)) => times,
            None if now.saturating_sub(self.heard) < after => return Ok(()),
            None => 0,
        };
        let sequence = self.sequence(self.layout.control);
        if self.layout.has_heart_beat {
            self.enquired = Some((now, times + 1));
            self.codec.heart_beat(sequence, &mut self.outgoing.bytes);
        } else if self.role.sends() && !self.in_flight() {
            self.resting = true;
            self.log_out(now);
        }
        Ok(())
    }

    /// Asks to end the session; what is in flight should be settled before.
    pub(super) fn unbind(&mut self, now: u64) {
        self.resting = false;
        self.log_out(now);
    }

    fn log_out(&mut self, now: u64) {
        if self.phase == Phase::LoggedIn {
            (self.phase, self.since) = (Phase::LoggingOut, now);
            let sequence = self.sequence(self.layout.control);
            self.codec.logout(sequence, &mut self.outgoing.bytes);
        }
    }

    /// The connection is gone: settles all that was waited for. Unacknowledged receipts are
    /// dropped; the gateway brings them again.
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

    /// The attempt to begin anew has failed: it is down like any other.
    pub(super) fn give_up(&mut self) {
        self.resting = false;
    }
}

#[cfg(test)]
mod tests;
