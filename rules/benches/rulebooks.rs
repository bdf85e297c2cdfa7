//! How what an observation costs grows with the rulebook: 100,000 gauges of a hundred kinds.
//!
//! *Ten* rules hold for every gauge, also where they ask for sound readings or for samples. A *thousand* are ten for each kind, so that each reading is still
//! of ten. *A hundred* all hold for every gauge, over windows and bounds of their own.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up ends"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{City, Mode, Observation, Parameter, Quality, StationNo, Time, Zone};
use rules::{Engine, Policy, Rulebook};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

const GAUGES: u32 = 100_000;
const KINDS: u32 = 100;
const START: i64 = 28_000_000;
const SETTINGS: &str = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
    time_zone = \"Asia/Shanghai\"\nzone_level = \"district\"\n[[authority]]\nid = \"44010036000000\"\n\
    name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";

fn city(gauges: u32) -> Arc<City> {
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
    for n in 0..gauges {
        let kind = n % KINDS;
        writeln!(
            stations,
            "G{n:06},试,kind_{kind},113.05,23.05,440101001000,rainfall,60"
        )
        .unwrap();
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

/// A rule of four tiers over two windows and one of the last quarter of an hour.
fn rule(out: &mut String, id: &str, kind: Option<u32>, number: u32, more: &str) {
    let (short, long) = (1 + number % 3, 4 + number % 3);
    let bound = |tier: u32| 20 + 10 * tier + 3 * (number % 10);
    let kinds = kind.map_or(String::new(), |kind| format!("kinds = [\"kind_{kind}\"]\n"));
    write!(
        out,
        "[[rule]]\nid = \"{id}\"\nhazard = \"11B03\"\nname = {{ zh = \"试\" }}\n{kinds}\
         source = {{ document = \"bench\", confidence = \"design-default\" }}\n"
    )
    .unwrap();
    for (tier, name) in (0..).zip(["blue", "yellow", "orange", "red"]) {
        writeln!(
            out,
            "{name} = 'rainfall.sum(\"{short}h\") >= {} || rainfall.sum(\"{long}h\") >= {}'",
            bound(tier),
            bound(tier) * 2
        )
        .unwrap();
    }
    out.push_str("continuing = 'rainfall.sum(\"15m\") >= 3'\npropose_at = 0.9\nlower = { after = \"30m\", below = 0.8 }\n");
    out.push_str(more);
}

fn rulebook(rules: impl Iterator<Item = (String, Option<u32>, u32)>, more: &str) -> Arc<Rulebook> {
    let mut text = String::from("schema = 1\nversion = \"bench\"\n");
    for (id, kind, number) in rules {
        rule(&mut text, &id, kind, number, more);
    }
    Arc::new(
        Rulebook::read(&[("bench.toml".into(), text.into())])
            .unwrap_or_else(|faults| panic!("{faults:?}")),
    )
}

/// Rain on a third of the gauges, a storm on one in fifty.
fn value(station: u32, minute: i64) -> i32 {
    let seed = (u64::from(station) * 2_654_435_761 + minute as u64 * 40_503) % 1009;
    match station / KINDS % 50 {
        0 => (seed % 12) as i32 * 10,
        1..=16 if seed < 100 => 10,
        _ => 0,
    }
}

fn minute_of(engine: &mut Engine, gauges: u32, minute: i64, out: &mut Vec<rules::Effect>) {
    let time = Time::from_minute(START + minute);
    for station in 0..gauges {
        let row = Observation {
            station: StationNo(station),
            parameter: Parameter::Rainfall,
            time,
            value: value(station, minute),
            interval_s: 60,
            quality: Quality::Correct,
        };
        engine.observe(time, &black_box(row), out);
    }
    out.clear();
}

fn bench(c: &mut Criterion) {
    let ten = || (0..10).map(|n| (format!("r{n}"), None, n));
    let thousand =
        (0..KINDS).flat_map(|kind| (0..10).map(move |n| (format!("r{kind}_{n}"), Some(kind), n)));
    let hundred = (0..100).map(|n| (format!("r{n}"), None, n));
    let few = GAUGES / 10;
    let books = [
        ("ten rules, 100,000 gauges", GAUGES, rulebook(ten(), "")),
        (
            "a thousand rules, 100,000 gauges",
            GAUGES,
            rulebook(thousand, ""),
        ),
        ("ten rules, 10,000 gauges", few, rulebook(ten(), "")),
        (
            "a hundred rules at each of 10,000 gauges",
            few,
            rulebook(hundred, ""),
        ),
        (
            "ten rules of sound readings, 10,000 gauges",
            few,
            rulebook(ten(), "qc_min = \"sound\"\n"),
        ),
        (
            "ten rules of two samples in three, 10,000 gauges",
            few,
            rulebook(ten(), "samples = \"2 of 3\"\n"),
        ),
    ];
    let mut group = c.benchmark_group("rulebooks");
    group.sample_size(10);
    for (name, gauges, book) in books {
        let city = city(gauges);
        let mut engine = Engine::new(city, Zone(0), Mode::Actual, book, Policy::Replay);
        let (mut out, mut minute) = (Vec::new(), 0);
        while minute < 120 {
            minute_of(&mut engine, gauges, minute, &mut out);
            minute += 1;
        }
        group.throughput(Throughput::Elements(u64::from(gauges)));
        group.bench_function(name, |b| {
            b.iter(|| {
                minute_of(&mut engine, gauges, minute, &mut out);
                minute += 1;
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
