//! Rain on 10,000 gauges: nanoseconds an observation in order and late, bytes a series.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench that cannot be set up ends"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{City, Mode, Observation, Parameter, Quality, StationNo, Time, Zone};
use rules::{Engine, Policy, Rulebook};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

const GAUGES: u32 = 10_000;
const SETTINGS: &str = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
    time_zone = \"Asia/Shanghai\"\nzone_level = \"district\"\n[[authority]]\nid = \"44010036000000\"\n\
    name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";

fn city() -> Arc<City> {
    let square = "[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]";
    let area = |code: &str, level: &str, parent: &str| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"name\":\"试\",\"level\":\"{level}\",\"parent\":{parent}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{square}}}}}"
        )
    };
    let areas = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{},{},{}]}}",
        area("440100000000", "city", "null"),
        area("440101000000", "district", "\"440100000000\""),
        area("440101001000", "township", "\"440101000000\""),
    );
    let mut stations = String::from("id,name,kind,lon,lat,area,parameters,interval\n");
    for n in 0..GAUGES {
        stations.push_str(&format!(
            "G{n:05},试,rain_gauge,113.05,23.05,440101001000,rainfall,60\n"
        ));
    }
    let file = |name: &str| match name {
        "city.toml" => Some(SETTINGS.as_bytes().to_vec()),
        "areas.geojson" => Some(areas.clone().into_bytes()),
        "stations.csv" => Some(stations.clone().into_bytes()),
        "sites.csv" => Some(b"id,name,kind,lon,lat,area,station\n".to_vec()),
        _ => None,
    };
    Arc::new(City::read(file, &[]).unwrap_or_else(|faults| panic!("{faults:?}")))
}

fn rulebook(folder: &str) -> Arc<Rulebook> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(folder)
        .join("rainstorm.toml");
    let bytes = std::fs::read(path).unwrap();
    Arc::new(
        Rulebook::read(&[("rainstorm.toml".into(), bytes)])
            .unwrap_or_else(|faults| panic!("{faults:?}")),
    )
}

fn long_windows() -> Arc<Rulebook> {
    let text = "schema = 1\nversion = \"long\"\n[[rule]]\nid = \"long\"\nhazard = \"11B03\"\nname = { zh = \"试\" }\n\
        source = { document = \"bench\", confidence = \"design-default\" }\n\
        red = 'rainfall.sum(\"1h\") >= 900 || rainfall.sum(\"3h\") >= 900 || rainfall.sum(\"6h\") >= 900 || rainfall.sum(\"24h\") >= 900 || rainfall.sum(\"72h\") >= 9000'\n";
    Arc::new(
        Rulebook::read(&[("long.toml".into(), text.into())])
            .unwrap_or_else(|faults| panic!("{faults:?}")),
    )
}

/// Rain that is zero at most gauges and heavy at some, minute by minute.
fn value(station: u32, minute: i64) -> i32 {
    let seed = (u64::from(station) * 2_654_435_761 + minute as u64 * 40_503) % 1009;
    if station.is_multiple_of(40) {
        (seed % 12) as i32 * 10
    } else if seed < 200 {
        10
    } else {
        0
    }
}

fn observation(station: u32, minute: i64) -> Observation {
    Observation {
        station: StationNo(station),
        parameter: Parameter::Rainfall,
        time: Time::from_minute(28_000_000 + minute),
        value: value(station, minute),
        interval_s: 60,
        quality: Quality::Correct,
    }
}

fn bench(c: &mut Criterion) {
    let city = city();
    let books = [
        ("national", rulebook("rulebooks/national-2007")),
        ("guangdong", rulebook("city/rules")),
        ("72h", long_windows()),
    ];
    for (name, book) in books {
        let mut engine = Engine::new(
            Arc::clone(&city),
            Zone(0),
            Mode::Actual,
            book,
            Policy::Replay,
        );
        let mut out = Vec::new();
        let mut minute = 0i64;
        while minute < 400 {
            for station in 0..GAUGES {
                engine.observe(
                    Time::from_minute(28_000_000 + minute),
                    &observation(station, minute),
                    &mut out,
                );
            }
            out.clear();
            minute += 1;
        }
        println!(
            "{name}: {} bytes a series",
            engine.window_bytes() / engine.series_in_use()
        );
        let mut group = c.benchmark_group(name);
        group
            .sample_size(20)
            .throughput(Throughput::Elements(u64::from(GAUGES)));
        group.bench_function("in order", |b| {
            b.iter(|| {
                for station in 0..GAUGES {
                    engine.observe(
                        Time::from_minute(28_000_000 + minute),
                        &black_box(observation(station, minute)),
                        &mut out,
                    );
                }
                out.clear();
                minute += 1;
            });
        });
        // Every other minute comes after the one that follows it: half of these are late.
        group.throughput(Throughput::Elements(2 * u64::from(GAUGES)));
        group.bench_function("half of them late", |b| {
            b.iter(|| {
                for moved in [1, 0] {
                    for station in 0..GAUGES {
                        let at = Time::from_minute(28_000_000 + minute + 1);
                        let row = black_box(observation(station, minute + moved));
                        engine.observe(at, &row, &mut out);
                    }
                }
                out.clear();
                minute += 2;
            });
        });
        let mut turn = 0;
        group.throughput(Throughput::Elements(u64::from(GAUGES)));
        group.bench_function("corrected", |b| {
            b.iter(|| {
                turn += 1;
                for station in 0..GAUGES {
                    let mut row = observation(station, minute - 1 - i64::from(turn % 10));
                    row.value += turn % 7 * 10;
                    let at = Time::from_minute(28_000_000 + minute);
                    engine.observe(at, &black_box(row), &mut out);
                }
                out.clear();
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
