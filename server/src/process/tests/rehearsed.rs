//! What a dry run goes through beside readings, and what becomes of one whose process ended.

use super::editions::rain;
use super::reload::{ask, put, sign};
use super::*;
use crate::people::{Person, Scope, token_hash};
use crate::rehearsal::State;
use crate::small_rulebook::rulebook;
use model::signal::SignalKind;
use model::{AreaCode, Hazard, Signal, Tier};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TOWN: &str = "440106014000";

/// One rule that looks ahead, and one that a typhoon's signal mutes.
const MORE: &str = r#"schema = 1
version = "more"

[[rule]]
id = "expected"
hazard = "11B09"
name = { zh = "预报", en = "Expected" }
subject = "area"
area = { level = "township", quorum = "1" }
yellow = 'forecast(rainfall, "6h") >= 50'
lower = { after = "0m" }
source = { document = "test", confidence = "design-default" }

[[rule]]
id = "yielding"
hazard = "11B15"
name = { zh = "让位", en = "Yielding" }
subject = "station"
area = { level = "township", quorum = "1" }
yellow = 'rainfall.sum("1h") >= 20.0'
continuing = 'signal("11B01") == none'
source = { document = "test", confidence = "design-default" }
"#;

const MORE_TESTS: &str = r#"schema = 1
[[test]]
name = "much is expected"
rule = "expected"
start = "2023-09-07T12:00:00+08:00"
interval = "1m"
forecast = [{ at = "1m", step = "1h", rainfall = "0x2 60" }]
expect = [{ at = "0m", tier = "none" }, { at = "2m", tier = "yellow" }]

[[test]]
name = "half an hour of rain"
rule = "yielding"
start = "2023-09-07T12:00:00+08:00"
interval = "1m"
series = { rainfall = "1.0x30" }
expect = [{ at = "18m", tier = "none" }, { at = "25m", tier = "yellow" }]
"#;

async fn serve(folder: &Path, minute: i64) -> Running {
    let person = |id: &str, scopes: &[Scope]| Person {
        id: id.into(),
        name: id.into(),
        scopes: scopes.to_vec(),
        token_sha256: token_hash(id),
    };
    let people = [
        person("chen", &[Scope::Approve]),
        person("wang", &[Scope::Approve]),
        person("reader", &[Scope::Read]),
        person("met", &[Scope::Signal]),
    ];
    let (opened, installation) = opened(folder, Storage::default()).unwrap();
    let options = Options {
        people: People::new(people.to_vec()),
        ..options(installation, minute, OFTEN, Vec::new())
    };
    start(opened, options).await.unwrap()
}

fn signal(minute: i64, kind: SignalKind, identifier: &str, references: &[&str]) -> Signal {
    let at = Time::from_minute(NOON + minute);
    Signal {
        identifier: identifier.into(),
        sender: "met".into(),
        sender_name: "met".into(),
        sent: at,
        mode: Mode::Actual,
        kind,
        references: references.iter().map(ToString::to_string).collect(),
        hazard: Hazard::from_code("11B01"),
        event: "typhoon".into(),
        tier: Tier::Yellow,
        areas: vec![AreaCode::parse(TOWN).unwrap()],
        area_desc: Vec::new(),
        onset: at,
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}

fn with_more(folder: &Path) -> BTreeMap<String, String> {
    let mut files = rulebook(&folder.join("city/rules"));
    files.insert("more.toml".into(), MORE.into());
    files.insert("tests/more.test.toml".into(), MORE_TESTS.into());
    files
}

fn of<'v>(trial: &'v Value, hazard: &str) -> &'v Value {
    let found = trial["differences"].as_array().unwrap().iter();
    let mut found = found.filter(|one| one["hazard"] == hazard);
    let one = found.next().unwrap_or(&Value::Null);
    assert!(found.next().is_none(), "{trial}");
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn forecasts_signals_and_silences_act_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0).await;
    let app = &running.app;
    for minute in 1..=40 {
        rain(app, minute, &[("G1", "1.0")]).await;
        match minute {
            3 => {
                let forecast = json!({ "issued": "2023-09-07T12:02:00+08:00", "source": "met",
                    "parameter": "rainfall", "area": TOWN, "start": "2023-09-07T12:00:00+08:00",
                    "step": "1h", "values": [0, 0, 30, 30] });
                let (status, taken) = ask(&running, "met", "/v1/forecasts", Some(&forecast)).await;
                assert_eq!(status, 202, "{taken}");
            }
            5 => {
                let mute = json!({ "areas": ["440100000000"], "until": "2023-09-07T13:00:00+08:00", "reason": "moss" });
                let (status, done) =
                    ask(&running, "chen", "/v1/rules/rainstorm/mute", Some(&mute)).await;
                assert_eq!(status, 200, "{done}");
            }
            10 => {
                let raised = signal(10, SignalKind::Alert, "t-1", &[]);
                assert!(app.signal(&raised).await.unwrap());
            }
            33 => {
                let lifted = signal(33, SignalKind::Cancel, "t-2", &["t-1"]);
                assert!(app.signal(&lifted).await.unwrap());
            }
            _ => {}
        }
        stepped(app).await;
    }
    // All of it was input, which is deleted; what a dry run needs of it is kept.
    let input = Topic::actual(Kind::Input);
    let end = app.journal.end(input, DISTRICT).unwrap();
    let gone = app.journal.trim(input, DISTRICT, end);
    gone.unwrap().await.unwrap();

    let item = put(&running, "chen", json!({ "files": with_more(folder) })).await;
    let trial = &item["trial"];
    assert_eq!(trial["state"], "done", "{trial}");
    assert_eq!(trial["readings"], 40);
    // Heard at the third minute, ahead of any rain.
    let expected = of(trial, "11B09");
    assert_eq!(expected["kind"], "gained", "{trial}");
    assert_eq!(expected["new"], "2023-09-07T12:03:00+08:00");
    // Twenty millimetres came while the signal stood; with its end the rule speaks at once.
    let yielding = of(trial, "11B15");
    assert_eq!(yielding["kind"], "gained", "{trial}");
    assert_eq!(yielding["new"], "2023-09-07T12:33:00+08:00");
    // A silent rule rings nobody, by either rulebook.
    assert_eq!(of(trial, "11B03"), &Value::Null);
    assert_eq!(
        trial["rings"],
        json!({ "old": 0, "new": 2000, "more": 2000 })
    );
    let heard = &trial["heard"];
    for what in ["forecasts", "signals", "silences"] {
        assert!(heard[what].as_u64().unwrap() > 0, "{heard}");
    }
    // Nobody knows of forecasts from before the first one; of signals all is known.
    let unheld = trial["unheld"].as_array().unwrap();
    let unheld: Vec<&str> = unheld.iter().map(|name| name.as_str().unwrap()).collect();
    assert!(
        unheld.contains(&"forecasts before 2023-09-07T12:03:00+08:00"),
        "{unheld:?}"
    );
    assert!(
        !unheld.iter().any(|name| name.starts_with("signals")),
        "{unheld:?}"
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_process_ended_failed_and_is_put_forward_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0).await;
    rain(&running.app, 1, &[("G1", "1.0")]).await;
    let item = put(&running, "chen", json!({ "files": with_more(folder) })).await;
    // As it stands in the journal of a process that is killed meanwhile.
    let registry = &running.app.registry;
    let kept = registry.rulebooks().unwrap();
    let hash = item["hash"].as_str().unwrap();
    let mut candidate = kept.find(hash).unwrap().clone();
    candidate.trial = Some(running.app.begun());
    let now = running.app.clock.now();
    registry.put_forward(candidate, &[], now).await.unwrap();
    // That of another process goes on.
    let left = registry.interrupted(Some("other"), now).await.unwrap();
    assert_eq!(left, Vec::<String>::new());
    let path = format!("/v1/rulebooks/{hash}");
    let (_, shown) = ask(&running, "reader", &path, None).await;
    assert_eq!(shown["trial"]["state"], "running", "{shown}");
    running.stop().await.unwrap();

    let running = serve(folder, 2).await;
    let (_, shown) = ask(&running, "reader", &path, None).await;
    let trial = &shown["trial"];
    assert_eq!(trial["state"], "failed", "{shown}");
    assert_eq!(
        trial["reason"],
        "the process that ran it ended before it did"
    );
    let (status, problem) = sign(&running, "chen", &shown).await;
    assert_eq!(status, 409, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("put it forward again"), "{detail}");
    // By its hash, and by its files.
    let again = put(&running, "chen", json!({ "hash": hash })).await;
    assert_eq!(again["trial"]["state"], "done", "{again}");
    let again = put(&running, "wang", json!({ "files": with_more(folder) })).await;
    assert_eq!(
        (&again["hash"], &again["by"]),
        (&item["hash"], &json!("wang"))
    );
    for person in ["chen", "wang"] {
        let (status, signed) = sign(&running, person, &again).await;
        assert_eq!(status, 200, "{signed}");
    }
    let kept = running.app.registry.rulebooks().unwrap();
    let trial = kept.find(hash).unwrap().trial.clone().unwrap();
    assert_eq!(trial.state, State::Done);
    running.stop().await.unwrap();
}
