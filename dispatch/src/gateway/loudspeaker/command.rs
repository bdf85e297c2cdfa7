//! An order to a loudspeaker and what it answers: both signed with the secret that the two share.

use crate::gateway::mac::{sign_parts, verify_parts};
use model::{Language, Mode, Time};
use serde::{Deserialize, Serialize};

/// What is played in one language: recordings, or a text that the speaker says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Language.
    pub language: Language,
    /// Recordings by name, one after the other.
    #[serde(default)]
    pub clips: Vec<String>,
    /// Said by the speaker where there are no recordings.
    #[serde(default)]
    pub say: String,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Names what is to be played over all attempts: it is played once.
    pub id: String,
    /// Whose it is.
    pub speaker: String,
    /// Used once.
    pub nonce: u64,
    /// Worth nothing before.
    pub not_before: Time,
    /// Worth nothing afterwards.
    pub not_after: Time,
    /// World.
    pub mode: Mode,
    /// What is played.
    pub parts: Vec<Part>,
    /// The same as text.
    pub twin: String,
}

/// What a speaker answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Why it does not play; empty where it does.
    pub refused: String,
}

/// Why a speaker does not play, or an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not an order, not an answer.
    #[error("not readable: {0}")]
    Form(String),
    /// For somebody else.
    #[error("for {0}")]
    NotMine(String),
    /// Not signed with the shared secret, or about another order.
    #[error("wrong signature")]
    Signature,
    /// Outside of its time box.
    #[error("outside of its time")]
    Time,
    /// A number that came before.
    #[error("number {0} was used before")]
    Replay(u64),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    id: String,
    speaker: String,
    nonce: u64,
    /// Seconds since the epoch: a speaker needs no calendar.
    not_before: i64,
    not_after: i64,
    mode: Mode,
    parts: Vec<Part>,
    twin: String,
    mac: String,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    id: String,
    nonce: u64,
    #[serde(default)]
    refused: String,
    mac: String,
}

impl Order {
    /// Signed JSON, as posted.
    pub fn to_bytes(&self, secret: &[u8]) -> Vec<u8> {
        let wire = Wire {
            id: self.id.clone(),
            speaker: self.speaker.clone(),
            nonce: self.nonce,
            not_before: self.not_before.seconds(),
            not_after: self.not_after.seconds(),
            mode: self.mode,
            parts: self.parts.clone(),
            twin: self.twin.clone(),
            mac: self.with_parts(|parts| sign_parts(secret, parts)),
        };
        // Plain types written to memory cannot fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// For speakers: believes an order to `speaker` at `now`. Numbers are the speaker's to remember.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn read(bytes: &[u8], speaker: &str, secret: &[u8], now: Time) -> Result<Self, Refusal> {
        let wire: Wire =
            serde_json::from_slice(bytes).map_err(|error| Refusal::Form(error.to_string()))?;
        if wire.speaker != speaker {
            return Err(Refusal::NotMine(wire.speaker));
        }
        let order = Self {
            id: wire.id,
            speaker: wire.speaker,
            nonce: wire.nonce,
            not_before: Time::from_seconds(wire.not_before),
            not_after: Time::from_seconds(wire.not_after),
            mode: wire.mode,
            parts: wire.parts,
            twin: wire.twin,
        };
        if !order.with_parts(|parts| verify_parts(secret, parts, &wire.mac)) {
            return Err(Refusal::Signature);
        }
        if now < order.not_before || now >= order.not_after {
            return Err(Refusal::Time);
        }
        Ok(order)
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&str]) -> T) -> T {
        // Plain types written to memory cannot fail; the same parts give the same text.
        let parts = serde_json::to_string(&self.parts).unwrap_or_default();
        act(&[
            "sanfang/loudspeaker/order/1",
            &self.id,
            &self.speaker,
            &self.nonce.to_string(),
            &self.not_before.seconds().to_string(),
            &self.not_after.seconds().to_string(),
            self.mode.name(),
            &parts,
            &self.twin,
        ])
    }
}

impl Acknowledgement {
    /// For speakers: the signed answer to an order.
    pub fn to_bytes(&self, id: &str, nonce: u64, secret: &[u8]) -> Vec<u8> {
        let mac = signed(id, nonce, &self.refused, |parts| sign_parts(secret, parts));
        let answer = Answer {
            id: id.to_owned(),
            nonce,
            refused: self.refused.clone(),
            mac,
        };
        serde_json::to_vec(&answer).unwrap_or_default()
    }

    /// Believes the answer to `order`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn read(bytes: &[u8], order: &Order, secret: &[u8]) -> Result<Self, Refusal> {
        let answer: Answer =
            serde_json::from_slice(bytes).map_err(|error| Refusal::Form(error.to_string()))?;
        let is_its = answer.id == order.id && answer.nonce == order.nonce;
        let is_signed = signed(&answer.id, answer.nonce, &answer.refused, |parts| {
            verify_parts(secret, parts, &answer.mac)
        });
        match is_its && is_signed {
            true => Ok(Self {
                refused: answer.refused.chars().take(200).collect(),
            }),
            false => Err(Refusal::Signature),
        }
    }
}

fn signed<T>(id: &str, nonce: u64, refused: &str, act: impl FnOnce(&[&str]) -> T) -> T {
    act(&[
        "sanfang/loudspeaker/answer/1",
        id,
        &nonce.to_string(),
        refused,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order() -> Order {
        Order {
            id: "i1".into(),
            speaker: "sp-1".into(),
            nonce: 7,
            not_before: Time::from_seconds(100),
            not_after: Time::from_seconds(200),
            mode: Mode::Actual,
            parts: vec![Part {
                language: Language::Zh,
                clips: vec!["rain.wav".into()],
                say: String::new(),
            }],
            twin: "暴雨红色预警".into(),
        }
    }

    #[test]
    fn a_speaker_believes_what_is_its_own_signed_and_in_time() {
        let bytes = order().to_bytes(b"k");
        let read = |speaker, secret: &[u8], at| {
            Order::read(&bytes, speaker, secret, Time::from_seconds(at))
        };
        assert_eq!(read("sp-1", b"k", 100), Ok(order()));
        assert_eq!(read("sp-1", b"k", 99), Err(Refusal::Time));
        assert_eq!(read("sp-1", b"k", 200), Err(Refusal::Time));
        assert_eq!(read("sp-1", b"x", 150), Err(Refusal::Signature));
        assert_eq!(
            read("sp-2", b"k", 150),
            Err(Refusal::NotMine("sp-1".into()))
        );
        let text = String::from_utf8(bytes.clone()).unwrap();
        for (from, with) in [
            ("rain.wav", "sale.wav"),
            ("\"nonce\":7", "\"nonce\":8"),
            ("红色", "蓝色"),
            (":200", ":900"),
        ] {
            let changed = text.replace(from, with);
            assert_ne!(changed, text, "{from}");
            let read = Order::read(changed.as_bytes(), "sp-1", b"k", Time::from_seconds(150));
            assert_eq!(read, Err(Refusal::Signature), "{from}");
        }
    }

    #[test]
    fn an_answer_is_to_one_order() {
        let plays = Acknowledgement {
            refused: String::new(),
        };
        let bytes = plays.to_bytes("i1", 7, b"k");
        assert_eq!(Acknowledgement::read(&bytes, &order(), b"k"), Ok(plays));
        assert!(Acknowledgement::read(&bytes, &order(), b"x").is_err());
        let other = Order {
            nonce: 8,
            ..order()
        };
        assert_eq!(
            Acknowledgement::read(&bytes, &other, b"k"),
            Err(Refusal::Signature)
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Order::read(&bytes, "s", b"k", Time::from_seconds(0));
            let _ = Acknowledgement::read(&bytes, &order(), b"k");
        }
    }
}
