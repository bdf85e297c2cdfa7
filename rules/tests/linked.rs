//! Rules that ask for each other, ids, and rulebooks of many rules.

use rules::Rulebook;

/// A rule of that id; its red asks for the situation of another, where one is given.
fn rule(id: &str, asks: Option<&str>) -> String {
    let red = match asks {
        Some(other) => format!(r#"rainfall.sum("1h") >= 5 && situation("{other}") >= red"#),
        None => r#"rainfall.sum("1h") >= 5"#.to_owned(),
    };
    format!(
        "[[rule]]\nid = \"{id}\"\nhazard = \"11B03\"\nname = {{ zh = \"甲\", en = \"A\" }}\nred = '{red}'\n\
         source = {{ document = \"d\", confidence = \"sure\" }}\n"
    )
}

fn file(name: &str, rules: &[String]) -> (String, Vec<u8>) {
    let text = format!("schema = 1\nversion = \"x\"\n{}", rules.concat());
    (name.into(), text.into())
}

/// The faults of some files, as a person reads them.
fn faults(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let faults = Rulebook::read(files).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn only_the_rules_of_a_circle_are_named_with_their_places() {
    let one = file(
        "a.toml",
        &[rule("a", Some("b")), rule("z", Some("a")), rule("y", None)],
    );
    let other = file("b.toml", &[rule("b", Some("a")), rule("c", Some("c"))]);
    let told = faults(&[one, other]);
    let circle = "a.toml:7:45: field red: rules wait for each other: a → b (b.toml:3) → a — take one situation() \
                  out of the circle\n    red = 'rainfall.sum(\"1h\") >= 5 && situation(\"b\") >= red'\n";
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with(circle), "{}", told[0]);
    let alone = "b.toml:13:45: field red: rules wait for each other: c → c — ";
    assert!(told[1].starts_with(alone), "{}", told[1]);
}

#[test]
fn who_is_asked_for_and_not_there_is_shown_with_the_nearest() {
    let asks = file("a.toml", &[rule("rain", None), rule("b", Some("rian"))]);
    let told = faults(&[asks]);
    let words = "a.toml:13:45: field red: situation(\"rian\") names no rule — did you mean rain? known: b, rain\n";
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with(words), "{}", told[0]);
    assert!(told[0].ends_with("^^^^^^"), "{}", told[0]);
}

/// Wherever a rule may ask: its holds and its silence are looked through like its tiers.
#[test]
fn who_is_asked_for_beside_the_tiers_is_shown_there() {
    for (field, line) in [
        ("continuing", r#"continuing = 'situation("rian") >= red'"#),
        (
            "lower.when",
            r#"lower = { after = "1h", when = 'situation("rian") < red' }"#,
        ),
        (
            "lost.when",
            r#"lost = { when = 'situation("rian") >= red' }"#,
        ),
        (
            "lost.near",
            r#"lost = { when = 'rainfall.last() > 2', near = 'situation("rian") >= red' }"#,
        ),
    ] {
        let asks = format!("{}{line}\n", rule("b", None));
        let told = faults(&[file("a.toml", &[rule("rain", None), asks])]);
        let column = line.find("\"rian\"").unwrap() + 1;
        let words = format!("a.toml:15:{column}: field {field}: situation(\"rian\") names no rule");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with(&words), "{words}\n--\n{}", told[0]);
        assert!(told[0].ends_with("^^^^^^"), "{}", told[0]);
    }
}

#[test]
fn a_faulty_rule_is_a_known_name_all_the_same() {
    let faulty = rule("rain", None).replace("rainfall.sum", "rainfal.sum");
    let files = [file(
        "a.toml",
        &[faulty, rule("b", Some("rain")), rule("c", Some("rain"))],
    )];
    let told = faults(&files);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("did you mean rainfall?"), "{}", told[0]);
}

#[test]
fn an_id_is_unique_over_all_files_and_plain() {
    let files = [
        file("a.toml", &[rule("a", None), rule("b", None)]),
        file("b.toml", &[rule("c", None), rule("b", None)]),
    ];
    let told = faults(&files);
    assert_eq!(told.len(), 1, "{told:#?}");
    let words = "b.toml:10:6: field id: \"b\" is there twice — give each rule its own id; the first is in \
                 a.toml, line 9\n    id = \"b\"\n         ^^^";
    assert_eq!(told[0], words);
    for id in [
        "../../etc/passwd",
        "my culvert/1?",
        ".",
        "-a",
        "a b",
        &"r".repeat(65),
    ] {
        let told = faults(&[file("a.toml", &[rule(id, None)])]);
        assert_eq!(told.len(), 1, "{id}: {told:#?}");
        assert!(told[0].starts_with("a.toml:4:6: field id: "), "{}", told[0]);
        assert!(
            told[0].contains("is no id — write letters, digits"),
            "{}",
            told[0]
        );
    }
    for id in ["rain-1h", "v1.2_b", "暴雨", "2024"] {
        assert_eq!(
            faults(&[file("a.toml", &[rule(id, None)])]).len(),
            0,
            "{id}"
        );
    }
}

#[test]
fn days_that_begin_at_different_times_are_shown() {
    let other = rule("b", None).replace("sum(\"1h\") >= 5", "sum(\"3d@00:00\") >= 200");
    let days = rule("a", None).replace("sum(\"1h\") >= 5", "sum(\"14d@08:00\") >= 300");
    let told = faults(&[file("a.toml", &[days, other])]);
    assert_eq!(told.len(), 1, "{told:#?}");
    let words =
        "a.toml:13:8: field red: the days of rainfall.sum(\"3d@00:00\") begin at another time";
    assert!(told[0].starts_with(words), "{}", told[0]);
}

#[test]
fn what_is_no_toml_is_shown_with_its_column() {
    let text = "schema = 1\nversion = \"x\n[[rule]]\n";
    let told = faults(&[("a.toml".into(), text.into())]);
    let words = "a.toml:2:13: not TOML: ";
    assert!(told[0].starts_with(words), "{}", told[0]);
    assert!(told[0].contains("\n    version = \"x\n"), "{}", told[0]);
}

/// As many rules as are allowed are linked, each to the one before; too many are not read at all.
#[test]
fn a_rulebook_of_many_rules_is_linked() {
    let chained = |count: usize| -> Vec<String> {
        let before = |number: usize| format!("r{}", number - 1);
        let asks = |number: usize| (number > 0).then(|| before(number));
        (0..count)
            .map(|number| rule(&format!("r{number}"), asks(number).as_deref()))
            .collect()
    };
    let most = Rulebook::read(&[file("a.toml", &chained(4096))]).unwrap();
    assert_eq!(most.hearing("r4094"), ["r4095"]);
    let told = faults(&[file("a.toml", &chained(10_000))]);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("field rule: more than 4096 rules"),
        "{}",
        told[0]
    );
}
