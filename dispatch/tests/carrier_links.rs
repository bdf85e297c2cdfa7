//! Links of every protocol against the simulated carrier: logins, receipts whatever way they take,
//! faults, fail-over.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dispatch::gateway::sms::{
    Answer, DeliveryReceipt, Ending, Link, LinkConfig, MessageState, Outcome, Prepared, Proof,
    Protocol, Secret, SessionState, Submit, Turn, Validity, WireFault,
};
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts, IdSpelling};
use model::{Span, Time};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn clock() -> Time {
    Time::from_seconds(1_694_062_800)
}

async fn carrier(config: CarrierConfig) -> (Arc<Counts>, String) {
    let config = CarrierConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        system_id: "900001".to_owned(),
        password: "secret".to_owned(),
        ..config
    };
    let carrier = Carrier::bind(config, clock).await.unwrap();
    let (counts, address) = (carrier.counts(), carrier.address().to_string());
    tokio::spawn(carrier.serve());
    (counts, address)
}

/// A port that nobody has at this time.
fn free() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn config(protocol: Protocol, addresses: &[&str]) -> LinkConfig {
    let mut config = LinkConfig {
        protocol,
        addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        account: "900001".to_owned(),
        password: Secret("secret".to_owned()),
        reconnect_min: Span::from_millis(10),
        reconnect_max: Span::from_millis(50),
        response_timeout: Some(Span::from_seconds(5)),
        window: Some(16),
        ..LinkConfig::default()
    };
    config.sender.source = "10657512379".to_owned();
    if protocol == Protocol::Sgip {
        config.node = 3_020_012_345;
        config.listen = Some(free());
        config.sender.corp_id = "12345".to_owned();
    }
    config
}

/// A link and all it has given.
struct Driver {
    link: Link,
    answers: Vec<Answer>,
    receipts: Vec<DeliveryReceipt>,
    faults: Vec<WireFault>,
    ups: usize,
    endings: Vec<String>,
}

impl Driver {
    fn new(config: LinkConfig) -> Self {
        Self {
            link: Link::new(config, clock).unwrap(),
            answers: Vec::new(),
            receipts: Vec::new(),
            faults: Vec::new(),
            ups: 0,
            endings: Vec::new(),
        }
    }

    async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let mut turn = Turn::default();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !done(self) {
                let next = Duration::from_millis(20);
                let turned = tokio::time::timeout(next, self.link.turn(&mut turn)).await;
                if turned.is_ok() {
                    self.take(&mut turn);
                }
            }
        });
        let ended = waited.await;
        assert!(
            ended.is_ok(),
            "no {what}: {:?} {:?}",
            self.endings,
            self.faults
        );
    }

    fn take(&mut self, turn: &mut Turn) {
        self.link.acknowledge(turn.mark);
        self.answers.append(&mut turn.answers);
        self.receipts.append(&mut turn.receipts);
        self.faults.append(&mut turn.faults);
        for change in turn.changes.drain(..) {
            match change.state {
                SessionState::Up => self.ups += 1,
                SessionState::Down { why, .. } => self.endings.push(why.to_string()),
            }
        }
    }

    /// Sends all of them and waits for an answer to each.
    async fn send(&mut self, texts: &[Prepared], tokens: std::ops::Range<u64>) {
        let batch: Vec<Submit<'_>> = tokens
            .map(|token| Submit {
                token,
                phone: phone(token),
                text: &texts[usize::try_from(token).unwrap() % texts.len()],
            })
            .collect();
        let wanted = self.answers.len() + batch.len();
        let mut rest = &batch[..];
        while !rest.is_empty() {
            let sent = self.link.submit(rest);
            rest = &rest[sent..];
            self.until("room", |d| d.link.room() > 0).await;
        }
        self.until("answers", |d| {
            d.answers.iter().filter(|a| !a.late).count() >= wanted
        })
        .await;
    }
}

fn phone(token: u64) -> u64 {
    8_613_800_000_000 + token
}

fn texts(config: &LinkConfig) -> Vec<Prepared> {
    let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
    let long = "暴雨红色预警，立即转移。".repeat(9);
    ["【市三防】暴雨红色预警生效", &long]
        .iter()
        .zip(1..)
        .map(|(text, n)| Prepared::new(text, &config.style(), not_after, n).unwrap())
        .collect()
}

fn accepted(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Accepted { id: Some(_) })
}

/// What a carrier may do with the receipts of a message, and what it must not change.
async fn receipts(protocol: Protocol, sessions: usize, carrier_config: CarrierConfig) {
    let mut config = config(protocol, &[]);
    let listen = config.listen;
    let (counts, address) = carrier(CarrierConfig {
        protocol,
        receipt_after: Some(Span::ZERO),
        fail_every: 7,
        report_to: listen,
        ..carrier_config
    })
    .await;
    config.addresses = vec![address];
    config.sessions = sessions;
    let texts = texts(&config);
    let mut driver = Driver::new(config);
    driver.send(&texts, 0..60).await;
    driver.until("receipts", |d| d.receipts.len() >= 60).await;
    assert!(driver.answers.iter().all(accepted), "{protocol:?}");
    let tokens: BTreeSet<u64> = driver.receipts.iter().map(|r| r.token.unwrap()).collect();
    assert_eq!(tokens, (0..60).collect(), "{protocol:?}");
    for receipt in &driver.receipts {
        let theirs = phone(receipt.token.unwrap());
        let national = theirs - 8_600_000_000_000;
        assert!([theirs, national].contains(&receipt.phone), "{receipt:?}");
    }
    let failed = driver.receipts.iter();
    let failed = failed.filter(|r| r.state == MessageState::Undeliverable);
    assert!(failed.count() >= 8, "{protocol:?}");
    assert_eq!(driver.faults, [], "{protocol:?}");
    driver
        .until("acknowledgements", |_| {
            Counts::read(&counts.receipts_taken) == Counts::read(&counts.receipts)
        })
        .await;
}

#[tokio::test]
async fn every_message_has_its_receipt() {
    for protocol in Protocol::ALL {
        receipts(protocol, 1, CarrierConfig::default()).await;
    }
}

#[tokio::test]
async fn receipts_before_the_answers_that_name_their_messages() {
    for protocol in Protocol::ALL {
        let config = CarrierConfig {
            receipts_first: true,
            latency: Span::from_millis(20),
            ..CarrierConfig::default()
        };
        receipts(protocol, 1, config).await;
    }
}

#[tokio::test]
async fn receipts_on_another_session() {
    for protocol in Protocol::ALL {
        let config = CarrierConfig {
            receipts_elsewhere: true,
            ..CarrierConfig::default()
        };
        receipts(protocol, 3, config).await;
    }
}

/// Decimal for hexadecimal, lower case, without leading zeros. SGIP has one spelling.
#[tokio::test]
async fn receipts_in_other_spellings() {
    for protocol in Protocol::ALL {
        for receipt_ids in [IdSpelling::Mixed, IdSpelling::Decimal] {
            let config = CarrierConfig {
                receipt_ids,
                ..CarrierConfig::default()
            };
            receipts(protocol, 1, config).await;
        }
    }
}

/// Throttled, refused, silent and cut off: each submit has one answer that is not late, and nothing
/// that the carrier refused counts as taken.
#[tokio::test]
async fn every_submit_has_one_answer_whatever_the_carrier_does() {
    for protocol in Protocol::ALL {
        let mut config = config(protocol, &[]);
        let (counts, address) = carrier(CarrierConfig {
            protocol,
            throttle_every: 5,
            silence_every: 97,
            refuse_every: 11,
            close_after: 150,
            ..CarrierConfig::default()
        })
        .await;
        config.addresses = vec![address];
        config.response_timeout = Some(Span::from_millis(300));
        let texts = texts(&config);
        let mut driver = Driver::new(config);
        driver.send(&texts[..1], 0..400).await;
        let tokens: BTreeSet<u64> = driver.answers.iter().map(|a| a.token).collect();
        assert_eq!((driver.answers.len(), tokens.len()), (400, 400));
        let count = |is: fn(&Outcome) -> bool| {
            let outcomes = driver.answers.iter().map(|a| a.outcome);
            outcomes.filter(is).count()
        };
        let throttled =
            count(|o| matches!(o, Outcome::Throttled { pause_ms, .. } if *pause_ms >= 100));
        let permanent = count(|o| matches!(o, Outcome::Permanent(_)));
        let silent = count(|o| matches!(o, Outcome::Silent));
        let cut = count(|o| matches!(o, Outcome::Cut));
        assert!(
            throttled > 40 && permanent > 20,
            "{protocol:?} {throttled} {permanent}"
        );
        assert!(silent > 0 && cut > 0, "{protocol:?} {silent} {cut}");
        let taken = driver.answers.iter().filter(|a| accepted(a)).count();
        assert!(
            taken as u64 <= Counts::read(&counts.accepted),
            "{protocol:?}"
        );
        assert!(
            driver.endings.iter().any(|it| it.contains("closed")),
            "{protocol:?}"
        );
    }
}

/// A host that lost its power: the connection stands and nothing moves on it. What was on its way is
/// of unknown outcome, the session ends, and a new one begins.
#[tokio::test]
async fn a_half_open_connection_is_left() {
    for protocol in Protocol::ALL {
        let mut config = config(protocol, &[]);
        let (_, address) = carrier(CarrierConfig {
            protocol,
            stall_after: 10,
            ..CarrierConfig::default()
        })
        .await;
        config.addresses = vec![address];
        config.response_timeout = Some(Span::from_millis(300));
        config.enquire_after = Some(Span::from_millis(300));
        config.enquiries = Some(2);
        let texts = texts(&config);
        let mut driver = Driver::new(config);
        driver.send(&texts[..1], 0..20).await;
        let unknown = driver.answers.iter();
        let unknown = unknown.filter(|a| matches!(a.outcome, Outcome::Silent | Outcome::Cut));
        assert!(unknown.count() >= 1, "{protocol:?}");
        driver
            .until("heart-beat without an answer", |d| {
                let silent = Ending::EnquireSilent.to_string();
                d.endings.contains(&silent)
            })
            .await;
        driver.until("new session", |d| d.link.room() > 0).await;
    }
}

/// Nothing is ever answered: the window is full, and is free again once its messages are given up.
#[tokio::test]
async fn a_window_that_stalls_is_free_again() {
    for protocol in Protocol::ALL {
        let mut config = config(protocol, &[]);
        let (_, address) = carrier(CarrierConfig {
            protocol,
            silence_every: 1,
            ..CarrierConfig::default()
        })
        .await;
        config.addresses = vec![address];
        config.window = Some(3);
        config.response_timeout = Some(Span::from_millis(200));
        let texts = texts(&config);
        let mut driver = Driver::new(config);
        driver.until("session", |d| d.link.room() == 3).await;
        driver.send(&texts[..1], 0..7).await;
        assert!(driver.answers.iter().all(|a| a.outcome == Outcome::Silent));
        driver.until("room", |d| d.link.room() == 3).await;
        assert_eq!(driver.endings, Vec::<String>::new(), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_never_gets_room_and_is_said_in_words() {
    for protocol in Protocol::ALL {
        let (counts, address) = carrier(CarrierConfig {
            protocol,
            ..CarrierConfig::default()
        })
        .await;
        let mut config = config(protocol, &[&address]);
        config.password = Secret("wrong".to_owned());
        let mut driver = Driver::new(config);
        driver.until("refusals", |d| d.endings.len() >= 3).await;
        assert_eq!((driver.link.room(), driver.ups), (0, 0));
        assert_eq!(Counts::read(&counts.binds), 0);
        let words = match protocol {
            Protocol::Smpp => "login refused: ESME_RINVPASWD (0x0E)",
            Protocol::Cmpp2 | Protocol::Cmpp3 => {
                "login refused: CMPP login status 3: 认证错 (wrong shared secret)"
            }
            Protocol::Sgip => {
                "login refused: SGIP result 1: 非法登录 (wrong login name or password)"
            }
            Protocol::Smgp => "login refused: SMGP status 21: 认证错 (wrong shared secret)",
        };
        assert!(
            driver.endings.iter().all(|it| it == words),
            "{:?}",
            driver.endings
        );
    }
}

/// A gateway that does not know the secret: ignored, said, or left, as the configuration has it.
#[tokio::test]
async fn a_gateway_proves_itself_as_far_as_it_is_asked_to() {
    for protocol in [Protocol::Cmpp2, Protocol::Cmpp3, Protocol::Smgp] {
        for proof in [Proof::Ignore, Proof::Warn, Proof::Require] {
            let stranger = CarrierConfig {
                listen: "127.0.0.1:0".parse().unwrap(),
                protocol,
                password: "another".to_owned(),
                ..CarrierConfig::default()
            };
            let carrier = Carrier::bind(stranger, clock).await.unwrap();
            let address = carrier.address().to_string();
            tokio::spawn(carrier.serve());
            let mut config = config(protocol, &[&address]);
            config.gateway_proof = proof;
            let mut driver = Driver::new(config);
            let done = |d: &Driver| d.ups + d.endings.len() > 0;
            driver.until("login or its end", done).await;
            let faults: &[WireFault] = match proof {
                Proof::Warn => &[WireFault::Unproven],
                Proof::Ignore | Proof::Require => &[],
            };
            assert_eq!(driver.faults, faults);
            assert_eq!(driver.ups == 0, proof == Proof::Require, "{protocol:?}");
        }
    }
}

/// Two gateways of one account: both carry, one goes, the other carries all, and receipts of what the
/// first took are still matched.
#[tokio::test]
async fn the_other_gateway_carries_all_where_one_is_away() {
    for protocol in Protocol::ALL {
        let mut config = config(protocol, &[]);
        let listen = config.listen;
        let of = |close_after| CarrierConfig {
            protocol,
            receipt_after: Some(Span::from_millis(50)),
            report_to: listen,
            close_after,
            ..CarrierConfig::default()
        };
        let (first, a) = carrier(of(0)).await;
        let (second, b) = carrier(of(20)).await;
        let nobody = free().to_string();
        config.addresses = vec![a, b, nobody];
        let texts = texts(&config);
        let mut driver = Driver::new(config);
        driver.until("both", |d| d.link.window() == 32).await;
        driver.send(&texts[..1], 0..200).await;
        let lost = driver.answers.iter().filter(|a| !accepted(a)).count();
        assert!(lost <= 16 * 8, "{protocol:?} {lost}");
        assert!(Counts::read(&first.submits) > 100, "{protocol:?}");
        assert!(Counts::read(&second.submits) >= 20, "{protocol:?}");
    }
}

/// Shown at once, and stored as well: one answer and one receipt for both.
#[tokio::test]
async fn a_flash_goes_beside_its_stored_message() {
    for protocol in Protocol::ALL {
        let mut config = config(protocol, &[]);
        let (counts, address) = carrier(CarrierConfig {
            protocol,
            receipt_after: Some(Span::ZERO),
            report_to: config.listen,
            ..CarrierConfig::default()
        })
        .await;
        config.addresses = vec![address];
        config.sender.flash = true;
        config.window = Some(3);
        let texts = texts(&config);
        let mut driver = Driver::new(config);
        driver.send(&texts, 0..20).await;
        driver.until("receipts", |d| d.receipts.len() >= 20).await;
        driver.until("rest", |d| !d.link.in_flight()).await;
        assert!(driver.answers.len() == 20 && driver.answers.iter().all(accepted));
        assert_eq!(driver.receipts.len(), 20);
        let parts: usize = (0..20).map(|n| texts[n % 2].parts()).sum();
        let flashes = Counts::read(&counts.flashes);
        assert_eq!(flashes, parts as u64, "{protocol:?}");
        assert_eq!(Counts::read(&counts.submits), 2 * flashes);
    }
}

/// A session keeps to its contract's pace.
#[tokio::test]
async fn a_session_keeps_its_pace() {
    let (_, address) = carrier(CarrierConfig {
        protocol: Protocol::Cmpp2,
        ..CarrierConfig::default()
    })
    .await;
    let mut config = config(Protocol::Cmpp2, &[&address]);
    config.session_pace_per_s = 100;
    let texts = texts(&config);
    let mut driver = Driver::new(config);
    driver.until("session", |d| d.link.room() > 0).await;
    let began = tokio::time::Instant::now();
    driver.send(&texts[..1], 0..100).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
}

/// SGIP has no heart-beat: an idle session ends and logs in anew, which is no outage while it works.
#[tokio::test]
async fn an_idle_session_without_a_heart_beat_logs_in_anew() {
    let (counts, address) = carrier(CarrierConfig {
        protocol: Protocol::Sgip,
        ..CarrierConfig::default()
    })
    .await;
    let mut config = config(Protocol::Sgip, &[&address]);
    config.enquire_after = Some(Span::from_millis(150));
    let texts = texts(&config);
    let mut driver = Driver::new(config);
    driver.until("session", |d| d.link.room() > 0).await;
    driver
        .until("logins", |d| {
            assert_eq!(d.link.window(), 16, "it counts as up all the while");
            Counts::read(&counts.binds) >= 4
        })
        .await;
    assert_eq!((driver.ups, driver.endings.len()), (1, 0));
    driver.until("session", |d| d.link.room() > 0).await;
    driver.send(&texts[..1], 0..3).await;
    assert!(driver.answers.iter().all(accepted));
}

/// Reads one answer of SGIP: command, result.
async fn answer(stream: &mut tokio::net::TcpStream) -> Option<(u32, u8)> {
    use tokio::io::AsyncReadExt;
    let mut head = [0; 20];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let mut body = vec![0; usize::try_from(length).unwrap() - 20];
    stream.read_exact(&mut body).await.ok()?;
    let command = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    Some((command, body.first().copied().unwrap_or(0)))
}

/// Who connects to us is the gateway, or is told why not; however many come, the link goes on.
#[tokio::test]
async fn strangers_at_the_door_are_refused_in_the_protocols_words() {
    use dispatch::gateway::sms::Sequence;
    use dispatch::gateway::sms::sgip::pdu::{Bind, Body, Deliver, command};
    use tokio::io::AsyncWriteExt;
    let (_, address) = carrier(CarrierConfig {
        protocol: Protocol::Sgip,
        ..CarrierConfig::default()
    })
    .await;
    let mut config = config(Protocol::Sgip, &[&address]);
    config.receivers = 2;
    config.connect_timeout = Span::from_millis(700);
    let door = config.listen.unwrap();
    let mut driver = Driver::new(config);
    driver.until("session", |d| d.link.room() > 0).await;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let strangers = async {
        let bytes = |body: Body<'_>| {
            let mut bytes = Vec::new();
            body.encode(Sequence::number(9), &mut bytes);
            bytes
        };
        let bind = |login_type, password| {
            bytes(Body::Bind(Bind {
                login_type,
                name: b"900001",
                password,
                reserve: b"",
            }))
        };
        let deliver = |text| {
            bytes(Body::Deliver(Deliver {
                source: b"8613800000001",
                coding: 15,
                content: text,
                ..Deliver::default()
            }))
        };
        let refused = [
            (bind(2, b"wrong"), (command::BIND, 1)),
            (bind(1, b"secret"), (command::BIND, 4)),
            (deliver(b"1"), (command::DELIVER, 1)),
        ];
        for (first, (request, result)) in refused {
            let mut stream = tokio::net::TcpStream::connect(door).await.unwrap();
            stream.write_all(&first).await.unwrap();
            let said = answer(&mut stream).await;
            assert_eq!(said, Some((request | command::RESP, result)));
            assert_eq!(answer(&mut stream).await, None, "and left");
        }
        let mut welcome = Vec::new();
        for result in [0, 0, 3] {
            let mut stream = tokio::net::TcpStream::connect(door).await.unwrap();
            stream.write_all(&bind(2, b"secret")).await.unwrap();
            let said = answer(&mut stream).await;
            assert_eq!(said, Some((command::BIND | command::RESP, result)));
            welcome.push(stream);
        }
        let mut gateway = welcome.remove(0);
        gateway
            .write_all(&deliver(&[0xCA, 0xD5, 0xB5, 0xBD, b'1']))
            .await
            .unwrap();
        let said = answer(&mut gateway).await;
        assert_eq!(said, Some((command::DELIVER | command::RESP, 0)));
        let mut silent = Vec::new();
        for _ in 0..40 {
            silent.push(tokio::net::TcpStream::connect(door).await.unwrap());
        }
        // Who says nothing is left in its time.
        assert_eq!(answer(silent.last_mut().unwrap()).await, None);
        stop.send(()).unwrap();
        (welcome, gateway)
    };
    let mut replies = Vec::new();
    let serve = async {
        let mut turn = Turn::default();
        while stopped.try_recv().is_err() {
            let next = Duration::from_millis(20);
            if tokio::time::timeout(next, driver.link.turn(&mut turn))
                .await
                .is_ok()
            {
                replies.append(&mut turn.replies);
                driver.take(&mut turn);
            }
        }
    };
    let ((mut welcome, _gateway), ()) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(strangers, serve) })
            .await
            .unwrap();
    assert_eq!(replies.len(), 1);
    assert_eq!((replies[0].phone, &*replies[0].text), (phone(1), "收到1"));
    assert!(driver.link.room() > 0, "the session that sends went on");
    welcome.clear();
}
