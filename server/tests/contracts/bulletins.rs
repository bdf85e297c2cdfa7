//! State bulletins of another authority, posted and polled: each is the whole of what is in force.

use super::minutes_ago;
use super::served::{Answer, Served};
use super::small::eventually;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

const TOWN: &str = "440106014000";

/// Their word for our township is `LK-8139`; nobody here knows `LK-9999`.
fn serve(folder: &Path, url: &str) -> Served {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(
        folder.join("landslide.csv"),
        format!("theirs,area\nLK-8139,{TOWN}\n"),
    )
    .unwrap();
    let section = format!(
        r#"
[[bulletin]]
name = "landslide"
{url}
every_s = 5
sender = "44010041400000"
sender_name = "穗城规划和自然资源局"
hazard = "11B37"
event = "Landslide early warning"
levels = "level_to_district_to_dsds"
areas = "landslide.csv"
stale_after_h = 1
[bulletin.tiers]
1 = "yellow"
2 = "orange"
3 = "red"
"#
    );
    Served::with_sections(folder, &section)
}

fn text(time: &str, levels: &Value) -> String {
    json!({ "time": time, "level_to_district_to_dsds": levels }).to_string()
}

fn post(served: &Served, body: &str) -> Answer {
    let chen = ["Authorization: Bearer token-chen"];
    served.ask("POST /v1/bulletins/landslide", &chen, body.as_bytes())
}

/// What a bulletin changed, after it was taken.
fn followed(served: &Served, body: &str) -> Value {
    let answer = post(served, body);
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.json()
}

/// Tier, areas and places of each signal in force.
fn standing(served: &Served) -> Vec<Value> {
    let signals: Vec<Value> = serde_json::from_str(&served.get("/v1/signals").1).unwrap();
    signals
        .iter()
        .map(|s| {
            assert_eq!(s["source"], "landslide", "{s}");
            json!([s["tier"], s["areas"], s["area_desc"], s["stale"]])
        })
        .collect()
}

fn source(served: &Served) -> Value {
    let sources: Vec<Value> = serde_json::from_str(&served.get("/v1/bulletins").1).unwrap();
    assert_eq!(sources.len(), 1);
    sources[0].clone()
}

#[test]
fn bulletins_raise_lower_and_end_by_what_they_list() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), "");
    let before = source(&served);
    assert_eq!(
        (&before["newest"], &before["stale"]),
        (&Value::Null, &true.into())
    );
    let first = text(
        &minutes_ago(50),
        &json!({ "1": { "LK-81": ["LK-8139", "LK-9999"] }, "2": {}, "3": {} }),
    );
    let found = followed(&served, &first);
    let moved = json!([
        { "area": "LK-8139", "areas": [TOWN], "from": "none", "to": "yellow" },
        { "area": "LK-9999", "areas": [], "from": "none", "to": "yellow" },
    ]);
    assert_eq!(
        (&found["new"], &found["unknown"]),
        (&moved, &json!(["LK-9999"]))
    );
    let yellow = json!(["yellow", [TOWN], ["LK-8139", "LK-9999"], false]);
    eventually("it stands", || standing(&served) == [yellow.clone()]);

    assert_eq!(followed(&served, &first)["duplicate"], true);
    post(&served, &text(&minutes_ago(51), &json!({}))).is_problem(409, "changes nothing");
    post(&served, "{}").is_problem(400, "time");
    post(
        &served,
        &text(&minutes_ago(10), &json!({ "4": ["LK-8139"] })),
    )
    .is_problem(400, "level");
    post(&served, &text("2999-01-01", &json!({}))).is_problem(400, "ahead");
    let chen = ["Authorization: Bearer token-chen"];
    served
        .ask("POST /v1/bulletins/tide", &chen, b"{}")
        .is_problem(404, "tide");
    served
        .ask("POST /v1/bulletins/landslide", &[], first.as_bytes())
        .is_problem(401, "");
    assert_eq!(
        standing(&served),
        [yellow],
        "what is refused changes nothing"
    );

    let second = text(
        &minutes_ago(40),
        &json!({ "1": ["LK-9999", "LK-8139"], "3": ["LK-8139"] }),
    );
    let found = followed(&served, &second);
    let up = json!([{ "area": "LK-8139", "areas": [TOWN], "from": "yellow", "to": "red" }]);
    assert_eq!((&found["up"], &found["at_two_levels"]), (&up, &1.into()));
    let both = [
        json!(["yellow", [], ["LK-9999"], false]),
        json!(["red", [TOWN], ["LK-8139"], false]),
    ];
    eventually("the higher counts", || standing(&served) == both);

    // What was known before a stop is known after it.
    drop(served);
    let served = serve(folder.path(), "");
    assert_eq!(standing(&served), both);
    assert_eq!(followed(&served, &second)["duplicate"], true);
    post(&served, &first).is_problem(409, "changes nothing");
    let found = followed(
        &served,
        &text(&minutes_ago(30), &json!({ "2": ["LK-8139"] })),
    );
    assert_eq!(
        (&found["down"][0]["to"], &found["ended"][0]["area"]),
        (&"orange".into(), &"LK-9999".into())
    );
    let found = followed(
        &served,
        &text(&minutes_ago(20), &json!({ "1": {}, "2": {}, "3": {} })),
    );
    assert_eq!(found["ended"][0]["area"], "LK-8139");
    eventually("all has ended", || standing(&served).is_empty());
    drop(served);
    let served = serve(folder.path(), "");
    assert!(standing(&served).is_empty());
    post(&served, &second).is_problem(409, "changes nothing");
    assert_eq!(source(&served)["stale"], false);
    let metrics = served.get("/metrics").1;
    for line in [
        r#"sanfang_bulletin{figure="stale",source="landslide"} 0"#,
        r#"sanfang_bulletins_total{outcome="older",source="landslide"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

/// A far side that answers every request with the newest bulletin, or that it is the same.
fn office(newest: &Arc<Mutex<String>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let newest = Arc::clone(newest);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let body = newest.lock().unwrap().clone();
            let etag = format!("\"{}\"", super::served::sha256(&body));
            let same = head.iter().any(|line| {
                line.to_ascii_lowercase().starts_with("if-none-match") && line.contains(&etag)
            });
            let (status, body) = if same {
                ("304 Not Modified", "")
            } else {
                ("200 OK", body.as_str())
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .unwrap();
        }
    });
    port
}

#[test]
fn a_polled_bulletin_is_followed_and_silence_ends_nothing_but_grows_stale() {
    let folder = tempfile::tempdir().unwrap();
    let yesterday = minutes_ago(90);
    let newest = Arc::new(Mutex::new(text(&yesterday, &json!({ "2": ["LK-8139"] }))));
    let port = office(&newest);
    let served = serve(
        folder.path(),
        &format!("url = \"http://127.0.0.1:{port}/latest.json\""),
    );
    // Older than the hour that the configuration allows, and in force.
    let stale = json!(["orange", [TOWN], ["LK-8139"], true]);
    eventually("it stands", || standing(&served) == [stale.clone()]);
    let item = source(&served);
    assert_eq!(
        (&item["stale"], &item["newest"]),
        (&true.into(), &yesterday.clone().into())
    );
    assert!(item["age_s"].as_i64().unwrap() >= 90 * 60 - 60, "{item}");
    *newest.lock().unwrap() = "<html>out of order</html>".to_owned();
    let metrics = || served.get("/metrics").1;
    let unreadable = r#"sanfang_bulletins_total{outcome="unreadable",source="landslide"} 1"#;
    eventually("it is said", || metrics().contains(unreadable));
    assert_eq!(standing(&served), [stale]);
    *newest.lock().unwrap() = text(&minutes_ago(1), &json!({ "3": ["LK-8139"] }));
    let red = json!(["red", [TOWN], ["LK-8139"], false]);
    eventually("the next takes its place", || {
        standing(&served) == [red.clone()]
    });
}
