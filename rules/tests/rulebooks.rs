//! The rulebooks of testdata load, pass their own tests, and wrong ones say everything at once.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read ends its test"
)]

use model::Tier;
use rules::rulebook::Confidence;
use rules::{Rulebook, suite};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// The city's own rules and every rulebook that is chosen by name.
fn folders() -> Vec<PathBuf> {
    let named = fs::read_dir(testdata().join("rulebooks")).unwrap();
    let mut folders: Vec<_> = named.map(|entry| entry.unwrap().path()).collect();
    folders.push(testdata().join("city/rules"));
    folders.sort();
    folders
}

/// Every rule is played by a test of its own rulebook, and reaches each of its tiers there.
#[test]
fn the_rulebooks_pass_their_own_tests() {
    for folder in folders() {
        let mut played: BTreeSet<(String, Tier)> = BTreeSet::new();
        let rulebook = Arc::new(Rulebook::read(&files(&folder)).unwrap());
        for (name, bytes) in files(&folder.join("tests")) {
            let outcomes = suite::run(&rulebook, &name, std::str::from_utf8(&bytes).unwrap());
            for outcome in outcomes.unwrap_or_else(|faults| panic!("{faults:?}")) {
                assert!(
                    outcome.failures.is_empty(),
                    "{}/{name}:{} {}\n{:?}\n--\n{}",
                    folder.display(),
                    outcome.line,
                    outcome.name,
                    outcome.failures,
                    outcome.story.join("\n")
                );
                played.extend(Tier::WARNING.into_iter().filter_map(|tier| {
                    let change = format!("→ {tier}: ");
                    let reached = outcome.story.iter().any(|told| told.contains(&change));
                    reached.then(|| (outcome.rule.clone(), tier))
                }));
            }
        }
        let tiers = rulebook.rules.iter().flat_map(|rule| {
            let tiers = Tier::WARNING.into_iter();
            let written = tiers.filter(|tier| rule.conditions.contains_key(tier.name()));
            written.map(|tier| (rule.id.clone(), tier))
        });
        let missing: Vec<_> = tiers.filter(|tier| !played.contains(tier)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", folder.display());
    }
}

/// Figures that the sources have in so many words: section of the domain facts, document, folder,
/// rule, tier, condition.
const SURE: &str = include_str!("rulebooks/sure.tsv");

type Sure = BTreeMap<(String, String, String), (String, String)>;

/// Document and condition by folder, rule and tier.
fn sure_by_the_sources() -> Sure {
    let rows = SURE.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| {
        let cells: [&str; 6] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let [_, document, folder, rule, tier, condition] = cells;
        let key = [folder, rule, tier].map(str::to_owned);
        (key.into(), (document.to_owned(), condition.to_owned()))
    });
    rows.collect()
}

/// The same as the rulebooks have it.
fn sure_by_the_rulebooks() -> Sure {
    let mut found = Sure::new();
    for path in folders() {
        let folder = path.strip_prefix(testdata()).unwrap().display().to_string();
        let rulebook = Rulebook::read(&files(&path)).unwrap();
        for rule in &rulebook.rules {
            let tiers = Tier::WARNING.iter().map(|tier| tier.name());
            for tier in tiers.filter(|tier| rule.conditions.contains_key(*tier)) {
                let source = rule.sources.get(tier).unwrap_or(&rule.sources["rule"]);
                if source.confidence == Confidence::Sure {
                    let document = source.document.split([':', ';']).next().unwrap_or_default();
                    let said = (document.trim().to_owned(), rule.conditions[tier].clone());
                    found.insert((folder.clone(), rule.id.clone(), tier.to_owned()), said);
                }
            }
        }
    }
    found
}

#[test]
fn what_the_sources_say_in_so_many_words_stands_there_as_sure_and_nothing_else() {
    let (wanted, found) = (sure_by_the_sources(), sure_by_the_rulebooks());
    for (key, said) in &wanted {
        assert_eq!(found.get(key), Some(said), "{key:?}");
    }
    let unfounded: Vec<_> = found
        .keys()
        .filter(|key| !wanted.contains_key(key))
        .collect();
    assert!(
        unfounded.is_empty(),
        "called sure without a row: {unfounded:?}"
    );
}

/// Where each Beaufort force begins, m/s (GB/T 28591-2012).
const FORCES: [&str; 18] = [
    "0", "0.3", "1.6", "3.4", "5.5", "8.0", "10.8", "13.9", "17.2", "20.8", "24.5", "28.5", "32.7",
    "37.0", "41.5", "46.2", "51.0", "56.1",
];

/// A wind is compared with the beginning of a force and with nothing in between.
#[test]
fn winds_are_compared_with_forces() {
    let forces: Vec<f64> = FORCES.iter().map(|force| force.parse().unwrap()).collect();
    let mut compared = 0;
    for folder in folders() {
        let rulebook = Rulebook::read(&files(&folder)).unwrap();
        for rule in &rulebook.rules {
            for (key, condition) in &rule.conditions {
                let bounds = condition.split("wind_").skip(1).filter_map(|after| {
                    let (_, after) = after.split_once(">=")?;
                    after.trim_start().split([' ', ')']).next()
                });
                for bound in bounds {
                    let number: f64 = bound.parse().unwrap();
                    assert!(forces.contains(&number), "{} {key}: {bound} m/s", rule.id);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn every_key_has_a_source_and_nothing_is_to_be_noticed() {
    for folder in folders() {
        let rulebook = Rulebook::read(&files(&folder)).unwrap();
        assert!(
            rulebook
                .rules
                .iter()
                .all(|rule| rule.sources.contains_key("rule"))
        );
        assert_eq!(rulebook.hash().len(), 64);
        assert_eq!(rulebook.notices, [], "{}", folder.display());
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = r#"schema = 1
version = "x"
colour = "red"

[[rule]]
id      = "a"
hazard  = "99Z99"
name    = { zh = "甲" }
yelow   = 'rainfall.sum("6h") >= 50.0'
orange  = 'rainfall.sum("6h") >='
red     = 'forcast(rainfall, "6h") >= 50.0'
lower   = { after = "half an hour", below = 1.5 }
source  = { document = "d", confidence = "perhaps" }

[[rule]]
id      = "b"
hazard  = "11A01"
name    = { zh = "乙" }
red     = 'water_level.last() >= 5'
lower   = { below = 0.8 }
source  = { document = "d", confidence = "sure" }
"#;
    let faults = Rulebook::read(&[("wrong.toml".into(), text.into())]).unwrap_err();
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for (line, words) in [
        (3, "field colour: no such key"),
        (7, "\"99Z99\" is not a known event code"),
        (9, "field rule.yelow: no such key"),
        (10, "field orange: it cannot be read"),
        (11, "field red: forcast() is not known"),
        (12, "field lower.after: \"half an hour\" is not a span"),
        (
            12,
            "field lower.below: it is not a ratio above 0 and at most 1",
        ),
        (13, "field source.confidence"),
        (19, "a ratio of a water_level threshold means nothing"),
    ] {
        let place = format!("wrong.toml:{line}:");
        assert!(
            text.iter()
                .any(|fault| fault.starts_with(&place) && fault.contains(words)),
            "{place}{words}\n--\n{}",
            text.join("\n")
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Rulebook::read(&[("x.toml".into(), text.clone().into_bytes())]);
        let text = format!("schema = 1\nversion = \"x\"\n[[rule]]\nred = '{}'\n", text.replace('\'', ""));
        let _ = Rulebook::read(&[("x.toml".into(), text.into_bytes())]);
    }
}
