//! One call as its caller sees it (RFC 3261 §8.1, §9, §12, §13, §15, §17.1): events and times in,
//! messages to send and what became of it out. No socket and no clock.
//!
//! Everything goes to the one gateway of the configuration, whatever a message names as its way: who
//! answers a call cannot send us anywhere.

use super::digest::{Challenge, Login};
use super::message::{Message, Start, address, tag};
use super::reading::answer_of;
use super::sdp::{self, Media};

/// The first wait before a datagram is sent again, ms (T1, §17.1.1.1).
const T1: u64 = 500;
/// The longest one (T2).
const T2: u64 = 4_000;
/// How long an answer is waited for (64 T1: timers B and F).
const ANSWER: u64 = 64 * T1;

/// Our side of all calls.
#[derive(Clone)]
pub struct Line {
    /// How messages travel: `UDP` or `TCP`.
    pub transport: &'static str,
    /// Where we are reached: `10.0.0.7:5060`.
    pub own: String,
    /// The gateway as it stands in addresses: its name, or what it calls itself.
    pub domain: String,
    /// The number that phones show.
    pub from: String,
    /// User and password, where the gateway asks for them.
    pub login: Option<(String, String)>,
    /// How long a phone rings, ms.
    pub ring_ms: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The call is to begin.
    Begin,
    /// A message of this call came.
    Received(&'a Message),
    /// What was to be said is said.
    Said,
    /// It is not to be said any more: a phone that rings stops.
    Withdrawn,
    /// Time passed.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this.
    Send(Message),
    /// It was picked up: talk.
    Talk(Media),
    /// A key was pressed, told by a message beside the sound.
    Key(char),
    /// The call is over, so.
    Over(End),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// We hung up after it was picked up.
    Said,
    /// The other side hung up.
    HungUp,
    /// Somebody is speaking there.
    Busy,
    /// It rang, and nobody picked up.
    NoAnswer,
    /// Somebody pressed the button that sends a call away.
    Declined,
    /// No phone has that number.
    NoSuchNumber,
    /// It was withdrawn before anybody picked up.
    Withdrawn,
    /// The gateway did not say anything.
    Silent,
    /// The gateway wants another login.
    Login,
    /// The gateway did not carry it: its status.
    Refused(u16),
    /// What it would carry is no A-law over RTP.
    Codec,
}

enum Phase {
    Idle,
    /// The invitation is out.
    Inviting {
        /// Whether anything was said of it yet.
        provisional: bool,
        /// When the phone has rung long enough, once it rings.
        until: u64,
        /// Whether it is to be taken back as soon as that may be.
        withdrawn: bool,
    },
    /// It is taken back; its last answer is waited for.
    Cancelling {
        why: End,
    },
    Talking,
    /// Our goodbye is out.
    Leaving {
        end: End,
    },
    Over,
}

/// A request that is sent again until it is answered.
struct Pending {
    message: Message,
    again: Option<u64>,
    wait: u64,
    until: u64,
}

/// One call.
pub struct Call {
    line: Line,
    /// Letters and digits that no other call has: what its names are made of.
    name: String,
    /// Where it goes: `sip:13900000001@gateway`.
    uri: String,
    offer: String,
    phase: Phase,
    sequence: u32,
    /// Branch of the newest transaction.
    branch: u32,
    pending: Option<Pending>,
    invite: Option<Message>,
    /// The newest acknowledgement of an answer that picks up.
    ack: Option<Message>,
    /// `To` with the far side's tag, its address, and the way to it.
    to: Option<String>,
    target: Option<String>,
    route: Vec<String>,
    challenge: Option<(Challenge, &'static str)>,
    /// Logins tried for the present request.
    logins: u8,
    /// Sequence number of the newest key message.
    told: Option<u32>,
}

impl Call {
    /// A call of `number` (its digits as the gateway wants them) with an offer for our sound.
    pub fn new(line: &Line, name: &str, number: &str, offer: String) -> Self {
        Self {
            uri: format!("sip:{number}@{}", line.domain),
            line: line.clone(),
            name: name.to_owned(),
            offer,
            phase: Phase::Idle,
            sequence: 1,
            branch: 0,
            pending: None,
            invite: None,
            ack: None,
            to: None,
            target: None,
            route: Vec::new(),
            challenge: None,
            logins: 0,
            told: None,
        }
    }

    /// The `Call-ID` of its messages.
    pub fn id(&self) -> &str {
        &self.name
    }

    /// When it wants to be told that time passed, ms.
    pub fn due(&self) -> Option<u64> {
        let pending = self
            .pending
            .as_ref()
            .map(|p| p.again.unwrap_or(p.until).min(p.until));
        let ring = match self.phase {
            Phase::Inviting {
                provisional: true,
                until,
                ..
            } => Some(until),
            Phase::Idle
            | Phase::Inviting { .. }
            | Phase::Cancelling { .. }
            | Phase::Talking
            | Phase::Leaving { .. }
            | Phase::Over => None,
        };
        [pending, ring].into_iter().flatten().min()
    }

    /// Takes in what happened at `now`, ms of any clock that only goes forward.
    pub fn step(&mut self, now: u64, event: Event<'_>, out: &mut Vec<Effect>) {
        match event {
            Event::Begin => self.begin(now, out),
            Event::Received(message) => match &message.start {
                Start::Request { method, .. } => self.asked(method, message, out),
                Start::Response { status, .. } => self.answered(now, *status, message, out),
            },
            Event::Said => self.leave(now, End::Said, out),
            Event::Withdrawn => self.withdraw(now, End::Withdrawn, out),
            Event::Tick => {}
        }
        self.tick(now, out);
    }

    fn begin(&mut self, now: u64, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Idle) {
            return;
        }
        self.phase = Phase::Inviting {
            provisional: false,
            until: now,
            withdrawn: false,
        };
        self.invite(now, out);
    }

    fn invite(&mut self, now: u64, out: &mut Vec<Effect>) {
        let mut invite = self
            .outgoing("INVITE")
            .with(
                "Contact",
                format!("<sip:{}@{}>", self.line.from, self.contact()),
            )
            .with("Allow", "INVITE, ACK, CANCEL, BYE, INFO, OPTIONS")
            .with("Content-Type", "application/sdp");
        invite.body = self.offer.clone().into_bytes();
        self.invite = Some(invite.clone());
        self.send_until_answered(now, invite, out);
    }

    fn contact(&self) -> String {
        match self.line.transport {
            "TCP" => format!("{};transport=tcp", self.line.own),
            _ => self.line.own.clone(),
        }
    }

    /// A request of ours in a transaction of its own.
    fn outgoing(&mut self, method: &'static str) -> Message {
        self.branch += 1;
        let uri = self.target.as_ref().unwrap_or(&self.uri).clone();
        let to = self.to.clone().unwrap_or_else(|| format!("<{}>", self.uri));
        let mut message = Message::request(method, &uri)
            .with("Via", self.via())
            .with("Max-Forwards", "70")
            .with(
                "From",
                format!(
                    "<sip:{}@{}>;tag=f{}",
                    self.line.from, self.line.domain, self.name
                ),
            )
            .with("To", to)
            .with("Call-ID", &self.name)
            .with("CSeq", format!("{} {method}", self.sequence))
            .with("User-Agent", "sanfang");
        for route in &self.route {
            message = message.with("Route", route);
        }
        if let (Some((challenge, name)), Some((user, password))) =
            (&self.challenge, &self.line.login)
        {
            let own = format!("{}{}", self.name, self.branch);
            let value = challenge.answer(&Login {
                user,
                password,
                method,
                uri: &uri,
                own: &own,
            });
            message = message.with(name, value);
        }
        message
    }

    fn via(&self) -> String {
        let Self {
            line, name, branch, ..
        } = self;
        format!(
            "SIP/2.0/{} {};branch=z9hG4bK{name}{branch};rport",
            line.transport, line.own
        )
    }

    fn send_until_answered(&mut self, now: u64, message: Message, out: &mut Vec<Effect>) {
        // A stream repeats by itself (§17.1.1.2).
        let again = (self.line.transport == "UDP").then_some(now + T1);
        self.pending = Some(Pending {
            message: message.clone(),
            again,
            wait: T1,
            until: now + ANSWER,
        });
        out.push(Effect::Send(message));
    }

    fn answered(&mut self, now: u64, status: u16, message: &Message, out: &mut Vec<Effect>) {
        let Some((number, method)) = message.sequence() else {
            return;
        };
        if method == "INVITE" && status >= 200 && number < self.sequence {
            // The answer to an invitation without a login, once more.
            return;
        }
        match method {
            "INVITE" => self.invited(now, status, message, out),
            "BYE" if status >= 200 => self.left(now, status, message, out),
            "CANCEL" if status >= 200 => {
                // It was heard; the invitation's own answer is still to come.
                if let (Phase::Cancelling { .. }, Some(pending)) = (&self.phase, &mut self.pending)
                {
                    pending.again = None;
                }
            }
            _ => {}
        }
    }

    fn invited(&mut self, now: u64, status: u16, message: &Message, out: &mut Vec<Effect>) {
        if let (200..=299, Some(ack)) = (status, &self.ack) {
            // Ours was lost (§13.2.2.4).
            out.push(Effect::Send(ack.clone()));
            return;
        }
        let why = match &mut self.phase {
            Phase::Inviting {
                provisional,
                until,
                withdrawn,
            } => {
                let withdrawn = *withdrawn;
                if status < 200 {
                    if !*provisional {
                        *provisional = true;
                        *until = now + self.line.ring_ms;
                        // It is not asked again; how long it may ring is the ring's own time.
                        self.pending = None;
                    }
                    if withdrawn {
                        self.withdraw(now, End::Withdrawn, out);
                    }
                    return;
                }
                withdrawn.then_some(End::Withdrawn)
            }
            Phase::Cancelling { why } => Some(*why),
            Phase::Idle | Phase::Talking | Phase::Leaving { .. } | Phase::Over => return,
        };
        if status < 200 {
            return;
        }
        self.pending = None;
        if status < 300 {
            self.picked_up(now, message, why, out);
            return;
        }
        out.push(Effect::Send(self.refusal_heard(message)));
        if why.is_none() && self.log_in(status, message) {
            // Of the second invitation nothing was said yet.
            self.phase = Phase::Inviting {
                provisional: false,
                until: now,
                withdrawn: false,
            };
            self.invite(now, out);
            return;
        }
        self.over(why.unwrap_or_else(|| meaning(status)), out);
    }

    /// Whether another try with a login makes sense; then it is prepared.
    fn log_in(&mut self, status: u16, message: &Message) -> bool {
        let (asks, answers) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return false,
        };
        let challenge = Challenge::strongest(message.every(asks));
        let Some(challenge) = challenge.filter(|_| self.line.login.is_some()) else {
            return false;
        };
        // A nonce may be too old once; a password that is wrong is wrong again.
        if self.logins >= 2 || (self.logins == 1 && !challenge.stale) {
            return false;
        }
        self.logins += 1;
        self.challenge = Some((challenge, answers));
        self.sequence += 1;
        true
    }

    /// The acknowledgement of an answer that does not pick up: of the invitation's own transaction
    /// (§17.1.1.3).
    fn refusal_heard(&self, answer: &Message) -> Message {
        let mut ack = Message::request("ACK", &self.uri);
        let invite = self.invite.iter().flat_map(|invite| &invite.fields);
        for (name, value) in invite {
            let value = match name.as_str() {
                "Via" | "Max-Forwards" | "From" | "Call-ID" | "Route" | "User-Agent" => {
                    value.clone()
                }
                "To" => answer.field("To").unwrap_or(value).to_owned(),
                "CSeq" => format!("{} ACK", self.sequence),
                _ => continue,
            };
            ack = ack.with(name, value);
        }
        ack
    }

    fn picked_up(&mut self, now: u64, message: &Message, why: Option<End>, out: &mut Vec<Effect>) {
        self.to = message.field("To").map(str::to_owned);
        self.target = message.field("Contact").map(|c| address(c).to_owned());
        let route = message
            .every("Record-Route")
            .flat_map(|line| line.split(','));
        self.route = route.map(|one| one.trim().to_owned()).collect();
        self.route.reverse();
        let ack = self.outgoing("ACK");
        self.ack = Some(ack.clone());
        out.push(Effect::Send(ack));
        match (why, sdp::answer(&message.body)) {
            // It was picked up while we took it back.
            (Some(why), _) => {
                self.phase = Phase::Talking;
                self.leave(now, why, out);
            }
            (None, None) => {
                self.phase = Phase::Talking;
                self.leave(now, End::Codec, out);
            }
            (None, Some(media)) => {
                self.phase = Phase::Talking;
                out.push(Effect::Talk(media));
            }
        }
    }

    fn leave(&mut self, now: u64, end: End, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Talking) {
            return;
        }
        self.phase = Phase::Leaving { end };
        self.sequence += 1;
        self.logins = 0;
        let bye = self.outgoing("BYE");
        self.send_until_answered(now, bye, out);
    }

    fn left(&mut self, now: u64, status: u16, message: &Message, out: &mut Vec<Effect>) {
        let Phase::Leaving { end } = self.phase else {
            return;
        };
        self.pending = None;
        if self.log_in(status, message) {
            let bye = self.outgoing("BYE");
            self.send_until_answered(now, bye, out);
            return;
        }
        self.over(end, out);
    }

    /// A request of the far side.
    fn asked(&mut self, method: &str, message: &Message, out: &mut Vec<Effect>) {
        let far = self.to.as_deref().and_then(tag);
        let is_ours = far.is_some() && far == message.field("From").and_then(tag);
        let answer = |status, reason| Effect::Send(message.response(status, reason));
        match method {
            "ACK" => {}
            _ if !is_ours => out.push(answer(481, "Call Does Not Exist")),
            "BYE" => {
                out.push(answer(200, "OK"));
                let end = match self.phase {
                    Phase::Leaving { end } => end,
                    Phase::Idle
                    | Phase::Inviting { .. }
                    | Phase::Cancelling { .. }
                    | Phase::Talking
                    | Phase::Over => End::HungUp,
                };
                self.over(end, out);
            }
            "INFO" => {
                out.push(answer(200, "OK"));
                let number = message.sequence().map(|(number, _)| number);
                if number > self.told {
                    self.told = number;
                    out.extend(key_of(message).map(Effect::Key));
                }
            }
            "OPTIONS" => out.push(answer(200, "OK")),
            // What was agreed stays as it is; a call of ours is short.
            "INVITE" | "UPDATE" => out.push(answer(488, "Not Acceptable Here")),
            _ => out.push(answer(405, "Method Not Allowed")),
        }
    }

    fn withdraw(&mut self, now: u64, why: End, out: &mut Vec<Effect>) {
        match self.phase {
            Phase::Idle => self.over(why, out),
            Phase::Inviting {
                provisional: true, ..
            } => {
                self.phase = Phase::Cancelling { why };
                let cancel = self.cancel();
                self.send_until_answered(now, cancel, out);
            }
            // Nothing may be taken back before anything was said of it (§9.1).
            Phase::Inviting { until, .. } => {
                self.phase = Phase::Inviting {
                    provisional: false,
                    until,
                    withdrawn: true,
                };
            }
            Phase::Cancelling { .. } | Phase::Talking | Phase::Leaving { .. } | Phase::Over => {}
        }
    }

    /// Of the invitation's own transaction (§9.1).
    fn cancel(&self) -> Message {
        let mut cancel = Message::request("CANCEL", &self.uri);
        for (name, value) in self.invite.iter().flat_map(|invite| &invite.fields) {
            let value = match name.as_str() {
                "Via" | "Max-Forwards" | "From" | "To" | "Call-ID" | "Route" => value.clone(),
                "CSeq" => format!("{} CANCEL", self.sequence),
                _ => continue,
            };
            cancel = cancel.with(name, value);
        }
        cancel
    }

    fn tick(&mut self, now: u64, out: &mut Vec<Effect>) {
        if let Phase::Inviting {
            provisional: true,
            until,
            ..
        } = self.phase
            && now >= until
        {
            self.withdraw(now, End::NoAnswer, out);
        }
        let Some(pending) = &mut self.pending else {
            return;
        };
        if now >= pending.until {
            self.pending = None;
            let end = match self.phase {
                Phase::Leaving { end } => end,
                Phase::Cancelling { why } => why,
                Phase::Idle | Phase::Inviting { .. } | Phase::Talking | Phase::Over => End::Silent,
            };
            self.over(end, out);
            return;
        }
        if pending.again.is_some_and(|again| now >= again) {
            // An invitation doubles its waits without end; other requests up to T2 (§17.1.2.2).
            let is_invite = matches!(&pending.message.start, Start::Request { method, .. } if method == "INVITE");
            pending.wait *= 2;
            if !is_invite {
                pending.wait = pending.wait.min(T2);
            }
            pending.again = Some(now + pending.wait);
            out.push(Effect::Send(pending.message.clone()));
        }
    }

    fn over(&mut self, end: End, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Over) {
            self.phase = Phase::Over;
            self.pending = None;
            out.push(Effect::Over(end));
        }
    }
}

/// What an answer that is no yes means (RFC 3261 §21.4–21.6, RFC 8197, RFC 8688).
const fn meaning(status: u16) -> End {
    match status {
        401 | 407 => End::Login,
        486 | 600 => End::Busy,
        408 | 480 | 487 => End::NoAnswer,
        603 | 607 | 608 => End::Declined,
        404 | 410 | 416 | 484 | 485 | 604 => End::NoSuchNumber,
        415 | 488 | 606 => End::Codec,
        status => End::Refused(status),
    }
}

/// The key that an INFO tells of: `application/dtmf-relay` (`Signal=1`) or `application/dtmf` (`1`).
fn key_of(message: &Message) -> Option<char> {
    let kind = message.field("Content-Type")?.to_ascii_lowercase();
    let text = std::str::from_utf8(&message.body).ok()?;
    let word = match kind.split(';').next()?.trim() {
        "application/dtmf-relay" => text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("signal")
                .then(|| value.trim())
        })?,
        "application/dtmf" => text.trim(),
        _ => return None,
    };
    word.chars()
        .next()
        .filter(|key| answer_of(*key).is_some() || key.is_ascii_digit())
}

#[cfg(test)]
mod tests;
