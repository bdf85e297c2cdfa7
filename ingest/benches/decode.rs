//! What one observation costs on its way in: decoded, registered, screened, with `serde_json` into
//! typed structs beside it in the same run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../tests/city/mod.rs"]
mod city;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ingest::protocol::Framing;
use ingest::protocol::json::Readings;
use ingest::quality::Screen;
use ingest::register::{FUTURE_MAX, Registrar};
use model::{City, Observation, Offset, Time, Zone};
use serde::Deserialize;
use std::fmt::Write;
use std::hint::black_box;

const STATIONS: usize = 10_000;
const MINUTES: usize = 10;

#[derive(Deserialize)]
struct Typed<'a> {
    station: &'a str,
    parameter: &'a str,
    time: &'a str,
    value: Option<f64>,
    unit: Option<&'a str>,
}

fn place() -> City {
    let ids: Vec<_> = (0..STATIONS)
        .map(|number| format!("G{number:05}"))
        .collect();
    let halves = ["west", "east"].into_iter().cycle();
    city::city(
        ids.iter()
            .zip(halves)
            .map(|(id, half)| (id.as_str(), half, "rainfall", "")),
    )
}

/// Lines of about 104 bytes, all stations once a minute in an order that no cache likes.
fn body() -> String {
    let start = Time::parse("2023-09-07T13:00:00+08:00").unwrap().0;
    let mut body = String::new();
    for minute in 0..MINUTES {
        let time = Time::from_minute(start.minute() + minute as i64).display(Offset(480));
        for step in 0..STATIONS {
            let station = step * 7919 % STATIONS;
            let tenths = if step % 4 == 0 { step % 19 } else { 0 };
            let _ = writeln!(
                body,
                "{{\"station\":\"G{station:05}\",\"parameter\":\"rainfall\",\"time\":\"{time}\",\"value\":{}.{},\"unit\":\"mm\"}}",
                tenths / 10,
                tenths % 10
            );
        }
    }
    body
}

fn observations(city: &City, body: &str) -> Vec<Observation> {
    let mut registrar = Registrar::new(city, FUTURE_MAX);
    let arrival = Time::parse("2023-09-07T14:00:00+08:00").unwrap().0;
    Readings::new(body.as_bytes(), Framing::Detect)
        .map(|one| registrar.register(&one.unwrap(), arrival).unwrap())
        .collect()
}

fn benches(criterion: &mut Criterion) {
    let (city, body) = (place(), body());
    let rows = observations(&city, &body);
    let arrival = Time::parse("2023-09-07T14:00:00+08:00").unwrap().0;
    println!("{} bytes an observation", body.len() / rows.len());
    let mut group = criterion.benchmark_group("observation");
    group
        .throughput(Throughput::Elements(rows.len() as u64))
        .sample_size(20);
    group.bench_function("serde_json_typed", |bench| {
        bench.iter(|| {
            for line in body.lines() {
                let typed: Typed<'_> = serde_json::from_str(line).unwrap();
                black_box((
                    typed.station,
                    typed.parameter,
                    typed.time,
                    typed.value,
                    typed.unit,
                ));
            }
        });
    });
    group.bench_function("serde_json_typed_and_time", |bench| {
        bench.iter(|| {
            for line in body.lines() {
                let typed: Typed<'_> = serde_json::from_str(line).unwrap();
                black_box((Time::parse(typed.time).unwrap(), typed.station, typed.value));
            }
        });
    });
    group.bench_function("decode", |bench| {
        bench.iter(|| {
            for reading in Readings::new(body.as_bytes(), Framing::Detect) {
                let _ = black_box(reading);
            }
        });
    });
    let mut registrar = Registrar::new(&city, FUTURE_MAX);
    group.bench_function("decode_and_register", |bench| {
        bench.iter(|| {
            for reading in Readings::new(body.as_bytes(), Framing::Detect) {
                let _ = black_box(reading.map(|reading| registrar.register(&reading, arrival)));
            }
        });
    });
    let mut batch = ingest::register::Batch::default();
    group.bench_function("read_into_batch", |bench| {
        bench.iter(|| {
            let protocol = ingest::protocol::Protocol::Json;
            registrar.read(
                &protocol,
                "",
                body.as_bytes(),
                Framing::Detect,
                arrival,
                &mut batch,
            );
            black_box(batch.accepted());
        });
    });
    let screens: Vec<_> = (0..2).map(|zone| Screen::new(&city, Zone(zone))).collect();
    group.bench_function("screen", |bench| {
        bench.iter_batched_ref(
            || screens.clone(),
            |screens| {
                for row in &rows {
                    let zone = row.station.0 as usize % 2;
                    if let Some(screen) = screens.get_mut(zone) {
                        black_box(screen.step(row.time, row));
                    }
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(decode, benches);
criterion_main!(decode);
