//! What is old goes as the configuration says; what a start needs stays.

use super::*;
use crate::snapshot::{Generations, Owner};
use journal::{Retention, Retentions};

/// Lines that no decoder takes: they fill the dead letters, and segments with them.
async fn rubbish(app: &App) {
    let line = "nothing that anybody sends ".repeat(4);
    let lines = Bytes::from(vec![line; 80].join("\n"));
    for _ in 0..3 {
        let taken = app.intake.take("test", None, None, lines.clone()).await;
        assert_eq!(taken.unwrap().accepted, 0);
    }
}

/// The warnings shown, but for the clocks of those who are to sign: the time in which no server ran
/// does not count against these, so they stand elsewhere afterwards.
fn standing(app: &App) -> Vec<serde_json::Value> {
    let shown = serde_json::to_value(app.view.warnings()).unwrap();
    let mut shown = shown.as_array().unwrap().clone();
    for warning in &mut shown {
        let fields = warning.as_object_mut().unwrap();
        fields.remove("clock_ends").unwrap();
        fields.remove("signing").unwrap();
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_go_and_what_stands_stays() {
    const DAY: i64 = 24 * 60;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let mut retentions = Retentions::default();
    let ms = Span::from_minutes(2 * DAY).millis();
    assert!(retentions.set(Kind::Warnings, Retention::Age { ms }));
    assert!(retentions.set(Kind::DeadLetters, Retention::Bytes { bytes: 64 << 10 }));
    let storage = Storage {
        retentions,
        segment_bytes: 96 << 10,
        ..Storage::default()
    };
    let served = try_serve(folder, 0, every(1), Vec::new(), storage).await;
    let running = served.unwrap();
    let app = &running.app;
    let first = |kind, partition| app.journal.first(Topic::actual(kind), partition).unwrap();
    for day in 0..6 {
        for (minute, depth) in [(1, "0.6"), (20, "0.0"), (40, "0.0"), (60, "0.0")] {
            report(app, day * DAY + minute, &[("W1", "water_depth", depth)]).await;
            rubbish(app).await;
        }
        eventually("the screens' snapshot has it all", app, || {
            let mut generations = Generations::new(Mode::Actual, Owner::Screens(model::Zone(0)));
            let end = app
                .journal
                .end(Topic::actual(Kind::Warnings), DISTRICT)
                .unwrap();
            let found = generations.load(&*app.journal).unwrap();
            found.is_some_and(|found| found.positions.first() == Some(&end))
        })
        .await;
    }
    eventually("old warnings go", app, || {
        first(Kind::Warnings, DISTRICT) > Offset(0)
    })
    .await;
    eventually("the oldest dead letters go", app, || {
        first(Kind::DeadLetters, Partition(0)) > Offset(0)
    })
    .await;
    let shown = standing(app);
    assert!(!shown.is_empty());
    running.stop().await.unwrap();

    let served = try_serve(folder, 6 * DAY, every(1), Vec::new(), storage).await;
    let running = served.unwrap();
    stepped(&running.app).await;
    // A warning that stands longer than its records live is in the snapshot.
    assert_eq!(standing(&running.app), shown);
    running.stop().await.unwrap();
}
