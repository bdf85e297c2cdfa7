//! What the screens show before a stop they show after it.

use super::*;
use crate::courier::Single;
use model::order::Answer;
use model::signal::SignalKind;
use model::{AreaCode, Order, Signal, Tier, Zone};
use serde_json::{Value, json};

/// Everything that screens and feeds show. When a delivery was seen to be finished is not kept.
fn screens(app: &App) -> Value {
    let mut deliveries = json!(app.view.deliveries());
    for row in deliveries.as_array_mut().unwrap() {
        row["finished"] = row["finished"].is_string().into();
    }
    json!({
        "warnings": app.view.warnings(),
        "situations": app.view.situations(),
        "signals": app.view.signals(),
        "calls": app.view.calls(),
        "deliveries": deliveries,
        "last": (0..3).map(|station| app.view.last(model::StationNo(station))).collect::<Vec<_>>(),
        "feed": app.cap.feed("http://cap.example.org", Time::default()),
    })
}

fn signal(identifier: &str, kind: SignalKind, references: &[&str]) -> Signal {
    let noon = Time::from_minute(NOON);
    Signal {
        identifier: identifier.into(),
        sender: "met@example.org".into(),
        sender_name: "气象台".into(),
        sent: noon,
        mode: Mode::Actual,
        kind,
        references: references.iter().map(ToString::to_string).collect(),
        hazard: None,
        event: "暴雨".into(),
        tier: Tier::Yellow,
        areas: vec![AreaCode::parse("440106000000").unwrap()],
        area_desc: Vec::new(),
        onset: noon,
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}

fn links() -> Links {
    vec![
        ("cap".into(), LinkKind::Single(Single::Cap)),
        ("push".into(), LinkKind::Single(Single::Push)),
    ]
}

/// Everything once: rises, a release in two revisions, signals of others, an answer.
async fn storm(app: &App) {
    for minute in 1..=35 {
        let values = [("G1", "rainfall", "1.0"), ("W1", "water_depth", "0.01")];
        report(app, minute, &values).await;
    }
    for (identifier, kind, references) in [
        ("s1", SignalKind::Alert, &[][..]),
        ("s2", SignalKind::Alert, &[]),
        ("s3", SignalKind::Update, &["s1"]),
    ] {
        let taken = app.signal(&signal(identifier, kind, references)).await;
        assert!(taken.is_ok_and(|news| news));
    }
    report(app, 36, &[("W1", "water_depth", "0.6")]).await;
    for warning in app.view.warnings() {
        for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
            let approve = Order::Approve {
                warning: model::WarningId::parse(&warning.id).unwrap(),
                revision: warning.revision,
                seen: warning.seen.clone(),
                person: person.into(),
                as_it_stands: String::new(),
            };
            let done = app.order(Zone(0), approve).await;
            assert!(done.is_ok(), "{done:?}: {warning:?}");
        }
    }
    let called = app.view.calls();
    let answer = Order::Answer {
        warning: model::WarningId::parse(&called[0].warning).unwrap(),
        contact: "P1".into(),
        answer: Answer::AtPost,
        note: "到岗".into(),
        channel: None,
        noted_by: "wang".into(),
        said: app.clock.now(),
    };
    assert!(app.order(Zone(0), answer).await.is_ok());
    report(app, 37, &[("W1", "water_depth", "0.6")]).await;
    stepped(app).await;
}

async fn shown_again(snapshots: Period) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0, snapshots, links()).await;
    storm(&running.app).await;
    let app = &running.app;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let partitions = (0..app.links.len()).map(|link| Partition(link as u16));
    let planned: u64 = partitions
        .map(|link| app.journal.end(topic, link).unwrap().0)
        .sum();
    eventually("deliveries are done", app, || {
        let rows = app.view.deliveries();
        let done = rows.iter().filter(|row| row.finished.is_some());
        done.count() as u64 == planned
    })
    .await;
    let before = screens(app);
    for part in ["warnings", "situations", "signals", "calls", "deliveries"] {
        assert!(
            !before[part].as_array().unwrap().is_empty(),
            "no {part}: {before:#}"
        );
    }
    running.stop().await.unwrap();

    let running = serve(folder, 37, snapshots, links()).await;
    let app = &running.app;
    stepped(app).await;
    for _ in 0..5_000 {
        if screens(app) == before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let after = screens(app);
    for (part, shown) in before.as_object().unwrap() {
        assert_eq!(&after[part], shown, "{part}");
    }
    // What came before the stop is not news after it; what was replaced stays replaced.
    for identifier in ["s1", "s2", "s3"] {
        let again = signal(identifier, SignalKind::Alert, &[]);
        assert!(app.signal(&again).await.is_ok_and(|news| !news));
    }
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn screens_are_the_same_from_the_whole_past() {
    shown_again(NEVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn screens_are_the_same_from_snapshots() {
    shown_again(every(3)).await;
}
