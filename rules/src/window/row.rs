//! A dense ring of whole-minute values, two bytes each: what a minute gauge's history is kept in.

/// The mark of a minute without a value: missing differs from zero (semantics §11).
const MISSING: u16 = u16::MAX;

/// Values of consecutive minutes up to the newest, as distances from a base.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    cells: Vec<u16>,
    base: i32,
    newest: i64,
    head: usize,
}

impl Row {
    /// A row without cells: nothing whole-minute has come yet.
    pub(crate) const fn empty() -> Self {
        Self {
            cells: Vec::new(),
            base: 0,
            newest: i64::MIN,
            head: 0,
        }
    }

    /// A row of `length` minutes ending at `newest`, all missing.
    pub(crate) fn new(length: usize, base: i32, newest: i64) -> Self {
        Self {
            cells: vec![MISSING; length.max(1)],
            base,
            newest,
            head: 0,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(crate) const fn newest(&self) -> i64 {
        self.newest
    }

    /// The oldest minute the row still holds.
    pub(crate) const fn oldest(&self) -> i64 {
        self.newest - self.cells.len() as i64 + 1
    }

    /// True where the value lies within two bytes of the base.
    pub(crate) fn holds(&self, value: i32) -> bool {
        (0..i64::from(MISSING)).contains(&(i64::from(value) - i64::from(self.base)))
    }

    /// Moves the newest minute on; minutes passed over are missing.
    #[inline]
    pub(crate) fn advance(&mut self, to: i64) {
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

    /// The value of that minute; `None` where it is missing or out of the row.
    #[inline]
    pub(crate) fn get(&self, minute: i64) -> Option<i32> {
        let cell = *self.cells.get(self.place(minute)?)?;
        (cell != MISSING).then(|| self.base.wrapping_add(i32::from(cell)))
    }

    /// Writes or clears that minute; nothing happens outside the row.
    #[inline]
    pub(crate) fn set(&mut self, minute: i64, value: Option<i32>) {
        let Some(place) = self.place(minute) else {
            return;
        };
        let distance = value.map_or(MISSING, |v| {
            u16::try_from(i64::from(v) - i64::from(self.base)).unwrap_or(MISSING)
        });
        if let Some(cell) = self.cells.get_mut(place) {
            *cell = distance;
        }
    }

    /// The present values of minutes `from..=to`, oldest first.
    pub(crate) fn values(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, i32)> + '_ {
        let from = from.max(self.oldest());
        let to = to.min(self.newest);
        let count = usize::try_from(to - from + 1).unwrap_or(0);
        let start = self.place(from).unwrap_or(0);
        let first = count.min(self.cells.len() - start);
        let (wrapped, straight) = self.cells.split_at(start);
        straight
            .iter()
            .take(first)
            .chain(wrapped.iter().take(count - first))
            .zip(from..)
            .filter(|(cell, _)| **cell != MISSING)
            .map(|(cell, minute)| (minute, self.base.wrapping_add(i32::from(*cell))))
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

    #[test]
    fn keeps_the_last_minutes_and_tells_missing_from_zero() {
        let mut row = Row::new(3, 0, 10);
        row.set(10, Some(0));
        row.advance(12);
        row.set(12, Some(7));
        assert_eq!(
            (row.get(10), row.get(11), row.get(12)),
            (Some(0), None, Some(7))
        );
        row.advance(13);
        assert_eq!(row.get(10), None);
        assert_eq!(row.values(0, 99).collect::<Vec<_>>(), [(12, 7)]);
        row.advance(50);
        assert_eq!(row.values(0, 99).count(), 0);
    }
}
