//! Whoever is forgotten is in no file any more, in whatever spelling, nor in anything that opens under
//! the deployment's key; a copy from before is purged when it is started beside the list.

use super::living::{somebody, subscribe};
use super::privacy::{carrier, files};
use super::*;
use crate::living::Untaken;
use crate::snapshot::{Generations, Owner};
use crate::vault::Vault;
use dispatch::directory::{Directory, Joining, open_note};
use dispatch::intent::RecipientNo;
use dispatch::ledger::{Progress, State};
use dispatch::simulator::carrier::Counts;
use model::{Order, Zone};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Of the one who subscribes; no other number has these digits.
const PHONE: u64 = 8_613_987_654_321;
const WORDS: [&str; 4] = [
    "unmistakable-id",
    "13987654321",
    "unmistakable@example.org",
    "unmistakable-token",
];
/// Of the one in the roll.
const ROLL: u64 = 8_613_900_000_013;

/// A number as somebody might have written it: text, packed digits, integers, a varint.
fn spellings(number: u64) -> Vec<Vec<u8>> {
    let digits = number.to_string();
    let mut all = vec![
        digits.as_bytes().to_vec(),
        number.to_le_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
    ];
    let mut varint = Vec::new();
    let mut rest = number;
    while rest >= 0x80 {
        varint.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    varint.push(rest as u8);
    all.push(varint);
    // Two digits in a byte, in either order, whole numbers and those of the country.
    for digits in [digits.as_str(), &digits[2..]] {
        let nibbles: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
        let pairs = nibbles.as_chunks::<2>().0;
        all.push(pairs.iter().map(|[a, b]| a << 4 | b).collect());
        all.push(pairs.iter().map(|[a, b]| b << 4 | a).collect());
    }
    all
}

/// What is looked for: words and numbers, as UTF-8 and UTF-16 and packed.
fn secrets(words: &[&str], number: u64) -> Vec<Vec<u8>> {
    let mut all = spellings(number);
    for word in words {
        all.push(word.as_bytes().to_vec());
        all.push(word.encode_utf16().flat_map(u16::to_le_bytes).collect());
        all.push(word.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    all
}

fn holds_any(bytes: &[u8], secrets: &[Vec<u8>]) -> bool {
    let mut heads = vec![false; 1 << 16];
    let head = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    secrets.iter().for_each(|secret| heads[head(secret)] = true);
    let is_here = |at: usize| {
        let rest = &bytes[at..];
        secrets.iter().any(|secret| rest.starts_with(secret))
    };
    let mut pairs = bytes.windows(2).enumerate();
    pairs.any(|(at, pair)| heads[head(pair)] && is_here(at))
}

/// Everything that a folder holds beside its tables, as it lies there and opened with its key.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut seen = Vec::new();
    let tables = folder.join("city");
    for path in files(folder)
        .into_iter()
        .filter(|path| !path.starts_with(&tables))
    {
        let bytes = fs::read(&path).unwrap();
        seen.push((path.display().to_string(), bytes));
    }
    let vault = Vault::open(&folder.join("directory"), &folder.join("directory.key")).unwrap();
    let keys = vault.person_keys().unwrap();
    let options = journal::Options::default();
    let journal = journal::DiskJournal::open(&folder.join("journal"), options).unwrap();
    for kind in Kind::ALL {
        for partition in (0..4).map(Partition) {
            let topic = Topic::actual(kind);
            for record in records(&journal, topic, partition) {
                let place = format!("{topic} {partition} {}", record.offset);
                let payload = record.payload();
                if let Ok(clear) = lz4_flex::decompress_size_prepended(payload) {
                    seen.push((place.clone(), clear));
                }
                // Under every key that anybody has.
                let opened = (0..64).filter_map(|no| open_note(keys.of(no)?, payload).ok());
                seen.extend(opened.map(|clear| (place.clone(), clear)));
                seen.push((place, payload.to_vec()));
            }
        }
    }
    for owner in [
        Owner::Zone(Zone(0)),
        Owner::Zone(Zone(1)),
        Owner::Link(Partition(0)),
    ] {
        let mut generations = Generations::new(Mode::Actual, owner);
        while let Some(found) = generations.load(&journal).unwrap() {
            seen.push((format!("snapshot of {owner:?}"), found.state));
        }
    }
    seen
}

/// What the version files of a folder say of somebody, all of them opened.
fn in_versions(folder: &Path, no: RecipientNo, id: &str) -> Vec<bool> {
    let (_, installation) = opened_city(folder);
    let vault = Vault::open(&folder.join("directory"), &folder.join("directory.key")).unwrap();
    let versions = files(&folder.join("directory"));
    let names = versions
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "sfdir"));
    names
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let opened = vault.load(&installation, &name).unwrap().directory;
            let key = [Directory::key_of(id)];
            let by_id = vault.numbers_in(&name, opened.given(), &key).unwrap();
            opened.recipient(no).is_some() || by_id[0].is_some()
        })
        .collect()
}

fn opened_city(folder: &Path) -> (PathBuf, model::City) {
    let city = folder.join("city");
    let read = crate::installation::city(&city).unwrap();
    (city, read)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

/// Warns the street by two signatures and waits until its public is told.
async fn warn(app: &Arc<App>, counts: &Counts, people: u64) {
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    eventually("owner and head are told", app, || {
        Counts::read(&counts.accepted) >= 2
    })
    .await;
    let warning = app.view.warnings().remove(0);
    for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
        let approve = Order::Approve {
            warning: model::WarningId::parse(&warning.id).unwrap(),
            revision: warning.revision,
            seen: warning.seen.clone(),
            person: person.into(),
            as_it_stands: String::new(),
        };
        assert!(app.order(Zone(0), approve).await.is_ok());
    }
    eventually("the public is told", app, || {
        Counts::read(&counts.accepted) >= 2 + people
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_the_forgotten_but_a_number_in_ledgers() {
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("deployment");
    city::write_city(folder);
    let (counts, links) = carrier().await;
    let storage = Storage {
        segment_bytes: 1 << 20,
        ..Storage::default()
    };
    let served = try_serve(folder, 0, every(2), links, storage).await;
    let running = served.unwrap();
    let app = &running.app;
    let joining = Joining {
        email: "unmistakable@example.org",
        push: "unmistakable-token",
        ..somebody("unmistakable-id", "+8613987654321")
    };
    let new = subscribe(app, &joining).await;
    let other = subscribe(app, &somebody("N2", "+8613900000031")).await;
    warn(app, &counts, 4).await;
    let number_of = |id: &str| {
        let keys = [Directory::key_of(id)];
        let (found, _) = app.registry.numbers_of(&app.directory(), &keys).unwrap();
        found[0]
    };
    let old = number_of("S1").unwrap();
    running.stop().await.unwrap();
    let backup = home.path().join("backup");
    copy(folder, &backup);
    let (subscriber, resident) = (secrets(&WORDS, PHONE), secrets(&["13900000013"], ROLL));
    let opened = everything(&backup);
    assert!(
        opened
            .iter()
            .any(|(_, bytes)| holds_any(bytes, &subscriber)),
        "the search finds what is there"
    );

    // Where it goes on, one who came since the version and one of the roll are forgotten.
    let (_, links) = carrier().await;
    let served = try_serve(folder, 2, every(2), links, storage).await;
    let running = served.unwrap();
    let app = &running.app;
    subscribe(
        app,
        &Joining {
            phone: "+8613987654321",
            ..joining
        },
    )
    .await;
    assert_eq!(app.forget("unmistakable-id").await.unwrap(), new);
    assert_eq!(app.forget("S1").await.unwrap(), old);
    let again = app.forget("S1").await;
    assert!(matches!(again, Err(Untaken::Unknown)), "nobody has that id");
    for no in [new, old] {
        assert!(app.directory().recipient(no).is_none());
    }
    assert!(app.directory().recipient(other).is_some());
    let rejoined = subscribe(app, &somebody("N3", "+8613900000032")).await;
    assert!(rejoined > other.max(new), "no number is given twice");
    report(app, 3, &[("W1", "water_depth", "0.6")]).await;
    running.stop().await.unwrap();
    for (place, bytes) in everything(folder) {
        assert!(!holds_any(&bytes, &subscriber), "somebody is in {place}");
        assert!(!holds_any(&bytes, &resident), "S1 is in {place}");
    }
    for (no, id) in [(new, "unmistakable-id"), (old, "S1")] {
        let found = in_versions(folder, no, id);
        assert!(
            !found.is_empty() && found.iter().all(|known| !known),
            "{found:?}"
        );
    }
    // That somebody was told stays, by their number.
    let journal = journal::DiskJournal::open(&folder.join("journal"), journal::Options::default());
    let journal = journal.unwrap();
    let mut told = BTreeSet::new();
    for record in records(&journal, Topic::actual(Kind::Receipts), Partition(0)) {
        for entry in Progress::decode(record.payload()).unwrap().entries {
            if let dispatch::ledger::Entry::States {
                state, recipients, ..
            } = entry
            {
                told.extend(
                    recipients
                        .into_iter()
                        .filter(|_| state == State::Accepted || state == State::Delivered),
                );
            }
        }
    }
    assert!(told.contains(&new.0) && told.contains(&old.0), "{told:?}");
    drop(journal);

    // The copy from before has them; started beside the list of now it has them no more.
    assert!(in_versions(&backup, old, "S1").contains(&true));
    fs::copy(
        folder.join("directory/forgotten"),
        backup.join("directory/forgotten"),
    )
    .unwrap();
    let running = serve(&backup, 4, NEVER, Vec::new()).await;
    let app = &running.app;
    assert!(app.directory().recipient(new).is_none());
    assert!(app.directory().recipient(other).is_some());
    let next = subscribe(app, &somebody("N4", "+8613900000033")).await;
    assert!(next > other.max(new), "no number is given twice");
    running.stop().await.unwrap();
    for (place, bytes) in everything(&backup) {
        assert!(!holds_any(&bytes, &subscriber), "somebody is in {place}");
        assert!(!holds_any(&bytes, &resident), "S1 is in {place}");
    }
    for (no, id) in [(new, "unmistakable-id"), (old, "S1")] {
        assert!(in_versions(&backup, no, id).iter().all(|known| !known));
    }
    // A start that follows finds nothing more to do.
    let running = serve(&backup, 5, NEVER, Vec::new()).await;
    assert!(running.app.directory().recipient(next).is_some());
    running.stop().await.unwrap();
}
