//! Tracks of cyclones of the western Pacific, each fix as the issue of a forecast that came true.

use crate::place::{Gauge, Place};
use crate::{recorded, replay};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A fix of the best track: second, longitude, latitude, wind in m/s.
#[derive(Clone, Copy, Debug)]
struct Fix {
    second: i64,
    lon: f64,
    lat: f64,
    wind: Option<f64>,
}

/// Who waits for them.
const PLACES: [(&str, f64, f64); 3] = [
    ("Guangzhou", 113.26, 23.13),
    ("Shenzhen", 114.06, 22.54),
    ("Zhanjiang", 110.36, 21.27),
];
/// Forecasts reach five days ahead.
const AHEAD_S: i64 = 5 * 86_400;
const STEP_S: i64 = 600;
/// Cyclones whose centre comes no nearer to any place raise nothing: circles are smaller.
const NEAR_KM: f64 = 500.0;
const HATO: &str = "2017232N19130";
const MANGKHUT: &str = "2018250N12170";

const TIERS: [&str; 5] = ["none", "white", "blue", "orange", "red"];
/// Least force and hours of each tier above none.
const CIRCLES: [(f64, f64); 4] = [(13.9, 48.0), (13.9, 24.0), (24.5, 12.0), (32.7, 6.0)];

const RULES: &str = r#"schema = 1
version = "tracks"
[[rule]]
id = "circle"
hazard = "11B01"
name = { zh = "风圈", en = "Circle" }
subject = "area"
area = { level = "township", quorum = "1" }
white = 'typhoon.hours_to(7) <= 48'
blue = 'typhoon.hours_to(7) <= 24'
orange = 'typhoon.hours_to(10) <= 12'
red = 'typhoon.hours_to(12) <= 6'
lower = { after = "0m" }
source = { document = "test", confidence = "design-default" }
[[rule]]
id = "distance"
hazard = "11B06"
name = { zh = "距离", en = "Distance" }
subject = "area"
area = { level = "township", quorum = "1" }
blue = 'typhoon.distance() <= km(800)'
orange = 'typhoon.closest("24h") <= 100'
lower = { after = "0m" }
source = { document = "test", confidence = "design-default" }
"#;

fn fixes(data: &Path) -> BTreeMap<String, Vec<Fix>> {
    let text = fs::read_to_string(data.join("ibtracs_wmo_WP_2012-2022.csv")).unwrap();
    let mut storms: BTreeMap<String, Vec<Fix>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let time: jiff::Timestamp = format!("{}Z", cells[3]).parse().unwrap();
        let second = time.as_second();
        storms.entry(cells[0].to_owned()).or_default().push(Fix {
            second,
            lon: cells[4].parse().unwrap(),
            lat: cells[5].parse().unwrap(),
            wind: cells[6]
                .parse::<f64>()
                .ok()
                .map(|knots| knots * 1852.0 / 3600.0),
        });
    }
    storms
}

/// Great-circle distance by the law of cosines, km.
fn km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (la, lb) = (a.1.to_radians(), b.1.to_radians());
    let angle = (a.0 - b.0).to_radians().cos();
    let cosine = la.sin() * lb.sin() + la.cos() * lb.cos() * angle;
    cosine.clamp(-1.0, 1.0).acos() * 6371.0088
}

/// Radius of a wind as the reader estimates it where nobody gives one, whole km.
fn radius(fix: &Fix, force: f64) -> f64 {
    let wind = fix.wind.filter(|wind| *wind >= force);
    wind.map_or(0.0, |wind| {
        let core = 46.4 * (-0.0155 * wind + 0.0169 * fix.lat.abs()).exp();
        (core * (wind / force).powi(2)).min(2000.0).round()
    })
}

/// Centre and radius of a force on a track at a time.
fn at(track: &[Fix], second: i64, force: f64) -> ((f64, f64), f64) {
    let later = track
        .iter()
        .position(|fix| fix.second > second)
        .unwrap_or(track.len());
    let before = &track[later - 1];
    let after = track.get(later).unwrap_or(before);
    let way = (after.second - before.second).max(1) as f64;
    let share = ((second - before.second) as f64 / way).min(1.0);
    let between = |from: f64, to: f64| from + (to - from) * share;
    let centre = (
        between(before.lon, after.lon),
        between(before.lat, after.lat),
    );
    (centre, between(radius(before, force), radius(after, force)))
}

fn iso(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

/// The tiers of both rules at a place by every look, as a person walks along each issue's track. `None`
/// where a figure lies so near to its bound that rounding decides.
fn looks(storm: &[Fix], place: (f64, f64)) -> Vec<(i64, [Option<usize>; 2])> {
    let mut found = Vec::new();
    for (number, fix) in storm.iter().enumerate() {
        let track: Vec<Fix> = storm[number..]
            .iter()
            .filter(|next| next.second <= fix.second + AHEAD_S)
            .copied()
            .collect();
        let end = track.last().unwrap().second;
        let until = storm.get(number + 1).map_or(end + 3600, |next| next.second);
        let steps = (end - fix.second) / STEP_S;
        // Of each tier, whether each step lies inside its circle: by how many km.
        let depth = |force: f64| -> Vec<f64> {
            let of_step = |step: i64| {
                let (centre, radius) = at(&track, fix.second + step * STEP_S, force);
                if radius > 0.0 {
                    radius - km(centre, place)
                } else {
                    -9999.0
                }
            };
            (0..=steps).map(of_step).collect()
        };
        let depths: Vec<Vec<f64>> = CIRCLES.iter().map(|(force, _)| depth(*force)).collect();
        let away: Vec<f64> = (0..=steps)
            .map(|step| km(at(&track, fix.second + step * STEP_S, 13.9).0, place))
            .collect();
        let mut second = fix.second;
        while second < until {
            let from = ((second - fix.second) / STEP_S).min(steps) as usize;
            let mut tier = Some(0);
            for (rung, ((_, hours), depths)) in CIRCLES.iter().zip(&depths).enumerate() {
                let within = (hours * 6.0) as usize;
                let seen = &depths[from..depths.len().min(from + within + 1)];
                let deepest = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if deepest.abs() < 0.05 {
                    tier = None;
                } else if deepest > 0.0 {
                    tier = tier.map(|_| rung + 1);
                }
            }
            let closest = away[from..away.len().min(from + 145)]
                .iter()
                .copied()
                .fold(f64::INFINITY, f64::min);
            let near = [(closest, 100.0, 3), (away[from], 800.0, 2)];
            let distance = if near.iter().any(|(km, bound, _)| (km - bound).abs() < 0.05) {
                None
            } else {
                Some(
                    near.iter()
                        .find(|(km, bound, _)| km < bound)
                        .map_or(0, |(_, _, rung)| *rung),
                )
            };
            found.push((second, [tier, distance]));
            second += STEP_S;
        }
    }
    found
}

#[test]
fn tracks_raise_by_circle_and_by_distance_as_a_walk_along_them_says() {
    let Some(data) = recorded("typhoon") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let gauges = PLACES.iter().map(|(id, lon, lat)| Gauge {
        id: (*id).to_owned(),
        lon: *lon,
        lat: *lat,
        levels: Vec::new(),
    });
    let place = Place {
        kind: "coast",
        parameter: "wind_speed",
        interval_s: 600,
        columns: &["unused"],
        gauges: gauges.collect(),
    };
    let city = place.write(folder.path());
    let rules = folder.path().join("rules");
    fs::create_dir_all(&rules).unwrap();
    fs::write(rules.join("tracks.toml"), RULES).unwrap();
    let mut told = 0;
    let mut leads = Vec::new();
    for (storm, track) in fixes(&data) {
        let nearest = track
            .iter()
            .flat_map(|fix| PLACES.map(|(_, lon, lat)| km((fix.lon, fix.lat), (lon, lat))));
        if nearest.fold(f64::INFINITY, f64::min) > NEAR_KM {
            continue;
        }
        let mut lines = String::new();
        for (number, fix) in track.iter().enumerate() {
            let ahead = track[number..]
                .iter()
                .filter(|next| next.second <= fix.second + AHEAD_S);
            let points: Vec<Value> = ahead
                .map(|next| json!({ "time": iso(next.second), "lon": next.lon, "lat": next.lat, "wind": next.wind }))
                .collect();
            let issue = json!({ "issued": iso(fix.second), "source": "best track", "storm": storm, "points": points });
            writeln!(lines, "{issue}").unwrap();
        }
        let last = track.last().unwrap().second;
        let over = json!({ "issued": iso(last + 3600), "source": "best track", "storm": storm, "points": [] });
        writeln!(lines, "{over}").unwrap();
        let file = folder.path().join("track.ndjson");
        fs::write(&file, lines).unwrap();
        let [city, rules, file] = [&city, &rules, &file].map(|path| path.to_str().unwrap());
        let (changes, _) = replay(&[
            "--city",
            city,
            "--rules",
            rules,
            "--signals",
            "--forecasts",
            file,
        ]);
        for (number, (name, lon, lat)) in PLACES.iter().enumerate() {
            let township = Place::township(number);
            for (rule_no, rule) in ["circle", "distance"].into_iter().enumerate() {
                let own: Vec<(i64, usize)> = changes
                    .iter()
                    .filter(|change| change["subject"] == *township && change["rule"] == rule)
                    .map(|change| {
                        let time: jiff::Timestamp =
                            change["time"].as_str().unwrap().parse().unwrap();
                        let names = ["none", "white", "blue", "orange", "red"];
                        (
                            time.as_second(),
                            names.iter().position(|name| change["to"] == *name).unwrap(),
                        )
                    })
                    .collect();
                told += own.len();
                let standing = |second: i64| {
                    own.iter()
                        .rev()
                        .find(|(time, _)| *time <= second)
                        .map_or(0, |(_, tier)| *tier)
                };
                let mut first = BTreeMap::new();
                for (second, tiers) in looks(&track, (*lon, *lat)) {
                    let Some(wanted) = tiers[rule_no] else {
                        continue;
                    };
                    assert_eq!(
                        TIERS[standing(second)],
                        TIERS[wanted],
                        "{storm} {rule} at {name}, {}",
                        iso(second)
                    );
                    first.entry(wanted).or_insert(second);
                }
                // Each change is one of those looks.
                assert!(own.iter().all(|(time, _)| time % STEP_S == 0), "{own:?}");
                if rule == "circle" && (storm == HATO || storm == MANGKHUT) {
                    let nearest = track.iter().min_by(|a, b| {
                        let away = |fix: &Fix| km((fix.lon, fix.lat), (*lon, *lat));
                        away(a).total_cmp(&away(b))
                    });
                    let nearest = nearest.unwrap().second;
                    let hours = |second: &i64| (nearest - second) as f64 / 3600.0;
                    let by_tier: Vec<String> = first
                        .iter()
                        .filter(|(tier, _)| **tier > 0)
                        .map(|(tier, second)| format!("{} {:.1} h", TIERS[*tier], hours(second)))
                        .collect();
                    leads.push(format!(
                        "{storm} at {name} before it is nearest: {}",
                        by_tier.join(", ")
                    ));
                }
            }
        }
    }
    println!("{told} changes of tier\n{}", leads.join("\n"));
    assert!(told > 300 && leads.len() == 6, "{told} {leads:?}");
}
