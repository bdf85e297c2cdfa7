//! What every text must have before anybody signs it: the eight elements, a length, no leftovers.

use super::{Facts, Message, Purpose, clock, clock_near, sms, tier_word};
use model::{Channel, Language, Tier};
use serde::Serialize;
use std::fmt;

/// One of the eight things that stand in every public text (domain §0.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// Who speaks.
    Issuer,
    /// When it was issued.
    IssueTime,
    /// What threatens.
    Hazard,
    /// How badly.
    Tier,
    /// From when.
    Start,
    /// Where.
    Area,
    /// What to do.
    Action,
    /// Where to check that it is true.
    Verify,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// An element is not there.
    Missing(Element),
    /// A short message has more parts than allowed.
    TooLong {
        /// Parts it has.
        parts: usize,
        /// Parts allowed.
        parts_max: usize,
        /// Units it has.
        units: usize,
    },
    /// A short message does not open with the signature.
    NoSignature,
    /// A brace or similar of a template stands in the text.
    Placeholder,
    /// Nothing is said at all.
    Empty,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(element) => write!(f, "{element:?} is missing from the text"),
            Self::TooLong {
                parts,
                parts_max,
                units,
            } => write!(
                f,
                "{units} units make {parts} parts, more than {parts_max}: shorten it"
            ),
            Self::NoSignature => f.write_str("it does not open with 【signature】"),
            Self::Placeholder => f.write_str("a placeholder of the template is left in it"),
            Self::Empty => f.write_str("the text is empty"),
        }
    }
}

/// Everything wrong with `message`; empty where it may go out. Words a person wrote are asked
/// the same questions, so a signer sees what they left out.
pub fn lint(message: &Message, facts: &Facts<'_>, sms_parts_max: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    if message.text.trim().is_empty() {
        findings.push(Finding::Empty);
    }
    let all = format!(
        "{}\n{}\n{}",
        message.subject, message.text, message.instruction
    );
    if ["{{", "}}", "{%", "%}", "{#"]
        .iter()
        .any(|mark| all.contains(mark))
    {
        findings.push(Finding::Placeholder);
    }
    if message.channel == Channel::Sms {
        let signature = facts.issuer.signature.get(message.language);
        if signature.is_empty() || !message.text.starts_with(&format!("【{signature}】")) {
            findings.push(Finding::NoSignature);
        }
        let size = sms::size(&message.text);
        if size.parts > sms_parts_max {
            findings.push(Finding::TooLong {
                parts: size.parts,
                parts_max: sms_parts_max,
                units: size.units,
            });
        }
    }
    if facts.purpose.is_public() {
        findings.extend(missing(&all, message, facts).map(Finding::Missing));
    }
    findings
}

fn missing(
    all: &str,
    message: &Message,
    facts: &Facts<'_>,
) -> impl Iterator<Item = Element> + use<> {
    let language = message.language;
    let lower = all.to_lowercase();
    let has = |text: &str| !text.is_empty() && lower.contains(&text.to_lowercase());
    let issuer = &facts.issuer;
    let hazard = match language {
        Language::Zh => facts.hazard.zh(),
        Language::En => facts.hazard.en(),
    };
    let tier = match facts.tier {
        Tier::None => facts.from,
        Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red => facts.tier,
    };
    let checks = [
        (
            Element::Issuer,
            has(issuer.signature.get(language)) || has(issuer.name.get(language)),
        ),
        (
            Element::IssueTime,
            has(&clock(facts.issued, facts.offset, language)),
        ),
        (
            Element::Hazard,
            has(facts.hazard_name.get(language)) || has(hazard),
        ),
        (
            Element::Tier,
            has(&tier_word(tier, language)) || has(&tier_word(facts.from, language)),
        ),
        (
            Element::Start,
            has(&clock_near(
                facts.start,
                facts.issued,
                facts.offset,
                language,
            )),
        ),
        (Element::Area, has(facts.place.get(language))),
        (
            Element::Action,
            says_what_to_do(&lower, facts.purpose, language),
        ),
        (Element::Verify, has(issuer.verify.get(language))),
    ];
    checks
        .into_iter()
        .filter_map(|(element, there)| (!there).then_some(element))
}

/// A text that asks for something has a word that asks: a list per language, read from what
/// forecasters write. It cannot judge the advice, only that there is some.
fn says_what_to_do(lower: &str, purpose: Purpose, language: Language) -> bool {
    const ZH: &[&str] = &[
        "勿",
        "请",
        "避",
        "离开",
        "停",
        "留",
        "转移",
        "进入",
        "进室内",
        "进坚固",
        "绕",
        "远离",
        "慢行",
        "节",
        "饮",
        "注意",
        "检查",
        "收",
        "开雾灯",
        "返",
        "撤",
        "往",
        "防暑",
        "监测",
        "早做",
        "另行",
        "备",
        "查电",
        "带雨具",
        "少外出",
    ];
    const EN: &[&str] = &[
        "keep",
        "leave",
        "avoid",
        "stay",
        "go ",
        "get ",
        "move",
        "stop",
        "do not",
        "drink",
        "watch",
        "check",
        "bring",
        "use ",
        "slow",
        "follow",
        "save",
        "climb",
        "run ",
        "look",
        "mind",
        "know",
        "drive",
        "return",
        "park",
        "rest",
        "report",
        "out of",
        "drinking only",
        "end separately",
        "may go on",
        "only if",
    ];
    let words = match language {
        Language::Zh => ZH,
        Language::En => EN,
    };
    purpose.is_public() && words.iter().any(|word| lower.contains(word))
}
