//! What became of every message: a byte per recipient and intent, receipt ids sorted beside it.
//!
//! The ledger is built from [`Progress`] records alone, so that recovery, the API and the
//! outbox read one truth. On disk a recipient takes one to three bytes at each step and its receipt id
//! one to ten (differences, variable length), 24 in all at most (semantics §38); in memory one and
//! sixteen. The wording of a step is said once for all who got the same.

mod progress;
mod receipts;
mod states;
pub(crate) mod varint;

pub use progress::{Entry, Progress, ProgressError};
pub(crate) use receipts::{Receipt, Receipts};
pub use states::{Counts, State, States};

use crate::intent::{IntentId, RecipientNo};
use model::Time;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// States of all recipients of the intents it has seen.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    numbers: BTreeMap<IntentId, u32>,
    accounts: Vec<Option<Account>>,
    receipts: Receipts,
    retired: BTreeMap<u32, Retired>,
    spent: Spent,
}

/// Parts that count against the daily limit of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Days since 1970-01-01, as the city counts them.
    pub day: i64,
    /// Parts of that day so far.
    pub parts: u64,
}

/// An address that its service will never take again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// What tells the address from another one of the same person: [`mark_of`].
    pub address: u64,
    /// When that was said.
    pub at: Time,
}

impl Retired {
    /// Whether it is that address, as [`crate::outbox::Row::address`] has it.
    pub fn is(&self, address: u64) -> bool {
        // Before addresses were marked they stood there as they are.
        self.address == mark_of(address) || self.address == address
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    id: IntentId,
    pub(crate) states: States,
    pub(crate) closed: Option<State>,
}

/// Bits of an address's mark.
const MARK_BITS: u32 = 20;

/// What tells an address from another one of the same person, and no more: one of a million. The
/// journal keeps it where a telephone number would be somebody's.
pub fn mark_of(address: u64) -> u64 {
    let hash = Sha256::new()
        .chain_update(b"sanfang/address/1")
        .chain_update(address.to_be_bytes())
        .finalize();
    let head = hash
        .iter()
        .take(3)
        .fold(0, |all, byte| all << 8 | u64::from(*byte));
    head & ((1 << MARK_BITS) - 1)
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
                    ..
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
                Entry::Retired {
                    recipient,
                    address,
                    at,
                    ..
                } => self.retire(*recipient, *address, *at),
                // Whole numbers: what is taken in again ends where it ended before.
                Entry::Spent { day, parts, .. } => self.spend(Spent {
                    day: *day,
                    parts: *parts,
                }),
            }
        }
    }

    /// Whose addresses will never work again, by number. One of which another address is known since
    /// is still in it.
    pub fn retired(&self) -> impl ExactSizeIterator<Item = (RecipientNo, Retired)> {
        let retired = self.retired.iter();
        retired.map(|(no, retired)| (RecipientNo(*no), *retired))
    }

    /// Since when that address of a recipient does not work on this link.
    pub fn retired_at(&self, recipient: RecipientNo, address: u64) -> Option<Time> {
        let known = self.retired.get(&recipient.0)?;
        known.is(address).then_some(known.at)
    }

    pub(crate) fn retire(&mut self, recipient: u32, address: u64, at: Time) {
        self.retired.insert(recipient, Retired { address, at });
    }

    /// What counts against the daily limit of the link, where it has one.
    pub const fn spent(&self) -> Spent {
        self.spent
    }

    pub(crate) const fn spend(&mut self, spent: Spent) {
        self.spent = spent;
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

    /// Whose message a receipt id belongs to, where nothing else is known of it.
    pub fn find(&self, receipt: u64) -> Option<(IntentId, RecipientNo)> {
        self.find_by(receipt, |_| true)
    }

    /// Whose message a receipt id belongs to, of those that `is_theirs`, the newest first: carriers
    /// give an id again, and one spelling may be another's id.
    pub fn find_by(
        &self,
        receipt: u64,
        is_theirs: impl Fn(RecipientNo) -> bool,
    ) -> Option<(IntentId, RecipientNo)> {
        let theirs = |(no, recipient): &(u32, u32)| {
            self.account_by(*no).is_some() && is_theirs(RecipientNo(*recipient))
        };
        let (no, recipient) = self.receipts.newest_first(receipt).find(theirs)?;
        Some((self.account_by(no)?.id, RecipientNo(recipient)))
    }

    /// The receipt id of a recipient's message: for links that have few of them.
    pub fn receipt_of(&self, intent: IntentId, recipient: RecipientNo) -> Option<u64> {
        let no = *self.numbers.get(&intent)?;
        self.receipts.newest_of(no, recipient.0)
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
        let next = self.next_number();
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

    /// A ledger of these intents, numbered in their order, and of these receipt ids; `None` where
    /// an intent stands twice.
    pub(crate) fn of(
        accounts: Vec<(IntentId, States, Option<State>)>,
        receipts: Receipts,
    ) -> Option<Self> {
        let mut this = Self {
            receipts,
            ..Self::default()
        };
        for (id, states, closed) in accounts {
            let no = this.next_number();
            if this.number(id) != no {
                return None;
            }
            let account = this.account_mut(no)?;
            (account.states, account.closed) = (states, closed);
        }
        Some(this)
    }

    /// The number that the next intent gets.
    pub(crate) fn next_number(&self) -> u32 {
        self.accounts.len() as u32
    }

    pub(crate) const fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    fn account(&self, intent: IntentId) -> Option<&Account> {
        self.account_by(*self.numbers.get(&intent)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_given_again_is_of_the_newest_message_to_that_phone() {
        let mut ledger = Ledger::default();
        let [first, second] = [[1; 16], [2; 16]].map(IntentId::from_bytes);
        let (old, new) = (ledger.number(first), ledger.number(second));
        for filler in 1_000..6_000 {
            ledger.receipt(filler, old, 9);
        }
        ledger.receipt(77, old, 3);
        for filler in 6_000..11_000 {
            ledger.receipt(filler, old, 9);
        }
        ledger.receipt(77, new, 3);
        ledger.receipt(77, new, 4);
        let of = |who: u32| ledger.find_by(77, |no| no == RecipientNo(who));
        assert_eq!(of(3), Some((second, RecipientNo(3))));
        assert_eq!(of(4), Some((second, RecipientNo(4))));
        assert_eq!(of(9), None, "that phone never had a message of this id");
        ledger.forget(second);
        let of = |who: u32| ledger.find_by(77, |no| no == RecipientNo(who));
        assert_eq!(of(3), Some((first, RecipientNo(3))));
    }
}
