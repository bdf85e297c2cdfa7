//! Holds the architecture: which crate may use which, and what every file begins with.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| d["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let ours = [
        "model", "journal", "ingest", "rules", "dispatch", "server", "fuzz",
    ];
    let dependencies = dependencies();
    assert_eq!(
        dependencies
            .keys()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        ours.into()
    );
    let uses = |name: &str| -> BTreeSet<&str> {
        dependencies[name]
            .iter()
            .map(String::as_str)
            .filter(|d| ours.contains(d))
            .collect()
    };
    assert_eq!(uses("model"), BTreeSet::new(), "model stands alone");
    for middle in ["journal", "ingest", "rules", "dispatch"] {
        let others: BTreeSet<_> = uses(middle).into_iter().filter(|d| *d != "model").collect();
        assert_eq!(others, BTreeSet::new(), "{middle} may use model only");
    }
    for pure in ["model", "rules"] {
        for banned in ["tokio", "reqwest", "axum", "rdkafka", "mqtt5", "lettre"] {
            assert!(
                !dependencies[pure].contains(banned),
                "{pure} does no I/O, so no {banned}"
            );
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = [
        "model", "journal", "ingest", "rules", "dispatch", "server", "fuzz",
    ]
    .iter()
    .map(|c| root().join(c))
    .collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_says_what_it_is_and_is_one_room() {
    let mut faults = Vec::new();
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            faults.push(format!("{}: does not begin with //!", path.display()));
        }
        let lines = text.lines().count();
        // A test file is read case by case and may be longer.
        let is_test = path.components().any(|c| c.as_os_str() == "tests");
        if lines > if is_test { 800 } else { 700 } {
            faults.push(format!(
                "{}: {lines} lines, more than one room",
                path.display()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_clock_is_read_in_one_file() {
    let readers: Vec<_> = rust_files()
        .into_iter()
        .filter(|p| p.components().any(|c| c.as_os_str() == "src"))
        .filter(|p| {
            // Clippy denies the clocks everywhere; this is the word that lets a file off.
            let text = std::fs::read_to_string(p).unwrap();
            text.contains("clippy::disallowed_methods")
        })
        .map(|p| p.strip_prefix(root()).unwrap().to_path_buf())
        .collect();
    // How long brokers are waited for is no record time; there is no runtime whose timer would do.
    let waiting = "journal/src/kafka/waiting.rs";
    let expected = ["server/src/clock.rs", waiting].map(PathBuf::from);
    assert_eq!(BTreeSet::from_iter(readers), BTreeSet::from(expected));
}

/// The plan for a country is computed from its units, not written down.
#[test]
fn the_plan_beyond_one_city_is_what_its_script_prints() {
    let script = root().join("deploy/plan.mjs");
    let printed = Command::new("node").arg(script).output().unwrap();
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).unwrap();
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for table in printed.split("\n\n").map(str::trim) {
        assert!(table.lines().count() > 5, "{table}");
        assert!(
            page.contains(table),
            "`node deploy/plan.mjs` prints what ARCHITECTURE.md has not:\n{table}"
        );
    }
}

/// Time-outs go by the runtime's timer, which tests can stop; nothing else may read it, and randomness
/// has one place.
#[test]
fn timers_and_randomness_stay_where_they_are() {
    let users = |words: &[&str]| -> Vec<String> {
        let found = rust_files().into_iter().filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let is_source = path.components().any(|c| c.as_os_str() == "src");
            is_source && words.iter().any(|word| text.contains(word))
        });
        let found = found.map(|path| {
            let path = path.strip_prefix(root()).unwrap();
            path.display().to_string().replace('\\', "/")
        });
        let mut found: Vec<String> = found.collect();
        found.sort();
        found
    };
    assert_eq!(
        users(&["Instant::now()"]),
        [
            "dispatch/src/gateway/sms/link.rs",
            "dispatch/src/gateway/voice/talk.rs",
            "dispatch/src/simulator/carrier/connection.rs",
            "ingest/src/transport/mqtt.rs",
            "ingest/src/transport/mqtt/session.rs",
            "journal/src/kafka/waiting.rs",
            "server/src/clock.rs",
            "server/src/command/bench/latency.rs",
        ]
    );
    let sources = [
        "urandom",
        "getrandom",
        "OsRng",
        "thread_rng",
        "RandomState",
        "fastrand",
        "SystemRandom",
    ];
    // Signatures and the keys of one message want what nobody can foresee; no decision does.
    assert_eq!(
        users(&sources),
        [
            "dispatch/src/gateway/jwt.rs",
            "dispatch/src/gateway/web_push/seal.rs",
            "server/src/vault.rs",
        ]
    );
}
