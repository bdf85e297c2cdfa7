//! Calls that are read out: the outbox of the line, and as many calls at once as it may carry.
//!
//! Only a key is an answer. A call that was picked up and got none is told no other way, and the
//! ladder goes on as if nothing had been said.

use super::Courier;
use super::single::Words;
use crate::app::App;
use crate::replies::Reply;
use crate::term::Term;
use dispatch::directory::Contact;
use dispatch::gateway::voice::speech::Speech;
use dispatch::gateway::voice::wav::SECONDS_MAX;
use dispatch::gateway::voice::{Dial, Heard, Voice, VoiceConfig};
use dispatch::intent::{DeliveryId, IntentId};
use dispatch::outbox::{Answer, Event, Limits, Outcome, Token};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use journal::{JournalError, Kind, Topic};
use model::order::Answer as Said;
use model::{Channel, SendError, Span, WarningId};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Tries of one phone that is busy before its owner is told otherwise.
const TRIES_MAX: u8 = 3;
/// Longest pause of a line whose gateway carries nothing.
const PAUSE_MAX: Span = Span::from_seconds(10);
/// What calls have to end in when the process ends; a phone that rings stops at once.
const END_MAX: Duration = Duration::from_secs(3);

/// A line and what it may carry.
#[derive(Clone)]
pub(crate) struct VoiceLink {
    /// The gateway.
    pub(crate) config: VoiceConfig,
    /// Words to sound.
    pub(crate) speech: Arc<Speech>,
    /// Calls at once.
    pub(crate) calls_max: usize,
    /// Calls begun in a second.
    pub(crate) calls_per_s: u32,
    /// Before a phone that is busy is tried again; the third time twice that.
    pub(crate) busy_again: Span,
}

impl VoiceLink {
    fn limits(&self) -> Limits {
        let longest = Voice::longest(&self.config, SECONDS_MAX).as_millis();
        Limits {
            pace_per_s: self.calls_per_s,
            attempts_max: TRIES_MAX,
            backoff: vec![
                self.busy_again,
                Span::from_millis(self.busy_again.millis().saturating_mul(2)),
            ],
            throttle_max: PAUSE_MAX,
            // A call ends by itself; this is for one that is forgotten.
            answer_max: Span::from_millis(i64::try_from(longest).unwrap_or(i64::MAX)),
            ..Limits::with_window(self.calls_max)
        }
    }
}

/// A call under way, and how to take it back.
type Open = (IntentId, watch::Sender<bool>);
/// What came of a call.
type Done = (Token, WarningId, Result<Heard, SendError>);

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(
    app: Arc<App>,
    number: usize,
    link: VoiceLink,
    term: Term,
) -> Result<(), JournalError> {
    let mut courier = Courier::open(Arc::clone(&app), number, link.limits())?;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, courier.partition);
    let voice = Arc::new(Voice::new(link.config, link.speech));
    let mut flying: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
    let mut open: FxHashMap<Token, Open> = FxHashMap::default();
    courier.step(Event::Up);
    while !term.is_over() {
        for (token, words) in courier.departures()? {
            match words {
                None => courier.step(Event::Answers(&[Answer {
                    token,
                    outcome: Outcome::Permanent,
                }])),
                Some(words) => {
                    let (taken_back, withdrawn) = watch::channel(false);
                    open.insert(token, (words.0.id, taken_back));
                    let (app, voice) = (Arc::clone(&app), Arc::clone(&voice));
                    flying.push(Box::pin(one(app, voice, token, words, withdrawn)));
                }
            }
        }
        let ledger = courier.outbox.ledger();
        for (intent, taken_back) in open.values() {
            if ledger.closed(*intent).is_some() {
                taken_back.send_if_modified(|back| !std::mem::replace(back, true));
            }
        }
        show(&app, open.len());
        let (next, pause) = (courier.next, courier.pause(&term));
        tokio::select! {
            Some(done) = flying.next(), if !flying.is_empty() => {
                open.remove(&done.0);
                courier.called(done);
            }
            () = super::planned(&mut planned, next) => {}
            done = courier.durable() => done?,
            () = std::future::ready(()), if !courier.is_settled() => {}
            () = pause => courier.step(Event::Tick),
        }
        courier.keep()?;
        courier.show()?;
    }
    for (_, taken_back) in open.values() {
        taken_back.send_replace(true);
    }
    let ended = async {
        while let Some(done) = flying.next().await {
            courier.called(done);
        }
    };
    // What is cut off counts as of unknown outcome when somebody serves the line again.
    drop(tokio::time::timeout(END_MAX, ended).await);
    show(&app, 0);
    courier.finish().await
}

fn show(app: &App, open: usize) {
    let open = i64::try_from(open).unwrap_or(i64::MAX);
    app.metrics.calls_open.set(open);
}

async fn one(
    app: Arc<App>,
    voice: Arc<Voice>,
    token: Token,
    (intent, message): Words,
    withdrawn: watch::Receiver<bool>,
) -> Done {
    let recipient = token.recipient();
    let directory = app.directory();
    let known = directory.recipient(recipient);
    let Some(number) = known.and_then(|person| person.phone()) else {
        let gone = SendError::Permanent("no telephone any more".into());
        return (token, intent.warning, Err(gone));
    };
    if known.is_some_and(|person| !person.has(Channel::Voice)) {
        // Their next channel is a text.
        let deaf = SendError::Permanent("who cannot hear is not called".into());
        return (token, intent.warning, Err(deaf));
    }
    app.latency.on_wire(&intent.id.to_string(), &app.metrics);
    let delivery = DeliveryId::derive(intent.id, recipient).to_string();
    let dial = Dial {
        delivery: &delivery,
        number,
        text: &message.text,
        language: message.language,
        at: app.clock.now(),
    };
    (token, intent.warning, voice.call(&dial, withdrawn).await)
}

impl Courier {
    /// Takes in what came of a call.
    fn called(&mut self, (token, warning, done): Done) {
        let outcome = match done {
            Ok(Heard::Answered(answer)) => {
                self.pressed(token, warning, answer);
                Outcome::Acknowledged
            }
            // An answering machine picks up too.
            Ok(Heard::PickedUp) => Outcome::Accepted { receipt: 0 },
            Ok(Heard::Withdrawn) => Outcome::Transient,
            Err(error) => {
                tracing::warn!(link = self.outbox.link(), %error, "not told by call");
                match error {
                    SendError::Transient(_) => Outcome::Transient,
                    SendError::Permanent(_) => Outcome::Permanent,
                    SendError::Uncertain(_) => Outcome::Uncertain,
                }
            }
        };
        self.step(Event::Answers(&[Answer { token, outcome }]));
    }

    /// Somebody answered by a key: for every row in which their number stands.
    fn pressed(&mut self, token: Token, warning: WarningId, answer: Said) {
        let app = Arc::clone(&self.app);
        let phone = self.phone(token.recipient());
        let reply = Reply {
            answer,
            note: "",
            channel: Channel::Voice,
            warning: Some(warning),
        };
        let theirs = |contact: &&Contact| phone.is_some() && contact.phone == phone;
        let orders = app.answers(theirs, &reply);
        let outcome = match orders.is_empty() {
            true => "nobody_asked",
            false => "understood",
        };
        app.metrics.replies.with_label_values(&[outcome]).inc();
        self.answered(self.app.mode, orders);
    }
}
