//! The HTTP API as a stranger meets it: what is described is served, errors are problem details,
//! bodies in every form and none too large.

use super::depth;
use super::served::Served;
use super::small::{eventually, root};
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::Write;

#[test]
fn errors_are_problem_details() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let get = |path: &str| served.ask(&format!("GET {path}"), &[], b"");
    get("/v1/nothing").is_problem(404, "/openapi.json");
    get("/nothing.html").is_problem(404, "/nothing.html");
    get("/cap/none.xml").is_problem(404, "/cap/feed.atom");
    get("/v1/warnings/xyz").is_problem(400, "24 hexadecimal digits");
    get("/v1/warnings/0123456789abcdef01234567").is_problem(404, "/v1/warnings");
    get("/v1/observations").is_problem(400, "station");
    get("/v1/observations?station=W1&parameter=nonsense").is_problem(400, "water_depth");
    get("/v1/push").is_problem(400, "areas");
    get("/v1/me").is_problem(401, "Authorization: Bearer");
    assert_eq!(get("/v1/me").headers["www-authenticate"], "Bearer");
    let post = |path: &str, headers: &[&str], body: &str| {
        served.ask(&format!("POST {path}"), headers, body.as_bytes())
    };
    let chen = "Authorization: Bearer token-chen";
    let wang = "Authorization: Bearer token-wang";
    let json = "Content-Type: application/json";
    post("/v1/areas", &[], "x").is_problem(405, "POST");
    assert!(post("/v1/areas", &[], "x").headers["allow"].contains("GET"));
    served
        .ask("DELETE /healthz", &[], b"")
        .is_problem(405, "DELETE");
    post("/", &[], "x").is_problem(404, "POST");
    let issue = r#"{"hazard":"11B03","areas":{"440106014000":"red"},"reason":"x"}"#;
    post("/v1/warnings", &[json], issue).is_problem(401, "sign in");
    post(
        "/v1/warnings",
        &[json, "Authorization: Bearer nobody"],
        issue,
    )
    .is_problem(401, "sign in");
    post("/v1/warnings", &[json, wang], issue).is_problem(403, "wang");
    post("/v1/warnings", &[chen], issue).is_problem(415, "ontent");
    post("/v1/warnings", &[json, chen], "{").is_problem(400, "JSON");
    post("/v1/warnings", &[json, chen], r#"{"hazard":"11B03"}"#).is_problem(422, "areas");
    post(
        "/v1/warnings",
        &[json, chen],
        r#"{"hazard":"11B03","areas":{},"reason":"x"}"#,
    )
    .is_problem(400, "areas");
    let elsewhere = issue.replace("440106014000", "110101000000");
    post("/v1/warnings", &[json, chen], &elsewhere).is_problem(400, "/v1/areas");
    post("/v1/signals", &[chen], "<alert").is_problem(400, "");
    post("/v1/signals", &[wang], "<alert").is_problem(403, "Signal");
    let big = vec![b' '; 17 << 20];
    served
        .ask("POST /v1/observations", &[], &big)
        .is_problem(413, "parts");
    served
        .ask("POST /v1/signals", &[chen], &big)
        .is_problem(413, "parts");
}

#[test]
fn bodies_come_plain_gzip_and_zstd_and_each_line_has_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let lines = format!(
        "{}\n{}\n{{\"station\":\"W1\"}}\nnonsense\n{}\n",
        depth(9, "0.01"),
        depth(9, "0.01"),
        depth(8, "0.02").replace("W1", "UNKNOWN"),
    );
    let array = format!("[{},{}]", depth(7, "0.01"), depth(6, "0.01"));
    let plain = lines.as_bytes().to_vec();
    for (body, encoding, accepted) in [
        (plain.clone(), "identity", [1, 1, 3]),
        (gzip(&plain), "gzip", [1, 1, 3]),
        (zstd::encode_all(&*plain, 1).unwrap(), "zstd", [1, 1, 3]),
        (array.into_bytes(), "identity", [2, 0, 0]),
        (Vec::new(), "identity", [0, 0, 0]),
    ] {
        let header = format!("Content-Encoding: {encoding}");
        let answer = served.ask("POST /v1/observations", &[&header], &body);
        assert_eq!(answer.status, 202, "{encoding}: {}", answer.body);
        let taken = answer.json();
        let counts = ["accepted", "duplicate", "rejected"].map(|key| taken[key].as_u64().unwrap());
        assert_eq!(counts, accepted, "{encoding}: {taken}");
        let reasons = taken["reasons"].as_array().unwrap();
        assert_eq!(reasons.len() as u64, accepted[2]);
        if accepted[2] == 3 {
            let found = reasons
                .iter()
                .map(|reason| reason["line"].as_u64().unwrap());
            assert_eq!(found.collect::<Vec<_>>(), [3, 4, 5], "{taken}");
            for reason in reasons {
                assert_ne!(reason["reason"], "", "{reason}");
                assert_ne!(reason["remedy"], "", "{reason}");
            }
        }
    }
    let answer = |encoding: &str, body: &[u8]| {
        let header = format!("Content-Encoding: {encoding}");
        served.ask("POST /v1/observations", &[&header], body)
    };
    answer("br", b"x").is_problem(415, "zstd");
    answer("gzip", b"not gzip").is_problem(400, "decompressed");
    answer("zstd", b"not zstd").is_problem(400, "decompressed");
    // Small over the wire, large once opened.
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 1 << 20);
    answer("gzip", &bomb).is_problem(413, "parts");
}

#[test]
fn a_request_that_comes_again_with_its_key_gets_its_answer_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let post = |key: &str, metres: &str| {
        let header = format!("Idempotency-Key: {key}");
        let body = depth(5, metres);
        let answer = served.ask("POST /v1/observations", &[&header], body.as_bytes());
        assert_eq!(answer.status, 202);
        answer.body
    };
    let first = post("a", "0.01");
    assert_eq!(post("a", "0.01"), first);
    post("b", "0.01");
    // Another sender that counts alike is not answered for: what it sends is stored.
    post("a", "0.02");
    // The second went no further than the answer: three were taken in, not four.
    let metrics = served.get("/metrics").1;
    let wanted = r#"sanfang_observations_total{outcome="accepted",transport="http"} 3"#;
    assert!(metrics.contains(wanted), "{metrics}");
}

/// Who got no answer before the server went down asks again, and nothing is taken in twice.
#[test]
fn a_key_is_known_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let header = "Idempotency-Key: the-only";
    let body = format!("{}\nnonsense\n", depth(5, "0.01"));
    let post = |served: &Served, header: &str| {
        let answer = served.ask("POST /v1/observations", &[header], body.as_bytes());
        assert_eq!(answer.status, 202);
        answer.body
    };
    let served = Served::alone(folder.path());
    let first = post(&served, header);
    drop(served);
    let served = Served::alone(folder.path());
    assert_eq!(post(&served, header), first);
    let counted = |served: &Served| {
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"sanfang_observations_total{outcome="accepted",transport="http"}"#)
    };
    assert!(!counted(&served), "it was taken in again");
    assert_eq!(post(&served, "Idempotency-Key: another"), first);
    assert!(counted(&served));
}

#[test]
fn every_list_of_the_contract_is_served_as_described() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let described: Value = serde_json::from_str(&served.get("/openapi.json").1).unwrap();
    for list in [
        "stations",
        "sites",
        "situations",
        "warnings",
        "deliveries",
        "responses",
        "calls",
        "signals",
    ] {
        let path = format!("/v1/{list}");
        let (status, body) = served.get(&path);
        let items: Value = serde_json::from_str(&body).unwrap();
        assert!(status == 200 && items.is_array(), "{path}: {status} {body}");
        assert!(described["paths"][&path]["get"].is_object(), "{path}");
    }
    let (status, areas) = served.get("/v1/areas");
    let areas: Value = serde_json::from_str(&areas).unwrap();
    assert_eq!((status, &areas["type"]), (200, &"FeatureCollection".into()));
    let stations: Value = serde_json::from_str(&served.get("/v1/stations").1).unwrap();
    assert_eq!(stations[0]["id"], "W1");
    // A series as it was sent in, with its offset.
    assert_eq!(served.observe(&depth(4, "0.015")), 202);
    eventually("the value is there", || {
        let (_, series) = served.get("/v1/observations?station=W1&parameter=water_depth&hours=1");
        series.contains("0.015") && series.contains("+08:00")
    });
    // Every path that is described answers; the rest of the description is held by a unit test.
    for (path, methods) in described["paths"].as_object().unwrap() {
        let streams = path.ends_with("/stream") || path.ends_with("/push");
        if methods["get"].is_null() || streams || path.contains('{') {
            continue;
        }
        let (status, body) = served.get(path);
        // The street has no services.toml and no Web Push, nobody there may audit, and each says so.
        let is_absent = match path.as_str() {
            "/v1/evening" => status == 404 && body.contains("services.toml"),
            "/v1/push/key" => status == 404 && body.contains("[push.web]"),
            "/v1/audit" => status == 403 && body.contains("scope Audit"),
            _ => false,
        };
        let is_answer = [200, 400, 401].contains(&status) || is_absent;
        assert!(is_answer, "{path}: {status}");
    }
}

/// The shipped configuration serves as it stands, but for where it listens and keeps its files.
#[test]
fn the_shipped_configuration_serves() {
    let text = std::fs::read_to_string(root().join("deploy/sanfang.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let served = Served::configured(folder.path(), |port| {
        let city = text.replace("../testdata/city", "city");
        let journal = city.replace("../var/journal", "journal");
        let listen = journal.replace(
            "127.0.0.1:8080\"\npublic",
            &format!("127.0.0.1:{port}\"\npublic"),
        );
        assert!(
            listen.contains(&format!("listen  = \"127.0.0.1:{port}\"")),
            "{listen}"
        );
        listen
    });
    assert_eq!(served.observe(&depth(1, "0.01")), 202);
}
