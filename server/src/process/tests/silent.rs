//! A subject that falls silent is said to be so when it does, and when it reports again.

use super::*;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;

/// The next word on a subject with a tier.
async fn situation(events: &mut Receiver<crate::stream::StreamEvent>) -> Value {
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), events.recv());
        let event = event.await.unwrap().unwrap();
        if event.name == "situation" {
            return serde_json::from_str(&event.json).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_says_when_a_subject_falls_silent() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = &running.app;
    let mut events = app.view.stream().subscribe();
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    let risen = situation(&mut events).await;
    assert_eq!(risen["stale"], false, "{risen}");
    // Ten minutes are what the city allows a depth sensor.
    app.clock.advance_to(Time::from_minute(NOON + 15));
    let silent = situation(&mut events).await;
    assert_eq!(silent["stale"], true, "{silent}");
    assert_eq!(silent["tier"], risen["tier"], "{silent}");
    report(app, 16, &[("W1", "water_depth", "0.6")]).await;
    let back = situation(&mut events).await;
    assert_eq!(back["stale"], false, "{back}");
    running.stop().await.unwrap();
}
