//! Calls that are read out and answered by key, through a SIP gateway (RFC 3261) that carries G.711
//! A-law over RTP.
//!
//! A call rings, says its words some times over and waits for a key: 1 received, 2 at post, 3 people
//! moved, 4 needs help. Only a key is an answer: an answering machine picks up too. One call may say
//! several things in turn, and a key answers those that were said. Codecs, the call's own steps and the
//! reading are pure; sockets are in [`wire`](self) and [`talk`](self).
//!
//! Not here: encryption of either part (a line that leaves the building needs a tunnel), registration
//! (a gateway knows us by address or by the login of each call), early media, transfer.

pub mod call;
pub mod clips;
pub mod digest;
pub mod g711;
pub mod message;
pub mod reading;
pub mod rtp;
pub mod sdp;
pub mod speech;
mod talk;
pub mod wav;
mod wire;

pub use wire::Transport;

use super::mac::keyed;
use call::{End, Line};
use hmac::Mac;
use model::order::Answer;
use model::{Language, SendError, Time};
use reading::{Reading, Told};
use speech::{Speech, SpeechError};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use talk::{Sound, Went};
use tokio::sync::{Mutex, watch};
use wire::Wire;

/// How the gateway wants numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// `+8613900000001`.
    #[default]
    E164,
    /// `8613900000001`.
    Digits,
    /// `13900000001`, and `00` with the country's code before those of other countries.
    National,
}

/// A line to a gateway.
#[derive(Clone)]
pub struct VoiceConfig {
    /// `host:port`.
    pub gateway: String,
    /// How messages travel.
    pub transport: Transport,
    /// Our address towards the gateway; found by the way there where none is given.
    pub own: Option<IpAddr>,
    /// What the gateway is called in addresses; its host where nothing is given.
    pub domain: Option<String>,
    /// The number that phones show.
    pub from: String,
    /// User and password.
    pub login: Option<(String, String)>,
    /// How numbers are written.
    pub numbers: Numbers,
    /// Our country's code.
    pub country: String,
    /// What is dialled before each number.
    pub prefix: String,
    /// How long a phone rings.
    pub ring: Duration,
    /// How often the words are said.
    pub times: u8,
    /// Seconds to press a key after each time.
    pub key_wait_s: u32,
    /// Ports of sound, lowest and highest; any where none are given.
    pub ports: Option<(u16, u16)>,
}

/// One thing that is read out.
#[derive(Clone, Copy)]
pub struct Saying<'a> {
    /// Its words.
    pub text: &'a str,
    /// In which language.
    pub language: Language,
}

/// One call to make.
#[derive(Clone, Copy)]
pub struct Dial<'a> {
    /// Which delivery: part of the call's name.
    pub delivery: &'a str,
    /// The telephone, E.164 digits.
    pub number: u64,
    /// What is said before several things are; without sound it is left out.
    pub opening: Option<Saying<'a>>,
    /// What is said, in this order.
    pub sayings: &'a [Saying<'a>],
    /// Record time.
    pub at: Time,
}

/// Which of the sayings of a call were taken back, by their place in it.
pub type TakenBack = watch::Receiver<Vec<bool>>;

/// What came of one saying of a call that was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody pressed a key that answers.
    Answered(Answer),
    /// It was picked up, and nobody pressed one: a person who hung up, or a machine.
    PickedUp,
    /// It was withdrawn before it was said.
    Withdrawn,
}

/// The gateway.
pub struct Voice {
    config: VoiceConfig,
    speech: Arc<Speech>,
    wire: Mutex<Option<Arc<Wire>>>,
    /// Calls begun: part of their names, and where the look for a port begins.
    begun: AtomicU32,
}

impl Voice {
    /// A gateway that is connected to with the first call.
    pub fn new(config: VoiceConfig, speech: Arc<Speech>) -> Self {
        Self {
            config,
            speech,
            wire: Mutex::default(),
            begun: AtomicU32::new(0),
        }
    }

    /// The longest that a call can take, words of `words_s` seconds: what silence of ours may last.
    pub fn longest(config: &VoiceConfig, words_s: u32) -> Duration {
        let once = words_s.saturating_add(config.key_wait_s);
        let reading = u32::from(config.times.max(1)).saturating_mul(once);
        // Setting up and hanging up have 32 s each.
        config.ring + Duration::from_secs(u64::from(reading) + 64)
    }

    /// Makes a call and waits for its end; gives what came of each saying, in their order. What is taken
    /// back is not said any more, and a phone that rings for nothing else stops; whoever picked up hears
    /// the sentence to its end.
    ///
    /// # Errors
    /// Of each saying. Transient: busy, the gateway's trouble, or hung up before it was said. Permanent:
    /// nobody picked up, sent away, no such number, no sound for the words. Uncertain: the gateway was
    /// lost when it had been said.
    pub async fn call(
        &self,
        dial: &Dial<'_>,
        taken_back: TakenBack,
    ) -> Vec<Result<Heard, SendError>> {
        let mut sounds = Vec::new();
        for saying in dial.sayings {
            let sound = self.speech.say(saying.text, saying.language).await;
            sounds.push(sound.map_err(|error| unsaid(&error)));
        }
        let words = sounds.iter().map(|sound| match sound {
            Ok(sound) => Arc::clone(sound),
            Err(_) => Arc::from([]),
        });
        let words: Vec<Arc<[u8]>> = words.collect();
        let went = match sounds.iter().any(Result::is_ok) {
            true => self.carried(dial, words, taken_back).await,
            false => Err(SendError::Permanent("nothing of it has sound".into())),
        };
        let each = sounds.into_iter().enumerate().map(|(number, sound)| {
            let went = sound.and(went.as_ref().map_err(Clone::clone))?;
            let told = went.told.get(number).copied();
            outcome(went, told.unwrap_or_default())
        });
        each.collect()
    }

    /// Carries a call whose words have sound.
    async fn carried(
        &self,
        dial: &Dial<'_>,
        words: Vec<Arc<[u8]>>,
        taken_back: TakenBack,
    ) -> Result<Went, SendError> {
        let opening = match dial.opening {
            Some(opening) => self.speech.say(opening.text, opening.language).await.ok(),
            None => None,
        };
        let wire = self.wire().await?;
        let number = self.config.dialled(dial.number);
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        let name = self.name(dial, begun);
        let source = name
            .get(..8)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let sound = Sound::open(
            wire.own.ip(),
            self.config.ports,
            begun,
            source.unwrap_or(begun),
        );
        let sound = sound.await;
        let sound = sound.map_err(|e| SendError::Transient(format!("no port for sound: {e}")))?;
        let config = &self.config;
        let line = Line {
            transport: config.transport.name(),
            own: wire.own.to_string(),
            domain: config.domain().to_owned(),
            from: config.from.clone(),
            login: config.login.clone(),
            ring_ms: u64::try_from(config.ring.as_millis()).unwrap_or(u64::MAX),
        };
        let opening = opening.unwrap_or_else(|| Arc::from([]));
        let reading = Reading::new(opening, words, config.times, config.key_wait_s);
        let inbox = wire.inbox(&name);
        let call = (&line, name.as_str(), number.as_str());
        let went = talk::talk(&wire, inbox, call, sound, reading, taken_back).await;
        if !went.heard_out {
            *self.wire.lock().await = None;
        }
        Ok(went)
    }

    async fn wire(&self) -> Result<Arc<Wire>, SendError> {
        let mut held = self.wire.lock().await;
        if let Some(wire) = held.as_ref().filter(|wire| !wire.is_over()) {
            return Ok(Arc::clone(wire));
        }
        let config = &self.config;
        let wire = Wire::connect(&config.gateway, config.transport, config.own).await?;
        let wire = Arc::new(wire);
        *held = Some(Arc::clone(&wire));
        Ok(wire)
    }

    /// A name that no other call has, and that who does not know the password cannot make up.
    fn name(&self, dial: &Dial<'_>, begun: u32) -> String {
        let login = self.config.login.as_ref();
        let secret = login.map_or("", |(_, password)| password);
        let mut mac = keyed(secret.as_bytes());
        mac.update(format!("{}\n{}\n{begun}", dial.delivery, dial.at.millis()).as_bytes());
        let mut name = hex::encode(mac.finalize().into_bytes());
        name.truncate(32);
        name
    }
}

impl VoiceConfig {
    /// A number as the gateway wants it.
    pub fn dialled(&self, number: u64) -> String {
        let digits = number.to_string();
        let prefix = &self.prefix;
        match self.numbers {
            Numbers::E164 => format!("{prefix}+{digits}"),
            Numbers::Digits => format!("{prefix}{digits}"),
            Numbers::National => match digits.strip_prefix(&self.country) {
                Some(national) => format!("{prefix}{national}"),
                None => format!("{prefix}00{digits}"),
            },
        }
    }

    fn domain(&self) -> &str {
        let host = || self.gateway.rsplit_once(':').map(|(host, _)| host);
        let own = self.domain.as_deref();
        own.or_else(host).unwrap_or(&self.gateway)
    }
}

/// Words without sound never get any by being tried again; a program that is slow may.
fn unsaid(error: &SpeechError) -> SendError {
    let words = error.to_string();
    match error {
        SpeechError::Slow(_) | SpeechError::Run(_) => SendError::Transient(words),
        SpeechError::Uncovered(_)
        | SpeechError::Failed(_)
        | SpeechError::Sound(_)
        | SpeechError::Nothing => SendError::Permanent(words),
    }
}

/// What became of one of the things that a call was to say.
fn outcome(went: &Went, told: Told) -> Result<Heard, SendError> {
    if let Some(answer) = told.answered {
        return Ok(Heard::Answered(answer));
    }
    let (transient, permanent) = (SendError::Transient, SendError::Permanent);
    if !went.heard_out {
        let words = "the gateway was lost during the call".to_owned();
        return Err(match told.begun {
            true => SendError::Uncertain(words),
            false => SendError::Transient(words),
        });
    }
    if told.begun {
        return Ok(Heard::PickedUp);
    }
    if told.back {
        return Ok(Heard::Withdrawn);
    }
    if went.picked_up {
        return Err(transient("hung up before it was said".into()));
    }
    Err(match went.end {
        End::Withdrawn => return Ok(Heard::Withdrawn),
        End::Busy => transient("busy".into()),
        End::Silent => transient("the gateway says nothing".into()),
        End::Login => transient("the gateway refuses our login".into()),
        End::Refused(status) => transient(format!("the gateway did not carry it: {status}")),
        End::NoAnswer => permanent("nobody picked up".into()),
        End::Declined => permanent("sent away".into()),
        End::NoSuchNumber => permanent("no such number".into()),
        End::Codec => permanent("the far side takes no G.711 A-law".into()),
        End::Said | End::HungUp => transient("hung up before it was said".into()),
    })
}
