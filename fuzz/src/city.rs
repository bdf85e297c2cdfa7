//! The city directory: one file is the input, its neighbours are sound.

use dispatch::directory::{Directory, ParquetFile, Roll, Shape};
use model::{City, Fault};
use std::sync::LazyLock;

const SETTINGS: &str = include_str!("../corpus/settings/little.toml");
const AREAS: &str = include_str!("../corpus/areas/little.geojson");
const STATIONS: &str = include_str!("../corpus/stations/little.csv");
const SITES: &str = include_str!("../corpus/sites/little.csv");
const CONTACTS: &str = include_str!("../corpus/contacts/little.csv");

/// Larger inputs only take longer.
const BYTES_MAX: usize = 1 << 16;

static LITTLE: LazyLock<City> = LazyLock::new(|| {
    let read = City::read(sound, &[]);
    read.unwrap_or_else(|faults| panic!("the corpus' own city: {faults:?}"))
});

/// A sound little city.
pub(crate) fn city() -> &'static City {
    &LITTLE
}

fn sound(name: &str) -> Option<Vec<u8>> {
    let text = match name {
        "city.toml" => SETTINGS,
        "areas.geojson" => AREAS,
        "stations.csv" => STATIONS,
        "sites.csv" => SITES,
        _ => return None,
    };
    Some(text.as_bytes().to_vec())
}

/// Faults say what and where; a city that is read can be checked.
fn read(fuzzed: &str, bytes: &[u8]) {
    if bytes.len() > BYTES_MAX {
        return;
    }
    let file = |name: &str| {
        if name == fuzzed {
            return Some(bytes.to_vec());
        }
        sound(name)
    };
    match City::read(file, &[]) {
        Ok(city) => {
            say(&city.check());
            assert_eq!(city.hash().len(), 64);
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}

/// Every fault names its file and has a remedy.
pub(crate) fn say(faults: &[Fault]) {
    for fault in faults {
        assert!(!fault.file.is_empty() && !fault.what.is_empty(), "{fault}");
        assert!(!fault.remedy.is_empty(), "{fault}");
    }
}

pub(crate) fn settings(bytes: &[u8]) {
    read("city.toml", bytes);
}

pub(crate) fn areas(bytes: &[u8]) {
    read("areas.geojson", bytes);
}

pub(crate) fn stations(bytes: &[u8]) {
    read("stations.csv", bytes);
}

pub(crate) fn sites(bytes: &[u8]) {
    read("sites.csv", bytes);
}

pub(crate) fn contacts(bytes: &[u8]) {
    let none: &[u8] = b"id,lon,lat,phone,language,audience\n";
    people(bytes, none);
}

pub(crate) fn subscribers(bytes: &[u8]) {
    people(CONTACTS.as_bytes(), bytes);
}

/// A roll as Parquet: no file, or refused with a word, or read as far as it is sound.
pub(crate) fn roll(bytes: &[u8]) {
    if bytes.len() > BYTES_MAX {
        return;
    }
    let file = ParquetFile::new(bytes::Bytes::copy_from_slice(bytes));
    let Ok(file) = file.inspect_err(|word| assert!(!word.is_empty())) else {
        return;
    };
    let roll = Roll::<&[u8]>::Parquet(file);
    match Directory::read_roll(city(), CONTACTS.as_bytes(), roll, None, &mut |_| {}) {
        Ok(loaded) => say(&loaded.faults),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}

/// A drawn place comes back from what is written of it, or is refused with a word.
pub(crate) fn drawn(bytes: &[u8]) {
    match serde_json::from_slice::<Shape>(bytes) {
        Ok(shape) => {
            let written = serde_json::to_vec(&shape).unwrap_or_default();
            let again = serde_json::from_slice::<Shape>(&written);
            assert_eq!(again.map(|again| again.hash()).ok(), Some(shape.hash()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Who is read has a number of their own; the same tables again give the same version.
fn people(contacts: &[u8], subscribers: &[u8]) {
    if contacts.len() + subscribers.len() > BYTES_MAX {
        return;
    }
    match Directory::read(city(), contacts, subscribers, None) {
        Ok(loaded) => {
            say(&loaded.faults);
            let again = Directory::read(city(), contacts, subscribers, None);
            let again = again.map(|again| again.directory.version().to_owned());
            assert_eq!(again.ok().as_deref(), Some(loaded.directory.version()));
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}
