//! A city of one street, an independent message centre, and `sanfang serve` between them.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod city;
#[path = "../../../dispatch/tests/peers/node.rs"]
pub(crate) mod node;

pub(crate) use city::*;

/// A whole minute of the wall clock, as observations write it.
pub(crate) fn minutes_ago(minutes: i64) -> String {
    let whole = now().minute() - minutes;
    model::Time::from_minute(whole).display(model::Offset(480))
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A message centre that is not ours.
pub(crate) struct Centre {
    /// It takes replies of phones on its standard input.
    pub(crate) child: Child,
    pub(crate) port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Centre {
    /// `None` where Node's package cannot be had (and CI is not set).
    pub(crate) fn start() -> Option<Self> {
        Self::spawn(false)
    }

    /// One that treats every number alike.
    pub(crate) fn plain() -> Option<Self> {
        Self::spawn(true)
    }

    fn spawn(plain: bool) -> Option<Self> {
        let modules = node::modules()?;
        let mut child = Command::new("node")
            .arg(node::script("smsc.mjs"))
            .env("PEER_MODULES", modules)
            .env("PEER_PLAIN", if plain { "1" } else { "" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                heard
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self { child, port, lines })
    }

    /// Texts taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let lines = self.lines.lock().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        lines
            .iter()
            .filter(|line| line["taken"].is_string())
            .map(|line| (text(&line["taken"]), text(&line["text"])))
            .collect()
    }
}

/// What the centre took: telephone number and text.
pub(crate) type Taken = (String, String);

impl Drop for Centre {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What a process says of the warnings, without what depends on the second at which it was told.
pub(crate) fn warnings(served: &Served) -> Value {
    let (_, body) = served.get("/v1/warnings");
    let mut all: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    for warning in all.as_array_mut().into_iter().flatten() {
        let warning = warning.as_object_mut().unwrap();
        for key in ["expires", "time", "clock_ends", "seen", "text"] {
            warning.remove(key);
        }
        for act in ["signing", "review"] {
            if let Some(act) = warning.get_mut(act).and_then(Value::as_object_mut) {
                for key in ["since", "until", "ends", "left_s"] {
                    act.remove(key);
                }
            }
        }
    }
    all
}

/// A served city.
pub(crate) struct Served {
    folder: PathBuf,
    port: u16,
    environment: Vec<(String, String)>,
    child: Child,
}

impl Served {
    /// Writes the city of one street into `folder` and serves it.
    pub(crate) fn start(folder: &Path, centre_port: u16) -> Self {
        Self::start_with(folder, centre_port, "", "")
    }

    /// The same with release flows that stand before the demo city's, and more of a configuration.
    pub(crate) fn start_with(folder: &Path, centre_port: u16, flows: &str, more: &str) -> Self {
        write_city(folder);
        let settings = folder.join("city/city.toml");
        let text = fs::read_to_string(&settings).unwrap();
        let text = text.replacen("[[flow]]", &format!("{flows}\n[[flow]]"), 1);
        fs::write(settings, text).unwrap();
        Self::serve(folder, centre_port, more)
    }

    /// Serves the city in `folder` with `more` configuration behind the usual one.
    pub(crate) fn serve(folder: &Path, centre_port: u16, more: &str) -> Self {
        let city = folder.join("city");
        let mut served = Self::with(folder, &city, centre_port, Vec::new(), more);
        served.ready().unwrap();
        served
    }

    /// Serves a city with its journal in `folder`; not yet ready.
    pub(crate) fn with(
        folder: &Path,
        city: &Path,
        centre_port: u16,
        environment: Vec<(String, String)>,
        more: &str,
    ) -> Self {
        let journal = r#"journal = "journal""#;
        Self::stored(folder, city, centre_port, environment, journal, more)
    }

    /// The same with what is said of the journal, at the top of the configuration.
    pub(crate) fn stored(
        folder: &Path,
        city: &Path,
        centre_port: u16,
        environment: Vec<(String, String)>,
        journal: &str,
        more: &str,
    ) -> Self {
        let port = free_port();
        let city = city.display();
        let config = format!(
            r#"
city = "{city}"
{journal}
listen = "127.0.0.1:{port}"
open_intake = true

[[person]]
id = "chen"
name = "Chen"
scopes = ["read", "approve", "issue", "answer", "signal", "respond"]
token_sha256 = "{}"

[[person]]
id = "wang"
name = "Wang"
scopes = ["read", "approve", "respond"]
token_sha256 = "{}"

[[sms]]
name = "independent"
[sms.smpp]
address = "127.0.0.1:{centre_port}"
system_id = "sanfang"
password = "secret"
window = 10
response_timeout = "2s"

{more}
"#,
            sha256("token-chen"),
            sha256("token-wang"),
        );
        fs::write(folder.join("sanfang.toml"), config).unwrap();
        let child = spawn(folder, &environment);
        Self {
            folder: folder.to_path_buf(),
            port,
            environment,
            child,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Serves the same journal again after a kill by somebody else; nothing else may have ended it.
    pub(crate) fn start_again(&mut self) {
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "ended by itself: {status}");
        self.child = spawn(&self.folder, &self.environment);
    }

    /// Waits for the end that somebody else gave it.
    pub(crate) fn gone(&mut self) {
        self.child.wait().unwrap();
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the process in order.
    pub(crate) fn terminate(&mut self) {
        let pid = self.pid().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Ends the process in order and serves the same journal again.
    pub(crate) fn stop_and_start_again(&mut self) {
        self.terminate();
        self.child = spawn(&self.folder, &self.environment);
    }

    /// Waits until it serves; an error where it ended instead, or does not for two minutes.
    pub(crate) fn ready(&mut self) -> Result<(), String> {
        for _ in 0..2400 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(format!("the service ended: {status}"));
            }
            if std::net::TcpStream::connect(self.address()).is_ok() && self.get("/readyz").0 == 200
            {
                return Ok(());
            }
            pause();
        }
        Err("the service is not ready".into())
    }

    /// What one who is signed in reads.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        request(self.address(), "GET", path, Some("token-chen"), "")
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        request(self.address(), "POST", path, token, body)
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> (u16, String) {
        request(self.address(), method, path, token, body)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn spawn(folder: &Path, environment: &[(String, String)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["serve", "--config"])
        .arg(folder.join("sanfang.toml"))
        .env("SANFANG_LOG", "warn")
        .envs(environment.iter().cloned())
        .spawn()
        .unwrap()
}

/// Asks again and again, for at least three minutes: some things come with the next whole minute.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3600 {
        if holds() {
            return;
        }
        pause();
    }
    panic!("never came: {what}");
}

/// A moment between two looks at another process.
pub(crate) fn pause() {
    #[expect(clippy::disallowed_methods, reason = "waiting for another process")]
    std::thread::sleep(Duration::from_millis(50));
}

/// The wall clock, by which the service runs.
pub(crate) fn now() -> model::Time {
    #[expect(
        clippy::disallowed_methods,
        reason = "the service runs by the wall clock"
    )]
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    model::Time::from_seconds(i64::try_from(now).unwrap())
}

/// One HTTP/1.1 request on a connection of its own, without any library of ours.
fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (u16, String) {
    use std::io::{Read, Write};
    // Nobody there, or killed in the middle: the answer is nothing.
    let Ok(mut stream) = std::net::TcpStream::connect(to) else {
        return (0, String::new());
    };
    let token = token
        .map(|t| format!("Authorization: Bearer {t}\r\n"))
        .unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\n{token}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut answer = Vec::new();
    drop(stream.write_all(head.as_bytes()));
    drop(stream.write_all(body.as_bytes()));
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status, body.unwrap_or_default())
}

/// The status of a call that is signed by nobody.
pub(crate) fn request_unsigned(to: SocketAddr, path: &str, key: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    let body = r#"{"wait_s":0}"#;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\nSanfang-Signature: t=1,v1=00\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap()
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(text.as_bytes()))
}
