//! Who may read what: everybody what was issued, people of the installation all, and names only who
//! may read them.

use super::depth;
use super::served::{Answer, Served};
use super::small::eventually;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

const CHEN: &str = "Authorization: Bearer token-chen";
const GAUGE: &str = "Authorization: Bearer token-gauge";
/// What is not for everybody.
const PRIVATE: [&str; 4] = ["calls", "deliveries", "situations", "sites"];

/// The street with one who may only bring observations.
fn served(folder: &std::path::Path) -> Served {
    let hash = super::served::sha256("token-gauge");
    let gauge = format!(
        "[[person]]\nid = \"gauge\"\nname = \"Gauge\"\nscopes = [\"observe\"]\ntoken_sha256 = \"{hash}\"\n"
    );
    Served::with_sections(folder, &gauge)
}

fn get(served: &Served, path: &str, headers: &[&str]) -> Answer {
    served.ask(&format!("GET {path}"), headers, b"")
}

fn list(served: &Served, path: &str, headers: &[&str]) -> Vec<Value> {
    let answer = get(served, path, headers);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Two people sign the only warning as it stands.
fn sign(served: &Served) {
    let warning = list(served, "/v1/warnings", &[CHEN]).remove(0);
    let path = format!("/v1/warnings/{}/approve", warning["id"].as_str().unwrap());
    let seen = json!({ "revision": warning["revision"], "seen": warning["seen"] });
    for person in ["chen", "wang"] {
        let token = format!("Authorization: Bearer token-{person}");
        let headers = [token.as_str(), "Content-Type: application/json"];
        let answer = served.ask(
            &format!("POST {path}"),
            &headers,
            seen.to_string().as_bytes(),
        );
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
}

/// The lines of a stream as they come.
fn follow(served: &Served, header: &str) -> Arc<Mutex<Vec<String>>> {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    let head = format!("GET /v1/stream HTTP/1.1\r\nHost: test\r\n{header}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).unwrap();
    assert!(status.contains("200"), "{status}");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            heard.lock().unwrap().push(line);
        }
    });
    lines
}

fn heard(lines: &Mutex<Vec<String>>) -> String {
    lines.lock().unwrap().join("\n")
}

#[test]
fn everybody_reads_what_was_issued_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let anybody = follow(&served, "");
    let chen = follow(&served, &format!("{CHEN}\r\n"));
    assert_eq!(served.observe(&depth(2, "0.30")), 202);
    eventually("it is proposed", || {
        let all = list(&served, "/v1/warnings", &[CHEN]);
        all.first().is_some_and(|w| w["event"] == "proposed")
    });
    let proposed = list(&served, "/v1/warnings", &[CHEN]).remove(0);
    let one = format!("/v1/warnings/{}", proposed["id"].as_str().unwrap());
    let preview = format!("{one}/preview");

    // A proposal is nobody's but the installation's.
    assert_eq!(list(&served, "/v1/warnings", &[]), Vec::<Value>::new());
    get(&served, &one, &[]).is_problem(404, "/v1/warnings");
    get(&served, &preview, &[]).is_problem(401, "sign in");
    for name in PRIVATE {
        get(&served, &format!("/v1/{name}"), &[]).is_problem(401, "sign in");
    }
    // A token that nobody has is not taken for none.
    let wrong = ["Authorization: Bearer wrong"];
    for path in ["/v1/warnings", "/v1/stream", one.as_str()] {
        get(&served, path, &wrong).is_problem(401, "sign in");
    }
    // Anybody's token reads; names are for those who may read them.
    eventually("the call stands there", || {
        !list(&served, "/v1/calls", &[GAUGE]).is_empty()
    });
    let named = |header: &str| {
        let calls = list(&served, "/v1/calls", &[header]);
        let is_named = |call: &Value| call["name"] != "" && call["phone_masked"] != "";
        calls.iter().any(is_named)
    };
    assert!(named(CHEN) && !named(GAUGE));
    assert_eq!(list(&served, "/v1/warnings", &[GAUGE]).len(), 1);
    let counted = get(&served, &preview, &[GAUGE]).json();
    assert_eq!(counted["everybody"], false, "{counted}");
    let values = "/v1/observations?station=W1&parameter=water_depth&hours=1";
    for path in [
        "/v1/state",
        "/v1/areas",
        "/v1/stations",
        "/v1/signals",
        values,
    ] {
        assert_eq!(get(&served, path, &[]).status, 200, "{path}");
    }
    let person = heard(&chen);
    for event in ["warning", "situation", "call"] {
        let event = format!("event: {event}");
        eventually("the people hear of it", || heard(&chen).contains(&event));
    }
    assert!(person.contains("\"seen\""), "{person}");
    let public = heard(&anybody);
    for event in ["warning", "situation", "call", "delivery"] {
        assert!(!public.contains(&format!("event: {event}")), "{public}");
    }

    // Once it is issued everybody reads it, without who signed it and why.
    sign(&served);
    eventually("it is in force for everybody", || {
        list(&served, "/v1/warnings", &[]).len() == 1
    });
    let is_bare = |w: &Value| {
        w["event"] == "issued"
            && w["tier"] == "orange"
            && w["areas"]["440106014000"]["tier"] == "orange"
            && w["text"]["zh"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
            && w["signed_by"] == json!([])
            && w["evidence"] == json!([])
            && w["sites"] == json!({})
            && w["seen"] == ""
            && w["signing"].is_null()
    };
    let issued = list(&served, "/v1/warnings", &[]).remove(0);
    assert!(is_bare(&issued), "{issued}");
    assert!(is_bare(&get(&served, &one, &[]).json()));
    eventually("everybody hears of it", || {
        heard(&anybody).contains("\"event\":\"issued\"")
    });

    // What is proposed in its place changes nothing for them until it is signed.
    assert_eq!(served.observe(&depth(1, "0.60")), 202);
    eventually("more is proposed", || {
        list(&served, "/v1/warnings", &[CHEN])[0]["tier"] == "red"
    });
    assert_eq!(list(&served, "/v1/warnings", &[]), [issued]);
    for word in ["proposed", "\"red\"", "chen", "wang"] {
        let public = heard(&anybody);
        assert!(!public.contains(word), "{word}: {public}");
    }
    assert!(heard(&chen).contains("\"proposed\""));
}

/// What was silent when it came is said to be so at once.
#[test]
fn a_tier_on_old_data_comes_over_the_stream_as_stale() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let chen = follow(&served, &format!("{CHEN}\r\n"));
    assert_eq!(served.observe(&depth(13, "0.30")), 202);
    let situation = || {
        let lines = chen.lock().unwrap();
        let at = lines.iter().position(|line| line == "event: situation")?;
        let data = lines.get(at + 1)?.strip_prefix("data: ")?.to_owned();
        serde_json::from_str::<Value>(&data).ok()
    };
    eventually("the tier comes over the stream", || situation().is_some());
    assert_eq!(situation().unwrap()["stale"], true);
}

#[test]
fn a_warning_that_is_over_is_said_to_those_who_saw_it() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let anybody = follow(&served, "");
    let cancel = |id: &str| {
        let path = format!("POST /v1/warnings/{id}/cancel");
        let headers = [CHEN, "Content-Type: application/json"];
        served.ask(&path, &headers, br#"{"reason":"pumped out"}"#)
    };
    assert_eq!(served.observe(&depth(2, "0.30")), 202);
    eventually("it is proposed", || {
        !list(&served, "/v1/warnings", &[CHEN]).is_empty()
    });
    sign(&served);
    eventually("everybody hears of it", || {
        heard(&anybody).contains("\"event\":\"issued\"")
    });
    let id = list(&served, "/v1/warnings", &[])[0]["id"].clone();
    assert_eq!(cancel(id.as_str().unwrap()).status, 200);
    eventually("everybody hears that it is over", || {
        heard(&anybody).contains("\"event\":\"cancelled\"")
    });
    assert!(!heard(&anybody).contains("chen"));
    assert_eq!(list(&served, "/v1/warnings", &[]), Vec::<Value>::new());
}
