//! A duty officer silences a rule that cries wolf, for a while and with a reason.

use super::served::{Answer, Served};
use super::small::eventually;
use super::{depth, minutes_ago};
use serde_json::{Value, json};

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
