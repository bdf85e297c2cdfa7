//! Back after a kill: minute values of three days for many gauges, the process killed, and the
//! time until it evaluates again.
//!
//! The values come in over HTTP as after a long outage of the network, minute by minute; the
//! service keeps its state as it always does. Nothing is prepared for the kill.

use super::Failure;
use super::client::Client;
use super::http::{post, seconds_since};
use super::report::{Line, load_average, progress};
use super::served::{Scratch, Served, cpu_s};
use super::sms;
use super::stream::Gauges;
use crate::clock::{Clock, monotonic};
use model::{Span, Time};
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Connections that send.
const CONNECTIONS: usize = 4;
/// Observations in one request.
const BATCH: usize = 5_000;
/// The zones measure their windows each minute.
const MEASURED_WITHIN: Duration = Duration::from_secs(130);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Minutes sent before the connections wait for each other.
const TOGETHER: i64 = 20;
/// Between two words about it.
const WORD_EVERY: Span = Span::from_minutes(360);

/// The rule whose windows are filled; no gauge reaches it.
const RULE: &str = r#"schema = 1
version = "recovery"

[[rule]]
id = "long-rain"
hazard = "11B03"
name = { zh = "暴雨", en = "Rainstorm" }
subject = "station"
area = { level = "township", quorum = "1" }
blue = 'rainfall.sum("72h") >= 4000.0'
yellow = 'rainfall.sum("24h") >= 4000.0'
orange = 'rainfall.sum("6h") >= 4000.0'
red = 'rainfall.sum("1h") >= 4000.0'
source = { document = "bench: windows of the common lengths", confidence = "design-default" }
"#;

/// Fills the windows of `series` gauges over `hours`, kills, starts again.
pub(super) async fn measure(
    city: &Path,
    scratch: &Scratch,
    series: usize,
    hours: i64,
) -> Result<Vec<Line>, Failure> {
    let folder = scratch.folder("recovery").map_err(failed)?;
    let town = folder.join("city");
    sms::copy(city, &town).map_err(failed)?;
    stations(&town, series, |_| true).map_err(failed)?;
    rules(&town, "").map_err(failed)?;
    let gauges = Arc::new(Gauges::load(&town)?);
    let mut served = Served::start(&folder, &town, "").await?;
    let empty = served.resident_bytes();
    let minutes = hours * 60;
    let mut from = Clock::wall().now() - Span::from_minutes(minutes);
    let until = Time::from_minute(from.minute() + minutes);
    let began = monotonic();
    while from < until {
        let next = (from + Span::from_minutes(TOGETHER)).min(until);
        send(served.address, &gauges, from, next).await?;
        from = next;
        if until.since(from).millis() % WORD_EVERY.millis() != 0 {
            continue;
        }
        progress(&format!(
            "recovery: {} of {hours} hours for {} gauges are in, {:.0} s",
            hours - until.since(from).millis() / 3_600_000,
            gauges.len(),
            seconds_since(began),
        ));
    }
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    served.wait_evaluated(&mut asking).await?;
    let held = served.resident_bytes().saturating_sub(empty);
    let (in_use, window_bytes) = windows(&served, &mut asking, gauges.len()).await?;
    progress("recovery: killed");
    served.kill();
    let (began, own) = (monotonic(), cpu_s("self"));
    served.start_again().await?;
    let ready_s = seconds_since(began);
    send(
        served.address,
        &gauges,
        until,
        until + Span::from_minutes(1),
    )
    .await?;
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    served.wait_evaluated(&mut asking).await?;
    let wall_s = seconds_since(began);
    let line = |name: &str| Line {
        name: format!("{name}, {} series × {hours} h", gauges.len()),
        less_is_better: true,
        wall_s,
        cpu_s: served.cpu_s(),
        load_cpu_s: cpu_s("self") - own,
        load_average: load_average(),
        ..Line::default()
    };
    Ok(vec![
        Line {
            figure: wall_s,
            unit: "s",
            asked: Some(15.0),
            goal: Some(5.0),
            note: format!(
                "ready after {ready_s:.2} s, then a value of each gauge stored and evaluated; {} MB resident after the start",
                served.resident_bytes() >> 20
            ),
            ..line("back after kill -9")
        },
        Line {
            figure: window_bytes / in_use.max(1.0) / 1000.0,
            unit: "KB a series",
            asked: Some(9.0),
            note: format!("windows of {in_use} series: gauges near a border stand in two zones"),
            ..line("state")
        },
        Line {
            figure: held as f64 / gauges.len().max(1) as f64 / 1000.0,
            unit: "KB a gauge",
            note: "resident memory over that of the same service before the first value, \
                   with screens, views, journal and what the allocator keeps"
                .into(),
            ..line("memory")
        },
    ])
}

/// Series that hold readings and the bytes of their windows, as the zones measure them each minute.
async fn windows(
    served: &Served,
    asking: &mut Client,
    gauges: usize,
) -> Result<(f64, f64), Failure> {
    let began = monotonic();
    loop {
        let figure = |name: &str| format!("sanfang_windows{{figure=\"{name}\"");
        let series = served.metric(asking, &figure("series")).await?;
        if series >= gauges as f64 {
            return Ok((series, served.metric(asking, &figure("bytes")).await?));
        }
        if monotonic().duration_since(began) > MEASURED_WITHIN {
            let words = format!("{series} of {gauges} series hold readings");
            return Err(Failure::Failed(words));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The wanted stations of the city over and over, each under a number of its own.
pub(super) fn stations(
    town: &Path,
    series: usize,
    wanted: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let path = town.join("stations.csv");
    let text = std::fs::read_to_string(&path)?;
    let mut lines = text.lines();
    let mut out = format!("{}\n", lines.next().unwrap_or_default());
    let rows: Vec<&str> = lines
        .filter(|line| line.contains(",rain_gauge,") && wanted(line))
        .collect();
    for (number, row) in rows.iter().cycle().take(series).enumerate() {
        let rest = row.split_once(',').map_or("", |(_, rest)| rest);
        let _ = writeln!(out, "R{number:06},{rest}");
    }
    std::fs::write(path, out)
}

pub(super) fn rules(town: &Path, more: &str) -> io::Result<()> {
    let folder = town.join("rules");
    std::fs::remove_dir_all(&folder)?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("recovery.toml"), format!("{RULE}{more}"))
}

/// Sends the minutes from `from` to before `until`.
pub(super) async fn send(
    address: SocketAddr,
    gauges: &Arc<Gauges>,
    from: Time,
    until: Time,
) -> Result<(), Failure> {
    let mut tasks = Vec::new();
    for part in 0..CONNECTIONS {
        let gauges = Arc::clone(gauges);
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut stream = gauges.stream(part, CONNECTIONS, from);
            let mut left = stream.len() * (until.minute() - from.minute()) as usize;
            let mut body = Vec::new();
            while left > 0 {
                let batch = left.min(BATCH);
                post(&mut client, &mut stream, batch, &mut body).await?;
                left -= batch;
            }
            Ok::<_, io::Error>(())
        }));
    }
    for task in tasks {
        task.await
            .map_err(|error| Failure::Failed(error.to_string()))?
            .map_err(failed)?;
    }
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}
