//! From an accepted observation to the first short message it causes, on one clock.
//!
//! Water rises at one culvert after another; each crossing tells the culvert's owner without a
//! signature. The carrier is played here: the moment at which it reads the owner's message is
//! compared with the moment at which the observation was sent and acknowledged.

use super::Failure;
use super::client::{self, Client};
use super::http::seconds_since;
use super::report::{Line, load_average, progress};
use super::served::{Scratch, Served, cpu_s};
use super::stream::Gauges;
use crate::clock::{Clock, monotonic};
use crate::installation;
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Taken};
use model::{City, Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Between two crossings.
const CROSSING_EVERY: Duration = Duration::from_millis(40);
/// Observations a second behind the crossings, under load.
const BACKGROUND_PER_S: usize = 30_000;
/// Observations in one request of the background.
const BACKGROUND_BATCH: usize = 500;
/// How far back the background's gauges begin.
const BEHIND: Span = Span::from_minutes(12 * 60);
/// How long the last message may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages taken by the carrier and not yet looked at.
const TAKEN_MAX: usize = 65_536;
/// Minutes between the two crossings of one culvert: water that leaps is suspect and waits.
const APART: i64 = 8;

/// A culvert whose owner can be told.
struct Culvert {
    station: String,
    phone: u64,
    /// Depths that cross: the lowest threshold, then the highest.
    depths: [String; 2],
}

/// One crossing on its way.
#[derive(Clone, Copy)]
struct Crossing {
    sent: Instant,
    acknowledged: Instant,
}

/// Microseconds from sending and from the acknowledgement, one each crossing.
#[derive(Default)]
struct Waits {
    from_sent: Vec<i64>,
    from_acknowledged: Vec<i64>,
    lost: usize,
}

/// Idle, then with a background of other observations.
pub(super) async fn measure(city: &Path, scratch: &Scratch) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for background in [0, BACKGROUND_PER_S] {
        let folder = scratch.folder("latency").map_err(failed)?;
        lines.extend(one(city, &folder, background).await?);
    }
    Ok(lines)
}

async fn one(directory: &Path, folder: &Path, background: usize) -> Result<Vec<Line>, Failure> {
    let faulty = |faults: installation::Faulty| Failure::BadInput(faults.to_string());
    let city = installation::city(directory).map_err(faulty)?;
    let people = installation::people(directory, &city, None).map_err(faulty)?;
    let people = people.directory;
    let culverts = culverts(&city, &people);
    let (carrier, mut taken) = carrier().await?;
    let link = format!(
        "[[sms]]\nname = \"bench\"\n[sms.smpp]\naddress = \"{carrier}\"\nsystem_id = \"bench\"\npassword = \"bench\"\nwindow = 1000\n"
    );
    let served = Served::start(folder, directory, &link).await?;
    let gauges = Arc::new(Gauges::of(&city, |_| true));
    let behind =
        (background > 0).then(|| tokio::spawn(run_background(served.address, gauges, background)));
    progress(&format!(
        "latency: {} crossings, {} recipients, {background} observations/s beside them",
        culverts.len() * 2,
        people.len(),
    ));
    let mut client = Client::connect(served.address).await.map_err(failed)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (began, cpu, own) = (monotonic(), served.cpu_s(), cpu_s("self"));
    let mut waits = Waits::default();
    let now = Clock::wall().now().minute();
    for (round, minute) in [(0, now - APART), (1, now)] {
        let time = Time::from_minute(minute).display(city.offset);
        waits
            .round(&culverts, round, &time, &mut client, &mut taken)
            .await
            .map_err(failed)?;
    }
    let wall_s = seconds_since(began);
    let (cpu_s, load_cpu_s) = (served.cpu_s() - cpu, cpu_s("self") - own);
    if let Some(behind) = behind {
        behind.abort();
    }
    let line = Line {
        unit: "ms",
        less_is_better: true,
        wall_s,
        cpu_s,
        load_cpu_s,
        load_average: load_average(),
        ..Line::default()
    };
    Ok(waits.lines(&line, background))
}

impl Waits {
    /// Lets the water rise at each culvert in turn and waits for its owner's message.
    async fn round(
        &mut self,
        culverts: &[Culvert],
        round: usize,
        time: &str,
        client: &mut Client,
        taken: &mut mpsc::Receiver<Taken>,
    ) -> io::Result<()> {
        let mut open: BTreeMap<u64, Crossing> = BTreeMap::new();
        let mut due = tokio::time::Instant::now();
        for culvert in culverts {
            due += CROSSING_EVERY;
            tokio::time::sleep_until(due).await;
            let depth = culvert.depths.get(round).map_or("0", String::as_str);
            let body = format!(
                r#"{{"station":"{}","parameter":"water_depth","time":"{time}","value":{depth}}}"#,
                culvert.station
            );
            let sent = monotonic();
            let answer = client
                .post("/v1/observations", None, body.as_bytes())
                .await?;
            let acknowledged = monotonic();
            if client::count(answer.body, "accepted") != Some(1) {
                let words = String::from_utf8_lossy(answer.body).into_owned();
                return Err(io::Error::other(format!("{}: {words}", answer.status)));
            }
            let crossing = Crossing { sent, acknowledged };
            open.insert(culvert.phone, crossing);
            while let Ok(message) = taken.try_recv() {
                self.heard(&message, &mut open);
            }
        }
        let last = tokio::time::Instant::now() + PATIENCE;
        while !open.is_empty()
            && let Ok(Some(message)) = tokio::time::timeout_at(last, taken.recv()).await
        {
            self.heard(&message, &mut open);
        }
        self.lost += open.len();
        Ok(())
    }

    fn heard(&mut self, message: &Taken, open: &mut BTreeMap<u64, Crossing>) {
        let at = message.at.into_std();
        // A message read before the observation was sent belongs to an earlier one.
        let Some(crossing) = open.get(&message.phone).filter(|c| c.sent <= at).copied() else {
            return;
        };
        open.remove(&message.phone);
        self.from_sent.push(micros(crossing.sent, at));
        self.from_acknowledged
            .push(micros(crossing.acknowledged, at));
    }

    fn lines(mut self, line: &Line, background: usize) -> Vec<Line> {
        self.from_sent.sort_unstable();
        self.from_acknowledged.sort_unstable();
        let kind = if background > 0 { "under load" } else { "idle" };
        let wanted = |asked: f64, goal: f64| match background {
            0 => (None, Some(goal)),
            _ => (Some(asked), None),
        };
        [("p50", 0.5, wanted(12.0, 1.5)), ("p99", 0.99, wanted(50.0, 5.0))]
            .into_iter()
            .map(|(word, share, (asked, goal))| Line {
                name: format!("202 to first PDU, {kind}, {word}"),
                figure: quantile(&self.from_acknowledged, share),
                asked,
                goal,
                note: format!(
                    "{word} {:.2} ms from sending the request; {} crossings, {} without a message; {background} observations/s beside them",
                    quantile(&self.from_sent, share),
                    self.from_sent.len(),
                    self.lost
                ),
                ..line.clone()
            })
            .collect()
    }
}

/// Culverts that the registry gives a sensor, thresholds and an owner with a telephone.
fn culverts(city: &City, people: &dispatch::directory::Directory) -> Vec<Culvert> {
    let mut phones = BTreeSet::new();
    let mut found = Vec::new();
    for contact in people.contacts().iter().filter(|c| !c.is_deputy) {
        let Some(site) = contact.site.and_then(|no| city.site(no)) else {
            continue;
        };
        let station = site.station.and_then(|no| city.station(no));
        let depth = |name: &str| site.thresholds.get(name).cloned();
        if let (true, Some(phone), Some(station), Some(low), Some(high)) = (
            matches!(site.kind.as_str(), "culvert" | "underpass"),
            contact.phone,
            station,
            depth("blue"),
            depth("red"),
        ) && phones.insert(phone)
        {
            found.push(Culvert {
                station: station.id.clone(),
                phone,
                depths: [low, high],
            });
        }
    }
    found
}

/// A carrier in this process that says what it reads and when.
async fn carrier() -> Result<(SocketAddr, mpsc::Receiver<Taken>), Failure> {
    let config = CarrierConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        ..CarrierConfig::default()
    };
    let mut carrier = Carrier::bind(config, || Clock::wall().now())
        .await
        .map_err(|error| Failure::Failed(format!("carrier simulator: {error}")))?;
    let taken = carrier.watch(TAKEN_MAX);
    let address = carrier.address();
    tokio::spawn(carrier.serve());
    Ok((address, taken))
}

/// Sends observations at a steady rate until it is aborted.
async fn run_background(address: SocketAddr, gauges: Arc<Gauges>, per_s: usize) -> io::Result<()> {
    let mut client = Client::connect(address).await?;
    let mut stream = gauges.stream(0, 1, Clock::wall().now() - BEHIND);
    let every = Duration::from_secs(1) * BACKGROUND_BATCH as u32 / per_s as u32;
    let mut due = tokio::time::Instant::now();
    let mut body = Vec::new();
    loop {
        due += every;
        tokio::time::sleep_until(due).await;
        body.clear();
        stream.write(BACKGROUND_BATCH, &mut body);
        client.post("/v1/observations", None, &body).await?;
    }
}

fn micros(from: Instant, to: Instant) -> i64 {
    let forward = to.saturating_duration_since(from).as_micros();
    let back = from.saturating_duration_since(to).as_micros();
    i64::try_from(forward).unwrap_or(i64::MAX) - i64::try_from(back).unwrap_or(i64::MAX)
}

/// Milliseconds below which that share of the sorted microseconds lies.
fn quantile(sorted: &[i64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    let value = sorted.get(at.saturating_sub(1)).or(sorted.last());
    value.map_or(f64::NAN, |micros| *micros as f64 / 1000.0)
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_waits() {
        let waits: Vec<i64> = (1..=100).map(|n| n * 1000).collect();
        assert_eq!(quantile(&waits, 0.5), 50.0);
        assert_eq!(quantile(&waits, 0.99), 99.0);
        assert_eq!(quantile(&waits[..1], 0.99), 1.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
