//! A power cut: stations of a street go together while the water is near the threshold next door. What
//! nobody measures any more is put forward, shown, counted, and sent to nobody.

use super::reload::{ask, serve_signed};
use super::*;
use serde_json::{Value, json};

/// The street with four gauges and a second culvert, whose own sensor stands beside them.
fn write_street(folder: &Path) {
    city::write_city(folder);
    let more = |name: &str, rows: &[String]| {
        let path = folder.join("city").join(name);
        let text = fs::read_to_string(&path).unwrap() + &rows.concat();
        fs::write(path, text).unwrap();
    };
    let mut stations: Vec<String> = (2..=4)
        .map(|n| format!("G{n},Gauge {n},rain_gauge,113.1,23.1,440106014000,rainfall\n"))
        .collect();
    stations.push("W2,Depth 2,depth_sensor,113.1,23.1,440106014000,water_depth\n".to_owned());
    more("stations.csv", &stations);
    let site = "C2,西风涵洞,culvert,113.1,23.1,440106014000,W2,,,roads,0.05,0.15,0.27,0.5,0.2\n";
    more("sites.csv", &[site.to_owned()]);
}

/// Minutes of the one sensor that a battery feeds; the others report up to `cut`.
async fn pass(app: &App, minutes: std::ops::RangeInclusive<i64>, cut: i64, depth: &str) {
    for minute in minutes {
        let mut values = vec![("W1", "water_depth", depth)];
        if minute <= cut {
            values.push(("W2", "water_depth", "0.0"));
            values.extend(["G1", "G2", "G3", "G4"].map(|gauge| (gauge, "rainfall", "0.0")));
        }
        report(app, minute, &values).await;
    }
}

/// Townships with a cluster, and subjects that silence raised.
fn counted(app: &App) -> [i64; 2] {
    app.view
        .restale(|rule, subject| app.is_stale(rule, subject));
    app.gauge();
    let raised = &app.metrics.raised_by_silence;
    [
        app.metrics.clusters.get(),
        raised.with_label_values(&["11A02"]).get(),
    ]
}

async fn situations(running: &Running) -> Vec<Value> {
    let (status, body) = ask(running, "reader", "/v1/situations", None).await;
    assert_eq!(status, 200, "{body}");
    body.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_raises_instead_of_hiding_where_the_water_is_near() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_street(folder);
    let running = serve_signed(folder, 0, OFTEN).await;
    let app = &running.app;
    // Four centimetres: below every tier, and near by the rule's own word.
    pass(app, 1..=13, 3, "0.04").await;
    assert_eq!(counted(app), [0, 0], "ten minutes are allowed");
    pass(app, 14..=16, 3, "0.04").await;
    assert_eq!(counted(app), [1, 1]);
    let found = situations(&running).await;
    let [raised] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        json!([raised["rule"], raised["subject"], raised["tier"]]),
        json!(["culvert", "C2", "blue"])
    );
    assert_eq!(
        raised["values"]["silence"],
        "lost with the stations around it"
    );
    let (_, map) = ask(&running, "reader", "/v1/blindness", None).await;
    assert_eq!(map["clusters"][0]["count"], 5, "{map}");
    // It waits for people: nobody was told of anything.
    let (_, deliveries) = ask(&running, "reader", "/v1/deliveries", None).await;
    assert_eq!(deliveries.as_array().map(Vec::len), Some(0), "{deliveries}");
    let (_, warnings) = ask(&running, "reader", "/v1/warnings", None).await;
    let warnings = warnings.as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["event"], "proposed", "{warnings:?}");
    running.stop().await.unwrap();

    let running = serve_signed(folder, 17, OFTEN).await;
    let app = &running.app;
    pass(app, 18..=19, 3, "0.04").await;
    assert_eq!(counted(app), [1, 1], "the same after a restart");
    pass(app, 20..=22, 22, "0.04").await;
    assert_eq!(counted(app), [0, 0]);
    assert!(situations(&running).await.is_empty());
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_fair_weather_a_power_cut_is_a_finding_and_no_tier() {
    let folder = tempfile::tempdir().unwrap();
    write_street(folder.path());
    let running = serve_signed(folder.path(), 0, NEVER).await;
    pass(&running.app, 1..=40, 3, "0.0").await;
    assert_eq!(counted(&running.app), [1, 0]);
    assert!(situations(&running).await.is_empty());
    running.stop().await.unwrap();
}
