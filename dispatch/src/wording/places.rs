//! Area lists as people say them: whole districts by name, townships under their district,
//! "等N个镇街" where the list is long.

use super::names::{NameBook, Names};
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
    name: Names,
    level: AreaLevel,
    parent: Option<AreaCode>,
    children: Vec<AreaCode>,
}

impl Places {
    /// Reads the areas of `city`, called as `names` calls them in other languages.
    pub fn new(city: &City, names: &NameBook) -> Self {
        let code_of = |no: AreaNo| city.areas.get(usize::from(no.0)).map(|area| area.code);
        let mut by_code: BTreeMap<AreaCode, Place> = BTreeMap::new();
        for area in &city.areas {
            by_code.insert(
                area.code,
                Place {
                    name: names.all(&area.name),
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
        let place = self.by_code.get(&code);
        place.map_or_else(|| code.to_string(), |p| p.name.get(language).to_owned())
    }

    /// The level of a registered area.
    pub fn level(&self, code: AreaCode) -> Option<AreaLevel> {
        self.by_code.get(&code).map(|place| place.level)
    }

    /// The areas of each district, itself left out: the longest that a text may have to name.
    pub(super) fn districts(&self) -> Vec<BTreeSet<AreaCode>> {
        let districts = self.by_code.iter();
        let districts = districts.filter(|(_, place)| place.level == AreaLevel::District);
        districts
            .map(|(_, place)| place.children.iter().skip(1).copied().collect())
            .filter(|parts: &BTreeSet<AreaCode>| !parts.is_empty())
            .collect()
    }

    /// `codes` in words: areas all of whose parts are listed are said once by their own name.
    pub fn list(&self, codes: &BTreeSet<AreaCode>, language: Language) -> String {
        let said = self.said(codes);
        if said.len() <= NAMES_MAX {
            return self.names(&said, language);
        }
        self.long(&said, language)
    }

    /// `codes` as short as they can be said truly: one area by its name, several of a district by
    /// their number and it, several districts by one of them and their number. Visitors are told the
    /// district of a township.
    pub fn brief(&self, codes: &BTreeSet<AreaCode>, language: Language) -> String {
        let said = self.said(codes);
        let (districts, units) = self.districts_of(&said);
        let name = |code: Option<&AreaCode>| {
            code.map_or_else(String::new, |code| self.name(*code, language))
        };
        let (first, many) = (name(districts.first()), districts.len());
        let district = districts.first();
        let is_foreign = match language {
            Language::Zh | Language::ZhHant | Language::En => false,
            Language::Ja | Language::Ko | Language::Fr => true,
        };
        let in_part = match language {
            Language::Ja => format!("{first}の一部"),
            Language::Ko => format!("{first} 일부"),
            Language::Zh | Language::ZhHant | Language::En | Language::Fr => {
                format!("{first} (en partie)")
            }
        };
        match (said.as_slice(), many) {
            // A visitor knows districts and no townships.
            ([only], 1) if is_foreign && Some(only) != district => in_part,
            ([only], _) => self.name(*only, language),
            (_, 1) if is_foreign => in_part,
            (_, 1) => match language {
                Language::Zh => format!("{first}{units}镇街"),
                Language::ZhHant => format!("{first}{units}鎮街"),
                Language::En => format!("{units} townships in {first}"),
                Language::Ja | Language::Ko | Language::Fr => in_part,
            },
            _ => match language {
                Language::Zh => format!("{first}等{many}区"),
                Language::ZhHant => format!("{first}等{many}區"),
                Language::En => format!("{many} districts incl. {first}"),
                Language::Ja => format!("{first}など{many}区"),
                Language::Ko => format!("{first} 등 {many}구"),
                Language::Fr => format!("{many} districts dont {first}"),
            },
        }
    }

    /// Those of `codes`, and of what they make whole, that lie in no other.
    fn said(&self, codes: &BTreeSet<AreaCode>) -> Vec<AreaCode> {
        let whole = self.whole(codes);
        let is_top = |code: &&AreaCode| {
            let mut above = self.upwards(**code).into_iter().skip(1);
            above.all(|up| !whole.contains(&up))
        };
        whole.iter().filter(is_top).copied().collect()
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
        let (last, rest) = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => (last, rest),
            Some(_) | None => return names.concat(),
        };
        match language {
            Language::Zh | Language::ZhHant | Language::Ja => names.join("、"),
            Language::Ko => names.join(", "),
            Language::En => format!("{} and {last}", rest.join(", ")),
            Language::Fr => format!("{} et {last}", rest.join(", ")),
        }
    }

    /// Districts (whole or in part) by name, then how many townships in all.
    fn long(&self, said: &[AreaCode], language: Language) -> String {
        let (districts, units) = self.districts_of(said);
        let is_cut = districts.len() > NAMES_MAX;
        let listed = districts.get(..NAMES_MAX.min(districts.len()));
        let (names, many) = (
            self.names(listed.unwrap_or_default(), language),
            districts.len(),
        );
        match (language, is_cut) {
            (Language::Zh, false) => format!("{names}{units}个镇街"),
            (Language::Zh, true) => format!("{names}等{many}区{units}个镇街"),
            (Language::ZhHant, false) => format!("{names}{units}個鎮街"),
            (Language::ZhHant, true) => format!("{names}等{many}區{units}個鎮街"),
            (Language::En, false) => format!("{units} townships in {names}"),
            (Language::En, true) => format!("{units} townships in {many} districts incl. {names}"),
            (Language::Ja, false) => format!("{names}の{units}街鎮"),
            (Language::Ja, true) => format!("{names}など{many}区の{units}街鎮"),
            (Language::Ko, false) => format!("{names} {units}개 동네"),
            (Language::Ko, true) => format!("{names} 등 {many}개 구 {units}개 동네"),
            (Language::Fr, false) => format!("{units} quartiers de {names}"),
            (Language::Fr, true) => format!("{units} quartiers dans {many} districts dont {names}"),
        }
    }

    /// The districts that `said` lie in, and how many townships they are.
    fn districts_of(&self, said: &[AreaCode]) -> (Vec<AreaCode>, usize) {
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
        (districts, units)
    }
}
