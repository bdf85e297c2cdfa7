//! When the hazard comes: by a forecast that is crossed later than it is found, moved by newer ones,
//! stated by a forecaster, given by another authority.

use crate::little::{
    NO_SITES, SOUTH, at, city, code, engine, gauges, lines, rain, rule, rulebook, warning,
};
use crate::relays::{self, relay, sign, signal, take};
use model::order::Onset;
use model::signal::SignalKind;
use model::warning::Event;
use model::{
    AreaCode, Forecast, ForecastPlace, ForecastSeries, Input, Order, Parameter, Quadrants, Step,
    Tier, Track, TrackPoint, Warning,
};
use rules::{Effect, Engine, Policy};
use std::collections::BTreeMap;

const DISTRICT: &str = "440101000000";
const EXPECTED: &str = "yellow = 'forecast(rainfall, \"6h\") >= 50'\nsubject = \"area\"\n\
    area = { level = \"district\", quorum = \"1\" }\nlower = { after = \"20h\" }";

/// Sixty millimetres in three hours, from a minute on: fifty have fallen 150 minutes later.
fn expect(engine: &mut Engine, minute: i64, from: i64, out: &mut Vec<Effect>) {
    let steps = [(minute, from, 0), (from, from + 180, 60)];
    let steps = steps.map(|(from, to, mm)| Step {
        from: at(from),
        to: at(to),
        value: mm * 100,
    });
    let series = ForecastSeries {
        issued: at(minute),
        source: "met office".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Area(code("440100000000")),
        steps: steps.into(),
    };
    let input = Input::Forecasts(vec![Forecast::Series(series)]);
    engine.step(at(minute), &input, out);
}

fn live(rules: &str) -> Engine {
    let city = city(&gauges(1), NO_SITES);
    engine(&city, &rulebook(rules), Policy::Live)
}

/// The onset of the newest revision in an area, in minutes.
fn onset(out: &[Effect], area: &str) -> i64 {
    let onset = warning(out).areas[&code(area)].onset;
    onset.since(at(0)).minutes()
}

fn amend(warning: &Warning, onset: Onset) -> Order {
    Order::Amend {
        warning: warning.id,
        revision: warning.revision,
        areas: BTreeMap::new(),
        text: BTreeMap::new(),
        onset: Some(onset),
        person: "c".into(),
        reason: "radar".into(),
        as_it_stands: false,
    }
}

fn refused(out: &[Effect]) -> bool {
    matches!(out.last(), Some(Effect::Refused { .. }))
}

#[test]
fn what_is_expected_comes_when_its_bound_is_crossed_and_was_found_before() {
    let mut engine = live(&rule("expected", "11B03", EXPECTED));
    let mut out = Vec::new();
    expect(&mut engine, 0, 120, &mut out);
    let proposed = warning(&out);
    assert_eq!((proposed.time, proposed.first_rise), (at(0), at(0)));
    assert_eq!(onset(&out, DISTRICT), 270);
}

#[test]
fn an_hour_moves_by_half_an_hour_or_more_and_rings_nobody() {
    let mut engine = live(&rule("expected", "11B03", EXPECTED));
    let mut out = Vec::new();
    expect(&mut engine, 0, 120, &mut out);
    sign(&mut engine, 1, &mut out);
    assert_eq!(
        (warning(&out).event, onset(&out, DISTRICT)),
        (Event::Issued, 270)
    );
    let told = |engine: &mut Engine, minute: i64, from: i64| {
        let mut out = Vec::new();
        expect(engine, minute, from, &mut out);
        assert_eq!(lines(&out), [""; 0], "at the next whole minute");
        engine.tick(at(minute + 1), &mut out);
        let revisions = lines(&out).len();
        (revisions > 0).then(|| {
            assert_eq!(warning(&out).event, Event::Updated);
            assert_eq!(warning(&out).areas[&code(DISTRICT)].tier, Tier::Yellow);
            assert_eq!(revisions, 1, "signed by nobody");
            onset(&out, DISTRICT)
        })
    };
    assert_eq!(told(&mut engine, 10, 60), Some(210), "an hour earlier");
    assert_eq!(told(&mut engine, 20, 31), None, "by less than half an hour");
    assert_eq!(told(&mut engine, 30, 89), None, "later by less");
    assert_eq!(
        told(&mut engine, 40, 90),
        Some(240),
        "later by half an hour"
    );
    assert_eq!(
        told(&mut engine, 180, 240),
        None,
        "it is an hour away: not put off"
    );
    assert_eq!(
        told(&mut engine, 241, 300),
        None,
        "what has begun stays begun"
    );
}

#[test]
fn of_several_the_first_to_come_counts() {
    let by_station = "yellow = 'forecast(rainfall, \"6h\") >= 50 && rainfall.sum(\"10m\") >= 1'\n\
        area = { level = \"district\", quorum = \"1\" }\nlower = { after = \"20h\" }";
    let city = city(&gauges(2), NO_SITES);
    let rules = rulebook(&rule("expected", "11B03", by_station));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 2, &mut out);
    expect(&mut engine, 1, 180, &mut out);
    assert_eq!(onset(&out, DISTRICT), 330);
    // The second gauge has a forecast of its own, and rises later to the same tier.
    let steps = [(1, 60, 0), (60, 120, 60)].map(|(from, to, mm)| Step {
        from: at(from),
        to: at(to),
        value: mm * 100,
    });
    let own = ForecastSeries {
        issued: at(1),
        source: "met office".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Station(model::StationNo(1)),
        steps: steps.into(),
    };
    let input = Input::Forecasts(vec![Forecast::Series(own)]);
    engine.step(at(2), &input, &mut out);
    rain(&mut engine, 1, 3, 2, &mut out);
    engine.tick(at(4), &mut out);
    assert_eq!(onset(&out, DISTRICT), 110);
}

#[test]
fn what_is_measured_is_there() {
    let measured = "yellow = 'rainfall.sum(\"1h\") >= 50'\n\
        area = { level = \"district\", quorum = \"1\" }\nlower = { after = \"20h\" }";
    let both = rule("expected", "11B03", EXPECTED) + &rule("measured", "11B03", measured);
    let mut engine = live(&both);
    let mut out = Vec::new();
    expect(&mut engine, 0, 120, &mut out);
    sign(&mut engine, 1, &mut out);
    rain(&mut engine, 0, 5, 60, &mut out);
    engine.tick(at(6), &mut out);
    assert_eq!(onset(&out, DISTRICT), 5);
    // And stays there, whatever is expected.
    expect(&mut engine, 10, 120, &mut out);
    engine.tick(at(11), &mut out);
    assert_eq!(onset(&out, DISTRICT), 5);
    // What was never expected began when it was found.
    let mut engine = live(&rule("measured", "11B03", measured));
    out.clear();
    rain(&mut engine, 0, 5, 60, &mut out);
    assert_eq!(onset(&out, DISTRICT), 5);
}

#[test]
fn measured_and_expected_together_come_when_both_have() {
    let mixed = "yellow = 'rainfall.sum(\"3h\") + forecast(rainfall, \"3h\") >= 50'\n\
        area = { level = \"district\", quorum = \"1\" }\nlower = { after = \"20h\" }";
    let mut engine = live(&rule("mixed", "11B03", mixed));
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 20, &mut out);
    // Twenty an hour from the first hour on: thirty of them lie two hours and a half ahead.
    expect(&mut engine, 0, 60, &mut out);
    assert_eq!(onset(&out, DISTRICT), 150);
}

#[test]
fn a_cyclone_arrives_with_its_circle() {
    let circle = rule(
        "circle",
        "11B01",
        "white = 'typhoon.hours_to(7) <= 48'\nblue = 'typhoon.hours_to(7) <= 24'\n\
        subject = \"area\"\narea = { level = \"district\", quorum = \"1\" }",
    );
    let city = city(&gauges(1), NO_SITES);
    let mut engine = engine(&city, &rulebook(&circle), Policy::Replay);
    let point = |minute: i64, lon: f64| TrackPoint {
        time: at(minute),
        lon,
        lat: 23.05,
        wind: Some(400),
        pressure: None,
        circles: [Some(Quadrants::round(300)), None, None],
        is_estimated: false,
    };
    let track = Track {
        issued: at(0),
        source: "met office".into(),
        storm: "2518".into(),
        name: None,
        points: vec![point(0, 122.1), point(90 * 60, 113.1)],
    };
    let mut out = Vec::new();
    engine.step(
        at(0),
        &Input::Forecasts(vec![Forecast::Track(track)]),
        &mut out,
    );
    let mut onsets = Vec::new();
    for minute in 1..40 * 60 {
        out.clear();
        engine.step(at(minute), &Input::Tick, &mut out);
        if out
            .iter()
            .any(|effect| matches!(effect, Effect::Warning(_)))
        {
            onsets.push((
                warning(&out).tier(),
                minute / 60,
                onset(&out, DISTRICT) / 60,
            ));
        }
    }
    // Two days before and one day before it is the same hour.
    assert_eq!(onsets.first(), Some(&(Tier::White, 12, 60)));
    assert_eq!(onsets.last(), Some(&(Tier::Blue, 36, 60)));
}

#[test]
fn a_forecaster_states_the_hour_and_no_forecast_moves_it() {
    let mut engine = live(&rule("expected", "11B03", EXPECTED));
    let mut out = Vec::new();
    expect(&mut engine, 0, 120, &mut out);
    sign(&mut engine, 1, &mut out);
    let issued = warning(&out).clone();
    engine.order(at(2), &amend(&issued, Onset::Everywhere(at(200))), &mut out);
    let proposed = warning(&out).clone();
    assert_eq!(
        (proposed.event, onset(&out, DISTRICT)),
        (Event::Proposed, 200)
    );
    // Until it is signed the hour in force is what it was, and what is gathered does not sign it.
    expect(&mut engine, 3, 60, &mut out);
    engine.tick(at(4), &mut out);
    let events = out.iter().filter_map(|effect| match effect {
        Effect::Warning(warning) => Some((warning.event, warning.areas[&code(DISTRICT)].onset)),
        Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    let newest: Vec<_> = events.skip(3).collect();
    assert!(
        newest
            .iter()
            .all(|(event, onset)| (*event == Event::Updated) == (*onset != at(200))),
        "{newest:?}"
    );
    sign(&mut engine, 5, &mut out);
    assert_eq!(
        (warning(&out).event, onset(&out, DISTRICT)),
        (Event::Updated, 200)
    );
    out.clear();
    expect(&mut engine, 10, 30, &mut out);
    engine.tick(at(11), &mut out);
    assert_eq!(lines(&out), [""; 0]);
    // Of an area that is not warned nobody states anything.
    let strange = Onset::ByArea(BTreeMap::from([(code(SOUTH), at(60))]));
    let newest = Warning {
        revision: warning_revision(&mut engine, &issued),
        ..issued
    };
    engine.order(at(12), &amend(&newest, strange), &mut out);
    assert!(refused(&out), "{:?}", lines(&out));
}

/// The revision that stands, as an order of a stale one is told.
fn warning_revision(engine: &mut Engine, warning: &Warning) -> u32 {
    let mut out = Vec::new();
    let stale = Warning {
        revision: 0,
        ..warning.clone()
    };
    engine.order(at(12), &amend(&stale, Onset::Everywhere(at(0))), &mut out);
    let current = out.iter().find_map(|effect| match effect {
        Effect::Refused {
            why: rules::Refusal::Stale { current, .. },
            ..
        } => Some(*current),
        Effect::Refused { .. }
        | Effect::Warning(_)
        | Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    current.unwrap_or_default()
}

#[test]
fn a_warning_by_hand_names_its_hour_by_area() {
    let mut engine = live(&rule("expected", "11B03", EXPECTED));
    let north = crate::little::NORTH;
    let areas: BTreeMap<AreaCode, Tier> =
        [SOUTH, north].map(|area| (code(area), Tier::Blue)).into();
    let issue = Order::Issue {
        hazard: model::Hazard::Typhoon,
        areas,
        text: BTreeMap::new(),
        onset: Some(Onset::ByArea(BTreeMap::from([(code(north), at(300))]))),
        person: "a".into(),
        reason: "track".into(),
        as_it_stands: false,
    };
    // As it lies in the journal.
    let text = serde_json::to_string(&issue).unwrap();
    let issue: Order = serde_json::from_str(&text).unwrap();
    let mut out = Vec::new();
    engine.order(at(0), &issue, &mut out);
    assert_eq!((onset(&out, SOUTH), onset(&out, north)), (0, 300));
}

#[test]
fn another_authority_moves_its_hour() {
    let (mut engine, mut out) = (relays::live(), Vec::new());
    let of = |number: u32, kind: SignalKind, onset: i64| {
        let mut signal = signal(number, kind, Tier::Orange, &[SOUTH]);
        signal.onset = at(onset);
        signal
    };
    take(&mut engine, 0, of(1, SignalKind::Alert, 120), &mut out);
    relay(&mut engine, 1, 1, &mut out);
    sign(&mut engine, 2, &mut out);
    assert_eq!(onset(&out, SOUTH), 120);
    take(&mut engine, 3, of(2, SignalKind::Update, 90), &mut out);
    engine.tick(at(4), &mut out);
    sign(&mut engine, 4, &mut out);
    assert_eq!(
        (warning(&out).event, onset(&out, SOUTH)),
        (Event::Updated, 90)
    );
    // An Update that names no hour was sent at one: what has begun did not begin then.
    take(&mut engine, 100, of(3, SignalKind::Update, 100), &mut out);
    engine.tick(at(101), &mut out);
    assert_eq!(onset(&out, SOUTH), 90);
    // Put off in so many words.
    take(&mut engine, 110, of(4, SignalKind::Update, 200), &mut out);
    engine.tick(at(111), &mut out);
    assert_eq!(onset(&out, SOUTH), 200);
}
