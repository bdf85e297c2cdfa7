//! What the roles of `contacts.csv` and `plans.csv` are called, from `wording/roles.toml`.

use super::WordingFault;
use model::{Language, Named};
use std::collections::BTreeMap;

/// The file of the names.
pub(super) const FILE: &str = "roles.toml";

/// Names of roles; a role without one is called by its code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(BTreeMap<String, Named>);

impl Roles {
    /// The names as a file has them; one that lacks a language is a fault.
    pub(super) fn read(named: BTreeMap<String, Named>, faults: &mut Vec<WordingFault>) -> Self {
        for (role, name) in &named {
            for (language, words) in [(Language::Zh, &name.zh), (Language::En, &name.en)] {
                if words.trim().is_empty() {
                    faults.push(WordingFault {
                        file: FILE.to_owned(),
                        key: format!("{role}.{}", language.tag()),
                        what: "the name is missing; write what people call this role".into(),
                    });
                }
            }
        }
        Self(named)
    }

    /// The name of a role, or its code.
    pub fn name<'r>(&'r self, role: &'r str, language: Language) -> &'r str {
        self.0.get(role).map_or(role, |name| name.get(language))
    }

    /// Every role that has a name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Named)> {
        self.0.iter().map(|(role, name)| (role.as_str(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, Roles};
    use crate::wording::WordingFault;
    use model::Language;

    fn read(text: &str) -> (Roles, Vec<WordingFault>) {
        let mut faults = Vec::new();
        let roles = Roles::read(toml::from_str(text).unwrap(), &mut faults);
        (roles, faults)
    }

    #[test]
    fn a_role_is_called_by_its_name_or_its_code() {
        let (roles, faults) = read("grid_officer = { zh = \"网格员\", en = \"Grid officer\" }");
        assert_eq!(faults, []);
        assert_eq!(roles.name("grid_officer", Language::Zh), "网格员");
        assert_eq!(roles.name("grid_officer", Language::En), "Grid officer");
        assert_eq!(roles.name("lock_keeper", Language::En), "lock_keeper");
    }

    #[test]
    fn a_name_in_one_language_alone_is_a_fault() {
        let (_, faults) = read("grid_officer = { zh = \"网格员\", en = \" \" }");
        let [fault] = faults.as_slice() else {
            panic!("{faults:?}");
        };
        assert_eq!(
            (fault.file.as_str(), fault.key.as_str()),
            (FILE, "grid_officer.en")
        );
    }
}
