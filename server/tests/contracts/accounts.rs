//! Accounts at carriers: what was agreed is checked, shown to who signs, and held to.

use super::sanfang;
use super::served::Served;
use super::small::{self, eventually};
use super::{depth, told};
use serde_json::{Value, json};
use std::fs;

const LINK: &str = "[sms.link]\naddress = \"127.0.0.1:9\"\naccount = \"s\"\npassword = \"s\"\nsender = { source = \"106575\" }\n";

#[test]
fn what_was_agreed_is_checked_against_the_day_and_the_citys_texts() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let file = folder.path().join("sanfang.toml");
    let check = |contract: &str| {
        let base = "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:8080\"\n";
        let text = format!("{base}[[sms]]\nname = \"mobile\"\n[sms.contract]\n{contract}{LINK}");
        fs::write(&file, text).unwrap();
        told(&sanfang(&["check", "--config", file.to_str().unwrap()]))
    };
    let (code, out, err) = check("daily_max = 100000\nsub_port = \"01\"\non_duty = \"desk\"\n");
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("sms.contract"), "{out}");
    let said = |contract: &str, all: &[&str]| {
        let (code, out, err) = check(contract);
        assert_eq!(code, 2, "{contract}: {out}{err}");
        for words in all {
            assert!(out.contains(words), "no {words:?} in\n{out}{err}");
        }
    };
    said(
        "expires = \"2020-01-31\"\nsignatures = [\"【别处】\"]\n",
        &[
            "mobile expired on 2020-01-31: it passes nothing",
            "the text opens with none of the signatures registered",
        ],
    );
    said(
        "templates = { T7 = \"{code:digits 6}\" }\n",
        &[
            "mobile does not pass",
            "none of the templates approved for it is this text: ",
        ],
    );
    said(
        "sub_port = \"000000000000001\"\ntemplates = { T7 = \"{code}\" }\n",
        &[
            "the source number has 6 digits and this 15, more than 20",
            "templates.T7: {code} is no variable",
        ],
    );
    said("expires = \"soon\"\n", &["\"soon\" is no day"]);
}

/// A text that no account passes is not signed by mistake: whoever signs says that it goes without.
#[test]
fn a_text_that_no_account_passes_is_refused_before_it_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let contract = "[sms.contract]\ntemplates = { T7 = \"{code:digits 6}\" }\ndaily_max = 7\n";
    let sections = format!("[[sms]]\nname = \"mobile\"\n{contract}{LINK}");
    let served = Served::with_sections(folder.path(), &sections);
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    let list = || -> Vec<Value> { serde_json::from_str(&served.get("/v1/warnings").1).unwrap() };
    eventually("it is proposed", || {
        list().first().is_some_and(|w| w["event"] == "proposed")
    });
    let warning = list().remove(0);
    let path = format!("/v1/warnings/{}", warning["id"].as_str().unwrap());
    let (_, preview) = served.get(&format!("{path}/preview"));
    let preview: Value = serde_json::from_str(&preview).unwrap();
    let unsendable = preview["unsendable"].as_array().unwrap();
    for language in ["zh", "en"] {
        assert!(unsendable.contains(&json!(language)), "{preview}");
    }
    let refused = json!({ "not_passed": { "account": "mobile", "why": "template" } });
    let remarks = preview["remarks"]["zh"].as_array().unwrap();
    assert!(remarks.contains(&refused), "{preview}");

    let sign = |without_sms: bool| {
        let body = json!({
            "revision": warning["revision"],
            "seen": warning["seen"],
            "without_sms": without_sms,
        });
        let headers = [
            "Authorization: Bearer token-chen",
            "Content-Type: application/json",
        ];
        let line = format!("POST {path}/approve");
        served.ask(&line, &headers, body.to_string().as_bytes())
    };
    let answer = sign(false);
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.body.contains("without_sms"), "{}", answer.body);
    assert_eq!(sign(true).status, 204);
    let metrics = served.get("/metrics").1;
    let counted = "sanfang_requests_refused_total{reason=\"unsendable\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    // The person of the culvert was to be told by that account: not sent, counted, told otherwise.
    eventually("what was not sent is counted", || {
        let metrics = served.get("/metrics").1;
        metrics.contains("sanfang_sms_account{figure=\"daily_max\",link=\"sms\"} 7")
    });
}
