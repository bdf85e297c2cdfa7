//! `sanfang replay` against the naive model: a separate script that shares no code with it.
//!
//! Both read the same city, rulebook and lines; every line they print must be the same. Then the
//! script plants one bug at a time in itself, and each must show.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "../../dispatch/tests/peers/skipped.rs"]
mod skipped;

use serde_json::Value;
use skipped::skipped;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A generated storm at each `thin`th station and site, small enough to be replayed many times.
fn storm(kind: &str, thin: u32) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{kind}-thin{thin}.ndjson"));
    let path = path.display().to_string();
    let thin = thin.to_string();
    node(&["testdata/storm.mjs", kind, "--thin", &thin, "--out", &path]);
    path
}

fn compare(storm: &str) {
    compare_by("testdata/city/rules", storm);
}

/// The city's rules without what silence says, which the naive model does not know: it has a recount of
/// its own in `rules/tests/engine/silence.rs`.
fn without_silence() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules-without-silence");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(root().join("testdata/city/rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).unwrap();
            let kept: Vec<&str> = text.lines().filter(|l| !l.starts_with("lost ")).collect();
            std::fs::write(folder.join(path.file_name().unwrap()), kept.join("\n")).unwrap();
        }
    }
    folder.display().to_string()
}

fn compare_by(rules: &str, storm: &str) {
    for extra in [&["--signals"][..], &[]] {
        let mut arguments = vec!["--city", "testdata/city", "--rules", rules];
        arguments.extend(extra);
        arguments.push(storm);
        let naive = node(&[&["testdata/naive/naive.mjs"], &arguments[..]].concat());
        let ours = sanfang(&[&["replay"], &arguments[..]].concat());
        assert_same(&lines(&ours), &lines(&naive));
    }
}

#[test]
fn demo_rainstorm() {
    compare(&storm("rainstorm", 10));
}

#[test]
fn demo_typhoon() {
    compare(&storm("typhoon", 5));
}

#[test]
fn values_that_wander_about_every_threshold() {
    compare_by(&without_silence(), &storm("edges", 1));
}

/// Lines that a script of the naive model writes, `--city` and a rulebook beside it, and bugs that
/// must show in them.
struct Course {
    arguments: Vec<String>,
    /// Every rule of the book, of which each must have changes.
    rules: &'static [&'static str],
    bugs: Vec<String>,
}

impl Course {
    /// `common` are bugs of other courses that must show in this one, too.
    fn compare(&self, common: &[&str]) {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let naive = |mutation: &[&str]| {
            let given = [&["testdata/naive/naive.mjs"], &arguments[..], mutation].concat();
            lines(&node(&given))
        };
        let ours = lines(&sanfang(&[&["replay"], &arguments[..]].concat()));
        assert_same(&ours, &naive(&[]));
        let rules: Vec<_> = by_rule(ours.clone()).into_keys().collect();
        assert_eq!(rules, self.rules, "every rule has changes");
        let own = self.bugs.iter().map(String::as_str);
        for bug in own.chain(common.iter().copied()) {
            let broken = naive(&["--mutate", bug]);
            assert!(broken != ours, "planted bug {bug} does not show");
        }
    }
}

/// Bugs that are planted for one kind of lines.
fn bugs_of(kind: &str) -> Vec<String> {
    let listed = node(&["testdata/naive/naive.mjs", "--mutations", kind]);
    let names: Vec<String> = std::str::from_utf8(&listed)
        .unwrap()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert!(!names.is_empty(), "no bugs of {kind}");
    names
}

/// A place for what a script writes.
fn place(name: &str) -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .display()
        .to_string()
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|one| (*one).to_owned()).collect()
}

/// What hangs on whole days, over seven weeks of half hours that come late, are put right and are
/// missing for hours and days.
#[test]
fn whole_days_and_what_hangs_on_them() {
    let path = place("days.ndjson");
    let city = "testdata/city";
    node(&["testdata/naive/days.mjs", "--city", city, "--out", &path]);
    let rules = "testdata/naive/days";
    let course = Course {
        arguments: owned(&["--city", city, "--rules", rules, "--signals", &path]),
        rules: &["cold_spell", "dry", "hot_spell", "soaked", "three_days"],
        bugs: Vec::new(),
    };
    course.compare(&[
        "ge-to-gt",
        "window-plus",
        "window-minus",
        "drop-correction",
        "drop-late",
        "skip-coverage",
    ]);
}

/// Samples, sound readings and seasons, where readings are doubted and seasons turn.
#[test]
fn what_limits_a_rise_beside_its_conditions() {
    let path = place("limits.ndjson");
    let city = "testdata/city";
    node(&["testdata/naive/limits.mjs", "--city", city, "--out", &path]);
    let rules = "testdata/naive/limits";
    let course = Course {
        arguments: owned(&["--city", city, "--rules", rules, "--signals", &path]),
        rules: &[
            "rain_in_season",
            "samples_of_rain",
            "samples_of_water",
            "silent_without_sound_ones",
            "sound_rain",
            "sound_samples_of_water",
            "tiers_in_season",
        ],
        bugs: bugs_of("limits"),
    };
    course.compare(&["drop-correction", "drop-late", "skip-raise-hold"]);
}

/// Curves, return periods, precipitation index, areal mean, tangent angle, inverse velocity and time
/// to a threshold, over five weeks in a city that knows what is usual.
#[test]
fn figures_that_formulas_make_of_readings() {
    let city = place("figures");
    node(&[
        "testdata/naive/figures.mjs",
        "--city",
        "testdata/city",
        "--out",
        &city,
    ]);
    let path = format!("{city}/observations.ndjson");
    let rules = "testdata/naive/figures";
    let course = Course {
        arguments: owned(&["--city", &city, "--rules", rules, "--signals", &path]),
        rules: &[
            "approach",
            "caine",
            "curves",
            "dry",
            "failure",
            "rain_of_the_area",
            "rare",
            "tangent",
            "tangent_of_the_site",
        ],
        bugs: bugs_of("figures"),
    };
    course.compare(&["drop-late", "skip-coverage"]);
}

/// Forecasts for places and the track of a cyclone beside what is measured.
#[test]
fn what_is_expected_beside_what_is_measured() {
    let folder = place("forecasts");
    let city = "testdata/city";
    node(&[
        "testdata/naive/forecasts.mjs",
        "--city",
        city,
        "--out",
        &folder,
    ]);
    let observations = format!("{folder}/observations.ndjson");
    let forecasts = format!("{folder}/forecasts.ndjson");
    let rules = "testdata/naive/forecasts";
    let course = Course {
        arguments: owned(&[
            "--city",
            city,
            "--rules",
            rules,
            "--forecasts",
            &forecasts,
            "--signals",
            &observations,
        ]),
        rules: &[
            "cyclone_by_circles",
            "cyclone_by_distance",
            "gusts",
            "rain_expected",
            "rain_goes_on",
        ],
        bugs: bugs_of("forecasts"),
    };
    course.compare(&["skip-coverage", "skip-raise-hold"]);
}

/// Signals by rule.
fn by_rule(signals: Vec<Value>) -> BTreeMap<String, Vec<Value>> {
    let mut rules: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for signal in signals {
        let rule = signal["rule"].as_str().unwrap().to_owned();
        rules.entry(rule).or_default().push(signal);
    }
    rules
}

fn mutated(name: &str, storm: &str) -> Vec<Value> {
    let arguments = ["--city", "testdata/city", "--signals", "--mutate", name];
    lines(&node(
        &[&["testdata/naive/naive.mjs"], &arguments[..], &[storm]].concat(),
    ))
}

/// Bugs of the four families that semantics §39 names, which must show at every rule of the city
/// that has what they break.
const AT_EVERY_RULE: [&str; 6] = [
    "ge-to-gt",
    "window-plus",
    "window-minus",
    "drop-correction",
    "skip-hold",
    "skip-raise-hold",
];
/// What a rule has not got: conditions over a window, or a hold before it rises.
const HAS_NONE: [(&str, &str); 4] = [
    ("window-plus", "waterlogging"),
    ("window-minus", "waterlogging"),
    ("skip-raise-hold", "culvert"),
    ("skip-raise-hold", "rainstorm"),
];

#[test]
fn each_planted_bug_shows() {
    let edges = storm("edges", 1);
    let ours = lines(&sanfang(&[
        "replay",
        "--city",
        "testdata/city",
        "--signals",
        &edges,
    ]));
    let sound = by_rule(ours);
    let rules: Vec<_> = sound.keys().map(String::as_str).collect();
    assert_eq!(
        rules,
        [
            "cold",
            "culvert",
            "heat",
            "rainstorm",
            "slope",
            "typhoon",
            "waterlogging"
        ],
        "every rule of the city has its edges"
    );
    let names = bugs_of("edges");
    for name in AT_EVERY_RULE {
        let has = names.iter().any(|one| one == name);
        assert!(has, "no mutation {name} in {names:?}");
    }
    for name in names.iter().map(String::as_str) {
        let broken = by_rule(mutated(name, &edges));
        assert!(broken != sound, "planted bug {name} does not show");
        if !AT_EVERY_RULE.contains(&name) {
            continue;
        }
        for (rule, signals) in &sound {
            if !HAS_NONE.contains(&(name, rule)) {
                let shows = broken.get(rule) != Some(signals);
                assert!(shows, "planted bug {name} does not show at rule {rule}");
            }
        }
    }
}

#[test]
fn sums_in_floating_point_show() {
    let rain = storm("rainstorm", 20);
    let arguments = ["replay", "--city", "testdata/city", "--signals", &rain];
    let ours = lines(&sanfang(&arguments));
    for bug in bugs_of("rainstorm") {
        assert!(
            mutated(&bug, &rain) != ours,
            "planted bug {bug} does not show"
        );
    }
}

fn real(kind: &str, folder: &str) {
    let data = root().join("../shared/data").join(folder);
    if !data.is_dir() {
        skipped(&format!("no recorded data at ../shared/data/{folder}"));
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
