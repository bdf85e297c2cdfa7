//! The street served by a configuration of the test's own, and requests written out by hand.

use super::small::{eventually, free_port, write_city};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

/// A served city; killed when dropped.
pub(crate) struct Served {
    address: SocketAddr,
    child: Child,
}

/// An answer: status, headers in lower case, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Served {
    /// Serves the street with two people and no link but CAP and push.
    pub(crate) fn alone(folder: &Path) -> Self {
        Self::configured(folder, |port| configuration(port, ""))
    }

    /// The same with more sections.
    pub(crate) fn with_sections(folder: &Path, sections: &str) -> Self {
        Self::configured(folder, |port| configuration(port, sections))
    }

    /// The same with a link to a message centre.
    pub(crate) fn with_centre(folder: &Path, centre_port: u16) -> Self {
        let sms = format!(
            r#"
[[sms]]
name = "centre"
[sms.smpp]
address = "127.0.0.1:{centre_port}"
system_id = "sanfang"
password = "secret"
"#
        );
        Self::with_sections(folder, &sms)
    }

    /// Serves the street with the configuration that is given for a port.
    pub(crate) fn configured(folder: &Path, text: impl Fn(u16) -> String) -> Self {
        write_city(folder);
        let port = free_port();
        let file = folder.join("sanfang.toml");
        std::fs::write(&file, text(port)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sanfang"))
            .args(["serve", "--config"])
            .arg(&file)
            .env("SANFANG_LOG", "error")
            .spawn()
            .unwrap();
        let served = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child,
        };
        eventually("the service is ready", || {
            TcpStream::connect(served.address).is_ok() && served.get("/readyz").0 == 200
        });
        served
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What one who is signed in reads.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let chen = ["Authorization: Bearer token-chen"];
        let answer = self.ask(&format!("GET {path}"), &chen, b"");
        (answer.status, answer.body)
    }

    /// Posts observations.
    pub(crate) fn observe(&self, body: &str) -> u16 {
        self.ask("POST /v1/observations", &[], body.as_bytes())
            .status
    }

    /// One request with these headers on a connection of its own.
    pub(crate) fn ask(&self, line: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!("{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for header in headers {
            head += &format!("{header}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server may refuse before it has read all: the answer counts, not the rest.
        drop(stream.write_all(body));
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let headers = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        Answer {
            status: head.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Fails unless this is a problem of that status whose text has these words.
    pub(crate) fn is_problem(&self, status: u16, words: &str) {
        let body = &self.body;
        assert_eq!(self.status, status, "{body}");
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{body}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for key in ["type", "title", "detail"] {
            let text = problem[key].as_str().unwrap();
            assert!(!text.is_empty(), "{key} is empty: {body}");
        }
        assert!(body.contains(words), "{words:?} is not in {body}");
    }
}

pub(crate) fn configuration(port: u16, sections: &str) -> String {
    let (chen, wang) = (sha256("token-chen"), sha256("token-wang"));
    format!(
        r#"
city = "city"
journal = "journal"
listen = "127.0.0.1:{port}"
open_intake = true

[[person]]
id = "chen"
name = "Chen"
scopes = ["read", "approve", "issue", "answer", "signal"]
token_sha256 = "{chen}"

[[person]]
id = "wang"
name = "Wang"
scopes = ["read", "approve"]
token_sha256 = "{wang}"
{sections}"#
    )
}

pub(crate) fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(text.as_bytes()))
}
