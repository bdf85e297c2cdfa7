//! An area that goes blind in a storm: told once, shown to readers, on a map, counted, there after a
//! restart, and over when a sensor reports again.

use super::reload::{ask, serve_signed};
use super::*;
use crate::pump::kind;
use serde_json::{Value, json};

const TOWN: &str = "440106014000";

/// What the map says of the waterlogging of the street.
async fn waterlogging(running: &Running) -> Vec<Value> {
    let (status, body) = ask(running, "reader", "/v1/blindness?hazard=11A02", None).await;
    assert_eq!(status, 200, "{body}");
    let hazards = body["hazards"].as_array().unwrap();
    assert_eq!(hazards.len(), 1, "{body}");
    assert_eq!(hazards[0]["name"]["zh"], "内涝", "{body}");
    hazards[0]["areas"].as_array().unwrap().clone()
}

/// How many areas are blind where the hazard is in force, and where it is not.
fn counted(app: &App) -> [i64; 2] {
    app.gauge();
    let count = |in_force| {
        let gauge = &app.metrics.blind;
        gauge.with_label_values(&["11A02", in_force]).get()
    };
    [count("true"), count("false")]
}

fn told(app: &App) -> Vec<Record> {
    let mut records = records(&*app.journal, Topic::actual(Kind::Warnings), DISTRICT);
    records.retain(|record| record.kind == kind::SILENCE);
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_that_goes_blind_in_a_storm_is_told_until_it_sees_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, NEVER).await;
    let app = &running.app;
    let mut events = app.view.stream().subscribe();
    for minute in 1..=3 {
        let values = [("W1", "water_depth", "0.6"), ("G1", "rainfall", "0.0")];
        report(app, minute, &values).await;
    }
    assert_eq!(waterlogging(&running).await, [] as [Value; 0]);
    assert_eq!(counted(app), [0, 0]);
    // The culvert is silent from here on; ten minutes are what the city allows without rain.
    for minute in 4..=14 {
        report(app, minute, &[("G1", "rainfall", "0.0")]).await;
    }
    let blind = waterlogging(&running).await;
    let [area] = &blind[..] else {
        panic!("{blind:?}")
    };
    let wanted = json!([TOWN, "silent", "red", true, 1, ["W1"]]);
    let found = json!([
        area["area"],
        area["why"],
        area["in_force"],
        area["alarm"],
        area["count"],
        area["stations"]
    ]);
    assert_eq!(found, wanted, "{area}");
    for language in ["zh", "en"] {
        let text = area["text"][language].as_str().unwrap();
        assert!(!text.is_empty(), "{area}");
    }
    assert_eq!(counted(app), [1, 0]);
    let event = loop {
        let event = events.recv().await.unwrap();
        if event.name == "silence" {
            break serde_json::from_str::<Value>(&event.json).unwrap();
        }
    };
    assert_eq!(event["alarm"], true, "{event}");
    assert_eq!(event["blind"][0], *area, "{event}");
    assert_eq!((&event["fell"], &event["back"]), (&json!(1), &json!(0)));
    assert_eq!(told(app).len(), 1);

    let (status, map) = ask(&running, "reader", "/v1/blindness?format=geojson", None).await;
    assert_eq!(status, 200, "{map}");
    assert_eq!(map["type"], "FeatureCollection");
    let of_water = map["features"].as_array().unwrap().iter();
    let mut of_water = of_water.filter(|f| f["properties"]["hazard"] == "11A02");
    let feature = of_water.next().unwrap();
    assert_eq!(feature["properties"], *area);
    assert_eq!(feature["geometry"]["type"], "MultiPolygon");
    assert!(of_water.next().is_none());
    for (path, wanted) in [
        ("/v1/blindness?format=kml", 400),
        ("/v1/blindness?hazard=rain", 400),
        ("/v1/blindness?unknown=1", 400),
    ] {
        assert_eq!(
            ask(&running, "reader", path, None).await.0,
            wanted,
            "{path}"
        );
    }
    assert_eq!(ask(&running, "nobody", "/v1/blindness", None).await.0, 401);
    running.stop().await.unwrap();

    // Ten hours without a server are nobody's silence, and a start says nothing.
    let running = serve_signed(folder, 600, NEVER).await;
    let app = &running.app;
    report(app, 601, &[("G1", "rainfall", "0.0")]).await;
    assert_eq!(waterlogging(&running).await, blind);
    assert_eq!(told(app).len(), 1);
    report(app, 602, &[("W1", "water_depth", "0.6")]).await;
    report(app, 603, &[("G1", "rainfall", "0.0")]).await;
    assert_eq!(waterlogging(&running).await, [] as [Value; 0]);
    assert_eq!(counted(app), [0, 0]);
    assert_eq!(told(app).len(), 2);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_silent_is_so_after_a_snapshot_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, OFTEN).await;
    for minute in 1..=30 {
        report(&running.app, minute, &[("G1", "rainfall", "0.1")]).await;
    }
    let before = waterlogging(&running).await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0]["alarm"], false, "nothing is in force: {before:?}");
    running.stop().await.unwrap();
    let running = serve_signed(folder, 31, OFTEN).await;
    let told_before = told(&running.app).len();
    for minute in 32..=40 {
        report(&running.app, minute, &[("G1", "rainfall", "0.1")]).await;
    }
    assert_eq!(waterlogging(&running).await, before);
    assert_eq!(told(&running.app).len(), told_before);
    running.stop().await.unwrap();
}
