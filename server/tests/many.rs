//! Two processes over a real Kafka share zones and links; each takes over where the other was killed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

mod brokers;
#[path = "small/rulebook.rs"]
mod rulebook;
#[expect(
    dead_code,
    reason = "these tests need less of the served city than others"
)]
mod small;

use rulebook::{ORANGE, changed};
use serde_json::{Value, json};
use small::{Centre, OWNER, Served, eventually, minutes_ago, warnings, write_city};
use std::path::Path;
use std::process::Command;

/// No message centre is there.
const NO_CENTRE: u16 = 1;

/// A process named `node` over the brokers, with what all share in `folder`.
fn node(folder: &Path, brokers: &str, node: &str, centre_port: u16) -> Served {
    let own = folder.join(node);
    std::fs::create_dir_all(&own).unwrap();
    let shared = folder.display();
    let name = folder.file_name().unwrap().to_string_lossy();
    let prefix = format!("many-{}.", name.trim_start_matches('.'));
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

/// Two consoles show the same, whichever of them steps the zone or serves the link; both pass on
/// what the apps are told.
fn alike(one: &Served, other: &Served) {
    let id = warnings(one)[0]["id"].as_str().unwrap().to_owned();
    let paths = [
        "/v1/situations".to_owned(),
        "/v1/calls".into(),
        "/v1/deliveries".into(),
        "/v1/stations".into(),
        "/v1/sites".into(),
        "/v1/observations?station=W1&parameter=water_depth&hours=1".into(),
        "/v1/observations?station=G1&parameter=rainfall&hours=1".into(),
        "/cap/feed.atom".into(),
        format!("/v1/warnings/{id}/preview"),
    ];
    let answer = |served: &Served, path: &str| {
        let answer = served.request("GET", path, Some("token-chen"), "");
        assert!(answer.0 == 200 || answer.0 == 503, "{path}: {answer:?}");
        answer.1
    };
    for path in &paths {
        let (mut a, mut b) = (String::new(), String::new());
        for _ in 0..600 {
            (a, b) = (answer(one, path), answer(other, path));
            if a == b && a.len() > 40 {
                break;
            }
            small::pause();
        }
        assert!(a.len() > 40, "{path} is empty: {a}");
        assert_eq!(a, b, "{path}");
    }
    let preview: Value = serde_json::from_str(&answer(one, &paths[8])).unwrap();
    assert_eq!(preview["everybody"], false, "the zone's owner was asked");
    for served in [one, other] {
        let heard = pushed(served);
        assert!(heard.contains(&id), "{heard}");
    }
}

/// The beginning of what an app on the street hears, up to a whole event.
fn pushed(served: &Served) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(served.address()).unwrap();
    let patience = std::time::Duration::from_secs(30);
    stream.set_read_timeout(Some(patience)).unwrap();
    let head = "GET /v1/push?areas=440106014000 HTTP/1.1\r\nHost: t\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut heard = String::new();
    let mut bytes = [0; 4096];
    while !heard.contains("data:") {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended: {heard}");
        heard += &String::from_utf8_lossy(&bytes[..count]);
    }
    heard
}

#[test]
fn two_share_the_work_and_one_goes_on_where_the_other_was_killed() {
    let Some(brokers) = brokers::addresses() else {
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
            // What the dead one had on its screens and not yet on the brokers is found again.
            eventually("it goes on where the other was", || {
                situations(&calm) == situations(&acting)
            });
            if step == 8 {
                // Meanwhile there is room for more links.
                let file = shared.path().join("b/sanfang.toml");
                let text = std::fs::read_to_string(&file).unwrap();
                let more = text.replace("link_partitions = 8", "link_partitions = 12");
                std::fs::write(file, more).unwrap();
                let (code, said) = topics(shared.path(), "b", "grow");
                assert_eq!(code, Some(0), "{said}");
                assert!(said.contains("deliveries"), "{said}");
            }
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
    standing.ready().unwrap();
    alike(&acting, &standing);
    acting.kill();
    let mut differs = Vec::new();
    for _ in 0..600 {
        differs = difference(&warnings(&calm), &warnings(&standing));
        if differs.is_empty() {
            break;
        }
        small::pause();
    }
    assert!(differs.is_empty(), "in force there, but {differs:?}");
    let (status, metrics) = standing.get("/metrics");
    assert_eq!(status, 200);
    assert!(
        metrics.contains(r#"sanfang_journal{figure="transactions"}"#),
        "{metrics}"
    );
}

/// The rulebook of that hash, as a process tells it.
fn rulebook(served: &Served, hash: &str) -> Value {
    let answer = served.request(
        "GET",
        &format!("/v1/rulebooks/{hash}"),
        Some("token-chen"),
        "",
    );
    serde_json::from_str(&answer.1).unwrap_or(Value::Null)
}

#[test]
fn a_rulebook_signed_on_two_processes_is_in_force_in_every_zone() {
    let Some(brokers) = brokers::addresses() else {
        return;
    };
    let shared = tempfile::tempdir().unwrap();
    write_city(shared.path());
    let mut one = node(shared.path(), &brokers, "a", NO_CENTRE);
    assert!(one.ready().is_err(), "there are no topics yet");
    let (code, said) = topics(shared.path(), "a", "create");
    assert_eq!(code, Some(0), "{said}");
    let mut one = node(shared.path(), &brokers, "a", NO_CENTRE);
    one.ready().unwrap();
    let mut other = node(shared.path(), &brokers, "b", NO_CENTRE);
    other.ready().unwrap();

    let rain: Vec<String> = (1..=40)
        .rev()
        .map(|minutes| row("G1", "rainfall", minutes, "1.0", "mm"))
        .collect();
    assert_eq!(one.post("/v1/observations", None, &rain.join("\n")).0, 202);
    let tier = |served: &Served| {
        let all = situations(served);
        let mut all = all.as_array().cloned().unwrap_or_default().into_iter();
        let gauge = all.find(|item| item["subject"] == "G1");
        gauge.map(|item| item["tier"].clone())
    };
    for served in [&one, &other] {
        eventually("forty millimetres are yellow", || {
            tier(served) == Some(json!("yellow"))
        });
    }

    let rules = small::root().join("testdata/city/rules");
    let files = changed(&rules, ORANGE, r#"rainfall.sum("3h") >= 38.00"#);
    let body = json!({ "files": files, "note": "saturated ground" }).to_string();
    let (status, answer) = one.post("/v1/rulebooks", Some("token-chen"), &body);
    assert_eq!(status, 201, "{answer}");
    let put: Value = serde_json::from_str(&answer).unwrap();
    let hash = put["hash"].as_str().unwrap().to_owned();
    // The dry run asks the owners of all zones for what their windows hold.
    eventually("the other process shows the dry run, too", || {
        rulebook(&other, &hash)["trial"]["state"] == "done"
    });
    let shown = rulebook(&other, &hash);
    assert_eq!(shown["trial"]["readings"], 40, "{shown}");
    let path = format!("/v1/rulebooks/{hash}/approve");
    let seen = json!({ "seen": shown["seen"] }).to_string();
    let (status, answer) = one.post(&path, Some("token-chen"), &seen);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(tier(&other), Some(json!("yellow")), "one signature is none");
    let (status, answer) = other.post(&path, Some("token-wang"), &seen);
    assert_eq!(status, 200, "{answer}");
    for served in [&one, &other] {
        eventually("38 millimetres are orange", || {
            tier(served) == Some(json!("orange")) && rulebook(served, &hash)["state"] == "in_force"
        });
    }
    // Who takes over goes on with what was signed, not with the files.
    one.kill();
    let more = row("G1", "rainfall", 0, "0.5", "mm");
    eventually("the one that is left takes it", || {
        other.post("/v1/observations", None, &more).0 == 202
    });
    eventually("the tier stays", || {
        tier(&other) == Some(json!("orange")) && rulebook(&other, &hash)["state"] == "in_force"
    });
}
