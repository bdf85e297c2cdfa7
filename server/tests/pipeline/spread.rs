//! The demo storm over a real Kafka, its work spread over six processes: two that own zones, two that
//! own links, one intake, one console. Owners are killed, a broker goes and comes back, leaders move.
//!
//! Afterwards what each zone was given is stepped once more by one undisturbed process: it says the
//! same, byte for byte. The rest is reconciled as after kills on one machine.

use crate::brokers;
use crate::deliveries;
use crate::kill::{self, Seen};
use crate::small::{self, Centre, Served, eventually, root};
use journal::{
    Batch, DiskJournal, Journal, KafkaJournal, KafkaOptions, Kind, Layout, Offset, Options,
    Partition, Priority, Record, Retentions, Topic,
};
use model::{Mode, Time};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Zones of the demo city, and room for its links.
const ZONES: u16 = 12;
const LINKS: u16 = 8;
/// The outcome of an order, which only many processes write down.
const OUTCOME: u8 = 7;
/// No message centre is there.
const NO_CENTRE: u16 = 1;

/// How often one of each kind of owner is killed: twice, or a fifth of the kills that a soak asks
/// for.
fn rounds() -> usize {
    let asked = std::env::var("SANFANG_SOAK").ok();
    asked.map_or(2, |kills| (kills.parse::<usize>().unwrap() / 5).max(2))
}

/// The processes, and what they have in common.
struct Fleet<'a> {
    folder: &'a Path,
    brokers: String,
    prefix: String,
    centre_port: u16,
}

impl Fleet<'_> {
    /// Starts a process with one role.
    fn node(&self, name: &str, role: &str) -> Served {
        let own = self.folder.join(name);
        fs::create_dir_all(&own).unwrap();
        let shared = self.folder.display();
        let (brokers, prefix) = (&self.brokers, &self.prefix);
        let more = format!(
            r#"
[directory]
folder = "{shared}/directory"
key_file = "{shared}/directory.key"

[kafka]
brokers = "{brokers}"
prefix = "{prefix}"
session_timeout_ms = 3000
link_partitions = 8
"#
        );
        let top = format!("node = \"{name}\"\nroles = [\"{role}\"]\nsnapshot_inputs = 20000");
        let city = self.folder.join("city");
        Served::stored(&own, &city, self.centre_port, Vec::new(), &top, &more)
    }

    fn journal(&self) -> KafkaJournal {
        let options = KafkaOptions {
            prefix: self.prefix.clone(),
            ..KafkaOptions::new(&self.brokers, "reader")
        };
        let layout = Layout {
            zones: ZONES,
            links: LINKS,
            replication: 3,
            min_insync_replicas: 2,
            retentions: Retentions::default(),
        };
        KafkaJournal::open(options, &layout, Mode::Actual).unwrap()
    }

    /// Makes the topics as the configuration of `name` wants them.
    fn topics(&self, name: &str) {
        let made = Command::new(env!("CARGO_BIN_EXE_sanfang"))
            .args(["topics", "create", "--config"])
            .arg(self.folder.join(name).join("sanfang.toml"))
            .env("SANFANG_LOG", "error")
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
}

/// Does something to the brokers.
fn cluster(does: &[&str]) {
    let script = root().join("deploy/kafka/kafka.sh");
    let ran = Command::new(script).args(does).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "kafka.sh {does:?}: {said}");
}

/// Each partition's first replica becomes its leader again: that is a third of them after a broker
/// was away.
fn move_leaders() {
    cluster(&[
        "tool",
        "elect",
        "--election-type",
        "preferred",
        "--all-topic-partitions",
    ]);
}

/// Messages that a process says it may have repeated.
fn repeated(served: &Served) -> u64 {
    let (_, metrics) = served.get("/metrics");
    let lines = metrics.lines();
    let counts = lines.filter_map(|line| {
        let rest = line.strip_prefix("sanfang_deliveries_repeated{")?;
        rest.split(' ').nth(1)?.parse::<u64>().ok()
    });
    counts.sum()
}

/// Every record of a partition.
fn all(journal: &dyn Journal, topic: Topic, partition: Partition) -> Vec<Record> {
    let mut next = journal.first(topic, partition).unwrap();
    let mut found = Vec::new();
    read_on(journal, topic, partition, &mut next, &mut found);
    found
}

/// The records of a partition from `next` to its end.
fn read_on(
    journal: &dyn Journal,
    topic: Topic,
    partition: Partition,
    next: &mut Offset,
    found: &mut Vec<Record>,
) {
    loop {
        let records = journal.read(topic, partition, *next, 1 << 20).unwrap();
        let Some(last) = records.last() else { return };
        *next = last.offset.plus(1);
        found.extend(records);
    }
}

/// What the zones were given, read while it is there: their owners delete what no snapshot needs.
struct Given {
    kafka: KafkaJournal,
    zones: Vec<(Offset, Vec<Record>)>,
}

impl Given {
    fn new(kafka: KafkaJournal) -> Self {
        let zones = (0..ZONES).map(|_| (Offset(0), Vec::new()));
        Self {
            kafka,
            zones: zones.collect(),
        }
    }

    fn read_on(&mut self) {
        let input = Topic::actual(Kind::Input);
        for (zone, (next, found)) in (0..).map(Partition).zip(&mut self.zones) {
            read_on(&self.kafka, input, zone, next, found);
        }
    }

    /// Puts it into a journal on disk, record by record, and what else `kinds` names.
    fn copy(&self, folder: &Path, kinds: &[(Kind, u16)]) {
        let options = Options {
            reserve_bytes: 0,
            ..Options::default()
        };
        let to = DiskJournal::open(&folder.join("journal"), options).unwrap();
        for (zone, (_, records)) in (0..).map(Partition).zip(&self.zones) {
            put(&to, Topic::actual(Kind::Input), zone, records);
        }
        for (kind, partitions) in kinds {
            let topic = Topic::actual(*kind);
            for partition in (0..*partitions).map(Partition) {
                put(&to, topic, partition, &all(&self.kafka, topic, partition));
            }
        }
    }
}

fn put(to: &DiskJournal, topic: Topic, partition: Partition, records: &[Record]) {
    let mut last = None;
    for record in records {
        let mut batch = Batch::new(record.time_ms, Priority::Vital);
        let (key, payload) = (record.key(), record.payload());
        batch.append(topic, partition, record.kind, key, payload);
        last = Some(to.submit_waiting(batch).unwrap());
    }
    if let Some(last) = last {
        last.wait().unwrap();
    }
}

/// What each zone said, by zone.
fn said(journal: &dyn Journal) -> BTreeMap<u16, Vec<(u8, String)>> {
    let zones = 0..ZONES;
    let of_zone = |zone| {
        let records = all(journal, Topic::actual(Kind::Warnings), Partition(zone));
        let records = records.iter().filter(|record| record.kind != OUTCOME);
        let text = |record: &Record| String::from_utf8_lossy(record.payload()).into_owned();
        records.map(|record| (record.kind, text(record))).collect()
    };
    zones.map(|zone| (zone, of_zone(zone))).collect()
}

/// One undisturbed process steps what the zones were given, and says what they said.
fn stepped_again(given: &Given, folder: &Path) {
    let alone = folder.join("alone");
    fs::create_dir_all(alone.join("directory")).unwrap();
    for entry in fs::read_dir(folder.join("directory")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(
            entry.path(),
            alone.join("directory").join(entry.file_name()),
        )
        .unwrap();
    }
    fs::copy(folder.join("directory.key"), alone.join("directory.key")).unwrap();
    given.copy(&alone, &[]);
    let city = folder.join("city");
    let mut served = Served::with(&alone, &city, NO_CENTRE, Vec::new(), "");
    served.ready().unwrap();
    let spread = said(&given.kafka);
    // An end in order writes what is on its way.
    served.terminate();
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    let journal = DiskJournal::open(&alone.join("journal"), options).unwrap();
    let mut compared = 0;
    for (zone, once) in said(&journal) {
        let over_many = &spread[&zone];
        // The minutes since then passed for the one process alone.
        let same = once
            .iter()
            .zip(over_many)
            .take_while(|(a, b)| a == b)
            .count();
        assert_eq!(
            same,
            over_many.len(),
            "zone {zone}: one process says {:?}, the many said {:?}",
            once.get(same),
            over_many.get(same),
        );
        compared += same;
    }
    assert!(compared > 100, "{compared} records say nothing of a storm");
    println!("{compared} records of warnings are the same, byte for byte");
}

/// A console that owns no zone shows the newest value of each gauge.
fn newest_shown(console: &Served, minutes: &[kill::Minute]) {
    let mut newest: BTreeMap<(String, String), i64> = BTreeMap::new();
    for ((station, parameter, seconds), _) in minutes.iter().flat_map(|minute| &minute.values) {
        let known = newest.entry((station.clone(), parameter.clone()));
        let known = known.or_insert(*seconds);
        *known = (*known).max(*seconds);
    }
    let mut behind = Vec::new();
    for _ in 0..200 {
        let shown: Value = serde_json::from_str(&console.get("/v1/stations").1).unwrap();
        let shown: BTreeMap<&str, &Value> = shown
            .as_array()
            .unwrap()
            .iter()
            .map(|station| (station["id"].as_str().unwrap(), &station["last"]))
            .collect();
        let is_shown = |station: &str, parameter: &str, seconds: i64| {
            let time = shown
                .get(station)
                .and_then(|last| last[parameter]["time"].as_str());
            let time = time.and_then(|time| Time::parse(time).ok());
            time.is_some_and(|(time, _)| time.seconds() == seconds)
        };
        behind = newest
            .iter()
            .filter(|((station, parameter), seconds)| !is_shown(station, parameter, **seconds))
            .map(|(series, _)| format!("{series:?}"))
            .collect();
        if behind.is_empty() {
            break;
        }
        small::pause();
    }
    assert!(newest.len() > 50, "{} series say nothing", newest.len());
    assert!(
        behind.is_empty(),
        "not the newest on the console: {behind:?}"
    );
}

/// Record time of a console.
fn time_of(console: &Served) -> String {
    let state: Value = serde_json::from_str(&console.get("/v1/state").1).unwrap();
    state["time"].as_str().unwrap().to_owned()
}

#[test]
fn the_storm_over_many_is_the_storm_on_one() {
    let Some(brokers) = brokers::addresses() else {
        return;
    };
    let Some(centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kill::city(folder);
    let minutes = kill::storm(folder);
    let fleet = Fleet {
        folder,
        brokers,
        prefix: format!("spread-{}.", std::process::id()),
        centre_port: centre.port,
    };
    // Without topics it ends, and leaves its configuration.
    let ended = fleet.node("intake", "intake").ready();
    assert!(ended.is_err(), "{ended:?}");
    fleet.topics("intake");
    let intake = ("intake", "intake");
    let names = [
        ("rules-a", "rules"),
        ("rules-b", "rules"),
        ("dispatch-a", "dispatch"),
        ("dispatch-b", "dispatch"),
    ];
    let mut intake = fleet.node(intake.0, intake.1);
    let mut console = fleet.node("console", "console");
    let mut owners: Vec<Served> = names.map(|(name, role)| fleet.node(name, role)).into();
    intake.ready().unwrap();
    console.ready().unwrap();
    for owner in &mut owners {
        owner.ready().unwrap();
    }
    // What a process has no role for it says.
    let (status, said) = intake.get("/v1/warnings");
    assert_eq!(status, 404, "{said}");
    assert!(said.contains("roles intake"), "{said}");

    let mut given = Given::new(fleet.journal());
    let mut seen = Seen::new(folder);
    let kills = rounds() * 2;
    let mut counted = 0;
    for (number, minute) in minutes.iter().enumerate() {
        loop {
            match intake.post("/v1/observations", None, &minute.body) {
                (202, _) => break seen.taken(minute),
                // The journal asks for patience.
                (503, _) => small::pause(),
                (status, body) => panic!("answered {status}: {body}"),
            }
        }
        if number % 8 == 0 {
            seen.look(&console).unwrap();
            given.read_on();
        }
        // Kills are spread over the storm, the four owners in turn.
        let share = minutes.len() / (kills + 1);
        if number > 0 && number % share == 0 && number / share <= kills {
            let victim = (number / share - 1) % owners.len();
            let is_dispatch = names[victim].1 == "dispatch";
            let owner = &mut owners[victim];
            if is_dispatch {
                counted += repeated(owner);
                seen.kills += 1;
            }
            owner.kill();
            *owner = fleet.node(names[victim].0, names[victim].1);
        }
        // A broker ends in order, so that its leaders move, and comes back; later they are moved to it.
        match number * 10 / minutes.len() {
            3 if number * 10 % minutes.len() < 10 => cluster(&["stop", "2"]),
            5 if number * 10 % minutes.len() < 10 => cluster(&["start", "2"]),
            7 if number * 10 % minutes.len() < 10 => move_leaders(),
            _ => {}
        }
    }
    seen.settle(&console, &centre).unwrap();
    newest_shown(&console, &minutes);
    // Whoever decides ends first, then whoever sends: nothing more happens while it is compared.
    let (rules, dispatch) = owners.split_at_mut(2);
    rules.iter_mut().for_each(Served::terminate);
    // Nobody says how late it is any more, and what is shown grows old all the same.
    let before = time_of(&console);
    eventually("time goes on where nobody owns a zone", || {
        time_of(&console) > before
    });
    let mut quiet = 0;
    eventually("what was decided last is sent", || {
        quiet = if kill::is_sent(&console) {
            quiet + 1
        } else {
            0
        };
        quiet == kill::QUIET_LOOKS
    });
    counted += dispatch.iter().map(repeated).sum::<u64>();
    dispatch.iter_mut().for_each(Served::terminate);
    small::pause();
    seen.told = centre.taken();
    let distinct: std::collections::BTreeSet<_> = seen.told.iter().collect();
    let twice = (seen.told.len() - distinct.len()) as u64;
    assert!(
        twice <= counted,
        "{twice} came twice, {counted} are counted"
    );

    given.read_on();
    let kinds = [
        (Kind::Warnings, ZONES),
        (Kind::Deliveries, LINKS),
        (Kind::Receipts, LINKS),
    ];
    given.copy(folder, &kinds);
    seen.reconcile().unwrap();
    let public = deliveries::reconcile(folder, &seen.told).unwrap();
    println!("{public} messages to the public, {twice} of all twice, {counted} counted");
    intake.kill();
    console.kill();
    stepped_again(&given, folder);
}
