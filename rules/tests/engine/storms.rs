//! Rain over a little city: signals, gathering, corrections, cascades, sites, renewal, adoption.

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city, engine, gauges, lines, rain, rain_rule, reading, rule,
    rulebook, warning,
};
use model::{Parameter, Tier};
use rules::{Effect, Policy};
use std::sync::Arc;

#[test]
fn rises_at_once_and_gathers_falls_to_the_next_minute() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 1, 0, 6, &mut out);
    assert_eq!(
        lines(&out),
        [
            "0 rain G1 none>blue".into(),
            format!("0 r1 proposed {SOUTH}=blue"),
            format!("0 r2 issued {SOUTH}=blue"),
            "0 rain G2 none>blue".into(),
        ],
        "an addition at the same tier waits"
    );
    out.clear();
    rain(&mut engine, 0, 1, 15, &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("1 r3 updated {SOUTH}=blue {NORTH}=blue"),
            "1 rain G1 blue>red".into(),
            format!("1 r4 updated {SOUTH}=red {NORTH}=blue"),
        ]
    );
    out.clear();
    for minute in 2..=13 {
        rain(&mut engine, 0, minute, 0, &mut out);
        rain(&mut engine, 1, minute, 0, &mut out);
    }
    engine.tick(at(14), &mut out);
    assert_eq!(
        lines(&out),
        [
            "12 rain G1 red>blue".into(),
            "12 rain G2 blue>none".into(),
            format!("13 r5 updated {SOUTH}=blue {NORTH}=none"),
            "13 rain G1 blue>none".into(),
            format!("14 r6 ended {SOUTH}=none"),
        ]
    );
}

#[test]
fn a_correction_withdraws_and_a_duplicate_changes_nothing() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    rain(&mut engine, 0, 1, 0, &mut out);
    out.clear();
    rain(&mut engine, 0, 1, 0, &mut out);
    assert_eq!(engine.counts().duplicate, 1);
    let corrected = reading(0, Parameter::Rainfall, 0, 60);
    engine.observe(at(1), &corrected, &mut out);
    assert_eq!(lines(&out)[0], "1 rain G1 red>none");
    let Effect::Signal(change) = &out[0] else {
        panic!()
    };
    assert_eq!(change.reason, rules::Reason::Withdrawn);
    assert_eq!(
        change.values,
        [("rainfall.sum(\"10m\")".to_owned(), Some("0.6".to_owned()))]
    );
}

#[test]
fn a_rise_seen_too_late_is_past_and_leaves_the_area_alone() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 0, 3000), &mut out);
    let [Effect::Signal(change)] = out.as_slice() else {
        panic!("{:?}", lines(&out))
    };
    assert!(change.past);
    out.clear();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 5, 0), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    engine.observe(at(31), &reading(0, Parameter::Rainfall, 20, 3000), &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("20 r1 proposed {SOUTH}=red"),
            format!("20 r2 issued {SOUTH}=red")
        ]
    );
}

#[test]
fn validity_is_renewed_without_a_change() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    let issued = warning(&out).clone();
    out.clear();
    for minute in 1..=144 {
        engine.tick(at(minute), &mut out);
    }
    assert_eq!(lines(&out), [format!("144 r3 updated {SOUTH}=red")]);
    assert_eq!(warning(&out).areas, issued.areas);
    assert_eq!(issued.expires, at(180));
    assert_eq!(warning(&out).expires, at(324));
}

#[test]
fn one_rule_may_ask_for_the_situation_of_another() {
    let landslide = rule(
        "slide",
        "11D01",
        "subject = \"area\"\nred = 'situation(\"rain\") >= red'",
    );
    let (city, rules) = (
        city(&gauges(1), NO_SITES),
        rulebook(&(landslide + &rain_rule())),
    );
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    assert_eq!(
        lines(&out)[..2],
        [
            format!("0 slide {SOUTH} none>red"),
            "0 rain G1 none>red".to_owned()
        ]
    );
}

#[test]
fn an_area_may_be_the_subject() {
    let most = rule(
        "most",
        "11B03",
        "subject = \"area\"\nred = 'area.max(rainfall.sum(\"10m\")) >= 20'\nlower = { after = \"1m\" }",
    );
    let (city, rules) = (city(&gauges(4), NO_SITES), rulebook(&most));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 2, 0, 20, &mut out);
    assert_eq!(lines(&out)[0], format!("0 most {SOUTH} none>red"));
}

#[test]
fn a_site_goes_by_its_own_thresholds() {
    let sites = "id,name,kind,lon,lat,area,station,blue,red\n\
        C1,甲,culvert,113.05,23.02,440101001000,W1,0.05,0.5\n\
        C2,乙,culvert,113.05,23.02,440101001000,W1,0.2,\n";
    let culvert = rule(
        "culvert",
        "11A02",
        "subject = \"site\"\nblue = 'water_depth.last() >= site.blue'\nred = 'water_depth.last() >= site.red'",
    );
    let (city, rules) = (
        city(
            &["W1,depth_sensor,440101001000,water_depth,60".into()],
            sites,
        ),
        rulebook(&culvert),
    );
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.observe(at(0), &reading(0, Parameter::WaterDepth, 0, 6000), &mut out);
    assert_eq!(
        lines(&out)[..2],
        [
            "0 culvert C1 none>red".to_owned(),
            "0 culvert C2 none>blue".to_owned()
        ]
    );
    let tiers: Vec<_> = warning(&out)
        .sites
        .iter()
        .map(|(id, site)| (id.as_str(), site.tier))
        .collect();
    assert_eq!(tiers, [("C1", Tier::Red), ("C2", Tier::Blue)]);
    out.clear();
    engine.observe(at(1), &reading(0, Parameter::WaterDepth, 1, 0), &mut out);
    engine.tick(at(2), &mut out);
    let ended = warning(&out);
    assert_eq!(
        ended.event,
        model::warning::Event::Ended,
        "nothing was ever in force"
    );
    assert!(ended.sites.values().all(|site| site.tier == Tier::None) && ended.sites.len() == 2);
}

#[test]
fn another_rulebook_keeps_readings_and_tiers() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 18, &mut out);
    rain(&mut engine, 1, 0, 3, &mut out);
    out.clear();
    let lower = rulebook(&rule(
        "rain",
        "11B03",
        "blue = 'rainfall.sum(\"20m\") >= 2'\nred = 'rainfall.sum(\"20m\") >= 15'",
    ));
    engine.adopt(at(1), Arc::clone(&city), lower, &mut out);
    assert_eq!(
        lines(&out),
        [
            "0 rain G1 blue>red".to_owned(),
            "0 rain G2 none>blue".to_owned(),
            format!("1 r3 updated {SOUTH}=red {NORTH}=blue"),
        ]
    );
    out.clear();
    let gone = rulebook(&rule("other", "11B06", "red = 'wind_speed.last() >= 20'"));
    engine.adopt(at(2), city, gone, &mut out);
    engine.tick(at(3), &mut out);
    assert_eq!(
        lines(&out),
        [
            "2 rain G1 red>none".to_owned(),
            "2 rain G2 blue>none".to_owned(),
            format!("3 r4 ended {SOUTH}=none {NORTH}=none"),
        ]
    );
}
