//! The line of a mail that says where its link to answer is.

use super::WordingFault;
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
}
