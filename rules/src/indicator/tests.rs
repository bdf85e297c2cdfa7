//! Every indicator against a model that keeps a list of all that came and computes from it plainly.

use super::effective::Decay;
use super::exceedance::Curve;
use super::inverse_velocity::Estimate;
use super::spell::Spell;
use super::{Bound, Indicator, NEVER, PER_UNIT, Source};
use crate::window::{Block, Function, Placed, Plan, Value, Window};
use model::{Climate, Observation, Offset, Parameter, Quality, Span, StationNo, Time};
use proptest::prelude::*;
use std::collections::BTreeMap;

const OFFSET: Offset = Offset(480);
const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const DAYS: u16 = 30;
const EIGHT: u16 = 480;

/// All that stands, by time: value, interval in seconds, suspect.
#[derive(Default)]
struct Naive(BTreeMap<i64, (i32, u32, bool)>);

impl Naive {
    fn within(&self, from: i64, to: i64, suspects: bool) -> Vec<(i64, i32, u32)> {
        let rows = self.0.range(from + 1..=to);
        rows.filter(|(_, row)| suspects || !row.2)
            .map(|(time, row)| (*time, row.0, row.1))
            .collect()
    }

    /// Readings of the local day `ago` days before that of `now`, up to `now`, and how long it is.
    fn day(&self, now: i64, minute: u16, ago: i64, suspects: bool) -> (Vec<(i64, i32, u32)>, i64) {
        let shift = i64::from(minute) * 60_000 - 480 * 60_000;
        // (start, start + day] holds now.
        let mut start = shift;
        while start + DAY < now {
            start += DAY;
        }
        let from = start - ago * DAY;
        let to = (from + DAY).min(now);
        (self.within(from, to, suspects), to - from)
    }
}

fn covers(rows: &[(i64, i32, u32)]) -> i64 {
    rows.iter().map(|row| i64::from(row.2) * 1000).sum()
}

fn plan(minute: u16) -> Plan {
    let mut plan = Plan::default();
    for hours in [1, 3, 6, 12, 24, 48, 72] {
        plan.add_slot(Span::from_minutes(hours * 60));
    }
    assert!(plan.add_days(DAYS, minute));
    plan.add_scan(Span::from_minutes(24 * 60));
    plan.at(OFFSET)
}

/// Ten-minute steps with leaps over hours and days; late, corrected, flagged; times near the day's turn.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let step =
        prop_oneof![12 => Just(10 * 60_000i64), 6 => Just(HOUR), 2 => 0..9 * HOUR, 1 => 0..3 * DAY];
    let back =
        prop_oneof![10 => Just(0i64), 3 => (0i64..200).prop_map(|n| n * 600_000), 1 => 0..4 * DAY];
    let value = prop_oneof![4 => Just(0i32), 4 => 0i32..900, 1 => 0i32..9000];
    let interval = prop_oneof![20 => Just(600u32), 2 => Just(3600), 1 => Just(86_400)];
    let quality = prop_oneof![
        30 => Just(Quality::Correct),
        2 => Just(Quality::Suspect),
        1 => Just(Quality::Corrected),
        1 => Just(Quality::Wrong)
    ];
    prop::collection::vec((step, back, value, interval, quality), 1..160).prop_map(|rows| {
        let mut now = 1_694_044_800_000i64;
        let rows = rows.into_iter();
        rows.map(|(step, back, value, interval_s, quality)| {
            now += step;
            Observation {
                station: StationNo(0),
                parameter: Parameter::Rainfall,
                time: Time::from_millis((now - back).div_euclid(1000) * 1000),
                value,
                interval_s,
                quality,
            }
        })
        .collect()
    })
}

/// Feeds both; calls `check` after each reading with what both hold then.
fn feed(
    rows: &[Observation],
    minute: u16,
    check: impl Fn(&Source<'_>, &Naive) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut block = Block::new(plan(minute), Parameter::Rainfall);
    let column = block.add(600);
    let mut naive = Naive::default();
    let horizon = Span::from_minutes(72 * 60 + 30).millis();
    for row in rows {
        let time = row.time.millis();
        match block.place(column, row) {
            Placed::TooOld => continue,
            Placed::Unusable | Placed::New | Placed::Late | Placed::Corrected => {}
            Placed::Duplicate => {}
        }
        let held = naive.0.get(&time).copied();
        let keeps = held
            .is_some_and(|held| held.2 && held.0 == row.value && row.quality != Quality::Corrected);
        if row.quality.is_usable() {
            let suspect = row.quality == Quality::Suspect || keeps;
            naive.0.insert(time, (row.value, row.interval_s, suspect));
        } else {
            naive.0.remove(&time);
        }
        let series = block.view(column).unwrap();
        let Some(newest) = series.newest() else {
            continue;
        };
        let old_suspects = naive
            .0
            .range(..=newest.millis() - horizon)
            .any(|(_, row)| row.2);
        for suspects in [true, false] {
            if !suspects && old_suspects {
                continue;
            }
            let source = Source {
                series: &series,
                parameter: Parameter::Rainfall,
                window: Some(Window::Calendar { days: DAYS, minute }),
                station: None,
                climate: &Climate::default(),
                sites: &[Some(12_500_000_000), None],
                time: newest,
                offset: OFFSET,
                suspects,
            };
            check(&source, &naive)?;
        }
    }
    Ok(())
}

fn double(value: Value) -> f64 {
    value.number as f64 / value.of as f64
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn days_add_up(rows in observations(), minute in prop_oneof![Just(EIGHT), Just(0), Just(1200u16)]) {
        feed(&rows, minute, |source, naive| {
            let now = source.time.millis();
            for days in [2i64, 3, 14, i64::from(DAYS)] {
                let of_days: Vec<_> = (0..days).map(|ago| naive.day(now, minute, ago, source.suspects)).collect();
                let all: Vec<_> = of_days.iter().flat_map(|day| day.0.iter().copied()).collect();
                let values = || all.iter().map(|row| i64::from(row.1));
                let wanted = [
                    (Function::Sum, values().sum::<i64>()),
                    (Function::Count, all.len() as i64),
                    (Function::Max, values().max().unwrap_or(0)),
                    (Function::Min, values().min().unwrap_or(0)),
                ];
                for (function, wanted) in wanted {
                    let found = source.series.over_days(function, days as u16, source.time, source.suspects);
                    prop_assert_eq!(found.is_known(), !all.is_empty());
                    if found.is_known() {
                        prop_assert_eq!((found.number, found.of), (i128::from(wanted), 1), "{:?} {}", function, days);
                        let length: i64 = of_days.iter().map(|day| day.1).sum();
                        prop_assert_eq!(found.covered, covers(&all) * 10 >= length * 8);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn effective_rainfall_is_the_weighted_sum_of_days(rows in observations()) {
        feed(&rows, EIGHT, |source, naive| {
            let mut wanted = 0.0;
            for ago in 0..i64::from(DAYS) {
                let (rows, _) = naive.day(source.time.millis(), EIGHT, ago, source.suspects);
                let sum: f64 = rows.iter().map(|row| f64::from(row.1)).sum();
                wanted += 0.84f64.powi(ago as i32) * sum;
            }
            let found = Indicator::Effective(Decay(840_000)).of(source);
            let any = (0..i64::from(DAYS)).any(|ago| !naive.day(source.time.millis(), EIGHT, ago, source.suspects).0.is_empty());
            prop_assert_eq!(found.is_known(), any);
            prop_assert!(!any || near(double(found), wanted), "{} {}", double(found), wanted);
            Ok(())
        })?;
    }

    #[test]
    fn spells_count_days_in_a_row(rows in observations(), bound in prop_oneof![Just(1i32), 0i32..900]) {
        feed(&rows, EIGHT, |source, naive| {
            let days: Vec<_> = (0..i64::from(DAYS)).map(|ago| naive.day(source.time.millis(), EIGHT, ago, source.suspects).0).collect();
            let whole = |rows: &[(i64, i32, u32)]| covers(rows) * 10 >= DAY * 8;
            let sum = |rows: &[(i64, i32, u32)]| rows.iter().map(|row| row.1).sum::<i32>();
            let mut dry = 0;
            if sum(&days[0]) < bound {
                for day in &days[1..] {
                    if sum(day) >= bound {
                        break;
                    }
                    dry += i128::from(whole(day));
                }
            }
            let row_of = |is: &dyn Fn(i32) -> bool| {
                let mut count = 0;
                for (ago, day) in days.iter().enumerate() {
                    let reached = day.iter().any(|row| is(row.1));
                    if reached {
                        count += 1;
                    } else if ago > 0 && whole(day) {
                        break;
                    }
                }
                count
            };
            let any = days.iter().any(|day| !day.is_empty());
            let high = |value: i32| value >= bound;
            let low = |value: i32| value <= bound;
            for (spell, wanted) in [(Spell::Dry(bound), dry), (Spell::AtLeast(bound), row_of(&high)), (Spell::AtMost(bound), row_of(&low))] {
                let found = Indicator::Spell(spell).of(source);
                prop_assert_eq!(found.is_known(), any);
                prop_assert!(!any || (found.number, found.of) == (wanted, 1), "{:?} {:?} {}", spell, found, wanted);
            }
            Ok(())
        })?;
    }

    #[test]
    fn exceedance_is_the_largest_share_of_the_curve(rows in observations()) {
        feed(&rows, EIGHT, |source, naive| {
            for (name, a, b, c, from, to) in [
                ("caine", 14.82, 0.39, 0.0, 0.167, 500.0), ("guzzetti", 2.20, 0.44, 0.0, 0.1, 1000.0),
                ("aleotti", 19.0, 0.5, 0.0, 0.0, 1e9), ("crosta_frattini", 7.2, 1.0, 0.48, 0.1, 1000.0),
                ("jan_chen", 13.5, 0.2, 0.0, 0.7, 40.0), ("dahal_hasegawa", 73.9, 0.79, 0.0, 5.0, 720.0),
            ] {
                let now = source.time.millis();
                let mut wanted: Option<f64> = None;
                for hours in [1i64, 3, 6, 12, 24, 48, 72] {
                    let d = hours as f64;
                    let rows = naive.within(now - hours * HOUR, now, source.suspects);
                    let fits: Vec<_> = rows.iter().filter(|row| i64::from(row.2) * 1000 <= hours * HOUR).collect();
                    if d >= from && d <= to && !fits.is_empty() {
                        let intensity = fits.iter().map(|row| f64::from(row.1) / 100.0).sum::<f64>() / d;
                        let share = intensity / (c + a * d.powf(-b));
                        wanted = Some(wanted.map_or(share, |most| most.max(share)));
                    }
                }
                let found = Indicator::Exceedance(Curve::by_name(name).unwrap()).of(source);
                prop_assert_eq!(found.is_known(), wanted.is_some());
                // Amounts on the curve are rounded to hundredths of a millimetre.
                let wanted = wanted.unwrap_or(0.0);
                prop_assert!(!found.is_known() || (double(found) / PER_UNIT as f64 - wanted).abs() <= 2e-3 * wanted.max(1.0));
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_threshold_is_reached_at_the_present_rate(rows in observations()) {
        feed(&rows, EIGHT, |source, naive| {
            let source = Source { window: Some(Window::Rolling(Span::from_minutes(6 * 60))), ..*source };
            let now = source.time.millis();
            let rows: Vec<_> = naive.within(now - 6 * HOUR, now, source.suspects).into_iter().filter(|row| row.2 <= 6 * 3600).collect();
            let n = rows.len() as f64;
            let x = |row: &(i64, i32, u32)| (row.0 - now) as f64 / HOUR as f64;
            let (mx, my) = (rows.iter().map(x).sum::<f64>() / n, rows.iter().map(|row| f64::from(row.1)).sum::<f64>() / n);
            let xx: f64 = rows.iter().map(|row| (x(row) - mx).powi(2)).sum();
            let xy: f64 = rows.iter().map(|row| (x(row) - mx) * (f64::from(row.1) - my)).sum();
            let newest = naive.0.iter().rev().find(|(_, row)| source.suspects || !row.2).map(|(_, row)| f64::from(row.0));
            let found = Indicator::Approach(Bound::Site(0)).of(&source);
            prop_assert_eq!(Indicator::Approach(Bound::Site(1)).of(&source).number, NEVER);
            let Some(newest) = newest.filter(|_| rows.len() > 1) else {
                prop_assert!(!found.is_known());
                return Ok(());
            };
            let (left, rate) = (1250.0 - newest, xy / xx);
            let hours = double(found) / PER_UNIT as f64;
            if left <= 0.0 {
                prop_assert_eq!(found.number, 0);
            } else if rate <= 1e-9 {
                prop_assert!(found.number == NEVER || hours > 1e6, "{} {}", rate, hours);
            } else if left / rate < 1e6 {
                prop_assert!((hours - left / rate).abs() <= 0.001 + 1e-6 * hours, "{} {}", hours, left / rate);
            }
            Ok(())
        })?;
    }
}

/// A slope read every hour, displacement in hundredths of a millimetre at each hour from the first.
fn slope(hours: i64, displacement: impl Fn(f64) -> f64) -> (Block, usize, Time) {
    let mut plan = Plan::default();
    plan.add_scan(Span::from_minutes(72 * 60));
    assert!(plan.add_days(60, 0));
    let mut block = Block::new(plan.at(OFFSET), Parameter::Displacement);
    let column = block.add(3600);
    let first = Time::parse("2024-05-01T00:00:00+08:00").unwrap().0;
    let mut time = first;
    for hour in 0..hours {
        time = first + Span::from_minutes(hour * 60);
        let row = Observation {
            station: StationNo(0),
            parameter: Parameter::Displacement,
            time,
            value: (displacement(hour as f64) * 100.0).round() as i32,
            interval_s: 3600,
            quality: Quality::Correct,
        };
        assert_eq!(block.place(column, &row), Placed::New);
    }
    (block, column, time)
}

fn asked(slope: &(Block, usize, Time), indicator: Indicator, hours: i64) -> Value {
    let series = slope.0.view(slope.1).unwrap();
    indicator.of(&Source {
        series: &series,
        parameter: Parameter::Displacement,
        window: Some(Window::Rolling(Span::from_minutes(hours * 60))),
        station: None,
        climate: &Climate::default(),
        sites: &[Some(2_000_000_000)],
        time: slope.2,
        offset: OFFSET,
        suspects: true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// v0 mm a day for thirty days, then so many times as fast: the angle is that of its arc tangent, and
    /// v0 does not follow.
    #[test]
    fn the_angle_is_that_of_the_rate_over_even_creep(v0 in 0.5f64..4.0, times in 1.0f64..30.0) {
        let turn = 30.0 * 24.0;
        let moved = |hour: f64| v0 / 24.0 * (hour.min(turn) + (hour - turn).max(0.0) * times);
        let slope = slope(30 * 24 + 49, moved);
        let wanted = times.atan().to_degrees();
        let found = double(asked(&slope, Indicator::TangentAngle(Bound::Found(60)), 24)) / PER_UNIT as f64;
        // A day of less than twice v0 adds to it.
        let tolerance = if times < 2.1 { 3.0 } else { 0.4 };
        prop_assert!((found - wanted).abs() < tolerance, "{} {}", found, wanted);
        let given = double(asked(&slope, Indicator::TangentAngle(Bound::Site(0)), 24)) / PER_UNIT as f64;
        let wanted = (v0 * times / 2.0).atan().to_degrees();
        prop_assert!((given - wanted).abs() < 0.4, "{} {}", given, wanted);
    }

    /// A slope whose inverse velocity falls along a line fails where the line meets zero.
    #[test]
    fn failure_is_where_inverse_velocity_is_zero(left in 6.0f64..120.0, speed in 2.0f64..40.0) {
        // v = c/(tf − t): displacement c·ln(1/(tf − t)).
        let hours = 96i64;
        let failure = hours as f64 - 1.0 + left;
        let slope = slope(hours, |hour| -speed * ((failure - hour) / failure).ln());
        let found = |estimate| double(asked(&slope, Indicator::Failure(estimate), 72)) / PER_UNIT as f64;
        let mean = found(Estimate::Mean);
        prop_assert!((mean - left).abs() < 0.15 * left + 1.5, "{} {}", mean, left);
        prop_assert!(found(Estimate::Earliest) <= mean && mean <= found(Estimate::Latest));
    }
}

#[test]
fn what_does_not_fail_is_never_said_to() {
    let even = slope(96, |hour| hour * 0.1);
    let slower = slope(96, |hour| 20.0 * (hour / 10.0 + 1.0).ln());
    for slope in [even, slower] {
        let found = asked(&slope, Indicator::Failure(Estimate::Mean), 72);
        assert_eq!(found.number, NEVER);
    }
    let still = slope(40 * 24, |hour| (hour * 0.7).sin() * 0.02);
    let angle = asked(&still, Indicator::TangentAngle(Bound::Found(60)), 24);
    assert!(
        !angle.is_known(),
        "a slope that stands still has no even creep"
    );
    let few = slope(5, |hour| hour);
    assert!(!asked(&few, Indicator::Failure(Estimate::Mean), 72).is_known());
}
