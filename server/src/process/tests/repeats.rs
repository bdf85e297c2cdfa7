//! A line that was not acknowledged sends again what was taken already.

use super::*;
use futures_util::FutureExt;

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

/// A reading is taken under a key; how many, or why not.
async fn under_key(app: &App) -> Result<u64, String> {
    let time = Time::from_minute(NOON + 1).display(model::Offset(480));
    let line =
        format!(r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.6}}"#);
    let taken = app
        .intake
        .take("test", None, Some("key-1"), Bytes::from(line));
    let taken = taken.await.map_err(|error| error.to_string())?;
    Ok(taken.accepted)
}

/// Observations of the district that are on disk.
fn observed(app: &App) -> usize {
    let input = records(&*app.journal, Topic::actual(Kind::Input), DISTRICT);
    let kind = model::Input::Observations(Vec::new()).kind();
    input.iter().filter(|record| record.kind == kind).count()
}

#[tokio::test]
async fn two_of_the_same_request_at_once_are_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    app.clock.advance_to(Time::from_minute(NOON + 1));
    let (first, second) = tokio::join!(under_key(app), under_key(app));
    assert_eq!(first, Ok(1));
    assert!(second.is_err_and(|why| why.contains("under way")));
    assert_eq!(under_key(app).await, Ok(1), "its answer again");
    assert_eq!(observed(app), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn who_hangs_up_before_the_answer_and_asks_again_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    app.clock.advance_to(Time::from_minute(NOON + 1));
    let gone = Box::pin(under_key(app)).now_or_never();
    assert_eq!(gone, None, "the answer takes a sync");
    eventually("it is on disk", app, || observed(app) == 1).await;
    while under_key(app).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(under_key(app).await, Ok(1));
    assert_eq!(observed(app), 1, "it was taken once");
    running.stop().await.unwrap();
}
