//! The SMPP link against a message centre that is not ours: the npm package `smpp`.
//!
//! Needs `node` and `npm`; without them each test says SKIPPED, and fails where CI is set.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

#[path = "peers/node.rs"]
mod node;

use dispatch::gateway::sms::smpp::Status;
use dispatch::gateway::sms::{
    Answer, Change, DeliveryReceipt, Ending, Link, LinkConfig, MessageState, Outcome, Prepared,
    Secret, Sender, SessionState, Style, Submit, Turn, Validity,
};
use model::{SendError, Span, Time};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

struct Peer {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    port: u16,
}

impl Peer {
    fn start(port: u16) -> Option<Self> {
        let mut child = Command::new("node")
            .arg(node::script("smsc.mjs"))
            .arg(port.to_string())
            .env("PEER_MODULES", node::modules()?)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = to.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Some(Self {
            child,
            lines,
            seen: Vec::new(),
            port,
        })
    }

    /// The lines so far that have this key.
    fn said(&mut self, key: &str) -> Vec<Value> {
        self.seen.extend(self.lines.try_iter());
        let has = self.seen.iter().filter(|line| line.get(key).is_some());
        has.cloned().collect()
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A link and everything it has given.
struct Driver {
    link: Link,
    answers: Vec<Answer>,
    receipts: Vec<DeliveryReceipt>,
    changes: Vec<Change>,
}

impl Driver {
    fn new(port: u16, change: impl FnOnce(&mut LinkConfig)) -> Self {
        let mut config = LinkConfig {
            addresses: vec![format!("127.0.0.1:{port}")],
            account: "sanfang".to_owned(),
            password: Secret("secret".to_owned()),
            reconnect_min: Span::from_millis(50),
            reconnect_max: Span::from_millis(200),
            sender: sender(),
            ..LinkConfig::default()
        };
        change(&mut config);
        Self {
            link: Link::new(config, Time::default).unwrap(),
            answers: Vec::new(),
            receipts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Drives the link until `done`.
    async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let mut turn = Turn::default();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !done(self) {
                // Woken now and then, so that `done` may look at the peer as well.
                let next = Duration::from_millis(20);
                if tokio::time::timeout(next, self.link.turn(&mut turn))
                    .await
                    .is_err()
                {
                    continue;
                }
                assert_eq!(turn.faults, []);
                self.link.acknowledge(turn.mark);
                self.answers.append(&mut turn.answers);
                self.receipts.append(&mut turn.receipts);
                self.changes.append(&mut turn.changes);
            }
        });
        assert!(waited.await.is_ok(), "no {what}: {:?}", self.changes);
    }

    async fn up(&mut self) {
        self.until("session", |d| d.link.room() > 0).await;
    }

    async fn send(&mut self, token: u64, phone: u64, text: &Prepared) -> Outcome {
        let before = self.answers.len();
        assert_eq!(self.link.submit(&[Submit { token, phone, text }]), 1);
        self.until("answer", |d| d.answers.len() > before).await;
        let answer = self.answers[before];
        assert_eq!((answer.token, answer.late), (token, false));
        answer.outcome
    }
}

fn sender() -> Sender {
    Sender {
        source: "10657512379".to_owned(),
        ..Sender::default()
    }
}

fn not_after() -> Time {
    Time::parse("2099-09-07T13:04:00+08:00").unwrap().0
}

fn prepare(text: &str, reference: u8) -> Prepared {
    let style = Style {
        sender: sender(),
        ..Style::default()
    };
    Prepared::new(text, &style, Validity::Absolute(not_after()), reference).unwrap()
}

fn rain() -> Prepared {
    prepare("【市三防】暴雨红色预警生效", 1)
}

fn accepted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { id: Some(_) })
}

/// A peer that is missing is said where people see it, and is a failure in continuous integration.
#[test]
fn a_missing_peer_is_told_of() {
    let run = |ci: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "texts_arrive_as_they_were_written"]);
        command.env("PATH", "").env_remove("CI");
        command.envs(ci.map(|ci| ("CI", ci))).output().unwrap()
    };
    let desk = run(None);
    let said = String::from_utf8_lossy(&desk.stderr).into_owned();
    let test = "SKIPPED texts_arrive_as_they_were_written: ";
    assert!(desk.status.success() && said.contains(test), "{desk:?}");
    let ci = run(Some("true"));
    assert!(!ci.status.success(), "{ci:?}");
}

#[tokio::test]
async fn texts_arrive_as_they_were_written() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let long = "【市三防】9月7日13时04分，市气象台发布暴雨红色预警信号，未来3小时天河、越秀有100毫米以上降雨。请立即停止户外活动，远离隧道、涵洞和地下空间，转移到安全处。如需核实请拨打12379或020-12345。";
    let texts = [
        "【市三防】暴雨红色预警生效🌊",
        long,
        "Rainstorm RED in force. Leave tunnels & basements [Tianhe] {now} ~ 100 mm ^ €.",
        &"Evacuate to the shelter. ".repeat(10),
        &"转移 move 12345 ".repeat(30),
    ];
    let mut driver = Driver::new(peer.port, |_| {});
    driver.up().await;
    for (n, text) in (0..).zip(texts) {
        let prepared = prepare(text, u8::try_from(n).unwrap());
        let outcome = driver.send(n, 8_613_800_000_001, &prepared).await;
        assert!(accepted(outcome), "{outcome:?}");
    }
    driver
        .until("last text", |_| peer.said("taken").len() == texts.len())
        .await;
    for (said, text) in peer.said("taken").iter().zip(texts) {
        assert_eq!(said["text"], text);
        assert_eq!(said["taken"], "8613800000001");
        assert_eq!(said["from"], "10657512379");
        assert_eq!(said["validity"], "2099-09-07T05:04:00.000Z");
        let concatenated = said["total"].as_u64().unwrap() > 1;
        assert_eq!(said["esm"], if concatenated { 0x40 } else { 0 });
        assert_eq!(
            said["coding"],
            if text.is_ascii() || text.contains('€') {
                0
            } else {
                8
            }
        );
    }
    let totals: Vec<u64> = peer
        .said("taken")
        .iter()
        .map(|s| s["total"].as_u64().unwrap())
        .collect();
    assert_eq!(totals, [1, 2, 1, 2, 7]);
    assert_eq!(peer.said("bind")[0]["version"], 0x34);
}

#[tokio::test]
async fn receipts_find_their_message_in_any_spelling() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let mut driver = Driver::new(peer.port, |config| config.window = Some(3));
    driver.up().await;
    let (short, long) = (rain(), prepare(&"暴雨红色预警，".repeat(30), 2));
    let batch: Vec<Submit<'_>> = (0..60)
        .map(|token| Submit {
            token,
            phone: 8_613_800_000_000 + token * 10 + 1,
            text: if token % 4 == 0 { &long } else { &short },
        })
        .collect();
    let mut sent = 0;
    while sent < batch.len() {
        sent += driver.link.submit(&batch[sent..]);
        driver.until("room", |d| d.link.room() > 0).await;
    }
    driver
        .until("last receipt", |d| d.receipts.len() == batch.len())
        .await;
    let mut tokens: Vec<u64> = driver.receipts.iter().map(|r| r.token.unwrap()).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (0..60).collect::<Vec<u64>>());
    for receipt in &driver.receipts {
        assert_eq!(receipt.state, MessageState::Delivered);
        assert_eq!(
            receipt.phone,
            8_613_800_000_000 + receipt.token.unwrap() * 10 + 1
        );
    }
    let pdus = 45 + 15 * long.parts();
    driver
        .until("acknowledgement", |_| {
            peer.said("receipt_taken").len() == pdus
        })
        .await;
}

#[tokio::test]
async fn throttling_is_told_with_a_growing_pause() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let mut driver = Driver::new(peer.port, |_| {});
    driver.up().await;
    let mut pauses = Vec::new();
    let text = rain();
    loop {
        match driver.send(1, 8_613_800_000_009, &text).await {
            Outcome::Throttled { status, pause_ms } => {
                assert_eq!(status, Status::THROTTLED.into());
                tokio::time::sleep(Duration::from_millis(pause_ms.into())).await;
                pauses.push(pause_ms);
            }
            outcome => break assert!(accepted(outcome), "{outcome:?}"),
        }
    }
    assert_eq!(pauses, [100, 200]);
    assert_eq!(peer.said("throttled").len(), 2);
}

#[tokio::test]
async fn silence_is_uncertain_and_a_late_answer_is_still_matched() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let timeout = Span::from_millis(400);
    let mut driver = Driver::new(peer.port, |config| config.response_timeout = Some(timeout));
    driver.up().await;
    let text = rain();
    let to = |token| Submit {
        token,
        phone: 8_613_800_000_000 + token,
        text: &text,
    };
    assert_eq!(driver.link.submit(&[to(8), to(7), to(1), to(6)]), 4);
    driver
        .until("late answer", |d| d.answers.iter().any(|a| a.late))
        .await;
    let outcome = |token, late| {
        let mut found = driver
            .answers
            .iter()
            .filter(|a| a.token == token && a.late == late);
        found.next().map(|a| a.outcome)
    };
    assert!(accepted(outcome(1, false).unwrap()));
    assert_eq!(
        outcome(6, false),
        Some(Outcome::Permanent(Status::INVALID_DESTINATION.into()))
    );
    for token in [7, 8] {
        assert_eq!(outcome(token, false), Some(Outcome::Silent));
        let error = outcome(token, false).unwrap().error();
        assert!(matches!(error, Some(SendError::Uncertain(_))));
    }
    assert!(accepted(outcome(7, true).unwrap()));
    assert_eq!(driver.answers.len(), 5);
    driver.until("receipts", |d| d.receipts.len() == 2).await;
    assert!(driver.receipts.iter().any(|r| r.token == Some(7)));
    assert_eq!(peer.said("silent").len(), 1);
}

#[tokio::test]
async fn a_killed_centre_leaves_nothing_unanswered_and_is_found_again() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let mut driver = Driver::new(peer.port, |_| {});
    driver.up().await;
    let text = rain();
    let silent = Submit {
        token: 1,
        phone: 8_613_800_000_008,
        text: &text,
    };
    driver.link.submit(&[silent]);
    driver
        .until("silence", |_| peer.said("silent").len() == 1)
        .await;
    peer.stop();
    driver.until("answer", |d| !d.answers.is_empty()).await;
    assert_eq!(driver.answers[0].outcome, Outcome::Cut);
    assert_eq!(driver.link.room(), 0);
    let down = |d: &Driver| {
        d.changes
            .iter()
            .filter(|c| matches!(c.state, SessionState::Down { .. }))
            .count()
    };
    driver.until("refused connections", |d| down(d) >= 3).await;
    let Some(mut again) = Peer::start(peer.port) else {
        return;
    };
    driver.up().await;
    driver.answers.clear();
    let outcome = driver.send(2, 8_613_800_000_002, &text).await;
    assert!(accepted(outcome));
    assert_eq!(again.said("bind").len(), 1);
}

#[tokio::test]
async fn an_idle_session_asks_whether_the_centre_is_there_and_unbinds_at_the_end() {
    let Some(mut peer) = Peer::start(0) else {
        return;
    };
    let idle = Span::from_millis(150);
    let mut driver = Driver::new(peer.port, |config| config.enquire_after = Some(idle));
    driver.up().await;
    driver
        .until("enquire_link", |_| peer.said("enquired").len() >= 2)
        .await;
    assert!(
        driver
            .changes
            .iter()
            .all(|c| matches!(c.state, SessionState::Up))
    );
    let mut turn = Turn::default();
    driver.link.close(&mut turn).await;
    assert!(matches!(
        &turn.changes[..],
        [Change {
            state: SessionState::Down {
                why: Ending::LoggedOut,
                ..
            },
            ..
        }]
    ));
    driver
        .until("unbind", |_| peer.said("unbound").len() == 1)
        .await;
}

#[tokio::test]
async fn a_wrong_password_is_said_and_tried_again_ever_more_slowly() {
    let Some(peer) = Peer::start(0) else { return };
    let mut driver = Driver::new(peer.port, |config| config.password = Secret("wrong".into()));
    driver.until("refusals", |d| d.changes.len() == 4).await;
    let waits: Vec<u64> = driver
        .changes
        .iter()
        .map(|change| match &change.state {
            SessionState::Down {
                why: Ending::LoginRefused(status),
                retry_ms,
            } => {
                assert_eq!(*status, Status::INVALID_PASSWORD.into());
                *retry_ms
            }
            state => panic!("{state:?}"),
        })
        .collect();
    assert_eq!(waits, [50, 100, 200, 200]);
}
