//! The release form: who made, checked and signed it, for which areas, at which level, over which
//! channels, until when; and the CAP document that it brings.

use crate::gateway::cap::{CapDocument, MessageType, cap_time};
use crate::intent::IntentId;
use model::{AreaCode, Offset, Tier, Time, Warning};
use serde::Serialize;

/// An area as a form names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormArea {
    /// 12-digit division code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The tier that holds there.
    pub tier: Tier,
}

/// See the file's head. Times are local, `2026-05-08T16:20:00+08:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Number: 32 hexadecimal digits.
    pub id: String,
    /// CAP `identifier`, minted under our own authority's code.
    pub identifier: String,
    /// CAP `msgType`.
    pub message_type: &'static str,
    /// Authority's code: 14 digits.
    pub sender: String,
    /// Its name.
    pub sender_name: String,
    /// National event code.
    pub hazard: String,
    /// The hazard's name.
    pub hazard_name: String,
    /// Highest tier; of an end none.
    pub tier: Tier,
    /// Where.
    pub areas: Vec<FormArea>,
    /// Channels the platform is asked to use, in its own words.
    pub channels: Vec<String>,
    /// CAP `headline`.
    pub headline: String,
    /// CAP `description`.
    pub description: String,
    /// CAP `instruction`.
    pub instruction: String,
    /// CAP `sent`.
    pub sent: String,
    /// When it takes effect.
    pub effective: String,
    /// CAP `expires`.
    pub expires: String,
    /// Who put it forward (制作): the rule, or the first person where another signed after them.
    pub maker: String,
    /// Who looked at it (审核): the last but one who acted.
    pub checker: String,
    /// Who signed it (签发): the last who acted.
    pub signer: String,
    /// The CAP document.
    #[serde(skip)]
    pub document: String,
}

impl Form {
    /// The form of one revision that was released.
    ///
    /// `name` gives an area's name; `channels` are the platform's words for what it is asked to use.
    pub fn of(
        id: IntentId,
        (warning, document): (&Warning, &CapDocument),
        sender_name: &str,
        (channels, offset): (&[String], Offset),
        name: impl Fn(AreaCode) -> String,
    ) -> Self {
        let time = |at: Time| cap_time(at, offset);
        let areas = warning.areas.iter().map(|(code, area)| FormArea {
            code: code.to_string(),
            name: name(*code),
            tier: area.tier,
        });
        let mut hands = warning.signed_by.iter().rev().cloned();
        let signer = hands.next().unwrap_or_default();
        let checker = hands.next().unwrap_or_default();
        Self {
            id: id.to_string(),
            identifier: document.identifier.clone(),
            message_type: match document.message_type {
                MessageType::Alert => "Alert",
                MessageType::Update => "Update",
                MessageType::Cancel => "Cancel",
            },
            sender: warning.authority.clone(),
            sender_name: sender_name.to_owned(),
            hazard: warning.hazard.code().to_owned(),
            hazard_name: warning.name.zh.clone(),
            tier: warning.tier(),
            areas: areas.collect(),
            channels: channels.to_vec(),
            headline: document.title.clone(),
            description: document.text.clone(),
            instruction: document.instruction.clone(),
            sent: time(document.sent),
            effective: time(warning.time),
            expires: time(warning.expires),
            maker: hands.next_back().unwrap_or_else(|| warning.rule.clone()),
            checker,
            signer,
            document: document.xml.clone(),
        }
    }

    /// The first of these parts that nobody filled.
    pub(super) fn lacks<'a>(&self, parts: &'a [String]) -> Option<&'a str> {
        let of = |part: &str| match part {
            "maker" => &self.maker,
            "checker" => &self.checker,
            _ => &self.signer,
        };
        let empty = parts.iter().find(|part| of(part).is_empty());
        empty.map(String::as_str)
    }

    /// So many hands, in words.
    pub(super) fn signatures(&self) -> &'static str {
        match (self.checker.is_empty(), self.signer.is_empty()) {
            (_, true) => "nobody",
            (true, false) => "one person",
            (false, false) => "two people",
        }
    }
}
