//! What a clean stop leaves behind.

use super::*;
use crate::snapshot::{Generations, Owner};
use model::Zone;

/// The first input that the newest snapshot of the district has not stepped.
fn kept_to(app: &App) -> Option<Offset> {
    let mut kept = Generations::new(app.mode, Owner::Zone(Zone(0)));
    let newest = kept.load(&*app.journal).unwrap();
    newest.and_then(|newest| newest.positions.first().copied())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_nothing_to_step_anew() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let at_stop = Period {
        at_stop: true,
        ..NEVER
    };
    for start in [0, 10] {
        let running = serve(folder.path(), start, at_stop, Vec::new()).await;
        let app = std::sync::Arc::clone(&running.app);
        for minute in start + 1..start + 5 {
            report(&app, minute, &[("W1", "water_depth", "0.6")]).await;
        }
        let before = serde_json::to_value(app.view.warnings()).unwrap();
        running.stop().await.unwrap();
        let end = app
            .journal
            .end(Topic::actual(Kind::Input), DISTRICT)
            .unwrap();
        assert_eq!(kept_to(&app), Some(end));
        drop(app);
        let running = serve(folder.path(), start + 4, NEVER, Vec::new()).await;
        stepped(&running.app).await;
        let after = serde_json::to_value(running.app.view.warnings()).unwrap();
        assert_eq!(before, after);
        running.stop().await.unwrap();
    }
}
