//! Rain counters that seem to begin again, and those that do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod city;

use ingest::quality::{Screen, Screened};
use model::{Observation, Parameter, Quality, Span, StationNo, Time, Zone};

fn screen() -> Screen {
    let city = city::city([("C1", "west", "rainfall_total", "")]);
    Screen::new(&city, Zone(0))
}

fn step(screen: &mut Screen, minute: i64, text: &str) -> Screened {
    let noon = Time::parse("2023-09-07T12:00:00+08:00").unwrap().0;
    let one = Observation {
        station: StationNo(0),
        parameter: Parameter::RainfallTotal,
        time: noon + Span::from_minutes(minute),
        value: Parameter::RainfallTotal.quanta(text).unwrap(),
        interval_s: 0,
        quality: Quality::Unchecked,
    };
    screen.step(one.time, &one)
}

/// Rain told by each reading, in 0.01 mm.
fn told(readings: &[(i64, &str)]) -> Vec<i32> {
    let mut screen = screen();
    let rain = |found: Screened| found.rainfall.map_or(0, |rain| rain.value);
    readings
        .iter()
        .map(|(minute, text)| rain(step(&mut screen, *minute, text)))
        .collect()
}

#[test]
fn a_counter_that_shows_zero_for_a_moment_brings_no_rain() {
    for bottom in [&["0"][..], &["0", "0"], &["0.2"]] {
        let mut screen = screen();
        step(&mut screen, 0, "35.0");
        let mut minute = 1;
        for text in bottom {
            step(&mut screen, minute, text);
            minute += 1;
        }
        let back = step(&mut screen, minute, "35.2").rainfall.unwrap();
        assert_eq!(
            (back.value, back.quality),
            (20, Quality::Correct),
            "{bottom:?}"
        );
        assert_eq!(back.interval_s, 60 * minute as u32, "since it last counted");
        let mended = step(&mut screen, minute, "35.4").rainfall.unwrap();
        assert_eq!(mended.value, 40, "a correction counts from there too");
        let next = step(&mut screen, minute + 1, "35.6").rainfall.unwrap();
        assert_eq!((next.value, next.interval_s), (20, 60));
    }
}

#[test]
fn a_counter_that_did_begin_again_is_counted_from_there() {
    let again = [(0, "35.0"), (1, "0"), (2, "0.4"), (3, "20.0"), (4, "36.0")];
    assert_eq!(told(&again), [0, 0, 40, 1960, 1600]);
    // Away for too long to have been a moment.
    let hours = [(0, "35.0"), (1, "0"), (300, "40.0")];
    assert_eq!(told(&hours), [0, 0, 4000]);
    let mended = [(0, "35.0"), (1, "0"), (1, "35.0"), (2, "35.2")];
    assert_eq!(told(&mended), [0, 0, 0, 20]);
}

#[test]
fn what_it_showed_before_outlives_a_restart() {
    let mut before = screen();
    step(&mut before, 0, "35.0");
    step(&mut before, 1, "0");
    let city = city::city([("C1", "west", "rainfall_total", "")]);
    let mut after = Screen::decode(&city, Zone(0), &before.encode()).unwrap();
    assert_eq!(step(&mut after, 2, "35.2").rainfall.unwrap().value, 20);
}
