//! `sanfang warn`: a warning's life from a terminal, two people at it.

use super::served::Served;
use super::small::eventually;
use super::{depth, json_lines, told};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Somebody at a terminal.
struct Desk<'s> {
    served: &'s Served,
    folder: &'s Path,
}

impl Desk<'_> {
    fn warn(&self, person: &str, arguments: &[&str]) -> (i32, String, String) {
        let file = self.folder.join(person);
        std::fs::write(&file, format!("token-{person}\n")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sanfang"))
            .arg("warn")
            .args(arguments)
            .env(
                "SANFANG_SERVER",
                format!("http://{}", self.served.address()),
            )
            .args(["--token-file"])
            .arg(file)
            .output()
            .unwrap();
        told(&output)
    }

    fn list(&self) -> Vec<Value> {
        let (code, out, err) = self.warn("chen", &["list", "--json"]);
        assert_eq!(code, 0, "{err}");
        json_lines(&out)
    }

    /// The only warning, once it is as asked.
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.list().first().is_some_and(&holds));
        self.list().remove(0)
    }
}

#[test]
fn proposed_signed_changed_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let desk = Desk {
        served: &served,
        folder: folder.path(),
    };
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    let warning = desk.until("it is proposed", |w| w["event"] == "proposed");
    let id = warning["id"].as_str().unwrap();

    // Whoever signs has seen what it says and whom it reaches.
    let (code, story, err) = desk.warn("chen", &["show", id]);
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "area 440106014000",
        "because C1",
        "reaches ",
        "says (zh): ",
        "water_depth",
    ] {
        assert!(story.contains(wanted), "{wanted} is not in {story}");
    }
    let seen = story
        .lines()
        .find_map(|line| line.strip_prefix("seen "))
        .unwrap();
    let (code, _, err) = desk.warn("chen", &["approve", id]);
    assert_eq!(code, 2, "nobody saw it: {err}");
    let (code, _, err) = desk.warn("chen", &["approve", id, "--seen", "0000000000000000"]);
    assert_eq!(code, 1, "{err}");
    let (code, _, err) = desk.warn("chen", &["approve", id, "--seen", seen]);
    assert_eq!(code, 0, "{err}");
    let (code, _, _) = desk.warn("chen", &["approve", id, "--seen", seen]);
    assert_eq!(code, 1, "two people, not one twice");
    let (code, _, err) = desk.warn("nobody", &["approve", id, "--seen", seen]);
    assert!(code == 1 && err.contains("SANFANG_TOKEN"), "{err}");
    let (code, _, err) = desk.warn("wang", &["approve", id, "--seen", seen]);
    assert_eq!(code, 0, "{err}");
    let issued = desk.until("it is issued", |w| w["event"] == "issued");
    assert_eq!(issued["signed_by"].as_array().unwrap().len(), 2);

    // A change waits for signatures again; a cancel does not.
    let change = [
        "update",
        id,
        "--area",
        "440106014000=red",
        "--reason",
        "deeper upstream",
    ];
    let (code, _, err) = desk.warn("chen", &change);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = desk.warn("wang", &["cancel", id, "--reason", "pumped out"]);
    assert!(code == 1 && err.contains("wang"), "wang may not: {err}");
    let (code, _, err) = desk.warn("chen", &["cancel", id, "--reason", "pumped out"]);
    assert_eq!(code, 0, "{err}");
    desk.until("it is cancelled", |w| w["event"] == "cancelled");
    let (code, table, _) = desk.warn("chen", &["list"]);
    assert!(
        code == 0 && table.contains(id) && table.contains("cancelled"),
        "{table}"
    );
}

#[test]
fn opened_by_hand_and_sent_away() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let desk = Desk {
        served: &served,
        folder: folder.path(),
    };
    let issue = [
        "issue",
        "--hazard",
        "11A02",
        "--area",
        "440106014000=orange",
        "--reason",
        "seen by a patrol",
    ];
    let (code, _, err) = desk.warn("wang", &issue);
    assert!(code == 1 && err.contains("wang"), "wang may not: {err}");
    let (code, _, err) = desk.warn("chen", &issue);
    assert_eq!(code, 0, "{err}");
    let warning = desk.until("it is opened", |w| w["tier"] == "orange");
    let id = warning["id"].as_str().unwrap();
    if warning["event"] == "proposed" {
        let (code, _, err) = desk.warn("wang", &["reject", id, "--reason", "dry again"]);
        assert_eq!(code, 0, "{err}");
        desk.until("it is gone", |w| w["event"] != "proposed");
    }
    let elsewhere = [
        "issue",
        "--hazard",
        "11A02",
        "--area",
        "110101000000=red",
        "--reason",
        "x",
    ];
    let (code, _, err) = desk.warn("chen", &elsewhere);
    assert!(code == 2 && err.contains("110101000000"), "{err}");
}
