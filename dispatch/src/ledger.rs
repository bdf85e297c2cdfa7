//! What became of every message: a byte per recipient and intent, receipt ids sorted beside it.
//!
//! The ledger is built from [`Progress`] records alone, so that recovery, the API and the
//! outbox read one truth. On disk a recipient takes one to three bytes and its receipt id one to
//! nine (differences, variable length); in memory one and sixteen.

mod progress;
mod receipts;
mod states;

pub use progress::{Entry, Progress, ProgressError};
pub use states::{Counts, State, States};

use crate::intent::{IntentId, RecipientNo};
use receipts::Receipts;
use std::collections::BTreeMap;

/// States of all recipients of the intents it has seen.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    numbers: BTreeMap<IntentId, u32>,
    accounts: Vec<Option<Account>>,
    receipts: Receipts,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    id: IntentId,
    pub(crate) states: States,
    pub(crate) closed: Option<State>,
}

impl Ledger {
    /// Takes in what one record says.
    pub fn apply(&mut self, progress: &Progress) {
        for entry in &progress.entries {
            match entry {
                Entry::States {
                    intent,
                    state,
                    recipients,
                    receipts,
                } => {
                    let no = self.number(*intent);
                    if let Some(account) = self.account_mut(no) {
                        for recipient in recipients {
                            account.states.set(RecipientNo(*recipient), *state);
                        }
                    }
                    for (recipient, receipt) in recipients.iter().zip(receipts) {
                        self.receipts.push(*receipt, no, *recipient);
                    }
                }
                Entry::Closed { intent, state } => {
                    let no = self.number(*intent);
                    if let Some(account) = self.account_mut(no) {
                        account.closed = Some(*state);
                    }
                }
            }
        }
    }

    /// State of one recipient.
    pub fn state(&self, intent: IntentId, recipient: RecipientNo) -> State {
        self.account(intent)
            .map_or(State::Unsent, |account| account.states.get(recipient))
    }

    /// How many recipients are in each state; those never reached are not in it.
    pub fn counts(&self, intent: IntentId) -> Counts {
        self.account(intent)
            .map(|account| account.states.counts())
            .unwrap_or_default()
    }

    /// Counts by any property of a recipient: township, district, language.
    pub fn counts_by<K: Ord>(
        &self,
        intent: IntentId,
        key: impl Fn(RecipientNo) -> K,
    ) -> BTreeMap<K, Counts> {
        let mut by: BTreeMap<K, Counts> = BTreeMap::new();
        if let Some(account) = self.account(intent) {
            account.states.for_each(|recipient, state| {
                by.entry(key(recipient)).or_default().add(state, 1);
            });
        }
        by
    }

    /// Every recipient of an intent whose state is known, in the order of their numbers.
    pub fn for_each(&self, intent: IntentId, each: impl FnMut(RecipientNo, State)) {
        if let Some(account) = self.account(intent) {
            account.states.for_each(each);
        }
    }

    /// What the rest of an intent's audience became: complete, withdrawn or expired.
    pub fn closed(&self, intent: IntentId) -> Option<State> {
        self.account(intent).and_then(|account| account.closed)
    }

    /// Whose message a receipt id belongs to.
    pub fn find(&self, receipt: u64) -> Option<(IntentId, RecipientNo)> {
        let (no, recipient) = self.receipts.find(receipt)?;
        let account = self.accounts.get(no as usize)?.as_ref()?;
        Some((account.id, RecipientNo(recipient)))
    }

    /// Everything known of one intent as one record, for snapshots: applying it gives it back.
    pub fn record(&self, intent: IntentId, seq: u64) -> Option<Progress> {
        let no = *self.numbers.get(&intent)?;
        let account = self.account(intent)?;
        // Receipts first: they stand as accepted, and what came later follows from there.
        let mut entries: Vec<Entry> = self.receipts.entry(no, intent).into_iter().collect();
        entries.extend(account.states.entries(intent));
        entries.extend(account.closed.map(|state| Entry::Closed { intent, state }));
        Some(Progress { seq, entries })
    }

    /// Drops an intent whose time has passed.
    pub fn forget(&mut self, intent: IntentId) {
        if let Some(no) = self.numbers.remove(&intent) {
            self.receipts.forget(no);
            if let Some(slot) = self.accounts.get_mut(no as usize) {
                *slot = None;
            }
        }
    }

    /// Drops the receipt ids of an intent whose receipts can no longer come.
    pub(crate) fn forget_receipts(&mut self, no: u32) {
        self.receipts.forget(no);
    }

    /// The number an intent has here for as long as this ledger lives.
    pub(crate) fn number(&mut self, intent: IntentId) -> u32 {
        let next = self.accounts.len() as u32;
        let no = *self.numbers.entry(intent).or_insert(next);
        if no == next {
            self.accounts.push(Some(Account {
                id: intent,
                states: States::default(),
                closed: None,
            }));
        }
        no
    }

    pub(crate) fn account_mut(&mut self, no: u32) -> Option<&mut Account> {
        self.accounts.get_mut(no as usize)?.as_mut()
    }

    pub(crate) fn account_by(&self, no: u32) -> Option<&Account> {
        self.accounts.get(no as usize)?.as_ref()
    }

    pub(crate) fn receipt(&mut self, receipt: u64, no: u32, recipient: u32) {
        self.receipts.push(receipt, no, recipient);
    }

    fn account(&self, intent: IntentId) -> Option<&Account> {
        self.account_by(*self.numbers.get(&intent)?)
    }
}
