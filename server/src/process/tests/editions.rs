//! A city and rules that change between two starts.

use super::*;
use crate::pump::kind;
use crate::snapshot::{Generations, Owner};
use crate::zone::{Machine, Outputs};
use journal::{Batch, DiskJournal, Priority};
use model::response::{Revised, What};
use model::{AreaCode, Hazard, Input, StationNo, Tier, WarningId, Zone};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn rain(app: &App, minute: i64, gauges: &[(&str, &str)]) {
    let values: Vec<_> = gauges
        .iter()
        .map(|(station, mm)| (*station, "rainfall", *mm))
        .collect();
    report(app, minute, &values).await;
}

fn stations(folder: &Path, rows: &[&str]) {
    let row = |id: &&str| format!("{id},{id},rain_gauge,113.1,23.1,440106014000,rainfall\n");
    let rows: String = rows.iter().map(row).collect();
    let water = "W1,Depth 1,depth_sensor,113.1,23.1,440106014000,water_depth\n";
    let table = format!("id,name,kind,lon,lat,area,parameters\n{rows}{water}");
    fs::write(folder.join("city/stations.csv"), table).unwrap();
}

/// A record behind a later one, by the clock of who wrote it, is as late as that one, also for an owner
/// who begins between the two.
#[test]
fn a_successor_knows_how_late_it_is() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let (_, installation) = opened(folder.path(), Storage::default()).unwrap();
    let installation = Arc::new(installation);
    let machine = || Machine::new(&installation, Zone(0), Mode::Actual, Policy::Live);
    let late = Time::from_minute(NOON) + Span::from_seconds(10);
    let mut before = machine();
    assert_eq!(before.reach_time(late), late);
    let mut successor = machine();
    successor.restore(&before.snapshot()).unwrap();
    assert_eq!(successor.reach_time(Time::from_minute(NOON)), late);
}

/// What stands of responses goes on from a state at rest as if nothing had been.
#[test]
fn a_successor_counts_the_signals_of_before() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let demo = city::root().join("testdata/city/responses.toml");
    let plans = fs::read_to_string(demo).unwrap();
    // The street's city has one district.
    let known = ["440103000000", "440104000000", "440105000000"];
    let plans = known
        .iter()
        .fold(plans, |text, code| text.replace(&format!("{code:?}, "), ""));
    fs::write(folder.path().join("city/responses.toml"), plans).unwrap();
    let services = city::root().join("testdata/city/services.toml");
    fs::copy(services, folder.path().join("city/services.toml")).unwrap();
    let (_, installation) = opened(folder.path(), Storage::default()).unwrap();
    let installation = Arc::new(installation);
    let zone = installation.city.city_zone();
    let machine = || Machine::new(&installation, zone, Mode::Actual, Policy::Live);
    let revised = |digit: &str, tier: Tier| {
        let tiers = BTreeMap::from([(AreaCode::parse("440106014000").unwrap(), tier)]);
        Input::Revised(Box::new(Revised {
            warning: WarningId::parse(&digit.repeat(24)).unwrap(),
            hazard: Hazard::Rainstorm,
            authority: "44010036000000".into(),
            time: Time::from_minute(NOON),
            issued: Some(tiers.clone()),
            found: tiers,
            expected: false,
        }))
    };
    let mut before = machine();
    let mut out = Outputs::default();
    before.step(
        Time::from_minute(NOON),
        &revised("a", Tier::Yellow),
        &mut out,
    );
    assert!(out.entries.len() > 2, "it stands, and two plans propose");
    let is_process = |entry: &model::response::Entry| matches!(entry.what, What::Process(_));
    assert!(out.entries.iter().any(is_process), "a process is proposed");
    let mut successor = machine();
    successor.restore(&before.snapshot()).unwrap();
    let next = |machine: &mut Machine| {
        let mut out = Outputs::default();
        let at = Time::from_minute(NOON + 1);
        machine.step(at, &revised("b", Tier::Red), &mut out);
        out.entries
    };
    let (here, there) = (next(&mut before), next(&mut successor));
    assert_eq!(here, there);
    assert_eq!(here[0].number, out.entries.len() as u64 + 1);
    assert_eq!(before.snapshot(), successor.snapshot());
    // A district's zone decides nothing: it tells.
    let mut district = Machine::new(&installation, Zone(0), Mode::Actual, Policy::Live);
    let mut out = Outputs::default();
    district.step(Time::from_minute(NOON), &revised("a", Tier::Red), &mut out);
    assert!(out.entries.is_empty());
}

/// What the topic `warnings` holds of changes, warnings and calls, by zone.
pub(super) fn committed(app: &App) -> Vec<(u8, String)> {
    let topic = Topic::new(Kind::Warnings, app.mode);
    let zones = 0..app.installation.city.zones.len();
    let found = zones.flat_map(|zone| records(&*app.journal, topic, Partition(zone as u16)));
    let told = found.filter(|record| {
        let kinds = [kind::CHANGE, kind::WARNING, kind::CALL, kind::ENTRY];
        kinds.contains(&record.kind)
    });
    told.map(|record| {
        let text = String::from_utf8(record.payload().to_vec()).unwrap();
        (record.kind, text)
    })
    .collect()
}

/// The same, computed anew from the input alone.
pub(super) fn computed(app: &App) -> Vec<(u8, String)> {
    fn json<T: Serialize>(kind: u8, item: &T) -> (u8, String) {
        (kind, serde_json::to_string(item).unwrap())
    }
    let topic = Topic::new(Kind::Input, app.mode);
    let mut found = Vec::new();
    for zone in (0..app.installation.city.zones.len()).map(|zone| Zone(zone as u16)) {
        let edition = app.registry.at(zone, Offset(0)).unwrap().unwrap();
        let installation = app.registry.installation(&edition).unwrap();
        let mut machine = Machine::new(&installation, zone, app.mode, app.policy);
        let mut out = Outputs::default();
        for record in records(&*app.journal, topic, Partition(zone.0)) {
            let at = machine.reach_time(Time::from_millis(record.time_ms));
            match Input::decode(record.kind, record.payload()).unwrap() {
                Input::Edition(edition) => {
                    let next = app.registry.installation(&edition).unwrap();
                    machine.adopt(at, &next, &mut out);
                }
                input @ (Input::Observations(_)
                | Input::Tick
                | Input::Device(_)
                | Input::Forecasts(_)
                | Input::Revised(_)
                | Input::Moved(_)
                | Input::Signal(_)
                | Input::Order(_)) => machine.step(at, &input, &mut out),
            }
            found.extend(out.changes.iter().map(|change| json(kind::CHANGE, change)));
            found.extend(
                out.warnings
                    .iter()
                    .map(|warning| json(kind::WARNING, warning)),
            );
            let calls = out.calls.iter().filter_map(|(_, _, call)| call.as_ref());
            found.extend(calls.map(|call| json(kind::CALL, call)));
            found.extend(out.entries.iter().map(|entry| json(kind::ENTRY, entry)));
            out.clear();
        }
    }
    found
}

/// Three starts: with other stations and another threshold at the second, as they are at the third.
async fn three_starts(folder: &Path, snapshots: Period) -> Running {
    city::write_city(folder);
    stations(folder, &["G1", "G2"]);
    let running = serve(folder, 0, snapshots, Vec::new()).await;
    for minute in 1..=40 {
        rain(&running.app, minute, &[("G1", "1.0"), ("G2", "0.2")]).await;
    }
    running.stop().await.unwrap();

    stations(folder, &["A0", "G1", "A1"]);
    let rules = folder.join("city/rules/rainstorm.toml");
    let text = fs::read_to_string(&rules).unwrap();
    let lower = text.replace(
        r#"rainfall.sum("3h") >= 50.0"#,
        r#"rainfall.sum("3h") >= 45.0"#,
    );
    assert_ne!(text, lower);
    fs::write(&rules, lower).unwrap();
    let running = serve(folder, 41, snapshots, Vec::new()).await;
    for minute in 41..=60 {
        let gauges = [("G1", "0.5"), ("A0", "0.1"), ("A1", "0.3")];
        rain(&running.app, minute, &gauges).await;
    }
    running.stop().await.unwrap();

    let running = serve(folder, 61, snapshots, Vec::new()).await;
    for minute in 61..=80 {
        rain(&running.app, minute, &[("A0", "2.0"), ("G1", "3.0")]).await;
    }
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_city_and_rule_mean_the_same_ever_after() {
    let folder = tempfile::tempdir().unwrap();
    let running = three_starts(folder.path(), NEVER).await;
    let app = &running.app;
    let city = &app.installation.city;
    // Those known keep their numbers, the one gone keeps its place, new ones follow.
    assert_eq!(city.station_ids(), ["G1", "G2", "W1", "A0", "A1"]);
    assert!(city.station(StationNo(1)).unwrap().retired);

    let before = committed(app);
    assert_eq!(before, computed(app));
    let orange = before
        .iter()
        .find(|(_, text)| text.contains(r#""to":"orange""#));
    let orange = &orange.unwrap().1;
    // 40 × 1.0 mm and 10 × 0.5 mm: the new threshold, met by the same gauge under its number.
    assert!(orange.contains(r#""subject":"G1""#), "{orange}");
    assert!(orange.contains("45"), "{orange}");
    running.stop().await.unwrap();

    // The same with snapshots between, and input deleted before the older of the two.
    let other = tempfile::tempdir().unwrap();
    let running = three_starts(other.path(), OFTEN).await;
    let app = &running.app;
    assert_eq!(before, committed(app));
    let input = Topic::new(Kind::Input, Mode::Actual);
    let journal = &*app.journal;
    // While one is written the other stands alone.
    let mut both = None;
    for _ in 0..200 {
        let mut generations = Generations::new(Mode::Actual, Owner::Zone(Zone(0)));
        let newer = generations.load(journal).unwrap();
        both = newer.zip(generations.load(journal).unwrap());
        if both.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (newer, older) = both.unwrap();
    let first = journal.first(input, DISTRICT).unwrap();
    assert!(first > Offset(60) && first <= older.positions[0]);
    assert!(older.positions[0] < newer.positions[0]);
    running.stop().await.unwrap();
}

/// Without a snapshot that serves, a zone does not begin in the middle of its input.
#[tokio::test(flavor = "multi_thread")]
async fn a_zone_does_not_begin_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    three_starts(folder, OFTEN).await.stop().await.unwrap();
    let options = journal::Options {
        reserve_bytes: 0,
        ..journal::Options::default()
    };
    let journal = DiskJournal::open(&folder.join("journal"), options).unwrap();
    let zone = Zone(0);
    for generation in [0u8, 1] {
        let mut batch = Batch::new(0, Priority::Vital);
        let topic = Topic::actual(Kind::Snapshots);
        batch.append(
            topic,
            Partition(zone.0),
            1,
            &[1, generation],
            b"of another version",
        );
        journal.submit(batch).unwrap().await.unwrap();
    }
    assert!(
        journal
            .first(Topic::actual(Kind::Input), Partition(zone.0))
            .unwrap()
            > Offset(0)
    );
    drop(journal);
    let running = serve(folder, 81, OFTEN, Vec::new()).await;
    let mut failure = None;
    for _ in 0..200 {
        failure = running.app.failure.lock().clone();
        if failure.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let failure = failure.unwrap();
    assert!(failure.contains("no snapshot can be used"), "{failure}");
}

/// A person's number stays theirs, and a number that is free is given to nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn recipients_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let number = |app: &App, id: &str| app.installation.directory.contact(id).map(|c| c.recipient);
    let versions = || fs::read_dir(folder.join("directory")).unwrap().count();
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    let (owner, head) = (number(&running.app, "P1"), number(&running.app, "P2"));
    let first = running.app.installation.directory.version().to_owned();
    running.stop().await.unwrap();
    assert_eq!(versions(), 1);

    // The owner goes, somebody new stands where they stood.
    let table = folder.join("city/contacts.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replace("P1,", "P9,")).unwrap();
    let running = serve(folder, 1, NEVER, Vec::new()).await;
    assert_eq!(number(&running.app, "P2"), head);
    assert_eq!(number(&running.app, "P1"), None);
    let new = number(&running.app, "P9").unwrap();
    assert!(Some(new) != owner && Some(new) != head);
    assert_ne!(running.app.installation.directory.version(), first);
    running.stop().await.unwrap();
    assert_eq!(
        versions(),
        1,
        "the version that has the owner is gone at once"
    );

    // Somebody who joins takes nobody out: what the input of before names stays.
    let joined = text.replace("P1,", "P9,")
        + "P7,值班员,district_duty,440106000000,+8613900000031,,,zh,,1\n";
    fs::write(&table, &joined).unwrap();
    let running = serve(folder, 1, NEVER, Vec::new()).await;
    assert_eq!(number(&running.app, "P9"), Some(new));
    let second = running.app.installation.directory.version().to_owned();
    // The whole past is stepped again, the time of the owner with those who were left.
    stepped(&running.app).await;
    assert_eq!(running.app.fault(), None);
    running.stop().await.unwrap();
    assert_eq!(versions(), 2);

    // Put away, the tables are not needed any more; back again, numbers go on.
    for name in ["contacts.csv", "subscribers.csv"] {
        fs::rename(folder.join("city").join(name), folder.join(name)).unwrap();
    }
    let running = serve(folder, 2, NEVER, Vec::new()).await;
    assert_eq!(running.app.installation.directory.version(), second);
    running.stop().await.unwrap();
    let owner_again = fs::read_to_string(folder.join("contacts.csv")).unwrap();
    fs::write(&table, owner_again.replace("P9,", "P1,")).unwrap();
    fs::rename(
        folder.join("subscribers.csv"),
        folder.join("city/subscribers.csv"),
    )
    .unwrap();
    let running = serve(folder, 3, NEVER, Vec::new()).await;
    assert_eq!(number(&running.app, "P1"), owner);
    running.stop().await.unwrap();

    // Without its key nothing opens, and no other key takes its place.
    fs::remove_file(folder.join("directory.key")).unwrap();
    let error = opened(folder, Storage::default())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("put the key back"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_that_would_shift_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    running.stop().await.unwrap();
    let settings = folder.join("city/city.toml");
    let text = fs::read_to_string(&settings).unwrap();
    let whole = text.replace(r#"zone_level = "district""#, r#"zone_level = "city""#);
    assert_ne!(text, whole);
    fs::write(&settings, whole).unwrap();
    let refused = try_serve(folder, 1, NEVER, Vec::new(), Storage::default()).await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("numbers would shift"), "{error}");
}
