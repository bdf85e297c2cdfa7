//! Forecasts of others, posted: what a rule asks of them is found, what cannot be read is told.

use super::served::{Answer, Served, configuration};
use super::small::eventually;
use super::{json_lines, minutes_ago, sanfang, told};
use serde_json::{Value, json};

const TOWN: &str = "440106014000";

const RULES: &str = r#"schema = 1
version = "expected"
[[rule]]
id = "expected"
hazard = "11B03"
name = { zh = "暴雨（预报）", en = "Rainstorm (expected)" }
subject = "area"
area = { level = "township", quorum = "1" }
yellow = 'forecast(rainfall, "6h") >= 50'
red = 'forecast(rainfall, "3h") >= 100'
lower = { after = "0m" }
source = { document = "test", confidence = "design-default" }
"#;

fn post(served: &Served, body: &str) -> Answer {
    let chen = ["Authorization: Bearer token-chen"];
    served.ask("POST /v1/forecasts", &chen, body.as_bytes())
}

fn tier(served: &Served) -> Option<Value> {
    let found: Vec<Value> = serde_json::from_str(&served.get("/v1/situations").1).unwrap();
    let own = |item: &&Value| item["rule"] == "expected" && item["subject"] == TOWN;
    found.iter().find(own).map(|item| item["tier"].clone())
}

#[test]
fn a_forecast_is_taken_and_a_later_issue_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::configured(folder.path(), |port| {
        std::fs::write(folder.path().join("city/rules/expected.toml"), RULES).unwrap();
        configuration(port, "")
    });
    let series = |issued: &str, mm: f64| {
        json!({ "issued": issued, "source": "穗城气象台", "parameter": "rainfall", "area": TOWN,
            "start": minutes_ago(60), "step": "1h", "values": [0, mm, mm, mm, 0, 0, 0, 0] })
    };
    assert_eq!(
        served.ask("POST /v1/forecasts", &[], b"{}").status,
        401,
        "nobody in particular foretells nothing"
    );
    let wrong = json!({ "issued": minutes_ago(9), "source": "m", "parameter": "rainfall", "area": "999999999999",
        "start": minutes_ago(9), "step": "1h", "values": [1] });
    let answer = post(
        &served,
        &format!("{}\n{wrong}", series(&minutes_ago(30), 20.0)),
    );
    assert_eq!(answer.status, 202, "{}", answer.body);
    let body = answer.json();
    assert_eq!(
        (&body["accepted"], &body["rejected"][0]["line"]),
        (&1.into(), &2.into()),
        "{body}"
    );
    assert_eq!(body["rejected"][0]["field"], "area", "{body}");
    eventually("sixty millimetres are expected", || {
        tier(&served) == Some("yellow".into())
    });
    assert_eq!(
        post(&served, &series(&minutes_ago(20), 60.0).to_string()).status,
        202
    );
    eventually("and now more", || tier(&served) == Some("red".into()));
    // An issue from before changes nothing; one of tomorrow is refused.
    assert_eq!(
        post(&served, &series(&minutes_ago(25), 0.0).to_string()).status,
        202
    );
    let ahead = post(&served, &series(&minutes_ago(-600), 0.0).to_string());
    assert_eq!(ahead.status, 400, "{}", ahead.body);
    let nothing = post(&served, "{broken");
    assert_eq!(nothing.status, 400, "{}", nothing.body);
    assert_eq!(tier(&served), Some("red".into()));
    assert_eq!(
        post(&served, &series(&minutes_ago(10), 0.0).to_string()).status,
        202
    );
    eventually("all is over", || tier(&served).is_none());
    // Whoever asks the journal why hears what was foretold, too.
    let (city, journal) = (folder.path().join("city"), folder.path().join("journal"));
    let (city, journal) = (city.display().to_string(), journal.display().to_string());
    let why = [
        "rules",
        "explain",
        "--subject",
        TOWN,
        "--rule",
        "expected",
        "--json",
    ];
    let places = ["--city", &city, "--journal", &journal];
    let (code, out, err) = told(&sanfang(&[&why[..], &places[..]].concat()));
    assert_eq!(code, 0, "{err}");
    let last = json_lines(&out).pop().unwrap();
    let compared = expected(&last);
    assert_eq!(compared["call"], r#"forecast(rainfall, "6h")"#, "{last}");
    assert_eq!(compared["value"], "0", "{last}");
}

/// What the yellow tier compares, as it stands.
fn expected(explained: &Value) -> Value {
    let tiers = explained["outlook"]["tiers"].as_array().unwrap();
    let yellow = tiers.iter().find(|tier| tier["tier"] == "yellow").unwrap();
    yellow["rise"]["compared"][0].clone()
}

#[test]
fn a_recorded_forecast_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    super::small::write_city(folder.path());
    let rules = folder.path().join("expected");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("expected.toml"), RULES).unwrap();
    let issue = json!({ "issued": "2023-09-07T12:00:00+08:00", "source": "m", "parameter": "rainfall", "area": TOWN,
        "start": "2023-09-07T12:00:00+08:00", "step": "1h", "values": [20, 20, 20, 0, 0, 0] });
    let file = folder.path().join("issue.json");
    std::fs::write(&file, issue.to_string()).unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    let (city, rules, file) = (path(&folder.path().join("city")), path(&rules), path(&file));
    let why = ["rules", "explain", "--subject", TOWN, "--json"];
    let places = ["--city", &city, "--rules", &rules, "--forecasts", &file];
    let (code, out, err) = told(&sanfang(&[&why[..], &places[..]].concat()));
    assert_eq!(code, 0, "{err}");
    let rise = json_lines(&out).remove(0);
    assert_eq!(
        (&rise["to"], &rise["time"]),
        (&json!("yellow"), &json!("2023-09-07T12:00:00+08:00")),
        "{rise}"
    );
    assert_eq!(expected(&rise)["value"], "60", "{rise}");
}
