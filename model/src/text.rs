//! Languages and names in them.

use serde::{Deserialize, Serialize};

/// A language that people are addressed in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Chinese, `zh-CN`.
    #[default]
    Zh,
    /// English, `en`.
    En,
}

impl Language {
    /// Both, Chinese first.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// Short tag used in tables and templates.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// BCP 47 tag, as CAP 1.2 `language` wants it.
    pub const fn bcp47(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en-US",
        }
    }

    /// The language of that short tag; longer tags (`zh-Hans`, `en-GB`) count by their start.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)? {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// A name in both languages: `{ zh = "暴雨", en = "Rainstorm" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Named {
    /// The name in that language; Chinese where the English is empty.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::En if !self.en.is_empty() => &self.en,
            Language::En | Language::Zh => &self.zh,
        }
    }
}
