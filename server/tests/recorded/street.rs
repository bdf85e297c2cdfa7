//! Street floods of New York, measured about each minute: 1,226 events as depth profiles in inches.

use crate::ladder::Ladder;
use crate::place::{Gauge, Place};
use crate::{THREE, millis, recorded, replay, rung, tenths_of_mm};
use model::{Offset, Time};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

/// The demo city's own rules.
const RULES: &str = "testdata/city/rules";
const MINUTE: i64 = 60_000;
/// Dry minutes put before and after each event.
const DRY: i64 = 30;

/// Start and profile of one event: milliseconds, and hundredths of an inch.
struct Event {
    sensor: String,
    profile: Vec<(i64, i64)>,
}

fn events() -> Option<Vec<Event>> {
    let data = recorded("street-flood")?;
    let mut all = Vec::new();
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("floodnet-events") {
            continue;
        }
        let mut table = csv::Reader::from_path(&path).unwrap();
        let headers = table.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let [sensor, start, depths, times] = [
            "sensor_id",
            "flood_start_time",
            "flood_profile_depth_inches",
            "flood_profile_time_secs",
        ]
        .map(column);
        for row in table.records() {
            let row = row.unwrap();
            // GMT without a zone mark.
            let start = Time::parse(&format!("{}Z", &row[start]))
                .unwrap()
                .0
                .millis();
            let depths: Vec<f64> = serde_json::from_str(&row[depths]).unwrap();
            let times: Vec<i64> = serde_json::from_str(&row[times]).unwrap();
            assert_eq!(depths.len(), times.len());
            let profile = times.iter().zip(&depths);
            all.push(Event {
                sensor: row[sensor].to_owned(),
                profile: profile
                    .map(|(after, depth)| (start + after * 1000, (depth * 100.0).round() as i64))
                    .collect(),
            });
        }
    }
    Some(all)
}

/// Hundredths of an inch, 254 micrometres each, in tenths of a millimetre.
fn tenths(hundredths: i64) -> i64 {
    (hundredths * 254 + 50) / 100
}

/// What each sensor measured, by time: profiles, dry minutes round them, and with `filled` the
/// last depth each minute where a profile says no other.
fn series(events: &[Event], filled: bool) -> BTreeMap<&str, Vec<(i64, i64)>> {
    let mut all: BTreeMap<&str, BTreeMap<i64, i64>> = BTreeMap::new();
    let wet = |sensor: &str, time: i64| {
        let own = events.iter().filter(|event| event.sensor == sensor);
        let mut spans =
            own.map(|event| (event.profile[0].0, event.profile[event.profile.len() - 1].0));
        spans.any(|(from, to)| (from..=to).contains(&time))
    };
    for event in events {
        let readings = all.entry(event.sensor.as_str()).or_default();
        let (from, to) = (event.profile[0].0, event.profile[event.profile.len() - 1].0);
        let dry = (1..=DRY).flat_map(|minute| [from - minute * MINUTE, to + minute * MINUTE]);
        for time in dry.filter(|time| !wet(&event.sensor, *time)) {
            readings.entry(time).or_insert(0);
        }
        for (time, depth) in &event.profile {
            readings.insert(*time, tenths(*depth));
        }
        for pair in event.profile.windows(2).filter(|_| filled) {
            let ((before, depth), (after, _)) = (pair[0], pair[1]);
            for minute in 1..=(after - before - MINUTE / 2) / MINUTE {
                readings
                    .entry(before + minute * MINUTE)
                    .or_insert(tenths(depth));
            }
        }
    }
    all.into_iter()
        .map(|(sensor, readings)| (sensor, readings.into_iter().collect()))
        .collect()
}

/// Plays every sensor at road points with these thresholds (columns and metres), and compares with the
/// ladder; tells how long after each crossing a tier was there.
fn play(names: &[&str], columns: &[&str], levels: &[&str], filled: bool) -> Option<()> {
    let events = events()?;
    let series = series(&events, filled);
    let place = Place {
        kind: "waterlogging",
        parameter: "water_depth",
        interval_s: 60,
        columns,
        gauges: (0..)
            .zip(series.keys())
            .map(|(number, sensor)| Gauge {
                id: (*sensor).to_owned(),
                lon: f64::from(number) / 100.0,
                lat: 40.0,
                levels: levels.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    let city = place.write(folder.path()).display().to_string();
    let mut lines: Vec<(i64, &str, i64)> = series
        .iter()
        .flat_map(|(sensor, readings)| {
            readings
                .iter()
                .map(|(time, depth)| (*time, *sensor, *depth))
        })
        .collect();
    lines.sort_unstable();
    let mut text = String::new();
    for (time, sensor, depth) in &lines {
        let (time, metres) = (
            Time::from_millis(*time).display(Offset(0)),
            *depth as f64 / 10_000.0,
        );
        writeln!(
            text,
            r#"{{"station":"{sensor}","parameter":"water_depth","time":"{time}","value":{metres}}}"#
        )
        .unwrap();
    }
    let file = folder.path().join("observations.ndjson");
    fs::write(&file, text).unwrap();
    let (signals, _) = replay(&[
        "--city",
        &city,
        "--rules",
        RULES,
        "--signals",
        &file.display().to_string(),
    ]);
    let mut ours: BTreeMap<&str, Vec<(i64, usize, usize)>> = BTreeMap::new();
    let mut away: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut silences = 0;
    for line in &signals {
        let sensor = line["subject"].as_str().unwrap();
        let change = (
            millis(line),
            rung(names, &line["from"]),
            rung(names, &line["to"]),
        );
        let of_sensor = ours.entry(sensor).or_default();
        let (_, from, to) = change;
        match of_sensor.last() {
            // Heard again: its values decide as if it had not been away.
            Some((_, before, raised)) if Some(&(*before, *raised)) == away.get(sensor) => {
                assert_eq!((from, to), (*raised, *before), "{line}");
                away.remove(sensor);
                of_sensor.pop();
            }
            Some(_) | None => of_sensor.push(change),
        }
        // It was away for longer than it may be while the water rose: one tier more until it reports.
        if line["values"]["silence"] == "lost on a rising limb" {
            assert_eq!(to, from + 1, "{line}");
            away.insert(sensor, (from, to));
            silences += 1;
        }
    }
    assert!(away.is_empty(), "all were heard again: {away:?}");
    println!("{silences} times a sensor was away while the water rose");
    let tenths_of = |level: &&str| tenths_of_mm(level.parse().unwrap());
    let ladder = Ladder {
        levels: levels.iter().map(tenths_of).collect(),
        hold: MINUTE,
        quiet: 10 * MINUTE,
        below: 300,
        gap: 10 * MINUTE,
    };
    let end = lines.last().unwrap().0;
    let mut delays: BTreeMap<usize, Vec<(i64, usize)>> = BTreeMap::new();
    let mut reached: BTreeMap<usize, usize> = BTreeMap::new();
    for (sensor, readings) in &series {
        let changes = ours.remove(sensor).unwrap_or_default();
        assert_eq!(changes, ladder.climb(readings, end).changes, "{sensor}");
        assert_eq!(
            changes.last().map_or(0, |change| change.2),
            0,
            "{sensor} stays up"
        );
        let stands = |time: i64| {
            changes
                .iter()
                .rfind(|change| change.0 <= time)
                .map_or(0, |change| change.2)
        };
        for event in events.iter().filter(|event| event.sensor == **sensor) {
            let (from, to) = (event.profile[0].0, event.profile[event.profile.len() - 1].0);
            for (tier, name) in names.iter().enumerate().skip(1) {
                let crosses = |(time, depth): &&(i64, i64)| {
                    (from..=to).contains(time) && *depth >= ladder.levels[tier - 1]
                };
                let Some((crossed, _)) = readings.iter().find(crosses) else {
                    continue;
                };
                *reached.entry(tier).or_default() += 1;
                if stands(crossed - 1) >= tier {
                    continue; // from the event before
                }
                let rise = changes
                    .iter()
                    .find(|change| change.0 >= *crossed && change.2 >= tier);
                assert!(rise.is_some(), "{sensor} {crossed} never at {name}");
                let rise = rise.unwrap().0;
                let until = readings
                    .iter()
                    .filter(|(time, _)| (crossed + 1..=rise).contains(time));
                let next = readings.iter().find(|(time, _)| time > crossed).unwrap().0;
                assert!(
                    rise <= next.max(crossed + MINUTE),
                    "{sensor} {crossed} {name}"
                );
                delays
                    .entry(tier)
                    .or_default()
                    .push((rise - crossed, until.count()));
            }
        }
    }
    assert!(ours.is_empty());
    println!(
        "{} events, {} readings{}",
        events.len(),
        lines.len(),
        if filled { "" } else { " as published" }
    );
    for (tier, mut found) in delays {
        found.sort_unstable();
        let at = |share: usize| found[(found.len() - 1) * share / 100].0 / 1000;
        let most = found.iter().map(|(_, readings)| *readings).max().unwrap();
        let by_next = found.iter().filter(|(_, readings)| *readings <= 1).count();
        println!(
            "  {:>6} at {} m: {} events cross, {} rises; seconds after the crossing: {} least, {} median, {} at 95 %, {} most; by the next reading {by_next}, after {most} at most within the minute",
            names[tier],
            levels[tier - 1],
            reached[&tier],
            found.len(),
            at(0),
            at(50),
            at(95),
            at(100)
        );
    }
    Some(())
}

/// Fills from a dry street to 60 cm within two minutes: the screen doubts the leaps, each until the
/// reading after it, and hides nothing. Made up for this test.
#[test]
fn a_flash_rise_is_there_with_its_second_reading() {
    let place = Place {
        kind: "waterlogging",
        parameter: "water_depth",
        interval_s: 60,
        columns: &THREE[1..],
        gauges: vec![Gauge {
            id: "W1".to_owned(),
            lon: 0.0,
            lat: 40.0,
            levels: INCHES.map(str::to_owned).to_vec(),
        }],
    };
    let folder = tempfile::tempdir().unwrap();
    let city = place.write(folder.path()).display().to_string();
    let depths = [0.0, 0.0, 0.35, 0.70, 1.05, 1.10];
    let lines: String = (0..).zip(depths).map(|(minute, depth)| {
        let time = Time::from_minute(minute).display(Offset(0));
        format!("{{\"station\":\"W1\",\"parameter\":\"water_depth\",\"time\":\"{time}\",\"value\":{depth}}}\n")
    }).collect();
    let file = folder.path().join("flash.ndjson");
    fs::write(&file, lines).unwrap();
    let (signals, _) = replay(&[
        "--city",
        &city,
        "--rules",
        RULES,
        "--signals",
        &file.display().to_string(),
    ]);
    let rises: Vec<_> = signals
        .iter()
        .map(|line| (millis(line) / MINUTE, rung(&THREE, &line["to"])))
        .collect();
    assert_eq!(rises, [(3, 2), (4, 3)], "{signals:?}");
}

const INCHES: [&str; 3] = ["0.1016", "0.3048", "0.6096"]; // 4, 12 and 24
const ROAD: [&str; 5] = ["none", "blue", "yellow", "orange", "red"];

#[test]
fn each_flood_reaches_four_twelve_and_twenty_four_inches_within_one_reading_and_falls() {
    for filled in [true, false] {
        play(&THREE, &THREE[1..], &INCHES, filled);
    }
}

#[test]
fn each_flood_reaches_the_tiers_of_a_road_within_one_reading_and_falls() {
    for filled in [true, false] {
        play(&ROAD, &ROAD[1..], &["0.15", "0.27", "0.40", "0.50"], filled);
    }
}
