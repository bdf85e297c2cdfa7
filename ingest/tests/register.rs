//! What one frame shows: registration, units, ranges, times, and what stands in it twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod city;

use ingest::protocol::{Framing, Protocol};
use ingest::register::{Batch, FUTURE_MAX, Reason, Registrar, batch::REJECTIONS_MAX};
use model::{Observation, Parameter, Quality, StationNo, Time, Zone};
use proptest::prelude::*;

const LONG_ID: &str = "44010400101000000017-culvert-north";

fn registrar() -> Registrar {
    let weather = "rainfall;wind_speed;temperature;water_depth;pressure;visibility;flow;humidity;\
         snowfall;lightning;hail;road_temperature;fire_danger;storage";
    let city = city::city([
        ("G1", "west", weather, ""),
        ("G2", "east", "rainfall", "440101000000"),
        (LONG_ID, "east", "water_depth", ""),
    ]);
    Registrar::new(&city, FUTURE_MAX)
}

fn arrival() -> Time {
    Time::parse("2023-09-07T13:05:00+08:00").unwrap().0
}

fn read(body: &str) -> Batch {
    let mut batch = Batch::default();
    let body = body.as_bytes();
    registrar().read(
        &Protocol::Json,
        "",
        body,
        Framing::Detect,
        arrival(),
        &mut batch,
    );
    batch
}

fn line(station: &str, parameter: &str, rest: &str) -> String {
    format!(
        r#"{{"station":"{station}","parameter":"{parameter}","time":"2023-09-07T13:04:00+08:00",{rest}}}"#
    )
}

fn one(parameter: &str, rest: &str) -> Result<Observation, Reason> {
    let batch = read(&line("G1", parameter, rest));
    match batch.rejections() {
        [] => Ok(batch.zones().next().unwrap().1[0]),
        [rejection, ..] => Err(rejection.reason),
    }
}

#[test]
fn units_are_converted_exactly() {
    for (parameter, value, unit, quanta) in [
        ("rainfall", "0.6", "mm", 60),
        ("rainfall", "0.1", "in", 254),
        ("rainfall", "1.25", "cm", 1250),
        ("rainfall", "0.6", "kg/m2", 60),
        ("rainfall", "0.125", "mm", 12),
        ("rainfall", "0.135", "mm", 14),
        ("water_depth", "15", "cm", 1500),
        ("water_depth", "4", "in", 1016),
        ("water_depth", "1", "ft", 3048),
        ("wind_speed", "36", "km/h", 100),
        ("wind_speed", "20", "kn", 103),
        ("temperature", "77", "[degF]", 250),
        ("temperature", "-40", "°F", -400),
        ("temperature", "273.15", "K", 0),
        ("pressure", "101325", "Pa", 10_132),
        ("pressure", "100.5", "kPa", 10_050),
        ("pressure", "760", "mmHg", 10_133),
        ("pressure", "29.92", "inHg", 10_132),
        ("visibility", "0.5", "km", 500),
        ("flow", "1500", "L/s", 1500),
        ("humidity", "0.955", "1", 955),
        ("snowfall", "0.6", "kg/m2", 60),
        ("lightning", "31", "1", 31),
        ("hail", "2.5", "cm", 250),
        ("road_temperature", "31", "degF", -6),
        ("fire_danger", "4", "1", 4),
        ("storage", "0.727", "1", 727),
    ] {
        let found = one(parameter, &format!(r#""value":{value},"unit":"{unit}""#)).unwrap();
        assert_eq!(found.value, quanta, "{value} {unit} of {parameter}");
    }
    for (parameter, unit) in [
        ("rainfall", "mm/h"),
        ("rainfall", "hPa"),
        ("wind_speed", "m"),
        ("temperature", ""),
        ("water_depth", "furlong"),
        ("snowfall", "mm/h"),
        ("lightning", "mm"),
        ("fire_danger", "%"),
    ] {
        let found = one(parameter, &format!(r#""value":1,"unit":"{unit}""#));
        assert!(
            matches!(found, Err(Reason::Unit(..))),
            "{unit} of {parameter}: {found:?}"
        );
    }
}

#[test]
fn refusals_say_what_and_how_to_mend_it() {
    let future = line("G1", "rainfall", r#""value":1"#).replace("13:04", "13:11");
    for (line, expected) in [
        (
            line("G9", "rainfall", r#""value":1"#),
            "line 1, field station \"G9\": no such station is registered; add the station to stations.csv, or correct the id",
        ),
        (
            line("G2", "wind_speed", r#""value":1"#),
            "line 1, station \"G2\", field parameter \"wind_speed\": the station is not registered for it; add the parameter to the station's `parameters` in stations.csv",
        ),
        (
            line("G1", "rainfall", r#""value":4,"unit":"mm/h""#),
            "line 1, station \"G1\", field unit \"mm/h\": not a unit of rainfall; send the amount over the interval in mm, not an intensity",
        ),
        (
            line("G1", "temperature", r#""value":600"#),
            "line 1, station \"G1\", field value \"600\": beyond the range of temperature; temperature lies within -80 and 60 Cel: check the unit and the sensor",
        ),
        (
            future,
            "line 1, station \"G1\", field time \"2023-09-07T13:11:00+08:00\": ahead of its arrival; set the sender's clock and the offset of its times",
        ),
        (
            line("G1", "rainfall", r#""value":"1""#),
            "line 1, field value: it has the wrong type; write a bare number such as 0.6, or null where the value is missing",
        ),
    ] {
        let batch = read(&line);
        assert_eq!((batch.accepted(), batch.rejected()), (0, 1), "{line}");
        assert_eq!(batch.rejections()[0].to_string(), expected);
        assert_eq!(batch.rejections()[0].raw, line.as_bytes());
    }
    assert_eq!(
        one("cloud_height", r#""value":1"#),
        Err(Reason::UnknownParameter)
    );
    assert_eq!(
        one("rainfall", r#""value":1e30"#),
        Err(Reason::Range(Parameter::Rainfall))
    );
    assert_eq!(
        one("rainfall", r#""value":-0.1"#),
        Err(Reason::Range(Parameter::Rainfall))
    );
    for grade in ["0", "6"] {
        assert_eq!(
            one("fire_danger", &format!(r#""value":{grade}"#)),
            Err(Reason::Range(Parameter::FireDanger))
        );
    }
    assert!(one("rainfall", r#""value":1"#).is_ok());
    assert!(
        one("rainfall", r#""value":250.5"#).is_ok(),
        "high rain is not refused"
    );
}

#[test]
fn missing_is_kept_and_differs_from_zero() {
    for rest in [
        r#""value":null"#,
        r#""value":3,"quality":8"#,
        r#""value":null,"quality":0"#,
    ] {
        let found = one("rainfall", rest).unwrap();
        assert_eq!(
            (found.quality, found.value),
            (Quality::Missing, 0),
            "{rest}"
        );
    }
    let zero = one("rainfall", r#""value":0"#).unwrap();
    assert_eq!((zero.quality, zero.interval_s), (Quality::Unchecked, 60));
    let hour = one("rainfall", r#""value":0,"interval":3600,"quality":1"#).unwrap();
    assert_eq!((hour.quality, hour.interval_s), (Quality::Suspect, 3600));
    assert_eq!(one("temperature", r#""value":1"#).unwrap().interval_s, 0);
    assert!(one("rainfall", r#""value":0,"interval":99999999"#).is_err());
}

#[test]
fn a_station_of_two_zones_is_in_both_and_counted_once() {
    let lines = [
        line("G1", "rainfall", r#""value":1"#),
        line("G2", "rainfall", r#""value":2"#),
        line(LONG_ID, "water_depth", r#""value":0.2"#),
    ];
    let batch = read(&lines.join("\n"));
    let found: Vec<_> = batch
        .zones()
        .map(|(zone, rows)| (zone, rows.iter().map(|row| row.station).collect::<Vec<_>>()))
        .collect();
    let [one, two, three] = [0, 1, 2].map(StationNo);
    assert_eq!(
        found,
        [(Zone(0), vec![one, two]), (Zone(1), vec![two, three])]
    );
    assert_eq!(batch.accepted(), 3);
}

#[test]
fn rejections_are_bounded_and_counted() {
    let body = format!("{}\n", line("G9", "rainfall", r#""value":1"#)).repeat(REJECTIONS_MAX + 5);
    let batch = read(&body);
    assert_eq!(batch.rejected(), REJECTIONS_MAX as u64 + 5);
    assert_eq!(batch.rejections().len(), REJECTIONS_MAX);
}

#[test]
fn buffers_used_again_hold_nothing_of_the_request_before() {
    let (mut registrar, mut batch) = (registrar(), Batch::default());
    let body = line("G1", "rainfall", r#""value":1"#);
    for _ in 0..3 {
        registrar.read(
            &Protocol::Json,
            "",
            body.as_bytes(),
            Framing::Detect,
            arrival(),
            &mut batch,
        );
        assert_eq!(
            (batch.accepted(), batch.duplicates(), batch.rejected()),
            (1, 0, 0)
        );
        assert_eq!(batch.zones().count(), 1);
    }
    registrar.read(
        &Protocol::Json,
        "",
        b"nonsense",
        Framing::Detect,
        arrival(),
        &mut batch,
    );
    assert_eq!(
        (batch.accepted(), batch.rejected(), batch.zones().count()),
        (0, 1, 0)
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Against a model that keeps every record of the request.
    #[test]
    fn duplicates_within_a_request(rows in proptest::collection::vec((0usize..2, 0u8..6, 0u8..3), 0..40)) {
        let ids = ["G1", "G2"];
        let body: Vec<_> = rows
            .iter()
            .map(|(station, minute, value)| {
                line(ids[*station], "rainfall", &format!(r#""value":{value}"#))
                    .replace("13:04", &format!("12:{minute:02}"))
            })
            .collect();
        let batch = read(&body.join("\n"));
        let mut seen = std::collections::BTreeMap::new();
        let duplicates = rows
            .iter()
            .filter(|(station, minute, value)| {
                seen.insert((*station, *minute), *value) == Some(*value)
            })
            .count() as u64;
        prop_assert_eq!(batch.duplicates(), duplicates);
        prop_assert_eq!(batch.accepted(), rows.len() as u64 - duplicates);
    }
}

/// Lines that are mostly like the one before in all but station and value.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let rest = prop_oneof![
        8 => Just(r#""parameter":"rainfall","time":"2023-09-07T13:04:00+08:00""#),
        1 => Just(r#""parameter":"rainfall","unit":"in","interval":600,"time":"2023-09-07T13:04:00+08:00""#),
        1 => Just(r#""parameter":"rainfall","quality":8,"time":"2023-09-07T13:04:00+08:00""#),
        1 => Just(r#""parameter":"pressure","quality":1,"time":"2023-09-07T13:03:00+08:00""#),
        1 => Just(r#""parameter":"rainfall","time":"2023-09-07T18:04:00+08:00""#),
        1 => Just(r#""parameter":"nothing","time":"2023-09-07T13:04:00+08:00""#),
    ];
    let station =
        prop_oneof![6 => Just("G1"), 4 => Just("G2"), 1 => Just(LONG_ID), 1 => Just("G9")];
    let value = prop_oneof![
        6 => (0u32..9000).prop_map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
        1 => Just("-1".to_owned()),
        1 => Just("1e9".to_owned()),
        1 => Just("1e99999999999".to_owned()),
        1 => Just("null".to_owned()),
    ];
    let line = (station, rest, value).prop_map(|(station, rest, value)| {
        format!(r#"{{"station":"{station}",{rest},"value":{value}}}"#)
    });
    prop::collection::vec((line, 1usize..4), 1..30).prop_map(|lines| {
        lines
            .into_iter()
            .flat_map(|(line, times)| vec![line; times])
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_line_comes_to_the_same_after_others_like_it(lines in lines()) {
        let together = read(&lines.join("\n"));
        let mut rejected = Vec::new();
        let mut accepted = std::collections::BTreeSet::new();
        for line in &lines {
            let alone = read(line);
            rejected.extend(alone.rejections().iter().map(|one| one.reason));
            accepted.extend(rows(&alone));
        }
        let reasons: Vec<_> = together.rejections().iter().map(|one| one.reason).collect();
        prop_assert_eq!(reasons, rejected);
        prop_assert_eq!(rows(&together).into_iter().collect::<std::collections::BTreeSet<_>>(), accepted);
    }
}

fn rows(batch: &Batch) -> Vec<String> {
    let rows = batch
        .zones()
        .flat_map(|(zone, rows)| rows.iter().map(move |row| (zone, row)));
    rows.map(|(zone, row)| format!("{zone:?} {row:?}"))
        .collect()
}
