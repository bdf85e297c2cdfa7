//! Mail to a real SMTP server.

use crate::peers::{missing, python, runtime};
use dispatch::gateway::Proof;
use dispatch::gateway::email::{Email, EmailConfig, Encryption, Mail};
use model::{SendError, Time};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const TEXT: &str = "广州三防:天河区暴雨红色预警,未来3小时雨量100毫米以上,请立即停止户外活动。\n.\n..点开头的行也要原样送达\n";

struct Peer {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
}

impl Peer {
    fn start(arguments: &[&std::path::Path]) -> Option<Self> {
        let Some(python) = python() else {
            missing("the SMTP peer (python3-venv, aiosmtpd)");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/smtp.py");
        let mut child = Command::new(python)
            .arg(script)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        Some(Self {
            child,
            lines,
            port: line.trim().parse().unwrap(),
        })
    }

    fn next(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(port: u16) -> EmailConfig {
    EmailConfig {
        host: "localhost".into(),
        port,
        encryption: Encryption::None,
        trusted_pem: None,
        login: None,
        from: "广州三防 <sanfang@example.cn>".into(),
        hello: "sanfang.example.cn".into(),
        step_timeout: Duration::from_secs(5),
        answer_timeout: Duration::from_secs(1),
        connections_max: 2,
    }
}

fn mail(to: &str) -> Mail<'_> {
    Mail {
        delivery: "d-1",
        to,
        subject: "【广州三防】暴雨红色预警:天河区",
        text: TEXT,
        at: Time::from_seconds(1_694_063_040),
    }
}

#[test]
fn chinese_arrives_as_it_was_written_over_one_connection() {
    let Some(mut peer) = Peer::start(&[]) else {
        return;
    };
    runtime().block_on(async {
        let email = Email::new(config(peer.port)).unwrap();
        let receipt = email.send(&mail("陈 <chen@example.cn>")).await.unwrap();
        assert_eq!(receipt.proof, Proof::Accepted);
        assert!(receipt.reference.contains("queued as Q1"), "{receipt:?}");
        let work = tokio::spawn(async move {
            email.send(&mail("li@example.cn")).await.unwrap();
            email.close().await;
        });
        work.await.unwrap();
    });
    let (first, second) = (peer.next(), peer.next());
    assert_eq!(first["subject"], "【广州三防】暴雨红色预警:天河区");
    // Lines end with CR LF on the way (RFC 5322 §2.1).
    let text = first["text"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), TEXT.trim_end());
    assert_eq!(first["to"][0], "chen@example.cn");
    assert_eq!(first["from"], "广州三防 <sanfang@example.cn>");
    assert_eq!(first["id"], "<d-1@example.cn>");
    assert_eq!(first["auto"], "auto-generated");
    assert!(
        first["date"]
            .as_str()
            .unwrap()
            .starts_with("Thu, 07 Sep 2023")
    );
    assert_eq!(
        first["peer"], second["peer"],
        "the connection is used again"
    );
}

#[test]
fn refusals_and_silence_are_told_apart() {
    let Some(peer) = Peer::start(&[]) else {
        return;
    };
    runtime().block_on(async {
        let email = Email::new(config(peer.port)).unwrap();
        for (to, want) in [
            ("busy@example.cn", "transient"),
            ("nobody@example.cn", "permanent"),
            ("later@example.cn", "transient"),
            ("spam@example.cn", "permanent"),
            ("hang@example.cn", "uncertain"),
            ("cut@example.cn", "uncertain"),
            ("no address", "permanent"),
        ] {
            let got = match email.send(&mail(to)).await.unwrap_err() {
                SendError::Transient(_) => "transient",
                SendError::Permanent(_) => "permanent",
                SendError::Uncertain(_) => "uncertain",
            };
            assert_eq!(got, want, "{to}");
        }
        email.send(&mail("chen@example.cn")).await.unwrap();
    });
}

#[test]
fn a_relay_that_is_away_is_worth_another_try() {
    let Some(peer) = Peer::start(&[]) else {
        return;
    };
    runtime().block_on(async {
        let email = Email::new(config(peer.port)).unwrap();
        email.send(&mail("chen@example.cn")).await.unwrap();
        drop(peer);
        let error = email.send(&mail("chen@example.cn")).await.unwrap_err();
        assert!(matches!(error, SendError::Transient(_)), "{error}");
    });
}

#[test]
fn starttls_with_the_relays_own_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = (
        directory.path().join("c.pem"),
        directory.path().join("k.pem"),
    );
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"])
        .args([
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        return missing("openssl");
    }
    let Some(mut peer) = Peer::start(&[&cert, &key]) else {
        return;
    };
    runtime().block_on(async {
        let trusting = EmailConfig {
            encryption: Encryption::StartTls,
            trusted_pem: Some(std::fs::read(&cert).unwrap()),
            ..config(peer.port)
        };
        let email = Email::new(trusting.clone()).unwrap();
        email.send(&mail("chen@example.cn")).await.unwrap();
        assert_eq!(peer.next()["tls"], true);
        // Without trust in the certificate, or without encryption, nothing goes out.
        let careful = EmailConfig {
            trusted_pem: None,
            ..trusting
        };
        for config in [careful, config(peer.port)] {
            let email = Email::new(config).unwrap();
            email.send(&mail("chen@example.cn")).await.unwrap_err();
        }
    });
}
