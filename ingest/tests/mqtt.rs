//! The MQTT client against a real mosquitto: nothing unacknowledged is lost.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../dispatch/tests/peers/missing.rs"]
mod missing;

use ingest::protocol::Protocol;
use ingest::transport::Frame;
use ingest::transport::mqtt::{Link, MqttConfig, Subscription, Version, listen};
use missing::missing;
use mqtt5::{ConnectOptions, MqttClient};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker of its own on a free port, ended with the test.
struct Mosquitto {
    process: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl Mosquitto {
    /// `None`, said loudly, where it is not installed; that is a failure in continuous integration.
    fn start() -> Option<Self> {
        let binary = [
            "/usr/sbin/mosquitto",
            "/usr/bin/mosquitto",
            "/usr/local/sbin/mosquitto",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists());
        if binary.is_none() {
            missing("mosquitto is not installed (apt-get install mosquitto)");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {0}/\nmax_queued_messages 0\n\
             log_dest file {0}/log\nlog_type all\n",
            directory.path().display()
        );
        std::fs::write(directory.path().join("mosquitto.conf"), config).unwrap();
        let process = Self::spawn(&directory);
        let broker = Self {
            process,
            directory,
            port,
        };
        broker.wait_until_open();
        Some(broker)
    }

    fn spawn(directory: &tempfile::TempDir) -> Child {
        // Mosquitto started by root becomes another user, who must be able to write here.
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(directory.path(), writable).unwrap();
        Command::new("mosquitto")
            .env("PATH", "/usr/sbin:/usr/bin:/usr/local/sbin")
            .arg("-c")
            .arg(directory.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn wait_until_open(&self) {
        for _ in 0..1_000 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("mosquitto did not open its port");
    }

    /// Stops it as an operator would and starts it again with what it kept.
    fn restart(&mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap();
        self.process = Self::spawn(&self.directory);
        self.wait_until_open();
    }

    fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// The version that the broker saw our client speak: `p2` is 3.1.1, `p5` is 5.
    fn saw(&self, version: Version) -> bool {
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap();
        let word = match version {
            Version::V311 => "(p2,",
            Version::V5 => "(p5,",
        };
        let mut ours = log.lines().filter(|line| line.contains("as sanfang-test"));
        ours.clone().count() > 0 && ours.all(|line| line.contains(word))
    }

    fn config(&self, version: Version, in_flight_max: u16) -> MqttConfig {
        MqttConfig {
            url: self.url(),
            client_id: "sanfang-test".into(),
            version,
            ca_file: None,
            username: None,
            password_file: None,
            in_flight_max,
            subscriptions: vec![Subscription {
                filter: "city/+/observations".into(),
                protocol: Protocol::Json,
            }],
        }
    }

    /// A device that speaks MQTT 3.1.1.
    async fn device(&self) -> MqttClient {
        let options = ConnectOptions::new("device")
            .with_protocol_version(mqtt5::ProtocolVersion::V311)
            .with_automatic_reconnect(false);
        let client = MqttClient::with_options(options);
        client.connect(&self.url()).await.unwrap();
        client
    }

    async fn publish(&self, numbers: std::ops::Range<usize>) {
        let device = self.device().await;
        for number in numbers {
            device
                .publish_qos1("city/G1/observations", number.to_string())
                .await
                .unwrap();
        }
        device.disconnect().await.unwrap();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A listening process: all that runs in it ends with its runtime, without a farewell.
struct Listener {
    runtime: Runtime,
    frames: mpsc::Receiver<Frame>,
    link: watch::Receiver<Link>,
}

impl Listener {
    fn start(config: MqttConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (frames_in, frames) = mpsc::channel(1);
        let (link_in, link) = watch::channel(Link::Down { why: String::new() });
        runtime.spawn(async move {
            listen(&config, frames_in, link_in, std::future::pending())
                .await
                .unwrap();
        });
        Self {
            runtime,
            frames,
            link,
        }
    }

    async fn is_up(&mut self) {
        timeout(PATIENCE, self.link.wait_for(|link| *link == Link::Up))
            .await
            .unwrap()
            .unwrap();
    }

    async fn next(&mut self) -> (usize, Frame) {
        let frame = timeout(PATIENCE, self.frames.recv())
            .await
            .unwrap_or_else(|_| panic!("no frame while {:?}", self.link.borrow()))
            .unwrap();
        assert_eq!(frame.topic, "city/G1/observations");
        (
            std::str::from_utf8(&frame.payload)
                .unwrap()
                .parse()
                .unwrap(),
            frame,
        )
    }

    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_a_kill() {
    for version in VERSIONS {
        what_was_not_acknowledged_comes_again_after_a_kill_in(version).await;
    }
}

async fn what_was_not_acknowledged_comes_again_after_a_kill_in(version: Version) {
    let Some(broker) = Mosquitto::start() else {
        return;
    };
    let mut listener = Listener::start(broker.config(version, 100));
    listener.is_up().await;
    broker.publish(0..5).await;
    let mut held = Vec::new();
    for expected in 0..5 {
        let (number, frame) = listener.next().await;
        assert_eq!(number, expected);
        if number < 2 {
            frame.acknowledge();
        } else {
            held.push(frame);
        }
    }
    // A round trip through the broker on the same connection: the two acknowledgements are there.
    broker.publish(5..6).await;
    held.push(listener.next().await.1);
    listener.kill();
    drop(held);
    broker.publish(6..8).await;
    let mut listener = Listener::start(broker.config(version, 100));
    let mut again = std::collections::BTreeSet::new();
    while !again.contains(&7) || again.len() < 6 {
        let (number, frame) = listener.next().await;
        frame.acknowledge();
        again.insert(number);
    }
    assert!((2..8).all(|number| again.contains(&number)), "{again:?}");
    assert!(broker.saw(version), "{version:?}");
    listener.kill();
}

#[tokio::test]
async fn a_dropped_frame_is_asked_for_again() {
    for version in VERSIONS {
        a_dropped_frame_is_asked_for_again_in(version).await;
    }
}

async fn a_dropped_frame_is_asked_for_again_in(version: Version) {
    let Some(broker) = Mosquitto::start() else {
        return;
    };
    let mut listener = Listener::start(broker.config(version, 100));
    listener.is_up().await;
    broker.publish(0..3).await;
    let (number, frame) = listener.next().await;
    assert_eq!(number, 0);
    drop(frame);
    let mut stored = std::collections::BTreeSet::new();
    while stored.len() < 3 {
        let (number, frame) = listener.next().await;
        frame.acknowledge();
        stored.insert(number);
    }
    assert_eq!(stored, (0..3).collect());
    listener.kill();
}

/// Mosquitto 2.0 sends more than the client allows once acknowledgements come in a burst, and a
/// broker of 3.1.1 cannot be told how much that is.
#[tokio::test]
async fn a_broker_that_sends_more_than_allowed_is_put_up_with() {
    for version in VERSIONS {
        a_broker_that_sends_more_than_allowed_is_put_up_with_in(version).await;
    }
}

async fn a_broker_that_sends_more_than_allowed_is_put_up_with_in(version: Version) {
    let Some(broker) = Mosquitto::start() else {
        return;
    };
    let mut listener = Listener::start(broker.config(version, 10));
    listener.is_up().await;
    broker.publish(0..500).await;
    let mut stored = std::collections::BTreeSet::new();
    let mut held = Vec::new();
    while stored.len() < 500 {
        let (number, frame) = listener.next().await;
        stored.insert(number);
        held.push(frame);
        if held.len() == 10 || stored.len() == 500 {
            held.drain(..).for_each(Frame::acknowledge);
        }
    }
    listener.kill();
}

#[tokio::test]
async fn a_broker_that_restarts_is_found_again() {
    for version in VERSIONS {
        a_broker_that_restarts_is_found_again_in(version).await;
    }
}

async fn a_broker_that_restarts_is_found_again_in(version: Version) {
    let Some(mut broker) = Mosquitto::start() else {
        return;
    };
    let mut listener = Listener::start(broker.config(version, 100));
    listener.is_up().await;
    broker.publish(0..1).await;
    listener.next().await.1.acknowledge();
    broker.restart();
    let down = listener.link.wait_for(|link| *link != Link::Up);
    timeout(PATIENCE, down).await.unwrap().unwrap();
    listener.is_up().await;
    broker.publish(1..2).await;
    loop {
        let (number, frame) = listener.next().await;
        frame.acknowledge();
        if number == 1 {
            break;
        }
    }
    listener.kill();
}

#[tokio::test]
async fn it_stops_when_told_and_keeps_its_session() {
    for version in VERSIONS {
        it_stops_when_told_and_keeps_its_session_in(version).await;
    }
}

async fn it_stops_when_told_and_keeps_its_session_in(version: Version) {
    let Some(broker) = Mosquitto::start() else {
        return;
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (frames_in, mut frames) = mpsc::channel(1);
    let (link_in, mut link) = watch::channel(Link::Down { why: String::new() });
    let config = broker.config(version, 100);
    let listening = tokio::spawn(async move {
        listen(&config, frames_in, link_in, async { drop(stopped.await) }).await
    });
    timeout(PATIENCE, link.wait_for(|link| *link == Link::Up))
        .await
        .unwrap()
        .unwrap();
    stop.send(()).unwrap();
    timeout(PATIENCE, listening)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(frames.recv().await.is_none());
    broker.publish(0..1).await;
    let mut listener = Listener::start(broker.config(version, 100));
    assert_eq!(listener.next().await.0, 0, "what came meanwhile");
    listener.kill();
}

#[test]
fn faults_of_the_configuration_are_named() {
    let good = MqttConfig {
        url: "mqtt://127.0.0.1:1883".into(),
        client_id: "a".into(),
        version: Version::V5,
        ca_file: None,
        username: None,
        password_file: None,
        in_flight_max: 10,
        subscriptions: vec![Subscription {
            filter: "a/#".into(),
            protocol: Protocol::Json,
        }],
    };
    assert_eq!(good.check(), Ok(()));
    let bad = |change: fn(&mut MqttConfig)| {
        let mut config = good.clone();
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    assert!(bad(|c| c.url = "127.0.0.1:1883".into()).contains("write mqtt://host:port"));
    assert!(bad(|c| c.client_id.clear()).contains("client_id"));
    assert!(bad(|c| c.in_flight_max = 0).contains("in_flight_max"));
    assert!(bad(|c| c.subscriptions.clear()).contains("subscriptions"));
    assert!(bad(|c| c.subscriptions[0].filter = "a/#/b".into()).contains("\"a/#/b\""));
    let old: MqttConfig = serde_json::from_str(
        r#"{"url":"mqtt://h","client_id":"a","version":"3.1.1","subscriptions":[{"filter":"a"}]}"#,
    )
    .unwrap();
    assert_eq!((old.version, old.check()), (Version::V311, Ok(())));
    assert!(bad(|c| c.url = "mqtt://h:x".into()).contains("mqtt.url"));
    let unknown = r#"{"url":"mqtt://h:1","client_id":"a","subscriptions":[],"qos":2}"#;
    assert!(serde_json::from_str::<MqttConfig>(unknown).is_err());
}

/// A broker that speaks 3.1.1 alone refuses version 5; the word says what to change.
#[tokio::test]
async fn a_version_that_the_broker_does_not_speak_is_named_with_its_remedy() {
    let port = {
        let old = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = old.local_addr().unwrap().port();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            while let Ok((mut stream, _)) = old.accept().await {
                let mut hello = [0; 512];
                let _ = stream.read(&mut hello).await;
                let _ = stream.write_all(&[0x20, 2, 0, 1]).await;
            }
        });
        port
    };
    let config = MqttConfig {
        url: format!("mqtt://127.0.0.1:{port}"),
        client_id: "a".into(),
        version: Version::V5,
        ca_file: None,
        username: None,
        password_file: None,
        in_flight_max: 10,
        subscriptions: vec![Subscription {
            filter: "a".into(),
            protocol: Protocol::Json,
        }],
    };
    let mut listener = Listener::start(config);
    let mut said = String::new();
    timeout(
        PATIENCE,
        listener.link.wait_for(|link| {
            if let Link::Down { why } = link {
                said.clone_from(why);
            }
            !said.is_empty()
        }),
    )
    .await
    .unwrap()
    .unwrap();
    assert!(said.contains("set version to \"3.1.1\""), "{said}");
    listener.kill();
}
