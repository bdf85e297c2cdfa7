//! What an `info` means in our words: its tier by colour or severity, its hazard by code or name.

use super::pair;
use crate::gateway::cap::tree::Element;
use model::{Hazard, Tier};

/// Tier of an `info`: none where it gives the all-clear, else a colour parameter, a colour in
/// `severity` (national practice), the colour in `event` or `headline`, or else the severity
/// (domain §7.2, §7.4).
pub(super) fn tier(info: &Element) -> Tier {
    if info
        .all("responseType")
        .any(|r| r.text.trim() == "AllClear")
    {
        return Tier::None;
    }
    let parameter = info.all("parameter").find_map(|p| {
        let (name, value) = pair(p);
        let name = name.to_ascii_lowercase();
        let colour = ["colour", "color", "awareness_level", "颜色"];
        colour
            .iter()
            .any(|c| name.contains(c))
            .then(|| colour_word(value))?
    });
    let severity = info.value("severity");
    parameter
        .or_else(|| colour_word(severity))
        .or_else(|| chinese_colour(info.value("event")))
        .or_else(|| chinese_colour(info.value("headline")))
        .unwrap_or(match severity {
            "Extreme" => Tier::Red,
            "Severe" => Tier::Orange,
            "Moderate" => Tier::Yellow,
            "Minor" => Tier::Blue,
            _ => Tier::None,
        })
}

/// `Red`, `3; orange; Severe` (Meteoalarm), `红色`.
fn colour_word(text: &str) -> Option<Tier> {
    let english = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .find_map(|word| match word.to_ascii_lowercase().as_str() {
            "none" => None,
            name => Tier::from_name(name),
        });
    english.or_else(|| chinese_colour(text))
}

/// The last colour named: "由橙色升级为红色" is red now.
fn chinese_colour(text: &str) -> Option<Tier> {
    Tier::WARNING
        .into_iter()
        .filter_map(|tier| text.rfind(tier.zh()).map(|at| (at, tier)))
        .max()
        .map(|(_, tier)| tier)
}

/// Hazard of an `info` by national code, Chinese name or English words.
pub(super) fn hazard(info: &Element) -> Option<Hazard> {
    let code = info
        .all("eventCode")
        .find_map(|e| Hazard::from_code(pair(e).1));
    let event = info.value("event");
    code.or_else(|| chinese_hazard(event))
        .or_else(|| english_hazard(&event.to_ascii_lowercase()))
        .or_else(|| chinese_hazard(info.value("headline")))
}

/// The longest name wins: 雷雨大风 is not 大风.
fn chinese_hazard(text: &str) -> Option<Hazard> {
    let named = Hazard::ALL
        .into_iter()
        .filter(|hazard| text.contains(hazard.zh()))
        .max_by_key(|hazard| hazard.zh().len());
    let otherwise = [("地质灾害", Hazard::GeologicalRisk), ("低温", Hazard::Cold)];
    named.or_else(|| {
        let mut found = otherwise
            .into_iter()
            .filter(|(name, _)| text.contains(name));
        found.next().map(|(_, hazard)| hazard)
    })
}

/// More special words before more general ones.
const ENGLISH: [(&str, Hazard); 36] = [
    ("flash flood", Hazard::FlashFlood),
    ("coastal flood", Hazard::StormSurge),
    ("storm surge", Hazard::StormSurge),
    ("waterlogging", Hazard::Waterlogging),
    ("urban flood", Hazard::Waterlogging),
    ("flood", Hazard::RiverFlood),
    ("typhoon", Hazard::Typhoon),
    ("hurricane", Hazard::Typhoon),
    ("tropical", Hazard::Typhoon),
    ("thunderstorm", Hazard::ThunderGale),
    ("thunder", Hazard::ThunderGale),
    ("snow", Hazard::Snowstorm),
    ("blizzard", Hazard::Snowstorm),
    ("icing", Hazard::RoadIcing),
    ("ice", Hazard::RoadIcing),
    ("icy", Hazard::RoadIcing),
    ("rainstorm", Hazard::Rainstorm),
    ("rain", Hazard::Rainstorm),
    ("gale", Hazard::Gale),
    ("high wind", Hazard::Gale),
    ("heat", Hazard::Heat),
    ("cold wave", Hazard::ColdWave),
    ("cold", Hazard::Cold),
    ("low temperature", Hazard::Cold),
    ("lightning", Hazard::Lightning),
    ("hail", Hazard::Hail),
    ("fog", Hazard::Fog),
    ("haze", Hazard::Haze),
    ("drought", Hazard::Drought),
    ("fire danger", Hazard::FireDanger),
    ("fire weather", Hazard::FireDanger),
    ("debris flow", Hazard::DebrisFlow),
    ("mudslide", Hazard::DebrisFlow),
    ("mudflow", Hazard::DebrisFlow),
    ("landslide", Hazard::Landslide),
    ("geological", Hazard::GeologicalRisk),
];

fn english_hazard(event: &str) -> Option<Hazard> {
    ENGLISH
        .into_iter()
        .find(|(words, _)| begins_a_word(event, words))
        .map(|(_, hazard)| hazard)
}

/// "rain" is in "heavy rain", not in "train".
fn begins_a_word(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        !before.is_some_and(char::is_alphanumeric)
    })
}
