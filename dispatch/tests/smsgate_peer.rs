//! CMPP, SGIP and SMGP against SMSGate, a gateway that others wrote, in Java: it takes what we send as
//! it was meant, whole where it came in parts, and what it refuses is understood.
//!
//! It is installed by `deploy/test-peers.sh`; without it each test says SKIPPED, and fails where CI is
//! set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "peers/missing.rs"]
mod said;

use dispatch::gateway::sms::{
    Answer, DeliveryReceipt, Link, LinkConfig, MessageState, Outcome, Prepared, Protocol, Receipts,
    Secret, Submit, Turn, Validity, WireFault,
};
use model::Time;
use said::missing;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A virtual machine starts slowly beside other tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn clock() -> Time {
    Time::from_seconds(1_694_062_800)
}

/// Where it is installed; `None` where it cannot be had.
fn smsgate() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/test-peers.sh");
        let output = Command::new(script).arg("--smsgate").output().ok()?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let folder = String::from_utf8(output.stdout).ok()?;
        Some(PathBuf::from(folder.trim()))
    })
    .clone()
}

/// The gateway and the lines that it prints.
struct Centre {
    child: Child,
    port: u16,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Centre {
    fn start(folder: &Path) -> Self {
        // It cannot say which port it took, so it is given one that was free.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let path = folder.display();
        let mut child = Command::new("java")
            .args([
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
            ])
            .arg(format!("{path}/jars/*:{path}/classes"))
            .args(["Smsgate", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            for line in lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok()) {
                let _ = to.send(line);
            }
        });
        let centre = Self {
            child,
            port,
            lines,
            seen: Vec::new(),
        };
        let first = centre.lines.recv_timeout(PATIENCE).unwrap();
        assert!(first.get("port").is_some(), "{first}");
        centre
    }

    /// What it took so far: telephone, text, and whether it came in parts.
    fn taken(&mut self) -> Vec<(String, String, bool)> {
        self.seen.extend(self.lines.try_iter());
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let taken = self.seen.iter().filter(|line| line.get("taken").is_some());
        let each = taken.map(|line| {
            (
                text(line, "taken"),
                text(line, "text"),
                line["whole"] == true,
            )
        });
        each.collect()
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a link gave.
#[derive(Default)]
struct Given {
    answers: Vec<Answer>,
    receipts: Vec<DeliveryReceipt>,
}

async fn until(
    link: &mut Link,
    given: &mut Given,
    what: &str,
    mut done: impl FnMut(&Link, &Given) -> bool,
) {
    let mut turn = Turn::default();
    let waited = tokio::time::timeout(PATIENCE, async {
        while !done(link, given) {
            let next = Duration::from_millis(20);
            if tokio::time::timeout(next, link.turn(&mut turn))
                .await
                .is_ok()
            {
                let aside = |fault: &WireFault| matches!(fault, WireFault::Aside(_));
                assert!(turn.faults.iter().all(aside), "{:?}", turn.faults);
                link.acknowledge(turn.mark);
                given.answers.append(&mut turn.answers);
                given.receipts.append(&mut turn.receipts);
            }
        }
    });
    assert!(waited.await.is_ok(), "no {what}");
}

/// An account at the gateway.
fn account(protocol: Protocol, port: u16) -> LinkConfig {
    let mut config = LinkConfig {
        protocol,
        addresses: vec![format!("127.0.0.1:{port}")],
        account: match protocol {
            Protocol::Cmpp2 => "900002",
            Protocol::Cmpp3 => "900003",
            Protocol::Sgip => "unicom",
            Protocol::Smgp | Protocol::Smpp => "telecom",
        }
        .to_owned(),
        password: Secret("secret".to_owned()),
        ..LinkConfig::default()
    };
    config.sender.source = "10657512379".to_owned();
    config.sender.service = "SANFANG".to_owned();
    if protocol == Protocol::Sgip {
        config.node = 3_020_012_345;
        // It answers the parts of a text once it has them all.
        config.window = Some(4);
        config.sender.corp_id = "12345".to_owned();
        config.sender.receipts = Receipts::None;
    }
    config
}

#[tokio::test]
async fn what_is_sent_arrives_as_it_was_meant_and_a_refusal_is_understood() {
    let Some(folder) = smsgate() else {
        return missing("SMSGate (default-jdk-headless, maven)");
    };
    let mut centre = Centre::start(&folder);
    let short = "【市三防】暴雨红色预警，立即转移。查证12345";
    let long = "【市三防】暴雨红色预警，立即转移到高处，远离涵洞、地下室和河边，听从社区干部指挥。"
        .repeat(3);
    for protocol in [
        Protocol::Cmpp2,
        Protocol::Cmpp3,
        Protocol::Sgip,
        Protocol::Smgp,
    ] {
        let name = protocol.name();
        let config = account(protocol, centre.port);
        let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
        let prepare =
            |text: &str, number| Prepared::new(text, &config.style(), not_after, number).unwrap();
        let texts = [prepare(short, 1), prepare(&long, 2)];
        let mut link = Link::new(config.clone(), clock).unwrap();
        let mut given = Given::default();
        let before = centre.taken().len();
        for (number, (phone, text)) in [(1, 0), (2, 1), (6, 0)].into_iter().enumerate() {
            until(
                &mut link,
                &mut given,
                &format!("room of {name}"),
                |link, _| link.room() > 0,
            )
            .await;
            let submit = Submit {
                token: phone,
                phone: 8_613_800_000_000 + phone,
                text: &texts[text],
            };
            assert_eq!(link.submit(&[submit]), 1, "{name}");
            let what = format!("answer {number} of {name}");
            until(&mut link, &mut given, &what, |_, given| {
                given.answers.len() > number
            })
            .await;
        }
        for answer in &given.answers {
            match answer.outcome {
                Outcome::Accepted { .. } => assert_ne!(answer.token, 6, "{name}"),
                Outcome::Permanent(code) => {
                    assert!(code.is_not_ours() && answer.token == 6, "{name}: {code}");
                }
                other @ (Outcome::Throttled { .. }
                | Outcome::Transient(_)
                | Outcome::Doubtful(_)
                | Outcome::Unsent
                | Outcome::Silent
                | Outcome::Cut) => assert_eq!(other.error(), None, "{name}"),
            }
        }
        if matches!(protocol, Protocol::Cmpp2 | Protocol::Cmpp3) {
            let what = format!("receipts of {name}");
            until(&mut link, &mut given, &what, |_, given| {
                given.receipts.len() == 2
            })
            .await;
            let delivered =
                |it: &DeliveryReceipt| it.state == MessageState::Delivered && it.token.is_some();
            assert!(
                given.receipts.iter().all(delivered),
                "{name}: {:?}",
                given.receipts
            );
        }
        // What it prints comes by another way than its answers.
        let what = format!("texts of {name}");
        until(&mut link, &mut given, &what, |_, _| {
            centre.taken().len() >= before + 3
        })
        .await;
        let taken = centre.taken().split_off(before);
        let texts: Vec<(&str, bool)> = taken
            .iter()
            .map(|(_, text, whole)| (text.as_str(), *whole))
            .collect();
        assert_eq!(
            texts,
            [(short, false), (long.as_str(), true), (short, false)],
            "{name}"
        );
        for ((phone, _, _), ends) in taken.iter().zip(["1380000000", "1380000000", "1380000000"]) {
            assert!(phone.contains(ends), "{name}: another phone");
        }
        let mut turn = Turn::default();
        link.close(&mut turn).await;
    }
}
