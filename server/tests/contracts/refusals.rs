//! What cannot be stored is refused by what it is: too large is the sender's to change.

use super::served::Served;
use super::small::now;
use serde_json::json;

/// A journal of small segments, so that a batch that fits in none is soon made.
fn served(folder: &std::path::Path) -> Served {
    Served::with_sections(folder, "[retention]\nsegment_mib = 4\n")
}

#[test]
fn what_fits_in_no_frame_is_413_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let began = now().seconds() - 110_000;
    let line = |second: i64| {
        let time = model::Time::from_seconds(began + second).display(model::Offset(480));
        format!(r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.01}}"#)
    };
    let lines: Vec<_> = (0..100_000).map(line).collect();
    let body = lines.join("\n");
    let answer = served.ask("POST /v1/observations", &[], body.as_bytes());
    answer.is_problem(413, "send it in parts");
    let half = lines[..40_000].join("\n");
    assert_eq!(served.observe(&half), 202);

    let headers = [
        "Authorization: Bearer token-chen",
        "Content-Type: application/json",
    ];
    let opening = json!({
        "hazard": "11A02",
        "areas": { "440106014000": "red" },
        "text": { "zh": "水".repeat(800_000) },
        "as_it_stands": true,
        "reason": "x",
    });
    let body = opening.to_string();
    let answer = served.ask("POST /v1/warnings", &headers, body.as_bytes());
    answer.is_problem(413, "shorten it");
}
