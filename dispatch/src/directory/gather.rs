//! Subscribers as they are read, in file order, and then sorted once: a counting sort by area and
//! grid cell, column by column, so that no more than two columns stand there twice.

use super::cells::{Cell, Runs, Spot};
use super::columns::{IS_SHARED, PROFILES_MAX, People, Texts, Twins, code_of, packed};
use super::order::Rank;
use super::phones::{Coding, NO_PHONE};
use rustc_hash::FxHashMap;

/// Rows in file order, before they are sorted.
#[derive(Default)]
pub(super) struct Raw {
    /// Which run each row belongs to, by the order in which runs were met.
    run: Vec<u32>,
    recipient: Vec<u32>,
    spot: Vec<u64>,
    profile: Vec<u16>,
    email: Texts,
    push: Texts,
    seats: Seats,
    /// True while whoever unpacks rows has them, to look up runs.
    is_lent: bool,
    /// Rows that were put in meanwhile without one, and the keys of their runs.
    late: Vec<(u32, u64)>,
    profiles: Vec<u32>,
    profile_of: FxHashMap<u32, u16>,
    coding: Coding,
}

/// Runs by the order in which they were met.
#[derive(Default)]
pub(super) struct Seats {
    numbers: FxHashMap<u64, u32>,
    keys: Vec<u64>,
}

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Person<'a> {
    pub(super) rank: Rank,
    pub(super) spot: Spot,
    pub(super) phone: Option<u64>,
    /// Classes, language and ways.
    pub(super) bits: u32,
    pub(super) email: &'a str,
    pub(super) push: &'a str,
}

/// Why a row finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// [`PROFILES_MAX`] combinations of classes, language and ways.
    Profiles,
    /// 4 GiB of addresses, or 7 billion numbers that are no mobile ones of the country.
    Addresses,
}

/// A row's codes, found before it gets its number.
pub(super) struct Fitted {
    profile: u16,
    code: u64,
    /// The number of its run, where that was looked up before.
    pub(super) seat: Option<u32>,
}

impl Seats {
    /// The number of the run of an area in a cell.
    pub(super) fn of(&mut self, rank: Rank, cell: Cell) -> u32 {
        self.of_key(cell.key(rank))
    }

    fn of_key(&mut self, key: u64) -> u32 {
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.keys.push(key);
        }
        number
    }
}

impl Raw {
    /// The runs that were met, for whoever looks up those of the rows that follow; to be given back.
    pub(super) fn lend(&mut self) -> Seats {
        self.is_lent = true;
        std::mem::take(&mut self.seats)
    }

    /// Takes them back.
    pub(super) fn give_back(&mut self, seats: Seats) {
        (self.seats, self.is_lent) = (seats, false);
    }

    /// Room for so many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.run.reserve(rows);
        self.recipient.reserve(rows);
        self.spot.reserve(rows);
        self.profile.reserve(rows);
    }

    /// Whether a row has room.
    pub(super) fn fit(&mut self, person: &Person<'_>) -> Result<Fitted, NoRoom> {
        let profile = match self.profile_of.get(&person.bits) {
            Some(profile) => *profile,
            None => {
                let next = self.profiles.len();
                let profile = u16::try_from(next).ok().filter(|_| next < PROFILES_MAX);
                let profile = profile.ok_or(NoRoom::Profiles)?;
                self.profiles.push(person.bits);
                self.profile_of.insert(person.bits, profile);
                profile
            }
        };
        let fits = |texts: &Texts, more: &str| {
            u32::try_from(texts.text.len().saturating_add(more.len())).is_ok()
        };
        if !(fits(&self.email, person.email) && fits(&self.push, person.push)) {
            return Err(NoRoom::Addresses);
        }
        let code = self.coding.code(person.phone).ok_or(NoRoom::Addresses)?;
        Ok(Fitted {
            profile,
            code,
            seat: None,
        })
    }

    /// Adds a row that has room.
    pub(super) fn push(&mut self, person: &Person<'_>, fitted: &Fitted, recipient: u32) {
        let at = u32::try_from(self.recipient.len()).unwrap_or(u32::MAX);
        for (texts, text) in [
            (&mut self.email, person.email),
            (&mut self.push, person.push),
        ] {
            if !text.is_empty() {
                texts.push(at, text);
            }
        }
        let key = || person.spot.cell().key(person.rank);
        let run = match fitted.seat {
            Some(run) => run,
            None if self.is_lent => {
                self.late.push((at, key()));
                0
            }
            None => self.seats.of_key(key()),
        };
        self.run.push(run);
        self.recipient.push(recipient);
        self.spot.push(packed(fitted.code, person.spot));
        self.profile.push(fitted.profile);
    }

    /// The rows in their order.
    pub(super) fn sorted(self, ranks: usize) -> People {
        let Self {
            mut run,
            recipient,
            spot,
            profile,
            email,
            push,
            mut seats,
            is_lent: _,
            late,
            profiles,
            profile_of,
            coding,
        } = self;
        for (row, key) in late {
            if let Some(slot) = run.get_mut(row as usize) {
                *slot = seats.of_key(key);
            }
        }
        let Seats { keys, numbers } = seats;
        drop((numbers, profile_of));
        let (runs, mut next) = laid_out(&keys, &run);
        let starts = starts(&runs, ranks);
        // From here on `run` is where each row goes. Within a run rows stand by number.
        let mut goes = |run: &mut u32| {
            if let Some(slot) = next.get_mut(*run as usize) {
                *run = *slot;
                *slot += 1;
            }
        };
        if recipient.is_sorted() {
            run.iter_mut().for_each(&mut goes);
        } else {
            let mut by_number: Vec<(u32, u32)> = recipient.iter().copied().zip(0..).collect();
            by_number.sort_unstable();
            for (_, at) in by_number {
                if let Some(run) = run.get_mut(at as usize) {
                    goes(run);
                }
            }
        }
        // The widest column takes as long as the others together.
        let (spot, (recipient, profile)) = std::thread::scope(|scope| {
            let run = &run;
            let others = scope.spawn(move || (scattered(recipient, run), scattered(profile, run)));
            (scattered(spot, run), others.join().unwrap_or_default())
        });
        let mut people = People {
            starts,
            runs,
            recipient,
            spot,
            profile,
            profiles,
            phones: coding.finish(),
            twins: Twins::default(),
            email: moved(&email, &run),
            push: moved(&push, &run),
        };
        drop(run);
        mark_shared(&mut people);
        people
    }
}

/// Runs in their order, and by the order in which they were met where their rows begin; `run` is the
/// number of each row's. Of a run that was met for a row that was left out there may be none.
fn laid_out(met: &[u64], run: &[u32]) -> (Runs, Vec<u32>) {
    let mut counts = vec![0u32; met.len()];
    for number in run {
        if let Some(count) = counts.get_mut(*number as usize) {
            *count += 1;
        }
    }
    let mut order: Vec<(u64, u32)> = met.iter().copied().zip(0..).collect();
    order.retain(|(_, met)| counts.get(*met as usize).is_some_and(|rows| *rows > 0));
    order.sort_unstable();
    let mut next = vec![0u32; met.len()];
    let mut keys = Vec::with_capacity(order.len());
    let mut starts = Vec::with_capacity(order.len() + 1);
    let mut total = 0;
    for (key, met) in order {
        keys.push(key);
        starts.push(total);
        let rows = counts.get(met as usize).copied().unwrap_or(0);
        if let Some(slot) = next.get_mut(met as usize) {
            *slot = total;
        }
        total += rows;
    }
    starts.push(total);
    (Runs::new(keys, starts), next)
}

fn starts(runs: &Runs, ranks: usize) -> Vec<u32> {
    let first = |rank: usize| {
        let rank = Rank::try_from(rank).unwrap_or(Rank::MAX);
        let key = Cell { y: 0, x: 0 }.key(rank);
        let run = runs.keys.partition_point(|k| *k < key);
        runs.starts.get(run).copied().unwrap_or_default()
    };
    (0..=ranks).map(first).collect()
}

/// A column in its order; its old one is let go.
fn scattered<T: Copy + Default>(column: Vec<T>, goes: &[u32]) -> Vec<T> {
    let mut sorted = vec![T::default(); column.len()];
    for (value, to) in column.iter().zip(goes) {
        if let Some(slot) = sorted.get_mut(*to as usize) {
            *slot = *value;
        }
    }
    sorted
}

fn moved(texts: &Texts, goes: &[u32]) -> Texts {
    let to = |row: u32| goes.get(row as usize).copied();
    let mut order: Vec<(u32, u32)> = texts
        .rows
        .iter()
        .filter_map(|row| Some((to(*row)?, *row)))
        .collect();
    order.sort_unstable();
    let mut moved = Texts::default();
    for (row, from) in order {
        if let Some(text) = texts.get(from as usize) {
            moved.push(row, text);
        }
    }
    moved
}

/// Flags rows whose phone stands there more than once: only those need a look at sending.
fn mark_shared(people: &mut People) {
    /// Bits of a row beside a telephone's code: a billion rows.
    const ROW_BITS: u32 = 64 - super::phones::CODE_BITS;
    let codes = || {
        let codes = people.spot.iter().map(|spot| code_of(*spot)).zip(0u64..);
        codes.filter(|(code, row)| *code != NO_PHONE && *row < 1 << ROW_BITS)
    };
    let mut met = Met::new(people.spot.len());
    codes().for_each(|(code, _)| met.meet(code));
    // Few are left: those that stand there twice, and some that share a place with another.
    let again = codes().filter(|(code, _)| met.is_again(*code));
    let mut codes: Vec<u64> = again.map(|(code, row)| code << ROW_BITS | row).collect();
    codes.sort_unstable();
    let mut shared: Vec<(u32, u32)> = Vec::new();
    let mut group = 0;
    for same in codes.chunk_by(|a, b| a >> ROW_BITS == b >> ROW_BITS) {
        if same.len() < 2 {
            continue;
        }
        let rows = same.iter().map(|both| both & ((1 << ROW_BITS) - 1));
        shared.extend(rows.filter_map(|row| Some((u32::try_from(row).ok()?, group))));
        group += 1;
    }
    drop(codes);
    shared.sort_unstable();
    for (row, _) in &shared {
        if let Some(profile) = people.profile.get_mut(*row as usize) {
            *profile |= IS_SHARED;
        }
    }
    people.twins = Twins {
        rows: shared.iter().map(|(row, _)| *row).collect(),
        group: shared.iter().map(|(_, group)| *group).collect(),
    };
}

/// Whether a number may have been met before: two bits by its hash, sixteen places a number.
struct Met {
    once: Vec<u64>,
    again: Vec<u64>,
    shift: u32,
}

impl Met {
    fn new(numbers: usize) -> Self {
        let places = numbers.saturating_mul(16).next_power_of_two().max(1 << 10);
        Self {
            once: vec![0; places / 64],
            again: vec![0; places / 64],
            shift: 64 - places.trailing_zeros(),
        }
    }

    /// Word and bit of a number: the upper bits of a product with 2^64 over the golden ratio (Knuth,
    /// The Art of Computer Programming, volume 3, 6.4).
    const fn place(&self, number: u64) -> (usize, u64) {
        let place = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        ((place / 64) as usize, 1 << (place % 64))
    }

    fn meet(&mut self, number: u64) {
        let (word, bit) = self.place(number);
        if let (Some(once), Some(again)) = (self.once.get_mut(word), self.again.get_mut(word)) {
            *again |= *once & bit;
            *once |= bit;
        }
    }

    fn is_again(&self, number: u64) -> bool {
        let (word, bit) = self.place(number);
        self.again.get(word).is_some_and(|again| again & bit != 0)
    }
}
