//! The MQTT client against a broker that does as it is told, also what mosquitto never does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use ingest::protocol::Protocol;
use ingest::transport::Frame;
use ingest::transport::mqtt::packet::PACKET_BYTES_MAX;
use ingest::transport::mqtt::{Link, MqttConfig, Subscription, Version, listen};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client of two filters, its frames and how it stands, and the broker's side of its connection
/// once it was granted `codes`.
async fn granted(codes: &[u8]) -> (mpsc::Receiver<Frame>, watch::Receiver<Link>, TcpStream) {
    let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscription = |filter: &str| Subscription {
        filter: filter.into(),
        protocol: Protocol::Json,
    };
    let config = MqttConfig {
        url: format!("mqtt://{}", broker.local_addr().unwrap()),
        client_id: "sanfang-test".into(),
        version: Version::V311,
        ca_file: None,
        username: None,
        password_file: None,
        in_flight_max: 10,
        subscriptions: vec![subscription("rain/#"), subscription("level/#")],
    };
    let (frames_in, frames) = mpsc::channel(1);
    let (link_in, link) = watch::channel(Link::Down { why: String::new() });
    tokio::spawn(async move {
        let stop = std::future::pending();
        listen(&config, frames_in, link_in, stop).await.unwrap();
    });
    let (mut client, _) = broker.accept().await.unwrap();
    assert_eq!(packet(&mut client).await.0 >> 4, 1, "CONNECT");
    client.write_all(&[0x20, 2, 0, 0]).await.unwrap();
    let (kind, body) = packet(&mut client).await;
    assert_eq!(kind >> 4, 8, "SUBSCRIBE");
    let length = u8::try_from(2 + codes.len()).unwrap();
    let answer = [&[0x90, length, body[0], body[1]], codes].concat();
    client.write_all(&answer).await.unwrap();
    (frames, link, client)
}

/// A packet of less than 128 bytes.
async fn packet(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.unwrap();
    assert!(head[1] < 128);
    let mut body = vec![0; usize::from(head[1])];
    stream.read_exact(&mut body).await.unwrap();
    (head[0], body)
}

async fn why_down(mut link: watch::Receiver<Link>) -> String {
    let is_told = |link: &Link| match link {
        Link::Up => panic!("it listens"),
        Link::Down { why } => !why.is_empty(),
    };
    let told = timeout(PATIENCE, link.wait_for(is_told)).await.unwrap();
    format!("{:?}", *told.unwrap())
}

#[tokio::test]
async fn a_grant_that_loses_messages_is_refused() {
    let (_frames, link, _client) = granted(&[1, 0]).await;
    let why = why_down(link).await;
    assert!(
        why.contains("quality of service 0") && why.contains("level/#"),
        "{why}"
    );
    let (_frames, link, _client) = granted(&[0x80, 1]).await;
    let why = why_down(link).await;
    assert!(
        why.contains("refuses the filter") && why.contains("rain/#"),
        "{why}"
    );
}

#[tokio::test]
async fn an_answer_for_some_filters_only_is_refused() {
    let (_frames, link, _client) = granted(&[1]).await;
    let why = why_down(link).await;
    assert!(why.contains("1 of 2 filters"), "{why}");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_handed_over_as_such_and_owed_until_that_is_kept() {
    let (mut frames, _link, mut client) = granted(&[1, 1]).await;
    let payload = vec![b'7'; PACKET_BYTES_MAX + 1];
    let mut long = 2 + "rain/1".len() + 2 + payload.len();
    let mut message = vec![0x32];
    while long > 0 {
        let more = if long >> 7 > 0 { 0x80 } else { 0 };
        message.push(u8::try_from(long & 0x7f).unwrap() | more);
        long >>= 7;
    }
    message.extend_from_slice(b"\x00\x06rain/1\x00\x07");
    message.extend_from_slice(&payload);
    client.write_all(&message).await.unwrap();
    let frame = timeout(PATIENCE, frames.recv()).await.unwrap().unwrap();
    assert_eq!(frame.topic, "rain/1");
    assert_eq!(frame.overlong, Some(payload.len() + 10));
    assert!(payload.starts_with(&frame.payload) && !frame.payload.is_empty());
    let early = timeout(Duration::from_millis(200), packet(&mut client)).await;
    assert!(early.is_err(), "it is not acknowledged yet: {early:?}");
    frame.acknowledge();
    let paid = timeout(PATIENCE, packet(&mut client)).await.unwrap();
    assert_eq!(paid, (0x40, vec![0, 7]));
}
