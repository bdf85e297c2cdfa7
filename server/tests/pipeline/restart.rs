//! A process that is killed after it took snapshots goes on as one that was never disturbed.

use super::small::{Centre, OWNER, Served, eventually, pause, warnings};
use super::{depth, minutes_ago, number};
use journal::{DiskJournal, Journal, Kind, Offset, Partition, Topic};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// No message centre is there: nobody is told, which changes no warning.
const NO_CENTRE: u16 = 1;

fn situations(served: &Served) -> Value {
    serde_json::from_str(&served.get("/v1/situations").1).unwrap()
}

/// How far snapshots and the input's beginning have come in a journal nobody serves.
fn positions(folder: &Path) -> (Offset, Offset) {
    let options = journal::Options {
        reserve_bytes: 0,
        ..journal::Options::default()
    };
    let journal = DiskJournal::open(&folder.join("journal"), options).unwrap();
    let snapshots = journal
        .end(Topic::actual(Kind::Snapshots), Partition(0))
        .unwrap();
    let input = journal
        .first(Topic::actual(Kind::Input), Partition(0))
        .unwrap();
    (snapshots, input)
}

fn rain(minutes: i64, mm: &str) -> String {
    format!(
        r#"{{"station":"G1","parameter":"rainfall","time":"{}","value":{mm},"unit":"mm"}}"#,
        minutes_ago(minutes)
    )
}

fn serve_again(served: &mut Served) {
    served.start_again();
    served.ready().unwrap();
}

#[test]
fn killed_after_snapshots_it_warns_as_if_undisturbed() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [calm, killed] = &folders;
    let calm = Served::start(calm.path(), NO_CENTRE);
    let mut served = Served::start(killed.path(), NO_CENTRE);
    served.kill();
    let file = killed.path().join("sanfang.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("snapshot_inputs = 3\n{text}")).unwrap();
    serve_again(&mut served);
    let depths = [
        "0.02", "0.06", "0.06", "0.10", "0.16", "0.16", "0.20", "0.30", "0.31", "0.45", "0.55",
        "0.60",
    ];
    for (step, metres) in depths.iter().enumerate() {
        let minute = 13 - i64::try_from(step).unwrap();
        let body = format!("{}\n{}", depth(minute, metres), rain(minute, "3.1"));
        for server in [&calm, &served] {
            assert_eq!(server.post("/v1/observations", None, &body).0, 202);
        }
        eventually("both find the same", || {
            let found = situations(&calm);
            let risen = step == 0 || found.as_array().is_some_and(|found| !found.is_empty());
            risen && found == situations(&served) && warnings(&calm) == warnings(&served)
        });
        // A snapshot is gone on with between inputs: there is time for each of them.
        (0..6).for_each(|_| pause());
        if [4, 7, 10].contains(&step) {
            // The second one deletes what came before the first.
            eventually("two snapshots are whole", || {
                let (_, text) = served.get("/metrics");
                let counts = text.lines().filter_map(|line| {
                    let of_zone = line.starts_with("sanfang_snapshots_total{");
                    let count = line.rsplit(' ').next().filter(|_| of_zone)?;
                    count.parse::<u64>().ok()
                });
                counts.max() >= Some(2)
            });
            served.kill();
            let (snapshots, input) = positions(killed.path());
            assert!(snapshots > Offset(2), "two generations: {snapshots}");
            assert!(input > Offset(0), "input before the older one is gone");
            serve_again(&mut served);
        }
    }
    eventually("both warn the same", || {
        let all = warnings(&calm);
        all == warnings(&served)
            && all
                .as_array()
                .unwrap()
                .iter()
                .any(|warning| warning["tier"] == "red")
    });
}

#[test]
fn what_was_planned_is_told_though_the_directory_changed_meanwhile() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path(), NO_CENTRE);
    assert_eq!(
        served.post("/v1/observations", None, &depth(1, "0.6")).0,
        202
    );
    eventually("a message waits for a centre", || {
        let (_, body) = served.request("GET", "/v1/deliveries", Some("token-chen"), "");
        let all: Value = serde_json::from_str(&body).unwrap();
        let mut all = all.as_array().unwrap().iter();
        all.any(|d| d["channel"] == "sms" && d["planned"].as_u64() > Some(0))
    });
    served.kill();
    let contacts = folder.path().join("city/contacts.csv");
    let text = fs::read_to_string(&contacts).unwrap();
    let new = "P9,Nine,village_head,440106014000,+8613900000099,,,zh,,1\n";
    fs::write(&contacts, text + new).unwrap();
    let file = folder.path().join("sanfang.toml");
    let text = fs::read_to_string(&file).unwrap();
    let there = text.replace("127.0.0.1:1\"", &format!("127.0.0.1:{}\"", centre.port));
    assert_ne!(text, there);
    fs::write(&file, there).unwrap();
    serve_again(&mut served);
    eventually("the owner is told", || {
        let taken = centre.taken();
        taken.iter().any(|(to, _)| to == number(OWNER))
    });
}
