//! Names of places in the journal: topic, mode, partition, offset, consumer.

use crate::JournalError;
pub use model::Mode;
use std::fmt;

/// What a topic is for. The codes are part of the stored format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All that a zone's machine steps, in one order; by zone.
    Input,
    /// Warning events; by zone.
    Warnings,
    /// Sealed minute rows and daily values; by zone.
    Series,
    /// Planned deliveries; by link.
    Deliveries,
    /// Answers of gateways; by link.
    Receipts,
    /// City directories, rulebooks, policies: the newest value of each key.
    Registry,
    /// Input that could not be understood, with its reason.
    DeadLetters,
    /// How far each planned delivery has come: the newest value of each; by link.
    Ledger,
    /// Chunks of machine states and their positions: the newest value of each key.
    Snapshots,
    /// Answers to requests that may come again, in one write with what they caused.
    Requests,
}

impl Kind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::Warnings,
        Self::Series,
        Self::Deliveries,
        Self::Receipts,
        Self::Registry,
        Self::DeadLetters,
        Self::Ledger,
        Self::Snapshots,
        Self::Requests,
    ];

    /// The stored code, 1 to 31.
    pub const fn code(self) -> u8 {
        match self {
            Self::Input => 1,
            Self::Warnings => 2,
            Self::Series => 3,
            Self::Deliveries => 4,
            Self::Receipts => 5,
            Self::Registry => 6,
            Self::DeadLetters => 7,
            Self::Ledger => 8,
            Self::Snapshots => 9,
            Self::Requests => 10,
        }
    }

    /// The name used in metrics, on the command line and for Kafka topics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Warnings => "warnings",
            Self::Series => "series",
            Self::Deliveries => "deliveries",
            Self::Receipts => "receipts",
            Self::Registry => "registry",
            Self::DeadLetters => "dead-letters",
            Self::Ledger => "ledger",
            Self::Snapshots => "snapshots",
            Self::Requests => "requests",
        }
    }

    /// How long its records live.
    pub const fn retention(self) -> Retention {
        match self {
            Self::Input => Retention::Trimmed,
            Self::Warnings | Self::Series => Retention::Kept,
            Self::Deliveries | Self::Receipts => Retention::Age { ms: 90 * DAY_MS },
            Self::DeadLetters => Retention::Bytes { bytes: 64 << 20 },
            Self::Requests => Retention::Bytes { bytes: 8 << 20 },
            Self::Registry | Self::Ledger | Self::Snapshots => Retention::Compacted,
        }
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// When a record may go. Whatever the policy, [`crate::Journal::trim`] releases records too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Only by `trim`: the owner knows what its older snapshot still needs (semantics §31).
    Trimmed,
    /// Until this much older than the journal's newest record.
    Age {
        /// Milliseconds of record time.
        ms: i64,
    },
    /// The newest records of each partition up to this size, give or take a segment.
    Bytes {
        /// Payload, key and record header together.
        bytes: u64,
    },
    /// The newest record of each key. An empty payload deletes the key; its marker stays.
    Compacted,
    /// For good, or until `trim`.
    Kept,
}

/// How long the records of each kind live in one journal: [`Kind::retention`] until set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retentions([Retention; Kind::ALL.len()]);

impl Default for Retentions {
    fn default() -> Self {
        Self(Kind::ALL.map(Kind::retention))
    }
}

impl Retentions {
    /// How long the records of `kind` live.
    pub fn of(&self, kind: Kind) -> Retention {
        let at = usize::from(kind.code()).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(kind.retention())
    }

    /// Sets age, size or no bound for a kind. What its owner trims and what is compacted stays as
    /// it is: false there, and for those two as a value.
    pub fn set(&mut self, kind: Kind, retention: Retention) -> bool {
        let bounded = |retention| match retention {
            Retention::Age { .. } | Retention::Bytes { .. } | Retention::Kept => true,
            Retention::Trimmed | Retention::Compacted => false,
        };
        let at = usize::from(kind.code()).saturating_sub(1);
        let slot = self.0.get_mut(at);
        let slot = slot.filter(|_| bounded(kind.retention()) && bounded(retention));
        slot.map(|slot| *slot = retention).is_some()
    }
}

/// A kind in one mode. Modes share nothing: an exercise has its own topics (semantics §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// What it is for.
    pub kind: Kind,
    /// Which world it belongs to.
    pub mode: Mode,
}

impl Topic {
    /// The topic of `kind` in `mode`.
    pub const fn new(kind: Kind, mode: Mode) -> Self {
        Self { kind, mode }
    }

    /// The topic of `kind` in the real world.
    pub const fn actual(kind: Kind) -> Self {
        Self::new(kind, Mode::Actual)
    }

    /// The stored code: the kind's, plus 32 for exercises or 64 for tests.
    pub const fn code(self) -> u8 {
        let mode = match self.mode {
            Mode::Actual => 0,
            Mode::Exercise => 32,
            Mode::Test => 64,
        };
        mode + self.kind.code()
    }

    /// The topic with this stored code.
    pub fn from_code(code: u8) -> Result<Self, JournalError> {
        let mode = match code & !31 {
            0 => Some(Mode::Actual),
            32 => Some(Mode::Exercise),
            64 => Some(Mode::Test),
            _ => None,
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code & 31);
        match (kind, mode) {
            (Some(kind), Some(mode)) => Ok(Self { kind, mode }),
            _ => Err(JournalError::UnknownTopic { code }),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Mode::Actual => f.write_str(self.kind.name()),
            Mode::Exercise | Mode::Test => {
                write!(f, "{}/{}", self.mode.name(), self.kind.name())
            }
        }
    }
}

/// A zone's or a link's number: the unit of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record's number in its topic and partition: growing from 0, with gaps in some journals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset `count` records further on.
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who reads: one number for each kind of machine, given out by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Consumer(pub u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_are_distinct() {
        let mut seen = std::collections::BTreeSet::new();
        for kind in Kind::ALL {
            for mode in [Mode::Actual, Mode::Exercise, Mode::Test] {
                let topic = Topic::new(kind, mode);
                assert_eq!(Topic::from_code(topic.code()).unwrap(), topic);
                assert!(seen.insert(topic.code()));
                assert!(seen.len() <= 30);
            }
        }
        assert!(
            Kind::ALL
                .iter()
                .zip(1..)
                .all(|(kind, code)| kind.code() == code)
        );
        assert!(Topic::from_code(0).is_err());
        assert!(Topic::from_code(96 + 1).is_err());
        assert_eq!(
            Topic::new(Kind::Warnings, Mode::Exercise).to_string(),
            "exercise/warnings"
        );
    }

    #[test]
    fn what_decides_cannot_be_given_an_age() {
        let mut retentions = Retentions::default();
        let day = Retention::Age { ms: DAY_MS };
        assert!(retentions.set(Kind::Warnings, day));
        assert_eq!(retentions.of(Kind::Warnings), day);
        for kind in [Kind::Input, Kind::Registry, Kind::Ledger, Kind::Snapshots] {
            assert!(!retentions.set(kind, day));
            assert_eq!(retentions.of(kind), kind.retention());
        }
        assert!(!retentions.set(Kind::Series, Retention::Trimmed));
    }
}
