//! Every condition of the shipped rulebooks: nanoseconds each, once the figures it asks for are there.
//!
//! Figures of windows come out of windows full of readings; an indicator's or a forecast's, which is
//! more than a window of one series, stands as a fraction of the same kind. Relaxed and proposed forms
//! differ from these in their bounds alone.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up ends"
)]

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Observation, Offset, Parameter, Quality, Span, StationNo, Tier, Time};
use rules::Rulebook;
use rules::condition::{Call, Program, Relaxation, Scope, Situated, compile};
use rules::indicator::Indicator;
use rules::window::{Block, Function, Plan, Value, Window};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// Gauges whose figures each condition is evaluated at, one after the other.
const GAUGES: usize = 64;
/// Evaluations timed at once, and how often; the least time counts, since what others do only adds.
const ROUNDS: usize = 200;
const REPEATS: usize = 15;
/// Minutes of readings in each window: seven days.
const MINUTES: i64 = 7 * 24 * 60;
const START: i64 = 28_000_000;
const OFFSET: Offset = Offset(480);
/// Longest of those that are named one by one.
const NAMED: usize = 8;
/// Nanoseconds asked of each.
const ASKED_NS: f64 = 50.0;

/// A condition with what it reads at each gauge.
struct Condition {
    name: String,
    program: Program,
    values: Vec<Vec<Value>>,
    sites: Vec<Option<i64>>,
    tiers: Vec<Tier>,
}

fn toml_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn rulebooks() -> Vec<(String, Rulebook)> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let named = fs::read_dir(testdata.join("rulebooks")).unwrap();
    let mut folders: Vec<PathBuf> = named.map(|entry| entry.unwrap().path()).collect();
    folders.push(testdata.join("city/rules"));
    folders.sort();
    let read = |folder: PathBuf| {
        let book =
            Rulebook::read(&toml_files(&folder)).unwrap_or_else(|faults| panic!("{faults:?}"));
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        (name, book)
    };
    folders.into_iter().map(read).collect()
}

/// A week of readings of a parameter at every gauge, with the windows that are asked for.
fn filled(parameter: Parameter) -> Block {
    let mut plan = Plan::default();
    plan.add_scan(Span::from_minutes(MINUTES));
    let mut block = Block::new(plan, parameter);
    for gauge in 0..GAUGES {
        block.add(60);
        for minute in 0..MINUTES {
            let seed = (gauge as i64 * 2_654_435_761 + minute * 40_503) % 1009;
            let value = if parameter == Parameter::Rainfall {
                (seed - 800).max(0) / 10
            } else {
                (minute % 745 - 372).abs() * (5 + gauge as i64) + seed / 10
            };
            let reading = Observation {
                station: StationNo(0),
                parameter,
                time: Time::from_minute(START + minute),
                value: i32::try_from(value).unwrap(),
                interval_s: 60,
                quality: Quality::Correct,
            };
            block.place(gauge, &reading);
        }
    }
    block
}

/// What a call comes to at a gauge.
fn figure(call: &Call, block: &Block, gauge: usize) -> Value {
    let view = block.view(gauge).unwrap();
    let time = view.newest().unwrap();
    let over = |function, window: Option<Window>| {
        let from = window.map_or(time, |window| window.start(time, OFFSET));
        view.figure(function, from, time, true)
    };
    let day = over(
        Function::Sum,
        Some(Window::Rolling(Span::from_minutes(24 * 60))),
    )
    .number;
    let share = |number: i128, of: i128| Value {
        number,
        of,
        covered: true,
    };
    match call.reading.function {
        Function::Indicator(Indicator::Effective(_)) => share(day * 1_300_000_007, 1_000_000_000),
        Function::Indicator(Indicator::Exceedance(_)) => share(day * 1000, 4321),
        Function::Indicator(_) | Function::Expected(_) => share(day % 20_000, 1),
        function @ (Function::Last
        | Function::Sum
        | Function::Max
        | Function::Min
        | Function::Mean
        | Function::Delta
        | Function::Rate
        | Function::Count
        | Function::Age) => over(function, call.reading.window),
    }
}

fn conditions() -> Vec<Condition> {
    let mut blocks: BTreeMap<Parameter, Block> = BTreeMap::new();
    let mut found = Vec::new();
    for (folder, book) in rulebooks() {
        for rule in &book.rules {
            let keys = Tier::WARNING.map(Tier::name).into_iter();
            for key in keys.chain(["continuing", "lower.when"]) {
                let Some(text) = rule.conditions.get(key) else {
                    continue;
                };
                let mut scope = Scope::default();
                let program = compile(text, Relaxation::None, &mut scope)
                    .unwrap_or_else(|error| panic!("{text}: {error}"));
                let values = |gauge| {
                    let mut value = |call: &Call| {
                        let parameter = call.reading.parameter;
                        let block = blocks.entry(parameter).or_insert_with(|| filled(parameter));
                        figure(call, block, gauge)
                    };
                    scope.calls.iter().map(&mut value).collect()
                };
                let values = (0..GAUGES).map(values).collect();
                found.push(Condition {
                    name: format!("{folder} {} {key}: {text}", rule.id),
                    program,
                    values,
                    sites: vec![Some(2_000_000_000); scope.sites.len()],
                    tiers: vec![Tier::Orange; scope.asked.len()],
                });
            }
        }
    }
    found
}

/// Evaluates a condition at every gauge.
#[inline(never)]
fn at_all(condition: &Condition) -> usize {
    let mut held = 0;
    for values in &condition.values {
        let at = Situated {
            values: black_box(values),
            sites: &condition.sites,
            tiers: &condition.tiers,
            lowering: false,
        };
        held += black_box(condition.program.evaluate(&at)) as usize;
    }
    held
}

/// Nanoseconds an evaluation, the least of several.
fn ns(condition: &Condition) -> f64 {
    let once = || {
        let start = WallTime.start();
        for _ in 0..ROUNDS {
            black_box(at_all(black_box(condition)));
        }
        WallTime.end(start).as_nanos() as f64 / (ROUNDS * GAUGES) as f64
    };
    (0..REPEATS).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn bench(c: &mut Criterion) {
    let conditions = conditions();
    let mut each: Vec<(f64, &Condition)> = conditions.iter().map(|one| (ns(one), one)).collect();
    each.sort_by(|a, b| b.0.total_cmp(&a.0));
    let count = each.len();
    let mean = each.iter().map(|(ns, _)| ns).sum::<f64>() / count as f64;
    let most = each.first().map_or(0.0, |(ns, _)| *ns);
    let middle = each.get(count / 2).map_or(0.0, |(ns, _)| *ns);
    let over = each.iter().filter(|(ns, _)| *ns > ASKED_NS).count();
    println!(
        "{count} conditions: mean {mean:.1} ns, median {middle:.1} ns, maximum {most:.1} ns, {over} of them over {ASKED_NS} ns"
    );
    for (ns, condition) in each.iter().take(NAMED) {
        println!("{ns:7.1} ns  {}", condition.name);
    }
    let mut group = c.benchmark_group("conditions");
    group
        .sample_size(20)
        .throughput(Throughput::Elements((count * GAUGES) as u64));
    group.bench_function("all of them, each at 64 gauges", |b| {
        b.iter(|| conditions.iter().map(at_all).sum::<usize>());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
