//! Loudspeakers on the network: each is sent a signed command with a time box and a number used once, and
//! answers, signed, whether it plays.
//!
//! What is played is recorded where there are recordings; a voice made by the speaker is the last resort.
//! The words go along as text, for a display beside it and for whoever cannot hear.

pub mod clips;
pub mod command;

pub use clips::{Clips, Key};
pub use command::{Acknowledgement, Order, Part, Refusal};

use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::notice::Unsent;
use super::{Proof, Receipt};
use crate::intent::IntentId;
use futures_util::StreamExt;
use model::{AreaCode, Language, Mode, SendError, Span, Time};
use reqwest::Url;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far a speaker's clock may be behind ours.
const EARLY: Span = Span::from_seconds(60);
/// Speakers called at the same time.
const AT_ONCE: usize = 16;
/// Bytes of an acknowledgement that are read.
const ANSWER_BYTES_MAX: usize = 4_096;
/// Intents of which it is remembered who plays them.
const INTENTS_MAX: usize = 256;

/// One speaker as configured.
#[derive(Clone)]
pub struct Speaker {
    /// Its name, as it knows itself.
    pub id: String,
    /// The area that hears it.
    pub area: AreaCode,
    /// Where commands are posted.
    pub url: Url,
    /// Secret shared with it.
    pub secret: Vec<u8>,
}

/// Speakers of one operator.
pub struct LoudspeakerConfig {
    /// Name in metrics, on the screen and in the link.
    pub name: String,
    /// The speakers.
    pub speakers: Vec<Speaker>,
    /// Recordings.
    pub clips: Clips,
    /// How much of it there is at once, and when a speaker is left alone.
    pub gate: GateConfig,
}

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub struct LoudSaying<'a> {
    /// The intent: the same over all attempts.
    pub intent: IntentId,
    /// What is recorded of it.
    pub key: Key,
    /// Where.
    pub areas: &'a [AreaCode],
    /// World.
    pub mode: Mode,
    /// Nobody plays it at or after this.
    pub not_after: Time,
    /// Words by language, in the order in which they are said: what is read out, and what is shown.
    pub words: &'a [(Language, &'a str, &'a str)],
}

/// The speakers.
pub struct Loudspeakers {
    config: LoudspeakerConfig,
    client: reqwest::Client,
    gates: Vec<Gate>,
    /// The last number used once.
    nonce: AtomicU64,
    playing: Mutex<BTreeMap<IntentId, BTreeSet<String>>>,
    silent: AtomicUsize,
}

impl Loudspeakers {
    /// Speakers that have not been called. `client` comes from [`super::http::client`].
    pub fn new(config: LoudspeakerConfig, client: reqwest::Client) -> Self {
        let gate = |speaker: &Speaker| Gate::new(&speaker.id, config.gate);
        Self {
            gates: config.speakers.iter().map(gate).collect(),
            client,
            nonce: AtomicU64::new(0),
            playing: Mutex::default(),
            silent: AtomicUsize::new(0),
            config,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Speakers that did not acknowledge the last command they were sent.
    pub fn silent(&self) -> usize {
        self.silent.load(Ordering::Relaxed)
    }

    /// Has each speaker of the areas play it. Who plays it already is not asked again.
    ///
    /// # Errors
    /// Permanent where there is no speaker or it is too late; transient where some speaker has not
    /// acknowledged: it is sent again to these alone.
    pub async fn say(&self, saying: &LoudSaying<'_>, at: Time) -> Result<Receipt, Unsent> {
        let name = &self.config.name;
        if at >= saying.not_after {
            return Err(Unsent::permanent("it is past its not-after"));
        }
        let meant: Vec<(&Speaker, &Gate)> = self
            .config
            .speakers
            .iter()
            .zip(&self.gates)
            .filter(|(speaker, _)| saying.areas.contains(&speaker.area))
            .collect();
        if meant.is_empty() {
            return Err(Unsent::permanent(format!(
                "{name}: no speaker in its areas"
            )));
        }
        let plays = self.with_playing(|all| all.get(&saying.intent).cloned());
        let plays = plays.unwrap_or_default();
        let left = meant
            .iter()
            .filter(|(speaker, _)| !plays.contains(&speaker.id));
        let calls = left.map(|(speaker, gate)| {
            let call = gate.through(at, self.order(speaker, saying, at));
            async move { (speaker.id.clone(), call.await) }
        });
        let calls: Vec<_> = calls.collect();
        let answers = futures_util::stream::iter(calls).buffer_unordered(AT_ONCE);
        let answers: Vec<(String, Result<(), Unsent>)> = answers.collect().await;
        let mut failed = Vec::new();
        for (id, answer) in answers {
            match answer {
                Ok(()) => self.with_playing(|all| {
                    all.entry(saying.intent).or_default().insert(id);
                    while all.len() > INTENTS_MAX {
                        all.pop_first();
                    }
                }),
                Err(error) => {
                    tracing::warn!(speaker = id, %error, "not acknowledged");
                    failed.push(id);
                }
            }
        }
        self.silent.store(failed.len(), Ordering::Relaxed);
        if failed.is_empty() {
            self.with_playing(|all| drop(all.remove(&saying.intent)));
            return Ok(Receipt {
                reference: saying.intent.to_string(),
                proof: Proof::ActionReported,
            });
        }
        let (count, all) = (failed.len(), meant.len());
        Err(Unsent::transient(format!(
            "{name}: {count} of {all} speakers have not acknowledged"
        )))
    }

    async fn order(
        &self,
        speaker: &Speaker,
        saying: &LoudSaying<'_>,
        at: Time,
    ) -> Result<(), Unsent> {
        let words = saying.words.iter();
        let parts = words.map(|(language, spoken, _)| {
            let clips = self.config.clips.of(saying.key, *language, speaker.area);
            Part {
                language: *language,
                say: match clips {
                    Some(_) => String::new(),
                    None => (*spoken).to_owned(),
                },
                clips: clips.unwrap_or_default(),
            }
        });
        let twins: Vec<&str> = saying.words.iter().map(|(_, _, shown)| *shown).collect();
        let order = Order {
            id: saying.intent.to_string(),
            speaker: speaker.id.clone(),
            nonce: self.next_nonce(at),
            not_before: at - EARLY,
            not_after: saying.not_after,
            mode: saying.mode,
            parts: parts.collect(),
            twin: twins.join("\n"),
        };
        let body = order.to_bytes(&speaker.secret);
        let id = &speaker.id;
        let request = self.client.post(speaker.url.clone());
        let request = request
            .header("Content-Type", "application/json")
            .body(body);
        let response = request.send().await.map_err(|error| {
            // The speaker plays an order once, however often it comes.
            let why = match unanswered(id, &error) {
                SendError::Transient(why)
                | SendError::Permanent(why)
                | SendError::Uncertain(why) => why,
            };
            Unsent::transient(why)
        })?;
        let status = response.status();
        let bytes = body_within(response, ANSWER_BYTES_MAX).await.ok().flatten();
        let answer = Acknowledgement::read(&bytes.unwrap_or_default(), &order, &speaker.secret);
        match answer {
            Ok(answer) if answer.refused.is_empty() => Ok(()),
            Ok(answer) => Err(Unsent::permanent(format!(
                "{id}: refused: {}",
                answer.refused
            ))),
            Err(error) => Err(Unsent::transient(format!("{id}: {status}: {error}"))),
        }
    }

    /// Above the time and above all that were used: none comes twice, also after a restart.
    fn next_nonce(&self, at: Time) -> u64 {
        let now = u64::try_from(at.millis()).unwrap_or(0);
        let next = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self
            .nonce
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        now.max(last.unwrap_or_default().saturating_add(1))
    }

    fn with_playing<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<IntentId, BTreeSet<String>>) -> T,
    ) -> T {
        act(&mut self.playing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Loudspeakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loudspeakers")
            .field("name", &self.config.name)
            .field("speakers", &self.config.speakers.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Speaker {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
