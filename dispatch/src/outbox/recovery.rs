//! Giving an outbox back after a crash: intents, then progress; a snapshot is the same, shorter.

use super::effects::Effects;
use super::{Limits, Outbox};
use crate::intent::Intent;
use crate::ledger::{Ledger, Progress, State};
use model::Time;
use serde::{Deserialize, Serialize};

/// A later place to start a replay: the intents still remembered and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Format version.
    pub format: u8,
    /// Intents in the order they were planned.
    pub intents: Vec<Intent>,
    /// [`Progress::encode`] of each.
    #[serde(with = "octets")]
    pub progress: Vec<Vec<u8>>,
    /// Last progress written.
    pub seq: u64,
}

impl Outbox {
    /// The outbox of `link` from what is on disk: the intents in their order and all progress.
    /// It is down until [`super::Event::Up`]; `out` gets what the crash left undecided.
    pub fn recover<'a>(
        link: &str,
        limits: Limits,
        intents: impl Iterator<Item = &'a Intent>,
        progress: impl Iterator<Item = &'a Progress>,
        at: Time,
        out: &mut Effects,
    ) -> Self {
        let mut this = Self::new(link, limits);
        let mut ledger = Ledger::default();
        for record in progress {
            ledger.apply(record);
            this.seq = this.seq.max(record.seq);
        }
        this.ledger = ledger;
        for intent in intents {
            this.planned(at, intent, out);
        }
        this.mark_claimed_unknown();
        this.at_risk = this.limits.unconfirmed_max;
        this.flush(out);
        this
    }

    /// What is needed to recover without the older records.
    pub fn snapshot(&self) -> Snapshot {
        let intents: Vec<Intent> = self.tracks.values().map(|t| t.intent.clone()).collect();
        let progress = intents
            .iter()
            .filter_map(|intent| Some(self.ledger.record(intent.id, self.seq)?.encode()))
            .collect();
        Snapshot {
            format: 1,
            intents,
            progress,
            seq: self.seq,
        }
    }

    /// A claim without an answer may have been on the wire. Below orange, and for area jobs,
    /// it is not sent again.
    fn mark_claimed_unknown(&mut self) {
        let mut claimed = Vec::new();
        for (no, track) in &self.tracks {
            let Some(account) = self.ledger.account_by(*no) else {
                continue;
            };
            if track.intent.resend_when_unknown() || account.states.counts().of(State::Claimed) == 0
            {
                continue;
            }
            account.states.for_each(|recipient, state| {
                if state == State::Claimed {
                    claimed.push((*no, recipient));
                }
            });
        }
        self.stats.uncertain += claimed.len() as u64;
        for (no, recipient) in claimed {
            self.learn(no, recipient, State::Unknown, 0);
        }
    }
}

/// Octets as hexadecimal digits: half of what a list of numbers takes.
mod octets {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        records: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let digits: Vec<String> = records.iter().map(hex::encode).collect();
        digits.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        let records = Vec::<String>::deserialize(deserializer)?.into_iter();
        let octets = records.map(|digits| hex::decode(digits).map_err(serde::de::Error::custom));
        octets.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_written_short_and_read_again() {
        let snapshot = Snapshot {
            format: 1,
            intents: Vec::new(),
            progress: vec![vec![0, 200, 255], Vec::new()],
            seq: 7,
        };
        let json = serde_json::to_string(&snapshot).unwrap();
        assert!(json.contains(r#""00c8ff""#), "{json}");
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }
}
