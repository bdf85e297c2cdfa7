//! Subscribers as columns: some 19 bytes each beside e-mail addresses and push tokens, and the
//! number of each by row and by number among them.
//!
//! What order says is not stored: township and cell come from where a row stands, a column holds
//! where in its cell it lies (30 bits) beside its telephone (34 bits), and what many people have
//! in common (classes, language, ways) is a number of 15 bits.

use super::cells::{CELL_BITS, Cell, Runs, Spot};
use super::gather::Person;
use super::order::Rank;
use super::phones::Phones;
use model::{Channel, Language};
use std::ops::Range;

/// Audience classes one directory can tell apart.
pub(super) const CLASSES_MAX: usize = 24;

/// Different combinations of classes, language and ways in one directory.
pub(super) const PROFILES_MAX: usize = 1 << 15;

/// Bits of audience classes.
pub(super) const CLASS_BITS: u32 = (1 << CLASSES_MAX) - 1;

const LANGUAGE_AT: u32 = CLASSES_MAX as u32;
const LANGUAGE_BITS: u32 = 0b111 << LANGUAGE_AT;
const SMS: u32 = 1 << 27;
const EMAIL: u32 = 1 << 28;
const PUSH: u32 = 1 << 29;

/// The phone stands in the directory more than once.
pub(super) const SHARED: u32 = 1 << 30;

/// All ways to reach a person.
pub(super) const WAYS: u32 = SMS | EMAIL | PUSH;

/// [`SHARED`] in the column of profiles.
pub(super) const IS_SHARED: u16 = 1 << 15;

/// The columns, sorted by area in depth-first order, within one by grid cell, then by number.
#[derive(Clone, Default)]
pub(super) struct People {
    /// By rank: where its rows begin; one more at the end.
    pub(super) starts: Vec<u32>,
    pub(super) runs: Runs,
    pub(super) recipient: Vec<u32>,
    /// The code of the telephone, then where in its cell the place is.
    pub(super) spot: Vec<u64>,
    /// Which of `profiles`, and [`IS_SHARED`].
    pub(super) profile: Vec<u16>,
    /// Classes, language and ways.
    pub(super) profiles: Vec<u32>,
    pub(super) phones: Phones,
    pub(super) twins: Twins,
    pub(super) email: Texts,
    pub(super) push: Texts,
}

/// Rows whose telephone stands in another row too.
#[derive(Clone, Default)]
pub(super) struct Twins {
    /// The rows, rising.
    pub(super) rows: Vec<u32>,
    /// One number for all that share a telephone.
    pub(super) group: Vec<u32>,
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
        let profile = self.profile.get(row).copied().unwrap_or_default();
        let bits = self.profiles.get(usize::from(profile & !IS_SHARED));
        let shared = if profile & IS_SHARED == 0 { 0 } else { SHARED };
        bits.copied().unwrap_or_default() | shared
    }

    pub(super) fn phone(&self, row: usize) -> Option<u64> {
        self.phones.number(code_of(*self.spot.get(row)?))
    }

    /// A row with all it says.
    pub(super) fn person(&self, row: usize) -> Option<Person<'_>> {
        let at = u32::try_from(row).ok()?;
        let (_, cell) = self.runs.of_row(at)?;
        let packed = *self.spot.get(row)?;
        let after = self.starts.partition_point(|start| *start <= at);
        Some(Person {
            rank: Rank::try_from(after.checked_sub(1)?).ok()?,
            spot: spot_of(packed, cell),
            phone: self.phones.number(code_of(packed)),
            bits: self.bits_of(row) & !SHARED,
            email: self.email.get(row).unwrap_or_default(),
            push: self.push.get(row).unwrap_or_default(),
        })
    }

    /// The rows of a span of ranks.
    pub(super) fn rows(&self, ranks: &Range<Rank>) -> Range<u32> {
        let start = |rank: Rank| self.starts.get(usize::from(rank)).copied();
        let end = self.starts.last().copied().unwrap_or_default();
        start(ranks.start).unwrap_or(end)..start(ranks.end).unwrap_or(end)
    }

    /// True where the columns fit together, for so many ranks and numbers given.
    pub(super) fn is_sound(&self, ranks: usize, numbers: usize) -> bool {
        let rows = self.recipient.len();
        let profiles = self.profiles.len();
        self.starts.len() == ranks + 1
            && self.starts.is_sorted()
            && self.starts.last().copied().unwrap_or(0) as usize == rows
            && self.runs.is_sound(rows, ranks)
            && [self.spot.len(), self.profile.len()] == [rows, rows]
            && self.recipient.iter().all(|no| (*no as usize) < numbers)
            && self.spot.iter().all(|s| self.phones.has(code_of(*s)))
            && self
                .profile
                .iter()
                .all(|p| usize::from(p & !IS_SHARED) < profiles)
            && self.twins.is_sound(rows)
            && self.email.is_sound(rows)
            && self.push.is_sound(rows)
    }
}

impl Twins {
    /// The first of them at or behind a row, looked for from one before: near by, as a rule.
    pub(super) fn behind(&self, at: usize, row: u32) -> usize {
        let rest = self.rows.get(at..).unwrap_or_default();
        let mut near = 1;
        while rest.get(near).is_some_and(|r| *r < row) {
            near *= 2;
        }
        let (from, to) = (near / 2, (near + 1).min(rest.len()));
        let among = rest.get(from..to).unwrap_or_default();
        at + from + among.partition_point(|r| *r < row)
    }

    /// How many telephones are shared.
    fn groups(&self) -> usize {
        self.group.iter().max().map_or(0, |most| *most as usize + 1)
    }

    fn is_sound(&self, rows: usize) -> bool {
        self.rows.len() == self.group.len()
            && self.rows.is_sorted_by(|a, b| a < b)
            && self.rows.last().is_none_or(|r| (*r as usize) < rows)
            && self.groups() <= self.rows.len()
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

/// Telephone and place of one row.
pub(super) const fn packed(code: u64, spot: Spot) -> u64 {
    code << (2 * CELL_BITS) | spot.in_cell()
}

/// The telephone's code.
pub(super) const fn code_of(packed: u64) -> u64 {
    packed >> (2 * CELL_BITS)
}

/// The place, for a row of that cell.
pub(super) const fn spot_of(packed: u64, cell: Cell) -> Spot {
    cell.spot(packed & ((1 << (2 * CELL_BITS)) - 1))
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

pub(super) fn language(bits: u32) -> Language {
    let index = (bits & LANGUAGE_BITS) >> LANGUAGE_AT;
    let language = Language::ALL.get(index as usize);
    language.copied().unwrap_or_default()
}

pub(super) fn language_bits(language: Language) -> u32 {
    // Three bits hold eight languages; the order of those there are is kept.
    (language.index() as u32) << LANGUAGE_AT & LANGUAGE_BITS
}
