//! Forecasts as written, and everything that is none.

use super::{Read, read};
use model::{City, Forecast, ForecastPlace, Quadrants};
use proptest::prelude::*;

fn city() -> City {
    let square = |x: f64| {
        format!(
            "[[[{x},23.0],[{0},23.0],[{0},23.1],[{x},23.1],[{x},23.0]]]",
            x + 0.1
        )
    };
    let area = |code: &str, level: &str, parent: &str, at: f64| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"name\":\"试\",\"level\":\"{level}\",\"parent\":{parent}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{}}}}}",
            square(at)
        )
    };
    let areas = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{},{},{}]}}",
        area("440100000000", "city", "null", 113.0),
        area("440101000000", "district", "\"440100000000\"", 113.0),
        area("440101001000", "township", "\"440101000000\"", 113.0),
    );
    let settings = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
        time_zone = \"Asia/Shanghai\"\nzone_level = \"district\"\n[[authority]]\nid = \"44010036000000\"\n\
        name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";
    let file = |name: &str| {
        match name {
        "city.toml" => Some(settings.as_bytes().to_vec()),
        "areas.geojson" => Some(areas.clone().into_bytes()),
        "stations.csv" => Some(
            b"id,name,kind,lon,lat,area,parameters,interval\nG1,g,rain_gauge,113.05,23.05,440101001000,rainfall,60\n".to_vec(),
        ),
        "sites.csv" => Some(b"id,name,kind,lon,lat,area,station\n".to_vec()),
        _ => None,
    }
    };
    City::read(file, &[]).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn steps(read: &Read) -> Vec<(ForecastPlace, Vec<i32>)> {
    let series = read.forecasts.iter().filter_map(|forecast| match forecast {
        Forecast::Series(series) => Some(series),
        Forecast::Track(_) => None,
    });
    series
        .map(|series| {
            (
                series.place,
                series.steps.iter().map(|step| step.value).collect(),
            )
        })
        .collect()
}

fn said(read: &Read) -> String {
    let faults = read.faults.iter().map(ToString::to_string);
    faults.collect::<Vec<_>>().join("\n")
}

const HEAD: &str = "\"issued\":\"2025-06-01T08:00:00+08:00\",\"source\":\"穗城气象台\"";

#[test]
fn the_same_series_in_every_form() {
    let city = city();
    let json = format!(
        "{{{HEAD},\"parameter\":\"rainfall\",\"area\":\"440101001000\",\"unit\":\"cm\",\"steps\":[\
        {{\"from\":\"2025-06-01T08:00:00+08:00\",\"to\":\"2025-06-01T09:00:00+08:00\",\"value\":1.25}},\
        {{\"from\":\"2025-06-01T09:00:00+08:00\",\"to\":\"2025-06-01T10:00:00+08:00\",\"value\":0}}]}}"
    );
    let regular = format!(
        "[{{{HEAD},\"parameter\":\"rainfall\",\"area\":\"440101001000\",\"start\":\"2025-06-01T08:00:00+08:00\",\"step\":\"1h\",\"values\":[12.5,0,null]}}]"
    );
    let csv = "source,issued,parameter,area,station,from,to,value\n\
        穗城气象台,2025-06-01T08:00:00+08:00,rainfall,440101001000,,2025-06-01T09:00:00+08:00,2025-06-01T10:00:00+08:00,0\n\
        穗城气象台,2025-06-01T08:00:00+08:00,rainfall,440101001000,,2025-06-01T08:00:00+08:00,2025-06-01T09:00:00+08:00,12.5\n";
    let drawn = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[113.02,23.02],[113.3,23.02],[113.3,23.3],[113.02,23.02]]]}},\"properties\":{{{HEAD},\"parameter\":\"rainfall\",\"start\":\"2025-06-01T08:00:00+08:00\",\"step\":\"1h\",\"values\":[12.5,0]}}}}]}}"
    );
    let wanted = read("json", json.as_bytes(), &city);
    assert_eq!(said(&wanted), "");
    let place = ForecastPlace::Area(
        city.areas
            .iter()
            .find(|area| area.code.to_string() == "440101001000")
            .unwrap()
            .code,
    );
    assert_eq!(steps(&wanted), [(place, vec![1250, 0])]);
    for (name, text) in [("regular", &*regular), ("csv", csv), ("drawn", &*drawn)] {
        let found = read(name, text.as_bytes(), &city);
        assert_eq!(said(&found), "", "{name}");
        assert_eq!(found.forecasts, wanted.forecasts, "{name}");
    }
}

#[test]
fn tracks_with_circles_and_with_none() {
    let city = city();
    let json = format!(
        "{{{HEAD},\"storm\":\"1713\",\"name\":{{\"zh\":\"天鸽\",\"en\":\"Hato\"}},\"points\":[\
        {{\"time\":\"2017-08-23T00:00:00+08:00\",\"lon\":116.1,\"lat\":20.9,\"wind\":35,\"pressure\":965,\"circles\":{{\"7\":[250,180,150,220],\"10\":80}}}},\
        {{\"time\":\"2017-08-23T12:00:00+08:00\",\"lon\":113.4,\"lat\":22.0,\"wind\":45}}]}}"
    );
    let found = read("json", json.as_bytes(), &city);
    assert_eq!(said(&found), "");
    let [Forecast::Track(track)] = found.forecasts.as_slice() else {
        panic!("{found:?}");
    };
    let [first, second] = track.points.as_slice() else {
        panic!("{track:?}");
    };
    let quadrants = Quadrants {
        ne: 250,
        se: 180,
        sw: 150,
        nw: 220,
    };
    assert_eq!(
        first.circles,
        [Some(quadrants), Some(Quadrants::round(80)), None]
    );
    assert!(!first.is_estimated && second.is_estimated);
    // 46.4·exp(−0.0155·45 + 0.0169·22) = 33.5 km; times (45/13.9)² is 351.
    assert_eq!(
        second.circles,
        [
            Some(Quadrants::round(351)),
            Some(Quadrants::round(113)),
            Some(Quadrants::round(63))
        ]
    );
    let rows = "issued,source,storm,name,time,lon,lat,wind,pressure,r7,r10,r12\n\
        2017-08-23T00:00:00+08:00,m,1713,Hato,2017-08-23T00:00:00+08:00,116.1,20.9,35,965,200,,\n\
        2017-08-23T00:00:00+08:00,m,1713,Hato,2017-08-23T12:00:00+08:00,113.4,22.0,45,,,,\n\
        2017-08-24T00:00:00+08:00,m,1713,Hato,,,,,,,,\n";
    let found = read("csv", rows.as_bytes(), &city);
    assert_eq!(said(&found), "");
    let points = found.forecasts.iter().map(|forecast| match forecast {
        Forecast::Track(track) => track.points.len(),
        Forecast::Series(_) => panic!("a series"),
    });
    assert_eq!(points.collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn a_fault_costs_its_forecast_and_no_other() {
    let city = city();
    let good = |code: &str| {
        format!(
            "{{{HEAD},\"parameter\":\"rainfall\",\"area\":\"{code}\",\"start\":\"2025-06-01T08:00:00+08:00\",\"step\":\"1h\",\"values\":[1]}}"
        )
    };
    let lines = [
        good("440101001000"),
        "{broken".into(),
        good("440199000000"),
        good("440101000000").replace("rainfall", "rainfal"),
        good("440101000000").replace("\"1h\"", "\"later\""),
        good("440101000000").replace("[1]", "[\"a\"]"),
        good("440101000000"),
    ];
    let found = read("f.ndjson", lines.join("\n").as_bytes(), &city);
    assert_eq!(found.forecasts.len(), 2);
    let faults: Vec<_> = found.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(
        faults,
        [Some(2), Some(3), Some(4), Some(5), Some(6)],
        "{}",
        said(&found)
    );
    let overlapping = "issued,source,parameter,station,from,to,value\n\
        2025-06-01T08:00:00+08:00,m,rainfall,G1,2025-06-01T08:00:00+08:00,2025-06-01T10:00:00+08:00,1\n\
        2025-06-01T08:00:00+08:00,m,rainfall,G1,2025-06-01T09:00:00+08:00,2025-06-01T11:00:00+08:00,1\n";
    let found = read("f.csv", overlapping.as_bytes(), &city);
    assert!(
        found.forecasts.is_empty() && said(&found).contains("overlap"),
        "{}",
        said(&found)
    );
}

#[test]
fn a_value_that_cannot_be_costs_its_step() {
    let city = city();
    // Codes for missing, and a sign that rain does not have.
    let rows = format!(
        "{{{HEAD},\"parameter\":\"rainfall\",\"area\":\"440101000000\",\"start\":\"2025-06-01T08:00:00+08:00\",\"step\":\"1h\",\"values\":[1,99999,-50,null,2]}}"
    );
    let found = read("f.ndjson", rows.as_bytes(), &city);
    let values: Vec<_> = steps(&found)
        .into_iter()
        .map(|(_, values)| values)
        .collect();
    assert_eq!(values, [[100, 200]]);
    let [high, low] = found.faults.as_slice() else {
        panic!("{}", said(&found));
    };
    assert_eq!((high.line, high.field.as_str()), (Some(1), "value"));
    assert!(
        high.what.contains("99999") && low.what.contains("-50"),
        "{}",
        said(&found)
    );
    assert!(high.remedy.contains("within 0 and 2000"), "{}", high.remedy);
    let rows = "issued,source,parameter,station,from,to,value,unit\n\
        2025-06-01T08:00:00+08:00,m,rainfall,G1,2025-06-01T08:00:00+08:00,2025-06-01T09:00:00+08:00,0.2,m\n\
        2025-06-01T08:00:00+08:00,m,rainfall,G1,2025-06-01T09:00:00+08:00,2025-06-01T10:00:00+08:00,20,m\n";
    let found = read("f.csv", rows.as_bytes(), &city);
    let values: Vec<_> = steps(&found)
        .into_iter()
        .map(|(_, values)| values)
        .collect();
    assert_eq!(values, [[20_000]]);
    assert_eq!(
        found.faults.iter().map(|f| f.line).collect::<Vec<_>>(),
        [Some(3)]
    );
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let city = city();
        let _ = read("f", text.as_bytes(), &city);
        let _ = read("f", &bytes, &city);
    }
}
