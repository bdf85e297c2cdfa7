//! Stations of any kind lost together, as by a power cut: whose hazard is in force or near counts one
//! tier up, and nothing that silence says is evidence for other silence.

use crate::little::{NO_SITES, NORTH, SOUTH, at, city_with, engine, rain, reading, rule, rulebook};
use crate::silence::{changes, said, signal};
use model::signal::SignalKind;
use model::{Hazard, Input, Parameter, Quality, Tier};
use rules::{Effect, Engine, Policy, Reason};

const CUT: i64 = 20;

/// What stands where: gauges 0 to 2, a culvert and a pond in the south; a culvert and three gauges in
/// the north.
fn town(lost: &str) -> Engine {
    let gauge = |n: u32, area: &str| format!("G{n},rain_gauge,{area},rainfall,60");
    let mut stations: Vec<String> = (0..3).map(|n| gauge(n, SOUTH)).collect();
    stations.push(format!("C3,culvert,{SOUTH},water_depth,60"));
    stations.push(format!("P4,pond,{SOUTH},water_depth,1800"));
    stations.push(format!("C5,culvert,{NORTH},water_depth,60"));
    stations.extend((6..9).map(|n| gauge(n, NORTH)));
    let settings = "[sight]\nother = 0\n[silence]\nstations = 4\nwithin = \"5m\"\n";
    let city = city_with(settings, &stations, NO_SITES);
    let lines = format!(
        "yellow = 'water_depth.last() >= 1'\norange = 'water_depth.last() >= 2'\nlost = {lost}"
    );
    let rain = rule("rain", "11B03", "blue = 'rainfall.sum(\"1h\") >= 50'");
    let book = rulebook(&(rain + &rule("depth", "11A02", &lines)));
    engine(&city, &book, Policy::Live)
}

/// What the north's culvert measures, in tenths of a millimetre, and how good that is.
#[derive(Clone, Copy)]
struct North(i32, Quality);

const DRY: North = North(0, Quality::Correct);
const NEARLY: North = North(9_000, Quality::Correct);

/// Minutes with readings: the south's stations report up to the cut, its pond each half hour.
fn report(
    engine: &mut Engine,
    minutes: std::ops::RangeInclusive<i64>,
    north: North,
) -> Vec<Effect> {
    let mut out = Vec::new();
    for minute in minutes {
        engine.tick(at(minute), &mut out);
        if minute <= CUT {
            (0..3).for_each(|gauge| rain(engine, gauge, minute, 0, &mut out));
            let south = reading(3, Parameter::WaterDepth, minute, 0);
            engine.observe(at(minute), &south, &mut out);
        }
        if minute <= CUT && minute % 30 == 0 {
            let pond = reading(4, Parameter::WaterDepth, minute, 0);
            engine.observe(at(minute), &pond, &mut out);
        }
        let mut culvert = reading(5, Parameter::WaterDepth, minute, north.0);
        culvert.quality = north.1;
        engine.observe(at(minute), &culvert, &mut out);
        (6..9).for_each(|gauge| rain(engine, gauge, minute, 0, &mut out));
    }
    out
}

fn lost(out: &[Effect]) -> Vec<(i64, &str, Tier)> {
    let lost = changes(out)
        .into_iter()
        .filter(|change| change.reason == Reason::Lost);
    lost.map(|change| {
        let minute = change.time.since(at(0)).minutes();
        (minute, change.subject.as_str(), change.to)
    })
    .collect()
}

const LOST: &str = "{ near = 'water_depth.last() >= 0.8' }";

fn is_signalled(engine: &mut Engine, minute: i64, kind: SignalKind, out: &mut Vec<Effect>) {
    let mut signal = signal(kind, Tier::Orange, NORTH);
    signal.hazard = Some(Hazard::Waterlogging);
    engine.step(at(minute), &Input::Signal(Box::new(signal)), out);
}

#[test]
fn a_power_cut_raises_where_the_hazard_is_near_in_the_district() {
    let out = report(&mut town(LOST), 0..=60, NEARLY);
    let clusters: usize = said(&out).iter().map(|said| said.clusters.len()).sum();
    assert!(clusters > 0);
    assert_eq!(lost(&out), [(CUT + 11, "C3", Tier::Yellow)]);
    let change = changes(&out)[0];
    assert!(change.unconfirmed);
    let why = Some("lost with the stations around it".to_owned());
    assert!(change.values.contains(&("silence".to_owned(), why)));
    let proposal = crate::little::warning(&out);
    assert_eq!(proposal.event, model::warning::Event::Proposed);
}

#[test]
fn in_fair_weather_a_power_cut_is_told_and_raises_nothing() {
    let out = report(&mut town(LOST), 0..=200, DRY);
    let clusters: usize = said(&out).iter().map(|said| said.clusters.len()).sum();
    assert!(clusters > 0);
    assert!(changes(&out).is_empty(), "{out:?}");
    let suspect = North(9_000, Quality::Suspect);
    let out = report(&mut town(LOST), 0..=60, suspect);
    assert!(
        lost(&out).is_empty(),
        "nothing is near by a suspect reading"
    );
    let out = report(
        &mut town("{ when = 'water_depth.rate(\"10m\") > 1' }"),
        0..=60,
        NEARLY,
    );
    assert!(lost(&out).is_empty(), "the rule has no word for near");
}

#[test]
fn a_power_cut_raises_where_the_hazard_is_in_force_also_a_station_that_reports_seldom() {
    let mut engine = town(LOST);
    let mut out = report(&mut engine, 0..=CUT, DRY);
    is_signalled(&mut engine, CUT, SignalKind::Alert, &mut out);
    out.extend(report(&mut engine, CUT + 1..=200, DRY));
    // The pond was heard at the beginning of its half hour, and is missed after three of them.
    let wanted = [(CUT + 11, "C3", Tier::Yellow), (91, "P4", Tier::Yellow)];
    assert_eq!(lost(&out), wanted);
}

#[test]
fn what_begins_later_is_asked_for_while_the_silence_is_new() {
    let lost_by = |minute: i64| {
        let mut engine = town(LOST);
        let mut out = report(&mut engine, 0..=minute, DRY);
        is_signalled(&mut engine, minute, SignalKind::Alert, &mut out);
        out.extend(report(&mut engine, minute + 1..=minute + 5, DRY));
        lost(&out)
            .into_iter()
            .filter(|(_, who, _)| *who == "C3")
            .count()
    };
    // Ten minutes are allowed, twenty the rule's own default for what lies together.
    assert_eq!([lost_by(35), lost_by(49), lost_by(51)], [1, 1, 0]);
}

#[test]
fn one_lost_by_itself_is_no_cluster() {
    let mut engine = town(LOST);
    let mut out = Vec::new();
    for minute in 0..=60 {
        engine.tick(at(minute), &mut out);
        (0..3).for_each(|gauge| rain(&mut engine, gauge, minute, 0, &mut out));
        let depth = |station, value| reading(station, Parameter::WaterDepth, minute, value);
        if minute <= CUT {
            engine.observe(at(minute), &depth(3, 0), &mut out);
        }
        engine.observe(at(minute), &depth(5, 9_000), &mut out);
    }
    assert!(lost(&out).is_empty(), "{out:?}");
}

#[test]
fn a_tier_that_silence_raised_is_no_evidence_for_the_next_power_cut() {
    let mut engine = town(LOST);
    let mut out = report(&mut engine, 0..=CUT, DRY);
    is_signalled(&mut engine, CUT, SignalKind::Alert, &mut out);
    out.extend(report(&mut engine, CUT + 1..=CUT + 20, DRY));
    is_signalled(&mut engine, CUT + 20, SignalKind::Cancel, &mut out);
    assert_eq!(lost(&out), [(CUT + 11, "C3", Tier::Yellow)]);
    out.clear();
    // The next township goes while the first one's culvert stands at yellow by its silence alone.
    (CUT + 21..=CUT + 120).for_each(|minute| engine.tick(at(minute), &mut out));
    let clusters: usize = said(&out).iter().map(|said| said.clusters.len()).sum();
    assert!(clusters > 0);
    let found = engine.findings();
    let standing: Vec<_> = found.iter().map(|f| (f.subject.as_str(), f.tier)).collect();
    assert_eq!(standing, [("C3", Tier::Yellow)], "{:?}", lost(&out));
}
