//! The rulebooks of testdata load, pass their own tests, and wrong ones say everything at once.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read ends its test"
)]

use rules::{Rulebook, suite};
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

#[test]
fn the_rulebooks_pass_their_own_tests() {
    let mut played = 0;
    for folder in ["city/rules", "rulebooks/national-2007", "rulebooks/beijing"] {
        let folder = testdata().join(folder);
        let rulebook = Arc::new(Rulebook::read(&files(&folder)).unwrap());
        for (name, bytes) in files(&folder.join("tests")) {
            let outcomes = suite::run(&rulebook, &name, std::str::from_utf8(&bytes).unwrap());
            for outcome in outcomes.unwrap_or_else(|faults| panic!("{faults:?}")) {
                assert!(
                    outcome.failures.is_empty(),
                    "{}/{name}:{} {}\n{}\n--\n{}",
                    folder.display(),
                    outcome.line,
                    outcome.name,
                    outcome.failures.join("\n"),
                    outcome.story.join("\n")
                );
                played += 1;
            }
        }
    }
    assert!(played >= 9, "{played}");
}

#[test]
fn every_key_has_a_source() {
    for folder in ["city/rules", "rulebooks/national-2007", "rulebooks/beijing"] {
        let rulebook = Rulebook::read(&files(&testdata().join(folder))).unwrap();
        assert!(
            rulebook
                .rules
                .iter()
                .all(|rule| rule.sources.contains_key("rule"))
        );
        assert_eq!(rulebook.hash().len(), 64);
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
red     = 'forecast(rainfall, "6h") >= 50.0'
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
        (10, "field orange: not a CEL expression"),
        (
            11,
            "field red: forecast() is not in this version's vocabulary",
        ),
        (12, "field after: \"half an hour\" is not a span"),
        (12, "field below: it is not a ratio above 0 and at most 1"),
        (13, "field source.confidence"),
        (19, "a ratio of a water_level threshold means nothing"),
    ] {
        let place = format!("wrong.toml:{line}: ");
        assert!(
            text.iter()
                .any(|fault| fault.starts_with(&place) && fault.contains(words)),
            "{place}{words}\n--\n{}",
            text.join("\n")
        );
    }
}

#[test]
fn rules_that_wait_for_each_other_are_refused() {
    let rule = |id: &str, asks: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nhazard = \"11B03\"\nname = {{ zh = \"甲\" }}\n\
             red = 'rainfall.sum(\"1h\") >= 5 && situation(\"{asks}\") >= red'\n\
             source = {{ document = \"d\", confidence = \"sure\" }}\n"
        )
    };
    let text = |a: &str, b: &str| {
        format!(
            "schema = 1\nversion = \"x\"\n{}{}",
            rule("a", a),
            rule("b", b)
        )
    };
    let cycle = Rulebook::read(&[("x.toml".into(), text("b", "a").into())]).unwrap_err();
    assert!(
        cycle[0]
            .to_string()
            .contains("rules wait for each other: a, b"),
        "{}",
        cycle[0]
    );
    let unknown = Rulebook::read(&[("x.toml".into(), text("c", "a").into())]).unwrap_err();
    assert!(
        unknown[0].to_string().contains("names no rule"),
        "{}",
        unknown[0]
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Rulebook::read(&[("x.toml".into(), text.clone().into_bytes())]);
        let text = format!("schema = 1\nversion = \"x\"\n[[rule]]\nred = '{}'\n", text.replace('\'', ""));
        let _ = Rulebook::read(&[("x.toml".into(), text.into_bytes())]);
    }
}
