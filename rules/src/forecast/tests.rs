//! What is expected, against plain sums over minutes and a walk along the track.

use super::cyclone::apart_km;
use super::{Ask, Forecasts, Point};
use crate::indicator::NEVER;
use crate::window::Value;
use model::{
    AreaCode, Forecast, ForecastPlace, ForecastSeries, Parameter, Quadrants, Span, Step, Time,
    Track, TrackPoint, WindForce,
};
use proptest::prelude::*;

fn area(code: &str) -> ForecastPlace {
    ForecastPlace::Area(AreaCode::parse(code).unwrap())
}

fn series(place: ForecastPlace, issued: i64, steps: &[(i64, i64, i32)]) -> Forecast {
    let steps = steps.iter().map(|(from, to, value)| Step {
        from: Time::from_minute(*from),
        to: Time::from_minute(*to),
        value: *value,
    });
    Forecast::Series(ForecastSeries {
        issued: Time::from_minute(issued),
        source: "test".into(),
        parameter: Parameter::Rainfall,
        place,
        steps: steps.collect(),
    })
}

fn ask(forecasts: &Forecasts, what: Ask, from: i64, minutes: i64) -> Value {
    let places = ["440101001000", "440101000000", "440100000000"].map(area);
    let length = Span::from_minutes(minutes);
    let from = Time::from_minute(from);
    forecasts.expected(what, Parameter::Rainfall, places.into_iter(), from, length)
}

proptest! {
    #[test]
    fn rain_is_shared_out_over_its_steps(
        steps in prop::collection::vec((0i64..90, 1i64..400, 0i32..20_000), 1..20),
        from in -300i64..3000, length in 1i64..3000,
    ) {
        let mut at = 0;
        let mut laid = Vec::new();
        for (gap, minutes, value) in steps {
            laid.push((at + gap, at + gap + minutes, value));
            at += gap + minutes;
        }
        let mut forecasts = Forecasts::default();
        prop_assert!(forecasts.take(&series(area("440101000000"), 0, &laid), Time::from_minute(0)));
        // Minute by minute: its share of the step that holds it.
        let within = |minute: i64| laid.iter().find(|step| minute > step.0 && minute <= step.1);
        let minutes: Vec<_> = (from + 1..=from + length).filter_map(within).collect();
        let sum: f64 = minutes.iter().map(|step| f64::from(step.2) / (step.1 - step.0) as f64).sum();
        let found = ask(&forecasts, Ask::Sum, from, length);
        prop_assert_eq!(found.is_known(), !minutes.is_empty());
        if found.is_known() {
            let near = found.number as f64 / found.of as f64;
            prop_assert!((near - sum).abs() < 0.05, "{} {}", near, sum);
            prop_assert_eq!(found.covered, minutes.len() as i64 * 10 >= length * 8);
            let max = minutes.iter().map(|step| step.2).max().unwrap();
            let min = minutes.iter().map(|step| step.2).min().unwrap();
            prop_assert_eq!(ask(&forecasts, Ask::Max, from, length).number, i128::from(max));
            prop_assert_eq!(ask(&forecasts, Ask::Min, from, length).number, i128::from(min));
        }
    }

    /// A round circle that moves evenly along a parallel: it arrives when the centre is so near.
    #[test]
    fn a_circle_arrives_when_its_centre_is_so_near(start in 2.0f64..8.0, speed in 0.05f64..0.4, radius in 50u16..300) {
        let place = Point { lon: 113.3, lat: 22.5 };
        let hours = 96i64;
        let at = |hour: i64| TrackPoint {
            time: Time::from_minute(hour * 60),
            lon: place.lon + start - speed * hour as f64,
            lat: place.lat,
            wind: Some(400),
            pressure: None,
            circles: [Some(Quadrants::round(radius)), None, None],
            is_estimated: false,
        };
        let track = Track {
            issued: Time::from_minute(0),
            source: "test".into(),
            storm: "2501".into(),
            name: None,
            points: (0..=hours).step_by(6).map(at).collect(),
        };
        let mut forecasts = Forecasts::default();
        prop_assert!(forecasts.take(&Forecast::Track(track), Time::from_minute(0)));
        let arrives = (0..=hours * 60).step_by(10).find(|minute| {
            let lon = place.lon + start - speed * *minute as f64 / 60.0;
            apart_km(place, Point { lon, lat: place.lat }) <= f64::from(radius)
        });
        let found = forecasts.cyclones(Ask::CircleIn(WindForce::Seven), &[place], Time::from_minute(0), Span::ZERO);
        match arrives {
            Some(minute) => prop_assert!((found.number - i128::from(minute) * 1000 / 60).abs() <= 170, "{:?} {}", found, minute),
            None => prop_assert_eq!(found.number, NEVER),
        }
        let none = forecasts.cyclones(Ask::CircleIn(WindForce::Twelve), &[place], Time::from_minute(0), Span::ZERO);
        prop_assert_eq!(none.number, NEVER);
        let now = forecasts.cyclones(Ask::Distance, &[place], Time::from_minute(0), Span::ZERO);
        let km = apart_km(place, Point { lon: place.lon + start, lat: place.lat });
        prop_assert!((now.number as f64 / 1000.0 - km).abs() < 0.01);
    }
}

#[test]
fn the_nearest_place_and_the_newest_issue_count() {
    let mut forecasts = Forecasts::default();
    let now = Time::from_minute(0);
    assert!(forecasts.take(&series(area("440100000000"), 0, &[(0, 360, 1000)]), now));
    assert_eq!(ask(&forecasts, Ask::Sum, 0, 360).number, 1_000_000);
    assert!(forecasts.take(&series(area("440101001000"), 5, &[(0, 360, 7000)]), now));
    assert_eq!(ask(&forecasts, Ask::Sum, 0, 360).number, 7_000_000);
    let older = series(area("440101001000"), 4, &[(0, 360, 9000)]);
    assert!(
        !forecasts.take(&older, now),
        "an older issue changes nothing"
    );
    assert_eq!(ask(&forecasts, Ask::Sum, 0, 360).number, 7_000_000);
    // What is long over is let go of with the next.
    let later = Time::from_minute(3 * 24 * 60);
    assert!(forecasts.take(
        &series(area("440199000000"), 4320, &[(4320, 4380, 1)]),
        later
    ));
    assert!(!ask(&forecasts, Ask::Sum, 0, 360).is_known());
}

#[test]
fn a_track_that_has_run_out_is_unknown_and_one_that_is_over_is_gone() {
    let place = [Point {
        lon: 113.3,
        lat: 22.5,
    }];
    let point = TrackPoint {
        time: Time::from_minute(0),
        lon: 115.0,
        lat: 21.0,
        wind: None,
        pressure: None,
        circles: [Some(Quadrants::round(10)); 3],
        is_estimated: false,
    };
    let track = |issued, points| {
        Forecast::Track(Track {
            issued: Time::from_minute(issued),
            source: "test".into(),
            storm: "2501".into(),
            name: None,
            points,
        })
    };
    let mut forecasts = Forecasts::default();
    let asked = |forecasts: &Forecasts, minute| {
        forecasts.cyclones(Ask::Distance, &place, Time::from_minute(minute), Span::ZERO)
    };
    assert_eq!(asked(&forecasts, 0).number, NEVER, "no cyclone is far away");
    assert!(forecasts.take(&track(0, vec![point]), Time::from_minute(0)));
    assert!(asked(&forecasts, 60).is_known());
    assert!(!asked(&forecasts, 61).is_known());
    assert!(forecasts.take(&track(120, Vec::new()), Time::from_minute(120)));
    assert_eq!(asked(&forecasts, 121).number, NEVER);
}
