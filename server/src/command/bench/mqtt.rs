//! Observations through a real broker at quality of service 1: as fast as mosquitto hands over.
//!
//! The publisher speaks MQTT 3.1.1 as devices do and keeps a window of unacknowledged messages;
//! what counts is what the service has stored, evaluated and acknowledged to the broker.

use super::Failure;
use super::client::Client;
use super::http::seconds_since;
use super::report::{Line, load_average, progress};
use super::served::{Scratch, Served, cpu_s, free_address};
use super::stream::{Gauges, Stream};
use crate::clock::{Clock, monotonic};
use model::Span;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where distributions put the broker.
const BINARIES: [&str; 3] = [
    "/usr/sbin/mosquitto",
    "/usr/bin/mosquitto",
    "/usr/local/sbin/mosquitto",
];
/// Messages the publisher has sent and not seen acknowledged.
const WINDOW: u64 = 4_000;
/// Messages written at once.
const BURST: u64 = 100;
/// How far back the gauges begin.
const BEHIND: Span = Span::from_minutes(4 * 24 * 60);
/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(60);
const TOPIC: &str = "city/bench/observations";
const STORED: &str = "sanfang_observations_total{outcome=\"accepted\",transport=\"mqtt\"}";

/// A broker of our own on loopback.
struct Broker {
    child: Child,
    address: SocketAddr,
}

/// One observation a message for so long.
pub(super) async fn measure(
    city: &Path,
    scratch: &Scratch,
    load: Duration,
) -> Result<Vec<Line>, Failure> {
    let folder = scratch.folder("mqtt").map_err(failed)?;
    let broker = Broker::start(&folder).await?;
    // A smaller receive maximum is overrun by mosquitto 2.0 in a burst, and the session begins anew.
    let config = format!(
        "[[mqtt]]\nurl = \"mqtt://{}\"\nclient_id = \"bench\"\nin_flight_max = 65535\n[[mqtt.subscriptions]]\nfilter = \"city/+/observations\"\n",
        broker.address
    );
    let gauges = Gauges::load(city)?;
    let served = Served::start(&folder, city, &config).await?;
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    let mut stream = gauges.stream(0, 1, Clock::wall().now() - BEHIND);
    progress("mqtt: one observation a message through mosquitto, QoS 1");
    // Stored once means subscribed.
    let warm = publish(broker.address, &mut stream, Duration::from_secs(2)).await?;
    let before = served.metric(&mut asking, STORED).await?;
    if warm > 0 && before == 0.0 {
        return Err(Failure::Failed(
            "the service took nothing from the broker".into(),
        ));
    }
    wait_stored(&served, &mut asking, warm).await?;
    let id = broker.child.id().to_string();
    let (began, cpu, own, brokers) = (monotonic(), served.cpu_s(), cpu_s("self"), cpu_s(&id));
    let sent = publish(broker.address, &mut stream, load).await?;
    wait_stored(&served, &mut asking, warm + sent).await?;
    served.wait_evaluated(&mut asking).await?;
    let wall_s = seconds_since(began);
    Ok(vec![Line {
        name: "mqtt, QoS 1".into(),
        figure: sent as f64 / wall_s,
        unit: "evaluated/s",
        asked: Some(40_000.0),
        wall_s,
        cpu_s: served.cpu_s() - cpu,
        load_cpu_s: cpu_s("self") - own,
        count: sent,
        load_average: load_average(),
        note: format!(
            "{sent} messages; mosquitto took {:.2} CPU s",
            cpu_s(&id) - brokers
        ),
        ..Line::default()
    }])
}

async fn wait_stored(served: &Served, asking: &mut Client, wanted: u64) -> Result<(), Failure> {
    let began = monotonic();
    while monotonic().duration_since(began) < PATIENCE {
        if served.metric(asking, STORED).await? >= wanted as f64 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stored = served.metric(asking, STORED).await?;
    Err(Failure::Failed(format!(
        "of {wanted} messages the broker took, the service has {stored}"
    )))
}

/// Publishes for so long and waits until the broker has acknowledged everything; gives how many.
async fn publish(
    broker: SocketAddr,
    stream: &mut Stream<'_>,
    load: Duration,
) -> Result<u64, Failure> {
    let connection = connect(broker).await.map_err(failed)?;
    let (mut reading, mut writing) = connection.into_split();
    let (mut sent, mut acknowledged) = (0u64, 0u64);
    let mut answers = vec![0; 1 << 16];
    // Half an acknowledgement may end a read: four octets each.
    let mut octets = 0u64;
    let (mut body, mut out) = (Vec::new(), Vec::new());
    let began = monotonic();
    loop {
        let is_over = monotonic().duration_since(began) >= load;
        if is_over && acknowledged == sent {
            return Ok(sent);
        }
        if !is_over && sent - acknowledged <= WINDOW - BURST {
            out.clear();
            for _ in 0..BURST {
                body.clear();
                stream.write(1, &mut body);
                put_publish(&body, sent, &mut out);
                sent += 1;
            }
            writing.write_all(&out).await.map_err(failed)?;
            continue;
        }
        let read = reading.read(&mut answers).await.map_err(failed)?;
        if read == 0 {
            return Err(Failure::Failed("the broker hung up".into()));
        }
        octets += read as u64;
        acknowledged = octets / 4;
    }
}

/// A connection that the broker has welcomed (MQTT 3.1.1 §3.1, §3.2).
async fn connect(broker: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(broker).await?;
    stream.set_nodelay(true)?;
    let client = b"bench-devices";
    let mut packet = vec![0x10, 10 + 2 + client.len() as u8];
    packet.extend_from_slice(b"\x00\x04MQTT\x04\x02\x00\x00");
    packet.extend_from_slice(&(client.len() as u16).to_be_bytes());
    packet.extend_from_slice(client);
    stream.write_all(&packet).await?;
    let mut welcome = [0; 4];
    stream.read_exact(&mut welcome).await?;
    if welcome != [0x20, 0x02, 0x00, 0x00] {
        return Err(io::Error::other("the broker refused the connection"));
    }
    Ok(stream)
}

/// PUBLISH at quality of service 1 (§3.3); packet identifiers go round, never 0.
fn put_publish(payload: &[u8], number: u64, out: &mut Vec<u8>) {
    let mut length = 2 + TOPIC.len() + 2 + payload.len();
    out.push(0x32);
    while length >= 0x80 {
        out.push((length % 0x80) as u8 | 0x80);
        length /= 0x80;
    }
    out.push(length as u8);
    out.extend_from_slice(&(TOPIC.len() as u16).to_be_bytes());
    out.extend_from_slice(TOPIC.as_bytes());
    out.extend_from_slice(&((number % 65_535 + 1) as u16).to_be_bytes());
    out.extend_from_slice(payload);
}

impl Broker {
    async fn start(folder: &Path) -> Result<Self, Failure> {
        let binary = BINARIES.map(PathBuf::from).into_iter().find(|p| p.exists());
        let binary = binary.ok_or_else(|| {
            Failure::BadInput("mosquitto is not installed: deploy/test-peers.sh installs it".into())
        })?;
        let address = free_address().map_err(failed)?;
        let config = folder.join("mosquitto.conf");
        // As many in flight as the service asks for; the broker's own default is 20.
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n",
            address.port()
        );
        std::fs::write(&config, text).map_err(failed)?;
        let child = Command::new(binary)
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let broker = Self { child, address };
        let began = monotonic();
        while monotonic().duration_since(began) < PATIENCE {
            if connect(address).await.is_ok() {
                return Ok(broker);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Failure::Failed("mosquitto did not open its port".into()))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}
