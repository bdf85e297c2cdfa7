//! Ladders of some hours in the demo city: which one begins when, and what is refused.

use model::{City, Tier, Time};
use std::path::Path;

const NIGHT: &str = r#"[[ladder]]
tiers = ["orange", "red"]
hours = { from = 22, to = 6 }
quota = "3 of 5"
before_impact = "30m"
steps = [{ after = "1s", ask = "primary", channels = ["voice"] }]

"#;

/// The demo city with `edit` made to its city.toml, or its faults in words.
fn city(edit: impl Fn(String) -> String) -> Result<City, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
    let read = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).ok()?;
        if name == "city.toml" {
            return Some(edit(String::from_utf8(bytes).ok()?).into_bytes());
        }
        Some(bytes)
    };
    City::read(read, &[]).map_err(|faults| {
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        words.join("\n")
    })
}

#[test]
fn the_ladder_of_the_hour_is_taken_and_that_of_the_day_otherwise() {
    let city = city(|text| text.replacen("[[ladder]]", &format!("{NIGHT}[[ladder]]"), 1)).unwrap();
    let steps = |tier, clock: &str| {
        let (at, offset) = Time::parse(&format!("2026-05-08T{clock}:00+08:00")).unwrap();
        let ladder = city.policy.ladder_at(tier, at, offset).unwrap();
        ladder.steps.len()
    };
    for clock in ["22:00", "02:30", "05:59"] {
        assert_eq!(steps(Tier::Red, clock), 1, "{clock}");
        assert_eq!(steps(Tier::Orange, clock), 1, "{clock}");
        assert_eq!(steps(Tier::Yellow, clock), 6, "{clock}");
    }
    for clock in ["06:00", "12:00", "21:59"] {
        assert_eq!(steps(Tier::Red, clock), 6, "{clock}");
    }
}

#[test]
fn a_ladder_that_nobody_could_climb_is_refused() {
    for (from, to, wanted) in [
        (
            "from = 22",
            "from = 24",
            "field ladder.hours: no hours of a day",
        ),
        ("to = 6", "to = 22", "field ladder.hours: no hours of a day"),
        (
            "\"30m\"",
            "\"10s\"",
            "field ladder.before_impact: it is too short",
        ),
        ("3 of 5", "6 of 5", "is no quota"),
    ] {
        let night = NIGHT.replace(from, to);
        let faults = city(|text| text.replacen("[[ladder]]", &format!("{night}[[ladder]]"), 1));
        let words = faults.map(|_| ()).unwrap_err();
        assert!(words.contains(wanted), "{words}");
    }
    // Below the ladder of the whole day it would never be taken.
    let faults = city(|text| format!("{text}\n{NIGHT}"));
    let words = faults.map(|_| ()).unwrap_err();
    assert!(
        words.contains("holds for one of its tiers at every hour"),
        "{words}"
    );
}
