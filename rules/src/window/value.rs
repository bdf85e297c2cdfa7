//! What a window, an indicator or a forecast comes to.

/// A figure as an exact fraction; `of` 0 means unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Numerator, in quanta of the parameter (quanta an hour for a rate, milliseconds for an age).
    pub number: i128,
    /// Denominator, not negative.
    pub of: i128,
    /// True where at least 80 % of the window is covered by readings (semantics §15).
    pub covered: bool,
}

impl Value {
    /// No valid value in the window.
    pub const UNKNOWN: Self = Self {
        number: 0,
        of: 0,
        covered: false,
    };

    /// A whole number.
    pub const fn whole(number: i64, covered: bool) -> Self {
        Self {
            number: number as i128,
            of: 1,
            covered,
        }
    }

    /// True where there is a figure at all.
    pub const fn is_known(&self) -> bool {
        self.of != 0
    }
}
