//! Programs that others wrote, at the far end of every channel: a broker, a mail server, a target of
//! HTTP calls; and the phones behind the message centre.

use crate::small::node::missing::missing;
use crate::small::{Centre, eventually, free_port, root};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A phone writes back through the message centre.
pub(crate) fn reply(centre: &mut Centre, phone: &str, text: &str) {
    let line = serde_json::json!({ "from": phone.trim_start_matches('+'), "text": text });
    let phones = centre.child.stdin.as_mut().unwrap();
    writeln!(phones, "{line}").unwrap();
    phones.flush().unwrap();
}

/// Texts that one phone got.
pub(crate) fn texts_of(centre: &Centre, phone: &str) -> Vec<String> {
    let phone = phone.trim_start_matches('+');
    let taken = centre.taken().into_iter();
    taken
        .filter(|(to, _)| to == phone)
        .map(|(_, text)| text)
        .collect()
}

/// mosquitto on a port of its own.
pub(crate) struct Broker {
    child: Child,
    pub(crate) port: u16,
}

impl Broker {
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let port = free_port();
        let file = folder.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n\
             log_type all\nlog_dest file {}\nuser root\n",
            folder.join("mosquitto.log").display()
        );
        std::fs::write(&file, text).unwrap();
        let start = |program: &&str| {
            let mut command = Command::new(program);
            command.arg("-c").arg(&file);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().ok()
        };
        let Some(child) = ["mosquitto", "/usr/sbin/mosquitto"].iter().find_map(start) else {
            missing("mosquitto");
            return None;
        };
        let broker = Self { child, port };
        eventually("the broker listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// aiosmtpd, and the mails it took.
pub(crate) struct MailServer {
    child: Child,
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    pub(crate) fn start() -> Option<Self> {
        let script = root().join("deploy/test-peers.sh");
        let output = Command::new(script).arg("--python").output().unwrap();
        if !output.status.success() {
            missing("the SMTP peer (python3-venv, aiosmtpd)");
            return None;
        }
        let peers = String::from_utf8(output.stdout).unwrap();
        let mut child = Command::new(Path::new(peers.trim()).join("venv/bin/python"))
            .arg(root().join("dispatch/tests/peers/smtp.py"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                let mail = serde_json::from_str(&line).unwrap();
                heard.lock().unwrap().push(mail);
            }
        });
        Some(Self {
            child,
            port: first.trim().parse().unwrap(),
            mails,
        })
    }

    /// Mails to one address.
    pub(crate) fn mails_to(&self, address: &str) -> Vec<Value> {
        let mails = self.mails.lock().unwrap();
        let is_to = |mail: &&Value| mail["to"][0] == address;
        mails.iter().filter(is_to).cloned().collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A target of signed HTTP calls that believes nobody without the secret.
pub(crate) struct Target {
    pub(crate) port: u16,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Target {
    pub(crate) fn start(secret: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || take_calls(stream, secret, &taken));
            }
        });
        Self { port, bodies }
    }

    /// Bodies of the calls whose signature was right.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }
}

/// One connection: requests until it is closed.
fn take_calls(stream: TcpStream, secret: &[u8], taken: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut signature, mut key) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "sanfang-signature" => signature = value.to_owned(),
                "idempotency-key" => key = value.to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (time, digest) = signature.split_once(",v1=").unwrap_or_default();
        let seconds = time.trim_start_matches("t=");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("{seconds}.{key}.").as_bytes());
        mac.update(&body);
        let is_ours = hex::decode(digest).is_ok_and(|given| mac.verify_slice(&given).is_ok());
        let status = if is_ours {
            "200 OK"
        } else {
            "401 Unauthorized"
        };
        if is_ours {
            taken
                .lock()
                .unwrap()
                .push(serde_json::from_slice(&body).unwrap());
        }
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A listener of server-sent events that remembers what came, `id` and `data` in pairs.
pub(crate) struct Events {
    stream: TcpStream,
    lines: Arc<Mutex<Vec<(u64, Value)>>>,
}

impl Events {
    pub(crate) fn listen(to: std::net::SocketAddr, path: &str, last: Option<u64>) -> Self {
        let mut stream = TcpStream::connect(to).unwrap();
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        assert!(status.contains("200"), "{status}");
        std::thread::spawn(move || {
            let mut id = 0;
            for line in reader.lines().map_while(Result::ok) {
                if let Some(text) = line.strip_prefix("id: ") {
                    id = text.parse().unwrap();
                }
                if let Some(data) = line.strip_prefix("data: ") {
                    heard
                        .lock()
                        .unwrap()
                        .push((id, serde_json::from_str(data).unwrap()));
                }
            }
        });
        Self { stream, lines }
    }

    pub(crate) fn heard(&self) -> Vec<(u64, Value)> {
        self.lines.lock().unwrap().clone()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}
