//! What proposes a process, and what counts as its product without anybody filing it.

use super::{CITY, Desk, PANYU, TIANHE, WHOLE, at, clock, code, signal};
use model::response::Revised;
use model::service::{Ground, ProcessState, ProductKind, ServiceAct, SlotState};
use model::signal::SignalKind;
use model::{
    AreaCode, Forecast, ForecastPlace, ForecastSeries, Hazard, Parameter, Quadrants, Span, Step,
    Tier, Time, Track, TrackPoint, WarningId,
};
use std::collections::BTreeMap;

const TOWN: &str = "440106014000";

fn rain(place: &str, from: &str, hours: &[i32]) -> Forecast {
    let from = at(from);
    let hour = |number: usize| from + Span::from_minutes(60 * number as i64);
    let steps = hours.iter().enumerate().map(|(number, mm)| Step {
        from: hour(number),
        to: hour(number + 1),
        value: mm * 100,
    });
    Forecast::Series(ForecastSeries {
        issued: from,
        source: "met".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Area(code(place)),
        steps: steps.collect(),
    })
}

fn revised(id: &str, time: Time, tier: Tier, issued: bool, expected: bool) -> Revised {
    let areas = BTreeMap::from([(code(TOWN), tier)]);
    Revised {
        warning: WarningId::parse(&id.repeat(24)).unwrap(),
        hazard: Hazard::Waterlogging,
        authority: "44010036000000".into(),
        time,
        issued: issued.then(|| areas.clone()),
        found: areas,
        expected,
    }
}

fn say(desk: &mut Desk, at: Time, revised: &Revised) {
    desk.step(at, |_, responses, out| responses.revised(at, revised, out));
}

#[test]
fn a_forecast_beyond_what_the_ladder_looks_for_proposes_a_process() {
    let mut desk = Desk::new(&CITY);
    let dry = rain(TIANHE, "2026-05-08T06:00", &[0, 5, 5, 5, 5, 5, 5]);
    desk.expect(at("2026-05-08T06:00"), &[dry]);
    assert!(desk.live().is_empty());
    // Thirty millimetres in three hours, from 14:00 on.
    let mut hours = [0; 14];
    hours[8..11].copy_from_slice(&[10, 15, 5]);
    let wet = rain(TOWN, "2026-05-08T06:00", &hours);
    let near = rain(PANYU, "2026-05-08T06:00", &hours);
    desk.expect(at("2026-05-08T06:01"), &[wet, near]);
    let process = desk.live()[0].clone();
    assert_eq!(process.state, ProcessState::Proposed);
    // The first hour whose next day has fifty is none; whose next three hours have thirty is 14:00.
    assert_eq!(clock(process.onset), "2026-05-08T14:00");
    assert_eq!(process.basis[0].ground, Ground::Forecast);
    let both: Vec<AreaCode> = process.areas.iter().copied().collect();
    assert_eq!(both, [code(TIANHE), code(PANYU)]);
    assert_eq!(process.slot("6h").unwrap().state, SlotState::Due);
    assert_eq!(process.slot("1d").unwrap().state, SlotState::NotAsked);
    // An earlier onset is followed, a later one is a person's to say.
    let mut sooner = [0; 14];
    sooner[6..9].copy_from_slice(&[10, 15, 5]);
    desk.expect(
        at("2026-05-08T06:30"),
        &[rain(TIANHE, "2026-05-08T06:00", &sooner)],
    );
    assert_eq!(clock(desk.live()[0].onset), "2026-05-08T12:00");
    let mut later = [0; 14];
    later[10..13].copy_from_slice(&[10, 15, 5]);
    desk.expect(
        at("2026-05-08T06:40"),
        &[rain(TIANHE, "2026-05-08T06:00", &later)],
    );
    assert_eq!(clock(desk.live()[0].onset), "2026-05-08T12:00");
    // Taken up as it is.
    let id = process.id;
    let take_up = ServiceAct::Open {
        process: Some(id.clone()),
        hazard: None,
        areas: Vec::new(),
        onset: Some(at("2026-05-08T13:00")),
        end: None,
        person: "chen".into(),
        reason: "会商".into(),
    };
    desk.act(at("2026-05-08T06:50"), &take_up).unwrap();
    let process = desk.process(&id);
    assert_eq!(process.state, ProcessState::Open);
    assert_eq!(process.by, "chen");
    assert_eq!(
        clock(process.slot("3h").unwrap().clock.unwrap().moment),
        "2026-05-08T10:00"
    );
}

#[test]
fn an_older_issue_of_a_forecast_proposes_nothing() {
    let wet = |from: &str, place: &str| rain(place, from, &[0, 0, 0, 0, 0, 0, 0, 0, 20, 20]);
    let dry = rain(TIANHE, "2026-05-08T07:00", &[0; 10]);
    let mut desk = Desk::new(&CITY);
    desk.expect(at("2026-05-08T07:01"), std::slice::from_ref(&dry));
    desk.restart();
    desk.expect(at("2026-05-08T07:02"), &[wet("2026-05-08T06:00", TIANHE)]);
    assert!(desk.live().is_empty());
    // In one delivery too, in whatever order.
    let mut together = Desk::new(&CITY);
    together.expect(
        at("2026-05-08T07:02"),
        &[wet("2026-05-08T06:00", TIANHE), dry.clone()],
    );
    assert!(together.live().is_empty());
    // Of another place, another source or a newer issue it does.
    let mut other = wet("2026-05-08T06:00", TIANHE);
    if let Forecast::Series(series) = &mut other {
        series.source = "hydro".into();
    }
    for forecast in [
        wet("2026-05-08T06:00", PANYU),
        wet("2026-05-08T07:30", TIANHE),
        other,
    ] {
        let mut desk = Desk::new(&CITY);
        desk.expect(at("2026-05-08T07:01"), std::slice::from_ref(&dry));
        desk.expect(at("2026-05-08T07:40"), &[forecast]);
        assert_eq!(desk.live().len(), 1);
    }
}

#[test]
fn the_wind_circle_of_a_cyclone_proposes_a_process() {
    let mut desk = Desk::new(&CITY);
    let point = |day: &str, lon: f64, lat: f64| TrackPoint {
        time: at(day),
        lon,
        lat,
        wind: Some(400),
        pressure: None,
        circles: [Some(Quadrants::round(200)), None, None],
        is_estimated: false,
    };
    let track = |points: Vec<TrackPoint>| {
        Forecast::Track(Track {
            issued: at("2026-09-05T08:00"),
            source: "met".into(),
            storm: "2618".into(),
            name: None,
            points,
        })
    };
    let away = track(vec![
        point("2026-09-05T08:00", 130.0, 15.0),
        point("2026-09-09T08:00", 130.0, 35.0),
    ]);
    desk.expect(at("2026-09-05T09:00"), &[away]);
    assert!(desk.live().is_empty());
    let near = track(vec![
        point("2026-09-05T08:00", 130.0, 18.0),
        point("2026-09-09T08:00", 113.3, 23.1),
    ]);
    desk.expect(at("2026-09-05T09:01"), &[near]);
    let process = desk.live()[0].clone();
    assert_eq!(process.hazard, Hazard::Typhoon);
    assert_eq!(
        process.areas.iter().copied().collect::<Vec<_>>(),
        [code(WHOLE)]
    );
    // 200 km before the centre comes, at some 440 km a day: about half a day before the 9th, 08:00.
    let onset = clock(process.onset);
    assert!(
        ("2026-09-08T12:00".."2026-09-09T02:00").contains(&onset.as_str()),
        "{onset}"
    );
    // The white signal at 48 h is the product of its slot, whoever issued it.
    let white_due = process.slot("48h").unwrap().clock.unwrap();
    let mut white = signal(
        "W1",
        Tier::White,
        &[WHOLE],
        white_due.moment - Span::from_minutes(60),
    );
    white.hazard = Some(Hazard::Typhoon);
    desk.tick(white_due.opens);
    assert_eq!(desk.state(&process.id, "48h"), SlotState::Due);
    desk.hear(white_due.moment, &white);
    let slot = desk.process(&process.id).slot("48h").unwrap().clone();
    assert_eq!(slot.state, SlotState::Done);
    let product = slot.product.unwrap();
    assert_eq!(product.kind, ProductKind::Signal);
    assert_eq!(
        (product.by.as_str(), product.reference.as_str()),
        ("穗城气象台", "W1")
    );
}

#[test]
fn a_warning_over_all_of_the_process_is_the_product_and_one_of_a_part_is_not() {
    for (areas, counts) in [(WHOLE, true), (TIANHE, true), (TOWN, false), (PANYU, false)] {
        let mut desk = Desk::new(&CITY);
        let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
        desk.tick(at("2026-05-08T16:05"));
        desk.hear(
            at("2026-05-08T16:10"),
            &signal("S1", Tier::Yellow, &[areas], at("2026-05-08T16:10")),
        );
        desk.tick(at("2026-05-08T17:21"));
        let found = desk.state(&id, "3h");
        assert_eq!(found == SlotState::Done, counts, "{areas}: {found:?}");
        assert_eq!(desk.alarms(&id, "3h"), usize::from(!counts));
    }
    // All parts of an area are the area.
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    let towns = CITY.children(CITY.area_no(code(TIANHE)).unwrap());
    let towns = towns
        .iter()
        .map(|no| CITY.area(*no).unwrap().code.to_string());
    let towns: Vec<String> = towns.collect();
    assert!(towns.len() > 1);
    for (number, town) in towns.iter().enumerate() {
        assert_ne!(desk.state(&id, "3h"), SlotState::Done);
        let sent = at("2026-05-08T16:10") + Span::from_minutes(number as i64);
        let own = signal(&format!("T{number}"), Tier::Yellow, &[town], sent);
        desk.hear(sent, &own);
    }
    let slot = desk.process(&id).slot("3h").unwrap().clone();
    assert_eq!(slot.state, SlotState::Done);
    let last = format!("T{}", towns.len() - 1);
    assert_eq!(slot.product.unwrap().reference, last);
}

#[test]
fn one_district_of_eleven_is_not_the_product_of_the_city() {
    let mut desk = Desk::new(&CITY);
    let all = super::open(Hazard::Rainstorm, &[WHOLE], at("2026-05-08T20:00"));
    desk.act(at("2026-05-08T06:00"), &all).unwrap();
    let id = desk.live()[0].id.clone();
    let districts = CITY.areas_of(model::AreaLevel::District);
    let districts = districts.map(|no| CITY.area(no).unwrap().code.to_string());
    let districts: Vec<String> = districts.collect();
    let (last, others) = districts.split_last().unwrap();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let sent = at("2026-05-08T16:10");
    desk.hear(sent, &signal("S1", Tier::Yellow, &others, sent));
    assert_eq!(desk.state(&id, "3h"), SlotState::Due);
    // Blue covers no less than yellow where the ladder asks for no tier; a warning of ours joins in.
    let sent = at("2026-05-08T16:30");
    let mut own = revised("a", sent, Tier::Blue, true, false);
    own.issued = Some(BTreeMap::from([(code(last), Tier::Blue)]));
    say(&mut desk, sent, &own);
    let slot = desk.process(&id).slot("3h").unwrap().clone();
    assert_eq!(slot.state, SlotState::Done);
    assert_eq!(slot.product.unwrap().kind, ProductKind::Warning);
}

#[test]
fn what_was_sent_before_the_slot_opened_counts_once_it_is_renewed() {
    // Due from 16:00 on.
    let early = at("2026-05-08T15:00");
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    let first = signal("S1", Tier::Yellow, &[TIANHE], early);
    desk.hear(early, &first);
    desk.tick(at("2026-05-08T16:05"));
    assert_eq!(desk.state(&id, "3h"), SlotState::Due, "for earlier rain");
    // Heard again it is the same message; sent anew it counts, though no tier changed.
    desk.hear(at("2026-05-08T16:06"), &first);
    assert_eq!(desk.state(&id, "3h"), SlotState::Due);
    desk.restart();
    let again = signal("S1", Tier::Yellow, &[TIANHE], at("2026-05-08T16:10"));
    desk.hear(at("2026-05-08T16:10"), &again);
    assert_eq!(desk.state(&id, "3h"), SlotState::Done);

    // Of ours: a proposal to revise it renews nothing that was issued.
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    let ours = |time, issued| {
        let mut own = revised("a", time, Tier::Yellow, issued, true);
        own.issued = issued.then(|| BTreeMap::from([(code(TIANHE), Tier::Yellow)]));
        own
    };
    say(&mut desk, early, &ours(early, true));
    let time = at("2026-05-08T16:10");
    say(&mut desk, time, &ours(time, false));
    assert_eq!(desk.state(&id, "3h"), SlotState::Due);
    let time = at("2026-05-08T16:20");
    say(&mut desk, time, &ours(time, true));
    assert_eq!(desk.state(&id, "3h"), SlotState::Done);
}

#[test]
fn a_warning_of_ours_is_the_product_once_it_is_issued() {
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    let time = at("2026-05-08T17:10");
    say(
        &mut desk,
        time,
        &revised("a", time, Tier::Yellow, false, true),
    );
    assert_eq!(desk.state(&id, "3h"), SlotState::Due);
    desk.tick(at("2026-05-08T17:21"));
    assert_eq!(desk.alarms(&id, "3h"), 1);
    // After the alarm it is late.
    let time = at("2026-05-08T17:30");
    let mut issued = revised("a", time, Tier::Yellow, true, true);
    issued.issued = Some(BTreeMap::from([(code(TIANHE), Tier::Yellow)]));
    say(&mut desk, time, &issued);
    let slot = desk.process(&id).slot("3h").unwrap().clone();
    assert_eq!(slot.state, SlotState::Late);
    assert_eq!(slot.product.unwrap().kind, ProductKind::Warning);
}

#[test]
fn what_is_found_is_observed_and_what_is_expected_is_not() {
    let mut desk = Desk::new(&CITY);
    let time = at("2026-05-08T06:00");
    say(
        &mut desk,
        time,
        &revised("a", time, Tier::Blue, false, true),
    );
    let process = desk.live()[0].clone();
    assert_eq!(process.basis[0].ground, Ground::Forecast);
    assert_eq!(
        clock(process.onset),
        "2026-05-08T09:00",
        "three hours ahead"
    );
    assert_eq!(process.slot("observed").unwrap().state, SlotState::Waiting);
    // Until something is measured.
    let time = at("2026-05-08T07:00");
    say(
        &mut desk,
        time,
        &revised("a", time, Tier::Blue, false, false),
    );
    let slot = desk.live()[0].slot("observed").unwrap().clone();
    assert_eq!(slot.state, SlotState::Done);
    assert_eq!(slot.product.unwrap().kind, ProductKind::Finding);
    assert_eq!(desk.live().len(), 1);
}

#[test]
fn what_a_person_ended_comes_back_only_with_something_higher() {
    let mut desk = Desk::new(&CITY);
    let sent = at("2026-05-08T06:00");
    desk.hear(sent, &signal("S1", Tier::Yellow, &[TOWN], sent));
    let process = desk.live()[0].clone();
    assert_eq!(process.basis[0].ground, Ground::Signal);
    // What lies behind is not asked for, and never an alarm.
    for slot in ["10d", "3d", "1d", "6h", "3h", "1h"] {
        assert_eq!(
            process.slot(slot).unwrap().state,
            SlotState::NotAsked,
            "{slot}"
        );
    }
    let end = ServiceAct::End {
        process: process.id,
        person: "chen".into(),
        reason: "局地".into(),
    };
    desk.act(at("2026-05-08T06:05"), &end).unwrap();
    let mut renewed = signal("S2", Tier::Yellow, &[TOWN], at("2026-05-08T06:30"));
    renewed.kind = SignalKind::Update;
    renewed.references = vec!["S1".into()];
    desk.hear(at("2026-05-08T06:30"), &renewed);
    assert!(desk.live().is_empty());
    desk.restart();
    desk.tick(at("2026-05-08T06:31"));
    assert!(desk.live().is_empty());
    let mut higher = signal("S3", Tier::Orange, &[TOWN], at("2026-05-08T07:00"));
    higher.kind = SignalKind::Update;
    higher.references = vec!["S2".into()];
    desk.hear(at("2026-05-08T07:00"), &higher);
    assert_eq!(desk.live().len(), 1);
    // One process for the city, that grows.
    desk.hear(
        at("2026-05-08T07:10"),
        &signal("S4", Tier::Yellow, &[PANYU], at("2026-05-08T07:10")),
    );
    assert_eq!(desk.live().len(), 1);
    assert_eq!(desk.live()[0].areas.len(), 2);
    // Haze has no ladder here.
    let mut haze = signal("S5", Tier::Yellow, &[PANYU], at("2026-05-08T07:20"));
    haze.hazard = Some(Hazard::Haze);
    desk.hear(at("2026-05-08T07:20"), &haze);
    assert_eq!(desk.live().len(), 1);
}

#[test]
fn another_file_leaves_what_is_under_way_as_it_is() {
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    let other = super::city("schema = 1\n");
    let before = desk.process(&id).clone();
    desk.step(at("2026-05-08T06:10"), |services, responses, out| {
        services.adopt(at("2026-05-08T06:10"), other.clone(), responses, out);
    });
    assert_eq!(desk.process(&id), &before);
    desk.tick(at("2026-05-08T14:31"));
    assert_eq!(desk.alarms(&id, "6h"), 1);
}
