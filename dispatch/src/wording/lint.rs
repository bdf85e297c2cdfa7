//! What every text must have before anybody signs it: the eight elements, room, clear times, no
//! links, the marks of an exercise and no others.

mod acts;
mod times;

use super::settings::{Settings, Unit};
use super::terms::{self, Local};
use super::{Facts, Known, Message, Purpose, clock, clock_near, spoken};
use crate::gateway::sms::Refusal;
use model::{Channel, Language, Mode, Tier};
use serde::Serialize;
use std::fmt;
use times::Doubt;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// A cell broadcast has more pages than allowed.
    TooManyPages {
        /// Pages it has.
        pages: usize,
        /// Pages allowed.
        pages_max: usize,
    },
    /// It passes or is read out for longer than allowed.
    TooSlow {
        /// Seconds it takes.
        seconds: usize,
        /// Seconds allowed.
        seconds_max: usize,
    },
    /// The order is not within the first units of a short message.
    ActionLate {
        /// Where the order ends.
        units: usize,
        /// By where it should.
        units_max: usize,
    },
    /// A short message does not open with the signature.
    NoSignature,
    /// A brace or similar of a template stands in the text.
    Placeholder,
    /// Nothing is said at all.
    Empty,
    /// A link: whoever can send one can send a false one.
    Link,
    /// An hour that may be of the night or of the day.
    NoHalf(String),
    /// "Tonight" after midnight.
    WhichNight(String),
    /// A day without its month.
    NoMonth(String),
    /// A text of an exercise or a test that is not marked first and last.
    NoMark,
    /// A text of the actual world that carries the mark of an exercise or a test.
    StrayMark,
    /// Another authority's words are not as they came.
    NotVerbatim,
    /// A person put words in place of the template's and none in this language: who reads it would get the
    /// template's, which may say otherwise.
    Untranslated,
    /// An account at a carrier does not pass it.
    NotPassed {
        /// Name of the account.
        account: String,
        /// Why.
        why: Refusal,
    },
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
                "{units} units make {parts} parts, more than {parts_max}: shorten it or give a \
                 shorter form"
            ),
            Self::TooManyPages { pages, pages_max } => write!(
                f,
                "{pages} pages, more than {pages_max}: shorten it or give a shorter form"
            ),
            Self::TooSlow {
                seconds,
                seconds_max,
            } => write!(
                f,
                "it takes {seconds} s, more than {seconds_max}: shorten it or give a shorter form"
            ),
            Self::ActionLate { units, units_max } => write!(
                f,
                "the order ends at unit {units}, after {units_max}: say it first and shorter"
            ),
            Self::NoSignature => f.write_str("it does not open with the signature in its brackets"),
            Self::Placeholder => f.write_str("a placeholder of the template is left in it"),
            Self::Empty => f.write_str("the text is empty"),
            Self::Link => f.write_str("it has a link: name a number to call"),
            Self::NoHalf(time) => write!(
                f,
                "{time:?} may be by night or by day: write 15:00 or name the half of the day"
            ),
            Self::WhichNight(word) => write!(
                f,
                "{word:?} after midnight is this night or the next: write the date and time"
            ),
            Self::NoMonth(day) => write!(f, "{day:?} has no month: write it"),
            Self::NoMark => f.write_str("an exercise or a test is marked first and last"),
            Self::StrayMark => {
                f.write_str("it carries the mark of an exercise or a test and is meant in earnest")
            }
            Self::NotVerbatim => {
                f.write_str("the words of the other authority are not there as they came")
            }
            Self::Untranslated => f.write_str(
                "nobody wrote it in this language: who reads it gets the template's words",
            ),
            Self::NotPassed { account, why } => {
                write!(f, "the account {account} does not pass it: {why}")
            }
        }
    }
}

/// Everything wrong with `message`; empty where it may go out. Words a person wrote are asked
/// the same questions, so a signer sees what they left out.
pub(super) fn lint(
    message: &Message,
    facts: &Facts<'_>,
    known: &Known<'_>,
    settings: &Settings,
) -> Vec<Finding> {
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
    let speaks_short = match message.channel {
        Channel::Sms | Channel::Area => {
            let signed = settings.signed(known.signature, message.language);
            if known.signature.is_empty() || !message.text.starts_with(&signed) {
                findings.push(Finding::NoSignature);
            }
            true
        }
        Channel::Cell | Channel::Broadcast | Channel::Voice => true,
        Channel::Cap | Channel::Webhook | Channel::Push | Channel::Email | Channel::Device => false,
    };
    findings.extend(over_budget(message, facts, settings));
    let ours = without_theirs(&all, facts);
    let goes_to_the_public = facts.purpose.is_public() || facts.purpose == Purpose::Relay;
    if goes_to_the_public && speaks_short && has_link(&ours) {
        findings.push(Finding::Link);
    }
    findings.extend(unclear_times(&ours, message, facts, known));
    findings.extend(wrong_marks(message, &ours, facts.mode));
    if facts.purpose == Purpose::Relay && !is_verbatim(&all, facts, message.channel) {
        findings.push(Finding::NotVerbatim);
    }
    if facts.purpose.is_public() {
        elements(message, facts, known, &mut findings);
        findings.extend(late_action(message, facts, known, settings));
    }
    findings
}

/// What in a person's own words is not to be signed by mistake; `names` of places are none of it. `hour`
/// is the local hour.
pub(super) fn objections(
    words: &str,
    language: Language,
    hour: u32,
    names: &[String],
) -> Vec<Finding> {
    let mut ours = words.to_owned();
    for name in names.iter().filter(|name| !name.trim().is_empty()) {
        ours = ours.replace(name.as_str(), " ");
    }
    let mut findings = Vec::new();
    if has_link(&ours) {
        findings.push(Finding::Link);
    }
    findings.extend(doubtful(&ours, hour, language));
    findings
}

/// Words of a person that may never go out as they stand, whatever a signer thinks of the rest.
pub(super) fn forbidden(text: &str, mode: Mode) -> Option<Finding> {
    (mode == Mode::Actual && carries_mark(text)).then_some(Finding::StrayMark)
}

fn over_budget(message: &Message, facts: &Facts<'_>, settings: &Settings) -> Vec<Finding> {
    let slots = [
        ("subject", &message.subject),
        ("text", &message.text),
        ("instruction", &message.instruction),
    ];
    let way = (message.channel, facts.purpose);
    let costs = slots.into_iter().filter_map(|(slot, text)| {
        let cost = settings.cost(way, slot, message.language, text)?;
        (!cost.fits()).then_some(match cost.unit {
            Unit::Parts => Finding::TooLong {
                parts: cost.takes,
                parts_max: cost.has,
                units: super::sms::size(text).units,
            },
            Unit::Pages => Finding::TooManyPages {
                pages: cost.takes,
                pages_max: cost.has,
            },
            Unit::Seconds => Finding::TooSlow {
                seconds: cost.takes,
                seconds_max: cost.has,
            },
        })
    });
    costs.collect()
}

/// `all` without what another authority said or what a place is called: neither is ours to mend.
fn without_theirs(all: &str, facts: &Facts<'_>) -> String {
    let texts = facts
        .relay
        .into_iter()
        .flat_map(|relay| relay.texts.values().flatten());
    let said = texts.flat_map(|text| [&text.headline, &text.description, &text.instruction]);
    let mut theirs: Vec<&str> = said.map(String::as_str).collect();
    let places = model::Language::ALL.map(|language| facts.place.get(language));
    theirs.extend(places);
    let mut ours = all.to_owned();
    for said in theirs.into_iter().filter(|said| !said.trim().is_empty()) {
        ours = ours.replace(said, " ");
    }
    ours
}

fn has_link(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["http", "www.", "://", ".cn/", ".com", ".net/", ".org/"]
        .iter()
        .any(|part| lower.contains(part))
}

fn unclear_times(
    ours: &str,
    message: &Message,
    facts: &Facts<'_>,
    known: &Known<'_>,
) -> Vec<Finding> {
    let hour = Local::of(facts.issued, facts.offset).map_or(12, |local| local.hour);
    let mut text = ours.to_owned();
    // A site's consequence names the site.
    for name in [known.area, known.site]
        .into_iter()
        .filter(|name| !name.is_empty())
    {
        text = text.replace(name, " ");
    }
    doubtful(&text, hour, message.language)
}

/// Times that two people would read differently, each once.
fn doubtful(text: &str, hour: u32, language: Language) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (doubt, said) in times::doubts(text, hour, language) {
        let finding = match doubt {
            Doubt::Half => Finding::NoHalf(said),
            Doubt::Night => Finding::WhichNight(said),
            Doubt::Month => Finding::NoMonth(said),
        };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

fn wrong_marks(message: &Message, ours: &str, mode: Mode) -> Option<Finding> {
    if mode == Mode::Actual {
        return carries_mark(ours).then_some(Finding::StrayMark);
    }
    let slots = [&message.subject, &message.text, &message.instruction];
    let is_marked = |text: &str| is_marked_in(text, mode, message.language);
    let unmarked = |text: &&&String| !text.trim().is_empty() && !is_marked(text);
    slots
        .iter()
        .any(|text| unmarked(&text))
        .then_some(Finding::NoMark)
}

/// True where a text of an exercise or a test says so first, or right behind the signature, and last.
fn is_marked_in(text: &str, mode: Mode, language: Language) -> bool {
    let marks = [
        terms::mark(mode, language),
        terms::spoken_mark(mode, language),
    ];
    marks.map(str::trim).iter().any(|mark| {
        let last = text.trim_end().ends_with(mark);
        let first = text.find(mark).is_some_and(|at| {
            let head = text.get(..at).unwrap_or_default().trim();
            head.is_empty() || head.ends_with(['】', ']', ')'])
        });
        first && last
    })
}

/// The same in any of the languages.
pub(crate) fn is_marked(text: &str, mode: Mode) -> bool {
    mode != Mode::Actual && Language::ALL.iter().any(|l| is_marked_in(text, mode, *l))
}

/// True where a text says that it is an exercise or a test, in any of the languages.
fn carries_mark(text: &str) -> bool {
    const MARKS: [&str; 14] = [
        "演练",
        "演練",
        "演习",
        "演習",
        "【测试】",
        "【測試】",
        "EXERCISE ",
        " EXERCISE",
        " TEST ",
        "訓練】",
        "これは訓練",
        "훈련】",
        "이것은 훈련",
        "EXERCICE",
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// True where what the message quotes of the other authority is quoted whole.
fn is_verbatim(all: &str, facts: &Facts<'_>, channel: Channel) -> bool {
    let Some(relay) = facts.relay else {
        return true;
    };
    let mut texts = relay.texts.values().flatten().peekable();
    let has_words = texts.peek().is_some();
    let is_said = |said: &str| match channel {
        Channel::Voice | Channel::Broadcast => {
            let languages = model::Language::ALL.into_iter();
            let mut spoken = languages.map(|language| spoken::words(said, language));
            all.contains(said) || spoken.any(|spoken| all.contains(&spoken))
        }
        Channel::Sms
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device
        | Channel::Area
        | Channel::Cell => all.contains(said),
    };
    !has_words || texts.any(|text| text.headline.is_empty() || is_said(&text.headline))
}

/// The order of a first or a higher warning ends within the first units of a short message.
fn late_action(
    message: &Message,
    facts: &Facts<'_>,
    known: &Known<'_>,
    settings: &Settings,
) -> Option<Finding> {
    let opens = match facts.purpose {
        Purpose::Alert | Purpose::Rise => true,
        Purpose::Fall
        | Purpose::Ended
        | Purpose::Cancelled
        | Purpose::Reminder
        | Purpose::StandDown
        | Purpose::Request
        | Purpose::RequestOver
        | Purpose::SiteAlarm
        | Purpose::DeviceFault
        | Purpose::Strobe
        | Purpose::StrobeOver
        | Purpose::Relay
        | Purpose::Signature
        | Purpose::Digest
        | Purpose::Withdraw => false,
    };
    let is_short = matches!(message.channel, Channel::Sms | Channel::Area);
    let units_max = *settings.sms.action_within.get(&message.language)?;
    if !opens || !is_short {
        return None;
    }
    let mark = terms::mark(facts.mode, message.language);
    let text = if mark.is_empty() {
        message.text.clone()
    } else {
        message.text.replace(mark, "")
    };
    let units = match text.find(known.act).filter(|_| !known.act.is_empty()) {
        Some(at) => {
            let head = text.get(..at + known.act.len()).unwrap_or_default();
            head.encode_utf16().count()
        }
        // Words of a person: the first that ask for something.
        None => acts::first(&text, message.language)?,
    };
    (units > units_max).then_some(Finding::ActionLate { units, units_max })
}

/// Each of the eight that a text lacks. What is shown on a sign says only what to do and where.
fn elements(message: &Message, facts: &Facts<'_>, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let mut add = |missing: Vec<Element>| {
        for element in missing {
            let finding = Finding::Missing(element);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    };
    match message.channel {
        Channel::Broadcast => {
            add(missing(&message.text, message, facts, known, false));
            add(missing(&message.instruction, message, facts, known, true));
        }
        Channel::Voice => add(missing(&message.text, message, facts, known, true)),
        Channel::Sms
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device
        | Channel::Area
        | Channel::Cell => {
            let all = format!(
                "{}\n{}\n{}",
                message.subject, message.text, message.instruction
            );
            add(missing(&all, message, facts, known, false));
        }
    }
}

fn missing(
    text: &str,
    message: &Message,
    facts: &Facts<'_>,
    known: &Known<'_>,
    is_spoken: bool,
) -> Vec<Element> {
    let language = message.language;
    let lower = super::sms::fold(&text.to_lowercase());
    let has = |said: &str| {
        let as_said = if is_spoken {
            spoken::words(said, language)
        } else {
            said.to_owned()
        };
        !said.is_empty()
            && [said, as_said.as_str()].iter().any(|said| {
                let said = said.to_lowercase();
                lower.contains(&said) || lower.contains(&super::sms::fold(&said))
            })
    };
    let issued = clock(facts.issued, facts.offset, language);
    let start = clock_near(facts.start, facts.issued, facts.offset, language);
    let (said_issued, said_start) = if is_spoken {
        (
            spoken::clock(facts.issued, facts.offset, language),
            spoken::clock_near(facts.start, facts.issued, facts.offset, language),
        )
    } else {
        (issued.clone(), start.clone())
    };
    let tier = match facts.tier {
        Tier::None => facts.from,
        Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red => facts.tier,
    };
    let tiers = [tier, facts.from]
        .into_iter()
        .filter(|tier| *tier > Tier::None);
    let mut tier_words = tiers.flat_map(|tier| {
        [
            terms::tier_word(tier, language),
            terms::danger_word(tier, language),
        ]
    });
    let checks = [
        (Element::Issuer, has(known.signature) || has(known.issuer)),
        (Element::IssueTime, has(&issued) || has(&said_issued)),
        (
            Element::Hazard,
            has(known.hazard) || has(known.easy) || known.hazards.iter().any(|h| has(h)),
        ),
        (Element::Tier, tier_words.any(|word| has(&word))),
        (Element::Start, has(&start) || has(&said_start)),
        (
            Element::Area,
            has(facts.place.get(language)) || has(known.area),
        ),
        (
            Element::Action,
            known.orders.iter().any(|order| has(order)) || acts::first(&lower, language).is_some(),
        ),
        (Element::Verify, has(known.verify)),
    ];
    let missing = checks.into_iter().filter(|(_, there)| !there);
    missing.map(|(element, _)| element).collect()
}
