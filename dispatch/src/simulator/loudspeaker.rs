//! A loudspeaker in play: it believes signed orders in their time, plays each once, and refuses a number
//! that came before.

use crate::gateway::loudspeaker::{Acknowledgement, Order, Part, Refusal};
use model::Time;
use std::collections::VecDeque;

/// Orders and numbers that it remembers: as many as come in a day.
const REMEMBERED: usize = 4_096;

/// One speaker, pure: bytes in, an answer out.
#[derive(Clone, Debug)]
pub struct Loudspeaker {
    id: String,
    secret: Vec<u8>,
    orders: VecDeque<(String, u64)>,
    played: Vec<(Vec<Part>, String)>,
}

impl Loudspeaker {
    /// A speaker that has heard nothing.
    pub fn new(id: &str, secret: &[u8]) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            orders: VecDeque::new(),
            played: Vec::new(),
        }
    }

    /// Takes what was posted at `now`; nothing where whoever sent it has not shown that it may have an
    /// answer.
    pub fn step(&mut self, bytes: &[u8], now: Time) -> Option<Vec<u8>> {
        let order = match Order::read(bytes, &self.id, &self.secret, now) {
            Ok(order) => order,
            Err(refusal @ Refusal::Time) => {
                let (id, nonce) = claimed(bytes)?;
                return Some(self.answer(&id, nonce, &refusal.to_string()));
            }
            Err(
                Refusal::Form(_) | Refusal::NotMine(_) | Refusal::Signature | Refusal::Replay(_),
            ) => return None,
        };
        if self.orders.iter().any(|(_, nonce)| *nonce == order.nonce) {
            let refusal = Refusal::Replay(order.nonce);
            return Some(self.answer(&order.id, order.nonce, &refusal.to_string()));
        }
        let is_new = self.orders.iter().all(|(id, _)| *id != order.id);
        self.orders.push_back((order.id.clone(), order.nonce));
        if self.orders.len() > REMEMBERED {
            self.orders.pop_front();
        }
        if is_new {
            self.played.push((order.parts.clone(), order.twin.clone()));
        }
        Some(self.answer(&order.id, order.nonce, ""))
    }

    /// What it played, and the words beside it.
    pub fn played(&self) -> &[(Vec<Part>, String)] {
        &self.played
    }

    fn answer(&self, id: &str, nonce: u64, refused: &str) -> Vec<u8> {
        let refused = refused.to_owned();
        Acknowledgement { refused }.to_bytes(id, nonce, &self.secret)
    }
}

fn claimed(bytes: &[u8]) -> Option<(String, u64)> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some((
        value.get("id")?.as_str()?.to_owned(),
        value.get("nonce")?.as_u64()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Language, Mode};

    fn order(id: &str, nonce: u64) -> Order {
        Order {
            id: id.into(),
            speaker: "sp-1".into(),
            nonce,
            not_before: Time::from_seconds(0),
            not_after: Time::from_seconds(100),
            mode: Mode::Actual,
            parts: vec![Part {
                language: Language::Zh,
                clips: Vec::new(),
                say: "请立即转移".into(),
            }],
            twin: "暴雨红色预警".into(),
        }
    }

    #[test]
    fn it_plays_once_and_refuses_what_was_recorded_on_the_way() {
        let mut speaker = Loudspeaker::new("sp-1", b"k");
        let mut step = |order: &Order, secret: &[u8], at| {
            let answer = speaker.step(&order.to_bytes(secret), Time::from_seconds(at));
            let answer = answer.map(|bytes| Acknowledgement::read(&bytes, order, b"k").unwrap());
            (answer.map(|answer| answer.refused), speaker.played().len())
        };
        let first = order("i1", 1);
        assert_eq!(step(&first, b"k", 10), (Some(String::new()), 1));
        assert_eq!(
            step(&first, b"k", 11),
            (Some("number 1 was used before".into()), 1)
        );
        assert_eq!(
            step(&order("i1", 2), b"k", 12),
            (Some(String::new()), 1),
            "asked again, played once"
        );
        assert_eq!(
            step(&order("i2", 3), b"k", 100),
            (Some("outside of its time".into()), 1)
        );
        assert_eq!(
            step(&order("i2", 4), b"x", 13),
            (None, 1),
            "a stranger gets no answer"
        );
        assert_eq!(step(&order("i2", 5), b"k", 14), (Some(String::new()), 2));
    }
}
