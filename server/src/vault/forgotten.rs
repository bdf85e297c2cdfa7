//! The list of those who were forgotten: numbers alone, one a line.
//!
//! A copy of the journal and of the folder from before somebody was forgotten knows nothing of it.
//! Whoever is on the list beside it is taken out at the start, so that a restore is given the newest list.

use super::{Vault, VaultError, file, write_private};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// The list, in the folder of versions.
const FILE: &str = "forgotten";

impl Vault {
    /// Everybody on the list; nobody where there is none.
    pub(crate) fn forgotten(&self) -> Result<BTreeSet<u32>, VaultError> {
        let path = self.list_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(file(&path, error)),
        };
        let mut numbers = BTreeSet::new();
        for (line, at) in text.lines().zip(1..) {
            let number = line.trim();
            if number.is_empty() {
                continue;
            }
            let number = number.parse().map_err(|_| VaultError::List {
                path: path.clone(),
                line: at,
            })?;
            numbers.insert(number);
        }
        Ok(numbers)
    }

    /// Adds somebody to the list; they are on it on disk once this returns.
    pub(crate) fn note_forgotten(&self, no: u32) -> Result<(), VaultError> {
        let mut numbers = self.forgotten()?;
        if !numbers.insert(no) {
            return Ok(());
        }
        let lines = numbers.iter().map(|no| format!("{no}\n"));
        let text: String = lines.collect();
        let path = self.list_path();
        write_private(&path, |out| {
            out.write_all(text.as_bytes())
                .map_err(|why| file(&path, why))
        })
    }

    fn list_path(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}
