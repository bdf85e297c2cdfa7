//! One observation through all ten steps to one short message at a message centre that is not ours. What
//! people do to warnings is in `acts`, what a kill does in `kill`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "pipeline/acts.rs"]
mod acts;
mod brokers;
#[path = "pipeline/deliveries.rs"]
mod deliveries;
mod delivery;
mod demo_city;
#[path = "pipeline/kill.rs"]
mod kill;
#[path = "pipeline/restart.rs"]
mod restart;
mod small;
#[path = "pipeline/spread.rs"]
mod spread;

use serde_json::Value;
use small::{Centre, HEAD, OWNER, Served, eventually, minutes_ago};

fn depth(minutes: i64, metres: &str) -> String {
    format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{}","value":{metres},"unit":"m"}}"#,
        minutes_ago(minutes)
    )
}

fn number(phone: &str) -> &str {
    phone.trim_start_matches('+')
}

#[test]
fn one_observation_reaches_the_owners_phone() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), centre.port);

    let (status, body) = served.post("/v1/observations", None, &depth(1, "0.30"));
    assert_eq!(status, 202, "{body}");
    let taken: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&taken["accepted"], &taken["rejected"]),
        (&1.into(), &0.into())
    );

    eventually("the owner is told", || {
        centre
            .taken()
            .iter()
            .any(|(to, text)| to == number(OWNER) && text.contains("东风涵洞"))
    });
    let (to, text) = centre
        .taken()
        .into_iter()
        .find(|(to, _)| to == number(OWNER))
        .unwrap();
    assert!(text.starts_with('【'), "{to}: {text}");
    assert!(text.contains('1'), "asks for an answer: {text}");
    eventually("the township's head is told", || {
        centre.taken().iter().any(|(to, _)| to == number(HEAD))
    });
    let public = centre
        .taken()
        .iter()
        .any(|(to, _)| to.ends_with("13") || to.ends_with("14"));
    assert!(!public, "the public waits for two signatures");

    // Two people sign what they see; the public is told, each in their language.
    let warnings: Vec<Value> = serde_json::from_str(&served.get("/v1/warnings").1).unwrap();
    let warning = &warnings[0];
    let path = format!("/v1/warnings/{}/approve", warning["id"].as_str().unwrap());
    let seen = format!(
        r#"{{"revision":{},"seen":{}}}"#,
        warning["revision"], warning["seen"]
    );
    assert_eq!(served.post(&path, None, &seen).0, 401);
    let stale = format!(
        r#"{{"revision":{},"seen":"0000000000000000"}}"#,
        warning["revision"]
    );
    assert_eq!(served.post(&path, Some("token-chen"), &stale).0, 409);
    let signed = served.post(&path, Some("token-chen"), &seen);
    assert_eq!(signed.0, 204, "{}", signed.1);
    assert_eq!(
        served.post(&path, Some("token-chen"), &seen).0,
        409,
        "two people, not one twice"
    );
    let signed = served.post(&path, Some("token-wang"), &seen);
    assert_eq!(signed.0, 204, "{}", signed.1);
    eventually("the public is told in two languages", || {
        let taken = centre.taken();
        let zh = taken
            .iter()
            .any(|(to, text)| to.ends_with("13") && text.contains("内涝") | text.contains("积水"));
        let en = taken
            .iter()
            .any(|(to, text)| to.ends_with("14") && text.contains("ater"));
        zh && en
    });

    // The same alert as CAP.
    eventually("the feed has it", || {
        served.get("/cap/feed.atom").1.contains("<entry>")
    });
    let anybody = |path| served.request("GET", path, None, "");
    assert_eq!(anybody("/v1/calls").0, 401, "calls are not for everybody");
    assert!(anybody("/v1/warnings").1.contains("issued"));
    assert!(
        served
            .get("/metrics")
            .1
            .contains("sanfang_warning_latency_seconds")
    );
}

#[test]
fn bad_input_is_answered_and_stops_nobody() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), centre.port);
    let body = format!("{{\n{}\n[[[[\n", depth(1, "0.01"));
    let (status, answer) = served.post("/v1/observations", None, &body);
    let taken: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &taken["accepted"]), (202, &1.into()), "{answer}");
    assert!(taken["rejected"].as_u64().unwrap() >= 2, "{answer}");
    let far =
        r#"{"station":"W1","parameter":"water_depth","time":"2999-01-01T00:00:00Z","value":1}"#;
    assert!(
        served
            .post("/v1/observations", None, far)
            .1
            .contains("\"rejected\":1")
    );
    let big = " ".repeat(17 << 20);
    assert_eq!(served.post("/v1/observations", None, &big).0, 413);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let (status, answer) = served.post("/v1/observations", None, &deep);
    assert_eq!(status, 202, "{answer}");
    assert!(answer.contains("\"accepted\":0"), "{answer}");
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&b;</identifier></alert>"#;
    let (status, answer) = served.post("/v1/signals", Some("token-chen"), bomb);
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("DOCTYPE"), "{answer}");
    assert_eq!(served.get("/v1/warnings/xyz").0, 400);
    assert_eq!(
        served
            .get("/v1/observations?station=none&parameter=rainfall")
            .0,
        404
    );
    let empty = r#"{"hazard":"11A02","areas":{},"reason":"x"}"#;
    assert_eq!(
        served.post("/v1/warnings", Some("token-chen"), empty).0,
        400,
        "empty never means everybody"
    );
}
