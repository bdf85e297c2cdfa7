//! Subscribers as columns: about 24 bytes each beside e-mail addresses and push tokens.

use super::order::Rank;
use model::{Channel, Language, Working};
use std::ops::Range;

/// Audience classes one directory can tell apart.
pub(super) const CLASSES_MAX: usize = 24;

const ENGLISH: u32 = 1 << 24;
const SMS: u32 = 1 << 25;
const EMAIL: u32 = 1 << 26;
const PUSH: u32 = 1 << 27;

/// The phone stands in the directory more than once.
pub(super) const SHARED: u32 = 1 << 28;

/// All ways to reach a person.
pub(super) const WAYS: u32 = SMS | EMAIL | PUSH;

/// The columns, sorted by area in depth-first order, within one by grid cell, then by number.
#[derive(Clone, Default)]
pub(super) struct People {
    /// By rank: where its rows begin; one more at the end.
    pub(super) starts: Vec<u32>,
    pub(super) recipient: Vec<u32>,
    /// Ten-millionths of a degree.
    pub(super) lon: Vec<i32>,
    pub(super) lat: Vec<i32>,
    pub(super) bits: Vec<u32>,
    /// Zero where there is none.
    pub(super) phone: Vec<u64>,
    pub(super) email: Texts,
    pub(super) push: Texts,
}

/// Texts of the few rows that have one.
#[derive(Clone, Default)]
pub(super) struct Texts {
    /// Rows that have one, rising.
    pub(super) rows: Vec<u32>,
    /// Where each text ends.
    pub(super) ends: Vec<u32>,
    pub(super) text: String,
}

impl People {
    pub(super) fn len(&self) -> usize {
        self.recipient.len()
    }

    pub(super) fn bits_of(&self, row: usize) -> u32 {
        self.bits.get(row).copied().unwrap_or_default()
    }

    /// The rows of a span of ranks.
    pub(super) fn rows(&self, ranks: &Range<Rank>) -> Range<u32> {
        let start = |rank: Rank| self.starts.get(usize::from(rank)).copied();
        let end = self.starts.last().copied().unwrap_or_default();
        start(ranks.start).unwrap_or(end)..start(ranks.end).unwrap_or(end)
    }
}

impl Texts {
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let at = self.rows.binary_search(&u32::try_from(row).ok()?).ok()?;
        let from = at
            .checked_sub(1)
            .and_then(|b| self.ends.get(b))
            .copied()
            .unwrap_or(0);
        self.text.get(from as usize..*self.ends.get(at)? as usize)
    }

    /// Adds the text of a row later than all before; false where there is no more room.
    pub(super) fn push(&mut self, row: u32, text: &str) -> bool {
        let Ok(end) = u32::try_from(self.text.len() + text.len()) else {
            return false;
        };
        self.rows.push(row);
        self.text.push_str(text);
        self.ends.push(end);
        true
    }

    pub(super) fn is_sound(&self, rows: usize) -> bool {
        self.rows.len() == self.ends.len()
            && self.rows.is_sorted_by(|a, b| a < b)
            && self.rows.last().is_none_or(|r| (*r as usize) < rows)
            && self.ends.is_sorted()
            && self.ends.last().copied().unwrap_or(0) as usize == self.text.len()
            && self
                .ends
                .iter()
                .all(|end| self.text.is_char_boundary(*end as usize))
    }
}

/// The bit of a channel; none for those that reach no person.
pub(super) const fn way(channel: Channel) -> u32 {
    match channel {
        Channel::Sms | Channel::Voice => SMS,
        Channel::Email => EMAIL,
        Channel::Push => PUSH,
        Channel::Cap
        | Channel::Webhook
        | Channel::Device
        | Channel::Area
        | Channel::Cell
        | Channel::Broadcast => 0,
    }
}

pub(super) const fn language(bits: u32) -> Language {
    if bits & ENGLISH == 0 {
        Language::Zh
    } else {
        Language::En
    }
}

pub(super) const fn language_bit(language: Language) -> u32 {
    match language.working() {
        Working::Zh => 0,
        Working::En => ENGLISH,
    }
}
