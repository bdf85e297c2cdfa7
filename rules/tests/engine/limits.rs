//! What limits a rise beside its conditions: samples, the quality of readings, seasons.

use crate::little::{
    NO_SITES, SOUTH, at, city, engine, gauges, lines, reading, rule, rulebook, warning,
};
use model::{Observation, Parameter, Quality, Tier, Time};
use proptest::prelude::*;
use rules::{Engine, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn depth(minute: i64, cm: i32, quality: Quality) -> Observation {
    Observation {
        quality,
        ..reading(0, Parameter::WaterDepth, minute, cm * 100)
    }
}

fn depth_engine(lines: &str) -> Engine {
    let stations = vec![format!("D1,depth_sensor,{SOUTH},water_depth,60")];
    let rules = rulebook(&rule("depth", "11B03", lines));
    engine(&city(&stations, NO_SITES), &rules, Policy::Live)
}

/// Tier after each reading.
fn tiers(engine: &mut Engine, readings: &[Observation]) -> Vec<Tier> {
    let mut out = Vec::new();
    let found = |engine: &Engine| engine.findings().first().map_or(Tier::None, |f| f.tier);
    let step = |reading: &Observation| {
        engine.observe(reading.time, reading, &mut out);
        found(engine)
    };
    readings.iter().map(step).collect()
}

const TWO_OF_THREE: &str =
    "red = 'water_depth.last() >= cm(50)'\nsamples = \"2 of 3\"\nlower = { after = \"1m\" }";

#[test]
fn a_tier_is_set_once_enough_of_the_newest_readings_held() {
    let mut engine = depth_engine(TWO_OF_THREE);
    let course = [10, 60, 10, 60, 60, 10, 10, 10, 60, 10, 10, 60];
    let readings: Vec<_> = (0..)
        .zip(course)
        .map(|(minute, cm)| depth(minute, cm, Quality::Correct))
        .collect();
    use Tier::{None as No, Red};
    assert_eq!(
        tiers(&mut engine, &readings),
        [No, No, No, Red, Red, Red, No, No, No, No, No, No]
    );
}

#[test]
fn a_typing_error_taken_back_is_no_sample() {
    let mut engine = depth_engine(TWO_OF_THREE);
    let good = Quality::Correct;
    let readings = [
        depth(0, 60, good),
        depth(1, 10, good),
        depth(0, 10, good),
        depth(2, 60, good),
        depth(1, 60, good),
    ];
    use Tier::{None as No, Red};
    assert_eq!(tiers(&mut engine, &readings), [No, No, No, No, Red]);
    // The evaluation that set it had one sample too many.
    assert_eq!(tiers(&mut engine, &[depth(1, 10, good)]), [No]);
}

#[test]
fn samples_that_are_suspect_confirm_nothing() {
    let mut engine = depth_engine(TWO_OF_THREE);
    let readings = [
        depth(0, 60, Quality::Suspect),
        depth(1, 60, Quality::Correct),
    ];
    tiers(&mut engine, &readings);
    assert!(engine.findings()[0].unconfirmed);
    tiers(&mut engine, &[depth(2, 60, Quality::Correct)]);
    assert!(!engine.findings()[0].unconfirmed);
}

#[test]
fn suspect_readings_count_for_nothing_where_a_rule_asks_for_sound_ones() {
    let lines =
        "red = 'water_depth.last() >= cm(50)'\nqc_min = \"sound\"\nlower = { after = \"0m\" }";
    let mut engine = depth_engine(lines);
    let readings = [
        depth(0, 60, Quality::Suspect),
        depth(1, 10, Quality::Correct),
        depth(2, 60, Quality::Correct),
        depth(3, 10, Quality::Suspect),
        depth(4, 10, Quality::Correct),
        depth(5, 70, Quality::Suspect),
        depth(5, 70, Quality::Corrected),
    ];
    use Tier::{None as No, Red};
    assert_eq!(
        tiers(&mut engine, &readings),
        [No, No, Red, Red, No, No, Red]
    );
}

#[test]
fn silence_by_suspect_readings_alone_grows_old() {
    let lines = "blue = 'water_depth.age() > \"3m\"'\nqc_min = \"sound\"";
    let mut engine = depth_engine(lines);
    let readings: Vec<_> = (0..6)
        .map(|minute| {
            let quality = if minute == 0 {
                Quality::Correct
            } else {
                Quality::Suspect
            };
            depth(minute, 10, quality)
        })
        .collect();
    let found = tiers(&mut engine, &readings);
    assert_eq!(found[3..], [Tier::None, Tier::Blue, Tier::Blue]);
}

/// Minutes after 2025-04-14T23:50+08:00.
fn late_evening(minute: i64) -> Time {
    Time::from_seconds(1_744_645_800 + minute * 60)
}

fn at_night(minute: i64, mm: i32) -> Observation {
    Observation {
        time: late_evening(minute),
        ..reading(0, Parameter::Rainfall, 0, mm * 100)
    }
}

#[test]
fn a_rule_rises_in_its_season_and_what_stands_goes_on_after_it() {
    let text = |season: &str| {
        rule(
            "rain",
            "11B03",
            &format!(
                "blue = 'rainfall.sum(\"10m\") >= 5'\nseason = {season}\nlower = {{ after = \"2m\" }}"
            ),
        )
    };
    let city = city(&gauges(1), NO_SITES);
    let changes = |season: &str| {
        let rules = rulebook(&text(season));
        let mut engine = engine(&city, &rules, Policy::Replay);
        let mut out = Vec::new();
        for minute in 0..40 {
            // All that falls falls before midnight, then the same sum stands for a while.
            let mm = i32::from(minute == 3) * 8;
            let reading = at_night(minute, mm);
            engine.observe(reading.time, &reading, &mut out);
        }
        let changes = out.iter().filter_map(|effect| match effect {
            rules::Effect::Signal(change) => {
                Some((change.time.since(late_evening(0)).minutes(), change.to))
            }
            rules::Effect::Warning(_)
            | rules::Effect::Pending(_)
            | rules::Effect::Muted(_)
            | rules::Effect::Silence(_)
            | rules::Effect::Refused { .. } => None,
        });
        changes.collect::<Vec<_>>()
    };
    let whole = [(3, Tier::Blue), (15, Tier::None)];
    assert_eq!(changes("[\"01-01..12-31\"]"), whole);
    assert_eq!(changes("[\"10-16..04-14\"]"), whole, "what stands goes on");
    assert_eq!(
        changes("[\"04-15..10-15\"]"),
        [(10, Tier::Blue), (15, Tier::None)],
        "at rest with the same sum, and risen when the season begins"
    );
    assert_eq!(changes("[\"06-01..06-30\"]"), []);
    assert_eq!(changes("{ blue = [\"06-01..06-30\"] }"), []);
}

#[test]
fn a_tier_out_of_season_is_not_shown_in_place_of_a_higher_one() {
    let lines = "blue = 'rainfall.sum(\"10m\") >= 5'\nred = 'rainfall.sum(\"10m\") >= 20'\n\
        season = { blue = [\"06-01..06-30\"] }\nlower = { after = \"1m\" }";
    let rules = rulebook(&rule("rain", "11B03", lines));
    let mut engine = engine(&city(&gauges(1), NO_SITES), &rules, Policy::Replay);
    let mut out = Vec::new();
    for (minute, mm) in [(0, 6), (1, 20), (11, 6), (12, 0)] {
        let reading = at_night(minute, mm);
        engine.observe(reading.time, &reading, &mut out);
    }
    let signals: Vec<_> = lines_of(&out);
    assert_eq!(signals, ["none>red"], "{:?}", lines_of(&out));
}

fn lines_of(out: &[rules::Effect]) -> Vec<String> {
    let of = |line: &String| line.rsplit(' ').next().unwrap_or_default().to_owned();
    let lines = lines(out);
    let signals = lines.iter().filter(|line| line.contains('>'));
    signals.map(of).collect()
}

#[test]
fn a_reload_evaluates_the_samples_by_the_new_condition() {
    let stations = vec![format!("D1,depth_sensor,{SOUTH},water_depth,60")];
    let city = city(&stations, NO_SITES);
    let before = rulebook(&rule("depth", "11B03", TWO_OF_THREE));
    let after = rulebook(&rule("depth", "11B03", &TWO_OF_THREE.replace("50", "30")));
    let mut engine = engine(&city, &before, Policy::Live);
    let good = Quality::Correct;
    assert_eq!(
        tiers(&mut engine, &[depth(0, 40, good), depth(1, 40, good)]),
        [Tier::None, Tier::None]
    );
    let mut out = Vec::new();
    engine.adopt(at(2), Arc::clone(&city), after, &mut out);
    assert_eq!(warning(&out).tier(), Tier::Red);
}

/// A reading as a person reads the words of docs/rules.md.
#[derive(Default)]
struct Naive {
    readings: BTreeMap<i64, (i32, bool)>,
    times: BTreeSet<i64>,
    /// When each latch was set: blue, red.
    latches: [Option<i64>; 2],
    confirmed: usize,
}

const BOUNDS: [i32; 2] = [5, 12];
const K: usize = 2;
const N: usize = 4;

impl Naive {
    fn sum(&self, time: i64, suspects: bool) -> Option<(i32, usize)> {
        let within = self.readings.range(time - 2..=time);
        let within = within.filter(|(_, (_, suspect))| suspects || !suspect);
        let values: Vec<i32> = within.map(|(_, (value, _))| *value).collect();
        (!values.is_empty()).then(|| (values.iter().sum(), values.len()))
    }

    fn holds(&self, time: i64, tier: usize, suspects: bool) -> bool {
        let sum = self.sum(time, suspects);
        sum.is_some_and(|(sum, _)| sum >= BOUNDS[tier])
    }

    fn newest(&self) -> impl Iterator<Item = i64> + '_ {
        self.times.iter().rev().take(N).copied()
    }

    fn enough(&self, tier: usize, suspects: bool) -> bool {
        let now = self.times.last().copied().unwrap_or_default();
        let held = self
            .newest()
            .filter(|time| self.holds(*time, tier, suspects));
        self.holds(now, tier, suspects) && held.count() >= K
    }

    fn take(&mut self, time: i64, value: i32, quality: Quality) -> (usize, bool) {
        let old = self.readings.get(&time).copied();
        let mut suspect = quality == Quality::Suspect;
        suspect |= quality != Quality::Corrected && old == Some((value, true));
        if old != Some((value, suspect)) {
            self.readings.insert(time, (value, suspect));
            self.times.insert(time);
            self.evaluate(old.map(|_| time));
        }
        let reached = (0..2).rev().find(|tier| self.latches[*tier].is_some());
        let reached = reached.map_or(0, |tier| tier + 1);
        (reached, self.confirmed < reached)
    }

    fn evaluate(&mut self, corrected: Option<i64>) {
        let now = self.times.last().copied().unwrap_or_default();
        for tier in 0..2 {
            let Some(set) = self.latches[tier] else {
                continue;
            };
            let failed = self.newest().filter(|time| *time <= set);
            let failed = failed.filter(|time| !self.holds(*time, tier, true)).count();
            let undone = !self.holds(set, tier, true) || failed > N - K;
            if corrected.is_some_and(|time| time <= set) && undone {
                self.latches[tier] = None;
            }
        }
        for tier in 0..2 {
            if self.latches[tier].is_none() && self.enough(tier, true) {
                self.latches[tier] = Some(now);
            }
            let is_whole = self.sum(now, true).is_some_and(|(_, count)| count == 3);
            if is_whole && !self.holds(now, tier, true) {
                self.latches[tier] = None;
            }
        }
        let sure = (0..2).rev().find(|tier| self.enough(*tier, false));
        let reached = (0..2).rev().find(|tier| self.latches[*tier].is_some());
        let sure = sure.map_or(0, |tier| tier + 1);
        self.confirmed = reached
            .map_or(0, |tier| tier + 1)
            .min(self.confirmed.max(sure));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn samples_are_what_a_naive_reading_says(
        course in prop::collection::vec((0..5i64, prop::sample::select(vec![0, 1, 3, 6, 9, 14]), 0..6u8), 1..60)
    ) {
        let lines = "blue = 'rainfall.sum(\"3m\") >= 5'\nred = 'rainfall.sum(\"3m\") >= 12'\nsamples = \"2 of 4\"";
        let rules = rulebook(&rule("rain", "11B03", lines));
        let city = city(&gauges(1), NO_SITES);
        let mut engine = engine(&city, &rules, Policy::Live);
        let (mut naive, mut newest) = (Naive::default(), 0i64);
        for (back, mm, quality) in course {
            // New ones, after a gap now and then; late ones and corrections up to four minutes back.
            let time = match back {
                0 if newest < 25 => newest + 2,
                1 | 2 if newest < 25 => newest + 1,
                _ => (newest - back).max(0),
            };
            newest = newest.max(time);
            let quality = match quality {
                0 => Quality::Suspect,
                1 => Quality::Corrected,
                _ => Quality::Correct,
            };
            let mut out = Vec::new();
            let observation = Observation { quality, ..reading(0, Parameter::Rainfall, time, mm * 100) };
            let mut again = crate::little::engine(&city, &rules, Policy::Live);
            let mut bytes = Vec::new();
            engine.snapshot(&mut bytes);
            again.restore(&bytes).unwrap();
            engine.observe(at(newest), &observation, &mut out);
            let mut out_again = Vec::new();
            again.observe(at(newest), &observation, &mut out_again);
            prop_assert_eq!(&out, &out_again, "after a restart");
            let found = engine.findings().into_iter().next();
            let tier = found.as_ref().map_or(Tier::None, |f| f.tier);
            let expected = naive.take(time, mm, quality);
            let tiers = [Tier::None, Tier::Blue, Tier::Red];
            let is_unconfirmed = found.is_some_and(|f| f.unconfirmed);
            prop_assert_eq!((tier, is_unconfirmed), (tiers[expected.0], expected.1), "at {} of {}", time, newest);
        }
    }
}

#[test]
fn the_newest_reading_is_one_sample_however_often_it_comes() {
    let mut engine = depth_engine(TWO_OF_THREE);
    let mut out = Vec::new();
    for cm in [60, 61, 62, 63] {
        let reading = depth(0, cm, Quality::Correct);
        engine.observe(reading.time, &reading, &mut out);
    }
    assert!(engine.findings().is_empty());
}
