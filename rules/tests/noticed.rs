//! Rulebooks that load and are worth a look, words for what cannot be read, and tests that are none.

use rules::{Rulebook, suite};
use std::sync::Arc;

fn text(lines: &str) -> String {
    format!(
        r#"schema = 1
version = "x"
[[rule]]
id      = "a"
hazard  = "11B03"
name    = {{ zh = "甲", en = "A" }}
source  = {{ document = "d", confidence = "sure" }}
{lines}
"#
    )
}

/// What is said of a rule with these lines, and whether it loads.
fn said(lines: &str) -> (bool, Vec<String>) {
    let read = Rulebook::read(&[("a.toml".into(), text(lines).into())]);
    let (loads, faults) = match read {
        Ok(book) => (true, book.notices),
        Err(faults) => (false, faults),
    };
    (loads, faults.iter().map(ToString::to_string).collect())
}

#[test]
fn comparisons_that_hang_on_nothing_measured_are_noticed() {
    for (condition, words) in [
        (
            r#"rainfall.sum("1h") >= m(30)"#,
            r#"this never holds: no rainfall.sum("1h") is more than 500 mm"#,
        ),
        (r#"rainfall.sum("1h") >= 1e12"#, "this never holds: "),
        (
            r#"rainfall.sum("1h") >= -5"#,
            r#"this always holds: every rainfall.sum("1h") is at least 0 mm"#,
        ),
        (r#"rainfall.sum("1h") >= 0"#, "this always holds: "),
        (
            r#"rainfall.sum("1h") < 0"#,
            r#"this never holds: no rainfall.sum("1h") is less than 0 mm"#,
        ),
        (r#"!(rainfall.sum("1h") >= 0)"#, "this never holds: "),
        (
            "temperature.last() >= 95",
            "no temperature.last() is more than 60 Cel",
        ),
        (
            "water_depth.last() >= 0",
            "every water_depth.last() is at least 0 m",
        ),
        ("humidity.last() > 300", "this never holds: "),
        (
            "fire_danger.last() >= 1",
            "every fire_danger.last() is at least 1",
        ),
        (
            r#"rainfall.dry_days("30d@08:00", 5) >= 60"#,
            "this never holds: ",
        ),
        (
            r#"rainfall.sum("1h") + forecast(rainfall, "1h") >= 5000"#,
            "this never holds: its figures do not reach so far",
        ),
        (
            r#"rainfall.sum("1h") >= 30 && rainfall.sum("1h") < 20"#,
            "it can never hold: no value meets all of it at once",
        ),
        (
            r#"rainfall.sum("1h") >= 30 && rainfall.sum("3h") < 20"#,
            "it can never hold",
        ),
        (
            r#"rainfall.sum("1h") < 30 || rainfall.sum("1h") >= 20"#,
            "it always holds, whatever is measured",
        ),
        (
            r#"rainfall.sum("3h") >= 20 || rainfall.sum("1h") < 30"#,
            "it always holds",
        ),
        (
            r#"wind_gust.last() > 20 || (rainfall.sum("1h") >= 30 && rainfall.sum("1h") < 20)"#,
            "a part of it can never hold",
        ),
        (
            r#"situation("a2") >= red && situation("a2") < orange"#,
            "it can never hold",
        ),
    ] {
        let other = "red = 'rainfall.last() > 3'".to_owned();
        let other = text(&other).replace("\"a\"", "\"a2\"");
        let files = [
            (
                "a.toml".into(),
                text(&format!("yellow = '{condition}'")).into(),
            ),
            ("b.toml".into(), other.into_bytes()),
        ];
        let book = Rulebook::read(&files).unwrap();
        let told: Vec<String> = book.notices.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{condition}: {told:#?}");
        assert!(told[0].starts_with("a.toml:8:"), "{}", told[0]);
        assert!(told[0].contains(words), "{words}\n--\n{}", told[0]);
        assert!(told[0].ends_with('^'), "{}", told[0]);
    }
    let (loads, told) = said("yellow = 'true'\nred = 'rainfall.last() > 5'");
    assert!(
        loads && told[0].contains("field yellow: it always holds"),
        "{told:#?}"
    );
    for condition in [
        r#"rainfall.sum("1h") >= 30"#,
        r#"rainfall.sum("24h") >= 250 || rainfall.sum("24h") >= site.red"#,
        r#"rainfall.sum("1h") >= 20 && rainfall.sum("1h") < 30"#,
        r#"temperature.delta("48h") <= -16 && temperature.min("48h") <= 4"#,
        r#"temperature.count("24h") >= 20 * temperature.count("1h")"#,
        "water_level.last() >= 0",
        r#"rainfall.age() > "10m""#,
        r#"rainfall.spi("90d@08:00") <= -2.0"#,
        "typhoon.hours_to(7) <= 48",
        r#"rainfall.sum("1h") >= 20 || rainfall.sum("3h") < 30"#,
    ] {
        assert_eq!(
            said(&format!("yellow = '{condition}'")),
            (true, vec![]),
            "{condition}"
        );
    }
}

#[test]
fn a_renewal_of_a_tier_that_is_not_there_is_noticed() {
    let (loads, told) =
        said("red = 'rainfall.last() > 5'\nrenew = { white = \"3h\", red = \"3h\" }");
    assert!(loads);
    assert_eq!(told.len(), 1, "{told:#?}");
    let words = "a.toml:9:11: field renew.white: the rule has no white: nothing would use it — take it out, or add \
                 white = '…'\n    renew = { white = \"3h\", red = \"3h\" }\n              ^^^^^";
    assert_eq!(told[0], words);
}

#[test]
fn what_is_written_in_place_of_a_sign_is_named() {
    for (condition, words) in [
        (
            r#"rainfall.sum("1h") >= 3 and rainfall.sum("2h") >= 5"#,
            "a.toml:8:32: field red: and means nothing in a condition — write && in place of and",
        ),
        (
            r#"rainfall.sum("1h") >= 3 or rainfall.last() > 1"#,
            "write || in place of or",
        ),
        (r#"rainfall.sum("1h") = 30"#, "write == in place of ="),
        (r#"rainfall.sum("1h") => 30"#, "write >= in place of =>"),
        (r#"rainfall.sum(“1h”) >= 30"#, "write \" in place of “"),
        (r#"rainfall.sum("1h") ≥ 30"#, "write >= in place of ≥"),
        (
            r#"10 <= rainfall.sum("1h") <= 30"#,
            "two comparisons are written as one — join them with &&",
        ),
        (
            r#"(rainfall.sum("1h") >= 3"#,
            "it cannot be read: a ) is missing — add the )",
        ),
        (
            r#"rainfall.sum("1h") >= 3_0"#,
            "it cannot be read: _0 does not fit there",
        ),
        (
            r#"rainfall.sum("1h") >= 1e400"#,
            "it cannot be read: a number in it is too large",
        ),
        (
            r#"雨.sum("1h") > 3"#,
            "it cannot be read: 雨 does not fit there",
        ),
    ] {
        let (_, told) = said(&format!("red = '{condition}'"));
        assert_eq!(told.len(), 1, "{condition}: {told:#?}");
        assert!(told[0].contains(words), "{words}\n--\n{}", told[0]);
        assert!(told[0].ends_with('^'), "{}", told[0]);
    }
    for (long, ends) in [
        (
            format!("rainfall.last(){} >= 30", "+1".repeat(900)),
            Some("in one comparison"),
        ),
        (
            format!("rainfall.last() >= {}30", "-".repeat(900)),
            Some("in one comparison"),
        ),
        (
            format!("site{} >= 3", ".a".repeat(900)),
            Some("in one comparison"),
        ),
        (format!("rainfall{} >= 3", ".last()".repeat(90)), None),
        (format!("rainfall.last(){} >= 300", "+1".repeat(100)), None),
        (format!("{}(rainfall.last() >= 3)", "!".repeat(1900)), None),
    ] {
        let (_, told) = said(&format!("red = '{long}'"));
        let words = ends.unwrap_or_default();
        assert!(ends.is_none() || told[0].contains(words), "{told:#?}");
    }
    let deep = format!("{}rainfall.last() > 1{}", "(".repeat(300), ")".repeat(300));
    let (_, told) = said(&format!("red = '{deep}'"));
    assert!(
        told[0].contains("it is nested more than 32 deep"),
        "{}",
        told[0]
    );
}

#[test]
fn every_name_that_is_not_known_comes_with_the_nearest() {
    let red = "red = 'rainfall.last() > 5'";
    for (line, words) in [
        (
            "subject = \"gauge\"",
            "a.toml:9:11: field subject: \"gauge\" is no subject — did you mean station?",
        ),
        (
            "area = { level = \"town\" }",
            "a.toml:9:18: field area.level: \"town\" is no level — did you mean township?",
        ),
        (
            "area = { quorum = \"0\" }",
            "a.toml:9:19: field area.quorum: \"0\" is not a quorum",
        ),
        ("qc_min = \"sund\"", "did you mean sound?"),
        (
            "raise = { after = \"soon\" }",
            "a.toml:9:19: field raise.after: ",
        ),
        ("lower = { after = \"soon\" }", "field lower.after: "),
        (
            "renew = { red = \"six hours\" }",
            "a.toml:9:17: field renew.red: ",
        ),
        (
            "lower = { below = 1.5 }",
            "a.toml:9:19: field lower.below: ",
        ),
        (
            "lost = { when = 'rainfal.last() > 2' }",
            "a.toml:9:18: field lost.when: ",
        ),
    ] {
        let (loads, told) = said(&format!("{red}\n{line}"));
        assert!(!loads, "{line}");
        assert!(told[0].contains(words), "{words}\n--\n{}", told[0]);
        assert!(told[0].ends_with('^'), "{}", told[0]);
    }
    for (hazard, words) in [
        ("11B99", "did you mean 11B09 ("),
        ("11b03", "did you mean 11B03 (暴雨, rainstorm)?"),
        ("rainstorm", "did you mean 11B03 ("),
        ("暴雨", "did you mean 11B03 ("),
    ] {
        let text = text(red).replace("11B03", hazard);
        let faults = Rulebook::read(&[("a.toml".into(), text.into())]).unwrap_err();
        let told = faults[0].to_string();
        assert!(told.starts_with("a.toml:5:11: field hazard: "), "{told}");
        assert!(told.contains(words), "{words}\n--\n{told}");
    }
    let text = text(red).replace("sure", "shure");
    let faults = Rulebook::read(&[("a.toml".into(), text.into())]).unwrap_err();
    let told = faults[0].to_string();
    assert!(
        told.contains("field source.confidence: \"shure\" is none — did you mean sure?"),
        "{told}"
    );
}

/// A key of the wrong kind is not missing besides, and one fault is told once.
#[test]
fn one_mistake_is_one_fault() {
    let good = text("red = 'rainfall.last() > 5'");
    for (right, wrong, words) in [
        (
            "{ zh = \"甲\", en = \"A\" }",
            "\"甲\"",
            "a.toml:6:11: field name: it is not a table",
        ),
        (
            "name ",
            "nome ",
            "field rule.nome: no such key — did you mean name?",
        ),
        (
            "{ document = \"d\", confidence = \"sure\" }",
            "\"d\"",
            "a.toml:7:11: field source: it is not a table",
        ),
        (
            "schema = 1",
            "schema = \"1\"",
            "a.toml:1:10: field schema: ",
        ),
    ] {
        let wrong = good.replacen(right, wrong, 1);
        let faults = Rulebook::read(&[("a.toml".into(), wrong.into())]).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let most = if words.contains("no such key") { 2 } else { 1 };
        assert_eq!(told.len(), most, "{told:#?}");
        assert!(told[0].contains(words), "{words}\n--\n{}", told[0]);
    }
}

#[test]
fn a_test_that_asks_for_what_is_not_there_is_a_fault() {
    let lines = "subject = \"site\"\nyellow = 'water_depth.last() >= 0.15'\nred = 'water_depth.last() >= site.close'";
    let text = text(lines).replace("11B03", "11A02");
    let book = Arc::new(Rulebook::read(&[("a.toml".into(), text.into())]).unwrap());
    let good = r#"schema = 1
[[test]]
name = "deep"
rule = "a"
start = "2025-06-01T12:00:00+08:00"
series = { water_depth = "0x3 0.2x5" }
site = { close = 0.3 }
forecast = [{ at = "0m", step = "1h", rainfall = "0x3" }]
signal = [{ at = "0m", hazard = "11B01", tier = "blue" }]
expect = [{ at = "1m", tier = "none" }, { at = "6m", tier = "yellow" }]
"#;
    let outcomes = suite::run(&book, "x.test.toml", good).unwrap();
    assert_eq!(outcomes[0].failures, []);
    for (right, wrong, words) in [
        (
            "tier = \"yellow\"",
            "tier = \"orange\"",
            "x.test.toml:10:61: field tier: rule a has no orange — it has: none, yellow, red",
        ),
        (
            "tier = \"yellow\"",
            "tier = \"yelow\"",
            "did you mean yellow?",
        ),
        (
            "rule = \"a\"",
            "rule = \"aa\"",
            "x.test.toml:4:8: field rule: no rule \"aa\" — did you mean a? known: a",
        ),
        (
            "close = 0.3",
            "closs = 0.3",
            "x.test.toml:7:10: field site.closs: no rule reads site.closs — did you mean close?",
        ),
        (
            "close = 0.3",
            "close = \"deep\"",
            "x.test.toml:7:18: field site.close: it is not a number",
        ),
        (
            "water_depth =",
            "water_dept =",
            "x.test.toml:6:12: field series.water_dept: it is no parameter — did you mean water_depth?",
        ),
        (
            "rainfall =",
            "rainfal =",
            "x.test.toml:8:39: field rainfal: it is no parameter — did you mean rainfall?",
        ),
        ("\"11B01\"", "\"typhoon\"", "did you mean 11B01 ("),
        ("tier = \"blue\"", "tier = \"bleu\"", "did you mean blue?"),
        (
            "schema = 1",
            "schema = 2",
            "x.test.toml:1:10: field schema: it is not 1",
        ),
        ("[[test]]", "[[test]", "x.test.toml:2:"),
    ] {
        let text = good.replacen(right, wrong, 1);
        let faults = suite::run(&book, "x.test.toml", &text).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{wrong}: {told:#?}");
        assert!(told[0].contains(words), "{words}\n--\n{}", told[0]);
        assert!(told[0].ends_with('^'), "{}", told[0]);
    }
}
