//! Actual, exercise and test: separate worlds that share nothing (semantics §9).

use serde::{Deserialize, Serialize};

/// Which world a zone, topic or warning belongs to. Nothing converts one into another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real: people act on it.
    #[default]
    Actual,
    /// A drill: white-listed people only.
    Exercise,
    /// A technical test: no person is told.
    Test,
}

impl Mode {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Exercise => "exercise",
            Self::Test => "test",
        }
    }

    /// CAP 1.2 `status`.
    pub const fn cap_status(self) -> &'static str {
        match self {
            Self::Actual => "Actual",
            Self::Exercise => "Exercise",
            Self::Test => "Test",
        }
    }
}
