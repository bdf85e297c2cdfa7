//! Rules that ask what is expected: woken by forecasts and by time, mixed with what is measured, and the
//! same after a restart.

use crate::little::{NO_SITES, at, city, code, engine, gauges, reading, rule, rulebook};
use model::{
    Forecast, ForecastPlace, ForecastSeries, Input, Mode, Parameter, Quadrants, Step, Tier, Time,
    Track, TrackPoint, Zone,
};
use rules::{Effect, Engine, Policy};
use std::sync::Arc;

fn rain(issued: i64, steps: &[(i64, i64, i32)]) -> Input {
    let steps = steps.iter().map(|(from, to, mm)| Step {
        from: at(*from),
        to: at(*to),
        value: mm * 100,
    });
    Input::Forecasts(vec![Forecast::Series(ForecastSeries {
        issued: at(issued),
        source: "met office".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Area(code("440100000000")),
        steps: steps.collect(),
    })])
}

/// Changes of tier in effects: minute, rule and tier, each once.
fn tiers(out: &[Effect], start: Time) -> Vec<(i64, String, Tier)> {
    let changes = out.iter().filter_map(|effect| match effect {
        Effect::Signal(change) => {
            let minute = (change.time.millis() - start.millis()) / 60_000;
            Some((minute, change.rule.clone(), change.to))
        }
        Effect::Warning(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    let mut found: Vec<_> = changes.collect();
    found.dedup();
    found
}

const EXPECTED: &str = "yellow = 'forecast(rainfall, \"6h\") >= 50'\norange = 'forecast(rainfall, \"3h\") >= 50'\n\
    subject = \"area\"\narea = { level = \"district\", quorum = \"1\" }\nlower = { after = \"0m\" }";

#[test]
fn a_forecast_wakes_and_time_brings_it_nearer() {
    let rules = rulebook(&rule("expected", "11B03", EXPECTED));
    let mut engine = engine(&city(&gauges(2), NO_SITES), &rules, Policy::Replay);
    let mut out = Vec::new();
    // Sixty millimetres between the seventh and the tenth hour.
    engine.step(
        at(0),
        &rain(0, &[(0, 420, 0), (420, 600, 60), (600, 1440, 0)]),
        &mut out,
    );
    assert_eq!(tiers(&out, at(0)), []);
    for minute in 1..700 {
        engine.step(at(minute), &Input::Tick, &mut out);
    }
    // Fifty of the sixty lie within six hours once 150 of the 180 minutes do.
    let wanted = [
        (210, Tier::Yellow),
        (390, Tier::Orange),
        (450 + 10, Tier::None),
    ];
    let wanted: Vec<_> = wanted
        .map(|(minute, tier)| (minute, "expected".to_owned(), tier))
        .into();
    assert_eq!(tiers(&out, at(0)), wanted);
}

/// What was expected for eight minutes is over when the next look comes: the rise came before it
/// (semantics §4).
#[test]
fn a_look_undoes_no_rise_whose_time_came_before_it() {
    let held = "yellow = 'forecast(rainfall, \"1h\") >= 50'\nsubject = \"area\"\n\
        area = { level = \"district\", quorum = \"1\" }\nraise = { after = \"8m\" }\nlower = { after = \"0m\" }";
    let rules = rulebook(&rule("expected", "11B03", held));
    let mut engine = engine(&city(&gauges(1), NO_SITES), &rules, Policy::Replay);
    let mut out = Vec::new();
    engine.step(at(31), &rain(31, &[(31, 40, 60), (40, 200, 0)]), &mut out);
    for minute in 32..60 {
        engine.step(at(minute), &Input::Tick, &mut out);
    }
    let wanted = [(39, Tier::Yellow), (40, Tier::None)];
    let wanted: Vec<_> = wanted
        .map(|(minute, tier)| (minute, "expected".to_owned(), tier))
        .into();
    assert_eq!(tiers(&out, at(0)), wanted);
}

#[test]
fn measured_and_expected_together() {
    let mixed = "yellow = 'rainfall.sum(\"3h\") + forecast(rainfall, \"1h\") >= 50'\nlower = { after = \"0m\" }";
    let rules = rulebook(&rule("mixed", "11B03", mixed));
    let mut engine = engine(&city(&gauges(1), NO_SITES), &rules, Policy::Replay);
    let mut out = Vec::new();
    engine.observe(at(0), &reading(0, Parameter::Rainfall, 0, 2000), &mut out);
    assert_eq!(tiers(&out, at(0)), []);
    engine.step(at(1), &rain(0, &[(0, 60, 30), (60, 120, 0)]), &mut out);
    assert_eq!(tiers(&out, at(0)), [(1, "mixed".into(), Tier::Yellow)]);
    // The hour moves on from the newest reading: half of it lies behind.
    out.clear();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 30, 0), &mut out);
    engine.step(at(31), &rain(31, &[(31, 120, 0)]), &mut out);
    let fell = tiers(&out, at(0));
    assert!(
        fell.iter().all(|(_, _, tier)| *tier == Tier::None),
        "{fell:?}"
    );
}

#[test]
fn a_cyclone_comes_nearer() {
    let rule = rule(
        "circle",
        "11B01",
        "white = 'typhoon.hours_to(7) <= 48'\nblue = 'typhoon.hours_to(7) <= 24'\nred = 'typhoon.hours_to(12) <= 6'\n\
        subject = \"area\"\narea = { level = \"district\", quorum = \"1\" }\nlower = { after = \"0m\" }",
    );
    let rules = rulebook(&rule);
    let mut engine = engine(&city(&gauges(2), NO_SITES), &rules, Policy::Replay);
    let point = |minute: i64, lon: f64, twelve: bool| TrackPoint {
        time: at(minute),
        lon,
        lat: 23.05,
        wind: Some(400),
        pressure: Some(9500),
        circles: [
            Some(Quadrants::round(300)),
            None,
            twelve.then(|| Quadrants::round(60)),
        ],
        is_estimated: false,
    };
    // 0.1 degrees an hour from nine degrees east: 300 km are 2.93 of them.
    let track = Track {
        issued: at(0),
        source: "met office".into(),
        storm: "2518".into(),
        name: None,
        points: vec![point(0, 122.1, true), point(90 * 60, 113.1, true)],
    };
    let mut out = Vec::new();
    engine.step(
        at(0),
        &Input::Forecasts(vec![Forecast::Track(track)]),
        &mut out,
    );
    for minute in 1..90 * 60 {
        engine.step(at(minute), &Input::Tick, &mut out);
    }
    let found: Vec<(i64, Tier)> = tiers(&out, at(0))
        .into_iter()
        .map(|(minute, _, tier)| (minute / 60, tier))
        .collect();
    assert_eq!(
        found,
        [(12, Tier::White), (36, Tier::Blue), (78, Tier::Red)]
    );
    // The track runs out: nobody knows where it is, and nothing falls by that.
    out.clear();
    for minute in 90 * 60..100 * 60 {
        engine.step(at(minute), &Input::Tick, &mut out);
    }
    assert_eq!(tiers(&out, at(0)), []);
    let over = Track {
        issued: at(100 * 60),
        source: "met office".into(),
        storm: "2518".into(),
        name: None,
        points: Vec::new(),
    };
    engine.step(
        at(100 * 60),
        &Input::Forecasts(vec![Forecast::Track(over)]),
        &mut out,
    );
    assert_eq!(tiers(&out, at(0)), [(6000, "circle".into(), Tier::None)]);
}

#[test]
fn what_is_expected_survives_a_restart() {
    let rules = rulebook(&rule("expected", "11B03", EXPECTED));
    let little = city(&gauges(2), NO_SITES);
    let forecast = rain(0, &[(0, 420, 0), (420, 600, 60), (600, 1440, 0)]);
    for stop in [1, 205, 209, 210, 211, 395] {
        let mut undisturbed = engine(&little, &rules, Policy::Replay);
        let mut stopped = engine(&little, &rules, Policy::Replay);
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        undisturbed.step(at(0), &forecast, &mut wanted);
        stopped.step(at(0), &forecast, &mut found);
        for minute in 1..700 {
            if minute == stop {
                let mut bytes = Vec::new();
                stopped.snapshot(&mut bytes);
                stopped = Engine::new(
                    Arc::clone(&little),
                    Zone(0),
                    Mode::Actual,
                    Arc::clone(&rules),
                    Policy::Replay,
                );
                stopped.restore(&bytes).unwrap();
            }
            undisturbed.step(at(minute), &Input::Tick, &mut wanted);
            stopped.step(at(minute), &Input::Tick, &mut found);
        }
        assert_eq!(format!("{wanted:?}"), format!("{found:?}"), "{stop}");
    }
}

#[test]
fn a_rulebook_that_begins_to_look_ahead_goes_on_looking() {
    let blind = "yellow = 'situation(\"other\") >= red'\nsubject = \"area\"\narea = { level = \"district\", quorum = \"1\" }";
    let other = rule("other", "11B03", "red = 'rainfall.sum(\"1h\") >= 500'");
    let before = rulebook(&(rule("expected", "11B03", blind) + &other));
    let after = rulebook(&rule("expected", "11B03", EXPECTED));
    let city = city(&gauges(2), NO_SITES);
    let mut engine = engine(&city, &before, Policy::Replay);
    let mut out = Vec::new();
    engine.step(
        at(0),
        &rain(0, &[(0, 420, 0), (420, 600, 60), (600, 1440, 0)]),
        &mut out,
    );
    engine.adopt(at(1), Arc::clone(&city), after, &mut out);
    assert_eq!(tiers(&out, at(0)), []);
    for minute in 2..300 {
        engine.step(at(minute), &Input::Tick, &mut out);
    }
    let wanted = vec![(210, "expected".to_owned(), Tier::Yellow)];
    assert_eq!(tiers(&out, at(0)), wanted, "without another issue");
}
