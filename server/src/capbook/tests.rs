//! Documents of one warning over its life, with a journal that may fail and a first one that is missed.

use super::*;
use crate::installation::Earlier;
use crate::small_city as city;
use journal::MemoryJournal;
use model::{Hazard, Mode};
use std::fmt::Write as _;

const ORDER: &str = "14时前转移到东风小学";
const TOWN: &str = "440106014000";
const OURS: &str = "44010036000000";
const WEATHER: &str = "44010041600000";

fn book() -> CapBook {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let path = folder.path().join("city/city.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let one = format!("id = \"{WEATHER}\"\n");
    let two = format!("{one}own = true\n");
    std::fs::write(&path, text.replacen(&one, &two, 1)).unwrap();
    let directory = folder.path().join("city");
    let loaded = Installation::load(&directory, None, &Earlier::default()).unwrap();
    CapBook::new(Arc::new(loaded)).unwrap()
}

fn at(minute: i64) -> Time {
    Time::from_minute(28_234_320 + minute)
}

fn act(revision: u32, event: Event, tier: Tier, words: &str) -> Warning {
    let zone = AreaCode::parse("440106000000").unwrap();
    let minute = i64::from(revision);
    let area = model::warning::AreaTier {
        tier,
        reached: tier,
        onset: at(minute),
    };
    Warning {
        id: WarningId::derive(zone, Mode::Actual, Hazard::Waterlogging, zone, at(0)),
        revision,
        event,
        mode: Mode::Actual,
        hazard: Hazard::Waterlogging,
        name: Named::default(),
        zone,
        authority: OURS.into(),
        time: at(minute),
        first_rise: at(0),
        areas: BTreeMap::from([(AreaCode::parse(TOWN).unwrap(), area)]),
        sites: BTreeMap::new(),
        rule: "waterlogging".into(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: at(minute + 180),
        signed_by: Vec::new(),
        text: if words.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([("zh".into(), words.into()), ("en".into(), words.into())])
        },
        relay: None,
    }
}

async fn publish(book: &CapBook, journal: &dyn Journal, act: &Warning) -> Result<(), CapBookError> {
    book.publish(journal, Partition(0), act, at(i64::from(act.revision)))
        .await
}

/// `msgType`, headlines, texts and what it refers to of the newest document.
fn newest(book: &CapBook) -> String {
    let inner = book.inner.read();
    let xml = &inner.documents.back().unwrap().xml;
    let mut lines = String::new();
    for line in xml.lines().map(str::trim) {
        let wanted = [
            "msgType",
            "references",
            "headline",
            "description",
            "instruction",
        ];
        if wanted
            .iter()
            .any(|name| line.starts_with(&format!("<{name}>")))
        {
            writeln!(lines, "{line}").unwrap();
        }
    }
    lines
}

/// A golden file: what a reader of the feed is told over the life of a warning with amended words.
#[tokio::test]
async fn only_what_calls_to_act_is_said_in_a_person_s_words() {
    let journal = MemoryJournal::new();
    let mut page = String::new();
    for end in [Event::Ended, Event::Cancelled] {
        let book = book();
        let acts = [
            act(1, Event::Issued, Tier::Orange, ""),
            act(2, Event::Updated, Tier::Orange, ORDER),
            act(3, Event::Updated, Tier::Red, ORDER),
            act(4, Event::Updated, Tier::Yellow, ORDER),
            // A renewal after the fall.
            act(5, Event::Updated, Tier::Yellow, ORDER),
            act(6, end, Tier::None, ORDER),
        ];
        for act in acts {
            publish(&book, &journal, &act).await.unwrap();
            let said = newest(&book);
            let is_order = said.contains(ORDER);
            assert_eq!(is_order, matches!(act.revision, 2 | 3), "{act:?}: {said}");
            if end == Event::Ended || act.revision == 6 {
                let event = act.event.name();
                writeln!(page, "==== {event} {}\n{said}", act.tier()).unwrap();
            }
        }
    }
    let path = city::root().join("testdata/golden/cap/words.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, page, "read them, then run with UPDATE_GOLDEN=1");
}

/// The first one is missed: the next is a first one, and the end can be told.
#[tokio::test]
async fn one_missed_document_does_not_silence_a_warning() {
    let (book, journal) = (book(), MemoryJournal::new());
    let second = act(2, Event::Updated, Tier::Red, "");
    publish(&book, &journal, &second).await.unwrap();
    assert!(newest(&book).contains("<msgType>Alert</msgType>"));
    publish(&book, &journal, &act(3, Event::Updated, Tier::Red, ""))
        .await
        .unwrap();
    assert!(newest(&book).contains("<msgType>Update</msgType>"));
    // Published again after an unknown outcome, in any order: nothing new.
    for again in [&second, &act(3, Event::Updated, Tier::Red, "")] {
        publish(&book, &journal, again).await.unwrap();
    }
    assert_eq!(book.inner.read().documents.len(), 2);
    let end = act(4, Event::Cancelled, Tier::None, "");
    for _ in 0..2 {
        publish(&book, &journal, &end).await.unwrap();
    }
    assert_eq!(book.inner.read().documents.len(), 3);
    assert!(newest(&book).contains("<msgType>Cancel</msgType>"));
}

/// Where nothing of ours stands there is nothing to lift, and that is said.
#[tokio::test]
async fn a_cancel_of_nothing_is_refused_with_words() {
    let (book, journal) = (book(), MemoryJournal::new());
    let end = act(2, Event::Ended, Tier::None, "");
    let refused = publish(&book, &journal, &end).await.unwrap_err();
    assert!(
        refused.to_string().contains("no document of ours stands"),
        "{refused}"
    );
}

/// Two authorities of one installation: each document under its own code, name and numbers.
#[tokio::test]
async fn each_authority_signs_its_own() {
    let (book, journal) = (book(), MemoryJournal::new());
    let ours = act(1, Event::Issued, Tier::Red, "");
    let zone = ours.zone;
    let theirs = Warning {
        id: WarningId::derive(zone, Mode::Actual, Hazard::Rainstorm, zone, at(0)),
        hazard: Hazard::Rainstorm,
        authority: WEATHER.into(),
        ..ours.clone()
    };
    for act in [&ours, &theirs] {
        publish(&book, &journal, act).await.unwrap();
    }
    let inner = book.inner.read();
    let all: Vec<(&str, &str)> = inner
        .documents
        .iter()
        .map(|document| (document.identifier.as_str(), document.sender.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            ("44010036000000_20230907120100", "sanfang@sanfang.example"),
            ("44010041600000_20230907120100", "sanfang@weather.example"),
        ]
    );
    let xml = &inner.documents[1].xml;
    assert!(xml.contains("<senderName>穗城气象台</senderName>"), "{xml}");
    assert!(!xml.contains("三防"), "{xml}");
}

#[test]
fn only_what_was_warned_has_an_all_clear() {
    let mut known = known::Known::default();
    let (town, other) = (TOWN, "440106015000");
    let mut issued = act(1, Event::Issued, Tier::Orange, "");
    let beside = model::warning::AreaTier {
        tier: Tier::None,
        reached: Tier::Orange,
        onset: at(1),
    };
    issued.areas.insert(AreaCode::parse(other).unwrap(), beside);
    let first = known.whole(&issued);
    let told = AreaCode::parse(town).unwrap();
    assert_eq!(first.areas.keys().collect::<Vec<_>>(), [&told]);
    let reference = Reference {
        sender: String::new(),
        identifier: String::new(),
        sent: at(1),
    };
    known.published(&first, reference);
    let mut ended = act(2, Event::Ended, Tier::None, "");
    ended.areas.clear();
    let last = known.whole(&ended);
    assert_eq!(last.areas.keys().collect::<Vec<_>>(), [&told]);
    assert_eq!(last.areas[&told].tier, Tier::None);
}
