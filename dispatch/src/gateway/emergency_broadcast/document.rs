//! What stands in a package: an EBD with a message, a cancellation, a question or a heart-beat; and
//! what a platform answers.
//!
//! *Unverified*: written from samples of the 2018 edition (GD/J 082-2018) and from what is said of the
//! one of 2023 (GY/T 385-2023), whose text we do not have. What differs is in [`Edition`].

use crate::gateway::cap::tree::{Element, TreeError, parse};
use model::{AreaCode, Language, Offset, Tier, Time};
use serde::Deserialize;
use std::fmt::Write;

/// Bytes of an answer's document at most.
const ANSWER_MAX: usize = 256 * 1024;
/// Characters of a platform's own words that are kept.
const WORDS_MAX: usize = 200;

/// Which standard a platform speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Edition {
    /// GD/J 082-2018.
    #[serde(rename = "gdj-2018")]
    Gdj2018,
    /// GY/T 385-2023.
    #[default]
    #[serde(rename = "gyt-2023")]
    Gyt2023,
}

/// Who speaks with whom: resource codes of both platforms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Ours: 18 or 23 digits.
    pub own: String,
    /// The platform's.
    pub other: String,
}

/// What all packages have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// Edition.
    pub(super) edition: Edition,
    /// Who with whom.
    pub(super) parties: &'a Parties,
    /// Sequence of the package, below 10¹⁶.
    pub(super) sequence: u64,
    /// When it was made.
    pub(super) at: Time,
    /// Offset that times are written with.
    pub(super) offset: Offset,
}

/// One emergency broadcast message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its identity: [`message_id`].
    pub id: String,
    /// The message that it follows, empty for a first one.
    pub follows: String,
    /// Who sends it, by name and by code.
    pub sender: (String, String),
    /// Event code, `11B03`.
    pub event: String,
    /// Tier.
    pub tier: Tier,
    /// From when it is broadcast.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// Language.
    pub language: Language,
    /// Title.
    pub title: String,
    /// What is said.
    pub text: String,
    /// Where.
    pub areas: Vec<AreaCode>,
}

/// What a package is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// A message.
    Message(&'a Message),
    /// A message is taken back.
    Cancel(&'a Message),
    /// How far a message is.
    State(&'a str),
    /// A heart-beat.
    Check,
}

/// How far a platform says that a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// Not begun.
    Waiting,
    /// Going on.
    Underway,
    /// Done.
    Done,
    /// It failed.
    Failed,
    /// Taken back.
    Cancelled,
}

/// What a platform answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether it took the package; nothing where it answers a question instead.
    pub taken: Option<bool>,
    /// How far the message is, where it says so.
    pub state: Option<Broadcast>,
    /// Its own words.
    pub words: String,
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Not XML.
    #[error("its answer: {0}")]
    Xml(#[from] TreeError),
    /// Something else.
    #[error("its answer is <{0}>, not <EBD>")]
    NotEbd(String),
    /// No answer to what was asked.
    #[error("its answer has neither <EBDResponse> nor <EBMStateResponse> with a known code")]
    NoAnswer,
}

impl Edition {
    /// `EBDVersion`.
    const fn version(self) -> &'static str {
        match self {
            Self::Gdj2018 => "1.0",
            Self::Gyt2023 => "2.0",
        }
    }

    /// The name of the time at which a message was sent.
    const fn sent(self) -> &'static str {
        match self {
            Self::Gdj2018 => "SentTime",
            Self::Gyt2023 => "SendTime",
        }
    }
}

/// Identity of the `number`-th message of the day in which it was made.
pub(super) fn message_id(parties: &Parties, made: Time, offset: Offset, number: u16) -> String {
    let day: String = made
        .display(offset)
        .chars()
        .take(10)
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}{day}{number:04}", parties.own)
}

/// Identity of a package; heart-beats have a type and no number of their own.
pub(super) fn package_id(head: &Head<'_>, content: &Content<'_>) -> String {
    match content {
        Content::Check => format!("01{}{:016}", head.parties.own, 0),
        Content::Message(_) | Content::Cancel(_) | Content::State(_) => {
            format!("10{}{:016}", head.parties.own, head.sequence)
        }
    }
}

/// The document of a package.
pub(super) fn document(head: &Head<'_>, content: &Content<'_>) -> String {
    let mut page = Page::default();
    page.leaf("EBDVersion", head.edition.version());
    page.leaf("EBDID", &package_id(head, content));
    let kind = match content {
        Content::Message(_) | Content::Cancel(_) => "EBM",
        Content::State(_) => "EBMStateRequest",
        Content::Check => "ConnectionCheck",
    };
    page.leaf("EBDType", kind);
    page.within("SRC", |page| page.leaf("EBRID", &head.parties.own));
    page.within("DEST", |page| page.leaf("EBRID", &head.parties.other));
    page.leaf("EBDTime", &clock(head.at, head.offset));
    match content {
        Content::Message(message) => page.message(head, message, "1"),
        Content::Cancel(message) => page.message(head, message, "2"),
        Content::State(id) => page.within("EBMStateRequest", |page| {
            page.within("EBM", |page| page.leaf("EBMID", id));
        }),
        Content::Check => page.within("ConnectionCheck", |page| {
            page.leaf("RptTime", &clock(head.at, head.offset));
        }),
    }
    page.finish("EBD")
}

/// The document of a package's signature.
pub(super) fn signature(package: &str, certificate: &str, at: Time, value: &str) -> String {
    let mut page = Page::default();
    page.leaf("Version", "1.0");
    page.within("RelatedEBD", |page| page.leaf("EBDID", package));
    page.within("SignatureCert", |page| {
        page.leaf("CertType", "01");
        page.leaf("IssuerID", "");
        page.leaf("CertSN", certificate);
    });
    page.leaf("SignatureTime", &format!("{:08X}", at.seconds()));
    page.leaf("DigestAlgorithm", "SM3");
    page.leaf("SignatureAlgorithm", "SM2");
    page.leaf("SignatureValue", value);
    page.finish("Signature")
}

impl Reply {
    /// Reads the document of an answer.
    ///
    /// # Errors
    /// See [`ReplyError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ReplyError> {
        let root = parse(bytes, ANSWER_MAX)?;
        if root.name != "EBD" {
            return Err(ReplyError::NotEbd(root.name.chars().take(40).collect()));
        }
        let words = |of: &Element, name: &str| of.value(name).chars().take(WORDS_MAX).collect();
        if let Some(answer) = root.child("EBMStateResponse") {
            // Codes as samples have them: unverified.
            let state = match answer.value("BrdStateCode") {
                "0" => Broadcast::Waiting,
                "1" => Broadcast::Underway,
                "2" => Broadcast::Done,
                "3" => Broadcast::Failed,
                "4" => Broadcast::Cancelled,
                _ => return Err(ReplyError::NoAnswer),
            };
            return Ok(Self {
                taken: None,
                state: Some(state),
                words: words(answer, "BrdStateDesc"),
            });
        }
        let answer = root.child("EBDResponse").ok_or(ReplyError::NoAnswer)?;
        let taken = match answer.value("ResultCode") {
            // Received and not yet looked at; received and understood.
            "0" | "1" => true,
            "" => return Err(ReplyError::NoAnswer),
            _ => false,
        };
        Ok(Self {
            taken: Some(taken),
            state: None,
            words: words(answer, "ResultDesc"),
        })
    }
}

/// A document as it grows.
#[derive(Default)]
struct Page {
    text: String,
    depth: usize,
}

impl Page {
    fn message(&mut self, head: &Head<'_>, message: &Message, kind: &str) {
        let time = |time| clock(time, head.offset);
        self.within("EBM", |page| {
            page.leaf("EBMVersion", "1.0");
            page.leaf("EBMID", &message.id);
            if !message.follows.is_empty() {
                page.within("RelatedInfo", |page| page.leaf("EBMID", &message.follows));
            }
            page.within("MsgBasicInfo", |page| {
                page.leaf("MsgType", kind);
                page.leaf("SenderName", &message.sender.0);
                page.leaf("SenderCode", &message.sender.1);
                page.leaf(head.edition.sent(), &time(head.at));
                page.leaf("EventType", &message.event);
                page.leaf("Severity", severity(message.tier));
                page.leaf("StartTime", &time(message.from));
                page.leaf("EndTime", &time(message.until));
            });
            page.within("MsgContent", |page| {
                page.leaf("LanguageCode", iso639(message.language));
                page.leaf("MsgTitle", &message.title);
                page.leaf("MsgDesc", &message.text);
                let areas: Vec<String> = message.areas.iter().map(ToString::to_string).collect();
                page.leaf("AreaCode", &areas.join(","));
            });
        });
    }

    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.line(&format!("<{name}>"));
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, text: &str) {
        let legal = |c: char| match c {
            '\t' | '\n' => c,
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => ' ',
            other => other,
        };
        let text: String = text.chars().map(legal).collect();
        let text = quick_xml::escape::partial_escape(text.as_str());
        self.line(&format!("<{name}>{text}</{name}>"));
    }

    fn line(&mut self, text: &str) {
        let width = 2 * (self.depth + 1);
        // Writing to memory cannot fail.
        let _ = writeln!(self.text, "{:width$}{text}", "");
    }

    fn finish(self, root: &str) -> String {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        format!("{head}\n<{root}>\n{}</{root}>\n", self.text)
    }
}

/// `2026-11-29 21:30:00`.
fn clock(time: Time, offset: Offset) -> String {
    let text = time.display(offset);
    text.chars()
        .take(19)
        .map(|c| if c == 'T' { ' ' } else { c })
        .collect()
}

/// 1 red to 4 blue, 0 none of them.
const fn severity(tier: Tier) -> &'static str {
    match tier {
        Tier::Red => "1",
        Tier::Orange => "2",
        Tier::Yellow => "3",
        Tier::Blue => "4",
        Tier::White | Tier::None => "0",
    }
}

/// ISO 639-2.
const fn iso639(language: Language) -> &'static str {
    match language {
        Language::Zh | Language::ZhHant => "zho",
        Language::En => "eng",
        Language::Ja => "jpn",
        Language::Ko => "kor",
        Language::Fr => "fra",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(inner: &str) -> Result<Reply, ReplyError> {
        Reply::read(format!("<EBD><EBDVersion>1.0</EBDVersion>{inner}</EBD>").as_bytes())
    }

    #[test]
    fn answers_say_taken_refused_or_how_far() {
        let taken = reply(
            "<EBDResponse><ResultCode>1</ResultCode><ResultDesc>执行成功</ResultDesc></EBDResponse>",
        );
        assert_eq!(taken.unwrap().taken, Some(true));
        let refused = reply(
            "<EBDResponse><ResultCode>5</ResultCode><ResultDesc>验签失败</ResultDesc></EBDResponse>",
        );
        let refused = refused.unwrap();
        assert_eq!(
            (refused.taken, refused.words.as_str()),
            (Some(false), "验签失败")
        );
        let done = reply("<EBMStateResponse><BrdStateCode>2</BrdStateCode></EBMStateResponse>");
        assert_eq!(done.unwrap().state, Some(Broadcast::Done));
        for nothing in [
            "",
            "<EBDResponse/>",
            "<EBMStateResponse><BrdStateCode>9</BrdStateCode></EBMStateResponse>",
        ] {
            assert_eq!(reply(nothing), Err(ReplyError::NoAnswer), "{nothing}");
        }
        assert!(matches!(
            Reply::read(b"<html/>"),
            Err(ReplyError::NotEbd(_))
        ));
    }

    #[test]
    fn identities_are_made_of_codes_day_and_number() {
        let parties = Parties {
            own: "34401000000000103010101".into(),
            other: "14400000000000103010101".into(),
        };
        let at = Time::parse("2026-11-29T21:30:00+08:00").unwrap().0;
        let id = message_id(&parties, at, Offset(480), 7);
        assert_eq!(id, "34401000000000103010101202611290007");
        let head = Head {
            edition: Edition::Gdj2018,
            parties: &parties,
            sequence: 12,
            at,
            offset: Offset(480),
        };
        let of_message = package_id(&head, &Content::State(&id));
        assert_eq!(of_message, "10344010000000001030101010000000000000012");
        assert!(package_id(&head, &Content::Check).starts_with("01"));
        let asked = document(&head, &Content::State(&id));
        assert!(
            asked.contains("<EBDTime>2026-11-29 21:30:00</EBDTime>"),
            "{asked}"
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Reply::read(&bytes);
        }
    }
}
