//! Names of places, authorities and sites in every language that people are addressed in.
//!
//! A registry has Chinese and English. Other languages take what `wording/names.toml` says; where
//! it says nothing, traditional Chinese is converted from the simplified name and the others are
//! given the Latin one, which their readers can at least read aloud and find on a map.

use super::WordingFault;
use super::traditional::traditional;
use model::{Language, Named};
use std::collections::BTreeMap;

/// The file of the names.
pub(super) const FILE: &str = "names.toml";

/// A name, or a list of names, in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names([String; Language::ALL.len()]);

impl Names {
    /// What `of` says in each language.
    pub fn each(of: impl FnMut(Language) -> String) -> Self {
        Self(Language::ALL.map(of))
    }

    /// The name in that language.
    pub fn get(&self, language: Language) -> &str {
        self.0.get(language.index()).map_or("", String::as_str)
    }
}

impl From<&Named> for Names {
    fn from(name: &Named) -> Self {
        NameBook::default().all(name)
    }
}

/// What a city calls its places in languages that its registry does not have, by the Chinese name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameBook(BTreeMap<Language, BTreeMap<String, String>>);

impl NameBook {
    /// The names as the file has them.
    pub(super) fn read(
        by_language: BTreeMap<Language, BTreeMap<String, String>>,
        faults: &mut Vec<WordingFault>,
    ) -> Self {
        for (language, names) in &by_language {
            for (chinese, name) in names {
                if name.trim().is_empty() {
                    faults.push(WordingFault {
                        file: FILE.to_owned(),
                        key: format!("{}.{chinese}", language.tag()),
                        what: "the name is empty; leave the line out or say it".into(),
                    });
                }
            }
        }
        Self(by_language)
    }

    /// The name in that language.
    pub fn name(&self, name: &Named, language: Language) -> String {
        let own = self.0.get(&language).and_then(|names| names.get(&name.zh));
        match (own, language) {
            (Some(own), _) => own.clone(),
            (None, Language::ZhHant) => traditional(&name.zh),
            (None, Language::Zh | Language::En | Language::Ja | Language::Ko | Language::Fr) => {
                name.get(language).to_owned()
            }
        }
    }

    /// The name in every language.
    pub fn all(&self, name: &Named) -> Names {
        Names::each(|language| self.name(name, language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_says_comes_before_the_rule() {
        let file =
            "[ja]\n\"天河区\" = \"天河区\"\n[ko]\n\"天河区\" = \"톈허구\"\n\"海珠区\" = \" \"\n";
        let mut faults = Vec::new();
        let book = NameBook::read(toml::from_str(file).unwrap(), &mut faults);
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["ko.海珠区"]);
        let named = Named {
            zh: "天河区".into(),
            en: "Tianhe".into(),
        };
        let all = book.all(&named);
        let said = Language::ALL.map(|language| all.get(language).to_owned());
        assert_eq!(
            said,
            ["天河区", "Tianhe", "天河區", "天河区", "톈허구", "Tianhe"]
        );
        let nameless = Named {
            zh: "钟落潭镇".into(),
            en: String::new(),
        };
        assert_eq!(book.name(&nameless, Language::ZhHant), "鍾落潭鎮");
        assert_eq!(book.name(&nameless, Language::Fr), "钟落潭镇");
    }
}
