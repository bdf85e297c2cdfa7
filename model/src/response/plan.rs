//! The plans of a city as data: what proposes which level, who signs it, which tasks it opens, and
//! what follows from official signals by law.

use super::{Family, Level};
use crate::{AreaCode, AreaLevel, Hazard, Named, Span, Tier};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All of it; empty where the city has no `responses.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plans {
    /// Groups of areas that conditions name.
    pub groups: BTreeMap<String, Vec<AreaCode>>,
    /// Who holds which post.
    pub posts: Vec<Post>,
    /// Kinds of damage that are reported.
    pub damage: Vec<DamageKind>,
    /// The proposal tables.
    pub plans: Vec<Plan>,
    /// What follows from official signals.
    pub consequences: Vec<Consequence>,
    /// Post that says when evacuees may return.
    pub return_post: String,
    /// Post that closes an incident.
    pub close_post: String,
    /// Tasks of `plans.csv`.
    pub tasks: Vec<TaskRow>,
}

/// How far a source goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Read in the source.
    Sure,
    /// By practice seen, or from memory.
    Likely,
    /// To be looked up before use.
    Unsure,
    /// Ours.
    DesignDefault,
}

impl Confidence {
    /// Every one, the surest first.
    pub const ALL: [Self; 4] = [Self::Sure, Self::Likely, Self::Unsure, Self::DesignDefault];

    /// As rulebooks write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Likely => "likely",
            Self::Unsure => "unsure",
            Self::DesignDefault => "design-default",
        }
    }
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Document.
    pub document: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// Who holds a post, everywhere or in one area.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// Id; several rows may share it, each for an area of its own.
    pub id: String,
    /// Name.
    pub name: Named,
    /// Where; everywhere if not given.
    #[serde(default)]
    pub area: Option<AreaCode>,
    /// Ids of people.
    pub people: Vec<String>,
}

/// A kind of damage that plans speak of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamageKind {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Named,
}

/// One response plan: its family in the areas of one level.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Id.
    pub id: String,
    /// Family.
    pub family: Family,
    /// Name of the response.
    pub name: Named,
    /// City or district: one response for each area of that level.
    pub at: AreaLevel,
    /// Those areas only; all of the level if empty.
    #[serde(default)]
    pub areas: Vec<AreaCode>,
    /// Who responds; `{area}` stands for the area's name.
    pub authority: Named,
    /// Hazards whose warnings count.
    pub hazards: Vec<Hazard>,
    /// Levels, in any order.
    #[serde(rename = "level")]
    pub grades: Vec<Grade>,
}

/// When one level is proposed, and who signs it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// The level.
    pub level: Level,
    /// Any of these proposes it; none leaves it to people alone.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// Post that signs its start and a change to it.
    pub post: String,
    /// Post that signs its end; the same if not given.
    #[serde(default)]
    pub end_post: Option<String>,
    /// Clause of the plan.
    #[serde(default)]
    pub clause: String,
    /// Where that comes from.
    pub source: Source,
}

/// Terms that must all hold, as `red >= 1 of centre and damage dyke`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition {
    /// The terms.
    pub terms: Vec<Term>,
}

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// So many areas stand at a tier or above.
    Count {
        /// As written.
        text: String,
        /// Whose word counts.
        evidence: Evidence,
        /// The tier.
        tier: Tier,
        /// How many areas.
        at_least: u32,
        /// Of how many: another number of areas is scaled, rounded up.
        of: Option<u32>,
        /// Which areas.
        unit: Unit,
    },
    /// Damage of a kind is reported.
    Damage {
        /// Its kind.
        kind: String,
    },
}

/// Whose word a term counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Official warnings in force, ours and others'.
    Official,
    /// Tiers that our rules have found, issued or not; official ones too.
    Found,
}

/// Which areas are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Districts.
    Districts,
    /// Townships and subdistricts.
    Townships,
    /// The areas of a group.
    Group(String),
}

/// Why a condition cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// A term that is none.
    #[error(
        "{0:?} is no term: write as `yellow >= 6/11 districts`, `found red >= 2 townships`, `red >= 1 of GROUP` or `damage KIND`, joined by ` and `"
    )]
    Term(String),
    /// A tier that is none.
    #[error("{0:?} is no tier: write white, blue, yellow, orange or red")]
    Tier(String),
    /// Not a number of areas.
    #[error("{0:?} is no number of areas: write as 2 or 6/11, at least 1 and no more than all")]
    Number(String),
    /// A unit that is none.
    #[error("{0:?} is not counted: write districts, townships or `of GROUP`")]
    Unit(String),
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, ConditionError> {
        let terms = text.split(" and ").map(|term| term.trim().parse());
        Ok(Self {
            terms: terms.collect::<Result<_, _>>()?,
        })
    }
}

impl std::str::FromStr for Term {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (evidence, rest) = match words.as_slice() {
            ["damage", kind] => {
                return Ok(Self::Damage {
                    kind: (*kind).to_owned(),
                });
            }
            ["found", rest @ ..] => (Evidence::Found, rest),
            rest => (Evidence::Official, rest),
        };
        let (tier, number, unit) = match rest {
            [tier, ">=", number, "of", group] => (tier, number, Unit::Group((*group).to_owned())),
            [tier, ">=", number, unit] => {
                let unit = match *unit {
                    "district" | "districts" => Unit::Districts,
                    "township" | "townships" => Unit::Townships,
                    other => return Err(ConditionError::Unit(other.to_owned())),
                };
                (tier, number, unit)
            }
            _ => return Err(ConditionError::Term(text.to_owned())),
        };
        let warns = Tier::from_name(tier).filter(|tier| *tier > Tier::None);
        let tier = warns.ok_or_else(|| ConditionError::Tier((*tier).to_owned()))?;
        let wrong = || ConditionError::Number((*number).to_owned());
        let count = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|n| (1..=100_000).contains(n))
        };
        let (at_least, of) = match number.split_once('/') {
            None => (count(number).ok_or_else(wrong)?, None),
            Some((part, whole)) => {
                let part = count(part).ok_or_else(wrong)?;
                let whole = count(whole).filter(|whole| part <= *whole);
                (part, Some(whole.ok_or_else(wrong)?))
            }
        };
        Ok(Self::Count {
            text: words.join(" "),
            evidence,
            tier,
            at_least,
            of,
            unit,
        })
    }
}

/// What law or rule attaches to an official signal: shown, never sent by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consequence {
    /// Id.
    pub id: String,
    /// What it is called.
    pub name: Named,
    /// Hazards of the signals it follows.
    pub hazards: Vec<Hazard>,
    /// Tiers at which it holds.
    pub tiers: Vec<Tier>,
    /// Jurisdiction: holds in the signal's areas within these.
    pub areas: Vec<AreaCode>,
    /// Hours of the day; the whole day if not given.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// What follows.
    pub text: Named,
    /// Who it concerns.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Where that stands.
    pub source: Source,
}

/// Whole hours of the city's time, from (inclusive) to (exclusive); may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First hour.
    pub from: u8,
    /// The hour at which it is over.
    pub to: u8,
}

impl Hours {
    /// Whether an hour of the day is one of them.
    pub const fn has(self, hour: u8) -> bool {
        if self.from <= self.to {
            self.from <= hour && hour < self.to
        } else {
            hour >= self.from || hour < self.to
        }
    }
}

/// One line of 一点一策 or 一区一单: what is to be done at a site or in an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Id.
    pub id: String,
    /// The area, or that of the site.
    pub place: AreaCode,
    /// The site, where it is one's.
    pub site: Option<String>,
    /// Family of the response that opens it.
    pub family: Family,
    /// From this level on.
    pub level: Level,
    /// What is to be done.
    pub text: Named,
    /// Role that owns it.
    pub owner: String,
    /// Time for it.
    pub within: Span,
}

impl Plans {
    /// The plan of that id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// True where that person holds the post in that area.
    pub fn holds(&self, person: &str, post: &str, area: AreaCode) -> bool {
        let rows = self.posts.iter().filter(|row| row.id == post);
        rows.filter(|row| row.area.is_none_or(|of| of == area))
            .any(|row| row.people.iter().any(|id| id == person))
    }

    /// The name of a post.
    pub fn post_name(&self, post: &str, area: AreaCode) -> Named {
        let rows = || self.posts.iter().filter(|row| row.id == post);
        let own = rows().find(|row| row.area == Some(area));
        let name = own.or_else(|| rows().next()).map(|row| row.name.clone());
        name.unwrap_or_default()
    }

    /// Ids of people who hold a post.
    pub fn people(&self) -> BTreeSet<&String> {
        self.posts.iter().flat_map(|post| &post.people).collect()
    }
}

impl Plan {
    /// What it says of a level.
    pub fn grade(&self, level: Level) -> Option<&Grade> {
        self.grades.iter().find(|grade| grade.level == level)
    }
}

impl Grade {
    /// Post that signs its end.
    pub fn ends(&self) -> &str {
        self.end_post.as_ref().unwrap_or(&self.post)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Result<Term, ConditionError> {
        text.parse()
    }

    #[test]
    fn conditions_are_read_or_refused_with_words() {
        assert_eq!(
            term("found  yellow >= 6/11 districts"),
            Ok(Term::Count {
                text: "found yellow >= 6/11 districts".into(),
                evidence: Evidence::Found,
                tier: Tier::Yellow,
                at_least: 6,
                of: Some(11),
                unit: Unit::Districts,
            })
        );
        let condition = Condition::try_from("red >= 1 of centre and damage dyke".to_owned());
        assert_eq!(condition.unwrap().terms.len(), 2);
        for (text, said) in [
            ("yellow > 6 districts", "is no term"),
            ("pink >= 6 districts", "is no tier"),
            ("none >= 6 districts", "is no tier"),
            ("red >= 12/11 districts", "no number"),
            ("red >= 0 districts", "no number"),
            ("red >= 2 villages", "is not counted"),
            ("", "is no term"),
        ] {
            let error = term(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn hours_may_pass_midnight() {
        let night = Hours { from: 22, to: 6 };
        assert!(night.has(23) && night.has(0) && !night.has(6) && !night.has(12));
        let morning = Hours { from: 6, to: 8 };
        assert!(morning.has(6) && morning.has(7) && !morning.has(8));
    }
}
