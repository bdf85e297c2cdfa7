//! A ring of minute cells of one series alone: where its windows are scanned, or where it lies too
//! far behind the others to share their rows.

use super::matrix::MISSING;

/// Cells of consecutive minutes up to the newest.
#[derive(Clone, Debug)]
pub(super) struct Row {
    cells: Vec<u16>,
    newest: i64,
    head: usize,
}

impl Row {
    /// A row of `length` minutes ending at `newest`, all missing.
    pub(super) fn new(length: usize, newest: i64) -> Self {
        Self {
            cells: vec![MISSING; length.max(1)],
            newest,
            head: 0,
        }
    }

    /// A row that was kept elsewhere: its cells from the oldest to `newest`.
    pub(super) fn of(cells: Vec<u16>, newest: i64) -> Self {
        Self {
            head: cells.len().saturating_sub(1),
            cells,
            newest,
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        size_of::<Self>() + self.cells.capacity() * size_of::<u16>()
    }

    pub(super) const fn newest(&self) -> i64 {
        self.newest
    }

    /// The oldest minute the row still holds.
    pub(super) const fn oldest(&self) -> i64 {
        self.newest - self.cells.len() as i64 + 1
    }

    /// Moves the newest minute on; minutes passed over are missing.
    #[inline]
    pub(super) fn advance(&mut self, to: i64) {
        let steps = to - self.newest;
        if steps >= self.cells.len() as i64 {
            self.cells.fill(MISSING);
            self.newest = to;
            return;
        }
        for _ in 0..steps {
            self.head += 1;
            if self.head == self.cells.len() {
                self.head = 0;
            }
            if let Some(cell) = self.cells.get_mut(self.head) {
                *cell = MISSING;
            }
        }
        self.newest = self.newest.max(to);
    }

    /// The cell of that minute; missing outside the row.
    #[inline]
    pub(super) fn get(&self, minute: i64) -> u16 {
        let cell = self.place(minute).and_then(|place| self.cells.get(place));
        cell.copied().unwrap_or(MISSING)
    }

    /// Writes that minute; nothing happens outside the row.
    #[inline]
    pub(super) fn set(&mut self, minute: i64, cell: u16) {
        let place = self.place(minute);
        if let Some(place) = place.and_then(|place| self.cells.get_mut(place)) {
            *place = cell;
        }
    }

    /// The cells of minutes `from..=to` in two runs, oldest first, with the first minute.
    pub(super) fn runs(&self, from: i64, to: i64) -> (i64, &[u16], &[u16]) {
        let from = from.max(self.oldest());
        let to = to.min(self.newest);
        let count = usize::try_from(to - from + 1).unwrap_or(0);
        let start = self.place(from).unwrap_or(0);
        let first = count.min(self.cells.len() - start);
        let straight = self.cells.get(start..start + first).unwrap_or_default();
        let wrapped = self.cells.get(..count - first).unwrap_or_default();
        (from, straight, wrapped)
    }

    #[inline]
    fn place(&self, minute: i64) -> Option<usize> {
        let back = usize::try_from(self.newest.checked_sub(minute)?).ok()?;
        if back >= self.cells.len() {
            return None;
        }
        Some(if back <= self.head {
            self.head - back
        } else {
            self.head + self.cells.len() - back
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(row: &Row) -> Vec<(i64, u16)> {
        let (from, straight, wrapped) = row.runs(0, 99);
        let cells = (from..).zip(straight.iter().chain(wrapped).copied());
        cells.filter(|(_, cell)| *cell != MISSING).collect()
    }

    #[test]
    fn keeps_the_last_minutes_and_tells_missing_from_zero() {
        let mut row = Row::new(3, 10);
        row.set(10, 0);
        row.advance(12);
        row.set(12, 7);
        assert_eq!((row.get(10), row.get(11), row.get(12)), (0, MISSING, 7));
        row.advance(13);
        assert_eq!(row.get(10), MISSING);
        assert_eq!(present(&row), [(12, 7)]);
        row.advance(50);
        assert_eq!(present(&row), []);
    }
}
