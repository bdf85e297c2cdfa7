//! Least squares kept running: what the slope over a window of minute cells hangs on.
//!
//! Times are whole minutes since 1970, values the distances that cells hold. Sums are taken modulo
//! 2⁶⁴: the slope is the same wherever times are counted from, and counted from the window's own
//! beginning every sum of a month of minutes fits, so that what wraps on the way comes back.

use super::matrix::MISSING;

/// Sums over the cells of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(super) times: i64,
    pub(super) squares: i64,
    pub(super) products: i64,
}

impl Line {
    /// A cell enters the window; nothing happens where it is missing.
    #[inline]
    pub(super) fn give(&mut self, minute: i64, cell: u16) {
        if cell != MISSING {
            self.times = self.times.wrapping_add(minute);
            self.squares = self.squares.wrapping_add(minute.wrapping_mul(minute));
            let product = minute.wrapping_mul(i64::from(cell));
            self.products = self.products.wrapping_add(product);
        }
    }

    /// A cell leaves it.
    #[inline]
    pub(super) fn take(&mut self, minute: i64, cell: u16) {
        if cell != MISSING {
            self.times = self.times.wrapping_sub(minute);
            self.squares = self.squares.wrapping_sub(minute.wrapping_mul(minute));
            let product = minute.wrapping_mul(i64::from(cell));
            self.products = self.products.wrapping_sub(product);
        }
    }

    /// The same sums with times counted from `minute`, of so many cells that add up to `sum`.
    pub(super) const fn from(self, minute: i64, count: i64, sum: i64) -> Self {
        let shift = minute.wrapping_mul(2).wrapping_mul(self.times);
        let square = minute.wrapping_mul(minute).wrapping_mul(count);
        Self {
            times: self.times.wrapping_sub(minute.wrapping_mul(count)),
            squares: self.squares.wrapping_sub(shift).wrapping_add(square),
            products: self.products.wrapping_sub(minute.wrapping_mul(sum)),
        }
    }
}
