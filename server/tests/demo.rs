//! `sanfang demo` from outside: over small storms it ends by itself, and well only if everything
//! went out that the naive model expects of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

mod demo_city;

use demo_city::{node, root};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn demo(city: &str, storm: &str, expected: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["demo", "--headless", "--speed", "max"])
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
