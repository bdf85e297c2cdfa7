//! Version files of the recipients' directory: sealed under the deployment's key, immutable, named
//! by their content hash (semantics §35, §37).
//!
//! The tables of the city directory are the import: a changed table makes the next version, whose
//! numbers go on from the one before. This is the one place that asks the system for randomness.

mod forgotten;
mod keys;

use dispatch::directory::{Directory, Numbers, Opened, SealError, SealKey, numbers_in};
use dispatch::intent::RecipientNo;
use model::City;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What version files end in.
const ENDING: &str = "sfdir";
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The folder of version files and the key they are sealed under.
#[derive(Clone)]
pub(crate) struct Vault {
    folder: PathBuf,
    key: SealKey,
}

/// Why a version cannot be kept or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// A file or folder.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's answer.
        why: std::io::Error,
    },
    /// The key file is there and cannot be read.
    #[error("{path}: {why}; it holds two lines: id = \"NAME\" and key = \"64 hexadecimal digits\"")]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Version files without their key.
    #[error(
        "{path} is missing, and {folder} holds versions that were sealed under it: put the key \
         back from its copy"
    )]
    KeyGone {
        /// Where the key should be.
        path: PathBuf,
        /// Where the versions are.
        folder: PathBuf,
    },
    /// The list of the forgotten.
    #[error("{path}:{line}: not a number of a recipient; a line has one number")]
    List {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: u32,
    },
    /// A version file.
    #[error("{path}: {why}")]
    Seal {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: SealError,
    },
}

/// The key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    /// What version files name it by.
    id: String,
    /// 256 bits, hexadecimal.
    key: String,
}

impl Vault {
    /// Opens the folder, making it, and the key where neither it nor any version is there yet.
    pub(crate) fn open(folder: &Path, key_file: &Path) -> Result<Self, VaultError> {
        std::fs::create_dir_all(folder).map_err(|why| file(folder, why))?;
        let vault = |key| Self {
            folder: folder.to_owned(),
            key,
        };
        match std::fs::read_to_string(key_file) {
            Ok(text) => Ok(vault(parse(key_file, &text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !versions(folder)?.is_empty() {
                    return Err(VaultError::KeyGone {
                        path: key_file.to_owned(),
                        folder: folder.to_owned(),
                    });
                }
                Ok(vault(make_key(key_file)?))
            }
            Err(error) => Err(file(key_file, error)),
        }
    }

    /// A key for another purpose, derived from the deployment's.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        self.key.derive(purpose)
    }

    /// The directory of that version, for the city it was made for.
    pub(crate) fn load(&self, city: &City, version: &str) -> Result<Opened, VaultError> {
        let path = self.path(version);
        let from = File::open(&path).map_err(|why| file(&path, why))?;
        Directory::open(city, &self.key, from).map_err(|why| VaultError::Seal { path, why })
    }

    /// The numbers of some ids, by their hashes, in a version that gave so many.
    pub(crate) fn numbers_in(
        &self,
        version: &str,
        given: u32,
        keys: &[u64],
    ) -> Result<Vec<Option<RecipientNo>>, VaultError> {
        let path = self.path(version);
        let mut from = File::open(&path).map_err(|why| file(&path, why))?;
        numbers_in(&mut from, &self.key, given, keys).map_err(|why| VaultError::Seal { path, why })
    }

    /// Keeps a version with its numbers; on disk once this returns.
    pub(crate) fn keep(&self, directory: &Directory, numbers: &Numbers) -> Result<(), VaultError> {
        let path = self.path(directory.version());
        if path.exists() {
            return Ok(());
        }
        let seal = |why| VaultError::Seal {
            path: path.clone(),
            why,
        };
        write_private(&path, |out| {
            directory.seal(numbers, &self.key, out).map_err(seal)
        })
    }

    /// Removes every version but `needed`.
    pub(crate) fn retain(&self, needed: &BTreeSet<&str>) -> Result<(), VaultError> {
        for path in versions(&self.folder)? {
            let name = path.file_stem().map(|name| name.to_string_lossy());
            if name.is_some_and(|name| !needed.contains(name.as_ref())) {
                std::fs::remove_file(&path).map_err(|why| file(&path, why))?;
            }
        }
        Ok(())
    }

    fn path(&self, version: &str) -> PathBuf {
        self.folder.join(format!("{version}.{ENDING}"))
    }
}

fn versions(folder: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let entries = std::fs::read_dir(folder).map_err(|why| file(folder, why))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .collect())
}

fn parse(path: &Path, text: &str) -> Result<SealKey, VaultError> {
    let wrong = |why: String| VaultError::Key {
        path: path.to_owned(),
        why,
    };
    let read: KeyFile = toml::from_str(text).map_err(|error| wrong(error.message().to_owned()))?;
    let bytes = hex::decode(&read.key).map_err(|error| wrong(format!("key: {error}")))?;
    let bytes: [u8; KEY_BYTES] = bytes
        .try_into()
        .map_err(|_| wrong("key: not 64 digits".into()))?;
    Ok(SealKey::new(&read.id, bytes))
}

/// A key that nobody can foresee.
fn fresh() -> Result<[u8; KEY_BYTES], VaultError> {
    let mut bytes = [0; KEY_BYTES];
    let random = Path::new("/dev/urandom");
    File::open(random)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|why| file(random, why))?;
    Ok(bytes)
}

fn make_key(path: &Path) -> Result<SealKey, VaultError> {
    let bytes = fresh()?;
    // A name that says which key it is and nothing of the key.
    let mut id = hex::encode(Sha256::digest(bytes));
    id.truncate(8);
    let text = format!("id = \"{id}\"\nkey = \"{}\"\n", hex::encode(bytes));
    write_private(path, |out| {
        out.write_all(text.as_bytes())
            .map_err(|why| file(path, why))
    })?;
    tracing::warn!(
        path = %path.display(),
        "made a key for the recipients' directory: keep a copy apart from this machine"
    );
    Ok(SealKey::new(&id, bytes))
}

/// A file that only its owner reads: whole under its name, or not there.
fn write_private(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let draft = path.with_extension("draft");
    let at = |why| file(path, why);
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(at)?;
    write(&mut out)?;
    out.sync_all().map_err(at)?;
    std::fs::rename(&draft, path).map_err(at)?;
    match path.parent() {
        Some(folder) if folder != Path::new("") => {
            let folder = File::open(folder).map_err(at)?;
            folder.sync_all().map_err(at)
        }
        Some(_) | None => Ok(()),
    }
}

fn file(path: &Path, why: std::io::Error) -> VaultError {
    VaultError::File {
        path: path.to_owned(),
        why,
    }
}
