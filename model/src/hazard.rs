//! What threatens: event types with their national code.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A hazard, by the national event code (GB/T 35561; the codes of domain §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hazard {
    /// `11A01` river flood 洪水.
    RiverFlood,
    /// `11A02` urban waterlogging 内涝.
    Waterlogging,
    /// `11A51` flash flood 山洪.
    FlashFlood,
    /// `11B01` typhoon 台风.
    Typhoon,
    /// `11B03` rainstorm 暴雨.
    Rainstorm,
    /// `11B06` gale 大风.
    Gale,
    /// `11B09` heat 高温.
    Heat,
    /// `11B15` hail 冰雹.
    Hail,
    /// `11B17` fog 大雾.
    Fog,
    /// `11B20` thunder-gale 雷雨大风.
    ThunderGale,
    /// `11B22` drought 干旱.
    Drought,
    /// `11B37` geological met-risk 地质灾害气象风险.
    GeologicalRisk,
    /// `11D01` landslide 滑坡.
    Landslide,
    /// `11E02` storm surge 风暴潮.
    StormSurge,
}

impl Hazard {
    /// Every hazard, by code.
    pub const ALL: [Self; 14] = [
        Self::RiverFlood,
        Self::Waterlogging,
        Self::FlashFlood,
        Self::Typhoon,
        Self::Rainstorm,
        Self::Gale,
        Self::Heat,
        Self::Hail,
        Self::Fog,
        Self::ThunderGale,
        Self::Drought,
        Self::GeologicalRisk,
        Self::Landslide,
        Self::StormSurge,
    ];

    /// The national code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RiverFlood => "11A01",
            Self::Waterlogging => "11A02",
            Self::FlashFlood => "11A51",
            Self::Typhoon => "11B01",
            Self::Rainstorm => "11B03",
            Self::Gale => "11B06",
            Self::Heat => "11B09",
            Self::Hail => "11B15",
            Self::Fog => "11B17",
            Self::ThunderGale => "11B20",
            Self::Drought => "11B22",
            Self::GeologicalRisk => "11B37",
            Self::Landslide => "11D01",
            Self::StormSurge => "11E02",
        }
    }

    /// The hazard of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.code() == code)
    }

    /// Chinese name.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::RiverFlood => "洪水",
            Self::Waterlogging => "内涝",
            Self::FlashFlood => "山洪",
            Self::Typhoon => "台风",
            Self::Rainstorm => "暴雨",
            Self::Gale => "大风",
            Self::Heat => "高温",
            Self::Hail => "冰雹",
            Self::Fog => "大雾",
            Self::ThunderGale => "雷雨大风",
            Self::Drought => "干旱",
            Self::GeologicalRisk => "地质灾害气象风险",
            Self::Landslide => "滑坡",
            Self::StormSurge => "风暴潮",
        }
    }

    /// English name.
    pub const fn en(self) -> &'static str {
        match self {
            Self::RiverFlood => "river flood",
            Self::Waterlogging => "waterlogging",
            Self::FlashFlood => "flash flood",
            Self::Typhoon => "typhoon",
            Self::Rainstorm => "rainstorm",
            Self::Gale => "gale",
            Self::Heat => "heat",
            Self::Hail => "hail",
            Self::Fog => "fog",
            Self::ThunderGale => "thunderstorm gale",
            Self::Drought => "drought",
            Self::GeologicalRisk => "geological risk",
            Self::Landslide => "landslide",
            Self::StormSurge => "storm surge",
        }
    }

    /// CAP 1.2 `category`.
    pub const fn cap_category(self) -> &'static str {
        match self {
            Self::GeologicalRisk | Self::Landslide => "Geo",
            Self::RiverFlood
            | Self::Waterlogging
            | Self::FlashFlood
            | Self::Typhoon
            | Self::Rainstorm
            | Self::Gale
            | Self::Heat
            | Self::Hail
            | Self::Fog
            | Self::ThunderGale
            | Self::Drought
            | Self::StormSurge => "Met",
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Hazard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Hazard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{code:?} is not a known event code; known: {}",
                Self::ALL.map(Self::code).join(" ")
            ))
        })
    }
}
