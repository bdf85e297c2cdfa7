//! Quality flags of one value, as the China Meteorological Administration codes them.

use serde::{Deserialize, Serialize};

/// Quality control flag (QX/T 118): which values a window may use is semantics §13.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Quality {
    /// 0: checked and correct.
    Correct = 0,
    /// 1: suspect; used, but a rise that rests on it stays unconfirmed.
    Suspect = 1,
    /// 2: wrong; never enters a window.
    Wrong = 2,
    /// 3: corrected by a person or a later report.
    Corrected = 3,
    /// 4: modified.
    Modified = 4,
    /// 5: reserved by the standard.
    Reserved5 = 5,
    /// 6: reserved by the standard.
    Reserved6 = 6,
    /// 7: no observation task.
    NoTask = 7,
    /// 8: missing; never enters a window.
    Missing = 8,
    /// 9: not checked.
    #[default]
    Unchecked = 9,
}

impl Quality {
    /// Every flag, by its number.
    pub const ALL: [Self; 10] = [
        Self::Correct,
        Self::Suspect,
        Self::Wrong,
        Self::Corrected,
        Self::Modified,
        Self::Reserved5,
        Self::Reserved6,
        Self::NoTask,
        Self::Missing,
        Self::Unchecked,
    ];

    /// The flag's number in the standard.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The flag of that number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// True where windows take the value (semantics §13: every flag but 2 and 8).
    pub const fn is_usable(self) -> bool {
        !matches!(self, Self::Wrong | Self::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_standards() {
        for (code, flag) in Quality::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(flag.code()), code);
        }
        let unusable: Vec<_> = Quality::ALL
            .into_iter()
            .filter(|q| !q.is_usable())
            .collect();
        assert_eq!(unusable, [Quality::Wrong, Quality::Missing]);
        assert_eq!(Quality::from_code(10), None);
    }
}
