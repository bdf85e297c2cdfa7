//! An OAuth 2.0 authority for one client (RFC 6749 clause 4.4). Its tokens are not signed (RFC 7519
//! clause 6), which is what the brokers of the tests take.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// For how long a token is good.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// Answers until the tests end.
pub(crate) struct Authority {
    pub(crate) url: String,
}

impl Authority {
    pub(crate) fn new(client: &'static str, secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let proof = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), client, &proof);
            }
        });
        Self { url }
    }
}

fn answer(mut stream: TcpStream, client: &str, proof: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let (mut proved, mut length) = (false, 0);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        match &*name.to_ascii_lowercase() {
            "authorization" => proved = value.trim() == proof,
            "content-length" => length = value.trim().parse().unwrap(),
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut asked = vec![0; length];
    lines.read_exact(&mut asked).unwrap();
    let asked = String::from_utf8(asked).unwrap();
    let is_right = asked.contains("grant_type=client_credentials") && asked.contains("scope=kafka");
    let (status, body) = if proved && is_right {
        let answer = serde_json::json!({
            "access_token": token(client),
            "token_type": "bearer",
            "expires_in": GOOD_FOR.as_secs(),
        });
        ("200 OK", answer.to_string())
    } else {
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client"}"#.to_owned(),
        )
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
}

#[expect(clippy::disallowed_methods, reason = "brokers go by the wall clock")]
fn token(client: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = serde_json::json!({
        "sub": client,
        "scope": "kafka",
        "iat": now.as_secs(),
        "exp": (now + GOOD_FOR).as_secs(),
    });
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    format!("{head}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}
