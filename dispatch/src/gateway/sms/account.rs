//! What was agreed with a carrier about one account: which texts it passes, for how long, how many
//! in a day. What is not written was not agreed: an account without any of it passes every text.
//!
//! A carrier's gateway takes a text that was not registered and drops it, or refuses it message by
//! message while the water rises. So each text is held against what was agreed before anybody signs.

use super::results::ResultCode;
use model::{Offset, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Longest text a template is held against, in characters: what ten parts carry.
const TEXT_MAX: usize = 700;
/// Most pieces of a template.
const PIECES_MAX: usize = 128;
/// Templates of one account.
const TEMPLATES_MAX: usize = 1_000;

/// What was agreed about one account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contract {
    /// Registered signatures as they open a text, with their brackets: `【穗城三防】`. A text opens
    /// with one of them; empty where none was registered.
    pub signatures: Vec<String>,
    /// Digits behind the source number that the carrier gave this use of it; at most 20 together.
    pub sub_port: String,
    /// Approved templates by the number the carrier gave each, for what stands behind the signature:
    /// words as they stand, and variables with their limits, [`Template`].
    pub templates: BTreeMap<String, String>,
    /// Parts that the carrier takes on one calendar day of the city; 0 for no such limit.
    pub daily_max: u64,
    /// The last day on which the account may be used.
    pub expires: Option<Day>,
    /// Results of submits and reasons of receipts, as the carrier writes them (`9`, `MA:0003`), that
    /// say that a phone is another carrier's; beside those of the standard.
    pub not_ours: Vec<String>,
    /// What results of submits mean where this gateway has codes of its own, or means others by the
    /// standard's: `"66" = "permanent"`, `"0x401" = "uncertain"`.
    pub results: BTreeMap<String, Judged>,
    /// Whom to call about the account, a name or a desk; never sent.
    pub on_duty: String,
}

/// What a result means for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// It may go through another time.
    Transient,
    /// It never will as it stands.
    Permanent,
    /// The far side may have it all the same.
    Uncertain,
}

/// A calendar day, counted from 1970-01-01; written `2027-03-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

/// One approved template: words, and variables `{name:20}` (1 to 20 characters), `{name:0-20}`, or
/// `{name:digits 4}` for digits alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(Vec<char>),
    Variable {
        least: usize,
        most: usize,
        digits: bool,
    },
}

/// Why an account does not pass a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The account may not be used any more since that day.
    Expired(Day),
    /// The text opens with none of its signatures.
    Signature,
    /// None of its templates is that text.
    Template,
    /// The day's messages are used up, or will be: parts left, and parts this takes.
    DailyMax {
        /// Parts left on this day.
        left: u64,
        /// Parts that telling everybody takes.
        needed: u64,
    },
}

/// What is wrong with what was written about an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractFault {
    /// A signature that no text could open with.
    #[error("signatures: {0:?} has no brackets around it: write it as it stands in a text, 【…】")]
    Signature(String),
    /// Something other than digits.
    #[error("sub_port: {0:?} is not digits alone")]
    SubPort(String),
    /// The source number has no room for it.
    #[error(
        "sub_port: the source number has {source_digits} digits and this {sub_port}, more than 20"
    )]
    TooLong {
        /// Of the source number.
        source_digits: usize,
        /// Of the sub-port.
        sub_port: usize,
    },
    /// A template that cannot be read.
    #[error("templates.{id}: {why}")]
    Template {
        /// The carrier's number.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// A result that is no code.
    #[error("results.{0}: it is no code; write it as the gateway does, 66 or 0x401")]
    Result(String),
    /// More than can be held against a text.
    #[error("templates: {0} of them, more than {TEMPLATES_MAX}")]
    TooMany(usize),
}

/// An account with what was agreed, read once: what texts are held against.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its name in the configuration.
    pub name: String,
    /// Whom to call about it; empty where nobody was named.
    pub on_duty: String,
    signatures: Vec<String>,
    templates: Vec<Template>,
    daily_max: u64,
    expires: Option<Day>,
    not_ours: Vec<String>,
    results: BTreeMap<u32, Judged>,
    /// Parts taken on the day that is asked about.
    pub used: u64,
}

impl Day {
    /// The day of a time where clocks are that far ahead.
    pub const fn of(at: Time, offset: Offset) -> Self {
        let local = at.millis().saturating_add(offset.0 as i64 * 60_000);
        Self(local.div_euclid(86_400_000))
    }

    /// Reads `2027-03-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_day = text.len() == 10;
        let (at, _) = Time::parse(&format!("{text}T00:00:00Z")).ok()?;
        is_day.then(|| Self::of(at, Offset(0)))
    }

    /// Whole days from `earlier` to this one; below zero where it lies before.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Time::from_seconds(self.0.saturating_mul(86_400)).display(Offset(0));
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is no day: \"2027-03-31\""));
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(day) => write!(f, "it expired on {day}"),
            Self::Signature => {
                f.write_str("the text opens with none of the signatures registered for it")
            }
            Self::Template => f.write_str("none of the templates approved for it is this text"),
            Self::DailyMax { left: 0, .. } => f.write_str("its messages of today are used up"),
            Self::DailyMax { left, needed } => {
                write!(f, "{left} messages are left today and this takes {needed}")
            }
        }
    }
}

impl Refusal {
    /// The word in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Expired(_) => "expired",
            Self::Signature => "signature",
            Self::Template => "template",
            Self::DailyMax { .. } => "daily_max",
        }
    }

    /// Whether nothing at all goes out: a day that runs out on the way lets the first ones through.
    pub const fn is_total(&self) -> bool {
        match self {
            Self::Expired(_) | Self::Signature | Self::Template => true,
            Self::DailyMax { left, .. } => *left == 0,
        }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (words, variable) = rest.split_at(open);
            let Some((inner, after)) = variable.get(1..).and_then(|v| v.split_once('}')) else {
                return Err("a brace is open at its end: write {name:20}".to_owned());
            };
            words_of(words, &mut pieces)?;
            pieces.push(variable_of(inner)?);
            rest = after;
        }
        words_of(rest, &mut pieces)?;
        match pieces.len() {
            0 => Err("it is empty".to_owned()),
            n if n > PIECES_MAX => Err(format!("{n} pieces, more than {PIECES_MAX}")),
            _ => Ok(Self(pieces)),
        }
    }

    /// Whether a text is this template with something in each variable.
    pub fn is(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().take(TEXT_MAX + 1).collect();
        if text.len() > TEXT_MAX {
            return false;
        }
        // Where in the text the pieces so far may end.
        let mut ends = vec![false; text.len() + 1];
        if let Some(start) = ends.first_mut() {
            *start = true;
        }
        for piece in &self.0 {
            ends = match piece {
                Piece::Words(words) => after_words(&ends, &text, words),
                Piece::Variable {
                    least,
                    most,
                    digits,
                } => after_variable(&ends, &text, (*least, *most), *digits),
            };
        }
        ends.last().copied().unwrap_or(false)
    }
}

fn words_of(words: &str, pieces: &mut Vec<Piece>) -> Result<(), String> {
    if words.contains('}') {
        return Err("a brace is closed that was not opened: write {name:20}".to_owned());
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words.chars().collect()));
    }
    Ok(())
}

fn variable_of(inner: &str) -> Result<Piece, String> {
    let wrong = || {
        format!(
            "{{{inner}}} is no variable: write {{name:20}}, {{name:0-20}} or {{name:digits 4}}, at most {TEXT_MAX}"
        )
    };
    let (name, limits) = inner.split_once(':').ok_or_else(wrong)?;
    let digits = limits.strip_prefix("digits ");
    let range = digits.unwrap_or(limits).trim();
    let (least, most) = range.split_once('-').unwrap_or(("1", range));
    let number = |text: &str| text.parse::<usize>().ok();
    let (least, most) = number(least).zip(number(most)).ok_or_else(wrong)?;
    let is_usable = !name.trim().is_empty() && least <= most && (1..=TEXT_MAX).contains(&most);
    is_usable.then_some(()).ok_or_else(wrong)?;
    Ok(Piece::Variable {
        least,
        most,
        digits: digits.is_some(),
    })
}

fn after_words(ends: &[bool], text: &[char], words: &[char]) -> Vec<bool> {
    let mut after = vec![false; ends.len()];
    for (at, _) in ends.iter().enumerate().filter(|(_, is_end)| **is_end) {
        let is_there = text.get(at..).is_some_and(|rest| rest.starts_with(words));
        if let Some(end) = after.get_mut(at + words.len()).filter(|_| is_there) {
            *end = true;
        }
    }
    after
}

fn after_variable(
    ends: &[bool],
    text: &[char],
    (least, most): (usize, usize),
    digits: bool,
) -> Vec<bool> {
    let mut after = vec![false; ends.len()];
    // The last place at or before each from which a variable may begin, and digits since where.
    let (mut from, mut run) = (None, 0);
    for (at, slot) in after.iter_mut().enumerate() {
        if at > 0 {
            let is_digit = text.get(at - 1).is_some_and(char::is_ascii_digit);
            run = if is_digit { run + 1 } else { 0 };
        }
        if let Some(begin) = at.checked_sub(least)
            && ends.get(begin) == Some(&true)
        {
            from = Some(begin);
        }
        let reach = if digits { most.min(run) } else { most };
        // A later begin is nearer: where that is too far back, every earlier one is.
        *slot = from.is_some_and(|begin| at - begin <= reach);
    }
    after
}

impl Contract {
    /// Every fault at once. `source` is the number that the sub-port stands behind.
    pub fn faults(&self, source: &str) -> Vec<ContractFault> {
        let mut faults = Vec::new();
        for signature in &self.signatures {
            let mut ends = signature.chars();
            let pair = (ends.next(), ends.next_back());
            if !matches!(pair, (Some('【'), Some('】')) | (Some('['), Some(']'))) {
                faults.push(ContractFault::Signature(signature.clone()));
            }
        }
        if !self.sub_port.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(ContractFault::SubPort(self.sub_port.clone()));
        }
        if !self.sub_port.is_empty() && source.len() + self.sub_port.len() > 20 {
            faults.push(ContractFault::TooLong {
                source_digits: source.len(),
                sub_port: self.sub_port.len(),
            });
        }
        if self.templates.len() > TEMPLATES_MAX {
            faults.push(ContractFault::TooMany(self.templates.len()));
        }
        let strange = self.results.keys().filter(|code| code_of(code).is_none());
        faults.extend(strange.cloned().map(ContractFault::Result));
        for (id, text) in &self.templates {
            if let Err(why) = Template::parse(text) {
                let id = id.clone();
                faults.push(ContractFault::Template { id, why });
            }
        }
        faults
    }

    /// The account that texts are held against, under that name. A template with a fault is none.
    pub fn account(&self, name: &str) -> Account {
        let templates = self.templates.values();
        Account {
            name: name.to_owned(),
            on_duty: self.on_duty.clone(),
            signatures: self.signatures.clone(),
            templates: templates.filter_map(|t| Template::parse(t).ok()).collect(),
            daily_max: self.daily_max,
            expires: self.expires,
            not_ours: self.not_ours.clone(),
            results: self
                .results
                .iter()
                .filter_map(|(code, judged)| Some((code_of(code)?, *judged)))
                .collect(),
            used: 0,
        }
    }
}

/// A result code as it is written.
fn code_of(text: &str) -> Option<u32> {
    let code = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    code.ok().filter(|code| *code != 0)
}

impl Account {
    /// Why it does not pass a text on that day, whatever it sent already; `None` where it does.
    pub fn refusal(&self, text: &str, day: Day) -> Option<Refusal> {
        if let Some(last) = self.expires.filter(|last| day > *last) {
            return Some(Refusal::Expired(last));
        }
        let mut signatures = self.signatures.iter();
        let rest = match self.signatures.is_empty() {
            true => Some(unsigned(text)),
            false => signatures.find_map(|signature| text.strip_prefix(signature.as_str())),
        };
        let Some(rest) = rest else {
            return Some(Refusal::Signature);
        };
        let is_known = self.templates.is_empty() || self.templates.iter().any(|t| t.is(rest));
        (!is_known).then_some(Refusal::Template)
    }

    /// As [`Account::refusal`], and whether the day has room for `needed` parts.
    pub fn refusal_of(&self, text: &str, day: Day, needed: u64) -> Option<Refusal> {
        self.refusal(text, day).or_else(|| {
            let left = self.left()?;
            (left == 0 || needed > left).then_some(Refusal::DailyMax { left, needed })
        })
    }

    /// Whether it passes some texts and not others.
    pub const fn restricts_texts(&self) -> bool {
        !self.signatures.is_empty() || !self.templates.is_empty()
    }

    /// Parts that it takes on a day; 0 for no such limit.
    pub const fn daily_max(&self) -> u64 {
        self.daily_max
    }

    /// Parts left on the day; `None` where there is no such limit.
    pub fn left(&self) -> Option<u64> {
        (self.daily_max > 0).then(|| self.daily_max.saturating_sub(self.used))
    }

    /// Whether a refused submit says that the phone is another carrier's.
    pub fn is_not_ours(&self, result: ResultCode) -> bool {
        result.is_not_ours() || self.says_not_ours(&result.value.to_string())
    }

    /// What a refused submit means, where the contract says otherwise than the standard.
    pub fn judged(&self, result: ResultCode) -> Option<Judged> {
        self.results.get(&result.value).copied()
    }

    /// The same of the reason in a receipt.
    pub fn says_not_ours(&self, reason: &str) -> bool {
        self.not_ours.iter().any(|code| code == reason)
    }

    /// Its last day, where one was agreed.
    pub const fn expires(&self) -> Option<Day> {
        self.expires
    }

    /// Days until its last one, zero on that day; below zero where it is over. `None` where no end
    /// was agreed.
    pub fn days_left(&self, day: Day) -> Option<i64> {
        self.expires.map(|last| last.since(day))
    }
}

/// A text without the signature it opens with.
fn unsigned(text: &str) -> &str {
    let closing = match text.chars().next() {
        Some('【') => '】',
        Some('[') => ']',
        Some(_) | None => return text,
    };
    text.split_once(closing).map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::super::Table;
    use super::*;
    use proptest::prelude::*;

    fn contract(text: &str) -> Contract {
        toml::from_str(text).unwrap()
    }

    const AGREED: &str = r#"
        signatures = ["【穗城三防】", "[Suicheng]"]
        sub_port   = "01"
        daily_max  = 1000
        expires    = "2027-03-31"
        on_duty    = "王工 020-12345"
        [templates]
        T01 = "{time:20}发布{area:30}{hazard:8}{tier:2}预警,{action:0-40}查证{hotline:digits 5-11}"
        T02 = "{text:60} Verify {hotline:digits 5}"
    "#;

    #[test]
    fn a_result_is_judged_as_the_contract_says_and_what_is_no_code_is_named() {
        let contract: Contract = toml::from_str(
            "[results]\n\"66\" = \"permanent\"\n\"0x401\" = \"uncertain\"\nMA = \"transient\"\n\"0\" = \"permanent\"\n",
        )
        .unwrap();
        let named = |fault: &ContractFault| matches!(fault, ContractFault::Result(_));
        let faults = contract.faults("10657500");
        assert_eq!(faults.iter().filter(|fault| named(fault)).count(), 2);
        let account = contract.account("mobile");
        let of = |value| account.judged(ResultCode::new(Table::CmppSubmit, value));
        assert_eq!(of(66), Some(Judged::Permanent));
        assert_eq!(of(0x401), Some(Judged::Uncertain));
        assert_eq!((of(0), of(13)), (None, None));
        assert!(toml::from_str::<Contract>("results = { \"1\" = \"maybe\" }").is_err());
    }

    #[test]
    fn a_text_is_passed_by_its_signature_its_template_and_the_day() {
        let account = contract(AGREED).account("carrier-a");
        let day = Day::parse("2027-03-31").unwrap();
        let why = |text: &str| account.refusal(text, day).map(|why| why.to_string());
        let said = "7月8日18时发布天河区暴雨红色预警,立即转移。查证12345";
        assert_eq!(why(&format!("【穗城三防】{said}")), None);
        assert_eq!(why("[Suicheng]Leave low roads now. Verify 12345"), None);
        let signature = "the text opens with none of the signatures registered for it";
        assert_eq!(why(&format!("【穗城气象】{said}")).unwrap(), signature);
        assert_eq!(why(said).unwrap(), signature);
        let template = "none of the templates approved for it is this text";
        for other in [
            "查证12345",
            "发布暴雨",
            "7月8日发布天河区暴雨红色预警,查证一二三四五",
        ] {
            assert_eq!(why(&format!("【穗城三防】{other}")).unwrap(), template);
        }
        let next = account.refusal(said, Day(day.0 + 1)).unwrap();
        assert_eq!(next.to_string(), "it expired on 2027-03-31");
        assert_eq!(account.days_left(Day(day.0 - 30)), Some(30));
    }

    #[test]
    fn what_was_not_agreed_is_not_asked() {
        let account = Contract::default().account("any");
        assert_eq!(account.refusal_of("anything", Day(20_000), u64::MAX), None);
        assert_eq!((account.left(), account.days_left(Day(0))), (None, None));
        let by_template = contract("[templates]\nT1 = \"{words:4}\"").account("any");
        assert_eq!(by_template.refusal("【谁】四个字呀", Day(0)), None);
        assert_eq!(
            by_template.refusal("【谁】五个字了呀", Day(0)),
            Some(Refusal::Template)
        );
    }

    #[test]
    fn a_day_that_is_used_up_passes_nothing_and_one_that_runs_out_says_so() {
        let mut account = contract("daily_max = 10").account("a");
        let of = |account: &Account, needed| account.refusal_of("x", Day(0), needed);
        assert_eq!(of(&account, 10), None);
        let short = of(&account, 11).unwrap();
        assert_eq!(
            (short.to_string().as_str(), short.is_total()),
            ("10 messages are left today and this takes 11", false)
        );
        account.used = 12;
        let over = of(&account, 1).unwrap();
        assert_eq!(
            (over.to_string().as_str(), over.is_total()),
            ("its messages of today are used up", true)
        );
    }

    #[test]
    fn every_fault_at_once() {
        let contract = contract(
            "signatures = [\"穗城三防\"]\nsub_port = \"12a\"\n[templates]\nA = \"{x}\"\nB = \"ok {n:3\"\nC = \"}\"\nD = \"\"\nE = \"{n:9-3}\"",
        );
        let said: Vec<String> = contract
            .faults("106575000000000000")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "signatures: \"穗城三防\" has no brackets around it: write it as it stands in a text, 【…】",
                "sub_port: \"12a\" is not digits alone",
                "sub_port: the source number has 18 digits and this 3, more than 20",
                "templates.A: {x} is no variable: write {name:20}, {name:0-20} or {name:digits 4}, at most 700",
                "templates.B: a brace is open at its end: write {name:20}",
                "templates.C: a brace is closed that was not opened: write {name:20}",
                "templates.D: it is empty",
                "templates.E: {n:9-3} is no variable: write {name:20}, {name:0-20} or {name:digits 4}, at most 700",
            ]
        );
        assert!(contract_day("2027-02-30").is_err() && contract_day("2027-02-28").is_ok());
    }

    fn contract_day(day: &str) -> Result<Contract, toml::de::Error> {
        toml::from_str(&format!("expires = \"{day}\""))
    }

    #[test]
    fn days_are_those_of_the_city() {
        let (at, _) = Time::parse("2027-03-31T23:30:00+08:00").unwrap();
        assert_eq!(Day::of(at, Offset(480)).to_string(), "2027-03-31");
        let after = at + model::Span::from_minutes(31);
        assert_eq!(Day::of(after, Offset(480)).to_string(), "2027-04-01");
    }

    /// The naive reading of a template: every split is tried.
    fn tried(pieces: &[Piece], text: &[char]) -> bool {
        let Some((piece, rest)) = pieces.split_first() else {
            return text.is_empty();
        };
        match piece {
            Piece::Words(words) => text.starts_with(words) && tried(rest, &text[words.len()..]),
            Piece::Variable {
                least,
                most,
                digits,
            } => (*least..=(*most).min(text.len())).any(|n| {
                let (taken, left) = text.split_at(n);
                (!digits || taken.iter().all(char::is_ascii_digit)) && tried(rest, left)
            }),
        }
    }

    proptest! {
        #[test]
        fn a_template_is_read_as_every_split_would_have_it(
            template in "(a|b|ab|\\{v:[1-3]\\}|\\{v:0-2\\}|\\{v:digits [1-2]\\}|\\{v:digits 0-3\\}){1,6}",
            text in "[ab12]{0,9}",
        ) {
            let template = Template::parse(&template).unwrap();
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(template.is(&text), tried(&template.0, &chars));
        }

        #[test]
        fn anything_is_a_template_or_a_fault(text in "\\PC{0,80}", other in "\\PC{0,80}") {
            if let Ok(template) = Template::parse(&text) {
                template.is(&other);
            }
        }
    }
}
