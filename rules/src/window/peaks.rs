//! Largest and smallest cell of each four hours: what a long window's extremes are found from without
//! a look at each of its minutes.

use super::matrix::MISSING;

/// Minutes of one stretch: shorter ones are found sooner and take more room, four bytes each.
pub(super) const STRETCH: i64 = 256;

/// The extremes of the cells of one stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peak {
    pub(super) max: u16,
    /// [`MISSING`] where there is no cell.
    pub(super) min: u16,
}

impl Peak {
    /// Of no cell.
    pub(super) const NONE: Self = Self {
        max: 0,
        min: MISSING,
    };

    #[inline]
    pub(super) fn give(&mut self, cell: u16) {
        if cell != MISSING {
            self.max = self.max.max(cell);
            self.min = self.min.min(cell);
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            max: self.max.max(other.max),
            min: self.min.min(other.min),
        }
    }
}

/// The stretch of a minute.
#[inline]
pub(super) const fn stretch(minute: i64) -> i64 {
    minute.div_euclid(STRETCH)
}

/// The place of a stretch among those of a series.
#[inline]
pub(super) fn place(peaks: &[Peak], stretch: i64) -> usize {
    usize::try_from(stretch.rem_euclid(peaks.len().max(1) as i64)).unwrap_or(0)
}

/// Forgets what stood where the stretches after `newest` up to `minute` will stand.
#[inline]
pub(super) fn advance(peaks: &mut [Peak], newest: i64, minute: i64) {
    let last = stretch(minute);
    let first = stretch(newest).saturating_add(1);
    let first = first.max(last - peaks.len() as i64 + 1);
    for entered in first..=last {
        let at = place(peaks, entered);
        if let Some(peak) = peaks.get_mut(at) {
            *peak = Peak::NONE;
        }
    }
}
