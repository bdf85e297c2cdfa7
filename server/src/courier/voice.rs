//! Calls that are read out: the outbox of the line, and as many calls at once as it may carry.
//!
//! What waits for one telephone is said by one call, the most urgent first. Only a key is an answer, and
//! it answers what was said until then. A call that was picked up and got none is told no other way, and
//! the ladder goes on as if nothing had been said.

use super::Courier;
use super::single::Words;
use crate::app::App;
use crate::replies::Reply;
use crate::term::Term;
use dispatch::directory::Contact;
use dispatch::gateway::voice::speech::Speech;
use dispatch::gateway::voice::wav::SECONDS_MAX;
use dispatch::gateway::voice::{Dial, Heard, Saying, TakenBack, Voice, VoiceConfig};
use dispatch::intent::{DeliveryId, IntentId};
use dispatch::outbox::{Answer, Event, Limits, Outcome, Token};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use journal::{JournalError, Kind, Topic};
use model::order::Answer as Said;
use model::{Channel, SendError, Span, WarningId};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Things that one call says at most; what is left waits for the next.
const SAYINGS_MAX: u8 = 4;
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
        let words_s = SECONDS_MAX.saturating_mul(SAYINGS_MAX.into());
        let longest = Voice::longest(&self.config, words_s).as_millis();
        let sayings = usize::from(SAYINGS_MAX);
        let window = Limits::with_window(self.calls_max);
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
            together_max: sayings,
            // As much again as calls may say: what is claimed ahead leaves room for what rides along.
            unconfirmed_max: window.unconfirmed_max.saturating_mul(2 * sayings),
            ..window
        }
    }
}

/// A call under way, and how to take back what it says.
struct Open {
    sayings: Vec<(Token, IntentId)>,
    taken_back: watch::Sender<Vec<bool>>,
}

/// What one call is to say, the most urgent first.
type Sayings = Vec<(Token, Words)>;
/// What came of one of them.
type Done = (Token, WarningId, Result<Heard, SendError>);

impl Open {
    fn of(sayings: &Sayings) -> (Self, TakenBack) {
        let (taken_back, withdrawn) = watch::channel(vec![false; sayings.len()]);
        let named = sayings
            .iter()
            .map(|(token, (intent, _))| (*token, intent.id));
        let sayings = named.collect();
        let open = Self {
            sayings,
            taken_back,
        };
        (open, withdrawn)
    }

    /// Takes back what is one of `these`.
    fn take_back(&self, these: impl Fn(Token, IntentId) -> bool) {
        self.taken_back.send_if_modified(|back| {
            let mut is_new = false;
            for (back, (token, intent)) in back.iter_mut().zip(&self.sayings) {
                if !*back && these(*token, *intent) {
                    (*back, is_new) = (true, true);
                }
            }
            is_new
        });
    }
}

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
    let mut flying: FuturesUnordered<BoxFuture<'static, Vec<Done>>> = FuturesUnordered::new();
    let mut open: FxHashMap<Token, Open> = FxHashMap::default();
    courier.step(Event::Up);
    while !term.is_over() {
        for sayings in courier.calls()? {
            let Some((first, _)) = sayings.first() else {
                continue;
            };
            let (call, taken_back) = Open::of(&sayings);
            open.insert(*first, call);
            let labels = [&sayings.len().to_string()];
            app.metrics.calls_placed.with_label_values(&labels).inc();
            let (app, voice) = (Arc::clone(&app), Arc::clone(&voice));
            flying.push(Box::pin(one(app, voice, sayings, taken_back)));
        }
        let ledger = courier.outbox.ledger();
        let outranked = courier.outbox.outranked();
        for call in open.values() {
            call.take_back(|_, intent| ledger.closed(intent).is_some());
            // Who is wanted for something more urgent hears the sentence to its end, and then that.
            if call
                .sayings
                .iter()
                .any(|(token, _)| outranked.contains(token))
            {
                call.take_back(|_, _| true);
            }
        }
        show(&app, open.len());
        let (next, pause) = (courier.next, courier.pause(&term));
        tokio::select! {
            Some(done) = flying.next(), if !flying.is_empty() => {
                if let Some((first, ..)) = done.first() {
                    open.remove(first);
                }
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
    for call in open.values() {
        call.take_back(|_, _| true);
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

/// The same said of each, in their order.
fn each(sayings: &Sayings, went: impl Fn(usize) -> Result<Heard, SendError>) -> Vec<Done> {
    let named = sayings.iter().enumerate();
    let done = named.map(|(number, (token, (intent, _)))| (*token, intent.warning, went(number)));
    done.collect()
}

/// Makes one call; gives what came of each thing that it was to say.
async fn one(
    app: Arc<App>,
    voice: Arc<Voice>,
    sayings: Sayings,
    taken_back: TakenBack,
) -> Vec<Done> {
    let Some((first, (intent, words))) = sayings.first() else {
        return Vec::new();
    };
    let recipient = first.recipient();
    let directory = app.directory();
    let known = directory.recipient(recipient);
    let Some(number) = known.and_then(|person| person.phone()) else {
        let gone = SendError::Permanent("no telephone any more".into());
        return each(&sayings, |_| Err(gone.clone()));
    };
    for (_, (intent, _)) in &sayings {
        app.latency.on_wire(&intent.id.to_string(), &app.metrics);
    }
    let delivery = DeliveryId::derive(intent.id, recipient).to_string();
    let count = sayings.len();
    let wording = &app.installation.wording;
    let opening = (count > 1).then(|| wording.opening(words.language, count));
    let said = sayings.iter().map(|(_, (_, words))| Saying {
        text: &words.text,
        language: words.language,
    });
    let said: Vec<Saying<'_>> = said.collect();
    let dial = Dial {
        delivery: &delivery,
        number,
        opening: opening.as_deref().map(|text| Saying {
            text,
            language: words.language,
        }),
        sayings: &said,
        at: app.clock.now(),
    };
    let went = voice.call(&dial, taken_back).await;
    let lost = || Err(SendError::Uncertain("nothing is known of it".into()));
    each(&sayings, |number| {
        went.get(number).cloned().unwrap_or_else(lost)
    })
}

impl Courier {
    /// The calls that are to be placed now: what leaves for one telephone is one call.
    fn calls(&mut self) -> Result<Vec<Sayings>, JournalError> {
        let mut calls: Vec<(Option<u64>, Sayings)> = Vec::new();
        for (token, words) in self.departures()? {
            let known = self.people.recipient(token.recipient());
            let is_deaf = known.is_some_and(|person| !person.has(Channel::Voice));
            let Some(words) = words.filter(|_| !is_deaf) else {
                // The next channel of who cannot hear is a text.
                tracing::warn!(is_deaf, "neither words nor ears for a call");
                self.step(Event::Answers(&[Answer {
                    token,
                    outcome: Outcome::Permanent,
                }]));
                continue;
            };
            let phone = self.phone(token.recipient());
            let mut same = calls
                .iter_mut()
                .filter(|(of, _)| phone.is_some() && *of == phone);
            match same.find(|(_, sayings)| sayings.len() < SAYINGS_MAX.into()) {
                Some((_, sayings)) => sayings.push((token, words)),
                None => calls.push((phone, vec![(token, words)])),
            }
        }
        let calls = calls.into_iter().map(|(_, mut sayings)| {
            // The order of the link, by which the first of them was taken.
            sayings.sort_by_key(|(_, (intent, _))| {
                (Reverse(intent.tier), intent.onset, intent.exposure)
            });
            sayings
        });
        Ok(calls.collect())
    }

    /// Takes in what came of a call, all of it at once: what its key answered is written together.
    fn called(&mut self, done: Vec<Done>) {
        let mut pressed: Vec<(WarningId, Said)> = Vec::new();
        let mut answers = Vec::new();
        for (token, warning, went) in done {
            let outcome = match went {
                Ok(Heard::Answered(answer)) => {
                    // Two places of one warning are answered by one word.
                    if !pressed.contains(&(warning, answer)) {
                        pressed.push((warning, answer));
                        self.pressed(token, warning, answer);
                    }
                    Outcome::Acknowledged
                }
                // An answering machine picks up too.
                Ok(Heard::PickedUp) => Outcome::Accepted { receipt: 0 },
                Ok(Heard::Withdrawn) => Outcome::GaveWay,
                Err(error) => {
                    tracing::warn!(link = self.outbox.link(), %error, "not told by call");
                    match error {
                        SendError::Transient(_) => Outcome::Transient,
                        SendError::Permanent(_) => Outcome::Permanent,
                        SendError::Uncertain(_) => Outcome::Uncertain,
                    }
                }
            };
            answers.push(Answer { token, outcome });
        }
        self.step(Event::Answers(&answers));
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
