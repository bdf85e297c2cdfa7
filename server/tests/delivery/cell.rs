//! Cell broadcast from a signature to what a carrier's cells say, over a restart, and off the air.

use super::http;
use super::street::{Street, feed, list, sign, warning};
use crate::small::{Served, eventually, free_port};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What a platform of the interface's shape holds, known by identifier alone.
#[derive(Clone, Default)]
struct Platform(Arc<Mutex<Vec<Value>>>);

impl Platform {
    fn start(&self) -> u16 {
        let held = Arc::clone(&self.0);
        http::answer(move |request| {
            let mut held = held.lock().unwrap();
            match request.method.as_str() {
                "POST" if request.path == "/api/ecbe/v1/message" => {
                    held.push(serde_json::from_slice(&request.body).unwrap());
                    (201, b"Created".to_vec())
                }
                "DELETE" => {
                    let id = request.path.rsplit('/').next().unwrap().parse::<u64>();
                    let is_it = |it: &Value| {
                        it["smscb_message"]["message_id"].as_u64() == id.as_ref().ok().copied()
                    };
                    match held.iter().position(is_it) {
                        Some(at) => {
                            held.remove(at);
                            (200, Vec::new())
                        }
                        None => (404, b"Unknown message ID".to_vec()),
                    }
                }
                _ => (405, Vec::new()),
            }
        })
    }

    fn on_air(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    fn of(&self, identifier: u64) -> Option<Value> {
        let mut all = self.on_air().into_iter();
        all.find(|it| it["smscb_message"]["message_id"] == identifier)
    }
}

/// A street whose public hears by cell broadcast.
fn city(folder: &Path) {
    Street {
        policy: &[(
            r#"channels = ["cap", "sms", "push", "email", "webhook"]"#,
            r#"channels = ["cap", "cell"]"#,
        )],
        ..Street::default()
    }
    .write(folder);
    fs::write(
        folder.join("cells.csv"),
        "area,cell\n440106014000,460-00-9372-101\n",
    )
    .unwrap();
}

fn section(port: u16, folder: &Path) -> String {
    format!(
        r#"
[[cell]]
name = "carrier"
url = "http://127.0.0.1:{port}/api/ecbe/v1/"
cells_file = "{}/cells.csv"
[cell.tiers]
red = {{ identifier = 4371, other_languages = 4384, category = "high_priority" }}
orange = {{ identifier = 4373, other_languages = 4386 }}
"#,
        folder.display()
    )
}

#[test]
fn a_signed_warning_is_on_the_air_until_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::default();
    let port = platform.start();
    city(folder.path());
    let mut served = Served::serve(folder.path(), free_port(), &section(port, folder.path()));
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert!(
        platform.on_air().is_empty(),
        "nothing leaves before it is signed"
    );
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("it is on the air", || platform.of(4371).is_some());
    eventually("in the other languages too", || platform.on_air().len() > 1);
    let message = platform.of(4371).unwrap();
    assert_eq!(
        message["scope"]["scope_cells"]["cells"][0], "460-00-9372-101",
        "{message}"
    );
    assert_eq!(message["category"], "high_priority");
    assert_eq!(
        message["smscb_message"]["payload"]["payload_encoded"]["dcs"],
        0x11
    );
    eventually("the board says so", || {
        let rows = list(&served, "/v1/deliveries");
        rows.iter()
            .any(|row| row["link"] == "cell/carrier" && row["accepted"] == 1)
    });
    let languages = platform.on_air().len();

    // A kill forgets nothing of what is on the air.
    served.kill();
    let mut served = Served::serve(folder.path(), free_port(), &section(port, folder.path()));
    eventually("it stands there once", || {
        platform.on_air().len() == languages
    });
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/warnings/{id}/cancel");
    let why = r#"{"reason":"a false alarm"}"#;
    assert!(served.post(&path, Some("token-chen"), why).0 < 300);
    eventually("nothing of it is on the air", || {
        platform.on_air().is_empty()
    });
    served.terminate();
}

#[test]
fn check_names_what_would_mislead() {
    let folder = tempfile::tempdir().unwrap();
    city(folder.path());
    let check = |section: &str| {
        let config = format!(
            "city = \"{0}/city\"\njournal = \"{0}/journal\"\nlisten = \"127.0.0.1:1\"\n{section}",
            folder.path().display()
        );
        fs::write(folder.path().join("sanfang.toml"), config).unwrap();
        let said = Command::new(env!("CARGO_BIN_EXE_sanfang"))
            .args(["check", "--config"])
            .arg(folder.path().join("sanfang.toml"))
            .output()
            .unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap())
    };
    let whole = section(1, folder.path());
    let (code, said) = check(&whole);
    assert_eq!(code, Some(0), "{said}");
    let cases = [
        (
            "identifier = 4373, other",
            "identifier = 4371, other",
            "4371 of red stands there twice",
        ),
        ("http://127.0.0.1:1/", "cbc.example/", "cell.url"),
        (
            "[cell.tiers]",
            "repetition_s = 1\n[cell.tiers]",
            "cell.repetition_s",
        ),
        (
            "[cell.tiers]",
            "whole_network = true\n[cell.tiers]",
            "cell.cells_file",
        ),
        ("cells.csv", "other.csv", "other.csv"),
    ];
    for (from, with, wanted) in cases {
        assert!(whole.contains(from), "{from}");
        let (code, said) = check(&whole.replace(from, with));
        assert_eq!(code, Some(2), "{with}: {said}");
        assert!(said.contains(wanted), "{with}: {said}");
    }
    fs::write(
        folder.path().join("cells.csv"),
        "area,cell\n440106015000,460-00-1-1\n",
    )
    .unwrap();
    let (code, said) = check(&whole);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("1 areas of the city have no cell: 440106014000"),
        "{said}"
    );
    assert!(
        said.contains("1 areas are none of the city: 440106015000"),
        "{said}"
    );
}
