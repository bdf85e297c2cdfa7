//! Observations over HTTP: in batches, and one a request.

use super::Failure;
use super::client::{self, Client};
use super::report::{Line, load_average, progress};
use super::served::{Scratch, Served, cpu_s};
use super::stream::{Gauges, Stream};
use crate::clock::{Clock, monotonic};
use model::{Span, Time};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Observations in one request.
const BATCHES: [usize; 3] = [100, 1_000, 5_000];
/// Connections that send batches: some are read while others wait for the disk.
const CONNECTIONS: usize = 4;
/// Connections with one observation in flight each.
const SINGLES: usize = 512;
/// Load before it counts.
pub(super) const WARM_UP: Duration = Duration::from_secs(2);
/// How far back the gauges begin: they catch up as after an outage.
pub(super) const BEHIND: Span = Span::from_minutes(8 * 24 * 60);

/// What a load came to.
pub(super) struct Sent {
    pub(super) accepted: u64,
    requests: u64,
    /// Where the gauges stand.
    pub(super) until: Time,
}

/// Batches of each size in turn.
pub(super) async fn batches(
    city: &Path,
    scratch: &Scratch,
    load: Duration,
) -> Result<Vec<Line>, Failure> {
    let gauges = Arc::new(Gauges::load(city)?);
    let folder = scratch.folder("http").map_err(failed)?;
    let served = Served::start(&folder, city, "").await?;
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    let mut from = Clock::wall().now() - BEHIND;
    progress("http: warming up");
    from = send(served.address, &gauges, (CONNECTIONS, 1_000), from, WARM_UP)
        .await?
        .until;
    served.wait_evaluated(&mut asking).await?;
    let mut lines = Vec::new();
    for batch in BATCHES {
        progress(&format!(
            "http: batches of {batch} from {} gauges for {} s",
            gauges.len(),
            load.as_secs()
        ));
        let (began, cpu, own) = (monotonic(), served.cpu_s(), cpu_s("self"));
        let sent = send(served.address, &gauges, (CONNECTIONS, batch), from, load).await?;
        from = sent.until;
        served.wait_evaluated(&mut asking).await?;
        let wall_s = seconds_since(began);
        lines.push(Line {
            name: format!("http, batches of {batch}"),
            figure: sent.accepted as f64 / wall_s,
            unit: "evaluated/s",
            asked: Some(250_000.0),
            goal: Some(1_000_000.0),
            wall_s,
            cpu_s: served.cpu_s() - cpu,
            load_cpu_s: cpu_s("self") - own,
            count: sent.accepted,
            load_average: load_average(),
            note: format!(
                "{} observations, {} requests, {CONNECTIONS} connections, {} MB resident",
                sent.accepted,
                sent.requests,
                served.resident_bytes() >> 20
            ),
            ..Line::default()
        });
    }
    Ok(lines)
}

/// One observation a request.
pub(super) async fn single(
    city: &Path,
    scratch: &Scratch,
    load: Duration,
) -> Result<Vec<Line>, Failure> {
    let gauges = Arc::new(Gauges::load(city)?);
    let folder = scratch.folder("single").map_err(failed)?;
    let served = Served::start(&folder, city, "").await?;
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    let from = Clock::wall().now() - BEHIND;
    progress("single: one observation a request");
    let from = send(served.address, &gauges, (SINGLES, 1), from, WARM_UP)
        .await?
        .until;
    served.wait_evaluated(&mut asking).await?;
    let (began, cpu, own) = (monotonic(), served.cpu_s(), cpu_s("self"));
    let sent = send(served.address, &gauges, (SINGLES, 1), from, load).await?;
    served.wait_evaluated(&mut asking).await?;
    let wall_s = seconds_since(began);
    Ok(vec![Line {
        name: "http, one a request".into(),
        figure: sent.accepted as f64 / wall_s,
        unit: "evaluated/s",
        asked: Some(15_000.0),
        wall_s,
        cpu_s: served.cpu_s() - cpu,
        load_cpu_s: cpu_s("self") - own,
        count: sent.accepted,
        load_average: load_average(),
        note: format!("{SINGLES} connections, one observation in flight each"),
        ..Line::default()
    }])
}

/// Sends batches over so many connections for so long; each waits for its 202 before the next.
pub(super) async fn send(
    address: SocketAddr,
    gauges: &Arc<Gauges>,
    (connections, batch): (usize, usize),
    from: Time,
    load: Duration,
) -> Result<Sent, Failure> {
    let began = monotonic();
    let mut tasks = Vec::new();
    for part in 0..connections {
        let gauges = Arc::clone(gauges);
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut stream = gauges.stream(part, connections, from);
            let mut sent = Sent {
                accepted: 0,
                requests: 0,
                until: from,
            };
            let mut body = Vec::new();
            while monotonic().duration_since(began) < load {
                post(&mut client, &mut stream, batch, &mut body).await?;
                sent.accepted += batch as u64;
                sent.requests += 1;
            }
            // The minute begun is left out: the next load begins with a new one.
            sent.until = stream.now() + Span::from_minutes(1);
            Ok::<_, io::Error>(sent)
        }));
    }
    let mut all = Sent {
        accepted: 0,
        requests: 0,
        until: from,
    };
    for task in tasks {
        let sent = task
            .await
            .map_err(|error| Failure::Failed(error.to_string()))?
            .map_err(failed)?;
        all.accepted += sent.accepted;
        all.requests += sent.requests;
        all.until = all.until.max(sent.until);
    }
    Ok(all)
}

/// Sends the next `batch` observations of a stream; all must be taken.
pub(super) async fn post(
    client: &mut Client,
    stream: &mut Stream<'_>,
    batch: usize,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    body.clear();
    stream.write(batch, body);
    let answer = client.post("/v1/observations", None, body).await?;
    let accepted = client::count(answer.body, "accepted");
    if answer.status != 202 || accepted != Some(batch as u64) {
        let words = String::from_utf8_lossy(answer.body).into_owned();
        return Err(io::Error::other(format!("{}: {words}", answer.status)));
    }
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// Seconds on the wall since then.
pub(super) fn seconds_since(began: Instant) -> f64 {
    monotonic().duration_since(began).as_secs_f64()
}
