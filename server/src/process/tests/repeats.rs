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

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_too_long_to_read_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    let told = app
        .intake
        .overlong("mqtt", "rain/1", 1_048_599, b"[{\"station\"");
    told.await.unwrap();
    let letters = records(
        &*app.journal,
        Topic::actual(Kind::DeadLetters),
        Partition(0),
    );
    let letter = ingest::dead_letter::DeadLetter::from_json(letters[0].payload()).unwrap();
    assert_eq!(letter.reason, "too_long");
    assert!(
        letter.message.contains("1048599 bytes on rain/1"),
        "{letter:?}"
    );
    running.stop().await.unwrap();
}
