//! The colours of a warning, in order.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A warning tier. `None` is "no warning" so that tiers compare and subtract plainly.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Tier {
    /// Nothing in force.
    #[default]
    None = 0,
    /// White: typhoon only, 48 hours ahead (Guangdong).
    White = 1,
    /// Blue, Ⅳ 一般.
    Blue = 2,
    /// Yellow, Ⅲ 较重.
    Yellow = 3,
    /// Orange, Ⅱ 严重.
    Orange = 4,
    /// Red, Ⅰ 特别严重.
    Red = 5,
}

impl Tier {
    /// Every tier from none to red.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::White,
        Self::Blue,
        Self::Yellow,
        Self::Orange,
        Self::Red,
    ];

    /// The five that warn, lowest first.
    pub const WARNING: [Self; 5] = [
        Self::White,
        Self::Blue,
        Self::Yellow,
        Self::Orange,
        Self::Red,
    ];

    /// 0 (none) to 5 (red).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The tier of that index.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// The contract's name: `none white blue yellow orange red`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::White => "white",
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }

    /// The tier of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The Chinese colour word.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::None => "无",
            Self::White => "白色",
            Self::Blue => "蓝色",
            Self::Yellow => "黄色",
            Self::Orange => "橙色",
            Self::Red => "红色",
        }
    }

    /// CAP 1.2 `severity` (design §3).
    pub const fn cap_severity(self) -> &'static str {
        match self {
            Self::None => "Unknown",
            Self::White | Self::Blue => "Minor",
            Self::Yellow => "Moderate",
            Self::Orange => "Severe",
            Self::Red => "Extreme",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
