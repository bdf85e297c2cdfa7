//! What each rule costs and how far its data are behind, as metrics.

use super::editions::rain;
use super::*;

/// The value of a series in the exposition.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    line.map(|value| value.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_has_its_cost_and_its_lag() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    for minute in 1..=40 {
        rain(app, minute, &[("G1", "1.0")]).await;
    }
    let evaluated = r#"sanfang_rule_evaluations_total{rule="rainstorm"}"#;
    let seconds = r#"sanfang_rule_seconds_total{rule="rainstorm"}"#;
    let lag = r#"sanfang_rule_lag_seconds{rule="rainstorm",zone="440106000000"}"#;
    let depth = r#"sanfang_rule_lag_seconds{rule="waterlogging",zone="440106000000"}"#;
    eventually("the last minute is measured", app, || {
        let metrics = app.metrics.text();
        // Forty readings wake it where they can change something, which is seldom.
        value(&metrics, evaluated).is_some_and(|count| (1.0..=40.0).contains(&count))
            && value(&metrics, seconds).is_some_and(|seconds| seconds > 0.0)
            && value(&metrics, lag) == Some(0.0)
            // Nothing came that it reads.
            && value(&metrics, depth).is_none()
    })
    .await;

    // Without rain for a while, its data are that far behind.
    report(app, 41, &[("W1", "water_depth", "0.01")]).await;
    for minute in 42..=50 {
        report(app, minute, &[("W1", "water_depth", "0.01")]).await;
    }
    eventually("the rain is ten minutes old", app, || {
        let metrics = app.metrics.text();
        value(&metrics, lag) == Some(600.0) && value(&metrics, depth) == Some(0.0)
    })
    .await;
    let app = std::sync::Arc::clone(&running.app);
    running.stop().await.unwrap();
    // A zone that is another process's has no lag here.
    assert_eq!(value(&app.metrics.text(), lag), None);
}
