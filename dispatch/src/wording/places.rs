//! Area lists as people say them: whole districts by name, townships under their district,
//! "等N个镇街" where the list is long.

use model::{AreaCode, AreaLevel, AreaNo, City, Language};
use std::collections::{BTreeMap, BTreeSet};

/// Names written out before the rest is counted.
const NAMES_MAX: usize = 3;

/// An index of a city's areas by code, with the names that texts need.
#[derive(Clone, Debug)]
pub struct Places {
    by_code: BTreeMap<AreaCode, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    zh: String,
    en: String,
    level: AreaLevel,
    parent: Option<AreaCode>,
    children: Vec<AreaCode>,
}

impl Places {
    /// Reads the areas of `city`.
    pub fn new(city: &City) -> Self {
        let code_of = |no: AreaNo| city.areas.get(usize::from(no.0)).map(|area| area.code);
        let mut by_code: BTreeMap<AreaCode, Place> = BTreeMap::new();
        for area in &city.areas {
            by_code.insert(
                area.code,
                Place {
                    zh: area.name.zh.clone(),
                    en: area.name.get(Language::En).to_owned(),
                    level: area.level,
                    parent: area.parent.and_then(code_of),
                    children: Vec::new(),
                },
            );
        }
        for area in &city.areas {
            if let Some(parent) = area.parent.and_then(code_of)
                && let Some(place) = by_code.get_mut(&parent)
            {
                place.children.push(area.code);
            }
        }
        Self { by_code }
    }

    /// True where the code is registered.
    pub fn knows(&self, code: AreaCode) -> bool {
        self.by_code.contains_key(&code)
    }

    /// The area and everything below it, parents first; just the code where it is unknown.
    pub fn under(&self, code: AreaCode) -> Vec<AreaCode> {
        let mut all = vec![code];
        let mut at = 0;
        while let Some(place) = all.get(at).map(|code| self.by_code.get(code)) {
            all.extend(place.iter().flat_map(|place| &place.children).copied());
            at += 1;
        }
        all
    }

    /// The area and those above it, nearest first.
    pub fn upwards(&self, code: AreaCode) -> Vec<AreaCode> {
        let mut all = Vec::new();
        let mut next = Some(code);
        // Bounded by the number of areas, so a cycle in a bad registry ends too.
        while let Some(code) = next.filter(|_| all.len() <= self.by_code.len()) {
            all.push(code);
            next = self.by_code.get(&code).and_then(|place| place.parent);
        }
        all
    }

    /// The area's name; its code where it is unknown.
    pub fn name(&self, code: AreaCode, language: Language) -> String {
        match (self.by_code.get(&code), language) {
            (Some(place), Language::Zh) => place.zh.clone(),
            (Some(place), Language::En) => place.en.clone(),
            (None, Language::Zh | Language::En) => code.to_string(),
        }
    }

    /// The level of a registered area.
    pub fn level(&self, code: AreaCode) -> Option<AreaLevel> {
        self.by_code.get(&code).map(|place| place.level)
    }

    /// `codes` in words: areas all of whose parts are listed are said once by their own name.
    pub fn list(&self, codes: &BTreeSet<AreaCode>, language: Language) -> String {
        let whole = self.whole(codes);
        let said: Vec<AreaCode> = whole
            .iter()
            .filter(|code| {
                self.upwards(**code)
                    .iter()
                    .skip(1)
                    .all(|up| !whole.contains(up))
            })
            .copied()
            .collect();
        if said.len() <= NAMES_MAX {
            return self.names(&said, language);
        }
        self.long(&said, language)
    }

    /// Adds each area all of whose children are in, from the bottom up.
    fn whole(&self, codes: &BTreeSet<AreaCode>) -> BTreeSet<AreaCode> {
        let mut whole = codes.clone();
        loop {
            let parents: BTreeSet<AreaCode> = whole
                .iter()
                .filter_map(|code| self.by_code.get(code)?.parent)
                .filter(|code| !whole.contains(code))
                .filter(|code| {
                    self.by_code
                        .get(code)
                        .is_some_and(|place| place.children.iter().all(|c| whole.contains(c)))
                })
                .collect();
            if parents.is_empty() {
                return whole;
            }
            whole.extend(parents);
        }
    }

    fn names(&self, codes: &[AreaCode], language: Language) -> String {
        let names: Vec<String> = codes
            .iter()
            .map(|code| self.name(*code, language))
            .collect();
        match language {
            Language::Zh => names.join("、"),
            Language::En => match names.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    format!("{} and {last}", rest.join(", "))
                }
                Some(_) | None => names.concat(),
            },
        }
    }

    /// Districts (whole or in part) by name, then how many townships in all.
    fn long(&self, said: &[AreaCode], language: Language) -> String {
        let mut districts: Vec<AreaCode> = Vec::new();
        let mut units = 0;
        for code in said {
            let parts = self.under(*code);
            units += parts
                .iter()
                .filter(|c| self.level(**c) == Some(AreaLevel::Township))
                .count()
                .max(1);
            let district = self
                .upwards(*code)
                .into_iter()
                .find(|up| self.level(*up) == Some(AreaLevel::District))
                .unwrap_or(*code);
            if !districts.contains(&district) {
                districts.push(district);
            }
        }
        let many = districts.len() > NAMES_MAX;
        let listed = districts
            .get(..NAMES_MAX.min(districts.len()))
            .unwrap_or(&[]);
        match (language, many) {
            (Language::Zh, false) => {
                format!("{}{units}个镇街", self.names(listed, language))
            }
            (Language::Zh, true) => {
                format!(
                    "{}等{}区{units}个镇街",
                    self.names(listed, language),
                    districts.len()
                )
            }
            (Language::En, false) => {
                format!("{units} townships in {}", self.names(listed, language))
            }
            (Language::En, true) => format!(
                "{units} townships in {} districts incl. {}",
                districts.len(),
                self.names(listed, language)
            ),
        }
    }
}
