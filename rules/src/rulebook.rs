//! A rulebook: rules as data, read once, valid from then on.
//!
//! Files are TOML (design §4). Everything that is wrong is told at once, each fault with its
//! file, line, key and a remedy; unknown keys are errors (semantics §21). Conditions are
//! compiled here, with their relaxed forms for lowering and proposing (semantics §18).

mod check;
mod gauges;
pub(crate) mod keys;
mod layout;
pub(crate) mod link;
mod literal;
mod lost;
mod mention;
mod order;
mod quorum;
mod quoted;
mod read;
mod samples;
mod season;

pub use literal::{LiteralError, Written, rewritten, written};
pub use model::response::{Confidence, Source};
pub use quorum::{Quorum, QuorumError};
pub use read::is_id;
pub use samples::{SAMPLES_MAX, Samples, SamplesError};
pub use season::{PERIODS_MAX, Season, SeasonError};

pub(crate) use lost::Lost;

use crate::condition::lull::{self, Lull, Lulls, PARAMETERS_MAX};
use crate::condition::{Asked, Call, Program, Ratio};
use crate::window::{Function, Gauge, Plan};
use model::fault::Excerpt;
use model::{AreaLevel, Fault, Hazard, Named, Offset, Parameter, Severity, Span, Tier, Time};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Schema of rulebook files this version reads.
pub const SCHEMA: i64 = 1;
/// Most rules of one rulebook.
pub const RULES_MAX: usize = 4096;
/// Most different calls in one rule.
pub const CALLS_MAX: usize = 64;
/// Most tiers, of rules and of signals, that one rule may ask for.
pub const SITUATIONS_MAX: usize = 16;

/// A whole rulebook, checked.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// Versions of its files, joined.
    pub version: String,
    /// Rules, in file and line order.
    pub rules: Vec<Rule>,
    /// Where notices of the reading are kept: they do not stop it.
    pub notices: Vec<Fault>,
    pub(crate) plans: BTreeMap<Parameter, Plan>,
    /// Rules, each after those whose situation it asks for.
    pub(crate) dependency_order: Vec<usize>,
    hash: String,
}

/// What a rule is evaluated at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectKind {
    /// Each station that measures what the rule asks for.
    Station,
    /// Each site, by its station.
    Site,
    /// Each area of the rule's level, by its stations together.
    Area,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Id, unique in the rulebook.
    pub id: String,
    /// What it warns of.
    pub hazard: Hazard,
    /// Its name.
    pub name: Named,
    /// Version of its file.
    pub version: String,
    /// What it is evaluated at.
    pub subject: SubjectKind,
    /// Kinds of stations or sites it holds for; empty means all.
    pub kinds: Vec<String>,
    /// Level of the areas it warns.
    pub level: AreaLevel,
    /// How many subjects make an area's tier.
    pub quorum: Quorum,
    /// Nearest subjects outside that count for an area too.
    pub neighbours: usize,
    /// Tiers, lowest first.
    pub tiers: Vec<TierRule>,
    /// How long a condition must hold before the tier rises.
    pub raise_after: Span,
    /// How long it must be gone before the tier falls.
    pub lower_after: Span,
    /// CAP validity by tier.
    pub renew: BTreeMap<Tier, Span>,
    /// Texts of the conditions by key, as written.
    pub conditions: BTreeMap<String, String>,
    /// Where each key comes from; the key `rule` stands for the rest.
    pub sources: BTreeMap<String, Source>,
    /// Calls of all conditions, in order of mention.
    pub calls: Vec<Call>,
    /// Site thresholds it reads.
    pub thresholds: Vec<String>,
    /// When the silence of a subject counts for the next tier.
    pub(crate) lost: Option<Lost>,
    /// When it may rise, beside its conditions.
    pub limits: Limits,
    /// Where it is written.
    pub(crate) origin: Origin,
    pub(crate) continuing: Option<Program>,
    pub(crate) lower_when: Option<Program>,
    /// Whose tiers its conditions ask for.
    pub(crate) asked: Vec<Asked>,
    pub(crate) parameters: Vec<Parameter>,
    /// Slot of each call whose figure is kept running.
    pub(crate) slots: Vec<Option<u16>>,
    /// Slots and bounds of which one must be reached before anything can rise.
    pub(crate) floors: Option<Box<[(u16, i64)]>>,
    /// How its truths hang on running sums, where they hang on nothing else.
    pub(crate) gauge: Option<Gauge>,
    /// Where figures of days turn any of its truths, by call.
    pub(crate) day_edges: Vec<(u16, Ratio)>,
    /// True where readings can be told that change nothing at a subject at rest.
    pub(crate) has_lulls: bool,
    /// True where that hangs on what is usual at each station.
    pub(crate) gauges_by_station: bool,
    /// True where that tells of `lower.when`, too.
    pub(crate) gauges_falls: bool,
}

/// Where a rule is written, for who is told of it later than at its reading.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// File of the rulebook.
    pub(crate) file: String,
    /// Line it begins on.
    pub(crate) line: u32,
    /// Line and words of each of its kinds.
    pub(crate) kinds: Vec<Option<(u32, Excerpt)>>,
}

/// What limits when a rule rises, beside its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The days in which any tier may rise; all, where there is none.
    pub season: Option<Season>,
    /// The same for single tiers.
    pub seasons: BTreeMap<Tier, Season>,
    /// At how many of the newest observation times a condition must have held.
    pub samples: Option<Samples>,
    /// True where suspect readings count for nothing.
    pub sound: bool,
}

impl Limits {
    /// True where a tier may rise by a reading of that time.
    pub(crate) fn is_in_season(&self, tier: Tier, time: Time, offset: Offset) -> bool {
        let all = self.season.iter().chain(self.seasons.get(&tier));
        all.into_iter().all(|season| season.holds(time, offset))
    }

    /// True where a tier may rise on some days only.
    pub(crate) fn has_seasons(&self) -> bool {
        self.season.is_some() || !self.seasons.is_empty()
    }
}

/// One tier of a rule.
#[derive(Clone, Debug)]
pub struct TierRule {
    /// Which.
    pub tier: Tier,
    pub(crate) raise: Program,
    pub(crate) relaxed: Program,
    pub(crate) propose: Option<Program>,
}

impl Rulebook {
    /// Reads a rulebook from named files; names ending in `.test.toml` are left out.
    ///
    /// # Errors
    /// Every fault found, errors and notices, where at least one is an error.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self, Vec<Fault>> {
        let mut files: Vec<&(String, Vec<u8>)> = files
            .iter()
            .filter(|(name, _)| !name.ends_with(".test.toml"))
            .collect();
        files.sort();
        let read = read::read(&files)?;
        let mut hash = Sha256::new();
        for (name, bytes) in files {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let hash = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self { hash, ..read })
    }

    /// Hash over names and contents of its files, 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Only what warns of a hazard, and the rules whose situations that asks for: it says of this
    /// hazard what the whole says. It is for trying out and has no hash.
    pub fn narrowed(&self, hazard: Hazard) -> Self {
        let mut kept: Vec<bool> = self.rules.iter().map(|r| r.hazard == hazard).collect();
        // Each rule comes after those it asks for: backwards, who asks is known before.
        for number in self.dependency_order.iter().rev() {
            if kept.get(*number) == Some(&true) {
                let asked = self.rules.get(*number).map(Rule::situations);
                for asked in asked.into_iter().flatten() {
                    if let Some(kept) = kept.get_mut(asked) {
                        *kept = true;
                    }
                }
            }
        }
        let is_kept = |number: usize| kept.get(number) == Some(&true);
        let place = |number: usize| (0..number).filter(|before| is_kept(*before)).count();
        let numbered = self.rules.iter().enumerate();
        let of_kept = numbered.filter(|(number, _)| is_kept(*number));
        let mut rules: Vec<Rule> = of_kept.map(|(_, rule)| rule.clone()).collect();
        for rule in &mut rules {
            for asked in &mut rule.asked {
                if let Asked::Situation { rule, .. } = asked {
                    *rule = place(*rule);
                }
            }
        }
        let order = self.dependency_order.iter().filter(|on| is_kept(**on));
        let dependency_order = order.map(|on| place(*on)).collect();
        // Days of some of the rules begin together where those of all do.
        let (plans, _) = layout::plan(&mut rules);
        Self {
            version: self.version.clone(),
            plans,
            rules,
            notices: Vec::new(),
            dependency_order,
            hash: String::new(),
        }
    }

    /// How far back a reading may lie that a window of any rule still holds.
    pub fn reach(&self) -> Span {
        let reaches = self.plans.values().map(Plan::reach);
        reaches.max().unwrap_or(Span::ZERO)
    }

    /// The rule of that id, with its number.
    pub fn rule(&self, id: &str) -> Option<(usize, &Rule)> {
        self.rules
            .iter()
            .enumerate()
            .find(|(_, rule)| rule.id == id)
    }

    /// Ids of the rules that ask for that one's situation.
    pub fn hearing(&self, id: &str) -> Vec<&str> {
        let asks = |rule: &&Rule| {
            let mut asked = rule.asked.iter();
            asked.any(|asked| matches!(asked, Asked::Situation { id: other, .. } if other == id))
        };
        let hearing = self.rules.iter().filter(asks);
        hearing.map(|rule| rule.id.as_str()).collect()
    }

    /// Parameters that any rule reads.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> + '_ {
        self.plans.keys().copied()
    }

    /// By hazard: the townships in which no registered station sees it, however far it does. A hazard
    /// of which nothing is read is in no list.
    pub fn unseen(&self, city: &model::City) -> BTreeMap<Hazard, BTreeSet<model::AreaNo>> {
        crate::engine::unseen(city, self)
    }

    /// What is wrong between the rulebook and a city: thresholds that are no numbers, rules
    /// without a subject, areas that can never be warned.
    pub fn check(&self, city: &model::City) -> Vec<Fault> {
        check::check(self, city)
    }
}

impl Rule {
    /// What it reads at a subject's stations.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// CAP validity of a tier.
    pub fn renew_after(&self, tier: Tier) -> Span {
        let default = match tier {
            Tier::None | Tier::White | Tier::Blue => Span::from_minutes(12 * 60),
            Tier::Yellow => Span::from_minutes(6 * 60),
            Tier::Orange | Tier::Red => Span::from_minutes(3 * 60),
        };
        self.renew.get(&tier).copied().unwrap_or(default)
    }

    /// Where what it says at a tier comes from.
    pub fn source_of(&self, tier: Tier) -> Option<&Source> {
        let own = self.sources.get(tier.name());
        own.or_else(|| self.sources.get("rule"))
    }

    /// Numbers of the rules whose situations it asks for.
    pub(crate) fn situations(&self) -> impl Iterator<Item = usize> + '_ {
        self.asked.iter().filter_map(|asked| match asked {
            Asked::Situation { rule, .. } => Some(*rule),
            Asked::Signal(_) => None,
        })
    }

    /// True where it asks for a signal of another authority.
    pub fn asks_for_signals(&self) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|asked| matches!(asked, Asked::Signal(_)))
    }

    /// True where a condition asks what is expected.
    pub fn looks_ahead(&self) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|call| matches!(call.reading.function, Function::Expected(_)))
    }

    /// What must come before any tier can rise or be proposed; `None` where one does or too much is
    /// asked.
    pub(crate) fn lulls(&self, asked: &lull::Asked<'_>) -> Option<Lulls> {
        let programs = self
            .tiers
            .iter()
            .flat_map(|tier| [Some(&tier.raise), tier.propose.as_ref()]);
        let mut found = [Lull::LASTING; PARAMETERS_MAX];
        let mut holds = false;
        for program in programs.flatten() {
            match program.lulls(asked) {
                Some(lulls) => found = lull::either(found, lulls),
                None => holds = true,
            }
        }
        let Some(continuing) = &self.continuing else {
            return (!holds).then_some(found);
        };
        match continuing.lulls(asked) {
            Some(lulls) if holds => Some(lulls),
            Some(lulls) => Some(lull::longer(found, lulls)),
            None => (!holds).then_some(found),
        }
    }

    /// True where it reads nothing but the tiers of others and what is expected: it has no
    /// readings of its own that could wake it.
    pub(crate) fn hears_only(&self) -> bool {
        self.parameters.is_empty() && self.subject == SubjectKind::Area
    }

    /// True where proposals may go ahead of the measurement.
    pub fn proposes(&self) -> bool {
        self.tiers.iter().any(|tier| tier.propose.is_some())
    }
}

/// True where a site's thresholds, two or more, are all nought: registers write that for levels
/// that nobody has set, and a place that is flooded whatever is measured warns of nothing.
pub(crate) fn are_unset<'t>(thresholds: impl Iterator<Item = &'t i64>) -> bool {
    let (mut count, mut all_nought) = (0, true);
    for threshold in thresholds {
        count += 1;
        all_nought &= *threshold == 0;
    }
    count > 1 && all_nought
}

/// True where nothing in the list stops the reading.
fn harmless(faults: &[Fault]) -> bool {
    faults
        .iter()
        .all(|fault| fault.severity == Severity::Notice)
}
