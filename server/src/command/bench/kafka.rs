//! The same service over Kafka: what the brokers cost beside the journal on disk, and how soon another
//! process goes on where one was killed. The brokers are on the same cores.

use super::Failure;
use super::client::Client;
use super::http::{BEHIND, WARM_UP, seconds_since, send};
use super::recovery::{self, rules, stations};
use super::report::{Line, load_average, progress};
use super::served::{OFFICERS, Scratch, Served, cpu_s};
use super::sms;
use super::stream::Gauges;
use crate::clock::{Clock, monotonic};
use journal::KafkaOptions;
use model::{Span, Time};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Connections that send: many wait for the brokers at once.
const CONNECTIONS: usize = 64;
/// Observations in one request.
const BATCH: usize = 1_000;
/// Series that change hands.
pub(super) const SERIES_MAX: usize = 20_000;
/// After so long without a sign of life the brokers give a process's zones to others.
const SESSION: Duration = Duration::from_secs(6);
/// Looks at the zones that find nothing waiting before all is taken to be evaluated: what was stored
/// a moment ago is on its way to its owner.
const QUIET_LOOKS: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for the warning.
const PATIENCE: Duration = Duration::from_secs(120);
/// Minutes sent at a time.
const TOGETHER: i64 = 60;

/// A rule that one value reaches.
const BURST: &str = r#"
[[rule]]
id = "burst"
hazard = "11B03"
name = { zh = "暴雨", en = "Rainstorm" }
subject = "station"
area = { level = "township", quorum = "1" }
yellow = 'rainfall.last() >= 90.0'
source = { document = "bench: one value is enough", confidence = "design-default" }
"#;

/// Processes over one Kafka with one directory between them.
struct Deployment<'a> {
    folder: PathBuf,
    city: PathBuf,
    brokers: &'a str,
    prefix: String,
}

impl Deployment<'_> {
    /// One with topics of its own, made by a first configuration.
    fn new<'a>(
        folder: PathBuf,
        city: &Path,
        brokers: &'a str,
        name: &str,
    ) -> Result<Deployment<'a>, Failure> {
        let deployment = Deployment {
            folder,
            city: city.to_owned(),
            brokers,
            prefix: format!("bench-{}-{name}.", std::process::id()),
        };
        // It ends for want of topics, and leaves the configuration that makes them.
        drop(deployment.spawned("first", &["intake"])?);
        let config = deployment.folder.join("first/sanfang.toml");
        let made = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["topics", "create", "--config"])
            .arg(config)
            .output()
            .map_err(failed)?;
        if made.status.success() {
            return Ok(deployment);
        }
        let words = String::from_utf8_lossy(&made.stderr).into_owned();
        Err(Failure::Failed(words))
    }

    fn spawned(&self, node: &str, roles: &[&str]) -> Result<Served, Failure> {
        let own = self.folder.join(node);
        std::fs::create_dir_all(&own).map_err(failed)?;
        let top = format!("node = {node:?}\nroles = {roles:?}");
        let shared = self.folder.display();
        let (brokers, prefix) = (self.brokers, &self.prefix);
        let session = SESSION.as_millis();
        let more = format!(
            "[directory]\nfolder = \"{shared}/directory\"\nkey_file = \"{shared}/directory.key\"\n\
             [kafka]\nbrokers = {brokers:?}\nprefix = {prefix:?}\nsession_timeout_ms = {session}\n"
        );
        Served::spawned(&own, &self.city, &top, &more)
    }

    /// Brokers look at every partition for every read: what is left behind would cost the next.
    fn remove(self) -> Result<(), Failure> {
        let options = KafkaOptions {
            prefix: self.prefix,
            ..KafkaOptions::new(self.brokers, "bench")
        };
        let removed = options.delete_topics();
        removed.map_err(|error| Failure::Failed(error.to_string()))
    }

    async fn node(&self, node: &str, roles: &[&str]) -> Result<Served, Failure> {
        let mut served = self.spawned(node, roles)?;
        served.wait_ready().await?;
        Ok(served)
    }
}

/// What a load cost.
struct Cost {
    evaluated: u64,
    wall_s: f64,
    own_s: f64,
    load_s: f64,
    brokers_s: f64,
}

/// Batches to the journal on disk, to Kafka in one process, to Kafka in four.
pub(super) async fn throughput(
    city: &Path,
    scratch: &Scratch,
    brokers: &str,
    load: Duration,
) -> Result<Vec<Line>, Failure> {
    let gauges = Arc::new(Gauges::load(city)?);
    let folder = scratch.folder("disk").map_err(failed)?;
    progress("kafka: the journal on disk, to compare with");
    let served = Served::start(&folder, city, "").await?;
    let disk = measured(&served, &served, &[], &gauges, load).await?;
    drop(served);
    let all = ["intake", "rules", "dispatch", "console"];
    progress("kafka: one process");
    let folder = scratch.folder("one").map_err(failed)?;
    let deployment = Deployment::new(folder, city, brokers, "one")?;
    let served = deployment.node("all", &all).await?;
    let one = measured(&served, &served, &[], &gauges, load).await?;
    drop(served);
    deployment.remove()?;
    progress("kafka: four processes");
    let folder = scratch.folder("four").map_err(failed)?;
    let deployment = Deployment::new(folder, city, brokers, "four")?;
    let intake = deployment.node("intake", &["intake"]).await?;
    let rules = deployment.node("rules", &["rules"]).await?;
    let dispatch = deployment.node("dispatch", &["dispatch"]).await?;
    let console = deployment.node("console", &["console"]).await?;
    let others = [&dispatch, &console];
    let four = measured(&intake, &rules, &others, &gauges, load).await?;
    drop((intake, rules, dispatch, console));
    deployment.remove()?;
    let line = |name: &str, cost: &Cost| {
        let each = |seconds: f64| seconds * 1e6 / cost.evaluated.max(1) as f64;
        let base = disk.own_s / disk.evaluated.max(1) as f64;
        let ratio = cost.own_s / cost.evaluated.max(1) as f64 / base;
        Line {
            name: format!("{name}, batches of {BATCH}"),
            figure: cost.evaluated as f64 / cost.wall_s,
            unit: "evaluated/s",
            wall_s: cost.wall_s,
            cpu_s: cost.own_s,
            load_cpu_s: cost.load_s,
            count: cost.evaluated,
            load_average: load_average(),
            note: format!(
                "{ratio:.2} times the CPU of the journal on disk; brokers {:.2} CPU-µs each",
                each(cost.brokers_s)
            ),
            ..Line::default()
        }
    };
    let over = |name: &str, cost: &Cost| Line {
        asked: Some(100_000.0),
        ..line(name, cost)
    };
    Ok(vec![
        line("journal on disk", &disk),
        over("Kafka, one process", &one),
        over("Kafka, four processes", &four),
    ])
}

/// Sends through `intake` for so long, until `rules` has stepped it all.
async fn measured(
    intake: &Served,
    rules: &Served,
    others: &[&Served],
    gauges: &Arc<Gauges>,
    load: Duration,
) -> Result<Cost, Failure> {
    let mut asking = Client::connect(rules.address).await.map_err(failed)?;
    let from = Clock::wall().now() - BEHIND;
    let warm = send(intake.address, gauges, (CONNECTIONS, BATCH), from, WARM_UP).await?;
    evaluated(rules, &mut asking).await?;
    let mut processes: Vec<&Served> = others.to_vec();
    processes.push(rules);
    if intake.address != rules.address {
        processes.push(intake);
    }
    let cpu = || processes.iter().map(|served| served.cpu_s()).sum::<f64>();
    let (began, own, load_cpu, brokers) = (monotonic(), cpu(), cpu_s("self"), brokers_cpu_s());
    let sent = send(
        intake.address,
        gauges,
        (CONNECTIONS, BATCH),
        warm.until,
        load,
    )
    .await?;
    evaluated(rules, &mut asking).await?;
    Ok(Cost {
        evaluated: sent.accepted,
        wall_s: seconds_since(began),
        own_s: cpu() - own,
        load_s: cpu_s("self") - load_cpu,
        brokers_s: brokers_cpu_s() - brokers,
    })
}

async fn evaluated(rules: &Served, asking: &mut Client) -> Result<(), Failure> {
    for _ in 0..QUIET_LOOKS {
        rules.wait_evaluated(asking).await?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// CPU seconds of the brokers of this machine.
fn brokers_cpu_s() -> f64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let brokers = names.filter(|name| {
        let line = std::fs::read(format!("/proc/{name}/cmdline")).unwrap_or_default();
        line.windows(12).any(|part| part == b"\0kafka.Kafka")
    });
    brokers.map(|name| cpu_s(&name)).sum()
}

/// Fills the windows of `series` gauges of one zone over `hours`, kills the zone's owner, and sends
/// a value that raises a warning.
pub(super) async fn take_over(
    city: &Path,
    scratch: &Scratch,
    brokers: &str,
    series: usize,
    hours: i64,
) -> Result<Vec<Line>, Failure> {
    let folder = scratch.folder("take-over").map_err(failed)?;
    let town = folder.join("city");
    sms::copy(city, &town).map_err(failed)?;
    let (district, column) = district(&town).map_err(failed)?;
    let is_there = |row: &str| {
        row.split(',')
            .nth(column)
            .is_some_and(|area| area.starts_with(&district))
    };
    stations(&town, series, is_there).map_err(failed)?;
    rules(&town, BURST).map_err(failed)?;
    let gauges = Arc::new(Gauges::load(&town)?);
    let deployment = Deployment::new(folder, &town, brokers, "over")?;
    let front = deployment.node("front", &["intake", "console"]).await?;
    let mut a = deployment.node("a", &["rules"]).await?;
    let mut b = deployment.node("b", &["rules"]).await?;
    let minutes = hours * 60;
    let mut from = Clock::wall().now() - Span::from_minutes(minutes);
    let until = Time::from_minute(from.minute() + minutes);
    let began = monotonic();
    while from < until {
        let next = (from + Span::from_minutes(TOGETHER)).min(until);
        recovery::send(front.address, &gauges, from, next).await?;
        from = next;
        let left = until.minute().saturating_sub(from.minute()) / 60;
        if left % 6 == 0 {
            let passed = seconds_since(began);
            progress(&format!(
                "take-over: {} of {hours} hours for {} gauges are in, {passed:.0} s",
                hours - left,
                gauges.len()
            ));
        }
    }
    let queue = format!("sanfang_queue_depth{{queue=\"zone/{district}000000\"");
    let (owner, other) = if has(&a, &queue).await? {
        (&mut a, &mut b)
    } else {
        (&mut b, &mut a)
    };
    let mut asking = Client::connect(owner.address).await.map_err(failed)?;
    evaluated(owner, &mut asking).await?;
    progress("take-over: killed");
    owner.kill();
    let began = monotonic();
    let station = format!("R{:06}", 0);
    let time = until.display(model::Offset(480));
    let body = format!(
        "{{\"station\":\"{station}\",\"parameter\":\"rainfall\",\"time\":\"{time}\",\"value\":95.0}}\n"
    );
    let mut client = Client::connect(front.address).await.map_err(failed)?;
    let taken = client.post("/v1/observations", None, body.as_bytes());
    let status = taken.await.map_err(failed)?.status;
    if status != 202 {
        return Err(Failure::Failed(format!("the value was answered {status}")));
    }
    let [officer, ..] = OFFICERS;
    loop {
        let answer = client.get("/v1/warnings", Some(officer)).await;
        let answer = answer.map_err(failed)?;
        let text = String::from_utf8_lossy(answer.body);
        if text.contains("\"burst\"") {
            break;
        }
        if monotonic().duration_since(began) > PATIENCE {
            return Err(Failure::Failed(format!(
                "no warning after {PATIENCE:?}: {text}"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let wall_s = seconds_since(began);
    let resident_mb = other.resident_bytes() >> 20;
    drop((front, a, b));
    deployment.remove()?;
    Ok(vec![Line {
        name: format!("take-over, {} series × {hours} h in one zone", gauges.len()),
        figure: wall_s - SESSION.as_secs_f64(),
        unit: "s after the session time-out",
        asked: Some(5.0),
        less_is_better: true,
        wall_s,
        load_average: load_average(),
        note: format!(
            "kill -9 of the zone's owner to its next owner's first warning on a console of a third \
             process: {wall_s:.2} s, of them the time-out {:.0}; {} MB resident in the next owner",
            SESSION.as_secs_f64(),
            resident_mb
        ),
        ..Line::default()
    }])
}

async fn has(served: &Served, metric: &str) -> Result<bool, Failure> {
    let mut asking = Client::connect(served.address).await.map_err(failed)?;
    let answer = asking.get("/metrics", None).await.map_err(failed)?;
    Ok(String::from_utf8_lossy(answer.body).contains(metric))
}

/// The district of the first gauge, six digits, and in which column of stations.csv areas stand.
fn district(town: &Path) -> io::Result<(String, usize)> {
    let text = std::fs::read_to_string(town.join("stations.csv"))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let column = head.split(',').position(|name| name == "area");
    let column = column.unwrap_or_default();
    let first = lines.find(|line| line.contains(",rain_gauge,"));
    let code = first.and_then(|row| row.split(',').nth(column));
    Ok((code.unwrap_or_default().chars().take(6).collect(), column))
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}
