//! What the listener carries: no more connections and streams than configured, no client waited
//! for without end, and always a way in for observations.

use super::depth;
use super::served::Served;
use super::small::eventually;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// Connections and streams of these tests.
const CONNECTIONS: usize = 16;
const STREAMS: usize = 3;

/// Longer than any test: nothing is closed for being slow where that is not what is tested.
const NEVER: u32 = 300;

/// Heads and bodies are waited for so many seconds.
fn served(folder: &Path, head_s: u32, body_s: u32) -> Served {
    let limits = format!(
        "[http]\nconnections = {CONNECTIONS}\nstreams = {STREAMS}\nhead_s = {head_s}\nbody_s = {body_s}\n"
    );
    Served::with_sections(folder, &limits)
}

/// A connection on which `text` was sent.
fn sent(served: &Served, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    let patience = Some(Duration::from_secs(120));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// All that comes until the far end closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "not closed"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A stream whose first line says that it was taken.
fn listening(served: &Served, path: &str) -> TcpStream {
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut stream = sent(served, &head);
    let mut line = [0; 15];
    stream.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 200 OK");
    stream
}

#[test]
fn streams_have_a_limit_of_their_own_and_leave_the_intake_open() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), NEVER, NEVER);
    let paths = ["/v1/stream", "/v1/push?areas=440106014000", "/v1/stream"];
    let mut open: Vec<_> = paths.iter().map(|path| listening(&served, path)).collect();
    for path in paths {
        let answer = served.ask(&format!("GET {path}"), &[], b"");
        answer.is_problem(503, "streams");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(served.observe(&depth(1, "0.01")), 202);
    let metrics = served.get("/metrics").1;
    for line in [
        r#"sanfang_requests_refused_total{reason="streams"} 3"#,
        r#"sanfang_http_open{what="streams"} 3"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // A place that is given back is there for the next.
    drop(open.pop());
    eventually("a stream has a place again", || {
        served.get("/metrics").1.contains(r#"{what="streams"} 2"#)
    });
    drop(listening(&served, "/v1/stream"));
}

#[test]
fn what_comes_beyond_the_limit_is_closed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), NEVER, NEVER);
    let silent: Vec<_> = (0..CONNECTIONS).map(|_| sent(&served, "")).collect();
    assert_eq!(rest(sent(&served, "")), "");
    drop(silent);
    // Those who ask while the others are still being closed are refused too.
    let refused = r#"sanfang_requests_refused_total{reason="connections"} "#;
    eventually("there is room again", || {
        let metrics = served.get("/metrics").1;
        let count = metrics.split_once(refused).map(|(_, count)| count);
        count.is_some_and(|count| !count.starts_with('0'))
    });
    assert_eq!(served.observe(&depth(1, "0.01")), 202);
}

#[test]
fn who_says_nothing_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), 2, NEVER);
    let silent: Vec<_> = (0..CONNECTIONS / 2)
        .map(|_| sent(&served, "GET /v1/st"))
        .collect();
    for stream in silent {
        assert_eq!(rest(stream), "");
    }
    assert_eq!(served.observe(&depth(1, "0.01")), 202);
}

/// A connection from another address of this machine.
fn from(address: [u8; 4], served: &Served) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let stream = runtime.unwrap().block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        let stream = socket.connect(served.address()).await.unwrap();
        stream.into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    let patience = Some(Duration::from_secs(120));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// One address that opens all it can is refused, counted, and in nobody's way.
#[test]
fn one_address_cannot_take_all_connections() {
    const MOST: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let limits = format!(
        "[http]\nconnections = {CONNECTIONS}\nstreams = {STREAMS}\n\
         head_s = {NEVER}\nconnections_per_address = {MOST}\nshared_addresses = [\"127.0.0.3\"]\n"
    );
    let served = Served::with_sections(folder.path(), &limits);
    let greedy = [127, 0, 0, 2];
    let held: Vec<_> = (0..MOST).map(|_| from(greedy, &served)).collect();
    for _ in 0..2 {
        assert_eq!(rest(from(greedy, &served)), "");
    }
    // A request of before may not be closed yet at the other end.
    eventually("two are refused and counted, and the others open", || {
        let metrics = served.get("/metrics").1;
        let lines = [
            r#"sanfang_requests_refused_total{reason="address"} 2"#,
            r#"sanfang_http_open{what="connections"} 4"#,
        ];
        lines.iter().all(|line| metrics.contains(line))
    });
    assert_eq!(served.observe(&depth(1, "0.01")), 202);
    // Behind a shared address stand many: it has the limit of all.
    let proxied: Vec<_> = (0..MOST + 2)
        .map(|_| from([127, 0, 0, 3], &served))
        .collect();
    eventually("they are all open", || {
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"{what="connections"} 9"#)
    });
    // What is given back is there again.
    drop((held, proxied));
    eventually("the address is let in again", || {
        let mut stream = from(greedy, &served);
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
        rest(stream).starts_with("HTTP/1.1 200")
    });
}

#[test]
fn a_body_that_does_not_come_is_answered_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), NEVER, 1);
    let head = "POST /v1/observations HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n[";
    let answer = rest(sent(&served, head));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("within 1 s"), "{answer}");
    let metrics = served.get("/metrics").1;
    let refused = r#"sanfang_requests_refused_total{reason="slow_body"} 1"#;
    assert!(metrics.contains(refused), "{metrics}");
}

/// Where most connections are taken, one that reads is closed after its answer; one that brings
/// observations is kept.
#[test]
fn a_crowd_of_readers_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), NEVER, NEVER);
    let read = "GET /v1/state HTTP/1.1\r\nHost: test\r\n\r\n";
    let held: Vec<_> = (0..CONNECTIONS * 3 / 4)
        .map(|_| sent(&served, ""))
        .collect();
    eventually("all are taken", || {
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"{what="connections"} 13"#)
    });
    let answer = rest(sent(&served, read));
    assert!(answer.contains("connection: close"), "{answer}");
    let body = depth(1, "0.01");
    let length = body.len();
    let post = format!(
        "POST /v1/observations HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut kept = sent(&served, &post);
    let mut line = [0; 12];
    kept.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 202");
    // Kept until it asks for the end itself.
    let last = post.replace("Host: test", "Host: test\r\nConnection: close");
    kept.write_all(last.as_bytes()).unwrap();
    let both = rest(kept);
    assert!(both.contains("HTTP/1.1 202"), "{both}");
    drop(held);
}

#[test]
fn limits_that_cannot_be_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:0\"\n\n[http]\nconnections = 8\nstreams = 8\nhead_s = 0\n";
    super::small::write_city(folder.path());
    let file = folder.path().join("sanfang.toml");
    std::fs::write(&file, text).unwrap();
    let checked = super::sanfang(&["check", "--config", file.to_str().unwrap()]);
    let (code, out, err) = super::told(&checked);
    let said = format!("{out}{err}");
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("http.streams") && said.contains("1 to 6"),
        "{said}"
    );
    assert!(said.contains("http.head_s"), "{said}");
}
