//! A disk that is nearly full refuses observations first, and says so.

use super::*;
use crate::intake::IntakeError;
use crate::zones::Standing;
use journal::JournalError;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_want_of_space_is_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let storage = Storage {
        reserve_bytes: u64::MAX,
        ..Storage::default()
    };
    let running = try_serve(folder, 0, NEVER, Vec::new(), storage)
        .await
        .unwrap();
    let line =
        r#"{"station":"G1","parameter":"rainfall","time":"2023-09-07T12:00:00+08:00","value":1}"#;
    let taken = running
        .app
        .intake
        .take("test", None, None, Bytes::from(line))
        .await;
    let is_full = matches!(
        taken,
        Err(IntakeError::Journal(JournalError::DiskFull { .. }))
    );
    assert!(is_full, "{taken:?}");
    for path in ["/healthz", "/readyz"] {
        eventually("zones are there", &running.app, || {
            running.app.zones.which(Standing::Recovering).is_empty()
        })
        .await;
        let answer = get(&running, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "orders go on: {answer}");
        assert!(answer.contains("disk nearly full"), "{answer}");
    }
    let metrics = get(&running, "/metrics").await;
    for line in [
        r#"sanfang_observations_total{outcome="refused",transport="test"} 1"#,
        r#"sanfang_requests_refused_total{reason="disk_full"} 1"#,
        r#"sanfang_journal{figure="free_bytes"} "#,
    ] {
        assert!(metrics.contains(line), "{line} not in\n{metrics}");
    }
    running.stop().await.unwrap();

    let running = serve(folder, 1, NEVER, Vec::new()).await;
    report(&running.app, 1, &[("G1", "rainfall", "1.0")]).await;
    assert!(!get(&running, "/healthz").await.contains("nearly full"));
    running.stop().await.unwrap();
}
