//! What changed among the subscribers since a version was made: who came, moved or left. A version is
//! immutable; the few who changed stand beside it, and their rows in it are masked.
//!
//! Whoever shares a telephone with somebody who changed stands beside it too, so that a number
//! which two have is found on one side alone, and each is told once.

use super::columns::{CLASSES_MAX, People, language_bits, way};
use super::gather::{NoRoom, Person, Raw};
use super::joining::Resident;
use super::order::{Order, Rank};
use super::phones::NO_PHONE;
use super::{Directory, Standing, cells::Spot};
use crate::intent::RecipientNo;
use model::{AreaCode, Channel, City};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// People beside a version at most, those who share a telephone with them among them.
pub const CHANGED_MAX: usize = 1 << 16;

/// What became of one subscriber. Personal data: `Debug` shows the number alone, and it is written
/// sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Number: given once per id and never reused.
    pub recipient: RecipientNo,
    /// Hash of the id, by which they keep it.
    pub key: u64,
    /// As they stand now; nothing where they left.
    pub resident: Option<Resident>,
}

/// Why a change is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// As many as there may be beside a version.
    #[error(
        "{CHANGED_MAX} people changed since the directory's version was made, the most there may \
         be: start the service anew, which makes the next version"
    )]
    Full,
    /// A class too many.
    #[error("audience: more than {CLASSES_MAX} different classes; use those there are")]
    Classes,
    /// Their area is none of the city's.
    #[error("area: the city has no area {0} any more")]
    Area(AreaCode),
    /// The number is a responsible person's or a device's.
    #[error("recipient {0} is no subscriber")]
    Stranger(u32),
}

/// Those beside a version.
#[derive(Clone, Default)]
pub(super) struct Live {
    entries: BTreeMap<u32, Entry>,
    /// Changes so far: each has its turn.
    turns: u64,
    /// Hashes of ids, by number, of those who got theirs since.
    keys: BTreeMap<u32, u64>,
    /// Rows of the version that do not count any more, rising.
    pub(super) masked: Arc<Vec<u32>>,
    /// Those who stand beside it.
    pub(super) added: Arc<People>,
    /// Their rows, in the order in which they changed.
    pub(super) order: Arc<Vec<(u64, u32)>>,
    /// By number: the row among them, nothing for one who left.
    rows: Arc<FxHashMap<u32, Option<u32>>>,
}

#[derive(Clone)]
struct Entry {
    turn: u64,
    /// Nothing where they left.
    person: Option<Arc<Whole>>,
    /// They changed nothing themselves: their telephone is that of somebody who did.
    is_twin: bool,
}

/// A row outside of columns.
struct Whole {
    rank: Rank,
    spot: Spot,
    phone: Option<u64>,
    bits: u32,
    email: String,
    push: String,
}

impl Whole {
    fn of(person: &Person<'_>) -> Self {
        Self {
            rank: person.rank,
            spot: person.spot,
            phone: person.phone,
            bits: person.bits,
            email: person.email.to_owned(),
            push: person.push.to_owned(),
        }
    }

    fn person(&self) -> Person<'_> {
        Person {
            rank: self.rank,
            spot: self.spot,
            phone: self.phone,
            bits: self.bits,
            email: &self.email,
            push: &self.push,
        }
    }
}

impl Live {
    /// Where somebody who changed stands now; `None` for one who did not.
    pub(super) fn row_of(&self, no: u32) -> Option<Option<u32>> {
        self.rows.get(&no).copied()
    }

    fn put(&mut self, no: u32, person: Option<Arc<Whole>>, is_twin: bool) {
        self.turns += 1;
        let turn = self.turns;
        let entry = Entry {
            turn,
            person,
            is_twin,
        };
        self.entries.insert(no, entry);
    }

    /// Those who stand beside the version, as rows of their own.
    fn lay_out(&mut self, order: &Order) -> Result<(), Unchanged> {
        let mut raw = Raw::default();
        for (no, entry) in &self.entries {
            let Some(whole) = &entry.person else { continue };
            let person = whole.person();
            let fitted = raw.fit(&person).map_err(|why| match why {
                NoRoom::Profiles | NoRoom::Addresses => Unchanged::Full,
            })?;
            raw.push(&person, &fitted, *no);
        }
        let added = raw.sorted(order.codes().len());
        let mut rows: FxHashMap<u32, Option<u32>> =
            self.entries.keys().map(|no| (*no, None)).collect();
        let mut turns = Vec::with_capacity(added.len());
        for (no, row) in added.recipient.iter().zip(0..) {
            rows.insert(*no, Some(row));
            let turn = self.entries.get(no).map_or(0, |entry| entry.turn);
            turns.push((turn, row));
        }
        turns.sort_unstable();
        self.added = Arc::new(added);
        self.order = Arc::new(turns);
        self.rows = Arc::new(rows);
        Ok(())
    }
}

impl Directory {
    /// This directory after some changes, in their order. What it says of a version is not changed.
    ///
    /// # Errors
    /// One of them has no room or place; then none is taken.
    pub fn changed(&self, city: &City, changes: &[Change]) -> Result<Self, Unchanged> {
        let mut next = self.clone();
        let mut telephones = FxHashSet::default();
        for change in changes {
            let no = change.recipient.0;
            let row = self.row_of(no);
            if row.is_some_and(|row| row < self.first_subscriber()) {
                return Err(Unchanged::Stranger(no));
            }
            let before = row.and_then(|row| self.subscriber_at(row));
            telephones.extend(before.and_then(|(people, row)| people.phone(row)));
            let person = match &change.resident {
                Some(resident) => Some(Arc::new(next.whole(city, resident)?)),
                None => None,
            };
            telephones.extend(person.as_ref().and_then(|person| person.phone));
            next.live.put(no, person, false);
            if no as usize >= self.rows.len() {
                next.live.keys.insert(no, change.key);
            }
        }
        next.join_twins(&telephones);
        if next.live.entries.len() > CHANGED_MAX {
            return Err(Unchanged::Full);
        }
        let first = self.first_subscriber();
        let rows = next.live.entries.keys();
        let rows = rows.filter_map(|no| next.rows.get(*no as usize)?.checked_sub(first));
        let known = next.people.len();
        let mut masked: Vec<u32> = rows.filter(|row| (*row as usize) < known).collect();
        masked.sort_unstable();
        next.live.masked = Arc::new(masked);
        next.live.lay_out(&next.order)?;
        Ok(next)
    }

    /// How many stand beside the version or are masked in it.
    pub fn changes(&self) -> usize {
        self.live.entries.len()
    }

    /// The number of an id that came since the version was made.
    pub fn number_since(&self, key: u64) -> Option<RecipientNo> {
        let mut known = self.live.keys.iter();
        known.find_map(|(no, known)| (*known == key).then_some(RecipientNo(*no)))
    }

    /// Numbers given when the version was made.
    pub fn given(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Numbers given so far: the next one is this.
    pub fn numbers(&self) -> u32 {
        let since = self.live.keys.last_key_value();
        let given = self.given();
        since.map_or(given, |(no, _)| given.max(no.saturating_add(1)))
    }

    /// Hashes of the ids that came since, by number from the first one behind the version's on;
    /// nought where a number went to nobody here.
    pub(super) fn keys_since(&self) -> impl Iterator<Item = u64> {
        let given = self.given();
        let key = |no| self.live.keys.get(&no).copied().unwrap_or(0);
        (given..self.numbers()).map(key)
    }

    /// Of whom no later roll has the last word, after the changes.
    pub(super) fn standing_since(&self) -> Standing {
        let changed = |no: &u32| self.live.entries.get(no).filter(|entry| !entry.is_twin);
        let mut standing = Standing::clone(&self.standing);
        standing.own.retain(|no| changed(no).is_none());
        standing.out.retain(|no| changed(no).is_none());
        for (no, entry) in self.live.entries.iter().filter(|(_, entry)| !entry.is_twin) {
            match entry.person {
                Some(_) => standing.own.push(*no),
                None => standing.out.push(*no),
            }
        }
        standing.own.sort_unstable();
        standing.out.sort_unstable();
        standing
    }

    /// Every subscriber as they stand now, with their numbers.
    pub(super) fn residents(&self) -> impl Iterator<Item = (u32, Person<'_>)> {
        let first = self.first_subscriber();
        let mut masked = self.live.masked.iter().copied().peekable();
        let known = (0..self.people.len()).filter(move |row| {
            let is_masked = masked.peek().is_some_and(|next| *next as usize == *row);
            if is_masked {
                masked.next();
            }
            !is_masked
        });
        let known = known.map(move |row| row + first as usize);
        let added =
            (0..self.live.added.len()).map(move |row| row + first as usize + self.people.len());
        known.chain(added).filter_map(|row| {
            let (people, at) = self.subscriber_at(u32::try_from(row).ok()?)?;
            Some((*people.recipient.get(at)?, people.person(at)?))
        })
    }

    fn whole(&mut self, city: &City, resident: &Resident) -> Result<Whole, Unchanged> {
        let area = city.area_no(resident.area);
        let area = area.ok_or(Unchanged::Area(resident.area))?;
        let mut bits = language_bits(resident.language);
        for class in &resident.classes {
            let at = match self.classes.iter().position(|known| known == class) {
                Some(at) => at,
                None if self.classes.len() < CLASSES_MAX => {
                    self.classes.push(class.clone());
                    self.classes.len() - 1
                }
                None => return Err(Unchanged::Classes),
            };
            bits |= 1 << at;
        }
        let has = [
            (Channel::Sms, resident.phone.is_some()),
            (Channel::Email, !resident.email.is_empty()),
            (Channel::Push, !resident.push.is_empty()),
        ];
        let ways = has.iter().filter(|(_, has)| *has);
        bits |= ways.fold(0, |bits, (channel, _)| bits | way(*channel));
        Ok(Whole {
            rank: self.order.rank(area),
            spot: resident.spot(),
            phone: resident.phone,
            bits,
            email: resident.email.clone(),
            push: resident.push.clone(),
        })
    }

    /// Brings those of the version whose telephone is one of these beside it.
    fn join_twins(&mut self, telephones: &FxHashSet<u64>) {
        let codes = telephones.iter();
        let codes: FxHashSet<u64> = codes
            .filter_map(|phone| self.people.phones.code(*phone))
            .filter(|code| *code != NO_PHONE)
            .collect();
        if codes.is_empty() {
            return;
        }
        let people = Arc::clone(&self.people);
        let spots = people.spot.iter().zip(&people.recipient).enumerate();
        for (row, (spot, no)) in spots {
            if codes.contains(&super::columns::code_of(*spot))
                && !self.live.entries.contains_key(no)
                && let Some(person) = people.person(row)
            {
                self.live.put(*no, Some(Arc::new(Whole::of(&person))), true);
            }
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("recipient", &self.recipient)
            .field("stays", &self.resident.is_some())
            .finish_non_exhaustive()
    }
}
