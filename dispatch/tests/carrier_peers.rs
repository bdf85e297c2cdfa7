//! The carriers' protocols against programs that are not ours: pycmpp as a client of our simulated
//! carrier, smpp34 as a message centre, and what tshark reads in the bytes that a link and a centre write.
//!
//! They are installed by `deploy/test-peers.sh`; without them each test says SKIPPED, and fails where
//! CI is set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "peers/missing.rs"]
mod said;

#[path = "peers/python.rs"]
mod interpreter;

use dispatch::gateway::sms::alphabet::Alphabet;
use dispatch::gateway::sms::{
    Answer, DeliveryReceipt, Frame, FrameError, Link, LinkConfig, MessageState, Outcome, Prepared,
    Protocol, Secret, Submit, Turn, Validity, WireFault, cmpp, smpp,
};
use dispatch::simulator::carrier::{Carrier, CarrierConfig};
use interpreter::python;
use model::{Span, Time};
use said::missing;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(20);

fn clock() -> Time {
    Time::from_seconds(1_694_062_800)
}

fn script(name: &str) -> String {
    format!("{}/tests/peers/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn prepare(config: &LinkConfig, text: &str, reference: u8) -> Prepared {
    let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
    Prepared::new(text, &config.style(), not_after, reference).unwrap()
}

/// Runs pycmpp against our carrier; gives what it said and the carrier's log.
async fn pycmpp(secret: &'static str) -> Option<(Vec<Value>, String)> {
    let Some(python) = python() else {
        missing("pycmpp (python3-venv)");
        return None;
    };
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("carrier.tsv");
    let config = CarrierConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        protocol: Protocol::Cmpp2,
        system_id: "900001".to_owned(),
        password: "secret".to_owned(),
        receipt_after: Some(Span::ZERO),
        log: Some(log.clone()),
        ..CarrierConfig::default()
    };
    let carrier = Carrier::bind(config, clock).await.unwrap();
    let port = carrier.address().port().to_string();
    let serving = tokio::spawn(carrier.serve());
    let run = move || {
        Command::new(python)
            .arg(script("cmpp_client.py"))
            .args([&port, "900001", secret])
            .output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    serving.abort();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    Some((lines.collect(), std::fs::read_to_string(log).unwrap()))
}

#[tokio::test]
async fn a_foreign_sender_of_cmpp_is_answered_and_its_texts_are_logged_whole() {
    let Some((refused, _)) = pycmpp("wrong").await else {
        return;
    };
    assert_eq!(refused[0], json!({"login": 3}));
    let (said, log) = pycmpp("secret").await.unwrap();
    assert_eq!(said[0], json!({"login": 0}));
    let submitted: Vec<&Value> = said
        .iter()
        .filter(|line| line.get("submitted").is_some())
        .collect();
    assert_eq!(submitted.len(), 3, "{said:?}");
    assert!(submitted.iter().all(|line| line["submitted"] == 0));
    // It reads no deliveries; we count them: a report for each phone of each part.
    let reports = said.iter().filter(|line| line["other"] == "00000005");
    assert_eq!(reports.count(), 4, "{said:?}");
    assert!(said.contains(&json!({"there": true})) && said.contains(&json!({"left": true})));
    let short = "【市三防】暴雨红色预警生效";
    let long = "暴雨红色预警，立即转移到高处，远离涵洞、地下室和河边，听从社区干部指挥。".repeat(3);
    assert_eq!(
        log,
        format!(
            "1\taccepted\t13800000001\t0000000001\t\t{short}\n\
             1\taccepted\t13800000002\t0000000001\t\t{short}\n\
             3\taccepted\t13800000003\t0000000002,0000000003\t\t{long}\n"
        )
    );
}

/// A peer's process and the lines that it prints.
struct Peer {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Peer {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = to.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    fn port(&mut self) -> u16 {
        let first = self.lines.recv_timeout(PATIENCE).unwrap();
        u16::try_from(first["port"].as_u64().unwrap()).unwrap()
    }

    /// The lines so far that have this key.
    fn said(&mut self, key: &str) -> Vec<Value> {
        self.seen.extend(self.lines.try_iter());
        let has = self.seen.iter().filter(|line| line.get(key).is_some());
        has.cloned().collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A link and what it has given.
struct Driver {
    link: Link,
    answers: Vec<Answer>,
    receipts: Vec<DeliveryReceipt>,
}

impl Driver {
    fn new(config: LinkConfig) -> Self {
        Self {
            link: Link::new(config, clock).unwrap(),
            answers: Vec::new(),
            receipts: Vec::new(),
        }
    }

    async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let mut turn = Turn::default();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !done(self) {
                let next = Duration::from_millis(20);
                let turned = tokio::time::timeout(next, self.link.turn(&mut turn)).await;
                if turned.is_ok() {
                    let aside = |fault: &WireFault| matches!(fault, WireFault::Aside(_));
                    assert!(turn.faults.iter().all(aside), "{:?}", turn.faults);
                    self.link.acknowledge(turn.mark);
                    self.answers.append(&mut turn.answers);
                    self.receipts.append(&mut turn.receipts);
                }
            }
        });
        assert!(waited.await.is_ok(), "no {what}");
    }
}

#[tokio::test]
async fn a_second_foreign_message_centre_takes_what_is_sent() {
    let Some(python) = python() else {
        return missing("smpp34 (python3-venv)");
    };
    let mut command = Command::new(python);
    command.arg(script("smsc34.py"));
    let mut peer = Peer::start(command);
    let port = peer.port();
    let mut config = LinkConfig {
        addresses: vec![format!("127.0.0.1:{port}")],
        account: "sanfang".to_owned(),
        password: Secret("secret".to_owned()),
        ..LinkConfig::default()
    };
    config.sender.source = "10657512379".to_owned();
    let long = "暴雨红色预警，立即转移。".repeat(7);
    let texts = [
        prepare(&config, "暴雨红色预警", 1),
        prepare(&config, &long, 2),
    ];
    let mut driver = Driver::new(config);
    driver.until("session", |d| d.link.room() > 0).await;
    let to = |token: u64| Submit {
        token,
        phone: 8_613_800_000_000 + token,
        text: &texts[usize::try_from(token % 2).unwrap()],
    };
    assert_eq!(driver.link.submit(&[to(0), to(1), to(2), to(9)]), 4);
    driver.until("answers", |d| d.answers.len() == 4).await;
    for answer in &driver.answers {
        match answer.token {
            9 => assert!(matches!(answer.outcome, Outcome::Throttled { .. })),
            _ => assert!(matches!(answer.outcome, Outcome::Accepted { id: Some(_) })),
        }
    }
    driver.until("receipts", |d| d.receipts.len() == 3).await;
    let delivered = |r: &DeliveryReceipt| r.state == MessageState::Delivered && r.token.is_some();
    assert!(
        driver.receipts.iter().all(delivered),
        "{:?}",
        driver.receipts
    );
    driver
        .until("acknowledgements", |_| {
            peer.said("receipt_taken").len() >= 4
        })
        .await;
    // The far side handles each message in a task of its own, and may say so in any order.
    let taken = peer.said("taken");
    let of = |phone: &'static str| taken.iter().filter(move |line| line["taken"] == phone);
    let octets = |text: &str| {
        let mut octets = Vec::new();
        Alphabet::Ucs2.encode(text, &mut octets);
        hex::encode(octets)
    };
    let short: Vec<_> = of("8613800000000").collect();
    assert_eq!(short.len(), 1);
    assert_eq!(short[0]["octets"], octets("暴雨红色预警"));
    assert_eq!(
        (&short[0]["coding"], &short[0]["esm"]),
        (&json!(8), &json!(0))
    );
    let mut parts: Vec<_> = of("8613800000001")
        .map(|line| line["octets"].as_str().unwrap().split_at(12))
        .collect();
    parts.sort_unstable();
    let joined: String = parts.into_iter().map(|(_, text)| text).collect();
    assert_eq!(joined, octets(&long));
    let mut turn = Turn::default();
    driver.link.close(&mut turn).await;
    assert_eq!(peer.said("throttled").len(), 1);
}

/// Octets of both directions.
#[derive(Default)]
struct Recorded {
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// Passes one connection on and records what goes each way.
async fn recorder(to: String) -> (String, Arc<Mutex<Recorded>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let recorded = Arc::new(Mutex::new(Recorded::default()));
    let kept = Arc::clone(&recorded);
    tokio::spawn(async move {
        let (mut ours, _) = listener.accept().await.unwrap();
        let mut theirs = TcpStream::connect(to).await.unwrap();
        let (mut a, mut b) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                read = ours.read(&mut a) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(octets) => {
                        kept.lock().unwrap().ours.extend_from_slice(&a[..octets]);
                        theirs.write_all(&a[..octets]).await.unwrap();
                    }
                },
                read = theirs.read(&mut b) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(octets) => {
                        kept.lock().unwrap().theirs.extend_from_slice(&b[..octets]);
                        if ours.write_all(&b[..octets]).await.is_err() {
                            return;
                        }
                    }
                },
            }
        }
    });
    (address, recorded)
}

/// A session with everything in it: login, a short and a long text, a flash, receipts, heart-beats and
/// a logout.
async fn session(protocol: Protocol) -> Arc<Mutex<Recorded>> {
    let carrier = Carrier::bind(
        CarrierConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            protocol,
            system_id: "900001".to_owned(),
            password: "secret".to_owned(),
            receipt_after: Some(Span::ZERO),
            throttle_every: 5,
            ..CarrierConfig::default()
        },
        clock,
    )
    .await
    .unwrap();
    let address = carrier.address().to_string();
    tokio::spawn(carrier.serve());
    let (address, recorded) = recorder(address).await;
    let mut config = LinkConfig {
        protocol,
        addresses: vec![address],
        account: "900001".to_owned(),
        password: Secret("secret".to_owned()),
        enquire_after: Some(Span::from_millis(100)),
        ..LinkConfig::default()
    };
    config.sender.source = "10657512379".to_owned();
    config.sender.service = "sf".to_owned();
    let long = "暴雨红色预警，立即转移。".repeat(7);
    let mut flash = config.clone();
    flash.sender.flash = true;
    let texts = [
        prepare(&config, "暴雨红色预警", 1),
        prepare(&config, &long, 2),
        prepare(&flash, "暴雨红色预警", 3),
    ];
    let mut driver = Driver::new(config);
    driver.until("session", |d| d.link.room() > 0).await;
    let batch: Vec<Submit<'_>> = (0..3)
        .map(|token| Submit {
            token,
            phone: 8_613_800_000_000 + token,
            text: &texts[usize::try_from(token).unwrap()],
        })
        .collect();
    assert_eq!(driver.link.submit(&batch), 3);
    driver.until("receipts", |d| d.receipts.len() >= 3).await;
    let idle = tokio::time::Instant::now();
    driver
        .until("heart-beats", |_| {
            idle.elapsed() > Duration::from_millis(300)
        })
        .await;
    driver.link.close(&mut Turn::default()).await;
    recorded
}

/// What a dissector says of each packet.
fn dissected(octets: &[u8], cut: Cut, ports: &str, dissector: &str) -> Option<(usize, Vec<Value>)> {
    let directory = tempfile::tempdir().unwrap();
    let (text, pcap) = (
        directory.path().join("packets.txt"),
        directory.path().join("packets.pcap"),
    );
    let mut dump = std::fs::File::create(&text).unwrap();
    let (mut rest, mut packets) = (octets, 0);
    while let Some(frame) = cut(rest).unwrap() {
        for (row, octets) in rest[..frame.length].chunks(16).enumerate() {
            let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            writeln!(dump, "{:06x} {}", row * 16, hex.join(" ")).unwrap();
        }
        writeln!(dump).unwrap();
        packets += 1;
        rest = &rest[frame.length..];
    }
    assert!(rest.is_empty(), "the stream ends with a whole packet");
    let made = Command::new("text2pcap")
        .args(["-q", "-T", ports])
        .args([&text, &pcap])
        .output();
    let Ok(made) = made else {
        missing("text2pcap and tshark");
        return None;
    };
    assert!(made.status.success(), "{made:?}");
    let read = Command::new("tshark")
        .arg("-r")
        .arg(&pcap)
        .args(["-d", &format!("tcp.port==7890,{dissector}")])
        .args(["-T", "json", "--no-duplicate-keys"])
        .output()
        .unwrap();
    assert!(read.status.success(), "{read:?}");
    let read: Vec<Value> = serde_json::from_slice(&read.stdout).unwrap();
    let layers = read
        .iter()
        .map(|packet| packet["_source"]["layers"].clone());
    Some((packets, layers.collect()))
}

type Cut = for<'a> fn(&'a [u8]) -> Result<Option<Frame<'a>>, FrameError>;

/// Every value of a field, wherever it stands.
fn values(layer: &Value, field: &str, found: &mut Vec<String>) {
    if let Value::Object(fields) = layer {
        for (name, value) in fields {
            match value.as_str() {
                Some(text) if name == field => found.push(text.to_owned()),
                Some(_) | None => values(value, field, found),
            }
        }
    }
    if let Value::Array(items) = layer {
        for item in items {
            values(item, field, found);
        }
    }
}

/// Dissects one direction: all packets are read, none is malformed and none draws a remark.
fn read_by_tshark(octets: &[u8], cut: Cut, ports: &str, dissector: &str) -> Option<Value> {
    let (packets, layers) = dissected(octets, cut, ports, dissector)?;
    assert_eq!(layers.len(), packets);
    for layer in &layers {
        assert!(layer.get(dissector).is_some(), "not dissected: {layer}");
        assert!(layer.get("_ws.malformed").is_none(), "malformed: {layer}");
        let mut remarks = Vec::new();
        values(&layer[dissector], "_ws.expert.message", &mut remarks);
        assert_eq!(remarks, Vec::<String>::new(), "{layer}");
    }
    Some(Value::Array(
        layers
            .into_iter()
            .map(|mut layer| layer[dissector].take())
            .collect(),
    ))
}

fn all(layers: &Value, field: &str) -> Vec<String> {
    let mut found = Vec::new();
    values(layers, field, &mut found);
    found
}

/// Of the two it has the fields of 3.0 alone; 2.0 is read by pycmpp, and by gocmpp's own packets.
#[tokio::test]
async fn tshark_reads_our_cmpp_without_complaint() {
    let recorded = session(Protocol::Cmpp3).await;
    let recorded = recorded.lock().unwrap();
    let cut: Cut = cmpp::pdu::frame;
    let Some(ours) = read_by_tshark(&recorded.ours, cut, "40000,7890", "cmpp") else {
        return;
    };
    let theirs = read_by_tshark(&recorded.theirs, cut, "7890,40000", "cmpp").unwrap();
    let commands = all(&ours, "cmpp.Command_Id");
    for command in [
        "0x00000001",
        "0x00000004",
        "0x80000005",
        "0x00000008",
        "0x00000002",
    ] {
        assert!(commands.iter().any(|it| it == command), "{commands:?}");
    }
    assert_eq!(all(&ours, "cmpp.connect.Source_Addr"), ["900001"]);
    assert_eq!(all(&ours, "cmpp.submit.Msg_src"), ["900001"; 5]);
    assert_eq!(all(&ours, "cmpp.submit.Src_Id"), ["10657512379"; 5]);
    assert_eq!(
        all(&ours, "cmpp.Dest_terminal_Id"),
        [
            "13800000000",
            "13800000001",
            "13800000001",
            "13800000002",
            "13800000002"
        ]
    );
    assert_eq!(
        all(&ours, "cmpp.submit.Pk_total"),
        ["1", "2", "2", "1", "1"]
    );
    assert_eq!(
        all(&ours, "cmpp.submit.Pk_number"),
        ["1", "1", "2", "1", "1"]
    );
    assert_eq!(all(&ours, "cmpp.Msg_Fmt").last().unwrap(), "24", "class 0");
    let reports = all(&theirs, "cmpp.deliver.Report.Status");
    assert_eq!(reports, ["DELIVRD"; 4]);
    assert!(all(&theirs, "cmpp.submit_resp.Result").contains(&"8".to_owned()));
}

#[tokio::test]
async fn tshark_reads_our_smpp_without_complaint() {
    let recorded = session(Protocol::Smpp).await;
    let recorded = recorded.lock().unwrap();
    let cut: Cut = smpp::pdu::frame;
    let Some(ours) = read_by_tshark(&recorded.ours, cut, "40000,7890", "smpp") else {
        return;
    };
    let theirs = read_by_tshark(&recorded.theirs, cut, "7890,40000", "smpp").unwrap();
    let commands = all(&ours, "smpp.command_id");
    for command in [
        "0x00000009",
        "0x00000004",
        "0x80000005",
        "0x00000015",
        "0x00000006",
    ] {
        assert!(commands.iter().any(|it| it == command), "{commands:?}");
    }
    let phones = all(&ours, "smpp.destination_addr");
    assert_eq!(phones.len(), 5);
    assert!(phones.iter().all(|phone| phone.starts_with("86138000000")));
    assert_eq!(all(&ours, "smpp.source_addr"), ["10657512379"; 5]);
    let receipts = all(&theirs, "smpp.command_id");
    let receipts = receipts.iter().filter(|it| *it == "0x00000005").count();
    assert_eq!(receipts, 4);
    let throttled = all(&theirs, "smpp.command_status");
    assert!(
        throttled.iter().any(|it| it == "0x00000058"),
        "{throttled:?}"
    );
}
