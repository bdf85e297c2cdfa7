//! The public in a place, as fast as memory gives them: rows that lie inside as a whole are gone
//! through without a look at where they are, each telephone is given once, and the first numbers
//! are there before the last are found.

use super::cells::Cell;
use super::columns::{CLASS_BITS, IS_SHARED, People, WAYS, spot_of};
use super::resolve::ResolveError;
use super::shape::cover::{Around, Cover};
use super::slices::Slice;
use super::{Directory, columns};
use crate::intent::Audience;
use model::{Channel, City};
use std::ops::Range;
use std::sync::Arc;

/// Rows gone through before numbers are given.
const STEP: u32 = 4_096;

/// Who of the public an audience means by one channel, each address once; see
/// [`Directory::targets`].
pub struct Targets<'d> {
    cover: Option<Cover>,
    known: Part<'d>,
    /// Those who changed since the version: none of their telephones is one of the others'.
    changed: Part<'d>,
}

/// Rows of one table.
struct Part<'d> {
    people: &'d People,
    /// By profile: 1 where it is meant and reached.
    meant: Vec<u8>,
    slices: Vec<Slice>,
    /// Where it stands: the slice, and the next row of it.
    slice: usize,
    row: u32,
    /// The next of the rows that share a telephone.
    twin: usize,
    /// By group of those: told already.
    told: Vec<u64>,
    around: Around,
    inside: Vec<bool>,
}

impl Directory {
    /// Goes through the public that an audience means and a channel reaches, in the order of areas
    /// and grid cells. A telephone that stands in several rows is given once, for the first of
    /// them; who has other ways besides is given like everybody else.
    ///
    /// # Errors
    /// The audience was made for another version.
    pub fn targets(
        &self,
        city: &City,
        audience: &Audience,
        channel: Channel,
    ) -> Result<Targets<'_>, ResolveError> {
        let selection = self.select_public(city, audience)?;
        let (way, classes) = (columns::way(channel), selection.classes);
        let is_meant =
            |bits: &u32| u8::from(bits & way & WAYS != 0 && bits & classes & CLASS_BITS != 0);
        let part = |people: &'_ Arc<People>| people.profiles.iter().map(is_meant).collect();
        let (known, changed) = (part(&self.people), part(&self.live.added));
        // Rows of each table are counted from its own first.
        let base = self.people.len() as u32;
        let of_table = selection.changed.into_iter().map(|slice| Slice {
            rows: slice.rows.start - base..slice.rows.end - base,
            near: slice.near,
        });
        Ok(Targets {
            cover: selection.cover,
            known: Part::new(&self.people, known, selection.slices),
            changed: Part::new(&self.live.added, changed, of_table.collect()),
        })
    }
}

impl Targets<'_> {
    /// Appends the numbers of some thousand rows; false once all rows were gone through.
    pub fn next(&mut self, numbers: &mut Vec<u32>) -> bool {
        let cover = self.cover.as_ref();
        self.known.next(cover, numbers) || self.changed.next(cover, numbers)
    }
}

impl<'d> Part<'d> {
    fn new(people: &'d People, meant: Vec<u8>, slices: Vec<Slice>) -> Self {
        Self {
            people,
            meant,
            row: slices.first().map_or(0, |slice| slice.rows.start),
            slices,
            slice: 0,
            twin: 0,
            // There are no more groups than rows of them; to count them would take longer than small places.
            told: vec![0; people.twins.rows.len().div_ceil(64)],
            around: Around::default(),
            inside: Vec::new(),
        }
    }

    fn next(&mut self, cover: Option<&Cover>, numbers: &mut Vec<u32>) -> bool {
        let mut left = STEP;
        while left > 0 {
            let Some(slice) = self.slices.get(self.slice) else {
                return false;
            };
            let (near, end) = (slice.near, slice.rows.end);
            let mut rows = self.row..end;
            if near {
                // Cell by cell.
                let run = self.people.runs.of_row(self.row);
                let Some((run, cell)) = run else { return false };
                rows.end = run.end.min(end);
                self.look(cover, cell, &rows);
            } else {
                rows.end = self.row.saturating_add(left).min(end);
            }
            self.give(&rows, near, numbers);
            left = left.saturating_sub(rows.end - rows.start);
            self.row = rows.end;
            if self.row >= end {
                self.slice += 1;
                self.row = self.slices.get(self.slice).map_or(0, |s| s.rows.start);
            }
        }
        true
    }

    /// Which rows of one cell lie inside.
    fn look(&mut self, cover: Option<&Cover>, cell: Cell, rows: &Range<u32>) {
        self.inside.clear();
        let Some(cover) = cover else { return };
        cover.around(cell, &mut self.around);
        let spots = self.people.spot.get(span(rows)).unwrap_or_default();
        let around = &self.around;
        let inside = spots
            .iter()
            .map(|spot| cover.holds(spot_of(*spot, cell), around));
        self.inside.extend(inside);
    }

    fn give(&mut self, rows: &Range<u32>, near: bool, numbers: &mut Vec<u32>) {
        let profiles = self.people.profile.get(span(rows)).unwrap_or_default();
        let given = self.people.recipient.get(span(rows)).unwrap_or_default();
        self.twin = self.people.twins.behind(self.twin, rows.start);
        let begin = numbers.len();
        // Room for all of them; what was not given is cut off again.
        numbers.resize(begin + given.len(), 0);
        let room = numbers.get_mut(begin..).unwrap_or_default();
        let mut count = 0;
        let mut inside = self.inside.iter();
        for (profile, number) in profiles.iter().zip(given) {
            let kind = usize::from(profile & !IS_SHARED);
            let mut meant = self.meant.get(kind).copied().unwrap_or(0);
            if near {
                meant &= u8::from(inside.next().copied().unwrap_or(false));
            }
            if profile & IS_SHARED != 0 {
                let group = self.people.twins.group.get(self.twin).copied();
                self.twin += 1;
                if meant != 0 {
                    meant = first(&mut self.told, group.unwrap_or(0));
                }
            }
            if let Some(slot) = room.get_mut(count) {
                *slot = *number;
            }
            count += usize::from(meant);
        }
        numbers.truncate(begin + count);
    }
}

/// 1 where nobody of that group was told before.
fn first(told: &mut [u64], group: u32) -> u8 {
    let Some(word) = told.get_mut(group as usize / 64) else {
        return 1;
    };
    let bit = 1 << (group % 64);
    let was = *word & bit;
    *word |= bit;
    u8::from(was == 0)
}

fn span(rows: &Range<u32>) -> Range<usize> {
    rows.start as usize..rows.end as usize
}
