//! `sanfang demo` from outside: over small storms it ends by itself, and well only if everything
//! went out that the naive model expects of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

mod demo_city;

use demo_city::{node, root};
use dispatch::simulator::carrier::{Carrier, CarrierConfig};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn demo(city: &str, storm: &str, expected: &Path) -> Output {
    demo_with(city, storm, expected, &["--speed", "max"])
}

fn demo_with(city: &str, storm: &str, expected: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["demo", "--headless"])
        .args(more)
        .args(["--listen", "127.0.0.1:0", "--city", city, "--storm", storm])
        .arg("--expected")
        .arg(expected)
        .current_dir(root())
        .output()
        .unwrap()
}

fn goes_out(kind: &str, hazards: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let city = demo_city::write(folder.path(), 2000).display().to_string();
    let storm = folder.path().join("storm.ndjson").display().to_string();
    node(&["testdata/storm.mjs", kind, "--thin", "20", "--out", &storm]);
    let peaks = node(&[
        "testdata/naive/naive.mjs",
        "--city",
        &city,
        "--peaks",
        &storm,
    ]);
    for hazard in hazards {
        assert!(peaks.contains(hazard), "no {hazard} in\n{peaks}");
    }
    let expected = folder.path().join("expected.txt");
    fs::write(&expected, &peaks).unwrap();
    let output = demo(&city, &storm, &expected);
    let story = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{story}\n{words}");
    let all = format!("all {} warnings went out", peaks.lines().count());
    assert!(story.contains(&all), "{story}");
    if peaks.contains("11B0") {
        assert!(story.contains("穗城气象台 has our request"), "{story}");
    }
    // Whoever must act is called, also where a whole district is warned.
    let mut lines = story.lines().rev();
    let last = lines.find(|line| line.contains(" calls unanswered"));
    assert!(last.is_some_and(|line| !line.contains(" of 0 ")), "{story}");
}

#[test]
fn what_the_rainstorm_must_bring_goes_out() {
    goes_out("rainstorm", &["11A02", "11B03", "11D01"]);
}

#[test]
fn what_the_typhoon_must_bring_goes_out() {
    goes_out("typhoon", &["11B01"]);
}

#[test]
fn what_does_not_go_out_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let city = demo_city::write(folder.path(), 2000).display().to_string();
    let line = r#"{"station":"G00001","parameter":"rainfall","time":"2023-09-07T18:00:00+08:00","value":0.2}"#;
    let storm = folder.path().join("storm.ndjson");
    fs::write(&storm, line).unwrap();
    let expected = folder.path().join("expected.txt");
    fs::write(&expected, "11B15 440103000000 red\n").unwrap();
    let output = demo(&city, &storm.display().to_string(), &expected);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("11B15 440103000000 red"), "{words}");
}

/// The culvert of the demo city that water rises at, the sensor there and its district.
struct Culvert {
    sensor: String,
    zone: String,
}

impl Culvert {
    fn of(city: &Path) -> Self {
        let sites = fs::read_to_string(city.join("sites.csv")).unwrap();
        let mut lines = sites
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
        let site = lines
            .find(|site| site[column("kind")] == "culvert")
            .unwrap();
        Self {
            sensor: site[column("station")].to_owned(),
            zone: format!("{}000000", &site[column("area")][..6]),
        }
    }

    /// Half an hour in which the water comes, and that it must bring red.
    fn storm(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let mut lines = String::new();
        for minute in 0..30 {
            let (sensor, depth) = (&self.sensor, 0.02 + 0.04 * f64::from(minute.min(20)));
            writeln!(
                lines,
                r#"{{"station":"{sensor}","parameter":"water_depth","time":"2023-09-07T18:{minute:02}:00+08:00","value":{depth:.2}}}"#
            )
            .unwrap();
        }
        let (storm, expected) = (folder.join("storm.ndjson"), folder.join("expected.txt"));
        fs::write(&storm, lines).unwrap();
        fs::write(&expected, format!("11A02 {} red\n", self.zone)).unwrap();
        (storm, expected)
    }
}

#[test]
fn what_is_raised_and_not_sent_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let city = demo_city::write(folder.path(), 500);
    let (storm, expected) = Culvert::of(&city).storm(folder.path());
    // A message centre that lets nobody in: the account is another's.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = CarrierConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        system_id: "somebody".into(),
        password: "else".into(),
        ..CarrierConfig::default()
    };
    let carrier = runtime
        .block_on(Carrier::bind(config, model::Time::default))
        .unwrap();
    let address = carrier.address().to_string();
    runtime.spawn(carrier.serve());
    let (city, storm) = (city.display().to_string(), storm.display().to_string());
    let output = demo_with(
        &city,
        &storm,
        &expected,
        &["--speed", "max", "--carrier", &address],
    );
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("red: raised and not sent: sms took no message"),
        "{words}"
    );
}

#[test]
fn the_story_is_the_same_on_a_clock_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let city = demo_city::write(folder.path(), 500);
    let (storm, expected) = Culvert::of(&city).storm(folder.path());
    let (city, storm) = (city.display().to_string(), storm.display().to_string());
    let output = demo_with(&city, &storm, &expected, &["--speed", "60"]);
    let story = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{story}\n{words}");
    assert!(story.contains("all 1 warnings went out"), "{story}");
    assert!(story.contains("signed chen"), "{story}");
}
