//! The recipients' directory of an installation: the tables of people, read where they changed.

use super::{EarlierPeople, Faulty, is_error, located, whole};
use dispatch::directory::{self, Directory, Loaded, Numbers, ParquetFile, Roll};
use model::City;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Faulty rows of people said in words; all of them are counted.
const FAULTS_SAID: usize = 3;

/// Tables of people.
pub(crate) const CONTACTS: &str = "contacts.csv";
pub(crate) const SUBSCRIBERS: [&str; 2] = ["subscribers.csv", "subscribers.parquet"];

/// The roll of a folder; the name of the first kind where there is none.
fn roll(folder: &Path) -> Result<PathBuf, Faulty> {
    let [csv, parquet] = SUBSCRIBERS.map(|name| folder.join(name));
    match (csv.exists(), parquet.exists()) {
        (true, true) => {
            let what = "subscribers.csv is there too";
            Err(whole(&parquet, what, "keep one of the two"))
        }
        (false, true) => Ok(parquet),
        (true | false, false) => Ok(csv),
    }
}

/// A version of the recipients' directory to start with.
pub(super) struct PeopleAfter {
    pub(super) directory: Arc<Directory>,
    /// Of a version that is new.
    pub(super) numbers: Option<Numbers>,
    /// Hash of the tables it comes from.
    pub(super) source: String,
}

/// The recipients' directory after `earlier`, and the hash of the tables it comes from. Where the
/// tables have not changed, or have been put away, the version in force stays.
pub(super) fn people_after(
    folder: &Path,
    city: &City,
    earlier: Option<&EarlierPeople>,
) -> Result<PeopleAfter, Faulty> {
    let stays = |earlier: &EarlierPeople, source: String| {
        if earlier.directory.changes() == 0 {
            return PeopleAfter {
                directory: Arc::clone(&earlier.directory),
                numbers: earlier.is_new.then(|| Numbers::clone(&earlier.numbers)),
                source,
            };
        }
        let before = directory::Earlier {
            directory: &earlier.directory,
            numbers: &earlier.numbers,
        };
        let folded = Directory::folded(city, before, &[]);
        folded
            .faults
            .iter()
            .for_each(|fault| tracing::warn!("{fault}"));
        PeopleAfter {
            directory: Arc::new(folded.directory),
            numbers: Some(folded.numbers),
            source,
        }
    };
    let tables = [folder.join(CONTACTS), roll(folder)?];
    let is_there = tables.iter().any(|path| path.exists());
    let same_city = earlier.filter(|earlier| earlier.city == city.hash());
    if let (false, Some(earlier)) = (is_there, same_city) {
        return Ok(stays(earlier, earlier.source.clone()));
    }
    let source = hash_of(&tables).map_err(|error| missing(folder, &error))?;
    if let Some(earlier) = same_city.filter(|earlier| earlier.source == source) {
        return Ok(stays(earlier, source));
    }
    let before = earlier.map(|earlier| directory::Earlier {
        directory: &earlier.directory,
        numbers: &earlier.numbers,
    });
    let loaded = people(folder, city, before)?;
    Ok(PeopleAfter {
        directory: Arc::new(loaded.directory),
        numbers: Some(loaded.numbers),
        source,
    })
}

fn hash_of(tables: &[PathBuf]) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    for path in tables {
        let mut file = std::fs::File::open(path)?;
        hash.update(file.metadata()?.len().to_le_bytes());
        std::io::copy(&mut file, &mut hash)?;
    }
    Ok(hex::encode(hash.finalize()))
}

fn missing(path: &Path, error: &std::io::Error) -> Faulty {
    let remedy =
        "an empty table is a header line alone; after a change of the city both are needed";
    whole(path, &error.to_string(), remedy)
}

/// Contacts and subscribers of `directory`, with the numbers of `earlier`. Bad rows are said and
/// left out.
pub(crate) fn people(
    folder: &Path,
    city: &City,
    earlier: Option<directory::Earlier<'_>>,
) -> Result<Loaded, Faulty> {
    let loaded = tables(folder, city, earlier, &mut |rows| {
        tracing::info!(rows, "reading the subscribers");
    })?;
    let errors: Vec<_> = loaded
        .faults
        .iter()
        .filter(|fault| is_error(fault))
        .collect();
    for fault in errors.iter().take(FAULTS_SAID) {
        tracing::warn!("{fault}");
    }
    if errors.len() > FAULTS_SAID {
        tracing::warn!(
            "… and {} more rows were left out",
            errors.len() - FAULTS_SAID
        );
    }
    Ok(loaded)
}

/// Contacts and subscribers of `directory`, with the numbers of `earlier` and every fault of their
/// rows; `watch` hears now and then how many subscribers were read.
pub(crate) fn tables(
    folder: &Path,
    city: &City,
    earlier: Option<directory::Earlier<'_>>,
    watch: &mut dyn FnMut(u64),
) -> Result<Loaded, Faulty> {
    let open = |path: &Path| std::fs::File::open(path).map_err(|error| missing(path, &error));
    let contacts = open(&folder.join(CONTACTS))?;
    let path = roll(folder)?;
    let file = open(&path)?;
    let roll = if path.extension().is_some_and(|ending| ending == "parquet") {
        let remedy = "write it again as Parquet, or as subscribers.csv";
        let opened = ParquetFile::new(file).map_err(|error| whole(&path, &error, remedy))?;
        Roll::Parquet(opened)
    } else {
        Roll::Csv(file)
    };
    let mut loaded = Directory::read_roll(city, contacts, roll, earlier, watch)
        .map_err(|faults| Faulty(located(folder, faults)))?;
    loaded.faults = located(folder, loaded.faults);
    Ok(loaded)
}
