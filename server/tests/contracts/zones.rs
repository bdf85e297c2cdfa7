//! Acts over several zones: each zone's part is told, whatever became of the others.

use super::served::{Answer, Served, configuration};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const HERE: &str = "440106000000";
const THERE: &str = "440107000000";
const STREET: &str = "440106014000";
const BEYOND: &str = "440107001000";

/// The street, and a township in a district beside it.
fn served(folder: &Path) -> Served {
    Served::configured(folder, |port| {
        let file = folder.join("city/areas.geojson");
        let mut areas: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let features = areas["features"].as_array_mut().unwrap();
        for (of, code, parent) in [(1, THERE, "440100000000"), (2, BEYOND, THERE)] {
            let mut feature = features[of].clone();
            feature["properties"]["code"] = code.into();
            feature["properties"]["name"] = code.into();
            feature["properties"]["parent"] = parent.into();
            for corner in feature["geometry"]["coordinates"][0]
                .as_array_mut()
                .unwrap()
            {
                corner[0] = (corner[0].as_f64().unwrap() + 0.2).into();
            }
            features.push(feature);
        }
        std::fs::write(&file, areas.to_string()).unwrap();
        configuration(port, "")
    })
}

fn open(served: &Served, areas: &Value) -> Answer {
    let headers = [
        "Authorization: Bearer token-chen",
        "Content-Type: application/json",
    ];
    let body = json!({ "hazard": "11A02", "areas": areas, "reason": "x" });
    served.ask("POST /v1/warnings", &headers, body.to_string().as_bytes())
}

fn states(answer: &Answer) -> Vec<(String, String)> {
    let zones = answer.json()["zones"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut states: Vec<_> = zones
        .iter()
        .map(|zone| (text(&zone["zone"]), text(&zone["state"])))
        .collect();
    states.sort();
    states
}

fn pair(here: &str, there: &str) -> Vec<(String, String)> {
    vec![(HERE.into(), here.into()), (THERE.into(), there.into())]
}

#[test]
fn a_refusal_in_one_zone_does_not_hide_what_the_other_did() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let answer = open(&served, &json!({ STREET: "red" }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(states(&answer), [(HERE.to_owned(), "done".to_owned())]);

    let both = json!({ STREET: "red", BEYOND: "red" });
    let answer = open(&served, &both);
    assert_eq!(answer.status, 207, "{}", answer.body);
    assert_eq!(states(&answer), pair("refused", "done"));
    let zones = answer.json()["zones"].clone();
    let why = zones.as_array().unwrap().iter().find(|z| z["zone"] == HERE);
    assert!(
        why.unwrap()["why"].as_str().unwrap().contains("open"),
        "{zones}"
    );
    let (_, warnings) = served.get("/v1/warnings");
    let warnings: Vec<Value> = serde_json::from_str(&warnings).unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");

    let answer = open(&served, &both);
    answer.is_problem(409, HERE);
    answer.is_problem(409, THERE);
    assert_eq!(states(&answer), pair("refused", "refused"));
}

#[test]
fn a_terminal_is_told_zone_by_zone() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let token = folder.path().join("token");
    std::fs::write(&token, "token-chen").unwrap();
    let issue = |areas: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanfang"));
        command
            .args(["warn", "issue", "--hazard", "11A02", "--reason", "x"])
            .args(["--server", &format!("http://{}", served.address())])
            .arg("--token-file")
            .arg(&token);
        for area in areas {
            command.args(["--area", &format!("{area}=red")]);
        }
        super::told(&command.output().unwrap())
    };
    let (code, _, err) = issue(&[STREET]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = issue(&[STREET, BEYOND]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("1 of 2 zones"), "{err}");
    assert!(err.contains(&format!("{HERE}: not opened: ")), "{err}");
}
