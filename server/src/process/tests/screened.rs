//! What quality control finds is shown and counted.

use super::*;
use model::{Parameter, StationNo};

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
    let (newest, findings) = app.view.screened(gauge, Parameter::Rainfall);
    assert_eq!(newest, Some((Time::from_minute(NOON + 2), 1)));
    assert_eq!(findings.values().collect::<Vec<_>>(), [&"high_rain"]);
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
