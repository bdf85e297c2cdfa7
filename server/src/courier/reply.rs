//! What a phone wrote back: the digit that was asked for, or its word.

use dispatch::gateway::sms::same_phone;
use model::order::Answer;

/// Characters between the word and what else was written.
const ENDS: &[char] = &[
    ' ', '\t', '\r', '\n', '\u{3000}', ',', '.', ';', ':', '!', '?', ')', '-', '，', '。', '、',
    '；', '：', '！', '？', '）', '—',
];
/// Words that turn the sense of what stands beside them.
const DENIALS: &[&str] = &[
    "没", "未", "不", "无", "别", "吗", "？", "?", "not ", "no ", "n't",
];
/// Words for each answer, as a reply begins with them.
const WORDS: &[(Answer, &[&str])] = &[
    (
        Answer::NeedsHelp,
        &["need help", "needs help", "help", "sos"],
    ),
    (Answer::Received, &["收到", "已收到", "received"]),
    (
        Answer::AtPost,
        &[
            "到岗",
            "已到岗",
            "在岗",
            "已在岗",
            "已到现场",
            "at post",
            "on post",
        ],
    ),
    (
        Answer::Moved,
        &["已转移", "转移完", "已完成转移", "moved", "evacuated"],
    ),
];
/// Words that call for help wherever they stand.
const HELP: &[&str] = &["需要救援", "需要帮助", "求助", "求援", "求救", "救命"];

/// Whether a reply that came from `sender` is from `phone`: carriers give national numbers too.
pub(super) fn is_from(phone: Option<u64>, sender: u64) -> bool {
    phone.is_some_and(|phone| same_phone(phone, sender))
}

/// `1` received, `2` at post, `3` moved, `4` needs help, each alone or before other words, or their
/// words; `None` where it is neither: "10 minutes" is no 1.
pub(super) fn said(text: &str) -> Option<Answer> {
    let text: String = text.trim().chars().map(narrow).collect();
    let text = text.to_lowercase();
    let token = text.split(ENDS).next().unwrap_or_default();
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    let (number, word) = token.split_at(digits);
    let by_number = match number {
        "" => return by_word(&text),
        "1" => Answer::Received,
        "2" => Answer::AtPost,
        "3" => Answer::Moved,
        "4" => Answer::NeedsHelp,
        _ => return by_word_of_help(&text),
    };
    // "1收到" says it twice; "2小时后到" is no 2.
    (word.is_empty() || by_word(word) == Some(by_number)).then_some(by_number)
}

fn by_word(text: &str) -> Option<Answer> {
    if DENIALS.iter().any(|denial| text.contains(denial)) {
        return None;
    }
    let begins = |word: &&str| {
        let rest = text.strip_prefix(*word);
        // A Latin word ends where its letters do.
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        rest.is_some_and(|rest| !word.is_ascii() || ends(rest))
    };
    let found = WORDS.iter().find(|(_, words)| words.iter().any(begins));
    by_word_of_help(text).or(found.map(|(answer, _)| *answer))
}

fn by_word_of_help(text: &str) -> Option<Answer> {
    let denied = DENIALS.iter().any(|denial| text.contains(denial));
    let calls = HELP.iter().any(|word| text.contains(word));
    (calls && !denied).then_some(Answer::NeedsHelp)
}

/// Full-width letters and digits as ASCII.
fn narrow(c: char) -> char {
    match c {
        '！'..='～' => u32::from(c)
            .checked_sub(0xFEE0)
            .and_then(char::from_u32)
            .unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_words_are_understood_and_nothing_else_is() {
        use Answer::{AtPost, Moved, NeedsHelp, Received};
        let cases = [
            ("1", Some(Received)),
            (" １ ", Some(Received)),
            ("1收到", Some(Received)),
            ("1，马上去", Some(Received)),
            ("收到", Some(Received)),
            ("已收到，谢谢", Some(Received)),
            ("Received, thanks", Some(Received)),
            ("2 已到现场", Some(AtPost)),
            ("２到岗", Some(AtPost)),
            ("到岗", Some(AtPost)),
            ("在岗值守", Some(AtPost)),
            ("At post.", Some(AtPost)),
            ("3", Some(Moved)),
            ("已转移20人", Some(Moved)),
            ("moved", Some(Moved)),
            ("4", Some(NeedsHelp)),
            ("需要救援", Some(NeedsHelp)),
            ("水已进屋，求助！", Some(NeedsHelp)),
            ("12人被困，需要救援", Some(NeedsHelp)),
            ("HELP", Some(NeedsHelp)),
            ("need help now", Some(NeedsHelp)),
            ("10分钟后到", None),
            ("1分钟后到", None),
            ("1小时内到岗", None),
            ("20 minutes", None),
            ("没收到", None),
            ("收到没有？", None),
            ("未转移", None),
            ("不需要救援", None),
            ("not received", None),
            ("helpful", None),
            ("5", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(said(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_sender_in_national_form_is_the_same_phone() {
        assert!(is_from(Some(8_613_800_000_001), 13_800_000_001));
        assert!(is_from(Some(8_613_800_000_001), 8_613_800_000_001));
        assert!(!is_from(Some(8_613_800_000_001), 13_800_000_002));
        assert!(!is_from(Some(8_613_800_000_001), 10_086));
        assert!(!is_from(None, 13_800_000_001));
    }
}
