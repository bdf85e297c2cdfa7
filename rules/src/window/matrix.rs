//! Minute cells of many series, time-major: one row a minute, one column a series, two bytes a
//! cell. What leaves a window is read from a row that the series beside it read as well.

/// The mark of a minute without a value: missing differs from zero (semantics §11).
pub(super) const MISSING: u16 = u16::MAX;

/// No row is kept elsewhere.
pub(super) const NOT_SEALED: i64 = i64::MIN;
/// Of so many cells one may change after its row was sealed, before sealing begins anew.
const CHANGED_OF: usize = 32;

/// Consecutive minutes up to the newest that any column has reached.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    cells: Vec<u16>,
    width: usize,
    rows: usize,
    newest: i64,
    /// Newest minute whose row is kept elsewhere.
    sealed: i64,
    /// Cells that changed in such rows since the last sealing: minute and column.
    changed: Vec<(i64, u32)>,
}

impl Default for Matrix {
    fn default() -> Self {
        Self::of(Vec::new(), 0, 0, 0)
    }
}

impl Matrix {
    /// `rows` minutes of `width` columns that end at `newest`, all missing.
    pub(super) fn new(rows: usize, width: usize, newest: i64) -> Self {
        Self::of(vec![MISSING; rows * width], width, rows, newest)
    }

    /// Rows that were kept elsewhere: cells by row and column, rows by minute modulo their count.
    pub(super) const fn of(cells: Vec<u16>, width: usize, rows: usize, newest: i64) -> Self {
        Self {
            cells,
            width,
            rows,
            newest,
            sealed: NOT_SEALED,
            changed: Vec::new(),
        }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The cells of one minute, by column; empty where it is not held.
    pub(super) fn row(&self, minute: i64) -> &[u16] {
        let start = self.row_start(minute);
        let row = start.and_then(|start| self.cells.get(start..start + self.width));
        row.unwrap_or_default()
    }

    /// As [`Matrix::row`], to be filled with what was kept elsewhere.
    pub(super) fn row_mut(&mut self, minute: i64) -> &mut [u16] {
        let start = self.row_start(minute);
        let row = start.and_then(|start| self.cells.get_mut(start..start + self.width));
        row.unwrap_or_default()
    }

    /// Newest minute whose row is kept elsewhere.
    pub(super) const fn sealed(&self) -> i64 {
        self.sealed
    }

    /// The oldest minute whose row is kept here alone.
    pub(super) fn first_open(&self) -> i64 {
        self.sealed.saturating_add(1).max(self.oldest())
    }

    /// Rows up to `minute` are kept elsewhere; what changes there from now on is noted.
    pub(super) const fn set_sealed(&mut self, minute: i64) {
        self.sealed = minute;
    }

    /// The cells that changed in sealed rows since this was last asked, by minute and column.
    pub(super) fn take_changed(&mut self) -> Vec<(i64, u32)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        let oldest = self.oldest();
        changed.retain(|(minute, _)| *minute >= oldest);
        changed
    }

    /// True where no minute has come yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(super) const fn newest(&self) -> i64 {
        self.newest
    }

    /// The oldest minute still held.
    pub(super) const fn oldest(&self) -> i64 {
        self.newest - self.rows as i64 + 1
    }

    pub(super) const fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u16>() + self.changed.capacity() * size_of::<(i64, u32)>()
    }

    /// Where the row of `minute` begins among all cells.
    #[inline]
    pub(super) fn row_start(&self, minute: i64) -> Option<usize> {
        if self.is_empty() || minute > self.newest || minute < self.oldest() {
            return None;
        }
        usize::try_from(minute.rem_euclid(self.rows as i64))
            .ok()
            .map(|row| row * self.width)
    }

    /// Every cell, for those that know their places.
    #[inline]
    pub(super) fn cells_mut(&mut self) -> &mut [u16] {
        &mut self.cells
    }

    /// The cell of a column at `minute`; missing outside.
    #[inline]
    pub(super) fn get(&self, minute: i64, column: usize) -> u16 {
        let cell = self.row_start(minute).map(|start| start + column);
        cell.and_then(|at| self.cells.get(at).copied())
            .unwrap_or(MISSING)
    }

    /// The cells of a column from one minute to another, with their minutes.
    pub(super) fn column(
        &self,
        column: usize,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = (i64, u16)> + '_ {
        let (from, to) = (from.max(self.oldest()), to.min(self.newest));
        let mut at = self.row_start(from).map_or(0, |start| start + column);
        (from..=to).map(move |minute| {
            let cell = self.cells.get(at).copied().unwrap_or(MISSING);
            at += self.width;
            if at >= self.cells.len() {
                at -= self.cells.len();
            }
            (minute, cell)
        })
    }

    /// Writes a cell; nothing happens outside.
    #[inline]
    pub(super) fn set(&mut self, minute: i64, column: usize, cell: u16) {
        let at = self.row_start(minute).map(|start| start + column);
        let Some(place) = at.and_then(|at| self.cells.get_mut(at)) else {
            return;
        };
        let before = std::mem::replace(place, cell);
        if minute <= self.sealed && before != cell {
            self.note(minute, column);
        }
    }

    fn note(&mut self, minute: i64, column: usize) {
        if self.changed.len() >= self.cells.len() / CHANGED_OF {
            self.sealed = NOT_SEALED;
            self.changed = Vec::new();
        } else {
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            self.changed.push((minute, column));
        }
    }

    /// Moves the newest minute on; the rows of the oldest minutes begin anew, all missing.
    pub(super) fn advance(&mut self, to: i64) {
        if to - self.newest >= self.rows as i64 {
            self.cells.fill(MISSING);
            self.newest = to;
            return;
        }
        while self.newest < to {
            self.newest += 1;
            if let Some(start) = self.row_start(self.newest)
                && let Some(row) = self.cells.get_mut(start..start + self.width)
            {
                row.fill(MISSING);
            }
        }
    }
}
