//! Recorded data of others through the built binary: what a naive reading of a record says is what
//! the rules must find. The truths are computed here, by nothing that the engine uses.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "recorded/flow.rs"]
mod flow;
#[path = "recorded/ladder.rs"]
mod ladder;
#[path = "recorded/place.rs"]
mod place;
#[path = "recorded/rain.rs"]
mod rain;
#[path = "recorded/river.rs"]
mod river;
#[path = "../../dispatch/tests/peers/skipped.rs"]
mod skipped;
#[path = "recorded/street.rs"]
mod street;
#[path = "recorded/typhoon.rs"]
mod typhoon;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// The folder of a data set; says that the test is skipped where it is absent.
fn recorded(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    skipped::skipped(&format!("no recorded data at ../shared/data/{folder}"));
    None
}

/// Runs the binary in the repository's root.
fn sanfang(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(arguments)
        .env("SANFANG_LOG", "warn")
        .current_dir(root())
        .output()
        .unwrap()
}

/// What a replay prints on standard output, and on standard error.
fn replay(arguments: &[&str]) -> (Vec<Value>, String) {
    let output = sanfang(&[&["replay"], arguments].concat());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success(),
        "sanfang replay {arguments:?}: {words}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), words)
}

/// Decimal text in tenths of a millimetre, rounded half away from nought.
fn tenths_of_mm(metres: f64) -> i64 {
    (metres * 10_000.0).round() as i64
}

/// Tiers of three thresholds, in the order of the rungs.
const THREE: [&str; 4] = ["none", "yellow", "orange", "red"];

/// A JSON tier as its place in a list of names.
fn rung(names: &[&str], tier: &Value) -> usize {
    names.iter().position(|name| tier == name).unwrap()
}

/// Milliseconds of a time as the binary prints it.
fn millis(line: &Value) -> i64 {
    let text = line["time"].as_str().unwrap();
    model::Time::parse(text).unwrap().0.millis()
}
