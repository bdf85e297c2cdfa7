//! River stages through Cyclone Ditwah: 22 gauges read about hourly by people, newest first.

use crate::ladder::Ladder;
use crate::place::{Gauge, Place};
use crate::{THREE, millis, recorded, replay, rung, sanfang, tenths_of_mm};
use model::{Offset, Time};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What `testdata/rulebooks/sri-lanka` says.
const RULES: &str = "testdata/rulebooks/sri-lanka";
const HOLD_S: i64 = 15 * 60;
const QUIET_S: i64 = 3 * 3600;
const BELOW: i64 = 1_000; // 10 cm
/// A gauge read hourly is not watched where three readings are missing.
const GAP_S: i64 = 3 * 3600;

const LEVELS: [&str; 3] = [
    "alert_level_m",
    "minor_flood_level_m",
    "major_flood_level_m",
];

#[derive(Clone, Debug)]
struct Reading {
    station: String,
    second: i64,
    metres: f64,
}

/// Gauges with alert, minor and major level, and what was read there, oldest first.
struct Record {
    levels: BTreeMap<String, [f64; 3]>,
    readings: Vec<Reading>,
    folder: tempfile::TempDir,
    city: PathBuf,
    townships: BTreeMap<String, String>,
}

impl Record {
    fn open() -> Option<Self> {
        let data = recorded("river-level/lk")?;
        let stations = fs::read(data.join("stations.json")).unwrap();
        let stations: Vec<Value> = serde_json::from_slice(&stations).unwrap();
        let name = |station: &Value| station["name"].as_str().unwrap().replace(' ', "-");
        let number = |value: &Value| value.as_f64().unwrap();
        let gauge = |station: &Value| Gauge {
            id: name(station),
            lon: number(&station["lat_lng"][1]),
            lat: number(&station["lat_lng"][0]),
            levels: LEVELS.map(|level| station[level].to_string()).to_vec(),
        };
        let levels = stations
            .iter()
            .map(|station| (name(station), LEVELS.map(|level| number(&station[level]))));
        let levels = levels.collect();
        let place = Place {
            kind: "river",
            parameter: "water_level",
            interval_s: 3600,
            columns: &["alert", "minor", "major"],
            gauges: stations.iter().map(gauge).collect(),
        };
        let folder = tempfile::tempdir().unwrap();
        let city = place.write(folder.path());
        let townships = place
            .gauges
            .iter()
            .map(|gauge| (gauge.id.clone(), place.township_of(&gauge.id)));
        let townships = townships.collect();
        let mut readings = Vec::new();
        for entry in fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "tsv") {
                readings.extend(read_table(&path));
            }
        }
        assert!(!readings.is_empty());
        readings.sort_by_key(|reading| reading.second);
        Some(Self {
            levels,
            readings,
            folder,
            city,
            townships,
        })
    }

    fn file(&self, name: &str, readings: &[Reading]) -> String {
        let mut text = String::new();
        for Reading {
            station,
            second,
            metres,
        } in readings
        {
            let time = Time::from_millis(second * 1000).display(Offset(0));
            writeln!(text, r#"{{"station":"{station}","parameter":"water_level","time":"{time}","value":{metres}}}"#).unwrap();
        }
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn replay(&self, extra: &[&str], file: &str) -> (Vec<Value>, String) {
        let city = self.city.display().to_string();
        replay(&[&["--city", &city, "--rules", RULES], extra, &[file]].concat())
    }

    fn of(&self, station: &str) -> Vec<&Reading> {
        self.readings
            .iter()
            .filter(|reading| reading.station == station)
            .collect()
    }

    fn stations(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .readings
            .iter()
            .map(|reading| reading.station.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn rung(&self, station: &str, metres: f64) -> usize {
        ladder(self.levels[station]).rung(tenths_of_mm(metres))
    }

    /// Second of the newest reading of all.
    fn end(&self) -> i64 {
        self.readings.last().unwrap().second
    }
}

/// Rows of `station_name`, `time_ut`, `water_level_m`.
fn read_table(path: &Path) -> Vec<Reading> {
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        Reading {
            station: cells[0].replace(' ', "-"),
            second: cells[1].parse().unwrap(),
            metres: cells[2].parse().unwrap(),
        }
    });
    rows.collect()
}

/// A change of tier: second, site, and the rungs it left and reached.
type Change = (i64, String, usize, usize);

/// What the rule says of a gauge with these levels.
fn ladder(levels: [f64; 3]) -> Ladder {
    Ladder {
        levels: levels.map(tenths_of_mm).to_vec(),
        hold: HOLD_S * 1000,
        quiet: QUIET_S * 1000,
        below: BELOW,
        gap: GAP_S * 1000,
    }
}

/// What one gauge's readings say by the words of the rule, and at which of its readings nothing is on
/// its way up or down.
fn naive(readings: &[&Reading], levels: [f64; 3], end: i64) -> (Vec<Change>, Vec<bool>) {
    let pairs = readings
        .iter()
        .map(|r| (r.second * 1000, tenths_of_mm(r.metres)));
    let climb = ladder(levels).climb(&pairs.collect::<Vec<_>>(), end * 1000);
    let station = &readings[0].station;
    let changes = climb.changes.iter();
    let changes = changes.map(|(time, from, to)| (time / 1000, station.clone(), *from, *to));
    (changes.collect(), climb.calm)
}

fn naive_of_all(record: &Record) -> Vec<Change> {
    let stations = record.stations().into_iter();
    let mut all: Vec<Change> = stations
        .flat_map(|station| naive(&record.of(&station), record.levels[&station], record.end()).0)
        .collect();
    all.sort();
    all
}

fn changes(signals: &[Value]) -> Vec<Change> {
    let rung = |tier: &Value| rung(&THREE, tier);
    let change = |line: &Value| {
        let site = line["subject"].as_str().unwrap().to_owned();
        (
            millis(line) / 1000,
            site,
            rung(&line["from"]),
            rung(&line["to"]),
        )
    };
    let mut all: Vec<Change> = signals.iter().map(change).collect();
    all.sort();
    all
}

/// Tiers of the townships after each line of a warning.
fn told(warnings: &[Value]) -> Vec<(i64, BTreeMap<String, usize>)> {
    let mut told = Vec::new();
    for line in warnings {
        let areas = line["areas"].as_object().unwrap().iter();
        let rung = |tier: &Value| rung(&THREE, tier);
        told.push((
            millis(line) / 1000,
            areas
                .map(|(code, tier)| (code.clone(), rung(tier)))
                .collect(),
        ));
    }
    told
}

/// Each change of a township's tier with its second, by township.
fn changes_told(told: &[(i64, BTreeMap<String, usize>)]) -> Vec<(String, usize, i64)> {
    let mut changes = Vec::new();
    let mut now: BTreeMap<&str, usize> = BTreeMap::new();
    for (second, areas) in told {
        for (township, rung) in areas {
            if now.insert(township, *rung).unwrap_or(0) != *rung {
                changes.push((township.clone(), *rung, *second));
            }
        }
    }
    changes.sort_by_key(|(township, _, second)| (township.clone(), *second));
    changes
}

#[test]
fn each_gauge_reaches_and_keeps_what_its_readings_say() {
    let Some(record) = Record::open() else { return };
    let newest_first: Vec<Reading> = record.readings.iter().rev().cloned().collect();
    let file = record.file("as-published.ndjson", &newest_first);
    let (signals, _) = record.replay(&["--sort", "--signals"], &file);
    let ours = changes(&signals);
    assert_eq!(ours, naive_of_all(&record));
    let mut silent = Vec::new();
    for station in record.stations() {
        let readings = record.of(&station);
        // Reached: some reading stood there, that is no later one within the hold lay below.
        let stood = (0..readings.len()).map(|at| {
            let held = readings[at..]
                .iter()
                .take_while(|r| r.second <= readings[at].second + HOLD_S);
            held.map(|reading| record.rung(&station, reading.metres))
                .min()
                .unwrap()
        });
        let highest = ours
            .iter()
            .filter(|change| change.1 == station)
            .map(|change| change.3)
            .max();
        assert_eq!(highest.unwrap_or(0), stood.max().unwrap(), "{station}");
        let last = readings.last().unwrap();
        let kept = ours
            .iter()
            .rfind(|change| change.1 == station)
            .map_or(0, |change| change.3);
        let rung = record.rung(&station, last.metres);
        if record.end() - last.second > 24 * 3600 && rung > 0 {
            assert!(kept >= rung, "{station} fell silent at {}", last.metres);
            silent.push((station.clone(), kept));
        }
    }
    println!(
        "{} changes of tier at {} gauges; silent and kept: {silent:?}",
        ours.len(),
        record.stations().len()
    );
    for station in ["Peradeniya", "Weraganthota"] {
        assert!(
            silent.contains(&(station.to_owned(), 3)),
            "{station}: {silent:?}"
        );
    }
}

#[test]
fn the_public_hears_of_each_tier_within_two_minutes_and_of_no_other() {
    let Some(record) = Record::open() else { return };
    let file = record.file("in-order.ndjson", &record.readings);
    let (warnings, words) = record.replay(&[], &file);
    assert!(!words.contains("late"), "{words}");
    let told = told(&warnings);
    let stands_at = |second: i64, township: &str| {
        let before = told.iter().rfind(|(at, _)| *at <= second);
        before
            .and_then(|(_, areas)| areas.get(township).copied())
            .unwrap_or(0)
    };
    let naive = naive_of_all(&record);
    for (second, site, _, to) in &naive {
        let next = naive
            .iter()
            .find(|change| change.1 == *site && change.0 > *second);
        if next.is_none_or(|next| next.0 > second + 120) {
            assert_eq!(
                stands_at(second + 120, &record.townships[site]),
                *to,
                "{site} {second}"
            );
        }
    }
    for (second, areas) in &told {
        for (township, rung) in areas {
            let site = record
                .townships
                .iter()
                .find(|(_, code)| *code == township)
                .unwrap()
                .0;
            let reached = naive
                .iter()
                .filter(|c| c.1 == *site && c.0 <= *second && c.0 > second - 121);
            let stood = naive
                .iter()
                .rfind(|change| change.1 == *site && change.0 <= second - 121);
            let mut may = reached
                .map(|change| change.3)
                .chain([stood.map_or(0, |change| change.3)]);
            assert!(may.any(|tier| tier == *rung), "{site} {second} {rung}");
        }
    }
}

/// Made up for this test: errors of a factor of ten and of a digit too many, taken back within
/// minutes, at every reading of every gauge at which no tier is on its way.
#[test]
fn made_up_typing_errors_that_are_taken_back_move_nothing() {
    let Some(record) = Record::open() else { return };
    let mut with_errors = Vec::new();
    let mut errors = 0;
    for station in record.stations() {
        let readings = record.of(&station);
        let (_, calm) = naive(&readings, record.levels[&station], record.end());
        for (at, reading) in readings.iter().enumerate() {
            with_errors.push((*reading).clone());
            let room = readings
                .get(at + 1)
                .map_or(0, |next| next.second - reading.second);
            if !calm[at] || room < 20 * 60 || !calm.get(at + 1).is_some_and(|calm| *calm) {
                continue;
            }
            errors += 1;
            let corrected_after = [5, 60, 300, 600, 840][at % 5];
            let wrong = [
                (2, reading.metres * 10.0 + 20.0),
                (
                    4,
                    if at % 2 == 0 {
                        reading.metres / 10.0
                    } else {
                        reading.metres + 30.0
                    },
                ),
                (corrected_after, reading.metres),
            ];
            with_errors.extend(wrong.map(|(after, metres)| Reading {
                second: reading.second + after,
                metres: (metres * 100.0).round() / 100.0,
                ..(*reading).clone()
            }));
        }
    }
    with_errors.sort_by_key(|reading| reading.second);
    assert!(errors > 1000, "{errors}");
    let sound = record.file("sound.ndjson", &record.readings);
    let erring = record.file("erring.ndjson", &with_errors);
    let signals = |file: &str| changes(&record.replay(&["--signals"], file).0);
    assert_eq!(signals(&erring), signals(&sound));
    let public = |file: &str| changes_told(&told(&record.replay(&[], file).0));
    let (sound, erring) = (public(&sound), public(&erring));
    assert_eq!(sound.len(), erring.len());
    for (sound, erring) in sound.iter().zip(&erring) {
        // Readings pass the end of a hold: with more of them it is noticed a little sooner.
        let apart = sound.2 - erring.2;
        assert!(
            (&sound.0, sound.1) == (&erring.0, erring.1) && apart.abs() <= 60,
            "{sound:?} {erring:?}"
        );
    }
    println!("{errors} typing errors moved nothing");
}

/// The readings of one gauge come in one bunch, hours late.
#[test]
fn what_is_filled_in_late_raises_nothing_that_is_past() {
    let Some(record) = Record::open() else { return };
    for station in record.stations() {
        let readings = record.of(&station);
        let rungs: Vec<usize> = readings
            .iter()
            .map(|r| record.rung(&station, r.metres))
            .collect();
        let Some(first) = rungs.iter().position(|rung| *rung > 0) else {
            continue;
        };
        let others = record
            .readings
            .iter()
            .filter(|reading| reading.station != station);
        let others: Vec<Reading> = others.cloned().collect();
        // All of it after the end of everything, and up to an hour before it at the earliest.
        let own: Vec<Reading> = readings.iter().map(|reading| (*reading).clone()).collect();
        let past = own
            .iter()
            .filter(|reading| reading.second < record.end() - 3600);
        let bunch: Vec<Reading> = others.iter().chain(past).cloned().collect();
        let file = record.file("filled-in.ndjson", &bunch);
        let without = record.file("without.ndjson", &others);
        let (late, words) = record.replay(&[], &file);
        assert_eq!(late, record.replay(&[], &without).0, "{station}");
        assert!(words.contains("late"), "{station}: {words}");
        // Six hours late, then as it is read: what still stands is put forward, not before.
        let gone = readings[first].second + 6 * 3600;
        let mut delayed: Vec<(i64, &Reading)> = others
            .iter()
            .map(|reading| (reading.second, reading))
            .collect();
        delayed.extend(
            own.iter()
                .map(|reading| (reading.second.max(gone), reading)),
        );
        delayed.sort_by_key(|(at, reading)| (*at, reading.second));
        let delayed: Vec<Reading> = delayed
            .into_iter()
            .map(|(_, reading)| reading.clone())
            .collect();
        let file = record.file("delayed.ndjson", &delayed);
        let township = &record.townships[&station];
        let told = told(&record.replay(&[], &file).0);
        // It may say that the tier began before; it is said after the bunch has come.
        let names = |(_, areas): &(i64, BTreeMap<String, usize>)| areas.contains_key(township);
        let first = told.iter().position(names).unwrap_or(told.len());
        let after = told.iter().skip(first + 1);
        assert!(
            after.clone().all(|(second, _)| *second >= gone - HOLD_S),
            "{station}"
        );
        let later = readings
            .iter()
            .zip(&rungs)
            .any(|(reading, rung)| reading.second > gone + 1800 && *rung > 0);
        let is_told = told
            .iter()
            .any(|(_, areas)| areas.get(township).is_some_and(|rung| *rung > 0));
        assert!(
            is_told || !later,
            "{station} stands above its level after {gone} and nobody hears of it"
        );
    }
}

/// Without `--sort` a file that begins with its end is late but for its first lines: what is past
/// moves nothing, and the replay says why.
#[test]
fn newest_first_is_said_and_raises_nothing_that_is_past() {
    let Some(record) = Record::open() else { return };
    let newest_first: Vec<Reading> = record.readings.iter().rev().cloned().collect();
    let file = record.file("newest-first.ndjson", &newest_first);
    let (warnings, words) = record.replay(&[], &file);
    assert!(words.contains("--sort"), "{words}");
    for (second, areas) in told(&warnings) {
        for (township, rung) in areas {
            let station = record
                .townships
                .iter()
                .find(|(_, code)| **code == township)
                .unwrap()
                .0;
            let last = record.of(station).last().copied().unwrap().clone();
            assert!(record.end() - last.second <= 15 * 60, "{station} {second}");
            assert!(
                rung <= record.rung(station, last.metres),
                "{station} {second}"
            );
        }
    }
}

/// Made up for this test: nobody has set levels at Ampara, where the register says 0.0 thrice.
#[test]
fn a_gauge_without_levels_is_not_always_flooding() {
    let Some(record) = Record::open() else { return };
    assert_eq!(record.levels["Ampara"], [0.0; 3]);
    let readings: Vec<Reading> = (0..48)
        .map(|hour| Reading {
            station: "Ampara".to_owned(),
            second: record.end() + hour * 3600,
            metres: hour as f64 / 10.0,
        })
        .collect();
    let file = record.file("ampara.ndjson", &readings);
    for extra in [&[][..], &["--signals"]] {
        assert!(record.replay(extra, &file).0.is_empty());
    }
    let city = record.city.display().to_string();
    let check = sanfang(&["check", "--city", &city, "--rules", RULES]);
    let notices = String::from_utf8(check.stdout).unwrap();
    let notice = "alert, minor, major: all 0 and read as not set at 1 sites: Ampara";
    assert!(notices.contains(notice), "{notices}");
}
