//! A record in a zone's input that cannot be read is kept and passed over; one of a later version
//! stops the zone.

use super::*;
use crate::zones::Standing;
use ingest::dead_letter::{DeadLetter, Raw, UNREADABLE};
use journal::{Batch, Priority};
use model::Zone;

/// Puts a record of that kind into the district's input.
async fn put(app: &App, kind: u8, payload: &[u8]) {
    let mut batch = Batch::new(app.clock.now().millis(), Priority::Vital);
    batch.append(Topic::actual(Kind::Input), DISTRICT, kind, &[], payload);
    app.journal.submit_waiting(batch).unwrap().await.unwrap();
}

fn letters(app: &App) -> Vec<DeadLetter> {
    let letters = records(
        &*app.journal,
        Topic::actual(Kind::DeadLetters),
        Partition(0),
    );
    let letters = letters.iter();
    letters
        .map(|record| DeadLetter::from_json(record.payload()).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_once_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = std::sync::Arc::clone(&running.app);
    // As somebody else's producer writes, and as a damaged row reads.
    put(&app, 0, b"hello").await;
    put(&app, 1, b"\x01nine and a half rows").await;
    report(&app, 1, &[("W1", "water_depth", "0.6")]).await;
    assert!(!app.view.warnings().is_empty(), "it goes on");
    let kept = letters(&app);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.iter().all(|letter| letter.reason == UNREADABLE));
    assert_eq!(kept[0].raw, Raw::Text("hello".into()));
    running.stop().await.unwrap();
    drop(app);
    // Stepped anew after a start, it is not kept anew.
    let running = serve(folder.path(), 1, NEVER, Vec::new()).await;
    stepped(&running.app).await;
    assert_eq!(letters(&running.app), kept);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_version_wrote_stops_the_zone() {
    for (kind, payload) in [(200u8, &b"\x01"[..]), (1, b"\x63"), (2, b"\x63")] {
        let folder = tempfile::tempdir().unwrap();
        city::write_city(folder.path());
        let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
        let app = std::sync::Arc::clone(&running.app);
        put(&app, kind, payload).await;
        eventually("the zone stands still", &app, || {
            app.zones.which(Standing::Stuck) == [Zone(DISTRICT.0)]
        })
        .await;
        assert_eq!(letters(&app), []);
        // The others go on, and whoever looks is told.
        assert_eq!(app.fault(), None);
        let said = get(&running, "/readyz").await;
        assert!(said.starts_with("HTTP/1.1 503"), "{said}");
        assert!(
            said.contains("zone 440106000000 is not stepped: a later version"),
            "{said}"
        );
        let metrics = get(&running, "/metrics").await;
        assert!(
            metrics.contains(r#"sanfang_zones{standing="stuck"} 1"#),
            "{metrics}"
        );
        running.stop().await.unwrap();
    }
}
