//! Keys of people who changed since the directory's version was made.
//!
//! What the journal says of each of them is sealed under a key of their own, and all of these lie in
//! one sealed file beside the version files. To forget somebody is to write that file without
//! their key: what the journal still holds of them opens under no key that there is.

use super::{Vault, VaultError, file, fresh, write_private};
use dispatch::directory::{open_note, seal_note};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// The file, in the folder of versions.
const FILE: &str = "people.keys";
/// Purpose of the key that it is sealed under.
const PURPOSE: &str = "keys of people";
/// Bytes of a number and of a key.
const NUMBER: usize = 4;
const KEY: usize = 32;

/// Keys by number.
#[derive(Default)]
pub(crate) struct PersonKeys(BTreeMap<u32, [u8; KEY]>);

impl PersonKeys {
    /// Somebody's key.
    pub(crate) fn of(&self, no: u32) -> Option<&[u8; KEY]> {
        self.0.get(&no)
    }

    /// Somebody's key, a new one where they have none.
    pub(crate) fn give(&mut self, no: u32) -> Result<[u8; KEY], VaultError> {
        if let Some(known) = self.0.get(&no) {
            return Ok(*known);
        }
        let key = fresh()?;
        self.0.insert(no, key);
        Ok(key)
    }

    /// Lets go of somebody's key.
    pub(crate) fn take(&mut self, no: u32) {
        self.0.remove(&no);
    }
}

impl Vault {
    /// The keys that are on disk: of nobody where there is no file.
    pub(crate) fn person_keys(&self) -> Result<PersonKeys, VaultError> {
        let path = self.keys_path();
        let sealed = match std::fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(PersonKeys::default());
            }
            Err(error) => return Err(file(&path, error)),
        };
        let clear = open_note(&self.derive(PURPOSE), &sealed);
        let clear = clear.map_err(|why| VaultError::Seal { path, why })?;
        let (each, _) = clear.as_chunks::<{ NUMBER + KEY }>();
        let keys = each.iter().filter_map(|each| {
            let (no, key) = each.split_first_chunk::<NUMBER>()?;
            Some((u32::from_le_bytes(*no), key.try_into().ok()?))
        });
        Ok(PersonKeys(keys.collect()))
    }

    /// Keeps these keys in the place of those on disk; they are there once this returns.
    pub(crate) fn keep_person_keys(&self, keys: &PersonKeys) -> Result<(), VaultError> {
        let path = self.keys_path();
        if keys.0.is_empty() && !path.exists() {
            return Ok(());
        }
        let mut clear = Vec::with_capacity(keys.0.len() * (NUMBER + KEY));
        for (no, key) in &keys.0 {
            clear.extend_from_slice(&no.to_le_bytes());
            clear.extend_from_slice(key);
        }
        let sealed = seal_note(&self.derive(PURPOSE), &clear);
        let sealed = sealed.map_err(|why| VaultError::Seal {
            path: path.clone(),
            why,
        })?;
        write_private(&path, |out| {
            out.write_all(&sealed).map_err(|why| file(&path, why))
        })
    }

    fn keys_path(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}
