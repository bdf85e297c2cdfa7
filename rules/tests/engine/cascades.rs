//! Rules that ask for the situation of another: what they take over from it, and when they fall.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that does not hold ends its test"
)]

use crate::little::{
    NO_SITES, SOUTH, at, city, engine, gauges, lines, rain, rain_rule, reading, rule, rulebook,
    warning,
};
use model::{Order, Parameter, Quality};
use rules::{Effect, Engine, Policy};

const SLIDE: &str = "subject = \"area\"\nred = 'situation(\"rain\") >= red'\n";

/// A landslide that is red where rain is, and `lines` more.
fn slide(lines: &str) -> Engine {
    let rules = rule("slide", "11D01", &format!("{SLIDE}{lines}")) + &rain_rule();
    engine(&city(&gauges(1), NO_SITES), &rulebook(&rules), Policy::Live)
}

fn signal<'e>(effects: &'e [Effect], rule: &str) -> &'e rules::Change {
    let found = effects.iter().rev().find_map(|effect| match effect {
        Effect::Signal(change) if change.rule == rule => Some(&**change),
        Effect::Signal(_)
        | Effect::Warning(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    found.unwrap()
}

fn slides(engine: &Engine) -> (bool, bool) {
    let found = engine.findings();
    let slide = found.iter().find(|found| found.rule == "slide").unwrap();
    (slide.past, slide.unconfirmed)
}

#[test]
fn what_rests_on_an_unconfirmed_situation_is_unconfirmed() {
    for by_person in [true, false] {
        let mut engine = slide("");
        let mut out = Vec::new();
        let mut suspect = reading(0, Parameter::Rainfall, 0, 3000);
        suspect.quality = Quality::Suspect;
        engine.observe(at(0), &suspect, &mut out);
        assert!(signal(&out, "rain").unconfirmed);
        assert!(signal(&out, "slide").unconfirmed);
        assert_eq!(slides(&engine), (false, true));
        if by_person {
            let order = Order::Confirm {
                rule: "rain".into(),
                subject: "G1".into(),
                person: "p".into(),
            };
            engine.order(at(1), &order, &mut out);
        } else {
            rain(&mut engine, 0, 1, 25, &mut out);
        }
        assert_eq!(slides(&engine), (false, false), "confirmed with the rain");
    }
}

#[test]
fn what_rests_on_a_late_situation_is_past() {
    let mut engine = slide("");
    let mut out = Vec::new();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 0, 3000), &mut out);
    assert!(signal(&out, "rain").past && signal(&out, "slide").past);
    assert_eq!(slides(&engine), (true, false));
    assert!(!out.iter().any(|e| matches!(e, Effect::Warning(_))));
    out.clear();
    engine.observe(at(31), &reading(0, Parameter::Rainfall, 31, 3000), &mut out);
    assert_eq!(slides(&engine), (false, false), "in time with the rain");
    assert!(out.iter().any(|e| matches!(e, Effect::Warning(_))));
}

#[test]
fn a_rule_that_reads_situations_only_falls_after_its_hold() {
    let mut engine = slide("lower = { after = \"5m\" }");
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    for minute in 1..=12 {
        rain(&mut engine, 0, minute, 0, &mut out);
    }
    assert_eq!(signal(&out, "rain").time, at(12));
    out.clear();
    engine.tick(at(17), &mut out);
    let ended = format!("13 r2 ended {SOUTH}=none");
    assert_eq!(
        lines(&out),
        [ended],
        "the rain's; the slide's hold is not over"
    );
    out.clear();
    engine.tick(at(18), &mut out);
    assert_eq!(lines(&out)[0], format!("17 slide {SOUTH} red>none"));
}

#[test]
fn a_restored_machine_completes_such_a_fall() {
    let mut before = slide("lower = { after = \"5m\" }");
    let mut out = Vec::new();
    rain(&mut before, 0, 0, 30, &mut out);
    for minute in 1..=12 {
        rain(&mut before, 0, minute, 0, &mut out);
    }
    let mut bytes = Vec::new();
    before.snapshot(&mut bytes);
    let mut after = slide("lower = { after = \"5m\" }");
    after.restore(&bytes).unwrap();
    out.clear();
    after.tick(at(18), &mut out);
    assert_eq!(lines(&out)[0], format!("17 slide {SOUTH} red>none"));
}

#[test]
fn a_rise_of_the_situation_before_the_hold_is_over_keeps_the_tier() {
    let mut engine = slide("lower = { after = \"5m\" }");
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    for minute in 1..=14 {
        rain(&mut engine, 0, minute, 0, &mut out);
    }
    rain(&mut engine, 0, 15, 30, &mut out);
    out.clear();
    for minute in 16..=20 {
        rain(&mut engine, 0, minute, 0, &mut out);
    }
    assert_eq!(lines(&out), Vec::<String>::new());
}

/// Hourly levels that matter once it rains.
fn hourly(lines: &str) -> Engine {
    let stations = [
        format!("G1,rain_gauge,{SOUTH},rainfall,60"),
        format!("L1,level_gauge,{SOUTH},water_level,3600"),
    ];
    let level = format!("red = 'water_level.last() >= 5 && situation(\"rain\") >= red'\n{lines}");
    let rules = rule("level", "11A02", &level) + &rain_rule();
    engine(&city(&stations, NO_SITES), &rulebook(&rules), Policy::Live)
}

#[test]
fn a_situation_that_rises_between_hourly_readings_is_in_time() {
    for (lines, asked) in [("", 45), ("raise = { after = \"10m\" }", 56)] {
        let mut engine = hourly(lines);
        let mut out = Vec::new();
        engine.observe(
            at(0),
            &reading(1, Parameter::WaterLevel, 0, 60_000),
            &mut out,
        );
        rain(&mut engine, 0, 45, 30, &mut out);
        engine.tick(at(asked - 1), &mut out);
        let early = engine.findings().iter().any(|found| found.rule == "level");
        assert_eq!(early, asked == 45, "it is held from when it rains");
        engine.tick(at(asked), &mut out);
        assert!(!signal(&out, "level").past);
        assert_eq!(warning(&out).areas.len(), 1);
    }
}

#[test]
fn a_reading_that_comes_late_is_past_whatever_the_situation() {
    let mut engine = hourly("");
    let mut out = Vec::new();
    rain(&mut engine, 0, 45, 30, &mut out);
    engine.observe(
        at(45),
        &reading(1, Parameter::WaterLevel, 0, 60_000),
        &mut out,
    );
    assert!(signal(&out, "level").past);
}

#[test]
fn a_reading_in_time_does_not_make_a_late_situation_timely() {
    let mut engine = hourly("");
    let mut out = Vec::new();
    engine.observe(at(40), &reading(0, Parameter::Rainfall, 0, 3000), &mut out);
    let level = |minute| reading(1, Parameter::WaterLevel, minute, 60_000);
    engine.observe(at(41), &level(41), &mut out);
    assert!(signal(&out, "level").past);
    assert!(!out.iter().any(|e| matches!(e, Effect::Warning(_))));
    engine.observe(at(42), &level(42), &mut out);
    assert!(!out.iter().any(|e| matches!(e, Effect::Warning(_))));
    rain(&mut engine, 0, 43, 30, &mut out);
    let found = engine.findings();
    assert!(found.iter().all(|found| !found.past), "{found:?}");
    assert_eq!(warning(&out).areas.len(), 1);
}

#[test]
fn a_correction_asks_with_the_situations_as_they_were() {
    for (corrected, falls) in [(55_000, false), (100, true)] {
        let mut engine = hourly("lower = { after = \"3h\" }");
        let mut out = Vec::new();
        rain(&mut engine, 0, 0, 30, &mut out);
        engine.observe(
            at(1),
            &reading(1, Parameter::WaterLevel, 1, 60_000),
            &mut out,
        );
        for minute in 2..=15 {
            rain(&mut engine, 0, minute, 0, &mut out);
        }
        out.clear();
        engine.observe(
            at(15),
            &reading(1, Parameter::WaterLevel, 1, corrected),
            &mut out,
        );
        let fell = lines(&out)
            .iter()
            .any(|line| line.contains("level L1 red>none"));
        assert_eq!(fell, falls, "{corrected}: {:?}", lines(&out));
    }
}
