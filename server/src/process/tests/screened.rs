//! What quality control finds is shown and counted.

use super::*;
use axum::body::to_bytes;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use model::StationNo;
use serde_json::Value;
use std::sync::Arc;

/// What `/v1/observations` says of the gauge's rain.
async fn series(app: &Arc<App>) -> Vec<Value> {
    let asked = "/v1/observations?station=G1&parameter=rainfall&hours=1";
    let wanted = Query::try_from_uri(&asked.parse().unwrap()).unwrap();
    let answer = crate::api::series(State(Arc::clone(app)), wanted).await;
    let body = answer.into_response().into_body();
    serde_json::from_slice(&to_bytes(body, 1 << 20).await.unwrap()).unwrap()
}

/// Every value comes with its flag, before a stop and after it, and what was found stays said.
#[tokio::test(flavor = "multi_thread")]
async fn each_value_keeps_its_flag_and_its_cause_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let at_stop = Period {
        at_stop: true,
        ..NEVER
    };
    let running = serve(folder, 0, at_stop, Vec::new()).await;
    let app = &running.app;
    report(app, 1, &[("G1", "rainfall", "1.0")]).await;
    report(app, 2, &[("G1", "rainfall", "45.0")]).await;
    report(app, 3, &[("G1", "rainfall", "1.5")]).await;
    // A person stands by this one.
    let minute = Time::from_minute(NOON + 4);
    app.clock.advance_to(minute);
    let time = minute.display(model::Offset(480));
    let line = format!(
        r#"{{"station":"G1","parameter":"rainfall","time":"{time}","value":2.0,"quality":3}}"#
    );
    let taken = app.intake.take("test", None, None, Bytes::from(line)).await;
    assert_eq!(taken.unwrap().accepted, 1);
    report(app, 5, &[("G1", "rainfall", "2.5")]).await;
    report(app, 6, &[("G1", "rainfall", "45.0")]).await;
    stepped(app).await;
    let before = series(app).await;
    let flags: Vec<_> = before.iter().map(|row| row["quality"].clone()).collect();
    assert_eq!(flags, [0, 1, 0, 3, 0, 1]);
    let gauge = app.installation.city.station_no("G1").unwrap();
    let last = |app: &App| app.view.last(gauge).remove("rainfall").unwrap();
    assert_eq!(last(app).finding, Some("high_rain"));
    running.stop().await.unwrap();

    let running = serve(folder, 6, at_stop, Vec::new()).await;
    let app = &running.app;
    stepped(app).await;
    assert_eq!(series(app).await, before);
    assert_eq!(last(app).finding, Some("high_rain"));
    // It goes with the flag, as without a restart.
    report(app, 7, &[("G1", "rainfall", "1.0")]).await;
    assert_eq!(last(app).finding, None);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_screen_finds_is_shown_and_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    let app = &running.app;
    let gauge = app.installation.city.station_no("G1").unwrap();
    let last = |app: &App| app.view.last(gauge).remove("rainfall").unwrap();
    report(
        app,
        1,
        &[("G1", "rainfall", "1.0"), ("W1", "water_depth", "0.01")],
    )
    .await;
    assert_eq!((last(app).quality, last(app).finding), (0, None), "checked");
    // More in a minute than any gauge has recorded: used, and shown to a person.
    report(app, 2, &[("G1", "rainfall", "45.0")]).await;
    report(app, 2, &[("G1", "rainfall", "45.0")]).await;
    assert_eq!(
        (last(app).quality, last(app).finding),
        (1, Some("high_rain"))
    );
    let found = |row: &Value| row["finding"] == "high_rain";
    assert_eq!(series(app).await.iter().filter(|row| found(row)).count(), 1);
    report(app, 1, &[("G1", "rainfall", "2.0")]).await;
    report(app, 2, &[("G1", "rainfall", "44.0")]).await;
    let metrics = app.metrics.text();
    for line in [
        r#"sanfang_quality_findings_total{cause="high_rain"} 2"#,
        r#"sanfang_arrivals_total{arrival="duplicate"} 1"#,
        r#"sanfang_arrivals_total{arrival="late"} 1"#,
        r#"sanfang_arrivals_total{arrival="correction"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} not in\n{metrics}");
    }
    assert_eq!(
        app.view
            .last(StationNo(0))
            .remove("water_depth")
            .unwrap()
            .quality,
        0
    );
    running.stop().await.unwrap();

    // A start shows it again and does not count it again.
    let running = serve(folder, 2, NEVER, Vec::new()).await;
    let app = &running.app;
    stepped(app).await;
    assert_eq!(
        (last(app).quality, last(app).finding),
        (1, Some("high_rain"))
    );
    let counted = app
        .metrics
        .text()
        .contains("sanfang_quality_findings_total{");
    assert!(!counted);
    running.stop().await.unwrap();
}
