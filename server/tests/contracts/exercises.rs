//! An exercise from its plan to its end on the built binary, beside an independent message centre: whom
//! it tells, what it leaves alone, what it gives way to.

use crate::small::{Centre, HEAD, OWNER, Served, eventually, minutes_ago, write_city};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

const CHEN: Option<&str> = Some("token-chen");
const WANG: Option<&str> = Some("token-wang");
const TOWNSHIP: &str = "440106014000";
const SECTION: &str = r#"
[exercise]
[[exercise.group]]
id = "street"
name = "街道责任人"
people = ["P2", "left-last-year"]
[[exercise.group]]
id = "gone"
name = "旧名单"
people = ["left-last-year"]
"#;

fn serve(folder: &Path, centre: &Centre) -> Served {
    write_city(folder);
    Served::serve(folder, centre.port, SECTION)
}

fn read(served: &Served, path: &str) -> Value {
    let (status, body) = served.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn plan() -> Value {
    json!({
        "name": "汛前演练", "hazard": "11A02", "areas": { TOWNSHIP: "red" },
        "group": "street", "minutes": 10, "expect": "at_post",
    })
}

fn begin(served: &Served, plan: &Value) -> (u16, Value) {
    let (status, body) = served.post("/v1/exercises", CHEN, &plan.to_string());
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn texts_of(centre: &Centre, phone: &str) -> Vec<String> {
    let phone = phone.trim_start_matches('+');
    let taken = centre.taken().into_iter();
    taken
        .filter(|(to, _)| to == phone)
        .map(|(_, text)| text)
        .collect()
}

fn exercise(served: &Served, id: &str) -> Value {
    let all = read(served, "/v1/exercises");
    let all = all["exercises"].as_array().unwrap().clone();
    all.into_iter().find(|of| of["id"] == id).unwrap()
}

fn is_marked(text: &str) -> bool {
    text.ends_with("【演练】")
        && text
            .split_once("】")
            .is_some_and(|(_, rest)| rest.starts_with("【演练】"))
}

#[test]
fn an_exercise_tells_its_white_list_and_nobody_else() {
    let Some(mut centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), &centre);
    let known = read(&served, "/v1/exercises");
    assert_eq!(
        known["groups"][0],
        json!({ "id": "street", "name": "街道责任人", "people": 2 })
    );
    assert_eq!(known["exercises"], json!([]));
    assert_eq!(read(&served, "/exercise/v1/state")["mode"], "exercise");
    assert_eq!(read(&served, "/v1/state")["mode"], "actual");
    for page in ["/exercise/", "/exercise"] {
        let (status, body) = served.get(page);
        assert_eq!(status, 200, "{page}: {body}");
    }

    // Who may, and what is a plan.
    let text = plan().to_string();
    assert_eq!(served.post("/v1/exercises", None, &text).0, 401);
    assert_eq!(served.post("/v1/exercises", WANG, &text).0, 403);
    assert_eq!(served.request("GET", "/v1/exercises", None, "").0, 401);
    for (field, value) in [
        ("areas", json!({})),
        ("areas", json!({ TOWNSHIP: "none" })),
        ("areas", json!({ "440109000000": "red" })),
        ("group", json!("nobody")),
        ("name", json!("  ")),
        ("minutes", json!(0)),
        ("minutes", json!(24 * 60 + 1)),
        ("starts", json!("tomorrow")),
        ("ends", json!("2099-01-01T00:00:00+08:00")),
    ] {
        let mut wrong = plan();
        wrong[field] = value;
        assert_eq!(begin(&served, &wrong).0, 400, "{wrong}");
    }
    let mut gone = plan();
    gone["group"] = json!("gone");
    assert_eq!(
        begin(&served, &gone).0,
        409,
        "nobody of it is in contacts.csv"
    );
    // The world of exercises opens nothing by hand, and begins nothing by itself.
    let by_hand = json!({ "hazard": "11A02", "areas": { TOWNSHIP: "red" }, "reason": "by hand" });
    let (status, body) = served.post("/exercise/v1/warnings", CHEN, &by_hand.to_string());
    assert_eq!(status, 409, "{body}");
    assert_eq!(served.post("/exercise/v1/exercises", CHEN, &text).0, 409);

    let (status, begun) = begin(&served, &plan());
    assert_eq!(status, 201, "{begun}");
    let id = begun["id"].as_str().unwrap().to_owned();
    assert_eq!(
        begin(&served, &plan()).0,
        409,
        "one at a time in a district"
    );
    eventually("it plays", || exercise(&served, &id)["state"] == "running");

    // A draft of an exercise is signed there and nowhere else.
    let drafts = read(&served, "/exercise/v1/warnings");
    let draft = &drafts[0];
    let path = format!("warnings/{}", draft["id"].as_str().unwrap());
    let seen = json!({ "revision": draft["revision"], "seen": draft["seen"] });
    assert_eq!(
        served
            .post(&format!("/v1/{path}/approve"), WANG, &seen.to_string())
            .0,
        404
    );
    let mut flipped = seen.clone();
    flipped["mode"] = json!("actual");
    let approve = format!("/exercise/v1/{path}/approve");
    let (status, body) = served.post(&approve, WANG, &flipped.to_string());
    assert_eq!(status, 409, "{body}");
    flipped["mode"] = json!("exercise");
    let (status, body) = served.post(&approve, WANG, &flipped.to_string());
    assert_eq!(status, 204, "{body}");
    eventually(
        "the head of the township is told, marked first and last",
        || texts_of(&centre, HEAD).iter().any(|text| is_marked(text)),
    );
    let withheld = |channel: &str| {
        let all = read(&served, "/v1/exercises");
        let rows = all["withheld"].as_array().unwrap().clone();
        rows.iter()
            .any(|row| row["channel"] == channel && row["gate"] == "plan")
    };
    eventually("what the public would have heard is counted", || {
        withheld("cap") && withheld("sms")
    });

    // A reply to a number that both worlds use stops the exercise's call.
    let line = json!({ "from": HEAD.trim_start_matches('+'), "text": "1" });
    writeln!(centre.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    eventually("the reply is the exercise's answer", || {
        let calls = read(&served, "/exercise/v1/calls");
        calls
            .as_array()
            .unwrap()
            .iter()
            .any(|call| call["state"] == "answered")
    });

    // Nothing of it is anywhere real.
    for path in [
        "/v1/warnings",
        "/v1/calls",
        "/v1/deliveries",
        "/v1/timeline",
    ] {
        assert_eq!(read(&served, path), json!([]), "{path}");
    }
    assert_eq!(read(&served, "/v1/gaps")["gaps"], json!([]));
    assert_eq!(read(&served, "/v1/answering")["city"]["called"], 0);
    let (_, metrics) = served.get("/metrics");
    for none in ["sanfang_warnings_total{", "sanfang_deliveries_total{"] {
        assert!(!metrics.contains(none), "{metrics}");
    }
    let (_, own) = served.get("/exercise/metrics");
    assert!(
        own.contains("sanfang_deliveries_total{")
            && own.contains("sanfang_exercise_withheld_total{"),
        "{own}"
    );
    let (_, feed) = served.get("/cap/feed.atom");
    assert!(!feed.contains("<entry>"), "{feed}");

    let end = format!("/v1/exercises/{id}/end");
    assert_eq!(served.post(&end, WANG, "").0, 403);
    let (status, body) = served.post(&end, CHEN, "");
    assert_eq!(status, 204, "{body}");
    assert_eq!(served.post(&end, CHEN, "").0, 409);
    assert_eq!(exercise(&served, &id)["why"], "person");
    eventually("who was told hears of the end", || {
        let texts = texts_of(&centre, HEAD);
        texts.len() >= 2 && texts.iter().all(|text| is_marked(text))
    });
    let others: Vec<_> = centre
        .taken()
        .into_iter()
        .filter(|(to, _)| *to != HEAD.trim_start_matches('+'))
        .collect();
    assert_eq!(
        others,
        Vec::<(String, String)>::new(),
        "nobody else was told"
    );

    served.stop_and_start_again();
    served.ready().unwrap();
    assert_eq!(exercise(&served, &id)["state"], "over");
    scored(&served, &id);
}

/// Its times, out of the journal.
fn scored(served: &Served, id: &str) {
    let path = format!("/v1/exercises/{id}/score");
    let score = read(served, &path);
    for step in [
        "signed_s",
        "first_message_s",
        "last_handed_s",
        "last_receipt_s",
        "first_answer_s",
    ] {
        assert!(score["steps"][step].is_u64(), "{step}: {score}");
    }
    assert_eq!(score["ways"]["sms"]["failed"], 0);
    let person = &score["people"][0];
    assert_eq!(
        (&person["contact"], &person["answer"]),
        (&json!("P2"), &json!("received"))
    );
    // It asked for "at post".
    assert_eq!(
        (&score["silent"], &score["wrong"]),
        (&json!([]), &json!(["P2"]))
    );
    assert_eq!(score["answering"]["city"]["answered"], 1);
    assert!(score["withheld"]["cap"].as_u64().unwrap() > 0);
    for (lang, word) in [("zh", "汛前演练"), ("en", "EXERCISE")] {
        let (status, text) = served.get(&format!("{path}?format=text&lang={lang}"));
        let is_said = text.contains(word) && !text.contains("+86");
        assert!(status == 200 && is_said, "{text}");
    }
    assert_eq!(served.get("/v1/exercises/nothing/score").0, 404);
    assert_eq!(served.request("GET", &path, None, "").0, 401);
}

#[test]
fn something_real_ends_the_exercise_and_a_kill_does_not() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), &centre);
    let (status, begun) = begin(&served, &plan());
    assert_eq!(status, 201, "{begun}");
    let id = begun["id"].as_str().unwrap().to_owned();
    eventually("it plays", || exercise(&served, &id)["state"] == "running");
    let draft = read(&served, "/exercise/v1/warnings")[0].clone();
    let seen = json!({ "revision": draft["revision"], "seen": draft["seen"] });
    let path = draft["id"].as_str().unwrap();
    let path = format!("/exercise/v1/warnings/{path}/approve");
    let (status, body) = served.post(&path, WANG, &seen.to_string());
    assert_eq!(status, 204, "{body}");
    eventually("the head is told", || !texts_of(&centre, HEAD).is_empty());
    served.stop_and_start_again();
    served.ready().unwrap();
    assert_eq!(exercise(&served, &id)["state"], "running");

    let time = minutes_ago(0);
    let reading = format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.70,"unit":"m"}}"#
    );
    let (status, body) = served.post("/v1/observations", None, &reading);
    assert_eq!(status, 202, "{body}");
    eventually("the exercise gives way", || {
        exercise(&served, &id)["why"] == "interrupted"
    });
    eventually("its owner is told in earnest, and the head of both", || {
        let real = |phone| {
            texts_of(&centre, phone)
                .into_iter()
                .any(|text| !text.contains("演练"))
        };
        let ended = texts_of(&centre, HEAD)
            .iter()
            .filter(|text| is_marked(text))
            .count();
        real(OWNER) && real(HEAD) && ended >= 2
    });
    let (status, refused) = begin(&served, &plan());
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("in force or put forward"),
        "{refused}"
    );
}
