//! One byte per recipient, in pages that exist only where somebody was told.

use crate::intent::RecipientNo;
use serde::{Deserialize, Serialize};

/// What is known of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum State {
    /// Not yet left.
    #[default]
    Unsent = 0,
    /// About to leave: on disk before the wire, where a duplicate is worse than silence.
    Claimed = 1,
    /// May have gone out; no answer.
    Unknown = 2,
    /// The far side took it.
    Accepted = 3,
    /// It reached the handset, mailbox or device.
    Delivered = 4,
    /// A person answered.
    Acknowledged = 5,
    /// Refused for good, or given up.
    Failed = 6,
    /// Its not-after time passed first.
    Expired = 7,
    /// Taken back before it left.
    Withdrawn = 8,
    /// The same address got the same text by another row.
    Duplicate = 9,
    /// Closes an intent of which nothing is left to send.
    Complete = 10,
    /// Another account tells them: this one could not.
    Handed = 11,
}

impl State {
    /// Every state, by code.
    pub const ALL: [Self; 12] = [
        Self::Unsent,
        Self::Claimed,
        Self::Unknown,
        Self::Accepted,
        Self::Delivered,
        Self::Acknowledged,
        Self::Failed,
        Self::Expired,
        Self::Withdrawn,
        Self::Duplicate,
        Self::Complete,
        Self::Handed,
    ];

    /// Stored code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The state of that code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Name in metrics and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Claimed => "claimed",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Acknowledged => "acknowledged",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Duplicate => "duplicate",
            Self::Complete => "complete",
            Self::Handed => "handed",
        }
    }

    /// True where the recipient has, or may have, the message.
    pub const fn may_be_told(self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Accepted | Self::Delivered | Self::Acknowledged
        )
    }

    /// True where nothing has been decided yet.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Unsent | Self::Claimed)
    }

    /// What is known once `next` was learned too.
    pub const fn then(self, next: Self) -> Self {
        if next.follows(self) { next } else { self }
    }

    /// Whether `self` may take the place of `old`: knowledge only grows. A handset that has it
    /// has it, whatever a late refusal says.
    const fn follows(self, old: Self) -> bool {
        match old {
            Self::Unsent => true,
            Self::Claimed => !matches!(self, Self::Claimed),
            Self::Unknown | Self::Failed | Self::Expired | Self::Withdrawn | Self::Handed => {
                !self.is_open() && self.code() != old.code()
            }
            Self::Accepted => matches!(self, Self::Delivered | Self::Acknowledged | Self::Failed),
            Self::Delivered | Self::Duplicate => matches!(self, Self::Acknowledged),
            Self::Acknowledged | Self::Complete => false,
        }
    }
}

/// Recipients by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 12]);

impl Counts {
    /// How many are in that state.
    pub fn of(&self, state: State) -> u64 {
        self.0.get(usize::from(state.code())).copied().unwrap_or(0)
    }

    /// All that are in any state but unsent.
    pub fn total(&self) -> u64 {
        self.0.iter().skip(1).sum()
    }

    /// Adds `n` to a state.
    pub fn add(&mut self, state: State, n: u64) {
        if let Some(slot) = self.0.get_mut(usize::from(state.code())) {
            *slot += n;
        }
    }

    fn take(&mut self, state: State) {
        if let Some(slot) = self.0.get_mut(usize::from(state.code())) {
            *slot = slot.saturating_sub(1);
        }
    }
}

const PAGE: usize = 4096;

/// States by recipient number.
#[derive(Clone, Debug, Default)]
pub struct States {
    pages: Vec<Option<Box<[u8; PAGE]>>>,
    counts: Counts,
}

impl States {
    /// State of one recipient.
    pub fn get(&self, recipient: RecipientNo) -> State {
        let (page, at) = place(recipient);
        let code = self
            .pages
            .get(page)
            .and_then(|page| page.as_ref()?.get(at).copied())
            .unwrap_or(0);
        State::from_code(code).unwrap_or_default()
    }

    /// Sets a state if it may follow the one there; true where it did.
    pub fn set(&mut self, recipient: RecipientNo, state: State) -> bool {
        let (page, at) = place(recipient);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let Some(slot) = self
            .pages
            .get_mut(page)
            .and_then(|page| page.get_or_insert_with(|| Box::new([0; PAGE])).get_mut(at))
        else {
            return false;
        };
        let old = State::from_code(*slot).unwrap_or_default();
        if old == state || !state.follows(old) {
            return false;
        }
        *slot = state.code();
        if old != State::Unsent {
            self.counts.take(old);
        }
        if state != State::Unsent {
            self.counts.add(state, 1);
        }
        true
    }

    /// How many are in each state.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Everybody who is in a state other than unsent, by number.
    pub fn for_each(&self, mut each: impl FnMut(RecipientNo, State)) {
        for (number, page) in (0u32..).zip(&self.pages) {
            for (at, code) in (0u32..).zip(page.iter().flat_map(|page| page.iter())) {
                if *code != 0
                    && let Some(state) = State::from_code(*code)
                {
                    each(RecipientNo(number * PAGE as u32 + at), state);
                }
            }
        }
    }

    /// Bytes of a packed page.
    pub(crate) const PACKED: usize = PAGE / 2;

    /// The first page from that one on in which anybody was told, and its number.
    pub(crate) fn page_from(&self, from: usize) -> Option<(usize, Page<'_>)> {
        let pages = self.pages.iter().enumerate().skip(from);
        let mut found = pages.filter_map(|(number, page)| Some((number, Page(page.as_deref()?))));
        found.next()
    }

    /// Takes in what [`Page::pack`] wrote; `None` where it says what cannot be.
    pub(crate) fn unpack(&mut self, number: u32, packed: &[u8]) -> Option<()> {
        let number = number as usize;
        if number > u32::MAX as usize / PAGE || packed.len() != Self::PACKED {
            return None;
        }
        if number >= self.pages.len() {
            self.pages.resize_with(number + 1, || None);
        }
        let place = self.pages.get_mut(number).filter(|page| page.is_none())?;
        let mut page = Box::new([0; PAGE]);
        let pairs = page.as_chunks_mut::<2>().0;
        for ([even, odd], byte) in pairs.iter_mut().zip(packed) {
            (*even, *odd) = (byte & 0xf, byte >> 4);
        }
        let mut counts = [0; 16];
        for code in page.iter() {
            if let Some(count) = counts.get_mut(usize::from(*code)) {
                *count += 1;
            }
        }
        for (code, count) in (0u8..).zip(counts).filter(|(_, count)| *count > 0) {
            let state = State::from_code(code)?;
            if state != State::Unsent {
                self.counts.add(state, count);
            }
        }
        *place = Some(page);
        Some(())
    }
}

/// The states of [`PAGE`] recipients.
pub(crate) struct Page<'a>(&'a [u8; PAGE]);

impl Page<'_> {
    /// Appends them, two a byte.
    pub(crate) fn pack(&self, out: &mut Vec<u8>) {
        let pairs = self.0.as_chunks::<2>().0;
        out.extend(pairs.iter().map(|[even, odd]| even | (odd << 4)));
    }
}

const fn place(recipient: RecipientNo) -> (usize, usize) {
    let number = recipient.0 as usize;
    (number / PAGE, number % PAGE)
}
