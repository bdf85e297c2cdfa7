//! What people do about a subject, and what the lists say of it: silent, unconfirmed, in force
//! beside what is proposed.

use super::depth;
use super::served::{Answer, Served};
use super::small::eventually;
use serde_json::{Value, json};

fn list(served: &Served, path: &str) -> Vec<Value> {
    serde_json::from_str(&served.get(path).1).unwrap()
}

/// The only warning, once it is as asked.
fn warning(served: &Served, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let first = || list(served, "/v1/warnings").into_iter().next();
    eventually(what, || first().is_some_and(|warning| holds(&warning)));
    first().unwrap()
}

fn post(served: &Served, person: &str, path: &str, body: &Value) -> Answer {
    let sent = [
        format!("Authorization: Bearer token-{person}"),
        "Content-Type: application/json".to_owned(),
    ];
    let headers = sent.each_ref().map(String::as_str);
    served.ask(
        &format!("POST {path}"),
        &headers,
        body.to_string().as_bytes(),
    )
}

/// An order about the culvert.
fn order(served: &Served, act: &str) -> Answer {
    let body = json!({ "rule": "culvert", "subject": "C1", "reason": "the sensor hangs dry" });
    post(served, "chen", &format!("/v1/orders/{act}"), &body)
}

#[test]
fn a_silent_subject_is_stale_and_a_person_ends_its_tier() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    assert_eq!(served.observe(&depth(13, "0.30")), 202);
    let proposed = warning(&served, "it is proposed", |w| w["event"] == "proposed");
    assert_eq!(proposed["in_force"], Value::Null);
    // Thirteen minutes are more than the ten that the city allows a depth sensor.
    let stale = || list(&served, "/v1/situations")[0]["stale"] == true;
    eventually("it is stale", stale);
    let answer = post(
        &served,
        "wang",
        "/v1/orders/stand",
        &json!({ "rule": "culvert", "subject": "C9", "reason": "x" }),
    );
    answer.is_problem(404, "C9");
    let answer = order(&served, "confirm");
    answer.is_problem(409, "confirmation");
    assert_eq!(order(&served, "stand").status, 204);
    warning(&served, "it is over", |w| w["event"] == "ended");
    assert_eq!(list(&served, "/v1/situations"), Vec::<Value>::new());
    order(&served, "stand").is_problem(409, "has no tier");
}

#[test]
fn a_suspect_rise_is_confirmed_by_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let suspect = depth(1, "0.30").replace(r#""unit""#, r#""quality":1,"unit""#);
    assert_eq!(served.observe(&suspect), 202);
    let proposed = warning(&served, "it is proposed", |w| w["event"] == "proposed");
    assert_eq!(proposed["unconfirmed"], true, "{proposed}");
    assert_eq!(list(&served, "/v1/situations")[0]["stale"], false);
    order(&served, "stand").is_problem(409, "still reports");
    assert_eq!(order(&served, "confirm").status, 204);
    let confirmed = warning(&served, "it is confirmed", |w| w["unconfirmed"] == false);
    let area = &confirmed["areas"]["440106014000"];
    assert_eq!(area["reached"], area["tier"], "{confirmed}");
}

#[test]
fn what_is_in_force_is_shown_beside_what_is_proposed() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    assert_eq!(served.observe(&depth(2, "0.30")), 202);
    let proposed = warning(&served, "it is proposed", |w| w["event"] == "proposed");
    let seen = json!({ "revision": proposed["revision"], "seen": proposed["seen"] });
    let path = format!("/v1/warnings/{}/approve", proposed["id"].as_str().unwrap());
    for person in ["chen", "wang"] {
        assert_eq!(post(&served, person, &path, &seen).status, 204);
    }
    let issued = warning(&served, "it is issued", |w| w["event"] == "issued");
    assert_eq!(served.observe(&depth(1, "0.60")), 202);
    let shows_both = |w: &Value| {
        w["event"] == "proposed"
            && w["tier"] == "red"
            && w["in_force"]["tier"] == "orange"
            && w["in_force"]["revision"] == issued["revision"]
            && w["in_force"]["signed_by"] == json!(["chen", "wang"])
    };
    warning(&served, "both are shown", shows_both);
    // A restart shows both again.
    drop(served);
    let served = Served::alone(folder.path());
    warning(&served, "both are shown again", shows_both);
}
