//! A folder that another program looks into: a television's crawl generator, a screen's player.
//!
//! Each warning has two files: `ID.json` with all that is said of it, and `ID.txt` with the lines alone. A
//! file is written beside its place and moved there, so that nobody reads half of one; what follows, and
//! the end too, takes its place.

use super::{Proof, Receipt};
use model::{AreaCode, SendError, Time, WarningId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a file of ours that are read again.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Things said of one warning at once; of more the one that ends first gives way.
const ITEMS_MAX: usize = 64;

/// A folder as configured.
#[derive(Clone, Debug)]
pub struct FileDrop {
    folder: PathBuf,
}

/// What is said of a warning in some areas.
#[derive(Clone, Debug)]
pub struct FileNotice<'a> {
    /// The warning.
    pub warning: WarningId,
    /// Its revision: what is older changes nothing.
    pub revision: u32,
    /// Where.
    pub areas: &'a [AreaCode],
    /// Until when it is worth showing.
    pub until: Time,
    /// True where it ends what was said.
    pub is_end: bool,
    /// Lines in the order in which they run.
    pub lines: Vec<&'a str>,
    /// The words and everything about them.
    pub item: Value,
}

/// What a file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Held {
    items: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    revision: u32,
    areas: BTreeSet<AreaCode>,
    /// Seconds since the epoch.
    until_s: i64,
    ends: bool,
    lines: Vec<String>,
    said: Value,
}

impl FileDrop {
    /// A folder that is there.
    ///
    /// # Errors
    /// It is not, or is no folder.
    pub fn new(folder: &Path) -> Result<Self, std::io::Error> {
        if !fs::metadata(folder)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// Puts `notice` among what is said of its warning. A repeat changes nothing.
    ///
    /// # Errors
    /// Permanent where it is too late; transient where the folder does not take it.
    pub fn put(&self, notice: &FileNotice<'_>, at: Time) -> Result<Receipt, SendError> {
        if at >= notice.until {
            return Err(SendError::Permanent("it is past its not-after".into()));
        }
        let failed = |error: std::io::Error| {
            SendError::Transient(format!("{}: {error}", self.folder.display()))
        };
        let name = notice.warning.to_string();
        let mut held = self.held(&name).map_err(failed)?;
        merge(&mut held, notice, at);
        let lines = held.items.iter().flat_map(|item| &item.lines);
        let mut text: String = lines.flat_map(|line| [line.as_str(), "\n"]).collect();
        if text.is_empty() {
            text.push('\n');
        }
        // Plain types written to memory cannot fail.
        let json = serde_json::to_vec_pretty(&held).unwrap_or_default();
        self.replace(&format!("{name}.txt"), text.as_bytes())
            .map_err(failed)?;
        self.replace(&format!("{name}.json"), &json)
            .map_err(failed)?;
        Ok(Receipt {
            reference: name,
            proof: Proof::Accepted,
        })
    }

    /// What stands; one that somebody else made unreadable begins anew.
    fn held(&self, name: &str) -> Result<Held, std::io::Error> {
        let file = self.folder.join(format!("{name}.json"));
        let mut bytes = Vec::new();
        match fs::File::open(&file) {
            Ok(open) => open
                .take(FILE_BYTES_MAX)
                .read_to_end(&mut bytes)
                .map(drop)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Held::default()),
            Err(error) => return Err(error),
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "begun anew");
            Held::default()
        }))
    }

    /// The folder's readers see the file before or the one after.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), std::io::Error> {
        let beside = self.folder.join(format!(".{name}.part"));
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, self.folder.join(name))
    }
}

fn merge(held: &mut Held, notice: &FileNotice<'_>, at: Time) {
    held.items.retain(|item| at.seconds() < item.until_s);
    if held
        .items
        .iter()
        .any(|item| item.revision > notice.revision)
    {
        return;
    }
    let areas: BTreeSet<AreaCode> = notice.areas.iter().copied().collect();
    for item in &mut held.items {
        if item.revision == notice.revision && item.said == notice.item {
            return;
        }
        item.areas.retain(|area| !areas.contains(area));
    }
    held.items.retain(|item| !item.areas.is_empty());
    held.items.push(Item {
        revision: notice.revision,
        areas,
        until_s: notice.until.seconds(),
        ends: notice.is_end,
        lines: notice
            .lines
            .iter()
            .map(|line| line.replace('\n', " "))
            .collect(),
        said: notice.item.clone(),
    });
    while held.items.len() > ITEMS_MAX {
        let ends = held.items.iter().enumerate();
        let Some((first, _)) = ends.min_by_key(|(_, item)| item.until_s) else {
            return;
        };
        held.items.remove(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(drop: &FileDrop, revision: u32, areas: &[u32], line: &str, is_end: bool) {
        let codes: Vec<AreaCode> = areas
            .iter()
            .map(|no| AreaCode::parse(&format!("44010600{no:04}")).unwrap())
            .collect();
        let notice = FileNotice {
            warning: WarningId::parse(&format!("{:024x}", 1)).unwrap(),
            revision,
            areas: &codes,
            until: Time::from_seconds(1_000),
            is_end,
            lines: vec![line],
            item: json!({ "revision": revision, "line": line }),
        };
        drop.put(&notice, Time::from_seconds(10)).unwrap();
    }

    fn read(folder: &Path) -> (String, Value, usize) {
        let name = format!("{:024x}", 1);
        let text = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        let json = fs::read(folder.join(format!("{name}.json"))).unwrap();
        let files = fs::read_dir(folder).unwrap().count();
        (text, serde_json::from_slice(&json).unwrap(), files)
    }

    #[test]
    fn what_follows_takes_the_place_of_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let drop = FileDrop::new(folder.path()).unwrap();
        put(&drop, 1, &[1, 2], "rain in two places", false);
        put(&drop, 1, &[1, 2], "rain in two places", false);
        let (text, _, files) = read(folder.path());
        assert_eq!(
            (text.as_str(), files),
            ("rain in two places\n", 2),
            "said once, nothing beside it"
        );
        put(&drop, 2, &[2], "flood in one", false);
        let (text, json, _) = read(folder.path());
        assert_eq!(text, "rain in two places\nflood in one\n");
        assert_eq!(json["items"][0]["areas"], json!(["440106000001"]));
        put(&drop, 1, &[2], "late", false);
        assert!(
            !read(folder.path()).0.contains("late"),
            "an older revision changes nothing"
        );
        put(&drop, 3, &[1, 2], "it is over", true);
        let (text, json, _) = read(folder.path());
        assert_eq!(text, "it is over\n");
        assert_eq!(json["items"][0]["ends"], true);
    }

    #[test]
    fn a_file_that_somebody_spoilt_begins_anew_and_no_folder_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let drop = FileDrop::new(folder.path()).unwrap();
        fs::write(folder.path().join(format!("{:024x}.json", 1)), "{").unwrap();
        put(&drop, 1, &[1], "rain", false);
        assert_eq!(read(folder.path()).0, "rain\n");
        assert!(FileDrop::new(&folder.path().join("nowhere")).is_err());
    }
}
