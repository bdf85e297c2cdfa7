//! Shift hand-over on the built binary: the list, who may take it over, what changes it, that it is kept.

use crate::small::{Served, free_port, minutes_ago, write_city};
use serde_json::{Value, json};

const CHEN: Option<&str> = Some("token-chen");

fn list(served: &Served) -> Value {
    let (status, body) = served.get("/v1/handover");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn take(served: &Served, token: Option<&str>, seen: &Value) -> (u16, String) {
    let body = json!({ "seen": seen, "note": "口头交接完毕" });
    served.post("/v1/handover", token, &body.to_string())
}

#[test]
fn who_takes_over_has_seen_what_stands() {
    let folder = tempfile::tempdir().unwrap();
    write_city(folder.path());
    let mut served = Served::serve(folder.path(), free_port(), "");
    assert_eq!(served.request("GET", "/v1/handover", None, "").0, 401);
    let empty = list(&served);
    assert_eq!(
        (&empty["points"], &empty["last"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(take(&served, None, &empty["seen"]).0, 401);
    assert_eq!(take(&served, Some("token-wang"), &empty["seen"]).0, 403);

    let time = minutes_ago(0);
    let reading = format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.70,"unit":"m"}}"#
    );
    let (status, body) = served.post("/v1/observations", None, &reading);
    assert_eq!(status, 202, "{body}");
    crate::small::eventually("a proposal and a silent place are on the list", || {
        let points = list(&served)["points"].as_array().unwrap().clone();
        let has = |kind: &str| points.iter().any(|point| point["kind"] == kind);
        has("to_sign") && has("silent")
    });
    let (status, body) = take(&served, CHEN, &empty["seen"]);
    assert_eq!(status, 409, "{body}");
    crate::small::eventually("what was just seen is taken over", || {
        take(&served, CHEN, &list(&served)["seen"]).0 == 204
    });
    let of = |served: &Served| list(served)["last"].clone();
    assert_eq!(of(&served)["person"], "chen");
    assert_eq!(of(&served)["note"], "口头交接完毕");
    for (lang, word) in [("zh", "交接班清单"), ("en", "Shift hand-over")] {
        let (status, text) = served.get(&format!("/v1/handover?format=text&lang={lang}"));
        assert!(status == 200 && text.starts_with(word), "{text}");
    }
    served.stop_and_start_again();
    served.ready().unwrap();
    assert_eq!(of(&served)["person"], "chen", "the act is in the journal");
}
