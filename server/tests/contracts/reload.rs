//! `sanfang rules reload`: another rulebook while the service runs, two people at it.

use super::rulebook::{ORANGE, RAIN_TESTS, changed};
use super::served::Served;
use super::small::{eventually, root};
use super::{minutes_ago, told};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn reload(
    served: &Served,
    folder: &Path,
    person: &str,
    arguments: &[&str],
) -> (i32, String, String) {
    let file = folder.join(person);
    fs::write(&file, format!("token-{person}\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["rules", "reload"])
        .args(arguments)
        .env("SANFANG_SERVER", format!("http://{}", served.address()))
        .arg("--token-file")
        .arg(file)
        .output()
        .unwrap();
    told(&output)
}

/// The demo city's rules with another orange and their tests; those of rain where asked, else a dry one.
fn rules(folder: &Path, orange: &str, tests: bool) -> String {
    let demo = root().join("testdata/city/rules");
    let mut files = changed(&demo, ORANGE, orange);
    if tests {
        let own = fs::read_to_string(demo.join(RAIN_TESTS)).unwrap();
        files.insert(RAIN_TESTS.into(), own);
    }
    let rules = folder.join(format!("rules-{}", orange.len()));
    fs::create_dir_all(rules.join("tests")).unwrap();
    for (name, text) in files {
        fs::write(rules.join(name), text).unwrap();
    }
    rules.display().to_string()
}

#[test]
fn put_shown_signed_and_in_force_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let served = Served::alone(folder);
    let rain = |minutes: i64| {
        let time = minutes_ago(minutes);
        format!(r#"{{"station":"G1","parameter":"rainfall","time":"{time}","value":1.0}}"#)
    };
    let lines: Vec<String> = (1..=40).rev().map(rain).collect();
    assert_eq!(served.observe(&lines.join("\n")), 202);

    let tier = || {
        let (_, body) = served.get("/v1/situations");
        let all: Vec<Value> = serde_json::from_str(&body).unwrap();
        let gauge = all.iter().find(|item| item["subject"] == "G1");
        gauge.map(|item| item["tier"].as_str().unwrap().to_owned())
    };
    eventually("an hour's rain is yellow", || {
        tier().as_deref() == Some("yellow")
    });

    let broken = rules(folder, r#"rainfal.sum("3h") >= 5.0"#, false);
    let (code, _, err) = reload(&served, folder, "chen", &["put", &broken]);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("rainstorm.toml:") && err.contains("^^^"),
        "{err}"
    );
    let failing = rules(folder, r#"rainfall.sum("3h") >= 38.0"#, true);
    let (code, _, err) = reload(&served, folder, "chen", &["put", &failing]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("fails its own test"), "{err}");

    let bare = rules(folder, r#"rainfall.sum("3h") >= 38.000"#, false);
    fs::remove_dir_all(Path::new(&bare).join("tests")).unwrap();
    let (code, _, err) = reload(&served, folder, "chen", &["put", &bare]);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("no test case plays") && err.contains("rainstorm"),
        "{err}"
    );

    let lower = rules(folder, r#"rainfall.sum("3h") >= 38.00"#, false);
    let put = ["put", lower.as_str(), "--note", "saturated ground"];
    let (code, story, err) = reload(&served, folder, "chen", &put);
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "state candidate",
        "dry run done: 40 readings",
        "orange",
        "gained",
        "rings 1000 → 2000 (+1000)",
    ] {
        assert!(story.contains(wanted), "{wanted} is not in {story}");
    }
    let word = |key: &str| {
        let line = story.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().split(' ').next().unwrap().to_owned()
    };
    let (hash, seen) = (word("rulebook "), word("seen "));
    let approve = ["approve", hash.as_str(), "--seen", seen.as_str()];
    let (code, _, err) = reload(&served, folder, "chen", &["approve", &hash]);
    assert_eq!(code, 2, "nobody saw it: {err}");
    let (code, out, err) = reload(&served, folder, "chen", &approve);
    assert!(code == 0 && out.contains("1 more to sign"), "{out}{err}");
    let (code, _, err) = reload(&served, folder, "chen", &approve);
    assert_eq!(code, 1, "two people, not one twice: {err}");
    assert_eq!(tier().as_deref(), Some("yellow"));
    let (code, out, err) = reload(&served, folder, "wang", &approve);
    assert!(code == 0 && out.contains("in_force"), "{out}{err}");
    eventually("the windows hold enough", || {
        tier().as_deref() == Some("orange")
    });
    let (code, table, _) = reload(&served, folder, "wang", &["list"]);
    assert!(
        code == 0 && table.contains("former") && table.contains("chen, wang"),
        "{table}"
    );
}
