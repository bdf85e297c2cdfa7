//! `kill -9` in a loop while the demo storm runs, reconciled outside the process (semantics §40): the
//! client's file of acknowledgements, the independent message centre's log, and the journal's files.
//!
//! The storm's minutes are moved to end now and given in as fast as they are taken. The same under a
//! page cache that forgets, tears and reorders what was not synced; and that such a test can fail
//! is shown by syncs that do nothing.

use crate::deliveries::{self, records};
use crate::demo_city::{self, node};
use crate::small::{self, Centre, Served, Taken, root};
use journal::{Journal, Kind, Offset, Partition, Topic};
use model::{City, Input, Parameter, StationNo, Tier, Time, Warning};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Minutes of the storm that are given in: to its height.
const MINUTES: i64 = 200;
/// The link's window; twice as many messages may be of unknown outcome at a crash (semantics §36).
const WINDOW: usize = 10;

/// Kills in one run: five, or as many as a soak asks for.
fn kills() -> u64 {
    let asked = std::env::var("SANFANG_SOAK").ok();
    asked.map_or(5, |kills| kills.parse().unwrap())
}

/// The demo city with some of its people, where a storm of some hours is not yet the past and no
/// hour is quiet: what waits for the morning would be waited for.
pub(crate) fn city(folder: &Path) -> PathBuf {
    let city = demo_city::write(folder, 3_000);
    let settings = fs::read_to_string(city.join("city.toml")).unwrap();
    let patient = settings.replace("past_after = \"15m\"", "past_after = \"24h\"");
    assert_ne!(settings, patient);
    let awake = patient.replace(
        "quiet = { from = 22, to = 7 }",
        "quiet = { from = 0, to = 0 }",
    );
    assert_ne!(patient, awake);
    fs::write(city.join("city.toml"), awake).unwrap();
    city
}

/// An observation by where and when it was: station, parameter, time.
type Key = (String, String, i64);

/// One minute's lines as they came in.
pub(crate) struct Minute {
    pub(crate) body: String,
    pub(crate) values: Vec<(Key, f64)>,
}

/// The storm's first minutes, moved so that the last of them is the minute before this one.
pub(crate) fn storm(folder: &Path) -> Vec<Minute> {
    let path = folder.join("storm.ndjson").display().to_string();
    let arguments = ["rainstorm", "--thin", "20", "--out", &path];
    node(&[&["testdata/storm.mjs"], &arguments[..]].concat());
    let text = fs::read_to_string(&path).unwrap();
    let sound: Vec<(Value, Time)> = text.lines().filter_map(sound).collect();
    let first = sound.iter().map(|(_, time)| *time).min().unwrap();
    let last = Time::from_minute(first.minute() + MINUTES);
    let moved = Time::from_minute(small::now().minute() - 1).since(last);
    let mut minutes: Vec<Minute> = Vec::new();
    let mut newest = None;
    for (mut line, time) in sound {
        if time > last {
            break;
        }
        if newest.is_none_or(|newest| time > newest) {
            newest = Some(time);
            minutes.push(Minute {
                body: String::new(),
                values: Vec::new(),
            });
        }
        let time = time + moved;
        line["time"] = time.display(model::Offset(480)).into();
        let minute = minutes.last_mut().unwrap();
        minute.body += &format!("{line}\n");
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let key = (text("station"), text("parameter"), time.seconds());
        minute.values.push((key, line["value"].as_f64().unwrap()));
    }
    minutes
}

/// A line that the service must take.
fn sound(line: &str) -> Option<(Value, Time)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let known = !value["station"].as_str()?.starts_with('X');
    let in_range = (0.0..1000.0).contains(&value["value"].as_f64()?);
    let unit = value["unit"].as_str().is_none_or(|unit| unit == "mm");
    let named = model::Parameter::from_name(value["parameter"].as_str()?).is_some();
    let (time, _) = Time::parse(value["time"].as_str()?).ok()?;
    (known && in_range && unit && named).then_some((value, time))
}

/// What lies under the journal.
enum Under {
    /// The system's files.
    Files,
    /// A page cache that loses what was not synced.
    Treachery,
    /// The same, and syncs do nothing.
    Lies,
}

/// Compiles the page cache that forgets.
fn treachery(folder: &Path) -> PathBuf {
    let library = folder.join("treachery.so");
    let source = root().join("server/tests/small/treachery.c");
    let built = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(built.unwrap().success(), "a C compiler is needed");
    library
}

/// What was seen outside the process.
pub(crate) struct Seen {
    folder: PathBuf,
    /// Values in the order in which they were acknowledged.
    acknowledged: BTreeMap<Key, f64>,
    /// Values that the journal held: station number, parameter and seconds, with the quanta.
    stored: BTreeMap<(u32, Parameter, i64), i32>,
    /// How far it was read; snapshots let go of what lies before.
    read: BTreeMap<Partition, Offset>,
    /// Newest revision of each warning that the API showed.
    revisions: BTreeMap<String, u64>,
    pub(crate) told: Vec<Taken>,
    /// How often a process that owned a link was killed.
    pub(crate) kills: usize,
    /// The client's file of acknowledgements.
    acks: File,
}

/// Runs the storm with so many kills; an error where the service does not come back.
fn run(centre: &Centre, folder: &Path, kills: u64, under: &Under) -> Result<Seen, String> {
    let city = city(folder);
    let minutes = storm(folder);
    let mut environment = Vec::new();
    if !matches!(under, Under::Files) {
        let library = treachery(folder).display().to_string();
        let journal = folder.join("journal").display().to_string();
        environment.push(("LD_PRELOAD".to_owned(), library));
        environment.push(("TREACHERY_DIR".to_owned(), journal));
    }
    if matches!(under, Under::Lies) {
        environment.push(("TREACHERY_LIES".to_owned(), "1".to_owned()));
    }
    let mut served = Served::with(folder, &city, centre.port, environment, "");
    served.ready()?;
    let mut seen = Seen::new(folder);
    seen.kills = usize::try_from(kills).unwrap();
    let share = minutes.len().div_ceil(usize::try_from(kills).unwrap() + 1);
    let mut next = 0;
    for round in 0..=kills {
        // The last share is given in without a kill.
        let until = (next + share).min(minutes.len());
        let killing = (round < kills).then(|| {
            let pid = served.pid();
            let after = Duration::from_millis(60 + (round * 7919) % 900);
            std::thread::spawn(move || kill_after(pid, after))
        });
        while next < until || killing.as_ref().is_some_and(|k| !k.is_finished()) {
            // A storm that is over is given in again: equal values are duplicates.
            let minute = &minutes[next.min(minutes.len() - 1)];
            let (status, body) = served.post("/v1/observations", None, &minute.body);
            match status {
                202 => {
                    let taken: Value = serde_json::from_str(&body).unwrap();
                    assert_eq!(taken["rejected"], 0, "{body}");
                    seen.taken(minute);
                    next = (next + 1).min(minutes.len());
                }
                // The journal asks for patience.
                503 => {}
                0 => break,
                _ => return Err(format!("answered {status}: {body}")),
            }
            if next.is_multiple_of(8) {
                seen.look(&served)?;
            }
        }
        if let Some(killing) = killing {
            killing.join().unwrap();
            served.gone();
            seen.keep()?;
            served.start_again();
            served.ready()?;
            seen.look(&served)?;
        }
    }
    seen.settle(&served, centre)?;
    served.kill();
    // What left in the last moment is on the centre's list by now.
    small::pause();
    seen.told = centre.taken();
    Ok(seen)
}

impl Seen {
    /// Nothing yet.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            acknowledged: BTreeMap::new(),
            stored: BTreeMap::new(),
            read: BTreeMap::new(),
            revisions: BTreeMap::new(),
            told: Vec::new(),
            kills: 0,
            acks: File::create(folder.join("acks.ndjson")).unwrap(),
        }
    }

    /// A minute was acknowledged.
    pub(crate) fn taken(&mut self, minute: &Minute) {
        self.acks.write_all(minute.body.as_bytes()).unwrap();
        self.acknowledged.extend(minute.values.iter().cloned());
    }

    /// Looks at the warnings: none that was there is gone or goes back.
    pub(crate) fn look(&mut self, served: &Served) -> Result<(), String> {
        let (200, body) = served.request("GET", "/v1/warnings", Some("token-chen"), "") else {
            return Ok(());
        };
        let warnings: Vec<Value> = serde_json::from_str(&body).unwrap();
        for warning in warnings.iter().filter(|w| waits(w)) {
            sign(served, warning);
        }
        let now: BTreeMap<String, u64> = warnings
            .iter()
            .map(|w| {
                (
                    w["id"].as_str().unwrap().to_owned(),
                    w["revision"].as_u64().unwrap(),
                )
            })
            .collect();
        for (id, revision) in &self.revisions {
            if now.get(id).is_none_or(|now| now < revision) {
                return Err(format!(
                    "warning {id} had revision {revision}, now {:?}",
                    now.get(id)
                ));
            }
        }
        self.revisions.extend(now);
        Ok(())
    }

    /// Waits until everybody who is called by telephone number has been told. Below orange a message
    /// that was on its way when the service was killed is of unknown outcome and not sent again
    /// (semantics §36): so many may be missing, and no more.
    pub(crate) fn settle(&mut self, served: &Served, centre: &Centre) -> Result<(), String> {
        let phones = phones(&self.folder.join("city/contacts.csv"));
        let mut missing = BTreeSet::new();
        let mut quiet = 0;
        for _ in 0..3600 {
            self.look(served)?;
            let told: BTreeSet<String> = centre.taken().into_iter().map(|(to, _)| to).collect();
            let (_, body) = served.request("GET", "/v1/calls", Some("token-chen"), "");
            let calls: Vec<Value> =
                serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
            missing = calls
                .iter()
                .filter_map(|call| phones.get(call["contact"].as_str()?))
                .filter(|phone| !told.contains(*phone))
                .cloned()
                .collect();
            // What was signed a moment ago is issued before its messages are on the board.
            let is_settled =
                missing.len() <= unknown(served) && !calls.is_empty() && is_quiet(served);
            quiet = if is_settled { quiet + 1 } else { 0 };
            if quiet == QUIET_LOOKS {
                return Ok(());
            }
            small::pause();
        }
        Err(format!(
            "called and never told: {missing:?}, of unknown outcome: {}",
            unknown(served)
        ))
    }

    /// Reads the observations that the journal holds since the last look, while nobody serves it.
    fn keep(&mut self) -> Result<(), String> {
        let input = Topic::actual(Kind::Input);
        let journal = deliveries::open(&self.folder).map_err(|error| error.to_string())?;
        for partition in (0..deliveries::PARTITIONS).map(Partition) {
            let first = journal.first(input, partition);
            let first = first.map_err(|error| error.to_string())?;
            let next = self.read.entry(partition).or_insert(first);
            if first > *next {
                return Err(format!("{partition:?}: {next:?} to {first:?} went unread"));
            }
            for record in deliveries::from(&journal, input, partition, *next) {
                *next = record.offset.plus(1);
                let decoded = Input::decode(record.kind, record.payload());
                let Ok(Input::Observations(rows)) = decoded else {
                    continue;
                };
                self.stored.extend(rows.iter().map(|row| {
                    let key = (row.station.0, row.parameter, row.time.seconds());
                    (key, row.value)
                }));
            }
        }
        Ok(())
    }

    /// Every promise, against what lies outside the process.
    pub(crate) fn reconcile(&mut self) -> Result<(), String> {
        self.keep()?;
        let city = City::read(
            |name| fs::read(self.folder.join("city").join(name)).ok(),
            &[],
        );
        let city = city.map_err(|faults| format!("{faults:?}"))?;
        let stored = self.stored.iter();
        let values: BTreeMap<Key, f64> = stored
            .map(|((station, parameter, seconds), value)| {
                let station = city.station(StationNo(*station)).unwrap().id.clone();
                let value = parameter.decimal(i64::from(*value));
                let key = (station, parameter.name().to_owned(), *seconds);
                (key, value.parse().unwrap())
            })
            .collect();
        for (key, value) in &self.acknowledged {
            let found = values.get(key);
            if found.is_none_or(|found| (found - value).abs() > 1e-9) {
                return Err(format!("acknowledged {key:?} = {value}, stored {found:?}"));
            }
        }
        self.reconcile_warnings()?;
        let public = deliveries::reconcile(&self.folder, &self.told)?;
        if public == 0 {
            return Err("the public was told nothing".into());
        }
        let distinct: BTreeSet<&(String, String)> = self.told.iter().collect();
        let repeated = self.told.len() - distinct.len();
        let bound = 2 * WINDOW * self.kills;
        if repeated > bound {
            return Err(format!("{repeated} repeats, at most {bound} may be"));
        }
        println!(
            "{} kills: {} observations acknowledged and kept, {} warnings, {} messages, {public} of them to the public, {repeated} repeated (at most {bound})",
            self.kills,
            self.acknowledged.len(),
            self.revisions.len(),
            self.told.len(),
        );
        Ok(())
    }

    /// What the naive model makes of the acknowledged lines was warned of, and what was shown is stored.
    fn reconcile_warnings(&self) -> Result<(), String> {
        let mut peaks: BTreeMap<(String, String), Tier> = BTreeMap::new();
        let mut revisions: BTreeMap<String, u64> = BTreeMap::new();
        for record in records(&self.folder, Topic::actual(Kind::Warnings)) {
            let Ok(warning) = serde_json::from_slice::<Warning>(record.payload()) else {
                continue;
            };
            revisions.insert(warning.id.to_string(), u64::from(warning.revision));
            for (area, state) in &warning.areas {
                let district = format!("{}000000", &area.to_string()[..6]);
                let key = (warning.hazard.code().to_owned(), district);
                let peak = peaks.entry(key).or_default();
                *peak = (*peak).max(state.tier);
            }
        }
        for (id, revision) in &self.revisions {
            if revisions.get(id).is_none_or(|stored| stored < revision) {
                return Err(format!(
                    "warning {id}, revision {revision} was shown and is not stored"
                ));
            }
        }
        let city = self.folder.join("city").display().to_string();
        let acks = self.folder.join("acks.ndjson").display().to_string();
        let naive = node(&[
            "testdata/naive/naive.mjs",
            "--city",
            &city,
            "--peaks",
            &acks,
        ]);
        for line in naive.lines() {
            let [hazard, zone, tier] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let peak = peaks.get(&(hazard.to_owned(), zone.to_owned()));
            let wanted = Tier::from_name(tier).unwrap();
            if peak.is_none_or(|peak| *peak < wanted) {
                return Err(format!("{line}, and the journal has {peak:?}"));
            }
        }
        if naive.is_empty() {
            return Err("the storm raised nothing".into());
        }
        Ok(())
    }
}

/// Kills a process with SIGKILL after a while.
fn kill_after(pid: u32, after: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the moment of the kill is the storm's, not an event's"
    )]
    std::thread::sleep(after);
    let pid = pid.to_string();
    let status = Command::new("kill").args(["-9", &pid]).status();
    assert!(status.unwrap().success());
}

fn column(path: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|c| c == name);
    let at = at.unwrap();
    lines
        .map(|line| line.split(',').nth(at).unwrap().to_owned())
        .collect()
}

/// True where people of ours have to sign it.
fn waits(warning: &Value) -> bool {
    warning["event"] == "proposed" && warning["request_to"].is_null()
}

/// Two people sign what waits: the public is told, too.
fn sign(served: &Served, warning: &Value) {
    let path = format!("/v1/warnings/{}/approve", warning["id"].as_str().unwrap());
    let seen = json!({ "revision": warning["revision"], "seen": warning["seen"] });
    for token in ["token-chen", "token-wang"] {
        // Refused where it changed meanwhile, or fell with the process: the next look signs it.
        served.post(&path, Some(token), &seen.to_string());
    }
}

/// Looks, some two seconds of them, in which nothing is under way before all is taken to be told.
pub(crate) const QUIET_LOOKS: usize = 20;

/// True where nothing waits for a signature and no short message waits to be sent.
fn is_quiet(served: &Served) -> bool {
    let (_, body) = served.request("GET", "/v1/warnings", Some("token-chen"), "");
    let warnings: Vec<Value> = serde_json::from_str(&body).unwrap_or_default();
    !warnings.iter().any(waits) && is_sent(served)
}

/// True where no short message waits to be sent.
pub(crate) fn is_sent(served: &Served) -> bool {
    let (_, body) = served.request("GET", "/v1/deliveries", Some("token-chen"), "");
    let deliveries: Vec<Value> = serde_json::from_str(&body).unwrap_or_default();
    let mut sms = deliveries.iter().filter(|d| d["channel"] == "sms");
    sms.all(|d| !d["finished"].is_null())
}

/// How many short messages below orange are of unknown outcome.
fn unknown(served: &Served) -> usize {
    let (_, body) = served.request("GET", "/v1/deliveries", Some("token-chen"), "");
    let deliveries: Vec<Value> = serde_json::from_str(&body).unwrap_or_default();
    let low = |d: &&Value| d["channel"] == "sms" && (d["tier"] == "blue" || d["tier"] == "yellow");
    let counts = deliveries.iter().filter(low);
    counts
        .map(|d| d["unknown"].as_u64().unwrap_or(0) as usize)
        .sum()
}

/// Telephone numbers by contact, as a message centre writes them.
fn phones(path: &Path) -> BTreeMap<String, String> {
    let digits = |phone: String| phone.replace(['+', ' '], "");
    let phones = column(path, "phone").into_iter().map(digits);
    column(path, "id")
        .into_iter()
        .zip(phones)
        .filter(|(_, phone)| !phone.is_empty())
        .collect()
}

#[test]
fn kills_lose_nothing() {
    let Some(centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut seen = run(&centre, folder.path(), kills(), &Under::Files).unwrap();
    seen.reconcile().unwrap();
}

#[test]
fn kills_lose_nothing_where_unsynced_writes_are_dropped_torn_and_reordered() {
    let Some(centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut seen = run(&centre, folder.path(), kills(), &Under::Treachery).unwrap();
    seen.reconcile().unwrap();
}

#[test]
fn a_sync_that_does_nothing_is_noticed() {
    let Some(centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let outcome =
        run(&centre, folder.path(), 4, &Under::Lies).and_then(|mut seen| seen.reconcile());
    let why = outcome.expect_err("four kills over syncs that do nothing lost nothing");
    println!("noticed: {why}");
}
