//! What a zone is asked: who was told already, or that it is not known.

use super::*;
use model::WarningId;
use serde_json::Value;
use std::sync::Arc;

/// Heads of all channels and languages.
fn heads(preview: &Value) -> u64 {
    let channels = preview["heads"].as_object().unwrap().values();
    let languages = channels.flat_map(|languages| languages.as_object().unwrap().values());
    languages.map(|count| count.as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_without_its_zone_says_that_it_counts_everybody() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let running = serve(folder.path(), 0, NEVER, Vec::new()).await;
    let app = Arc::clone(&running.app);
    report(&app, 1, &[("W1", "water_depth", "0.6")]).await;
    let id = WarningId::parse(&app.view.warnings()[0].id).unwrap();
    let warning = app.view.original(id).unwrap();
    let told = app.told(&warning).await.unwrap();
    assert!(told.is_some());
    let (news, _) = app.preview(told.as_ref(), &warning);
    assert_eq!(news["everybody"], false);
    running.stop().await.unwrap();
    // The zone has ended, so it answers nobody.
    let told = app.told(&warning).await.unwrap();
    assert!(told.is_none());
    let (all, _) = app.preview(told.as_ref(), &warning);
    assert_eq!(all["everybody"], true);
    assert!(heads(&all) > heads(&news), "{all} {news}");
}
