//! Nothing personal is in the journal, nor on disk in the clear.

use super::*;
use crate::snapshot::{Generations, Owner};
use dispatch::gateway::sms::{LinkConfig, Secret};
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts};
use model::order::Answer;
use model::{Order, Zone};
use std::path::PathBuf;
use std::sync::Arc;

/// Phones, names and addresses of the street, as tables and messages write them.
const PERSONAL: [&str; 6] = [
    "13900000010",
    "13900000011",
    "13900000013",
    "13900000014",
    "涵洞主",
    "owner@example.org",
];

pub(super) async fn carrier() -> (Arc<Counts>, Links) {
    let config = CarrierConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        receipt_after: Some(Span::from_millis(5)),
        ..CarrierConfig::default()
    };
    let carrier = Carrier::bind(config, Time::default).await.unwrap();
    let link = LinkConfig {
        addresses: vec![carrier.address().to_string()],
        account: "test".into(),
        password: Secret("test".into()),
        ..LinkConfig::default()
    };
    let counts = carrier.counts();
    tokio::spawn(carrier.serve());
    let sms = LinkKind::Sms(Box::new(link), 0);
    (counts, vec![("sms".into(), sms)])
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

pub(super) fn holds(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|part| part == words.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let contacts = folder.join("city/contacts.csv");
    let text = fs::read_to_string(&contacts).unwrap();
    fs::write(&contacts, text.replace("C1,,zh", "C1,owner@example.org,zh")).unwrap();
    let (counts, links) = carrier().await;
    let storage = Storage {
        segment_bytes: 1 << 20,
        ..Storage::default()
    };
    let served = try_serve(folder, 0, every(2), links, storage).await;
    let running = served.unwrap();
    let app = &running.app;
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    eventually("owner and head are told", app, || {
        Counts::read(&counts.accepted) >= 2
    })
    .await;
    let warning = app.view.warnings().remove(0);
    let id = model::WarningId::parse(&warning.id).unwrap();
    for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
        let approve = Order::Approve {
            warning: id,
            revision: warning.revision,
            seen: warning.seen.clone(),
            person: person.into(),
            as_it_stands: String::new(),
        };
        let done = app.order(Zone(0), approve).await;
        assert!(done.is_ok(), "{done:?}: {warning:?}");
    }
    eventually("the public is told", app, || {
        Counts::read(&counts.accepted) >= 4 && Counts::read(&counts.receipts_taken) >= 4
    })
    .await;
    let answer = Order::Answer {
        warning: id,
        contact: "P1".into(),
        answer: Answer::Received,
        note: String::new(),
        channel: None,
        noted_by: String::new(),
        said: app.clock.now(),
    };
    assert!(app.order(Zone(0), answer).await.is_ok());
    for minute in 2..8 {
        report(app, minute, &[("W1", "water_depth", "0.6")]).await;
    }
    let journal = Arc::clone(&app.journal);
    running.stop().await.unwrap();

    // What is packed is looked at unpacked.
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    for kind in Kind::ALL {
        let topic = Topic::actual(kind);
        for partition in (0..4).map(Partition) {
            for record in records(&*journal, topic, partition) {
                let place = format!("{topic} {partition} {}", record.offset);
                let clear = lz4_flex::decompress_size_prepended(record.payload());
                let known = kind == Kind::Registry && clear.is_ok();
                seen.push((place.clone(), record.payload().to_vec()));
                if known {
                    seen.push((place, clear.unwrap()));
                }
            }
        }
    }
    let owners = [
        Owner::Zone(Zone(0)),
        Owner::Zone(Zone(1)),
        Owner::Link(Partition(0)),
        Owner::Screens(Zone(0)),
        Owner::Screens(Zone(1)),
    ];
    let mut snapshots = 0;
    for owner in owners {
        let mut generations = Generations::new(Mode::Actual, owner);
        while let Some(found) = generations.load(&*journal).unwrap() {
            snapshots += 1;
            seen.push((format!("snapshot of {owner:?}"), found.state));
        }
    }
    assert!(snapshots >= 4, "{snapshots} snapshots");
    drop(journal);
    for path in files(&folder.join("journal"))
        .into_iter()
        .chain(files(&folder.join("directory")))
    {
        let bytes = fs::read(&path).unwrap();
        seen.push((path.display().to_string(), bytes));
    }
    assert!(
        seen.iter().any(|(_, bytes)| holds(bytes, "东风涵洞")),
        "the search finds what is there"
    );
    for (place, bytes) in &seen {
        for words in PERSONAL {
            assert!(!holds(bytes, words), "{words} in {place}");
        }
    }
}
