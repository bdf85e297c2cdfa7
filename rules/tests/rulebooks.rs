//! The rulebooks of testdata load, pass their own tests, and wrong ones say everything at once.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read ends its test"
)]

use model::Tier;
use rules::rulebook::Confidence;
use rules::{Rulebook, suite};
use std::collections::BTreeSet;
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

/// Figures that the sources have in so many words: rulebook, rule, tier, condition.
const SURE: [(&str, &str, &str, &str); 73] = [
    (
        "rulebooks/drought",
        "spi",
        "blue",
        r#"rainfall.spi("90d@08:00") <= -0.5"#,
    ),
    (
        "rulebooks/drought",
        "spi",
        "yellow",
        r#"rainfall.spi("90d@08:00") <= -1.0"#,
    ),
    (
        "rulebooks/drought",
        "spi",
        "orange",
        r#"rainfall.spi("90d@08:00") <= -1.5"#,
    ),
    (
        "rulebooks/drought",
        "spi",
        "red",
        r#"rainfall.spi("90d@08:00") <= -2.0"#,
    ),
    (
        "rulebooks/national-2007",
        "heat",
        "yellow",
        r#"temperature.days_at_least("10d@00:00", 35) >= 3"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm_expected",
        "blue",
        r#"forecast(rainfall, "12h") >= 50"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm_expected",
        "yellow",
        r#"forecast(rainfall, "6h") >= 50"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm_expected",
        "orange",
        r#"forecast(rainfall, "3h") >= 50"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm_expected",
        "red",
        r#"forecast(rainfall, "3h") >= 100"#,
    ),
    (
        "rulebooks/national-2007",
        "fog_expected",
        "yellow",
        r#"forecast(visibility, "12h") < 500"#,
    ),
    (
        "rulebooks/national-2007",
        "fog_expected",
        "orange",
        r#"forecast(visibility, "6h") < 200"#,
    ),
    (
        "rulebooks/national-2007",
        "fog_expected",
        "red",
        r#"forecast(visibility, "2h") < 50"#,
    ),
    (
        "rulebooks/national-2007",
        "heat_expected",
        "orange",
        r#"forecast(temperature, "24h") >= 37"#,
    ),
    (
        "rulebooks/national-2007",
        "heat_expected",
        "red",
        r#"forecast(temperature, "24h") >= 40"#,
    ),
    (
        "city/rules",
        "rainstorm",
        "orange",
        r#"rainfall.sum("3h") >= 50.0"#,
    ),
    (
        "city/rules",
        "rainstorm",
        "red",
        r#"rainfall.sum("3h") >= 100.0"#,
    ),
    (
        "city/rules",
        "typhoon",
        "yellow",
        r#"wind_speed.mean("10m") >= 17.2 || wind_gust.max("10m") >= 24.5"#,
    ),
    (
        "city/rules",
        "typhoon",
        "orange",
        r#"wind_speed.mean("10m") >= 24.5 || wind_gust.max("10m") >= 32.7"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm",
        "blue",
        r#"rainfall.sum("12h") >= 50.0"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm",
        "yellow",
        r#"rainfall.sum("6h") >= 50.0"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm",
        "orange",
        r#"rainfall.sum("3h") >= 50.0"#,
    ),
    (
        "rulebooks/national-2007",
        "rainstorm",
        "red",
        r#"rainfall.sum("3h") >= 100.0"#,
    ),
    (
        "rulebooks/national-2007",
        "gale",
        "blue",
        r#"wind_speed.mean("10m") >= 10.8 || wind_gust.max("10m") >= 13.9"#,
    ),
    (
        "rulebooks/national-2007",
        "gale",
        "yellow",
        r#"wind_speed.mean("10m") >= 17.2 || wind_gust.max("10m") >= 20.8"#,
    ),
    (
        "rulebooks/national-2007",
        "gale",
        "orange",
        r#"wind_speed.mean("10m") >= 24.5 || wind_gust.max("10m") >= 28.5"#,
    ),
    (
        "rulebooks/national-2007",
        "gale",
        "red",
        r#"wind_speed.mean("10m") >= 32.7 || wind_gust.max("10m") >= 37.0"#,
    ),
    (
        "rulebooks/national-2007",
        "fog",
        "yellow",
        "visibility.last() < 500",
    ),
    (
        "rulebooks/national-2007",
        "fog",
        "orange",
        "visibility.last() < 200",
    ),
    (
        "rulebooks/national-2007",
        "fog",
        "red",
        "visibility.last() < 50",
    ),
    (
        "rulebooks/national-2007",
        "heat",
        "orange",
        r#"temperature.max("1d@00:00") >= 37"#,
    ),
    (
        "rulebooks/national-2007",
        "heat",
        "red",
        r#"temperature.max("1d@00:00") >= 40"#,
    ),
    (
        "rulebooks/beijing",
        "rainstorm",
        "blue",
        r#"rainfall.sum("1h") >= 30.0 || rainfall.sum("6h") >= 50.0 || rainfall.sum("24h") >= 70.0"#,
    ),
    (
        "rulebooks/beijing",
        "rainstorm",
        "yellow",
        r#"rainfall.sum("1h") >= 50.0 || rainfall.sum("6h") >= 70.0 || rainfall.sum("24h") >= 100.0"#,
    ),
    (
        "rulebooks/hong-kong",
        "rainstorm",
        "yellow",
        r#"rainfall.sum("1h") > mm(30)"#,
    ),
    (
        "rulebooks/hong-kong",
        "rainstorm",
        "orange",
        r#"rainfall.sum("1h") > mm(50)"#,
    ),
    (
        "rulebooks/hong-kong",
        "rainstorm",
        "red",
        r#"rainfall.sum("1h") > mm(70)"#,
    ),
    (
        "rulebooks/jianghua",
        "flash_flood",
        "blue",
        r#"rainfall.sum("1h") >= mm(35) || rainfall.sum("3h") >= mm(55) || rainfall.sum("6h") >= mm(70) || rainfall.sum("24h") >= mm(100)"#,
    ),
    (
        "rulebooks/jianghua",
        "flash_flood",
        "yellow",
        r#"rainfall.sum("1h") >= mm(45) || rainfall.sum("3h") >= mm(75) || rainfall.sum("6h") >= mm(95) || rainfall.sum("24h") >= mm(130)"#,
    ),
    (
        "rulebooks/jianghua",
        "flash_flood",
        "orange",
        r#"rainfall.sum("1h") >= mm(60) || rainfall.sum("3h") >= mm(100) || rainfall.sum("6h") >= mm(120) || rainfall.sum("24h") >= mm(160)"#,
    ),
    (
        "rulebooks/jianghua",
        "flash_flood",
        "red",
        r#"rainfall.sum("1h") >= mm(80) || rainfall.sum("3h") >= mm(120) || rainfall.sum("6h") >= mm(150) || rainfall.sum("24h") >= mm(200)"#,
    ),
    (
        "rulebooks/hydrology",
        "river_flood",
        "yellow",
        "water_level.last() >= site.warning",
    ),
    (
        "rulebooks/hydrology",
        "river_flood",
        "orange",
        "water_level.last() >= site.guarantee",
    ),
    (
        "rulebooks/hydrology",
        "river_flood",
        "red",
        "water_level.last() >= site.record",
    ),
    (
        "rulebooks/hydrology",
        "tide",
        "blue",
        "water_level.last() >= site.blue",
    ),
    (
        "rulebooks/hydrology",
        "tide",
        "yellow",
        "water_level.last() >= site.yellow",
    ),
    (
        "rulebooks/hydrology",
        "tide",
        "red",
        "water_level.last() >= site.red",
    ),
    (
        "rulebooks/guangdong-2019",
        "typhoon",
        "yellow",
        r#"wind_speed.mean("10m") >= 17.2 || wind_gust.max("10m") >= 24.5"#,
    ),
    (
        "rulebooks/guangdong-2019",
        "typhoon",
        "orange",
        r#"wind_speed.mean("10m") >= 24.5 || wind_gust.max("10m") >= 32.7"#,
    ),
    (
        "rulebooks/national-2007",
        "typhoon",
        "blue",
        r#"wind_speed.mean("10m") >= 10.8 || wind_gust.max("10m") >= 17.2"#,
    ),
    (
        "rulebooks/national-2007",
        "typhoon",
        "yellow",
        r#"wind_speed.mean("10m") >= 17.2 || wind_gust.max("10m") >= 24.5"#,
    ),
    (
        "rulebooks/national-2007",
        "typhoon",
        "orange",
        r#"wind_speed.mean("10m") >= 24.5 || wind_gust.max("10m") >= 32.7"#,
    ),
    (
        "rulebooks/national-2007",
        "typhoon",
        "red",
        r#"wind_speed.mean("10m") >= 32.7 || wind_gust.max("10m") >= 41.5"#,
    ),
    (
        "rulebooks/national-2007",
        "snowstorm",
        "blue",
        r#"snowfall.sum("12h") >= 4"#,
    ),
    (
        "rulebooks/national-2007",
        "snowstorm",
        "yellow",
        r#"snowfall.sum("12h") >= 6"#,
    ),
    (
        "rulebooks/national-2007",
        "snowstorm",
        "orange",
        r#"snowfall.sum("6h") >= 10"#,
    ),
    (
        "rulebooks/national-2007",
        "snowstorm",
        "red",
        r#"snowfall.sum("6h") >= 15"#,
    ),
    (
        "rulebooks/national-2007",
        "cold_wave",
        "blue",
        r#"temperature.delta("48h") <= -8 && temperature.min("48h") <= 4 && wind_speed.max("24h") >= 8.0 && temperature.count("48h") >= 40 * temperature.count("1h")"#,
    ),
    (
        "rulebooks/national-2007",
        "cold_wave",
        "yellow",
        r#"temperature.delta("24h") <= -10 && temperature.min("24h") <= 4 && wind_speed.max("24h") >= 10.8 && temperature.count("24h") >= 20 * temperature.count("1h")"#,
    ),
    (
        "rulebooks/national-2007",
        "cold_wave",
        "orange",
        r#"temperature.delta("24h") <= -12 && temperature.min("24h") <= 0 && wind_speed.max("24h") >= 10.8 && temperature.count("24h") >= 20 * temperature.count("1h")"#,
    ),
    (
        "rulebooks/national-2007",
        "cold_wave",
        "red",
        r#"temperature.delta("24h") <= -16 && temperature.min("24h") <= 0 && wind_speed.max("24h") >= 10.8 && temperature.count("24h") >= 20 * temperature.count("1h")"#,
    ),
    (
        "rulebooks/national-2007",
        "haze",
        "yellow",
        "visibility.last() < 3000",
    ),
    (
        "rulebooks/national-2007",
        "haze",
        "orange",
        "visibility.last() < 2000",
    ),
    (
        "rulebooks/hydrology",
        "low_water",
        "yellow",
        "water_level.last() <= site.drought_warning",
    ),
    (
        "rulebooks/hydrology",
        "low_water",
        "orange",
        "water_level.last() <= site.season_low",
    ),
    (
        "rulebooks/hydrology",
        "low_water",
        "red",
        "water_level.last() <= site.record_low",
    ),
    (
        "rulebooks/hydrology",
        "low_flow",
        "yellow",
        "flow.last() <= site.drought_warning_flow",
    ),
    (
        "rulebooks/hydrology",
        "low_flow",
        "orange",
        "flow.last() <= site.season_low_flow",
    ),
    (
        "rulebooks/hydrology",
        "low_flow",
        "red",
        "flow.last() <= site.record_low_flow",
    ),
    (
        "rulebooks/hydrology",
        "tide",
        "orange",
        "water_level.last() >= site.orange",
    ),
    (
        "rulebooks/beijing",
        "road_water",
        "orange",
        "water_depth.last() >= cm(30)",
    ),
    (
        "rulebooks/beijing",
        "road_water",
        "red",
        "water_depth.last() >= cm(50)",
    ),
    (
        "rulebooks/beijing",
        "overpass_water",
        "orange",
        "water_depth.last() >= cm(50)",
    ),
    (
        "rulebooks/beijing",
        "overpass_water",
        "red",
        "water_depth.last() >= cm(100)",
    ),
];

#[test]
fn what_the_sources_say_in_so_many_words_stands_there_as_sure() {
    for (folder, id, key, condition) in SURE {
        let rulebook = Rulebook::read(&files(&testdata().join(folder))).unwrap();
        let (_, rule) = rulebook.rule(id).unwrap();
        assert_eq!(rule.conditions[key], condition, "{folder} {id} {key}");
        let source = rule.sources.get(key).unwrap_or(&rule.sources["rule"]);
        assert_eq!(source.confidence, Confidence::Sure, "{folder} {id} {key}");
    }
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
