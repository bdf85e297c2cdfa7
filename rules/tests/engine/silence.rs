//! Silence: who is heard, what nobody sees, and what silence says; against a recount of every record.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built ends its test"
)]

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city_with, code, engine, gauges, rain, rain_rule, reading, rule,
    rulebook,
};
use model::signal::SignalKind;
use model::silence::Silences;
use model::{
    City, Hazard, Input, Mode, Observation, Order, Parameter, Quality, Signal, StationNo, Tier,
};
use proptest::prelude::*;
use rules::{Change, Effect, Engine, Policy, Reason, Rulebook};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Each station sees its own area alone.
pub(crate) const NEAR: &str = "[sight]\nother = 0\n";

/// A river gauge a minute, its tiers two metres apart.
pub(crate) const STAGE: &str = "yellow = 'water_level.last() >= 3'\norange = 'water_level.last() >= 5'\n\
    red = 'water_level.last() >= 7'\nlower = { after = \"2m\" }\nlost = { when = 'water_level.rate(\"10m\") >= 0.3' }";

pub(crate) fn stage_rule() -> String {
    rule("stage", "11A02", STAGE)
}

pub(crate) fn stages(count: usize) -> Vec<String> {
    let gauge = |n| format!("S{n},river,{SOUTH},water_level,60");
    (1..=count).map(gauge).collect()
}

pub(crate) fn level(
    engine: &mut Engine,
    station: u32,
    minute: i64,
    tenths_mm: i32,
    out: &mut Vec<Effect>,
) {
    let row = reading(station, Parameter::WaterLevel, minute, tenths_mm);
    engine.observe(at(minute), &row, out);
}

pub(crate) fn ticks(
    engine: &mut Engine,
    minutes: std::ops::RangeInclusive<i64>,
    out: &mut Vec<Effect>,
) {
    minutes.for_each(|minute| engine.tick(at(minute), out));
}

pub(crate) fn changes(out: &[Effect]) -> Vec<&Change> {
    let changes = out.iter().filter_map(|effect| match effect {
        Effect::Signal(change) => Some(&**change),
        Effect::Warning(_)
        | Effect::Silence(_)
        | Effect::Pending(_)
        | Effect::Muted(_)
        | Effect::Refused { .. } => None,
    });
    changes.collect()
}

pub(crate) fn said(out: &[Effect]) -> Vec<&model::Silence> {
    let said = out.iter().filter_map(|effect| match effect {
        Effect::Silence(silence) => Some(&**silence),
        Effect::Warning(_)
        | Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Muted(_)
        | Effect::Refused { .. } => None,
    });
    said.collect()
}

/// A gauge that rose a metre an hour up to 3.4 m and was heard last at minute 20.
fn risen(policy: Policy) -> (Engine, Vec<Effect>) {
    let city = city_with(NEAR, &stages(1), NO_SITES);
    let mut engine = engine(&city, &rulebook(&stage_rule()), policy);
    let mut out = Vec::new();
    for minute in 0..=20 {
        level(
            &mut engine,
            0,
            minute,
            30_667 + 166 * minute as i32,
            &mut out,
        );
    }
    (engine, out)
}

#[test]
fn a_sensor_lost_on_a_rising_limb_counts_for_the_next_tier_until_it_reports() {
    let (mut engine, mut out) = risen(Policy::Live);
    ticks(&mut engine, 21..=30, &mut out);
    assert_eq!(changes(&out).len(), 1, "ten minutes are allowed");
    out.clear();
    engine.tick(at(31), &mut out);
    let [change] = changes(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!(
        (change.from, change.to, change.reason, change.time),
        (Tier::Yellow, Tier::Orange, Reason::Lost, at(31))
    );
    assert!(change.unconfirmed && !change.past);
    let why = (
        "silence".to_owned(),
        Some("lost on a rising limb".to_owned()),
    );
    assert!(change.values.contains(&why), "{:?}", change.values);
    let proposal = crate::little::warning(&out);
    let area = &proposal.areas[&code(SOUTH)];
    assert_eq!((area.reached, area.tier), (Tier::Yellow, Tier::Orange));
    assert!(proposal.unconfirmed);
    assert_eq!(proposal.event, model::warning::Event::Proposed);

    out.clear();
    ticks(&mut engine, 32..=90, &mut out);
    assert!(changes(&out).is_empty(), "it is said once: {out:?}");
    level(&mut engine, 0, 91, 34_000, &mut out);
    engine.tick(at(92), &mut out);
    let [change] = changes(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!(
        (change.from, change.to, change.reason),
        (Tier::Orange, Tier::Yellow, Reason::Heard)
    );
}

#[test]
fn one_that_was_not_rising_or_never_spoke_says_nothing() {
    let city = city_with(NEAR, &stages(2), NO_SITES);
    let mut engine = engine(&city, &rulebook(&stage_rule()), Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=20 {
        level(&mut engine, 0, minute, 34_000, &mut out);
    }
    ticks(&mut engine, 21..=90, &mut out);
    assert_eq!(changes(&out).len(), 1, "{out:?}");
    let silent = [0, 1].map(|no| (StationNo(no), Parameter::WaterLevel));
    assert_eq!(engine.silent(), silent);
}

#[test]
fn the_highest_tier_has_nothing_above() {
    let city = city_with(NEAR, &stages(1), NO_SITES);
    let mut engine = engine(&city, &rulebook(&stage_rule()), Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=20 {
        level(
            &mut engine,
            0,
            minute,
            70_000 + 200 * minute as i32,
            &mut out,
        );
    }
    ticks(&mut engine, 21..=60, &mut out);
    assert_eq!(changes(&out).last().map(|c| c.to), Some(Tier::Red));
    assert!(changes(&out).iter().all(|c| c.reason == Reason::Raised));
}

#[test]
fn people_confirm_what_silence_says_or_end_it() {
    let subject = || ("stage".to_owned(), "S1".to_owned(), "p".to_owned());
    let (mut engine, mut out) = risen(Policy::Live);
    ticks(&mut engine, 21..=31, &mut out);
    out.clear();
    let (rule, subject_id, person) = subject();
    let order = Order::Confirm {
        rule,
        subject: subject_id,
        person,
    };
    engine.order(at(32), &order, &mut out);
    let area = &crate::little::warning(&out).areas[&code(SOUTH)];
    assert_eq!(area.reached, Tier::Orange, "a person made sure");

    let (mut engine, mut out) = risen(Policy::Live);
    ticks(&mut engine, 21..=31, &mut out);
    out.clear();
    let (rule, subject_id, person) = subject();
    let order = Order::Stand {
        rule,
        subject: subject_id,
        person,
        reason: "the station burnt down, a patrol looks".into(),
    };
    engine.order(at(32), &order, &mut out);
    let [change] = changes(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!((change.to, change.reason), (Tier::None, Reason::Stood));
    out.clear();
    ticks(&mut engine, 33..=90, &mut out);
    assert!(changes(&out).is_empty(), "what a person ended stays so");
}

#[test]
fn a_backlog_too_late_is_no_finding_in_time_because_silence_counted() {
    let city = city_with(NEAR, &stages(1), NO_SITES);
    let city = with_staleness(&city, "river = \"30m\"\nother");
    let fresh = || engine(&city, &rulebook(&stage_rule()), Policy::Live);
    let stands = |engine: &Engine| {
        let findings = engine.findings();
        let [found] = &findings[..] else {
            panic!("{findings:?}")
        };
        (found.tier, found.past, found.unconfirmed)
    };
    let mut one = fresh();
    let mut out = Vec::new();
    for minute in 0..=20 {
        level(&mut one, 0, minute, 30_667 + 166 * minute as i32, &mut out);
    }
    ticks(&mut one, 21..=74, &mut out);
    assert_eq!(stands(&one), (Tier::Orange, false, true));
    out.clear();
    // The line is mended: what the gauge kept comes at once, the newest of it 16 minutes old.
    for minute in 21..=59 {
        let row = reading(0, Parameter::WaterLevel, minute, 52_000);
        one.observe(at(75), &row, &mut out);
    }
    assert_eq!(stands(&one), (Tier::Orange, false, true), "silence counts");
    // At rest in between: what was read in time is kept apart from what silence added.
    let (mut bytes, mut again) = (Vec::new(), Vec::new());
    one.snapshot(&mut bytes);
    let mut other = fresh();
    other.restore(&bytes).unwrap();
    other.snapshot(&mut again);
    assert_eq!(bytes, again);
    for mut engine in [one, other] {
        let mut out = Vec::new();
        ticks(&mut engine, 76..=86, &mut out);
        assert_eq!(stands(&engine), (Tier::Orange, true, false), "past");
        let area = &crate::little::warning(&out).areas[&code(SOUTH)];
        assert_eq!((area.reached, area.tier), (Tier::Yellow, Tier::Yellow));
        level(&mut engine, 0, 87, 52_000, &mut out);
        assert_eq!(stands(&engine), (Tier::Orange, false, false), "in time");
    }
}

/// Two gauges near the north of which `several` are asked, and a rule that reads nothing else.
pub(crate) fn several(lost: &str) -> Arc<Rulebook> {
    let lines = format!(
        "blue = 'rainfall.sum(\"10m\") >= 5'\nyellow = 'rainfall.sum(\"10m\") >= 10'\n\
         lower = {{ after = \"2m\" }}\nlost = {lost}"
    );
    rulebook(&rule("rain", "11B03", &lines))
}

#[test]
fn several_lost_together_count_where_the_hazard_is_and_confirm_nobody() {
    let all_lost = |storm: bool, last: [i64; 3]| {
        let stations: Vec<String> = (1..=4)
            .map(|n| format!("G{n},rain_gauge,{SOUTH},rainfall,60"))
            .collect();
        let city = city_with(NEAR, &stations, NO_SITES);
        let book = several("{ several = 3, within = \"5m\" }");
        let mut engine = engine(&city, &book, Policy::Live);
        let mut out = Vec::new();
        for minute in 0..=40 {
            for (station, last) in (0u32..).zip(last) {
                if minute <= last {
                    rain(&mut engine, station, minute, 0, &mut out);
                }
            }
            let mm = i32::from(storm && minute < 20);
            rain(&mut engine, 3, minute, mm, &mut out);
        }
        let lost = changes(&out)
            .into_iter()
            .filter(|c| c.reason == Reason::Lost);
        let lost: Vec<(String, Tier)> = lost.map(|c| (c.subject.clone(), c.to)).collect();
        (lost, engine, out)
    };
    let (lost, _, out) = all_lost(true, [10, 12, 14]);
    let three = ["G1", "G2", "G3"].map(|id| (id.to_owned(), Tier::Blue));
    assert_eq!(lost, three, "{:?}", changes(&out));
    assert!(
        changes(&out)
            .iter()
            .filter(|c| c.reason == Reason::Lost)
            .all(|c| c.unconfirmed)
    );
    assert!(all_lost(false, [10, 12, 14]).0.is_empty(), "no storm");
    assert!(all_lost(true, [4, 10, 14]).0.is_empty(), "too far apart");
}

#[test]
fn stations_lost_together_are_one_finding_whatever_they_measure() {
    let mut stations: Vec<String> = (1..=3)
        .map(|n| format!("G{n},rain_gauge,{SOUTH},rainfall,60"))
        .collect();
    stations.extend(stages(2));
    let settings = format!("{NEAR}[silence]\nstations = 4\nwithin = \"5m\"\n");
    let city = city_with(&settings, &stations, NO_SITES);
    let book = rulebook(&(rain_rule() + &stage_rule()));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=60 {
        for station in 0..5 {
            let is_up = match station {
                0 => true,
                lost => minute <= 20 + i64::from(lost) % 3 || (minute >= 50 && lost == 1),
            };
            match (is_up, station < 3) {
                (true, true) => rain(&mut engine, station, minute, 0, &mut out),
                (true, false) => level(&mut engine, station, minute, 100, &mut out),
                (false, _) => {}
            }
        }
        engine.tick(at(minute), &mut out);
    }
    let clusters = said(&out).into_iter().flat_map(|s| &s.clusters);
    let clusters: Vec<_> = clusters
        .map(|c| (c.area, c.since, c.stations.len()))
        .collect();
    assert_eq!(
        clusters,
        [(code(SOUTH), at(22), 4), (code(SOUTH), at(22), 0)],
        "when the fourth is missed, and when one of four is back"
    );
}

pub(crate) fn signal(kind: SignalKind, tier: Tier, area: &str) -> Signal {
    Signal {
        identifier: "44010041600000_20230907180000".into(),
        sender: "office@weather.example".into(),
        sender_name: "气象台".into(),
        sent: at(0),
        mode: Mode::Actual,
        kind,
        references: Vec::new(),
        hazard: Some(Hazard::Rainstorm),
        event: "暴雨".into(),
        tier,
        areas: vec![code(area)],
        area_desc: Vec::new(),
        onset: at(0),
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}

#[test]
fn an_area_that_goes_blind_in_a_storm_is_an_alarm_until_it_sees_or_the_storm_is_over() {
    // G1 and G3 stand in the south, G2 in the north.
    let city = city_with(NEAR, &gauges(3), NO_SITES);
    let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Live);
    let mut out = Vec::new();
    let mut alarms: Vec<(i64, String, Option<i64>, Tier, bool)> = Vec::new();
    for minute in 0..=80 {
        if minute <= 10 || minute >= 70 {
            rain(&mut engine, 0, minute, 0, &mut out);
        }
        if minute <= 12 {
            rain(&mut engine, 2, minute, 0, &mut out);
        }
        rain(&mut engine, 1, minute, 0, &mut out);
        let word = match minute {
            30 => Some((SignalKind::Alert, Tier::Orange)),
            60 => Some((SignalKind::Cancel, Tier::Orange)),
            _ => None,
        };
        if let Some((kind, tier)) = word {
            let signal = signal(kind, tier, NORTH);
            engine.step(at(minute), &Input::Signal(Box::new(signal)), &mut out);
        }
        for silence in said(&out) {
            for blind in &silence.blind {
                let minutes = |t: model::Time| t.since(at(0)).minutes();
                alarms.push((
                    minutes(silence.at),
                    blind.area.to_string(),
                    blind.since.map(minutes),
                    blind.storm,
                    blind.is_alarm(),
                ));
            }
        }
        out.clear();
    }
    let south = SOUTH.to_owned();
    assert_eq!(
        alarms,
        [
            (23, south.clone(), Some(23), Tier::None, false),
            (31, south.clone(), Some(23), Tier::Orange, true),
            (61, south.clone(), Some(23), Tier::None, false),
            (71, south, None, Tier::None, false),
        ],
        "the signal is for the next township of the same district"
    );
}

#[test]
fn sight_reaches_over_the_border_where_the_city_says_so() {
    let blind = |settings: &str| {
        let city = city_with(settings, &gauges(2), NO_SITES);
        let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Live);
        let mut out = Vec::new();
        for minute in 0..=30 {
            rain(&mut engine, 1, minute, 0, &mut out);
        }
        said(&out)
            .iter()
            .map(|said| said.blind.len())
            .sum::<usize>()
    };
    assert_eq!(blind(NEAR), 1, "the south has lost its only gauge");
    assert_eq!(blind("[sight]\nrain_gauge = 4\n"), 0, "3.3 km away");
    assert_eq!(blind(""), 0, "five kilometres by default");
}

#[test]
fn who_registers_no_station_is_told_by_the_check() {
    let city = city_with(NEAR, &gauges(1), NO_SITES);
    let book = rulebook(&rain_rule());
    let unseen = book.unseen(&city);
    let north = city.area_no(code(NORTH)).unwrap();
    assert_eq!(
        unseen,
        BTreeMap::from([(Hazard::Rainstorm, BTreeSet::from([north]))])
    );
    let faults: Vec<_> = book.check(&city).iter().map(ToString::to_string).collect();
    let wanted = "no station sees 暴雨";
    assert!(faults.iter().any(|f| f.contains(wanted)), "{faults:?}");
}

#[test]
fn time_in_which_nothing_ran_is_nobodys_silence() {
    let city = city_with(NEAR, &gauges(1), NO_SITES);
    let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 0, &mut out);
    engine.tick(at(600), &mut out);
    ticks(&mut engine, 601..=610, &mut out);
    assert!(said(&out).is_empty(), "{out:?}");
    engine.tick(at(611), &mut out);
    assert_eq!(said(&out)[0].fell.len(), 1);
}

#[test]
fn ten_thousand_stations_lost_at_once_are_one_record() {
    let stations: Vec<String> = (1..=10_000)
        .map(|n| {
            let area = if n % 2 == 1 { SOUTH } else { NORTH };
            format!("G{n},rain_gauge,{area},rainfall,60")
        })
        .collect();
    let city = city_with("", &stations, NO_SITES);
    let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Live);
    let mut out = Vec::new();
    for station in 0..10_000 {
        rain(&mut engine, station, 0, 0, &mut out);
    }
    ticks(&mut engine, 1..=30, &mut out);
    let [one] = said(&out)[..] else {
        panic!("{}", said(&out).len())
    };
    assert_eq!(
        (one.fell.len(), one.blind.len(), one.clusters.len()),
        (10_000, 2, 2)
    );
    let bytes = serde_json::to_vec(one).unwrap().len();
    assert!(bytes < 256 << 10, "{bytes} bytes");
}

const STATIONS: u32 = 7;

/// A minute of a day: which stations speak, how late, and with what.
#[derive(Clone, Debug)]
struct Minute {
    speak: Vec<(u32, i64, i32, bool)>,
    is_skipped: bool,
}

/// Seven stations: rain gauges 0 and 1, culverts 2 to 5, and 6 that registers no interval.
fn minutes() -> impl Strategy<Value = Vec<Minute>> {
    let row = (0u32..STATIONS, 0i64..6, 0i32..2, prop::bool::weighted(0.1));
    let minute = (prop::collection::vec(row, 0..3), prop::bool::weighted(0.02));
    let minute = minute.prop_map(|(speak, is_skipped)| Minute { speak, is_skipped });
    prop::collection::vec(minute, 20..160)
}

fn mixed() -> (Arc<City>, Arc<Rulebook>) {
    let mut stations = gauges(2);
    for n in 3..=6 {
        let area = if n % 2 == 1 { SOUTH } else { NORTH };
        stations.push(format!("C{n},culvert,{area},water_depth,60"));
    }
    stations.push(format!("P7,pond,{SOUTH},water_depth,0"));
    let settings =
        "[sight]\nother = 0\n[silence]\nrain_for = \"5m\"\nstations = 2\nwithin = \"3m\"\n";
    let city = city_with(settings, &stations, NO_SITES);
    let staleness = "rain_gauge = \"6m\"\nculvert = { usual = \"9m\", in_rain = \"3m\", periods = { \"09-08..09-30\" = \"7m\" } }\n\
                     pond = { usual = \"4m\", intervals = 2 }\nother";
    let city = with_staleness(&city, staleness);
    let depth = rule(
        "depth",
        "11A02",
        "yellow = 'water_depth.last() >= 1'\nlost = { when = 'water_depth.delta(\"10m\") > 0', near = 'water_depth.last() > 0', several = 2, within = \"4m\" }",
    );
    (city, rulebook(&(rain_rule() + &depth)))
}

/// The same city with more in its table of staleness.
fn with_staleness(city: &City, rows: &str) -> Arc<City> {
    let mut city = city.clone();
    let table =
        toml::from_str::<BTreeMap<String, model::Staleness>>(&format!("{rows} = \"10m\"\n"));
    city.policy.staleness = table.unwrap();
    Arc::new(city)
}

/// Records in their order: record time in minutes, and rows. The recount starts at the last pause.
fn records(minutes: &[Minute]) -> Vec<(i64, Vec<Observation>)> {
    let mut minute = 0;
    let mut records = Vec::new();
    for of in minutes {
        minute += if of.is_skipped { 30 } else { 1 };
        let rows = of.speak.iter().map(|(station, late, value, wrong)| {
            let parameter = match station {
                0 | 1 => Parameter::Rainfall,
                _ => Parameter::WaterDepth,
            };
            let mut row = reading(*station, parameter, minute - late, *value * 12_000);
            if *wrong {
                row.quality = Quality::Wrong;
            }
            row
        });
        records.push((minute, rows.collect()));
    }
    records
}

/// Who is silent after each record, counted anew over the list of all of them.
fn recount(records: &[(i64, Vec<Observation>)]) -> Vec<BTreeSet<u32>> {
    let mut found = Vec::new();
    let mut silent: BTreeSet<u32> = BTreeSet::new();
    let mut floor = None;
    let mut seen: Vec<i64> = Vec::new();
    for (number, (now, _)) in records.iter().enumerate() {
        let earlier = &records[..number];
        let is_pause = earlier.last().is_some_and(|(before, _)| now - before > 2);
        if floor.is_none() || is_pause {
            floor = Some(*now);
        }
        let all = || earlier.iter().flat_map(|(_, rows)| rows);
        let sound = |row: &&Observation| row.quality != Quality::Wrong;
        let minute_of = |row: &Observation| row.time.since(at(0)).minutes();
        for station in 0..STATIONS {
            let own = all()
                .filter(sound)
                .filter(|row| row.station == StationNo(station));
            let newest = own.map(minute_of).max();
            let gauge = StationNo(station % 2);
            let rain = all().filter(sound).filter(|row| row.station == gauge);
            let mut wet = rain.filter(|row| row.value > 0).map(minute_of);
            let is_wet = wet.any(|minute| minute > now - 5);
            // At local midnight, six hours after the beginning, the season begins.
            let allowed = match (station, is_wet) {
                (0 | 1, _) => 6,
                (2..=5, true) => 3,
                (2..=5, false) if *now >= 360 => 7,
                (2..=5, false) => 9,
                _ => {
                    seen.extend(newest.filter(|newest| seen.last() != Some(newest)));
                    let mut gaps: Vec<i64> = seen.windows(2).map(|two| two[1] - two[0]).collect();
                    gaps.drain(..gaps.len().saturating_sub(7));
                    gaps.sort_unstable();
                    let usual = gaps.get(gaps.len() / 2);
                    usual.map_or(4, |usual| 4.max(2 * usual))
                }
            };
            if silent.contains(&station) {
                if newest.is_some_and(|newest| now - newest <= allowed) {
                    silent.remove(&station);
                }
            } else if now - newest.unwrap_or(i64::MIN / 2).max(floor.unwrap()) > allowed {
                silent.insert(station);
            }
        }
        found.push(silent.clone());
    }
    found
}

fn numbers(engine: &Engine) -> BTreeSet<u32> {
    engine.silent().into_iter().map(|(no, _)| no.0).collect()
}

/// Steps a record row by row, or as one input.
fn step(
    engine: &mut Engine,
    (minute, rows): &(i64, Vec<Observation>),
    whole: bool,
    out: &mut Vec<Effect>,
) {
    match (rows.is_empty(), whole) {
        (true, _) => engine.step(at(*minute), &Input::Tick, out),
        (false, true) => engine.step(at(*minute), &Input::Observations(rows.clone()), out),
        (false, false) => {
            for row in rows {
                engine.step(at(*minute), &Input::Observations(vec![*row]), out);
            }
        }
    }
}

/// What a snapshot holds of silence.
fn kept(engine: &Engine) -> serde_json::Value {
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    let length = u32::from_le_bytes(bytes[6..10].try_into().unwrap()) as usize;
    let state: serde_json::Value = serde_json::from_slice(&bytes[10..10 + length]).unwrap();
    assert!(!state["silence"]["floor"].is_null());
    state["silence"].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn who_is_silent_is_what_a_recount_of_all_records_says(minutes in minutes()) {
        let (city, book) = mixed();
        let mut engine = engine(&city, &book, Policy::Live);
        let records = records(&minutes);
        let wanted = recount(&records);
        let mut folded = Silences::default();
        for (record, wanted) in records.iter().zip(wanted) {
            let mut out = Vec::new();
            step(&mut engine, record, true, &mut out);
            said(&out).into_iter().for_each(|said| folded.apply(said));
            prop_assert_eq!(&numbers(&engine), &wanted, "at minute {}", record.0);
            let told: BTreeSet<u32> = folded.silent().map(|(no, ..)| no.0).collect();
            prop_assert_eq!(&told, &wanted, "what was told, at minute {}", record.0);
            // Rain is seen by the gauge of the place, water by its culverts.
            let blind: BTreeSet<(Hazard, String)> = folded
                .blind()
                .iter()
                .map(|blind| (blind.hazard, blind.area.to_string()))
                .collect();
            let mut all = BTreeSet::new();
            for (hazard, area, stations) in [
                (Hazard::Rainstorm, SOUTH, vec![0]),
                (Hazard::Rainstorm, NORTH, vec![1]),
                (Hazard::Waterlogging, SOUTH, vec![2, 4, 6]),
                (Hazard::Waterlogging, NORTH, vec![3, 5]),
            ] {
                if stations.iter().all(|no| wanted.contains(no)) {
                    all.insert((hazard, area.to_owned()));
                }
            }
            prop_assert_eq!(blind, all, "at minute {}", record.0);
        }
    }

    #[test]
    fn a_snapshot_and_other_cuts_of_the_input_say_the_same(minutes in minutes(), cut in 0usize..160) {
        let (city, book) = mixed();
        let records = records(&minutes);
        let mut undisturbed = engine(&city, &book, Policy::Live);
        let mut restored = engine(&city, &book, Policy::Live);
        for (number, record) in records.iter().enumerate() {
            if number == cut {
                let mut bytes = Vec::new();
                restored.snapshot(&mut bytes);
                restored = engine(&city, &book, Policy::Live);
                restored.restore(&bytes).unwrap();
            }
            let (mut one, mut other) = (Vec::new(), Vec::new());
            step(&mut undisturbed, record, true, &mut one);
            step(&mut restored, record, false, &mut other);
            prop_assert_eq!(said(&one), said(&other));
            prop_assert_eq!(changes(&one), changes(&other));
        }
        prop_assert_eq!(undisturbed.silent(), restored.silent());
        prop_assert_eq!(undisturbed.findings(), restored.findings());
        prop_assert_eq!(kept(&undisturbed), kept(&restored));
    }
}

#[test]
fn another_rulebook_goes_on_listening_and_forgets_what_it_reads_no_more() {
    let mut stations = gauges(1);
    stations.extend(stages(1));
    let city = city_with(NEAR, &stations, NO_SITES);
    let both = rulebook(&(rain_rule() + &stage_rule()));
    let mut engine = engine(&city, &both, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..=20 {
        level(
            &mut engine,
            1,
            minute,
            30_667 + 166 * minute as i32,
            &mut out,
        );
    }
    ticks(&mut engine, 21..=40, &mut out);
    assert_eq!(engine.silent().len(), 2);
    out.clear();
    let plain = STAGE.rsplit_once("\nlost").unwrap().0;
    let other = rulebook(&rule("stage", "11A02", plain));
    engine.adopt(at(41), Arc::clone(&city), other, &mut out);
    let rain = (StationNo(0), Parameter::Rainfall.code());
    assert_eq!(said(&out)[0].back, [rain], "nobody listens to it");
    assert_eq!(said(&out)[0].blind[0].since, None);
    assert_eq!(engine.silent(), [(StationNo(1), Parameter::WaterLevel)]);
    let found = engine.findings();
    assert_eq!(
        found[0].tier,
        Tier::Yellow,
        "silence says nothing there: {found:?}"
    );
}
