//! What threatens: event types with their national code.

use crate::fault::nearest;
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
    /// `11B04` snowstorm 暴雪.
    Snowstorm,
    /// `11B05` cold wave 寒潮.
    ColdWave,
    /// `11B06` gale 大风.
    Gale,
    /// `11B08` cold 寒冷, a signal of Guangdong's own. The code is the national one of low temperature
    /// 低温 as remembered: likely, not read in GB/T 35561.
    Cold,
    /// `11B09` heat 高温.
    Heat,
    /// `11B14` lightning 雷电.
    Lightning,
    /// `11B15` hail 冰雹.
    Hail,
    /// `11B17` fog 大雾.
    Fog,
    /// `11B19` haze 霾 (灰霾 in Guangdong).
    Haze,
    /// `11B20` thunder-gale 雷雨大风.
    ThunderGale,
    /// `11B21` road icing 道路结冰.
    RoadIcing,
    /// `11B22` drought 干旱.
    Drought,
    /// `11B25` forest-fire danger 森林火险, not the fire itself.
    FireDanger,
    /// `11B37` geological met-risk 地质灾害气象风险.
    GeologicalRisk,
    /// `11D01` landslide 滑坡.
    Landslide,
    /// `11D02` debris flow 泥石流.
    DebrisFlow,
    /// `11E02` storm surge 风暴潮.
    StormSurge,
}

impl Hazard {
    /// Every hazard, by code.
    pub const ALL: [Self; 22] = [
        Self::RiverFlood,
        Self::Waterlogging,
        Self::FlashFlood,
        Self::Typhoon,
        Self::Rainstorm,
        Self::Snowstorm,
        Self::ColdWave,
        Self::Gale,
        Self::Cold,
        Self::Heat,
        Self::Lightning,
        Self::Hail,
        Self::Fog,
        Self::Haze,
        Self::ThunderGale,
        Self::RoadIcing,
        Self::Drought,
        Self::FireDanger,
        Self::GeologicalRisk,
        Self::Landslide,
        Self::DebrisFlow,
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
            Self::Snowstorm => "11B04",
            Self::ColdWave => "11B05",
            Self::Gale => "11B06",
            Self::Cold => "11B08",
            Self::Heat => "11B09",
            Self::Lightning => "11B14",
            Self::Hail => "11B15",
            Self::Fog => "11B17",
            Self::Haze => "11B19",
            Self::ThunderGale => "11B20",
            Self::RoadIcing => "11B21",
            Self::Drought => "11B22",
            Self::FireDanger => "11B25",
            Self::GeologicalRisk => "11B37",
            Self::Landslide => "11D01",
            Self::DebrisFlow => "11D02",
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
            Self::Snowstorm => "暴雪",
            Self::ColdWave => "寒潮",
            Self::Gale => "大风",
            Self::Cold => "寒冷",
            Self::Heat => "高温",
            Self::Lightning => "雷电",
            Self::Hail => "冰雹",
            Self::Fog => "大雾",
            Self::Haze => "霾",
            Self::ThunderGale => "雷雨大风",
            Self::RoadIcing => "道路结冰",
            Self::Drought => "干旱",
            Self::FireDanger => "森林火险",
            Self::GeologicalRisk => "地质灾害气象风险",
            Self::Landslide => "滑坡",
            Self::DebrisFlow => "泥石流",
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
            Self::Snowstorm => "snowstorm",
            Self::ColdWave => "cold wave",
            Self::Gale => "gale",
            Self::Cold => "cold",
            Self::Heat => "heat",
            Self::Lightning => "lightning",
            Self::Hail => "hail",
            Self::Fog => "fog",
            Self::Haze => "haze",
            Self::ThunderGale => "thunderstorm gale",
            Self::RoadIcing => "road icing",
            Self::Drought => "drought",
            Self::FireDanger => "forest fire danger",
            Self::GeologicalRisk => "geological risk",
            Self::Landslide => "landslide",
            Self::DebrisFlow => "debris flow",
            Self::StormSurge => "storm surge",
        }
    }

    /// What to write in place of a text that is no event code: the code that is nearly the same, or
    /// that of the hazard so named, and all there are.
    pub fn near(text: &str) -> String {
        let code = nearest(text, Self::ALL.map(Self::code));
        let name = nearest(text, Self::ALL.iter().flat_map(|h| [h.zh(), h.en()]));
        let mut all = Self::ALL.into_iter();
        let meant = all.find(|hazard| match code {
            Some(code) => hazard.code() == code,
            None => [hazard.zh(), hazard.en()].map(Some).contains(&name),
        });
        let meant = meant.map_or_else(String::new, |hazard| {
            format!("did you mean {hazard} ({}, {})? ", hazard.zh(), hazard.en())
        });
        format!("{meant}known: {}", Self::ALL.map(Self::code).join(" "))
    }

    /// CAP 1.2 `category`.
    pub const fn cap_category(self) -> &'static str {
        match self {
            Self::GeologicalRisk | Self::Landslide | Self::DebrisFlow => "Geo",
            Self::RiverFlood
            | Self::Waterlogging
            | Self::FlashFlood
            | Self::Typhoon
            | Self::Rainstorm
            | Self::Snowstorm
            | Self::ColdWave
            | Self::Gale
            | Self::Cold
            | Self::Heat
            | Self::Lightning
            | Self::Hail
            | Self::Fog
            | Self::Haze
            | Self::ThunderGale
            | Self::RoadIcing
            | Self::Drought
            | Self::FireDanger
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
                "{code:?} is not a known event code; {}",
                Self::near(&code)
            ))
        })
    }
}
