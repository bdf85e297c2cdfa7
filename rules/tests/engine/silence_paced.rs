//! Silence of stations that report as seldom as they like: what their registry or their readings say
//! of their interval.

use crate::little::{NO_SITES, SOUTH, at, city_with, engine, rulebook};
use crate::silence::{NEAR, changes, level, stage_rule, ticks};
use model::Tier;
use rules::{Effect, Engine, Policy, Reason};

/// A gauge that registers an interval in seconds, or none.
fn gauge(interval_s: u32) -> Engine {
    let station = format!("S1,river,{SOUTH},water_level,{interval_s}");
    let city = city_with(NEAR, &[station], NO_SITES);
    let rule = stage_rule().replace("rate(\"10m\")", "rate(\"3h\")");
    engine(&city, &rulebook(&rule), Policy::Live)
}

/// Readings at these minutes, half a metre an hour from 0.9 m on, and a tick each minute to the last.
fn rise(engine: &mut Engine, minutes: &[i64], until: i64) -> Vec<Effect> {
    let mut out = Vec::new();
    for minute in 0..=until {
        engine.tick(at(minute), &mut out);
        if minutes.contains(&minute) {
            level(engine, 0, minute, 9_000 + 83 * minute as i32, &mut out);
        }
    }
    out
}

fn lost(out: &[Effect]) -> Vec<(i64, Tier)> {
    let lost = changes(out)
        .into_iter()
        .filter(|change| change.reason == Reason::Lost);
    lost.map(|change| (change.time.since(at(0)).minutes(), change.to))
        .collect()
}

#[test]
fn a_gauge_read_hourly_is_not_lost_between_two_readings() {
    let hourly = [0, 62, 119, 181, 239, 300];
    for interval_s in [0, 3_600] {
        let out = rise(&mut gauge(interval_s), &hourly, 360);
        assert!(lost(&out).is_empty(), "{interval_s}: {out:?}");
    }
}

#[test]
fn one_that_skips_a_report_is_not_lost_either() {
    let skips = [0, 60, 121, 241, 302, 363];
    for interval_s in [0, 3_600] {
        let out = rise(&mut gauge(interval_s), &skips, 420);
        assert!(lost(&out).is_empty(), "{interval_s}: {out:?}");
    }
}

#[test]
fn each_is_lost_after_three_intervals_of_its_own() {
    // The middle one of the gaps is sixty minutes; below 3 m the next tier is yellow.
    let hourly = [0, 60, 121, 180, 241];
    let out = rise(&mut gauge(3_600), &hourly, 500);
    assert_eq!(lost(&out), [(241 + 181, Tier::Yellow)]);
    let out = rise(&mut gauge(0), &hourly, 500);
    assert_eq!(lost(&out), [(241 + 184, Tier::Yellow)], "61 as it seems");
    let quarters: Vec<i64> = (0..=16).map(|n| 15 * n).collect();
    for interval_s in [0, 900] {
        let out = rise(&mut gauge(interval_s), &quarters, 500);
        assert_eq!(lost(&out), [(240 + 46, Tier::Yellow)], "{interval_s}");
    }
}

#[test]
fn a_gauge_that_reports_more_often_in_a_flood_is_missed_sooner() {
    let mut minutes: Vec<i64> = (0..=6).map(|n| 60 * n).collect();
    minutes.extend((1..=5).map(|n| 360 + 15 * n));
    let out = rise(&mut gauge(0), &minutes, 700);
    assert_eq!(lost(&out), [(435 + 46, Tier::Orange)]);
}

#[test]
fn a_kind_may_be_given_fewer_intervals_and_a_calm_one_says_nothing() {
    let hourly = [0, 60, 120, 180, 240];
    let station = format!("S1,river,{SOUTH},water_level,0");
    let settings = format!("{NEAR}[silence]\n");
    let mut city = (*city_with(&settings, &[station], NO_SITES)).clone();
    let table = "river = { usual = \"60m\", intervals = 2 }";
    city.policy.staleness = toml::from_str(table).unwrap_or_default();
    let rule = stage_rule().replace("rate(\"10m\")", "rate(\"3h\")");
    let city = std::sync::Arc::new(city);
    let mut two = engine(&city, &rulebook(&rule), Policy::Live);
    assert_eq!(lost(&rise(&mut two, &hourly, 500)), [(361, Tier::Yellow)]);

    let mut calm = engine(&city, &rulebook(&rule), Policy::Live);
    let mut out = Vec::new();
    for minute in hourly {
        level(&mut calm, 0, minute, 25_000, &mut out);
    }
    ticks(&mut calm, 241..=600, &mut out);
    assert_eq!(calm.silent().len(), 1);
    assert!(changes(&out).is_empty(), "{out:?}");
}

#[test]
fn what_was_learnt_is_there_after_a_restart() {
    let hourly = [0, 60, 120, 180, 240];
    let mut one = gauge(0);
    rise(&mut one, &hourly, 250);
    let (mut bytes, mut again) = (Vec::new(), Vec::new());
    one.snapshot(&mut bytes);
    let mut other = gauge(0);
    assert!(other.restore(&bytes).is_ok());
    other.snapshot(&mut again);
    assert_eq!(bytes, again);
    for engine in [&mut one, &mut other] {
        let mut out = Vec::new();
        ticks(engine, 251..=500, &mut out);
        assert_eq!(lost(&out), [(240 + 181, Tier::Yellow)]);
    }
}
