//! Several processes over a real Kafka: one acts, the others stand by and take over.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[expect(
    dead_code,
    reason = "these tests need less of the served city than others"
)]
mod small;

use serde_json::{Value, json};
use small::{Centre, OWNER, Served, eventually, minutes_ago, write_city};
use std::path::Path;
use std::process::Command;

/// No message centre is there.
const NO_CENTRE: u16 = 1;

/// Addresses of the brokers that `make kafka-up` started.
fn brokers() -> Option<String> {
    let brokers = std::env::var("SANFANG_KAFKA").unwrap_or_default();
    if brokers.is_empty() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no Kafka: SANFANG_KAFKA names no brokers; `make kafka-up` starts them"
        );
        eprintln!(
            "\nSKIPPED: no Kafka (SANFANG_KAFKA names no brokers; `make kafka-up` starts them)\n"
        );
        return None;
    }
    Some(brokers)
}

/// A process named `node` over the brokers, with what all share in `folder`.
fn node(folder: &Path, brokers: &str, node: &str, centre_port: u16) -> Served {
    let own = folder.join(node);
    std::fs::create_dir_all(&own).unwrap();
    let shared = folder.display();
    let prefix = format!("many-{}.", std::process::id());
    let more = format!(
        r#"
[directory]
folder = "{shared}/directory"
key_file = "{shared}/directory.key"

[kafka]
brokers = "{brokers}"
prefix = "{prefix}"
session_timeout_ms = 3000
link_partitions = 8
"#
    );
    let journal = format!("node = \"{node}\"\nsnapshot_inputs = 3");
    let city = folder.join("city");
    Served::stored(&own, &city, centre_port, Vec::new(), &journal, &more)
}

fn topics(folder: &Path, node: &str, what: &str) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["topics", what, "--config"])
        .arg(folder.join(node).join("sanfang.toml"))
        .env("SANFANG_LOG", "error")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let words = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code(), text + &words)
}

fn row(station: &str, parameter: &str, minutes: i64, value: &str, unit: &str) -> String {
    let time = minutes_ago(minutes);
    format!(
        r#"{{"station":"{station}","parameter":"{parameter}","time":"{time}","value":{value},"unit":"{unit}"}}"#
    )
}

/// What a warning says, without what depends on when a process was told of it.
fn warnings(served: &Served) -> Value {
    let (_, body) = served.get("/v1/warnings");
    let mut all: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    for warning in all.as_array_mut().into_iter().flatten() {
        let warning = warning.as_object_mut().unwrap();
        for key in ["expires", "time", "clock_ends", "seen", "text"] {
            warning.remove(key);
        }
    }
    all
}

/// Where two lists of warnings differ.
fn difference(one: &Value, other: &Value) -> Vec<String> {
    let fields = |all: &Value| {
        let mut fields = Vec::new();
        for warning in all.as_array().into_iter().flatten() {
            for (key, value) in warning.as_object().unwrap() {
                fields.push(format!("{} {key}: {value}", warning["id"]));
            }
        }
        fields
    };
    let (one, other) = (fields(one), fields(other));
    let mut differs: Vec<String> = Vec::new();
    differs.extend(
        one.iter()
            .filter(|f| !other.contains(f))
            .map(|f| format!("- {f}")),
    );
    differs.extend(
        other
            .iter()
            .filter(|f| !one.contains(f))
            .map(|f| format!("+ {f}")),
    );
    differs
}

fn situations(served: &Served) -> Value {
    serde_json::from_str(&served.get("/v1/situations").1).unwrap_or(Value::Null)
}

/// Two people sign what is proposed; gives its identifier.
fn sign(served: &Served) -> Value {
    let (_, body) = served.get("/v1/warnings");
    let all: Vec<Value> = serde_json::from_str(&body).unwrap();
    let warning = all.iter().find(|warning| warning["event"] == "proposed");
    let warning = warning.unwrap();
    let path = format!("/v1/warnings/{}/approve", warning["id"].as_str().unwrap());
    let seen = json!({ "revision": warning["revision"], "seen": warning["seen"] }).to_string();
    let (status, body) = served.post(&path, Some("token-chen"), &seen);
    assert_eq!(status, 204, "{body}");
    // A second person, where the flow asks for one.
    let (status, body) = served.post(&path, Some("token-wang"), &seen);
    assert!(status == 204 || body.contains("is in force"), "{body}");
    warning["id"].clone()
}

#[test]
fn the_one_that_acts_is_killed_and_the_other_goes_on_as_if_undisturbed() {
    let Some(brokers) = brokers() else {
        return;
    };
    let Some(centre) = Centre::start() else {
        return;
    };
    let (alone, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let calm = Served::start(alone.path(), NO_CENTRE);
    write_city(shared.path());
    let mut acting = node(shared.path(), &brokers, "a", centre.port);
    // There are no topics yet: it says so and what makes them.
    let ended = acting.ready();
    assert!(ended.is_err(), "{ended:?}");
    let (code, said) = topics(shared.path(), "a", "check");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("input: it does not exist"), "{said}");
    let (code, said) = topics(shared.path(), "a", "create");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = topics(shared.path(), "a", "check");
    assert_eq!(code, Some(0), "{said}");
    let mut acting = node(shared.path(), &brokers, "a", centre.port);
    acting.ready().unwrap();
    let mut standing = node(shared.path(), &brokers, "b", centre.port);

    let depths = [
        "0.02", "0.06", "0.06", "0.10", "0.16", "0.16", "0.20", "0.30", "0.31", "0.45", "0.55",
        "0.60",
    ];
    for (step, metres) in depths.iter().enumerate() {
        let minute = 13 - i64::try_from(step).unwrap();
        let body = format!(
            "{}\n{}",
            row("W1", "water_depth", minute, metres, "m"),
            row("G1", "rainfall", minute, "3.1", "mm")
        );
        for server in [&calm, &acting] {
            assert_eq!(server.post("/v1/observations", None, &body).0, 202);
        }
        eventually("both find the same", || {
            let found = situations(&calm);
            let risen = step == 0 || found.as_array().is_some_and(|found| !found.is_empty());
            risen && found == situations(&acting)
        });
        if matches!(step, 4 | 8) {
            acting.kill();
            std::mem::swap(&mut acting, &mut standing);
            acting.ready().unwrap();
            assert_eq!(situations(&calm), situations(&acting));
            standing.start_again();
        }
    }
    eventually("both warn the same", || {
        warnings(&calm) == warnings(&acting) && warnings(&calm) != json!([])
    });
    let owner = OWNER.trim_start_matches('+');
    let told = || centre.taken().iter().filter(|(to, _)| to == owner).count();
    eventually("the owner is told", || told() > 0);

    // What two people sign on one process is in force on the next.
    assert!(
        warnings(&calm)
            .to_string()
            .contains(r#""event":"proposed""#)
    );
    for server in [&calm, &acting] {
        let id = sign(server);
        eventually("it is issued", || {
            let all = warnings(server);
            let mut all = all.as_array().unwrap().iter();
            all.any(|warning| warning["id"] == id && warning["event"] == "issued")
        });
    }
    acting.kill();
    standing.ready().unwrap();
    let mut differs = Vec::new();
    for _ in 0..600 {
        differs = difference(&warnings(&calm), &warnings(&standing));
        if differs.is_empty() {
            break;
        }
        small::pause();
    }
    assert_eq!(differs, [""; 0], "it is in force there too");
    let (status, metrics) = standing.get("/metrics");
    assert_eq!(status, 200);
    assert!(
        metrics.contains(r#"sanfang_journal{figure="transactions"}"#),
        "{metrics}"
    );
}
