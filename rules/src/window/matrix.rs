//! Minute cells of many series, time-major: one row a minute, one column a series, two bytes a
//! cell. What leaves a window is read from a row that the series beside it read as well.

/// The mark of a minute without a value: missing differs from zero (semantics §11).
pub(super) const MISSING: u16 = u16::MAX;

/// Consecutive minutes up to the newest that any column has reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix {
    cells: Vec<u16>,
    width: usize,
    rows: usize,
    newest: i64,
}

impl Matrix {
    /// `rows` minutes of `width` columns that end at `newest`, all missing.
    pub(super) fn new(rows: usize, width: usize, newest: i64) -> Self {
        Self {
            cells: vec![MISSING; rows * width],
            width,
            rows,
            newest,
        }
    }

    /// Rows that were kept elsewhere: cells by row and column, rows by minute modulo their count.
    pub(super) const fn of(cells: Vec<u16>, width: usize, rows: usize, newest: i64) -> Self {
        Self {
            cells,
            width,
            rows,
            newest,
        }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// Every cell, row by row.
    pub(super) fn cells(&self) -> &[u16] {
        &self.cells
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
        self.cells.capacity() * size_of::<u16>()
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

    /// Writes a cell; nothing happens outside.
    #[inline]
    pub(super) fn set(&mut self, minute: i64, column: usize, cell: u16) {
        let at = self.row_start(minute).map(|start| start + column);
        if let Some(place) = at.and_then(|at| self.cells.get_mut(at)) {
            *place = cell;
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
