//! Starts, stops and starts again: what a journal means does not change.

mod aside;
mod asked;
mod blind;
mod costs;
mod editions;
mod ended;
mod exercises;
mod foretold;
mod forgotten;
pub(crate) mod full;
mod gathered;
mod lapses;
mod living;
mod muted;
mod nearly_full;
mod onset;
mod phones;
mod poisoned;
mod power_cut;
mod privacy;
mod rehearsed;
mod reload;
mod repeats;
mod retention;
mod screened;
mod shown;
mod silent;

use super::{
    Folders, Held, LinkKind, Opened, Options, Running, StartError, Storage, open, open_with, start,
};
use crate::app::{App, Period};
use crate::clock::Clock;
use crate::config::{HttpSection, KeptSeries};
use crate::gaps::StationsFile;
use crate::installation::Installation;
use crate::people::People;
use crate::roles::Roles;
use crate::small_city as city;
use axum::body::Bytes;
use journal::{Journal, Kind, Offset, Partition, Record, Topic};
use model::{Mode, Span, Time};
use rules::Policy;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// 2023-09-07T12:00+08:00, in minutes.
pub(crate) const NOON: i64 = 28_234_320;
/// The zone of the one district.
const DISTRICT: Partition = Partition(0);

/// Snapshots after so many inputs.
const fn every(inputs: u64) -> Period {
    Period {
        every: Span::from_minutes(1_000_000),
        inputs,
        at_stop: false,
    }
}

pub(crate) const NEVER: Period = every(u64::MAX);
const OFTEN: Period = every(7);

pub(crate) type Links = Vec<(String, LinkKind)>;

/// Opens what `folder` holds and loads its city.
fn opened(folder: &Path, storage: Storage) -> Result<(Opened, Installation), StartError> {
    let folders = Folders {
        city: &folder.join("city"),
        directory: &folder.join("directory"),
        key_file: &folder.join("directory.key"),
        is_roll: false,
    };
    open(folders, &folder.join("journal"), storage, Mode::Actual)
}

/// Serves `folder/city` from that minute after noon on.
async fn try_serve(
    folder: &Path,
    minute: i64,
    snapshots: Period,
    links: Links,
    storage: Storage,
) -> Result<Running, StartError> {
    let (opened, installation) = opened(folder, storage)?;
    start(opened, options(installation, minute, snapshots, links)).await
}

fn options(installation: Installation, minute: i64, snapshots: Period, links: Links) -> Options {
    Options {
        installation,
        clock: Clock::stepped(Time::from_minute(NOON + minute)),
        mode: Mode::Actual,
        policy: Policy::Live,
        people: People::default(),
        links,
        listen: ([127, 0, 0, 1], 0).into(),
        http: HttpSection::default(),
        open_intake: true,
        subscriptions: None,
        public_url: String::new(),
        answer_url: None,
        cap_signer: None,
        snapshots,
        series: KeptSeries::default(),
        bulletins: Vec::new(),
        base_stations: StationsFile::default(),
        roles: Roles::ALL,
        seat: None,
        relay: None,
        exercises: None,
    }
}

pub(crate) async fn serve(folder: &Path, minute: i64, snapshots: Period, links: Links) -> Running {
    let served = try_serve(folder, minute, snapshots, links, Storage::default());
    served.await.unwrap()
}

/// Lets a minute pass in which stations report, and waits until it is stepped.
pub(crate) async fn report(app: &App, minute: i64, values: &[(&str, &str, &str)]) {
    let time = Time::from_minute(NOON + minute);
    app.clock.advance_to(time);
    let time = time.display(model::Offset(480));
    let line = |(station, parameter, value): &(&str, &str, &str)| {
        format!(
            r#"{{"station":"{station}","parameter":"{parameter}","time":"{time}","value":{value}}}"#
        )
    };
    let lines: Vec<String> = values.iter().map(line).collect();
    let taken = app
        .intake
        .take("test", None, None, Bytes::from(lines.join("\n")))
        .await
        .unwrap();
    assert_eq!(taken.accepted, values.len() as u64, "{taken:?}");
    stepped(app).await;
}

/// The answer to a request, head and all.
async fn get(running: &Running, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(running.address)
        .await
        .unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn stepped(app: &App) {
    let zones = app.installation.city.zones.len();
    eventually("every zone has stepped its input", app, || {
        (0..zones).all(|zone| app.lag(zone).unwrap() == 0)
    })
    .await;
    // What the zones said was queued before this: once this is on disk, so is that.
    let nothing = Topic::actual(Kind::DeadLetters);
    let marked = app.journal.trim(nothing, Partition(9), Offset(0));
    marked.unwrap().await.unwrap();
}

pub(crate) async fn eventually(what: &str, app: &App, mut holds: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        if holds() {
            return;
        }
        assert_eq!(app.fault(), None);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came: {what}");
}

/// All records of a partition that are still there.
pub(crate) fn records(journal: &dyn Journal, topic: Topic, partition: Partition) -> Vec<Record> {
    let mut found = Vec::new();
    let mut next = journal.first(topic, partition).unwrap();
    loop {
        let records = journal.read(topic, partition, next, 1 << 20).unwrap();
        let Some(last) = records.last() else {
            return found;
        };
        next = last.offset.plus(1);
        found.extend(records);
    }
}
