//! Call-and-answer: silence climbs, one word stops it, whoever says it and however.

use super::peers::{reply, texts_of};
use super::street::{Street, call, feed, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};
use serde_json::Value;

const DEPUTY: &str = "+8613900000020";
const DISTRICT: &str = "+8613900000021";
/// The ladder of red in the demo city, and the same in seconds.
const STEPS: &[(&str, &str)] = &[(
    r#"{ after = "150s", ask = "primary", channels = ["sms"], phone = true },
  { after = "5m", ask = "deputy", channels = ["sms", "push"] },
  { after = "450s", ask = "district","#,
    r#"{ after = "1s", ask = "deputy", channels = ["sms", "push"] },
  { after = "3s", ask = "district","#,
)];

fn street(folder: &std::path::Path) {
    let rows = [
        format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,P3,1,"),
        format!("P3,副涵洞主,site_owner,440106014000,{DEPUTY},C1,,zh,,2,"),
        // The same person keeps a second culvert.
        format!("P5,涵洞主,site_owner,440106014000,{OWNER},C2,,zh,,1,"),
        format!("P2,镇长,township_head,440106014000,{HEAD},,,zh,,1,app-head"),
        format!("P4,区值班室,district_duty,440106000000,{DISTRICT},,,zh,,1,"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Street {
        contacts: &rows,
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,,,roads,0.05,0.15,0.27,0.5,0.2",
            "C2,西风涵洞,culvert,113.1,23.1,440106014000,W2,,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        policy: STEPS,
        ..Street::default()
    }
    .write(folder);
}

/// Record time moves with what comes in.
fn time_passes(served: &Served) {
    feed(served, "W1", 1, "0.70");
}

fn answer_of(served: &Served, place: &str) -> Value {
    call(served, place).map_or(Value::Null, |call| call["answer"].clone())
}

#[test]
fn silence_climbs_and_each_kind_of_answer_stops_it() {
    let Some(mut centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    street(folder.path());
    let served = Served::serve(folder.path(), centre.port, "");
    feed(&served, "W1", 2, "0.70");
    eventually("the owner is asked", || {
        texts_of(&centre, OWNER)
            .iter()
            .any(|text| text.contains("东风涵洞"))
    });
    eventually("silence climbs to the deputy", || {
        time_passes(&served);
        texts_of(&centre, DEPUTY)
            .iter()
            .any(|text| text.contains("东风涵洞"))
    });
    eventually("and to the district, for the site and the township", || {
        time_passes(&served);
        let texts = texts_of(&centre, DISTRICT);
        let site = texts.iter().any(|text| text.contains("东风涵洞"));
        site && texts.iter().any(|text| !text.contains("东风涵洞"))
    });
    assert_eq!(call(&served, "C1").unwrap()["state"], "escalated");
    assert_eq!(call(&served, "440106014000").unwrap()["state"], "escalated");

    // The deputy answers for the site; the township still waits.
    reply(&mut centre, DEPUTY, " 2 已到现场");
    eventually("the deputy's word is on the board", || {
        answer_of(&served, "C1")["answer"] == "at_post"
    });
    assert_eq!(answer_of(&served, "C1")["note"], "2 已到现场");
    assert_eq!(answer_of(&served, "440106014000"), Value::Null);

    // The duty officer phones the head.
    let warning = warning(&served)["id"].clone();
    let said = |contact: &str, answer: &str| {
        format!(
            r#"{{"warning":{warning},"contact":"{contact}","answer":"{answer}","note":"电话:正在转移","said":"2026-01-02T03:04:00+08:00"}}"#
        )
    };
    let path = "/v1/calls/answer";
    assert_eq!(served.post(path, None, &said("P2", "received")).0, 401);
    assert_eq!(
        served
            .post(path, Some("token-wang"), &said("P2", "received"))
            .0,
        403
    );
    let unknown = served.post(path, Some("token-chen"), &said("P99", "received"));
    assert_eq!(unknown.0, 404, "{}", unknown.1);
    let noted = served.post(path, Some("token-chen"), &said("P2", "moved"));
    assert_eq!(noted.0, 204, "{}", noted.1);
    eventually("what he said is on the board, and who noted it", || {
        let answer = answer_of(&served, "440106014000");
        answer["answer"] == "moved" && answer["noted_by"] == "chen"
    });
    let answer = answer_of(&served, "440106014000");
    assert_eq!(answer["said"], "2026-01-02T03:04:00+08:00");

    // A tap in the app; the latest word stands.
    let tap = |push: &str| {
        let body = format!(r#"{{"push":"{push}","answer":"needs_help"}}"#);
        served.post("/v1/calls/tap", None, &body).0
    };
    assert_eq!((tap("app-nobody"), tap("")), (404, 404));
    assert_eq!(tap("app-head"), 204);
    eventually("the tap is on the board", || {
        answer_of(&served, "440106014000")["answer"] == "needs_help"
    });

    // Answered for, nobody is rung again.
    let told = centre.taken().len();
    for _ in 0..10 {
        time_passes(&served);
    }
    eventually("everything fed is stepped", || {
        served
            .get("/metrics")
            .1
            .contains(r#"sanfang_queue_depth{queue="zone/440106000000"} 0"#)
    });
    assert_eq!(centre.taken().len(), told, "{:?}", centre.taken());
}

#[test]
fn one_phone_on_two_ladders_answers_both_with_one_word() {
    let Some(mut centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    street(folder.path());
    let served = Served::serve(folder.path(), centre.port, "");
    feed(&served, "W1", 2, "0.70");
    feed(&served, "W2", 2, "0.70");
    eventually("the phone rang for both culverts", || {
        let texts = texts_of(&centre, OWNER);
        ["东风涵洞", "西风涵洞"]
            .iter()
            .all(|site| texts.iter().any(|text| text.contains(site)))
    });
    reply(&mut centre, OWNER, "1");
    eventually("both are answered for", || {
        ["C1", "C2"]
            .iter()
            .all(|site| answer_of(&served, site)["answer"] == "received")
    });
    assert_eq!(
        answer_of(&served, "440106014000"),
        Value::Null,
        "not the head's"
    );
}
