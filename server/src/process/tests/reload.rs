//! Another rulebook without a restart: refused, put forward, signed by two, gone back from.

use super::editions::{committed, computed, rain};
use super::*;
use crate::people::{Person, Scope, token_hash};
use crate::small_rulebook::{ORANGE, RAIN_TESTS, changed};
use dispatch::gateway::http::{self, ClientConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Serves with three people who may sign and one who may only read.
pub(super) async fn serve_signed(folder: &Path, minute: i64, snapshots: Period) -> Running {
    let person = |id: &str, scope: Scope| Person {
        id: id.into(),
        name: id.into(),
        scopes: vec![scope],
        token_sha256: token_hash(id),
    };
    let signers = ["chen", "wang", "zhao"].map(|id| person(id, Scope::Approve));
    let people = signers.into_iter().chain([person("reader", Scope::Read)]);
    let people = People::new(people.collect());
    let (opened, installation) = opened(folder, Storage::default()).unwrap();
    let options = Options {
        people,
        ..options(installation, minute, snapshots, Vec::new())
    };
    start(opened, options).await.unwrap()
}

/// Status and body of an answer.
pub(super) async fn ask(
    running: &Running,
    person: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let url = format!("http://{}{path}", running.address);
    let client = http::client(&ClientConfig::default()).unwrap();
    let request = match body {
        Some(body) => client
            .post(url)
            .header("Content-Type", "application/json")
            .body(body.to_string()),
        None => client.get(url),
    };
    let answer = request.bearer_auth(person).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// The rulebook of the city directory, the first `from` in it replaced.
fn files(folder: &Path, from: &str, to: &str) -> BTreeMap<String, String> {
    changed(&folder.join("city/rules"), from, to)
}

const LOWER: &str = r#"rainfall.sum("3h") >= 38.0"#;

pub(super) async fn put(running: &Running, person: &str, body: Value) -> Value {
    let (status, item) = ask(running, person, "/v1/rulebooks", Some(&body)).await;
    assert_eq!(status, 201, "{item}");
    assert_eq!(item["state"], "candidate");
    assert_eq!(item["missing"], 2);
    tried(running, &item).await
}

/// The same once its dry run has ended.
pub(super) async fn tried(running: &Running, item: &Value) -> Value {
    let path = format!("/v1/rulebooks/{}", item["hash"].as_str().unwrap());
    for _ in 0..2_000 {
        let (status, item) = ask(running, "reader", &path, None).await;
        assert_eq!(status, 200, "{item}");
        if item["trial"]["state"] != "running" {
            return item;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the dry run has no end");
}

/// A signature under what was put forward, whether its dry run has ended or not.
pub(super) async fn sign(running: &Running, person: &str, item: &Value) -> (u16, Value) {
    let path = format!("/v1/rulebooks/{}/approve", item["hash"].as_str().unwrap());
    let body = json!({ "seen": item["seen"] });
    ask(running, person, &path, Some(&body)).await
}

/// Two persons sign it.
async fn reload(running: &Running, item: &Value) {
    let (status, one) = sign(running, "chen", item).await;
    assert_eq!((status, &one["state"]), (200, &json!("candidate")), "{one}");
    assert_eq!(one["missing"], 1);
    let (status, two) = sign(running, "wang", item).await;
    assert_eq!((status, &two["state"]), (200, &json!("in_force")), "{two}");
    stepped(&running.app).await;
}

/// Hash of the rulebook in force.
async fn in_force(running: &Running) -> String {
    let (_, all) = ask(running, "reader", "/v1/rulebooks", None).await;
    let all = all.as_array().unwrap();
    let mut found = all.iter().filter(|item| item["state"] == "in_force");
    let hash = found.next().unwrap()["hash"].as_str().unwrap().to_owned();
    assert!(found.next().is_none());
    assert_eq!(running.app.reload.rulebook().hash(), hash);
    hash
}

fn of_gauge(app: &App, wanted: &str) -> Vec<Value> {
    let changes = committed(app).into_iter();
    let changes = changes.filter(|(kind, _)| *kind == crate::pump::kind::CHANGE);
    let changes = changes.map(|(_, text)| serde_json::from_str::<Value>(&text).unwrap());
    let changes = changes.filter(|change| change["subject"] == "G1");
    changes.filter(|change| change["to"] == wanted).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_with_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, NEVER).await;
    let before = in_force(&running).await;
    let refused = async |files: &BTreeMap<String, String>, status: u16| {
        let body = json!({ "files": files });
        let (found, problem) = ask(&running, "chen", "/v1/rulebooks", Some(&body)).await;
        assert_eq!(found, status, "{problem}");
        problem
    };
    let wrong = files(folder, ORANGE, r#"rainfal.sum("3h") >= 50.0"#);
    let problem = refused(&wrong, 422).await;
    let fault = &problem["faults"][0];
    assert_eq!(fault["file"], "rainstorm.toml", "{problem}");
    let text = &wrong["rainstorm.toml"];
    let line = text
        .lines()
        .position(|line| line.contains("rainfal."))
        .unwrap();
    assert_eq!(fault["line"], line + 1);
    let column = text.lines().nth(line).unwrap().find("rainfal.").unwrap();
    assert_eq!(fault["column"], column + 1);
    assert!(fault["excerpt"].as_str().unwrap().contains("^^^^^^^"));
    assert!(problem["detail"].as_str().unwrap().contains("rainfall"));

    // Its own tests are those of the thresholds before.
    let mut failing = files(folder, ORANGE, LOWER);
    let tests = city::root().join("testdata/city/rules/tests/rainstorm.test.toml");
    let tests = fs::read_to_string(tests).unwrap();
    failing.insert(RAIN_TESTS.into(), tests.clone());
    let problem = refused(&failing, 422).await;
    let fault = &problem["faults"][0];
    assert_eq!(fault["file"], RAIN_TESTS);
    let what = fault["what"].as_str().unwrap();
    assert!(
        what.contains("1 mm a minute") && what.contains("orange"),
        "{what}"
    );

    // Nobody has said what a rule without a test is to find.
    let mut bare = files(folder, ORANGE, LOWER);
    bare.remove(RAIN_TESTS).unwrap();
    bare.remove("tests/typhoon.test.toml").unwrap();
    let problem = refused(&bare, 422).await;
    assert_eq!(problem["faults"].as_array().unwrap().len(), 1, "{problem}");
    let fault = &problem["faults"][0];
    assert_eq!(
        (&fault["file"], &fault["field"]),
        (&json!("rulebook"), &json!("tests"))
    );
    assert_eq!(fault["what"], "no test case plays rules rainstorm, typhoon");
    assert!(
        fault["remedy"].as_str().unwrap().contains("[[test]]"),
        "{fault}"
    );

    let mut outside = files(folder, ORANGE, LOWER);
    outside.insert("../city.toml".into(), String::new());
    refused(&outside, 422).await;
    refused(&BTreeMap::new(), 422).await;
    refused(&files(folder, ORANGE, ORANGE), 409).await;
    for body in [
        json!({}),
        json!({ "hash": before, "files": {} }),
        json!({ "hash": before, "note": "x".repeat(1_001) }),
    ] {
        let (status, problem) = ask(&running, "chen", "/v1/rulebooks", Some(&body)).await;
        assert_eq!(status, 400, "{problem}");
    }
    let body = json!({ "hash": "0".repeat(64) });
    let (status, _) = ask(&running, "chen", "/v1/rulebooks", Some(&body)).await;
    assert_eq!(status, 404);
    let large = json!({ "files": { "a.toml": " ".repeat(5 << 20) } });
    let (status, _) = ask(&running, "chen", "/v1/rulebooks", Some(&large)).await;
    assert_eq!(status, 413);
    let good = json!({ "files": files(folder, ORANGE, LOWER) });
    let (status, _) = ask(&running, "reader", "/v1/rulebooks", Some(&good)).await;
    assert_eq!(status, 403);
    let (status, _) = ask(&running, "nobody", "/v1/rulebooks", None).await;
    assert_eq!(status, 401);

    // The same with its tests as they are is what is in force.
    let mut same = files(folder, ORANGE, ORANGE);
    same.insert(RAIN_TESTS.into(), tests);
    refused(&same, 409).await;
    let (_, all) = ask(&running, "reader", "/v1/rulebooks", None).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "nothing is kept: {all}");
    assert_eq!(in_force(&running).await, before);
    running.stop().await.unwrap();
}

/// Signed by two, gone back from, over two restarts: as in [`super::editions`], what was committed is
/// what the input alone gives.
async fn there_and_back(folder: &Path, snapshots: Period) -> Vec<(u8, String)> {
    city::write_city(folder);
    let running = serve_signed(folder, 0, snapshots).await;
    let app = &running.app;
    for minute in 1..=40 {
        rain(app, minute, &[("G1", "1.0")]).await;
    }
    let first = in_force(&running).await;
    let other = files(folder, ORANGE, r#"rainfall.sum("3h") >= 49.0"#);
    let other = put(&running, "zhao", json!({ "files": other })).await;
    let lower = json!({ "files": files(folder, ORANGE, LOWER), "note": "saturated ground" });
    let lower = put(&running, "chen", lower).await;
    assert_eq!(
        (&lower["by"], &lower["note"]),
        (&json!("chen"), &json!("saturated ground"))
    );
    assert_eq!(lower["against"], json!(first));

    // What it would have changed of what the windows hold: the orange that 50 mm did not reach.
    let trial = &lower["trial"];
    assert_eq!(trial["state"], "done", "{trial}");
    assert_eq!(trial["readings"], 40);
    assert_eq!(trial["from"], "2023-09-07T12:01:00+08:00");
    assert_eq!(trial["to"], "2023-09-07T12:40:00+08:00");
    let found = trial["differences"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{trial}");
    assert_eq!(found[0]["area"], "440106014000");
    assert_eq!(found[0]["hazard"], "11B03");
    assert_eq!(
        (&found[0]["tier"], &found[0]["kind"]),
        (&json!("orange"), &json!("gained"))
    );
    // Put forward at nine tenths of 38 mm.
    assert_eq!(found[0]["new"], "2023-09-07T12:35:00+08:00");
    assert_eq!(found[0]["old"], Value::Null);
    assert_eq!(trial["counts"], json!({ "orange": { "gained": 1 } }));
    assert_eq!(
        trial["people"],
        json!({ "old": 1000, "new": 1000, "more": 0 })
    );
    assert_eq!(
        trial["rings"],
        json!({ "old": 1000, "new": 2000, "more": 1000 })
    );
    // It is noon.
    for night in ["people_night", "rings_night"] {
        assert_eq!(trial[night], json!({ "old": 0, "new": 0, "more": 0 }));
    }

    // While its dry run goes on nobody can have seen what it changes; afterwards that was not seen.
    let again = json!({ "hash": other["hash"] });
    let (status, begun) = ask(&running, "zhao", "/v1/rulebooks", Some(&again)).await;
    assert_eq!(status, 201, "{begun}");
    assert_eq!(begun["trial"]["state"], "running", "{begun}");
    assert_eq!(sign(&running, "chen", &begun).await.0, 409);
    assert_eq!(tried(&running, &other).await["trial"], other["trial"]);
    let path = format!("/v1/rulebooks/{}/cancel", other["hash"].as_str().unwrap());
    let (status, _) = ask(&running, "zhao", &path, Some(&json!({}))).await;
    assert_eq!(status, 409, "it is over");

    // One signature, however often, does nothing; nor do words that nobody saw.
    let before = committed(app);
    assert_eq!(sign(&running, "chen", &lower).await.0, 200);
    assert_eq!(sign(&running, "chen", &lower).await.0, 409);
    let (status, _) = sign(&running, "reader", &lower).await;
    assert_eq!(status, 403);
    let unseen = json!({ "hash": lower["hash"], "seen": other["seen"] });
    assert_eq!(sign(&running, "wang", &unseen).await.0, 409);
    stepped(app).await;
    assert_eq!(committed(app), before);
    assert_eq!(in_force(&running).await, first);
    assert!(of_gauge(app, "orange").is_empty());

    // The second one: 40 mm in the windows are enough, and no observation has to come.
    let (status, item) = sign(&running, "wang", &lower).await;
    assert_eq!(
        (status, &item["state"]),
        (200, &json!("in_force")),
        "{item}"
    );
    stepped(app).await;
    let raised = of_gauge(app, "orange");
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0]["reason"], "adopted");
    let values = raised[0]["values"].as_array().unwrap();
    assert!(values.contains(&json!([r#"rainfall.sum("3h")"#, "40"])));
    let lower = lower["hash"].as_str().unwrap();
    assert_eq!(in_force(&running).await, lower);

    // What was compared with the rulebook before is not signed against this one.
    let (status, problem) = sign(&running, "chen", &other).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(lower));
    rain(app, 41, &[("G1", "0.0")]).await;
    running.stop().await.unwrap();

    // The files of the city directory are the old ones, and undo nothing.
    let running = serve_signed(folder, 42, snapshots).await;
    assert_eq!(in_force(&running).await, lower);
    for minute in 42..=60 {
        rain(&running.app, minute, &[("G1", "0.0")]).await;
    }
    let back = put(&running, "wang", json!({ "hash": first })).await;
    assert_eq!(back["seen"].as_str().unwrap().len(), 16);
    reload(&running, &back).await;
    assert_eq!(in_force(&running).await, first);
    // What was raised stands until its rule lets go.
    assert!(of_gauge(&running.app, "none").is_empty());
    for minute in 61..=180 {
        rain(&running.app, minute, &[("G1", "0.0")]).await;
    }
    assert_eq!(of_gauge(&running.app, "none").len(), 1);
    // Signatures of before do not count again.
    let (status, _) = sign(&running, "zhao", &json!({ "hash": lower, "seen": "" })).await;
    assert_eq!(status, 409);
    running.stop().await.unwrap();

    let running = serve_signed(folder, 181, snapshots).await;
    assert_eq!(in_force(&running).await, first);
    for minute in 181..=190 {
        rain(&running.app, minute, &[("G1", "1.0")]).await;
    }
    let all = committed(&running.app);
    if snapshots.inputs == u64::MAX {
        assert_eq!(all, computed(&running.app));
    }
    running.stop().await.unwrap();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signatures_put_it_in_force_and_the_journal_means_the_same_ever_after() {
    let folder = tempfile::tempdir().unwrap();
    let all = there_and_back(folder.path(), NEVER).await;
    let other = tempfile::tempdir().unwrap();
    assert_eq!(there_and_back(other.path(), OFTEN).await, all);
}

/// Higher thresholds let go of what stands no more by them, as the rule's fall has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_higher_threshold_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, NEVER).await;
    let app = &running.app;
    for minute in 1..=40 {
        rain(app, minute, &[("G1", "1.0")]).await;
    }
    assert_eq!(of_gauge(app, "yellow").len(), 1);
    let mut gone = files(folder, ORANGE, ORANGE);
    // The slope's rule asks for rain and goes, too.
    for rule in ["rainstorm", "slope"] {
        gone.remove(&format!("{rule}.toml")).unwrap();
        gone.remove(&format!("tests/{rule}.test.toml")).unwrap();
    }
    let situations = || app.view.situations().len();
    eventually("the yellow is on the screens", app, || situations() == 1).await;
    let item = put(&running, "zhao", json!({ "files": gone })).await;
    reload(&running, &item).await;
    // Its rule went: so does its tier, at once, from the screens too.
    let over = of_gauge(app, "none");
    assert_eq!(over.len(), 1);
    assert_eq!(over[0]["reason"], "adopted");
    eventually("it left the screens", app, || situations() == 0).await;
    assert_eq!(committed(app), computed(app));
    running.stop().await.unwrap();
}

/// Whoever changes the files means it, also where they are what was in force once.
#[tokio::test(flavor = "multi_thread")]
async fn changed_files_win_over_what_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, NEVER).await;
    let first = in_force(&running).await;
    let lower = json!({ "files": files(folder, ORANGE, LOWER) });
    let lower = put(&running, "zhao", lower).await;
    reload(&running, &lower).await;
    running.stop().await.unwrap();
    let lower = lower["hash"].as_str().unwrap();

    // What was signed is saved in the directory: the same, and no new edition.
    let rules = folder.join("city/rules/rainstorm.toml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, text.replacen(ORANGE, LOWER, 1)).unwrap();
    let running = serve_signed(folder, 1, NEVER).await;
    assert_eq!(in_force(&running).await, lower);
    running.stop().await.unwrap();
    // The old files again are a change since then.
    fs::write(&rules, &text).unwrap();
    let running = serve_signed(folder, 2, NEVER).await;
    assert_eq!(in_force(&running).await, first);
    // And the one that was signed can be gone back to.
    let back = put(&running, "chen", json!({ "hash": lower })).await;
    reload(&running, &back).await;
    assert_eq!(in_force(&running).await, lower);
    stepped(&running.app).await;
    assert_eq!(committed(&running.app), computed(&running.app));
    running.stop().await.unwrap();
}
