//! Short messages: the outbox of an account and the sessions of its links.

use super::Courier;
use super::agreed::{Agreed, TEXTS_MAX};
use super::aside::Aside;
use super::marks::Marks;
use super::reply::{is_from, said};
use crate::app::App;
use crate::clock::{Clock, monotonic_micros};
use crate::term::Term;
use dispatch::directory::Contact;
use dispatch::gateway::sms::{
    Answer as WireAnswer, DeliveryReceipt, Judged, Link, LinkConfig, MessageState,
    Outcome as WireOutcome, Prepared, Reply, ResultCode, SessionState, Style, Submit, Turn,
    Validity, same_phone,
};
use dispatch::intent::IntentId;
use dispatch::outbox::{Answer, Event, Limits, Outcome, Token};
use journal::{JournalError, Kind, Topic};
use model::{Channel, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Between two updates of the screens.
const SHOW_EVERY_US: u64 = 250_000;
/// For so long a number that moved to another carrier is told by another account at once.
const MOVED_FOR: Span = Span::from_minutes(90 * 24 * 60);
/// Messages handed to the link at once.
const SUBMIT_MAX: usize = 4096;

struct Waiting {
    token: Token,
    intent: IntentId,
    variant: u8,
    phone: u64,
}

/// A link of short messages, a round at a time.
pub(crate) struct Sms {
    pub(crate) courier: Courier,
    style: Style,
    texts: FxHashMap<(IntentId, u8), Prepared>,
    agreed: Agreed,
    reference: u8,
    waiting: VecDeque<Waiting>,
    /// Their tokens: what the outbox gives up for silent while it waits here goes out once.
    queued: FxHashSet<Token>,
    /// Parts that the sessions bound at this time take unanswered; zero while the link is down.
    window: usize,
    /// Whether its phones are left to other accounts.
    aside: Aside,
    shown: u64,
    mark: u64,
    marks: Marks,
}

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(
    app: Arc<App>,
    number: usize,
    config: LinkConfig,
    pace_per_s: u32,
    term: Term,
) -> Result<(), JournalError> {
    let mut sms = Sms::open(&app, number, &config, pace_per_s)?;
    let mut link = match Link::new(config, || Clock::wall().now()) {
        Ok(link) => link,
        Err(faults) => {
            let words: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let name = sms.courier.outbox.link();
            app.fail(format!("sms link {name}: {}", words.join("; ")));
            return Ok(());
        }
    };
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, sms.courier.partition);
    let mut turn = Turn::default();
    while !term.is_over() {
        sms.round(&mut link)?;
        let (next, pause) = (sms.courier.next, sms.courier.pause(&term));
        tokio::select! {
            () = link.turn(&mut turn) => sms.heard(&turn, link.window())?,
            () = super::planned(&mut planned, next) => {}
            done = sms.courier.durable() => done?,
            () = std::future::ready(()), if !sms.courier.is_settled() => {}
            () = pause => sms.courier.step(Event::Tick),
        }
        sms.courier.keep()?;
        sms.show()?;
    }
    sms.drive(&mut link)?;
    link.close(&mut turn).await;
    sms.heard(&turn, 0)?;
    sms.courier.finish().await
}

/// What carries short messages: the sessions of a link, or what a test puts in their place.
pub(crate) trait Wire {
    /// Messages it takes now.
    fn room(&self) -> usize;
    /// Takes messages from the front; gives how many.
    fn submit(&mut self, batch: &[Submit<'_>]) -> usize;
    /// What came up to this mark is durable.
    fn acknowledge(&mut self, mark: u64);
}

impl Wire for Link {
    fn room(&self) -> usize {
        Self::room(self)
    }

    fn submit(&mut self, batch: &[Submit<'_>]) -> usize {
        Self::submit(self, batch)
    }

    fn acknowledge(&mut self, mark: u64) {
        Self::acknowledge(self, mark);
    }
}

impl Sms {
    /// The link numbered `number`, recovered; down until it hears of a window.
    pub(crate) fn open(
        app: &Arc<App>,
        number: usize,
        config: &LinkConfig,
        pace_per_s: u32,
    ) -> Result<Self, JournalError> {
        let sessions = config.sessions.max(1) * config.addresses.len().max(1);
        let window = config.window().saturating_mul(sessions);
        let style = config.style();
        let day_begins = app.installation.city.offset_at(app.clock.now());
        let limits = Limits {
            pace_per_s,
            daily_max: config.agreed.daily_max(),
            retired_for: MOVED_FOR,
            day_begins,
            throttle_min: config.throttle_min,
            throttle_max: config.throttle_max,
            always_ucs2: style.always_ucs2(),
            with_flash: style.sender.flash,
            answer_max: answer_max(config),
            fail_over: config.fail_over.stand_ins.clone(),
            ..Limits::with_window(window)
        };
        let mut courier = Courier::open(Arc::clone(app), number, limits)?;
        courier.share = config.share.clone();
        let down_since = courier.app.clock.now();
        courier.sorter = config.sorter();
        Ok(Self {
            courier,
            style,
            texts: FxHashMap::default(),
            agreed: Agreed::new(config.agreed.clone(), day_begins),
            reference: 0,
            waiting: VecDeque::new(),
            queued: FxHashSet::default(),
            window: 0,
            aside: Aside::new(&config.fail_over, down_since),
            shown: 0,
            mark: 0,
            marks: Marks::default(),
        })
    }

    /// Takes what was planned, hands out what may leave, and answers for what is on disk.
    pub(crate) fn round(&mut self, link: &mut impl Wire) -> Result<(), JournalError> {
        while self.courier.take()? {
            // What is new is on the screens at once.
            self.shown = 0;
        }
        self.stand_aside();
        self.drive(link)?;
        self.acknowledge(link);
        Ok(())
    }

    /// Leaves its phones to other accounts, or takes them back.
    fn stand_aside(&mut self) {
        let now = self.courier.app.clock.now();
        let is_over = self.agreed.is_over(now);
        let Some(stands) = self.aside.change(now, is_over) else {
            return;
        };
        let link = self.courier.outbox.link();
        let to = self.courier.fail_over.agreed(link).join(", ");
        if !to.is_empty() {
            if stands {
                let on_duty = &self.agreed.account.on_duty;
                tracing::warn!(
                    link,
                    to,
                    is_over,
                    on_duty,
                    "its phones are told by other accounts"
                );
            } else {
                tracing::info!(link, "tells its phones again");
            }
            let labels = [link, "aside"];
            let metric = self.courier.app.metrics.account.with_label_values(&labels);
            metric.set(i64::from(stands));
        }
        self.courier.step(Event::Aside(stands));
    }

    /// Does what the outbox said: progress first, then rows, then the wire.
    fn drive(&mut self, link: &mut impl Wire) -> Result<(), JournalError> {
        self.gather()?;
        self.submit(link);
        Ok(())
    }

    /// Takes what the outbox handed out; all of it waits here until the link has it.
    fn gather(&mut self) -> Result<(), JournalError> {
        self.courier.settle()?;
        let effects = std::mem::take(&mut self.courier.effects);
        let mut refused = Vec::new();
        let mut elsewhere = BTreeSet::new();
        if self.agreed.day(self.courier.app.clock.now()) {
            self.texts.clear();
        }
        for send in &effects.sends {
            for sending in effects.batch(send) {
                let phone = self.courier.phone(sending.token.recipient());
                // Of named people who are on a desk: they hear by their next channel.
                let phone = phone.filter(|phone| self.courier.sorter.account(*phone).is_ok());
                let ready = self.prepare(send.intent, sending.variant);
                match phone
                    .ok_or(Outcome::Permanent)
                    .and_then(|phone| ready.map(|()| phone))
                {
                    Ok(phone) => {
                        if self.queued.insert(sending.token) {
                            self.waiting.push_back(Waiting {
                                token: sending.token,
                                intent: send.intent,
                                variant: sending.variant,
                                phone,
                            });
                        }
                    }
                    Err(outcome) => {
                        if outcome == Outcome::Elsewhere {
                            elsewhere.insert((send.intent, sending.variant));
                        }
                        refused.push(Answer {
                            token: sending.token,
                            outcome,
                        });
                    }
                }
            }
        }
        self.courier.effects = effects;
        self.courier.effects.sent();
        // Before the answers: the rest of these is handed on at once and not by the window.
        for (intent, variant) in elsewhere {
            self.courier.step(Event::NotPassed(intent, variant));
        }
        if !refused.is_empty() {
            self.courier.step(Event::Answers(&refused));
            self.courier.settle()?;
        }
        Ok(())
    }

    /// Puts a wording in the form that leaves; or what becomes of its messages instead.
    fn prepare(&mut self, intent: IntentId, variant: u8) -> Result<(), Outcome> {
        if self.texts.contains_key(&(intent, variant)) {
            return Ok(());
        }
        let app = &self.courier.app;
        let link = self.courier.outbox.link();
        if let Some(why) = self.agreed.known((intent, variant)) {
            app.metrics.not_passed.with_label_values(&[link, why]).inc();
            return Err(self.not_passed(intent));
        }
        let Some((found, message)) = self.courier.words(intent, variant) else {
            return Err(Outcome::Permanent);
        };
        if let Some(why) = self.agreed.refusal((intent, variant), &message.text) {
            tracing::error!(link, %intent, %why, "a text was not sent: the account does not pass it");
            let labels = [link, why.name()];
            app.metrics.not_passed.with_label_values(&labels).inc();
            return Err(self.not_passed(intent));
        }
        self.reference = self.reference.wrapping_add(1);
        let validity = Validity::Absolute(found.not_after);
        match Prepared::new(&message.text, &self.style, validity, self.reference) {
            Ok(text) => {
                if self.texts.len() >= TEXTS_MAX {
                    self.texts.clear();
                }
                self.texts.insert((intent, variant), text);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%intent, %error, "text cannot be sent");
                Err(Outcome::Permanent)
            }
        }
    }

    /// What becomes of a message whose text the account does not pass: another may.
    fn not_passed(&self, intent: IntentId) -> Outcome {
        let intent = self.courier.intents.get(&intent);
        let now = self.courier.app.clock.now();
        match intent.and_then(|intent| intent.heir(now, &self.courier.fail_over)) {
            Some(_) => Outcome::Elsewhere,
            None => Outcome::Permanent,
        }
    }

    fn submit(&mut self, link: &mut impl Wire) {
        while !self.waiting.is_empty() && link.room() > 0 {
            // A text may have been let go while its message waited.
            let missing: Vec<_> = self
                .waiting
                .iter()
                .take(SUBMIT_MAX)
                .map(|w| (w.intent, w.variant))
                .filter(|key| !self.texts.contains_key(key))
                .collect();
            for (intent, variant) in missing {
                if let Err(outcome) = self.prepare(intent, variant) {
                    self.turn_away((intent, variant), outcome);
                }
            }
            let batch: Vec<Submit<'_>> = self
                .waiting
                .iter()
                .take(SUBMIT_MAX)
                .map_while(|waiting| {
                    let text = self.texts.get(&(waiting.intent, waiting.variant))?;
                    Some(Submit {
                        token: waiting.token.0,
                        phone: waiting.phone,
                        text,
                    })
                })
                .collect();
            let taken = link.submit(&batch);
            let app = &self.courier.app;
            let mut last = None;
            for gone in self.waiting.drain(..taken) {
                self.queued.remove(&gone.token);
                if last != Some(gone.intent) {
                    last = Some(gone.intent);
                    app.latency.on_wire(&gone.intent.to_string(), &app.metrics);
                }
            }
            if taken == 0 {
                return;
            }
        }
    }

    /// A text was passed when its messages were handed out, and is not any more.
    fn turn_away(&mut self, text: (IntentId, u8), outcome: Outcome) {
        let of_text = |waiting: &Waiting| (waiting.intent, waiting.variant) == text;
        let refused = self.waiting.iter().filter(|waiting| of_text(waiting));
        let refused = refused.map(|Waiting { token, .. }| Answer {
            token: *token,
            outcome,
        });
        let refused: Vec<Answer> = refused.collect();
        self.waiting.retain(|waiting| !of_text(waiting));
        for Answer { token, .. } in &refused {
            self.queued.remove(token);
        }
        if outcome == Outcome::Elsewhere {
            self.courier.step(Event::NotPassed(text.0, text.1));
        }
        if !refused.is_empty() {
            self.courier.step(Event::Answers(&refused));
        }
    }

    /// Takes in what a turn of the link brought; `window` is what its sessions take since.
    pub(crate) fn heard(&mut self, turn: &Turn, window: usize) -> Result<(), JournalError> {
        for change in &turn.changes {
            match &change.state {
                SessionState::Up => {
                    let (link, address) = (self.courier.outbox.link(), &change.address);
                    tracing::info!(link, %address, "logged in");
                }
                SessionState::Down { why, retry_ms } => {
                    let (link, address) = (self.courier.outbox.link(), &change.address);
                    let on_duty = &self.agreed.account.on_duty;
                    tracing::warn!(link, %address, %why, retry_ms, on_duty, "down");
                }
            }
        }
        if window != self.window {
            // Before the answers, which make room: what has gone takes no more.
            self.courier.step(Event::Window(window));
        }
        let answers = turn.answers.iter();
        let mut answers: Vec<Answer> = answers.map(|a| self.answer(a)).collect();
        answers.extend(turn.receipts.iter().filter_map(|r| self.receipt(r)));
        if !answers.is_empty() {
            self.stay(&answers);
            self.courier.step(Event::Answers(&answers));
        }
        match (std::mem::replace(&mut self.window, window), window) {
            (0, 1..) => {
                self.aside.link(None);
                self.courier.step(Event::Up);
            }
            (1.., 0) => {
                self.aside.link(Some(self.courier.app.clock.now()));
                self.down()?;
            }
            _ => {}
        }
        for fault in &turn.faults {
            tracing::warn!(link = self.courier.outbox.link(), %fault, "not understood");
        }
        for reply in &turn.replies {
            self.reply(reply);
        }
        self.mark = self.mark.max(turn.mark);
        Ok(())
    }

    /// A further try of what was given up for silent, and is answered after all, waits here for nothing.
    fn stay(&mut self, answers: &[Answer]) {
        if self.queued.is_empty() {
            return;
        }
        let mut is_any = false;
        for Answer { token, outcome } in answers {
            let is_known = match outcome {
                Outcome::Accepted { .. }
                | Outcome::Delivered
                | Outcome::Acknowledged
                | Outcome::Permanent
                | Outcome::Retired
                | Outcome::Elsewhere => true,
                Outcome::Throttled | Outcome::Transient | Outcome::GaveWay | Outcome::Uncertain => {
                    false
                }
            };
            is_any |= is_known && self.queued.remove(token);
        }
        if is_any {
            let queued = &self.queued;
            self.waiting
                .retain(|waiting| queued.contains(&waiting.token));
        }
    }

    /// No session sends any more. What the link never got has not gone out, whatever the outbox
    /// thinks of the rest.
    fn down(&mut self) -> Result<(), JournalError> {
        self.gather()?;
        self.queued.clear();
        let unsent = self.waiting.drain(..).map(|waiting| Answer {
            token: waiting.token,
            outcome: Outcome::Transient,
        });
        let unsent: Vec<Answer> = unsent.collect();
        if !unsent.is_empty() {
            self.courier.step(Event::Answers(&unsent));
        }
        self.courier.step(Event::Down);
        Ok(())
    }

    /// Receipts and replies are answered to the centre once what they say is on disk; what others
    /// say may still be on its way there.
    fn acknowledge(&mut self, link: &mut impl Wire) {
        let (written, durable) = self.courier.written();
        self.marks.written(self.mark, written);
        if let Some(mark) = self.marks.durable(durable) {
            link.acknowledge(mark);
        }
    }

    fn answer(&self, answer: &WireAnswer) -> Answer {
        let outcome = match answer.outcome {
            WireOutcome::Accepted { id } => Outcome::Accepted {
                receipt: id.map_or(0, |id| id.0),
            },
            WireOutcome::Throttled { .. } => Outcome::Throttled,
            WireOutcome::Transient(code) => self.judged(code, Outcome::Transient),
            WireOutcome::Permanent(code) => self.judged(code, Outcome::Permanent),
            WireOutcome::Doubtful(code) => self.judged(code, Outcome::Uncertain),
            WireOutcome::Unsent => Outcome::Transient,
            WireOutcome::Silent | WireOutcome::Cut => Outcome::Uncertain,
        };
        Answer {
            token: Token(answer.token),
            outcome,
        }
    }

    /// What a refusal means by the contract, and by the standard where that says nothing.
    fn judged(&self, code: ResultCode, by_standard: Outcome) -> Outcome {
        let account = &self.agreed.account;
        if account.is_not_ours(code) {
            return self.not_ours();
        }
        account
            .judged(code)
            .map_or(by_standard, |judged| match judged {
                Judged::Transient => Outcome::Transient,
                Judged::Permanent => Outcome::Permanent,
                Judged::Uncertain => Outcome::Uncertain,
            })
    }

    /// A number of another carrier is told by another account, where there is one.
    fn not_ours(&self) -> Outcome {
        match self.courier.share {
            Some(_) => Outcome::Retired,
            None => Outcome::Permanent,
        }
    }

    fn refused(&self, reason: &str) -> Outcome {
        match self.agreed.account.says_not_ours(reason) {
            true => self.not_ours(),
            false => Outcome::Permanent,
        }
    }

    fn receipt(&self, receipt: &DeliveryReceipt) -> Option<Answer> {
        let outcome = match receipt.state {
            MessageState::Delivered => Outcome::Delivered,
            MessageState::Expired
            | MessageState::Deleted
            | MessageState::Undeliverable
            | MessageState::Rejected => self.refused(&receipt.reason.to_string()),
            MessageState::Unknown | MessageState::Enroute | MessageState::Accepted => return None,
        };
        let token = receipt.token.map(Token);
        let token = token.or_else(|| {
            // What an earlier process sent: by the identifier and the phone together, since the
            // identifier alone has several readings.
            let phone = |who| self.courier.phone(who);
            let is_theirs = |who| phone(who).is_some_and(|known| same_phone(known, receipt.phone));
            let ledger = self.courier.outbox.ledger();
            let mut ids = receipt.ids.iter().flatten();
            let found = ids.find_map(|id| ledger.find_by(id.0, is_theirs));
            let (intent, recipient) = found?;
            self.courier.outbox.token(intent, recipient)
        })?;
        Some(Answer { token, outcome })
    }

    /// A phone answered.
    fn reply(&mut self, reply: &Reply) {
        let app = Arc::clone(&self.courier.app);
        let count = |outcome: &str| app.metrics.replies.with_label_values(&[outcome]).inc();
        let Some(answer) = said(&reply.text) else {
            count("not_understood");
            let characters = reply.text.chars().count();
            tracing::warn!(
                link = self.courier.outbox.link(),
                characters,
                "a reply was not understood: its sender counts as silent"
            );
            return;
        };
        let theirs = |contact: &&Contact| is_from(contact.phone, reply.phone);
        let said = crate::replies::Reply {
            answer,
            note: &reply.text,
            channel: Channel::Sms,
            warning: None,
        };
        let answers = app.answers_over_worlds(theirs, &said);
        count(if answers.is_empty() {
            "nobody_asked"
        } else {
            "understood"
        });
        for (mode, orders) in answers {
            self.courier.answered(mode, orders);
        }
    }

    fn show(&mut self) -> Result<(), JournalError> {
        let now = monotonic_micros();
        if now.saturating_sub(self.shown) < SHOW_EVERY_US {
            return Ok(());
        }
        self.shown = now;
        self.agreed.show(&self.courier);
        self.courier.show()
    }
}

/// The link answers for each message within its own time-outs; the outbox's patience is behind them.
fn answer_max(config: &LinkConfig) -> Span {
    let times_out = config.response_timeout().millis().saturating_mul(4);
    Span::from_millis(times_out).max(Span::from_minutes(10))
}

#[cfg(test)]
mod tests;
