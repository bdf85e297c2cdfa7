//! Matches receipts to messages by identifier, over all sessions of a link.
//!
//! Keeps the last `receipts_max` identifiers. A receipt may overtake the answer that names its
//! message; it is kept aside for a few seconds, then given out unmatched.

use super::event::DeliveryReceipt;
use super::identifier::MessageKey;
use super::receipt::MessageState;
use super::window::Membership;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Receipts kept aside because they overtook their answer.
const EARLY_MAX: usize = 4_096;
/// How long they are kept, milliseconds.
const EARLY_MS: u64 = 5_000;
/// Digits that two spellings of a phone must share.
const PHONE_DIGITS_MIN: u32 = 7;

/// A message that a receipt may come for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) token: u64,
    pub(super) phone: u64,
    /// Session and message where it has several parts.
    pub(super) part_of: Option<(usize, Membership)>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    expected: Expected,
    serial: u64,
}

/// Receipts of the parts of one message so far.
#[derive(Clone, Copy, Debug)]
struct Partial {
    missing: u8,
    told: bool,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Awaited {
    max: usize,
    entries: FxHashMap<MessageKey, Entry>,
    order: VecDeque<MessageKey>,
    serial: u64,
    partial: FxHashMap<(usize, u64), Partial>,
    early: BTreeMap<u64, (DeliveryReceipt, u64)>,
    /// Every meaning of each early identifier: two receipts may share one.
    early_keys: BTreeSet<(u64, u64)>,
    early_serial: u64,
}

impl Awaited {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            entries: FxHashMap::default(),
            order: VecDeque::new(),
            serial: 0,
            partial: FxHashMap::default(),
            early: BTreeMap::new(),
            early_keys: BTreeSet::new(),
            early_serial: 0,
        }
    }

    /// Expects a receipt under `key`; gives it at once where it has overtaken.
    pub(super) fn expect(
        &mut self,
        key: MessageKey,
        expected: Expected,
    ) -> Option<DeliveryReceipt> {
        if self.max == 0 {
            return None;
        }
        if self.order.len() >= self.max {
            self.evict();
        }
        self.entries.insert(
            key,
            Entry {
                expected,
                serial: self.serial,
            },
        );
        self.serial += 1;
        self.order.push_back(key);
        if self.early.is_empty() {
            return None;
        }
        let meant = self.early_keys.range((key.0, 0)..=(key.0, u64::MAX));
        let (number, receipt, known) = meant
            .filter_map(|(_, number)| {
                let (receipt, _) = *self.early.get(number)?;
                Some((*number, receipt, self.find(&receipt)?))
            })
            .next()?;
        self.drop_early(number);
        self.matched(known, receipt)
    }

    /// Matches a receipt: gives it with its token, or unmatched; `None` while it waits for the
    /// other parts of its message or for the answer it may have overtaken.
    pub(super) fn receipt(
        &mut self,
        receipt: DeliveryReceipt,
        now: u64,
    ) -> Option<DeliveryReceipt> {
        if let Some(key) = self.find(&receipt) {
            return self.matched(key, receipt);
        }
        if self.max == 0 || self.early.len() >= EARLY_MAX {
            return Some(receipt);
        }
        let number = self.early_serial;
        self.early_serial += 1;
        self.early.insert(number, (receipt, now));
        for key in receipt.ids.into_iter().flatten() {
            self.early_keys.insert((key.0, number));
        }
        None
    }

    /// Gives out, unmatched, what has been kept aside too long.
    pub(super) fn tick(&mut self, now: u64, out: &mut Vec<DeliveryReceipt>) {
        while let Some((number, (receipt, at))) = self.early.first_key_value() {
            if now.saturating_sub(*at) < EARLY_MS {
                return;
            }
            let number = *number;
            out.push(*receipt);
            self.drop_early(number);
        }
    }

    /// The first meaning of the identifier that is known and whose phone agrees.
    fn find(&self, receipt: &DeliveryReceipt) -> Option<MessageKey> {
        let mut keys = receipt.ids.into_iter().enumerate();
        keys.find_map(|(nth, key)| {
            let key = key?;
            let phone = self.entries.get(&key)?.expected.phone;
            let unsaid = receipt.phone == 0 && nth == 0;
            (unsaid || same_phone(phone, receipt.phone)).then_some(key)
        })
    }

    fn matched(
        &mut self,
        key: MessageKey,
        mut receipt: DeliveryReceipt,
    ) -> Option<DeliveryReceipt> {
        let expected = self.entries.get(&key)?.expected;
        receipt.token = Some(expected.token);
        if !receipt.state.is_final() {
            return Some(receipt);
        }
        let Some((session, membership)) = expected.part_of else {
            self.entries.remove(&key);
            return Some(receipt);
        };
        let message = (session, membership.number);
        let partial = self.partial.entry(message).or_insert(Partial {
            missing: membership.parts,
            told: false,
        });
        partial.missing = partial.missing.saturating_sub(1);
        let failed = receipt.state != MessageState::Delivered;
        let tell = !partial.told && (failed || partial.missing == 0);
        partial.told |= tell;
        let missing = partial.missing;
        // Parts share their phone: what one identifier means may be another part's, whose own
        // receipt must still find the message. What is left over goes with its age.
        let is_sure = receipt.ids.into_iter().flatten().all(|id| id == key);
        if is_sure || missing == 0 {
            self.entries.remove(&key);
        }
        if missing == 0 {
            self.partial.remove(&message);
        }
        tell.then_some(receipt)
    }

    fn evict(&mut self) {
        let oldest = self.serial - self.order.len() as u64;
        let Some(key) = self.order.pop_front() else {
            return;
        };
        // The same identifier given again later is another entry, and stays.
        if self
            .entries
            .get(&key)
            .is_some_and(|entry| entry.serial == oldest)
            && let Some(entry) = self.entries.remove(&key)
            && let Some((session, membership)) = entry.expected.part_of
        {
            self.partial.remove(&(session, membership.number));
        }
    }

    fn drop_early(&mut self, number: u64) {
        if let Some((receipt, _)) = self.early.remove(&number) {
            for key in receipt.ids.into_iter().flatten() {
                self.early_keys.remove(&(key.0, number));
            }
        }
    }
}

/// The same phone, one perhaps without its country code.
pub fn same_phone(a: u64, b: u64) -> bool {
    let (long, short) = (a.max(b), a.min(b));
    let digits = short.checked_ilog10().map_or(0, |log| log + 1);
    if digits < PHONE_DIGITS_MIN {
        return long == short && long != 0;
    }
    match 10_u64.checked_pow(digits) {
        Some(power) => long % power == short,
        None => long == short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::sms::identifier::{Spelling, candidates};
    use crate::gateway::sms::receipt::ReasonCode;

    fn receipt(id: &str, phone: u64, state: MessageState) -> DeliveryReceipt {
        DeliveryReceipt {
            token: None,
            ids: candidates(id.as_bytes(), Spelling::Auto),
            phone,
            state,
            reason: ReasonCode::default(),
        }
    }

    fn expect(
        awaited: &mut Awaited,
        id: &str,
        token: u64,
        part: Option<u8>,
    ) -> Option<DeliveryReceipt> {
        let part_of = part.map(|parts| {
            (
                0,
                Membership {
                    number: token,
                    parts,
                },
            )
        });
        let phone = 8_613_800_000_000 + token;
        awaited.expect(
            MessageKey::of(id.as_bytes()).unwrap(),
            Expected {
                token,
                phone,
                part_of,
            },
        )
    }

    #[test]
    fn ids_that_run_in_hexadecimal_are_told_apart_by_phone() {
        let mut awaited = Awaited::new(10_000);
        for token in 0..2_000 {
            expect(&mut awaited, &format!("{token:X}"), token, None);
        }
        for token in 0..2_000 {
            let reported = receipt(
                &token.to_string(),
                13_800_000_000 + token,
                MessageState::Delivered,
            );
            let found = awaited.receipt(reported, 0).unwrap();
            assert_eq!(found.token, Some(token));
        }
        assert!(awaited.entries.is_empty());
    }

    #[test]
    fn a_receipt_that_overtakes_its_answer_waits_for_it() {
        let mut awaited = Awaited::new(10);
        let early = receipt("7B", 8_613_800_000_005, MessageState::Delivered);
        assert_eq!(awaited.receipt(early, 0), None);
        assert_eq!(expect(&mut awaited, "7b", 5, None).unwrap().token, Some(5));
        assert_eq!(awaited.receipt(early, 0), None);
        let mut out = Vec::new();
        awaited.tick(EARLY_MS - 1, &mut out);
        assert!(out.is_empty());
        awaited.tick(EARLY_MS, &mut out);
        assert_eq!((out.len(), out[0].token), (1, None));
        assert!(awaited.early_keys.is_empty());
    }

    #[test]
    fn parts_whose_identifiers_may_mean_each_other_are_all_found() {
        // 22 is 0x16 and 34 is 0x22: "22" may be either part.
        let mut awaited = Awaited::new(10);
        expect(&mut awaited, "22", 7, Some(2));
        expect(&mut awaited, "16", 7, Some(2));
        let phone = 8_613_800_000_007;
        let decimal = receipt("22", phone, MessageState::Delivered);
        assert_eq!(awaited.receipt(decimal, 0), None);
        let other = receipt("34", phone, MessageState::Delivered);
        assert_eq!(awaited.receipt(other, 0).unwrap().token, Some(7));
    }

    #[test]
    fn a_message_in_parts_is_delivered_with_the_last_and_failed_with_the_first() {
        let mut awaited = Awaited::new(10);
        for id in ["1", "2", "3", "4"] {
            expect(&mut awaited, id, if id < "3" { 1 } else { 2 }, Some(2));
        }
        let mut give = |id, token: u64, state| {
            awaited.receipt(receipt(id, 8_613_800_000_000 + token, state), 0)
        };
        assert_eq!(give("1", 1, MessageState::Delivered), None);
        assert_eq!(
            give("2", 1, MessageState::Delivered).unwrap().token,
            Some(1)
        );
        assert_eq!(
            give("3", 2, MessageState::Expired).unwrap().state,
            MessageState::Expired
        );
        assert_eq!(give("4", 2, MessageState::Delivered), None);
        assert!(awaited.partial.is_empty());
    }

    #[test]
    fn the_oldest_identifier_goes_first_and_its_unmatched_receipt_is_given_out() {
        let mut awaited = Awaited::new(2);
        for (id, token) in [("A", 1), ("B", 2), ("A", 3), ("C", 4)] {
            expect(&mut awaited, id, token, None);
        }
        let mut give = |id, token: u64| {
            let reported = receipt(id, 8_613_800_000_000 + token, MessageState::Delivered);
            awaited.receipt(reported, 0).and_then(|r| r.token)
        };
        assert_eq!(give("B", 2), None);
        assert_eq!(give("A", 3), Some(3));
        assert_eq!(give("C", 4), Some(4));
    }
}
