//! Windows against a naive model that keeps everything in one list.

use model::{Observation, Offset, Parameter, Quality, Span, StationNo, Time};
use proptest::prelude::*;
use rules::window::{Block, Function, Placed, Plan, SHARED_LAG, Value, View, Window};
use std::collections::BTreeMap;

const WINDOWS: [i64; 6] = [30, 60, 600, 3600, 5400, 10_800];
const KEEP_MS: i64 = 10_800_000;
const SLACK_MS: i64 = rules::window::SLACK_MINUTES * 60_000;

#[derive(Clone, Copy, Debug)]
struct Row {
    value: i32,
    interval_s: u32,
    suspect: bool,
}

/// Everything that came, by time.
#[derive(Default)]
struct Naive {
    rows: BTreeMap<i64, Row>,
    newest: i64,
}

impl Naive {
    fn place(&mut self, o: &Observation) {
        let time = o.time.millis();
        let usable = o.quality.is_usable();
        // The same value again keeps its suspicion, unless a person lifts it.
        let keeps =
            |held: &Row| held.suspect && held.value == o.value && o.quality != Quality::Corrected;
        let row = Row {
            value: o.value,
            interval_s: o.interval_s,
            suspect: o.quality == Quality::Suspect || self.rows.get(&time).is_some_and(keeps),
        };
        if usable {
            self.rows.insert(time, row);
            self.newest = self.newest.max(time);
        } else {
            self.rows.remove(&time);
        }
    }

    fn within(&self, from: i64, to: i64, suspects: bool) -> Vec<(i64, Row)> {
        self.rows
            .range(from + 1..=to)
            .map(|(time, row)| (*time, *row))
            .filter(|(_, row)| {
                i64::from(row.interval_s) * 1000 <= to - from && (suspects || !row.suspect)
            })
            .collect()
    }

    fn ask(&self, function: Function, from: i64, to: i64, suspects: bool) -> Option<(i128, i128)> {
        let before = self
            .rows
            .range(..=to)
            .rfind(|(_, row)| suspects || !row.suspect);
        let rows = self.within(from, to, suspects);
        let values = || rows.iter().map(|(_, row)| i128::from(row.value));
        let n = rows.len() as i128;
        match function {
            Function::Last => before.map(|(_, row)| (i128::from(row.value), 1)),
            Function::Age => before.map(|(time, _)| (i128::from(to - time), 1)),
            _ if rows.is_empty() => None,
            Function::Sum => Some((values().sum(), 1)),
            Function::Count => Some((n, 1)),
            Function::Max => Some((values().max()?, 1)),
            Function::Min => Some((values().min()?, 1)),
            Function::Mean => Some((values().sum(), n)),
            Function::Delta => Some((values().next_back()? - values().next()?, 1)),
            Function::Indicator(_) | Function::Expected(_) => None,
            Function::Rate => {
                // From the newest backwards: another origin than the engine's gives the same slope.
                let x = |time: i64| i128::from(time - to);
                let (sx, sy) = (
                    rows.iter().map(|(t, _)| x(*t)).sum::<i128>(),
                    values().sum::<i128>(),
                );
                let sxx: i128 = rows.iter().map(|(t, _)| x(*t) * x(*t)).sum();
                let sxy: i128 = rows
                    .iter()
                    .map(|(t, row)| x(*t) * i128::from(row.value))
                    .sum();
                let of = n * sxx - sx * sx;
                (of > 0).then(|| ((n * sxy - sx * sy) * 3_600_000, of))
            }
        }
    }

    fn covered(&self, from: i64, to: i64) -> bool {
        let cover: i64 = self
            .within(from, to, true)
            .iter()
            .map(|(_, row)| {
                if row.interval_s == 0 {
                    60_000
                } else {
                    i64::from(row.interval_s) * 1000
                }
            })
            .sum();
        cover * 10 >= (to - from) * 8
    }
}

fn same(found: Value, wanted: Option<(i128, i128)>) -> bool {
    match wanted {
        None => !found.is_known(),
        Some((number, of)) => found.is_known() && found.number * of == number * found.of,
    }
}

/// Mostly minute by minute, with late, early, repeated, corrected, odd-second and flagged values.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let step = prop_oneof![20 => Just(60_000i64), 2 => 0i64..900_000, 1 => Just(7_200_000)];
    let back = prop_oneof![12 => Just(0i64), 2 => (1i64..200).prop_map(|m| m * 60_000), 1 => 1i64..9_000_000];
    let value = prop_oneof![10 => 0i32..300, 1 => -50_000i32..200_000];
    let interval = prop_oneof![20 => Just(60u32), 1 => Just(0), 1 => Just(3600), 1 => Just(7200)];
    let quality = prop_oneof![
        20 => Just(Quality::Correct),
        2 => Just(Quality::Suspect),
        1 => Just(Quality::Corrected),
        1 => Just(Quality::Wrong),
        1 => Just(Quality::Missing)
    ];
    prop::collection::vec((step, back, value, interval, quality), 1..250).prop_map(|rows| {
        let mut now = 1_694_080_800_000i64;
        rows.into_iter()
            .map(|(step, back, value, interval_s, quality)| {
                now += step;
                Observation {
                    station: StationNo(0),
                    parameter: Parameter::WaterDepth,
                    time: Time::from_millis(now - back),
                    value,
                    interval_s,
                    quality,
                }
            })
            .collect()
    })
}

const FUNCTIONS: [Function; 9] = [
    Function::Last,
    Function::Sum,
    Function::Max,
    Function::Min,
    Function::Mean,
    Function::Delta,
    Function::Rate,
    Function::Count,
    Function::Age,
];

fn plan(scans: bool, keeps: bool) -> Plan {
    let mut plan = Plan::default();
    for seconds in WINDOWS {
        let window = Span::from_seconds(seconds);
        plan.add_slot(window);
        if keeps {
            plan.add_rate(window);
            plan.add_extremes(window);
        }
    }
    if scans {
        plan.add_scan(Span::from_millis(KEEP_MS));
    }
    plan
}

/// Every figure of every window at the newest reading.
fn agrees(series: View<'_>, naive: &Naive) -> Result<(), TestCaseError> {
    let newest = naive.newest;
    prop_assert_eq!(series.newest().map(Time::millis), Some(newest));
    for (slot, seconds) in WINDOWS.into_iter().enumerate() {
        let from = newest - seconds * 1000;
        for suspects in [true, false] {
            for function in FUNCTIONS {
                let recent = naive
                    .rows
                    .range(from + 1..)
                    .any(|(_, row)| suspects || !row.suspect);
                if matches!(function, Function::Last | Function::Age) && !recent {
                    continue;
                }
                let found = series.scan(
                    function,
                    Time::from_millis(from),
                    Time::from_millis(newest),
                    suspects,
                );
                let wanted = naive.ask(function, from, newest, suspects);
                prop_assert!(
                    same(found, wanted),
                    "{:?} {}s {:?} {:?}",
                    function,
                    seconds,
                    found,
                    wanted
                );
                // At the newest reading, and where the windows have moved on without one.
                for after in [0, 60_000, 150_000, 4_000_000] {
                    let (from, to) = (from + after, newest + after);
                    let times = [from, to].map(Time::from_millis);
                    let found = series.figure(function, times[0], times[1], suspects);
                    let wanted = naive.ask(function, from, to, suspects);
                    prop_assert!(
                        same(found, wanted),
                        "{:?} {}s after {} {:?} {:?}",
                        function,
                        seconds,
                        after,
                        found,
                        wanted
                    );
                    let is_of_window = !matches!(function, Function::Last | Function::Age);
                    if suspects && is_of_window && found.is_known() {
                        prop_assert_eq!(found.covered, naive.covered(from, to));
                    }
                }
            }
            for function in [Function::Sum, Function::Mean, Function::Count] {
                let found = series.running(function, slot, suspects);
                let wanted = naive.ask(function, from, newest, suspects);
                prop_assert!(
                    same(found, wanted),
                    "running {:?} {}s {:?} {:?}",
                    function,
                    seconds,
                    found,
                    wanted
                );
                if suspects && found.is_known() {
                    prop_assert_eq!(found.covered, naive.covered(from, newest));
                }
            }
        }
    }
    Ok(())
}

/// Places a reading in both; false where the naive model knows no more than the series.
fn place(
    block: &mut Block,
    column: usize,
    naive: &mut Naive,
    row: &Observation,
) -> Result<bool, TestCaseError> {
    let time = row.time.millis();
    let placed = block.place(column, row);
    // A series that has forgotten a time cannot be asked to correct it.
    let forgotten = naive.newest != i64::MIN && time <= naive.newest - KEEP_MS;
    match placed {
        Placed::TooOld => prop_assert!(time <= naive.newest - KEEP_MS - SLACK_MS),
        _ if forgotten => {}
        Placed::New | Placed::Late | Placed::Corrected | Placed::Duplicate | Placed::Unusable => {
            naive.place(row)
        }
    }
    Ok(!forgotten && !naive.rows.is_empty())
}

/// Gauges that go their own ways: each value is the minutes that its gauge moves on before it
/// speaks, so that some lag behind, leap past the others, and come back.
fn paces() -> impl Strategy<Value = Vec<(usize, i64, i32)>> {
    let lag = SHARED_LAG;
    let step =
        prop_oneof![30 => Just(1i64), 3 => -3i64..4, 2 => lag - 3..lag + 3, 1 => 200i64..400];
    prop::collection::vec((0usize..4, step, 0i32..300), 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn windows_agree_with_the_naive_model(
        rows in observations(), rain in any::<bool>(), scans in any::<bool>(), keeps in any::<bool>(),
    ) {
        let parameter = if rain { Parameter::Rainfall } else { Parameter::WaterDepth };
        let mut block = Block::new(plan(scans, keeps), parameter);
        let column = block.add(60);
        let mut naive = Naive { newest: i64::MIN, ..Naive::default() };
        for row in rows {
            if place(&mut block, column, &mut naive, &row)? {
                agrees(block.view(column).unwrap(), &naive)?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn series_side_by_side_keep_their_own_times(paces in paces(), others in observations(), keeps in any::<bool>()) {
        let mut block = Block::new(plan(false, keeps), Parameter::WaterDepth);
        let columns: Vec<usize> = (0..5).map(|_| block.add(60)).collect();
        let mut naives: Vec<Naive> = columns.iter().map(|_| Naive { newest: i64::MIN, ..Naive::default() }).collect();
        let mut minutes = [28_234_680i64; 4];
        let mut others = others.into_iter();
        for (at, step, value) in paces {
            minutes[at] += step;
            let row = Observation {
                station: StationNo(0),
                parameter: Parameter::WaterDepth,
                time: Time::from_minute(minutes[at]),
                value,
                interval_s: 60,
                quality: Quality::Correct,
            };
            place(&mut block, columns[at], &mut naives[at], &row)?;
            // The fifth does everything that the one above does, among them.
            if let Some(other) = others.next() {
                place(&mut block, columns[4], &mut naives[4], &other)?;
            }
            for (column, naive) in columns.iter().zip(&naives).filter(|(_, naive)| !naive.rows.is_empty()) {
                if *column == columns[at] {
                    agrees(block.view(*column).unwrap(), naive)?;
                }
            }
        }
        for (column, naive) in columns.iter().zip(&naives).filter(|(_, naive)| !naive.rows.is_empty()) {
            agrees(block.view(*column).unwrap(), naive)?;
        }
    }
}

#[test]
fn calendar_days_begin_at_eight() {
    let window = Window::Calendar {
        days: 1,
        minute: 8 * 60,
    };
    let start = |text: &str| {
        window
            .start(Time::parse(text).unwrap().0, Offset(480))
            .display(Offset(480))
    };
    assert_eq!(
        start("2023-09-07T13:04:00+08:00"),
        "2023-09-07T08:00:00+08:00"
    );
    assert_eq!(
        start("2023-09-07T08:00:00+08:00"),
        "2023-09-06T08:00:00+08:00"
    );
    assert_eq!(
        start("2023-09-07T08:00:01+08:00"),
        "2023-09-07T08:00:00+08:00"
    );
    let three = Window::Calendar {
        days: 3,
        minute: 8 * 60,
    };
    let time = Time::parse("2023-09-07T13:04:00+08:00").unwrap().0;
    assert_eq!(
        three.start(time, Offset(480)).display(Offset(480)),
        "2023-09-05T08:00:00+08:00"
    );
}

#[test]
fn three_days_of_minute_rain_take_at_most_nine_kilobytes() {
    assert!(
        bytes_a_series(|plan, window| {
            plan.add_slot(window);
        }) <= 9_000
    );
}

/// Extremes and rates beside the sums: nine kilobytes of 1,024, and a quarter of a percent.
#[test]
fn rates_and_extremes_of_three_days_take_little_more() {
    let all = bytes_a_series(|plan, window| {
        plan.add_rate(window);
        plan.add_extremes(window);
    });
    assert!(all <= 9_240, "{all}");
}

fn bytes_a_series(ask: impl Fn(&mut Plan, Span)) -> usize {
    let mut plan = Plan::default();
    for hours in [1, 3, 6, 24, 72] {
        ask(&mut plan, Span::from_minutes(hours * 60));
    }
    const GAUGES: usize = 64;
    let mut block = Block::new(plan, Parameter::Rainfall);
    let columns: Vec<usize> = (0..GAUGES).map(|_| block.add(60)).collect();
    for minute in 0..5000i64 {
        let observation = Observation {
            station: StationNo(0),
            parameter: Parameter::Rainfall,
            time: Time::from_minute(28_000_000 + minute),
            value: (minute % 7) as i32 * 10,
            interval_s: 60,
            quality: Quality::Correct,
        };
        for column in &columns {
            block.place(*column, &observation);
        }
    }
    block.bytes() / GAUGES
}
