//! Sums, extremes and rates over 1, 3, 6, 24 and 72 hours at a reading a minute: nanoseconds an update
//! in order, late and corrected, nanoseconds for all fifteen figures, bytes a series.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Observation, Parameter, Quality, Span, StationNo, Time};
use rules::window::{Block, Function, Plan};
use std::hint::black_box;

/// The value of a gauge at a minute.
type Shape = fn(usize, i64) -> i32;

const SERIES: usize = 2_000;
const HOURS: [i64; 5] = [1, 3, 6, 24, 72];
const START: i64 = 28_000_000;

fn plan(all: bool) -> Plan {
    let mut plan = Plan::default();
    for hours in HOURS {
        let window = Span::from_minutes(hours * 60);
        plan.add_slot(window);
        if all {
            plan.add_rate(window);
            plan.add_extremes(window);
        }
    }
    plan
}

fn reading(minute: i64, value: i32) -> Observation {
    Observation {
        station: StationNo(0),
        parameter: Parameter::WaterLevel,
        time: Time::from_minute(START + minute),
        value,
        interval_s: 60,
        quality: Quality::Correct,
    }
}

/// A tide with some waves on it.
fn wave(series: usize, minute: i64) -> i32 {
    let tide = (minute + series as i64 * 7) % 745;
    let seed = (series as i64 * 2_654_435_761 + minute * 40_503) % 101;
    ((tide - 372).abs() * 10 + seed) as i32
}

/// A river that falls for days: the largest value leaves every window every minute.
fn fall(_: usize, minute: i64) -> i32 {
    30_000 - minute as i32
}

fn filled(all: bool, value: impl Fn(usize, i64) -> i32) -> Block {
    let mut block = Block::new(plan(all), Parameter::WaterLevel);
    for _ in 0..SERIES {
        block.add(60);
    }
    for minute in 0..4400 {
        for series in 0..SERIES {
            block.place(series, &reading(minute, value(series, minute)));
        }
    }
    block
}

fn bench(c: &mut Criterion) {
    for (name, all) in [("sums", false), ("sums, extremes and rates", true)] {
        let mut block = filled(all, wave);
        println!("{name}: {} bytes a series", block.bytes() / SERIES);
        let mut group = c.benchmark_group(name);
        group
            .sample_size(20)
            .throughput(Throughput::Elements(SERIES as u64));
        let mut minute = 4400;
        group.bench_function("in order", |b| {
            b.iter(|| {
                for series in 0..SERIES {
                    block.place(series, &black_box(reading(minute, wave(series, minute))));
                }
                minute += 1;
            });
        });
        // Of each two minutes the first comes after the second.
        group.throughput(Throughput::Elements(2 * SERIES as u64));
        group.bench_function("half of them late", |b| {
            b.iter(|| {
                for moved in [1, 0] {
                    for series in 0..SERIES {
                        let row = reading(minute + moved, wave(series, minute + moved));
                        block.place(series, &black_box(row));
                    }
                }
                minute += 2;
            });
        });
        group.throughput(Throughput::Elements(SERIES as u64));
        let mut turn = 0;
        group.bench_function("corrected", |b| {
            b.iter(|| {
                turn += 1;
                for series in 0..SERIES {
                    let before = minute - 1 - i64::from(turn % 10);
                    let row = reading(before, wave(series, before) + 1 + turn % 7);
                    block.place(series, &black_box(row));
                }
            });
        });
        group.finish();
    }
    figures(c);
}

/// All fifteen figures of a series, asked for.
fn figures(c: &mut Criterion) {
    let mut group = c.benchmark_group("fifteen figures");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(SERIES as u64));
    let shapes = [("tide", wave as Shape), ("falling river", fall)];
    for (name, value) in shapes {
        let block = filled(true, value);
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut sum = 0;
                for view in (0..SERIES).filter_map(|series| block.view(series)) {
                    let newest = view.newest().unwrap_or_default();
                    for hours in HOURS {
                        let from = newest - Span::from_minutes(hours * 60);
                        for function in [Function::Sum, Function::Max, Function::Rate] {
                            sum += view.figure(function, from, newest, true).number;
                        }
                    }
                }
                black_box(sum)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
