//! What `check` says of areas is what the engine does with them.

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city, engine, gauges, rain_rule, reading, rule, rulebook,
};
use model::{Parameter, Tier};
use rules::{Effect, Policy};

/// What is said of areas by one more rule beside one of rain, with a gauge in the south only.
fn said(subject: &str) -> Vec<String> {
    let rules = rulebook(&(rain_rule() + &rule("asked", "11D01", subject)));
    let faults = rules.check(&city(&gauges(1), NO_SITES));
    let of_it = faults.iter().filter(|fault| fault.field == "rule asked");
    of_it.map(ToString::to_string).collect()
}

const RED: &str = "red = 'rainfall.sum(\"1h\") >= 50'\n";

#[test]
fn an_area_without_subjects_is_named_unless_neighbours_serve_it() {
    let alone = said(RED);
    assert!(
        alone[0].contains("1 areas can never be warned by it: 北街"),
        "{alone:?} {NORTH}"
    );
    let served = said(&format!("{RED}area = {{ neighbours = 1 }}"));
    assert_eq!(served, Vec::<String>::new());
    let more = said(&format!("{RED}area = {{ quorum = \"2\", neighbours = 1 }}"));
    assert!(more[0].contains("2 areas"), "{more:?} {SOUTH}");
}

#[test]
fn an_area_that_is_the_subject_is_one_subject() {
    let rules = rulebook(&rule(
        "asked",
        "11D01",
        "subject = \"area\"\nred = 'area.max(rainfall.sum(\"1h\")) >= 50'\narea = { quorum = \"2\" }",
    ));
    let faults = rules.check(&city(&gauges(6), NO_SITES));
    let text = faults.first().map(ToString::to_string).unwrap_or_default();
    assert!(
        text.contains("2 areas") && text.contains("its quorum is 1"),
        "{text}"
    );
}

#[test]
fn a_rule_of_situations_only_speaks_of_areas_and_of_nothing_else() {
    let asks = "red = 'situation(\"rain\") >= red'\n";
    assert_eq!(
        said(&format!("{asks}subject = \"area\"")),
        Vec::<String>::new()
    );
    let station = said(asks);
    assert!(
        station[0].contains("situations, signals or forecasts only"),
        "{station:?}"
    );
}

#[test]
fn the_mean_over_an_area_weighs_what_is_nearest_to_each_gauge() {
    // One gauge in the southern half of the district, three at one place in the northern.
    let lines = "yellow = 'area.mean(rainfall.sum(\"1h\")) >= 10'\nsubject = \"area\"\n\
        area = { level = \"district\", quorum = \"1\" }\nlower = { after = \"0m\" }";
    let rules = rulebook(&rule("mean", "11B03", lines));
    let stations: Vec<String> = [SOUTH, NORTH, NORTH, NORTH]
        .iter()
        .enumerate()
        .map(|(n, area)| format!("G{n},rain_gauge,{area},rainfall,60"))
        .collect();
    let mut engine = engine(&city(&stations, NO_SITES), &rules, Policy::Replay);
    let mut out = Vec::new();
    for (station, mm) in [(1, 3000), (2, 3000), (3, 3000), (0, 0)] {
        engine.observe(
            at(0),
            &reading(station, Parameter::Rainfall, 0, mm),
            &mut out,
        );
    }
    let tiers = |out: &[Effect]| -> Vec<(Tier, Option<String>)> {
        let changes = out.iter().filter_map(|effect| match effect {
            Effect::Signal(change) => Some((change.to, change.values.first()?.1.clone())),
            Effect::Warning(_)
            | Effect::Pending(_)
            | Effect::Refused { .. }
            | Effect::Silence(_)
            | Effect::Muted(_) => None,
        });
        changes.collect()
    };
    // Alone the northern gauge speaks for the whole; with the southern one for half of it.
    assert_eq!(tiers(&out), [(Tier::Yellow, Some("30".into()))]);
    let found = engine.findings();
    assert_eq!(found.len(), 1);
    out.clear();
    engine.observe(at(1), &reading(0, Parameter::Rainfall, 1, 0), &mut out);
    engine.observe(at(1), &reading(1, Parameter::Rainfall, 0, 1998), &mut out);
    let fell = tiers(&out);
    assert_eq!(fell, [(Tier::None, Some("9.99".into()))], "{fell:?}");
}
