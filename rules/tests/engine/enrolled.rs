//! What `check` says of areas is what the engine does with them.

use crate::little::{NO_SITES, NORTH, SOUTH, city, gauges, rain_rule, rule, rulebook};

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
        station[0].contains("situations or forecasts only"),
        "{station:?}"
    );
}
