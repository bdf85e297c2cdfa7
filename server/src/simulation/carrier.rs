//! The far side of the links: phones and mailboxes, and what is said of each message.

use super::audit::{Audit, Told, is_over};
use super::log::Hold;
use crate::courier::Wire;
use dispatch::gateway::sms::Submit;
use dispatch::ledger::State;
use dispatch::outbox::Token;
use model::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Sessions that a courier of short messages hands its messages to.
#[derive(Default)]
pub(super) struct Sessions {
    /// Messages they take at once; zero while they are down.
    pub(super) window: usize,
    pub(super) flying: usize,
    /// Token and phone of what was handed over since the last look.
    pub(super) taken: Vec<(Token, u64)>,
    /// Receipts up to this mark are answered for.
    pub(super) acknowledged: u64,
    pub(super) mark: u64,
}

impl Wire for Sessions {
    fn room(&self) -> usize {
        self.window.saturating_sub(self.flying + self.taken.len())
    }

    fn submit(&mut self, batch: &[Submit<'_>]) -> usize {
        let taken = self.room().min(batch.len());
        let messages = batch.iter().take(taken);
        self.taken
            .extend(messages.map(|submit| (Token(submit.token), submit.phone)));
        taken
    }

    fn acknowledge(&mut self, mark: u64) {
        self.acknowledged = self.acknowledged.max(mark);
    }
}

/// A message on its way, or taken.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) hold: Hold,
    pub(super) token: Token,
    pub(super) told: Told,
    pub(super) phone: u64,
    /// The far side's identifier.
    pub(super) id: u64,
    pub(super) channel: &'static str,
}

/// What became of all that was said to one person by one intent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Came {
    pub(super) tries: u32,
    pub(super) arrived: u32,
    /// Tries of which the sender cannot know.
    pub(super) unknown: u32,
    pub(super) refused: bool,
    /// An owner of before sent it: the next one cannot know, so that its end may pass them by.
    pub(super) by_another: bool,
}

/// A receipt that its centre keeps until it is answered for.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) message: Message,
    pub(super) arrived: bool,
    /// To whom it went last, with its mark.
    pub(super) given: Option<(Hold, u64)>,
    /// It must be on disk before it is answered for.
    pub(super) is_awaited: bool,
}

/// The far side.
#[derive(Default)]
pub(super) struct Carrier {
    /// Not answered.
    pub(super) flying: Vec<Message>,
    pub(super) receipts: Vec<Receipt>,
    /// What the present owner was told of and may not be on disk yet.
    pub(super) said: Vec<(Hold, Told)>,
    pub(super) came: BTreeMap<Told, Came>,
    pub(super) ids: u64,
    /// What happened to each message, for the one who looks into a seed.
    trail: BTreeMap<Told, Vec<String>>,
    /// Everything somebody got, for the end of a warning.
    pub(super) heard: BTreeSet<Told>,
}

impl Carrier {
    /// A message was handed over at `now` of its node.
    pub(super) fn hand_over(
        &mut self,
        audit: &Audit,
        mut message: Message,
        now: Time,
        is_owner: bool,
    ) -> Result<(), String> {
        let intent = audit
            .intent(message.told.0)
            .ok_or_else(|| format!("{:?}: sent and never planned", message.told))?;
        if is_over(intent, now) {
            return Err(format!("{:?}: sent at {now}, after its time", message.told));
        }
        self.ids += 1;
        message.id = self.ids;
        let came = self.came.entry(message.told).or_default();
        came.tries += 1;
        // An owner of before cannot know what the next one sent.
        came.unknown += u32::from(!is_owner);
        came.by_another |= !is_owner;
        // Its own earlier try was given up for lost.
        let same = |other: &&Message| other.hold == message.hold && other.told == message.told;
        let unanswered = self.flying.iter().filter(same).count() as u32;
        came.unknown += unanswered;
        let state = audit.state(message.told);
        let Hold { place, epoch } = message.hold;
        let flies = if unanswered > 0 { ", one flies" } else { "" };
        let words = format!(
            "handed over by {place:?} {epoch} at {now}, {state:?} on disk, owner {is_owner}{flies}"
        );
        self.note(message.told, words);
        self.flying.push(message);
        Ok(())
    }

    /// What happened to a message.
    pub(super) fn trail(&self, told: Told) -> &[String] {
        self.trail.get(&told).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds to the trail of a message.
    pub(super) fn note(&mut self, told: Told, words: String) {
        self.trail.entry(told).or_default().push(words);
    }

    /// A phone or a mailbox has it.
    pub(super) fn arrive(&mut self, audit: &Audit, told: Told) -> Result<(), String> {
        let came = self.came.entry(told).or_default();
        came.arrived += 1;
        let came = *came;
        let resends = audit
            .intent(told.0)
            .is_some_and(dispatch::intent::Intent::resend_when_unknown);
        let may = if resends { 1 + came.unknown } else { 1 };
        if came.arrived > may {
            return Err(format!(
                "{told:?}: told {} times, {} of unknown outcome{}: {:#?}",
                came.arrived,
                came.unknown,
                if resends {
                    ""
                } else {
                    ", never to be repeated"
                },
                self.trail(told)
            ));
        }
        self.heard.insert(told);
        Ok(())
    }

    /// An owner is gone: what it had in flight, or was told of and had not stored, nobody knows.
    pub(super) fn lose(&mut self, audit: &Audit, hold: Hold) -> Vec<&'static str> {
        let mut lost = Vec::new();
        for message in self.flying.iter().filter(|message| message.hold == hold) {
            self.came.entry(message.told).or_default().unknown += 1;
            let words = format!("{} ends while it flies", hold.epoch);
            self.trail.entry(message.told).or_default().push(words);
            lost.push(message.channel);
        }
        for (_, told) in self.said.iter().filter(|(of, _)| *of == hold) {
            let is_stored = audit.state(*told).may_be_told();
            if !is_stored {
                self.came.entry(*told).or_default().unknown += 1;
            }
        }
        self.said.retain(|(of, _)| *of != hold);
        lost
    }

    /// Receipts that were answered for are on disk.
    pub(super) fn acknowledged(
        &mut self,
        audit: &Audit,
        hold: Hold,
        mark: u64,
    ) -> Result<(), String> {
        let is_done = |receipt: &Receipt| {
            receipt
                .given
                .is_some_and(|(to, at)| to == hold && at <= mark)
        };
        for receipt in self.receipts.iter().filter(|receipt| is_done(receipt)) {
            let state = audit.state(receipt.message.told);
            let is_final = matches!(
                state,
                State::Delivered | State::Acknowledged | State::Failed
            );
            if receipt.is_awaited && !is_final {
                let told = receipt.message.told;
                return Err(format!(
                    "{told:?}: its receipt is answered for and not stored ({state:?})"
                ));
            }
        }
        self.receipts.retain(|receipt| !is_done(receipt));
        Ok(())
    }
}
