//! What a scrape says of silenced rules while others are silenced and speak again.

use super::reload::{ask, serve_signed};
use super::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SERIES: &str = "\nsanfang_rule_muted{rule=\"culvert\"} 1\n";
const SCRAPES: usize = 500;

/// Two that read at once, as two collectors do: neither finds what the other has half done.
#[tokio::test(flavor = "multi_thread")]
async fn no_scrape_misses_a_silenced_rule() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve_signed(folder, 0, OFTEN).await;
    let mute = json!({ "areas": ["440106014000"], "until": "2023-09-07T13:00:00+08:00", "reason": "moss" });
    let act = async |path: &str, body: &serde_json::Value| {
        let path = format!("/v1/rules/{path}");
        let (status, done) = ask(&running, "chen", &path, Some(body)).await;
        assert_eq!(status, 200, "{done}");
    };
    act("culvert/mute", &mute).await;
    stepped(&running.app).await;
    let scrape = |app: &App| {
        app.gauge();
        app.metrics.text()
    };
    assert!(scrape(&running.app).contains(SERIES));
    let over = Arc::new(AtomicBool::new(false));
    let scrapers = [(); 2].map(|()| {
        let (app, over) = (Arc::clone(&running.app), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut scraped = 0;
            while scraped < SCRAPES || !over.load(Ordering::Relaxed) {
                let text = scrape(&app);
                assert!(text.contains(SERIES), "{text}");
                scraped += 1;
            }
        })
    });
    for _ in 0..10 {
        act("rainstorm/mute", &mute).await;
        act("rainstorm/unmute", &json!({})).await;
    }
    over.store(true, Ordering::Relaxed);
    for scraper in scrapers {
        scraper.join().unwrap();
    }
    act("culvert/unmute", &json!({})).await;
    stepped(&running.app).await;
    let text = scrape(&running.app);
    assert!(!text.contains("sanfang_rule_muted{"), "{text}");
    running.stop().await.unwrap();
}
