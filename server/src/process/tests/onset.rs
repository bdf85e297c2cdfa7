//! When it comes: of a forecast, and as a forecaster states it, on the board, in what is told and after a
//! start.

use super::*;
use crate::courier::Single;
use crate::people::{Person, Scope, token_hash};
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::intent::Intent;
use model::Reach;
use serde_json::{Value, json};

const TOWN: &str = "440106014000";
const RULES: &str = r#"schema = 1
version = "expected"
[[rule]]
id = "expected"
hazard = "11A02"
name = { zh = "积水", en = "Standing water" }
subject = "area"
area = { level = "township", quorum = "1" }
yellow = 'forecast(rainfall, "6h") >= 50'
source = { document = "test", confidence = "design-default" }
"#;

/// The city of one street in which forecasts warn, and people are asked anew half an hour before.
fn write_city(folder: &Path) {
    city::write_city(folder);
    let rules = folder.join("city/rules");
    fs::remove_dir_all(&rules).unwrap();
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("expected.toml"), RULES).unwrap();
    let file = folder.join("city/city.toml");
    let text = fs::read_to_string(&file).unwrap();
    let ladder = "[[ladder]]\n";
    assert!(text.contains(ladder));
    let asked = format!("{ladder}before_impact = \"30m\"\n");
    fs::write(&file, text.replace(ladder, &asked)).unwrap();
}

async fn serve(folder: &Path, minute: i64, snapshots: Period) -> Running {
    let person = |id: &str, scopes: &[Scope]| Person {
        id: id.into(),
        name: id.into(),
        scopes: scopes.to_vec(),
        token_sha256: token_hash(id),
    };
    let people = [
        person("chen", &[Scope::Approve, Scope::Issue]),
        person("wang", &[Scope::Approve]),
        person("met", &[Scope::Signal]),
    ];
    let links = vec![("push".to_owned(), LinkKind::Single(Single::Push))];
    let (opened, installation) = opened(folder, Storage::default()).unwrap();
    let options = Options {
        people: People::new(people.to_vec()),
        ..options(installation, minute, snapshots, links)
    };
    start(opened, options).await.unwrap()
}

async fn post(running: &Running, person: &str, path: &str, body: &Value) -> (u16, String) {
    let client = http::client(&ClientConfig::default()).unwrap();
    let request = client
        .post(format!("http://{}{path}", running.address))
        .header("Content-Type", "application/json")
        .body(body.to_string());
    let answer = request.bearer_auth(person).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The hour at which the township's people are asked anew, as the board says it.
fn asked_anew(app: &App) -> Vec<Option<String>> {
    let board = app.view.calls().into_iter();
    let of_town = board.filter(|call| call.area == TOWN && call.site.is_none());
    of_town.map(|call| call.recall_at).collect()
}

/// Onsets of what was planned for the public.
fn planned(app: &App) -> Vec<String> {
    let queue = Topic::new(Kind::Deliveries, app.mode);
    let records = records(&*app.journal, queue, Partition(0));
    let intents = records.iter().map(|record| {
        let intent: Intent = serde_json::from_slice(record.payload()).unwrap();
        intent
    });
    let public = intents.filter(|intent| intent.audience.reach == Reach::Public);
    public
        .map(|intent| intent.onset.display(model::Offset(480)))
        .collect()
}

fn hour(clock: &str) -> Vec<Option<String>> {
    vec![Some(format!("2023-09-07T{clock}:00+08:00"))]
}

async fn pass(app: &App, minute: i64) {
    report(app, minute, &[("G1", "rainfall", "0")]).await;
}

async fn over_a_start(snapshots: Period) {
    let folder = tempfile::tempdir().unwrap();
    write_city(folder.path());
    let running = serve(folder.path(), 0, snapshots).await;
    let app = &running.app;
    pass(app, 1).await;
    let foretell = |issued: &str, values: Value| {
        json!({ "issued": format!("2023-09-07T{issued}:00+08:00"), "source": "met", "parameter": "rainfall",
            "area": TOWN, "start": "2023-09-07T12:00:00+08:00", "step": "1h", "values": values })
    };
    // Sixty millimetres between three and four in the afternoon: fifty by ten to four.
    let issue = foretell("12:01", json!([0, 0, 0, 60, 0, 0]));
    let (status, taken) = post(&running, "met", "/v1/forecasts", &issue).await;
    assert_eq!(status, 202, "{taken}");
    pass(app, 2).await;
    assert_eq!(asked_anew(app), hour("15:20"));
    // An hour earlier: the board follows, without anybody's act.
    let issue = foretell("12:02", json!([0, 0, 60, 0, 0, 0]));
    let (status, taken) = post(&running, "met", "/v1/forecasts", &issue).await;
    assert_eq!(status, 202, "{taken}");
    pass(app, 3).await;
    pass(app, 4).await;
    assert_eq!(asked_anew(app), hour("14:20"));
    running.stop().await.unwrap();

    let running = serve(folder.path(), 5, snapshots).await;
    let app = &running.app;
    pass(app, 5).await;
    assert_eq!(asked_anew(app), hour("14:20"));
    let newest = || app.view.warnings().into_iter().next().unwrap();
    let amend = format!("/v1/warnings/{}/amend", newest().id);
    let state =
        |onset: Value| json!({ "revision": newest().revision, "onset": onset, "reason": "radar" });
    for (absurd, said) in [
        (json!("2023-09-05T12:00:00+08:00"), "more than a day ago"),
        (
            json!("2023-10-07T12:00:00+08:00"),
            "more than ten days ahead",
        ),
        (json!("three o'clock"), "RFC 3339"),
    ] {
        let (status, answer) = post(&running, "chen", &amend, &state(absurd)).await;
        assert!(status == 400 && answer.contains(said), "{answer}");
    }
    let stated = json!({ TOWN: "2023-09-07T14:30:00+08:00" });
    let (status, answer) = post(&running, "chen", &amend, &state(stated)).await;
    assert_eq!(status, 204, "{answer}");
    stepped(app).await;
    assert_eq!(asked_anew(app), hour("14:00"));
    for person in ["chen", "wang"].into_iter().take(newest().needs.into()) {
        let approve = format!("/v1/warnings/{}/approve", newest().id);
        let seen =
            json!({ "revision": newest().revision, "seen": newest().seen, "without_sms": true });
        let (status, answer) = post(&running, person, &approve, &seen).await;
        assert_eq!(status, 204, "{answer}");
    }
    stepped(app).await;
    // What goes out is ordered by that hour.
    assert_eq!(planned(app), ["2023-09-07T14:30:00+08:00"]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_at_which_it_comes_is_kept_from_the_whole_past() {
    over_a_start(NEVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_at_which_it_comes_is_kept_from_snapshots() {
    over_a_start(OFTEN).await;
}
