//! The SMPP link against the simulated carrier: faults, many sessions, the carrier's own log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dispatch::gateway::sms::{
    Answer, DeliveryReceipt, Link, LinkConfig, MessageState, Outcome, Prepared, Receipts, Secret,
    SessionState, Style, Submit, Turn, Validity,
};
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts, IdSpelling};
use model::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

fn clock() -> Time {
    Time::from_seconds(1_694_062_800)
}

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Given {
    answers: Vec<Answer>,
    receipts: Vec<DeliveryReceipt>,
    ups: usize,
    downs: usize,
}

async fn carrier(config: CarrierConfig) -> (Arc<Counts>, String) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = CarrierConfig { listen, ..config };
    let carrier = Carrier::bind(config, clock).await.unwrap();
    let (counts, address) = (carrier.counts(), carrier.address().to_string());
    tokio::spawn(carrier.serve());
    (counts, address)
}

fn link(address: String, change: impl FnOnce(&mut LinkConfig)) -> Link {
    let mut config = LinkConfig {
        addresses: vec![address],
        account: "sanfang".to_owned(),
        password: Secret("secret".to_owned()),
        reconnect_min: Span::from_millis(10),
        response_timeout: Some(Span::from_seconds(2)),
        ..LinkConfig::default()
    };
    change(&mut config);
    Link::new(config, clock).unwrap()
}

fn prepare(text: &str, reference: u8) -> Prepared {
    let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
    Prepared::new(text, &Style::default(), not_after, reference).unwrap()
}

fn phone(token: u64) -> u64 {
    8_613_800_000_000 + token
}

/// Sends every submit once and waits until `done`.
async fn drive(
    link: &mut Link,
    batch: &[Submit<'_>],
    given: &mut Given,
    done: impl Fn(&Given) -> bool,
) {
    let mut turn = Turn::default();
    let mut sent = 0;
    let waited = tokio::time::timeout(PATIENCE, async {
        while sent < batch.len() || !done(given) {
            sent += link.submit(&batch[sent..]);
            link.turn(&mut turn).await;
            assert_eq!(turn.faults, []);
            link.acknowledge(turn.mark);
            given.answers.append(&mut turn.answers);
            given.receipts.append(&mut turn.receipts);
            for change in &turn.changes {
                match change.state {
                    SessionState::Up => given.ups += 1,
                    SessionState::Down { .. } => given.downs += 1,
                }
            }
        }
    });
    let ended = waited.await;
    assert!(
        ended.is_ok(),
        "sent {sent}, answered {}",
        given.answers.len()
    );
}

/// Over three sessions and windows that cut long messages in two: each message has one answer and
/// one receipt, and the carrier's log holds each text whole under the identifiers given.
#[tokio::test]
async fn every_message_is_in_the_carriers_log_once_and_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("carrier.tsv");
    let (counts, address) = carrier(CarrierConfig {
        system_id: "sanfang".to_owned(),
        password: "secret".to_owned(),
        receipt_after: Some(Span::from_millis(5)),
        receipt_ids: IdSpelling::Mixed,
        fail_every: 97,
        latency: Span::from_millis(1),
        log: Some(path.clone()),
        ..CarrierConfig::default()
    })
    .await;
    let mut link = link(address, |config| {
        (config.sessions, config.window) = (3, Some(7))
    });
    let texts = [
        "暴雨红色预警，立即转移。".to_owned(),
        "台风\t路径\\\n".repeat(30),
        "Evacuate.".to_owned(),
    ];
    let prepared: Vec<Prepared> = (0..)
        .zip(&texts)
        .map(|(n, text)| prepare(text, n))
        .collect();
    let variant = |token: u64| usize::try_from(token % 3).unwrap();
    let batch: Vec<Submit<'_>> = (0..2_000)
        .map(|token| Submit {
            token,
            phone: phone(token),
            text: &prepared[variant(token)],
        })
        .collect();
    let mut given = Given::default();
    drive(&mut link, &batch, &mut given, |g| g.receipts.len() == 2_000).await;
    assert_eq!(given.answers.len(), 2_000);
    let matched: BTreeSet<u64> = given.receipts.iter().map(|r| r.token.unwrap()).collect();
    assert_eq!(matched.len(), 2_000);
    assert!(
        given
            .receipts
            .iter()
            .all(|r| phone(r.token.unwrap()) == r.phone)
    );
    let failed = given
        .receipts
        .iter()
        .filter(|r| r.state != MessageState::Delivered);
    assert!(failed.clone().count() > 20);
    assert!(
        failed
            .clone()
            .all(|r| r.state == MessageState::Undeliverable && r.reason.to_string() == "027")
    );
    assert_eq!(Counts::read(&counts.binds), 3);

    let mut turn = Turn::default();
    link.close(&mut turn).await;
    let log = std::fs::read_to_string(&path).unwrap();
    let mut seen = BTreeMap::new();
    for line in log.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, outcome, destination, ids, validity, text] = fields[..] else {
            panic!("{line}");
        };
        let token = destination.parse::<u64>().unwrap() - phone(0);
        let text = text
            .replace("\\t", "\t")
            .replace("\\n", "\n")
            .replace("\\\\", "\\");
        assert_eq!((outcome, validity), ("accepted", "230907094640000+"));
        assert_eq!(text, texts[variant(token)]);
        assert_eq!(ids.split(',').count(), prepared[variant(token)].parts());
        assert!(
            seen.insert(token, ids.to_owned()).is_none(),
            "{token} twice"
        );
    }
    assert_eq!(seen.len(), 2_000);
    for answer in &given.answers {
        let Outcome::Accepted { id: Some(id) } = answer.outcome else {
            panic!("{answer:?}")
        };
        let ids = seen[&answer.token].split(',');
        let wanted = ids.map(|id| u64::from_str_radix(id, 16).unwrap()).min();
        assert_eq!(Some(id.0), wanted);
    }
}

/// A carrier with every fault at once: each submit still has exactly one answer that is not late,
/// and what was told as accepted is what the carrier counts as accepted.
#[tokio::test]
async fn every_submit_has_one_answer_whatever_the_carrier_does() {
    let (counts, address) = carrier(CarrierConfig {
        throttle_every: 5,
        silence_every: 501,
        refuse_every: 11,
        close_after: 700,
        ..CarrierConfig::default()
    })
    .await;
    let mut link = link(address, |config| {
        (config.sessions, config.window) = (2, Some(50));
        config.response_timeout = Some(Span::from_millis(300));
        config.sender.receipts = Receipts::None;
    });
    let (short, long) = (prepare("暴雨", 1), prepare(&"暴雨".repeat(50), 2));
    let batch: Vec<Submit<'_>> = (0..5_000)
        .map(|token| Submit {
            token,
            phone: phone(token),
            text: if token % 7 == 0 { &long } else { &short },
        })
        .collect();
    let mut given = Given::default();
    drive(&mut link, &batch, &mut given, |g| g.answers.len() >= 5_000).await;
    let tokens: BTreeSet<u64> = given.answers.iter().map(|a| a.token).collect();
    assert_eq!((given.answers.len(), tokens.len()), (5_000, 5_000));
    assert!(
        given.downs >= 4 && given.ups >= 4,
        "{} {}",
        given.downs,
        given.ups
    );
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut accepted_parts = 0;
    for answer in &given.answers {
        let kind = match answer.outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Permanent(_) => "permanent",
            Outcome::Silent => "silent",
            Outcome::Cut => "cut",
            Outcome::Unsent => "unsent",
            Outcome::Transient(status) | Outcome::Doubtful(status) => panic!("{status}"),
        };
        *kinds.entry(kind).or_default() += 1;
        if kind == "accepted" {
            accepted_parts += if answer.token % 7 == 0 { 2 } else { 1 };
        }
    }
    for kind in ["accepted", "throttled", "permanent", "silent", "cut"] {
        assert!(kinds.contains_key(kind), "{kinds:?}");
    }
    // What we count as accepted, the carrier has accepted; it may have taken more than we know of.
    assert!(
        accepted_parts <= Counts::read(&counts.accepted),
        "{kinds:?}"
    );
}

/// The courier may drive a link from any task of a many-threaded runtime.
#[test]
fn a_link_may_move_between_threads() {
    const fn send<T: Send>() {}
    send::<Link>();
}

#[tokio::test]
async fn a_wrong_account_never_gets_room() {
    let (counts, address) = carrier(CarrierConfig {
        system_id: "somebody".to_owned(),
        ..CarrierConfig::default()
    })
    .await;
    let mut link = link(address, |config| {
        (config.sessions, config.receivers) = (1, 1)
    });
    let mut given = Given::default();
    drive(&mut link, &[], &mut given, |g| g.downs >= 4).await;
    assert_eq!(
        (link.room(), given.ups, Counts::read(&counts.binds)),
        (0, 0, 0)
    );
}

/// A carrier brings again what was not answered; so nothing is lost if we die before the commit.
#[tokio::test]
async fn receipts_are_answered_only_once_they_are_durable() {
    let (counts, address) = carrier(CarrierConfig {
        receipt_after: Some(Span::ZERO),
        ..CarrierConfig::default()
    })
    .await;
    let mut link = link(address, |_| {});
    let text = prepare("暴雨", 1);
    let batch: Vec<Submit<'_>> = (0..10)
        .map(|token| Submit {
            token,
            phone: phone(token),
            text: &text,
        })
        .collect();
    let mut turn = Turn::default();
    let (mut sent, mut receipts, mut marks) = (0, 0, Vec::new());
    while receipts < 10 {
        sent += link.submit(&batch[sent..(sent + 1).min(10)]);
        link.turn(&mut turn).await;
        receipts += turn.receipts.len();
        marks.push(turn.mark);
    }
    assert_eq!(
        (Counts::read(&counts.receipts_taken), marks.last()),
        (0, Some(&10))
    );
    link.acknowledge(4);
    link.close(&mut turn).await;
    assert_eq!(Counts::read(&counts.receipts_taken), 4);
}

/// Lets the first connection through to the centre and closes each later one at once.
async fn one_session_only(centre: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut ours, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut theirs = tokio::net::TcpStream::connect(centre).await.unwrap();
            tokio::io::copy_bidirectional(&mut ours, &mut theirs)
                .await
                .ok();
        });
        while listener.accept().await.is_ok() {}
    });
    address
}

#[tokio::test]
async fn a_session_that_cannot_bind_takes_nothing_from_the_one_that_is_bound() {
    let (_, address) = carrier(CarrierConfig::default()).await;
    let address = one_session_only(address).await;
    let mut link = link(address, |config| {
        (config.sessions, config.window) = (2, Some(7))
    });
    assert_eq!(link.window(), 0);
    let text = prepare("暴雨", 1);
    let batch = [1, 2, 3].map(|token| Submit {
        token,
        phone: phone(token),
        text: &text,
    });
    let mut given = Given::default();
    drive(&mut link, &[], &mut given, |g| g.downs >= 5).await;
    assert_eq!((given.ups, link.window()), (1, 7));
    drive(&mut link, &batch, &mut given, |g| g.answers.len() == 3).await;
}

#[tokio::test]
async fn a_session_that_only_receives_is_no_way_out() {
    let (_, address) = carrier(CarrierConfig::default()).await;
    let mut link = link(address, |config| {
        (config.sessions, config.receivers, config.window) = (1, 1, Some(7));
    });
    let mut given = Given::default();
    drive(&mut link, &[], &mut given, |g| g.ups == 2).await;
    assert_eq!(link.window(), 7);
}

/// The answers lie in the socket while we are busy elsewhere, or come soon after: that is not the
/// carrier's silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_of_ours_is_not_the_carriers_silence() {
    for latency in [100, 1_100] {
        stalled(Span::from_millis(latency)).await;
    }
}

async fn stalled(latency: Span) {
    let (_, address) = carrier(CarrierConfig {
        latency,
        ..CarrierConfig::default()
    })
    .await;
    let mut link = link(address, |config| {
        config.response_timeout = Some(Span::from_millis(600));
        config.enquire_after = Some(Span::from_millis(600));
    });
    let text = prepare("暴雨", 1);
    let batch: Vec<Submit<'_>> = (0..100)
        .map(|token| Submit {
            token,
            phone: phone(token),
            text: &text,
        })
        .collect();
    let mut given = Given::default();
    drive(&mut link, &[], &mut given, |g| g.ups == 1).await;
    assert_eq!(link.submit(&batch), 100);
    let brief = Duration::from_millis(20);
    let nothing = tokio::time::timeout(brief, link.turn(&mut Turn::default())).await;
    assert!(nothing.is_err(), "written, and not answered yet");
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    drive(&mut link, &[], &mut given, |g| g.answers.len() == 100).await;
    let taken = |answer: &&Answer| matches!(answer.outcome, Outcome::Accepted { .. });
    assert_eq!(given.answers.iter().filter(taken).count(), 100);
    assert_eq!(given.downs, 0);
}
