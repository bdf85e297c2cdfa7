//! How the far side understood a job, before anything leaves.

use super::wire_time;
use crate::intent::IntentId;
use model::{AreaCode, Language, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The far side's reading of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Number of the job.
    pub job: IntentId,
    /// Each area it knows, with the heads there; each number once over all of them.
    pub areas: Vec<AreaHeads>,
    /// Hash of the shape as it was understood; none where none was, or was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Codes it does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<AreaCode>,
    /// Numbers it would call, each once.
    pub heads: u64,
    /// The same by language of the text each would get.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_language: BTreeMap<Language, u64>,
    /// What the heads are counted from.
    pub list: List,
    /// Texts it cannot send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// When the first message would leave at the earliest.
    #[serde(with = "wire_time")]
    pub starts: Time,
    /// From when on none leaves.
    #[serde(with = "wire_time")]
    pub ends: Time,
    /// Seconds from the first message to the last phone at its own pace, were it released now.
    pub last_phone_s: u64,
}

/// One area understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaHeads {
    /// Code.
    pub code: AreaCode,
    /// The name it has there.
    pub name: String,
    /// Numbers.
    pub heads: u64,
}

/// What heads are counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Which kind.
    pub kind: ListKind,
    /// Its date: of the register, or of the map of cells.
    #[serde(with = "wire_time")]
    pub of: Time,
}

/// Kinds of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    /// Who is registered there.
    Resident,
    /// Whose phone is there mostly, whatever its owner is registered for.
    Usual,
    /// Whose phone is in a cell there.
    Present,
    /// Phones of other places that are in a cell there.
    Inbound,
    /// Who subscribed.
    Subscribed,
}

/// A text that would not go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its language.
    pub language: Language,
    /// Why, in words.
    pub why: String,
}

impl ListKind {
    /// The word in documents and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Usual => "usual",
            Self::Present => "present",
            Self::Inbound => "inbound",
            Self::Subscribed => "subscribed",
        }
    }
}

impl Reading {
    /// What a release names, so that it holds for what was seen and nothing else: SHA-256 over the
    /// reading without the times that pass by themselves, 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        let areas: Vec<String> = self
            .areas
            .iter()
            .map(|area| format!("{}={}", area.code, area.heads))
            .collect();
        let languages: Vec<String> = self
            .by_language
            .iter()
            .map(|(language, heads)| format!("{}={heads}", language.tag()))
            .collect();
        let text = format!(
            "sanfang/reading/1\n{}\n{}\n{}\n{}\n{} {}",
            self.job,
            self.heads,
            areas.join(","),
            languages.join(","),
            self.list.kind.name(),
            self.list.of.seconds()
        );
        let shape = self.shape.as_ref();
        let text = text + &shape.map_or_else(String::new, |hash| format!("\nshape {hash}"));
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}
