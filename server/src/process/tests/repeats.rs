//! A line that was not acknowledged sends again what was taken already.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_spike_that_is_sent_twice_does_not_confirm_itself() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    for minute in 1..=4 {
        report(app, minute, &[("W1", "water_depth", "0.01")]).await;
    }
    for _ in 0..3 {
        report(app, 5, &[("W1", "water_depth", "9.0")]).await;
        let shown = serde_json::to_value(app.view.warnings()).unwrap();
        assert_eq!(shown[0]["unconfirmed"], true, "{shown}");
    }
    report(app, 6, &[("W1", "water_depth", "0.01")]).await;
    report(app, 7, &[("W1", "water_depth", "0.01")]).await;
    report(app, 5, &[("W1", "water_depth", "9.0")]).await;
    let shown = serde_json::to_value(app.view.warnings()).unwrap();
    assert_eq!(shown[0]["unconfirmed"], true, "{shown}");
    running.stop().await.unwrap();
}
