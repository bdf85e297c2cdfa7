//! Progress of a link as it stands in the topic `receipts`: ranges of recipients and what
//! became of them, in differences of variable length.

use super::State;
use super::varint::{self, unzigzag, zigzag};
use crate::intent::IntentId;
use model::Time;

/// One record: all that one step of an outbox learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Counts from 1 per link; `Durable` names it back.
    pub seq: u64,
    /// What was learned.
    pub entries: Vec<Entry>,
}

/// One piece of progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// These recipients are in this state.
    States {
        /// Of which intent.
        intent: IntentId,
        /// Which state.
        state: State,
        /// Who, ascending.
        recipients: Vec<u32>,
        /// Receipt ids in the same order, 0 for none; or empty.
        receipts: Vec<u64>,
        /// In which wording they are told, or were ([`crate::wording::Message::variant_no`]), where
        /// the step knew it: what an auditor reads when languages have changed since.
        variant: Option<u8>,
    },
    /// The rest of the intent's audience became this; nothing more leaves.
    Closed {
        /// Which intent.
        intent: IntentId,
        /// Complete, withdrawn, expired or failed; unknown where some of it may have been told
        /// without a word on disk.
        state: State,
    },
    /// A recipient's address on this link will never work again: its service said so.
    Retired {
        /// Of the message that found it out.
        intent: IntentId,
        /// Whose.
        recipient: u32,
        /// The address by its mark, [`crate::ledger::mark_of`]: another one is tried again.
        address: u64,
        /// Record time.
        at: Time,
    },
    /// So many parts were taken, or may have been, on that day of a link with a daily limit. The
    /// last such entry stands.
    Spent {
        /// Of the last message counted.
        intent: IntentId,
        /// Days since 1970-01-01, as the city counts them.
        day: i64,
        /// Parts of that day so far.
        parts: u64,
    },
}

impl Entry {
    /// The intent it is about.
    pub const fn intent(&self) -> IntentId {
        match self {
            Self::States { intent, .. }
            | Self::Closed { intent, .. }
            | Self::Retired { intent, .. }
            | Self::Spent { intent, .. } => *intent,
        }
    }
}

/// Why stored bytes are not progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgressError {
    /// Written by a newer version.
    #[error("progress record has format {0}, newer than {FORMAT}: upgrade this node")]
    Newer(u8),
    /// Damaged bytes.
    #[error("progress record is damaged at byte {0}")]
    Damaged(usize),
}

/// The newest format; records without what the newer ones added are written in the one before them.
const FORMAT: u8 = 4;
const FORMAT_SPENT: u8 = 3;
const FORMAT_RETIRED: u8 = 2;
const FORMAT_FIRST: u8 = 1;
const STATES: u8 = 1;
const CLOSED: u8 = 2;
const RETIRED: u8 = 3;
const SPENT: u8 = 4;
const WORDED: u8 = 5;

impl Progress {
    /// Stored form.
    pub fn encode(&self) -> Vec<u8> {
        let format = |entry: &Entry| match entry {
            Entry::States {
                variant: Some(_), ..
            } => FORMAT,
            Entry::States { variant: None, .. } | Entry::Closed { .. } => FORMAT_FIRST,
            Entry::Retired { .. } => FORMAT_RETIRED,
            Entry::Spent { .. } => FORMAT_SPENT,
        };
        let format = self.entries.iter().map(format).max();
        let format = format.unwrap_or(FORMAT_FIRST);
        let mut out = vec![format];
        varint::put(&mut out, self.seq);
        for entry in &self.entries {
            match entry {
                Entry::States {
                    intent,
                    state,
                    recipients,
                    receipts,
                    variant,
                } => {
                    out.push(variant.map_or(STATES, |_| WORDED));
                    out.extend_from_slice(intent.bytes());
                    out.push(state.code());
                    out.extend(variant);
                    varint::put(&mut out, recipients.len() as u64);
                    varint::put(&mut out, receipts.len() as u64);
                    let mut last = 0;
                    for recipient in recipients {
                        varint::put(&mut out, u64::from(recipient.wrapping_sub(last)));
                        last = *recipient;
                    }
                    let mut last = 0u64;
                    for receipt in receipts {
                        varint::put(&mut out, zigzag(receipt.wrapping_sub(last)));
                        last = *receipt;
                    }
                }
                Entry::Closed { intent, state } => {
                    out.push(CLOSED);
                    out.extend_from_slice(intent.bytes());
                    out.push(state.code());
                }
                Entry::Retired {
                    intent,
                    recipient,
                    address,
                    at,
                } => {
                    out.push(RETIRED);
                    out.extend_from_slice(intent.bytes());
                    out.push(State::Failed.code());
                    varint::put(&mut out, u64::from(*recipient));
                    varint::put(&mut out, *address);
                    varint::put(&mut out, zigzag(at.millis().cast_unsigned()));
                }
                Entry::Spent { intent, day, parts } => {
                    out.push(SPENT);
                    out.extend_from_slice(intent.bytes());
                    out.push(State::Accepted.code());
                    varint::put(&mut out, zigzag(day.cast_unsigned()));
                    varint::put(&mut out, *parts);
                }
            }
        }
        out
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgressError> {
        let mut reader = Reader { bytes, at: 0 };
        let format = reader.byte()?;
        if format > FORMAT {
            return Err(ProgressError::Newer(format));
        }
        let mut progress = Self {
            seq: reader.varint()?,
            entries: Vec::new(),
        };
        while reader.at < bytes.len() {
            progress.entries.push(reader.entry()?);
        }
        Ok(progress)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn entry(&mut self) -> Result<Entry, ProgressError> {
        let kind = self.byte()?;
        let mut id = [0; 16];
        for slot in &mut id {
            *slot = self.byte()?;
        }
        let intent = IntentId::from_bytes(id);
        let state = State::from_code(self.byte()?).ok_or(self.damaged())?;
        match kind {
            CLOSED => Ok(Entry::Closed { intent, state }),
            RETIRED => {
                let recipient = u32::try_from(self.varint()?).map_err(|_| self.damaged())?;
                let address = self.varint()?;
                let at = unzigzag(self.varint()?).cast_signed();
                Ok(Entry::Retired {
                    intent,
                    recipient,
                    address,
                    at: Time::from_millis(at),
                })
            }
            SPENT => Ok(Entry::Spent {
                intent,
                day: unzigzag(self.varint()?).cast_signed(),
                parts: self.varint()?,
            }),
            STATES | WORDED => {
                let variant = match kind {
                    WORDED => Some(self.byte()?),
                    _ => None,
                };
                let (people, ids) = (self.varint()?, self.varint()?);
                let left = self.bytes.len().saturating_sub(self.at) as u64;
                // Each takes at least a byte, so a damaged count cannot ask for memory.
                if people > left || ids > left || (ids != 0 && ids != people) {
                    return Err(self.damaged());
                }
                let mut recipients = Vec::with_capacity(people as usize);
                let mut last = 0u32;
                for _ in 0..people {
                    let step = u32::try_from(self.varint()?).map_err(|_| self.damaged())?;
                    last = last.wrapping_add(step);
                    recipients.push(last);
                }
                let mut receipts = Vec::with_capacity(ids as usize);
                let mut last = 0u64;
                for _ in 0..ids {
                    last = last.wrapping_add(unzigzag(self.varint()?));
                    receipts.push(last);
                }
                Ok(Entry::States {
                    intent,
                    state,
                    recipients,
                    receipts,
                    variant,
                })
            }
            _ => Err(self.damaged()),
        }
    }

    const fn damaged(&self) -> ProgressError {
        ProgressError::Damaged(self.at)
    }

    fn byte(&mut self) -> Result<u8, ProgressError> {
        let byte = self.bytes.get(self.at).copied().ok_or(self.damaged())?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, ProgressError> {
        let before = self.bytes.get(self.at..).unwrap_or_default();
        let mut rest = before;
        let value = varint::take(&mut rest);
        self.at += before.len() - rest.len();
        value.ok_or(self.damaged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let states = (
            any::<[u8; 16]>(),
            0u8..10,
            proptest::collection::btree_map(any::<u32>(), any::<u64>(), 0..50),
            any::<bool>(),
            any::<Option<u8>>(),
        )
            .prop_map(|(id, state, rows, ids, variant)| Entry::States {
                intent: IntentId::from_bytes(id),
                state: State::from_code(state).unwrap(),
                recipients: rows.keys().copied().collect(),
                receipts: if ids {
                    rows.values().copied().collect()
                } else {
                    Vec::new()
                },
                variant,
            });
        prop_oneof![
            states,
            any::<[u8; 16]>().prop_map(|id| Entry::Closed {
                intent: IntentId::from_bytes(id),
                state: State::Complete
            }),
            any::<([u8; 16], u32, u64, i64)>().prop_map(|(id, recipient, address, at)| {
                Entry::Retired {
                    intent: IntentId::from_bytes(id),
                    recipient,
                    address,
                    at: Time::from_millis(at),
                }
            }),
            any::<([u8; 16], i64, u64)>().prop_map(|(id, day, parts)| Entry::Spent {
                intent: IntentId::from_bytes(id),
                day,
                parts,
            }),
        ]
    }

    proptest! {
        #[test]
        fn survives_storage(seq in any::<u64>(), entries in proptest::collection::vec(entry(), 0..6)) {
            let progress = Progress { seq, entries };
            prop_assert_eq!(Progress::decode(&progress.encode()), Ok(progress));
        }

        #[test]
        fn damaged_bytes_are_errors(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(progress) = Progress::decode(&bytes) {
                Ledger::default().apply(&progress);
            }
        }
    }

    #[test]
    fn a_recipient_takes_a_few_bytes() {
        let progress = Progress {
            seq: 1,
            entries: vec![Entry::States {
                intent: IntentId::from_bytes([7; 16]),
                state: State::Accepted,
                recipients: (0..1000).map(|n| n * 20).collect(),
                receipts: (0..1000).map(|n| 5_000_000_000 + n).collect(),
                variant: Some(1),
            }],
        };
        assert!(progress.encode().len() < 2100);
        let mut ledger = Ledger::default();
        ledger.apply(&progress);
        let intent = IntentId::from_bytes([7; 16]);
        assert_eq!(
            ledger.find(5_000_000_003),
            Some((intent, crate::intent::RecipientNo(60)))
        );
        assert_eq!(ledger.find(3), None);
        assert_eq!(ledger.counts(intent).of(State::Accepted), 1000);
    }
}
