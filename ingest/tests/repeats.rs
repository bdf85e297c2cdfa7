//! What comes again: values of the newest time, and of times before it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod city;

use ingest::quality::{Arrival, Screen, Screened};
use model::{Observation, Parameter, Quality, Span, StationNo, Time, Zone};

fn screen() -> Screen {
    let city = city::city([("W1", "west", "rainfall;water_depth", "")]);
    Screen::new(&city, Zone(0))
}

fn step(screen: &mut Screen, parameter: Parameter, minute: i64, text: &str) -> Screened {
    written(screen, parameter, minute, text, Quality::Unchecked)
}

fn written(
    screen: &mut Screen,
    parameter: Parameter,
    minute: i64,
    text: &str,
    quality: Quality,
) -> Screened {
    let noon = Time::parse("2023-09-07T12:00:00+08:00").unwrap().0;
    let one = Observation {
        station: StationNo(0),
        parameter,
        time: noon + Span::from_minutes(minute),
        value: parameter.quanta(text).unwrap(),
        interval_s: 60,
        quality,
    };
    screen.step(one.time, &one)
}

#[test]
fn a_repeat_says_nothing_unless_it_carries_a_word_of_its_own() {
    let mut screen = screen();
    let depth = Parameter::WaterDepth;
    step(&mut screen, depth, 0, "0.1");
    let spike = step(&mut screen, depth, 1, "9.0");
    assert_eq!(spike.observation.quality, Quality::Suspect);
    assert!(!spike.is_repeat());
    for (quality, is_repeat) in [
        (Quality::Unchecked, true),
        (Quality::Correct, true),
        (Quality::Suspect, false),
        (Quality::Corrected, false),
    ] {
        let again = written(&mut screen, depth, 1, "9.0", quality);
        assert_eq!(again.arrival, Arrival::Duplicate);
        assert_eq!(again.is_repeat(), is_repeat, "{quality:?}");
    }
    assert!(
        !step(&mut screen, depth, 1, "9.1").is_repeat(),
        "a correction"
    );
}

#[test]
fn rain_that_comes_again_is_not_added_again() {
    let mut screen = screen();
    let rain = Parameter::Rainfall;
    let amount = |minute: i64| if minute % 2 == 0 { "1.5" } else { "1.4" };
    // 87 mm in an hour; an outage of the line later it all comes a second and a third time.
    for _ in 0..3 {
        for minute in 0..60 {
            let found = step(&mut screen, rain, minute, amount(minute));
            let flag = found.observation.quality;
            assert!(
                found.is_repeat() || flag == Quality::Correct,
                "minute {minute}: {flag:?}"
            );
        }
    }
    let next = step(&mut screen, rain, 60, "1.5");
    assert_eq!(next.observation.quality, Quality::Correct);
}

#[test]
fn rain_that_comes_late_counts_for_its_hour_once() {
    let mut screen = screen();
    let rain = Parameter::Rainfall;
    step(&mut screen, rain, 59, "0.1");
    // 2.05 mm a minute: more than 120 mm in the hour when all has come.
    let amount = |minute: i64| if minute % 2 == 0 { "2.1" } else { "2.0" };
    let flags: Vec<_> = (0..59)
        .map(|minute| step(&mut screen, rain, minute, amount(minute)))
        .map(|found| found.observation.quality)
        .collect();
    let first = flags.iter().position(|flag| *flag == Quality::Suspect);
    assert_eq!(first, Some(58), "{flags:?}");
}
