//! Rain of one tipping bucket in fifteen-minute readings, rows not in time order, one missing.

use crate::place::{Gauge, Place};
use crate::{millis, recorded, replay};
use model::{Offset, Time};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

const MINUTE: i64 = 60_000;
/// Windows in minutes, and as a rule writes them.
const WINDOWS: [(i64, &str); 5] = [
    (15, "15m"),
    (60, "1h"),
    (180, "3h"),
    (360, "6h"),
    (1440, "24h"),
];
/// Hundredths of a millimetre in an hour, for the tiers from blue to red.
const HOURLY: [i64; 4] = [20, 100, 300, 600];
const TIERS: [&str; 4] = ["blue", "yellow", "orange", "red"];

/// Milliseconds and hundredths of a millimetre, in file order.
fn readings() -> Option<Vec<(i64, i64)>> {
    let data = recorded("rain")?;
    let mut found = Vec::new();
    for entry in fs::read_dir(&data).unwrap() {
        let mut table = csv::Reader::from_path(entry.unwrap().path()).unwrap();
        for row in table.records() {
            let row = row.unwrap();
            let value: f64 = row[2].parse().unwrap();
            found.push((
                Time::parse(&row[0]).unwrap().0.millis(),
                (value * 100.0).round() as i64,
            ));
        }
    }
    Some(found)
}

fn sum(known: &BTreeMap<i64, i64>, until: i64, minutes: i64) -> i64 {
    known
        .range(until - minutes * MINUTE + 1..=until)
        .map(|(_, rain)| rain)
        .sum()
}

/// A rule whose tiers hang on the hour and that shows the sum of every window.
fn rule() -> String {
    let mut rule = "schema = 1\nversion = \"rain\"\n[[rule]]\nid = \"rain\"\nhazard = \"11B03\"\nname = { zh = \"雨\", en = \"Rain\" }\n\
        source = { document = \"made up for this test\", confidence = \"design-default\" }\nlower = { after = \"0m\" }\n".to_owned();
    for (tier, bound) in TIERS.iter().zip(HOURLY) {
        let others = WINDOWS
            .map(|(_, window)| format!(r#" || rainfall.sum("{window}") >= 999"#))
            .concat();
        let bound = bound as f64 / 100.0;
        writeln!(
            rule,
            r#"{tier} = 'rainfall.sum("1h") >= {bound:.2}{others}'"#
        )
        .unwrap();
    }
    rule
}

#[test]
fn sums_of_rows_in_any_order_are_those_of_a_list() {
    let Some(readings) = readings() else { return };
    assert!(!readings.is_sorted(), "rows are not in time order");
    let place = Place {
        kind: "rain",
        parameter: "rainfall",
        interval_s: 900,
        columns: &["unused"],
        gauges: vec![Gauge {
            id: "R1".to_owned(),
            lon: 0.0,
            lat: 51.0,
            levels: vec![String::new()],
        }],
    };
    let folder = tempfile::tempdir().unwrap();
    let city = place.write(folder.path());
    fs::create_dir(city.join("rules")).unwrap();
    fs::write(city.join("rules/rain.toml"), rule()).unwrap();
    let city = city.display().to_string();
    let mut text = String::new();
    for (time, rain) in &readings {
        let (time, rain) = (
            Time::from_millis(*time).display(Offset(0)),
            *rain as f64 / 100.0,
        );
        writeln!(
            text,
            r#"{{"station":"R1","parameter":"rainfall","time":"{time}","value":{rain}}}"#
        )
        .unwrap();
    }
    let file = folder.path().join("rain.ndjson");
    fs::write(&file, text).unwrap();
    let file = file.display().to_string();

    let all: BTreeMap<i64, i64> = readings.iter().copied().collect();
    let (sorted, _) = replay(&["--city", &city, "--signals", "--sort", &file]);
    for line in &sorted {
        assert_eq!(
            shown(line),
            WINDOWS.map(|(minutes, _)| sum(&all, millis(line), minutes)),
            "{line}"
        );
    }
    for (tier, bound) in TIERS.iter().zip(HOURLY) {
        let place = |line: &Value, key: &str| TIERS.iter().position(|name| line[key] == *name);
        let reaches = |line: &&Value| {
            line["to"] != "none" && place(line, "to") >= TIERS.iter().position(|name| name == tier)
        };
        let ours = sorted.iter().find(reaches).map(millis);
        let naive = all
            .keys()
            .copied()
            .find(|time| sum(&all, *time, 60) >= bound);
        assert_eq!(ours, naive, "{tier}");
    }
    // As the file has them: each is put in its place, and what it changes is told at the newest time.
    let (as_published, _) = replay(&["--city", &city, "--signals", &file]);
    let (mut known, mut possible) = (BTreeMap::new(), Vec::new());
    let mut newest = i64::MIN;
    for (time, rain) in readings {
        known.insert(time, rain);
        newest = newest.max(time);
        possible.push((
            newest,
            WINDOWS.map(|(minutes, _)| sum(&known, newest, minutes)),
        ));
    }
    for line in &as_published {
        assert!(possible.contains(&(millis(line), shown(line))), "{line}");
    }
    println!(
        "{} readings, {} mm; {} changes in time order, {} in file order",
        all.len(),
        all.values().sum::<i64>() as f64 / 100.0,
        sorted.len(),
        as_published.len()
    );
    assert!(sorted.len() > 10 && as_published.len() > 10);
}

/// The sums of a line, in hundredths of a millimetre.
fn shown(line: &Value) -> [i64; 5] {
    WINDOWS.map(|(_, window)| {
        let sum = line["values"][format!("rainfall.sum(\"{window}\")")].as_f64();
        sum.map_or(-1, |sum| (sum * 100.0).round() as i64)
    })
}
