//! Silence together with what else there is: a storm, a person's word, a season, another sensor.

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city_with, code, engine, rain, reading, rule, rulebook,
};
use crate::silence::{
    NEAR, STAGE, changes, level, said, several, signal, stage_rule, stages, ticks,
};
use model::signal::SignalKind;
use model::{City, Input, Order, Parameter, Quality, Tier};
use rules::{Effect, Engine, Policy, Reason, Rulebook};
use std::sync::Arc;

/// Gauges of the south that were heard last at these minutes.
fn falling_silent(within: &str, last: &[i64]) -> (Engine, Arc<City>, Arc<Rulebook>) {
    let stations: Vec<String> = (1..=last.len())
        .map(|n| format!("G{n},rain_gauge,{SOUTH},rainfall,60"))
        .collect();
    let city = city_with(NEAR, &stations, NO_SITES);
    let book = several(&format!("{{ several = 3, within = \"{within}\" }}"));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=last.iter().copied().max().unwrap_or(0) {
        for (station, last) in (0u32..).zip(last) {
            if minute <= *last {
                rain(&mut engine, station, minute, 0, &mut out);
            }
        }
    }
    assert!(changes(&out).is_empty());
    (engine, city, book)
}

fn is_signalled(engine: &mut Engine, minute: i64, out: &mut Vec<Effect>) {
    let signal = signal(SignalKind::Alert, Tier::Orange, NORTH);
    engine.step(at(minute), &Input::Signal(Box::new(signal)), out);
}

fn lost(out: &[Effect]) -> Vec<&str> {
    let lost = changes(out)
        .into_iter()
        .filter(|c| c.reason == Reason::Lost);
    lost.map(|c| c.subject.as_str()).collect()
}

#[test]
fn whom_a_person_stood_down_counts_no_more_until_it_reports() {
    let (mut engine, city, book) = falling_silent("30m", &[10, 11, 12, 14]);
    let mut out = Vec::new();
    is_signalled(&mut engine, 15, &mut out);
    ticks(&mut engine, 16..=23, &mut out);
    assert_eq!(lost(&out), ["G1", "G2", "G3"]);
    out.clear();
    let order = Order::Stand {
        rule: "rain".into(),
        subject: "G1".into(),
        person: "p".into(),
        reason: "its battery is being changed".into(),
    };
    engine.order(at(24), &order, &mut out);
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    let mut restored = crate::little::engine(&city, &book, Policy::Live);
    restored.restore(&bytes).unwrap();
    for mut engine in [engine, restored] {
        let mut out = Vec::new();
        ticks(&mut engine, 25..=30, &mut out);
        assert_eq!(lost(&out), ["G4"], "one more neighbour went");
        out.clear();
        rain(&mut engine, 0, 31, 0, &mut out);
        ticks(&mut engine, 32..=42, &mut out);
        assert_eq!(lost(&out), ["G1"], "it reported, and fell silent again");
    }
}

#[test]
fn a_hazard_that_begins_after_its_sensors_were_lost_is_asked_for() {
    let lost_by = |minute: i64| {
        let (mut engine, ..) = falling_silent("5m", &[10, 11, 12]);
        let mut out = Vec::new();
        ticks(&mut engine, 13..=minute - 1, &mut out);
        is_signalled(&mut engine, minute, &mut out);
        assert!(lost(&out).is_empty());
        ticks(&mut engine, minute + 1..=minute + 30, &mut out);
        lost(&out)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lost_by(24), ["G1", "G2", "G3"]);
    assert!(lost_by(40).is_empty(), "they went long before");
}

#[test]
fn silence_is_no_evidence_of_itself() {
    // S1 rises and is lost, S2 and S3 lie low and are lost after it.
    let told = |base: i32, quality: Quality, muted: bool| {
        let city = city_with(NEAR, &stages(3), NO_SITES);
        let lines = STAGE.replace("0.3' }", "0.3', several = 2 }");
        let book = rulebook(&rule("stage", "11A02", &lines));
        let mut engine = engine(&city, &book, Policy::Live);
        let mut out = Vec::new();
        if muted {
            let order = Order::Mute {
                rule: "stage".into(),
                areas: vec![code(SOUTH)],
                until: at(600),
                person: "p".into(),
                reason: "works in the river".into(),
            };
            engine.order(at(0), &order, &mut out);
        }
        for minute in 0..=30 {
            let value = base + 166 * minute as i32;
            let mut row = reading(0, Parameter::WaterLevel, minute, value);
            row.quality = quality;
            if minute <= 20 {
                engine.observe(at(minute), &row, &mut out);
            }
            level(&mut engine, 1, minute, 10_000, &mut out);
            level(&mut engine, 2, minute, 10_000, &mut out);
        }
        ticks(&mut engine, 31..=60, &mut out);
        let mut blind = said(&out).into_iter().flat_map(|said| &said.blind);
        let is_alarm = blind.any(model::silence::Blind::is_alarm);
        let lost: Vec<String> = lost(&out).into_iter().map(str::to_owned).collect();
        (lost, is_alarm)
    };
    let all = ["S1", "S2", "S3"].map(str::to_owned).to_vec();
    let one = vec!["S1".to_owned()];
    let (high, low) = (30_667, 26_000);
    assert_eq!(told(high, Quality::Correct, false), (all, true));
    let alone = (one, false);
    assert_eq!(
        told(low, Quality::Correct, false),
        alone,
        "found by silence"
    );
    assert_eq!(told(high, Quality::Suspect, false), alone, "unconfirmed");
    assert_eq!(told(high, Quality::Correct, true), alone, "muted");
}

#[test]
fn silence_adds_no_tier_out_of_season() {
    let told = |season: &str| {
        let city = city_with(NEAR, &stages(1), NO_SITES);
        let lines = format!("{STAGE}\nseason = {{ {season} }}");
        let book = rulebook(&rule("stage", "11A02", &lines));
        let mut engine = engine(&city, &book, Policy::Live);
        let mut out = Vec::new();
        for minute in 0..=20 {
            let value = 30_667 + 166 * minute as i32;
            level(&mut engine, 0, minute, value, &mut out);
        }
        ticks(&mut engine, 21..=60, &mut out);
        changes(&out).last().map(|c| (c.to, c.reason))
    };
    let (winter, summer) = ("[\"11-01..03-31\"]", "[\"06-01..10-31\"]");
    assert_eq!(
        told(&format!("orange = {winter}, red = {winter}")),
        Some((Tier::Yellow, Reason::Raised))
    );
    assert_eq!(
        told(&format!("orange = {winter}")),
        Some((Tier::Red, Reason::Lost)),
        "the next that is in season"
    );
    assert_eq!(
        told(&format!("orange = {summer}")),
        Some((Tier::Orange, Reason::Lost))
    );
}

#[test]
fn a_dead_sensor_that_is_replaced_ends_what_its_silence_said() {
    let city = |stations: usize, station: &str| {
        let site = format!("{NO_SITES}C1,涵洞,culvert,113.05,23.02,{SOUTH},{station}\n");
        city_with(NEAR, &stages(stations), &site)
    };
    let book = rulebook(&(stage_rule() + "subject = \"site\"\n"));
    let before = city(1, "S1");
    let mut engine = engine(&before, &book, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=20 {
        let value = 30_667 + 166 * minute as i32;
        level(&mut engine, 0, minute, value, &mut out);
    }
    ticks(&mut engine, 21..=40, &mut out);
    assert_eq!(lost(&out), ["C1"]);
    out.clear();
    engine.adopt(at(41), before, Arc::clone(&book), &mut out);
    assert!(changes(&out).is_empty(), "nobody replaced it: {out:?}");
    engine.adopt(at(42), city(2, "S2"), book, &mut out);
    let told: Vec<_> = changes(&out)
        .into_iter()
        .map(|c| (c.from, c.to, c.reason))
        .collect();
    assert_eq!(told, [(Tier::Orange, Tier::Yellow, Reason::Heard)]);
    out.clear();
    for minute in 43..=46 {
        level(&mut engine, 1, minute, 20_000, &mut out);
    }
    assert_eq!(changes(&out).last().map(|c| c.to), Some(Tier::None));
}
