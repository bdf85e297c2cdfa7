//! The words an outbox and its courier speak: events in, effects out, in batches.

use crate::intent::{Audience, Intent, IntentId, RecipientNo};
use crate::ledger::{Progress, State};
use model::{AreaCode, Time, WarningId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Names one message on this link: the intent's number here and the recipient's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl Token {
    pub(super) const fn new(no: u32, recipient: RecipientNo) -> Self {
        Self(((no as u64) << 32) | recipient.0 as u64)
    }

    pub(super) const fn no(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The recipient in it.
    pub const fn recipient(self) -> RecipientNo {
        RecipientNo(self.0 as u32)
    }
}

/// One person or device of an audience, as the directory gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who.
    pub recipient: RecipientNo,
    /// Which wording ([`crate::wording::Message::variant_no`]).
    pub variant: u8,
    /// True where the address occurs more than once in the directory, or the row comes from a
    /// list other than the subscribers': only these are checked for duplicates.
    pub shared: bool,
    /// The address as a number (a telephone number, or a hash of anything else).
    pub address: u64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// An intent was committed to this link.
    Planned(&'a Intent),
    /// The answer to a [`Resolve`]. Rows within a chunk are sorted here.
    Rows {
        /// Which intent.
        intent: IntentId,
        /// Which pass, as asked.
        pass: u8,
        /// Which epoch, as asked.
        epoch: u32,
        /// Where the next chunk starts.
        cursor: u64,
        /// The rows; may be empty.
        rows: &'a [Row],
        /// True where nothing comes after them.
        end: bool,
    },
    /// What the gateway heard.
    Answers(&'a [Answer]),
    /// Progress up to this sequence number is on disk.
    Durable(u64),
    /// The link is bound.
    Up,
    /// Of the link's sessions so many are bound that this many parts may be unanswered; until it is
    /// said, [`super::Limits::window`].
    Window(usize),
    /// The link broke: what is in flight is of unknown outcome.
    Down,
    /// The account carries nothing for now, or does again: meanwhile whoever waits is told by the
    /// accounts of [`super::Limits::fail_over`]. What none of them has not tried waits here.
    Aside(bool),
    /// The account does not pass that wording of an intent: whoever waits for it is told by another
    /// account, where there is one.
    NotPassed(IntentId, u8),
    /// Nothing of these intents leaves until another such event leaves them out; the rest goes on.
    Paused(&'a BTreeSet<IntentId>),
    /// The hazard of these intents comes at another hour than when they were planned.
    Arrives(&'a BTreeMap<IntentId, Time>),
    /// Time passed.
    Tick,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub token: Token,
    /// What.
    pub outcome: Outcome,
}

/// What a gateway can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken; `receipt` is the far side's id as a number, 0 for none.
    Accepted {
        /// Receipt id.
        receipt: u64,
    },
    /// It arrived.
    Delivered,
    /// A person answered.
    Acknowledged,
    /// Too fast; not taken.
    Throttled,
    /// Not taken; trying again may help.
    Transient,
    /// It made room for something more urgent to the same address, and is said after that: no try of its
    /// own.
    GaveWay,
    /// Refused for good.
    Permanent,
    /// Refused for good, as everything that goes to this address will be.
    Retired,
    /// It may have gone out.
    Uncertain,
    /// It never left: this account does not pass it, and another tells them.
    Elsewhere,
}

/// A request for rows of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// Which intent.
    pub intent: IntentId,
    /// 0: recipients who have no other channel; 1: everybody else.
    pub pass: u8,
    /// Changes when the audience was cut and is read from the start again.
    pub epoch: u32,
    /// Where to start: 0, or the cursor given with the last rows.
    pub cursor: u64,
    /// Most rows wanted.
    pub rows_max: u32,
    /// The audience with what was superseded taken out.
    pub audience: Audience,
}

/// One message to put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// To be given back with the answer.
    pub token: Token,
    /// Which wording.
    pub variant: u8,
}

/// A batch for the gateway: `rows` lie in [`Effects::sending`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Of which intent.
    pub intent: IntentId,
    /// Nothing leaves at or after this.
    pub not_after: Time,
    /// Where the messages stand.
    pub rows: Range<usize>,
}

/// Something a person or another link should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nothing more of this intent leaves.
    Closed {
        /// Which.
        intent: IntentId,
        /// Complete, withdrawn, expired or failed.
        state: State,
    },
    /// Not reached here: refused for good, given up, or, orange and red, of unknown outcome. Said
    /// once a message: a person is told by their next channel, a device's owner is called.
    FallBack {
        /// Which intent.
        intent: IntentId,
        /// Who.
        recipient: RecipientNo,
    },
    /// Another account is to tell them, since this one cannot.
    HandOver {
        /// Which intent.
        intent: IntentId,
        /// The link of that account.
        to: Arc<str>,
        /// Who.
        recipient: RecipientNo,
        /// True where that account told them of the warning before, and so knows whether this is for
        /// them.
        asks: bool,
    },
    /// Too much was remembered of warnings that stand: who was told of this one is forgotten, and
    /// its end goes to everybody in its areas.
    Forgotten(WarningId),
    /// An intent for another link was given to this one: a fault of the caller.
    WrongLink(IntentId),
}

/// What to do, in order: append `progress`, answer `resolve`, put `sends` on the wire.
/// Reused between steps so that a message costs no allocation.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Batches for the gateway.
    pub sends: Vec<Send>,
    /// The messages of all batches.
    pub sending: Vec<Sending>,
    /// Rows wanted.
    pub resolve: Vec<Resolve>,
    /// Records for the topic `receipts`; say [`Event::Durable`] when they are on disk.
    pub progress: Vec<Progress>,
    /// Things to know.
    pub notes: Vec<Note>,
}

impl Effects {
    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.sends.clear();
        self.sending.clear();
        self.resolve.clear();
        self.progress.clear();
        self.notes.clear();
    }

    /// Forgets the batches, which were handed over; what else is asked for stays asked for.
    pub fn sent(&mut self) {
        self.sends.clear();
        self.sending.clear();
    }

    /// The messages of one batch.
    pub fn batch(&self, send: &Send) -> &[Sending] {
        self.sending.get(send.rows.clone()).unwrap_or(&[])
    }
}

/// The audience of `intent` without what was superseded.
pub(super) fn narrowed(intent: &Intent, areas: &[AreaCode], sites: &[String]) -> Audience {
    Audience {
        areas: areas.to_vec(),
        sites: sites.to_vec(),
        ..intent.audience.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Reach;

    #[test]
    fn rows_that_were_asked_for_are_still_asked_for_when_the_batches_have_gone() {
        let intent = IntentId::from_bytes([1; 16]);
        let mut effects = Effects {
            sends: vec![Send {
                intent,
                not_after: Time::from_seconds(9),
                rows: 0..1,
            }],
            sending: vec![Sending {
                token: Token(1),
                variant: 0,
            }],
            resolve: vec![Resolve {
                intent,
                pass: 0,
                epoch: 0,
                cursor: 0,
                rows_max: 10,
                audience: Audience::of(Reach::Public, "v1"),
            }],
            ..Effects::default()
        };
        effects.sent();
        assert!(effects.sends.is_empty() && effects.sending.is_empty());
        assert_eq!(effects.resolve.len(), 1);
    }
}
