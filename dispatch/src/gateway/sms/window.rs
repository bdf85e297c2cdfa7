//! The submits of one session that wait for their answer, by sequence number.
//!
//! A ring twice the window holds them; a sequence number whose place is still taken is passed
//! over, so one silent phone never holds up the others. What timed out moves to a bounded table
//! where a late answer still finds it.

use super::event::{Answer, Outcome};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Timed-out submits that a late answer can still find.
const LATE_MAX: usize = 65_536;
const NO_GROUP: u32 = u32::MAX;
const ASIDE: u32 = u32::MAX - 1;

/// One PDU that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// Token of its message.
    pub(super) token: u64,
    /// Destination.
    pub(super) phone: u64,
    /// Octets of the session's stream up to its end; not sent whole before they are written.
    pub(super) end: u64,
    /// When it was queued, milliseconds.
    pub(super) at: u64,
    sequence: u32,
    group: u32,
}

impl Pending {
    /// True where it went out beside its message.
    pub(super) const fn is_aside(&self) -> bool {
        self.group == ASIDE
    }
}

/// The parts of one long message.
#[derive(Clone, Copy, Debug)]
struct Group {
    token: u64,
    open: u8,
    late: u8,
    parts: u8,
    number: u64,
    outcome: Option<Outcome>,
}

/// What binds a part to its message when receipts are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// Number of the message within the session.
    pub(super) number: u64,
    /// How many parts it has.
    pub(super) parts: u8,
}

/// A place in a message of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupNo(u32);

/// See the file's head.
#[derive(Debug)]
pub(super) struct Window {
    slots: Vec<Option<Pending>>,
    next: u32,
    /// Sequence numbers run from 1 to this.
    last: u32,
    live: usize,
    limit: usize,
    groups: Vec<Group>,
    free: Vec<u32>,
    late: FxHashMap<u32, Pending>,
    late_order: VecDeque<u32>,
    messages: u64,
}

impl GroupNo {
    /// A message of one part.
    pub(super) const NONE: Self = Self(NO_GROUP);
    /// Beside a message: what becomes of it decides nothing.
    pub(super) const ASIDE: Self = Self(ASIDE);
}

impl Window {
    pub(super) fn new(limit: usize, last: u32) -> Self {
        Self {
            slots: vec![None; (limit * 2).next_power_of_two()],
            next: 1,
            last,
            live: 0,
            limit,
            groups: Vec::new(),
            free: Vec::new(),
            late: FxHashMap::default(),
            late_order: VecDeque::new(),
            messages: 0,
        }
    }

    /// How many more PDUs may be sent.
    pub(super) const fn room(&self) -> usize {
        self.limit.saturating_sub(self.live)
    }

    /// How many PDUs wait for their answer.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// A sequence number whose place is free. Call only where [`Window::room`] is not zero: then
    /// at least half the ring is free.
    pub(super) fn sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next;
            self.next = if sequence >= self.last {
                1
            } else {
                sequence + 1
            };
            if self
                .slots
                .get(self.place(sequence))
                .is_some_and(Option::is_none)
                || self.room() == 0
            {
                return sequence;
            }
        }
    }

    /// Waits for the answer to `sequence`.
    pub(super) fn wait(&mut self, sequence: u32, group: GroupNo, pending: Waiting) {
        let place = self.place(sequence);
        if let Some(slot) = self.slots.get_mut(place) {
            let Waiting {
                token,
                phone,
                end,
                at,
            } = pending;
            *slot = Some(Pending {
                token,
                phone,
                end,
                at,
                sequence,
                group: group.0,
            });
            self.live += 1;
        }
    }

    /// Opens a message of several parts, each of which must be concluded.
    pub(super) fn open(&mut self, token: u64, parts: usize) -> GroupNo {
        self.messages += 1;
        let parts = u8::try_from(parts).unwrap_or(u8::MAX);
        let group = Group {
            token,
            open: parts,
            late: 0,
            parts,
            number: self.messages,
            outcome: None,
        };
        let free = self.free.pop();
        if let Some((no, place)) = free.and_then(|no| Some((no, self.groups.get_mut(no as usize)?)))
        {
            *place = group;
            return GroupNo(no);
        }
        self.groups.push(group);
        GroupNo(u32::try_from(self.groups.len() - 1).unwrap_or(NO_GROUP))
    }

    /// The submit that an answer belongs to, and whether it had timed out before.
    pub(super) fn answered(&mut self, sequence: u32) -> Option<(Pending, bool)> {
        let place = self.place(sequence);
        if let Some(slot) = self.slots.get_mut(place)
            && let Some(pending) = *slot
            && pending.sequence == sequence
        {
            *slot = None;
            self.live -= 1;
            return Some((pending, false));
        }
        if self.late.is_empty() {
            return None;
        }
        self.late.remove(&sequence).map(|pending| (pending, true))
    }

    /// The message that a part belongs to; `None` where it is the whole message.
    pub(super) fn membership(&self, pending: &Pending) -> Option<Membership> {
        let group = self.groups.get(pending.group as usize)?;
        Some(Membership {
            number: group.number,
            parts: group.parts,
        })
    }

    /// Notes the outcome of one part; gives the answer when it was the last that was waited for.
    pub(super) fn conclude(
        &mut self,
        pending: &Pending,
        outcome: Outcome,
        late: bool,
    ) -> Option<Answer> {
        if pending.group == NO_GROUP {
            return Some(Answer {
                token: pending.token,
                outcome,
                late,
            });
        }
        self.conclude_part(GroupNo(pending.group), outcome, late)
    }

    /// As [`Window::conclude`], for a part that was never sent.
    pub(super) fn conclude_part(
        &mut self,
        no: GroupNo,
        outcome: Outcome,
        late: bool,
    ) -> Option<Answer> {
        let group = self.groups.get_mut(no.0 as usize)?;
        if late {
            group.late = group.late.saturating_sub(1);
        } else {
            group.open = group.open.saturating_sub(1);
        }
        let timed_out = matches!(outcome, Outcome::Silent);
        if timed_out {
            group.late += 1;
        } else {
            group.outcome = Some(group.outcome.map_or(outcome, |before| before.and(outcome)));
        }
        let group = *group;
        if group.open == 0 && group.late == 0 {
            self.free.push(no.0);
        }
        let told = match (group.open, group.late, group.outcome) {
            (0, 0, Some(all)) => all,
            // The last part waited for is in, some without an answer: tell once, not per late part.
            (0, 1.., known) if !late => known.map_or(Outcome::Silent, |k| k.and(Outcome::Silent)),
            _ => return None,
        };
        Some(Answer {
            token: group.token,
            outcome: told,
            late,
        })
    }

    /// Takes out what was queued before `before`, is among the octets written and went unanswered;
    /// a late answer still finds it.
    pub(super) fn expire(&mut self, before: u64, written: u64, answers: &mut Vec<Answer>) {
        for place in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(place) else {
                break;
            };
            let Some(pending) = slot.filter(|p| p.at < before && p.end <= written) else {
                continue;
            };
            *slot = None;
            self.live -= 1;
            answers.extend(self.conclude(&pending, Outcome::Silent, false));
            self.keep_late(pending, answers);
        }
    }

    fn keep_late(&mut self, pending: Pending, answers: &mut Vec<Answer>) {
        if self.late_order.len() == LATE_MAX
            && let Some(oldest) = self.late_order.pop_front()
            && let Some(gone) = self.late.remove(&oldest)
        {
            self.forget(&gone, answers);
        }
        self.late.insert(pending.sequence, pending);
        self.late_order.push_back(pending.sequence);
    }

    /// A part whose late answer is given up: its message must not wait for it.
    fn forget(&mut self, pending: &Pending, answers: &mut Vec<Answer>) {
        if pending.group != NO_GROUP {
            let answer = self.conclude(pending, Outcome::Cut, true);
            answers.extend(answer.filter(|answer| answer.outcome != Outcome::Cut));
        }
    }

    /// The session is gone: everything waited for is unsent or of unknown outcome, by how much of
    /// the stream was written. The window begins anew;
    /// its numbers go on, since a number may be part of an identifier.
    pub(super) fn cut(&mut self, written: u64, answers: &mut Vec<Answer>) {
        for place in 0..self.slots.len() {
            let Some(pending) = self.slots.get_mut(place).and_then(Option::take) else {
                continue;
            };
            let outcome = if pending.end <= written {
                Outcome::Cut
            } else {
                Outcome::Unsent
            };
            answers.extend(self.conclude(&pending, outcome, false));
        }
        self.live = 0;
        self.groups.clear();
        self.free.clear();
        self.late.clear();
        self.late_order.clear();
    }

    fn place(&self, sequence: u32) -> usize {
        sequence as usize & (self.slots.len() - 1)
    }
}

/// What [`Window::wait`] keeps of a submit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) token: u64,
    pub(super) phone: u64,
    pub(super) end: u64,
    pub(super) at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const MAX: u32 = 0x7FFF_FFFE;
    const OK: Outcome = Outcome::Accepted { id: None };

    fn put(window: &mut Window, token: u64, group: GroupNo, at: u64) -> u32 {
        let sequence = window.sequence();
        let waiting = Waiting {
            token,
            phone: 0,
            end: at,
            at,
        };
        window.wait(sequence, group, waiting);
        sequence
    }

    #[test]
    fn one_silent_submit_does_not_stop_the_ring() {
        let mut window = Window::new(2, MAX);
        let silent = put(&mut window, 1, GroupNo::NONE, 0);
        for token in 2..1000 {
            let sequence = put(&mut window, token, GroupNo::NONE, 5);
            assert_ne!(sequence, silent);
            assert_eq!(window.answered(sequence).unwrap().0.token, token);
        }
        let mut answers = Vec::new();
        window.expire(1, u64::MAX, &mut answers);
        assert_eq!(
            answers,
            [Answer {
                token: 1,
                outcome: Outcome::Silent,
                late: false
            }]
        );
        let (pending, late) = window.answered(silent).unwrap();
        assert!(late && window.answered(silent).is_none());
        assert_eq!(window.conclude(&pending, OK, late).unwrap().token, 1);
    }

    #[test]
    fn a_long_message_is_silent_once_and_accepted_late_once() {
        let mut window = Window::new(8, MAX);
        let group = window.open(9, 3);
        let parts: Vec<u32> = (0..3).map(|_| put(&mut window, 9, group, 0)).collect();
        let (first, _) = window.answered(parts[0]).unwrap();
        assert_eq!(window.conclude(&first, OK, false), None);
        let mut answers = Vec::new();
        window.expire(1, u64::MAX, &mut answers);
        assert_eq!(
            answers,
            [Answer {
                token: 9,
                outcome: Outcome::Silent,
                late: false
            }]
        );
        let (second, _) = window.answered(parts[1]).unwrap();
        assert_eq!(window.conclude(&second, OK, true), None);
        let (third, _) = window.answered(parts[2]).unwrap();
        let accepted = Answer {
            token: 9,
            outcome: OK,
            late: true,
        };
        assert_eq!(window.conclude(&third, OK, true), Some(accepted));
        assert_eq!(window.free.len(), 1);
    }

    #[test]
    fn what_was_not_written_is_unsent() {
        let mut window = Window::new(8, MAX);
        put(&mut window, 1, GroupNo::NONE, 100);
        put(&mut window, 2, GroupNo::NONE, 200);
        let mut answers = Vec::new();
        window.cut(199, &mut answers);
        let outcomes: Vec<Outcome> = answers.iter().map(|a| a.outcome).collect();
        assert_eq!(outcomes, [Outcome::Cut, Outcome::Unsent]);
        assert_eq!((window.live(), window.room()), (0, 8));
    }

    proptest! {
        /// Every message gets exactly one answer that is not late, whatever comes in which order.
        #[test]
        fn each_message_is_answered_once(steps in proptest::collection::vec((0..5_u8, 1..4_usize, any::<u16>()), 1..300)) {
            let mut window = Window::new(16, MAX);
            let mut waiting: Vec<u32> = Vec::new();
            let mut told: BTreeMap<u64, u32> = BTreeMap::new();
            let mut answers = Vec::new();
            let (mut token, mut now) = (0, 0);
            for (kind, parts, pick) in steps {
                now += 1;
                match kind {
                    0 | 1 if window.room() >= parts => {
                        token += 1;
                        told.insert(token, 0);
                        let group = if parts == 1 { GroupNo::NONE } else { window.open(token, parts) };
                        for _ in 0..parts {
                            let sequence = put(&mut window, token, group, now);
                            prop_assert!(!waiting.contains(&sequence) || sequence < 1 << 20);
                            waiting.push(sequence);
                        }
                    }
                    2 | 3 if !waiting.is_empty() => {
                        let sequence = waiting.swap_remove(usize::from(pick) % waiting.len());
                        if let Some((pending, late)) = window.answered(sequence) {
                            answers.extend(window.conclude(&pending, OK, late));
                        }
                    }
                    4 if pick % 8 == 0 => {
                        window.cut(u64::from(pick), &mut answers);
                        waiting.clear();
                    }
                    4 => window.expire(now.saturating_sub(u64::from(pick % 16)), u64::from(pick), &mut answers),
                    _ => {}
                }
            }
            window.cut(u64::MAX, &mut answers);
            for answer in answers.iter().filter(|a| !a.late) {
                *told.get_mut(&answer.token).unwrap() += 1;
            }
            prop_assert!(told.values().all(|n| *n == 1), "{told:?}");
        }
    }
}
