//! A zone that is never idle: input in every turn, or questions without end.

use super::*;
use crate::process::tests::{NEVER, NOON, report, serve};
use crate::questions::{A_TURN, questions};
use crate::small_city as city;
use axum::body::Bytes;
use futures_util::FutureExt;
use model::WarningId;

/// A zone of a process whose own loops have ended: it turns when the test says so.
async fn by_hand(folder: &std::path::Path) -> Pump {
    city::write_city(folder);
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    report(&running.app, 1, &[("W1", "water_depth", "0.01")]).await;
    let app = Arc::clone(&running.app);
    running.stop().await.unwrap();
    let mut pump = Pump::open(app, Zone(0)).unwrap();
    pump.recover().unwrap();
    pump.app.metrics.windows.reset();
    pump
}

/// A reading of that minute is on disk and nobody has stepped it.
async fn came(app: &App, minute: i64) {
    let time = Time::from_minute(NOON + minute);
    app.clock.advance_to(time);
    let time = time.display(model::Offset(480));
    let line =
        format!(r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.01}}"#);
    let taken = app.intake.take("test", None, None, Bytes::from(line)).await;
    assert_eq!(taken.unwrap().accepted, 1);
}

/// One round of the zone's loop, which may wait for the disk.
fn round(pump: &mut Pump, asked: &Asked) -> bool {
    tokio::task::block_in_place(|| pump.round(asked)).unwrap()
}

fn measured(pump: &Pump) -> i64 {
    let zone = pump.app.zone_code(pump.zone).to_string();
    let windows = &pump.app.metrics.windows;
    windows.with_label_values(&[zone.as_str(), "series"]).get()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_with_input_in_every_turn_measures_itself_each_minute() {
    let folder = tempfile::tempdir().unwrap();
    let mut pump = by_hand(folder.path()).await;
    let (_desk, asked) = questions();
    for minute in 2..5 {
        came(&pump.app, minute).await;
        assert!(!round(&mut pump, &asked), "it found something to step");
        assert_eq!(pump.measured, NOON + minute);
        assert_eq!(measured(&pump), 1, "one gauge reports");
        pump.app.metrics.windows.reset();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_keep_no_zone_from_its_minute() {
    let folder = tempfile::tempdir().unwrap();
    let mut pump = by_hand(folder.path()).await;
    let (desk, asked) = questions();
    let id = WarningId::parse("0123456789abcdef01234567").unwrap();
    let mut waiting: Vec<_> = (0..A_TURN).map(|_| Box::pin(desk.told(id))).collect();
    for question in &mut waiting {
        assert!(question.now_or_never().is_none(), "nobody has answered yet");
    }
    let (input, partition) = (pump.input(), Partition(0));
    let before = pump.app.journal.end(input, partition).unwrap();
    pump.app.clock.advance_to(Time::from_minute(NOON + 2));
    assert!(!round(&mut pump, &asked), "more may be asked");
    let passed = pump.app.journal.read(input, partition, before, 1 << 20);
    let kinds: Vec<u8> = passed.unwrap().iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [Input::Tick.kind()]);
    for question in waiting {
        assert!(question.await.is_ok());
    }
}
