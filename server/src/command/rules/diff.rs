//! `sanfang rules diff`: two rulebooks over one recorded storm, and how many more people they wake.

use super::heads::{self, Heads, Told};
use super::trial;
use crate::command::recorded::Files;
use crate::command::{Failure, print};
use crate::installation::{self, Faulty};
use clap::Args;
use model::{City, Hazard, Span, Tier, Time};
use rules::score::{Difference, Shift, Woken, differences};
use rules::{Rule, Rulebook};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What to compare.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Rulebook directory to compare with; the city's own unless given
    #[arg(long, value_name = "RULES")]
    old: Option<PathBuf>,
    /// Rulebook directory that would take its place
    #[arg(long, value_name = "RULES")]
    new: PathBuf,
    /// Print one JSON object for each difference and one with the sums instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    files: Files,
}

/// A key of a rule that is not written alike.
struct Edit {
    rule: String,
    key: String,
    old: Option<String>,
    new: Option<String>,
}

/// The comparison.
struct Comparison<'a> {
    city: &'a City,
    rulebooks: [&'a Rulebook; 2],
    edits: Vec<Edit>,
    found: Vec<Difference>,
    told: [Told; 2],
}

/// Prints what differs.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bad = |faulty: Faulty| Failure::BadInput(faulty.to_string());
    let city = Arc::new(installation::city(&arguments.city).map_err(bad)?);
    let own = || arguments.city.join("rules");
    let old = arguments.old.clone().unwrap_or_else(own);
    let old = Arc::new(installation::rulebook(&old).map_err(bad)?);
    let new = Arc::new(installation::rulebook(&arguments.new).map_err(bad)?);
    let heads = Heads::open(&arguments.city, &city)?;
    let both = [Arc::clone(&old), Arc::clone(&new)];
    let (issued, summary) = trial::run(&city, &both, &arguments.files)?;
    let [before, after] = issued.as_slice() else {
        return Err(Failure::Failed("a rulebook said nothing".into()));
    };
    let comparison = Comparison {
        city: &city,
        rulebooks: [&old, &new],
        edits: edits(&old, &new),
        found: differences(before, after),
        told: [heads.told(before, None), heads.told(after, None)],
    };
    let lines = match arguments.json {
        true => comparison.objects(),
        false => comparison.words(),
    };
    print::lines(&lines)?;
    summary.say();
    Ok(())
}

impl Comparison<'_> {
    fn text(&self, time: Time) -> String {
        time.display(self.city.offset)
    }

    fn name(&self, difference: &Difference) -> &str {
        let area = self.city.area_no(difference.area);
        let area = area.and_then(|no| self.city.area(no));
        area.map_or("", |area| area.name.zh.as_str())
    }

    /// How many differences of each kind, by hazard and tier, what was lifted last.
    fn sums(&self) -> BTreeMap<(Hazard, bool, Tier), BTreeMap<Shift, usize>> {
        let mut sums: BTreeMap<_, BTreeMap<Shift, usize>> = BTreeMap::new();
        for difference in &self.found {
            let tier = difference.tier;
            let of = sums
                .entry((difference.hazard, tier == Tier::None, tier))
                .or_default();
            *of.entry(difference.shift()).or_default() += 1;
        }
        sums
    }

    fn objects(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for difference in &self.found {
            let time = |time: Option<Time>| time.map(|time| self.text(time));
            let object = json!({
                "hazard": difference.hazard,
                "area": difference.area,
                "name": self.name(difference),
                "tier": difference.tier,
                "change": difference.shift().name(),
                "old": time(difference.old),
                "new": time(difference.new),
                "later_s": difference.later().map(Span::seconds),
            });
            lines.push(object.to_string());
        }
        let mut changes = Map::new();
        for ((hazard, _, tier), sums) in self.sums() {
            let of_hazard = changes.entry(hazard.code()).or_insert_with(|| json!({}));
            let counts = Shift::ALL.map(|change| {
                let count = sums.get(&change).copied().unwrap_or(0);
                (change.name().to_owned(), Value::from(count))
            });
            if let Value::Object(of_hazard) = of_hazard {
                let counts = Value::Object(counts.into_iter().collect());
                of_hazard.insert(tier.name().to_owned(), counts);
            }
        }
        let edits = self.edits.iter().map(
            |edit| json!({ "rule": edit.rule, "key": edit.key, "old": edit.old, "new": edit.new }),
        );
        let [old, new] = self.rulebooks;
        let summary = json!({ "summary": {
            "old": { "version": old.version, "hash": old.hash() },
            "new": { "version": new.version, "hash": new.hash() },
            "rules": edits.collect::<Vec<_>>(),
            "changes": changes,
            "residents": self.people(|told| Some(told.residents)),
            "named": self.people(|told| told.named),
        }});
        lines.push(summary.to_string());
        lines
    }

    fn people(&self, of: impl Fn(&Told) -> Option<Woken>) -> Option<Value> {
        let [old, new] = &self.told;
        Some(heads::compared(&of(old)?, &of(new)?))
    }

    fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for edit in &self.edits {
            let written = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".into());
            let (old, new) = (written(&edit.old), written(&edit.new));
            lines.push(format!("{}.{}: {old} → {new}", edit.rule, edit.key));
        }
        let hazards: BTreeSet<Hazard> = self.found.iter().map(|found| found.hazard).collect();
        for hazard in hazards {
            lines.push(String::new());
            let (code, zh, en) = (hazard.code(), hazard.zh(), hazard.en());
            lines.push(format!("{code} {zh} {en}"));
            let mut table = print::Table::new(&["area", "tier", "old", "new", "change"]);
            let of_hazard = self.found.iter().filter(|found| found.hazard == hazard);
            of_hazard.for_each(|difference| table.row(self.row(difference)));
            lines.extend(table.lines());
        }
        lines.push(String::new());
        lines.extend(self.sums_in_words());
        lines.extend(self.people_in_words());
        lines
    }

    fn row(&self, difference: &Difference) -> Vec<String> {
        let (area, name) = (difference.area, self.name(difference));
        let time = |time: Option<Time>| time.map_or("—".into(), |time| self.text(time));
        let change = difference.shift().name();
        let change = match difference.later() {
            Some(later) => format!("{} min {change}", (later.seconds().abs() + 30) / 60),
            None => change.to_owned(),
        };
        vec![
            format!("{area} {name}"),
            tier_words(difference.tier).to_owned(),
            time(difference.old),
            time(difference.new),
            change,
        ]
    }

    fn sums_in_words(&self) -> Vec<String> {
        let sums = self.sums();
        if sums.is_empty() {
            return vec!["no area is warned otherwise".to_owned()];
        }
        let head = ["hazard", "tier", "earlier", "later", "gained", "lost"];
        let mut table = print::Table::new(&head);
        for ((hazard, _, tier), sums) in sums {
            let counts = Shift::ALL.map(|change| sums.get(&change).copied().unwrap_or(0));
            let mut cells = vec![
                format!("{} {}", hazard.code(), hazard.zh()),
                tier_words(tier).to_owned(),
            ];
            cells.extend(counts.map(|count| count.to_string()));
            table.row(cells);
        }
        table.lines()
    }

    fn people_in_words(&self) -> Vec<String> {
        let mut table = print::Table::new(&["told", "", "old", "new", "more"]);
        let [old, new] = &self.told;
        let mut add = |who: &str, old: &Woken, new: &Woken| {
            let words = ["people", "people at night", "rings", "rings at night"];
            let counts = heads::counts(old).into_iter().zip(heads::counts(new));
            for (what, ((_, old), (_, new))) in words.into_iter().zip(counts) {
                let more = i128::from(new) - i128::from(old);
                let figures = [old.to_string(), new.to_string(), format!("{more:+}")];
                let words = [who.to_owned(), what.to_owned()];
                table.row(words.into_iter().chain(figures).collect());
            }
        };
        add("residents 居民", &old.residents, &new.residents);
        if let (Some(old), Some(new)) = (&old.named, &new.named) {
            add("by name 名录", old, new);
        }
        let mut lines = vec![String::new()];
        lines.extend(table.lines());
        lines
    }
}

const fn tier_words(tier: Tier) -> &'static str {
    match tier {
        Tier::None => "lifted",
        Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red => tier.name(),
    }
}

/// Conditions and holds of the rules that are not written alike.
fn edits(old: &Rulebook, new: &Rulebook) -> Vec<Edit> {
    let ids = old.rules.iter().chain(&new.rules).map(|rule| &rule.id);
    let ids: BTreeSet<&String> = ids.collect();
    let mut edits = Vec::new();
    for id in ids {
        let [before, after] = [old, new].map(|book| {
            let rule = book.rule(id).map(|(_, rule)| rule);
            rule.map(keys).unwrap_or_default()
        });
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differ = keys
            .into_iter()
            .filter(|key| before.get(*key) != after.get(*key));
        edits.extend(differ.map(|key| Edit {
            rule: id.clone(),
            key: key.clone(),
            old: before.get(key).cloned(),
            new: after.get(key).cloned(),
        }));
    }
    edits
}

fn keys(rule: &Rule) -> BTreeMap<String, String> {
    let mut keys = rule.conditions.clone();
    keys.insert("raise.after".into(), rule.raise_after.to_string());
    keys.insert("lower.after".into(), rule.lower_after.to_string());
    keys
}
