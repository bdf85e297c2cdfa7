//! `sanfang replay` against the naive model: a separate script that shares no code with it.
//!
//! Both read the same city, rulebook and lines; every line they print must be the same. Then the
//! script plants one bug at a time in itself, and each must show.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what it does not expect"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn node(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("node")
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("Node is needed for the naive model");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "node {arguments:?}: {words}");
    output.stdout
}

fn sanfang(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "sanfang {arguments:?}: {words}");
    output.stdout
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    bytes
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn assert_same(ours: &[Value], naive: &[Value]) {
    for (at, (our, theirs)) in ours.iter().zip(naive).enumerate() {
        assert_eq!(
            our,
            theirs,
            "line {} differs (ours left, naive right)",
            at + 1
        );
    }
    assert_eq!(ours.len(), naive.len(), "one printed more lines");
    assert!(
        !ours.is_empty(),
        "nothing was printed: nothing was compared"
    );
}

/// The demo rainstorm at one station and site in ten, small enough to be replayed many times.
fn small_storm() -> &'static str {
    static STORM: OnceLock<String> = OnceLock::new();
    STORM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join("rainstorm-thin10.ndjson").display().to_string();
        node(&[
            "testdata/storm.mjs",
            "rainstorm",
            "--city",
            "testdata/city",
            "--thin",
            "10",
            "--out",
            &path,
        ]);
        path
    })
}

#[test]
fn demo_storm_signals_and_warnings() {
    let storm = small_storm();
    for extra in [&["--signals"][..], &[]] {
        let mut arguments = vec!["--city", "testdata/city"];
        arguments.extend(extra);
        arguments.push(storm);
        let naive = node(&[&["testdata/naive/naive.mjs"], &arguments[..]].concat());
        let ours = sanfang(&[&["replay"], &arguments[..]].concat());
        assert_same(&lines(&ours), &lines(&naive));
    }
}

#[test]
fn each_planted_bug_shows() {
    let storm = small_storm();
    let ours = lines(&sanfang(&[
        "replay",
        "--city",
        "testdata/city",
        "--signals",
        storm,
    ]));
    let listed = node(&["testdata/naive/naive.mjs", "--mutations"]);
    let names: Vec<_> = std::str::from_utf8(&listed)
        .unwrap()
        .split_whitespace()
        .collect();
    assert!(
        names.len() >= 5,
        "the script lists its mutations: {names:?}"
    );
    for name in names {
        let arguments = [
            "testdata/naive/naive.mjs",
            "--city",
            "testdata/city",
            "--signals",
            "--mutate",
            name,
            storm,
        ];
        let mutated = lines(&node(&arguments));
        assert!(
            mutated != ours,
            "planted bug {name} does not show on the demo storm"
        );
    }
}

fn real(kind: &str, folder: &str) {
    let data = root().join("../shared/data").join(folder);
    if !data.is_dir() {
        eprintln!("SKIPPED {kind}: no recorded data at ../shared/data/{folder}");
        return;
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(kind);
    std::fs::create_dir_all(&out).unwrap();
    let (data, out) = (data.display().to_string(), out.display().to_string());
    node(&["testdata/naive/real.mjs", kind, &data, &out]);
    let observations = format!("{out}/observations.ndjson");
    let arguments = ["--city", &out, "--signals", &observations];
    let naive = node(&[&["testdata/naive/naive.mjs"], &arguments[..]].concat());
    let ours = sanfang(&[&["replay"], &arguments[..]].concat());
    assert_same(&lines(&ours), &lines(&naive));
}

#[test]
fn street_floods_of_new_york() {
    real("street-flood", "street-flood");
}

#[test]
fn river_stages_through_cyclone_ditwah() {
    real("river-level", "river-level");
}
