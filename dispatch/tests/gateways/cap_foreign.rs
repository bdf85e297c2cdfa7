//! Documents of others, real and made: what must be read is read, what must be refused is refused.

use crate::peers::skipped;
use dispatch::gateway::cap::feed;
use dispatch::gateway::cap::read::read_element;
use dispatch::gateway::cap::tree::TreeError;
use dispatch::gateway::cap::{Cover, ReadError, read};
use model::signal::SignalKind;
use model::{AreaCode, Hazard, Signal, Tier};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn nowhere(_: Cover<'_>) -> Vec<AreaCode> {
    Vec::new()
}

/// Files of a directory by name; empty, and loud, where the data is not there.
fn files(directory: &str) -> BTreeMap<String, Vec<u8>> {
    let path = crate::peers::repository()
        .join("../shared/data/cap")
        .join(directory);
    let Ok(entries) = std::fs::read_dir(&path) else {
        skipped(&format!("../shared/data/cap/{directory} is missing"));
        return BTreeMap::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path: PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn every_oasis_example_is_read() {
    for (name, bytes) in files("oasis-examples") {
        let result = read(&bytes, &nowhere);
        // The fourth is the AMBER alert, the first the Homeland Security advisory.
        let signals = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!signals[0].identifier.is_empty(), "{name}");
        assert!(!signals[0].texts.is_empty(), "{name}");
    }
}

#[test]
fn cap_1_0_spells_pairs_with_an_equals_sign() {
    let examples = files("oasis-examples");
    for name in [
        "v1dot0_appendix_adot2.xml",
        "v1dot1_appendix_adot2.xml",
        "v1dot2_appendix_adot2.xml",
    ] {
        let Some(bytes) = examples.get(name) else {
            return;
        };
        let shapes = std::cell::Cell::new(0);
        let ask = |cover: Cover<'_>| {
            if let Cover::Shape(shape) = cover {
                shapes.set(shapes.get() + 1);
                assert_eq!(shape.exterior().0.first().unwrap().y, 38.47, "{name}");
            }
            vec![]
        };
        let signal = read(bytes, &ask).unwrap().remove(0);
        assert_eq!(signal.tier, Tier::Orange, "{name}");
        assert_eq!(signal.hazard, Some(Hazard::ThunderGale), "{name}");
        assert_eq!(shapes.get(), 1, "{name}");
    }
}

#[test]
fn real_alerts() {
    let real = files("real");
    if real.is_empty() {
        return;
    }
    let mut signals: BTreeMap<String, Vec<Signal>> = BTreeMap::new();
    for (name, bytes) in &real {
        match name.as_str() {
            "google-xee.cap" => {
                assert_eq!(read(bytes, &nowhere), Err(ReadError::Xml(TreeError::Dtd)));
            }
            "google-amber.atom" => {
                let feed = feed::read(bytes).unwrap();
                let alert = feed.entries[0].alert.as_ref().unwrap();
                let signal = read_element(alert, &nowhere).unwrap().remove(0);
                assert_eq!(signal.event, "Child Abduction");
                assert_eq!(signal.hazard, None);
            }
            _ => {
                let read = read(bytes, &nowhere);
                let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
                signals.insert(name.clone(), read);
            }
        }
    }
    let first = |name: &str| signals[name][0].clone();
    let signed = first("google-earthquake_signed.cap");
    assert_eq!(
        signed.sender_name,
        "CISN Northern California Management Center"
    );
    assert_eq!(signed.tier, Tier::None);
    let latin = first("google-earthquake-iso8859-1.cap");
    let desc = &latin.area_desc[0];
    assert!(!desc.contains('\u{fffd}') && !desc.contains('Ã'), "{desc}");
    let blizzard = first("nws-5c2cf27b1f56885d61654dc47fa411d5.xml");
    assert_eq!(
        (blizzard.tier, blizzard.kind),
        (Tier::Orange, SignalKind::Alert)
    );
    let cancels = signals.values().filter(|s| s[0].kind == SignalKind::Cancel);
    for cancel in cancels {
        assert!(!cancel[0].references.is_empty());
    }
}

#[test]
fn odd_feeds() {
    let feeds = files("feeds");
    if feeds.is_empty() {
        return;
    }
    let read = |name: &str| feed::read(&feeds[name]);
    let entries = |name: &str| read(name).unwrap_or_else(|e| panic!("{name}: {e}")).entries;
    assert_eq!(
        read("google-xee.atom").unwrap_err(),
        feed::FeedError::Xml(TreeError::Dtd)
    );
    assert!(entries("google-no_entries.atom").is_empty());
    assert!(entries("google-empty_weather_index.atom").is_empty());
    let no_id = &entries("google-no_id.atom")[0];
    assert!(no_id.id.is_empty() && no_id.title.starts_with("Air Quality"));
    let no_link = &entries("google-no_link.atom")[0];
    assert!(no_link.link.is_none() && !no_link.id.is_empty());
    let no_title = &entries("google-no_title.atom")[0];
    assert!(no_title.title.is_empty());
    let quake = &entries("google-earthquake_index.atom")[0];
    assert_eq!(
        quake.link.as_deref(),
        Some("http://earthquake.usgs.gov/earthquakes/catalogs/cap/us2010apcd"),
        "the CAP link, not the page"
    );
    let nws = entries("nws_atom_feed_example.xml");
    assert_eq!(nws.len(), 163);
    assert!(nws.iter().all(|e| e.link.is_some() && e.updated.is_some()));
}
