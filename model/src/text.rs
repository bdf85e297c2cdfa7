//! Languages and names in them.

use serde::{Deserialize, Serialize};

/// A language that people are addressed in. The order is kept: stored directories, ledgers and
/// snapshots name a language by its place.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Language {
    /// Chinese in simplified characters, `zh-CN`.
    #[default]
    #[serde(rename = "zh")]
    Zh,
    /// English, `en-US`.
    #[serde(rename = "en")]
    En,
    /// Chinese in traditional characters, `zh-Hant`.
    #[serde(rename = "zh-Hant")]
    ZhHant,
    /// Japanese, `ja`.
    #[serde(rename = "ja")]
    Ja,
    /// Korean, `ko`.
    #[serde(rename = "ko")]
    Ko,
    /// French, `fr`.
    #[serde(rename = "fr")]
    Fr,
}

/// The languages that a centre works in: its own people's texts, screens and papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Working {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// Every language, Chinese first.
    pub const ALL: [Self; 6] = [
        Self::Zh,
        Self::En,
        Self::ZhHant,
        Self::Ja,
        Self::Ko,
        Self::Fr,
    ];

    /// Its place in [`Language::ALL`], which never changes.
    pub const fn index(self) -> usize {
        match self {
            Self::Zh => 0,
            Self::En => 1,
            Self::ZhHant => 2,
            Self::Ja => 3,
            Self::Ko => 4,
            Self::Fr => 5,
        }
    }

    /// Short tag used in tables and templates.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
            Self::ZhHant => "zh-Hant",
            Self::Ja => "ja",
            Self::Ko => "ko",
            Self::Fr => "fr",
        }
    }

    /// BCP 47 tag, as CAP 1.2 `language` wants it.
    pub const fn bcp47(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en-US",
            Self::ZhHant => "zh-Hant",
            Self::Ja => "ja",
            Self::Ko => "ko",
            Self::Fr => "fr",
        }
    }

    /// The language of that tag, whatever its case. Longer tags count by their start (`en-GB`,
    /// `zh-Hans-SG`); Chinese is traditional where the script or the place says so.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let mut parts = tag.split('-');
        match parts.next()? {
            "zh" | "zho" | "chi" => {
                let traditional = ["hant", "tw", "hk", "mo"];
                let simplified = tag.split('-').any(|part| part == "hans");
                Some(match parts.any(|part| traditional.contains(&part)) {
                    true if !simplified => Self::ZhHant,
                    true | false => Self::Zh,
                })
            }
            "en" | "eng" => Some(Self::En),
            "ja" | "jpn" => Some(Self::Ja),
            "ko" | "kor" => Some(Self::Ko),
            "fr" | "fra" | "fre" => Some(Self::Fr),
            _ => None,
        }
    }

    /// Which of a centre's own languages its reader can use best.
    pub const fn working(self) -> Working {
        match self {
            Self::Zh | Self::ZhHant => Working::Zh,
            Self::En | Self::Ja | Self::Ko | Self::Fr => Working::En,
        }
    }
}

/// A name in both working languages: `{ zh = "暴雨", en = "Rainstorm" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Named {
    /// The name as that language's reader can use it best; Chinese where the English is empty.
    pub fn get(&self, language: Language) -> &str {
        match language.working() {
            Working::En if !self.en.is_empty() => &self.en,
            Working::En | Working::Zh => &self.zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_language_keeps_its_place_and_its_names() {
        for (at, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language.index(), at);
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            assert_eq!(Language::from_tag(language.bcp47()), Some(language));
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("{:?}", language.tag()));
        }
    }

    #[test]
    fn chinese_is_traditional_where_script_or_place_says_so() {
        for (tag, language) in [
            ("zh-TW", Some(Language::ZhHant)),
            ("zh_HK", Some(Language::ZhHant)),
            ("zh-Hant-MO", Some(Language::ZhHant)),
            ("zh-Hans-HK", Some(Language::Zh)),
            ("zh-CN", Some(Language::Zh)),
            ("ZH", Some(Language::Zh)),
            ("en-GB", Some(Language::En)),
            ("fr-CA", Some(Language::Fr)),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }
}
