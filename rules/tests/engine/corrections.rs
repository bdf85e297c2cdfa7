//! Values that come again, or are replaced: what they confirm, and what they take back.

use crate::little::{NO_SITES, at, city, engine, lines, reading, rule, rulebook, warning};
use model::{Observation, Parameter, Quality};
use rules::{Engine, Policy};

fn depth_gauge(id: &str) -> String {
    format!("{id},depth_sensor,{},water_depth,60", crate::little::SOUTH)
}

fn depth(minute: i64, value: i32, quality: Quality) -> Observation {
    Observation {
        quality,
        ..reading(0, Parameter::WaterDepth, minute, value)
    }
}

/// A culvert that is red from half a metre on.
fn culvert() -> Engine {
    let red = "red = 'water_depth.last() >= 0.5'\nlower = { after = \"2h\" }";
    let red = rule("depth", "11A02", red);
    engine(
        &city(&[depth_gauge("W1")], NO_SITES),
        &rulebook(&red),
        Policy::Live,
    )
}

#[test]
fn a_suspect_value_that_comes_again_confirms_nothing() {
    let mut engine = culvert();
    let mut out = Vec::new();
    engine.observe(at(0), &depth(0, 90_000, Quality::Suspect), &mut out);
    assert!(warning(&out).unconfirmed);
    out.clear();
    for quality in [Quality::Suspect, Quality::Unchecked, Quality::Correct] {
        engine.observe(at(1), &depth(0, 90_000, quality), &mut out);
    }
    assert_eq!(lines(&out), Vec::<String>::new());
    assert_eq!(engine.counts().duplicate, 3);
    engine.observe(at(2), &depth(0, 90_000, Quality::Corrected), &mut out);
    assert!(!warning(&out).unconfirmed, "a person stands by it");
}

#[test]
fn an_older_suspect_value_that_comes_again_confirms_nothing() {
    let mut engine = culvert();
    let mut out = Vec::new();
    engine.observe(at(0), &depth(0, 90_000, Quality::Suspect), &mut out);
    engine.observe(at(1), &depth(1, 90_010, Quality::Suspect), &mut out);
    out.clear();
    engine.observe(at(2), &depth(0, 90_000, Quality::Correct), &mut out);
    engine.observe(at(2), &depth(1, 90_010, Quality::Correct), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    assert_eq!(engine.counts().duplicate, 2);
}

#[test]
fn a_correction_within_half_an_hour_takes_back_what_hung_on_one_reading() {
    let mut engine = culvert();
    let mut out = Vec::new();
    engine.observe(at(0), &depth(0, 90_000, Quality::Correct), &mut out);
    for minute in 1..=29 {
        engine.observe(at(minute), &depth(minute, 100, Quality::Correct), &mut out);
    }
    out.clear();
    engine.observe(at(29), &depth(0, 100, Quality::Corrected), &mut out);
    assert_eq!(engine.counts().corrected, 1);
    assert_eq!(engine.counts().too_old, 0);
    let withdrawn = lines(&out);
    assert_eq!(
        withdrawn.first().map(String::as_str),
        Some("29 depth W1 red>none")
    );
}
