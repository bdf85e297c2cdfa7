//! A validity that ran out without renewal is an alarm, once.

use super::*;
use model::{Order, WarningId, Zone};

#[tokio::test(flavor = "multi_thread")]
async fn a_validity_that_ran_out_while_nobody_served_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    let app = &running.app;
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    report(app, 2, &[("W1", "water_depth", "0.6")]).await;
    let warning = app.view.warnings().remove(0);
    let approve = Order::Approve {
        warning: WarningId::parse(&warning.id).unwrap(),
        revision: warning.revision,
        seen: warning.seen.clone(),
        person: "chen".into(),
        as_it_stands: String::new(),
    };
    assert!(app.order(Zone(0), approve).await.is_ok());
    report(app, 3, &[("W1", "water_depth", "0.6")]).await;
    let missed = |app: &App| {
        app.gauge();
        let text = app.metrics.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let line = lines.filter(|l| l.starts_with("sanfang_renewals_missed_total"));
        line.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(missed(app).is_empty());
    assert_eq!(app.view.lapsed_count(), 0);
    running.stop().await.unwrap();

    // A day later: nobody renewed it meanwhile.
    let running = serve(folder, 24 * 60, NEVER, Vec::new()).await;
    let app = &running.app;
    eventually("the missed renewal is counted", app, || {
        missed(app) == [r#"sanfang_renewals_missed_total{hazard="11A02"} 1"#]
    })
    .await;
    report(app, 24 * 60 + 1, &[("W1", "water_depth", "0.6")]).await;
    report(app, 24 * 60 + 2, &[("W1", "water_depth", "0.6")]).await;
    assert_eq!(missed(app).len(), 1, "{:?}", missed(app));
    assert!(missed(app)[0].ends_with(" 1"), "{:?}", missed(app));
    running.stop().await.unwrap();
}
