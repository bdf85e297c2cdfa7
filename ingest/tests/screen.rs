//! Quality control that needs memory: what is marked, what is told, and that nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod city;

use ingest::quality::{Arrival, Cause, Screen, Screened};
use model::{City, Observation, Parameter, Quality, Span, StationNo, Time, Zone};
use proptest::prelude::*;

const WEATHER: &str =
    "rainfall;water_depth;wind_speed;wind_gust;wind_direction;temperature;humidity;pressure";

fn place() -> City {
    with_weather(WEATHER)
}

fn with_weather(parameters: &str) -> City {
    city::city([
        ("W1", "west", parameters, ""),
        ("C1", "west", "rainfall_total", ""),
        ("C2", "west", "rainfall;rainfall_total", ""),
        ("X1", "east", "temperature", ""),
    ])
}

fn screen() -> Screen {
    Screen::new(&place(), Zone(0))
}

/// Noon in the city, away from the day's turn.
fn noon() -> Time {
    Time::parse("2023-09-07T12:00:00+08:00").unwrap().0
}

fn at(minute: i64) -> Time {
    noon() + Span::from_minutes(minute)
}

fn seen(station: u32, parameter: Parameter, minute: i64, text: &str) -> Observation {
    Observation {
        station: StationNo(station),
        parameter,
        time: at(minute),
        value: parameter.quanta(text).unwrap(),
        interval_s: if parameter == Parameter::Rainfall {
            60
        } else {
            0
        },
        quality: Quality::Unchecked,
    }
}

fn step(screen: &mut Screen, one: Observation) -> Screened {
    screen.step(one.time, &one)
}

/// The quality of each of a run of minute values, and the causes told.
fn run(parameter: Parameter, values: &[&str]) -> (Vec<u8>, Vec<Cause>) {
    let mut screen = screen();
    let found: Vec<_> = (0..)
        .zip(values)
        .map(|(minute, text)| step(&mut screen, seen(0, parameter, minute, text)))
        .collect();
    let causes = found
        .iter()
        .filter_map(|one| Some(one.finding?.cause))
        .collect();
    (
        found
            .iter()
            .map(|one| one.observation.quality.code())
            .collect(),
        causes,
    )
}

#[test]
fn a_leap_waits_for_a_second_reading_that_agrees() {
    let (flags, causes) = run(
        Parameter::WaterDepth,
        &["0.10", "0.12", "0.60", "0.62", "0.65"],
    );
    assert_eq!(
        (flags, causes),
        (vec![0, 0, 1, 0, 0], vec![Cause::SuddenStep])
    );
}

#[test]
fn each_leap_of_a_flash_rise_is_confirmed_by_the_reading_after_it() {
    let (flags, causes) = run(
        Parameter::WaterDepth,
        &["0.00", "0.40", "0.80", "1.20", "1.60", "0.05", "0.04"],
    );
    assert_eq!(flags, [0, 1, 0, 1, 0, 1, 0]);
    assert_eq!(causes, [Cause::SuddenStep; 3]);
    // Back and forth is no rise; nor is what no weather does, however often it is said.
    let (flags, _) = run(Parameter::WaterDepth, &["1.20", "2.00", "0.10", "2.00"]);
    assert_eq!(flags, [0, 1, 1, 0]);
    let (flags, _) = run(Parameter::Humidity, &["60", "73", "88"]);
    assert_eq!(flags, [0, 1, 1]);
}

#[test]
fn a_spike_is_marked_once_and_its_return_is_not() {
    let (flags, causes) = run(Parameter::WaterDepth, &["0.10", "0.60", "0.10", "0.10"]);
    assert_eq!((flags, causes), (vec![0, 1, 0, 0], vec![Cause::SuddenStep]));
    let (flags, causes) = run(Parameter::Humidity, &["60", "90", "61", "75"]);
    assert_eq!(flags, [0, 2, 0, 1]);
    assert_eq!(causes, [Cause::ImpossibleStep, Cause::SuddenStep]);
}

#[test]
fn the_step_is_a_rate_and_forgets_after_a_gap() {
    for (gap, expected) in [(1, 1), (2, 0), (60, 0)] {
        let mut screen = screen();
        step(&mut screen, seen(0, Parameter::Temperature, 0, "20"));
        let found = step(&mut screen, seen(0, Parameter::Temperature, gap, "25"));
        assert_eq!(
            found.observation.quality.code(),
            expected,
            "after {gap} minutes"
        );
    }
}

#[test]
fn a_sensor_that_stands_still_is_told_once() {
    let values = vec!["21.5"; 90];
    let (flags, causes) = run(Parameter::Temperature, &values);
    assert!(flags[..60].iter().all(|flag| *flag == 0) && flags[60..].iter().all(|flag| *flag == 1));
    assert_eq!(causes, [Cause::Stuck]);
    let (flags, _) = run(Parameter::Humidity, &vec!["99"; 90]);
    assert!(
        flags.iter().all(|flag| *flag == 0),
        "saturated air stands still"
    );
    let (flags, _) = run(Parameter::Rainfall, &vec!["0"; 90]);
    assert!(
        flags.iter().all(|flag| *flag == 0),
        "dry weather stands still"
    );
    let (flags, causes) = run(Parameter::Rainfall, &vec!["0.2"; 90]);
    assert_eq!((flags[59], flags[60], causes), (0, 1, vec![Cause::Stuck]));
}

#[test]
fn what_the_wind_explains_is_not_stuck() {
    for (wind, expected) in [("0", 0), ("5", 1)] {
        let mut screen = screen();
        let mut last = None;
        for minute in 0..70 {
            let speed = if minute % 2 == 0 { wind } else { "0.1" };
            let speed = if wind == "0" { "0" } else { speed };
            step(&mut screen, seen(0, Parameter::WindSpeed, minute, speed));
            if wind != "0" {
                step(&mut screen, seen(0, Parameter::WindSpeed, minute, "5"));
            }
            last = Some(step(
                &mut screen,
                seen(0, Parameter::WindDirection, minute, "90"),
            ));
        }
        assert_eq!(
            last.unwrap().observation.quality.code(),
            expected,
            "wind {wind}"
        );
    }
}

#[test]
fn a_gust_below_the_mean_is_suspect() {
    let mut screen = screen();
    step(&mut screen, seen(0, Parameter::WindSpeed, 0, "12"));
    let gust = step(&mut screen, seen(0, Parameter::WindGust, 0, "9"));
    assert_eq!(gust.finding.unwrap().cause, Cause::GustBelowMean);
    let gust = step(&mut screen, seen(0, Parameter::WindGust, 1, "9"));
    assert_eq!(
        (gust.observation.quality, gust.finding),
        (Quality::Correct, None)
    );
}

#[test]
fn rain_in_dry_air_is_suspect() {
    let mut screen = screen();
    step(&mut screen, seen(0, Parameter::Humidity, 0, "35"));
    assert_eq!(
        step(&mut screen, seen(0, Parameter::Rainfall, 1, "2"))
            .finding
            .unwrap()
            .cause,
        Cause::RainInDryAir
    );
    assert_eq!(
        step(&mut screen, seen(0, Parameter::Rainfall, 2, "0")).finding,
        None
    );
    assert_eq!(
        step(&mut screen, seen(0, Parameter::Rainfall, 30, "2")).finding,
        None
    );
}

#[test]
fn high_rain_is_marked_told_and_kept() {
    let mut screen = screen();
    let found = step(&mut screen, seen(0, Parameter::Rainfall, 0, "45"));
    assert_eq!(found.observation.quality, Quality::Suspect);
    assert_eq!(found.observation.value, 4500);
    assert_eq!(found.finding.unwrap().cause, Cause::HighRain);
    // 2.05 mm a minute on average passes 120 mm in the 59th minute, and stays above.
    let (flags, causes) = run(Parameter::Rainfall, &["2.1", "2.0"].repeat(60));
    let first = flags.iter().position(|flag| *flag == 1).unwrap();
    assert!(first == 58, "{first}");
    assert!(
        flags[first..].iter().all(|flag| *flag == 1),
        "every one of them is marked"
    );
    assert_eq!(causes, [Cause::HighRain], "and told once");
    let day = Observation {
        interval_s: 86_400,
        ..seen(0, Parameter::Rainfall, 200, "180")
    };
    assert_eq!(step(&mut screen, day).observation.quality, Quality::Correct);
}

#[test]
fn duplicates_corrections_and_late_values_are_told_apart() {
    let mut screen = screen();
    let arrivals: Vec<_> = [
        (0, "1", 0),
        (1, "2", 1),
        (1, "2", 1),
        (1, "3", 2),
        (0, "1", 2),
        (2, "0", 40),
    ]
    .into_iter()
    .map(|(minute, text, record)| {
        screen
            .step(at(record), &seen(0, Parameter::Rainfall, minute, text))
            .arrival
    })
    .collect();
    use Arrival::{Correction, Duplicate, InTime, Late};
    assert_eq!(
        arrivals,
        [InTime, InTime, Duplicate, Correction, Late, Late]
    );
}

#[test]
fn flags_are_only_worsened_and_a_persons_word_stands() {
    let mut screen = screen();
    for (given, kept) in [
        (Quality::Corrected, Quality::Corrected),
        (Quality::Wrong, Quality::Wrong),
        (Quality::Missing, Quality::Missing),
        (Quality::Suspect, Quality::Suspect),
        (Quality::Unchecked, Quality::Correct),
    ] {
        let one = Observation {
            quality: given,
            ..seen(0, Parameter::Temperature, 0, "20")
        };
        assert_eq!(
            Screen::new(&place(), Zone(0))
                .step(at(0), &one)
                .observation
                .quality,
            kept
        );
    }
    let wrong = Observation {
        quality: Quality::Wrong,
        ..seen(0, Parameter::Temperature, 0, "50")
    };
    step(&mut screen, wrong);
    let next = step(&mut screen, seen(0, Parameter::Temperature, 1, "20"));
    assert_eq!(
        next.observation.quality,
        Quality::Correct,
        "wrong values are not remembered"
    );
}

/// Rainfall and cause for each counter reading, `None` where none can be told.
fn counted(readings: &[(i64, &str)]) -> Vec<(Option<i32>, Option<Cause>)> {
    let mut screen = screen();
    readings
        .iter()
        .map(|(minute, text)| {
            let found = step(
                &mut screen,
                seen(1, Parameter::RainfallTotal, *minute, text),
            );
            (
                found.rainfall.map(|rain| rain.value),
                found.finding.map(|finding| finding.cause),
            )
        })
        .collect()
}

#[test]
fn counters_are_differenced() {
    assert_eq!(
        counted(&[
            (0, "10.0"),
            (1, "10.6"),
            (2, "10.6"),
            (7, "12.6"),
            (5, "11"),
            (8, "12.6")
        ]),
        [
            (None, None),
            (Some(60), None),
            (Some(0), None),
            (Some(200), None),
            (None, None),
            (Some(0), None)
        ]
    );
    let mut screen = screen();
    step(&mut screen, seen(1, Parameter::RainfallTotal, 0, "10"));
    let rain = step(&mut screen, seen(1, Parameter::RainfallTotal, 5, "11"))
        .rainfall
        .unwrap();
    assert_eq!(
        (rain.parameter, rain.interval_s, rain.time),
        (Parameter::Rainfall, 300, at(5))
    );
    assert_eq!(rain.quality, Quality::Correct);
    let again = step(&mut screen, seen(1, Parameter::RainfallTotal, 5, "11"));
    assert_eq!((again.arrival, again.rainfall), (Arrival::Duplicate, None));
    let mended = step(&mut screen, seen(1, Parameter::RainfallTotal, 5, "10.5"));
    assert_eq!(mended.arrival, Arrival::Correction);
    assert_eq!(mended.rainfall.unwrap().value, 50);
}

#[test]
fn counters_wrap_restart_break_and_turn_with_the_day() {
    assert_eq!(
        counted(&[(0, "999.8"), (1, "0.3")])[1],
        (Some(50), Some(Cause::CounterWrapped))
    );
    assert_eq!(
        counted(&[(0, "320.0"), (1, "1.2")])[1],
        (Some(120), Some(Cause::CounterReset))
    );
    assert_eq!(
        counted(&[(0, "350.2"), (1, "350.0")])[1],
        (None, Some(Cause::CounterBroken))
    );
    assert_eq!(
        counted(&[(0, "1.0"), (1, "9000")])[1],
        (None, Some(Cause::CounterBroken))
    );
    // 20 hours after noon it is 08:00: the counter begins again, which is no fault.
    assert_eq!(
        counted(&[(1199, "80.5"), (1201, "0.4")])[1],
        (Some(40), None)
    );
    assert_eq!(counted(&[(1199, "80.5"), (1200, "0")])[1], (Some(0), None));
}

#[test]
fn one_source_of_rain_a_station() {
    let mut screen = screen();
    step(&mut screen, seen(2, Parameter::RainfallTotal, 0, "10"));
    assert_eq!(
        step(&mut screen, seen(2, Parameter::RainfallTotal, 1, "12")).rainfall,
        None
    );
}

#[test]
fn what_another_zone_sees_passes_unscreened() {
    let one = seen(3, Parameter::Temperature, 0, "20");
    assert_eq!(step(&mut screen(), one).observation, one);
}

#[test]
fn a_new_registry_keeps_the_memory_of_what_stays() {
    let mut before = screen();
    step(&mut before, seen(0, Parameter::Temperature, 0, "20"));
    let more = with_weather(&format!("visibility;{WEATHER}"));
    let mut after = before.with_registry(&more, Zone(0));
    let found = step(&mut after, seen(0, Parameter::Temperature, 1, "29"));
    assert_eq!(found.finding.unwrap().cause, Cause::SuddenStep);
}

fn observation() -> impl Strategy<Value = Observation> {
    let reported = prop::sample::select(vec![
        (0, Parameter::Rainfall),
        (0, Parameter::WaterDepth),
        (0, Parameter::WindSpeed),
        (0, Parameter::WindGust),
        (0, Parameter::Humidity),
        (1, Parameter::RainfallTotal),
        (3, Parameter::Temperature),
        (77, Parameter::Temperature),
    ]);
    (
        reported,
        -100i64..3000,
        prop_oneof![0i32..3000, any::<i32>()],
        0u8..10,
        0u32..8000,
    )
        .prop_map(
            |((station, parameter), minute, value, quality, interval_s)| Observation {
                station: StationNo(station),
                parameter,
                time: at(minute),
                value,
                interval_s,
                quality: Quality::from_code(quality).unwrap(),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_but_the_flag_changes_and_no_flag_improves_past_checked(
        rows in proptest::collection::vec(observation(), 1..80),
    ) {
        let mut screen = screen();
        for row in &rows {
            let found = step(&mut screen, *row);
            let flag = found.observation.quality;
            prop_assert_eq!(Observation { quality: row.quality, ..found.observation }, *row);
            let allowed = flag == row.quality
                || matches!(flag, Quality::Suspect | Quality::Wrong)
                || (row.quality, flag) == (Quality::Unchecked, Quality::Correct);
            prop_assert!(allowed, "{:?} became {flag:?}", row.quality);
            if let Some(rain) = found.rainfall {
                prop_assert!(rain.value >= 0 && rain.parameter == Parameter::Rainfall);
            }
        }
    }

    #[test]
    fn a_snapshot_goes_on_as_the_screen_would(
        rows in proptest::collection::vec(observation(), 0..60),
        cut in 0usize..60,
    ) {
        let mut screen = screen();
        let (before, after) = rows.split_at(cut.min(rows.len()));
        for row in before {
            step(&mut screen, *row);
        }
        let bytes = screen.encode();
        let mut other = Screen::decode(&place(), Zone(0), &bytes).unwrap();
        prop_assert_eq!(&other.encode(), &bytes);
        for row in after {
            prop_assert_eq!(step(&mut screen, *row), step(&mut other, *row));
        }
        prop_assert_eq!(other.encode(), screen.encode());
        if bytes.len() > 1 {
            prop_assert!(Screen::decode(&place(), Zone(0), &bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn damaged_snapshots_are_errors(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Screen::decode(&place(), Zone(0), &bytes);
    }

    /// Whatever a counter does in order, rises add up to what it shows.
    #[test]
    fn rises_of_a_counter_add_up(rises in proptest::collection::vec(0i32..300, 1..50)) {
        let mut screen = screen();
        let mut total = 0;
        let mut sum = 0;
        for (minute, rise) in (0i64..).zip(&rises) {
            total += rise;
            let one = Observation { value: total, ..seen(1, Parameter::RainfallTotal, minute, "0") };
            sum += step(&mut screen, one).rainfall.map_or(0, |rain| rain.value);
        }
        prop_assert_eq!(sum, total - rises[0]);
    }
}
