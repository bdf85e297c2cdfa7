//! A duty officer silences a rule that cries wolf, for a while and with a reason.

use super::served::{Answer, Served, configuration};
use super::small::eventually;
use super::{depth, json_lines, minutes_ago, told};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

const TOWNSHIP: &str = "440106014000";

fn list(served: &Served, path: &str) -> Vec<Value> {
    serde_json::from_str(&served.get(path).1).unwrap()
}

fn post(served: &Served, act: &str, body: &Value) -> Answer {
    let headers = [
        "Authorization: Bearer token-chen",
        "Content-Type: application/json",
    ];
    let line = format!("POST /v1/rules/{act}");
    served.ask(&line, &headers, body.to_string().as_bytes())
}

/// The silences of the culvert rule.
fn muted(served: &Served) -> Vec<Value> {
    let rules = list(served, "/v1/rules");
    let culvert = rules.iter().find(|rule| rule["id"] == "culvert").unwrap();
    culvert["muted"].as_array().unwrap().clone()
}

fn found(served: &Served) -> Option<Value> {
    list(served, "/v1/situations").into_iter().next()
}

#[test]
fn a_silent_rule_is_shown_and_proposes_once_it_speaks_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let until = minutes_ago(-60);
    let body = json!({ "areas": [TOWNSHIP], "until": until, "reason": "sensor in the mud" });
    let answer = post(&served, "culvert/mute", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["zones"][0]["state"], "done");
    eventually("it is listed", || muted(&served).len() == 1);
    let mute = muted(&served).remove(0);
    assert_eq!(mute["area"], TOWNSHIP);
    assert_eq!(mute["person"], "chen");
    assert_eq!(mute["reason"], "sensor in the mud");
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    eventually("it is found", || found(&served).is_some());
    assert_eq!(found(&served).unwrap()["muted"]["person"], "chen");
    let metrics = served.get("/metrics").1;
    assert!(metrics.contains("\nsanfang_rules_muted 1\n"), "{metrics}");
    // A restart shows the same, and says no more than before.
    drop(served);
    let served = Served::alone(folder.path());
    eventually("it is shown again", || {
        found(&served).is_some_and(|found| found["muted"]["reason"] == "sensor in the mud")
    });
    assert_eq!(list(&served, "/v1/warnings"), Vec::<Value>::new());
    let answer = post(&served, "culvert/unmute", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("it is proposed", || {
        let warnings = list(&served, "/v1/warnings");
        warnings
            .first()
            .is_some_and(|w| w["event"] == "proposed" && w["tier"] == "orange")
    });
    eventually("the mark is gone", || {
        found(&served).is_some_and(|found| found["muted"].is_null())
    });
    assert_eq!(muted(&served), Vec::<Value>::new());
    post(&served, "culvert/unmute", &json!({})).is_problem(409, "not silenced");
}

fn sanfang(served: &Served, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let token = folder.join("token");
    fs::write(&token, "token-chen\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .arg("rules")
        .args(arguments)
        .env("SANFANG_SERVER", format!("http://{}", served.address()))
        .arg("--token-file")
        .arg(token)
        .output()
        .unwrap();
    told(&output)
}

#[test]
fn a_rule_is_silenced_from_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let served = Served::alone(folder);
    let until = minutes_ago(-60);
    let until = until.as_str();
    let mute = [
        "mute",
        "culvert",
        "--area",
        TOWNSHIP,
        "--reason",
        "sensor in the mud",
        "--until",
        until,
    ];
    let (code, out, err) = sanfang(&served, folder, &mute);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("culvert: silenced until"), "{err}");
    eventually("it is listed", || muted(&served).len() == 1);
    let (code, table, err) = sanfang(&served, folder, &["muted"]);
    assert_eq!(code, 0, "{err}");
    let line = table
        .lines()
        .find(|line| line.starts_with("culvert"))
        .unwrap();
    assert!(
        line.contains("chen") && line.contains("sensor in the mud"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 2, "{table}");
    let (_, all, _) = sanfang(&served, folder, &["muted", "--all", "--json"]);
    assert_eq!(json_lines(&all).len(), list(&served, "/v1/rules").len());
    let metrics = served.get("/metrics").1;
    assert!(
        metrics.contains("\nsanfang_rule_muted{rule=\"culvert\"} 1\n"),
        "{metrics}"
    );
    // Until when it may be is for the server to say; what is no time is not sent.
    let long = minutes_ago(-60 * 25);
    let long = [
        "mute",
        "culvert",
        "--area",
        TOWNSHIP,
        "--reason",
        "x",
        "--until",
        long.as_str(),
    ];
    let (code, _, err) = sanfang(&served, folder, &long);
    assert!(code == 2 && err.contains("1d at most"), "{code} {err}");
    let never = [
        "mute", "culvert", "--area", TOWNSHIP, "--reason", "x", "--until", "soon",
    ];
    assert_eq!(sanfang(&served, folder, &never).0, 2);
    // Nobody silences a whole city by leaving something out.
    let nowhere = ["mute", "culvert", "--reason", "x", "--until", until];
    let (code, _, err) = sanfang(&served, folder, &nowhere);
    assert!(code == 2 && err.contains("--area"), "{code} {err}");
    let stranger = [
        "mute", "culvet", "--area", TOWNSHIP, "--reason", "x", "--until", until,
    ];
    let (code, _, err) = sanfang(&served, folder, &stranger);
    assert!(
        code == 2 && err.contains("no rule \"culvet\""),
        "{code} {err}"
    );

    let (code, _, err) = sanfang(&served, folder, &["unmute", "culvert"]);
    assert!(
        code == 0 && err.contains("culvert: speaks again"),
        "{code} {err}"
    );
    eventually("it is not listed", || muted(&served).is_empty());
    let metrics = served.get("/metrics").1;
    assert!(!metrics.contains("sanfang_rule_muted{"), "{metrics}");
    let (code, _, err) = sanfang(&served, folder, &["unmute", "culvert"]);
    assert!(code == 1 && err.contains("not silenced"), "{code} {err}");
}

#[test]
fn a_rule_with_a_chinese_id_is_silenced_from_a_terminal() {
    const ID: &str = "涵洞积水";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let served = Served::configured(folder, |port| {
        let file = folder.join("city/rules/waterlogging.toml");
        let rules = fs::read_to_string(&file).unwrap();
        let own = "\nid      = \"culvert\"";
        assert!(rules.contains(own));
        let renamed = rules.replace(own, &format!("\nid      = \"{ID}\""));
        fs::write(&file, renamed).unwrap();
        configuration(port, "")
    });
    let silenced = || {
        let rules = list(&served, "/v1/rules");
        let rule = rules.iter().find(|rule| rule["id"] == ID).unwrap();
        rule["muted"].as_array().unwrap().len()
    };
    let until = minutes_ago(-60);
    let until = until.as_str();
    let mute = [
        "mute", ID, "--area", TOWNSHIP, "--reason", "moss", "--until", until,
    ];
    let (code, out, err) = sanfang(&served, folder, &mute);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("涵洞积水: silenced until"), "{err}");
    eventually("it is listed", || silenced() == 1);
    let (_, table, _) = sanfang(&served, folder, &["muted"]);
    assert!(table.lines().any(|line| line.starts_with(ID)), "{table}");
    let metrics = served.get("/metrics").1;
    let series = format!("\nsanfang_rule_muted{{rule=\"{ID}\"}} 1\n");
    assert!(metrics.contains(&series), "{metrics}");
    let (code, _, err) = sanfang(&served, folder, &["unmute", ID]);
    assert!(
        code == 0 && err.contains("涵洞积水: speaks again"),
        "{code} {err}"
    );
    eventually("it is not listed", || silenced() == 0);
    // What is no id in any script is not sent.
    for wrong in ["../city", "涵洞 积水", "涵洞/积水", ""] {
        let (code, _, err) = sanfang(&served, folder, &["unmute", wrong]);
        assert!(
            code == 2 && err.contains("no rule has such an id"),
            "{wrong}: {code} {err}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let refused = |rule: &str, status: u16, words: &str, change: Value| {
        let mut body = json!({ "areas": [TOWNSHIP], "until": minutes_ago(-60), "reason": "x" });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        post(&served, &format!("{rule}/mute"), &body).is_problem(status, words);
    };
    refused("culvet", 404, "/v1/rules", json!({}));
    refused("culvert", 400, "reason", json!({ "reason": " " }));
    refused(
        "culvert",
        400,
        "time to come",
        json!({ "until": minutes_ago(1) }),
    );
    refused(
        "culvert",
        400,
        "1d at most",
        json!({ "until": minutes_ago(-60 * 25) }),
    );
    refused("culvert", 400, "until", json!({ "until": "soon" }));
    refused(
        "culvert",
        400,
        "/v1/areas",
        json!({ "areas": ["440199000000"] }),
    );
    // Nothing that is left out or matches nothing silences a city: that has to be named, and alone.
    let whole = "440100000000 for the whole city";
    refused("culvert", 400, whole, json!({ "areas": [] }));
    refused("culvert", 422, "areas", json!({ "areas": null }));
    let both = json!({ "areas": [TOWNSHIP, "440100000000"] });
    refused("culvert", 400, "the city alone", both);
    let body = json!({ "until": minutes_ago(-60), "reason": "x" });
    post(&served, "culvert/mute", &body).is_problem(422, "missing field `areas`");
    let body = json!({ "areas": [TOWNSHIP], "until": minutes_ago(-60), "reason": "x" }).to_string();
    let line = "POST /v1/rules/culvert/mute";
    let json = "Content-Type: application/json";
    served
        .ask(line, &[json], body.as_bytes())
        .is_problem(401, "sign in");
    post(&served, "culvet/unmute", &json!({})).is_problem(404, "/v1/rules");
    assert_eq!(muted(&served), Vec::<Value>::new());
}

#[test]
fn the_whole_city_is_silenced_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let body = json!({ "areas": ["440100000000"], "until": minutes_ago(-60), "reason": "wrong threshold" });
    let answer = post(&served, "culvert/mute", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("it is listed", || !muted(&served).is_empty());
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    eventually("what it finds is muted", || {
        found(&served).is_some_and(|found| found["muted"]["reason"] == "wrong threshold")
    });
}
