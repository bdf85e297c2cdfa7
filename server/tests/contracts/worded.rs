//! A signer's own words: what in them is not signed by mistake, and who lets it stand.

use super::depth;
use super::served::Served;
use super::small::eventually;
use serde_json::{Value, json};

fn ask(served: &Served, line: &str, body: &Value) -> (u16, Value) {
    let headers = [
        "Authorization: Bearer token-chen",
        "Content-Type: application/json",
    ];
    let answer = served.ask(line, &headers, body.to_string().as_bytes());
    let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer.status, body)
}

fn only(served: &Served) -> Value {
    let all: Value = serde_json::from_str(&served.get("/v1/warnings").1).unwrap();
    all[0].clone()
}

/// With these keys besides.
fn with(body: &Value, more: &Value) -> Value {
    let mut body = body.clone();
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn words_that_two_would_read_differently_are_signed_on_purpose_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    eventually("it is put forward", || only(&served)["event"] == "proposed");
    let anyway = json!({ "as_it_stands": true });
    let untranslated = |findings: &Value, languages: &[&str]| {
        for language in languages {
            assert_eq!(findings[language], json!(["untranslated"]), "{findings}");
        }
    };

    // Opened by hand.
    let opening = json!({
        "hazard": "11B03", "areas": { "440106014000": "yellow" }, "reason": "seen from the bridge",
        "text": { "zh": "请绕行" },
    });
    let (status, problem) = ask(&served, "POST /v1/warnings", &opening);
    assert_eq!(status, 422, "{problem}");
    untranslated(&problem["findings"], &["en", "ja", "ko", "fr"]);
    assert_eq!(problem["findings"]["zh"], Value::Null, "{problem}");
    assert_eq!(problem["findings"]["zh-Hant"], Value::Null, "{problem}");

    // Amended: what is there already counts with what is new.
    let id = only(&served)["id"].as_str().unwrap().to_owned();
    let amend = format!("POST /v1/warnings/{id}/amend");
    let words = |text: Value| json!({ "revision": only(&served)["revision"], "text": text, "reason": "from the site" });
    let unclear = json!({
        "zh": "请在3点前离开,详见http://example.cn/a", "en": "Leave before 15:00.",
        "ja": "避難してください。", "ko": "대피하십시오.", "fr": "Partez.",
    });
    let (status, problem) = ask(&served, &amend, &words(unclear.clone()));
    assert_eq!(status, 422, "{problem}");
    let wanted = json!({ "zh": ["link", { "no_half": "3点" }] });
    assert_eq!(problem["findings"], wanted, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("as_it_stands") && detail.contains("3点"),
        "{detail}"
    );
    let before = only(&served);
    assert_eq!(ask(&served, &amend, &with(&words(unclear), &anyway)).0, 204);
    let after = only(&served);
    assert_ne!(after["revision"], before["revision"], "now it is there");

    // Signed: the preview says what the signature would be refused for, and it is.
    let (_, preview) = served.get(&format!("/v1/warnings/{id}/preview"));
    let preview: Value = serde_json::from_str(&preview).unwrap();
    assert_eq!(preview["objections"], wanted, "{preview}");
    let approve = format!("POST /v1/warnings/{id}/approve");
    let seen = json!({ "revision": after["revision"], "seen": after["seen"] });
    let (status, problem) = ask(&served, &approve, &seen);
    assert_eq!((status, &problem["findings"]), (422, &wanted), "{problem}");
    assert_eq!(only(&served)["signed_by"], json!([]));
    let (status, problem) = ask(&served, &approve, &with(&seen, &anyway));
    assert_eq!(status, 400, "a reason is asked for: {problem}");
    let metrics = served.get("/metrics").1;
    let counted = "sanfang_requests_refused_total{reason=\"wording\"} 3";
    assert!(metrics.contains(counted), "{metrics}");
    let why = with(&anyway, &json!({ "reason": "the water is at the door" }));
    assert_eq!(ask(&served, &approve, &with(&seen, &why)).0, 204);

    // Mended it needs nobody's word.
    let mended = words(json!({ "zh": "请在15:00前离开。" }));
    assert_eq!(ask(&served, &amend, &mended).0, 204);
    let after = only(&served);
    let seen = json!({ "revision": after["revision"], "seen": after["seen"] });
    let (status, problem) = ask(&served, &approve, &seen);
    assert_eq!(status, 204, "{problem}");
}
