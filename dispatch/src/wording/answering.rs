//! What is said of answering: the line of a mail that says where its link is, and what a call says
//! first that has several things to say.

use super::{WordingFault, spoken};
use model::Language;
use std::collections::BTreeMap;

/// What stands for the address in `[link]` of `email.toml`.
const LINK: &str = "{{link}}";

/// The lines by language.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<Language, String>);

impl Lines {
    /// The lines of a file; one that does not say where to answer is a fault.
    pub(super) fn read(
        file: &str,
        lines: &BTreeMap<Language, String>,
        faults: &mut Vec<WordingFault>,
    ) -> Self {
        for (language, line) in lines {
            if !line.contains(LINK) {
                faults.push(WordingFault {
                    file: file.to_owned(),
                    key: format!("link.{}", language.tag()),
                    what: format!("it does not say where to answer; write {LINK} into it"),
                });
            }
        }
        Self(lines.clone())
    }

    /// The line with the address.
    pub(super) fn line(&self, language: Language, address: &str) -> String {
        let own = self.0.get(&language).map(String::as_str);
        let line = own.unwrap_or(match language {
            Language::Zh => "点此回报:{{link}}",
            Language::ZhHant => "點此回報:{{link}}",
            Language::En => "Answer here: {{link}}",
            Language::Ja => "こちらから回答:{{link}}",
            Language::Ko => "여기서 응답: {{link}}",
            Language::Fr => "Répondez ici : {{link}}",
        });
        line.replace(LINK, address)
    }
}

/// What stands for the number in `[several]` of `voice.toml`.
const COUNT: &str = "{{count}}";

/// What a call says first that has several things to say, by language.
#[derive(Debug, Default)]
pub(super) struct Openings(BTreeMap<Language, String>);

impl Openings {
    /// The sentences of a file; one that does not say how many there are is a fault.
    pub(super) fn read(
        file: &str,
        sentences: &BTreeMap<Language, String>,
        faults: &mut Vec<WordingFault>,
    ) -> Self {
        let lacking = sentences.iter().filter(|(_, said)| !said.contains(COUNT));
        for (language, _) in lacking {
            faults.push(WordingFault {
                file: file.to_owned(),
                key: format!("several.{}", language.tag()),
                what: format!("it does not say how many there are; write {COUNT} into it"),
            });
        }
        Self(sentences.clone())
    }

    /// The sentence for so many, as it is said.
    pub(super) fn say(&self, language: Language, count: usize) -> String {
        let own = self.0.get(&language).map(String::as_str);
        let said = own.unwrap_or(match language {
            Language::Zh => "本次来电共{{count}}项,按键即回复已听到的各项。",
            Language::ZhHant => "本次來電共{{count}}項,按鍵即回覆已聽到的各項。",
            Language::En => "This call has {{count}} messages. A key answers those you have heard.",
            Language::Ja => "この電話では{{count}}件をお伝えします。キーはそれまでに聞いた件への回答です。",
            Language::Ko => "이 전화는 {{count}}건을 알립니다. 키는 그때까지 들은 건에 대한 응답입니다.",
            Language::Fr => "Cet appel comporte {{count}} messages. Une touche répond à ceux que vous avez entendus.",
        });
        let count = match (language, count) {
            // Of two things one says 两, not 二.
            (Language::Zh, 2) => "两".to_owned(),
            (Language::ZhHant, 2) => "兩".to_owned(),
            (_, count) => count.to_string(),
        };
        spoken::words(&said.replace(COUNT, &count), language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_the_address_is_refused_and_one_that_is_missing_is_ours() {
        let mut faults = Vec::new();
        let lines = BTreeMap::from([
            (Language::Zh, "点这里".to_owned()),
            (Language::En, "Here: {{link}} (one tap)".to_owned()),
        ]);
        let lines = Lines::read("email.toml", &lines, &mut faults);
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["link.zh"]);
        assert_eq!(lines.line(Language::En, "x"), "Here: x (one tap)");
        assert_eq!(Lines::default().line(Language::Zh, "x"), "点此回报:x");
    }

    #[test]
    fn a_call_says_how_many_things_it_has_to_say() {
        let mut faults = Vec::new();
        let own = BTreeMap::from([
            (Language::Zh, "有几项".to_owned()),
            (Language::En, "{{count}} of them.".to_owned()),
        ]);
        let openings = Openings::read("voice.toml", &own, &mut faults);
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["several.zh"]);
        assert_eq!(openings.say(Language::En, 3), "three of them.");
        let ours = Openings::default();
        assert!(ours.say(Language::Zh, 2).contains("两项"));
        for language in Language::ALL {
            let said = ours.say(language, 4);
            assert!(!said.contains(['{', '4']), "{said}");
        }
    }
}
